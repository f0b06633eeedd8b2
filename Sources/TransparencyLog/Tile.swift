/// A resource of a log: up to 256 consecutive hashes of one level of the tree, or the entries of up to 256 leaves (C2SP
/// tlog-tiles).
public struct Tile: Sendable, Hashable {
  /// The most hashes of a tile and entries of a bundle.
  public static let fullWidth = 256
  /// The number of levels that a tree within ``TreeBounds/maximumSize`` can have tiles on.
  public static let levels = 7

  public enum Kind: Sendable, Hashable {
    /// Hash number i of the level is that of the 256^level leaves from i · 256^level on.
    case hashes(level: Int)
    case entries
  }

  public let kind: Kind
  /// The number of the tile on its level.
  public let index: Int
  /// 1 to 256.
  public let width: Int

  public init(_ kind: Kind, index: Int, width: Int = Tile.fullWidth) {
    precondition(index >= 0 && (1...Self.fullWidth).contains(width), "a tile")
    self.kind = kind
    self.index = index
    self.width = width
  }

  /// The number of hashes that a tree of `size` leaves has on `level` of its tiles: floor(size / 256^level).
  static func count(level: Int, size: Int) -> Int { size >> (8 * level) }

  /// The path below the log's directory: `tile/0/x001/x234/067.p/8`.
  public var path: String { width == Self.fullWidth ? fullPath : "\(partialDirectory)/\(width)" }

  /// The path of the tile when it has 256 hashes.
  var fullPath: String {
    let level =
      switch kind {
      case .hashes(let level): String(level)
      case .entries: "entries"
      }
    return "tile/\(level)/\(Self.path(of: index))"
  }

  /// Where the tile is while it has fewer.
  var partialDirectory: String { fullPath + ".p" }

  /// The digits of a number in threes, every group but the last after an `x`.
  private static func path(of index: Int) -> String {
    var groups: [String] = []
    var rest = index
    repeat {
      let digits = String(rest % 1000)
      groups.append((groups.isEmpty ? "" : "x") + String(repeating: "0", count: 3 - digits.count) + digits)
      rest /= 1000
    } while rest > 0
    return groups.reversed().joined(separator: "/")
  }
}

/// The hashes of a tile and of all complete subtrees inside it.
struct TileNodes: Sendable {
  /// `rows[r]` has the hashes of the subtrees of 2^r hashes of the tile.
  let rows: [[TreeHash]]

  init(_ hashes: [TreeHash]) {
    var rows = [hashes]
    while let last = rows.last, last.count > 1 {
      rows.append((0..<last.count / 2).map { .node(last[2 * $0], last[2 * $0 + 1]) })
    }
    self.rows = rows
  }

  /// The bytes of the tile.
  /// - Returns: Nil unless there are 32 bytes for each of `width` hashes.
  init?(bytes: [UInt8], width: Int) {
    guard bytes.count == width * TreeHash.byteCount else { return nil }
    var hashes: [TreeHash] = []
    hashes.reserveCapacity(width)
    for start in stride(from: 0, to: bytes.count, by: TreeHash.byteCount) {
      guard let hash = TreeHash(bytes[start..<start + TreeHash.byteCount]) else { return nil }
      hashes.append(hash)
    }
    self.init(hashes)
  }

  var hashes: [TreeHash] { rows[0] }

  /// The hash of all 256 leaves of a full tile.
  /// - Precondition: the tile is full.
  var root: TreeHash { rows[8][0] }

  static func bytes(_ hashes: ArraySlice<TreeHash>) -> [UInt8] { hashes.flatMap(\.bytes) }

  /// The root of a tree of `size` leaves from the tiles at its right edge, the partial ones of every level.
  ///
  /// Each set bit of the size is a complete subtree that lies in one of them, and together these have every hash of the
  /// partial tiles below them: a root that fits says that all these hashes do.
  static func root(size: Int, edge: [Int: TileNodes]) -> TreeHash {
    var root: TreeHash?
    // From the smallest subtree, which is the last, to the largest.
    for level in 0..<Int.bitWidth - 1 where size >> level & 1 == 1 {
      guard let rows = edge[level / 8]?.rows, level % 8 < rows.count, let subtree = rows[level % 8].last else {
        preconditionFailure("a tile of the edge is missing")
      }
      root = root.map { .node(subtree, $0) } ?? subtree
    }
    return root ?? .empty
  }
}
