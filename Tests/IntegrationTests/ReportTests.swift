import Foundation
import TestHelpers
import Testing
import Training

@testable import Retraining

@Suite struct ReportTests {
  let workspace = Workspace()

  private func report(_ application: String, _ version: String, repairs: [VersionReport.RepairRecord] = [])
    -> VersionReport
  {
    // R² = 1 − 1/5, and one of four predictions is twice the measured number.
    let accuracy = Accuracy(measured: [0, 1, 2, 3], predicted: [0, 1, 2, 4])
    let round = VersionReport.Round(
      label: "\(version)-r1", networkDigest: "sha256:1", epochs: 10, bestEpoch: 9, end: .allEpochs, trainLoss: [],
      validationLoss: [], zeroWeightShare: 0, pairs: 0, trainingSeconds: 1, verifiedAtEpoch: 10, verification: [])
    return VersionReport(
      application: application, version: version, specificationDigest: "sha256:2", outputs: ["p99", "throughput"],
      data: VersionReport.Data(
        sha256: "3", rows: 155, kept: 128, dropped: ["disturbed": 27], training: 84, validation: 18, heldOut: 26,
        insideDomain: 1), configuration: TrainingConfiguration(), rounds: [round, round], repairs: repairs,
      repairCost: repairs.isEmpty ? nil : -0.0123, counterexamplesFound: 17, networkDigest: "sha256:4", proven: true,
      propertyCount: 8, propertiesProven: 8,
      scores: ["network", "unverified", "median", "ridge"].map {
        VersionReport.Scores(name: $0, outputs: [accuracy, accuracy])
      }, seconds: 12.34)
  }

  private func add(_ report: VersionReport) throws {
    try workspace.write(
      [UInt8](try JSONEncoder().encode(report)), to: "models/\(report.application)/\(report.version)/training.json")
  }

  private var repair: VersionReport.RepairRecord {
    VersionReport.RepairRecord(
      property: "p", repair: Repair(output: 0, feature: 0, sign: 1, slope: 0.25, lowerEnd: 0), greatestChange: 0.5)
  }

  @Test func tabulatesTheLatestVersions() throws {
    try add(report("nginx", "v0001"))
    try add(report("nginx", "v0002", repairs: [repair]))
    try add(report("redis", "v0009"))
    try add(report("redis", "v10000"))
    try workspace.write("t,p99\n", to: "models/mariadb/data.csv")
    let outcome = try workspace.vpals("report")
    #expect(outcome.status == 0)
    #expect(outcome.error == "")
    let expected = """
      application  version  rows  dropped  hidden  proved  rounds  counterexamples  repair: error  repair: output  seconds
      ───────────  ───────  ────  ───────  ──────  ──────  ──────  ───────────────  ─────────────  ──────────────  ───────
      nginx        v0002     128       27  16×16   8 of 8       2               17        -1.23 %       ≤ 41.42 %     12.3
      redis        v10000    128       27  16×16   8 of 8       2               17              –               –     12.3

      held-out rows: R² on the scale learned, mean absolute percentage error, Spearman's rank correlation
      application  output      rows           network        unverified        ridge, all  ridge, config.            median
      ───────────  ──────────  ────  ────────────────  ────────────────  ────────────────  ──────────────  ────────────────
      nginx        p99           26  0.80  25 %  1.00  0.80  25 %  1.00  0.80  25 %  1.00               –  0.80  25 %  1.00
      nginx        throughput    26  0.80  25 %  1.00  0.80  25 %  1.00  0.80  25 %  1.00               –  0.80  25 %  1.00
      redis        p99           26  0.80  25 %  1.00  0.80  25 %  1.00  0.80  25 %  1.00               –  0.80  25 %  1.00
      redis        throughput    26  0.80  25 %  1.00  0.80  25 %  1.00  0.80  25 %  1.00               –  0.80  25 %  1.00
      """
    for (line, wanted) in zip(outcome.lines, expected.split(separator: "\n", omittingEmptySubsequences: false)) {
      #expect(line == wanted)
    }
    #expect(outcome.lines.count == 12)
    #expect(outcome.lines.map(\.count).max() ?? 0 <= 140)
    #expect(try workspace.vpals("report", "redis").output.components(separatedBy: "nginx").count == 1)
  }

  @Test func speaksJSON() throws {
    struct Version: Decodable {
      struct Rows: Decodable {
        let used: Int
        let dropped: Int
        let heldOut: Int
      }
      struct Scores: Decodable {
        struct Accuracy: Decodable { let rSquared: Double? }
        let predictor: String
        let outputs: [String: Accuracy]
      }
      let application: String
      let rows: Rows
      let proved: Int
      let rounds: Int
      let counterexamples: Int
      let scores: [Scores]
    }
    try add(report("nginx", "v0002", repairs: [repair]))
    let outcome = try workspace.vpals("report", "nginx", "--format", "json")
    #expect(outcome.status == 0)
    let version = try #require(try JSONDecoder().decode([Version].self, from: Data(outcome.output.utf8)).first)
    #expect(version.application == "nginx")
    #expect(version.rows.used == 128)
    #expect(version.rows.dropped == 27)
    #expect(version.rows.heldOut == 26)
    #expect(version.proved == 8)
    #expect(version.rounds == 2)
    #expect(version.counterexamples == 17)
    #expect(version.scores.map(\.predictor) == ["network", "unverified", "median", "ridge"])
    #expect(version.scores[0].outputs["p99"]?.rSquared == 0.8)
  }

  @Test func saysWhatIsMissing() throws {
    let nothing = try workspace.vpals("report")
    #expect(nothing.status == 2)
    #expect(nothing.error == "error: models cannot be listed; name the directory of the models with --models\n")
    try add(report("nginx", "v0001"))
    let other = try workspace.vpals("report", "nginx", "redis")
    #expect(other.status == 2)
    #expect(other.output == "")
    #expect(
      other.error
        == "error: models/redis holds no version; train one\nnext: vpals-train redis --until-proven\n")
    try workspace.write("{}", to: "models/redis/v0001/training.json")
    let damaged = try workspace.vpals("report")
    #expect(damaged.status == 2)
    #expect(damaged.error.contains("models/redis/v0001/training.json is not the record of a training"))
  }
}
