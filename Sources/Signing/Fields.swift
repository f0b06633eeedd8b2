internal import Certificates

/// A JSON value with its place in a file: typed access whose errors name the file, the path and the fix.
struct Fields {
  let value: JSONValue
  let path: String
  let file: String
  /// What to do about a damaged file, as an imperative.
  let fix: String

  static let restore = "restore the file as it was written, or sign anew"

  init(_ value: JSONValue, file: String, fix: String = Fields.restore) {
    self.init(value: value, path: "$", file: file, fix: fix)
  }

  private init(value: JSONValue, path: String, file: String, fix: String) {
    self.value = value
    self.path = path
    self.file = file
    self.fix = fix
  }

  func failure(_ problem: String, code: SigningError.Code = .malformed) -> SigningError {
    SigningError(code, "\(file): \(path) \(problem); \(fix)")
  }

  private func members() throws(SigningError) -> [String: JSONValue] {
    guard case .object(let members) = value else { throw failure("is \(value.typeName); expected an object") }
    return members
  }

  /// A member that must be there.
  func member(_ name: String) throws(SigningError) -> Fields {
    guard let member = try optional(name) else { throw failure("lacks the field \"\(name)\"") }
    return member
  }

  /// A member that may be absent.
  func optional(_ name: String) throws(SigningError) -> Fields? {
    try members()[name].map { Fields(value: $0, path: "\(path).\(name)", file: file, fix: fix) }
  }

  /// Refuses members of other names.
  func only(_ names: Set<String>) throws(SigningError) {
    for name in try members().keys.sorted() where !names.contains(name) {
      throw failure("has an unknown field \"\(name.prefix(100))\"")
    }
  }

  func array(_ counts: ClosedRange<Int>) throws(SigningError) -> [Fields] {
    guard case .array(let elements) = value else { throw failure("is \(value.typeName); expected an array") }
    guard counts.contains(elements.count) else {
      throw failure(
        "has \(elements.count) elements; expected \(counts.lowerBound) to \(counts.upperBound)",
        code: elements.count > counts.upperBound ? .tooLarge : .malformed)
    }
    return elements.enumerated().map { Fields(value: $1, path: "\(path)[\($0)]", file: file, fix: fix) }
  }

  func text(maximumBytes: Int = 4096) throws(SigningError) -> String {
    guard case .string(let text) = value else { throw failure("is \(value.typeName); expected a string") }
    guard text.utf8.count <= maximumBytes else {
      throw failure("has \(text.utf8.count) bytes; at most \(maximumBytes) are allowed", code: .tooLarge)
    }
    return text
  }

  /// A text that is not empty and has no control characters.
  func line(maximumBytes: Int = 4096) throws(SigningError) -> String {
    let text = try text(maximumBytes: maximumBytes)
    guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw failure("is empty or has control characters")
    }
    return text
  }

  func digest() throws(SigningError) -> String {
    let text = try text()
    guard SHA256Digest.isValid(text) else { throw failure("is no digest; expected 64 lowercase hexadecimal digits") }
    return text
  }

  func timestamp() throws(SigningError) -> Timestamp {
    let text = try text()
    guard let time = Timestamp(text: text) else {
      throw failure("is \"\(text.prefix(100))\"; expected a time in UTC like 2026-05-01T12:00:00Z")
    }
    return time
  }

  /// The bytes of a text in base64, of at most `maximumBytes`.
  func base64(maximumBytes: Int) throws(SigningError) -> [UInt8] {
    guard let bytes = Base64.decode(try text(maximumBytes: (maximumBytes + 2) / 3 * 4)) else {
      throw failure("is not the base64 encoding of any bytes (padded, without white space)", code: .notBase64)
    }
    guard bytes.count <= maximumBytes else { throw failure("has more than \(maximumBytes) bytes", code: .tooLarge) }
    return bytes
  }
}
