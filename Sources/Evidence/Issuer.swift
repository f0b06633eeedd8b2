public import CertificateStorage
public import Certificates
public import Signing
internal import FoundationEssentials
internal import Glibc
internal import TransparencyLog

/// Issues certificates: records them, logs them, signs them, and puts them beside their models with all that others
/// need to check them.
///
///     SPEC.intoto.json       the certificate in a DSSE envelope, signed by the key, or by nobody without one
///     SPEC.PROPERTY.proof    its proofs
///     SPEC.tlog-proof        that the log has it, and the entry (with a log)
///     SPEC.vsa.json          the verdict for policy engines (with a key)
///     model.sig              the signature of all files of the version's directory (with a key), written last
///
/// The order is: the store, with what is to be logged, in one transaction; the log; the files. Killed in between, a
/// process leaves a certificate that store and log know and no directory has, which is true and harmless.
public struct Issuer: Sendable {
  public let key: PrivateKey?
  public let log: IssuingLog?
  /// The key's id; nil without a key.
  public var keyID: String? { key?.publicKey.id }

  /// For how many days a certificate counts, at most.
  public let validityDays: Int
  /// When the trust file's window of the key ends: a certificate does not count longer.
  public let keyValidUntil: Timestamp?
  /// Why there is no key, as a clause; nil when nobody has asked.
  public let unsignedBecause: String?
  /// The trust file that is asked once more when something is signed: the key may have been retired meanwhile.
  public let trustPath: String?

  /// How long to wait for another process that writes into the same directory, in seconds.
  static let lockSeconds = 120

  /// - Precondition: `validityDays` is from 1 to ``Certificate/maximumValidityDays``.
  public init(
    key: PrivateKey? = nil, log: IssuingLog? = nil, validityDays: Int = Certificate.standardValidityDays,
    keyValidUntil: Timestamp? = nil, unsignedBecause: String? = nil, trustPath: String? = nil
  ) {
    precondition((1...Certificate.maximumValidityDays).contains(validityDays))
    self.key = key
    self.log = log
    self.validityDays = validityDays
    self.keyValidUntil = keyValidUntil
    self.unsignedBecause = unsignedBecause
    self.trustPath = trustPath
  }

  /// Until when a certificate counts that is finished at `time`.
  public func expiry(of time: Timestamp) -> Timestamp {
    let full = time.advanced(by: .seconds(validityDays * 86_400))
    guard let end = keyValidUntil, end > time else { return full }
    return min(full, end)
  }

  /// Refuses to put an unsigned certificate in the place of a signed one.
  /// - Throws: ``SigningError`` `.refused`.
  public func checkMayReplace(_ path: String) throws(SigningError) {
    guard key == nil, let file = try? CertificateFile(contentsOf: path), file.isSigned else { return }
    throw SigningError(
      .refused,
      "\(path) is signed, and the new certificate would not be: \(unsignedBecause ?? "there is no key"); name a key, or give "
        + "--unsigned")
  }

  /// A certificate that was issued.
  public struct Issued: Sendable, Hashable {
    public let outcome: RecordOutcome
    /// The file of the certificate.
    public let path: String
    /// The key that signed; nil when nobody did.
    public let keyID: String?
    /// The entry's number in the log; nil without a log.
    public let logIndex: Int?
  }

