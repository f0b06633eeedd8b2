public import Specifications
public import Verification
internal import CertificateStorage
internal import Certificates
internal import CertificateStorageSQLite
internal import Foundation
internal import Networks
internal import Training

/// Verified networks beside unverified ones of the same shape, recipe and seeds, on the held-out rows.
public struct Study: Sendable {
  let application: String
  let specification: Specification
  let data: PreparedData
  let options: LoopOptions

  public init(application: String, specification: Specification, data: PreparedData, options: LoopOptions) {
    self.application = application
    self.specification = specification
    self.data = data
    self.options = options
  }

  /// The figures of one seed.
  public struct Row: Codable, Sendable {
    public var seed: UInt64
    public var proven: Bool
    public var rounds: Int
    public var counterexamples: Int
    public var repairs: Int
    public var seconds: Double
    /// Root mean square error on the log₂ scale, per output.
    public var verified: [Double]
    public var unverified: [Double]
    /// The verified network on the validation rows: what settings are compared by.
    public var validation: [Double]
    /// Properties that the unverified network violates.
    public var unverifiedViolations: Int
  }

  public struct Result: Codable, Sendable {
    public var application: String
    public var outputs: [String]
    public var rows: [Row]

    public var provenShare: Double {
      rows.isEmpty ? 0 : Double(rows.count { $0.proven }) / Double(rows.count)
    }

    /// Mean and standard deviation over the seeds whose network was proved.
    public var lines: [String] {
      let proven = rows.filter(\.proven)
      var lines = ["\(application): \(proven.count) of \(rows.count) seeds proved"]
      guard !proven.isEmpty else { return lines }
      for (k, name) in outputs.enumerated() {
        let verified = proven.map { $0.verified[k] }
        let unverified = proven.map { $0.unverified[k] }
        let change = Self.mean(verified) / Self.mean(unverified) - 1
        lines.append(
          "  \(name): RMSE (log2) verified \(Self.text(verified)), unverified \(Self.text(unverified)), change "
            + "\(change >= 0 ? "+" : "")\(Self.digits(change * 100, 1)) %")
      }
      return lines
    }

    static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// Mean ± sample standard deviation.
    static func text(_ values: [Double]) -> String {
      let mean = mean(values)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
      return "\(digits(mean, 3)) ± \(digits(deviation, 3))"
    }

    static func digits(_ value: Double, _ count: Int) -> String { String(format: "%.\(count)f", value) }
  }

  private func line(_ row: Row, _ outputs: [String]) -> String {
    var errors: [String] = []
    for (k, name) in outputs.enumerated() where row.verified.indices.contains(k) {
      let verified = Result.digits(row.verified[k], 3)
      let unverified = Result.digits(row.unverified[k], 3)
      errors.append("\(name) \(verified) (unverified \(unverified), validation \(Result.digits(row.validation[k], 3)))")
    }
    return "\(application) seed \(row.seed): \(row.proven ? "proved" : "not proved") in \(row.rounds) rounds, "
      + "\(row.counterexamples) counterexamples, \(row.repairs) repairs, \(Result.digits(row.seconds, 1)) s; RMSE "
      + errors.joined(separator: ", ") + "; the unverified one violates \(row.unverifiedViolations) properties"
  }

  /// Runs the loop once per seed in a directory of its own that is removed afterwards.
  public func run(seeds: [UInt64], stop: StopSignal, onLine: (String) -> Void) throws -> Result {
    let scoring = Scoring(data: data)
    var result = Result(application: application, outputs: specification.outputs.map(\.name), rows: [])
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("vpals-study-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    for seed in seeds where !stop.isRequested {
      var options = options
      options.configuration.seed = seed
      options.untilProven = true
      options.models = directory.appendingPathComponent("models-\(seed)").path
      try FileManager.default.createDirectory(
        atPath: "\(options.models)/\(application)", withIntermediateDirectories: true)
      let store = try SQLiteStore(path: directory.appendingPathComponent("store-\(seed).sqlite").path)
      let loop = try TrainVerifyLoop(
        application: application, specification: specification, data: data, store: store, options: options, stop: stop)
      let outcome = try loop.run()
      if outcome.end == .interrupted { break }
      let free = try scoring.unverified(options.configuration)
      let network = try outcome.path.map { try Scoring.network(at: "\($0)/model.onnx") }
      let session = try VerificationSession(
        network: .init(free), specification: specification, threads: options.threads)
      let freeResults = try session.run(
        budget: Budget(seconds: 60, stop: stop), propertySeconds: options.propertySeconds)
      let row = Row(
        seed: seed, proven: outcome.end == .proven, rounds: outcome.report.rounds.count,
        counterexamples: outcome.report.counterexamplesFound, repairs: outcome.report.repairs.count,
        seconds: outcome.report.seconds, verified: network.map { scoring.errors(of: $0) } ?? [],
        unverified: scoring.errors(of: free),
        validation: network.map { scoring.errors(of: $0, on: data.validation) } ?? [],
        unverifiedViolations: freeResults.count { result in
          if case .violated = result.verdict { true } else { false }
        })
      result.rows.append(row)
      onLine(line(row, result.outputs))
    }
    return result
  }
}
