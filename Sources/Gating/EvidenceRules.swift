internal import Certificates
internal import ExactArithmetic
internal import Glibc
internal import Signing
internal import Specifications
internal import TransparencyLog

/// What a run knows beyond the versions' own files: whose signatures count, and what the log says.
struct EvidenceRules {
  /// The most entries of a log that the gate reads.
  static let maximumLogEntries = 1 << 20

  let policy: GatePolicy
  let now: Timestamp
  /// Nil when there is no trust file and none was named.
  let trust: TrustFile?
  let trustPath: String
  /// Why nothing that is said to be logged counts; nil when the log was read, or none is to be read.
  private(set) var logProblem: String?
  /// The log of the policy, as opened; nil when there is none to read.
  private(set) var log: LogContent?

  /// What the log of the policy has.
  struct LogContent {
    let origin: String
    let size: Int
    /// Where each certificate was issued, by its identifier: the leaf's hash by its number.
    var issued: [String: [Int: String]] = [:]
    /// By any digest that an entry about a revocation has.
    var revoked: [String: String] = [:]
    /// What took the place of a certificate, by its identifier.
    var superseded: [String: String] = [:]
  }

  /// - Throws: ``GateError`` when a trust file that was named, or one that is there, cannot be read.
  init(policy: GatePolicy, now: Timestamp) throws(GateError) {
    self.policy = policy
    self.now = now
    trustPath = policy.trust ?? KeyStore.standardTrustFile
    do throws(SigningError) {
      trust = try TrustFile(contentsOf: trustPath)
    } catch {
      guard error.code == .missing, policy.trust == nil else {
        throw GateError(description: "the trust file cannot be used: \(error)")
      }
      trust = nil
    }
    guard policy.log.directory != nil || policy.log.checkpoint == nil || policy.isOffline else {
      throw GateError(
        description:
          "a checkpoint is compared with a log, and none is named; add `directory` to `log` in the policy, or "
          + "--log")
    }
    guard let directory = policy.log.directory, !policy.isOffline else { return }
    do throws(LogError) {
      log = try content(of: directory)
    } catch {
      logProblem = "\(error)"
    }
  }

  /// Keys that checkpoints under `origin` may be signed with.
  private func logKeys(_ origin: String) -> [VerifierKey] {
    (trust?.keys ?? []).compactMap { key in
      guard key.purpose == .log, key.refusal(of: .claimed(key.validFrom), now: now) == nil,
        let bytes = key.publicKey.ed25519Bytes
      else { return nil }
      return try? VerifierKey(name: origin, publicKey: bytes)
    }
  }

  private func noKeys() -> LogError {
    LogError(
      .unsigned,
      "\(trustPath) has no key that may sign checkpoints; enter it with `vpals log init`, or as docs/signing.md "
        + "describes")
  }

  /// Reads the whole log, every entry against its leaf.
  private func content(of directory: String) throws(LogError) -> LogContent {
    let checkpoint = "\(directory)/\(LogReader.checkpointName)"
    let origin = try SignedCheckpoint.claimedOrigin(file: checkpoint)
    let keys = logKeys(origin)
    guard !keys.isEmpty else { throw noKeys() }
    var reader = try LogReader(directory: directory, keys: keys)
    guard reader.size <= Self.maximumLogEntries else {
      throw LogError(
        .tooLarge, "\(directory) has \(reader.size) entries; the gate reads at most \(Self.maximumLogEntries)")
    }
    if let path = policy.log.checkpoint {
      try reader.verifyExtends(try SignedCheckpoint(verifyingFile: path, keys: keys), file: path)
    }
    var content = LogContent(origin: origin, size: reader.size)
    try reader.verifyAll { index, bytes in
      guard let entry = try? LogEntry(parsing: bytes, place: "entry \(index)"), let first = entry.subjects.first else {
        // Of a later version perhaps: what it revokes must not pass because it cannot be read.
        for digest in Self.digests(inRevocation: bytes) {
          content.revoked[digest] = content.revoked[digest] ?? "by entry \(index), which cannot be read"
        }
        return
      }
      switch entry.kind {
      case .certificateIssued: content.issued[first.sha256, default: [:]][index] = SHA256Digest.of(bytes)
      case .certificateRevoked:
        for subject in entry.subjects where content.revoked[subject.sha256] == nil {
          content.revoked[subject.sha256] = "at \(entry.time): \(entry.annotations["reason"] ?? "no reason is given")"
        }
      case .certificateSuperseded where entry.subjects.count > 1:
        for old in entry.subjects.dropFirst() where old.sha256 != first.sha256 {
          content.superseded[old.sha256] = "by \(first.sha256.prefix(12)) at \(entry.time)"
        }
      default: break
      }
    }
    return content
  }

  /// The digests in an entry that is no entry of ours but speaks of a revocation: 64 hexadecimal digits each.
  private static func digests(inRevocation bytes: [UInt8]) -> [String] {
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    guard text.contains("revoked") else { return [] }
    return text.utf8.split { !(0x30...0x39).contains($0) && !(0x61...0x66).contains($0) }
      .filter { $0.count == 64 }.map { String(decoding: $0, as: UTF8.self) }
  }

  // MARK: One certificate

