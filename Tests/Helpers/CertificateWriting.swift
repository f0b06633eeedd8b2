public import Certificates
internal import Signing

extension Certificate {
  /// Writes the certificate into `directory` as it is without a key: in an envelope that nobody signed.
  /// - Returns: The path.
  @discardableResult
  public func write(into directory: String, proofs: [String: ProofFile] = [:]) throws -> String {
    for (name, proof) in proofs { try AtomicFile.write(try proof.read(), to: "\(directory)/\(name)") }
    let path = "\(directory)/\(try Certificate.fileName(specification: specification.name))"
    try AtomicFile.write(try SignedCertificate.sign(self, with: []), to: path)
    return path
  }
}
