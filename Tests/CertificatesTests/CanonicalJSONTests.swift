import Certificates
import TestHelpers
import Testing

@Suite struct CanonicalJSONTests {
  static func read(_ text: String) throws -> JSONValue {
    try CanonicalJSON.read(Array(text.utf8), file: "a.json")
  }

  @Test func encodesAsRFC8785Does() {
    let value = JSONValue.object([
      "b": .array([.integer(-7), .null, .boolean(true), .array([]), .object([:])]),
      "a": .string("\u{8}\t\n\u{C}\r\"\\/\u{0}\u{1F}\u{7F}é€😀"),
      "": .integer(CanonicalJSON.maximumInteger),
    ])
    #expect(
      String(decoding: CanonicalJSON.encode(value), as: UTF8.self)
        == #"{"":9007199254740991,"a":"\b\t\n\f\r\"\\/\u0000\u001f"# + "\u{7F}é€😀"
        + #"","b":[-7,null,true,[],{}]}"#)
  }

  /// The example of RFC 8785, §3.2.3: the order of UTF-16 code units is not that of UTF-8 bytes.
  @Test func sortsNamesByTheirUTF16CodeUnits() throws {
    let names = ["\r", "1", "\u{80}", "ö", "€", "😀", "\u{FB33}"]
    let value = JSONValue.object(Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, .integer($0)) }))
    let bytes = CanonicalJSON.encode(value)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text == "{\"\\r\":0,\"1\":1,\"\u{80}\":2,\"ö\":3,\"€\":4,\"😀\":5,\"\u{FB33}\":6}")
    #expect(try CanonicalJSON.read(bytes, file: "a.json") == value)
  }

  @Test(arguments: [
    (#" {}"#, "$", 0, "white space outside a string"),
    (#"{} "#, "$", 2, "more bytes follow the end of the value"),
    (#"{"a": 1}"#, "$.a", 5, "white space outside a string"),
    (#"{"b":1,"a":2}"#, "$", 7, #"the member "a" is doubled or not in sorted order"#),
    (#"{"a":1,"a":2}"#, "$", 7, #"the member "a" is doubled or not in sorted order"#),
    (#"{"a":[1,2.5]}"#, "$.a[1]", 9, "a number that is not an integer; such numbers are written as text"),
    (#"[1e3]"#, "$[0]", 2, "a number that is not an integer; such numbers are written as text"),
    (#"[9007199254740992]"#, "$[0]", 16, "an integer beyond ±9007199254740991"),
    (#"[-9007199254740992]"#, "$[0]", 17, "an integer beyond ±9007199254740991"),
    ("[" + String(repeating: "9", count: 400) + "]", "$[0]", 16, "an integer beyond ±9007199254740991"),
    (#"[01]"#, "$[0]", 1, "an integer that is not in its shortest form"),
    (#"[-0]"#, "$[0]", 1, "an integer that is not in its shortest form"),
    (#"[-]"#, "$[0]", 1, "an integer that is not in its shortest form"),
    (#"["\/"]"#, "$[0]", 2, "an escape that the canonical form does not use"),
    (#"["\u0041"]"#, "$[0]", 2, "an escape that the canonical form does not use"),
    (#"["\u000A"]"#, "$[0]", 2, "an escape that the canonical form does not use"),
    (#"["\u001F"]"#, "$[0]", 2, "an escape that the canonical form does not use"),
    (#"["\"#, "$[0]", 2, "an escape that the canonical form does not use"),
    ("[\"\n\"]", "$[0]", 2, "a control character inside a string"),
    (#"["ab"#, "$[0]", 4, "the file ends inside a string"),
    (#"{"a""#, "$", 4, "expected `:`"),
    (#"{"a":1"#, "$", 6, "the file ends too early"),
    (#"[1 2]"#, "$", 2, "expected `,` or `]`"),
    (#"{a:1}"#, "$", 1, "expected the name of a member in quotes"),
    (#"[NaN]"#, "$[0]", 1, "this byte starts no JSON value"),
    (#"[nul]"#, "$[0]", 1, "expected `null`"),
    ("", "$", 0, "the file ends too early"),
    ("{\"\u{E9}\":1,\"e\u{301}\":2}", "$", 8, "the member \"e\u{301}\" is doubled or not in sorted order"),
    (
      "{\"e\u{301}\":1,\"\u{E9}\":2}", "$", 9,
      "two members named \"\u{E9}\" that differ only in their Unicode form"
    ),
  ]) func refusesWhatItWouldNotWrite(text: String, path: String, byte: Int, problem: String) {
    let error = #expect(throws: CertificateError.self) { try Self.read(text) }
    #expect(error?.code == .notCanonical)
    #expect(
      error?.message
        == "a.json: at \(path) (byte \(byte)): \(problem); restore the file as it was written or write it anew")
  }

  @Test func refusesInvalidUTF8() {
    for bytes: [UInt8] in [[0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] {
      let error = #expect(throws: CertificateError.self) {
        try CanonicalJSON.read([0x22] + bytes + [0x22], file: "a.json")
      }
      #expect(error?.message.contains("a string that is not UTF-8") == true)
    }
  }

  @Test func refusesWhatPassesItsBounds() {
    let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
    let error = #expect(throws: CertificateError.self) { try Self.read(deep) }
    #expect(error?.message.contains("nested deeper than 32 levels") == true)
    #expect(throws: Never.self) { try Self.read(String(deep.dropFirst().dropLast())) }
    let large = #expect(throws: CertificateError.self) {
      try CanonicalJSON.read([UInt8](repeating: 0x20, count: CanonicalJSON.maximumBytes + 1), file: "a.json")
    }
    #expect(large?.code == .tooLarge)
  }

  @Test(arguments: [UInt64(1), 2, 3]) func readsEveryValueThatItWrites(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    func value(_ depth: Int) -> JSONValue {
      switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
      case 0: return .null
      case 1: return .boolean(Bool.random(using: &random))
      case 2:
        return .integer(Int.random(in: -CanonicalJSON.maximumInteger...CanonicalJSON.maximumInteger, using: &random))
      case 3: return .string(text())
      case 4: return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth - 1) })
      default:
        let pairs = (0..<Int.random(in: 0..<5, using: &random)).map { _ in (text(), value(depth - 1)) }
        return .object(Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
      }
    }
    func text() -> String {
      var scalars = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0..<6, using: &random) {
        let range: ClosedRange<UInt32> = [0...0x7F, 0x80...0x7FF, 0x1F300...0x1F6FF][
          Int.random(in: 0..<3, using: &random)]
        if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { scalars.append(scalar) }
      }
      return String(scalars)
    }
    for _ in 0..<500 {
      let value = value(4)
      let bytes = CanonicalJSON.encode(value)
      let back = try CanonicalJSON.read(bytes, file: "a.json")
      #expect(back == value)
      #expect(CanonicalJSON.encode(back) == bytes)
    }
  }

  /// Whatever bytes are accepted are the canonical encoding of what they are read as.
  @Test(arguments: [UInt64(11), 12]) func acceptsOnlyWhatItWouldWrite(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let start = Array(#"{"a":[1,-20,"x\n\u0001é"],"b":{"c":null,"d":true}}"#.utf8)
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = start
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: place)
        }
      }
      guard let value = try? CanonicalJSON.read(bytes, file: "a.json") else { continue }
      accepted += 1
      #expect(CanonicalJSON.encode(value) == bytes)
    }
    #expect(accepted > 100)
  }
}
