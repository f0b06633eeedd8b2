internal import BigInt
internal import ExactArithmetic

/// Formulas, read with a stack of their own: the depth of a file is no depth of calls.
extension VNNLIBReader {
  private enum Operator {
    case and, or, not
    case less, lessEqual, greater, greaterEqual, equal, notEqual
    case plus, minus, times, divide

    var takesFormulas: Bool {
      switch self {
      case .and, .or, .not: true
      default: false
      }
    }

    var isComparison: Bool {
      switch self {
      case .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual: true
      default: false
      }
    }
  }

  /// Σ coefficient · variable + constant while it is being added up.
  private struct Sum {
    var coefficients: [Int: Rational] = [:]
    var constant = Rational.zero
    var isConstant: Bool { coefficients.isEmpty }
  }

  private enum Value {
    case sum(Sum)
    case formula(LinearFormula)
  }

  /// An operator and what it has been applied to so far.
  private struct Frame {
    let kind: Operator
    let token: VNNLIBToken
    var formulas: [LinearFormula] = []
    /// The sum, difference, product or quotient so far; of a comparison the left side, then left − right.
    var sum = Sum()
    /// Of a product: its constant factors.
    var factor = Rational.one
    var count = 0
  }

  mutating func readFormula() throws(SpecificationError) -> LinearFormula {
    guard token.kind == .open else {
      throw failure(
        .syntax, at: token, "\(lexer.shown(token)) where a formula belongs", fix: "write a comparison such as (<= a b)")
    }
    var stack: [Frame] = []
    // Each turn takes a token.
    while true {
      let start = token
      let value: Value
      switch token.kind {
      case .open:
        guard stack.count < VNNLIBQuery.maximumDepth else {
          throw failure(
            .tooLarge, at: start, "more than \(VNNLIBQuery.maximumDepth) parentheses in each other",
            fix: "write sums and conjunctions with many operands: (+ a b c …)")
        }
        try take()
        stack.append(try readOperator())
        continue
      case .word:
        if Self.isNumber(lexer.bytes[start.range]) {
          value = .sum(Sum(constant: try readNumber()))
        } else {
          value = .sum(Sum(coefficients: [try readVariable(): .one]))
        }
      case .close:
        guard let frame = stack.popLast() else {
          throw failure(.syntax, at: start, "')' where a formula belongs", fix: "delete it")
        }
        try take()
        value = try reduce(frame)
        if stack.isEmpty {
          guard case .formula(let formula) = value else {
            throw failure(
              .form, at: frame.token, "an arithmetic expression where a formula belongs", fix: "compare it: (<= a b)")
          }
          return formula
        }
      case .end:
        throw failure(
          .syntax, at: stack.last?.token ?? start, "this formula has no end", fix: "close it with ')'")
      default:
        throw failure(
          .syntax, at: start, "\(lexer.shown(start)) where an operand belongs", fix: "write a number, a variable or '('"
        )
      }
      guard var frame = stack.popLast() else {
        throw failure(.syntax, at: start, "an operand outside a formula", fix: "write (assert (…))")
      }
      try apply(&frame, to: value, at: start)
      stack.append(frame)
    }
  }

  private mutating func readOperator() throws(SpecificationError) -> Frame {
    let token = try expect(.word, "an operator")
    let text = lexer.text(token)
    let kind: Operator
    switch (text, version) {
    case ("and", _): kind = .and
    case ("or", _): kind = .or
    case ("not", .one): kind = .not
    case ("<", _): kind = .less
    case ("<=", _): kind = .lessEqual
    case (">", _): kind = .greater
    case (">=", _): kind = .greaterEqual
    case ("==", _), ("=", .one): kind = .equal
    case ("!=", _): kind = .notEqual
    case ("+", _): kind = .plus
    case ("-", _): kind = .minus
    case ("*", _): kind = .times
    case ("/", .one): kind = .divide
    case ("=", .two): throw failure(.syntax, at: token, "'=' is not an operator of VNN-LIB 2", fix: "write ==")
    case ("not", .two):
      throw failure(.syntax, at: token, "'not' is not an operator of VNN-LIB 2", fix: "write the opposite comparison")
    case ("/", .two):
      throw failure(
        .syntax, at: token, "'/' is not an operator of VNN-LIB 2", fix: "multiply the other side of the comparison")
    default:
      throw failure(
        .syntax, at: token, "\(lexer.shown(token)) is not an operator",
        fix: "use and, or, <, <=, >, >=, ==, !=, +, - or *")
    }
    return Frame(kind: kind, token: token)
  }

