public import Certificates
internal import ExactArithmetic
public import Networks
public import Specifications

/// A counterexample for people: what happens in the engineer's units, how far it is from what was measured, and the
/// exact function along the line through it.
public struct Explanation: Sendable {
  /// Measured rows that a figure marks.
  static let markedRows = 8

  public let property: Property
  public let slice: Slice
  /// What fails, where, and which measured row is nearest.
  public let lines: [String]
  /// Positions of the nearest measured rows on the slice's axis.
  private let rows: [Rational]
  private let example: Counterexample

  /// - Parameter measured: The application's data, if there is any.
  /// - Precondition: the counterexample is one to `property` on `network` (``Replay``).
  public init(
    _ example: Counterexample, to property: Property, of specification: Specification, network: ExactNetwork,
    measured: MeasuredRows?
  ) {
    self.example = example
    self.property = property
    let slice = Slice(example, to: property, of: specification, network: network)
    self.slice = slice
    var lines = specification.describeCounterexample(
      to: property, query: example.query, x: example.x, xPrime: example.xPrime, fx: example.fx,
      fxPrime: example.fxPrime, drop: example.drop)
    var positions: [Rational] = []
    if let measured {
      lines += specification.describeNearest(to: example, of: property, in: measured)
      if case .feature(let feature) = slice.axis {
        let neighbours = measured.nearest(to: Self.points(example), count: Self.markedRows)
        positions = neighbours.compactMap { Rational(exactly: $0.row.inputs[feature.index]) }
      }
    }
    self.lines = lines
    rows = positions
  }

  /// The terminal's picture.
  public var sketch: [String] { TerminalSketch(slice, rows: rows).lines }

  /// The figure as an SVG document.
  public var figure: String {
    func list(_ numbers: [Rational]) -> String { "(\(numbers.map(\.description).joined(separator: ", ")))" }
    let names = PropertyNames(property).points
    var exact = ["exactly, in the network's own numbers: \(names[0]) = \(list(example.x))"]
    if let end = example.xPrime { exact.append("\(names[1]) = \(list(end))") }
    exact.append("f(\(names[0])) = \(example.fx)")
    if let value = example.fxPrime { exact.append("f(\(names[1])) = \(value)") }
    exact.append("violation \(example.drop)")
    return SVGFigure(
      slice, title: "\(property.id): \(property.statement)", caption: lines, exact: exact, rows: rows
    ).text
  }

  static func points(_ example: Counterexample) -> [[Rational]] { [example.x] + (example.xPrime.map { [$0] } ?? []) }
}

extension Specification {
  /// The measured row nearest to a counterexample's points, in words; nothing when the data has no rows.
  public func describeNearest(to example: Counterexample, of property: Property, in measured: MeasuredRows) -> [String]
  {
    guard let nearest = measured.nearest(to: Explanation.points(example), count: 1).first else { return [] }
    return describe(nearest, in: measured.path, points: example.xPrime == nil ? [] : PropertyNames(property).points)
  }
}
