import Glibc

/// Directories of files that appear in one step and never change: the versions of a model.
///
/// The files are written and flushed in `NAME.partial-PID` beside the target, which is then renamed. A lock on the
/// parent directory orders the processes that write into it, so that one name is given only once.
public enum AtomicDirectory {
  /// The most files of one directory.
  public static let maximumFiles = 1000
  /// How long to wait for another process that is about to finish a directory, in seconds.
  static let lockSeconds = 10

  /// Creates the directory `path` with exactly `files` (name to content). Its parent must exist.
  ///
  /// Partial directories of dead processes in the same parent are removed first.
  /// - Throws: ``CertificateError``: `.exists` when something of that name is there; `.missing` (no parent),
  ///   `.noSpace`, `.file`, `.name`, `.tooLarge`. Nothing is left then.
  public static func write(_ files: [String: [UInt8]], to path: String) throws(CertificateError) {
    do {
      try write(to: path) { files }
    } catch let error as CertificateError {
      throw error
    } catch {
      preconditionFailure("nothing else is thrown: \(error)")
    }
  }

  /// Creates the directory `path` with the files that `make` returns, once the name is certain to be free: no other
  /// process can take it until this call ends.
  /// - Throws: As ``write(_:to:)``, and what `make` throws.
  public static func write(to path: String, _ make: () throws -> [String: [UInt8]]) throws {
    let (parent, name) = AtomicFile.split(path)
    guard FileName.isValid(name) else {
      throw CertificateError(.name, "cannot write \(path): it or a file in it has a name that no file can have")
    }
    guard let parentFile = FileDescriptor(path: parent, flags: O_RDONLY | O_DIRECTORY) else {
      throw SystemFailure.last.error("write \(path)")
    }
    let partial = "\(parent)/\(name).\(Leftovers.directory)-\(getpid())"
    let partialFile = try begin(partial, parent: parent, for: path)
    do {
      let files = try make()
      guard files.keys.allSatisfy(FileName.isValid) else {
        throw CertificateError(.name, "cannot write \(path): it or a file in it has a name that no file can have")
      }
      guard files.count <= maximumFiles else {
        throw CertificateError(.tooLarge, "cannot write \(path): more than \(maximumFiles) files")
      }
      for (file, bytes) in files.sorted(by: { $0.key < $1.key }) {
        try AtomicFile.create("\(partial)/\(file)", bytes: bytes, for: "\(path)/\(file)")
      }
      try AtomicFile.flush(partialFile, for: path)
      try finish(partial, parent: parent, as: path)
    } catch {
      Leftovers.removeTree(partial)
      throw error
    }
    try AtomicFile.flush(parentFile, for: path)
  }

  /// The name after the highest of the names `v0001`, `v0002`, … in `directory`, finished or partial; `v0001` when there
  /// is none or the directory does not exist.
  ///
  /// Another process may take the name in between; ``write(_:to:)`` then throws `.exists`, and asking again gives the
  /// next one.
  public static func nextVersion(in directory: String) -> String {
    let highest = Leftovers.entries(of: directory).compactMap(version).max() ?? 0
    let text = String(highest + 1)
    return "v" + String(repeating: "0", count: max(0, 4 - text.count)) + text
  }

  /// The number of `v0012` or `v0012.partial-345`; nil for other names.
  private static func version(_ name: String) -> Int? {
    guard name.first == "v" else { return nil }
    let digits = name.dropFirst().prefix { $0.isASCII && $0.isNumber }
    let rest = name.dropFirst(digits.count + 1)
    guard (4...9).contains(digits.count), rest.isEmpty || rest.hasPrefix(".\(Leftovers.directory)-") else { return nil }
    return Int(digits)
  }

  private static func begin(_ partial: String, parent: String, for path: String) throws(CertificateError)
    -> FileDescriptor
  {
    let lock = try lock(parent, for: path)
    defer { withExtendedLifetime(lock) {} }
    Leftovers.remove(in: parent) { $0.contains(".\(Leftovers.directory)-") }
    try requireFree(path)
    // Another process is about to finish a directory of this name.
    let reserved = AtomicFile.split(path).name + ".\(Leftovers.directory)-"
    if Leftovers.entries(of: parent).contains(where: { $0.hasPrefix(reserved) }) {
      throw SystemFailure(errorNumber: EEXIST).error("write \(path)")
    }
    guard mkdir(partial, 0o755) == 0 else { throw SystemFailure.last.error("write \(path)") }
    guard let file = FileDescriptor(path: partial, flags: O_RDONLY | O_DIRECTORY) else {
      let failure = SystemFailure.last
      rmdir(partial)
      throw failure.error("write \(path)")
    }
    flock(file.number, LOCK_EX | LOCK_NB)
    return file
  }

  private static func finish(_ partial: String, parent: String, as path: String) throws(CertificateError) {
    // rename(2) would replace an empty directory; under the lock, looking first is enough.
    let lock = try lock(parent, for: path)
    defer { withExtendedLifetime(lock) {} }
    try requireFree(path)
    guard rename(partial, path) == 0 else { throw SystemFailure.last.error("write \(path)") }
  }

  private static func lock(_ parent: String, for path: String) throws(CertificateError) -> FileDescriptor {
    guard let file = FileDescriptor(path: parent, flags: O_RDONLY | O_DIRECTORY), file.lock(waitingUpTo: lockSeconds)
    else { throw SystemFailure.last.error("write \(path)") }
    return file
  }

  private static func requireFree(_ path: String) throws(CertificateError) {
    var status = stat()
    if lstat(path, &status) == 0 { throw SystemFailure(errorNumber: EEXIST).error("write \(path)") }
  }
}
