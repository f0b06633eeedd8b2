import CertificateStorage
import Certificates
import CommandSupport
import Foundation
import Signing

/// A certificate that a command names by its file or by its identifier, with what is known of it.
struct FoundCertificate {
  let certificate: UncheckedCertificate
  /// Its file; nil when only the store has it.
  let file: CertificateFile?
  /// What the store knows; nil when there is no store or it does not have the certificate.
  let stored: StoredCertificate?

  /// Of the file.
  var directory: String { ((file?.file ?? "") as NSString).deletingLastPathComponent.nonEmpty ?? "." }

  /// - Parameter name: A path, or the first digits of an identifier.
  init(_ name: String, store: StoreOption) throws {
    if name.contains("/") || name.hasSuffix(".json") || FileManager.default.fileExists(atPath: name) {
      do {
        let file = try CertificateFile(contentsOf: name)
        self.file = file
        certificate = file.certificate
      } catch {
        throw CommandFailure("\(error)")
      }
      stored = try? store.openExisting().certificate(id: certificate.sha256)
      return
    }
    let found = try store.openExisting().certificate(id: name)
    stored = found
    certificate = found.certificate
    // Where an application's version lies, as the trainer writes it.
    let claims = found.certificate.claims
    let path = "models/\(claims.model.name)/\(claims.model.version)/\(claims.specification.name).intoto.json"
    let beside = try? CertificateFile(contentsOf: path)
    file = beside?.certificate == found.certificate ? beside : nil
  }

  /// Where the log has it.
  var logLine: String {
    guard let stored else { return "not known; see the file SPEC.tlog-proof beside the certificate" }
    guard stored.isIssued else { return "a candidate of a training loop, which is not logged" }
    guard let logged = stored.logged else { return "not yet: there was no log" }
    return "entry \(logged.index) of \(oneLine(logged.origin))"
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
