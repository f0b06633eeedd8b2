import Crypto
import Glibc

/// Reading of whole regular files with a stated bound.
public enum BoundedFile {
  private static let chunkBytes = 1 << 20

  /// The bytes of the regular file `path`.
  /// - Throws: ``CertificateError``: `.missing`, `.file`, or `.tooLarge` beyond `maximumBytes`.
  public static func read(_ path: String, maximumBytes: Int) throws(CertificateError) -> [UInt8] {
    var bytes: [UInt8] = []
    _ = try chunks(of: path, maximumBytes: maximumBytes) { bytes += $0 }
    return bytes
  }

  /// Passes the file's bytes to `body` piece by piece and returns their count.
  static func chunks(of path: String, maximumBytes: Int, body: (ArraySlice<UInt8>) -> Void) throws(CertificateError)
    -> Int
  {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    guard let file = FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK) else {
      throw SystemFailure.last.error("read \(path)")
    }
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw SystemFailure.last.error("read \(path)") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CertificateError(.file, "cannot read \(path): it is not a regular file; check the path")
    }
    var buffer = [UInt8](repeating: 0, count: chunkBytes)
    var total = 0
    while true {
      let count = retryingInterrupts { Glibc.read(file.number, &buffer, chunkBytes) }
      guard count >= 0 else { throw SystemFailure.last.error("read \(path)") }
      if count == 0 { return total }
      total += count
      guard total <= maximumBytes else {
        throw CertificateError(.tooLarge, "cannot read \(path): it has more than \(maximumBytes) bytes")
      }
      body(buffer[..<count])
    }
  }
}

/// SHA-256 (FIPS 180-4) as 64 lowercase hexadecimal digits: the form of every digest in our files.
public enum SHA256Digest {
  /// The most bytes of a file that are hashed: 1 GiB.
  public static let maximumFileBytes = 1 << 30

  public static func of(_ bytes: [UInt8]) -> String { text(SHA256.hash(data: bytes)) }

  /// The digest and the size of the regular file `path`, read in pieces.
  /// - Throws: ``CertificateError``: `.missing`, `.file`, or `.tooLarge` beyond `maximumBytes`.
  public static func ofFile(_ path: String, maximumBytes: Int = maximumFileBytes) throws(CertificateError) -> (
    sha256: String, bytes: Int
  ) {
    var hash = SHA256()
    let count = try BoundedFile.chunks(of: path, maximumBytes: maximumBytes) { hash.update(data: $0) }
    return (text(hash.finalize()), count)
  }

  /// Whether `text` is a digest in the form of our files.
  public static func isValid(_ text: String) -> Bool {
    text.utf8.count == 64
      && text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }

  private static func text(_ digest: SHA256.Digest) -> String {
    var bytes: [UInt8] = []
    for byte in digest {
      bytes.append(CanonicalJSON.hexadecimal(byte >> 4))
      bytes.append(CanonicalJSON.hexadecimal(byte & 15))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
