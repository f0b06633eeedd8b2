import Foundation
import Telemetry
import Testing

/// The project's own measurements and what models/README.md says about them.
@Suite struct MeasuredDataTests {
  struct Application: Sendable, CustomTestStringConvertible {
    let name: String
    let rows: Int
    /// Rows that break the rules `disturbed`, `no-throughput`, `no-p99` and, for Lucene, `warm-up`.
    let broken: [Int]
    let training: Int
    let validation: Int
    let heldOut: Int
    var testDescription: String { name }
  }

  static let applications = [
    Application(name: "nginx", rows: 155, broken: [27, 0, 0], training: 84, validation: 18, heldOut: 26),
    Application(name: "mariadb", rows: 149, broken: [59, 0, 0], training: 59, validation: 13, heldOut: 18),
    Application(name: "redis", rows: 154, broken: [1, 0, 0], training: 100, validation: 22, heldOut: 31),
    Application(name: "lucene", rows: 154, broken: [0, 0, 0, 6], training: 97, validation: 21, heldOut: 30),
    Application(name: "mindspore", rows: 109, broken: [0, 2, 0], training: 71, validation: 15, heldOut: 21),
  ]

  @Test(arguments: applications)
  func rowsRulesAndBlocksAreAsStated(application: Application) throws {
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("models")
    let data = try Dataset.read(csv: models.appendingPathComponent("\(application.name)/data.csv").path)
    #expect(data.rowCount == application.rows)
    #expect(data.columns.count == 73)
    #expect(Set(try data.text("app")) == [application.name])
    let report = try QualityRules.standard(application: application.name).apply(to: data)
    #expect(report.entries.map(\.rows.count) == application.broken)
    #expect(report.droppedCount == application.broken.reduce(0, +))
    let split = try TimeSplit(data, kept: report.kept)
    #expect(split.training.count == application.training)
    #expect(split.validation.count == application.validation)
    #expect(split.heldOut.count == application.heldOut)
    #expect(split.visible + split.heldOut == report.kept)
  }
}
