internal import Certificates
internal import Foundation
internal import Networks
internal import ProofChecking
internal import Signing
internal import Specifications

/// The judgement of one model version: every exit but the last is a refusal.
struct VersionCheck {
  let path: String
  let application: String
  let version: String
  let specificationPath: String

  struct Refused: Error {
    let refusals: [Refusal]

    init(_ refusals: [Refusal]) { self.refusals = refusals }

    init(_ rule: Refusal.Rule, _ file: String, _ reason: String, next: [String]) {
      refusals = [Refusal(rule, file: file, reason: reason, next: next)]
    }
  }

  static let modelFile = "model.onnx"

  private var modelPath: String { "\(path)/\(Self.modelFile)" }
  private var verify: [String] { ["vpals", "verify", path, "--spec", specificationPath] }
  private var train: [String] { ["vpals-train", application, "--queue", "--until-proven"] }

  /// - Returns: How many properties hold: all that the specification has.
  func provenProperties() throws(Refused) -> Int {
    let specification = try specification()
    try refuseOtherModels()
    let (certificate, certificatePath) = try certificate(for: specification)
    let claims = certificate.claims
    guard claims.model.name == application, claims.model.version == version else {
      throw Refused(
        .modelChanged, certificatePath,
        "the certificate speaks of \(claims.model.name)/\(claims.model.version), not of \(application)/\(version)",
        next: verify)
    }
    var refusals: [Refusal] = []
    var network: ExactNetwork?
    do throws(Refused) { network = try checkModel(certificate, specification) } catch { refusals += error.refusals }
    if "sha256:\(claims.specification.sha256)" != specification.fileDigest {
      refusals.append(
        Refusal(
          .specificationChanged, file: specificationPath,
          reason: "the specification has changed since the model was verified", next: verify))
    }
    guard let network, refusals.isEmpty else { throw Refused(refusals) }
    return try checkProperties(claims, specification, network, certificatePath)
  }

  // MARK: Files

  private func specification() throws(Refused) -> Specifications.Specification {
    let bytes: [UInt8]
    do throws(CertificateError) {
      bytes = try BoundedFile.read(specificationPath, maximumBytes: Specifications.Specification.maximumFileBytes)
    } catch {
      guard error.code != .missing else {
        throw Refused(
          .specificationUnreadable, specificationPath, "there is no specification for \(application)",
          next: ["vpals", "gate", path, "--specs", "DIRECTORY"])
      }
      throw Refused(
        .specificationUnreadable, specificationPath, Self.reason(error.message, of: specificationPath),
        next: ["vpals", "spec", "check", specificationPath])
    }
    do throws(SpecificationError) {
      return try Specifications.Specification.parse(bytes, path: specificationPath)
    } catch {
      let problem = error.diagnostics.first.map { first in
        (first.place.map { "line \($0.line): " } ?? "") + "\(first.message) [\(first.code)]"
      }
      throw Refused(
        .specificationUnreadable, specificationPath,
        "the specification has errors: \(problem ?? "it cannot be read")",
        next: ["vpals", "spec", "check", specificationPath])
    }
  }

