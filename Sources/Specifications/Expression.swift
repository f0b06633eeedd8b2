internal import ExactArithmetic

/// A stretch of an expression, in scalars from its beginning.
struct Span: Hashable {
  let offset: Int
  let length: Int

  func joined(_ other: Span) -> Span {
    let start = min(offset, other.offset)
    return Span(offset: start, length: max(offset + length, other.offset + other.length) - start)
  }
}

/// Why a text is not an expression.
struct ExpressionProblem: Error {
  let code: Diagnostic.Code
  let span: Span
  let message: String
  var fix: String?
}

/// A word of an expression.
struct Token: Hashable {
  enum Kind: Hashable {
    case number(Rational)
    case name(String)
    /// `..`, `<=`, `>=`, `<`, `>`, `/`, `-`, and the signs that the language will grow into.
    case sign(String)
    case end
  }

  let kind: Kind
  let span: Span

  /// The longest number, in characters.
  static let maximumNumberLength = 64

  /// The words of `text`, the last one being `.end`.
  static func scan(_ text: String) throws(ExpressionProblem) -> [Token] {
    let scalars = Array(text.unicodeScalars)
    var tokens: [Token] = []
    var index = 0
    func isDigit(_ at: Int) -> Bool { at < scalars.count && ("0"..."9").contains(scalars[at]) }
    func isWord(_ at: Int) -> Bool {
      at < scalars.count && scalars[at].isASCII && Name.isWord(UInt8(truncatingIfNeeded: scalars[at].value))
    }
    while index < scalars.count {
      let start = index
      let scalar = scalars[index]
      if scalar == " " || scalar == "\t" {
        index += 1
        continue
      }
      if isDigit(index) {
        while isDigit(index) { index += 1 }
        if index < scalars.count, scalars[index] == "/", isDigit(index + 1) {
          index += 1
          while isDigit(index) { index += 1 }
        } else {
          if index < scalars.count, scalars[index] == ".", isDigit(index + 1) {
            index += 1
            while isDigit(index) { index += 1 }
          }
          if index < scalars.count, scalars[index] == "e" || scalars[index] == "E" {
            let signed = index + 1 < scalars.count && (scalars[index + 1] == "+" || scalars[index + 1] == "-")
            if isDigit(index + (signed ? 2 : 1)) {
              index += signed ? 2 : 1
              while isDigit(index) { index += 1 }
            }
          }
        }
        let span = Span(offset: start, length: index - start)
        let digits = SourceText.string(scalars[start..<index])
        guard span.length <= maximumNumberLength, let value = Rational(text: digits) else {
          throw ExpressionProblem(
            code: .syntax, span: span, message: "'\(Name.clipped(digits))' is not a number that can be read",
            fix:
              "write at most \(maximumNumberLength) characters, an exponent within ±\(Rational.maximumDecimalExponent)"
              + " and no zero denominator")
        }
        if isWord(index) {
          var end = index
          while isWord(end) { end += 1 }
          throw ExpressionProblem(
            code: .syntax, span: Span(offset: start, length: end - start),
            message: "'\(Name.clipped(SourceText.string(scalars[start..<end])))' is neither a number nor a name",
            fix: "put a space between a number and its unit, and none into a number")
        }
        tokens.append(Token(kind: .number(value), span: span))
        continue
      }
      if isWord(index) {
        while isWord(index) { index += 1 }
        // `x.cores`, the feature of a point; a range has two points.
        if index + 1 < scalars.count, scalars[index] == ".", isWord(index + 1), !isDigit(index + 1) {
          index += 1
          while isWord(index) { index += 1 }
        }
        let span = Span(offset: start, length: index - start)
        tokens.append(Token(kind: .name(SourceText.string(scalars[start..<index])), span: span))
        continue
      }
      let two = SourceText.string(scalars[index..<min(index + 2, scalars.count)])
      let sign = ["..", "<=", ">=", "==", "!=", "=>"].contains(two) ? two : String(scalar)
      index += sign.unicodeScalars.count
      let span = Span(offset: start, length: index - start)
      guard sign.count == 2 || "<>/-+*()=".contains(sign) else {
        throw ExpressionProblem(
          code: .syntax, span: span, message: "'\(sign)' has no meaning here",
          fix: replacement[sign].map { "write \($0)" })
      }
      tokens.append(Token(kind: .sign(sign), span: span))
    }
    tokens.append(Token(kind: .end, span: Span(offset: scalars.count, length: 1)))
    return tokens
  }

  private static let replacement = [
    "≤": "<=", "≥": ">=", "−": "-", "–": "-", "…": "..", ".": "a digit before and after a decimal point",
    "%": "percent",
    "[": "the range without brackets, as in 0..1",
  ]
}

