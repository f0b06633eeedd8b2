public import Certificates

/// A certificate as it lies beside its model, `SPEC.intoto.json`: an in-toto Statement in a DSSE envelope, whose
/// signatures nobody has verified yet. Without a signing key there are none; the file is then a local note, which the
/// gate refuses.
public struct CertificateFile: Sendable, Hashable {
  public let certificate: UncheckedCertificate
  public let envelope: DSSEEnvelope
  /// The name in messages.
  public let file: String

  public var isSigned: Bool { !envelope.signatures.isEmpty }

  /// The digest of the payload: `jq -r .payload FILE | base64 -d | sha256sum` prints the same. Unlike the file's, it is
  /// one for one certificate, whoever signs it.
  public var payloadSHA256: String { SHA256Digest.of(envelope.payload) }

  /// Reads a certificate's file; `file` is its name in messages.
  /// - Throws: ``SigningError``: what ``DSSEEnvelope`` refuses, `.notCanonical`, `.unsupported` for another predicate,
  ///   `.malformed`, `.subjectMismatch`.
  public init(bytes: [UInt8], file: String) throws(SigningError) {
    self.file = file
    envelope = try DSSEEnvelope(bytes: bytes, file: file)
    let statement = try InTotoStatement(
      payload: envelope.payload, predicateType: SignedCertificate.predicateType, file: "the payload of \(file)")
    let predicate = CanonicalJSON.encode(statement.predicate)
    let certificate = try SigningError.translating { () throws(CertificateError) in
      try UncheckedCertificate(bytes: predicate, file: "the certificate in \(file)")
    }
    self.certificate = certificate
    let expected = SignedCertificate.statement(of: certificate.claims)
    guard Set(statement.subjects) == Set(expected.subjects) else {
      throw SigningError(
        .subjectMismatch,
        "\(file): the subjects are not the files that its certificate speaks of; verify and sign again")
    }
    guard expected.encoded == envelope.payload else {
      throw SigningError(
        .notCanonical, "\(file): the payload is not the canonical JSON of its statement; verify and sign again")
    }
  }

  /// Reads a certificate's file.
  /// - Throws: ``SigningError`` as above, and `.missing`, `.file`.
  public init(contentsOf path: String) throws(SigningError) {
    let bytes = try SigningError.translating { () throws(CertificateError) in
      try BoundedFile.read(path, maximumBytes: DSSEEnvelope.maximumBytes)
    }
    try self.init(bytes: bytes, file: path)
  }

  /// Verifies the signatures. The time of the statement is the certificate's `finishedAt`.
  /// - Throws: ``SigningError``: `.unsigned`, and as ``DSSEEnvelope/verified(by:for:now:file:timeOf:)``.
  public func verified(by trust: TrustFile, now: Timestamp) throws(SigningError) -> SignedCertificate {
    let verified = try envelope.verified(by: trust, for: .certificates, now: now, file: file) {
      _ throws(SigningError) in .claimed(certificate.claims.finishedAt)
    }
    return SignedCertificate(certificate: certificate, keyIDs: verified.keyIDs)
  }
}

extension UncheckedCertificate {
  /// Reads the certificate of a file `SPEC.intoto.json`, signed or not.
  /// - Throws: ``SigningError`` as ``CertificateFile/init(contentsOf:)``.
  public init(contentsOf path: String) throws(SigningError) {
    self = try CertificateFile(contentsOf: path).certificate
  }
}
