internal import Glibc
public import Networks

/// What a verifier states about one version of a model and one specification.
///
/// The value is a claim: reading one gives an ``UncheckedCertificate``. It lies beside the model as
/// `SPEC.certificate.json` in canonical JSON (``CanonicalJSON``).
public struct Certificate: Sendable, Hashable {
  /// The value of the field `format`.
  public static let format = "vpals-certificate/v1"
  /// The most files of a model version, properties of a specification, and queries of a property.
  public static let maximumFiles = 1000
  public static let maximumProperties = 10_000
  public static let maximumQueries = 10_000
  /// The most numbers of a point.
  public static let maximumInputs = 4096
  /// The longest name and the longest other text, in bytes of UTF-8.
  public static let maximumNameBytes = 200
  public static let maximumTextBytes = 65_536

  /// A file that the predictor reads, by name in the model version's directory.
  public struct Subject: Sendable, Hashable {
    public let name: String
    public let sha256: String
    public let bytes: Int

    public init(name: String, sha256: String, bytes: Int) {
      self.name = name
      self.sha256 = sha256
      self.bytes = bytes
    }

    /// A file of a network, as it was parsed.
    public init(_ file: NetworkFile) { self.init(name: file.name, sha256: file.sha256, bytes: file.bytes) }
  }

  /// The version of a model that the certificate speaks of.
  public struct Model: Sendable, Hashable {
    /// The application, `nginx`; for a lone network file, its name.
    public let name: String
    /// `v0007`; for a lone network file, any word.
    public let version: String
    /// Every file that the predictor reads, sorted by name.
    public let files: [Subject]
    /// The canonical digest of the network, independent of the file format: 64 hexadecimal digits.
    public let networkDigest: String

    public init(name: String, version: String, files: [Subject], networkDigest: String) {
      self.name = name
      self.version = version
      self.files = files.sorted { $0.name < $1.name }
      self.networkDigest = networkDigest
    }
  }

  /// The specification that the properties come from.
  public struct Specification: Sendable, Hashable {
    /// The file's name without `.yaml`.
    public let name: String
    /// Of the bytes of the file.
    public let sha256: String
    /// Of the meaning: equal for two files that differ only in comments or layout.
    public let digest: String

    public init(name: String, sha256: String, digest: String) {
      self.name = name
      self.sha256 = sha256
      self.digest = digest
    }
  }

  /// A program and its version.
  public struct Tool: Sendable, Hashable {
    public let name: String
    public let version: String

    public init(name: String, version: String) {
      self.name = name
      self.version = version
    }

    public static func vpals(version: String) -> Tool { Tool(name: "vpals", version: version) }
    public static func z3(version: String) -> Tool { Tool(name: "z3", version: version) }
  }

  public let model: Model
  public let specification: Specification
  /// In the specification's order; at least one.
  public let properties: [PropertyRecord]
  public let arithmetic: Arithmetic
  public let verifier: Tool
  public let solver: Tool
  public let startedAt: Timestamp
  public let finishedAt: Timestamp

  public init(
    model: Model, specification: Specification, properties: [PropertyRecord], arithmetic: Arithmetic, verifier: Tool,
    solver: Tool, startedAt: Timestamp, finishedAt: Timestamp
  ) {
    self.model = model
    self.specification = specification
    self.properties = properties
    self.arithmetic = arithmetic
    self.verifier = verifier
    self.solver = solver
    self.startedAt = startedAt
    self.finishedAt = finishedAt
  }

  /// Whether the certificate claims that every property holds.
  public var claimsAllHold: Bool { properties.allSatisfy { $0.outcome == .holds } }

  /// The name of the certificate for a specification: `SPEC.certificate.json`.
  /// - Throws: ``CertificateError`` `.name` when the specification's name is no part of a file name.
  public static func fileName(specification: String) throws(CertificateError) -> String {
    let name = "\(specification).certificate.json"
    guard FileName.isValid(name), !specification.isEmpty, specification.first != "." else {
      throw CertificateError(
        .name, "\"\(specification)\" cannot name a specification; use letters, digits, `-`, `_` and `.`")
    }
    return name
  }

  /// The canonical bytes.
  ///
  /// They are read back before they are returned, so that nothing is written which would be refused later.
  /// - Throws: ``CertificateError`` when a field is not what the format asks for.
  public func encoded() throws(CertificateError) -> [UInt8] {
    let bytes = CanonicalJSON.encode(json)
    let readBack = try UncheckedCertificate(bytes: bytes, file: "the new certificate")
    guard readBack.claims == self else {
      throw CertificateError(.malformed, "the new certificate does not survive being written; this is a defect")
    }
    return bytes
  }

  /// How long to wait for another process that writes into the same directory, in seconds.
  static let lockSeconds = 120

  /// Writes the certificate and its proofs into the directory of its model, each file in one step.
  ///
  /// The proofs come first, so that a certificate never names one that is not there. Processes that write into the same
  /// directory take turns, so that whose certificate lies there has its proofs beside it.
  /// - Parameter proofs: By the names under which the certificate's records refer to them.
  /// - Returns: The path of the certificate.
  public func write(into directory: String, proofs: [String: ProofFile] = [:]) throws(CertificateError) -> String {
    let path = "\(directory)/\(try Self.fileName(specification: specification.name))"
    let bytes = try encoded()
    guard let parent = FileDescriptor(path: directory, flags: O_RDONLY | O_DIRECTORY),
      parent.lock(waitingUpTo: Self.lockSeconds)
    else { throw SystemFailure.last.error("write \(path)") }
    defer { withExtendedLifetime(parent) {} }
    for (name, proof) in proofs.sorted(by: { $0.key < $1.key }) {
      try AtomicFile.write(try proof.read(), to: "\(directory)/\(name)")
    }
    try AtomicFile.write(bytes, to: path)
    return path
  }
}
