internal import BigInt
internal import Certificates
internal import ExactArithmetic
internal import Networks
internal import Specifications

/// Turns hints and solver models into exact counterexamples, replayed by the forward pass.
struct CounterexampleBuilder {
  /// The network that ``query`` is about: with a relation, the product of the copies.
  let network: ExactNetwork
  /// What a counterexample must refute (see `Property.refutations`), without a relation.
  let query: Query
  /// The index of the query among its property's, recorded in the counterexample.
  let index: Int
  /// Whether what is proved is stronger than what is refuted, because a bound is irrational: a point that fails the
  /// first need then not fail the second.
  let isEnclosed: Bool
  /// For a query about several points: how they follow from the inputs of ``network``. At most two copies.
  var relation: Relation?
  /// Strict preconditions on the inputs of ``network``, which every counterexample satisfies.
  var strict: StrictDomain?
  /// The outputs of one copy, when ``network`` has others beside them.
  var outputCount: Int?

  /// Fractions of the box, in bits, tried for short coordinates.
  private static let shortening = [8, 12, 16, 20, 26, 32, 40, 52]

  /// A counterexample close to a point of the unit box, or nil when the hint was an artefact of rounding.
  ///
  /// For a monotone claim: the coordinates are made short, the steepest fall along the feature is found exactly on that
  /// line, and Z3 is asked for a pair on its two linear pieces that falls nearly as far; the pair of its model, made
  /// short again, is the counterexample.
  func counterexample(near hint: [Double], budget: Budget) throws -> Counterexample? {
    for bits in Self.shortening where bits >= 20 {
      let point = zip(query.region, hint).map { interval, t in
        let grid = Rational(BigInt((max(0, min(1, t)) * Double(1 << bits)).rounded()), BigInt(1) << bits)
        return interval.lowerBound + (interval.upperBound - interval.lowerBound) * grid
      }
      if let found = try counterexample(at: point, budget: budget) { return found }
    }
    return nil
  }

  /// A counterexample on the line through (monotone claims) or at (bounds) an exact point of the domain.
  func counterexample(at point: [Rational], budget: Budget) throws -> Counterexample? {
    switch query.claim {
    case .nonnegative: return violation(at: point).map { shortened($0) }
    case .monotone(let output, let feature, let direction, let minimumSlope):
      let ray = ray(output, feature, direction, minimumSlope)
      guard let interval = query.polytope.interval(along: feature, through: point),
        let steepest = ray.steepestFall(through: point, within: interval)
      else { return nil }
      var from = point
      var to = point
      from[feature] = steepest.from
      to[feature] = steepest.to
      if let model = try PairQuery(ray: ray, interval: interval).solve(
        from: from, to: to, fall: steepest.fall, budget: budget)
      {
        from[feature] = model.from
        to[feature] = model.to
      }
      shorten(&from, &to, feature, interval, ray)
      return replay(from, to)
    }
  }

  /// The exact replay of a pair (or of its first point, for a bound): nil when it is no violation.
  func replay(_ x: [Rational], _ xPrime: [Rational]?) -> Counterexample? {
    if let relation {
      let points = [x] + (relation.copies.count > 1 ? xPrime.map { [$0] } ?? [] : [])
      return relation.parameters(of: points).flatMap { violation(at: $0) }
    }
    switch query.claim {
    case .nonnegative: return violation(at: x)
    case .monotone(let output, let feature, let direction, let minimumSlope):
      if let strict, let second = xPrime, query.polytope.contains(x), query.polytope.contains(second),
        !strict.admits(x) || !strict.admits(second)
      {
        return strict.approaches { replay($0(x), $0(second)) }
      }
      guard let xPrime, query.polytope.contains(x), query.polytope.contains(xPrime), xPrime[feature] > x[feature],
        x.indices.allSatisfy({ $0 == feature || x[$0] == xPrime[$0] })
      else { return nil }
      let fx = network.output(at: x)[output]
      let fxPrime = network.output(at: xPrime)[output]
      let rise = (fxPrime - fx) * Rational(direction.sign)
      let shortfall = minimumSlope * (xPrime[feature] - x[feature]) - rise
      guard shortfall.isPositive else { return nil }
      return Counterexample(query: index, x: x, xPrime: xPrime, fx: fx, fxPrime: fxPrime, drop: shortfall)
    }
  }

