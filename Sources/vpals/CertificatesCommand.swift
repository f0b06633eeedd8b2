import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import ExactArithmetic
import Foundation
import Signing

struct CertificatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificates",
    abstract: "Shows what was verified.",
    subcommands: [CertificatesListCommand.self, CertificatesShowCommand.self])
}

struct CertificatesListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the certificates of the store, newest first.")

  @Option(help: "Only this application's.")
  var application: String?

  @Option(help: "The most certificates to list.")
  var limit = 100

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func validate() throws { try checkLimit(limit) }

  private struct JSONSummary: Encodable {
    let id: String
    let application: String
    let version: String
    let specification: String
    let model: String
    let spec: String
    let holds: Int
    let violated: Int
    let unknown: Int
    let finishedAt: String
    let recordedAt: String
  }

  func run() throws {
    let summaries = try storeOption.openExisting().certificates(
      CertificateFilter(application: application, limit: limit))
    switch format {
    case .json:
      printLine(
        try jsonText(
          summaries.map {
            JSONSummary(
              id: $0.id, application: $0.application, version: $0.modelVersion, specification: $0.specification,
              model: "sha256:\($0.networkDigest)", spec: "sha256:\($0.specificationDigest)", holds: $0.holds,
              violated: $0.violated, unknown: $0.unknown, finishedAt: "\($0.finishedAt)",
              recordedAt: "\($0.recordedAt)")
          }))
    case .text:
      guard !summaries.isEmpty else {
        printLine("no certificates\(application.map { " of \($0)" } ?? "") in \(storeOption.store)")
        return
      }
      var table = TextTable(
        ["certificate", "application", "version", "specification", "hold", "violated", "undecided", "finished"],
        rightAligned: [4, 5, 6])
      for summary in summaries {
        table.add([
          String(summary.id.prefix(12)), oneLine(summary.application), oneLine(summary.modelVersion),
          oneLine(summary.specification), "\(summary.holds)", "\(summary.violated)", "\(summary.unknown)",
          "\(summary.finishedAt)",
        ])
      }
      for line in table.lines { printLine(line) }
      if summaries.count == limit { printLine("at most \(limit) are listed; more with --limit") }
    }
  }
}

struct CertificatesShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows one certificate: what it speaks of, and each verdict.")

  @Argument(help: "A certificate's file, or the first digits of its identifier in the store.")
  var certificate: String

  @Option(help: "text, or json for the certificate's own bytes.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let found = try read()
    switch format {
    case .json: printLine(String(decoding: found.bytes, as: UTF8.self))
    case .text: for line in Self.lines(found) { printLine(line) }
    }
  }

  private func read() throws -> UncheckedCertificate {
    if certificate.contains("/") || certificate.hasSuffix(".json")
      || FileManager.default.fileExists(atPath: certificate)
    {
      return try CertificateFile(contentsOf: certificate).certificate
    }
    return try storeOption.openExisting().certificate(id: certificate).certificate
  }

  private static func lines(_ certificate: UncheckedCertificate) -> [String] {
    let claims = certificate.claims
    var lines = [
      "certificate    \(certificate.sha256)",
      "model          \(oneLine("\(claims.model.name)/\(claims.model.version)"))",
      "network        sha256:\(claims.model.networkDigest)",
    ]
    lines += claims.model.files.map { "file           \(oneLine($0.name))  sha256:\($0.sha256)  \($0.bytes) bytes" }
    lines += [
      "specification  \(oneLine(claims.specification.name))  sha256:\(claims.specification.digest)",
      "arithmetic     \(claims.arithmetic): \(claims.arithmetic.meaning)",
      "verified by    \(tool(claims.verifier)) with \(tool(claims.solver))",
      "verified       \(claims.startedAt) to \(claims.finishedAt)", "",
    ]
    for record in claims.properties {
      var line = "\(record.outcome.mark) \(oneLine(record.id)): \(record.outcome.name)"
      line += ", \(secondsText(Double(record.milliseconds) / 1000)), \(counted(record.leaves, "leaf", "leaves"))"
      if case .unknown(let reason) = record.outcome {
        line += " (\(oneLine("\(reason)")); a share of \(record.provedShare) proved)"
      }
      lines.append(line)
      lines.append("    \(oneLine(record.statement))")
      if case .violated(let example) = record.outcome {
        lines.append("    x  ≈ \(list(example.x))")
        if let second = example.xPrime { lines.append("    x′ ≈ \(list(second))") }
        let values = [example.fx, example.fxPrime, example.drop].map { $0.map { short($0) } ?? "" }
        lines.append(
          "    f(x) ≈ \(values[0])\(example.fxPrime == nil ? "" : ", f(x′) ≈ \(values[1])"), fails by about \(values[2]); "
            + "the network's own numbers, exactly with --format json")
      }
    }
    let holds = claims.properties.count { $0.outcome == .holds }
    lines += [
      "",
      "\(holds) of \(counted(claims.properties.count, "property", "properties")) \(claims.properties.count == 1 ? "is" : "are") "
        + "claimed to hold; vpals gate compares the claim with the files",
    ]
    return lines
  }

  private static func tool(_ tool: Certificate.Tool) -> String { oneLine("\(tool.name) \(tool.version)") }

  private static func list(_ numbers: [Rational]) -> String {
    "(\(numbers.map(short).joined(separator: ", ")))"
  }

  private static func short(_ number: Rational) -> String {
    let value = number.approximation
    return value == 0 || abs(value) >= 1e-4 ? decimal(value, 6) : "\(value)"
  }
}

extension PropertyRecord.Outcome {
  /// ✓, ✗ or ?.
  var mark: String {
    switch self {
    case .holds: "✓"
    case .violated: "✗"
    case .unknown: "?"
    }
  }
}

/// - Throws: `ValidationError` unless a list may be so long.
func checkLimit(_ limit: Int) throws {
  guard (1...StoreBounds.page).contains(limit) else {
    throw ValidationError("--limit is \(limit); it must be from 1 to \(StoreBounds.page)")
  }
}
