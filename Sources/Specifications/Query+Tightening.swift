public import ExactArithmetic

extension Query {
  /// A query about the exact network that implies this one, up to `tolerance`, of a network whose computed outputs
  /// differ from the exact ones by at most `errors` everywhere in the region. Nil when no margin can make up for them.
  ///
  /// A linear inequality needs the margin Σ |outputs[k]|·errors[k] less `tolerance`, and always has one.
  ///
  /// A monotone claim compares two computed numbers, each off by E. With the tolerance τ,
  /// sign·(f̂(x + t·e) − f̂(x)) ≥ slope·t − τ follows from sign·(f(x + t·e) − f(x)) ≥ slope·t − (τ − 2E). For τ ≥ 2E
  /// the lower slope that is returned, slope − (τ − 2E) / width, implies it, since t is at most the region's width along
  /// e. For τ < 2E no statement about the exact network does, as t may be arbitrarily small: nil. In particular, a
  /// network that is exactly monotone is monotone as computed up to the tolerance 2E, and never without one.
  /// - Precondition: `errors` has one number per output, none negative; `tolerance` is not negative.
  public func tightened(by errors: [Rational], tolerance: Rational = .zero) -> Query? {
    precondition(!tolerance.isNegative && errors.allSatisfy { !$0.isNegative })
    switch claim {
    case .nonnegative(let outputs, let inputs, let constant):
      // With a relation, every copy of the network has the same errors.
      precondition(outputs.count == errors.count * (relation?.copies.count ?? 1))
      var margin = -tolerance
      for (k, weight) in outputs.enumerated() { margin += weight.magnitude * errors[k % errors.count] }
      return Query(
        region: region, constraints: constraints, relation: relation,
        claim: .nonnegative(outputs: outputs, inputs: inputs, constant: constant - margin))
    case .monotone(let output, let feature, let direction, let minimumSlope):
      let left = tolerance - 2 * errors[output]
      let width = region[feature].upperBound - region[feature].lowerBound
      // Without two different points there is nothing to compare.
      guard !width.isZero else { return self }
      guard !left.isNegative else { return nil }
      return Query(
        region: region, constraints: constraints,
        claim: .monotone(
          output: output, feature: feature, direction: direction, minimumSlope: minimumSlope - left / width))
    }
  }
}

extension Property {
  /// One query for each of ``queries``, which together imply the property, up to `tolerance`, of the computed network;
  /// nil when one of them cannot. See ``Query/tightened(by:tolerance:)``.
  public func tightenedQueries(by errors: [Rational], tolerance: Rational = .zero) -> [Query]? {
    let tightened = queries.compactMap { $0.tightened(by: errors, tolerance: tolerance) }
    return tightened.count == queries.count ? tightened : nil
  }

  /// The property whose ``queries`` are ``tightenedQueries(by:tolerance:)``: what is proved in order to show this one of
  /// a computed network. Nil when there are none.
  ///
  /// A point that refutes it does not refute this property.
  public func tightened(by errors: [Rational]) -> Property? {
    guard let tightened = tightenedQueries(by: errors) else { return nil }
    let parts = tightened.enumerated().map { index, query in
      LoweredProperty.Part(proof: query, refutation: query, claim: claims[index], strict: strictDomains[index])
    }
    return Property(
      id: id, about: about, line: line, column: column, domains: domains, conditions: conditions,
      lowered: LoweredProperty(kind: kind, tolerance: tolerance, parts: parts, statement: statement))
  }
}
