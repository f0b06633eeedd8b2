internal import Foundation
internal import Glibc

/// A checked proof in a temporary file, which goes away with this value.
///
/// Made by the verifier once the checker has accepted every byte of it; `sha256` is of those bytes.
public final class ProofFile: Sendable, Hashable {
  public let path: String
  public let sha256: String
  public let bytes: Int
  /// Processor seconds that checking it took.
  public let checkSeconds: Double
  private let isTemporary: Bool

  /// - Parameter isTemporary: Whether the file is deleted with this value.
  public init(path: String, sha256: String, bytes: Int, checkSeconds: Double, isTemporary: Bool) {
    self.path = path
    self.sha256 = sha256
    self.bytes = bytes
    self.checkSeconds = checkSeconds
    self.isTemporary = isTemporary
  }

  deinit { if isTemporary { unlink(path) } }

  /// The longest proof that is kept beside a model.
  public static let maximumBytes = 1 << 30

  /// A proof's name beside the certificate of its specification: `SPEC.PROPERTY.proof`.
  public static func name(specification: String, property: String) -> String { "\(specification).\(property).proof" }

  /// The bytes, which must still be those that were checked.
  public func read() throws(CertificateError) -> [UInt8] {
    let content = try BoundedFile.read(path, maximumBytes: Self.maximumBytes)
    guard SHA256Digest.of(content) == sha256 else {
      throw CertificateError(.malformed, "\(path) has changed since its proof was checked")
    }
    return content
  }

  public static func == (left: ProofFile, right: ProofFile) -> Bool { left.sha256 == right.sha256 }
  public func hash(into hasher: inout Hasher) { hasher.combine(sha256) }
}
