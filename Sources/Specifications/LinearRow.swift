public import ExactArithmetic

/// A condition on a linear form as people write it: `x >= 1/2`, `x <= y`, `2·x + y < 3`.
public struct LinearRow: Sendable, Hashable {
  public enum Comparison: String, Sendable, Hashable {
    case equal = "="
    case atLeast = ">="
    case atMost = "<="
    case above = ">"
    case below = "<"

    var mirrored: Comparison {
      switch self {
      case .equal: .equal
      case .atLeast: .atMost
      case .atMost: .atLeast
      case .above: .below
      case .below: .above
      }
    }
  }

  public enum Side: Sendable, Hashable {
    case number(Rational)
    case variable(Int)
  }

  /// Never empty: a form without variables has variable 0, times zero.
  public let left: [SparseForm.Term]
  public let comparison: Comparison
  public let right: Side

  /// `form` = 0, ≥ 0 or > 0. A single variable stands alone, and two that differ in sign only are compared with each
  /// other; otherwise the constant moves to the right side.
  public init(_ form: SparseForm, _ sign: PointQuery.Condition.Sign) {
    typealias Term = SparseForm.Term
    let terms = form.terms
    let comparison: Comparison =
      switch sign {
      case .zero: .equal
      case .nonnegative: .atLeast
      case .positive: .above
      }
    func one(_ variable: Int) -> Term { Term(variable: variable, coefficient: .one) }
    switch terms.count {
    case 0:
      left = [Term(variable: 0, coefficient: .zero)]
      right = .number(-form.constant)
      self.comparison = comparison
    case 1:
      left = [one(terms[0].variable)]
      right = .number(-form.constant / terms[0].coefficient)
      self.comparison = terms[0].coefficient.isNegative ? comparison.mirrored : comparison
    case 2 where form.constant.isZero && (terms[0].coefficient + terms[1].coefficient).isZero:
      left = [one(terms[0].variable)]
      right = .variable(terms[1].variable)
      self.comparison = terms[0].coefficient.isNegative ? comparison.mirrored : comparison
    default:
      // Fewer minus signs read better.
      let isMirrored = terms.allSatisfy(\.coefficient.isNegative)
      left = isMirrored ? terms.map { Term(variable: $0.variable, coefficient: -$0.coefficient) } : terms
      right = .number(isMirrored ? form.constant : -form.constant)
      self.comparison = isMirrored ? comparison.mirrored : comparison
    }
  }
}
