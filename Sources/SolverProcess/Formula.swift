internal import BigInt
public import ExactArithmetic

/// A real variable of a ``Formula``, known by its name.
public struct RealVariable: Sendable, Hashable {
  /// The longest name, in bytes.
  public static let maximumNameLength = 64

  public let name: String

  /// - Precondition: `name` is a simple symbol of SMT-LIB (version 2.6, §3.1): letters, digits, `_` and `.`, the first
  ///   one a letter. Then it needs no quoting, and no name can end an expression.
  public init(_ name: String) {
    precondition(Self.isValid(name), "'\(name)' is no name of a variable")
    self.name = name
  }

  static func isValid(_ name: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
    guard let first = name.utf8.first, isLetter(first), name.utf8.count <= maximumNameLength else { return false }
    return name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2E }
  }
}

/// Σ coefficient · variable + constant, exactly; each variable occurs once, with a coefficient that is not zero.
public struct AffineTerm: Sendable, Hashable {
  public private(set) var terms: [(variable: RealVariable, coefficient: Rational)]
  public private(set) var constant: Rational

  public init(_ variable: RealVariable) {
    terms = [(variable, .one)]
    constant = .zero
  }

  public init(_ constant: Rational) {
    terms = []
    self.constant = constant
  }

  /// Σ factor · summand + `constant`.
  public init(sum summands: [(Rational, AffineTerm)], constant: Rational = .zero) {
    var places: [RealVariable: Int] = [:]
    var sum: [(variable: RealVariable, coefficient: Rational)] = []
    var total = constant
    for (factor, summand) in summands where !factor.isZero {
      total += factor * summand.constant
      for (variable, coefficient) in summand.terms {
        if let place = places[variable] {
          sum[place].coefficient += factor * coefficient
        } else {
          places[variable] = sum.count
          sum.append((variable, factor * coefficient))
        }
      }
    }
    terms = sum.filter { !$0.coefficient.isZero }
    self.constant = total
  }

  public static func == (left: AffineTerm, right: AffineTerm) -> Bool {
    left.constant == right.constant && left.terms.elementsEqual(right.terms, by: ==)
  }

  public func hash(into hasher: inout Hasher) {
    for (variable, coefficient) in terms {
      hasher.combine(variable)
      hasher.combine(coefficient)
    }
    hasher.combine(constant)
  }

  public static func + (left: AffineTerm, right: AffineTerm) -> AffineTerm {
    AffineTerm(sum: [(.one, left), (.one, right)])
  }

  public static func - (left: AffineTerm, right: AffineTerm) -> AffineTerm {
    AffineTerm(sum: [(.one, left), (Rational(-1), right)])
  }

  public static func * (factor: Rational, term: AffineTerm) -> AffineTerm { AffineTerm(sum: [(factor, term)]) }

  public static func < (left: AffineTerm, right: AffineTerm) -> Condition { Condition("<", left, right) }
  public static func <= (left: AffineTerm, right: AffineTerm) -> Condition { Condition("<=", left, right) }
  public static func > (left: AffineTerm, right: AffineTerm) -> Condition { Condition(">", left, right) }
  public static func >= (left: AffineTerm, right: AffineTerm) -> Condition { Condition(">=", left, right) }
  public static func < (left: AffineTerm, right: Rational) -> Condition { left < AffineTerm(right) }
  public static func <= (left: AffineTerm, right: Rational) -> Condition { left <= AffineTerm(right) }
  public static func > (left: AffineTerm, right: Rational) -> Condition { left > AffineTerm(right) }
  public static func >= (left: AffineTerm, right: Rational) -> Condition { left >= AffineTerm(right) }

  /// As SMT-LIB.
  var text: String {
    var parts = terms.map {
      $0.coefficient == .one ? $0.variable.name : "(* \($0.coefficient.smtlib) \($0.variable.name))"
    }
    if !constant.isZero || parts.isEmpty { parts.append(constant.smtlib) }
    return parts.count == 1 ? parts[0] : "(+ \(parts.joined(separator: " ")))"
  }
}

/// A quantifier-free condition on real variables, as SMT-LIB text.
public struct Condition: Sendable, Hashable {
  public let text: String

  fileprivate init(_ relation: String, _ left: AffineTerm, _ right: AffineTerm) {
    text = "(\(relation) \(left.text) \(right.text))"
  }

  private init(text: String) { self.text = text }

  public static let yes = Condition(text: "true")
  public static let no = Condition(text: "false")

  /// That both have the same value.
  public static func equal(_ left: AffineTerm, _ right: AffineTerm) -> Condition { Condition("=", left, right) }

  /// The conjunction; `true` when there are no conditions.
  public static func all(_ conditions: [Condition]) -> Condition { joined("and", conditions, none: yes) }

  /// The disjunction; `false` when there are no conditions.
  public static func any(_ conditions: [Condition]) -> Condition { joined("or", conditions, none: no) }

  private static func joined(_ word: String, _ conditions: [Condition], none: Condition) -> Condition {
    guard conditions.count > 1 else { return conditions.first ?? none }
    return Condition(text: "(\(word) \(conditions.map(\.text).joined(separator: " ")))")
  }
}

/// Real variables and the conditions that they are to meet together: quantifier-free linear real arithmetic (QF_LRA).
///
/// Conditions are known by their place, not by `:named` annotations: libz3's parser turns a named assertion into an
/// implication.
public struct Formula: Sendable, Hashable {
  public private(set) var variables: [RealVariable] = []
  public private(set) var conditions: [Condition] = []
  private var names: Set<String> = []

  public init() {}

  /// A new variable.
  /// - Precondition: the formula has no variable of this name.
  public mutating func variable(_ name: String) -> AffineTerm {
    let variable = RealVariable(name)
    precondition(names.insert(name).inserted, "the formula has two variables '\(name)'")
    variables.append(variable)
    return AffineTerm(variable)
  }

  public mutating func require(_ condition: Condition) { conditions.append(condition) }

  /// A new variable that is at most `term` and at most `cap`: to maximise it is to look for a great `term`, and to be
  /// content with `cap`. It excludes no solution.
  public mutating func bounded(_ term: AffineTerm, cap: Rational?, name: String) -> RealVariable {
    let goal = variable(name)
    require(goal <= term)
    if let cap { require(goal <= cap) }
    return RealVariable(name)
  }

  /// The declarations and assertions, one a line.
  public var text: String {
    var text = ""
    for variable in variables { text += "(declare-const \(variable.name) Real)\n" }
    for condition in conditions { text += "(assert \(condition.text))\n" }
    return text
  }

  /// A whole SMT-LIB 2 script that any solver for QF_LRA reads.
  /// - Parameter comment: Lines put at the head.
  public func script(comment: String = "") -> String {
    let lines = comment.split(separator: "\n", omittingEmptySubsequences: false).map { "; \($0)\n" }
    return (comment.isEmpty ? "" : lines.joined()) + "(set-logic QF_LRA)\n" + text + "(check-sat)\n"
  }
}

extension Rational {
  /// As a term of sort Real, exactly: `2.0`, `(- 2.0)`, `(/ 2.0 3.0)`. SMT-LIB has no negative literals.
  var smtlib: String {
    let size = isInteger ? "\(numerator.magnitude).0" : "(/ \(numerator.magnitude).0 \(denominator).0)"
    return isNegative ? "(- \(size))" : size
  }
}
