internal import Certificates
internal import Crypto
internal import FoundationEssentials

/// A public key that signatures are verified with: P-256 for certificates, Ed25519 for checkpoints of the log.
///
/// Only the one DER encoding of RFC 5480 (uncompressed point) and of RFC 8410 is read, so a key has one id.
public struct PublicKey: Sendable, Hashable {
  public enum Algorithm: String, Sendable, Hashable {
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5); signatures in DER.
    case p256 = "P-256"
    /// RFC 8032.
    case ed25519 = "Ed25519"
  }

  /// Longer than any signature that either algorithm makes.
  static let maximumSignatureBytes = 80
  private static let label = "PUBLIC KEY"
  private static let p256Prefix: [UInt8] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
  ]
  private static let ed25519Prefix: [UInt8] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  public let algorithm: Algorithm
  /// The SubjectPublicKeyInfo (RFC 5280, §4.1) in DER.
  public let der: [UInt8]

  /// Reads a SubjectPublicKeyInfo; `source` is its name in messages.
  /// - Throws: ``SigningError`` `.key` for bytes that are no key, another curve or a compressed point.
  public init(der: [UInt8], source: String) throws(SigningError) {
    let isKey: Bool
    if der.starts(with: Self.p256Prefix) {
      algorithm = .p256
      isKey = (try? P256.Signing.PublicKey(x963Representation: der.dropFirst(Self.p256Prefix.count))) != nil
    } else {
      algorithm = .ed25519
      isKey =
        der.starts(with: Self.ed25519Prefix)
        && (try? Curve25519.Signing.PublicKey(rawRepresentation: der.dropFirst(Self.ed25519Prefix.count))) != nil
    }
    guard isKey else {
      throw SigningError(
        .key,
        "\(source) is no public key of P-256 (uncompressed point) or Ed25519; make one with `openssl pkey -in KEY "
          + "-pubout`")
    }
    self.der = der
  }

  /// The key of a log from its 32 bytes (RFC 8032).
  /// - Throws: ``SigningError`` `.key`.
  public init(ed25519 bytes: [UInt8], source: String) throws(SigningError) {
    try self.init(der: Self.ed25519Prefix + bytes, source: source)
  }

  /// The 32 bytes of an Ed25519 key; nil for another.
  public var ed25519Bytes: [UInt8]? {
    algorithm == .ed25519 ? Array(der.dropFirst(Self.ed25519Prefix.count)) : nil
  }

  init(_ key: P256.Signing.PublicKey) {
    algorithm = .p256
    der = Self.p256Prefix + [UInt8](key.x963Representation)
  }

  /// Reads PEM with exactly one block `PUBLIC KEY`.
  /// - Throws: ``SigningError`` `.key`.
  public init(pem: String, source: String) throws(SigningError) {
    guard pem.utf8.count <= PEM.maximumBytes, let blocks = PEM.blocks(pem), blocks.count == 1,
      let block = blocks.first, block.label == Self.label
    else {
      throw SigningError(
        .key, "\(source) is not PEM with one block `\(Self.label)`; make it with `openssl pkey -in KEY -pubout`")
    }
    try self.init(der: block.bytes, source: source)
  }

  /// Reads the PEM in a file.
  /// - Throws: ``SigningError``: `.key`, `.missing`, `.file`.
  public init(contentsOf path: String) throws(SigningError) {
    let bytes = try SigningError.translating { () throws(CertificateError) in
      try BoundedFile.read(path, maximumBytes: PEM.maximumBytes)
    }
    try self.init(pem: String(decoding: bytes, as: UTF8.self), source: path)
  }

  /// PEM, byte for byte as OpenSSL and pyca/cryptography write it.
  public var pem: String { PEM.encode(der, label: Self.label) }

  /// The key's name everywhere: SHA-256 of ``der``, 64 hexadecimal digits.
  ///
  /// DER and not PEM, because a key has one DER encoding but many PEM texts; the whole SubjectPublicKeyInfo and not the
  /// point, because the algorithm belongs to the key. `openssl pkey -pubin -outform DER | sha256sum` prints the same.
  public var id: String { SHA256Digest.of(der) }

  /// The hint of OpenSSF Model Signing: SHA-256 of ``pem``, 64 hexadecimal digits.
  public var modelSigningHint: String { SHA256Digest.of(Array(pem.utf8)) }

  /// Whether `signature` is one of `message` by this key.
  public func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    guard signature.count <= Self.maximumSignatureBytes else { return false }
    switch algorithm {
    case .p256:
      guard
        let key = try? P256.Signing.PublicKey(x963Representation: der.dropFirst(Self.p256Prefix.count)),
        let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature)
      else { return false }
      return key.isValidSignature(parsed, for: Data(message))
    case .ed25519:
      guard
        let key = try? Curve25519.Signing.PublicKey(rawRepresentation: der.dropFirst(Self.ed25519Prefix.count))
      else { return false }
      return key.isValidSignature(Data(signature), for: Data(message))
    }
  }
}
