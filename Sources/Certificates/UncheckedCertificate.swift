/// A certificate as it was read: well formed, but nothing in it is believed yet.
///
/// The checker turns one into a checked certificate by comparing the digests and checking the proofs; code that
/// relies on a verdict asks for that type.
public struct UncheckedCertificate: Sendable, Hashable {
  /// What the certificate says.
  public let claims: Certificate
  /// The bytes as read, which are the canonical encoding of ``claims``.
  public let bytes: [UInt8]
  /// The digest of ``bytes``: the certificate's name in a store.
  public let sha256: String

  /// Reads a certificate from its bytes; `file` is their name in messages.
  /// - Throws: ``CertificateError`` with the file, the place and the fix: `.tooLarge`, `.notCanonical`,
  ///   `.unsupported` for another format, `.malformed`.
  public init(bytes: [UInt8], file: String) throws(CertificateError) {
    let value = try CanonicalJSON.read(bytes, file: file)
    let fields = JSONFields(value: value, path: "$", file: file)
    guard case .object(let members) = value else {
      throw fields.failure("is \(value.typeName); expected an object")
    }
    // Before the other fields, so that a later format is not reported as a damaged file.
    if let format = members["format"], format != .string(Certificate.format) {
      let name = if case .string(let text) = format { "\"\(text)\"" } else { format.typeName }
      throw CertificateError(
        .unsupported,
        "\(file): $.format is \(name), but this version reads \"\(Certificate.format)\"; use a vpals that knows the "
          + "format, or run `vpals verify` again to write a new certificate")
    }
    claims = try Certificate(fields)
    self.bytes = bytes
    sha256 = SHA256Digest.of(bytes)
  }

  /// A file that is not the one the certificate speaks of.
  public struct FileProblem: Sendable, Hashable, CustomStringConvertible {
    /// The path of the file.
    public let path: String
    /// What is wrong, as a clause: `has changed since it was verified`.
    public let problem: String

    public var description: String { "\(path) \(problem)" }
  }

  /// Compares the model's files in `directory` with the certificate's sizes and digests; empty when all agree.
  public func fileProblems(in directory: String) -> [FileProblem] {
    claims.model.files.compactMap { subject in
      let path = "\(directory)/\(subject.name)"
      do throws(CertificateError) {
        let found = try SHA256Digest.ofFile(path)
        if found.sha256 == subject.sha256, found.bytes == subject.bytes { return nil }
        return FileProblem(path: path, problem: "has changed since it was verified")
      } catch {
        return FileProblem(
          path: path, problem: error.code == .missing ? "is missing" : "is unreadable: \(error.message)")
      }
    }
  }
}
