internal import ExactArithmetic
internal import Foundation
public import Specifications
public import Telemetry

/// How many rows of a data file a specification has to do with.
public struct DataCoverage: Sendable, Hashable {
  public let path: String
  public let rowCount: Int
  /// Rows in which every feature has a value of its declared domain.
  public let insideDomain: Int
  /// Per feature, rows in which it has a value of its declared domain.
  public let insideFeature: [Int]
  /// Per feature, the greatest magnitude in the file.
  public let greatest: [Double]
  /// The columns of outputs that the file does not have.
  public let missing: [String]
  /// Per property of the specification, rows at which it says something: within its domain and preconditions.
  public let touched: [Int]

  /// Reads the columns that the features name.
  ///
  /// A number on a logarithmic scale is compared by its binary64 logarithm, which the domain's rounded ends leave room
  /// for (``Feature/networkDomain``).
  /// - Throws: `DatasetError` with the place in the file, also for a column that is missing.
  /// - Complexity: O(rows × properties × constraints) exact operations.
  public init(path: String, specification: Specification) throws(DatasetError) {
    let dataset = try Dataset.read(csv: path)
    var columns: [[Double]] = []
    for feature in specification.features { columns.append(try dataset.column(feature.column)) }
    var insideDomain = 0
    var insideFeature = [Int](repeating: 0, count: columns.count)
    var touched = [Int](repeating: 0, count: specification.properties.count)
    let ends = specification.features.map { feature in
      (
        feature.domain.lowerBound.approximation, feature.domain.upperBound.approximation,
        feature.values?.map(\.approximation)
      )
    }
    for row in 0..<dataset.rowCount {
      var isInside = true
      var point: [Rational] = []
      for (index, feature) in specification.features.enumerated() {
        let value = columns[index][row]
        let (low, high, values) = ends[index]
        // The file's numbers are decimals, of which binary64 holds the nearest neighbours; so are these ends.
        guard value.isFinite, value >= low, value <= high, values?.contains(value) ?? true else {
          isInside = false
          continue
        }
        insideFeature[index] += 1
        if isInside, let number = Self.networkNumber(value, feature) { point.append(number) } else { isInside = false }
      }
      guard isInside else { continue }
      insideDomain += 1
      for (index, property) in specification.properties.enumerated() where property.applies(at: point) {
        touched[index] += 1
      }
    }
    greatest = columns.map { column in column.reduce(0) { max($0, abs($1)) } }
    missing = specification.outputs.map(\.column).filter { !dataset.hasColumn($0) }
    self.path = path
    rowCount = dataset.rowCount
    self.insideDomain = insideDomain
    self.insideFeature = insideFeature
    self.touched = touched
  }

  /// The network's number for one in the feature's domain, within that domain.
  private static func networkNumber(_ value: Double, _ feature: Feature) -> Rational? {
    let number: Rational
    switch feature.scale {
    case .linear:
      // One of the ends is the end itself: 0.1 lies in 0.1..1, though its binary64 number does not.
      if value == feature.domain.lowerBound.approximation { return feature.networkDomain.lowerBound }
      if value == feature.domain.upperBound.approximation { return feature.networkDomain.upperBound }
      if let exact = feature.values?.first(where: { $0.approximation == value }) { return exact }
      guard let exact = Rational(exactly: value) else { return nil }
      number = exact
    case .log2:
      guard value > 0, let exact = Rational(exactly: Foundation.log2(value)) else { return nil }
      number = exact
    }
    return min(max(number, feature.networkDomain.lowerBound), feature.networkDomain.upperBound)
  }

  /// `831 of 900 rows (92.3 %)`.
  public func share(_ count: Int) -> String {
    let percent = Rational(count) * 100 / Rational(max(1, rowCount))
    return "\(count) of \(rowCount) rows (\(DecimalText.rounded(percent, digits: 3)) %)"
  }

  /// What the data say against the specification: properties that no row or hardly any touches, features whose domain
  /// holds no row.
  public func warnings(_ specification: Specification) -> [Diagnostic] {
    var result: [Diagnostic] = []
    guard rowCount > 0 else {
      return [specification.problem(.data, line: nil, "\(path) has no rows", fix: "name a file with measured rows")]
    }
    for (feature, count) in zip(specification.features, insideFeature) where count == 0 {
      result.append(
        specification.problem(
          .data, line: nil, "no row of \(path) has '\(feature.column)' in the domain of '\(feature.name)'",
          fix: "check the unit of the column: the domain is \(feature.statement)"))
    }
    // A column of another unit may well lie inside the domain, in a corner of it.
    for (index, feature) in specification.features.enumerated() where feature.scale == .linear && feature.values == nil
    {
      let end = max(abs(feature.domain.lowerBound.approximation), abs(feature.domain.upperBound.approximation))
      guard insideFeature[index] > 0, greatest[index] > 0, greatest[index] * 50 <= end else { continue }
      result.append(
        specification.problem(
          .data, line: nil,
          "the values of '\(feature.column)' in \(path) are at most \(greatest[index]), a fiftieth or less of the domain",
          fix: "check the unit: the domain is \(feature.statement)"))
    }
    for column in missing {
      result.append(
        specification.problem(
          .data, line: nil, "\(path) has no column '\(column)', from which an output is read",
          fix: "write the column's name as 'column: …' beside the output"))
    }
    for (property, count) in zip(specification.properties, touched) where count == 0 {
      result.append(
        specification.problem(
          .uncovered, line: property.line, column: property.column,
          "'\(property.id)' speaks of no row of \(path): \(share(insideDomain)) lie in the declared domain, "
            + "none where this property applies",
          fix: "check its preconditions and the domains, or measure there"))
    }
    return result
  }
}
