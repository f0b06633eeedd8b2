internal import Certificates
internal import Foundation
internal import Networks
internal import Specifications

/// The bytes of a version's network and, once somebody needs it, the network.
struct LoadedModel {
  let bytes: [UInt8]
  let sha256: String
  var network: (stored: StoredNetwork, exact: ExactNetwork)?
}

extension VersionCheck {
  /// The network, of which the certificate speaks byte by byte.
  mutating func checkModel(
    _ certificate: UncheckedCertificate, _ specification: Specifications.Specification
  ) throws(Refused) -> ExactNetwork {
    let verify = verify(specification.path)
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
    let (read, network) = try loadedNetwork(digest: digest, next: verify)
    for file in read.files where subjects[file.name] != file.sha256 {
      throw Refused(
        .modelChanged, "\(path)/\(file.name)",
        subjects[file.name] == nil
          ? "the certificate does not speak of this file, which holds weights of \(Self.modelFile)"
          : "the file has changed since it was verified", next: verify)
    }
    guard network.digest == "sha256:\(certificate.claims.model.networkDigest)" else {
      throw Refused(.modelChanged, modelPath, "the network is not the one that was verified", next: verify)
    }
    do throws(SpecificationError) {
      try specification.checkArity(inputCount: network.inputCount, outputCount: network.outputCount)
    } catch {
      throw Refused(
        .specificationChanged, specification.path, error.diagnostics.first?.message ?? "it is of another network",
        next: train)
    }
    let claims = certificate.claims
    if let problem = claims.arithmetic.problem(
      network: read.network, specification: specification, records: claims.properties)
    {
      throw Refused(
        .modelChanged, modelPath, "the certificate's \(claims.arithmetic) is not true of this network: \(problem)",
        next: verify)
    }
    return network
  }

  /// The network, from bytes with this digest.
  private mutating func loadedNetwork(
    digest: String, next: [String]
  ) throws(Refused) -> (stored: StoredNetwork, exact: ExactNetwork) {
    do {
      // The bytes that are parsed are the bytes that are compared, whoever writes to the files meanwhile.
      var loaded: LoadedModel
      if let model {
        loaded = model
      } else {
        let bytes = try BoundedFile.read(modelPath, maximumBytes: StoredNetwork.maximumBytes)
        loaded = LoadedModel(bytes: bytes, sha256: SHA256Digest.of(bytes))
      }
      guard loaded.sha256 == digest else {
        throw Refused(.modelChanged, modelPath, "the file has changed since it was verified", next: next)
      }
      if let network = loaded.network { return network }
      let stored = try StoredNetwork(bytes: loaded.bytes, path: modelPath)
      let network = (stored: stored, exact: ExactNetwork(stored.network))
      loaded.network = network
      model = loaded
      return network
    } catch let error as Refused {
      throw error
    } catch {
      throw Refused(
        .modelUnreadable, modelPath, "the model cannot be read: \(Self.reason("\(error)", of: modelPath))", next: train)
    }
  }
}
