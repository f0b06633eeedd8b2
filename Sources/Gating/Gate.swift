public import Certificates
internal import Foundation

/// The gate of a repository of models: every version passes only with certificates that speak of exactly these bytes
/// and the specifications of the policy, and in which every property of them holds.
///
/// It reads files alone: no store, no solver, no network. Certificates must be signed by a key of the trust file, and be
/// in the log when the policy asks for it. Every proof is checked again unless the policy trusts them, so a forged
/// verdict does not pass.
public struct Gate: Sendable {
  /// The most model versions in one run.
  public static let maximumVersions = 10_000
  /// The most directories that are searched, and how deep they may lie.
  public static let maximumDirectories = 100_000
  public static let maximumDepth = 8

  /// The directory of the specifications, `NAME.yaml`.
  public let specifications: String
  public let policy: GatePolicy
  /// The moment by which exemptions end.
  public let now: Timestamp

  /// - Parameter now: The present when nil.
  public init(specifications: String, policy: GatePolicy = GatePolicy(), now: Timestamp? = nil) {
    self.specifications = FilePath.trimmed(specifications)
    self.policy = policy
    self.now = now ?? Timestamp(Date())
  }

  /// Judges every model under `path`: a tree of `APPLICATION/VERSION/model.onnx`, one version's directory, or the
  /// ONNX file in it. A directory counts as a version when it holds a network file or a certificate. Hidden directories
  /// and the unfinished versions of a trainer (`v0001.partial-PID`) are left out; symbolic links are followed.
  /// - Throws: ``GateError`` when there is nothing to judge, a directory cannot be read, or a bound is passed.
  public func run(path: String) throws(GateError) -> GateRun {
    let clock = ContinuousClock()
    let start = clock.now
    let path = FilePath.trimmed(path)
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw GateError(description: "\(path) does not exist; name the directory that holds the models")
    }
    guard isDirectory.boolValue || ModelTree.isModel(path) else {
      throw GateError(description: "\(path) is neither a directory nor an ONNX file; name the directory of the models")
    }
    var areSpecificationsThere: ObjCBool = false
    guard FileManager.default.fileExists(atPath: specifications, isDirectory: &areSpecificationsThere),
      areSpecificationsThere.boolValue
    else {
      throw GateError(
        description: "\(specifications) is not a directory; name the one that holds the APPLICATION.yaml files")
    }
    var tree = ModelTree(root: isDirectory.boolValue ? path : FilePath.parent(of: path))
    let versions = try tree.versions()
    guard !versions.isEmpty else {
      throw GateError(
        description: "\(path) holds no model.onnx; a gate that checks nothing passes nothing. Name the directory that "
          + "holds the models")
    }
    let evidence = try EvidenceRules(policy: policy, now: now)
    var cache = SpecificationCache()
    var exemptions = ExemptionLedger(policy: policy, now: now)
    let findings = versions.map { judge($0, evidence, &cache, &exemptions) }
    return GateRun(
      findings: findings, warnings: exemptions.warnings, policyPath: policy.path,
      checksProofs: policy.proofs == .check, readsLog: policy.log.directory != nil && !policy.isOffline, startedAt: now,
      milliseconds: Self.milliseconds(clock.now - start))
  }

  /// Judges one version's directory.
  private func judge(
    _ path: String, _ evidence: EvidenceRules, _ cache: inout SpecificationCache, _ exemptions: inout ExemptionLedger
  ) -> GateFinding {
    let clock = ContinuousClock()
    let start = clock.now
    let (application, version) = ModelPath.names(ofVersion: path)
    let names = policy.specificationNames(application: application, version: version)
    let paths = names.map { "\(specifications)/\($0).yaml" }
    var check = VersionCheck(path: path, application: application, version: version, policy: policy, evidence: evidence)
    if names.isEmpty {
      check.refusals.append(
        Refusal(
          .specificationUnreadable, file: policy.path ?? GatePolicy.defaultPath,
          reason: "no entry of 'specifications' names \(application)/\(version)",
          next: ["vpals", "gate", path, "--policy", "FILE"]))
    }
    check.run(specificationPaths: paths, &cache)
    // The one way to pass leads through proved properties: nothing else counts as a verdict.
    if check.refusals.isEmpty, check.verdicts.isEmpty || check.verdicts.contains(where: { $0.state != .proven }) {
      check.refusals.append(
        Refusal(
          .proofUnchecked, file: path, reason: "the gate came to no verdict; please report this",
          next: ["vpals", "gate", path]))
    }
    let refusals = check.refusals.map { exemptions.judge($0, application: application, version: version) }
    let verdicts = check.verdicts.map { verdict in
      var verdict = verdict
      let own = refusals.filter { $0.subject == verdict.subject }
      if verdict.state == .refused, !own.isEmpty, own.allSatisfy({ $0.exemption != nil }) { verdict.state = .exempt }
      return verdict
    }
    return GateFinding(
      application: application, version: version, path: path, specificationPaths: paths, verdicts: verdicts,
      refusals: refusals, milliseconds: Self.milliseconds(clock.now - start))
  }

  static func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(max(0, min(seconds, 1 << 40))) * 1000 + Int(max(0, attoseconds) / 1_000_000_000_000_000)
  }
}