  // MARK: Numbers

  /// Whether a word is meant as a number: a digit, or a sign and a digit or point, at its beginning.
  private static func isNumber(_ word: ArraySlice<UInt8>) -> Bool {
    func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
    let second = word.dropFirst().first
    switch word.first {
    case UInt8(ascii: "-"), UInt8(ascii: "+"): return isDigit(second) || second == UInt8(ascii: ".")
    case UInt8(ascii: "."): return true
    default: return isDigit(word.first)
    }
  }

  private mutating func readNumber() throws(SpecificationError) -> Rational {
    let token = try take()
    // Longer texts are not numbers to Rational either, and are not copied for that.
    guard token.range.count <= Rational.maximumTextLength, !lexer.bytes[token.range].contains(UInt8(ascii: "/")),
      let number = Rational(text: lexer.text(token))
    else {
      throw failure(
        .syntax, at: token, "\(lexer.shown(token)) is not a number",
        fix: "write a decimal such as -0.25 or 1e-3, exponents up to ±\(Rational.maximumDecimalExponent)")
    }
    return number
  }

  private mutating func check(_ number: Rational, _ token: VNNLIBToken) throws(SpecificationError) {
    guard number.numerator.magnitude.bitWidth <= VNNLIBQuery.maximumNumberBits,
      number.denominator.magnitude.bitWidth <= VNNLIBQuery.maximumNumberBits
    else {
      throw failure(
        .tooLarge, at: token, "a number of more than \(VNNLIBQuery.maximumNumberBits) bits", fix: "use shorter numbers")
    }
  }

  private mutating func spend(_ count: Int, _ token: VNNLIBToken) throws(SpecificationError) {
    work += count
    guard work <= Self.maximumWork else {
      throw failure(.tooLarge, at: token, "too much arithmetic for one file", fix: "write the sums out")
    }
  }

  // MARK: Operators

  private mutating func apply(_ frame: inout Frame, to value: Value, at token: VNNLIBToken) throws(SpecificationError) {
    frame.count += 1
    switch value {
    case .formula(let formula):
      guard frame.kind.takesFormulas else {
        throw failure(
          .form, at: token, "a formula where a number belongs",
          fix: "\(lexer.shown(frame.token)) takes numbers and variables")
      }
      switch (frame.kind, formula) {
      // A conjunction within a conjunction is one conjunction.
      case (.and, .all(let parts)), (.or, .any(let parts)): frame.formulas += parts
      default: frame.formulas.append(formula)
      }
    case .sum(let sum):
      guard !frame.kind.takesFormulas else {
        throw failure(
          .form, at: token, "a number where a formula belongs", fix: "\(lexer.shown(frame.token)) takes comparisons")
      }
      switch frame.kind {
      case .times:
        if sum.isConstant {
          frame.factor *= sum.constant
          try check(frame.factor, token)
        } else if frame.sum.isConstant {
          frame.sum = sum
        } else {
          throw failure(
            .notSupported, at: frame.token, "a product of variables is not linear",
            fix: "only linear arithmetic is supported: multiply by numbers")
        }
      case .divide:
        if frame.count == 1 {
          frame.sum = sum
        } else {
          guard sum.isConstant, !sum.constant.isZero else {
            throw failure(.notSupported, at: token, "the divisor must be a number other than zero", fix: "change it")
          }
          frame.factor *= sum.constant.reciprocal
          try check(frame.factor, token)
        }
      default:
        if frame.count == 1 {
          frame.sum = sum
        } else {
          try add(sum, to: &frame.sum, isNegative: frame.kind != .plus, token)
        }
      }
    }
  }

