internal import Glibc
public import Specifications

extension ProofChecker {
  /// Checks a proof in a file; reads it once, in pieces.
  ///
  /// - Throws: ``ProofFailure``, with the cause `unreadable` when the file cannot be read or is not a regular file.
  public func check(file path: String, queries: [Query], onLeaf: ((Int, Cell) -> Void)? = nil) throws(ProofFailure)
    -> Summary
  {
    func unreadable(_ why: String) -> ProofFailure {
      ProofFailure(query: 0, node: 0, offset: 0, cause: .unreadable(why))
    }
    // Without blocking: a named pipe would make a gate wait for ever.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable("not a regular file")
    }
    let source = ProofSource { buffer in
      while true {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count >= 0 { return count }
        guard errno == EINTR else { throw unreadable(String(cString: strerror(errno))) }
      }
    }
    return try check(source, queries: queries, onLeaf: onLeaf)
  }
}
