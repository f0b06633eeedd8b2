import Certificates
import ExactArithmetic
import Networks
import Specifications
import TestHelpers

@testable import Verification

extension Query {
  static func rising(
    _ region: [ClosedRange<Rational>], feature: Int = 0, output: Int = 0, _ direction: Direction = .nondecreasing,
    slope: Rational = .zero
  ) -> Query {
    Query(
      region: region,
      claim: .monotone(output: output, feature: feature, direction: direction, minimumSlope: slope))
  }

  static func nonnegative(_ region: [ClosedRange<Rational>], _ outputs: [Rational] = [1], constant: Rational) -> Query {
    Query(region: region, claim: .nonnegative(outputs: outputs, constant: constant))
  }
}

/// One way to decide a query.
enum Method: String, CaseIterable {
  /// Falsification first.
  case auto
  /// Branch and bound without a single sample before it.
  case branchAndBound
  case oneCopy
  case twoCopies
}

/// `holds`, `violated` or the reason why not decided; a violation that the tests' own forward pass does not confirm is
/// reported as such.
func decide(_ network: Network, _ query: Query, _ method: Method, samples: Int = 24, budget: Budget = Budget()) throws
  -> String
{
  let exactNetwork = ExactNetwork(network)
  let verifier = Verifier(
    network: exactNetwork,
    options: VerificationOptions(samples: method == .branchAndBound ? 0 : samples, maximumCounterexamples: 2))
  let builder = CounterexampleBuilder(network: exactNetwork, query: query, index: 0, isEnclosed: false)
  switch method {
  case .auto, .branchAndBound:
    let outcome = try verifier.searchAndProve(query, builder, budget) { _, _ in }
    return try describe(outcome.verdict, network, query)
  case .oneCopy, .twoCopies:
    let form: Encoder.Form
    switch query.claim {
    case .monotone: form = method == .oneCopy ? .derivative : .pair
    case .nonnegative: form = .value
    }
    switch try verifier.solve(query, form, budget) {
    case .holds: return "holds"
    case .unknown(let reason): return reason.description
    case .violated(let point):
      guard let found = try builder.counterexample(at: point, budget: budget) else {
        return "no violation through \(point)"
      }
      return try describe(.violated([found]), network, query)
    }
  }
}

func describe(_ verdict: Verdict, _ network: Network, _ query: Query) throws -> String {
  switch verdict {
  case .holds: return "holds"
  case .unknown(let reason): return reason.description
  case .violated(let found):
    guard !found.isEmpty else { return "violated without a counterexample" }
    for counterexample in found {
      if let flaw = try flaw(in: counterexample, network, query) { return "false counterexample: \(flaw)" }
    }
    return "violated"
  }
}

/// What is wrong with a counterexample; nil when it refutes the query exactly as recorded.
func flaw(in found: Counterexample, _ network: Network, _ query: Query) throws -> String? {
  guard query.polytope.contains(found.x) else { return "x is outside the domain: \(found)" }
  let values = try exactOutputs(network, at: found.x)
  switch query.claim {
  case .monotone(let output, let feature, let direction, let minimumSlope):
    guard let xPrime = found.xPrime, let fxPrime = found.fxPrime else { return "no second point" }
    guard query.polytope.contains(xPrime) else { return "x′ is outside the domain: \(found)" }
    for i in found.x.indices where i != feature && found.x[i] != xPrime[i] { return "x and x′ differ in input \(i)" }
    guard xPrime[feature] > found.x[feature] else { return "x′ does not lie to the right" }
    let moved = try exactOutputs(network, at: xPrime)
    guard found.fx == values[output], fxPrime == moved[output] else { return "outputs are not as recorded: \(found)" }
    let rise = (moved[output] - values[output]) * Rational(direction.sign)
    let drop = minimumSlope * (xPrime[feature] - found.x[feature]) - rise
    guard drop.isPositive, drop == found.drop else { return "drop is \(drop), recorded as \(found.drop)" }
  case .nonnegative(let outputs, let inputs, let constant):
    guard found.xPrime == nil, found.fxPrime == nil else { return "a claim on the value has one point" }
    let sum = zip(outputs + inputs, values + found.x).reduce(constant) { $0 + $1.0 * $1.1 }
    guard sum.isNegative, found.drop == -sum else { return "drop is \(-sum), recorded as \(found.drop)" }
  }
  return nil
}
