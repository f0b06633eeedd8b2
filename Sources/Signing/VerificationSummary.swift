public import Certificates
internal import Networks

/// A SLSA Verification Summary Attestation v1 (slsa.dev, *Verification Summary Attestation*): the verdict in a form that
/// policy engines read without knowing our certificates.
public struct VerificationSummary: Sendable, Hashable {
  public static let predicateType = "https://slsa.dev/verification_summary/v1"
  /// Who verifies, unless the caller has a name of their own.
  public static let verifierID = "urn:vpals:verifier"
  /// Custom levels; SLSA keeps the prefix `SLSA_` for itself.
  public static let provenOverReals = "VPALS_PROVEN_REAL"
  public static let provenInBinary32 = "VPALS_PROVEN_FP32"
  public static let provenInBinary64 = "VPALS_PROVEN_FP64"
  public static let proofChecked = "VPALS_PROOF_CHECKED"
  /// The level of what did not pass.
  public static let failed = "FAILED"

  public let subjects: [InTotoStatement.Subject]
  public let verifierID: String
  public let timeVerified: Timestamp
  public let resourceURI: String
  public let policyURI: String
  /// Of the specification's file.
  public let policySHA256: String
  /// Of the signed certificates that the verdict rests on.
  public let inputSHA256s: [String]
  public let hasPassed: Bool
  public let levels: [String]

  /// The summary of a certificate.
  ///
  /// It passes only if every property holds and every proof was checked; its levels say in which arithmetic.
  /// - Parameters:
  ///   - areProofsChecked: Whether a checker accepted every proof of the certificate. Nothing here checks any.
  ///   - signedCertificate: The bytes of `SPEC.intoto.json`.
  public init(
    of certificate: Certificate, areProofsChecked: Bool, signedCertificate: [UInt8], timeVerified: Timestamp,
    verifierID: String = VerificationSummary.verifierID
  ) {
    subjects = certificate.model.files.map { InTotoStatement.Subject(name: $0.name, sha256: $0.sha256) }
    self.verifierID = verifierID
    self.timeVerified = timeVerified
    resourceURI = "urn:vpals:model:\(Self.escaped(certificate.model.name)):\(Self.escaped(certificate.model.version))"
    policyURI = "urn:vpals:specification:\(Self.escaped(certificate.specification.name))"
    policySHA256 = certificate.specification.sha256
    inputSHA256s = [SHA256Digest.of(signedCertificate)]
    hasPassed = certificate.claimsAllHold && areProofsChecked
    levels = hasPassed ? Self.levels(of: certificate) : [Self.failed]
  }

  private static func levels(of certificate: Certificate) -> [String] {
    let computed: [String]
    switch certificate.arithmetic {
    case .real: computed = []
    case .binary64Exact: computed = [provenInBinary64]
    case .bounded(let format, _, let properties):
      let isComplete = Set(certificate.properties.map(\.id)).isSubset(of: properties)
      computed = isComplete ? [format == .binary32 ? provenInBinary32 : provenInBinary64] : []
    }
    return [provenOverReals] + computed + [proofChecked]
  }

  /// Percent-encoding of everything that is not unreserved (RFC 3986, §2.3).
  private static func escaped(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.append(Character(Unicode.Scalar(byte)))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }

  public var statement: InTotoStatement {
    func digest(_ sha256: String) -> JSONValue { .object(["sha256": .string(sha256)]) }
    return InTotoStatement(
      subjects: subjects, predicateType: Self.predicateType,
      predicate: .object([
        "verifier": .object(["id": .string(verifierID)]),
        "timeVerified": .string("\(timeVerified)"),
        "resourceUri": .string(resourceURI),
        "policy": .object(["uri": .string(policyURI), "digest": digest(policySHA256)]),
        "inputAttestations": .array(inputSHA256s.map { .object(["digest": digest($0)]) }),
        "verificationResult": .string(hasPassed ? "PASSED" : "FAILED"),
        "verifiedLevels": .strings(levels),
      ]))
  }

  /// The bytes of `SPEC.vsa.json`.
  public func signed(with keys: [PrivateKey]) throws(SigningError) -> [UInt8] {
    try DSSEEnvelope(signing: statement.encoded, with: keys).encoded
  }

  /// Reads a payload, also another program's. `timeVerified`, names and SHA-256 digests are asked for, which SLSA and
  /// in-toto leave open.
  init(payload: [UInt8], file: String) throws(SigningError) {
    let name = "the payload of \(file)"
    let statement = try InTotoStatement(payload: payload, predicateType: Self.predicateType, file: name)
    let fields = Fields(statement.predicate, file: name)
    subjects = statement.subjects
    verifierID = try fields.member("verifier").member("id").line()
    timeVerified = try fields.member("timeVerified").timestamp()
    resourceURI = try fields.member("resourceUri").line()
    let policy = try fields.member("policy")
    policyURI = try policy.member("uri").line()
    policySHA256 = try policy.member("digest").member("sha256").digest()
    var inputs: [String] = []
    for element in try fields.optional("inputAttestations")?.array(0...1000) ?? [] {
      inputs.append(try element.member("digest").member("sha256").digest())
    }
    inputSHA256s = inputs
    let result = try fields.member("verificationResult")
    switch try result.text() {
    case "PASSED": hasPassed = true
    case "FAILED": hasPassed = false
    default: throw result.failure("is neither PASSED nor FAILED")
    }
    var levels: [String] = []
    for element in try fields.member("verifiedLevels").array(0...100) { levels.append(try element.line()) }
    self.levels = levels
  }
}
