internal import Certificates
public import Verification

extension CommandFailure {
  /// The failure of a verification. What a contradiction can be studied with is kept as `NAME.disagreement.smt2` in
  /// `directory`, or in the working directory when that cannot be written.
  public init(_ error: VerificationError, keepingEvidenceIn directory: String, as name: String) {
    guard let evidence = error.evidence else {
      self.init("\(error)")
      return
    }
    var problem = ""
    for path in ["\(directory)/\(name).disagreement.smt2", "\(name).disagreement.smt2"] {
      do throws(CertificateError) {
        try AtomicFile.write(Array(evidence.utf8), to: path)
        self.init("\(error); both sides of it: \(path)")
        return
      } catch {
        problem = error.message
      }
    }
    self.init("\(error); its evidence is lost: \(problem)")
  }
}
