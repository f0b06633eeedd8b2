public import Certificates
internal import ExactArithmetic
public import Specifications
public import Telemetry
public import Training
internal import Foundation

/// The rows of one application, filtered, split by time and turned into the network's numbers.
public struct PreparedData: Sendable {
  public let application: String
  public let path: String
  /// Which rows the quality rules left out.
  public let filter: FilterReport
  public let split: TimeSplit
  /// Rows that gradients see.
  public let training: TrainingData
  /// Rows that choose the epoch; never trained on.
  public let validation: TrainingData
  /// The last block in time. No decision before the final report depends on it.
  public let heldOut: TrainingData
  /// The share of the kept rows that lie in the declared domain, before clamping.
  public let insideDomain: Double
  /// The same, as counts, of the rows that training saw or chose by and of the held-out ones.
  let insideVisible: Certificate.Coverage.Share
  let insideHeldOut: Certificate.Coverage.Share
  /// Per feature with values outside its domain: how many, and the least and greatest value.
  public let clamped: [(feature: String, count: Int, range: ClosedRange<Double>)]
  /// Positions of the features that describe the configuration rather than the machine's state.
  public let configurationFeatures: [Int]
  /// For each output whether the network's numbers are logarithms.
  let isLogarithmic: [Bool]

  /// Columns that an operator sets: what the configuration-only baseline may use.
  static let configurationColumns: Set<String> = ["cores", "clients", "mem_mb"]

  /// Reads `path` and keeps the columns that the specification names.
  ///
  /// Inputs are clamped to the declared domain, as at run time; a column with `scale: log2` is then replaced by its
  /// binary logarithm. Quality rules whose column the file does not have do not apply.
  /// - Throws: `DatasetError` with the place in the file; `TrainingError`.
  public init(application: String, path: String, specification: Specification) throws {
    let dataset = try Dataset.read(csv: path)
    let rules = QualityRules.standard(application: application).rules.filter { dataset.hasColumn($0.condition.column) }
    let filter = try QualityRules(rules).apply(to: dataset)
    let split: TimeSplit
    do {
      split = try TimeSplit(dataset, kept: filter.kept)
    } catch {
      let reasons = filter.entries.filter { !$0.rows.isEmpty }.map {
        "\($0.rows.count) \($0.rule.id): \($0.rule.about)"
      }
      guard error.code == .tooFewRows, !reasons.isEmpty else { throw error }
      throw DatasetError(
        error.code, path: error.path, problem: "\(error.problem) (left out: \(reasons.joined(separator: "; ")))",
        fix: error.fix)
    }
    var clamped: [(feature: String, count: Int, range: ClosedRange<Double>)] = []
    var columns: [[Double]] = []
    var inside = [Bool](repeating: true, count: dataset.rowCount)
    for feature in specification.features {
      let low = feature.domain.lowerBound.approximation
      let high = feature.domain.upperBound.approximation
      let listed = feature.values?.map(\.approximation)
      let kept = try dataset.column(feature.column, rows: filter.kept)
      var values = [Double](repeating: 0, count: dataset.rowCount)
      for (row, value) in zip(filter.kept, kept) {
        if value < low || value > high || listed?.contains(value) == false { inside[row] = false }
        let limited = min(max(value, low), high)
        values[row] = feature.scale == .log2 ? log2(limited) : limited
      }
      let outside = kept.count { $0 < low || $0 > high }
      if outside > 0, let least = kept.min(), let greatest = kept.max() {
        clamped.append((feature.name, outside, least...greatest))
      }
      columns.append(values)
    }
    var targets: [[Double]] = []
    for output in specification.outputs {
      let kept = try dataset.column(output.column, rows: filter.kept)
      var values = [Double](repeating: 0, count: dataset.rowCount)
      for (row, value) in zip(filter.kept, kept) {
        if output.scale == .log2, value <= 0 {
          throw DatasetError(
            .malformed, path: path, line: dataset.line(ofRow: row),
            problem: "column '\(output.column)' is \(value), which has no logarithm, but '\(output.name)' is "
              + "declared with scale: log2",
            fix: "remove the row, or declare scale: linear in the specification")
        }
        values[row] = output.scale == .log2 ? log2(value) : value
      }
      targets.append(values)
    }
    func part(_ rows: [Int]) throws(TrainingError) -> TrainingData {
      try TrainingData(
        inputCount: columns.count, outputCount: targets.count, inputs: rows.flatMap { row in columns.map { $0[row] } },
        targets: rows.flatMap { row in targets.map { $0[row] } })
    }
    self.application = application
    self.clamped = clamped
    self.path = path
    self.filter = filter
    self.split = split
    training = try part(split.training)
    validation = try part(split.validation)
    heldOut = try part(split.heldOut)
    insideDomain = Double(filter.kept.count { inside[$0] }) / Double(max(1, filter.kept.count))
    func share(_ rows: [Int]) -> Certificate.Coverage.Share {
      Certificate.Coverage.Share(rows: rows.count, inside: rows.count { inside[$0] })
    }
    insideVisible = share(split.training + split.validation)
    insideHeldOut = share(split.heldOut)
    isLogarithmic = specification.outputs.map { $0.scale == .log2 }
    configurationFeatures = specification.features.filter { Self.configurationColumns.contains($0.column) }.map(\.index)
  }

  /// How much of the file's rows lies in the declared domain, for a certificate.
  /// - Parameter sha256: Of the file.
  public func coverage(sha256: String) -> Certificate.Coverage {
    Certificate.Coverage(sha256: sha256, training: insideVisible, heldOut: insideHeldOut)
  }

  /// Training and validation rows together, in time order: what the baselines are fitted to.
  var visible: TrainingData {
    get throws(TrainingError) {
      try TrainingData(
        inputCount: training.inputCount, outputCount: training.outputCount,
        inputs: training.inputs + validation.inputs, targets: training.targets + validation.targets)
    }
  }
}
