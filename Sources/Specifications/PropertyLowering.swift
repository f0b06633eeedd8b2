internal import ExactArithmetic

/// A property's meaning.
struct LoweredProperty {
  struct Part {
    let proof: Query
    let refutation: Query
    var claim: Property.ClaimText
    var strict: StrictDomain?
  }

  let kind: PropertyKind
  var tolerance: Rational?
  var parts: [Part]
  let statement: String

  /// The same property shown by other queries, each of which says `text`.
  func with(parts: [Part], saying text: String) -> LoweredProperty {
    var result = self
    result.parts = parts.map { part in
      var part = part
      part.claim = Property.ClaimText(
        plain: text, choice: part.claim.choice, unit: part.claim.unit, scale: part.claim.scale)
      return part
    }
    return result
  }

  /// The same property on several parts of its domain, as one; nil for none.
  static func joined(_ pieces: [LoweredProperty]) -> LoweredProperty? {
    guard var result = pieces.first else { return nil }
    result.parts = pieces.flatMap(\.parts)
    return result
  }
}

/// Lowers properties to queries in the network's own numbers. `docs/specification-language.md` has the mathematics.
struct PropertyLowering {
  let features: [Feature]
  let outputs: [Output]
  /// The points that the property speaks of; two for a relational one, else one.
  let domain: Domain
  /// The preconditions as mathematics.
  let conditions: [String]
  /// Whether a domain with one point is known to be a box or to have an interior.
  var hasInterior = false
  /// A point of the domain that satisfies its strict preconditions, if there are any; for two points, both.
  var inner: [[Rational]]?
  /// The values of features that were chosen from lists, for what queries say: ` at replicas = 4`.
  var choice = ""

  private var domainText: String {
    "the domain" + (conditions.isEmpty ? "" : " where \(conditions.joined(separator: " and "))")
  }

  private func query(_ claim: Claim) -> Query {
    Query(region: domain.boxes[0], constraints: domain.constraints, claim: claim)
  }

  /// One of the property's queries on this domain.
  private func part(_ text: String, of measure: some Measure, proof: Query, refutation: Query) -> LoweredProperty.Part {
    part(Property.ClaimText(plain: text, choice: choice, unit: measure.unit, scale: measure.scale), proof, refutation)
  }

  private func part(_ claim: Property.ClaimText, _ proof: Query, _ refutation: Query) -> LoweredProperty.Part {
    var strict: StrictDomain?
    if domain.boxes.count == 1, !domain.strict.isEmpty, let inner {
      strict = StrictDomain(constraints: domain.strictConstraints, inner: inner[0])
    }
    return LoweredProperty.Part(proof: proof, refutation: refutation, claim: claim, strict: strict)
  }

  // MARK: Monotonicity

  /// Without tolerance: one query per feature, if the domain is a box or has an interior. On a convex domain with an
  /// interior f grows jointly in several features exactly when it grows in each, because both say that the partial
  /// derivatives are not negative at generic points; on a domain without interior a step in several features at once
  /// need not be made of steps in one. Everything else goes through the form with two points.
  ///
  /// On a domain with two points the claim is between them: features that are not in `moved` are equal at both, and the
  /// boxes of features in lists of values hold one value each.
  /// - Parameters:
  ///   - inputs: all features of the property.
  ///   - moved: those that move in these queries; all of them if nil.
  func monotone(
    _ direction: Direction, output: Int, features inputs: [Int], moved: [Int]? = nil, tolerance: Rational?
  ) -> LoweredProperty {
    let moved = moved ?? inputs
    let measure = outputs[output]
    let name = measure.name
    let names = inputs.map { features[$0].name }.joined(separator: ", ")
    let sign = direction == .nondecreasing ? "≥" : "≤"
    var end = "\(name)(x′) \(sign) \(name)(x)"
    if let tolerance {
      switch (measure.scale, direction) {
      case (.linear, .nondecreasing): end += " − \(DecimalText.exact(tolerance))\(measure.unitSuffix)"
      case (.linear, .nonincreasing): end += " + \(DecimalText.exact(tolerance))\(measure.unitSuffix)"
      case (.log2, .nondecreasing): end += " / \(DecimalText.exact(tolerance + .one))"
      case (.log2, .nonincreasing): end += " · \(DecimalText.exact(tolerance + .one))"
      }
    }
    let with = conditions.isEmpty ? "with" : "and"
    let statement = "for all x, x′ in \(domainText) \(with) x′ ≥ x in \(names) and x′ = x elsewhere: \(end)"
    let kind = PropertyKind.monotone(direction: direction, output: output, features: inputs)
    var result = LoweredProperty(kind: kind, tolerance: tolerance, parts: [], statement: statement)
    if domain.boxes.count == 1, tolerance == nil, inputs.count == 1 || hasInterior {
      result.parts = moved.map { feature in
        let query = query(.monotone(output: output, feature: feature, direction: direction, minimumSlope: .zero))
        return part(end, of: measure, proof: query, refutation: query)
      }
      return result
    }
    let pairs = domain.boxes.count == 1 ? domain.squared.ordered(moved) : domain
    let allowed: ClosedRange<Rational> = tolerance.map { Self.amount($0, on: measure.scale) } ?? .zero ... .zero
    let factor = Rational(direction.sign)
    let change = [
      Atom(point: 1, isOutput: true, index: output): factor, Atom(point: 0, isOutput: true, index: output): -factor,
    ]
    // A point paired with itself is in the space, and the pairs along lists of values have been looked at.
    guard let space = PairSpace(pairs) else { preconditionFailure("the pairs of a domain with points") }
    let claim = Property.ClaimText(plain: end, choice: choice, unit: measure.unit, scale: measure.scale)
    result.parts = [
      part(
        claim, in: space, proof: space.query(change, constant: allowed.lowerBound, outputCount: outputs.count),
        refutation: space.query(change, constant: allowed.upperBound, outputCount: outputs.count))
    ]
    return result
  }

