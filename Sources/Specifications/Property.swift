public import ExactArithmetic

/// What a property says, in the engineer's units.
public enum PropertyKind: Sendable, Hashable {
  /// The output does not fall (rise) when all the features grow or stay and the others are equal.
  /// `features` are indices in ascending order.
  case monotone(direction: Direction, output: Int, features: [Int])
  /// lower ≤ output ≤ upper, in the output's unit; a missing side is not bounded.
  case always(output: Int, lower: Rational?, upper: Rational?)
}

/// A statement about every point of the declared domain.
public struct Property: Sendable, Hashable {
  public let id: String
  public let kind: PropertyKind
  public let about: String?
  /// Where its `id` stands in the file, from 1.
  public let line: Int
  public let column: Int
  /// What must be shown: the property holds exactly when all of these hold. Empty when it holds of every network.
  ///
  /// On a logarithmic output, a bound's constant is rounded inwards (120 bits), so that a proof implies the bound.
  public let queries: [Query]
  /// What a counterexample must refute, one for each of ``queries``: the same, but with constants rounded outwards.
  ///
  /// A point that refutes `queries[i]` and not `refutations[i]` lies between the two roundings and decides nothing.
  /// Only bounds on logarithmic outputs differ.
  public let refutations: [Query]
  /// The property as one sentence of mathematics in the engineer's units.
  public let statement: String

  /// Fractional bits of the enclosures of log₂ of a bound.
  static let boundBits = 120

  init(
    id: String, kind: PropertyKind, about: String?, line: Int, column: Int, features: [Feature], outputs: [Output],
    region: [ClosedRange<Rational>]
  ) {
    self.id = id
    self.kind = kind
    self.about = about
    self.line = line
    self.column = column
    switch kind {
    case .monotone(let direction, let output, let inputs):
      // On a box, f grows jointly in several features exactly when it grows in each: walk one axis after the other.
      queries = inputs.map {
        Query(
          region: region, claim: .monotone(output: output, feature: $0, direction: direction, minimumSlope: .zero))
      }
      refutations = queries
      let name = outputs[output].name
      let names = inputs.map { features[$0].name }.joined(separator: ", ")
      let sign = direction == .nondecreasing ? "≥" : "≤"
      statement =
        "for all x, x′ in the domain with x′ ≥ x in \(names) and x′ = x elsewhere: \(name)(x′) \(sign) \(name)(x)"
    case .always(let index, let lower, let upper):
      let output = outputs[index]
      var pairs: [(proof: Query, refutation: Query)] = []
      func bound(_ value: Rational, sign: Rational) {
        guard let constants = Self.networkBound(value, isLower: sign.isPositive, scale: output.scale) else { return }
        let weights = outputs.indices.map { $0 == index ? sign : Rational.zero }
        func query(_ constant: Rational) -> Query {
          Query(region: region, claim: .nonnegative(outputs: weights, constant: -sign * constant))
        }
        pairs.append((query(constants.inner), query(constants.outer)))
      }
      if let lower { bound(lower, sign: 1) }
      if let upper { bound(upper, sign: -1) }
      queries = pairs.map(\.proof)
      refutations = pairs.map(\.refutation)
      var text = "\(output.name)(x)"
      if let lower { text = "\(DecimalText.exact(lower))\(output.unitSuffix) ≤ " + text }
      if let upper { text += " ≤ \(DecimalText.exact(upper))\(output.unitSuffix)" }
      statement = "for all x in the domain: \(text)"
    }
  }

  /// The bound in the network's numbers, rounded inwards and outwards; nil for a lower bound that every number on the
  /// scale satisfies.
  /// - Precondition: an upper bound on a logarithmic scale is positive.
  private static func networkBound(_ value: Rational, isLower: Bool, scale: Scale) -> (
    inner: Rational, outer: Rational
  )? {
    switch scale {
    case .linear: return (value, value)
    case .log2:
      guard value.isPositive else { return nil }
      let enclosure = BinaryLogarithm.enclosure(of: value, bits: boundBits)
      return isLower
        ? (enclosure.upperBound, enclosure.lowerBound) : (enclosure.lowerBound, enclosure.upperBound)
    }
  }
}
