/// A log in a directory, at the checkpoint that it had when it was opened.
///
/// Nothing is believed but the signature: opening checks that the tiles at the right edge hash to the signed root; every
/// other tile is checked against the one above it before any hash of it is used, and every entry against its leaf. A
/// writer may append meanwhile; this value goes on showing the tree that it opened.
public struct LogReader: SubtreeHashes, Sendable {
  public static let checkpointName = "checkpoint"
  /// The most tiles that are kept in memory, 16 KiB each.
  private static let maximumCachedTiles = 64

  public let directory: String
  public let signed: SignedCheckpoint
  /// The partial tiles by their level.
  let edge: [Int: TileNodes]
  private var cache: [Tile: TileNodes] = [:]

  public var size: Int { signed.size }

  /// Opens the log in `directory` if one of `keys`, of the log's name, signed its checkpoint.
  /// - Throws: ``LogError``: `.missing` or `.file` when there is no log to read; every refusal of
  ///   ``SignedCheckpoint/init(verifying:keys:file:)``; `.truncated`, `.malformedTile`, `.rootMismatch`.
  public init(directory: String, keys: [VerifierKey]) throws(LogError) {
    let path = "\(directory)/\(Self.checkpointName)"
    let bytes = try readFile(path, maximumBytes: SignedNote.maximumBytes)
    signed = try SignedCheckpoint(verifying: bytes, keys: keys, file: path)
    self.directory = directory
    var edge: [Int: TileNodes] = [:]
    for level in 0..<Tile.levels {
      let count = Tile.count(level: level, size: signed.size)
      guard count % Tile.fullWidth > 0 else { continue }
      let tile = Tile(.hashes(level: level), index: count / Tile.fullWidth, width: count % Tile.fullWidth)
      edge[level] = try Self.read(tile, directory: directory)
    }
    self.edge = edge
    guard TileNodes.root(size: signed.size, edge: edge) == signed.root else {
      throw LogError(
        .rootMismatch,
        "\(directory): the last tiles do not hash to the root that the checkpoint of \(signed.size) entries signs; the "
          + "log was changed: restore it from a copy")
    }
  }

  // MARK: The tree

  public mutating func hash(level: Int, index: Int) throws(LogError) -> TreeHash {
    precondition((0..<8 * Tile.levels).contains(level) && index >= 0 && index < size >> level, "a complete subtree")
    let row = level % 8
    let perTile = Tile.fullWidth >> row
    let nodes = try nodes(level: level / 8, index: index / perTile)
    return nodes.rows[row][index % perTile]
  }

  /// The tile `index` of a level, checked against the tiles above it. The recursion ends at the edge, below level 7.
  private mutating func nodes(level: Int, index: Int) throws(LogError) -> TileNodes {
    let count = Tile.count(level: level, size: size)
    if index == count / Tile.fullWidth, let partial = edge[level] { return partial }
    let tile = Tile(.hashes(level: level), index: index)
    if let known = cache[tile] { return known }
    let nodes = try Self.read(tile, directory: directory)
    let above = try self.nodes(level: level + 1, index: index / Tile.fullWidth)
    guard above.hashes[index % Tile.fullWidth] == nodes.root else {
      let parent = Tile(.hashes(level: level + 1), index: index / Tile.fullWidth)
      throw LogError(
        .tileAltered,
        "\(directory)/\(tile.path) does not hash to what \(parent.fullPath) says of it; the tile was changed: restore it "
          + "from a copy")
    }
    if cache.count >= Self.maximumCachedTiles { cache = [:] }
    cache[tile] = nodes
    return nodes
  }

  private static func read(_ tile: Tile, directory: String) throws(LogError) -> TileNodes {
    let maximum = Tile.fullWidth * TreeHash.byteCount
    let (bytes, isFull) = try resource(tile, directory: directory, maximumBytes: maximum)
    let expected = (isFull ? Tile.fullWidth : tile.width) * TreeHash.byteCount
    // A full tile in place of a partial one has the same hashes first.
    guard bytes.count == expected,
      let nodes = TileNodes(bytes: Array(bytes.prefix(tile.width * TreeHash.byteCount)), width: tile.width)
    else {
      throw LogError(
        .malformedTile,
        "\(directory)/\(tile.path): \(bytes.count) bytes; the hashes of this tile are \(expected) bytes: restore it from "
          + "a copy")
    }
    return nodes
  }

