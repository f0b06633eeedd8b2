public import ExactArithmetic

/// What a property says, in the engineer's units.
public enum PropertyKind: Sendable, Hashable {
  /// The output does not fall (rise) when all the features grow or stay and the others are equal, but for the property's
  /// ``Property/tolerance``. `features` are indices in ascending order.
  case monotone(direction: Direction, output: Int, features: [Int])
  /// When the feature grows by t steps and the others are equal, the output grows by at least lower · t and at most
  /// upper · t, in the output's unit; a missing side is not bounded.
  ///
  /// `step` is an amount of the feature. On a logarithmic feature a step is the factor 1 + `step`; on a logarithmic
  /// output growth by q is the factor 1 + q, and growth in t steps the factor (1 + q)ᵗ.
  case rate(output: Int, feature: Int, step: Rational, lower: Rational?, upper: Rational?)
  /// lower ≤ output ≤ upper, in the output's unit; a missing side is not bounded.
  case always(output: Int, lower: Rational?, upper: Rational?)
  /// Linear inequalities between features and outputs at one point. `outputs` are the outputs that they name, in
  /// ascending order.
  case linear(outputs: [Int])
  /// Linear inequalities between features and outputs at two points, which are named as in the file; `between` are those
  /// that the points must satisfy, as mathematics.
  case relational(points: [String], outputs: [Int], between: [String])
}

/// Strict preconditions of a query: what a counterexample must satisfy beside the query's own, closed polytope.
///
/// A claim that holds of the points with Σ aᵢ·xᵢ + c > 0 holds of those with ≥, because networks are continuous and
/// ``inner`` is a point of the smaller set: from any point of the larger one the segment to it lies in the smaller one.
/// So proofs need not know of strictness.
public struct StrictDomain: Sendable, Hashable {
  /// Strict inequalities in the query's own variables.
  public let constraints: [LinearInequality]
  /// A point of the query's polytope that satisfies all of them.
  public let inner: [Rational]
}

/// A statement about every point of the declared domain, or of the part of it that its preconditions leave.
public struct Property: Sendable, Hashable {
  /// What one query says, for people, and what its shortfall is measured in.
  struct ClaimText: Sendable, Hashable {
    let plain: String
    /// The values chosen from lists: ` at replicas = 4`.
    let choice: String
    let unit: Unit
    let scale: Scale

    var text: String { plain + choice }
  }

  public let id: String
  public let kind: PropertyKind
  public let about: String?
  /// Where its `id` stands in the file, from 1.
  public let line: Int
  public let column: Int
  /// For a monotone property: by how much the output may move the wrong way, in its unit; on a logarithmic output, the
  /// factor 1 + tolerance. Nil for none.
  public let tolerance: Rational?
  /// Whether preconditions leave less than the declared domain.
  public var isRestricted: Bool { !conditions.isEmpty }
  /// What must be shown: the property holds exactly when all of these hold. Empty when it holds of every network.
  ///
  /// On a logarithmic scale, the numbers of a claim are rounded inwards (120 bits), so that a proof implies the claim.
  public let queries: [Query]
  /// What a counterexample must refute, one for each of ``queries``: the same, but with the claims' numbers rounded
  /// outwards.
  ///
  /// A point that refutes `queries[i]` and not `refutations[i]` lies between the two roundings and decides nothing.
  public let refutations: [Query]
  /// One for each of ``queries``; nil where no precondition is strict.
  public let strictDomains: [StrictDomain?]
  /// The points that the property speaks of, in the network's numbers: one polytope for each choice from lists of values.
  /// For a property about two points, where each of them may lie.
  public let domains: [Polytope]
  /// The preconditions as mathematics, in the engineer's units; those of `assume` first.
  public let conditions: [String]
  /// The property as one sentence of mathematics in the engineer's units.
  public let statement: String
  /// One for each of ``queries``.
  let claims: [ClaimText]

  /// Fractional bits of the enclosures of log₂ in claims.
  static let boundBits = 120

  init(
    id: String, about: String?, line: Int, column: Int, domains: [Polytope], conditions: [String],
    lowered: LoweredProperty
  ) {
    self.id = id
    self.about = about
    self.line = line
    self.column = column
    self.domains = domains
    self.conditions = conditions
    kind = lowered.kind
    tolerance = lowered.tolerance
    queries = lowered.parts.map(\.proof)
    refutations = lowered.parts.map(\.refutation)
    claims = lowered.parts.map(\.claim)
    strictDomains = lowered.parts.map(\.strict)
    statement = lowered.statement
  }
}

extension Property {
  /// Whether points satisfy a query's strict preconditions; true when it has none, or when they are no points of it.
  public func satisfiesStrictly(query index: Int, points: [[Rational]]) -> Bool {
    guard let strict = strictDomains[index] else { return true }
    let places: [[Rational]]
    if let relation = queries[index].relation {
      guard let u = relation.parameters(of: points) else { return true }
      places = [u]
    } else {
      places = points
    }
    return places.allSatisfy { place in strict.constraints.allSatisfy { $0.holds(at: place) } }
  }

  /// Whether the property says something about a point of the network's numbers: for a property about two points,
  /// whether one of them may lie there.
  /// - Precondition: one number per feature.
  public func applies(at point: [Rational]) -> Bool {
    domains.contains { $0.contains(point) }
  }
}
