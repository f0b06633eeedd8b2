public import Certificates

/// The keys that are trusted, and for what: the only place that verification takes keys from.
///
/// A JSON file that people review and keep under version control, `trust.json`; `schemas/vpals-trust-v1.schema.json`
/// describes it, docs/signing.md explains it.
public struct TrustFile: Sendable, Hashable {
  /// The value of the field `format`.
  public static let format = "vpals-trust/v1"
  /// The most bytes of a file and the most keys in it.
  public static let maximumBytes = 1 << 20
  public static let maximumKeys = 1000
  /// The longest reason of a revocation, in bytes.
  public static let maximumReasonBytes = 500

  /// In the file's order; no two with one id.
  public private(set) var keys: [TrustedKey]

  /// - Precondition: no two keys have one id, and there are at most ``maximumKeys``.
  public init(keys: [TrustedKey] = []) {
    precondition(Set(keys.map(\.id)).count == keys.count && keys.count <= Self.maximumKeys)
    self.keys = keys
  }

  public func key(id: String) -> TrustedKey? { keys.first { $0.id == id } }

  /// The keys that may make new signatures, in the file's order.
  public func signingKeys(for purpose: TrustedKey.Purpose, at now: Timestamp) -> [TrustedKey] {
    keys.filter { $0.purpose == purpose && $0.maySign(at: now) }
  }

  /// Refuses to sign with a key whose signatures would be refused.
  /// - Throws: ``SigningError``: `.unknownKey`, `.wrongPurpose`, or `.refused` when it may not sign at `now`.
  public func checkMaySign(_ key: PublicKey, for purpose: TrustedKey.Purpose, at now: Timestamp) throws(SigningError) {
    guard let entry = self.key(id: key.id) else {
      throw SigningError(
        .unknownKey,
        "the trust file does not know the key \(key.id), so nobody would accept what it signs; add it, or sign with a key "
          + "that `vpals keys show` lists")
    }
    guard entry.purpose == purpose else {
      throw SigningError(
        .wrongPurpose, "the key \(key.id) is for \(entry.purpose.rawValue), not \(purpose.rawValue); use another key")
    }
    guard entry.maySign(at: now) else {
      throw SigningError(
        .refused,
        "the key \(key.id) may not sign: it is \(entry.state.name), valid from \(entry.validFrom) to "
          + "\(entry.validUntil), and it is \(now); use another key, or make one with `vpals keys rotate`")
    }
  }

  /// Adds a key.
  /// - Throws: ``SigningError``: `.exists` for an id that is there already, `.tooLarge`.
  public mutating func add(_ key: TrustedKey) throws(SigningError) {
    guard self.key(id: key.id) == nil else {
      throw SigningError(.exists, "the trust file has the key \(key.id) already; change its entry instead")
    }
    guard keys.count < Self.maximumKeys else {
      throw SigningError(.tooLarge, "the trust file has \(keys.count) keys; delete expired ones")
    }
    keys.append(key)
  }

  /// Retires a key: what it signed before keeps its worth until its window ends.
  /// - Throws: ``SigningError`` `.refused` when it is not active; `.unknownKey`.
  public mutating func retire(id: String, at now: Timestamp) throws(SigningError) {
    let index = try index(of: id)
    guard keys[index].state == .active else {
      throw SigningError(.refused, "the key \(id) is \(keys[index].state.name) already, so it signs nothing any more")
    }
    keys[index] = keys[index].with(state: .retired(now))
  }

  /// Revokes a key, whether active or retired: nothing that it signed counts any more.
  /// - Throws: ``SigningError`` `.refused` when it is revoked already; `.unknownKey`; `.malformed` for an empty or too
  ///   long reason.
  public mutating func revoke(id: String, at now: Timestamp, reason: String) throws(SigningError) {
    let index = try index(of: id)
    if case .revoked = keys[index].state { throw SigningError(.refused, "the key \(id) is revoked already") }
    guard !reason.isEmpty, reason.utf8.count <= Self.maximumReasonBytes,
      !reason.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
    else {
      throw SigningError(
        .malformed, "the reason of a revocation is one line of 1 to \(Self.maximumReasonBytes) bytes; write another")
    }
    keys[index] = keys[index].with(state: .revoked(now, reason: reason))
  }

  private func index(of id: String) throws(SigningError) -> Int {
    guard let index = keys.firstIndex(where: { $0.id == id }) else {
      throw SigningError(.unknownKey, "the trust file has no key \(id); see `vpals keys show`")
    }
    return index
  }
}
