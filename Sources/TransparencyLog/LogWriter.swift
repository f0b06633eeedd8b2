internal import Certificates
internal import FoundationEssentials
internal import Glibc

/// Appends to the log in a directory.
///
/// A commit writes the bundles of entries and the tiles first, each in full and flushed to the disk, and renames the new
/// checkpoint into place last. A process killed at any moment leaves the old checkpoint with everything that it needs,
/// or the new one: what a commit that did not end has written, no checkpoint speaks of, and the next one writes over it.
public struct LogWriter: Sendable {
  /// The most entries of one commit.
  public static let maximumEntries = 1 << 20
  /// The most bytes of the entries of one commit.
  public static let maximumCommitBytes = 256 << 20

  public let directory: String
  private let signers: [SignerKey]
  private let lockSeconds: Int

  /// - Parameter signers: The keys that sign new checkpoints; more than one while a key is replaced. The first must have
  ///   the log's name.
  /// - Parameter lockSeconds: How long to wait for another writer.
  /// - Precondition: there is a key, and at most ``SignedNote/maximumSignatures``.
  public init(directory: String, signers: [SignerKey], lockSeconds: Int = 60) {
    precondition((1...SignedNote.maximumSignatures).contains(signers.count), "a key that signs")
    self.directory = directory
    self.signers = signers
    self.lockSeconds = lockSeconds
  }

  /// Appends entries in one commit.
  /// - Returns: The number of the first of them, and the checkpoint that has them all; the one that was there when
  ///   `entries` is empty.
  /// - Throws: ``LogError``: `.busy`; `.tooLarge`; `.noSpace`, `.file`, `.missing`, when the log cannot be written; every
  ///   refusal of ``LogReader/init(directory:keys:)`` and of the last bundle: nothing is signed on top of a log that is
  ///   wrong. The log is then as it was.
  public func append(_ entries: [[UInt8]]) throws(LogError) -> (first: Int, signed: SignedCheckpoint) {
    guard entries.count <= Self.maximumEntries, entries.allSatisfy({ $0.count <= EntryBundle.maximumEntryBytes }),
      entries.reduce(0, { $0 + $1.count }) <= Self.maximumCommitBytes
    else {
      throw LogError(
        .tooLarge,
        "cannot append to the log \(directory): at most \(Self.maximumEntries) entries of \(EntryBundle.maximumEntryBytes) "
          + "bytes and \(Self.maximumCommitBytes) bytes together; log digests instead of contents")
    }
    let lock = try Self.lock(directory, seconds: lockSeconds)
    defer { withExtendedLifetime(lock) {} }
    var log = try LogReader(directory: directory, keys: signers.map(\.verifier))
    guard isSame(signers[0].verifier.name, log.signed.origin) else {
      throw LogError(
        .wrongOrigin, "the log \(directory) is \(quoted(log.signed.origin.utf8)); name the key of that name first")
    }
    guard !entries.isEmpty else { return (log.size, log.signed) }
    guard entries.count <= TreeBounds.maximumSize - log.size else {
      throw LogError(.tooLarge, "the log \(directory) is full: at most \(TreeBounds.maximumSize) entries")
    }
    var commit = Commit(directory: directory)
    let first = log.size
    let size = first + entries.count
    let last = first % Tile.fullWidth > 0 ? try log.entries(bundle: first / Tile.fullWidth) : []
    try commit.writeBundles(last + entries, from: first / Tile.fullWidth)
    let edge = try commit.writeTiles(entries.map { .leaf($0) }, after: log)
    let checkpoint = Checkpoint(
      origin: log.signed.origin, size: size, root: TileNodes.root(size: size, edge: edge))
    let signed = try SignedCheckpoint(signing: checkpoint, with: signers)
    try writeFile(signed.bytes, to: "\(directory)/\(LogReader.checkpointName)")
    commit.removePartialTiles(from: first, to: size)
    return (first, signed)
  }

