/// A text with signatures (C2SP signed-note). Nothing in it is to be believed before ``verify(with:file:)``.
public struct SignedNote: Sendable, Hashable {
  /// The most bytes of a note.
  public static let maximumBytes = 1_000_000
  /// The most signatures of a note.
  public static let maximumSignatures = 100

  public struct Signature: Sendable, Hashable {
    public let name: String
    public let keyID: UInt32
    /// What the algorithm of the key makes; not empty.
    public let bytes: [UInt8]
  }

  /// With its final newline.
  public let text: String
  public let signatures: [Signature]

  /// Signs `text` with each key, in their order.
  /// - Precondition: the text ends in a newline and has no other control characters; there is a key.
  public init(signing text: String, with keys: [SignerKey]) throws(LogError) {
    precondition(text.utf8.last == 0x0A && !text.utf8.contains { $0 < 0x20 && $0 != 0x0A }, "a text of lines")
    precondition((1...Self.maximumSignatures).contains(keys.count), "1 to \(Self.maximumSignatures) keys")
    self.text = text
    var signatures: [Signature] = []
    for key in keys {
      signatures.append(
        Signature(
          name: key.verifier.name, keyID: key.verifier.id, bytes: try key.signature(of: Array(text.utf8))))
    }
    self.signatures = signatures
  }

  private static let mark = Array("— ".utf8)

  /// Reads a note.
  /// - Parameter file: What the bytes are, for messages.
  /// - Throws: ``LogError``, `.malformedNote`.
  /// - Complexity: O(size).
  public init(parsing bytes: [UInt8], file: String) throws(LogError) {
    func failure(_ problem: String) -> LogError {
      LogError(.malformedNote, "\(file): \(problem); it is no signed note: restore it as it was written")
    }
    guard bytes.count <= Self.maximumBytes else { throw failure("more than \(Self.maximumBytes) bytes") }
    if let place = bytes.firstIndex(where: { $0 < 0x20 && $0 != 0x0A }) {
      throw failure("a control character at byte \(place)")
    }
    guard String(validating: bytes, as: UTF8.self) != nil else { throw failure("bytes that are not UTF-8") }
    // The last empty line separates: two newlines with nothing but lines after them.
    guard bytes.last == 0x0A, let blank = Self.lastBlankLine(bytes) else {
      throw failure("no empty line between the text and its signatures")
    }
    text = String(decoding: bytes[..<blank], as: UTF8.self)
    let lines = bytes[(blank + 1)...].dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count <= Self.maximumSignatures else { throw failure("more than \(Self.maximumSignatures) signatures") }
    var signatures: [Signature] = []
    for (number, line) in lines.enumerated() {
      let words = line.dropFirst(Self.mark.count).split(separator: 0x20, omittingEmptySubsequences: false)
      guard line.starts(with: Self.mark), words.count == 2, let name = String(validating: words[0], as: UTF8.self),
        !name.isEmpty, !name.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0 == "+" }),
        let decoded = Base64.decode(words[1]), decoded.count > 4
      else { throw failure("signature \(number + 1) is not of the form `— NAME BASE64`") }
      signatures.append(
        Signature(
          name: name, keyID: decoded[..<4].reduce(0) { $0 << 8 | UInt32($1) }, bytes: Array(decoded[4...])))
    }
    self.signatures = signatures
  }

  /// The place of the newline that is the last empty line, with something before and after it.
  private static func lastBlankLine(_ bytes: [UInt8]) -> Int? {
    var place = bytes.count - 2
    while place >= 1 {
      if bytes[place] == 0x0A, bytes[place - 1] == 0x0A { return place }
      place -= 1
    }
    return nil
  }

  /// The note as it is written.
  public var bytes: [UInt8] {
    var bytes = Array(text.utf8) + [0x0A]
    for signature in signatures {
      let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.keyID >> (24 - 8 * $0)) }
      bytes += Self.mark + Array("\(signature.name) \(Base64.encode(id + signature.bytes))\n".utf8)
    }
    return bytes
  }

  /// The keys among `keys` that signed the note; at least one. Signatures of other keys are ignored.
  /// - Throws: ``LogError``: `.badSignature` when one of a known key is wrong, whatever the others are; `.unsigned` when
  ///   there is none of a known key.
  public func verify(with keys: [VerifierKey], file: String) throws(LogError) -> [VerifierKey] {
    let message = Array(text.utf8)
    var found: [VerifierKey] = []
    for signature in signatures {
      for key in keys where key.id == signature.keyID && isSame(key.name, signature.name) {
        guard key.isValid(signature.bytes, of: message) else {
          throw LogError(
            .badSignature,
            "\(file): the signature of \(key.shortName) does not fit the text; the text was changed after it was signed, "
              + "or somebody else signed it")
        }
        if !found.contains(key) { found.append(key) }
      }
    }
    guard !found.isEmpty else {
      let names = keys.map(\.shortName).joined(separator: ", ")
      throw LogError(.unsigned, "\(file): no signature is by \(names); name the log's key, or get the log's own file")
    }
    return found
  }
}
