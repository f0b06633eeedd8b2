internal import Certificates

/// Reads JSON (RFC 8259) that other programs may have written, where a canonical form cannot be asked for.
///
/// White space, any order of members and any escape are read. Refused is what readers disagree on (Seriot, *Parsing
/// JSON is a Minefield*, 2016): two members of one name, invalid UTF-8, lone surrogates, bytes after the value, and
/// numbers that are not integers within ±(2⁵³ − 1).
enum StrictJSON {
  /// The most values of a file: each takes memory, however few bytes it has.
  static let maximumValues = 1_000_000

  /// The value in `bytes`; `file` is their name in messages, and `fix` what they say to do.
  /// - Throws: ``SigningError`` with the JSON path and the byte offset of the first problem: `.tooLarge` beyond
  ///   `maximumBytes`, ``maximumValues`` or the depth of `CanonicalJSON`, `.duplicateMember`, `.trailingBytes`, otherwise `.notJSON`.
  /// - Complexity: O(size); recursion is bounded by `CanonicalJSON.maximumDepth`.
  static func read(_ bytes: [UInt8], file: String, maximumBytes: Int, fix: String = Fields.restore)
    throws(SigningError) -> JSONValue
  {
    guard bytes.count <= maximumBytes else {
      throw SigningError(.tooLarge, "\(file): \(bytes.count) bytes; at most \(maximumBytes) are read")
    }
    var parser = Parser(bytes: bytes, file: file, fix: fix)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else {
      throw parser.failure("more bytes follow the end of the value", code: .trailingBytes)
    }
    return value
  }

  private struct Parser {
    let bytes: [UInt8]
    let file: String
    let fix: String
    var position = 0
    var count = 0
    var path = "$"

    init(bytes: [UInt8], file: String, fix: String) {
      self.bytes = bytes
      self.file = file
      self.fix = fix
    }

    func failure(_ problem: String, code: SigningError.Code = .notJSON) -> SigningError {
      SigningError(code, "\(file): at \(path) (byte \(position)): \(problem); \(fix)")
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
      while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    mutating func skip(_ word: StaticString) throws(SigningError) {
      let expected = Array(word.description.utf8)
      guard bytes[position...].starts(with: expected) else { throw failure("expected `\(word)`") }
      position += expected.count
    }

    mutating func value(depth: Int) throws(SigningError) -> JSONValue {
      guard depth < CanonicalJSON.maximumDepth else {
        throw failure("nested deeper than \(CanonicalJSON.maximumDepth) levels", code: .tooLarge)
      }
      count += 1
      guard count <= StrictJSON.maximumValues else {
        throw failure("more than \(StrictJSON.maximumValues) values", code: .tooLarge)
      }
      skipSpace()
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
      case nil: throw failure("the file ends too early")
      case let byte? where byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
        return try integer()
      default: throw failure("this byte starts no JSON value")
      }
    }

    mutating func integer() throws(SigningError) -> JSONValue {
      let isNegative = next == UInt8(ascii: "-")
      if isNegative { position += 1 }
      let first = position
      var magnitude = 0
      while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
        magnitude = magnitude * 10 + Int(byte - UInt8(ascii: "0"))
        guard magnitude <= CanonicalJSON.maximumInteger else {
          throw failure("an integer beyond ±\(CanonicalJSON.maximumInteger)")
        }
        position += 1
      }
      guard position > first, position == first + 1 || bytes[first] != UInt8(ascii: "0") else {
        throw failure("a number without digits or with leading zeros")
      }
      if let byte = next, byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        throw failure("a number that is not an integer")
      }
      return .integer(isNegative ? -magnitude : magnitude)
    }

    mutating func string() throws(SigningError) -> String {
      position += 1
      var content: [UInt8] = []
      while let byte = next {
        switch byte {
        case UInt8(ascii: "\""):
          guard let text = String(validating: content, as: UTF8.self) else {
            throw failure("a string that is not UTF-8")
          }
          position += 1
          return text
        case UInt8(ascii: "\\"): content += try escape()
        case 0..<0x20: throw failure("a control character inside a string")
        default:
          content.append(byte)
          position += 1
        }
      }
      throw failure("the file ends inside a string")
    }

    mutating func escape() throws(SigningError) -> [UInt8] {
      position += 1
      let escape = next
      position += 1
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return escape.map { [$0] } ?? []
      case UInt8(ascii: "b"): return [0x08]
      case UInt8(ascii: "t"): return [0x09]
      case UInt8(ascii: "n"): return [0x0A]
      case UInt8(ascii: "f"): return [0x0C]
      case UInt8(ascii: "r"): return [0x0D]
      case UInt8(ascii: "u"):
        var code = try hexadecimal()
        if (0xD800...0xDBFF).contains(code) {
          guard bytes[min(position, bytes.count)...].starts(with: Array("\\u".utf8)) else {
            throw failure("half of a surrogate pair")
          }
          position += 2
          let low = try hexadecimal()
          guard (0xDC00...0xDFFF).contains(low) else { throw failure("half of a surrogate pair") }
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
        return Array(String(Character(scalar)).utf8)
      default: throw failure("an escape that JSON does not have")
      }
    }

    private mutating func hexadecimal() throws(SigningError) -> UInt32 {
      var code: UInt32 = 0
      for _ in 0..<4 {
        guard let digit = next.flatMap(Hexadecimal.value) else { throw failure("`\\u` without four digits") }
        code = code << 4 | UInt32(digit)
        position += 1
      }
      return code
    }

    mutating func array(depth: Int) throws(SigningError) -> JSONValue {
      position += 1
      var elements: [JSONValue] = []
      skipSpace()
      if next == UInt8(ascii: "]") {
        position += 1
        return .array([])
      }
      let outer = path
      while true {
        path = "\(outer)[\(elements.count)]"
        elements.append(try value(depth: depth + 1))
        path = outer
        skipSpace()
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

    mutating func object(depth: Int) throws(SigningError) -> JSONValue {
      position += 1
      var members: [String: JSONValue] = [:]
      skipSpace()
      if next == UInt8(ascii: "}") {
        position += 1
        return .object([:])
      }
      let outer = path
      while true {
        skipSpace()
        let start = position
        guard next == UInt8(ascii: "\"") else {
          throw failure(next == nil ? "the file ends too early" : "expected the name of a member in quotes")
        }
        let name = try string()
        guard members[name] == nil else {
          position = start
          throw failure("two members named \"\(name.prefix(100))\"", code: .duplicateMember)
        }
        skipSpace()
        try skip(":")
        path = "\(outer).\(name.prefix(100))"
        members[name] = try value(depth: depth + 1)
        path = outer
        skipSpace()
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
