internal import Certificates
public import ExactArithmetic
internal import ProofChecking
public import Specifications

extension Verifier {
  /// The most thresholds tried by ``certifiedSlope(of:budget:)``.
  static let maximumSlopeTrials = 24

  /// A proved lower bound L ≤ 0 of sign · ∂f/∂x over the region of a monotone query, close to the least slope found:
  /// the repair f + sign·|L|·(x − lower end) is then monotone by construction.
  ///
  /// The first threshold lies 1/8 below the least sampled slope; each further one is half as far again.
  /// - Returns: Zero when the query itself is proved; nil when the budget ended or no threshold was proved.
  /// - Precondition: the claim is monotone.
  public func certifiedSlope(of query: Query, budget: Budget) throws -> Rational? {
    guard case .monotone(let output, let feature, let direction, _) = query.claim else {
      preconditionFailure("only monotone claims have a slope")
    }
    guard let problem = try? FixedPointProblem(network: network, query: query) else { return nil }
    let float = FloatProblem(problem)
    let falsifier = Falsifier(float)
    defer { falsifier.close() }
    let hints = falsifier.search(
      samples: options.samples, count: 1, seed: options.seed, shouldStop: { budget.isOver })
    // In units of the feature: undo the scale of the row and the width of the box.
    let least = hints.first.map { min(0, $0.value) } ?? 0
    let unit = problem.unscaled(Int128(1) << 80)
    guard var slope = Rational(exactly: least * 1.125).map({ $0 * unit }) else { return nil }
    if slope.isZero { slope = -(unit.scaled(bits: -20)) }
    for _ in 0..<Self.maximumSlopeTrials where !budget.isOver {
      let weaker = Query(
        region: query.region,
        claim: .monotone(output: output, feature: feature, direction: direction, minimumSlope: slope))
      let builder = CounterexampleBuilder(network: network, query: weaker, index: 0, isEnclosed: false)
      switch try searchAndProve(weaker, builder, budget, { _, _ in }).verdict {
      case .holds: return slope
      case .violated: slope *= Rational(3, 2)
      case .unknown: return nil
      }
    }
    return nil
  }
}
