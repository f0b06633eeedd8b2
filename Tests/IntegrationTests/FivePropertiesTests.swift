import Foundation
import TestHelpers
import Testing

/// The example of five kinds of properties, on a network that was trained for them and on one that was not.
@Suite struct FivePropertiesTests {
  let workspace = Workspace()
  private static let fixtures = PythonTools.root.appending(path: "Tests/IntegrationTests/Fixtures/five")
  private static let specification = PythonTools.root.appending(path: "specs/examples/mariadb-five.yaml").path
  private static let ids =
    ["latency-up-with-cpu", "latency-bounded"]
    + ["0.6", "1.2", "2"].flatMap { cores in
      ["32", "128"].map { "throughput-down-with-disk.cores-\(cores).memory-\($0)" }
    } + ["latency-rate", "pressure-adds-up"]

  private struct Report: Decodable {
    struct Property: Decodable {
      struct Proof: Decodable {
        let checked: Bool
      }
      struct Counterexample: Decodable {
        let x: [String]
        let xPrime: [String]?
        let drop: String
      }
      let id: String
      let verdict: String
      let proof: Proof?
      let counterexample: Counterexample?
    }
    let properties: [Property]
  }

  private func verify(_ name: String) throws -> (status: Int, report: Report) {
    let bytes = try Data(contentsOf: Self.fixtures.appending(path: name))
    try workspace.write(Array(bytes), to: "model.onnx")
    let outcome = try workspace.vpals(
      "verify", "model.onnx", "--spec", Self.specification, "--format", "json", "--timeout", "120s")
    return (outcome.status, try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8)))
  }

  @Test func allHoldOfTheNetworkTrainedForThem() throws {
    let (status, report) = try verify("constrained.onnx")
    #expect(status == 0)
    #expect(report.properties.map(\.id) == Self.ids)
    #expect(report.properties.allSatisfy { $0.verdict == "holds" && $0.proof?.checked == true })
    let certificate = try #require(
      workspace.names(in: "").first { $0.hasSuffix(".intoto.json") || $0.hasSuffix(".intoto.json") })
    let check = try workspace.check(certificate, "--model", "model.onnx", "--spec", Self.specification)
    #expect(check.status == 0)
  }

  @Test func eachIsViolatedByTheOther() throws {
    let (status, report) = try verify("unconstrained.onnx")
    #expect(status == 1)
    #expect(report.properties.map(\.id) == Self.ids)
    for property in report.properties {
      #expect(property.verdict == "violated", "\(property.id)")
      let found = try #require(property.counterexample)
      #expect((found.xPrime == nil) == (property.id == "latency-bounded"), "\(property.id)")
      #expect(!found.drop.hasPrefix("-") && found.drop != "0")
    }
  }

  /// The exported question, a strict step and a strict fall for each configuration, is decided by slopes.
  @Test(arguments: [("constrained.onnx", "unsat"), ("unconstrained.onnx", "sat")])
  func theExportIsDecidedBySlopes(model: String, expected: String) throws {
    let export = try workspace.vpals(
      "spec", "export", Self.specification, "--to", "vnnlib", "--property", "latency-up-with-cpu", "--output",
      "q.vnnlib")
    #expect(export.status == 0)
    let path = Self.fixtures.appending(path: model).path
    let outcome = try Program(
      "vpals-vnnlib", ["verify", "q.vnnlib", "--network", "f=\(path)", "--network", "g=\(path)", "--timeout", "120"],
      in: workspace.path
    ).outcome()
    #expect(outcome.status == 0 && outcome.lines.first == expected, "\(outcome)")
  }

  @Test func explainCountsItsRows() throws {
    let outcome = try workspace.vpals(
      "spec", "explain", Self.specification, "--data",
      PythonTools.root.appending(path: "models/mariadb/data.csv").path)
    #expect(outcome.status == 0)
    for words in [
      "When cpu_psi grows and all else stays the same, p99 never falls.", "p99 always lies between 1 ms and 20000 ms.",
      "When io_psi grows and all else stays the same, throughput never rises.",
      "For each 0.01 fraction that cpu_psi grows while all else stays the same, p99 rises by at most 40 percent.",
      "For any two points a and b with a.cpu_psi ≤ b.cpu_psi, a.io_psi ≤ b.io_psi, a.clients = b.clients, "
        + "a.cores = b.cores and a.memory = b.memory, b.p99 ≥ a.p99.",
    ] {
      #expect(outcome.lines.contains("  \(words)"), "\(words)")
    }
    #expect(outcome.output.contains("149 of 149 rows (100 %)"))
  }
}
