public import Certificates

/// A verification to be recorded: its certificate and the counterexamples it found.
public struct VerificationRecord: Sendable, Hashable {
  public let certificate: Certificate
  public let found: [FoundCounterexample]
  /// Whether the certificate is for others: written beside its model, and to be logged. Candidates of a training loop
  /// are only remembered.
  public let isIssued: Bool
  /// The identifier of the certificate whose file an issued one takes; nil when there is none.
  public let superseded: String?

  public init(
    certificate: Certificate, found: [FoundCounterexample], isIssued: Bool = false, superseded: String? = nil
  ) {
    self.certificate = certificate
    self.found = found
    self.isIssued = isIssued
    self.superseded = superseded
  }
}

/// What became of one found counterexample.
public struct QueueOutcome: Sendable, Hashable {
  public enum Disposition: Sendable, Hashable {
    /// A new entry, pending.
    case added
    /// The pair was consumed, but this network fails on it too: pending again.
    case revived
    /// Nothing changed; the entry is in this state.
    case known(QueueEntry.State)
  }

  public let id: String
  public let disposition: Disposition

  public init(id: String, disposition: Disposition) {
    self.id = id
    self.disposition = disposition
  }
}

/// What recording a verification did.
public struct RecordOutcome: Sendable, Hashable {
  /// The digest of the certificate's bytes.
  public let certificateID: String
  /// False when the same certificate was there already.
  public let isNewCertificate: Bool
  /// One per counterexample, in order.
  public let queue: [QueueOutcome]

  public init(certificateID: String, isNewCertificate: Bool, queue: [QueueOutcome]) {
    self.certificateID = certificateID
    self.isNewCertificate = isNewCertificate
    self.queue = queue
  }
}

/// A version of a model that the store has heard of.
public struct ModelVersion: Sendable, Hashable {
  public let model: Certificate.Model
  /// How many certificates speak of it.
  public let certificateCount: Int
  public let recordedAt: Timestamp

  public init(model: Certificate.Model, certificateCount: Int, recordedAt: Timestamp) {
    self.model = model
    self.certificateCount = certificateCount
    self.recordedAt = recordedAt
  }
}

/// A certificate as the store keeps it.
public struct StoredCertificate: Sendable, Hashable {
  public let certificate: UncheckedCertificate
  public let recordedAt: Timestamp
  /// Whether it was written beside its model; candidates of a training loop are not.
  public let isIssued: Bool
  /// Nil while it is not revoked.
  public let revocation: Revocation?
  /// Where the log has it; nil while it is not logged.
  public let logged: LoggedEntry?

  /// The digest of the bytes.
  public var id: String { certificate.sha256 }

  public init(
    certificate: UncheckedCertificate, recordedAt: Timestamp, isIssued: Bool = false, revocation: Revocation? = nil,
    logged: LoggedEntry? = nil
  ) {
    self.certificate = certificate
    self.recordedAt = recordedAt
    self.isIssued = isIssued
    self.revocation = revocation
    self.logged = logged
  }
}

/// That a certificate counts no more, and why.
public struct Revocation: Sendable, Hashable {
  public enum Cause: String, Sendable, Hashable, CaseIterable {
    /// Somebody ran `vpals certificates revoke`.
    case `operator`
    /// A counterexample to a property that the certificate claims to hold.
    case counterexample
  }

  /// The longest reason, in bytes.
  public static let maximumReasonBytes = 500

  public let cause: Cause
  public let reason: String
  public let revokedAt: Timestamp

  public init(cause: Cause, reason: String, revokedAt: Timestamp) {
    self.cause = cause
    self.reason = reason
    self.revokedAt = revokedAt
  }
}

/// An entry of the transparency log as the store knows it.
public struct LoggedEntry: Sendable, Hashable {
  /// The log's name.
  public let origin: String
  public let index: Int
  /// The entry's bytes.
  public let bytes: [UInt8]

  public init(origin: String, index: Int, bytes: [UInt8]) {
    self.origin = origin
    self.index = index
    self.bytes = bytes
  }
}

/// One line of a list of certificates.
public struct CertificateSummary: Sendable, Hashable {
  public let id: String
  public let application: String
  public let modelVersion: String
  public let specification: String
  public let networkDigest: String
  public let specificationDigest: String
  /// How many properties hold, are violated, are undecided.
  public let holds: Int
  public let violated: Int
  public let unknown: Int
  public let finishedAt: Timestamp
  public let expiresAt: Timestamp
  public let recordedAt: Timestamp
  /// Whether it was written beside its model; candidates of a training loop are not.
  public let isIssued: Bool
  public let revocation: Revocation?
  /// The entry's number in the log that has it; nil while it is not logged.
  public let logIndex: Int?

  public init(
    id: String, application: String, modelVersion: String, specification: String, networkDigest: String,
    specificationDigest: String, holds: Int, violated: Int, unknown: Int, finishedAt: Timestamp, expiresAt: Timestamp,
    recordedAt: Timestamp, isIssued: Bool = false, revocation: Revocation? = nil, logIndex: Int? = nil
  ) {
    self.id = id
    self.application = application
    self.modelVersion = modelVersion
    self.specification = specification
    self.networkDigest = networkDigest
    self.specificationDigest = specificationDigest
    self.holds = holds
    self.violated = violated
    self.unknown = unknown
    self.finishedAt = finishedAt
    self.expiresAt = expiresAt
    self.recordedAt = recordedAt
    self.isIssued = isIssued
    self.revocation = revocation
    self.logIndex = logIndex
  }
}

/// Which certificates to list, newest record first.
public struct CertificateFilter: Sendable, Hashable {
  public var application: String?
  public var modelVersion: String?
  public var specification: String?
  /// Candidates of training loops count too when false.
  public var issuedOnly: Bool
  public var state: CertificateState?
  /// Of the whole certificate: all properties hold, one is violated, or otherwise.
  public var verdict: CertificateVerdict?
  /// What ``state`` is compared with.
  public var now: Timestamp
  /// At most ``StoreBounds/page``.
  public var limit: Int

  public init(
    application: String? = nil, modelVersion: String? = nil, specification: String? = nil, issuedOnly: Bool = false,
    state: CertificateState? = nil, verdict: CertificateVerdict? = nil, now: Timestamp = Timestamp(milliseconds: 0),
    limit: Int = 1000
  ) {
    self.application = application
    self.modelVersion = modelVersion
    self.specification = specification
    self.issuedOnly = issuedOnly
    self.state = state
    self.verdict = verdict
    self.now = now
    self.limit = limit
  }
}

/// Whether a certificate still counts.
public enum CertificateState: String, Sendable, Hashable, CaseIterable {
  case valid, expired, revoked
}

/// What a certificate says of its specification as a whole.
public enum CertificateVerdict: String, Sendable, Hashable, CaseIterable {
  case holds, violated, undecided
}

extension CertificateSummary {
  public func state(at now: Timestamp) -> CertificateState {
    revocation != nil ? .revoked : now < expiresAt ? .valid : .expired
  }

  public var verdict: CertificateVerdict { violated > 0 ? .violated : unknown > 0 ? .undecided : .holds }
}
