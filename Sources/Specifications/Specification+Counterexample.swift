public import ExactArithmetic

extension Specification {
  /// A counterexample in the engineer's units, for people: one line with what happens, one with where.
  ///
  /// ```
  /// psi_cpu_some 0.412 → 0.43 fraction: p99 212.4 → 205.9 ms (−3.06 %), should not fall
  /// at cores 1.2, clients 24
  /// ```
  /// All points are in the network's own numbers.
  /// - Parameters:
  ///   - property: one of ``properties``.
  ///   - query: the index of the refuted query among the property's.
  ///   - x: one number per feature.
  ///   - xPrime: the second point of a monotone property; nil for a bound.
  ///   - fx: the property's output at `x`.
  ///   - fxPrime: the property's output at `xPrime`.
  ///   - drop: by how much the claim fails, positive.
  /// - Precondition: `x` and `xPrime` have one number per feature.
  public func describeCounterexample(
    to property: Property, query: Int, x: [Rational], xPrime: [Rational]?, fx: Rational, fxPrime: Rational?,
    drop: Rational
  ) -> [String] {
    precondition(x.count == features.count && (xPrime ?? x).count == features.count)
    let second = xPrime ?? x
    let moved = features.indices.filter { x[$0] != second[$0] }
    var lines: [String] = []
    switch property.kind {
    case .monotone(let direction, let output, _):
      let changes = moved.map { transition(features[$0], x[$0], second[$0]) }.joined(separator: ", ")
      let result = transition(outputs[output], fx, fxPrime ?? fx)
      let change = outputs[output].describeChange(direction == .nondecreasing ? -drop : drop)
      let rule = direction == .nondecreasing ? "should not fall" : "should not rise"
      lines.append("\(changes): \(result) (\(change)), \(rule)")
    case .always(let index, let lower, let upper):
      let output = outputs[index]
      let isBelow = refutesLowerBound(property, query: query)
      let bound = (isBelow ? lower : upper).map { DecimalText.exact($0) + output.unitSuffix } ?? "the bound"
      let change = output.describeChange(isBelow ? -drop : drop)
      lines.append(
        "\(output.name) \(output.engineering(fx).text), should be at \(isBelow ? "least" : "most") \(bound) (\(change))"
      )
    }
    let rest = features.indices.filter { !moved.contains($0) }.map { index in
      let feature = features[index]
      let suffix = feature.unit.name == feature.name ? "" : feature.unitSuffix
      let value = feature.inUnit(x[index]).map { DecimalText.rounded($0) + suffix }
      return "\(feature.name) \(value ?? feature.engineering(x[index]).text)"
    }
    if !rest.isEmpty { lines.append("at " + rest.joined(separator: ", ")) }
    return lines
  }

  private func refutesLowerBound(_ property: Property, query: Int) -> Bool {
    guard property.queries.indices.contains(query),
      case .nonnegative(let weights, _) = property.queries[query].claim
    else { return true }
    return weights.contains(where: \.isPositive)
  }

  /// `name a → b unit`, with four digits or as many as tell a and b apart.
  private func transition(_ measure: some Measure, _ first: Rational, _ second: Rational) -> String {
    guard let a = measure.inUnit(first), let b = measure.inUnit(second) else {
      return "\(measure.name) \(measure.engineering(first).text) → \(measure.engineering(second).text)"
    }
    let texts = DecimalText.pair(a, b, digits: 4)
    let suffix = measure.unit.name == measure.name ? "" : measure.unitSuffix
    return "\(measure.name) \(texts.0) → \(texts.1)\(suffix)"
  }
}
