import CertificateStorageSQLite
import Foundation
import TestHelpers
import Testing

/// A user's directory with measured rows of the application `demo`, and the commands that train on them.
final class TrainingPlace {
  let workspace: Workspace

  init(csv: String = rising, in workspace: Workspace = Workspace()) throws {
    self.workspace = workspace
    try workspace.write(csv, to: "models/demo/data.csv")
    try workspace.write(Self.specification, to: "specs/demo.yaml")
    try workspace.write(
      #"{"starts": 2, "minimumEpochs": 20, "fineTuningEpochs": 10, "sampledPointsPerStep": 16, "probePoints": 32}"#,
      to: "small.json")
    // No other hint of the properties than counterexamples.
    try workspace.write(
      """
      {"starts": 1, "minimumEpochs": 20,
       "fineTuningEpochs": 10, "sampledPointsPerStep": 16, "probePoints": 32, "monotonicity": 0,
       "learningRate": 0.03}
      """, to: "naive.json")
  }

  static let specification = """
    spec: vpals/v1
    features:
      pressure: {index: 0, unit: fraction, domain: 0..1}
      cores: {index: 1, unit: cores, domain: 0.5..2}
    outputs:
      p99: {index: 0, unit: ms, scale: log2, column: p99_ms}
    properties:
      - id: pressure
        nondecreasing: {of: p99, in: pressure}
      - id: cores
        nonincreasing: {of: p99, in: cores}
      - id: sane
        always: 0.000001 ms <= p99 <= 100000 s

    """

  /// 60 rows in which log₂ p99 is `value` of pressure and cores, and a little noise.
  static func csv(_ value: (Double, Double) -> Double) -> String {
    var generator = SeededGenerator(seed: 11)
    func number() -> Double { Double(generator.next() >> 54) / 1024 }
    var text = "t,pressure,cores,p99_ms\n"
    for row in 0..<60 {
      let pressure = number()
      let cores = 0.5 + 1.5 * number()
      text += "\(row * 4),\(pressure),\(cores),\(exp2(value(pressure, cores) + 0.05 * (number() - 0.5)))\n"
    }
    return text
  }

  static let rising = csv { 1 + 3 * $0 - $1 }

  /// p99 falls in the middle of the range of pressure: an unconstrained network violates the specification.
  static let bumpy = csv { pressure, cores in
    1 + (pressure < 0.4 ? 4 * pressure : pressure < 0.7 ? 3.2 - 4 * pressure : 4 * pressure - 2.4) - cores
  }

  /// Settings of a short run; time never decides.
  static let small = [
    "--hidden", "4,4", "--epochs", "60", "--settings", "small.json", "--rounds", "3", "--property-time", "10m",
    "--budget", "1h",
  ]
  /// Several rounds and a repair.
  static let naive = [
    "--hidden", "8", "--epochs", "60", "--settings", "naive.json", "--rounds", "2", "--property-time", "10m",
    "--budget", "1h",
  ]
  /// A training that is not over when the first signal comes.
  static let long = [
    "--hidden", "4,4", "--epochs", "1000", "--settings", "small.json", "--rounds", "3", "--property-time", "10m",
    "--budget", "1h",
  ]

  func start(_ arguments: [String]) throws -> Program {
    try Program("vpals-train", ["demo"] + arguments, in: workspace.path)
  }

  func run(_ arguments: [String]) throws -> Outcome { try start(arguments).outcome() }

  /// What stands below `models/demo`, without the rows.
  var versions: [String] { workspace.names(in: "models/demo").filter { $0 != "data.csv" } }

  struct Report: Decodable, Equatable {
    let version: String
    let networkDigest: String
    let proven: Bool
  }

  func report(_ version: String = "v0001") throws -> Report {
    try JSONDecoder().decode(Report.self, from: Data(workspace.bytes("models/demo/\(version)/training.json")))
  }

  func storeProblems(_ path: String = ".vpals/store.sqlite") throws -> [String] {
    try SQLiteStore(path: workspace.file(path)).integrityProblems()
  }

  /// Expects that every directory of a version is whole and passes the gate.
  func expectOnlyWholeVersions(_ note: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let whole = versions.filter { !$0.contains(".partial-") && !$0.hasPrefix(".") }
    for version in whole {
      #expect(
        workspace.names(in: "models/demo/\(version)") == [
          "demo.cores.proof", "demo.intoto.json", "demo.pressure.proof", "demo.sane.proof", "model.onnx",
          "training.json",
        ], "\(note)", sourceLocation: sourceLocation)
    }
    let gate = try workspace.vpals("gate")
    #expect(
      gate.status == (whole.isEmpty ? 2 : 0), "\(note): \(gate.output)\(gate.error)", sourceLocation: sourceLocation)
  }
}
