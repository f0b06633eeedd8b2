internal import Crypto

/// A node of a Merkle tree: 32 bytes of SHA-256 (RFC 6962, section 2.1).
public struct TreeHash: Sendable, Hashable, CustomStringConvertible {
  public static let byteCount = 32
  private let value: SIMD32<UInt8>

  /// Nil unless there are exactly 32 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    var value = SIMD32<UInt8>()
    withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes) }
    self.value = value
  }

  /// Nil unless `base64` is the canonical base64 of 32 bytes.
  init?(base64: some Collection<UInt8>) {
    guard base64.count == 44, let bytes = Base64.decode(base64) else { return nil }
    self.init(bytes)
  }

  private init(_ digest: SHA256.Digest) {
    var value = SIMD32<UInt8>()
    withUnsafeMutableBytes(of: &value) { target in digest.withUnsafeBytes { target.copyMemory(from: $0) } }
    self.value = value
  }

  public var bytes: [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
  public var base64: String { Base64.encode(bytes) }
  /// 64 lowercase hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The root of the tree without leaves: the hash of nothing.
  public static let empty = TreeHash(SHA256.hash(data: [UInt8]()))

  /// The leaf of an entry: SHA-256(0x00 ‖ entry).
  public static func leaf(_ entry: some Collection<UInt8>) -> TreeHash {
    TreeHash(SHA256.hash(data: [0x00] + Array(entry)))
  }

  /// The node above two others: SHA-256(0x01 ‖ left ‖ right).
  public static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
    TreeHash(SHA256.hash(data: [0x01] + left.bytes + right.bytes))
  }
}
