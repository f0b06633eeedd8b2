public import CertificateStorage
public import TransparencyLog

/// The transparency log that what we issue goes into.
public struct IssuingLog: Sendable {
  /// How long to wait for another writer, in seconds: the store waits meanwhile, for all who use it.
  static let lockSeconds = 5

  public let directory: String
  private let signers: [SignerKey]

  /// The log's name.
  public var origin: String { signers[0].verifier.name }

  /// The log's name and the number of its key: another log of the same name is another log.
  public var identity: String { signers[0].verifier.shortName }

  /// The 32 bytes of the log's key.
  public var publicKey: [UInt8] { signers[0].verifier.publicKey }

  /// Opens the log in `directory` with its private key beside it, and checks its right edge.
  /// - Throws: ``LogError``: as ``LogFiles/readSecretKey(_:)`` and ``LogReader/init(directory:keys:)``.
  public init(directory: String) throws(LogError) {
    let key = try LogFiles.readSecretKey(directory)
    self.directory = directory
    signers = [key]
    _ = try reader()
  }

  private func reader() throws(LogError) -> LogReader {
    try LogReader(directory: directory, keys: signers.map(\.verifier))
  }

  /// Appends an entry that no store waits with: an event of a key.
  /// - Returns: Its number in the log.
  public func append(_ entry: LogEntry) throws(LogError) -> Int {
    try LogWriter(directory: directory, signers: signers).append([try entry.encoded()]).first
  }

  /// Appends the entries that wait in the store.
  ///
  /// A process may have been killed after it wrote into the log and before the store knew: such entries are found by
  /// their bytes and not written twice.
  /// - Returns: How many.
  /// - Throws: ``LogError``, also `.rollback` when the log has fewer entries than the store has seen in it;
  ///   ``StorageError``.
  @discardableResult
  public func publish(from store: any Store) throws -> Int {
    var published = 0
    // Every turn but the last publishes at least one entry.
    while true {
      let count = try store.publishLogEntries(to: identity, limit: StoreBounds.batch) { entries, position in
        var log = try reader()
        guard position <= log.size else {
          throw LogError(
            .rollback,
            "the log \(directory) has \(log.size) entries, but had \(position) when the store last wrote into it; restore it "
              + "from a later copy")
        }
        var known: [[UInt8]: Int] = [:]
        if position < log.size {
          for bundle in position / Tile.fullWidth..<log.bundles {
            for (place, entry) in try log.entries(bundle: bundle).enumerated() {
              known[entry] = bundle * Tile.fullWidth + place
            }
          }
        }
        let new = entries.filter { known[$0] == nil }
        let (first, signed) = try LogWriter(directory: directory, signers: signers, lockSeconds: Self.lockSeconds)
          .append(new)
        var next = first
        let indices = entries.map { entry -> Int in
          if let index = known[entry] { return index }
          defer { next += 1 }
          return next
        }
        return (indices, signed.size)
      }
      published += count
      if count < StoreBounds.batch { return published }
    }
  }

  /// A proof that the log has an entry, with the entry itself as extra data, so that one file is enough.
  public func proof(of logged: LoggedEntry) throws(LogError) -> LogProof {
    var log = try reader()
    let (proof, entry) = try log.proof(of: logged.index, extra: logged.bytes)
    guard entry == logged.bytes else {
      throw LogError(
        .notIncluded,
        "entry \(logged.index) of the log \(directory) is not the one that the store put there; the log or the store was "
          + "replaced: restore both from copies of one time")
    }
    return proof
  }
}
