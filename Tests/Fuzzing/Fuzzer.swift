import Certificates
import ExactArithmetic
import Foundation
import Networks
import ProofChecking
import Signing
import Specifications
import TransparencyLog

/// The readers of files from strangers under libFuzzer; `scripts/fuzz` builds and runs it. `VPALS_FUZZ_TARGET` names
/// the reader, and the working directory is the repository.
///
/// A trap, a sanitizer's report, memory beyond the limit, slowness beyond it and a `fatalError` below are findings: a
/// crash is how libFuzzer is told of an input that must be looked at, and how a wrong call of this program ends.
private let target: any FuzzTarget = {
  let name = ProcessInfo.processInfo.environment["VPALS_FUZZ_TARGET"] ?? ""
  do {
    switch name {
    case "proof": return try ProofTarget()
    case "certificate": return try CertificateTarget()
    case "evidence": return EvidenceTarget()
    case "onnx": return try ONNXTarget()
    case "nnet": return NNetTarget()
    case "spec": return SpecificationTarget()
    default: fatalError("VPALS_FUZZ_TARGET is '\(name)'; it must be proof, certificate, evidence, onnx, nnet or spec")
    }
  } catch {
    fatalError("\(error)")
  }
}()

/// The files of evidence beside a model and in a repository: envelopes, proofs of the log, its entries and checkpoints,
/// trust files.
private struct EvidenceTarget: FuzzTarget {
  func run(_ bytes: [UInt8]) {
    if let file = try? CertificateFile(bytes: bytes, file: "a") {
      // One certificate, one payload: whoever signs, the same bytes are signed.
      let again = SignedCertificate.statement(of: file.certificate.claims).encoded
      guard again == file.envelope.payload else { fatalError("another payload when written") }
      guard (try? file.verified(by: TrustFile(), now: Timestamp(milliseconds: 0))) == nil else {
        fatalError("believed without a key")
      }
    }
    if let trust = try? TrustFile(bytes: bytes, file: "a") {
      guard let again = try? TrustFile(bytes: trust.encoded, file: "a"), again == trust else {
        fatalError("another trust file when written")
      }
    }
    if let entry = try? LogEntry(parsing: bytes, place: "a") {
      guard (try? entry.encoded()) == bytes else { fatalError("another entry when written") }
    }
    _ = try? LogProof.claimedOrigin(bytes, file: "a")
    _ = try? SignedCheckpoint.claimedOrigin(bytes, file: "a")
    guard (try? LogProof(parsing: bytes, keys: [], file: "a")) == nil else { fatalError("believed without a key") }
  }
}

private protocol FuzzTarget: Sendable {
  /// Inputs to begin with, beside the files of the repository.
  var seeds: [[UInt8]] { get }
  func run(_ bytes: [UInt8])
}

