public import ExactArithmetic
public import Networks
public import Specifications

extension Certificate {
  /// In which arithmetic the verdicts are valid.
  public enum Arithmetic: Sendable, Hashable {
    /// The network as a function of real numbers, with the stored weights.
    case real
    /// Also the network as binary64 computes it on this grid, to which inputs are rounded and clamped: no operation
    /// rounds, in any order of summation (``Networks/RoundingCondition``).
    case binary64Exact(InputGrid)
    /// Computed outputs differ from the exact ones by at most ``ErrorBound/errors``, for every input of the domain and
    /// every order of summation. The properties with these identifiers were proved with a margin that makes up for it,
    /// so they hold of the computed outputs; the others hold of the real function.
    case bounded(BinaryFormat, errors: [Rational], properties: [String])

    /// The words of the field `arithmetic`.
    public static let names = ["real", "binary64-exact"] + BinaryFormat.allCases.map { "\($0.rawValue)-bounded" }

    /// The strongest statement that needs no new proof: exact on the finest grid, if there is one, otherwise real.
    ///
    /// A property that speaks only of numbers between the points of the grid, such as a value 0.6 of a list, leaves the
    /// statement real: a predictor would round that value to a number of which nothing was proved.
    /// - Precondition: the specification has the inputs of `network`.
    public init(of network: Network, for specification: Specifications.Specification) {
      guard let grid = InputGrid.finest(for: network, over: specification.region),
        Self.unheldFeature(of: specification, on: grid) == nil
      else {
        self = .real
        return
      }
      self = .binary64Exact(grid)
    }

    /// The first feature of which some property speaks only between the points of the grid: at a value from a list, of
    /// `for-each` or of a precondition that is no such point.
    static func unheldFeature(of specification: Specifications.Specification, on grid: InputGrid) -> String? {
      unheldFeature(of: specification) { index, interval in
        let axis = grid.axes[index]
        guard let points = InputGrid.Axis(exponent: axis.exponent, inside: interval) else { return false }
        return points.low <= axis.high && points.high >= axis.low
      }
    }

    private static func unheldFeature(
      of specification: Specifications.Specification, holds: (Int, ClosedRange<Rational>) -> Bool
    ) -> String? {
      for property in specification.properties {
        for domain in property.domains {
          for (index, interval) in domain.box.enumerated() where !holds(index, interval) {
            return specification.features[index].name
          }
        }
      }
      return nil
    }

    /// The first feature of which some property speaks only between the numbers of binary64, which computed inputs are.
    public static func unheldFeature(of specification: Specifications.Specification) -> String? {
      unheldFeature(of: specification) { _, interval in
        let near = interval.lowerBound.approximation
        return [near, near.nextUp, near.nextDown].contains { Rational(exactly: $0).map(interval.contains) ?? false }
      }
    }

    /// What it means, as one sentence.
    public var meaning: String {
      switch self {
      case .real:
        return "what holds, holds of the network as a function of real numbers; rounding at run time is not covered"
      case .binary64Exact(let grid):
        let exponents = grid.axes.map(\.exponent)
        let finest = exponents.min() ?? 0
        let coarsest = exponents.max() ?? 0
        let spacing = finest == coarsest ? "2^\(finest)" : "2^\(finest) to 2^\(coarsest)"
        return
          "what holds, holds of the computed network: with inputs rounded to multiples of \(spacing) and clamped to "
          + "the domain, binary64 rounds nowhere, in any order of summation"
      case .bounded(let format, let errors, let properties):
        let greatest = errors.max() ?? .zero
        return "\(format.rawValue) computes every output within \(greatest.approximation) of the exact one; "
          + "\(properties.count) \(properties.count == 1 ? "property was" : "properties were") proved with that margin "
          + "and \(properties.count == 1 ? "holds" : "hold") of the computed network, the others of real numbers"
      }
    }

    /// The predictor that computes what was proved: on this grid, from numbers in the specification's units. Nil unless
    /// the arithmetic is ``binary64Exact(_:)``.
    /// - Throws: ``NetworkError`` when the grid is not exact for the network after all, or has another number of inputs.
    public func predictor(
      network: Network, specification: Specifications.Specification
    ) throws(NetworkError) -> Predictor? {
      guard case .binary64Exact(let grid) = self else { return nil }
      return try Predictor(
        network: network, grid: grid, scales: specification.features.map { $0.scale == .log2 ? .log2 : .linear })
    }

    /// What the proof of a property has to prove: its queries; for one that ``bounded(_:errors:properties:)`` names, the
    /// queries about the exact network that imply it both of the exact and of the computed network. Nil when a named
    /// property has no such queries, or is of a network with another number of outputs.
    public func provenQueries(of property: Property) -> [Query]? {
      guard case .bounded(_, let errors, let properties) = self, properties.contains(property.id) else {
        return property.queries
      }
      let fits = property.queries.allSatisfy { query in
        switch query.claim {
        case .monotone(let output, let feature, _, _):
          errors.indices.contains(output) && query.region.indices.contains(feature)
        case .nonnegative(let outputs, _, _): outputs.count == errors.count * (query.relation?.copies.count ?? 1)
        }
      }
      return fits ? property.tightenedQueries(by: errors) : nil
    }

