public import Certificates

/// The signature of all files of a model directory: OpenSSF Model Signing v1.0 in a Sigstore bundle v0.3, which
/// `model_signing verify key` accepts. Only verification makes one.
public struct ModelSignature: Sendable, Hashable {
  /// The file's name in the directory.
  public static let fileName = "model.sig"
  public static let predicateType = "https://model_signing/signature/v1.0"
  public static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

  /// What was signed, which is what is there.
  public let manifest: ModelManifest
  /// When the signer says that it was signed; a signature by `model_signing` does not say.
  public let signedAt: Timestamp?
  /// The keys of the trust file whose signatures count; at least one.
  public let keyIDs: [String]

  /// Signs `directory` and returns the bytes of the bundle. One key, because `model_signing` looks at the first
  /// signature only.
  /// - Throws: ``SigningError`` as ``ModelManifest/init(of:signatureName:)``, and `.tooLarge`, `.key`.
  public static func sign(_ directory: String, with key: PrivateKey, at time: Timestamp) throws(SigningError)
    -> [UInt8]
  {
    try sign(try ModelManifest(of: directory, signatureName: fileName), with: key, at: time)
  }

  /// Refuses a directory that ``write(into:with:at:)`` would refuse: better now than after the work.
  /// - Throws: ``SigningError`` as ``ModelManifest/init(of:signatureName:)``.
  public static func checkSignable(_ directory: String) throws(SigningError) {
    _ = try ModelManifest(of: directory, signatureName: fileName)
  }

  /// Signs a directory that is still to be written, `name` with the files of `contents`.
  /// - Throws: ``SigningError``: `.tooLarge`, `.key`.
  public static func sign(
    _ contents: [String: [UInt8]], named name: String, with key: PrivateKey, at time: Timestamp
  ) throws(SigningError) -> [UInt8] {
    try sign(ModelManifest(name: name, contents: contents), with: key, at: time)
  }

  private static func sign(_ manifest: ModelManifest, with key: PrivateKey, at time: Timestamp) throws(SigningError)
    -> [UInt8]
  {
    let statement = InTotoStatement(
      subjects: [InTotoStatement.Subject(name: manifest.name, sha256: manifest.rootDigest)],
      predicateType: predicateType,
      predicate: .object([
        "serialization": .object([
          "method": .string("files"), "hash_type": .string("sha256"), "allow_symlinks": .boolean(false),
          "ignore_paths": .strings(ModelManifest.gitPaths + [fileName]),
        ]),
        "resources": .array(
          manifest.files.map {
            .object(["name": .string($0.path), "algorithm": .string("sha256"), "digest": .string($0.sha256)])
          }),
        // Readers of v1.0 pass over other members (model_signing, `Payload`).
        "signedAt": .string("\(time)"),
      ]))
    let envelope = try DSSEEnvelope(signing: statement.encoded, with: [key])
    let bundle: JSONValue = .object([
      "mediaType": .string(mediaType),
      "verificationMaterial": .object([
        "publicKey": .object(["hint": .string(key.publicKey.modelSigningHint)]), "tlogEntries": .array([]),
      ]),
      "dsseEnvelope": envelope.json,
    ])
    return CanonicalJSON.encode(bundle) + [UInt8(ascii: "\n")]
  }

  /// Signs `directory` and writes `model.sig` into it, replacing one that is there.
  /// - Returns: The path of the signature.
  public static func write(into directory: String, with key: PrivateKey, at time: Timestamp) throws(SigningError)
    -> String
  {
    let path = "\(directory)/\(fileName)"
    let bytes = try sign(directory, with: key, at: time)
    try SigningError.translating { () throws(CertificateError) in try AtomicFile.write(bytes, to: path) }
    return path
  }

  /// Reads `model.sig` of a directory and verifies it against a trust file and all files that are there.
  public init(of directory: String, trust: TrustFile, now: Timestamp) throws(SigningError) {
    let path = "\(directory)/\(Self.fileName)"
    let bytes = try SigningError.translating { () throws(CertificateError) in
      try BoundedFile.read(path, maximumBytes: DSSEEnvelope.maximumBytes)
    }
    try self.init(bytes: bytes, of: directory, trust: trust, now: now, file: path)
  }

