public import Certificates

/// A verification to be recorded: its certificate and the counterexamples it found.
public struct VerificationRecord: Sendable, Hashable {
  public let certificate: Certificate
  public let found: [FoundCounterexample]

  public init(certificate: Certificate, found: [FoundCounterexample]) {
    self.certificate = certificate
    self.found = found
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

  /// The digest of the bytes.
  public var id: String { certificate.sha256 }

  public init(certificate: UncheckedCertificate, recordedAt: Timestamp) {
    self.certificate = certificate
    self.recordedAt = recordedAt
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
  public let recordedAt: Timestamp

  public init(
    id: String, application: String, modelVersion: String, specification: String, networkDigest: String,
    specificationDigest: String, holds: Int, violated: Int, unknown: Int, finishedAt: Timestamp, recordedAt: Timestamp
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
    self.recordedAt = recordedAt
  }
}

/// Which certificates to list, newest record first.
public struct CertificateFilter: Sendable, Hashable {
  public var application: String?
  public var modelVersion: String?
  public var specification: String?
  /// At most ``StoreBounds/page``.
  public var limit: Int

  public init(
    application: String? = nil, modelVersion: String? = nil, specification: String? = nil, limit: Int = 1000
  ) {
    self.application = application
    self.modelVersion = modelVersion
    self.specification = specification
    self.limit = limit
  }
}