/// A number with the unit that was written behind it.
struct Quantity: Hashable {
  struct UnitName: Hashable {
    let text: String
    let span: Span
  }

  let value: Rational
  let unit: UnitName?
  let span: Span
}

/// A summand: a quantity, or a multiple of a name, with its sign inside. Parentheses are multiplied out.
enum Term: Hashable {
  case quantity(Quantity)
  case name(String, Span, factor: Rational)

  func times(_ factor: Rational) -> Term {
    switch self {
    case .quantity(let quantity):
      .quantity(Quantity(value: quantity.value * factor, unit: quantity.unit, span: quantity.span))
    case .name(let name, let span, let own): .name(name, span, factor: own * factor)
    }
  }

  var span: Span {
    switch self {
    case .quantity(let quantity): quantity.span
    case .name(_, let span, _): span
    }
  }
}

/// One side of a comparison.
struct Sum: Hashable {
  /// At least one.
  let terms: [Term]

  var span: Span { terms.dropFirst().reduce(terms[0].span) { $0.joined($1.span) } }

  /// The sum as mathematics, numbers as they were written: `2·p50 − 3 ms`.
  var text: String {
    var text = ""
    for (index, term) in terms.enumerated() {
      let value: Rational
      var word: String
      switch term {
      case .quantity(let quantity):
        value = quantity.value
        word = DecimalText.exact(value.magnitude) + (quantity.unit.map { " " + $0.text } ?? "")
      case .name(let name, _, let factor):
        value = factor
        word = factor.magnitude == .one ? name : "\(DecimalText.exact(factor.magnitude))·\(name)"
      }
      let isNegative = value.isNegative
      text += index == 0 ? (isNegative ? "−" : "") : isNegative ? " − " : " + "
      text += word
    }
    return text
  }
}

/// `sum sign sum`, or a chain of such: one sign fewer than sums.
struct Comparison: Hashable {
  struct Sign: Hashable {
    let text: String
    let span: Span

    /// As mathematics.
    var symbol: String { ["<=": "≤", ">=": "≥", "==": "="][text] ?? text }
    /// `<` or `>`.
    var isStrict: Bool { text == "<" || text == ">" }
    /// +1 for `<` and `<=`, −1 for `>` and `>=`, 0 for `==`.
    var direction: Int { text.first == "<" ? 1 : text.first == ">" ? -1 : 0 }
  }

  let sums: [Sum]
  let signs: [Sign]

  /// Nil unless every side is one quantity or one name alone, as in `0 ms <= p99 <= 60 s`.
  var plainTerms: [Term]? {
    var terms: [Term] = []
    for sum in sums {
      guard sum.terms.count == 1 else { return nil }
      if case .name(_, _, let factor) = sum.terms[0], factor != .one { return nil }
      terms.append(sum.terms[0])
    }
    return terms
  }

  /// The comparison as mathematics.
  var text: String {
    zip(signs, sums.dropFirst()).reduce(sums[0].text) { "\($0) \($1.0.symbol) \($1.1.text)" }
  }
}

/// The grammar of one-line expressions.
///
/// ```
/// range       = quantity ".." quantity
/// amount      = quantity
/// conjunction = comparison { "and" comparison }
/// comparison  = sum sign sum { sign sum }            sign = "<=" | ">=" | "==" | "<" | ">"
/// sum         = [ "-" ] term { ( "+" | "-" ) term }
/// term        = quantity | [ number "*" ] factor { "*" number | "/" number }
/// factor      = name | "(" sum ")"                   name = word [ "." word ]
/// quantity    = [ "-" ] number [ unit ]              unit = word [ "/" word ] | "1" "/" word
/// ```
struct ExpressionParser {
  private let tokens: [Token]
  private var index = 0

  /// The longest chain of comparisons, and the longest sum.
  static let maximumSums = 8
  static let maximumTerms = 64
  /// The most comparisons in one line, and the deepest parentheses.
  static let maximumComparisons = 64
  static let maximumDepth = 16

  init(_ text: String) throws(ExpressionProblem) { tokens = try Token.scan(text) }

  // The last token is `.end` and is never passed.
  private var current: Token { tokens[index] }
  private var next: Token { tokens[min(index + 1, tokens.count - 1)] }

  private mutating func advance() { index = min(index + 1, tokens.count - 1) }

  mutating func range() throws(ExpressionProblem) -> (low: Quantity, high: Quantity) {
    let low = try quantity(expecting: "a range such as 0..1")
    guard current.kind == .sign("..") else {
      throw ExpressionProblem(
        code: .syntax, span: current.span, message: "expected '..' between the ends of a range",
        fix: "write it as low..high")
    }
    advance()
    let high = try quantity(expecting: "the upper end of the range")
    try expectEnd()
    return (low, high)
  }

