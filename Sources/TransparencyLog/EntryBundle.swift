/// The entries of up to 256 consecutive leaves in one file: each after its length in two bytes, big-endian (C2SP
/// tlog-tiles, "Log entries").
public enum EntryBundle {
  /// The most bytes of an entry.
  public static let maximumEntryBytes = 65_535
  /// The most bytes of a bundle: 16.8 MB.
  public static let maximumBytes = Tile.fullWidth * (2 + maximumEntryBytes)

  /// - Precondition: no entry has more than ``maximumEntryBytes``.
  public static func encode(_ entries: some Sequence<[UInt8]>) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      precondition(entry.count <= maximumEntryBytes, "an entry within its bound")
      bytes.append(UInt8(entry.count >> 8))
      bytes.append(UInt8(entry.count & 255))
      bytes += entry
    }
    return bytes
  }

  /// The entries of a bundle of at most 256; nil when a length leads beyond the end or there are more.
  public static func decode(_ bytes: [UInt8]) -> [[UInt8]]? {
    var entries: [[UInt8]] = []
    var position = 0
    while position < bytes.count {
      guard entries.count < Tile.fullWidth, bytes.count - position >= 2 else { return nil }
      let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
      position += 2
      guard bytes.count - position >= length else { return nil }
      entries.append(Array(bytes[position..<position + length]))
      position += length
    }
    return entries
  }
}