    /// What is wrong with the claim for this network, domain and list of records; nil when it is right.
    ///
    /// Recomputes the condition or the bound exactly. That the properties of ``bounded(_:errors:properties:)`` were
    /// proved with a margin is for their proofs to show, which must be of ``provenQueries(of:)``; here they must be ones
    /// that a margin can save.
    /// - Precondition: the specification has the inputs and outputs of the network.
    public func problem(
      network: Network, specification: Specifications.Specification, records: [PropertyRecord]
    ) -> String? {
      let region = specification.region
      switch self {
      case .real: return nil
      case .binary64Exact(let grid):
        guard grid.axes.count == region.count else {
          return "the grid has \(grid.axes.count) inputs, the domain has \(region.count)"
        }
        if let outside = zip(grid.axes, region).enumerated().first(where: { !$1.0.isInside($1.1) })?.offset {
          return "the grid of input \(outside) leaves the domain"
        }
        if let name = Self.unheldFeature(of: specification, on: grid) {
          return "no point of the grid has a value of '\(name)' that a property speaks of"
        }
        switch RoundingCondition(network, on: grid) {
        case .exact: return nil
        case .inexact(let place, let bits): return "\(place) needs \(bits) bits on the grid; binary64 has 53"
        case .outOfRange(let place): return "\(place) leaves the range of binary64 on the grid"
        }
      case .bounded(let format, let errors, let properties):
        guard let bound = ErrorBound(network, over: region, format: format), errors.count == bound.errors.count else {
          return "the network has no such error bound in \(format.rawValue)"
        }
        if let small = zip(errors, bound.errors).enumerated().first(where: { $1.0 < $1.1 })?.offset {
          return "the error of output \(small) may be greater than the certificate says"
        }
        if let name = Self.unheldFeature(of: specification) {
          return "no number of \(format.rawValue) is a value of '\(name)' that a property speaks of"
        }
        for id in properties {
          guard let property = specification.properties.first(where: { $0.id == id }),
            records.contains(where: { $0.id == id && $0.outcome == .holds }),
            property.tightenedQueries(by: errors) != nil
          else { return "property '\(id)' cannot have been proved with a margin" }
        }
        return nil
      }
    }
  }
}

extension Certificate.Arithmetic: CustomStringConvertible {
  /// One of ``names``.
  public var description: String {
    switch self {
    case .real: "real"
    case .binary64Exact: "binary64-exact"
    case .bounded(let format, _, _): "\(format.rawValue)-bounded"
    }
  }

  /// The object `semantics`: the field `arithmetic`, and the fields that belong to its word.
  var json: JSONValue {
    var members: [String: JSONValue] = ["arithmetic": .string(description)]
    switch self {
    case .real: break
    case .binary64Exact(let grid):
      members["grid"] = .array(
        grid.axes.map { axis in
          .object([
            "exponent": .integer(axis.exponent), "low": .string(axis.low.description),
            "high": .string(axis.high.description),
          ])
        })
    case .bounded(_, let errors, let properties):
      members["errors"] = .strings(errors.map(\.description))
      members["properties"] = .strings(properties)
    }
    return .object(members)
  }

  init(_ fields: JSONFields) throws(CertificateError) {
    let word = try fields.member("arithmetic").choice(of: Self.names)
    switch word {
    case "real":
      _ = try fields.object(["arithmetic"])
      self = .real
    case "binary64-exact":
      let object = try fields.object(["arithmetic", "grid"])
      var axes: [InputGrid.Axis] = []
      for element in try object("grid").array(1...Certificate.maximumInputs) {
        let axis = try element.object(["exponent", "low", "high"])
        let exponent = try axis("exponent").integer(InputGrid.Axis.exponents)
        guard let low = Dyadic(exactly: try axis("low").rational()),
          let high = Dyadic(exactly: try axis("high").rational()),
          let read = InputGrid.Axis(exponent: exponent, low: low, high: high)
        else { throw element.failure("is no grid; its ends must be multiples of 2^\(exponent), low not above high") }
        axes.append(read)
      }
      self = .binary64Exact(InputGrid(axes: axes))
    default:
      guard let format = BinaryFormat.allCases.first(where: { word == "\($0.rawValue)-bounded" }) else {
        throw fields.failure("has an unknown arithmetic")
      }
      let object = try fields.object(["arithmetic", "errors", "properties"])
      let errors = try object("errors").rationals()
      guard errors.allSatisfy({ !$0.isNegative }) else {
        throw try object("errors").failure("has a negative number; an error is a distance")
      }
      var properties: [String] = []
      for element in try object("properties").array(1...Certificate.maximumProperties) {
        let id = try element.name()
        guard !properties.contains(id) else { throw element.failure("is \"\(id)\", doubled") }
        properties.append(id)
      }
      self = .bounded(format, errors: errors, properties: properties)
    }
  }
}
