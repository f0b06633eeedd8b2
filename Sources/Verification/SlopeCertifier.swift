internal import Certificates
public import ExactArithmetic
internal import ProofChecking
public import Specifications

extension Verifier {
  /// The most thresholds tried by ``certifiedSlope(of:slack:trialSeconds:budget:)``.
  static let maximumSlopeTrials = 24

  /// A proved lower bound L ≤ 0 of sign · ∂f/∂x over the region of a monotone query, close to the least slope found:
  /// the repair f + sign·|L|·(x − lower end) is then monotone by construction.
  ///
  /// The first threshold lies 1/8 below the least sampled slope, and at −`slack` or lower: a threshold that is nearly
  /// attained takes much longer to prove. Each further one is half as far again, or more where a counterexample shows
  /// that it must be; twice as far after `trialSeconds` without a verdict. The query's own minimum slope plays no part.
  /// - Returns: Zero (with no `slack`) when no fall exists; nil when the budget ended or no threshold was proved.
  /// - Precondition: the claim is monotone, and the query has no relation.
  public func certifiedSlope(
    of query: Query, slack: Rational = .zero, trialSeconds: Double = 10, budget: Budget
  ) throws -> Rational? {
    guard case .monotone(let output, let feature, let direction, _) = query.claim, query.relation == nil else {
      preconditionFailure("only monotone claims have a slope")
    }
    func weakened(_ minimumSlope: Rational) -> Query {
      Query(
        region: query.region, constraints: query.constraints,
        claim: .monotone(output: output, feature: feature, direction: direction, minimumSlope: minimumSlope))
    }
    guard let problem = try? FixedPointProblem(network: network, query: weakened(.zero)) else { return nil }
    let float = FloatProblem(problem)
    let falsifier = Falsifier(float)
    defer { falsifier.close() }
    let hints = falsifier.search(
      samples: options.samples, count: 1, seed: options.seed, shouldStop: { budget.isOver })
    // In units of the feature: undo the scale of the row and the width of the box.
    let least = hints.first.map { min(0, $0.value) } ?? 0
    let unit = problem.unscaled(Int64(1) << 40)
    guard var slope = Rational(exactly: least * 1.125).map({ $0 * unit }) else { return nil }
    slope = min(slope, -slack)
    for _ in 0..<Self.maximumSlopeTrials where !budget.isOver {
      let weaker = weakened(slope)
      let builder = CounterexampleBuilder(network: network, query: weaker, index: 0, isEnclosed: false)
      switch try searchAndProve(weaker, builder, budget.limited(toSeconds: trialSeconds), { _, _ in }).verdict {
      case .holds: return slope
      case .violated(let found):
        slope = min(slope * Rational(3, 2), -unit.scaled(bits: -20))
        // The mean slope between the two points of a counterexample is one that a proof has to allow.
        for counterexample in found {
          guard let end = counterexample.xPrime else { continue }
          let run = end[feature] - counterexample.x[feature]
          let rise = (counterexample.fxPrime ?? counterexample.fx) - counterexample.fx
          slope = min(slope, rise * Rational(direction.sign) / run * Rational(9, 8))
        }
      case .unknown: slope = min(slope * 2, -unit.scaled(bits: -20))
      }
    }
    return nil
  }
}
