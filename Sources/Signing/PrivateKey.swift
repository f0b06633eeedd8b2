internal import Crypto
internal import FoundationEssentials

/// A private key of P-256, which signs certificates and models.
///
/// Signatures use a fresh random number each (FIPS 186-5, §6.3), so two signatures of one message differ; compare
/// payloads, never signatures.
public struct PrivateKey: Sendable {
  /// The identifier of P-256 (prime256v1, 1.2.840.10045.3.1.7) in DER.
  private static let curve: [UInt8] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
  /// As the parameter of the algorithm id-ecPublicKey in PKCS#8 (RFC 5480, §2.1.1), and as `parameters` in SEC 1.
  private static let pkcs8Curve = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01] + curve
  private static let sec1Curve = [0xA0, 0x0A] + curve

  private let key: P256.Signing.PrivateKey
  public let publicKey: PublicKey

  /// A new key from the system's random numbers.
  public init() { self.init(P256.Signing.PrivateKey()) }

  private init(_ key: P256.Signing.PrivateKey) {
    self.key = key
    publicKey = PublicKey(key.publicKey)
  }

  /// Reads PEM: PKCS#8 (RFC 5958, `PRIVATE KEY`) or SEC 1 (RFC 5915, `EC PRIVATE KEY`, with or without the block
  /// `EC PARAMETERS` that OpenSSL puts before it). `source` is its name in messages, which never quote the text.
  /// - Throws: ``SigningError`` `.key`: not PEM, encrypted, not P-256, or more than one key.
  public init(pem: String, source: String) throws(SigningError) {
    guard pem.utf8.count <= PEM.maximumBytes, let all = PEM.blocks(pem) else {
      throw SigningError(
        .key, "\(source) is not PEM of at most \(PEM.maximumBytes) bytes; name a file that `vpals keys init` wrote")
    }
    let blocks = all.filter { $0.label != "EC PARAMETERS" }
    guard !blocks.isEmpty else {
      throw SigningError(
        .key,
        "\(source) holds no PEM; it must hold the private key itself, as `vpals keys init` writes it into "
          + ".vpals/keys/ID.pem")
    }
    guard blocks.count == 1, let block = blocks.first else {
      throw SigningError(.key, "\(source) has \(blocks.count) PEM blocks; a signing key is exactly one")
    }
    switch block.label {
    case "PRIVATE KEY", "EC PRIVATE KEY": break
    case "ENCRYPTED PRIVATE KEY":
      throw SigningError(
        .key,
        "\(source) is encrypted, and nobody is there to ask for a password; decrypt it with `openssl pkey -in KEY -out "
          + "PLAIN` into a file of mode 0600, or pass it as a systemd credential")
    case "PUBLIC KEY": throw SigningError(.key, "\(source) is a public key; name the private one")
    default:
      throw SigningError(.key, "\(source) is a PEM block of another kind; a signing key is `PRIVATE KEY`")
    }
    // The library takes the number in the key for one of P-256 whatever curve the key names.
    let curve = block.label == "PRIVATE KEY" ? Self.pkcs8Curve : Self.sec1Curve
    guard block.bytes.firstRange(of: curve) != nil,
      let key = try? P256.Signing.PrivateKey(derRepresentation: block.bytes)
    else {
      throw SigningError(
        .key,
        "\(source) is no private key of P-256; make one with `vpals keys init` or `openssl genpkey -algorithm EC "
          + "-pkeyopt ec_paramgen_curve:P-256`")
    }
    self.init(key)
  }

  /// PKCS#8 in PEM.
  public var pem: String { PEM.encode([UInt8](key.derRepresentation), label: "PRIVATE KEY") }

  /// A signature of `message` in DER.
  func signature(for message: [UInt8]) throws(SigningError) -> [UInt8] {
    do {
      return [UInt8](try key.signature(for: Data(message)).derRepresentation)
    } catch {
      throw SigningError(.key, "the key \(publicKey.id) cannot sign: \(error)")
    }
  }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Never the key itself, so that no log holds it.
  public var description: String { "private key of \(publicKey.id)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["id": publicKey.id]) }
}
