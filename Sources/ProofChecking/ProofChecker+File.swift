internal import Glibc
public import Specifications

extension ProofChecker {
  /// Checks a proof in a file; reads it once, in pieces.
  ///
  /// - Throws: ``ProofFailure``, with the cause `unreadable` when the file cannot be read or is not a regular file.
  public func check(file path: String, queries: [Query], onLeaf: ((Int, Cell) -> Void)? = nil) throws(ProofFailure)
    -> Summary
  {
    try check(ProofSource(file: path), queries: queries, onLeaf: onLeaf)
  }
}

extension ProofSource {
  /// A proof in a file, which is open for as long as this value lives.
  ///
  /// - Parameters:
  ///   - start: How many bytes in front of the proof are passed over.
  ///   - shouldStop: Asked before each piece of 64 KiB; stopping makes the rest unreadable.
  /// - Throws: ``ProofFailure`` with the cause `unreadable` when the file cannot be opened or is not a regular file.
  public convenience init(
    file path: String, from start: Int = 0, shouldStop: @escaping () -> Bool = { false }
  ) throws(ProofFailure) {
    func unreadable(_ why: String) -> ProofFailure {
      ProofFailure(query: 0, node: 0, offset: 0, cause: .unreadable(why))
    }
    // Without blocking: a named pipe would make a gate wait for ever.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(String(cString: strerror(errno))) }
    let file = OpenFile(descriptor)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable("not a regular file")
    }
    guard start == 0 || lseek(descriptor, off_t(start), SEEK_SET) == off_t(start) else {
      throw unreadable(String(cString: strerror(errno)))
    }
    self.init { buffer in
      if shouldStop() { throw unreadable("stopped") }
      while true {
        let count = Glibc.read(file.descriptor, buffer.baseAddress, buffer.count)
        if count >= 0 { return count }
        guard errno == EINTR else { throw unreadable(String(cString: strerror(errno))) }
      }
    }
  }

  private final class OpenFile {
    let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }
}