  /// Adds the shorter sum to the longer one.
  private mutating func add(
    _ other: Sum, to sum: inout Sum, isNegative: Bool, _ token: VNNLIBToken
  ) throws(SpecificationError) {
    var other = other
    if isNegative { try scale(&other, by: Rational(-1), token) }
    if other.coefficients.count > sum.coefficients.count { swap(&other, &sum) }
    try spend(other.coefficients.count + 1, token)
    sum.constant += other.constant
    try check(sum.constant, token)
    for (variable, coefficient) in other.coefficients {
      let total = (sum.coefficients[variable] ?? .zero) + coefficient
      try check(total, token)
      sum.coefficients[variable] = total.isZero ? nil : total
    }
  }

  private mutating func scale(_ sum: inout Sum, by factor: Rational, _ token: VNNLIBToken) throws(SpecificationError) {
    try spend(sum.coefficients.count + 1, token)
    sum.constant *= factor
    try check(sum.constant, token)
    guard !factor.isZero else {
      sum.coefficients = [:]
      return
    }
    for (variable, coefficient) in sum.coefficients {
      let product = coefficient * factor
      try check(product, token)
      sum.coefficients[variable] = product
    }
  }

  private mutating func reduce(_ frame: Frame) throws(SpecificationError) -> Value {
    var frame = frame
    let token = frame.token
    func require(_ range: ClosedRange<Int>, _ words: String) throws(SpecificationError) {
      guard range.contains(frame.count) else {
        throw failure(
          .syntax, at: token, "\(lexer.shown(token)) has \(frame.count) operand\(frame.count == 1 ? "" : "s")",
          fix: "give it \(words)")
      }
    }
    switch frame.kind {
    case .and:
      try require(1...Int.max, "one or more")
      return .formula(frame.formulas.count == 1 ? frame.formulas[0] : .all(frame.formulas))
    case .or:
      try require(1...Int.max, "one or more")
      return .formula(frame.formulas.count == 1 ? frame.formulas[0] : .any(frame.formulas))
    case .not:
      try require(1...1, "one")
      return .formula(frame.formulas[0].negated)
    case .plus:
      try require(1...Int.max, "one or more")
      return .sum(frame.sum)
    case .minus:
      try require(1...Int.max, "one or more")
      if frame.count == 1 { try scale(&frame.sum, by: Rational(-1), token) }
      return .sum(frame.sum)
    case .times:
      try require(1...Int.max, "one or more")
      if frame.sum.isConstant { return .sum(Sum(constant: frame.factor)) }
      try scale(&frame.sum, by: frame.factor, token)
      return .sum(frame.sum)
    case .divide:
      try require(2...2, "two")
      try scale(&frame.sum, by: frame.factor, token)
      return .sum(frame.sum)
    case .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual:
      try require(2...2, "two")
      comparisons += 1
      guard comparisons <= VNNLIBQuery.maximumComparisons else {
        throw failure(
          .tooLarge, at: token, "more than \(VNNLIBQuery.maximumComparisons) comparisons", fix: "split the query")
      }
      // left − right
      let form = SparseForm(frame.sum.coefficients, constant: frame.sum.constant)
      switch frame.kind {
      case .less: return .formula(Self.atom(-form, isStrict: true))
      case .lessEqual: return .formula(Self.atom(-form, isStrict: false))
      case .greater: return .formula(Self.atom(form, isStrict: true))
      case .greaterEqual: return .formula(Self.atom(form, isStrict: false))
      case .equal:
        return .formula(.all([Self.atom(form, isStrict: false), Self.atom(-form, isStrict: false)]))
      default: return .formula(.any([Self.atom(form, isStrict: true), Self.atom(-form, isStrict: true)]))
      }
    }
  }

  /// A comparison of numbers is decided at once.
  private static func atom(_ form: SparseForm, isStrict: Bool) -> LinearFormula {
    let atom = LinearAtom(form, isStrict: isStrict)
    guard form.isConstant else { return .atom(atom) }
    return atom.holds(at: []) ? .all([]) : .any([])
  }
}
