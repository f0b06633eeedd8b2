import CertificateStorage
import CertificateStorageSQLite
import Certificates
import Foundation
import Networks
import Retraining
import Signing
import Specifications
import Synchronization
import TestHelpers
import Testing
import Training
import Verification

/// A directory with measured rows, a specification, a store and a place for versions.
final class Scene: Sendable {
  static let application = "demo"

  let directory = TemporaryDirectory()
  let store: any Store
  let specification: Specifications.Specification

  var path: String { directory.path }
  var dataPath: String { "\(path)/data.csv" }
  var models: String { "\(path)/models" }

  init(csv: String = Scene.rising, specification: String = Scene.specification) throws {
    try FileManager.default.createDirectory(
      atPath: "\(directory.path)/models/\(Self.application)", withIntermediateDirectories: true)
    try Data(csv.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/data.csv"))
    try Data(specification.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/demo.yaml"))
    store = try SQLiteStore(path: "\(directory.path)/store.sqlite")
    self.specification = try Specifications.Specification.read(path: "\(directory.path)/demo.yaml")
  }

  func prepared() throws -> PreparedData {
    try PreparedData(application: Self.application, path: dataPath, specification: specification)
  }

  func loop(
    _ options: LoopOptions, stop: StopSignal = StopSignal(), onEvent: @escaping @Sendable (LoopEvent) -> Void = { _ in }
  ) throws -> TrainVerifyLoop {
    var options = options
    options.models = models
    return try TrainVerifyLoop(
      application: Self.application, specification: specification, data: try prepared(), store: store,
      options: options, stop: stop, onEvent: onEvent)
  }

  func run(
    _ options: LoopOptions = .small, stop: StopSignal = StopSignal(),
    onEvent: @escaping @Sendable (LoopEvent) -> Void = { _ in }
  ) throws -> LoopOutcome {
    try loop(options, stop: stop, onEvent: onEvent).run()
  }

  /// What stands below `models/demo`.
  var versions: [String] { TemporaryDirectory.names(in: "\(models)/\(Self.application)") }

  func entries(_ states: Set<QueueEntry.State> = Set(QueueEntry.State.allCases)) throws -> [QueueEntry] {
    try store.queueEntries(QueueFilter(application: Self.application, states: states))
  }

  /// Expects a whole version: its files, its certificate with the proofs that it names, the same in the store, and
  /// verdicts that can be repeated.
  func expectProven(_ outcome: LoopOutcome, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(outcome.end == .proven, sourceLocation: sourceLocation)
    let path = try #require(outcome.path, sourceLocation: sourceLocation)
    let report = outcome.report
    #expect(path == "\(models)/\(Self.application)/\(report.version)", sourceLocation: sourceLocation)
    #expect(
      TemporaryDirectory.names(in: path) == [
        "demo.cores.proof", "demo.intoto.json", "demo.pressure.proof", "demo.sane.proof", "model.onnx",
        "training.json",
      ], sourceLocation: sourceLocation)
    let model = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/model.onnx")))
    let network = ExactNetwork(try Network(onnx: model))
    #expect(network.digest == report.networkDigest, sourceLocation: sourceLocation)

    let certificate = try UncheckedCertificate(contentsOf: "\(path)/demo.intoto.json")
    let claims = certificate.claims
    #expect(claims.claimsAllHold, sourceLocation: sourceLocation)
    #expect(claims.properties.map(\.id) == specification.properties.map(\.id), sourceLocation: sourceLocation)
    #expect(claims.model.name == Self.application, sourceLocation: sourceLocation)
    #expect(claims.model.version == report.version, sourceLocation: sourceLocation)
    let training = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/training.json")))
    #expect(
      claims.model.files == [
        Certificate.Subject(name: "model.onnx", sha256: SHA256Digest.of(model), bytes: model.count),
        Certificate.Subject(name: "training.json", sha256: SHA256Digest.of(training), bytes: training.count),
      ], sourceLocation: sourceLocation)
    // All rows lie in the domain that they were made in.
    let coverage = try #require(claims.data, sourceLocation: sourceLocation)
    #expect(coverage.training.rows > 0 && coverage.heldOut.rows > 0, sourceLocation: sourceLocation)
    #expect(claims.expiresAt > claims.finishedAt, sourceLocation: sourceLocation)
    #expect(claims.model.networkDigest == network.digest.hexadecimalPart, sourceLocation: sourceLocation)
    #expect(claims.specification.digest == specification.digest.hexadecimalPart, sourceLocation: sourceLocation)
    #expect(certificate.fileProblems(in: path).isEmpty, sourceLocation: sourceLocation)
    for record in claims.properties {
      let proof = try #require(record.proof, sourceLocation: sourceLocation)
      let name = ProofFile.name(specification: specification.name, property: record.id)
      #expect(proof.path == name, sourceLocation: sourceLocation)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(proof.path)")))
      #expect(proof.bytes == bytes.count, sourceLocation: sourceLocation)
      #expect(proof.sha256 == SHA256Digest.of(bytes), sourceLocation: sourceLocation)
    }
    #expect(
      try store.certificate(id: certificate.sha256).certificate.bytes == certificate.bytes,
      sourceLocation: sourceLocation)

