internal import ExactArithmetic
internal import SolverProcess
public import Specifications

/// Z3's word on preconditions that the exact linear program of the reader gave up on.
public enum PreconditionCheck {
  /// Whether a property's preconditions leave no point at all, so that it would hold of every network; nil when it is
  /// not found out.
  ///
  /// The reader refuses such properties where it can tell (``Polytope/extent(work:)``); its work is bounded for hostile
  /// files, so that a few with hundreds of features and preconditions are left for this.
  /// - Throws: ``VerificationError`` with code `solver` when there is no solver to ask.
  public static func isVacuous(_ property: Property, budget: Budget) throws(VerificationError) -> Bool? {
    var isKnown = true
    for polytope in property.domains {
      if polytope.constraints.isEmpty { return false }
      var work = Polytope.extentWork
      switch polytope.extent(work: &work) {
      case .empty: continue
      case .flat, .solid: return false
      case .unknown: break
      }
      switch try isEmpty(polytope, budget: budget) {
      case true?: continue
      case false?: return false
      case nil: isKnown = false
      }
    }
    return isKnown ? true : nil
  }

  /// - Complexity: one question of quantifier-free linear real arithmetic.
  static func isEmpty(_ polytope: Polytope, budget: Budget) throws(VerificationError) -> Bool? {
    var formula = Formula()
    var variables: [AffineTerm] = []
    for (index, interval) in polytope.box.enumerated() {
      let x = formula.variable("x\(index)")
      formula.require(x >= interval.lowerBound)
      formula.require(x <= interval.upperBound)
      variables.append(x)
    }
    for constraint in polytope.constraints {
      let sum = AffineTerm(
        sum: zip(constraint.form.coefficients, variables).map { ($0, $1) }, constant: constraint.form.constant)
      formula.require(sum >= .zero)
    }
    switch try budget.ask(Question(formula, values: []), milliseconds: 10_000) {
    case .satisfiable: return false
    case .unsatisfiable: return true
    case .unknown: return nil
    }
  }
}
