internal import FoundationEssentials

/// Base64 (RFC 4648, §4) with one text for each sequence of bytes.
enum Base64 {
  static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  /// Nil unless `text` is exactly what ``encode(_:)`` writes: other alphabets, white space, missing padding and stray
  /// bits in the last digit are refused, because two texts for the same bytes are two artifacts with one meaning.
  static func decode(_ text: String) -> [UInt8]? {
    guard let data = Data(base64Encoded: text), data.base64EncodedString().utf8.elementsEqual(text.utf8) else {
      return nil
    }
    return [UInt8](data)
  }
}

/// Hexadecimal digits.
enum Hexadecimal {
  /// The value of a digit, of either case.
  static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// The bytes of a text of digit pairs; nil for any other text.
  static func decode(_ text: String) -> [UInt8]? {
    let digits = text.utf8.map(value)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}

/// PEM (RFC 7468): labelled base64 between lines of dashes.
enum PEM {
  /// The most bytes of a text that is read.
  static let maximumBytes = 65_536

  struct Block: Hashable {
    let label: String
    let bytes: [UInt8]
  }

  /// 64 characters a line and a newline at the end, as OpenSSL and pyca/cryptography write it.
  static func encode(_ bytes: [UInt8], label: String) -> String {
    let digits = Array(Base64.encode(bytes).utf8)
    let lines = stride(from: 0, to: digits.count, by: 64).map {
      String(decoding: digits[$0..<min($0 + 64, digits.count)], as: UTF8.self)
    }
    return (["-----BEGIN \(label)-----"] + lines + ["-----END \(label)-----"]).map { $0 + "\n" }.joined()
  }

  /// The blocks of a text in their order; other lines before and between them are passed over. Nil when a block is
  /// unfinished or is not base64.
  static func blocks(_ text: String) -> [Block]? {
    var blocks: [Block] = []
    var label: String?
    var digits = ""
    for var line in text.split(whereSeparator: \.isNewline) {
      while let last = line.last, last == " " || last == "\t" { line.removeLast() }
      if line.hasPrefix("-----BEGIN "), line.hasSuffix("-----"), line.utf8.count > 16 {
        guard label == nil else { return nil }
        label = String(line.dropFirst(11).dropLast(5))
        digits = ""
      } else if let current = label {
        if line == "-----END \(current)-----" {
          guard let bytes = Base64.decode(digits) else { return nil }
          blocks.append(Block(label: current, bytes: bytes))
          label = nil
        } else {
          digits += line
        }
      }
    }
    return label == nil ? blocks : nil
  }
}
