internal import Certificates
internal import Foundation
internal import Networks
internal import Signing
internal import Specifications

/// The judgement of one model version: what is not shown is refused.
struct VersionCheck {
  let path: String
  let application: String
  let version: String
  let policy: GatePolicy
  let evidence: EvidenceRules
  var verdicts: [GateFinding.Verdict] = []
  var refusals: [Refusal] = []
  /// The network, read once for all certificates.
  var model: LoadedModel?

  struct Refused: Error {
    let refusals: [Refusal]

    init(_ refusals: [Refusal]) { self.refusals = refusals }

    init(_ rule: Refusal.Rule, _ file: String, _ reason: String, next: [String]) {
      refusals = [Refusal(rule, file: file, reason: reason, next: next)]
    }
  }

  static let modelFile = "model.onnx"

  init(path: String, application: String, version: String, policy: GatePolicy, evidence: EvidenceRules) {
    self.path = path
    self.application = application
    self.version = version
    self.policy = policy
    self.evidence = evidence
  }

  var modelPath: String { "\(path)/\(Self.modelFile)" }
  var train: [String] { ["vpals-train", application, "--queue", "--until-proven"] }

  func verify(_ specificationPath: String) -> [String] { ["vpals", "verify", path, "--spec", specificationPath] }

  /// Judges the version by each specification; what one certificate is refused for does not end the judgement of
  /// another.
  mutating func run(specificationPaths: [String], _ cache: inout SpecificationCache) {
    if let first = specificationPaths.first { refuseOtherModels(next: verify(first)) }
    for specificationPath in specificationPaths {
      do throws(Refused) {
        try judge(try specification(specificationPath, &cache))
      } catch {
        // A changed model is changed for every specification, and said to be once.
        let known = refusals
        refusals += error.refusals.filter { new in
          !known.contains {
            $0.rule == new.rule && $0.file == new.file && $0.reason == new.reason && $0.subject == new.subject
          }
        }
      }
    }
    if let first = specificationPaths.first { refuseChangedDirectory(next: verify(first)) }
  }

  /// Refuses a version whose directory is not as it was signed, unless that was found in one of its files already: by a
  /// rule that no exemption overrules.
  private mutating func refuseChangedDirectory(next: [String]) {
    let telling: [Refusal.Rule] = [
      .modelChanged, .proofUnchecked, .certificateUnreadable, .badSignature, .modelUnreadable,
    ]
    guard ModelPath.isVersion(version), !refusals.contains(where: { telling.contains($0.rule) }),
      let problem = evidence.directoryProblem(path)
    else { return }
    refusals.append(Refusal(problem.rule, file: problem.file, reason: problem.reason, next: next))
  }

  private mutating func judge(_ specification: Specifications.Specification) throws(Refused) {
    let subjects = specification.properties.map { property in
      Refusal.Subject(
        property: property.id, specification: specification.name, file: specification.path, line: property.line,
        column: property.column)
    }
    let first = verdicts.count
    verdicts += subjects.map { GateFinding.Verdict(subject: $0, state: .notJudged) }
    let verify = verify(specification.path)
    let file = try certificate(for: specification)
    let (certificate, certificatePath) = (file.certificate, file.file)
    let claims = certificate.claims
    guard claims.model.name.utf8.elementsEqual(application.utf8), claims.model.version.utf8.elementsEqual(version.utf8)
    else {
      throw Refused(
        .modelChanged, certificatePath,
        "the certificate speaks of \(claims.model.name)/\(claims.model.version), not of \(application)/\(version)",
        next: verify)
    }
    refuseEvidence(file, specification, next: verify)
    if let refusal = verifierRefusal(claims, certificatePath, next: verify) { refusals.append(refusal) }
    var problems: [Refusal] = []
    var network: ExactNetwork?
    do throws(Refused) {
      network = try checkModel(certificate, specification)
    } catch {
      problems += error.refusals
    }
    if "sha256:\(claims.specification.sha256)" != specification.fileDigest {
      problems.append(
        Refusal(
          .specificationChanged, file: specification.path,
          reason: "the specification has changed since the model was verified", next: verify))
    } else if claims.specification.features != specification.certificateFeatures
      || claims.specification.outputs != specification.certificateOutputs
    {
      problems.append(
        Refusal(
          .specificationChanged, file: certificatePath,
          reason: "the certificate describes other features or outputs than \(specification.path)", next: verify))
    }
    guard let network, problems.isEmpty else { throw Refused(problems) }
    let judged = try judgeProperties(claims, specification, subjects, network, certificatePath)
    verdicts.replaceSubrange(first..., with: judged)
  }

