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
  ///   - xPrime: the second point of a property about two; nil for one about single points.
  ///   - fx: the property's output at `x`, or the weighted sum of its outputs there.
  ///   - fxPrime: the same at `xPrime`.
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
    func rest(_ point: [Rational], but left: [Int] = []) -> String? {
      let values = features.indices.filter { !left.contains($0) }.map { index in
        let feature = features[index]
        let suffix = feature.unit.name == feature.name ? "" : feature.unitSuffix
        let value = feature.inUnit(point[index]).map { DecimalText.rounded($0) + suffix }
        return "\(feature.name) \(value ?? feature.engineering(point[index]).text)"
      }
      return values.isEmpty ? nil : values.joined(separator: ", ")
    }
    func changes() -> String { moved.map { transition(features[$0], x[$0], second[$0]) }.joined(separator: ", ") }
    let amount = shortfall(of: property, query: query, drop: drop)
    switch property.kind {
    case .monotone(let direction, let output, _):
      let measure = outputs[output]
      let result = transition(measure, fx, fxPrime ?? fx)
      let verb = direction == .nondecreasing ? "fall" : "rise"
      if let tolerance = property.tolerance {
        let allowed =
          measure.scale == .log2
          ? "\(DecimalText.exact(tolerance * 100)) %" : DecimalText.exact(tolerance) + measure.unitSuffix
        lines.append("\(changes()): \(result), should not \(verb) by more than \(allowed) (beyond it by \(amount))")
      } else {
        let change = measure.describeChange(direction == .nondecreasing ? -drop : drop)
        lines.append("\(changes()): \(result) (\(change)), should not \(verb)")
      }
    case .rate(let output, _, _, _, _):
      let rule = property.claims.indices.contains(query) ? property.claims[query].text : "should keep its rate"
      lines.append("\(changes()): \(transition(outputs[output], fx, fxPrime ?? fx)), \(rule) (fails by \(amount))")
    case .always(let index, let lower, let upper):
      let output = outputs[index]
      let isBelow = refutesLowerBound(property, query: query)
      let bound = (isBelow ? lower : upper).map { DecimalText.exact($0) + output.unitSuffix } ?? "the bound"
      let change = output.describeChange(isBelow ? -drop : drop)
      lines.append(
        "\(output.name) \(output.engineering(fx).text), should be at \(isBelow ? "least" : "most") \(bound) (\(change))"
      )
    case .linear:
      lines.append("\(rule(property, query)) fails by \(amount)")
    case .relational(let points, let named, _):
      lines.append("\(rule(property, query)) fails by \(amount)")
      // Where the claim compares one output at both points, the numbers are its values there.
      let values = comparesOneOutput(property, query, named.count) ? fxPrime.map { [fx, $0] } : nil
      for (index, (name, point)) in zip(points, [x, second]).enumerated() {
        let value = values.map { "\(outputs[named[0]].name) \(outputs[named[0]].engineering($0[index]).text)" }
        if let text = rest(point) { lines.append("at \(name): " + (value.map { $0 + " at " } ?? "") + text) }
      }
      return lines
    }
    if let text = rest(x, but: moved) { lines.append("at \(text)") }
    return lines
  }

  /// Whether a claim about two points is about one output, at both of them.
  private func comparesOneOutput(_ property: Property, _ query: Int, _ count: Int) -> Bool {
    guard count == 1, property.queries.indices.contains(query) else { return false }
    switch property.queries[query].claim {
    case .monotone: return true
    case .nonnegative(let weights, _, _): return weights.count { !$0.isZero } == 2
    }
  }

  private func rule(_ property: Property, _ query: Int) -> String {
    property.claims.indices.contains(query) ? property.claims[query].text : "the property"
  }

  /// By how much a claim fails, as a change for the worse: `−6.5 ms`, or `−3.1 %` on a logarithmic scale.
  public func describeDrop(of property: Property, query: Int, drop: Rational) -> String {
    guard let claim = claim(property, query) else { return "−" + DecimalText.rounded(drop, digits: 3) }
    return claim.describeDrop(drop)
  }

  /// A query's quantity as a measure; nil for a query that the property does not have.
  private func claim(_ property: Property, _ query: Int) -> Output? {
    guard property.claims.indices.contains(query) else { return nil }
    let claim = property.claims[query]
    return Output(name: property.id, column: property.id, index: 0, unit: claim.unit, scale: claim.scale, about: nil)
  }

  /// By how much a claim fails, in the engineer's units and without a sign: `0.5 ms`, or `3.07 %` on a logarithmic scale.
  func shortfall(of property: Property, query: Int, drop: Rational) -> String {
    guard let claim = claim(property, query) else { return DecimalText.rounded(drop, digits: 3) }
    return String(claim.describeChange(drop).drop { $0 == "+" })
  }

  private func refutesLowerBound(_ property: Property, query: Int) -> Bool {
    guard property.queries.indices.contains(query),
      case .nonnegative(let weights, _, _) = property.queries[query].claim
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
