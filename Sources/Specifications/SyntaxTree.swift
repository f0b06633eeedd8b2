internal import Yams

/// A node of the YAML text: texts, lists and mappings with their places, and nothing else of YAML.
package struct SyntaxNode {
  package struct Entry {
    package let key: String
    /// The place of the key.
    package let place: Place
    package let value: SyntaxNode
  }

  package enum Content {
    /// A text; `start` is the place of its first character when the file holds it unchanged on one line, else nil
    /// (escapes, folded and literal blocks).
    case text(String, start: Place?)
    case list([SyntaxNode])
    case mapping([Entry])
  }

  package let place: Place
  package let content: Content

  /// What the node is, for messages.
  package var kind: String {
    switch content {
    case .text(let text, _): text.isEmpty ? "nothing" : "a text"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The deepest nesting that is read.
  static let maximumDepth = 8
}

/// Reads the YAML subset of the language. Yams does the parsing; what it would expand or reinterpret is refused.
package struct SyntaxReader {
  let source: SourceText
  /// The line that a file begins with, for messages.
  let beginning: String

  package init(source: SourceText, beginning: String = "spec: vpals/v1") {
    self.source = source
    self.beginning = beginning
  }

  /// The root node.
  /// - Throws: ``SpecificationError`` with one diagnostic.
  package func read() throws(SpecificationError) -> SyntaxNode {
    try refuseAnchors()
    try refuseCollectionsAsKeys()
    let node: Node?
    do {
      node = try Yams.compose(yaml: source.text, .basic, .default, .utf8)
    } catch let error as YamlError {
      throw SpecificationError([diagnostic(error)])
    } catch {
      throw SpecificationError([
        source.diagnostic(.yaml, at: Place(line: 1, column: 1), "the file is not readable as YAML")
      ])
    }
    guard let node else {
      throw SpecificationError([
        source.diagnostic(
          .shape, at: Place(line: 1, column: 1), "the file is empty", fix: "begin it with '\(beginning)'")
      ])
    }
    return try convert(node, depth: 0)
  }

  /// Refuses what could be an anchor before YAML sees it.
  ///
  /// An anchor is `&` and a letter, digit, `_` or `-`, at the beginning of a token; it never follows a letter or
  /// digit. Without anchors no alias can be expanded, so the tree is no larger than the text. In quoted texts and
  /// comments the rule refuses more than YAML would; a space after `&` is the way out.
  private func refuseAnchors() throws(SpecificationError) {
    func isWord(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isASCII
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
    }
    for (index, line) in source.lines.enumerated() {
      if line.first == "%" {
        throw SpecificationError([
          source.diagnostic(
            .construct, at: Place(line: index + 1, column: 1, length: line.count),
            "YAML directives are not part of the language", fix: "delete the line")
        ])
      }
      for column in line.indices.dropLast() where line[column] == "&" && isWord(line[column + 1]) {
        if column > 0, isWord(line[column - 1]), line[column - 1] != "-" { continue }
        let length = 1 + line[(column + 1)...].prefix(while: isWord).count
        throw SpecificationError([
          source.diagnostic(
            .construct, at: Place(line: index + 1, column: column + 1, length: length),
            "YAML anchors are not part of the language",
            fix: "write the value out; in a text or comment, put a space after '&'")
        ])
      }
    }
  }

  /// Refuses files in which many collections could be keys of mappings, before YAML sees them: Yams hashes every key
  /// with all that is in it, so nested keys would take time in proportion to depth times size.
  ///
  /// A collection longer than the 1024 characters of YAML's simple keys is a key only as an entry of a flow mapping
  /// without colon, where it follows `{`, `,`, a tag or a line end, or behind the sign `?`. In texts and comments, and
  /// for lists of mappings in one line, this counts more than there is.
  private func refuseCollectionsAsKeys() throws(SpecificationError) {
    var count = 0
    for (index, line) in source.lines.enumerated() {
      let hasTag = line.contains("!")
      var previous: Unicode.Scalar?
      var isAfterBlank = true
      for (column, scalar) in line.enumerated() {
        let startsToken = isAfterBlank || previous == "{" || previous == "[" || previous == ","
        let isSuspicious =
          scalar == "{" || scalar == "["
          ? previous == nil || previous == "{" || previous == "," || hasTag
          : scalar == "?" && startsToken
        if isSuspicious { count += 1 }
        guard count <= Self.maximumSuspiciousKeys else {
          throw SpecificationError([
            source.diagnostic(
              .construct, at: Place(line: index + 1, column: column + 1),
              "too many collections in one line or at the beginning of a line",
              fix: "write lists of mappings one a line, each beginning with '- '")
          ])
        }
        isAfterBlank = scalar == " " || scalar == "\t"
        if !isAfterBlank { previous = scalar }
      }
    }
  }

  private static let maximumSuspiciousKeys = 16

  private func convert(_ node: Node, depth: Int) throws(SpecificationError) -> SyntaxNode {
    let place = source.place(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    guard depth <= SyntaxNode.maximumDepth else {
      throw SpecificationError([
        source.diagnostic(.tooLarge, at: place, "more than \(SyntaxNode.maximumDepth) levels of nesting")
      ])
    }
    if source.scalar(at: place) == "!" {
      throw SpecificationError([
        source.diagnostic(
          .construct, at: place, "YAML tags are not part of the language", fix: "delete the word that begins with '!'")
      ])
    }
    switch node {
    case .scalar(let scalar):
      return text(scalar.string, at: place)
    case .sequence(let items):
      var list: [SyntaxNode] = []
      for item in items { list.append(try convert(item, depth: depth + 1)) }
      return SyntaxNode(place: place, content: .list(list))
    case .mapping(let pairs):
      var entries: [SyntaxNode.Entry] = []
      for (key, value) in pairs {
        let keyNode = try convert(key, depth: depth + 1)
        guard case .text(let name, _) = keyNode.content else {
          throw SpecificationError([
            source.diagnostic(.shape, at: keyNode.place, "a key must be a text, not \(keyNode.kind)")
          ])
        }
        entries.append(
          SyntaxNode.Entry(key: name, place: keyNode.place, value: try convert(value, depth: depth + 1)))
      }
      return SyntaxNode(place: place, content: .mapping(entries))
    case .alias:
      throw SpecificationError([
        source.diagnostic(.construct, at: place, "YAML aliases are not part of the language")
      ])
    }
  }

  private func text(_ string: String, at place: Place) -> SyntaxNode {
    let scalars = Array(string.unicodeScalars)
    let first = source.scalar(at: place)
    let isQuoted = first == "\"" || first == "'"
    let column = place.column + (isQuoted ? 1 : 0)
    var isVerbatim = source.holds(scalars, line: place.line, column: column)
    if isQuoted, isVerbatim, let first {
      isVerbatim = source.holds([first], line: place.line, column: column + scalars.count)
    }
    guard isVerbatim else { return SyntaxNode(place: place, content: .text(string, start: nil)) }
    let start = Place(line: place.line, column: column, length: scalars.count)
    let whole = Place(line: place.line, column: place.column, length: scalars.count + (isQuoted ? 2 : 0))
    return SyntaxNode(place: whole, content: .text(string, start: start))
  }

  private func diagnostic(_ error: YamlError) -> Diagnostic {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      let place = source.place(line: mark.line, column: mark.column)
      var message = "not valid YAML: \(problem)"
      if let context {
        message += ", \(context.text) at \(source.place(line: context.mark.line, column: context.mark.column))"
      }
      return source.diagnostic(.yaml, at: place, message, fix: yamlFix(problem, at: place))
    case .composer(_, let problem, let mark, _):
      let place = source.place(line: mark.line, column: mark.column)
      if problem.contains("alias") {
        return source.diagnostic(
          .construct, at: place, "YAML aliases are not part of the language",
          fix: "write the value out; quote a text that begins with '*'")
      }
      return source.diagnostic(
        .construct, at: place, "several YAML documents in one file", fix: "keep one document; delete '---'")
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let first = source.place(line: context.mark.line, column: context.mark.column, length: key.unicodeScalars.count)
      let second = repetition(of: key, after: first)
      return source.diagnostic(
        .duplicateKey, at: second ?? first, "the key '\(key)' is written more than once",
        note: second == nil ? "first written here" : "first written at \(first)", fix: "keep one of them")
    default:
      return source.diagnostic(.yaml, at: Place(line: 1, column: 1), "the file is not readable as YAML")
    }
  }

  private func yamlFix(_ problem: String, at place: Place) -> String? {
    if source.lines[place.line - 1].contains("\t") { return "indent with spaces, not tabs" }
    return problem.contains("mapping values") ? "quote a text that contains ': '" : nil
  }

  /// Where a key of a block mapping is written again: in the same column of a later line, before a line that is
  /// indented less. Nil in flow mappings.
  private func repetition(of key: String, after first: Place) -> Place? {
    let scalars = Array(key.unicodeScalars)
    guard first.line < source.lines.count else { return nil }
    for index in first.line..<source.lines.count {
      let line = source.lines[index]
      let indent = line.prefix { $0 == " " }.count
      if indent == line.count || line[indent] == "#" { continue }
      if indent < first.column - 1 { return nil }
      if indent == first.column - 1,
        source.holds(scalars + [":"], line: index + 1, column: first.column)
      {
        return Place(line: index + 1, column: first.column, length: scalars.count)
      }
    }
    return nil
  }
}
