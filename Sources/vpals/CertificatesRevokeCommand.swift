import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import Foundation

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

  @Option(help: "The transparency log. (default: .vpals/log when it is there)")
  var log: String?

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  private struct JSONOutcome: Encodable {
    let id: String
    let log: String?
  }

  func run() throws {
    let found = try FoundCertificate(certificate, store: storeOption)
    let store = try storeOption.openExisting()
    do {
      let log = try IssuingOptions.openLog(log)
      let id = try store.revoke(certificate: found.certificate.sha256, reason: reason, now: Date())
      try log?.publish(from: store)
      switch format {
      case .json: printLine(try jsonText(JSONOutcome(id: id, log: log?.origin)))
      case .text:
        let claims = found.certificate.claims
        printLine(
          "revoked \(id.prefix(12)): \(oneLine("\(claims.model.name)/\(claims.model.version)")) for "
            + oneLine(claims.specification.name))
        if let log {
          printLine("the log \(log.origin) says so: publish it, and give the gate --log \(shellQuoted(log.directory))")
        } else {
          printLine("no log: only \(storeOption.store) knows; make one with vpals log init")
        }
      }
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}