  /// One quantity and nothing else.
  mutating func amount() throws(ExpressionProblem) -> Quantity {
    let result = try quantity(expecting: "a number")
    try expectEnd()
    return result
  }

  /// Comparisons joined by `and`; at least one.
  mutating func conjunction() throws(ExpressionProblem) -> [Comparison] {
    var result = [try comparison()]
    while current.kind == .name("and") {
      guard result.count < Self.maximumComparisons else {
        throw ExpressionProblem(
          code: .tooLarge, span: current.span, message: "more than \(Self.maximumComparisons) comparisons in a line",
          fix: "make it a list of comparisons")
      }
      advance()
      result.append(try comparison())
    }
    try expectEnd()
    return result
  }

  private mutating func comparison() throws(ExpressionProblem) -> Comparison {
    var sums = [Sum(terms: try sum(depth: 0))]
    var signs: [Comparison.Sign] = []
    while case .sign(let sign) = current.kind, ["<=", ">=", "<", ">", "=="].contains(sign) {
      guard sums.count < Self.maximumSums else {
        throw ExpressionProblem(
          code: .tooLarge, span: current.span, message: "more than \(Self.maximumSums) sides of a comparison",
          fix: "make it several comparisons")
      }
      signs.append(Comparison.Sign(text: sign, span: current.span))
      advance()
      sums.append(Sum(terms: try sum(depth: 0)))
    }
    guard !signs.isEmpty else {
      if current.kind != .end, current.kind != .name("and") { throw unexpected("a comparison such as <=") }
      throw ExpressionProblem(
        code: .syntax, span: current.span, message: "expected a comparison", fix: "write it as in p99 <= 60 ms")
    }
    return Comparison(sums: sums, signs: signs)
  }

  /// The terms of a sum, at most ``maximumTerms``.
  private mutating func sum(depth: Int) throws(ExpressionProblem) -> [Term] {
    var terms = try term(leading: nil, depth: depth)
    while case .sign(let sign) = current.kind, sign == "+" || sign == "-" {
      let span = current.span
      advance()
      terms += try term(leading: (sign == "-", span), depth: depth)
      guard terms.count <= Self.maximumTerms else {
        throw ExpressionProblem(
          code: .tooLarge, span: span, message: "more than \(Self.maximumTerms) terms in a sum")
      }
    }
    return terms
  }

  /// - Parameter leading: whether a minus stands before the term, and where the sign is; nil at the beginning of a sum,
  ///   where a minus is optional and a plus has no place.
  private mutating func term(leading: (isNegative: Bool, span: Span)?, depth: Int) throws(ExpressionProblem) -> [Term] {
    var isNegative = leading?.isNegative ?? false
    var start: Span?
    if leading == nil, current.kind == .sign("-") {
      isNegative = true
      start = current.span
      advance()
    }
    func whole(_ span: Span) -> Span { start?.joined(span) ?? span }
    let sign = isNegative ? Rational(-1) : .one
    if let factor = try factor(depth: depth) {
      return try scaled(factor, whole(factor.span), by: sign)
    }
    guard case .number(let number) = current.kind else { throw unexpected(Self.operand) }
    if next.kind == .sign("*") {
      let span = whole(current.span)
      advance()
      advance()
      guard let factor = try factor(depth: depth) else { throw unexpected("a name after '*'") }
      return try scaled(factor, span.joined(factor.span), by: sign * number)
    }
    let quantity = try quantity(expecting: Self.operand)
    return [
      .quantity(
        Quantity(value: quantity.value * sign, unit: quantity.unit, span: whole(quantity.span)))
    ]
  }

  private struct Factor {
    let terms: [Term]
    let span: Span
    let isName: Bool
  }

  /// A name or a sum in parentheses; nil when there is neither.
  private mutating func factor(depth: Int) throws(ExpressionProblem) -> Factor? {
    switch current.kind {
    case .name(let name) where !Self.words.contains(name):
      let span = current.span
      advance()
      return Factor(terms: [.name(name, span, factor: .one)], span: span, isName: true)
    case .sign("("):
      guard depth < Self.maximumDepth else {
        throw ExpressionProblem(
          code: .tooLarge, span: current.span, message: "more than \(Self.maximumDepth) parentheses in each other",
          fix: "multiply them out")
      }
      let start = current.span
      advance()
      let terms = try sum(depth: depth + 1)
      guard current.kind == .sign(")") else { throw unexpected("')'") }
      let span = start.joined(current.span)
      advance()
      return Factor(terms: terms, span: span, isName: false)
    default: return nil
    }
  }