  /// The counterexample that one point of the query's region gives to a claim on the value; nil when it lies outside the
  /// polytope or the claim holds there.
  private func violation(at point: [Rational]) -> Counterexample? {
    guard case .nonnegative(let outputs, let inputs, let constant) = query.claim, query.polytope.contains(point) else {
      return nil
    }
    if let strict, !strict.admits(point) { return strict.approaches { violation(at: $0(point)) } }
    let values = network.output(at: point)
    var sum = constant
    for (weight, value) in zip(outputs + inputs, values + point) where !weight.isZero { sum += weight * value }
    guard sum.isNegative else { return nil }
    guard let relation else {
      return Counterexample(
        query: index, x: point, xPrime: nil, fx: Self.spoken(outputs[...], values[...]), fxPrime: nil, drop: -sum)
    }
    let points = relation.points(at: point)
    let count = outputCount ?? values.count / points.count
    let fxs = points.indices.map { copy in
      let range = (copy * count)..<((copy + 1) * count)
      return Self.spoken(outputs[range], values[range])
    }
    return Counterexample(
      query: index, x: points[0], xPrime: points.count > 1 ? points[1] : nil, fx: fxs[0],
      fxPrime: points.count > 1 ? fxs[1] : nil, drop: -sum)
  }

  /// A claim on one output reports that output, whichever way its bound faces; any other the weighted sum.
  private static func spoken(_ weights: ArraySlice<Rational>, _ values: ArraySlice<Rational>) -> Rational {
    let named = weights.indices.filter { !weights[$0].isZero }
    return named.count == 1 ? values[named[0]] : zip(weights, values).reduce(Rational.zero) { $0 + $1.0 * $1.1 }
  }

  private func ray(_ output: Int, _ feature: Int, _ direction: Direction, _ minimumSlope: Rational) -> ExactRay {
    var outputs = [Rational](repeating: .zero, count: network.outputCount)
    outputs[output] = Rational(direction.sign)
    return ExactRay(network: network, outputs: outputs, feature: feature, tilt: -minimumSlope)
  }

  /// Rounds the two ends to the fewest bits that keep nine tenths of the fall, within `interval`.
  private func shorten(
    _ from: inout [Rational], _ to: inout [Rational], _ feature: Int, _ interval: ClosedRange<Rational>, _ ray: ExactRay
  ) {
    let width = interval.upperBound - interval.lowerBound
    let fall = ray.value(at: from) - ray.value(at: to)
    let wanted = fall * Rational(9, 10)
    for bits in Self.shortening {
      var a = from
      var b = to
      a[feature] = rounded(from[feature], interval.lowerBound, width, bits)
      b[feature] = rounded(to[feature], interval.lowerBound, width, bits)
      if a[feature] < b[feature], ray.value(at: a) - ray.value(at: b) >= wanted {
        from = a
        to = b
        return
      }
    }
  }

  /// The violation at the point of the fewest bits nearby that keeps nine tenths of it.
  private func shortened(_ found: Counterexample) -> Counterexample {
    for bits in Self.shortening {
      // With a relation the counterexample speaks of two points; their parameters are as short as Z3 made them.
      guard relation == nil else { return found }
      let point = zip(query.region, found.x).map { interval, x in
        min(rounded(x, interval.lowerBound, interval.upperBound - interval.lowerBound, bits), interval.upperBound)
      }
      if let short = violation(at: point), short.drop >= found.drop * Rational(9, 10) {
        return short
      }
    }
    return found
  }

  private func rounded(_ value: Rational, _ low: Rational, _ width: Rational, _ bits: Int) -> Rational {
    if width.isZero { return low }
    let share = ((value - low) / width).scaled(bits: bits) + Rational(1, 2)
    return low + width * Rational(share.floor).scaled(bits: -bits)
  }
}

extension StrictDomain {
  /// Whether a point satisfies the strict preconditions.
  fileprivate func admits(_ point: [Rational]) -> Bool { constraints.allSatisfy { $0.holds(at: point) } }

  /// The first counterexample among those that are pulled from the edge of the strict preconditions towards ``inner``:
  /// by a sixteenth of the way, then less and less. What is violated by some amount is violated close by as well, since
  /// networks are continuous; nil when it takes more than 2⁻⁶⁴ of the way to see that.
  fileprivate func approaches(_ attempt: ((_ point: [Rational]) -> [Rational]) -> Counterexample?) -> Counterexample? {
    for bits in stride(from: 4, through: 64, by: 4) {
      let share = Rational.one.scaled(bits: -bits)
      let found = attempt { point in zip(point, inner).map { $0 + share * ($1 - $0) } }
      if let found { return found }
    }
    return nil
  }
}