  /// Issues the certificate of a model that lies in `directory` already.
  ///
  /// Processes that write into the same directory take turns, so that whose certificate lies there has its proofs beside
  /// it. What an earlier certificate left and this one has not (a signature, a proof of the log) goes away.
  ///
  /// - Parameters:
  ///   - proofs: By the names under which the certificate's records refer to them.
  ///   - isVersion: Whether the directory is a version of a model and nothing else; only then is it signed as a whole.
  /// - Throws: `CertificateError`, `SigningError`, `LogError`, ``StorageError``.
  public func issue(
    _ certificate: Certificate, found: [FoundCounterexample] = [], proofs: [String: ProofFile], into directory: String,
    isVersion: Bool, store: any Store, now: Timestamp
  ) throws -> Issued {
    let path = "\(directory)/\(try Certificate.fileName(specification: certificate.specification.name))"
    // What cannot be read is no certificate that anybody relies on.
    let old = try? CertificateFile(contentsOf: path).certificate.sha256
    let outcome = try store.record(
      VerificationRecord(certificate: certificate, found: found, isIssued: true, superseded: old), now: now.date)
    let (files, logIndex) = try files(
      of: certificate, id: outcome.certificateID, hasProofs: Self.hasProofs(certificate), store: store, now: now)
    guard let lock = FileDescriptor(path: directory, flags: O_RDONLY | O_DIRECTORY),
      lock.lock(waitingUpTo: Self.lockSeconds)
    else { throw SystemFailure.last.error("write \(path)") }
    defer { withExtendedLifetime(lock) {} }
    // The proofs first, so that a certificate never names one that is not there.
    for (name, proof) in proofs.sorted(by: { $0.key < $1.key }) {
      try AtomicFile.write(try proof.read(), to: "\(directory)/\(name)")
    }
    for file in Certificate.File.allCases {
      let name = try Certificate.fileName(specification: certificate.specification.name, file)
      if let bytes = files[name] {
        try AtomicFile.write(bytes, to: "\(directory)/\(name)")
      } else {
        try remove("\(directory)/\(name)")
      }
    }
    if isVersion { try sign(directory, now: now) }
    return Issued(outcome: outcome, path: path, keyID: key?.publicKey.id, logIndex: logIndex)
  }

  /// The files of a version that is still to be written, the certificate among them: `files` and what is issued.
  ///
  /// - Parameters:
  ///   - files: The model's own files and the proofs.
  ///   - name: The name of the directory.
  /// - Returns: All files of the directory, with `model.sig` when there is a key.
  public func files(
    of certificate: Certificate, beside files: [String: [UInt8]], named name: String, store: any Store, now: Timestamp
  ) throws -> [String: [UInt8]] {
    let outcome = try store.record(
      VerificationRecord(certificate: certificate, found: [], isIssued: true), now: now.date)
    let issued = try self.files(
      of: certificate, id: outcome.certificateID, hasProofs: Self.hasProofs(certificate), store: store, now: now)
    var all = files.merging(issued.files) { _, new in new }
    if let key { all[ModelSignature.fileName] = try ModelSignature.sign(all, named: name, with: key, at: now) }
    return all
  }

  /// Signs all files of a version's directory, or takes an old signature away when there is no key.
  public func sign(_ directory: String, now: Timestamp) throws {
    if let key {
      _ = try ModelSignature.write(into: directory, with: key, at: now)
    } else {
      try remove("\(directory)/\(ModelSignature.fileName)")
    }
  }

  /// Envelope, summary, and proof of the log, by name.
  private func files(of certificate: Certificate, id: String, hasProofs: Bool, store: any Store, now: Timestamp)
    throws -> (files: [String: [UInt8]], logIndex: Int?)
  {
    func name(_ file: Certificate.File) throws -> String {
      try Certificate.fileName(specification: certificate.specification.name, file)
    }
    if let key, let trustPath {
      try TrustFile(contentsOf: trustPath).checkMaySign(key.publicKey, for: .certificates, at: now)
    }
    let envelope = try SignedCertificate.sign(certificate, with: key.map { [$0] } ?? [])
    var files = [try name(.certificate): envelope]
    if let key {
      files[try name(.summary)] = try VerificationSummary(
        of: certificate, areProofsChecked: hasProofs, signedCertificate: envelope, timeVerified: now
      ).signed(with: [key])
    }
    guard let log else { return (files, nil) }
    try log.publish(from: store)
    guard let logged = try store.certificate(id: id).logged else {
      preconditionFailure("what waits is published in order, and nothing waits any more")
    }
    // In another log already, when the same certificate is issued again: that proof is not ours to make.
    guard logged.origin == log.identity else { return (files, nil) }
    files[try name(.logProof)] = try log.proof(of: logged).bytes
    return (files, logged.index)
  }

  /// Whether a checker accepted a proof of every property: the verifier gives none to the certificate that was not.
  private static func hasProofs(_ certificate: Certificate) -> Bool {
    certificate.properties.allSatisfy { $0.proof != nil }
  }

  private func remove(_ path: String) throws(CertificateError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw SystemFailure.last.error("remove \(path)") }
  }
}