  /// The exclusive lock of the writers of a log. It ends with the process.
  static func lock(_ directory: String, seconds: Int) throws(LogError) -> FileDescriptor {
    guard let file = FileDescriptor(path: directory, flags: O_RDONLY | O_DIRECTORY) else {
      throw .system("open the log \(directory)")
    }
    guard file.lock(waitingUpTo: seconds) else {
      guard errno == EWOULDBLOCK else { throw .system("lock the log \(directory)") }
      throw LogError(
        .busy,
        "another process writes the log \(directory) and did not end within \(seconds) seconds; wait for its end and run the "
          + "command again")
    }
    return file
  }
}

/// The files of one commit but the checkpoint.
private struct Commit {
  let directory: String
  /// The directories that are there for certain, also after a loss of power.
  private var flushed: Set<String> = []

  init(directory: String) { self.directory = directory }

  mutating func write(_ bytes: [UInt8], _ tile: Tile) throws(LogError) {
    var path = directory
    for component in tile.path.split(separator: "/").dropLast() {
      let parent = path
      path += "/\(component)"
      guard flushed.insert(path).inserted else { continue }
      guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .system("write \(path)") }
      // Also when it was there: whoever made it may have been killed before the parent was flushed.
      guard let file = FileDescriptor(path: parent, flags: O_RDONLY | O_DIRECTORY),
        retryingInterrupts({ Int(fsync(file.number)) }) == 0 || errno == EINVAL
      else { throw .system("write \(path)") }
    }
    try writeFile(bytes, to: "\(directory)/\(tile.path)")
  }

  /// Writes the bundles that hold `entries`, of which the first begins the bundle `index`.
  mutating func writeBundles(_ entries: [[UInt8]], from index: Int) throws(LogError) {
    for start in stride(from: 0, to: entries.count, by: Tile.fullWidth) {
      let part = entries[start..<min(start + Tile.fullWidth, entries.count)]
      try write(
        EntryBundle.encode(part), Tile(.entries, index: index + start / Tile.fullWidth, width: part.count))
    }
  }

  /// Writes the tiles that more leaves fill, level by level.
  /// - Returns: The partial tiles of the new tree by their level.
  mutating func writeTiles(_ leaves: [TreeHash], after log: LogReader) throws(LogError) -> [Int: TileNodes] {
    var edge: [Int: TileNodes] = [:]
    var added = leaves
    for level in 0..<Tile.levels {
      let index = Tile.count(level: level, size: log.size) / Tile.fullWidth
      let hashes = (log.edge[level]?.hashes ?? []) + added
      var above: [TreeHash] = []
      for start in stride(from: 0, to: hashes.count, by: Tile.fullWidth) {
        let part = hashes[start..<min(start + Tile.fullWidth, hashes.count)]
        let nodes = TileNodes(Array(part))
        if !added.isEmpty {
          let tile = Tile(.hashes(level: level), index: index + start / Tile.fullWidth, width: part.count)
          try write(TileNodes.bytes(part), tile)
        }
        if part.count == Tile.fullWidth { above.append(nodes.root) } else { edge[level] = nodes }
      }
      added = above
    }
    return edge
  }

  /// Removes partial tiles in whose place a full one is now. Those of the tile before are removed as well: a process
  /// may have been killed just before it did. Failures are ignored; the files do no harm.
  func removePartialTiles(from first: Int, to size: Int) {
    for level in 0..<Tile.levels {
      let (old, new) = (Tile.count(level: level, size: first), Tile.count(level: level, size: size))
      for index in Set([old / Tile.fullWidth - 1, old / Tile.fullWidth])
      where index >= 0 && index < new / Tile.fullWidth {
        remove(Tile(.hashes(level: level), index: index))
        if level == 0 { remove(Tile(.entries, index: index)) }
      }
    }
  }

  private func remove(_ tile: Tile) {
    try? FileManager.default.removeItem(atPath: "\(directory)/\(tile.partialDirectory)")
  }
}
