internal import FoundationEssentials

/// Base64 of RFC 4648, section 4, in its one canonical form: padded, no line breaks, unused bits zero.
enum Base64 {
  static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  /// Nil for every text that ``encode(_:)`` does not write.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard let data = Data(base64Encoded: Data(text)) else { return nil }
    let bytes = [UInt8](data)
    return encode(bytes).utf8.elementsEqual(text) ? bytes : nil
  }
}

/// Numbers in ASCII digits without leading zeros.
enum Decimal {
  /// Nil for any other text, and above `maximum`.
  /// - Precondition: `maximum` is at most 2⁵⁹.
  static func decode(_ text: some Collection<UInt8>, maximum: Int) -> Int? {
    guard let first = text.first, text.count == 1 || first != UInt8(ascii: "0") else { return nil }
    var value = 0
    for byte in text {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
      guard value <= maximum else { return nil }
    }
    return value
  }
}

/// Equality of texts byte by byte: Swift's `==` also takes other Unicode forms of a letter for the same.
func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

/// `text` between quotes for a message: control characters replaced, at most 100 characters.
func quoted(_ text: some Collection<UInt8>) -> String {
  let start = String(decoding: text.prefix(100), as: UTF8.self)
  let scalars = start.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
  return "\"\(String(String.UnicodeScalarView(scalars)))\(text.count > 100 ? "…" : "")\""
}
