public import CertificateStorage
public import Certificates
public import Evidence
internal import Networks
public import Specifications
internal import FoundationEssentials
internal import Verification

/// Writes a finished version: an immutable directory in one rename, with its certificate and all that goes with it; the
/// same in the store and the log.
public struct VersionPublisher: Sendable {
  let application: String
  let specification: Specification
  let models: String
  let store: any Store
  let issuer: Issuer
  /// Of the data that the network was trained on.
  let data: Certificate.Coverage?

  public init(
    application: String, specification: Specification, models: String, store: any Store, issuer: Issuer,
    data: Certificate.Coverage?
  ) {
    self.application = application
    self.specification = specification
    self.models = models
    self.store = store
    self.issuer = issuer
    self.data = data
  }

  static let modelFile = "model.onnx"

  /// The ONNX file of a network, with the specification's names inside.
  static func modelBytes(_ network: Network, specification: Specification) throws -> [UInt8] {
    try network.onnx(
      name: specification.name, featureNames: specification.features.map(\.name),
      outputNames: specification.outputs.map(\.name), producerVersion: VPALs.version)
  }

  static let reportFile = "training.json"

  static func subject(_ bytes: [UInt8], name: String = modelFile) -> Certificate.Subject {
    Certificate.Subject(name: name, sha256: SHA256Digest.of(bytes), bytes: bytes.count)
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
    let training = [UInt8](try encoder.encode(report)) + [0x0A]
    let files = [Self.modelFile: model, Self.reportFile: training]
    let path = "\(models)/\(application)/\(version)"
    // Nothing is issued for a version whose name another run has.
    try AtomicDirectory.write(to: path) {
      guard let results else { return files }
      let now = Timestamp(Date())
      let certificate = Certificate(
        model: Certificate.Model(
          name: application, version: version,
          files: [Self.subject(model), Self.subject(training, name: Self.reportFile)],
          networkDigest: ExactNetwork(network).digest.hexadecimalPart),
        specification: specification, results: results,
        arithmetic: Certificate.Arithmetic(of: readBack, for: specification), data: data, startedAt: now,
        finishedAt: now, expiresAt: issuer.expiry(of: now))
      var all = files
      for (result, record) in zip(results, certificate.properties) {
        if let proof = result.proof, let reference = record.proof { all[reference.path] = try proof.read() }
      }
      return try issuer.files(of: certificate, beside: all, named: version, store: store, now: now)
    }
    return path
  }
}