  /// Whether the certificate is signed by a key that counts; why not, as a reason.
  func signatureProblem(_ file: CertificateFile) -> String? {
    guard policy.signature == .required || file.isSigned else { return nil }
    guard let trust else {
      return policy.signature == .optional
        ? nil : "there is no \(trustPath), so no signature counts; make a key with vpals keys init"
    }
    do throws(SigningError) {
      _ = try file.verified(by: trust, now: now)
      return nil
    } catch {
      // Without asking for signatures, one by somebody else is as good as none; a wrong one by a trusted key is not.
      if policy.signature == .optional, error.code != .badSignature { return nil }
      return VersionCheck.reason(error.message, of: file.file)
    }
  }

  /// Why the certificate is not as the log has it; nil when it is, or when nobody asks.
  func inclusionProblem(_ file: CertificateFile, proofPath: String) -> String? {
    if policy.log.inclusion == .optional, logProblem == nil, log == nil { return nil }
    if let logProblem { return "the log cannot be believed: \(logProblem)" }
    guard policy.log.inclusion == .required else { return nil }
    do throws(LogError) {
      let bytes: [UInt8]
      do throws(CertificateError) {
        bytes = try BoundedFile.read(proofPath, maximumBytes: LogProof.maximumBytes)
      } catch {
        guard error.code != .missing else { return "there is no \(proofPath)" }
        return error.message
      }
      let origin = try LogProof.claimedOrigin(bytes, file: proofPath)
      let keys = logKeys(origin)
      guard !keys.isEmpty else { throw noKeys() }
      let proof = try LogProof(parsing: bytes, keys: keys, file: proofPath)
      guard let entryBytes = proof.extra else { return "\(proofPath) does not have the entry; verify the model again" }
      try proof.verify(entry: entryBytes)
      let entry = try LogEntry(parsing: entryBytes, place: proofPath)
      guard entry.kind == .certificateIssued, let subject = entry.subjects.first,
        subject.sha256 == file.certificate.sha256
      else { return "\(proofPath) is of another certificate" }
      // A key that was retired or revoked since counts only as far as that goes.
      let counts = proof.signed.signers.contains { signer in
        trust?.keys.contains { key in
          key.publicKey.ed25519Bytes == signer.publicKey && key.refusal(of: .claimed(entry.time), now: now) == nil
        } == true
      }
      guard counts else { return "\(proofPath): the key that signed the checkpoint does not count" }
      guard let log else { return nil }
      guard log.origin == origin else {
        return "\(proofPath) is of the log \(origin), but the policy's log is \(log.origin)"
      }
      guard log.issued[subject.sha256]?[proof.inclusion.index] == SHA256Digest.of(entryBytes) else {
        return "the log has no such entry at \(proof.inclusion.index): it is older than the certificate, or another one"
      }
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Why the certificate does not count any more; `isFinal` when it was revoked.
  func validityProblem(_ file: CertificateFile) -> (reason: String, isFinal: Bool)? {
    let claims = file.certificate.claims
    if let revoked = log?.revoked[file.certificate.sha256] ?? log?.revoked[file.payloadSHA256] {
      return ("the certificate was revoked \(revoked)", true)
    }
    if let superseded = log?.superseded[file.certificate.sha256] {
      return ("the certificate was superseded \(superseded)", false)
    }
    guard now < claims.expiresAt else { return ("the certificate expired at \(claims.expiresAt)", false) }
    let latest = now.advanced(by: .seconds(TrustedKey.clockToleranceSeconds))
    guard claims.finishedAt <= latest else {
      return (
        "the certificate says that it was made at \(claims.finishedAt), and it is \(now); correct the clock", false
      )
    }
    return nil
  }

  /// Why too little of the data lies in the domain; nil when the policy does not ask, or it is enough.
  func dataProblem(_ claims: Certificate) -> String? {
    guard let minimum = policy.minimumInside else { return nil }
    let wanted = "the policy asks for a share of \(DecimalText.exact(minimum))"
    guard let data = claims.data else { return "the certificate does not say which data lie in the domain; \(wanted)" }
    for (share, name) in [(data.training, "training"), (data.heldOut, "held-out")] {
      guard share.rows > 0, Rational(share.inside) >= minimum * Rational(share.rows) else {
        return "\(share.inside) of \(share.rows) \(name) rows lie in the domain; \(wanted)"
      }
    }
    return nil
  }

  // MARK: A directory

  /// Why the directory is not as it was signed; nil when it is, or nobody asks.
  func directoryProblem(_ path: String) -> (rule: Refusal.Rule, file: String, reason: String)? {
    guard policy.signature == .required, let trust else { return nil }
    let signature = "\(path)/\(ModelSignature.fileName)"
    // What model_signing leaves out has no place in a version.
    if let name = [".git", ".gitattributes", ".github", ".gitignore"].first(where: { entry in
      var status = stat()
      return lstat("\(path)/\(entry)", &status) == 0
    }) {
      return (.modelChanged, "\(path)/\(name)", "no signature covers this file; remove it")
    }
    do throws(SigningError) {
      _ = try ModelSignature(of: path, trust: trust, now: now)
      return nil
    } catch {
      switch error.code {
      case .fileChanged, .fileAdded, .fileMissing, .fileRenamed, .unsignable:
        return (.modelChanged, path, VersionCheck.reason(error.message, of: path))
      case .missing: return (.badSignature, signature, "the directory is not signed: there is no model.sig")
      default: return (.badSignature, signature, VersionCheck.reason(error.message, of: signature))
      }
    }
  }
}
