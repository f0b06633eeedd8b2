internal import ExactArithmetic

/// Lays out a specification file in one way: what it means, its comments and its order stay as they are.
///
/// - Expressions have single spaces around signs and between a number and its unit, and none elsewhere: `0 ms <= p99`,
///   `5..95 percent`, `2 * (p50 - p99)`. Numbers stay as written.
/// - There are no spaces at the ends of lines or inside the ends of `{…}` and `[…]`, no blank lines at the beginning or
///   end and not two in a row; lines end with LF, the last one too.
public enum SpecificationFormatter {
  /// The keys of which every text is an expression, or a list of them.
  private static let expressionKeys: Set<String> = [
    "domain", "values", "over", "tolerance", "per", "min", "max", "assume", "when", "where", "then", "always",
    "for-each",
  ]

  private struct Replacement {
    let place: Place
    let text: [Unicode.Scalar]
  }

  /// The file's text in the one layout.
  /// - Throws: ``SpecificationError`` when the bytes are not a specification.
  public static func formatted(_ bytes: [UInt8], path: String) throws(SpecificationError) -> String {
    let before = try Specification.parse(bytes, path: path)
    let source = try SourceText(bytes: bytes, path: path)
    var replacements: [Replacement] = []
    collect(try SyntaxReader(source: source).read(), isExpression: false, into: &replacements)
    var lines = source.lines
    // From the end of each line, so that the columns of the others stay right.
    for replacement in replacements.sorted(by: { ($0.place.line, $0.place.column) > ($1.place.line, $1.place.column) })
    {
      let start = replacement.place.column - 1
      let line = replacement.place.line - 1
      lines[line].replaceSubrange(start..<(start + replacement.place.length), with: replacement.text)
    }
    let text = laidOut(lines)
    // Whatever YAML makes of the new text, it must say the same; otherwise the old layout was needed.
    guard let after = try? Specification.parse(text: text, path: path), after.says(before) else { return source.text }
    return text
  }

  private static func collect(_ node: SyntaxNode, isExpression: Bool, into result: inout [Replacement]) {
    switch node.content {
    case .text(let text, let start):
      guard isExpression, let start, let canonical = canonical(text), canonical != text else { return }
      result.append(Replacement(place: start, text: Array(canonical.unicodeScalars)))
    case .list(let items):
      for item in items { collect(item, isExpression: isExpression, into: &result) }
    case .mapping(let entries):
      for entry in entries {
        collect(entry.value, isExpression: isExpression || expressionKeys.contains(entry.key), into: &result)
      }
    }
  }

  /// An expression with the spaces that it should have; nil when it is none.
  static func canonical(_ text: String) -> String? {
    guard let tokens = try? Token.scan(text) else { return nil }
    let scalars = Array(text.unicodeScalars)
    var result = ""
    var previous: Token.Kind?
    var isUnary = false
    for (index, token) in tokens.enumerated() {
      if token.kind == .end { break }
      let span = token.span
      let word = SourceText.string(scalars[span.offset..<(span.offset + span.length)])
      let next = tokens[min(index + 1, tokens.count - 1)].kind
      // A quotient of units is one word: 1/s, req/s. A number below is a division.
      func isUnitSlash(_ kind: Token.Kind?, before next: Token.Kind) -> Bool {
        if kind == .sign("/"), case .name = next { true } else { false }
      }
      let isGlued =
        previous == nil || isUnary || previous == .sign("(") || token.kind == .sign(")") || token.kind == .sign("..")
        || previous == .sign("..") || isUnitSlash(token.kind, before: next) || isUnitSlash(previous, before: token.kind)
      if !isGlued { result += " " }
      result += word
      isUnary = false
      if token.kind == .sign("-") {
        switch previous {
        case nil: isUnary = true
        case .sign(let sign): isUnary = sign != ")"
        case .number, .name, .end: break
        }
        if previous == .name("and") { isUnary = true }
      }
      previous = token.kind
    }
    return result
  }

  private static func laidOut(_ lines: [[Unicode.Scalar]]) -> String {
    var result: [String] = []
    for line in lines {
      let padded = withoutPadding(line)
      let end = padded.lastIndex { $0 != " " && $0 != "\t" }.map { $0 + 1 } ?? 0
      let text = SourceText.string(padded[..<end])
      if text.isEmpty, result.last.map(\.isEmpty) ?? true { continue }
      result.append(text)
    }
    while result.last?.isEmpty == true { result.removeLast() }
    return result.joined(separator: "\n") + "\n"
  }

  /// The line without spaces behind `{` and `[` or before `}` and `]`, outside quotes and comments.
  private static func withoutPadding(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var quote: Unicode.Scalar?
    for (index, scalar) in line.enumerated() {
      if let open = quote {
        if scalar == open { quote = nil }
        result.append(scalar)
        continue
      }
      let isFirst = result.allSatisfy { $0 == " " }
      if scalar == "#", index == 0 || line[index - 1] == " " || line[index - 1] == "\t" {
        return result + line[index...]
      }
      // A quote opens a text only where a text can begin.
      if scalar == "\"" || scalar == "'", result.last.map({ " {[,:-".unicodeScalars.contains($0) }) ?? true {
        quote = scalar
      }
      if scalar == " ", let last = result.last, last == "{" || last == "[" { continue }
      if scalar == "}" || scalar == "]", !isFirst {
        while result.last == " " { result.removeLast() }
      }
      result.append(scalar)
    }
    return result
  }
}

extension Specification {
  /// Whether another file says the same in the same order, `about` texts included.
  fileprivate func says(_ other: Specification) -> Bool {
    canonicalText == other.canonicalText && features.map(\.about) == other.features.map(\.about)
      && outputs.map(\.about) == other.outputs.map(\.about)
      && properties.map(\.id) == other.properties.map(\.id)
      && properties.map(\.about) == other.properties.map(\.about)
      && properties.map(\.statement) == other.properties.map(\.statement)
  }
}
