extension CanonicalJSON {
  /// Reads the value whose canonical encoding is `bytes`. Anything else is refused: white space, unsorted or doubled
  /// members, other escapes than ``encode(_:)`` writes, numbers that are not integers, invalid UTF-8, bytes that
  /// follow the value.
  ///
  /// - Parameter file: What the bytes are, for messages.
  /// - Throws: ``CertificateError`` with the JSON path and the byte offset of the first problem; `.tooLarge` beyond
  ///   ``maximumBytes``, otherwise `.notCanonical`.
  /// - Complexity: O(size); recursion is bounded by ``maximumDepth``.
  public static func read(_ bytes: [UInt8], file: String) throws(CertificateError) -> JSONValue {
    guard bytes.count <= maximumBytes else {
      throw CertificateError(.tooLarge, "\(file): \(bytes.count) bytes; at most \(maximumBytes) are read")
    }
    var parser = Parser(bytes: bytes, file: file)
    let value = try parser.value(depth: 0)
    guard parser.position == bytes.count else { throw parser.failure("more bytes follow the end of the value") }
    return value
  }

  private struct Parser {
    let bytes: [UInt8]
    let file: String
    var position = 0
    var path = "$"

    init(bytes: [UInt8], file: String) {
      self.bytes = bytes
      self.file = file
    }

    func failure(_ problem: String) -> CertificateError {
      CertificateError(
        .notCanonical,
        "\(file): at \(path) (byte \(position)): \(problem); restore the file as it was written or write it anew")
    }

    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skip(_ word: StaticString) throws(CertificateError) {
      let expected = Array(word.description.utf8)
      guard bytes[position...].starts(with: expected) else { throw failure("expected `\(word)`") }
      position += expected.count
    }

    mutating func value(depth: Int) throws(CertificateError) -> JSONValue {
      guard depth < CanonicalJSON.maximumDepth else {
        throw failure("nested deeper than \(CanonicalJSON.maximumDepth) levels")
      }
      switch next {
      case UInt8(ascii: "n"):
        try skip("null")
        return .null
      case UInt8(ascii: "t"):
        try skip("true")
        return .boolean(true)
      case UInt8(ascii: "f"):
        try skip("false")
        return .boolean(false)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "["): return try array(depth: depth)
      case UInt8(ascii: "{"): return try object(depth: depth)
      case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): return try integer()
      case UInt8(ascii: " "), 0x09, 0x0A, 0x0D: throw failure("white space outside a string")
      case nil: throw failure("the file ends too early")
      default: throw failure("this byte starts no JSON value")
      }
    }

    mutating func integer() throws(CertificateError) -> JSONValue {
      let start = position
      let isNegative = next == UInt8(ascii: "-")
      if isNegative { position += 1 }
      let first = position
      var magnitude = 0
      while let byte = next, isDigit(byte) {
        magnitude = magnitude * 10 + Int(byte - UInt8(ascii: "0"))
        guard magnitude <= CanonicalJSON.maximumInteger else {
          throw failure("an integer beyond ±\(CanonicalJSON.maximumInteger)")
        }
        position += 1
      }
      let digits = position - first
      if let byte = next, byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        throw failure("a number that is not an integer; such numbers are written as text")
      }
      guard digits > 0, digits == 1 || bytes[first] != UInt8(ascii: "0"), !(isNegative && magnitude == 0) else {
        position = start
        throw failure("an integer that is not in its shortest form")
      }
      return .integer(isNegative ? -magnitude : magnitude)
    }

    mutating func string() throws(CertificateError) -> String {
      let start = position
      position += 1
      var content: [UInt8] = []
      while let byte = next {
        switch byte {
        case UInt8(ascii: "\""):
          position += 1
          guard let text = String(validating: content, as: UTF8.self) else {
            position = start
            throw failure("a string that is not UTF-8")
          }
          return text
        case UInt8(ascii: "\\"): content.append(try escape())
        case 0..<0x20: throw failure("a control character inside a string")
        default:
          content.append(byte)
          position += 1
        }
      }
      throw failure("the file ends inside a string")
    }

    mutating func escape() throws(CertificateError) -> UInt8 {
      let start = position
      let escape = bytes[position...].prefix(6)
      position += 2
      switch escape.dropFirst().first {
      case UInt8(ascii: "\""): return UInt8(ascii: "\"")
      case UInt8(ascii: "\\"): return UInt8(ascii: "\\")
      case UInt8(ascii: "b"): return 0x08
      case UInt8(ascii: "t"): return 0x09
      case UInt8(ascii: "n"): return 0x0A
      case UInt8(ascii: "f"): return 0x0C
      case UInt8(ascii: "r"): return 0x0D
      case UInt8(ascii: "u"):
        for byte in UInt8(0)..<0x20 where ![0x08, 0x09, 0x0A, 0x0C, 0x0D].contains(byte) {
          let expected =
            Array("\\u00".utf8) + [CanonicalJSON.hexadecimal(byte >> 4), CanonicalJSON.hexadecimal(byte & 15)]
          if escape.elementsEqual(expected) {
            position += 4
            return byte
          }
        }
      default: break
      }
      position = start
      throw failure("an escape that the canonical form does not use")
    }

    mutating func array(depth: Int) throws(CertificateError) -> JSONValue {
      position += 1
      var elements: [JSONValue] = []
      if next == UInt8(ascii: "]") {
        position += 1
        return .array([])
      }
      let outer = path
      while true {
        path = "\(outer)[\(elements.count)]"
        elements.append(try value(depth: depth + 1))
        path = outer
        switch next {
        case UInt8(ascii: ","): position += 1
        case UInt8(ascii: "]"):
          position += 1
          return .array(elements)
        case nil: throw failure("the file ends too early")
        default: throw failure("expected `,` or `]`")
        }
      }
    }

    mutating func object(depth: Int) throws(CertificateError) -> JSONValue {
      position += 1
      var members: [String: JSONValue] = [:]
      var previous: String?
      if next == UInt8(ascii: "}") {
        position += 1
        return .object([:])
      }
      let outer = path
      while true {
        let start = position
        guard next == UInt8(ascii: "\"") else {
          throw failure(next == nil ? "the file ends too early" : "expected the name of a member in quotes")
        }
        let name = try string()
        if let previous, !previous.utf16.lexicographicallyPrecedes(name.utf16) {
          position = start
          throw failure("the member \"\(name)\" is doubled or not in sorted order")
        }
        // Swift compares strings up to Unicode equivalence, so two names with different bytes can still collide.
        guard members[name] == nil else {
          position = start
          throw failure("two members named \"\(name)\" that differ only in their Unicode form")
        }
        try skip(":")
        path = "\(outer).\(name)"
        members[name] = try value(depth: depth + 1)
        path = outer
        previous = name
        switch next {
        case UInt8(ascii: ","): position += 1
        case UInt8(ascii: "}"):
          position += 1
          return .object(members)
        case nil: throw failure("the file ends too early")
        default: throw failure("expected `,` or `}`")
        }
      }
    }
  }
}
