import ExactArithmetic

/// A JSON value with its place in a file: typed access whose errors name the file, the path and the fix.
struct JSONFields {
  let value: JSONValue
  let path: String
  let file: String

  /// The members of an object that has exactly the expected names.
  struct Members {
    let members: [String: JSONValue]
    let path: String
    let file: String

    /// - Precondition: `name` is among the names that ``JSONFields/object(_:)`` asked for.
    func callAsFunction(_ name: String) throws(CertificateError) -> JSONFields {
      guard let value = members[name] else { preconditionFailure("the field \(name) was not asked for") }
      return JSONFields(value: value, path: "\(path).\(name)", file: file)
    }
  }

  func failure(_ problem: String, code: CertificateError.Code = .malformed) -> CertificateError {
    // Fields of hostile files are repeated in messages.
    let problem = String(
      String.UnicodeScalarView(
        problem.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    return CertificateError(code, "\(file): \(path) \(problem); run `vpals verify` again to write a new certificate")
  }

  func object(_ names: Set<String>) throws(CertificateError) -> Members {
    guard case .object(let members) = value else { throw failure("is \(value.typeName); expected an object") }
    for name in names.sorted() where members[name] == nil { throw failure("lacks the field \"\(name)\"") }
    for name in members.keys.sorted() where !names.contains(name) { throw failure("has an unknown field \"\(name)\"") }
    return Members(members: members, path: path, file: file)
  }

  func array(_ counts: ClosedRange<Int>) throws(CertificateError) -> [JSONFields] {
    guard case .array(let elements) = value else { throw failure("is \(value.typeName); expected an array") }
    guard counts.contains(elements.count) else {
      throw failure("has \(elements.count) elements; expected \(counts.lowerBound) to \(counts.upperBound)")
    }
    return elements.enumerated().map { JSONFields(value: $1, path: "\(path)[\($0)]", file: file) }
  }

  /// Nil for null, otherwise what `read` makes of the value.
  func optional<T>(_ read: (JSONFields) throws(CertificateError) -> T) throws(CertificateError) -> T? {
    value == .null ? nil : try read(self)
  }

  func text(maximumBytes: Int = Certificate.maximumTextBytes) throws(CertificateError) -> String {
    guard case .string(let text) = value else { throw failure("is \(value.typeName); expected a string") }
    guard text.utf8.count <= maximumBytes else {
      throw failure("has \(text.utf8.count) bytes; at most \(maximumBytes) are allowed")
    }
    return text
  }

  /// A text of one line that is not empty.
  func name() throws(CertificateError) -> String {
    let text = try text(maximumBytes: Certificate.maximumNameBytes)
    guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw failure("is empty or has control characters; expected a name")
    }
    return text
  }

  /// The name of a file in the same directory.
  func fileName() throws(CertificateError) -> String {
    let text = try text()
    guard FileName.isValid(text) else {
      throw failure("is \"\(text)\"; expected the name of a file in the certificate's directory")
    }
    return text
  }

  func digest() throws(CertificateError) -> String {
    let text = try text()
    guard SHA256Digest.isValid(text) else { throw failure("is no digest; expected 64 lowercase hexadecimal digits") }
    return text
  }

  func count() throws(CertificateError) -> Int {
    guard case .integer(let number) = value else { throw failure("is \(value.typeName); expected an integer") }
    guard number >= 0 else { throw failure("is \(number); expected 0 or more") }
    return number
  }

  /// An exact number in lowest terms, `n` or `n/d`.
  func rational() throws(CertificateError) -> Rational {
    let text = try text()
    guard let number = Rational(text: text), number.description == text else {
      throw failure(
        "is no exact number in lowest terms (\"n\" or \"n/d\", at most \(Rational.maximumTextLength) characters)")
    }
    return number
  }

  func rationals() throws(CertificateError) -> [Rational] {
    var numbers: [Rational] = []
    for element in try array(1...Certificate.maximumInputs) { numbers.append(try element.rational()) }
    return numbers
  }

  func timestamp() throws(CertificateError) -> Timestamp {
    let text = try text()
    guard let time = Timestamp(text: text) else {
      throw failure("is \"\(text)\"; expected a time in UTC like 2026-05-01T12:00:00Z")
    }
    return time
  }

  /// One member of an object, whatever its others are.
  func member(_ name: String) throws(CertificateError) -> JSONFields {
    guard case .object(let members) = value else { throw failure("is \(value.typeName); expected an object") }
    guard let member = members[name] else { throw failure("lacks the field \"\(name)\"") }
    return JSONFields(value: member, path: "\(path).\(name)", file: file)
  }

  func integer(_ range: ClosedRange<Int>) throws(CertificateError) -> Int {
    guard case .integer(let number) = value else { throw failure("is \(value.typeName); expected an integer") }
    guard range.contains(number) else {
      throw failure("is \(number); expected \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func choice(of words: [String]) throws(CertificateError) -> String {
    let text = try text()
    guard words.contains(text) else { throw failure("is \"\(text)\"; expected \(words.joined(separator: " or "))") }
    return text
  }
}
