internal import Certificates
internal import Glibc

/// The files of a log's keys and the creation of a log.
///
/// The keys lie beside the log's directory, so that the directory can be served as it is.
public enum LogFiles {
  /// The private key of the log in `directory`, readable by its owner alone.
  public static func secretKeyPath(_ directory: String) -> String { trimmed(directory) + ".key" }

  /// The public key of the log in `directory`.
  public static func publicKeyPath(_ directory: String) -> String { trimmed(directory) + ".vkey" }

  private static func trimmed(_ directory: String) -> String {
    var path = directory[...]
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    return String(path)
  }

  /// Makes a key pair and an empty log.
  ///
  /// The public key is written last. A process killed before leaves what the next call finishes, with the same key.
  /// - Parameter origin: The name of the log and of its key, such as `example.com/models`.
  /// - Throws: ``LogError``: `.exists` when there is a log or a key of another name already, `.malformedKey` for a name
  ///   that no key can have, `.noSpace`, `.file`, `.missing` when the directory above cannot be made or written.
  public static func create(_ directory: String, origin: String) throws(LogError) -> VerifierKey {
    let directory = trimmed(directory)
    // Before anything is written: the name must be possible.
    let candidate = try SignerKey.generate(name: origin)
    try makeDirectories(directory)
    let lock = try LogWriter.lock(directory, seconds: 60)
    defer { withExtendedLifetime(lock) {} }
    let checkpointPath = "\(directory)/\(LogReader.checkpointName)"
    guard !exists(publicKeyPath(directory)) else {
      throw LogError(
        .exists,
        "cannot make the log \(directory): \(publicKeyPath(directory)) is there, so the log was made before; choose another "
          + "directory")
    }
    let hasSecret = exists(secretKeyPath(directory))
    guard !exists("\(directory)/tile"), hasSecret || !exists(checkpointPath) else {
      throw LogError(
        .exists,
        "cannot make the log \(directory): the directory has files of a log that has no keys here; choose another directory "
          + "or restore the keys")
    }
    let key: SignerKey
    if hasSecret {
      key = try readSecretKey(directory)
      guard isSame(key.verifier.name, origin) else {
        throw LogError(
          .exists,
          "cannot make the log \(directory): \(secretKeyPath(directory)) is the key of \(quoted(key.verifier.name.utf8)); "
            + "choose another directory")
      }
    } else {
      key = candidate
      try writeSecret(Array((key.secretText + "\n").utf8), to: secretKeyPath(directory))
    }
    if exists(checkpointPath) {
      _ = try LogReader(directory: directory, keys: [key.verifier])
    } else {
      let empty = Checkpoint(origin: origin, size: 0, root: .empty)
      try writeFile(try SignedCheckpoint(signing: empty, with: [key]).bytes, to: checkpointPath)
    }
    try writeFile(Array("\(key.verifier)\n".utf8), to: publicKeyPath(directory))
    return key.verifier
  }

  /// The private key beside a log.
  /// - Throws: ``LogError``: `.missing`, `.file`, `.malformedKey`; `.exposedKey` when others than the owner may read it.
  public static func readSecretKey(_ directory: String) throws(LogError) -> SignerKey {
    try readSecretKey(file: secretKeyPath(directory))
  }

  /// The private key in a file.
  /// - Throws: ``LogError``: as ``readSecretKey(_:)``.
  public static func readSecretKey(file path: String) throws(LogError) -> SignerKey {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .system("read \(path)") }
    guard status.st_mode & 0o077 == 0 else {
      throw LogError(
        .exposedKey,
        "\(path) may be read or written by others than its owner; run `chmod 600 \(path)`, or replace the key")
    }
    return try SignerKey(text: try line(of: path), file: path)
  }

  /// The public key in a file.
  /// - Throws: ``LogError``: `.missing`, `.file`, `.malformedKey`.
  public static func readPublicKey(_ path: String) throws(LogError) -> VerifierKey {
    try VerifierKey(text: try line(of: path))
  }

  /// The only line of a file.
  private static func line(of path: String) throws(LogError) -> String {
    var bytes = try readFile(path, maximumBytes: 4096)
    if bytes.last == 0x0A { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw LogError(.malformedKey, "\(path): not UTF-8, so no key; check the path")
    }
    return text
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Makes a directory and those above it that are not there.
  private static func makeDirectories(_ path: String) throws(LogError) {
    var made = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      made += (made.isEmpty || made == "/" ? "" : "/") + component
      guard mkdir(made, 0o755) == 0 || errno == EEXIST else { throw .system("make the directory \(made)") }
    }
  }

  /// Writes a new file that only its owner can read, in full or not at all.
  /// - Precondition: the log is locked, so that nobody else makes the file meanwhile.
  private static func writeSecret(_ bytes: [UInt8], to path: String) throws(LogError) {
    let temporary = "\(path).tmp-\(getpid())"
    unlink(temporary)
    do throws(LogError) {
      // The mode counts from the first moment on, whatever the umask is.
      guard let file = FileDescriptor(path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600),
        fchmod(file.number, 0o600) == 0,
        retryingInterrupts({ write(file.number, bytes, bytes.count) }) == bytes.count,
        retryingInterrupts({ Int(fsync(file.number)) }) == 0,
        rename(temporary, path) == 0
      else { throw .system("write \(path)") }
    } catch {
      unlink(temporary)
      throw error
    }
    let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    guard let file = FileDescriptor(path: parent, flags: O_RDONLY | O_DIRECTORY),
      retryingInterrupts({ Int(fsync(file.number)) }) == 0 || errno == EINVAL
    else { throw .system("write \(path)") }
  }
}
