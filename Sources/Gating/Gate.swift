internal import Certificates
internal import Foundation
internal import Networks
internal import Specifications

/// Why a model version is refused.
public struct Refusal: Sendable, Hashable {
  /// The rules, with stable codes.
  public enum Rule: String, Sendable, Hashable, CaseIterable {
    case noCertificate = "VP001"
    case violated = "VP002"
    case undecided = "VP003"
    case modelChanged = "VP004"
    case specificationChanged = "VP005"
    case certificateUnreadable = "VP011"
    case modelUnreadable = "VP012"
    case specificationUnreadable = "VP013"

    public var name: String {
      switch self {
      case .noCertificate: "no-certificate"
      case .violated: "violated"
      case .undecided: "undecided"
      case .modelChanged: "model-changed"
      case .specificationChanged: "specification-changed"
      case .certificateUnreadable: "certificate-unreadable"
      case .modelUnreadable: "model-unreadable"
      case .specificationUnreadable: "specification-unreadable"
      }
    }
  }

  public let rule: Rule
  /// The file at fault.
  public let file: String
  /// One line.
  public let reason: String
  /// The command to run next.
  public let next: String

  public init(_ rule: Rule, file: String, reason: String, next: String) {
    self.rule = rule
    self.file = file
    self.reason = reason
    self.next = next
  }
}

/// What the gate says of one model version.
public struct GateFinding: Sendable, Hashable {
  public let application: String
  public let version: String
  /// The directory.
  public let path: String
  public let specificationPath: String
  /// Properties proved, when the version passes.
  public let proven: Int
  /// Empty exactly when the version passes.
  public let refusals: [Refusal]

  public var passes: Bool { refusals.isEmpty }
}

/// Why the gate could not run at all.
public struct GateError: Error, Hashable, CustomStringConvertible {
  public let description: String
}

/// The gate of a repository of models: every version passes only with a certificate that speaks of exactly these bytes
/// and this specification, and in which every property of the specification holds.
///
/// It reads files alone: no store, no solver. It does not search for proofs; it refuses what has none.
public struct Gate: Sendable {
  /// The most model versions in one run, and the deepest directory that is searched.
  public static let maximumVersions = 10_000
  public static let maximumDepth = 8

  /// The directory of `APPLICATION.yaml` files.
  public let specifications: String

  public init(specifications: String) { self.specifications = specifications }

