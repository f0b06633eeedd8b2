internal import Certificates
internal import Glibc

extension PrivateKey {
  /// The environment variable that may hold a key as PEM.
  public static let environmentVariable = "VPALS_SIGNING_KEY"
  /// The name of the systemd credential (`LoadCredential=vpals-signing-key:…`).
  public static let credentialName = "vpals-signing-key"

  /// Reads a key from a file that only its owner can read.
  ///
  /// The permissions are those of the opened file, so nothing can be put in its place meanwhile.
  /// - Throws: ``SigningError``: `.missing`, `.file`; `.permissions` when the file belongs to another user than root or
  ///   the caller, or others can read or write it; `.key`.
  public init(contentsOf path: String) throws(SigningError) {
    try self.init(
      contentsOf: path, forbidden: 0o077, fix: "run `chmod 600 \(path)`; if others had access, rotate the key")
  }

  /// Reads the key `vpals-signing-key` of a directory of systemd credentials.
  ///
  /// systemd grants the service its credentials by an access list, which shows as the group's right to read.
  public init(credentialsDirectory directory: String) throws(SigningError) {
    try self.init(
      contentsOf: "\(directory)/\(Self.credentialName)", forbidden: 0o037,
      fix: "let systemd pass it (LoadCredential=\(Self.credentialName):FILE)")
  }

  private init(contentsOf path: String, forbidden: mode_t, fix: String) throws(SigningError) {
    guard let file = FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK) else {
      throw SigningError(SystemFailure.last.error("read the private key \(path)"))
    }
    var status = stat()
    guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SigningError(.file, "cannot read the private key \(path): it is not a regular file; check the path")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw SigningError(
        .permissions, "the private key \(path) belongs to another user, who can replace it; make a key of your own")
    }
    guard status.st_mode & forbidden == 0 else {
      let mode = String(status.st_mode & 0o777, radix: 8)
      throw SigningError(.permissions, "the private key \(path) has mode \(mode): others have access to it; \(fix)")
    }
    guard status.st_size <= PEM.maximumBytes else {
      throw SigningError(.key, "\(path) has \(status.st_size) bytes; a private key has at most \(PEM.maximumBytes)")
    }
    var buffer = [UInt8](repeating: 0, count: PEM.maximumBytes + 1)
    var bytes: [UInt8] = []
    // Ends at the end of the file or beyond the bound.
    while bytes.count <= PEM.maximumBytes {
      let count = retryingInterrupts { Glibc.read(file.number, &buffer, buffer.count) }
      guard count >= 0 else { throw SigningError(SystemFailure.last.error("read the private key \(path)")) }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    try self.init(pem: String(decoding: bytes, as: UTF8.self), source: path)
  }

  /// The key to sign with: from `file` if it is given, else from the variable ``environmentVariable``, else from the
  /// systemd credential ``credentialName``.
  ///
  /// The first of them that is there counts; a broken one is an error and never passed over, so that no other key signs
  /// instead.
  /// - Throws: ``SigningError`` `.noKey` when there is none, otherwise as the source says.
  public static func find(file: String? = nil, environment: [String: String]) throws(SigningError) -> PrivateKey {
    if let file { return try PrivateKey(contentsOf: file) }
    if let text = environment[environmentVariable] {
      return try PrivateKey(pem: text, source: "the environment variable \(environmentVariable)")
    }
    if let directory = environment["CREDENTIALS_DIRECTORY"], access("\(directory)/\(credentialName)", F_OK) == 0 {
      return try PrivateKey(credentialsDirectory: directory)
    }
    throw SigningError(
      .noKey,
      "there is no signing key: no file is named, \(environmentVariable) is not set, and there is no systemd credential "
        + "\(credentialName); make a key with `vpals keys init`")
  }
}
