public import Certificates
public import ExactArithmetic
public import Networks
public import Specifications

/// A counterexample as a network answers it now, by the exact forward pass.
public enum Replay: Sendable, Hashable {
  /// The points refute the property; every number is this network's.
  case violated(Counterexample)
  /// The points lie in the property's domain, and the property holds there.
  case holds
  /// The points are not ones that the property speaks of.
  case outside

  /// - Parameters:
  ///   - x: One number per feature.
  ///   - xPrime: The second point of a property about two.
  ///   - drop: The violation as recorded, by which the query is found again if several fail at these points.
  /// - Precondition: the network fits the specification that the property is from, and the points have its number of
  ///   features.
  public init(_ property: Property, network: ExactNetwork, x: [Rational], xPrime: [Rational]?, drop: Rational?) {
    precondition(x.count == network.inputCount && (xPrime ?? x).count == x.count)
    var found: Counterexample?
    var isInside = false
    for index in property.refutations.indices {
      guard let negation = try? PropertyNegation(refuting: property, query: index, outputCount: network.outputCount)
      else { continue }
      guard let points = negation.pointCount == 1 ? [x] : xPrime.map({ [x, $0] }) else { continue }
      guard property.satisfiesStrictly(query: index, points: points) else { continue }
      let values = points.map { network.output(at: $0) }
      guard let failure = negation.failure(ofCase: 0, points: points, values: values) else {
        isInside = isInside || negation.contains(points)
        continue
      }
      // As recorded, else the greatest.
      guard found.map({ $0.drop != drop && (failure == drop || failure > $0.drop) }) ?? true else { continue }
      let spoken = points.indices.map { point in
        let weights = negation.cases[0].outputs[(point * network.outputCount)..<((point + 1) * network.outputCount)]
        return Self.spoken(Array(weights), values[point])
      }
      found = Counterexample(
        query: index, x: x, xPrime: points.count > 1 ? points[1] : nil, fx: spoken[0],
        fxPrime: points.count > 1 ? spoken[1] : nil, drop: failure)
    }
    self = found.map(Replay.violated) ?? (isInside ? .holds : .outside)
  }

  /// One output's value, whichever way it counts; the weighted sum of several.
  private static func spoken(_ weights: [Rational], _ values: [Rational]) -> Rational {
    let named = weights.indices.filter { !weights[$0].isZero }
    return named.count == 1 ? values[named[0]] : zip(weights, values).reduce(.zero) { $0 + $1.0 * $1.1 }
  }
}

extension PropertyNegation {
  /// Whether points meet the conditions, whatever the claim says of them.
  fileprivate func contains(_ points: [[Rational]]) -> Bool {
    let x = points.flatMap { $0 }
    return (common + cases[0].conditions).allSatisfy { condition in
      let value = condition.form.value(at: x)
      switch condition.sign {
      case .zero: return value.isZero
      case .nonnegative: return !value.isNegative
      case .positive: return value.isPositive
      }
    }
  }
}
