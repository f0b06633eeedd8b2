import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

@Suite struct TrustFileTests {
  let directory = TemporaryDirectory()
  let first = PrivateKey().publicKey
  let second = PrivateKey().publicKey

  private var trust: TrustFile {
    TrustFile(keys: [
      Signer.entry(first, state: .revoked(Signer.now, reason: "laptop stolen")), Signer.entry(second),
    ])
  }

  @Test func isWrittenForPeople() throws {
    let text = """
      {
        "format": "vpals-trust/v1",
        "keys": [
          {
            "id": "\(first.id)",
            "publicKey": "\(Base64.encode(first.der))",
            "purpose": "certificates",
            "validFrom": "2026-01-01T00:00:00Z",
            "validUntil": "2027-01-01T00:00:00Z",
            "state": "revoked",
            "revokedAt": "2026-06-01T00:00:00Z",
            "reason": "laptop stolen"
          },
          {
            "id": "\(second.id)",
            "publicKey": "\(Base64.encode(second.der))",
            "purpose": "certificates",
            "validFrom": "2026-01-01T00:00:00Z",
            "validUntil": "2027-01-01T00:00:00Z",
            "state": "active"
          }
        ]
      }

      """
    #expect(String(decoding: trust.encoded, as: UTF8.self) == text)
    #expect(try TrustFile(bytes: trust.encoded, file: "trust.json") == trust)
    #expect(try TrustFile(bytes: TrustFile().encoded, file: "trust.json") == TrustFile())
  }

  static let changes: [(String, String, SigningError.Code)] = [
    ("vpals-trust/v1", "vpals-trust/v2", .unsupported), ("\"purpose\": \"certificates\"", "\"purpose\": \"log\"", .key),
    ("\"purpose\": \"certificates\"", "\"purpose\": \"all\"", .malformed), ("\"active\"", "\"Active\"", .malformed),
    ("\"active\"", "\"retired\"", .malformed), ("\"state\": \"active\"", "\"state\": 1", .malformed),
    ("\"reason\": \"laptop stolen\"", "\"reason\": \"\"", .malformed), ("\"reason\"", "\"why\"", .malformed),
    ("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z", .malformed), ("2027-01-01T00:00:00Z", "2027-01-01", .malformed),
    ("\"state\": \"active\"", "\"state\": \"active\", \"note\": 1", .malformed),
    ("\"keys\"", "\"keyz\"", .malformed), ("\"id\": \"", "\"id\": \"0", .key), ("MFkw", "MFk", .notBase64),
    ("MFkwEwYH", "MFkwEwYI", .key), ("\"format\"", "\"format\": \"vpals-trust/v1\", \"format\"", .duplicateMember),
  ]

  @Test(arguments: changes) func refusesOtherContent(old: String, new: String, code: SigningError.Code) {
    let text = String(decoding: trust.encoded, as: UTF8.self).replacing(old, with: new)
    #expect(refusal { () throws(SigningError) in try TrustFile(bytes: Array(text.utf8), file: "t") } == code)
  }

  @Test func refusesAKeyTwice() throws {
    var document = try Document(trust.encoded)
    let keys = try #require(document.members["keys"] as? [Any])
    document.members["keys"] = keys + [keys[0]]
    let bytes = try document.bytes
    #expect(refusal { () throws(SigningError) in try TrustFile(bytes: bytes, file: "t") } == .duplicateMember)
  }

