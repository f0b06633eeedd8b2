/// What a log says of itself at one size (C2SP tlog-checkpoint).
public struct Checkpoint: Sendable, Hashable {
  /// The name of the log.
  public let origin: String
  /// The number of entries.
  public let size: Int
  /// The root of the Merkle tree of the entries.
  public let root: TreeHash
  /// Further lines, kept as they are. Ours has none, and nothing here believes them.
  public let extensionLines: [String]

  /// - Precondition: `origin` and the lines are not empty and have no control characters.
  public init(origin: String, size: Int, root: TreeHash, extensionLines: [String] = []) {
    precondition((0...TreeBounds.maximumSize).contains(size), "a size within bounds")
    precondition(
      ([origin] + extensionLines).allSatisfy { !$0.isEmpty && !$0.utf8.contains { $0 < 0x20 } }, "lines with content")
    self.origin = origin
    self.size = size
    self.root = root
    self.extensionLines = extensionLines
  }

  /// Reads the text of a note.
  /// - Throws: ``LogError``, `.malformedCheckpoint`.
  public init(parsing text: String, file: String) throws(LogError) {
    func failure(_ problem: String) -> LogError {
      LogError(.malformedCheckpoint, "\(file): \(problem); it is no checkpoint of a log: check the path")
    }
    let lines = Array(text.utf8).dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
    guard text.utf8.last == 0x0A, lines.count >= 3 else { throw failure("fewer than three lines") }
    if let empty = lines.firstIndex(where: \.isEmpty) { throw failure("line \(empty + 1) is empty") }
    guard let size = Decimal.decode(lines[1], maximum: TreeBounds.maximumSize) else {
      throw failure("line 2 is \(quoted(lines[1])), no size from 0 to \(TreeBounds.maximumSize)")
    }
    guard let root = TreeHash(base64: lines[2]) else {
      throw failure("line 3 is \(quoted(lines[2])), not the base64 of 32 bytes")
    }
    guard size > 0 || root == .empty else { throw failure("no entries, but not the root of no entries") }
    let texts = lines.map { String(decoding: $0, as: UTF8.self) }
    guard texts.allSatisfy({ !$0.utf8.contains { $0 < 0x20 } }) else { throw failure("a control character") }
    self.init(origin: texts[0], size: size, root: root, extensionLines: Array(texts[3...]))
  }

  /// The text that is signed.
  public var text: String {
    ([origin, String(size), root.base64] + extensionLines).map { $0 + "\n" }.joined()
  }
}

/// A checkpoint with its signatures, which were verified.
public struct SignedCheckpoint: Sendable, Hashable {
  public let checkpoint: Checkpoint
  public let note: SignedNote
  /// The known keys that signed it; at least one has the log's name.
  public let signers: [VerifierKey]

  public var origin: String { checkpoint.origin }
  public var size: Int { checkpoint.size }
  public var root: TreeHash { checkpoint.root }

  /// Reads and verifies a checkpoint. One of the known keys that signed it must have the log's name: a key of another
  /// log, or a witness's alone, is not enough.
  ///
  /// - Throws: ``LogError``: `.malformedNote`, `.badSignature`, `.unsigned`, `.malformedCheckpoint`, `.wrongOrigin`.
  public init(verifying bytes: [UInt8], keys: [VerifierKey], file: String) throws(LogError) {
    try self.init(verifying: try SignedNote(parsing: bytes, file: file), keys: keys, file: file)
  }

  init(verifying note: SignedNote, keys: [VerifierKey], file: String) throws(LogError) {
    signers = try note.verify(with: keys, file: file)
    checkpoint = try Checkpoint(parsing: note.text, file: file)
    self.note = note
    let origin = checkpoint.origin
    guard signers.contains(where: { isSame($0.name, origin) }) else {
      throw LogError(
        .wrongOrigin,
        "\(file): a checkpoint of the log \(quoted(origin.utf8)), signed by \(signers[0].name); name the key of that log, "
          + "or the file of this one")
    }
  }

  /// Signs a checkpoint.
  /// - Precondition: the first key has the log's name.
  init(signing checkpoint: Checkpoint, with keys: [SignerKey]) throws(LogError) {
    precondition(keys.first.map { isSame($0.verifier.name, checkpoint.origin) } == true, "the log's own key")
    self.checkpoint = checkpoint
    note = try SignedNote(signing: checkpoint.text, with: keys)
    signers = keys.map(\.verifier)
  }

  public var bytes: [UInt8] { note.bytes }
}

extension SignedCheckpoint {
  /// Reads and verifies the checkpoint in a file.
  /// - Throws: ``LogError`` as ``init(verifying:keys:file:)``, and `.missing`, `.file`, `.tooLarge`.
  public init(verifyingFile path: String, keys: [VerifierKey]) throws(LogError) {
    try self.init(verifying: try readFile(path, maximumBytes: SignedNote.maximumBytes), keys: keys, file: path)
  }

  /// The log's name in a checkpoint that nobody has verified yet: which keys to verify it with, and nothing more.
  public static func claimedOrigin(_ bytes: [UInt8], file: String) throws(LogError) -> String {
    try Checkpoint(parsing: try SignedNote(parsing: bytes, file: file).text, file: file).origin
  }

  /// The log's name in the file of such a checkpoint.
  public static func claimedOrigin(file path: String) throws(LogError) -> String {
    try claimedOrigin(try readFile(path, maximumBytes: SignedNote.maximumBytes), file: path)
  }
}

extension LogProof {
  /// The log's name in a proof that nobody has verified yet: which keys to verify it with, and nothing more.
  public static func claimedOrigin(_ bytes: [UInt8], file: String) throws(LogError) -> String {
    guard let end = zip(bytes, bytes.dropFirst()).enumerated().first(where: { $1.0 == 0x0A && $1.1 == 0x0A })?.offset
    else {
      throw LogError(
        .malformedProof, "\(file): no empty line before the checkpoint; make the proof anew with vpals log prove")
    }
    return try SignedCheckpoint.claimedOrigin(Array(bytes[(end + 2)...]), file: file)
  }
}
