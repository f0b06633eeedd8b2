import CommandSupport
import Foundation
import Retraining
import Training

/// The tables of `vpals report`.
enum VersionTable {
  /// Names of predictors in ``VersionReport/scores(of:)`` and their columns.
  static let predictors = [
    ("network", "network"), ("unverified", "unverified"), ("ridge", "ridge, all"),
    ("ridge-configuration", "ridge, config."), ("median", "median"),
  ]

  /// One line per version: what was proved, and what that took.
  static func proofs(_ reports: [VersionReport]) -> [String] {
    var table = TextTable(
      [
        "application", "version", "rows", "dropped", "hidden", "proved", "rounds", "counterexamples", "repair: error",
        "repair: output", "seconds",
      ], rightAligned: [2, 3, 5, 6, 7, 8, 9, 10])
    for report in reports {
      table.add([
        oneLine(report.application), oneLine(report.version), "\(report.data.kept)",
        "\(report.data.rows - report.data.kept)", report.configuration.hidden.map(String.init).joined(separator: "×"),
        "\(report.propertiesProven) of \(report.propertyCount)", "\(report.rounds.count)",
        "\(report.counterexamplesFound)", report.repairCost.map { change($0, digits: 2) } ?? "–",
        greatestRepair(report).map { "≤ \(decimal($0 * 100, 2)) %" } ?? "–", decimal(report.seconds, 1),
      ])
    }
    return table.lines
  }

  /// One line per version and output: R², mean absolute percentage error and rank correlation of each predictor.
  static func accuracies(_ reports: [VersionReport]) -> [String] {
    var table = TextTable(
      ["application", "output", "rows"] + predictors.map(\.1),
      rightAligned: Set(2..<(3 + predictors.count)))
    for report in reports {
      for (index, output) in report.outputs.enumerated() {
        table.add(
          [oneLine(report.application), oneLine(output), "\(report.data.heldOut)"]
            + predictors.map { score(report, $0.0, output: index) })
      }
    }
    return ["held-out rows: R² on the scale learned, mean absolute percentage error, Spearman's rank correlation"]
      + table.lines
  }

  private static func score(_ report: VersionReport, _ name: String, output: Int) -> String {
    guard let scores = report.scores(of: name), scores.indices.contains(output) else { return "–" }
    let accuracy = scores[output]
    return "\(accuracy.rSquared.map { decimal($0, 2) } ?? "–")  "
      + "\(decimal(accuracy.meanAbsolutePercentageError * 100, 0)) %  "
      + (accuracy.rankCorrelation.map { decimal($0, 2) } ?? "–")
  }

  private static func change(_ share: Double, digits: Int) -> String {
    (share < 0 ? "" : "+") + decimal(share * 100, digits) + " %"
  }

  /// The most that a repair changes an output anywhere, as a share of it: outputs are learned as logarithms.
  static func greatestRepair(_ report: VersionReport) -> Double? {
    report.repairs.map(\.greatestChange).max().map { exp2($0) - 1 }
  }

  struct JSONRows: Encodable {
    let used: Int
    let dropped: Int
    let training: Int
    let validation: Int
    let heldOut: Int
  }

  struct JSONRepair: Encodable {
    let count: Int
    let errorChange: Double?
    let greatestChange: Double?
  }

  struct JSONScores: Encodable {
    let predictor: String
    /// By output.
    let outputs: [String: Accuracy]
  }

  struct JSONVersion: Encodable {
    let application: String
    let version: String
    let model: String
    let spec: String
    let rows: JSONRows
    let hidden: [Int]
    let seed: UInt64
    let properties: Int
    let proved: Int
    let rounds: Int
    let counterexamples: Int
    let repair: JSONRepair
    let seconds: Double
    let scores: [JSONScores]

    init(_ report: VersionReport) {
      application = report.application
      version = report.version
      model = report.networkDigest
      spec = report.specificationDigest
      rows = JSONRows(
        used: report.data.kept, dropped: report.data.rows - report.data.kept, training: report.data.training,
        validation: report.data.validation, heldOut: report.data.heldOut)
      hidden = report.configuration.hidden
      seed = report.configuration.seed
      properties = report.propertyCount
      proved = report.propertiesProven
      rounds = report.rounds.count
      counterexamples = report.counterexamplesFound
      repair = JSONRepair(
        count: report.repairs.count, errorChange: report.repairCost,
        greatestChange: VersionTable.greatestRepair(report))
      seconds = report.seconds
      scores = report.scores.map { scores in
        JSONScores(
          predictor: scores.name,
          outputs: Dictionary(zip(report.outputs, scores.outputs), uniquingKeysWith: { first, _ in first }))
      }
    }
  }
}
