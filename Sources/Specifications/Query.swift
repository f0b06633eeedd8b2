public import ExactArithmetic

/// The direction in which an output may move when a feature grows.
public enum Direction: String, Sendable, Hashable {
  case nondecreasing
  case nonincreasing

  /// +1 for non-decreasing, −1 for non-increasing.
  public var sign: Int { self == .nondecreasing ? 1 : -1 }
}

/// What a property says about the network's own numbers, at every point of a polytope.
public enum Claim: Sendable, Hashable {
  /// sign · (f(x + t·e) − f(x)) ≥ `minimumSlope` · t for all t > 0 with both points in the polytope, where f is output
  /// `output` and e the axis of input `feature`. With slope zero: f is non-decreasing (non-increasing) along the feature.
  case monotone(output: Int, feature: Int, direction: Direction, minimumSlope: Rational)
  /// Σ outputs[k] · f_k(x) + Σ inputs[i] · x_i + constant ≥ 0. `inputs` is empty when all its numbers would be zero.
  case nonnegative(outputs: [Rational], inputs: [Rational], constant: Rational)

  /// Σ outputs[k] · f_k(x) + constant ≥ 0.
  public static func nonnegative(outputs: [Rational], constant: Rational) -> Claim {
    .nonnegative(outputs: outputs, inputs: [], constant: constant)
  }

  /// The claim with an empty list for inputs that are all zero, so that equal claims are equal values.
  var normalised: Claim {
    if case .nonnegative(let outputs, let inputs, let constant) = self, inputs.allSatisfy(\.isZero) {
      return .nonnegative(outputs: outputs, inputs: [], constant: constant)
    }
    return self
  }
}

/// A polytope and a claim: one universally quantified statement about the network as a function of its own inputs.
///
/// A ``Property`` lowers to one or more queries and holds exactly when all of them do.
public struct Query: Sendable, Hashable {
  /// One closed interval per input, in the network's own numbers (log₂ of the unit for `scale: log2`).
  public let region: [ClosedRange<Rational>]
  /// What must hold of a point beside lying in the region: Σ aᵢ·xᵢ + c ≥ 0 each, none of them strict.
  public let constraints: [LinearInequality]
  /// Nil for a query about the network itself. Otherwise the query is about its product over these copies, "input" and
  /// "output" mean those of the product, and the claim is `nonnegative`.
  public let relation: Relation?
  public let claim: Claim

  /// - Precondition: every constraint has as many variables as the region and is not strict; the relation has as many,
  ///   too, and its claim is not `monotone`.
  public init(
    region: [ClosedRange<Rational>], constraints: [LinearInequality] = [], relation: Relation? = nil, claim: Claim
  ) {
    precondition(constraints.allSatisfy { $0.form.coefficients.count == region.count && !$0.isStrict })
    if let relation {
      precondition(relation.dimension == region.count)
      if case .monotone = claim { preconditionFailure("a relation has a claim on values") }
    }
    self.region = region
    self.constraints = constraints
    self.relation = relation
    self.claim = claim.normalised
  }

  /// The points that the query speaks of.
  public var polytope: Polytope { Polytope(box: region, constraints: constraints) }
}
