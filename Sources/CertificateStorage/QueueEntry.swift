public import Certificates
import ExactArithmetic

/// A counterexample that was found, before it is in the queue.
public struct FoundCounterexample: Sendable, Hashable {
  /// The property's identifier in the specification.
  public let property: String
  /// The exact pair, in the network's own numbers.
  public let counterexample: Counterexample
  /// The pair in the engineer's units, one line or several, for people.
  public let engineering: String

  public init(property: String, counterexample: Counterexample, engineering: String) {
    self.property = property
    self.counterexample = counterexample
    self.engineering = engineering
  }
}

/// The network and the specification that a counterexample was found with.
public struct QueueOrigin: Sendable, Hashable {
  public let application: String
  public let modelVersion: String
  public let networkDigest: String
  public let specificationDigest: String

  public init(application: String, modelVersion: String, networkDigest: String, specificationDigest: String) {
    self.application = application
    self.modelVersion = modelVersion
    self.networkDigest = networkDigest
    self.specificationDigest = specificationDigest
  }

  public init(_ certificate: Certificate) {
    self.init(
      application: certificate.model.name, modelVersion: certificate.model.version,
      networkDigest: certificate.model.networkDigest, specificationDigest: certificate.specification.digest)
  }
}

/// A counterexample in the retraining queue.
///
/// The states and what leads from one to another:
///
///     (new) ──► pending ──lease──► leased ──consume──► consumed
///                 ▲                  │                    │
///                 ├── release, lease expired, requeue ◄───┤ requeue, or found again in another network
///                 └── requeue ◄── dropped ◄── drop (from any state)
public struct QueueEntry: Sendable, Hashable {
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Waits for a training run.
    case pending
    /// A training run works with it.
    case leased
    /// A version was trained with it.
    case consumed
    /// An admin took it out; finding it again does not bring it back.
    case dropped
  }

  /// See ``id(application:found:)``: equal pairs of a property have one entry.
  public let id: String
  /// Grows with every new entry of the store; the order of leasing.
  public let sequence: Int
  /// The network in which the pair was found last.
  public let origin: QueueOrigin
  public let found: FoundCounterexample
  public let state: State
  /// Who holds the lease; for a consumed entry, who consumed it.
  public let leasedBy: String?
  /// Set exactly when the entry is leased.
  public let leaseExpires: Timestamp?
  /// The last version that was trained with the pair. Kept when the entry becomes pending again.
  public let consumedBy: String?
  /// How often the entry was leased.
  public let leaseCount: Int
  public let createdAt: Timestamp
  /// When the state last changed.
  public let changedAt: Timestamp

  public init(
    id: String, sequence: Int, origin: QueueOrigin, found: FoundCounterexample, state: State, leasedBy: String?,
    leaseExpires: Timestamp?, consumedBy: String?, leaseCount: Int, createdAt: Timestamp, changedAt: Timestamp
  ) {
    self.id = id
    self.sequence = sequence
    self.origin = origin
    self.found = found
    self.state = state
    self.leasedBy = leasedBy
    self.leaseExpires = leaseExpires
    self.consumedBy = consumedBy
    self.leaseCount = leaseCount
    self.createdAt = createdAt
    self.changedAt = changedAt
  }

  /// The identity of a pair: SHA-256 of the canonical JSON of application, property, x and xPrime.
  ///
  /// Version, network and specification are left out on purpose: the pair teaches every later version the same.
  public static func id(application: String, found: FoundCounterexample) -> String {
    let example = found.counterexample
    return SHA256Digest.of(
      CanonicalJSON.encode(
        .object([
          "application": .string(application),
          "property": .string(found.property),
          "x": .strings(example.x.map(\.description)),
          "xPrime": example.xPrime.map { .strings($0.map(\.description)) } ?? .null,
        ])))
  }
}

/// Which entries of the queue to list.
public struct QueueFilter: Sendable, Hashable {
  public var application: String?
  public var property: String?
  /// The version in which the pair was found last.
  public var modelVersion: String?
  public var states: Set<QueueEntry.State>
  /// Only entries with a greater ``QueueEntry/sequence``: pass the last one of a page to get the next page.
  public var after: Int
  /// At most ``StoreBounds/page``.
  public var limit: Int

  public init(
    application: String? = nil, property: String? = nil, modelVersion: String? = nil,
    states: Set<QueueEntry.State> = Set(QueueEntry.State.allCases), after: Int = 0, limit: Int = 1000
  ) {
    self.application = application
    self.property = property
    self.modelVersion = modelVersion
    self.states = states
    self.after = after
    self.limit = limit
  }
}

/// How many entries are in each state.
public struct QueueCounts: Sendable, Hashable {
  public let pending: Int
  public let leased: Int
  public let consumed: Int
  public let dropped: Int

  public init(pending: Int, leased: Int, consumed: Int, dropped: Int) {
    self.pending = pending
    self.leased = leased
    self.consumed = consumed
    self.dropped = dropped
  }
}
