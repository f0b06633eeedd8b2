public import Certificates

/// When a statement was made.
public enum StatementTime: Sendable, Hashable {
  /// The statement does not say.
  case unknown
  /// The signer says so.
  case claimed(Timestamp)
  /// Somebody else saw the statement then, for example a log: the signer cannot have backdated it.
  case witnessed(Timestamp)
}

/// A public key with what it is trusted for, and when.
public struct TrustedKey: Sendable, Hashable {
  public enum Purpose: String, Sendable, Hashable, CaseIterable {
    /// Certificates, models and verification summaries; P-256.
    case certificates
    /// Checkpoints of the log; Ed25519.
    case log

    public var algorithm: PublicKey.Algorithm {
      switch self {
      case .certificates: .p256
      case .log: .ed25519
      }
    }
  }

  public enum State: Sendable, Hashable {
    /// May sign.
    case active
    /// Signs nothing since that time, because another key took over. What it signed before keeps its worth.
    case retired(Timestamp)
    /// Somebody else may have the private key, since a time that nobody knows for sure.
    case revoked(Timestamp, reason: String)

    public var name: String {
      switch self {
      case .active: "active"
      case .retired: "retired"
      case .revoked: "revoked"
      }
    }
  }

  /// By how much another machine's clock may be ahead of ours, in seconds: what was just made is not of the future.
  public static let clockToleranceSeconds = 300

  public let publicKey: PublicKey
  public let purpose: Purpose
  /// What the key signed is accepted from here…
  public let validFrom: Timestamp
  /// …until just before here.
  public let validUntil: Timestamp
  public let state: State

  public var id: String { publicKey.id }

  /// - Precondition: the key's algorithm is the purpose's, and `validFrom` is before `validUntil`.
  public init(
    publicKey: PublicKey, purpose: Purpose, validFrom: Timestamp, validUntil: Timestamp, state: State = .active
  ) {
    precondition(publicKey.algorithm == purpose.algorithm, "keys for \(purpose) are \(purpose.algorithm)")
    precondition(validFrom < validUntil, "the validity ends before it begins")
    self.publicKey = publicKey
    self.purpose = purpose
    self.validFrom = validFrom
    self.validUntil = validUntil
    self.state = state
  }

  func with(state: State) -> TrustedKey {
    TrustedKey(publicKey: publicKey, purpose: purpose, validFrom: validFrom, validUntil: validUntil, state: state)
  }

  /// Whether the key may make new signatures.
  public func maySign(at now: Timestamp) -> Bool { state == .active && validFrom <= now && now < validUntil }

  /// Why a good signature of this key does not count; nil when it does.
  ///
  /// The validity window is compared with the present, because no signature proves when it was made. A retired key is
  /// trusted not to backdate: what claims to be older than its retirement counts until the window ends. Of a revoked key
  /// only what somebody else saw before the revocation counts; what the key says of its own time proves nothing then.
  public func refusal(of time: StatementTime, now: Timestamp) -> SigningError? {
    let latest = now.advanced(by: .seconds(Self.clockToleranceSeconds))
    guard validFrom <= latest else {
      return SigningError(
        .keyNotYetValid, "the key \(id) is valid from \(validFrom) on, and it is \(now); wait, or sign with another key"
      )
    }
    guard now < validUntil else {
      return SigningError(
        .keyExpired,
        "the key \(id) was valid until \(validUntil), and it is \(now); verify and sign again with a new key")
    }
    let made: Timestamp? =
      switch time {
      case .unknown: nil
      case .claimed(let made), .witnessed(let made): made
      }
    if let made, made > latest {
      return SigningError(
        .notYetMade,
        "the statement says that it was made at \(made), and it is \(now); correct the clock and sign again")
    }
    switch state {
    case .active: return nil
    case .retired(let end):
      if let made, made < end { return nil }
      return SigningError(
        .keyRetired,
        "the key \(id) was retired at \(end), and the statement "
          + (made.map { "was made at \($0)" } ?? "does not say when it was made") + "; sign again with an active key")
    case .revoked(let end, let reason):
      if case .witnessed(let made) = time, made < end { return nil }
      return SigningError(
        .keyRevoked,
        "the key \(id) was revoked at \(end) (\(reason)); verify again and sign with a new key")
    }
  }
}
