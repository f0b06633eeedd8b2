import Certificates
import Testing

@testable import Signing

@Suite struct EncodingTests {
  @Test func readsWhatOtherProgramsWrite() throws {
    let text = " { \"a\\u00e9\\n\" : [ 1 , -2, true ,null ],\r\n\t\"\\ud83d\\ude00\": \"\\/\" } \n"
    #expect(
      try StrictJSON.read(Array(text.utf8), file: "f", maximumBytes: 1000)
        == .object(["aé\n": .array([.integer(1), .integer(-2), .boolean(true), .null]), "😀": .string("/")]))
  }

  @Test(arguments: [
    ("{\"a\":1,\"a\":1}", SigningError.Code.duplicateMember), ("{\"a\":1,\"\\u0061\":2}", .duplicateMember),
    ("{\"\u{E9}\":1,\"e\u{301}\":2}", .duplicateMember), ("{} {}", .trailingBytes), ("{}x", .trailingBytes),
    ("1.5", .notJSON), ("1e3", .notJSON), ("01", .notJSON), ("-", .notJSON), ("9007199254740992", .notJSON),
    ("99999999999999999999999999", .notJSON), ("\"\\ud800\"", .notJSON), ("\"\\udc00\"", .notJSON),
    ("\"\\ud800\\u0041\"", .notJSON), ("\"\\x\"", .notJSON), ("\"\\u12", .notJSON), ("\"\\", .notJSON),
    ("\"a\nb\"", .notJSON), ("\"abc", .notJSON), ("{\"a\"", .notJSON), ("{\"a\":", .notJSON), ("{a:1}", .notJSON),
    ("[1,]", .notJSON), ("[1 2]", .notJSON), ("", .notJSON), ("nul", .notJSON), ("NaN", .notJSON),
    (String(repeating: "[", count: 100_000), .tooLarge),
    ("\"" + String(repeating: "a", count: 200_000) + "\"", .tooLarge),
  ])
  func refusesWhatReadersDisagreeOn(text: String, code: SigningError.Code) {
    #expect(
      refusal { () throws(SigningError) in
        try StrictJSON.read(Array(text.utf8), file: "f", maximumBytes: 150_000)
      } == code)
  }

  @Test func boundsTheNumberOfValues() throws {
    func text(_ count: Int) -> [UInt8] { Array(("[" + String(repeating: "0,", count: count - 2) + "0]").utf8) }
    func code(_ count: Int) -> SigningError.Code? {
      refusal { () throws(SigningError) in try StrictJSON.read(text(count), file: "f", maximumBytes: 10_000_000) }
    }
    #expect(code(StrictJSON.maximumValues) == nil)
    #expect(code(StrictJSON.maximumValues + 1) == .tooLarge)
  }

  @Test func namesThePlace() {
    let error = #expect(throws: SigningError.self) {
      try StrictJSON.read(Array("{\"a\":[1,{\"b\":x}]}".utf8), file: "trust.json", maximumBytes: 100)
    }
    #expect(
      error?.message
        == "trust.json: at $.a[1].b (byte 13): this byte starts no JSON value; restore the file as it was written, or "
        + "sign anew")
  }

  @Test func refusesInvalidUTF8() {
    #expect(
      refusal { () throws(SigningError) in
        try StrictJSON.read([0x22, 0xC3, 0x28, 0x22], file: "f", maximumBytes: 100)
      } == .notJSON)
  }

  /// The vectors of RFC 4648, §10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64IsThatOfTheStandard(bytes: String, text: String) {
    #expect(Base64.encode(Array(bytes.utf8)) == text)
    #expect(Base64.decode(text) == Array(bytes.utf8))
  }

  @Test(arguments: ["Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm9v====", "_-8=", "Zm9v!", "=", "Zg==Zg=="])
  func refusesOtherBase64(text: String) { #expect(Base64.decode(text) == nil) }

  @Test func pemIsAsOpenSSLWritesIt() {
    let bytes = [UInt8](0..<50)
    let text =
      "-----BEGIN X-----\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\nMDE=\n-----END X-----\n"
    #expect(PEM.encode(bytes, label: "X") == text)
    #expect(PEM.blocks(text) == [PEM.Block(label: "X", bytes: bytes)])
    #expect(PEM.blocks("note\r\n" + text.replacing("\n", with: "\r\n")) == [PEM.Block(label: "X", bytes: bytes)])
    #expect(PEM.blocks(text + text)?.count == 2)
    #expect(PEM.blocks(String(text.dropLast(10))) == nil)
    #expect(PEM.blocks(text.replacing("-----END X", with: "-----END Y")) == nil)
    #expect(PEM.blocks("-----BEGIN X-----\n" + text) == nil)
    #expect(PEM.blocks("") == [])
  }
}