extension FuzzTarget {
  var seeds: [[UInt8]] { [] }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What the package manager makes the program's main function.
@_cdecl("vpals_fuzz_main")
public func fuzzMain(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  var count = count
  var arguments = arguments
  return runDriver(&count, &arguments) { testOneInput($0, $1) }
}

/// Called before the corpus is read.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>>
) -> Int32 {
  guard let directory = ProcessInfo.processInfo.environment["VPALS_FUZZ_SEEDS"] else { return 0 }
  for (index, seed) in target.seeds.enumerated() {
    let path = "\(directory)/made-\(index)"
    guard FileManager.default.createFile(atPath: path, contents: Data(seed)) else { fatalError("cannot write \(path)") }
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  target.run(Array(UnsafeBufferPointer(start: data, count: count)))
  return 0
}

// MARK: Proofs

/// One property of a network. False ones are there to be refused, whatever the proof.
private struct Scene {
  let network: ExactNetwork
  let property: Property
  let isFalse: Bool
  /// What a proof for it begins with.
  let header: [UInt8]

  static func all(_ network: Network, _ specification: Specification) -> [Scene] {
    let network = ExactNetwork(network)
    let digest = ProofChecker.bytes(ofDigest: network.digest)
    return specification.properties.map { property in
      Scene(
        network: network, property: property, isFalse: property.id.hasPrefix("false-"),
        header: ProofFormat.header(networkDigest: digest, queryCount: property.queries.count)
          + ProofChecker.bytes(ofDigest: property.queries.first?.digest ?? ""))
    }
  }

  /// A certified model of the repository.
  static func model(_ application: String) throws -> (network: Network, specification: Specification) {
    (
      try Network(
        onnx: try BoundedFile.read("models/\(application)/v0001/model.onnx", maximumBytes: ONNXModel.maximumBytes)),
      try Specification.read(path: "specs/\(application).yaml")
    )
  }

  /// Every kind of query that proofs exist for, on a network small enough to reason about: y is least, 0, at (0, 0), and
  /// rises in a; it falls in b where b < 0.
  static func small() throws -> (network: Network, specification: Specification) {
    let network = try Network(layers: [
      Layer(inputCount: 2, outputCount: 3, weights: [1, 1, 1, -1, -1, 0], biases: [0, 0.25, 0], isRectified: true),
      Layer(inputCount: 3, outputCount: 2, weights: [1, 1, 3, 1, 0, -2], biases: [-0.5, 0], isRectified: true),
      Layer(inputCount: 2, outputCount: 2, weights: [1, 0.5, -1, 0], biases: [0, 0], isRectified: false),
    ])
    let text = """
      spec: vpals/v1
      features: {a: {domain: 0..1}, b: {domain: -1..1}}
      outputs: {y: {}, z: {}}
      properties:
        - {id: rises, nondecreasing: {of: y, in: a}}
        - {id: false-falls, nonincreasing: {of: y, in: a}}
        - {id: false-rises, nondecreasing: {of: y, in: b}}
        - {id: false-rises-nearly, nondecreasing: {of: y, in: b}, tolerance: 0.5}
        - {id: rises-nearly, nondecreasing: {of: y, in: b}, tolerance: 9}
        - {id: least, always: 0 <= y}
        - {id: false-least, always: 1/1000000000000 <= y}
        - {id: linear, always: y <= 2 * a + 9}
        - {id: false-linear, always: y <= a + 1/2}
        - {id: corner, nondecreasing: {of: y, in: a}, when: a + b <= 1}
        - {id: false-corner, nondecreasing: {of: y, in: b}, when: a + b <= 1}
        - {id: false-corner-least, always: 1/1000000000000 <= y, when: a + b <= 1}
        - {id: order, always: z <= y}
        - {id: false-order, always: y <= z}
      """
    return (network, try Specification.parse(text: text, path: "small.yaml"))
  }
}

private struct ProofTarget: FuzzTarget {
  private let scenes: [Scene]

  init() throws {
    scenes = try ([Scene.small()] + ["lucene", "mariadb", "mindspore", "nginx", "redis"].map(Scene.model)).flatMap {
      Scene.all($0.network, $0.specification)
    }
  }

  /// Trees of one leaf of each kind for the scenes that have no file.
  var seeds: [[UInt8]] {
    scenes.filter { $0.property.queries.count == 1 }.flatMap { scene in
      [[0], [6, 0], [6, 1, 1, 0], [2, 0, 0, 0], [3, 0, 0, 0], [5, 6, 3, 1, 6, 0, 6, 0]].map {
        scene.header + $0
      }
    }
  }

  func run(_ bytes: [UInt8]) {
    let chosen = scenes.first { bytes.starts(with: $0.header) }
    let scene = chosen ?? scenes[bytes.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % scenes.count]
    check(scene, bytes)
    guard chosen == nil else { return }
    // What is behind a wrong header would never be read.
    check(scene, scene.header + bytes.dropFirst(scene.header.count))
  }

  private func check(_ scene: Scene, _ bytes: [UInt8]) {
    do throws(ProofFailure) {
      let summary = try ProofChecker(network: scene.network).check(
        ProofSource(bytes: bytes), queries: scene.property.queries)
      guard !scene.isFalse else { fatalError("a proof of \(scene.property.id), which is false, was accepted") }
      guard summary.bytes == bytes.count else { fatalError("accepted \(summary.bytes) of \(bytes.count) bytes") }
    } catch {
      guard !error.description.isEmpty else { fatalError("no reason") }
    }
  }
}

// MARK: Certificates

private struct CertificateTarget: FuzzTarget {
  private let network: Network
  private let specification: Specification

  init() throws { (network, specification) = try Scene.small() }

  /// A certificate of the repository with every kind of arithmetic, about the small network, and of outcome.
  var seeds: [[UInt8]] {
    let path = "models/nginx/v0001/nginx.intoto.json"
    guard let old = try? CertificateFile(contentsOf: path).certificate.claims else {
      fatalError("\(path) cannot be read")
    }
    let errors = ErrorBound(network, over: specification.region, format: .binary64)?.errors ?? []
    let point = specification.region.map(\.lowerBound)
    let outcomes: [PropertyRecord.Outcome] = [
      .violated(
        Counterexample(query: 0, x: point, xPrime: point, fx: Rational(1, 3), fxPrime: 0, drop: Rational(1, 3))),
      .violated(Counterexample(query: 0, x: point, xPrime: nil, fx: -1, fxPrime: nil, drop: 1)), .unknown(.timeout),
    ]
    // The ids that the small specification and the lists above know.
    let ids = ["least", "rises-nearly", "order"]
    let proved = zip(old.properties, ids).map { record, id in
      PropertyRecord(
        id: id, statement: record.statement, outcome: .holds, engine: "auto", milliseconds: 1, cpuMilliseconds: 2,
        leaves: 3, solverLeaves: 1, provedShare: "1", lowerBound: nil, queryDigests: record.queryDigests,
        proof: record.proof, audit: record.audit)
    }
    let records = zip(proved, outcomes).map { record, outcome in
      PropertyRecord(
        id: record.id, statement: record.statement, outcome: outcome, engine: "smt", milliseconds: 1,
        cpuMilliseconds: 2, leaves: 3, solverLeaves: 1, provedShare: "0.5", lowerBound: Rational(-1, 7),
        queryDigests: record.queryDigests, audit: LeafAudit(audited: 2, confirmed: 1))
    }
    let arithmetics: [Certificate.Arithmetic] = [
      .real, Certificate.Arithmetic(of: network, for: specification),
      .bounded(.binary64, errors: errors, properties: ["least", "rises-nearly"]),
      .bounded(.binary32, errors: errors.map { $0.scaled(bits: 40) }, properties: ["order"]),
    ]
    return arithmetics.flatMap { arithmetic in
      [proved, records].compactMap { properties in
        try? Certificate(
          model: old.model, specification: old.specification, properties: properties, arithmetic: arithmetic,
          verifier: old.verifier, solver: old.solver, startedAt: old.startedAt, finishedAt: old.finishedAt
        ).encoded()
      }
    }
  }

  func run(_ bytes: [UInt8]) {
    guard let certificate = try? UncheckedCertificate(bytes: bytes, file: "certificate.json") else { return }
    let claims = certificate.claims
    guard let written = try? claims.encoded(), written == bytes else { fatalError("another certificate when written") }
    _ = claims.arithmetic.meaning
    for property in specification.properties { _ = claims.arithmetic.provenQueries(of: property) }
    _ = claims.arithmetic.problem(network: network, specification: specification, records: claims.properties)
  }
}

// MARK: Networks

private struct ONNXTarget: FuzzTarget {
  /// A folder with the data files that the exported models of the tests name.
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(
      path: "vpals-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in ["torch_plain.onnx.data", "torch_squeezed.onnx.data"] {
      let bytes = try BoundedFile.read("Tests/NetworksTests/Fixtures/exports/\(name)", maximumBytes: 1 << 20)
      try Data(bytes).write(to: folder.appending(path: name))
    }
  }

  func run(_ bytes: [UInt8]) {
    guard let read = try? StoredNetwork(bytes: bytes, path: folder.appending(path: "fuzzed.onnx").path) else { return }
    guard read.files.first?.sha256 == SHA256Digest.of(bytes) else { fatalError("a digest of other bytes") }
    requireSameWhenWritten(read.network)
  }
}

private struct NNetTarget: FuzzTarget {
  func run(_ bytes: [UInt8]) {
    guard let model = try? NNetModel(bytes: bytes) else { return }
    requireSameWhenWritten(model.network)
  }
}

private func requireSameWhenWritten(_ network: Network) {
  let digest = ExactNetwork(network).digest
  guard let written = try? network.onnx(name: "fuzzed", producerVersion: "1") else { return }
  guard let back = try? Network(onnx: written), ExactNetwork(back).digest == digest else {
    fatalError("another network when written and read")
  }
}

// MARK: Specifications

private struct SpecificationTarget: FuzzTarget {
  func run(_ bytes: [UInt8]) {
    guard let specification = try? Specification.parse(bytes, path: "fuzzed.yaml") else { return }
    _ = specification.digest
    let none = specification.outputs.map { _ in Rational.zero }
    for property in specification.properties {
      guard property.queries.count == property.refutations.count else { fatalError("\(property.id) has other claims") }
      _ = property.tightenedQueries(by: none)
      _ = property.statement
    }
  }
}