  /// A query about pairs of points.
  private func part(_ claim: Property.ClaimText, in space: PairSpace, proof: Query, refutation: Query)
    -> LoweredProperty.Part
  {
    var strict: StrictDomain?
    if !space.strictConstraints.isEmpty, let inner,
      let point = space.relation.parameters(of: inner.count == 1 ? [inner[0], inner[0]] : inner)
    {
      strict = StrictDomain(constraints: space.strictConstraints, inner: point)
    }
    return LoweredProperty.Part(proof: proof, refutation: refutation, claim: claim, strict: strict)
  }

  /// An amount in the engineer's unit as a difference of the network's numbers: q, or log₂(1 + q).
  /// - Precondition: on a logarithmic scale, `amount` > −1.
  private static func amount(_ amount: Rational, on scale: Scale) -> ClosedRange<Rational> {
    switch scale {
    case .linear: amount...amount
    case .log2: BinaryLogarithm.enclosure(of: amount + .one, bits: Property.boundBits)
    }
  }

  // MARK: Rates

  func rate(output: Int, feature: Int, step: Rational, lower: Rational?, upper: Rational?) -> LoweredProperty {
    let measure = outputs[output]
    let width = Self.amount(step, on: features[feature].scale)
    func slope(_ bound: Rational) -> ClosedRange<Rational> {
      let amount = Self.amount(bound, on: measure.scale)
      let quotients = [
        amount.lowerBound / width.lowerBound, amount.lowerBound / width.upperBound,
        amount.upperBound / width.lowerBound, amount.upperBound / width.upperBound,
      ]
      return quotients.reduce(quotients[0], min)...quotients.reduce(quotients[0], max)
    }
    let per = Self.text(step, features[feature])
    var parts: [LoweredProperty.Part] = []
    func add(_ bound: Rational, _ direction: Direction, inner: Rational, outer: Rational) {
      func query(_ slope: Rational) -> Query {
        self.query(.monotone(output: output, feature: feature, direction: direction, minimumSlope: slope))
      }
      let side = direction == .nondecreasing ? "least" : "most"
      let text = "should grow by at \(side) \(Self.text(bound, measure)) per \(per)"
      if domain.boxes.count == 2 {
        guard let space = PairSpace(domain) else { preconditionFailure("the pairs have been looked at") }
        func query(_ slope: Rational) -> Query {
          let sign = Rational(direction.sign)
          func atom(_ point: Int, _ isOutput: Bool) -> Atom {
            Atom(point: point, isOutput: isOutput, index: isOutput ? output : feature)
          }
          return space.query(
            [atom(1, true): sign, atom(0, true): -sign, atom(1, false): -slope, atom(0, false): slope],
            constant: .zero, outputCount: outputs.count)
        }
        let claim = Property.ClaimText(plain: text, choice: choice, unit: measure.unit, scale: measure.scale)
        parts.append(part(claim, in: space, proof: query(inner), refutation: query(outer)))
      } else {
        parts.append(part(text, of: measure, proof: query(inner), refutation: query(outer)))
      }
    }
    if let lower {
      let slope = slope(lower)
      add(lower, .nondecreasing, inner: slope.upperBound, outer: slope.lowerBound)
    }
    if let upper {
      let slope = slope(upper)
      add(upper, .nonincreasing, inner: -slope.lowerBound, outer: -slope.upperBound)
    }
    let names = (measure.name, features[feature].name)
    var bounds: [String] = []
    if let lower { bounds.append("at least \(Self.text(lower, measure))") }
    if let upper { bounds.append("at most \(Self.text(upper, measure))") }
    return LoweredProperty(
      kind: .rate(output: output, feature: feature, step: step, lower: lower, upper: upper), parts: parts,
      statement: "for all x, x′ in \(domainText)\(conditions.isEmpty ? " with" : " and") x′ > x in \(names.1) and "
        + "x′ = x elsewhere: \(names.0) grows by \(bounds.joined(separator: " and ")) per \(per) of \(names.1)")
  }

