internal import ExactArithmetic

/// What a property says, for people.
public struct PropertyExplanation: Sendable, Hashable {
  /// One or two sentences in English.
  public let words: String
  /// The property as mathematics in the engineer's units.
  public let mathematics: String
  /// Where it applies: `everywhere in the declared domain`, or its preconditions.
  public let place: String
  /// What it takes to prove it: the number and kind of queries.
  public let queries: String
}

extension Specification {
  /// A property in plain English and in mathematics, with units.
  public func explanation(of property: Property) -> PropertyExplanation {
    PropertyExplanation(
      words: words(property), mathematics: property.statement,
      place: property.conditions.isEmpty
        ? "everywhere in the declared domain" : "where " + property.conditions.joined(separator: " and "),
      queries: Self.queryText(property))
  }

  private static func queryText(_ property: Property) -> String {
    let count = property.queries.count
    guard count > 0 else { return "nothing: it is true of every network" }
    let pairs = property.queries.count { $0.relation != nil }
    let what =
      pairs == 0
      ? "about one copy of the network" : pairs == count ? "about two copies" : "\(pairs) of them about two copies"
    return "\(count) \(count == 1 ? "query" : "queries") \(what)"
  }

  private func words(_ property: Property) -> String {
    switch property.kind {
    case .monotone(let direction, let output, let features):
      let measure = outputs[output]
      let verb = direction == .nondecreasing ? "falls" : "rises"
      var end = "\(measure.name) never \(verb)"
      if let tolerance = property.tolerance {
        let amount =
          measure.scale == .log2
          ? "\(DecimalText.exact(tolerance * 100)) percent" : "\(DecimalText.exact(tolerance))\(measure.unitSuffix)"
        end += " by more than \(amount) in all"
      }
      let names = features.map { self.features[$0].name }
      if features.count == 1 { return "When \(growth(features[0])) and all else stays the same, \(end)." }
      return "When \(Self.list(names, "or")) grows, or several of them, and all else stays the same, \(end)."
    case .rate(let output, let feature, let step, let lower, let upper):
      let measure = outputs[output]
      let along = self.features[feature]
      let stepText =
        along.scale == .log2
        ? (step == .one
          ? "each doubling of \(along.name)"
          : "each growth of \(along.name) by \(DecimalText.exact(step * 100)) percent")
        : "each \(DecimalText.exact(step))\(along.unitSuffix) that \(along.name) grows"
      func amount(_ value: Rational) -> String {
        measure.scale == .log2
          ? "\(DecimalText.exact(value.magnitude * 100)) percent"
          : "\(DecimalText.exact(value.magnitude))\(measure.unitSuffix)"
      }
      var parts: [String] = []
      if let lower {
        parts.append(
          lower.isZero
            ? "never falls"
            : lower.isNegative ? "falls by at most \(amount(lower))" : "rises by at least \(amount(lower))")
      }
      if let upper {
        parts.append(
          upper.isZero
            ? "never rises"
            : upper.isNegative ? "falls by at least \(amount(upper))" : "rises by at most \(amount(upper))")
      }
      return "For \(stepText) while all else stays the same, \(measure.name) \(parts.joined(separator: " and "))."
    case .always(let output, let lower, let upper):
      let measure = outputs[output]
      func text(_ value: Rational) -> String { DecimalText.exact(value) + measure.unitSuffix }
      switch (lower, upper) {
      case (let lower?, let upper?):
        return "\(measure.name) always lies between \(text(lower)) and \(text(upper))."
      case (let lower?, nil): return "\(measure.name) is never below \(text(lower))."
      case (nil, let upper?): return "\(measure.name) is never above \(text(upper))."
      case (nil, nil): return "\(measure.name) may be anything."
      }
    case .linear: return "At every point, \(Self.claims(property))."
    case .relational(let points, _, let between):
      let condition = between.isEmpty ? "" : " with \(Self.list(between, "and"))"
      return "For any two points \(points[0]) and \(points[1])\(condition), \(Self.claims(property))."
    }
  }

  private func growth(_ index: Int) -> String {
    let feature = features[index]
    guard let values = feature.values else { return "\(feature.name) grows" }
    return
      "\(feature.name) grows along its values \(values.map(DecimalText.exact).joined(separator: ", "))\(feature.unitSuffix)"
  }

  private static func list(_ words: [String], _ conjunction: String) -> String {
    guard words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + words[words.count - 1]
  }

  /// What the queries say, without the choices from lists, each once.
  private static func claims(_ property: Property) -> String {
    var texts: [String] = []
    for claim in property.claims where !texts.contains(claim.plain) { texts.append(claim.plain) }
    return list(texts, "and")
  }
}
