internal import Crypto
internal import Foundation

/// A file whose bytes were parsed.
public struct NetworkFile: Sendable, Hashable {
  /// The name in the model's folder.
  public let name: String
  /// SHA-256 (FIPS 180-4) of the bytes that were parsed: 64 lower-case hexadecimal digits.
  public let sha256: String
  /// How many bytes.
  public let bytes: Int

  public init(name: String, sha256: String, bytes: Int) {
    self.name = name
    self.sha256 = sha256
    self.bytes = bytes
  }

  init(name: String, content: some DataProtocol) {
    self.init(name: name, sha256: SHA256.hash(data: content).hexadecimal, bytes: content.count)
  }
}
