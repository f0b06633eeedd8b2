public import Certificates

/// A certificate whose signature was verified against a trust file. Its proofs are still to be checked: a signature
/// says who claims something, not that it is so.
public struct SignedCertificate: Sendable, Hashable {
  /// The type of the predicate, which is the certificate's JSON. A URN, because nothing has to be fetched for it; in the
  /// family of `urn:vpals:schema:spec:v1`.
  public static let predicateType = "urn:vpals:certificate:v1"

  public let certificate: UncheckedCertificate
  /// The keys of the trust file whose signatures count; at least one.
  public let keyIDs: [String]

  /// What is signed: subjects are the model's files by their names and the specification as `SPEC.yaml`.
  public static func statement(of certificate: Certificate) -> InTotoStatement {
    let files = certificate.model.files.map { InTotoStatement.Subject(name: $0.name, sha256: $0.sha256) }
    let specification = InTotoStatement.Subject(
      name: "\(certificate.specification.name).yaml", sha256: certificate.specification.sha256)
    return InTotoStatement(
      subjects: files + [specification], predicateType: predicateType, predicate: certificate.json)
  }

  /// The bytes of `SPEC.intoto.json`: the certificate signed with each key; by nobody when there is none.
  /// - Throws: ``SigningError`` when a field of the certificate is not what its format asks for; `.tooLarge`; `.key`.
  public static func sign(_ certificate: Certificate, with keys: [PrivateKey]) throws(SigningError) -> [UInt8] {
    // Nothing is signed that would be refused later.
    _ = try SigningError.translating { () throws(CertificateError) in try certificate.encoded() }
    let bytes = try DSSEEnvelope(signing: statement(of: certificate).encoded, with: keys).encoded
    _ = try CertificateFile(bytes: bytes, file: "the new certificate")
    return bytes
  }

  /// Reads and verifies a signed certificate; `file` is its name in messages.
  /// - Throws: ``SigningError``: as ``CertificateFile/init(bytes:file:)`` and ``CertificateFile/verified(by:now:)``.
  public init(bytes: [UInt8], trust: TrustFile, now: Timestamp, file: String) throws(SigningError) {
    self = try CertificateFile(bytes: bytes, file: file).verified(by: trust, now: now)
  }

  init(certificate: UncheckedCertificate, keyIDs: [String]) {
    self.certificate = certificate
    self.keyIDs = keyIDs
  }
}
