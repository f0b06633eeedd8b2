import Certificates
import Foundation
import Gating
import Networks
import Signing
import Specifications
import TestHelpers
import Verification

/// A repository of models in a temporary directory: `models/APP/VERSION/` and `specs/APP.yaml`.
final class Repository {
  let directory = TemporaryDirectory()
  var models: String { "\(directory.path)/models" }
  var specs: String { "\(directory.path)/specs" }

  static let specification = """
    # What is known of the p99 latency.
    spec: vpals/v1
    features:
      pressure: {unit: fraction, domain: 0..1}
      cores: {unit: cores, domain: 0.5..2}
    outputs:
      p99: {unit: ms}
    properties:
      - id: rises-with-pressure
        nondecreasing: {of: p99, in: pressure}
      - id: falls-with-cores
        nonincreasing: {of: p99, in: cores}
      - id: sane
        always: 0 ms <= p99 <= 100 ms

    """

  /// 2 + 3·relu(4·pressure − 2·cores + 1), between 2 and 14: all three properties hold.
  static let good = [1.0, 2, 3, 2]
  /// 20 − 3·relu(…): monotone in the wrong direction, sane.
  static let bad = [1.0, 20, -3, 2]

  init() throws {
    for path in [models, specs] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
  }

  func path(_ application: String, _ version: String = "v0001") -> String { "\(models)/\(application)/\(version)" }
  func specificationPath(_ application: String) -> String { "\(specs)/\(application).yaml" }
  func certificatePath(_ application: String, _ version: String = "v0001") -> String {
    "\(path(application, version))/\(application).intoto.json"
  }
  func proofPath(_ application: String, _ property: String, _ version: String = "v0001") -> String {
    "\(path(application, version))/\(ProofFile.name(specification: application, property: property))"
  }

  func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