    let written = try JSONDecoder().decode(
      VersionReport.self, from: Data(contentsOf: URL(fileURLWithPath: "\(path)/training.json")))
    #expect(written == report, sourceLocation: sourceLocation)
    #expect(report.proven && report.propertiesProven == report.propertyCount, sourceLocation: sourceLocation)

    let again = try VerificationSession(network: network, specification: specification).run(budget: Budget())
    #expect(again.map(\.verdict) == again.map { _ in .holds }, sourceLocation: sourceLocation)
    #expect(try store.integrityProblems() == [], sourceLocation: sourceLocation)
  }
}

extension Scene {
  /// Monotone as the data are, and bounds that no sensible network leaves.
  static let specification = text("nondecreasing")

  static func text(_ direction: String) -> String {
    """
    spec: vpals/v1
    features:
      pressure: {index: 0, unit: fraction, domain: 0..1}
      cores: {index: 1, unit: cores, domain: 0.5..2}
    outputs:
      p99: {index: 0, unit: ms, scale: log2, column: p99_ms}
    properties:
      - id: pressure
        \(direction): {of: p99, in: pressure}
      - id: cores
        nonincreasing: {of: p99, in: cores}
      - id: sane
        always: 0.000001 ms <= p99 <= 100000 s

    """
  }

  /// 60 rows in which log₂ p99 is `value` of pressure and cores, and a little noise; the last 12 are held out.
  static func csv(heldOutFactor: Double = 1, _ value: (Double, Double) -> Double) -> String {
    var generator = SeededGenerator(seed: 11)
    func number() -> Double { Double(generator.next() >> 54) / 1024 }
    var text = "t,pressure,cores,p99_ms\n"
    for row in 0..<60 {
      let pressure = number()
      let cores = 0.5 + 1.5 * number()
      let p99 = exp2(value(pressure, cores) + 0.05 * (number() - 0.5)) * (row < 48 ? 1 : heldOutFactor)
      text += "\(row * 4),\(pressure),\(cores),\(p99)\n"
    }
    return text
  }

  /// p99 rises with pressure and falls with cores.
  static let rising = csv { 1 + 3 * $0 - $1 }

  /// What a run of `.small` on rising rows and one of `.naive` on bumpy rows give when nobody stops them.
  static let undisturbed = Result { try Scene().run().report }
  static let undisturbedNaive = Result { try Scene(csv: bumpy).run(.naive).report }

  /// p99 falls in the middle of the range of pressure: an unconstrained network violates the specification.
  static let bumpy = csv { pressure, cores in
    1 + (pressure < 0.4 ? 4 * pressure : pressure < 0.7 ? 3.2 - 4 * pressure : 4 * pressure - 2.4) - cores
  }
}

extension LoopOptions {
  /// A tiny network and a short training; time never decides.
  static var small: LoopOptions {
    var configuration = TrainingConfiguration()
    configuration.hidden = [4, 4]
    configuration.starts = 1
    configuration.epochs = 60
    configuration.minimumEpochs = 20
    configuration.fineTuningEpochs = 10
    configuration.sampledPointsPerStep = 16
    configuration.probePoints = 32
    return LoopOptions(configuration: configuration, maximumRounds: 3, budgetSeconds: 3600, propertySeconds: 600)
  }

  /// The same, with no other hint of the properties than counterexamples.
  static var naive: LoopOptions {
    var options = small
    options.configuration.monotonicity = 0
    options.configuration.hidden = [8]
    options.configuration.learningRate = 0.03
    options.maximumRounds = 2
    options.repairShare = 0
    return options
  }
}

/// Events in order, from any thread.
final class EventLog: Sendable {
  private let lines = Mutex<[LoopEvent]>([])

  var all: [LoopEvent] { lines.withLock { $0 } }
  func note(_ event: LoopEvent) { lines.withLock { $0.append(event) } }

  /// The label and the number of pairs of every round.
  var rounds: [String] {
    all.compactMap { if case .roundStarted(let label, let pairs) = $0 { "\(label): \(pairs)" } else { nil } }
  }

  var epochCount: Int { all.count { if case .epoch = $0 { true } else { false } } }
  var wasResumed: Bool { all.contains { if case .resumed = $0 { true } else { false } } }
}
