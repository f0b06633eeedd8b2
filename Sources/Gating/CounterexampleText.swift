internal import Certificates
internal import ExactArithmetic
internal import Networks
internal import Specifications

/// A certificate's counterexample for people, after the network has answered it once more.
enum CounterexampleText {
  /// What happens and where, in units. Nothing of the certificate is believed but the two points.
  static func lines(
    _ counterexample: Counterexample, to property: Property, of specification: Specifications.Specification,
    network: ExactNetwork
  ) -> [String] {
    guard let replayed = replay(counterexample, to: property, of: specification, network: network) else {
      return ["the certificate's counterexample is not one to this property; verify the version again"]
    }
    return specification.describeCounterexample(
      to: property, query: replayed.query, x: replayed.x, xPrime: replayed.xPrime, fx: replayed.fx,
      fxPrime: replayed.fxPrime, drop: replayed.drop)
  }

  /// The same points with the network's own numbers, exactly; nil when they do not refute the property's query.
  private static func replay(
    _ counterexample: Counterexample, to property: Property, of specification: Specifications.Specification,
    network: ExactNetwork
  ) -> Counterexample? {
    let region = specification.region
    let points = [counterexample.x] + (counterexample.xPrime.map { [$0] } ?? [])
    guard
      points.allSatisfy({ point in
        point.count == region.count && zip(region, point).allSatisfy { $0.contains($1) }
      }),
      let negation = try? PropertyNegation(
        refuting: property, query: counterexample.query, outputCount: network.outputCount),
      negation.pointCount == points.count,
      property.satisfiesStrictly(query: counterexample.query, points: points)
    else { return nil }
    let values = points.map { network.output(at: $0) }
    guard let drop = negation.failure(ofCase: 0, points: points, values: values) else { return nil }
    let spoken = points.indices.map { point in
      let weights = negation.cases[0].outputs[(point * network.outputCount)..<((point + 1) * network.outputCount)]
      return Self.spoken(Array(weights), values[point])
    }
    return Counterexample(
      query: counterexample.query, x: counterexample.x, xPrime: counterexample.xPrime, fx: spoken[0],
      fxPrime: spoken.count > 1 ? spoken[1] : nil, drop: drop)
  }

  /// One output's value, whichever way it counts; the weighted sum of several.
  private static func spoken(_ weights: [Rational], _ values: [Rational]) -> Rational {
    let named = weights.indices.filter { !weights[$0].isZero }
    return named.count == 1 ? values[named[0]] : zip(weights, values).reduce(.zero) { $0 + $1.0 * $1.1 }
  }
}
