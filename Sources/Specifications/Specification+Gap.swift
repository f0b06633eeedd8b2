public import ExactArithmetic

/// By how much an undecided query can still fail, from a certified bound.
public struct RemainingGap: Sendable, Hashable {
  /// What would make a monotone claim hold by construction: `slope` · (x_feature − `lowerEnd`) added to the output when
  /// it should not decrease, subtracted when it should not increase. In the network's own numbers.
  public struct Repair: Sendable, Hashable {
    public let output: Int
    public let feature: Int
    public let slope: Rational
    public let lowerEnd: Rational
    /// The most that an output changes by it: at the upper end of the feature's interval.
    public let change: Rational
  }

  public let query: Int
  /// Positive: by how much the claim's quantity (for a monotone claim the slope) may lie below what is claimed.
  public let shortfall: Rational
  public let repair: Repair?
  /// The same in the engineer's units.
  public let lines: [String]
}

extension Specification {
  /// What a certified bound leaves open of a query; nil when the bound shows that the query holds.
  ///
  /// - Parameter lowerBound: At most the least value of a value claim, or the least slope of a monotone one (with the
  ///   sign of its direction), over the query's domain.
  public func gap(of property: Property, query: Int, lowerBound: Rational) -> RemainingGap? {
    guard property.queries.indices.contains(query) else { return nil }
    let asked = property.queries[query]
    switch asked.claim {
    case .monotone(let output, let feature, let direction, let least):
      let slope = least - lowerBound
      guard slope.isPositive else { return nil }
      let interval = asked.region[feature]
      let change = slope * (interval.upperBound - interval.lowerBound)
      let names = (outputs[output].name, features[feature].name)
      let isRising = direction == .nondecreasing
      // Upwards, so that "at most" stays true; what a factor on a logarithmic scale is in per cent is rounded once more.
      let measure = outputs[output]
      let about = measure.scale == .log2 ? "about " : ""
      let amount = about + String(measure.describeChange(Self.up(change, digits: 3)).drop { $0 == "+" })
      let term =
        interval.lowerBound.isZero
        ? names.1 : "(\(names.1) \(interval.lowerBound.isNegative ? "+" : "−") \(short(interval.lowerBound.magnitude)))"
      return RemainingGap(
        query: query, shortfall: slope,
        repair: RemainingGap.Repair(
          output: output, feature: feature, slope: slope, lowerEnd: interval.lowerBound, change: change),
        lines: [
          "certified so far: \(names.0) \(isRising ? "falls" : "rises") by at most \(amount) "
            + "\(least.isZero ? "" : "beyond what is allowed ")over the whole range of \(names.1)",
          "repair: \(names.0) \(isRising ? "+" : "−") \(short(Self.up(slope, digits: 4))) · \(term), in the network's numbers, satisfies it; "
            + "that moves \(names.0) by at most \(amount)",
        ])
    case .nonnegative:
      guard lowerBound.isNegative else { return nil }
      return RemainingGap(
        query: query, shortfall: -lowerBound, repair: nil,
        lines: [
          "certified so far: fails by at most \(shortfall(of: property, query: query, drop: Self.up(-lowerBound, digits: 3)))"
        ])
    }
  }

  /// The least number of so many decimal digits that is not below a positive value.
  static func up(_ value: Rational, digits: Int) -> Rational {
    var unit = Rational(1)
    var limit = Rational(1)
    for _ in 0..<digits { limit = limit * 10 }
    // At most some hundred steps: numbers of a network's range.
    while value >= unit * limit { unit = unit * 10 }
    while value * 10 < unit * limit { unit = unit / 10 }
    let units = value / unit
    return Rational(units.ceiling) * unit
  }

  private func short(_ value: Rational) -> String { DecimalText.rounded(value, digits: 4) }
}
