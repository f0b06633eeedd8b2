import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import Foundation
import Signing
import TransparencyLog

struct CertificatesRevokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Revokes a certificate: the store and the log say so, and the gate refuses it.",
    discussion: """
      The certificate's file stays as it is; whoever looks at the log sees the revocation. Without a log only this store \
      knows, and the entry waits for the first log.
      """)

  @Argument(help: "A certificate's file, or the first digits of its identifier in the store.")
  var certificate: String

  @Option(help: "Why, in a line: everybody who reads the log sees it.")
  var reason: String

  @Option(help: "The trust file. (default: that of gate.yaml, or trust.json)")
  var trust: String?

  @OptionGroup var logPlace: LogPlaceOption

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  private struct JSONOutcome: Encodable {
    let id: String
    let log: String?
  }

  func run() throws {
    let found = try FoundCertificate(certificate, store: storeOption)
    let id = found.certificate.sha256
    do {
      let path = try trust ?? EvidencePlaces().trust
      let isThere = trust != nil || FileManager.default.fileExists(atPath: path)
      let log = try logPlace.open(trust: isThere ? try TrustFile(contentsOf: path) : nil)
      if let stored = found.stored {
        let store = try storeOption.openExisting()
        if let earlier = stored.revocation {
          // A run that was killed may not have told the log.
          printError("note: revoked already, at \(earlier.revokedAt): \(oneLine(earlier.reason))")
        } else {
          _ = try store.revoke(certificate: id, reason: reason, now: Date())
        }
        try log?.publish(from: store)
      } else if let log {
        // Another machine verified it: the log is what everybody looks at.
        try StoreBounds.check(reason: reason)
        let revocation = Revocation(cause: .operator, reason: reason, revokedAt: Timestamp(Date()))
        _ = try log.append(CertificateEvents.revoked(CertificateEvents.Name(found.certificate), revocation))
      } else {
        throw CommandFailure(
          "the store \(storeOption.store) does not have the certificate \(id.prefix(12)), and there is no log: name the log "
            + "with --log")
      }
      switch format {
      case .json: printLine(try jsonText(JSONOutcome(id: id, log: log?.origin)))
      case .text:
        let claims = found.certificate.claims
        printLine(
          "revoked \(id.prefix(12)): \(oneLine("\(claims.model.name)/\(claims.model.version)")) for "
            + oneLine(claims.specification.name))
        if let log {
          printLine("the log \(log.origin) says so; publish \(oneLine(log.directory)), where the gate reads it")
        } else {
          printLine("only \(storeOption.store) knows; what is to be logged waits for the first log (vpals log init)")
        }
      }
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}