  func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  static func network(_ numbers: [Double]) throws -> Network {
    try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [4, -2], biases: [numbers[0]], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [numbers[2]], biases: [numbers[1]], isRectified: false),
    ])
  }

  /// Adds a version with its specification, and the certificate and the proofs of a real verification.
  func add(_ application: String, _ version: String = "v0001", network numbers: [Double] = good) throws {
    try FileManager.default.createDirectory(
      atPath: path(application, version), withIntermediateDirectories: true)
    try write(Self.specification, to: specificationPath(application))
    let network = try Self.network(numbers)
    let model = try network.onnx(name: application, producerVersion: "test")
    try write(model, to: "\(path(application, version))/model.onnx")
    let exact = ExactNetwork(network)
    let specification = try Specifications.Specification.read(path: specificationPath(application))
    let results = try VerificationSession(network: exact, specification: specification).run(budget: Budget())
    for result in results {
      guard let proof = result.proof else { continue }
      try write(try proof.read(), to: proofPath(application, result.id, version))
    }
    let certificate = Certificate(
      model: Certificate.Model(
        name: application, version: version,
        files: [Certificate.Subject(name: "model.onnx", sha256: SHA256Digest.of(model), bytes: model.count)],
        networkDigest: exact.digest.hexadecimalPart),
      specification: specification, results: results, startedAt: Self.now, finishedAt: Self.now)
    _ = try certificate.write(into: path(application, version))
  }

  /// Writes what the certificate of the good network says of another specification: the application's, under another
  /// name.
  func addSpecification(_ name: String, to application: String, _ version: String = "v0001") throws {
    try write(Self.specification, to: specificationPath(name))
    let network = ExactNetwork(try Self.network(Self.good))
    let specification = try Specifications.Specification.read(path: specificationPath(name))
    let results = try VerificationSession(network: network, specification: specification).run(budget: Budget())
    for result in results {
      guard let proof = result.proof else { continue }
      try write(
        try proof.read(),
        to: "\(path(application, version))/\(ProofFile.name(specification: name, property: result.id))")
    }
    let old = try self.certificate(application, version)
    let certificate = Certificate(
      model: old.model, specification: specification, results: results, startedAt: Self.now, finishedAt: Self.now)
    _ = try certificate.write(into: path(application, version))
  }

  func certificate(_ application: String, _ version: String = "v0001") throws -> Certificate {
    try UncheckedCertificate(contentsOf: certificatePath(application, version)).claims
  }

  /// Replaces the certificate by one with other claims.
  func forge(
    _ application: String, _ version: String = "v0001", name: String? = nil, files: [Certificate.Subject]? = nil,
    networkDigest: String? = nil, properties: [PropertyRecord]? = nil,
    arithmetic: Certificate.Arithmetic? = nil, verifier: Certificate.Tool? = nil
  ) throws {
    let old = try certificate(application, version)
    let new = Certificate(
      model: Certificate.Model(
        name: name ?? old.model.name, version: old.model.version, files: files ?? old.model.files,
        networkDigest: networkDigest ?? old.model.networkDigest),
      specification: old.specification, properties: properties ?? old.properties,
      arithmetic: arithmetic ?? old.arithmetic,
      verifier: verifier ?? old.verifier, solver: old.solver, startedAt: old.startedAt, finishedAt: old.finishedAt)
    try write(try SignedCertificate.sign(new, with: []), to: certificatePath(application, version))
  }

  /// Replaces text of a certificate inside of its envelope.
  func tamper(_ path: String, _ old: String, _ new: String) throws {
    let envelope = try JSONSerialization.jsonObject(with: Data(try bytes(path)))
    let members = envelope as? [String: Any] ?? [:]
    let payload = (members["payload"] as? String).flatMap { Data(base64Encoded: $0) } ?? Data()
    let text = String(decoding: payload, as: UTF8.self).replacingOccurrences(of: old, with: new)
    let changed = members.merging(["payload": Data(text.utf8).base64EncodedString()]) { $1 }
    try JSONSerialization.data(withJSONObject: changed).write(to: URL(fileURLWithPath: path))
  }

  /// The record with another proof, or with none.
  static func record(_ old: PropertyRecord, proof: PropertyRecord.ProofReference?) -> PropertyRecord {
    PropertyRecord(
      id: old.id, statement: old.statement, outcome: old.outcome, engine: old.engine, milliseconds: old.milliseconds,
      cpuMilliseconds: old.cpuMilliseconds, leaves: old.leaves, solverLeaves: old.solverLeaves,
      provedShare: old.provedShare, lowerBound: old.lowerBound, queryDigests: old.queryDigests, proof: proof,
      audit: old.audit)
  }

  func gate(_ path: String? = nil) throws -> [GateFinding] { try run(path).findings }

  /// A run under a policy text, in the year 2026.
  func run(_ path: String? = nil, policy: String? = nil) throws -> GateRun {
    var parsed =
      try policy.map { try GatePolicy.parse(Array($0.utf8), path: "gate.yaml", now: Self.now) } ?? GatePolicy()
    // What is judged here is not who signed; EvidenceTests does that.
    if policy?.contains("signature:") != true { parsed.signature = .optional }
    return try Gate(specifications: specs, policy: parsed, now: Self.now).run(path: path ?? models)
  }

  static let now = Timestamp(milliseconds: 1_795_737_600_000)  // 2026-11-27

  /// The command that verifies a version again.
  func verifyCommand(_ application: String, _ version: String = "v0001") -> [String] {
    ["vpals", "verify", path(application, version), "--spec", specificationPath(application)]
  }

  /// The command that shows a counterexample.
  func explainCommand(_ application: String, _ property: String) -> [String] {
    [
      "vpals", "explain", certificatePath(application), "--property", property, "--spec",
      specificationPath(application),
    ]
  }

  func trainCommand(_ application: String) -> [String] { ["vpals-train", application, "--queue", "--until-proven"] }
}
