/// What is wrong with a log or a proof, or why one cannot be read or written.
public struct LogError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// Whether the log or the proof was read and is wrong. Otherwise it could not be read or written, or was asked for
    /// what it does not have.
    public let isRefusal: Bool

    private static func refusal(_ name: String) -> Code { Code(description: name, isRefusal: true) }
    private static func failure(_ name: String) -> Code { Code(description: name, isRefusal: false) }

    /// Bytes that are no signed note.
    public static let malformedNote = refusal("malformed-note")
    /// A note that is no checkpoint.
    public static let malformedCheckpoint = refusal("malformed-checkpoint")
    /// No signature is by a known key.
    public static let unsigned = refusal("unsigned")
    /// A signature of a known key does not fit the text.
    public static let badSignature = refusal("bad-signature")
    /// The checkpoint is of another log.
    public static let wrongOrigin = refusal("wrong-origin")
    /// A tile or a bundle of entries that the checkpoint needs is not there.
    public static let truncated = refusal("truncated")
    /// A tile or a bundle of entries of the wrong form.
    public static let malformedTile = refusal("malformed-tile")
    /// A tile does not hash to what the tile above it says.
    public static let tileAltered = refusal("tile-altered")
    /// The tiles at the end of the log do not hash to the root that was signed.
    public static let rootMismatch = refusal("root-mismatch")
    /// A bundle has fewer entries than the tree has leaves.
    public static let entryDeleted = refusal("entry-deleted")
    /// The entries of a bundle are those of the tree in another order.
    public static let entriesReordered = refusal("entries-reordered")
    /// An entry does not hash to its leaf.
    public static let entryAltered = refusal("entry-altered")
    /// The log is shorter than it was.
    public static let rollback = refusal("rollback")
    /// The log has another history than it had.
    public static let fork = refusal("fork")
    /// A file that is no `tlog-proof@v1`.
    public static let malformedProof = refusal("malformed-proof")
    /// An inclusion proof that does not lead to the root.
    public static let notIncluded = refusal("not-included")
    /// A consistency proof that does not lead to both roots.
    public static let notConsistent = refusal("not-consistent")
    /// An entry that is no canonical JSON object of the form of ours.
    public static let malformedEntry = refusal("malformed-entry")

    /// The file or directory does not exist.
    public static let missing = failure("missing")
    /// Something is there already.
    public static let exists = failure("exists")
    /// The file system refuses.
    public static let file = failure("file")
    /// The file system is full.
    public static let noSpace = failure("no-space")
    /// Another process kept the log locked.
    public static let busy = failure("busy")
    /// A text that is no key, or a name that no key can have.
    public static let malformedKey = failure("malformed-key")
    /// A private key that others can read.
    public static let exposedKey = failure("exposed-key")
    /// A stated bound was passed.
    public static let tooLarge = failure("too-large")
    /// The log has no such entry, or several.
    public static let noSuchEntry = failure("no-such-entry")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// `fork: …` for a refusal, so that its name is always there; otherwise the message alone.
  public var description: String { code.isRefusal ? "\(code): \(message)" : message }
}