  /// Verifies the bytes of a bundle against a trust file and the files of `directory`; `file` is their name in messages.
  ///
  /// - Throws: ``SigningError``: what ``DSSEEnvelope`` refuses; `.unsupported` for another bundle (a certificate, a log
  ///   entry) or another serialisation; `.hintMismatch`; `.subjectMismatch` when the root digest is not that of the
  ///   resources; `.fileChanged`, `.fileAdded`, `.fileMissing`, `.fileRenamed`, `.unsignable`.
  public init(bytes: [UInt8], of directory: String, trust: TrustFile, now: Timestamp, file: String)
    throws(SigningError)
  {
    let bundle = Fields(
      try StrictJSON.read(bytes, file: file, maximumBytes: DSSEEnvelope.maximumBytes), file: file)
    let mediaType = try bundle.member("mediaType")
    guard try mediaType.text() == Self.mediaType else {
      throw mediaType.failure(
        "is \"\(try mediaType.text().prefix(100))\"; expected \"\(Self.mediaType)\"", code: .unsupported)
    }
    // Protobuf's JSON has no other members, so none may pass that another reader would act on.
    try bundle.only(["mediaType", "verificationMaterial", "dsseEnvelope"])
    let material = try bundle.member("verificationMaterial")
    guard let publicKey = try material.optional("publicKey") else {
      throw material.failure("names no public key; only signatures with a key are read", code: .unsupported)
    }
    try material.only(["publicKey", "tlogEntries"])
    if let entries = try material.optional("tlogEntries"), entries.value != .array([]) {
      throw entries.failure("is not an empty array; entries of a log are not read", code: .unsupported)
    }
    try publicKey.only(["hint"])
    let hint = try publicKey.member("hint").digest()
    let envelope = try DSSEEnvelope(try bundle.member("dsseEnvelope"))

    var found: (manifest: ModelManifest, signedAt: Timestamp?)?
    let verified = try envelope.verified(by: trust, for: .certificates, now: now, file: file) {
      payload throws(SigningError) in
      let content = try Self.read(payload, file: file)
      found = content
      return content.signedAt.map(StatementTime.claimed) ?? .unknown
    }
    guard let found else { preconditionFailure("a verified payload was read") }
    guard verified.keyIDs.contains(where: { trust.key(id: $0)?.publicKey.modelSigningHint == hint }) else {
      throw SigningError(
        .hintMismatch,
        "\(file): the bundle's hint is not of the key that signed, so model_signing would refuse it; sign again")
    }
    let present = try ModelManifest(of: directory, signatureName: Self.fileName)
    if let difference = found.manifest.difference(from: present, in: directory) { throw difference }
    manifest = found.manifest
    signedAt = found.signedAt
    keyIDs = verified.keyIDs
  }

  private static func read(_ payload: [UInt8], file: String) throws(SigningError) -> (
    manifest: ModelManifest, signedAt: Timestamp?
  ) {
    let name = "the payload of \(file)"
    let statement = try InTotoStatement(payload: payload, predicateType: predicateType, file: name)
    let predicate = Fields(statement.predicate, file: name)
    let serialization = try predicate.member("serialization")
    for (field, wanted) in [
      ("method", JSONValue.string("files")), ("hash_type", .string("sha256")), ("allow_symlinks", .boolean(false)),
    ] {
      let found = try serialization.member(field)
      guard found.value == wanted else {
        throw found.failure("is not what is read here: whole files, SHA-256, no links", code: .unsupported)
      }
    }
    for path in try serialization.optional("ignore_paths")?.array(0...100) ?? [] {
      guard (ModelManifest.gitPaths + [fileName]).contains(try path.text()) else {
        throw path.failure(
          "leaves out \"\(try path.text().prefix(100))\", of which nothing would then be known; sign without it",
          code: .unsupported)
      }
    }
    var files: [ModelManifest.File] = []
    var paths: Set<[UInt8]> = []
    var digests: [String] = []
    for resource in try predicate.member("resources").array(1...ModelManifest.maximumFiles) {
      let algorithm = try resource.member("algorithm")
      guard algorithm.value == .string("sha256") else { throw algorithm.failure("is not sha256", code: .unsupported) }
      let path = try resource.member("name").line()
      guard paths.insert(Array(path.utf8)).inserted else {
        throw resource.failure("is the second resource of that name", code: .duplicateMember)
      }
      digests.append(try resource.member("digest").digest())
      files.append(ModelManifest.File(path: path, sha256: digests[digests.count - 1]))
    }
    // The root digest is over the resources in the order in which they are listed.
    guard statement.subjects.count == 1, let subject = statement.subjects.first,
      subject.sha256 == ModelManifest.rootDigest(digests)
    else {
      throw SigningError(
        .subjectMismatch, "\(name): the one subject's digest is not that of the listed resources; sign again")
    }
    return (ModelManifest(name: subject.name, files: files), try predicate.optional("signedAt")?.timestamp())
  }
}
