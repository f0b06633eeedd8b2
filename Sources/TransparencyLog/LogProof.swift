/// That an entry was logged, for whoever has only the entry and the log's key: a file `tlog-proof@v1` (C2SP tlog-proof).
public struct LogProof: Sendable, Hashable {
  /// The most bytes of a proof's file.
  public static let maximumBytes = 2 * SignedNote.maximumBytes
  /// The most bytes of the extra data.
  public static let maximumExtraBytes = 65_536
  static let header = "c2sp.org/tlog-proof@v1"

  public let inclusion: InclusionProof
  public let signed: SignedCheckpoint
  /// Data of whoever made the file, which nothing authenticates; nil when there is none.
  public let extra: [UInt8]?

  /// - Precondition: the proof is of the checkpoint's size.
  public init(inclusion: InclusionProof, signed: SignedCheckpoint, extra: [UInt8]? = nil) {
    precondition(inclusion.size == signed.size && extra?.isEmpty != true, "a proof in the checkpoint's tree")
    self.inclusion = inclusion
    self.signed = signed
    self.extra = extra
  }

  /// The content of the file.
  public var bytes: [UInt8] {
    var text = Self.header + "\n"
    if let extra { text += "extra \(Base64.encode(extra))\n" }
    text += "index \(inclusion.index)\n"
    for hash in inclusion.path { text += hash.base64 + "\n" }
    return Array((text + "\n").utf8) + signed.bytes
  }

  /// Reads a proof and verifies its checkpoint; ``verify(entry:)`` remains to be asked.
  ///
  /// - Throws: ``LogError``: `.malformedProof`; every refusal of ``SignedCheckpoint/init(verifying:keys:file:)``.
  public init(parsing bytes: [UInt8], keys: [VerifierKey], file: String) throws(LogError) {
    func failure(_ problem: String) -> LogError {
      LogError(.malformedProof, "\(file): \(problem); make the proof anew with vpals log prove")
    }
    guard bytes.count <= Self.maximumBytes else { throw failure("more than \(Self.maximumBytes) bytes") }
    var rest = bytes[...]
    // The next line without its end; nil when there is none.
    func line() -> ArraySlice<UInt8>? {
      guard let end = rest.firstIndex(of: 0x0A) else { return nil }
      defer { rest = rest[(end + 1)...] }
      return rest[..<end]
    }
    guard line()?.elementsEqual(Self.header.utf8) == true else { throw failure("the first line is not \(Self.header)") }
    var next = line()
    if let text = next, text.starts(with: "extra ".utf8) {
      guard text.count <= 6 + Self.maximumExtraBytes * 4 / 3 + 4, let data = Base64.decode(text.dropFirst(6)),
        !data.isEmpty, data.count <= Self.maximumExtraBytes
      else { throw failure("the extra data is not base64 of 1 to \(Self.maximumExtraBytes) bytes") }
      extra = data
      next = line()
    } else {
      extra = nil
    }
    guard let text = next, text.starts(with: "index ".utf8),
      let index = Decimal.decode(text.dropFirst(6), maximum: TreeBounds.maximumSize)
    else { throw failure("no line `index N`") }
    var path: [TreeHash] = []
    while true {
      guard let text = line() else { throw failure("no empty line before the checkpoint") }
      if text.isEmpty { break }
      guard path.count < TreeBounds.maximumInclusionPath else {
        throw failure("more than \(TreeBounds.maximumInclusionPath) hashes")
      }
      guard let hash = TreeHash(base64: text) else {
        throw failure("hash \(path.count + 1) is not the base64 of 32 bytes")
      }
      path.append(hash)
    }
    signed = try SignedCheckpoint(verifying: Array(rest), keys: keys, file: file)
    inclusion = InclusionProof(index: index, size: signed.size, path: path)
  }

  /// Checks that `entry` is what was logged.
  /// - Throws: ``LogError``, `.notIncluded`.
  public func verify(entry: [UInt8]) throws(LogError) {
    try inclusion.verify(leaf: .leaf(entry), root: signed.root)
  }
}
