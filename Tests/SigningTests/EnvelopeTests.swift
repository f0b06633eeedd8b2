import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

@Suite struct EnvelopeTests {
  let signer = Signer()

  /// The vector of the DSSE protocol.
  @Test func encodesWhatIsSignedAsTheProtocolSays() {
    #expect(
      DSSEEnvelope.preAuthenticationEncoding(type: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
        == Array("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8))
    #expect(DSSEEnvelope.preAuthenticationEncoding(type: "é", payload: []) == Array("DSSEv1 2 é 0 ".utf8))
  }

  private func verify(
    _ bytes: [UInt8], _ trust: TrustFile? = nil, at now: Timestamp = Signer.now,
    madeAt time: StatementTime = .claimed(Signer.start)
  ) throws(SigningError) -> VerifiedEnvelope {
    try DSSEEnvelope(bytes: bytes, file: "a.json").verified(
      by: trust ?? signer.trust, for: .certificates, now: now, file: "a.json"
    ) { (_: [UInt8]) throws(SigningError) in time }
  }

  private func envelope(_ payload: String = "{\"a\":1}", _ keys: [PrivateKey]? = nil) throws -> [UInt8] {
    try DSSEEnvelope(signing: Array(payload.utf8), with: keys ?? [signer.key]).encoded
  }

  @Test func verifiesItsOwn() throws {
    let verified = try verify(try envelope())
    #expect(verified.payload == Array("{\"a\":1}".utf8))
    #expect(verified.keyIDs == [signer.key.publicKey.id])
  }

  static let tampered: [(name: String, code: SigningError.Code, change: @Sendable (inout Document) -> Void)] = [
    ("payload bit", .badSignature, { $0.flipPayload() }),
    ("signature bit", .badSignature, { $0.flipSignature() }),
    ("signature empty", .badSignature, { $0.setSignature("sig", "") }),
    ("signature long", .badSignature, { $0.setSignature("sig", Data(count: 200).base64EncodedString()) }),
    ("keyid", .unknownKey, { $0.setSignature("keyid", String(repeating: "0", count: 64)) }),
    ("keyid empty", .noKeyID, { $0.setSignature("keyid", "") }),
    ("keyid missing", .noKeyID, { $0.setSignature("keyid", nil) }),
    ("keyid of another type", .malformed, { $0.setSignature("keyid", 7) }),
    ("payloadType", .payloadType, { $0.set("payloadType", "application/json") }),
    ("payload not base64", .notBase64, { $0.set("payload", "eyJhIjoxfQ") }),
    ("payload of another type", .malformed, { $0.set("payload", 1) }),
    ("no signatures", .unsigned, { $0.set("signatures", [Any]()) }),
    ("signatures missing", .malformed, { $0.members["signatures"] = nil }),
    ("too many signatures", .tooLarge, { $0.set("signatures", [Any](repeating: ["sig": ""], count: 17)) }),
  ]

  @Test(arguments: EnvelopeTests.tampered.indices)
  func refusesWhatWasTamperedWith(index: Int) throws {
    let (name, code, change) = Self.tampered[index]
    var document = try Document(try envelope())
    change(&document)
    let bytes = try document.bytes
    #expect(refusal { () throws(SigningError) in try verify(bytes) } == code, "\(name)")
  }

  @Test func refusesBytesThatReadersDisagreeOn() throws {
    let bytes = try envelope()
    let text = String(decoding: bytes, as: UTF8.self)
    for (changed, code) in [
      (text + "x", SigningError.Code.trailingBytes), (text + text, .trailingBytes),
      (text.replacing("{\"payload\":", with: "{\"payload\":\"\",\"payload\":"), .duplicateMember),
      (text.replacing("\"sig\":", with: "\"sig\":\"\",\"sig\":"), .duplicateMember),
      (String(text.dropLast(3)), .notJSON), (text.replacing("\"sig\":\"", with: "\"sig\":\" "), .notBase64),
    ] {
      #expect(refusal { () throws(SigningError) in try verify(Array(changed.utf8)) } == code)
    }
  }

  @Test func readsOtherLayouts() throws {
    let document = try Document(try envelope())
    let pretty = try JSONSerialization.data(withJSONObject: document.members, options: [.prettyPrinted])
    #expect(try verify([UInt8](pretty)).keyIDs == [signer.key.publicKey.id])
  }

  @Test func aKeyInTheArtifactNeverCounts() throws {
    let other = PrivateKey()
    var document = try Document(try envelope("{}", [other]))
    document.members["publicKey"] = other.publicKey.pem
    document.setSignature("publicKey", other.publicKey.pem)
    let bytes = try document.bytes
    #expect(refusal { () throws(SigningError) in try verify(bytes) } == .unknownKey)
    // Under the id of a trusted key it is a bad signature.
    document.setSignature("keyid", signer.key.publicKey.id)
    let posing = try document.bytes
    #expect(refusal { () throws(SigningError) in try verify(posing) } == .badSignature)
  }

  @Test func oneGoodSignatureOfSeveralIsEnough() throws {
    let other = PrivateKey()
    #expect(try verify(try envelope("{}", [other, signer.key])).keyIDs == [signer.key.publicKey.id])
    let both = TrustFile(keys: [Signer.entry(signer.key.publicKey), Signer.entry(other.publicKey)])
    #expect(
      try verify(try envelope("{}", [other, signer.key]), both).keyIDs == [other.publicKey.id, signer.key.publicKey.id])
    let revoked = TrustFile(keys: [
      Signer.entry(signer.key.publicKey), Signer.entry(other.publicKey, state: .revoked(Signer.start, reason: "lost")),
    ])
    #expect(try verify(try envelope("{}", [other, signer.key]), revoked).keyIDs == [signer.key.publicKey.id])
    // But not beside a bad one that names a trusted key, and not twice by one.
    var document = try Document(try envelope("{}", [other, signer.key]))
    document.flipSignature()
    let bytes = try document.bytes
    #expect(refusal { () throws(SigningError) in try verify(bytes, both) } == .badSignature)
    document.setSignature("keyid", signer.key.publicKey.id)
    let doubled = try document.bytes
    #expect(refusal { () throws(SigningError) in try verify(doubled) } == .duplicateMember)
  }

  @Test func purposeStateAndWindowDecide() throws {
    let bytes = try envelope()
    let id = signer.key.publicKey
    func code(_ state: TrustedKey.State, at now: String, _ time: StatementTime) -> SigningError.Code? {
      refusal { () throws(SigningError) in
        try verify(bytes, TrustFile(keys: [Signer.entry(id, state: state)]), at: Signer.time(now), madeAt: time)
      }
    }
    let (march, june) = (Signer.time("2026-03-01T00:00:00Z"), Signer.time("2026-06-01T00:00:00Z"))
    #expect(code(.active, at: "2026-06-01T00:00:00Z", .claimed(march)) == nil)
    #expect(code(.active, at: "2026-06-01T00:00:00Z", .unknown) == nil)
    // A certificate may be older than the key that signs it later.
    #expect(code(.active, at: "2026-06-01T00:00:00Z", .claimed(Signer.time("2025-01-01T00:00:00Z"))) == nil)
    #expect(code(.active, at: "2026-01-01T00:00:00Z", .unknown) == nil)
    // Clocks may differ by five minutes.
    #expect(code(.active, at: "2025-12-31T23:55:00Z", .unknown) == nil)
    #expect(code(.active, at: "2025-12-31T23:54:59.999Z", .unknown) == .keyNotYetValid)
    #expect(code(.active, at: "2026-12-31T23:59:59Z", .claimed(march)) == nil)
    #expect(code(.active, at: "2027-01-01T00:00:00Z", .claimed(march)) == .keyExpired)
    #expect(code(.active, at: "2026-02-28T23:55:00Z", .claimed(march)) == nil)
    #expect(code(.active, at: "2026-02-28T23:54:59.999Z", .claimed(march)) == .notYetMade)
    // Retired in June: what was signed in March counts until the window ends, what claims June or nothing does not.
    #expect(code(.retired(june), at: "2026-12-31T00:00:00Z", .claimed(march)) == nil)
    #expect(code(.retired(june), at: "2026-12-31T00:00:00Z", .claimed(june)) == .keyRetired)
    #expect(code(.retired(june), at: "2026-12-31T00:00:00Z", .unknown) == .keyRetired)
    #expect(code(.retired(june), at: "2027-01-01T00:00:00Z", .claimed(march)) == .keyExpired)
    // Revoked: only what somebody else saw before.
    let revoked = TrustedKey.State.revoked(june, reason: "stolen")
    #expect(code(revoked, at: "2026-12-31T00:00:00Z", .claimed(march)) == .keyRevoked)
    #expect(code(revoked, at: "2026-12-31T00:00:00Z", .unknown) == .keyRevoked)
    #expect(code(revoked, at: "2026-12-31T00:00:00Z", .witnessed(march)) == nil)
    #expect(code(revoked, at: "2026-12-31T00:00:00Z", .witnessed(june)) == .keyRevoked)
  }

  @Test func aKeyForTheLogSignsNoCertificates() throws {
    let der: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00] + [UInt8](1...32)
    let log = try PublicKey(der: der, source: "log")
    let trust = TrustFile(keys: [
      TrustedKey(publicKey: log, purpose: .log, validFrom: Signer.start, validUntil: Signer.end)
    ])
    var document = try Document(try envelope())
    document.setSignature("keyid", log.id)
    let bytes = try document.bytes
    #expect(refusal { () throws(SigningError) in try verify(bytes, trust) } == .wrongPurpose)
  }
}
