public import ExactArithmetic
internal import Foundation
public import Specifications
public import Telemetry

/// The measured rows of an application as a network sees them, to say how far from them a counterexample lies.
///
/// Rows that the quality rules of the trainer leave out are left out here, too, and inputs are clamped to the declared
/// domain as at training and at run time. Distances are for people and are computed in binary64.
public struct MeasuredRows: Sendable {
  public struct Row: Sendable, Hashable {
    /// From 1, without the header.
    public let number: Int
    /// The line of the file, from 1.
    public let line: Int
    /// In the network's numbers, one per feature.
    public let inputs: [Double]
    /// As measured, one per feature.
    public let measured: [Double]
    /// As measured, one per output; nil where the field is empty or the file lacks the column.
    public let outputs: [Double?]
  }

  /// A row and how far it is from a point.
  public struct Neighbour: Sendable, Hashable {
    public let row: Row
    /// The greatest difference in a feature, in widths of its domain (max norm). In the network's numbers: on a `log2`
    /// feature, shares of the domain's logarithm.
    public let distance: Double
    /// The feature in which it is that far.
    public let feature: Int
    /// Which of the points it is near to, from 0.
    public let point: Int
  }

  public let path: String
  public let rows: [Row]
  private let widths: [Double]

  /// Reads `path`.
  /// - Throws: `DatasetError` with the place in the file: also for a feature's column that is missing or not a number.
  public init(csv path: String, application: String, specification: Specification) throws(DatasetError) {
    let dataset = try Dataset.read(csv: path)
    let rules = QualityRules.standard(application: application).rules.filter { dataset.hasColumn($0.condition.column) }
    let kept = try QualityRules(rules).apply(to: dataset).kept
    var columns: [[Double]] = []
    for feature in specification.features { columns.append(try dataset.column(feature.column, rows: kept)) }
    var outputs: [[Double?]] = []
    for output in specification.outputs {
      guard dataset.hasColumn(output.column) else {
        outputs.append(Array(repeating: nil, count: kept.count))
        continue
      }
      let all = try dataset.optionalColumn(output.column)
      outputs.append(kept.map { all[$0] })
    }
    self.path = path
    widths = specification.features.map {
      ($0.networkDomain.upperBound - $0.networkDomain.lowerBound).approximation
    }
    rows = kept.enumerated().map { index, row in
      let measured = columns.map { $0[index] }
      let inputs = zip(specification.features, measured).map { feature, value in
        let low = feature.domain.lowerBound.approximation
        let limited = min(max(value, low), feature.domain.upperBound.approximation)
        return feature.scale == .log2 ? log2(limited) : limited
      }
      return Row(
        number: row + 1, line: dataset.line(ofRow: row), inputs: inputs, measured: measured,
        outputs: outputs.map { $0[index] })
    }
  }

  /// The rows nearest to any of the points, nearest first; the earlier of two that are as near.
  /// - Parameter points: In the network's numbers.
  /// - Complexity: O(rows · features · points).
  public func nearest(to points: [[Rational]], count: Int) -> [Neighbour] {
    let targets = points.map { $0.map(\.approximation) }
    let all = rows.map { row in
      targets.enumerated().map { point, target in neighbour(row, target, point) }
        .reduce(nil) { (best: Neighbour?, next) in
          best.map { next.distance < $0.distance ? next : $0 } ?? next
        }
    }
    return Array(
      all.compactMap { $0 }.sorted { ($0.distance, $0.row.number) < ($1.distance, $1.row.number) }.prefix(count))
  }

  private func neighbour(_ row: Row, _ target: [Double], _ point: Int) -> Neighbour {
    var distance = 0.0
    var feature = 0
    // A feature with one value tells no rows apart.
    for i in target.indices where widths[i] > 0 {
      let difference = abs(row.inputs[i] - target[i]) / widths[i]
      if difference > distance { (distance, feature) = (difference, i) }
    }
    return Neighbour(row: row, distance: distance, feature: feature, point: point)
  }
}

extension Specification {
  /// The nearest measured row in words: which, how far, in what, and what was measured there.
  ///
  /// ```
  /// nearest measured row: 41 (line 42 of models/nginx/data.csv), at most 0.12 of a feature's domain away from x,
  /// most in clients (4 connections there)
  /// measured there: p99 39.35 ms at cores 1.2, clients 4
  /// ```
  /// - Parameter names: The points' names; empty when there is one.
  public func describe(_ neighbour: MeasuredRows.Neighbour, in path: String, points names: [String]) -> [String] {
    func value(_ measure: some Measure, _ number: Double) -> String {
      let suffix = measure.unit.name == measure.name || measure.unit.isNone ? "" : " \(measure.unit)"
      return Self.text(number) + suffix
    }
    let row = neighbour.row
    let feature = features[neighbour.feature]
    let from = names.indices.contains(neighbour.point) ? " from \(names[neighbour.point])" : ""
    var first = "nearest measured row: \(row.number) (line \(row.line) of \(path)), "
    if neighbour.distance == 0 {
      first += "the very point\(from.replacing("from", with: "of"))"
    } else {
      first +=
        "\(Self.text(neighbour.distance, digits: 3)) of a domain's width away\(from), "
        + "most in \(feature.name) (\(value(feature, row.measured[neighbour.feature])) there)"
    }
    let results = zip(outputs, row.outputs).compactMap { output, number in
      number.map { "\(output.name) \(value(output, $0))" }
    }
    let inputs = zip(features, row.measured).map { "\($0.name) \(value($0, $1))" }
    let what = results.isEmpty ? "" : results.joined(separator: ", ") + " at "
    return [first, "measured there: \(what)\(inputs.joined(separator: ", "))"]
  }

  private static func text(_ number: Double, digits: Int = 6) -> String {
    Rational(exactly: number).map { DecimalText.rounded($0, digits: digits) } ?? "\(number)"
  }
}
