public import ExactArithmetic

/// The negation of a property, or of one of its queries: points that meet ``common``, and all of one of ``cases``.
public struct PropertyNegation: Sendable, Hashable {
  /// One way to fail.
  public struct Case: Sendable, Hashable {
    /// The index of the query among the property's.
    public let query: Int
    public let conditions: [PointQuery.Condition]
    /// Σ outputs · f + inputs < 0.
    public let outputs: [Rational]
    public let inputs: SparseForm
  }

  public let pointCount: Int
  public let inputCount: Int
  public let outputCount: Int
  /// What every case asks of the points.
  public let common: [PointQuery.Condition]
  /// Never empty.
  public let cases: [Case]
  /// For two points their names: those of the file, or x and x'.
  public let pointNames: [String]

  /// - Parameter query: One of the property's queries; nil for all of them.
  /// - Throws: ``ExportError``: `vacuous` when the property has no query, `mismatch` when it has not that one.
  public init(of property: Property, query: Int?, outputCount: Int) throws(ExportError) {
    guard !property.queries.isEmpty else {
      throw ExportError(
        .vacuous, "\(property.id) holds of every network, so that there is nothing to ask; leave it out, or change it")
    }
    if let query, !property.queries.indices.contains(query) {
      throw ExportError(
        .mismatch, "\(property.id) has no query \(query + 1); its queries are 1 to \(property.queries.count)")
    }
    let chosen = query.map { [$0] } ?? Array(property.queries.indices)
    var written: [(query: Int, asked: PointQuery)] = []
    for index in chosen {
      guard let points = property.queries[index].points(outputCount: outputCount) else {
        throw ExportError(
          .inexpressible, "the points of \(property.id) cannot be told from each other's coordinates; please report it")
      }
      written.append((index, points))
    }
    let first = written[0].asked
    guard written.allSatisfy({ $0.asked.pointCount == first.pointCount && $0.asked.inputCount == first.inputCount })
    else {
      throw ExportError(
        .inexpressible, "the queries of \(property.id) are about different numbers of points; export one with --query")
    }
    let others = written.dropFirst().map { Set($0.asked.conditions) }
    let shared = first.conditions.filter { condition in others.allSatisfy { $0.contains(condition) } }
    let isShared = Set(shared)
    pointCount = first.pointCount
    inputCount = first.inputCount
    self.outputCount = outputCount
    common = shared
    cases = written.map { query, asked in
      Case(
        query: query, conditions: asked.conditions.filter { !isShared.contains($0) }, outputs: asked.outputs,
        inputs: asked.inputs)
    }
    pointNames = Self.names(property, first.pointCount)
  }

  /// One query, already written in its points.
  init(_ asked: PointQuery, query: Int, of property: Property, outputCount: Int) {
    pointCount = asked.pointCount
    inputCount = asked.inputCount
    self.outputCount = outputCount
    common = asked.conditions
    cases = [Case(query: query, conditions: [], outputs: asked.outputs, inputs: asked.inputs)]
    pointNames = Self.names(property, asked.pointCount)
  }

  private static func names(_ property: Property, _ pointCount: Int) -> [String] {
    if case .relational(let names, _, _) = property.kind { return names }
    return pointCount == 2 ? ["x", "x'"] : ["x"]
  }
}

extension PropertyNegation.Case {
  /// Σ outputs · f + inputs < 0 as one form above zero, in the inputs of all points and then their outputs.
  /// - Parameter inputCount: The number of all points' inputs.
  public func failure(inputCount: Int) -> SparseForm {
    let values = SparseForm(LinearForm(coefficients: outputs, constant: .zero), first: inputCount)
    return SparseForm(sum: [(-.one, inputs), (-.one, values)], constant: .zero)
  }
}

extension Property {
  /// Whether a logarithm had to be rounded, so that some points decide nothing (``Property/refutations``).
  public var isRounded: Bool { queries != refutations }
}
