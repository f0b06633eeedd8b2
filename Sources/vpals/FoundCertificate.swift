import CertificateStorage
import Certificates
import CommandSupport
import Foundation
import Glibc
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

  /// - Parameter given: A path, of a file or of a version's directory, or the first digits of an identifier.
  init(_ given: String, store: StoreOption) throws {
    var name = given
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory), isDirectory.boolValue {
      let inside = try FileManager.default.contentsOfDirectory(atPath: name).filter {
        $0.hasSuffix(Certificate.File.certificate.rawValue)
      }.sorted()
      guard inside.count == 1 else {
        throw CommandFailure(
          "\(name) has \(counted(inside.count, "certificate"))"
            + (inside.isEmpty ? "" : ": \(inside.map(oneLine).joined(separator: ", "))") + "; name one file")
      }
      name += name.hasSuffix("/") ? inside[0] : "/\(inside[0])"
    }
    if name.contains("/") || name.hasSuffix(".json") || FileManager.default.fileExists(atPath: name) {
      do {
        let file = try CertificateFile(contentsOf: name)
        self.file = file
        certificate = file.certificate
      } catch {
        throw CommandFailure("\(error)")
      }
      stored = try Self.stored(certificate, in: store)
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

  /// What the store knows of a certificate; nil when it does not have it, or there is no store and none was named.
  private static func stored(_ certificate: UncheckedCertificate, in store: StoreOption) throws -> StoredCertificate? {
    if store.store == StoreOption.standard, access(".vpals/store.sqlite", F_OK) != 0, errno == ENOENT { return nil }
    let opened = try store.openExisting()
    do throws(StorageError) {
      return try opened.certificate(id: certificate.sha256)
    } catch {
      guard error.code == .notFound else { throw CommandFailure("\(error)") }
      return nil
    }
  }

  /// Where the log has it.
  var logLine: String {
    guard let stored else {
      let proof = "\(directory)/\(certificate.claims.specification.name)\(Certificate.File.logProof.rawValue)"
      return FileManager.default.fileExists(atPath: proof)
        ? "\(oneLine(proof)) says where; vpals certificates verify checks it" : "not known"
    }
    guard stored.isIssued else { return "a candidate of a training loop, which is not logged" }
    guard let logged = stored.logged else { return "not yet: there was no log" }
    return
      "entry \(logged.index) of \(oneLine(logged.origin.split(separator: "+").first.map(String.init) ?? logged.origin))"
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
