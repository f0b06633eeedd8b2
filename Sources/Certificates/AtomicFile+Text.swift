/// Text on its way into a file, which keeps only a buffer of it in memory.
public struct FileText: TextOutputStream {
  private static let bufferBytes = 1 << 20

  private let file: FileDescriptor
  private let path: String
  private let maximumBytes: Int
  private var buffer: [UInt8] = []
  private var total = 0
  private var failure: CertificateError?

  init(_ file: FileDescriptor, path: String, maximumBytes: Int) {
    self.file = file
    self.path = path
    self.maximumBytes = maximumBytes
    buffer.reserveCapacity(Self.bufferBytes)
  }

  /// Appends to the file. What follows a failure is dropped; the failure is reported when the writing ends.
  public mutating func write(_ string: String) {
    guard failure == nil else { return }
    total += string.utf8.count
    guard total <= maximumBytes else {
      failure = CertificateError(.tooLarge, "cannot write \(path): it would have more than \(maximumBytes) bytes")
      return
    }
    buffer += string.utf8
    if buffer.count >= Self.bufferBytes { flush() }
  }

  private mutating func flush() {
    do throws(CertificateError) {
      try AtomicFile.append(buffer[...], to: file, for: path)
    } catch {
      failure = error
    }
    buffer.removeAll(keepingCapacity: true)
  }

  mutating func finish() throws(CertificateError) {
    if failure == nil { flush() }
    if let failure { throw failure }
  }
}

extension AtomicFile {
  /// Writes what `produce` makes as the whole content of `path`, without keeping all of it in memory.
  ///
  /// - Throws: as ``write(_:to:)``, and `.tooLarge` beyond `maximumBytes`; the target is then as it was.
  public static func write(to path: String, maximumBytes: Int, _ produce: (inout FileText) -> Void)
    throws(CertificateError)
  {
    try replace(path) { file throws(CertificateError) in
      var text = FileText(file, path: path, maximumBytes: maximumBytes)
      produce(&text)
      try text.finish()
    }
  }
}