  // MARK: Files

  private func specification(
    _ path: String, _ cache: inout SpecificationCache
  ) throws(Refused) -> Specifications.Specification {
    do throws(SpecificationCache.Failure) {
      return try cache.specification(path)
    } catch {
      switch error {
      case .missing:
        throw Refused(
          .specificationUnreadable, path,
          policy.specifications.isEmpty
            ? "there is no specification for \(application)" : "there is no such specification, which the policy names",
          next: ["vpals", "gate", self.path, "--specs", "DIRECTORY"])
      case .unreadable(let message):
        throw Refused(
          .specificationUnreadable, path, Self.reason(message, of: path), next: ["vpals", "spec", "check", path])
      case .errors(let problem, _):
        throw Refused(
          .specificationUnreadable, path, "the specification has errors: \(problem)",
          next: ["vpals", "spec", "check", path])
      }
    }
  }

  /// A predictor might load any network that lies in the directory, so each must be spoken of.
  private mutating func refuseOtherModels(next: [String]) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      refusals.append(
        Refusal(
          .modelUnreadable, file: path, reason: "the directory cannot be listed; check its permissions", next: next))
      return
    }
    refusals += names.filter { ModelTree.isModel($0) && $0 != Self.modelFile }.map { name in
      Refusal(
        .noCertificate, file: "\(path)/\(name)",
        reason: "a version has one network, \(Self.modelFile); nothing is proved of this one",
        next: ["mv", "\(path)/\(name)", "ELSEWHERE"])
    }
  }

  /// What keys, log and calendar say of a certificate; one does not keep another from being said.
  private mutating func refuseEvidence(
    _ file: CertificateFile, _ specification: Specifications.Specification, next: [String]
  ) {
    if let reason = evidence.signatureProblem(file) {
      refusals.append(
        Refusal(
          .badSignature, file: file.file, reason: reason,
          next: evidence.trust == nil ? ["vpals", "keys", "init"] : next))
    }
    if let problem = evidence.validityProblem(file) {
      refusals.append(
        Refusal(
          .expiredOrRevoked, file: file.file, reason: problem.reason, next: problem.isFinal ? train : next,
          isFinal: problem.isFinal))
    }
    if let name = try? Certificate.fileName(specification: specification.name, .logProof),
      let reason = evidence.inclusionProblem(file, proofPath: "\(path)/\(name)")
    {
      refusals.append(
        Refusal(
          .notInLog, file: file.file, reason: reason,
          next: evidence.logProblem == nil
            ? next : ["vpals", "log", "verify", "--log", policy.log.directory ?? "LOG"],
          isFinal: evidence.logProblem != nil))
    }
    if let reason = evidence.dataProblem(file.certificate.claims) {
      refusals.append(Refusal(.dataOutsideDomain, file: file.file, reason: reason, next: next))
    }
  }

  private func certificate(for specification: Specifications.Specification) throws(Refused) -> CertificateFile {
    let verify = verify(specification.path)
    let certificatePath: String
    do throws(CertificateError) {
      certificatePath = "\(path)/\(try Certificate.fileName(specification: specification.name))"
    } catch {
      throw Refused(.specificationUnreadable, specification.path, error.message, next: verify)
    }
    do throws(SigningError) {
      return try CertificateFile(contentsOf: certificatePath)
    } catch {
      guard error.code != .missing else {
        throw Refused(
          .noCertificate, certificatePath, "there is no certificate of this version for \(specification.path)",
          next: verify)
      }
      throw Refused(
        .certificateUnreadable, certificatePath,
        "the certificate cannot be read: \(Self.reason(error.message, of: certificatePath))", next: verify)
    }
  }

  private func verifierRefusal(_ claims: Certificate, _ certificatePath: String, next: [String]) -> Refusal? {
    guard let minimum = policy.minimumVerifier else { return nil }
    let tool = claims.verifier
    if tool.name == "vpals", let version = SemanticVersion(tool.version), version >= minimum { return nil }
    return Refusal(
      .verifierTooOld, file: certificatePath,
      reason:
        "the certificate was made by \(tool.name) \(tool.version); the policy asks for vpals \(minimum) or later: "
        + "install it, then verify again",
      next: next)
  }

  /// A message without the path that the report prints beside it.
  static func reason(_ message: String, of path: String) -> String {
    for prefix in ["\(path): ", "cannot read \(path): "] where message.hasPrefix(prefix) {
      return String(message.dropFirst(prefix.count))
    }
    return message
  }
}
