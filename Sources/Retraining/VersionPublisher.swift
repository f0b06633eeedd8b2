public import CertificateStorage
internal import Certificates
internal import Networks
public import Specifications
internal import FoundationEssentials
internal import Verification

/// Writes a finished version: an immutable directory in one rename, its certificate inside, the same in the store.
public struct VersionPublisher: Sendable {
  let application: String
  let specification: Specification
  let models: String
  let store: any Store

  public init(application: String, specification: Specification, models: String, store: any Store) {
    self.application = application
    self.specification = specification
    self.models = models
    self.store = store
  }

  static let modelFile = "model.onnx"

  /// The ONNX file of a network, with the specification's names inside.
  static func modelBytes(_ network: Network, specification: Specification) throws -> [UInt8] {
    try network.onnx(
      name: specification.name, featureNames: specification.features.map(\.name),
      outputNames: specification.outputs.map(\.name), producerVersion: VPALs.version)
  }

  static func subject(_ bytes: [UInt8]) -> Certificate.Subject {
    Certificate.Subject(name: modelFile, sha256: SHA256Digest.of(bytes), bytes: bytes.count)
  }

  /// The most names that are tried when other runs publish versions of the application at the same time.
  static let maximumAttempts = 100

  /// Publishes under the report's version, or under the next free one, which the report then names.
  ///
  /// - Parameter results: Of the verification; nil publishes without a certificate.
  /// - Returns: The directory.
  func publish(network: Network, report: inout VersionReport, results: [PropertyResult]?) throws -> String {
    for _ in 1..<Self.maximumAttempts {
      do {
        return try publish(report.version, network: network, report: report, results: results)
      } catch let error as CertificateError where error.code == .exists {
        report.version = AtomicDirectory.nextVersion(in: "\(models)/\(application)")
      }
    }
    return try publish(report.version, network: network, report: report, results: results)
  }

  private func publish(_ version: String, network: Network, report: VersionReport, results: [PropertyResult]?) throws
    -> String
  {
    let model = try Self.modelBytes(network, specification: specification)
    let readBack = try Network(onnx: model)
    guard ExactNetwork(readBack).digest == ExactNetwork(network).digest else {
      throw NetworkError(.malformed, "the written network does not read back as the verified one; this is a defect")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    var files = [Self.modelFile: model, "training.json": [UInt8](try encoder.encode(report)) + [0x0A]]
    let path = "\(models)/\(application)/\(version)"
    guard let results else {
      try AtomicDirectory.write(files, to: path)
      return path
    }
    let now = Timestamp(Date())
    let certificate = Certificate(
      model: Certificate.Model(
        name: application, version: version, files: [Self.subject(model)],
        networkDigest: ExactNetwork(network).digest.hexadecimalPart),
      specification: specification, results: results,
      arithmetic: Certificate.Arithmetic(of: readBack, for: specification), startedAt: now, finishedAt: now)
    files[try Certificate.fileName(specification: specification.name)] = try certificate.encoded()
    for (result, record) in zip(results, certificate.properties) {
      if let proof = result.proof, let reference = record.proof { files[reference.path] = try proof.read() }
    }
    try AtomicDirectory.write(files, to: path)
    _ = try store.record(VerificationRecord(certificate: certificate, found: []), now: Date())
    return path
  }
}
