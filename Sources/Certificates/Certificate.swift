public import Networks

/// What a verifier states about one version of a model and one specification.
///
/// The value is a claim: reading one gives an ``UncheckedCertificate``. In canonical JSON (``CanonicalJSON``) it is the
/// predicate of the in-toto Statement in `SPEC.intoto.json` beside the model (docs/certificate-format.md).
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
    /// The inputs, in the network's order, each with the domain that the properties are about.
    public let features: [Quantity]
    /// The outputs, in the network's order.
    public let outputs: [Quantity]

    public init(
      name: String, sha256: String, digest: String, features: [Quantity] = [], outputs: [Quantity] = []
    ) {
      self.name = name
      self.sha256 = sha256
      self.digest = digest
      self.features = features
      self.outputs = outputs
    }
  }

  /// A feature or an output for people: what ``Specification/digest`` binds exactly, in words.
  public struct Quantity: Sendable, Hashable {
    public let name: String
    /// The unit, and for a feature its domain: `0 to 1 fraction`.
    public let statement: String

    public init(name: String, statement: String) {
      self.name = name
      self.statement = statement
    }
  }

  /// How much of the measured data lies in the declared domain: outside of it nothing is proved.
  public struct Coverage: Sendable, Hashable {
    /// Rows, and how many of them have every feature in its domain.
    public struct Share: Sendable, Hashable {
      public let rows: Int
      public let inside: Int

      /// - Precondition: `inside` is in `0...rows`.
      public init(rows: Int, inside: Int) {
        precondition((0...rows).contains(inside), "rows inside the domain are among the rows")
        self.rows = rows
        self.inside = inside
      }
    }

    /// Of the file's bytes.
    public let sha256: String
    /// The rows that training saw or chose by.
    public let training: Share
    /// The rows that it never saw.
    public let heldOut: Share

    public init(sha256: String, training: Share, heldOut: Share) {
      self.sha256 = sha256
      self.training = training
      self.heldOut = heldOut
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
    /// The integer checker of proofs, of the same version as the verifier that it is part of.
    public static func checker(version: String) -> Tool { Tool(name: "vpals-check", version: version) }
  }

  public let model: Model
  public let specification: Specification
  /// In the specification's order; at least one.
  public let properties: [PropertyRecord]
  public let arithmetic: Arithmetic
  public let verifier: Tool
  public let solver: Tool
  /// What accepted every proof as a whole.
  public let checker: Tool
  /// Nil when no data are known.
  public let data: Coverage?
  public let startedAt: Timestamp
  public let finishedAt: Timestamp
  /// From then on the certificate says nothing any more.
  public let expiresAt: Timestamp

  /// For how many days a certificate counts, unless its issuer says otherwise, and at most.
  public static let standardValidityDays = 365
  public static let maximumValidityDays = 3650

  /// - Parameters:
  ///   - checker: The verifier's own when nil.
  ///   - expiresAt: ``standardValidityDays`` after `finishedAt` when nil.
  public init(
    model: Model, specification: Specification, properties: [PropertyRecord], arithmetic: Arithmetic, verifier: Tool,
    solver: Tool, checker: Tool? = nil, data: Coverage? = nil, startedAt: Timestamp, finishedAt: Timestamp,
    expiresAt: Timestamp? = nil
  ) {
    self.model = model
    self.specification = specification
    self.properties = properties
    self.arithmetic = arithmetic
    self.verifier = verifier
    self.solver = solver
    self.checker = checker ?? .checker(version: verifier.version)
    self.data = data
    self.startedAt = startedAt
    self.finishedAt = finishedAt
    self.expiresAt =
      expiresAt ?? finishedAt.advanced(by: .seconds(Self.standardValidityDays * 86_400))
  }

  /// Whether the certificate claims that every property holds.
  public var claimsAllHold: Bool { properties.allSatisfy { $0.outcome == .holds } }

  /// The name of the file for a specification, with the ending of ``File``.
  /// - Throws: ``CertificateError`` `.name` when the specification's name is no part of a file name.
  public static func fileName(specification: String, _ file: File = .certificate) throws(CertificateError) -> String {
    let name = "\(specification)\(file.rawValue)"
    guard FileName.isValid(name), !specification.isEmpty, specification.first != "."
    else {
      throw CertificateError(
        .name,
        "\"\(specification)\" cannot name a specification; use letters, digits, `-`, `_` and `.`"
      )
    }
    return name
  }

  /// The files of a certificate beside its model, besides the proofs; the values are the ends of their names.
  public enum File: String, Sendable, CaseIterable {
    /// The certificate in its envelope.
    case certificate = ".intoto.json"
    /// The verdict for policy engines, a SLSA Verification Summary Attestation.
    case summary = ".vsa.json"
    /// That the log has it.
    case logProof = ".tlog-proof"
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
}
