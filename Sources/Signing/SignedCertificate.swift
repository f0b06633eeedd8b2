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

  /// The name of a signed certificate beside the model: `SPEC.intoto.json`.
  /// - Throws: ``SigningError`` `.file` when the specification's name is no part of a file name.
  public static func fileName(specification: String) throws(SigningError) -> String {
    let name = "\(specification).intoto.json"
    guard FileName.isValid(name), !specification.isEmpty, specification.first != "." else {
      throw SigningError(
        .file, "\"\(specification)\" cannot name a specification; use letters, digits, `-`, `_` and `.`")
    }
    return name
  }

  /// What is signed: subjects are the model's files by their names and the specification as `SPEC.yaml`.
  public static func statement(of certificate: Certificate) -> InTotoStatement {
    let files = certificate.model.files.map { InTotoStatement.Subject(name: $0.name, sha256: $0.sha256) }
    let specification = InTotoStatement.Subject(
      name: "\(certificate.specification.name).yaml", sha256: certificate.specification.sha256)
    return InTotoStatement(
      subjects: files + [specification], predicateType: predicateType, predicate: certificate.json)
  }

  /// The bytes of `SPEC.intoto.json`: the certificate signed with each key.
  /// - Throws: ``SigningError`` when a field of the certificate is not what its format asks for; `.tooLarge`; `.key`.
  public static func sign(_ certificate: Certificate, with keys: [PrivateKey]) throws(SigningError) -> [UInt8] {
    // Nothing is signed that would be refused later.
    _ = try SigningError.translating { () throws(CertificateError) in try certificate.encoded() }
    return try DSSEEnvelope(signing: statement(of: certificate).encoded, with: keys).encoded
  }

  /// Reads and verifies a signed certificate; `file` is its name in messages.
  ///
  /// The time of the statement is the certificate's `finishedAt`.
  /// - Throws: ``SigningError``: what ``DSSEEnvelope`` refuses, `.notCanonical`, `.unsupported` for another predicate,
  ///   `.malformed`, `.subjectMismatch`.
  public init(bytes: [UInt8], trust: TrustFile, now: Timestamp, file: String) throws(SigningError) {
    let envelope = try DSSEEnvelope(bytes: bytes, file: file)
    var found: UncheckedCertificate?
    let verified = try envelope.verified(by: trust, for: .certificates, now: now, file: file) {
      payload throws(SigningError) in
      let certificate = try Self.read(payload, file: file)
      found = certificate
      return .claimed(certificate.claims.finishedAt)
    }
    guard let found else { preconditionFailure("a verified payload was read") }
    certificate = found
    keyIDs = verified.keyIDs
  }

  private static func read(_ payload: [UInt8], file: String) throws(SigningError) -> UncheckedCertificate {
    let statement = try InTotoStatement(payload: payload, predicateType: predicateType, file: "the payload of \(file)")
    let certificate = try SigningError.translating { () throws(CertificateError) in
      try UncheckedCertificate(bytes: CanonicalJSON.encode(statement.predicate), file: "the certificate in \(file)")
    }
    let expected = Self.statement(of: certificate.claims)
    guard Set(statement.subjects) == Set(expected.subjects) else {
      throw SigningError(
        .subjectMismatch,
        "\(file): the subjects are not the files that its certificate speaks of; verify and sign again")
    }
    guard expected.encoded == payload else {
      throw SigningError(
        .notCanonical, "\(file): the payload is not the canonical JSON of its statement; verify and sign again")
    }
    return certificate
  }
}
