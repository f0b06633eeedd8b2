internal import Certificates

/// A signed payload: Dead Simple Signing Envelope v1.0.2 (secure-systems-lab/dsse), with its signatures.
///
/// What an envelope says is a claim; ``verified(by:for:now:timeOf:)`` makes a ``VerifiedEnvelope`` of it.
public struct DSSEEnvelope: Sendable, Hashable {
  /// The type of every payload here (in-toto attestation, *Envelope*).
  public static let payloadType = "application/vnd.in-toto+json"
  /// The most bytes of a payload, of an envelope or bundle, and the most signatures.
  public static let maximumPayloadBytes = 16 << 20
  public static let maximumBytes = 24 << 20
  public static let maximumSignatures = 16
  static let maximumKeyIDBytes = 256

  public struct Signature: Sendable, Hashable {
    /// Says which key to try; nobody has signed it.
    public let keyID: String
    public let bytes: [UInt8]
  }

  public let payload: [UInt8]
  /// No two with one key id. None when nobody signed, which ``verified(by:for:now:file:timeOf:)`` refuses.
  public let signatures: [Signature]

  /// Signs `payload` with each key; with none, it is an unsigned envelope.
  /// - Precondition: at most ``maximumSignatures`` different keys.
  /// - Throws: ``SigningError`` `.tooLarge` for a payload of more than ``maximumPayloadBytes``; `.key`.
  public init(signing payload: [UInt8], with keys: [PrivateKey]) throws(SigningError) {
    precondition(keys.count <= Self.maximumSignatures, "an envelope has at most 16 signatures")
    precondition(Set(keys.map(\.publicKey.id)).count == keys.count, "a key signs once")
    guard payload.count <= Self.maximumPayloadBytes else {
      throw SigningError(
        .tooLarge, "cannot sign \(payload.count) bytes; at most \(Self.maximumPayloadBytes) are read back")
    }
    let message = Self.preAuthenticationEncoding(type: Self.payloadType, payload: payload)
    var signatures: [Signature] = []
    for key in keys {
      signatures.append(Signature(keyID: key.publicKey.id, bytes: try key.signature(for: message)))
    }
    self.payload = payload
    self.signatures = signatures
  }

  /// What is signed: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in bytes (DSSE protocol, *Signature
  /// Definition*).
  public static func preAuthenticationEncoding(type: String, payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }

  /// The envelope as JSON, ending in a newline.
  public var encoded: [UInt8] { CanonicalJSON.encode(json) + [UInt8(ascii: "\n")] }

  var json: JSONValue {
    .object([
      "payload": .string(Base64.encode(payload)),
      "payloadType": .string(Self.payloadType),
      "signatures": .array(
        signatures.map { .object(["keyid": .string($0.keyID), "sig": .string(Base64.encode($0.bytes))]) }),
    ])
  }

  /// Reads an envelope; `file` is its name in messages.
  ///
  /// Members that DSSE does not name are passed over, as it asks for: they are not signed and never looked at, a key
  /// among them least of all.
  /// - Throws: ``SigningError`` with the place and the fix: `.tooLarge`, `.notJSON`, `.duplicateMember`,
  ///   `.trailingBytes`, `.malformed`, `.notBase64`, `.payloadType`, `.noKeyID`.
  public init(bytes: [UInt8], file: String) throws(SigningError) {
    try self.init(Fields(try StrictJSON.read(bytes, file: file, maximumBytes: Self.maximumBytes), file: file))
  }

  init(_ fields: Fields) throws(SigningError) {
    let type = try fields.member("payloadType")
    guard try type.text() == Self.payloadType else {
      throw type.failure("is \"\(try type.text().prefix(100))\"; expected \"\(Self.payloadType)\"", code: .payloadType)
    }
    payload = try fields.member("payload").base64(maximumBytes: Self.maximumPayloadBytes)
    var signatures: [Signature] = []
    for element in try fields.member("signatures").array(0...Self.maximumSignatures) {
      guard let keyID = try element.optional("keyid"), keyID.value != .string("") else {
        throw element.failure("has no keyid, so it does not say by which key it is", code: .noKeyID)
      }
      let signature = Signature(
        keyID: try keyID.line(maximumBytes: Self.maximumKeyIDBytes),
        bytes: try element.member("sig").base64(maximumBytes: 1024))
      guard !signatures.contains(where: { $0.keyID == signature.keyID }) else {
        throw element.failure("is a second signature with the same keyid", code: .duplicateMember)
      }
      signatures.append(signature)
    }
    self.signatures = signatures
  }
}
