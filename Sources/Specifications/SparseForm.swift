public import ExactArithmetic

/// An affine function of many variables of which few matter: Σ coefficient · x[variable] + constant.
///
/// A property in hundreds of features has as many queries, each with as many conditions: all coefficients of all of
/// them would not fit into memory.
public struct SparseForm: Sendable, Hashable {
  public struct Term: Sendable, Hashable {
    public let variable: Int
    public let coefficient: Rational

    public init(variable: Int, coefficient: Rational) {
      self.variable = variable
      self.coefficient = coefficient
    }
  }

  /// Variables ascend strictly, and no coefficient is zero.
  public let terms: [Term]
  public let constant: Rational

  /// Terms of one variable are added up.
  public init(_ terms: some Sequence<Term>, constant: Rational) {
    var sums: [Int: Rational] = [:]
    for term in terms { sums[term.variable, default: .zero] += term.coefficient }
    self.terms = sums.filter { !$0.value.isZero }.sorted { $0.key < $1.key }.map {
      Term(variable: $0.key, coefficient: $0.value)
    }
    self.constant = constant
  }

  /// A coefficient for each variable.
  public init(_ coefficients: [Int: Rational], constant: Rational = .zero) {
    self.init(coefficients.map { Term(variable: $0.key, coefficient: $0.value) }, constant: constant)
  }

  /// - Precondition: variables ascend strictly, no coefficient is zero.
  public init(terms: [Term], constant: Rational) {
    precondition(zip(terms, terms.dropFirst()).allSatisfy { $0.variable < $1.variable })
    precondition(terms.allSatisfy { !$0.coefficient.isZero })
    self.terms = terms
    self.constant = constant
  }

  public var isConstant: Bool { terms.isEmpty }

  public static prefix func - (form: SparseForm) -> SparseForm {
    SparseForm(
      terms: form.terms.map { Term(variable: $0.variable, coefficient: -$0.coefficient) }, constant: -form.constant)
  }

  /// The form of variables from `first` on.
  public init(_ form: LinearForm, first: Int = 0) {
    terms = form.coefficients.enumerated().filter { !$0.element.isZero }.map {
      Term(variable: first + $0.offset, coefficient: $0.element)
    }
    constant = form.constant
  }

  /// Σ factor · form + constant.
  public init(sum parts: [(factor: Rational, form: SparseForm)], constant: Rational) {
    self.init(
      parts.flatMap { part in
        part.form.terms.map { Term(variable: $0.variable, coefficient: part.factor * $0.coefficient) }
      }, constant: parts.reduce(constant) { $0 + $1.factor * $1.form.constant })
  }

  public static func variable(_ variable: Int) -> SparseForm {
    SparseForm([Term(variable: variable, coefficient: .one)], constant: .zero)
  }

  /// - Precondition: `point` has a number for each variable.
  public func value(at point: [Rational]) -> Rational {
    terms.reduce(constant) { $0 + $1.coefficient * point[$1.variable] }
  }
}
