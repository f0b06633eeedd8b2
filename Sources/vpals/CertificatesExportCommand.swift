import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Foundation

struct CertificatesExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes certificates for other programs: as JSON with all that they say, or as CSV, a line a property.")

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case json, csv
  }

  @OptionGroup var filter: CertificateFilterOptions

  @Option(help: "json: one array; csv: one line for each property.")
  var format = Format.json

  @Option(help: "The file; standard output when none is named.")
  var output: String?

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let now = Timestamp(Date())
    let store = try storeOption.openExisting()
    if let output, case .sqlite(let path)? = try? StoreLocation.parse(storeOption.store),
      URL(filePath: output).resolvingSymlinksInPath() == URL(filePath: path).resolvingSymlinksInPath()
    {
      throw CommandFailure("\(output) is the store itself; name another file")
    }
    var rows: [(summary: CertificateSummary, certificate: UncheckedCertificate)] = []
    for summary in try store.certificates(filter.filter(at: now)) {
      rows.append((summary, try store.certificate(id: summary.id).certificate))
    }
    let text: String
    switch format {
    case .json:
      // The certificate's own bytes, which any digest is of.
      let elements = try rows.map { row in
        "{\"summary\":\(try jsonText(JSONCertificateSummary(row.summary, now: now))),\"certificate\":"
          + "\(String(decoding: row.certificate.bytes, as: UTF8.self))}"
      }
      text = "[\(elements.joined(separator: ",\n"))]\n"
    case .csv: text = Self.csv(rows, now: now)
    }
    guard let output else {
      printLine(String(text.dropLast()))
      return
    }
    do {
      try AtomicFile.write(Array(text.utf8), to: output)
    } catch {
      throw CommandFailure("\(error)")
    }
    printLine("\(output): \(counted(rows.count, "certificate"))")
    if rows.count == filter.limit { printLine("at most \(filter.limit) are written; more with --limit") }
  }

  private static func csv(_ rows: [(summary: CertificateSummary, certificate: UncheckedCertificate)], now: Timestamp)
    -> String
  {
    var lines = [
      "certificate,application,version,specification,property,verdict,leaves,milliseconds,proof_sha256,state,issued,"
        + "finished_at,expires_at,log_index"
    ]
    for (summary, certificate) in rows {
      for record in certificate.claims.properties {
        lines.append(
          [
            summary.id, summary.application, summary.modelVersion, summary.specification, record.id,
            record.outcome.name, "\(record.leaves)", "\(record.milliseconds)", record.proof?.sha256 ?? "",
            summary.state(at: now).rawValue, "\(summary.isIssued)", "\(summary.finishedAt)", "\(summary.expiresAt)",
            summary.logIndex.map(String.init) ?? "",
          ].map(field).joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A field of RFC 4180. A text that a spreadsheet would take for a formula is not one after an apostrophe.
  private static func field(_ text: String) -> String {
    let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
    let safe = isFormula ? "'" + text : text
    guard safe.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return safe }
    return "\"" + replacing(safe) { $0 == "\"" ? "\"\"" : nil } + "\""
  }
}