  /// Judges every model under `path`: a tree of `APPLICATION/VERSION/model.onnx`, or one version's directory.
  /// - Throws: ``GateError`` when there is nothing to judge or a directory cannot be read.
  public func run(path: String) throws(GateError) -> [GateFinding] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw GateError(description: "\(path) does not exist; name the directory that holds the models")
    }
    let root = isDirectory.boolValue ? path : FilePath.parent(of: path)
    var versions: [String] = []
    try collect(root, depth: 0, &versions)
    guard !versions.isEmpty else {
      throw GateError(
        description: "\(path) holds no model.onnx; a gate that checks nothing passes nothing. Name the directory that "
          + "holds the models")
    }
    return versions.sorted().map(judge)
  }

  private func collect(_ directory: String, depth: Int, _ versions: inout [String]) throws(GateError) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw GateError(description: "\(directory) cannot be listed; check its permissions")
    }
    if names.contains(where: { $0.hasSuffix(".onnx") }) {
      guard versions.count < Self.maximumVersions else {
        throw GateError(description: "more than \(Self.maximumVersions) model versions; gate a part of the tree")
      }
      versions.append(directory)
    }
    guard depth < Self.maximumDepth else { return }
    for name in names.sorted() {
      // Unfinished versions of a running or killed trainer are no versions.
      guard !name.hasPrefix("."), !name.contains(".partial-") else { continue }
      let path = "\(directory)/\(name)"
      var isDirectory: ObjCBool = false
      if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
        try collect(path, depth: depth + 1, &versions)
      }
    }
  }

  /// Judges one version's directory.
  public func judge(_ path: String) -> GateFinding {
    let (application, version) = ModelPath.names(ofVersion: path)
    let specificationPath = "\(specifications)/\(application).yaml"
    var proven = 0
    let refusals: [Refusal]
    do throws(RefusalError) {
      proven = try check(path, specificationPath)
      refusals = []
    } catch {
      refusals = error.refusals
    }
    return GateFinding(
      application: application, version: version, path: path, specificationPath: specificationPath, proven: proven,
      refusals: refusals)
  }

  private struct RefusalError: Error {
    var refusals: [Refusal]
  }

  /// - Returns: How many properties hold.
  private func check(_ path: String, _ specificationPath: String) throws(RefusalError) -> Int {
    let verify = "vpals verify \(path) --spec \(specificationPath)"
    func refuse(_ rule: Refusal.Rule, _ file: String, _ reason: String, next: String? = nil) -> RefusalError {
      RefusalError(refusals: [Refusal(rule, file: file, reason: reason, next: next ?? verify)])
    }
    let specification: Specification
    do {
      specification = try Specification.read(path: specificationPath)
    } catch {
      let first = error.diagnostics.first.map { "\($0)".split(separator: "\n").first.map(String.init) ?? "" }
      throw refuse(
        .specificationUnreadable, specificationPath, "the specification cannot be read: \(first ?? "\(error)")",
        next: "vpals spec check \(specificationPath)")
    }
    let modelPath = "\(path)/model.onnx"
    let certificatePath: String
    do {
      certificatePath = "\(path)/\(try Certificate.fileName(specification: specification.name))"
    } catch {
      throw refuse(.specificationUnreadable, specificationPath, error.message)
    }
    let certificate: UncheckedCertificate
    do {
      certificate = try UncheckedCertificate(contentsOf: certificatePath)
    } catch {
      if error.code == .missing {
        throw refuse(.noCertificate, certificatePath, "there is no certificate for this version and specification")
      }
      throw refuse(.certificateUnreadable, certificatePath, "the certificate cannot be read: \(error.message)")
    }
    let problems = certificate.fileProblems(in: path)
    if !problems.isEmpty {
      throw RefusalError(
        refusals: problems.map {
          Refusal(.modelChanged, file: $0.path, reason: "the file \($0.problem)", next: verify)
        })
    }
    guard certificate.claims.model.files.contains(where: { $0.name == "model.onnx" }) else {
      throw refuse(.modelChanged, modelPath, "the certificate does not speak of this file")
    }
    let network: ExactNetwork
    do {
      network = ExactNetwork(try Network.read(path: modelPath))
    } catch {
      throw refuse(.modelUnreadable, modelPath, "the model cannot be read: \(error.message)")
    }
    guard network.digest.hasSuffix(certificate.claims.model.networkDigest) else {
      throw refuse(.modelChanged, modelPath, "the network is not the one that was verified")
    }
    guard specification.fileDigest.hasSuffix(certificate.claims.specification.sha256) else {
      throw refuse(
        .specificationChanged, specificationPath, "the specification has changed since the model was verified")
    }
    return try checkProperties(certificate, specification, certificatePath, verify)
  }

  private func checkProperties(
    _ certificate: UncheckedCertificate, _ specification: Specification, _ certificatePath: String, _ verify: String
  ) throws(RefusalError) -> Int {
    guard specification.digest.hasSuffix(certificate.claims.specification.digest),
      specification.properties.map(\.id) == certificate.claims.properties.map(\.id)
    else {
      throw RefusalError(refusals: [
        Refusal(
          .specificationChanged, file: certificatePath,
          reason: "the certificate speaks of other properties than the specification", next: verify)
      ])
    }
    var refusals: [Refusal] = []
    for (property, record) in zip(specification.properties, certificate.claims.properties) {
      guard
        property.queries.map({ $0.digest }).elementsEqual(record.queryDigests, by: { $0.hasSuffix($1) })
      else {
        refusals.append(
          Refusal(
            .specificationChanged, file: certificatePath,
            reason: "property '\(property.id)' was verified with another meaning", next: verify))
        continue
      }
      switch record.outcome {
      case .holds: break
      case .violated:
        refusals.append(
          Refusal(
            .violated, file: certificatePath, reason: "property '\(property.id)' is violated: \(property.statement)",
            next: "vpals queue list --property \(property.id)"))
      case .unknown(let reason):
        refusals.append(
          Refusal(
            .undecided, file: certificatePath, reason: "property '\(property.id)' is undecided (\(reason))",
            next: "\(verify) --resume"))
      }
    }
    guard refusals.isEmpty else { throw RefusalError(refusals: refusals) }
    return specification.properties.count
  }
}
