import Glibc

/// Writing of files that are either there in full or not at all, whatever happens in between.
///
/// The bytes go to a temporary file of the same directory, which is flushed to the disk and then renamed over the
/// target; the directory is flushed last. A process killed half-way leaves only its temporary file, and the next
/// write of the same target removes that.
public enum AtomicFile {
  /// Writes `bytes` as the whole content of `path`, replacing a file that is there.
  ///
  /// - Throws: ``CertificateError``: `.missing` (no such directory), `.noSpace`, `.file` (permission, read-only file
  ///   system, a directory of that name). The target is then as it was, and no temporary file is left; only when the
  ///   directory itself cannot be flushed after the renaming, the new content may stand.
  public static func write(_ bytes: [UInt8], to path: String) throws(CertificateError) {
    try replace(path) { file throws(CertificateError) in try append(bytes[...], to: file, for: path) }
  }

  /// Writes the content of another file as the whole content of `path`, piece by piece.
  ///
  /// - Throws: as ``write(_:to:)``; also when `source` cannot be read, is not a regular file, or is longer than
  ///   `maximumBytes`.
  public static func copy(_ source: String, to path: String, maximumBytes: Int = 1 << 30) throws(CertificateError) {
    // Without blocking: a named pipe would be waited for.
    guard let input = FileDescriptor(path: source, flags: O_RDONLY | O_NONBLOCK) else {
      throw SystemFailure.last.error("read \(source)")
    }
    var status = stat()
    guard fstat(input.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= maximumBytes else {
      throw CertificateError(.file, "cannot read \(source): not a regular file of at most \(maximumBytes) bytes")
    }
    try replace(path) { file throws(CertificateError) in
      var piece = [UInt8](repeating: 0, count: 1 << 20)
      var copied = 0
      while true {
        let count = piece.withUnsafeMutableBytes { buffer in
          retryingInterrupts { Glibc.read(input.number, buffer.baseAddress, buffer.count) }
        }
        guard count >= 0 else { throw SystemFailure.last.error("read \(source)") }
        if count == 0 { return }
        copied += count
        guard copied <= maximumBytes else {
          throw CertificateError(.file, "cannot read \(source): it grew beyond \(maximumBytes) bytes")
        }
        try append(piece[..<count], to: file, for: path)
      }
    }
  }

  static func replace(_ path: String, _ fill: (FileDescriptor) throws(CertificateError) -> Void)
    throws(CertificateError)
  {
    let (directory, name) = split(path)
    guard FileName.isValid(name) else {
      throw CertificateError(.name, "cannot write \(path): it does not end in the name of a file; check the path")
    }
    guard let directoryFile = FileDescriptor(path: directory, flags: O_RDONLY | O_DIRECTORY) else {
      throw SystemFailure.last.error("write \(path)")
    }
    Leftovers.remove(in: directory) { $0.hasPrefix(".\(name).\(Leftovers.file)-") }
    // The random part keeps threads of one process apart.
    let temporary = "\(directory)/.\(name).\(Leftovers.file)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    do throws(CertificateError) {
      try create(temporary, for: path, fill)
      guard rename(temporary, path) == 0 else { throw SystemFailure.last.error("write \(path)") }
    } catch {
      unlink(temporary)
      throw error
    }
    try flush(directoryFile, for: path)
  }

  /// Creates the file `path` exclusively and flushes it to the disk; `target` is its name in messages.
  static func create(_ path: String, bytes: [UInt8], for target: String) throws(CertificateError) {
    try create(path, for: target) { file throws(CertificateError) in try append(bytes[...], to: file, for: target) }
  }

  private static func create(
    _ path: String, for target: String, _ fill: (FileDescriptor) throws(CertificateError) -> Void
  ) throws(CertificateError) {
    guard let file = FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL) else {
      throw SystemFailure.last.error("write \(target)")
    }
    // Tells other processes, also those of another PID namespace, that the file is no leftover.
    flock(file.number, LOCK_EX | LOCK_NB)
    try fill(file)
    try flush(file, for: target)
  }

  static func append(_ bytes: ArraySlice<UInt8>, to file: FileDescriptor, for target: String)
    throws(CertificateError)
  {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        retryingInterrupts {
          Glibc.write(file.number, buffer.baseAddress?.advanced(by: written), buffer.count - written)
        }
      }
      guard count > 0 else { throw SystemFailure.last.error("write \(target)") }
      written += count
    }
  }

  static func flush(_ file: FileDescriptor, for target: String) throws(CertificateError) {
    // EINVAL: a file system whose directories need no flushing.
    guard retryingInterrupts({ Int(fsync(file.number)) }) == 0 || errno == EINVAL else {
      throw SystemFailure.last.error("write \(target)")
    }
  }

  /// The directory (`.` when there is none) and the last component of a path.
  static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = path[..<slash]
    return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
  }
}

/// Names of files beside a model.
public enum FileName {
  /// The longest name, in bytes of UTF-8; leaves room for what temporary names add to the limit of 255.
  public static let maximumBytes = 200

  /// Whether `name` is one component of a path, without control characters, and not `.` or `..`.
  public static func isValid(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= maximumBytes && name != "." && name != ".."
      && !name.utf8.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "/") }
  }
}

/// What killed processes leave: temporary files and directories that bear the process number in their name.
enum Leftovers {
  static let file = "tmp"
  static let directory = "partial"
  /// The most entries of a directory that are looked at.
  static let maximumEntries = 100_000

  /// Removes the entries of `directory` whose name `matches`, whose writer is dead and which nobody has locked.
  ///
  /// Both conditions are asked for: a process number says nothing about a process in another container, and a lock is
  /// taken only an instant after the file is made. Failures are ignored; leftovers do no harm.
  static func remove(in directory: String, where matches: (String) -> Bool) {
    for name in entries(of: directory) where matches(name) {
      guard let owner = processNumber(in: name), kill(owner, 0) == -1, errno == ESRCH else { continue }
      let path = "\(directory)/\(name)"
      guard let leftover = FileDescriptor(path: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
        flock(leftover.number, LOCK_EX | LOCK_NB) == 0
      else { continue }
      removeTree(path)
    }
  }

  /// Removes a file, or a directory with the files in it.
  static func removeTree(_ path: String) {
    if unlink(path) == 0 { return }
    for name in entries(of: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// The names in a directory without `.` and `..`, in no particular order; empty when it cannot be read.
  static func entries(of path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while names.count < maximumEntries, let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
          String(cString: $0)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// The process number in `….tmp-PID-RANDOM` or `….partial-PID`.
  private static func processNumber(in name: String) -> pid_t? {
    for mark in [file, directory] {
      guard let dot = name.lastIndex(of: "."), name[dot...].hasPrefix(".\(mark)-") else { continue }
      let parts = name[dot...].split(separator: "-")
      if parts.count >= 2, let number = pid_t(parts[1]), number > 0 { return number }
    }
    return nil
  }
}
