import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Foundation

struct CertificatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificates",
    abstract: "What was verified: lists, shows, verifies, revokes and exports certificates.",
    subcommands: [
      CertificatesListCommand.self, CertificatesShowCommand.self, CertificatesVerifyCommand.self,
      CertificatesRevokeCommand.self, CertificatesExportCommand.self,
    ])
}

/// Which certificates a list has.
struct CertificateFilterOptions: ParsableArguments {
  @Option(help: "Only this application's.")
  var application: String?

  @Option(help: "Only this version's, such as v0007.")
  var modelVersion: String?

  @Option(name: .customLong("spec"), help: "Only those for this specification, by its file's name without .yaml.")
  var specification: String?

  @Option(help: "Only those that are valid, expired or revoked now.")
  var state: CertificateState?

  @Option(help: "Only those in which all properties hold (holds), one is violated, or some are undecided.")
  var verdict: CertificateVerdict?

  @Flag(help: "Also the candidates of training loops, which were never written beside a model.")
  var candidates = false

  @Option(help: "The most certificates to list.")
  var limit = 100

  func validate() throws { try checkLimit(limit) }

  func filter(at now: Timestamp) -> CertificateFilter {
    CertificateFilter(
      application: application, modelVersion: modelVersion, specification: specification, issuedOnly: !candidates,
      state: state, verdict: verdict, now: now, limit: limit)
  }

  var isOpen: Bool {
    application == nil && modelVersion == nil && specification == nil && state == nil && verdict == nil
  }
}

/// A certificate of a list, as JSON.
struct JSONCertificateSummary: Encodable {
  struct JSONRevocation: Encodable {
    let cause: String
    let reason: String
    let revokedAt: String
  }

  let id: String
  let application: String
  let version: String
  let specification: String
  let model: String
  let spec: String
  let holds: Int
  let violated: Int
  let unknown: Int
  let verdict: String
  let state: String
  /// False for the candidates of training loops.
  let issued: Bool
  let finishedAt: String
  let expiresAt: String
  let recordedAt: String
  let revocation: JSONRevocation?
  /// The entry's number in the log.
  let logIndex: Int?

  init(_ summary: CertificateSummary, now: Timestamp) {
    id = summary.id
    application = summary.application
    version = summary.modelVersion
    specification = summary.specification
    model = "sha256:\(summary.networkDigest)"
    spec = "sha256:\(summary.specificationDigest)"
    holds = summary.holds
    violated = summary.violated
    unknown = summary.unknown
    verdict = summary.verdict.rawValue
    state = summary.state(at: now).rawValue
    issued = summary.isIssued
    finishedAt = "\(summary.finishedAt)"
    expiresAt = "\(summary.expiresAt)"
    recordedAt = "\(summary.recordedAt)"
    revocation = summary.revocation.map {
      JSONRevocation(cause: $0.cause.rawValue, reason: $0.reason, revokedAt: "\($0.revokedAt)")
    }
    logIndex = summary.logIndex
  }
}

struct CertificatesListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the certificates of the store, newest first.")

  @OptionGroup var filter: CertificateFilterOptions

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let now = Timestamp(Date())
    let summaries = try storeOption.openExisting().certificates(filter.filter(at: now))
    switch format {
    case .json: printLine(try jsonText(summaries.map { JSONCertificateSummary($0, now: now) }))
    case .text:
      guard !summaries.isEmpty else {
        printLine("no certificates\(filter.isOpen ? "" : " of that kind") in \(storeOption.store)")
        return
      }
      var table = TextTable(
        [
          "certificate", "application", "version", "specification", "hold", "violated", "undecided", "state",
          "finished", "expires", "log",
        ], rightAligned: [4, 5, 6, 10])
      for summary in summaries {
        table.add([
          String(summary.id.prefix(12)), oneLine(summary.application), oneLine(summary.modelVersion),
          oneLine(summary.specification), "\(summary.holds)", "\(summary.violated)", "\(summary.unknown)",
          summary.isIssued ? summary.state(at: now).rawValue : "candidate", Self.minute(summary.finishedAt),
          String("\(summary.expiresAt)".prefix(10)), summary.logIndex.map(String.init) ?? "–",
        ])
      }
      for line in table.lines { printLine(line) }
      if summaries.count == filter.limit { printLine("at most \(filter.limit) are listed; more with --limit") }
    }
  }

  /// `2026-11-27 14:05`.
  private static func minute(_ time: Timestamp) -> String {
    String("\(time)".prefix(16)).replacing("T", with: " ")
  }
}

/// - Throws: `ValidationError` unless a list may be so long.
func checkLimit(_ limit: Int) throws {
  guard (1...StoreBounds.page).contains(limit) else {
    throw ValidationError("--limit is \(limit); it must be from 1 to \(StoreBounds.page)")
  }
}
