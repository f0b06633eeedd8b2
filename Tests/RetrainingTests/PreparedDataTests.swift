import Foundation
import Specifications
import Telemetry
import TestHelpers
import Testing
import Training

@testable import Retraining

@Suite struct PreparedDataTests {
  let directory = TemporaryDirectory()
  var path: String { "\(directory.path)/rows.csv" }

  static let specification = """
    spec: vpals/v1
    features:
      load: {index: 0, column: raw_load, domain: 0..40}
      clients: {index: 1, domain: 1..64, scale: log2}
    outputs:
      p99: {index: 0, scale: log2, column: out}
      work: {index: 1, column: done}
    properties:
      - {id: p, nondecreasing: {of: p99, in: load}}

    """

  /// 50 rows, the latest first in the file. Load names the row; clients run from 0.5 to 64.
  static func row(_ i: Int) -> [String: String] {
    [
      "t": "\(100 - i)", "raw_load": "\(i)", "clients": "\(exp2(Double(i % 8 - 1)))", "out": "\(exp2(Double(i % 5)))",
      "done": "\(-i)", "unused": "some text",
    ]
  }

  static let columns = ["t", "unused", "done", "raw_load", "clients", "out"]

  private func write(_ columns: [String] = columns, change: (Int, inout [String: String]) -> Void = { _, _ in }) throws
  {
    var text = columns.joined(separator: ",") + "\n"
    for i in 0..<50 {
      var row = Self.row(i)
      change(i, &row)
      text += columns.map { row[$0] ?? "" }.joined(separator: ",") + "\n"
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func prepare(_ application: String = "demo", _ specification: String = specification) throws -> PreparedData {
    try PreparedData(
      application: application, path: path,
      specification: try Specifications.Specification.parse(text: specification, path: "demo.yaml"))
  }

  @Test func takesDeclaredColumnsClampsThemAndTakesLogarithms() throws {
    try write()
    let data = try prepare()
    // By time, so from the end of the file: 50 = 33 + 7 + 10.
    #expect(data.split.training == Array((17...49).reversed()))
    #expect(data.split.validation == Array((10...16).reversed()))
    #expect(data.split.heldOut == Array((0...9).reversed()))
    for (part, rows) in [
      (data.training, data.split.training), (data.validation, data.split.validation),
      (data.heldOut, data.split.heldOut),
    ] {
      #expect(part.inputs == rows.flatMap { [Double(min($0, 40)), Double(max(0, $0 % 8 - 1))] })
      #expect(part.targets == rows.flatMap { [Double($0 % 5), -Double($0)] })
    }
    // Outside: load 41 to 49, and clients 0.5 in every eighth row, of which row 48 is both.
    #expect(data.insideDomain == 0.7)
    #expect(data.configurationFeatures == [1])
    #expect(data.isLogarithmic == [true, false])
  }

  @Test func heldOutRowsAreInNoOtherPart() throws {
    try write()
    let data = try prepare()
    // The second target names the row.
    func names(_ rows: [Double]) -> Set<Double> { Set(stride(from: 1, to: rows.count, by: 2).map { rows[$0] }) }
    let visible = names(data.training.targets).union(names(data.validation.targets))
    #expect(names(data.heldOut.targets) == Set((0...9).map { -Double($0) }))
    #expect(visible.isDisjoint(with: names(data.heldOut.targets)))
    #expect(visible.count + data.heldOut.rowCount == 50)
    #expect(try names(data.visible.targets) == visible)
  }

  @Test func rulesWithoutTheirColumnDoNotApply() throws {
    try write()
    #expect(try prepare().filter.entries.isEmpty)
    try write(Self.columns + ["other_cpu_cores"]) { i, row in row["other_cpu_cores"] = i == 7 ? "0.25" : "0.2" }
    let data = try prepare()
    #expect(data.filter.entries.map(\.rule.id) == ["disturbed"])
    #expect(data.filter.entries.map(\.rows) == [[7]])
    #expect(!(data.split.training + data.split.validation + data.split.heldOut).contains(7))
    // 49 = 32 + 7 + 10.
    #expect([data.training, data.validation, data.heldOut].map(\.rowCount) == [32, 7, 10])
  }

  @Test func rowsThatARuleLeavesOutNeedNoOtherNumber() throws {
    try write(Self.columns + ["throughput"]) { i, row in
      row["throughput"] = i < 3 ? "" : "12"
      if i < 3 { row["out"] = "" }
    }
    #expect(try prepare().filter.kept == Array(3..<50))
  }

  @Test func warmUpOfLuceneIsLeftOut() throws {
    try write()
    // t runs from 51 to 100; up to 81 is warm-up.
    let data = try prepare("lucene")
    #expect(data.filter.entries.map(\.rule.id) == ["warm-up"])
    #expect(data.filter.kept == Array(0...18))
  }

  @Test func configurationFeaturesAreKnownByTheirColumnNotTheirName() throws {
    try write()
    let other = Self.specification.replacingOccurrences(of: "load: {", with: "cores: {")
      .replacingOccurrences(of: "in: load", with: "in: cores")
    #expect(try prepare("demo", other).configurationFeatures == [1])
  }

  @Test(arguments: ["clients", "raw_load", "out", "t"])
  func missingColumnIsNamed(column: String) throws {
    try write(Self.columns.filter { $0 != column })
    let error = try #require(throws: DatasetError.self) { try prepare() }
    #expect(error.code == .missingColumn)
    #expect(error.path == path)
    #expect(error.description.hasPrefix("\(path):1: there is no column “\(column)”; "))
  }

  @Test(arguments: ["0", "-3"])
  func outputWithoutLogarithmIsRefusedWithItsLine(value: String) throws {
    try write { i, row in if i == 20 { row["out"] = value } }
    let error = try #require(throws: DatasetError.self) { try prepare() }
    #expect(error.line == 22)
    #expect(error.description.hasPrefix("\(path):22: column 'out' is \(Double(value) ?? 1), which has no logarithm"))
    // A linear output may be zero or negative: `done` is.
  }

  @Test func textInANumberColumnIsRefusedWithItsPlace() throws {
    try write { i, row in if i == 20 { row["clients"] = "many" } }
    let error = try #require(throws: DatasetError.self) { try prepare() }
    #expect(error.code == .notANumber)
    #expect(error.line == 22)
    #expect(error.problem.contains("“clients” is “many”"))
  }

  @Test func tooFewRowsAreRefused() throws {
    try write(Self.columns + ["throughput"]) { i, row in row["throughput"] = i < 9 ? "1" : "0" }
    let error = try #require(throws: DatasetError.self) { try prepare() }
    #expect(error.code == .tooFewRows)
  }
}
