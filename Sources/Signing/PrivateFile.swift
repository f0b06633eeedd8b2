internal import Certificates
internal import Glibc

/// Files that only their owner can read, in a directory that only their owner can enter.
enum PrivateFile {
  /// Creates `directory` with mode 0700, and its parents as usual, unless it is there already.
  /// - Throws: ``SigningError``: `.permissions` when it is there and others can enter it or it is another user's;
  ///   otherwise as the file system says.
  static func createDirectory(_ directory: String) throws(SigningError) {
    var prefix = directory.hasPrefix("/") ? "/" : ""
    let parts = directory.split(separator: "/")
    for (index, part) in parts.enumerated() {
      prefix += (prefix.isEmpty || prefix.hasSuffix("/") ? "" : "/") + part
      let mode: mode_t = index == parts.count - 1 ? 0o700 : 0o755
      guard mkdir(prefix, mode) == 0 || errno == EEXIST else {
        throw SigningError(SystemFailure.last.error("create the directory \(prefix)"))
      }
    }
    guard let opened = FileDescriptor(path: directory, flags: O_RDONLY | O_DIRECTORY) else {
      throw SigningError(SystemFailure.last.error("open the directory \(directory)"))
    }
    var status = stat()
    guard fstat(opened.number, &status) == 0 else {
      throw SigningError(SystemFailure.last.error("look at the directory \(directory)"))
    }
    guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      let mode = String(status.st_mode & 0o777, radix: 8)
      throw SigningError(
        .permissions,
        "the directory \(directory) has mode \(mode) or another owner: others can enter it; run `chmod 700 \(directory)`"
      )
    }
  }

  /// Lets git pass over everything in `directory`, unless somebody has decided otherwise there.
  static func keepOutOfGit(_ directory: String) throws(SigningError) {
    let path = "\(directory)/.gitignore"
    guard access(path, F_OK) != 0 else { return }
    try create(path, "*\n", mode: 0o600)
  }

  /// Creates the file `path` with mode `mode` and flushes it and its directory to the disk.
  /// - Throws: ``SigningError``: `.exists` when something of that name is there, which then stays as it is; otherwise as
  ///   the file system says, and nothing is left.
  static func create(_ path: String, _ text: String, mode: UInt32) throws(SigningError) {
    guard let file = FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode) else {
      throw SigningError(SystemFailure.last.error("create \(path)"))
    }
    do throws(SigningError) {
      let bytes = Array(text.utf8)
      var written = 0
      while written < bytes.count {
        let count = bytes.withUnsafeBytes { buffer in
          retryingInterrupts {
            Glibc.write(file.number, buffer.baseAddress?.advanced(by: written), bytes.count - written)
          }
        }
        guard count > 0 else { throw SigningError(SystemFailure.last.error("write \(path)")) }
        written += count
      }
      guard fsync(file.number) == 0 else { throw SigningError(SystemFailure.last.error("write \(path)")) }
    } catch {
      unlink(path)
      throw error
    }
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    guard let parent = FileDescriptor(path: directory.isEmpty ? "/" : directory, flags: O_RDONLY | O_DIRECTORY),
      fsync(parent.number) == 0
    else { throw SigningError(SystemFailure.last.error("write \(path)")) }
  }
}
