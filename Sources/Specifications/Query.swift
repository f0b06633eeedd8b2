public import ExactArithmetic

/// The direction in which an output may move when a feature grows.
public enum Direction: String, Sendable, Hashable {
  case nondecreasing
  case nonincreasing

  /// +1 for non-decreasing, −1 for non-increasing.
  public var sign: Int { self == .nondecreasing ? 1 : -1 }
}

/// What a property says about the network's own numbers, at every point of a box.
public enum Claim: Sendable, Hashable {
  /// sign · (f(x + t·e) − f(x)) ≥ `minimumSlope` · t for all t > 0 that stay in the box, where f is output `output`
  /// and e the axis of input `feature`. With slope zero: f is non-decreasing (non-increasing) along the feature.
  case monotone(output: Int, feature: Int, direction: Direction, minimumSlope: Rational)
  /// Σ outputs[k] · f_k(x) + constant ≥ 0.
  case nonnegative(outputs: [Rational], constant: Rational)
}

/// A box and a claim: one universally quantified statement about the network as a function of its own inputs.
///
/// A ``Property`` lowers to one or more queries and holds exactly when all of them do.
public struct Query: Sendable, Hashable {
  /// One closed interval per input, in the network's own numbers (log₂ of the unit for `scale: log2`).
  public let region: [ClosedRange<Rational>]
  public let claim: Claim

  public init(region: [ClosedRange<Rational>], claim: Claim) {
    self.region = region
    self.claim = claim
  }
}