  /// What stands behind a factor is multiplied in: `p99 * 2`, `(p50 + p99) / 2`.
  private mutating func scaled(_ factor: Factor, _ span: Span, by first: Rational) throws(ExpressionProblem) -> [Term] {
    var multiple = first
    var span = span
    while case .sign(let sign) = current.kind, sign == "*" || sign == "/" {
      switch next.kind {
      case .number(let number):
        advance()
        guard sign == "*" || !number.isZero else {
          throw ExpressionProblem(code: .syntax, span: current.span, message: "a division by zero")
        }
        multiple = sign == "*" ? multiple * number : multiple / number
        span = span.joined(current.span)
        advance()
        if case .name(let word) = current.kind, !Self.words.contains(word) {
          throw ExpressionProblem(
            code: .form, span: current.span, message: "a factor has no unit",
            fix: "write a plain number, and the unit behind what is compared")
        }
      case .name(let word) where !Self.words.contains(word): throw notLinear(sign, current.span)
      case .sign("("): throw notLinear(sign, current.span)
      default:
        throw ExpressionProblem(
          code: .syntax, span: current.span, message: "expected a number after '\(sign)'", fix: "write it as in 2 * p50"
        )
      }
    }
    // A name's span is that of its whole multiple; within parentheses each name keeps its own.
    if factor.isName, case .name(let name, _, _) = factor.terms[0] { return [.name(name, span, factor: multiple)] }
    return factor.terms.map { $0.times(multiple) }
  }

  private func notLinear(_ sign: String, _ span: Span) -> ExpressionProblem {
    ExpressionProblem(
      code: .form, span: span, message: "a \(sign == "*" ? "product" : "quotient") of two names is not linear",
      fix: "write sums of multiples, as in 2 * p50 - p99 <= 3 ms")
  }

  private mutating func quantity(expecting expected: String) throws(ExpressionProblem) -> Quantity {
    var span = current.span
    let isNegative = current.kind == .sign("-")
    if isNegative { advance() }
    guard case .number(let magnitude) = current.kind else { throw unexpected(expected) }
    span = span.joined(current.span)
    advance()
    let unit = try unit()
    if let unit { span = span.joined(unit.span) }
    return Quantity(value: isNegative ? -magnitude : magnitude, unit: unit, span: span)
  }

  private mutating func unit() throws(ExpressionProblem) -> Quantity.UnitName? {
    var text: String
    switch current.kind {
    case .name(let name) where !Self.words.contains(name): text = name
    case .number(.one) where next.kind == .sign("/"): text = "1"
    default: return nil
    }
    var span = current.span
    advance()
    if current.kind == .sign("/") {
      advance()
      guard case .name(let name) = current.kind else { throw unexpected("a name after '/'") }
      span = span.joined(current.span)
      text += "/" + name
      advance()
    }
    return Quantity.UnitName(text: text, span: span)
  }

  /// What stands in sums.
  private static let operand = "a number or a name"
  /// Words that are no names.
  static let words: Set<String> = ["and", "or", "not", "implies", "if", "then"]

  private func expectEnd() throws(ExpressionProblem) {
    if current.kind != .end { throw unexpected("the end of the expression") }
  }

  private func unexpected(_ expected: String) -> ExpressionProblem {
    func problem(_ message: String, fix: String?) -> ExpressionProblem {
      ExpressionProblem(code: .syntax, span: current.span, message: message, fix: fix)
    }
    switch current.kind {
    case .end: return problem("the expression ends where \(expected) should follow", fix: nil)
    case .sign("="): return problem("'=' has no meaning here", fix: "write ==, <= or >=")
    case .sign("!="):
      return problem("'!=' has no meaning here", fix: "write two properties, one with < and one with >")
    case .sign("=>"):
      return problem("'=>' has no meaning here", fix: "write what must be true before under 'when' or 'where'")
    case .sign("("), .sign(")"), .sign("+"), .sign("*"), .sign("/"):
      return problem(
        "expected \(expected)", fix: expected == Self.operand ? "write it as in 2 * (p50 - p99) <= 3 ms" : nil)
    case .name("and"): return problem("expected \(expected), not 'and'", fix: nil)
    case .name("or"):
      return problem("'or' has no meaning here", fix: "write one property for each case")
    case .name("not"):
      return problem("'not' has no meaning here", fix: "turn the comparison round, as in < for >=")
    case .name(let name) where Self.words.contains(name):
      return problem("'\(name)' has no meaning here", fix: "write what must be true before under 'when' or 'where'")
    case .name(let name): return problem("expected \(expected), not '\(Name.clipped(name))'", fix: nil)
    case .number, .sign:
      return problem(
        "expected \(expected)", fix: expected == Self.operand ? "write it as in 2 * p50 - p99 <= 3 ms" : nil)
    }
  }
}
