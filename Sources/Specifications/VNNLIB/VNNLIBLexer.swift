/// A token of VNN-LIB: what it is, and the bytes that it covers.
struct VNNLIBToken {
  enum Kind {
    case open
    case close
    case leftBracket
    case rightBracket
    case comma
    /// A name, a number, an operator or a version.
    case word
    /// `"…"`, with its quotes.
    case string
    case end
  }

  let kind: Kind
  let range: Range<Int>
}

/// The bytes of a VNN-LIB file, token by token.
struct VNNLIBLexer {
  let bytes: [UInt8]
  let path: String
  private var position = 0

  init(bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
    // A byte order mark.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The next token; whitespace and comments (from `;` to the end of the line) are passed over.
  mutating func next() throws(SpecificationError) -> VNNLIBToken {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: ";") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      } else if Self.isSpace(byte) {
        position += 1
      } else {
        break
      }
    }
    let start = position
    guard start < bytes.count else { return VNNLIBToken(kind: .end, range: start..<start) }
    func single(_ kind: VNNLIBToken.Kind) -> VNNLIBToken { VNNLIBToken(kind: kind, range: start..<(start + 1)) }
    position += 1
    switch bytes[start] {
    case UInt8(ascii: "("): return single(.open)
    case UInt8(ascii: ")"): return single(.close)
    case UInt8(ascii: "["): return single(.leftBracket)
    case UInt8(ascii: "]"): return single(.rightBracket)
    case UInt8(ascii: ","): return single(.comma)
    case UInt8(ascii: "\""):
      while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
        guard bytes[position] != UInt8(ascii: "\n") else { break }
        position += 1
      }
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw error(.syntax, single(.string), "a text without an end", fix: "close it with \" on the same line")
      }
      position += 1
      return VNNLIBToken(kind: .string, range: start..<position)
    case let byte where Self.isWord(byte):
      while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
      return VNNLIBToken(kind: .word, range: start..<position)
    case let byte:
      let digits = String(byte, radix: 16, uppercase: true)
      throw error(
        .character, single(.word), "the byte 0x\(digits.count < 2 ? "0" : "")\(digits) has no place outside a comment",
        fix: "delete it")
    }
  }

  func text(_ token: VNNLIBToken) -> String { String(decoding: bytes[token.range], as: UTF8.self) }

  /// The longest part of a token that a message repeats, in bytes.
  private static let maximumShown = 60

  /// The token for a message, cut and without control characters.
  func shown(_ token: VNNLIBToken) -> String {
    switch token.kind {
    case .end: return "the end of the file"
    default:
      let isCut = token.range.count > Self.maximumShown
      return "'\(Self.printable(bytes[token.range.prefix(Self.maximumShown)]))\(isCut ? "…" : "")'"
    }
  }

  private static func printable(_ bytes: some Sequence<UInt8>) -> String {
    String(
      String.UnicodeScalarView(
        String(decoding: Array(bytes), as: UTF8.self).unicodeScalars.map {
          $0 == "\t" || $0.properties.generalCategory != .control ? $0 : "\u{FFFD}"
        }))
  }

  /// An error at a token: its place counts from 1, columns in Unicode scalars.
  func error(
    _ code: Diagnostic.Code, _ token: VNNLIBToken, _ message: String, fix: String
  ) -> SpecificationError {
    let newline = UInt8(ascii: "\n")
    let offset = min(token.range.lowerBound, bytes.count)
    let line = bytes[..<offset].reduce(into: 1) { if $1 == newline { $0 += 1 } }
    let start = (bytes[..<offset].lastIndex(of: newline) ?? -1) + 1
    // A window around the token: lines may be as long as the file.
    let from = max(start, offset - 200)
    let end = min(bytes[offset...].firstIndex(of: newline) ?? bytes.count, offset + 200)
    let before = String(decoding: bytes[start..<offset], as: UTF8.self).unicodeScalars.count
    let column = before + 1
    let length = max(1, min(Self.maximumShown, token.range.count))
    // When the line is cut in front, the caret would not stand where the column says: no line is shown.
    let source = from == start ? Self.printable(bytes[start..<end].filter { $0 != UInt8(ascii: "\r") }) : ""
    return SpecificationError([
      Diagnostic(
        code: code, message: message, path: path, place: Place(line: line, column: column, length: length),
        sourceLine: source, note: nil, fix: fix)
    ])
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D...0x3A, 0x3C...0x5A, 0x5C, 0x5E...0x7E: true
    default: false
    }
  }
}
