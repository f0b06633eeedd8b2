public import Certificates
internal import Glibc

/// The signing keys of a user or a machine: private keys in a directory of their own, and the trust file that says what
/// the public ones are good for.
public struct KeyStore: Sendable {
  /// `.vpals/keys` in the working directory.
  public static let standardDirectory = ".vpals/keys"
  public static let standardTrustFile = "trust.json"
  /// How long to wait for another process that changes the trust file, in seconds.
  static let lockSeconds = 10
  /// Digits of the key's id in its files' names.
  static let nameDigits = 16

  public let directory: String
  public let trustPath: String

  public init(directory: String = KeyStore.standardDirectory, trustPath: String = KeyStore.standardTrustFile) {
    self.directory = directory
    self.trustPath = trustPath
  }

  /// A key that was made, and what was retired for it.
  public struct Created: Sendable, Hashable {
    public let key: TrustedKey
    public let privatePath: String
    public let publicPath: String
    public let retired: [TrustedKey]
  }

  public func privatePath(of id: String) -> String { "\(directory)/\(id.prefix(Self.nameDigits)).pem" }
  public func publicPath(of id: String) -> String { "\(directory)/\(id.prefix(Self.nameDigits)).pub.pem" }

  /// The trust file, or an empty one when there is none.
  public func trust() throws(SigningError) -> TrustFile {
    do throws(SigningError) {
      return try TrustFile(contentsOf: trustPath)
    } catch {
      guard error.code == .missing else { throw error }
      return TrustFile()
    }
  }

  /// Makes the first key for certificates, valid for `days` from `now` on.
  /// - Throws: ``SigningError`` `.refused` when one may sign already; otherwise as the files say.
  public func create(now: Timestamp, days: Int) throws(SigningError) -> Created {
    try make(now: now, days: days) { trust throws(SigningError) in
      if let key = trust.signingKeys(for: .certificates, at: now).first {
        throw SigningError(
          .refused,
          "\(trustPath) has a key that may sign already, \(key.id); use `vpals keys rotate` to put another in its place"
        )
      }
      return []
    }
  }

  /// Makes a new key for certificates and retires those that were active. What they signed counts until their window
  /// ends.
  /// - Throws: ``SigningError`` `.refused` when there is none to retire; otherwise as the files say.
  public func rotate(now: Timestamp, days: Int) throws(SigningError) -> Created {
    try make(now: now, days: days) { trust throws(SigningError) in
      let active = trust.keys.filter { $0.purpose == .certificates && $0.state == .active }
      guard !active.isEmpty else {
        throw SigningError(.refused, "\(trustPath) has no active key to rotate; make one with `vpals keys init`")
      }
      for key in active { try trust.retire(id: key.id, at: now) }
      return active.compactMap { trust.key(id: $0.id) }
    }
  }

  /// Enters a public key into the trust file, for what its algorithm is good for, valid for `days` from `now` on.
  /// - Throws: ``SigningError`` `.exists` when the key is there already; otherwise as the file says.
  public func trust(_ key: PublicKey, now: Timestamp, days: Int) throws(SigningError) -> TrustedKey {
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    var trust = try trust()
    let start = Timestamp(milliseconds: now.milliseconds / 1000 * 1000)
    let entry = TrustedKey(
      publicKey: key, purpose: key.algorithm == .p256 ? .certificates : .log, validFrom: start,
      validUntil: start.advanced(by: .seconds(days * 86_400)))
    try trust.add(entry)
    try trust.write(to: trustPath)
    return entry
  }

  /// Retires a key, or revokes it when a reason is given; returns its new entry.
  public func retire(id: String, now: Timestamp, revokedBecause reason: String?) throws(SigningError) -> TrustedKey {
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    var trust = try TrustFile(contentsOf: trustPath)
    if let reason {
      try trust.revoke(id: id, at: now, reason: reason)
    } else {
      try trust.retire(id: id, at: now)
    }
    try trust.write(to: trustPath)
    guard let key = trust.key(id: id) else { preconditionFailure("the key was just changed") }
    return key
  }

  /// The order of writing: private key, public key, trust file. A process that dies in between leaves a key that nothing
  /// trusts.
  private func make(
    now: Timestamp, days: Int, change: (inout TrustFile) throws(SigningError) -> [TrustedKey]
  ) throws(SigningError) -> Created {
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    var trust = try trust()
    let retired = try change(&trust)
    let start = Timestamp(milliseconds: now.milliseconds / 1000 * 1000)
    let end = start.advanced(by: .seconds(days * 86_400))
    guard start < end else {
      throw SigningError(.malformed, "the key's validity ends before it begins; correct the clock")
    }
    let key = PrivateKey()
    let entry = TrustedKey(publicKey: key.publicKey, purpose: .certificates, validFrom: start, validUntil: end)
    try trust.add(entry)
    try PrivateFile.createDirectory(directory)
    try PrivateFile.keepOutOfGit(directory)
    let created = Created(
      key: entry, privatePath: privatePath(of: key.publicKey.id), publicPath: publicPath(of: key.publicKey.id),
      retired: retired)
    try PrivateFile.create(created.privatePath, key.pem, mode: 0o600)
    do throws(SigningError) {
      try PrivateFile.create(created.publicPath, key.publicKey.pem, mode: 0o644)
      try trust.write(to: trustPath)
    } catch {
      unlink(created.privatePath)
      unlink(created.publicPath)
      throw error
    }
    return created
  }

  /// The lock of the trust file's directory: commands that change the file take turns.
  private func lock() throws(SigningError) -> FileDescriptor {
    let parent = trustPath.lastIndex(of: "/").map { String(trustPath[..<$0]) } ?? "."
    guard let file = FileDescriptor(path: parent.isEmpty ? "/" : parent, flags: O_RDONLY | O_DIRECTORY),
      file.lock(waitingUpTo: Self.lockSeconds)
    else { throw SigningError(SystemFailure.last.error("change \(trustPath)")) }
    return file
  }
}