  /// An amount as written: `4 ms`, or `10 percent` on a logarithmic scale.
  private static func text(_ amount: Rational, _ measure: some Measure) -> String {
    switch measure.scale {
    case .linear: "\(DecimalText.exact(amount))\(measure.unitSuffix)"
    case .log2: "\(DecimalText.exact(amount * 100)) percent"
    }
  }

  // MARK: Linear inequalities

  /// lower ≤ output ≤ upper.
  /// - Precondition: an upper bound on a logarithmic scale is positive.
  func always(output index: Int, lower: Rational?, upper: Rational?) -> LoweredProperty {
    let output = outputs[index]
    var parts: [LoweredProperty.Part] = []
    func bound(_ value: Rational, sign: Rational, _ symbol: String) {
      guard let constants = Self.networkBound(value, isLower: sign.isPositive, scale: output.scale) else { return }
      let weights = outputs.indices.map { $0 == index ? sign : Rational.zero }
      func query(_ constant: Rational) -> Query {
        self.query(.nonnegative(outputs: weights, constant: -sign * constant))
      }
      let text = "\(output.name) \(symbol) \(DecimalText.exact(value))\(output.unitSuffix)"
      parts.append(part(text, of: output, proof: query(constants.inner), refutation: query(constants.outer)))
    }
    if let lower { bound(lower, sign: 1, "≥") }
    if let upper { bound(upper, sign: -1, "≤") }
    var text = "\(output.name)(x)"
    if let lower { text = "\(DecimalText.exact(lower))\(output.unitSuffix) ≤ " + text }
    if let upper { text += " ≤ \(DecimalText.exact(upper))\(output.unitSuffix)" }
    return LoweredProperty(
      kind: .always(output: index, lower: lower, upper: upper), parts: parts,
      statement: "for all x in \(domainText): \(text)")
  }

  /// The bound in the network's numbers, rounded inwards and outwards; nil for a lower bound that every number on the
  /// scale satisfies.
  private static func networkBound(_ value: Rational, isLower: Bool, scale: Scale) -> (
    inner: Rational, outer: Rational
  )? {
    switch scale {
    case .linear: return (value, value)
    case .log2:
      guard value.isPositive else { return nil }
      let enclosure = BinaryLogarithm.enclosure(of: value, bits: Property.boundBits)
      return isLower
        ? (enclosure.upperBound, enclosure.lowerBound) : (enclosure.lowerBound, enclosure.upperBound)
    }
  }

  /// Inequalities at one point.
  func linear(_ inequalities: [Inequality], text: String) -> LoweredProperty {
    let parts = inequalities.map { inequality in
      var weights = [Rational](repeating: .zero, count: outputs.count)
      var inputs = [Rational](repeating: .zero, count: features.count)
      for (atom, coefficient) in inequality.coefficients {
        if atom.isOutput { weights[atom.index] += coefficient } else { inputs[atom.index] += coefficient }
      }
      func query(_ constant: Rational) -> Query {
        self.query(.nonnegative(outputs: weights, inputs: inputs, constant: constant))
      }
      return part(
        claim(inequality), query(inequality.constant.lowerBound), query(inequality.constant.upperBound))
    }
    return LoweredProperty(
      kind: .linear(outputs: named(inequalities)), parts: parts, statement: "for all x in \(domainText): \(text)")
  }

  /// Inequalities between two points of `space`.
  func relational(_ inequalities: [Inequality], in space: PairSpace, points: [String], between: [String], text: String)
    -> LoweredProperty
  {
    let parts = inequalities.map { inequality in
      func query(_ constant: Rational) -> Query {
        space.query(inequality.coefficients, constant: constant, outputCount: outputs.count)
      }
      return part(
        claim(inequality), in: space, proof: query(inequality.constant.lowerBound),
        refutation: query(inequality.constant.upperBound))
    }
    return LoweredProperty(
      kind: .relational(points: points, outputs: named(inequalities), between: between), parts: parts,
      statement: "for all \(points.joined(separator: ", ")) in \(domainText): \(text)")
  }

  private func claim(_ inequality: Inequality) -> Property.ClaimText {
    Property.ClaimText(plain: inequality.text, choice: choice, unit: inequality.unit, scale: inequality.scale)
  }

  private func named(_ inequalities: [Inequality]) -> [Int] {
    Set(inequalities.flatMap { $0.coefficients.keys.filter(\.isOutput).map(\.index) }).sorted()
  }
}