  /// The bytes of a tile. A partial one may have been removed since the full one is there.
  private static func resource(_ tile: Tile, directory: String, maximumBytes: Int) throws(LogError) -> (
    bytes: [UInt8], isFull: Bool
  ) {
    let isFull = tile.width == Tile.fullWidth
    for (path, isFull) in isFull ? [(tile.path, true)] : [(tile.path, false), (tile.fullPath, true)] {
      do throws(LogError) {
        return (try readFile("\(directory)/\(path)", maximumBytes: maximumBytes), isFull)
      } catch {
        switch error.code {
        case .missing: continue
        case .tooLarge:
          throw LogError(
            .malformedTile, "\(directory)/\(path): more than \(maximumBytes) bytes; restore it from a copy")
        default: throw error
        }
      }
    }
    throw LogError(
      .truncated,
      "\(directory)/\(tile.path) is not there, but the checkpoint needs it; a part of the log was removed: restore it from "
        + "a copy")
  }

  // MARK: Entries

  /// The number of bundles of entries.
  public var bundles: Int { size / Tile.fullWidth + (size % Tile.fullWidth > 0 ? 1 : 0) }

  /// The entries from `bundle` · 256 on, up to 256 of them, each checked against its leaf.
  /// - Throws: ``LogError``: `.truncated`, `.malformedTile`, `.tileAltered`, `.entryDeleted`, `.entriesReordered`,
  ///   `.entryAltered`; `.file` when the file cannot be read.
  /// - Precondition: `bundle` is below ``bundles``.
  public mutating func entries(bundle: Int) throws(LogError) -> [[UInt8]] {
    precondition(bundle >= 0 && bundle < bundles, "a bundle of the log")
    let first = bundle * Tile.fullWidth
    let tile = Tile(.entries, index: bundle, width: min(Tile.fullWidth, size - first))
    let leaves = try nodes(level: 0, index: bundle).hashes
    let (bytes, isFull) = try Self.resource(tile, directory: directory, maximumBytes: EntryBundle.maximumBytes)
    let path = "\(directory)/\(tile.path)"
    guard let all = EntryBundle.decode(bytes), all.count <= (isFull ? Tile.fullWidth : tile.width) else {
      throw LogError(
        .malformedTile,
        "\(path): no bundle of \(tile.width) entries with their lengths; restore it from a copy")
    }
    let entries = Array(all.prefix(tile.width))
    guard entries.count == tile.width else {
      throw LogError(
        .entryDeleted,
        "\(path): \(entries.count) entries, but the tree has \(tile.width) leaves there; an entry was removed: restore the "
          + "file from a copy")
    }
    let hashes = entries.map { TreeHash.leaf($0) }
    if let place = hashes.indices.first(where: { hashes[$0] != leaves[$0] }) {
      guard Self.sorted(hashes) != Self.sorted(leaves) else {
        throw LogError(
          .entriesReordered,
          "\(path): entry \(first + place) is in another place of the tree; entries were reordered: restore the file from "
            + "a copy")
      }
      throw LogError(
        .entryAltered,
        "\(path): entry \(first + place) does not hash to its leaf; it was changed after it was logged: restore the file "
          + "from a copy")
    }
    return entries
  }

  private static func sorted(_ hashes: [TreeHash]) -> [[UInt8]] {
    hashes.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// One entry.
  /// - Throws: as ``entries(bundle:)``; `.noSuchEntry` beyond the log's end.
  public mutating func entry(_ index: Int) throws(LogError) -> [UInt8] {
    guard index >= 0, index < size else {
      throw LogError(
        .noSuchEntry,
        size == 0
          ? "the log \(directory) has no entries yet"
          : "the log \(directory) has no entry \(index); its entries are 0 to \(size - 1)")
    }
    return try entries(bundle: index / Tile.fullWidth)[index % Tile.fullWidth]
  }
}