  /// A predictor might load any network that lies in the directory, so each must be spoken of.
  private func refuseOtherModels() throws(Refused) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw Refused(.modelUnreadable, path, "the directory cannot be listed; check its permissions", next: verify)
    }
    let others = names.filter { ModelTree.isModel($0) && $0 != Self.modelFile }
    guard others.isEmpty else {
      throw Refused(
        others.map { name in
          Refusal(
            .noCertificate, file: "\(path)/\(name)",
            reason: "a version has one network, \(Self.modelFile); nothing is proved of this one",
            next: ["mv", "\(path)/\(name)", "ELSEWHERE"])
        })
    }
  }

  private func certificate(for specification: Specifications.Specification) throws(Refused) -> (
    certificate: UncheckedCertificate, path: String
  ) {
    let certificatePath: String
    do throws(CertificateError) {
      certificatePath = "\(path)/\(try Certificate.fileName(specification: specification.name))"
    } catch {
      throw Refused(.specificationUnreadable, specificationPath, error.message, next: verify)
    }
    do throws(SigningError) {
      return (try CertificateFile(contentsOf: certificatePath).certificate, certificatePath)
    } catch {
      guard error.code != .missing else {
        throw Refused(
          .noCertificate, certificatePath, "there is no certificate of this version for \(specificationPath)",
          next: verify)
      }
      throw Refused(
        .certificateUnreadable, certificatePath,
        "the certificate cannot be read: \(Self.reason(error.message, of: certificatePath))", next: verify)
    }
  }

  // MARK: Bindings

  private func checkModel(
    _ certificate: UncheckedCertificate, _ specification: Specifications.Specification
  ) throws(Refused) -> ExactNetwork {
    let problems = certificate.fileProblems(in: path)
    guard problems.isEmpty else {
      throw Refused(
        problems.map { Refusal(.modelChanged, file: $0.path, reason: "the file \($0.problem)", next: verify) })
    }
    let subjects = Dictionary(
      certificate.claims.model.files.map { ($0.name, $0.sha256) }, uniquingKeysWith: { first, _ in first })
    guard let digest = subjects[Self.modelFile] else {
      throw Refused(.modelChanged, modelPath, "the certificate does not speak of this file", next: verify)
    }
    let stored: Network
    do {
      // The bytes that are parsed are the bytes that are compared, whoever writes to the files meanwhile.
      let bytes = try BoundedFile.read(modelPath, maximumBytes: StoredNetwork.maximumBytes)
      guard SHA256Digest.of(bytes) == digest else {
        throw Refused(.modelChanged, modelPath, "the file has changed since it was verified", next: verify)
      }
      let read = try StoredNetwork(bytes: bytes, path: modelPath)
      for file in read.files where subjects[file.name] != file.sha256 {
        throw Refused(
          .modelChanged, "\(path)/\(file.name)",
          subjects[file.name] == nil
            ? "the certificate does not speak of this file, which holds weights of \(Self.modelFile)"
            : "the file has changed since it was verified", next: verify)
      }
      stored = read.network
    } catch let error as Refused {
      throw error
    } catch {
      throw Refused(
        .modelUnreadable, modelPath, "the model cannot be read: \(Self.reason("\(error)", of: modelPath))", next: train)
    }
    let network = ExactNetwork(stored)
    guard network.digest == "sha256:\(certificate.claims.model.networkDigest)" else {
      throw Refused(.modelChanged, modelPath, "the network is not the one that was verified", next: verify)
    }
    do throws(SpecificationError) {
      try specification.checkArity(inputCount: network.inputCount, outputCount: network.outputCount)
    } catch {
      throw Refused(
        .specificationChanged, specificationPath, error.diagnostics.first?.message ?? "it is of another network",
        next: train)
    }
    let claims = certificate.claims
    if let problem = claims.arithmetic.problem(
      network: stored, specification: specification, records: claims.properties)
    {
      throw Refused(
        .modelChanged, modelPath, "the certificate's \(claims.arithmetic) is not true of this network: \(problem)",
        next: verify)
    }
    return network
  }

  // MARK: Verdicts

  private func checkProperties(
    _ claims: Certificate, _ specification: Specifications.Specification, _ network: ExactNetwork,
    _ certificatePath: String
  ) throws(Refused) -> Int {
    guard specification.digest == "sha256:\(claims.specification.digest)",
      specification.properties.map(\.id) == claims.properties.map(\.id)
    else {
      throw Refused(
        .specificationChanged, certificatePath, "the certificate speaks of other properties than \(specificationPath)",
        next: verify)
    }
    let refusals = zip(specification.properties, claims.properties).compactMap { property, record -> Refusal? in
      guard property.queries.map(\.digest) == record.queryDigests.map({ "sha256:\($0)" }) else {
        return Refusal(
          .specificationChanged, file: certificatePath,
          reason: "property '\(property.id)' was verified with another meaning", next: verify)
      }
      switch record.outcome {
      case .holds:
        return proofRefusal(property, record, claims.arithmetic, network, certificatePath)
      case .violated:
        return Refusal(
          .violated, file: certificatePath, reason: "property '\(property.id)' is violated: \(property.statement)",
          next: train)
      case .unknown(let reason):
        return Refusal(
          .undecided, file: certificatePath, reason: "property '\(property.id)' is undecided (\(reason))",
          next: verify + ["--resume", "--timeout", "1h"])
      }
    }
    guard refusals.isEmpty else { throw Refused(refusals) }
    return specification.properties.count
  }

  /// Checks the proof of a property again.
  private func proofRefusal(
    _ property: Property, _ record: PropertyRecord, _ arithmetic: Certificate.Arithmetic, _ network: ExactNetwork,
    _ certificatePath: String
  ) -> Refusal? {
    guard let reference = record.proof else {
      return Refusal(
        .proofUnchecked, file: certificatePath, reason: "property '\(property.id)' is claimed to hold without a proof",
        next: verify)
    }
    let proofPath = "\(path)/\(reference.path)"
    guard let queries = arithmetic.provenQueries(of: property) else {
      return Refusal(
        .proofUnchecked, file: certificatePath,
        reason: "property '\(property.id)' cannot have been proved with a margin for rounding", next: verify)
    }
    do throws(ProofFailure) {
      let summary = try ProofChecker(network: network).check(file: proofPath, queries: queries)
      guard summary.digest != reference.sha256 || summary.bytes != reference.bytes else { return nil }
      return Refusal(
        .proofUnchecked, file: proofPath, reason: "this is not the proof that the certificate names", next: verify)
    } catch {
      return Refusal(
        .proofUnchecked, file: proofPath, reason: "the proof of property '\(property.id)' is not valid: \(error)",
        next: verify)
    }
  }

  /// A message without the path that the report prints beside it.
  private static func reason(_ message: String, of path: String) -> String {
    for prefix in ["\(path): ", "cannot read \(path): "] where message.hasPrefix(prefix) {
      return String(message.dropFirst(prefix.count))
    }
    return message
  }
}