  @Test func readsKeysOfTheLog() throws {
    let der: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00] + [UInt8](1...32)
    let log = TrustedKey(
      publicKey: try PublicKey(der: der, source: "log"), purpose: .log, validFrom: Signer.start,
      validUntil: Signer.end, state: .retired(Signer.now))
    let trust = TrustFile(keys: [log, Signer.entry(first)])
    #expect(try TrustFile(bytes: trust.encoded, file: "t") == trust)
    #expect(trust.signingKeys(for: .log, at: Signer.now).isEmpty)
    #expect(trust.signingKeys(for: .certificates, at: Signer.now).map(\.id) == [first.id])
  }

  @Test func saysWhoMaySign() throws {
    var trust = TrustFile(keys: [Signer.entry(first)])
    func ids(_ now: String) -> [String] {
      trust.signingKeys(for: .certificates, at: Signer.time(now)).map(\.id)
    }
    #expect(ids("2025-12-31T23:59:59.999Z") == [])
    #expect(ids("2026-01-01T00:00:00Z") == [first.id])
    #expect(ids("2026-12-31T23:59:59.999Z") == [first.id])
    #expect(ids("2027-01-01T00:00:00Z") == [])
    try trust.add(Signer.entry(second))
    #expect(ids("2026-06-01T00:00:00Z") == [first.id, second.id])
    try trust.retire(id: first.id, at: Signer.now)
    #expect(ids("2026-06-01T00:00:00Z") == [second.id])
    #expect(refusal { () throws(SigningError) in try trust.retire(id: first.id, at: Signer.now) } == .refused)
    #expect(refusal { () throws(SigningError) in try trust.add(Signer.entry(first)) } == .exists)
    #expect(
      refusal { () throws(SigningError) in try trust.revoke(id: first.id, at: Signer.now, reason: "a\nb") }
        == .malformed)
    try trust.revoke(id: first.id, at: Signer.now, reason: "lost")
    #expect(
      refusal { () throws(SigningError) in try trust.revoke(id: first.id, at: Signer.now, reason: "x") } == .refused)
    #expect(
      refusal { () throws(SigningError) in try trust.retire(id: "00", at: Signer.now) } == .unknownKey)
    #expect(try TrustFile(bytes: trust.encoded, file: "t") == trust)
  }

  @Test func refusesToSignWhatWouldBeRefused() throws {
    func code(_ key: PublicKey, _ state: TrustedKey.State, at now: String) -> SigningError.Code? {
      let trust = TrustFile(keys: [Signer.entry(first, state: state)])
      return refusal { () throws(SigningError) in
        try trust.checkMaySign(key, for: .certificates, at: Signer.time(now))
      }
    }
    #expect(code(first, .active, at: "2026-06-01T00:00:00Z") == nil)
    #expect(code(second, .active, at: "2026-06-01T00:00:00Z") == .unknownKey)
    #expect(code(first, .active, at: "2025-12-31T23:59:59Z") == .refused)
    #expect(code(first, .active, at: "2027-01-01T00:00:00Z") == .refused)
    #expect(code(first, .retired(Signer.now), at: "2026-03-01T00:00:00Z") == .refused)
    #expect(code(first, .revoked(Signer.now, reason: "x"), at: "2026-03-01T00:00:00Z") == .refused)
    #expect(
      refusal { () throws(SigningError) in
        try TrustFile(keys: [Signer.entry(first)]).checkMaySign(first, for: .log, at: Signer.now)
      } == .wrongPurpose)
  }

  // MARK: The store of keys

  @Test func makesRotatesAndRetires() throws {
    let store = KeyStore(directory: directory.file("a/keys"), trustPath: directory.file("trust.json"))
    #expect(refusal { () throws(SigningError) in try store.rotate(now: Signer.now, days: 10) } == .refused)
    #expect(!FileManager.default.fileExists(atPath: directory.file("a")))
    let one = try store.create(now: Signer.now, days: 10)
    #expect(one.key.validUntil == Signer.time("2026-06-11T00:00:00Z"))
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try mode(one.privatePath) == 0o600)
    #expect(try mode(store.directory) == 0o700)
    #expect(try PrivateKey(contentsOf: one.privatePath).publicKey == one.key.publicKey)
    #expect(
      try PublicKey(pem: String(contentsOfFile: one.publicPath, encoding: .utf8), source: "k") == one.key.publicKey)
    #expect(refusal { () throws(SigningError) in try store.create(now: Signer.now, days: 10) } == .refused)
    let signed = try SignedCertificate.sign(Signer.certificate, with: [try PrivateKey(contentsOf: one.privatePath)])

    let later = Signer.time("2026-06-05T00:00:00Z")
    let two = try store.rotate(now: later, days: 10)
    #expect(two.retired.map(\.id) == [one.key.id])
    #expect(two.retired.map(\.state) == [.retired(later)])
    let trust = try store.trust()
    #expect(trust.keys.map(\.id) == [one.key.id, two.key.id])
    #expect(trust.signingKeys(for: .certificates, at: later).map(\.id) == [two.key.id])
    // The old certificate counts until its key's window ends.
    for (now, code) in [
      ("2026-06-10T23:59:59Z", nil), ("2026-06-11T00:00:00Z", SigningError.Code.keyExpired),
    ] {
      #expect(
        refusal { () throws(SigningError) in
          try SignedCertificate(bytes: signed, trust: trust, now: Signer.time(now), file: "c")
        } == code)
    }
    let gone = try store.retire(id: one.key.id, now: later, revokedBecause: "lost")
    #expect(gone.state == .revoked(later, reason: "lost"))
    #expect(
      refusal { () throws(SigningError) in
        try SignedCertificate(bytes: signed, trust: try store.trust(), now: later, file: "c")
      } == .keyRevoked)
    #expect(try store.retire(id: two.key.id, now: later, revokedBecause: nil).state == .retired(later))
    // Two pairs, and the file that keeps git away.
    #expect(TemporaryDirectory.names(in: store.directory).count == 5)
  }

  @Test func neverWritesOverAKeyOrIntoAnOpenDirectory() throws {
    try directory.write("precious", to: "keys/k.pem", mode: 0o600)
    #expect(
      refusal { () throws(SigningError) in
        try PrivateFile.create(directory.file("keys/k.pem"), "new", mode: 0o600)
      } == .exists)
    #expect(try directory.read("keys/k.pem") == Array("precious".utf8))
    let store = KeyStore(directory: directory.file("keys"), trustPath: directory.file("trust.json"))
    try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: store.directory)
    #expect(refusal { () throws(SigningError) in try store.create(now: Signer.now, days: 1) } == .permissions)
    #expect(TemporaryDirectory.names(in: store.directory) == ["k.pem"])
    #expect(!FileManager.default.fileExists(atPath: store.trustPath))
  }

  @Test func leavesNoKeyBehindWhenTheTrustFileCannotBeWritten() throws {
    try directory.write("{}", to: "trust.json")
    let store = KeyStore(directory: directory.file("keys"), trustPath: directory.file("trust.json"))
    #expect(refusal { () throws(SigningError) in try store.create(now: Signer.now, days: 1) } == .malformed)
    #expect(!FileManager.default.fileExists(atPath: store.directory))
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a file system"))
  func leavesNothingOnAFullDisk() throws {
    let disk = try #require(SmallDisk(kibibytes: 64))
    let store = KeyStore(directory: "\(disk.path)/keys", trustPath: "\(disk.path)/trust.json")
    #expect(mkdir(store.directory, 0o700) == 0)
    #expect(FileManager.default.createFile(atPath: "\(disk.path)/filling", contents: nil))
    let filling = try FileHandle(forWritingTo: URL(filePath: "\(disk.path)/filling"))
    var pages = 0
    while pages < 100, (try? filling.write(contentsOf: Data(count: 4096))) != nil { pages += 1 }
    #expect(pages < 17)
    #expect(refusal { () throws(SigningError) in try store.create(now: Signer.now, days: 1) } == .file)
    #expect(TemporaryDirectory.names(in: store.directory).isEmpty)
    #expect(TemporaryDirectory.names(in: disk.path) == ["filling", "keys"])
    try filling.truncate(atOffset: 0)
    try filling.close()
    let created = try store.create(now: Signer.now, days: 1)
    #expect(disk.makeReadOnly())
    #expect(refusal { () throws(SigningError) in try store.rotate(now: Signer.now, days: 1) } == .file)
    #expect(try store.trust().keys == [created.key])
  }

  @Test func processesThatChangeTheFileTakeTurns() async throws {
    let store = KeyStore(directory: directory.file("keys"), trustPath: directory.file("trust.json"))
    _ = try store.create(now: Signer.now, days: 10)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { (try? store.rotate(now: Signer.now, days: 10)) != nil } }
      for await isDone in group { #expect(isDone) }
    }
    let trust = try store.trust()
    #expect(trust.keys.count == 9)
    #expect(trust.signingKeys(for: .certificates, at: Signer.now).count == 1)
  }

  // MARK: The schema

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaAgrees() throws {
    let program = try #require(PythonTools.program("check-jsonschema"), "run `make deps`")
    let schema = PythonTools.root.appending(path: "schemas/vpals-trust-v1.schema.json").path
    func isAccepted(_ text: String) throws -> Bool {
      try directory.write(text, to: "t.json")
      return try StockTool.run(program, ["--schemafile", schema, directory.file("t.json")]).status == 0
    }
    let text = String(decoding: trust.encoded, as: UTF8.self)
    #expect(try isAccepted(text))
    #expect(try isAccepted(String(decoding: TrustFile().encoded, as: UTF8.self)))
    for (old, new) in [
      ("\"active\"", "\"retired\""), ("\"reason\"", "\"why\""), ("vpals-trust/v1", "vpals-trust/v2"),
      ("\"purpose\": \"certificates\"", "\"purpose\": \"all\""), ("2027-01-01T00:00:00Z", "2027-01-01"),
      ("\"state\": \"active\"", "\"state\": \"active\", \"note\": 1"), ("\"id\": \"", "\"id\": \"0"),
    ] {
      #expect(try !isAccepted(text.replacing(old, with: new)), "\(old)")
    }
  }
}
