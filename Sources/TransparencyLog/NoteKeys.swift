internal import Crypto

/// Keys of signed notes: Ed25519, signature type 0x01 (C2SP signed-note, the text forms of golang.org/x/mod/sumdb/note).
enum NoteKey {
  static let ed25519: UInt8 = 0x01
  static let maximumNameBytes = 200
  static let maximumTextBytes = 1000

  /// Whether a key may have this name: not empty, no Unicode spaces, no plus, no control characters.
  static func isValidName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= maximumNameBytes
      && name.unicodeScalars.allSatisfy {
        !$0.properties.isWhitespace && $0 != "+" && $0.properties.generalCategory != .control
      }
  }

  /// SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), the first four bytes as a big-endian number.
  static func id(name: String, publicKey: [UInt8]) -> UInt32 {
    let digest = SHA256.hash(data: Array(name.utf8) + [0x0A, ed25519] + publicKey)
    return digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Eight lowercase hexadecimal digits.
  static func text(id: UInt32) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The parts of `name+id+base64(0x01 ‖ 32 bytes)`; nil for any other text.
  static func split(_ text: some Collection<UInt8>) -> (name: String, id: String, key: [UInt8])? {
    guard text.count <= maximumTextBytes else { return nil }
    // Base64 has the plus as well, so that only the first two separate.
    let parts = text.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let name = String(validating: parts[0], as: UTF8.self), isValidName(name),
      let id = String(validating: parts[1], as: UTF8.self),
      let bytes = Base64.decode(parts[2]), bytes.count == 33, bytes[0] == ed25519
    else { return nil }
    return (name, id, Array(bytes.dropFirst()))
  }
}

/// A public key that is trusted to sign notes under a name.
public struct VerifierKey: Sendable, Hashable, CustomStringConvertible {
  public let name: String
  /// The key ID: tells keys of one name apart, and says nothing about who holds the key.
  public let id: UInt32
  /// 32 bytes (RFC 8032).
  public let publicKey: [UInt8]

  /// - Throws: ``LogError``, `.malformedKey`, when the name or the bytes can be no key's.
  public init(name: String, publicKey: [UInt8]) throws(LogError) {
    guard NoteKey.isValidName(name) else {
      throw LogError(
        .malformedKey,
        "\(quoted(name.utf8)) cannot be the name of a key: use 1 to \(NoteKey.maximumNameBytes) bytes without spaces and "
          + "+, such as example.com/models")
    }
    guard publicKey.count == 32, (try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)) != nil else {
      throw LogError(.malformedKey, "the key of \(name) is not the 32 bytes of an Ed25519 key; ask its owner again")
    }
    self.name = name
    self.publicKey = publicKey
    id = NoteKey.id(name: name, publicKey: publicKey)
  }

  /// Reads `name+id+base64`, the form of ``description``.
  /// - Throws: ``LogError``, `.malformedKey`, also when the ID is not the one of name and key.
  public init(text: String) throws(LogError) {
    guard let (name, id, key) = NoteKey.split(text.utf8) else {
      throw LogError(
        .malformedKey,
        "\(quoted(text.utf8)) is no public key of a log; expected NAME+ID+BASE64, as vpals log init prints")
    }
    try self.init(name: name, publicKey: key)
    guard isSame(id, NoteKey.text(id: self.id)) else {
      throw LogError(
        .malformedKey,
        "the key \(quoted(text.utf8)) has the ID \(NoteKey.text(id: self.id)), not the one it says; copy it again")
    }
  }

  /// The vkey text: `name+id+base64(0x01 ‖ key)`.
  public var description: String {
    "\(name)+\(NoteKey.text(id: id))+\(Base64.encode([NoteKey.ed25519] + publicKey))"
  }

  /// `name+id`: enough to tell which key it is.
  public var shortName: String { "\(name)+\(NoteKey.text(id: id))" }

  func isValid(_ signature: [UInt8], of text: [UInt8]) -> Bool {
    guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else {
      return false
    }
    return key.isValidSignature(signature, for: text)
  }
}

/// A private key that signs notes. Only ``secretText`` shows the secret; printing the value does not.
public struct SignerKey: Sendable, CustomStringConvertible, CustomReflectable {
  public let verifier: VerifierKey
  /// The 32 bytes of the private key (RFC 8032).
  private let seed: [UInt8]

  /// A new key from the system's random numbers.
  /// - Throws: ``LogError``, `.malformedKey`, when `name` can be no key's.
  public static func generate(name: String) throws(LogError) -> SignerKey {
    try SignerKey(name: name, seed: Array(Curve25519.Signing.PrivateKey().rawRepresentation))
  }

  /// - Parameter seed: 32 bytes.
  public init(name: String, seed: [UInt8]) throws(LogError) {
    guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
      throw LogError(.malformedKey, "the private key of \(quoted(name.utf8)) is not 32 bytes long")
    }
    verifier = try VerifierKey(name: name, publicKey: Array(key.publicKey.rawRepresentation))
    self.seed = seed
  }

  private static let prefix = Array("PRIVATE+KEY+".utf8)

  /// Reads `PRIVATE+KEY+name+id+base64`. No message shows any of it.
  /// - Throws: ``LogError``, `.malformedKey`, also when the ID is not the one of name and key.
  public init(text: String, file: String) throws(LogError) {
    guard text.utf8.starts(with: Self.prefix), let (name, id, seed) = NoteKey.split(text.utf8.dropFirst(12)) else {
      throw LogError(.malformedKey, "\(file): no private key of a log; expected PRIVATE+KEY+NAME+ID+BASE64")
    }
    try self.init(name: name, seed: seed)
    guard isSame(id, NoteKey.text(id: verifier.id)) else {
      throw LogError(.malformedKey, "\(file): the ID is not the one of name and key; restore the file from a copy")
    }
  }

  /// The skey text: `PRIVATE+KEY+name+id+base64(0x01 ‖ key)`.
  public var secretText: String {
    "PRIVATE+KEY+\(verifier.shortName)+\(Base64.encode([NoteKey.ed25519] + seed))"
  }

  public var description: String { "private key of \(verifier.shortName)" }
  public var customMirror: Mirror { Mirror(self, children: ["verifier": verifier]) }

  func signature(of text: [UInt8]) throws(LogError) -> [UInt8] {
    do {
      return Array(try Curve25519.Signing.PrivateKey(rawRepresentation: seed).signature(for: text))
    } catch {
      throw LogError(.malformedKey, "the key \(verifier.shortName) cannot sign: \(error)")
    }
  }
}
