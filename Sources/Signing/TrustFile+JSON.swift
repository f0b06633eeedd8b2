internal import Certificates

extension TrustFile {
  /// Reads a trust file; `file` is its name in messages.
  /// - Throws: ``SigningError`` with the place and the fix: `.tooLarge`, `.notJSON`, `.duplicateMember`,
  ///   `.trailingBytes`, `.unsupported` for another format, `.malformed`, `.notBase64`, `.key`.
  public init(bytes: [UInt8], file: String) throws(SigningError) {
    let fix = "correct the trust file (docs/signing.md describes it)"
    let value = try StrictJSON.read(bytes, file: file, maximumBytes: Self.maximumBytes, fix: fix)
    let fields = Fields(value, file: file, fix: fix)
    let format = try fields.member("format")
    guard try format.text() == Self.format else {
      throw format.failure("is \"\(try format.text().prefix(100))\"; expected \"\(Self.format)\"", code: .unsupported)
    }
    try fields.only(["format", "keys"])
    var keys: [TrustedKey] = []
    var ids: Set<String> = []
    for element in try fields.member("keys").array(0...Self.maximumKeys) {
      let key = try TrustedKey(element)
      guard ids.insert(key.id).inserted else {
        throw element.failure("is the second entry of the key \(key.id)", code: .duplicateMember)
      }
      keys.append(key)
    }
    self.init(keys: keys)
  }

  /// Reads a trust file.
  public init(contentsOf path: String) throws(SigningError) {
    let bytes = try SigningError.translating { () throws(CertificateError) in
      try BoundedFile.read(path, maximumBytes: Self.maximumBytes)
    }
    try self.init(bytes: bytes, file: path)
  }

  /// Writes the file in one step.
  public func write(to path: String) throws(SigningError) {
    try SigningError.translating { () throws(CertificateError) in try AtomicFile.write(encoded, to: path) }
  }

  /// The file for people: one member a line.
  public var encoded: [UInt8] {
    func text(_ value: JSONValue) -> String { String(decoding: CanonicalJSON.encode(value), as: UTF8.self) }
    let entries = keys.map { key in
      let members = key.members.map { "      \(text(.string($0.name))): \(text(.string($0.value)))" }
      return "    {\n\(members.joined(separator: ",\n"))\n    }"
    }
    let list = entries.isEmpty ? "[]" : "[\n\(entries.joined(separator: ",\n"))\n  ]"
    return Array("{\n  \"format\": \(text(.string(Self.format))),\n  \"keys\": \(list)\n}\n".utf8)
  }
}

extension TrustedKey {
  /// The entry in a trust file.
  var members: [(name: String, value: String)] {
    var members = [
      ("id", id), ("publicKey", Base64.encode(publicKey.der)), ("purpose", purpose.rawValue),
      ("validFrom", "\(validFrom)"), ("validUntil", "\(validUntil)"), ("state", state.name),
    ]
    switch state {
    case .active: break
    case .retired(let time): members.append(("retiredAt", "\(time)"))
    case .revoked(let time, let reason): members += [("revokedAt", "\(time)"), ("reason", reason)]
    }
    return members
  }

  init(_ fields: Fields) throws(SigningError) {
    let keyField = try fields.member("publicKey")
    let publicKey = try PublicKey(
      der: try keyField.base64(maximumBytes: 1024), source: "\(keyField.file): \(keyField.path)")
    let id = try fields.member("id")
    guard try id.text() == publicKey.id else {
      throw id.failure("is not the id of its publicKey, which is \(publicKey.id)", code: .key)
    }
    let purposeField = try fields.member("purpose")
    guard let purpose = Purpose(rawValue: try purposeField.text()) else {
      throw purposeField.failure(
        "is \"\(try purposeField.text().prefix(100))\"; expected "
          + Purpose.allCases.map(\.rawValue).joined(separator: " or "))
    }
    guard publicKey.algorithm == purpose.algorithm else {
      throw keyField.failure(
        "is of \(publicKey.algorithm.rawValue); keys for \(purpose.rawValue) are of \(purpose.algorithm.rawValue)",
        code: .key)
    }
    let validFrom = try fields.member("validFrom").timestamp()
    let untilField = try fields.member("validUntil")
    let validUntil = try untilField.timestamp()
    guard validFrom < validUntil else { throw untilField.failure("is not after validFrom, \(validFrom)") }
    var names: Set = ["id", "publicKey", "purpose", "validFrom", "validUntil", "state"]
    let stateField = try fields.member("state")
    let state: State
    switch try stateField.text() {
    case "active": state = .active
    case "retired":
      names.insert("retiredAt")
      state = .retired(try fields.member("retiredAt").timestamp())
    case "revoked":
      names.formUnion(["revokedAt", "reason"])
      state = .revoked(
        try fields.member("revokedAt").timestamp(),
        reason: try fields.member("reason").line(maximumBytes: TrustFile.maximumReasonBytes))
    case let other:
      throw stateField.failure("is \"\(other.prefix(100))\"; expected active, retired or revoked")
    }
    try fields.only(names)
    self.init(publicKey: publicKey, purpose: purpose, validFrom: validFrom, validUntil: validUntil, state: state)
  }
}
