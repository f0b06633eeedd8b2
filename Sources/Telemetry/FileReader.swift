#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Reads a regular file of bounded size whole.
enum FileReader {
  /// - Throws: ``DatasetError`` when the file cannot be opened or read, is not a regular file, or is larger than
  ///   `maximum`, also when it grows while it is being read.
  static func bytes(path: String, maximum: Int) throws(DatasetError) -> [UInt8] {
    func failure(_ problem: String, _ fix: String) -> DatasetError {
      DatasetError(.file, path: path, problem: problem, fix: fix)
    }
    // Opening a pipe for reading would wait for a writer; O_NONBLOCK lets the check below refuse it instead.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw failure("the file cannot be opened (\(reason(errno)))", "check its name and permissions")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw failure("the file cannot be examined (\(reason(errno)))", "check its file system")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw failure("this is not a regular file", "name a CSV file")
    }
    let tooLarge = DatasetError(
      .tooLarge, path: path, problem: "the file is larger than \(maximum) bytes",
      fix: "split it, or keep fewer rows")
    guard Int(status.st_size) <= maximum else { throw tooLarge }

    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size) + 1)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        // A signal arrived before any byte; the call is repeated.
        if errno == EINTR { continue }
        throw failure("the file cannot be read (\(reason(errno)))", "check its file system")
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= maximum else { throw tooLarge }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  private static func reason(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }
}
