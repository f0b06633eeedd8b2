import ArgumentParser
import Certificates
import CommandSupport
import Foundation
import Gating
import Retraining

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Tabulates the latest version of each application: what was proved, how accurate it is, what it cost.",
    discussion: """
      Reads models/APP/VERSION/training.json. Errors are those on the held-out rows: R² on the logarithmic scale and the \
      mean absolute percentage error, for the network, for the network of the same shape and seed trained without any \
      property, and for three baselines.
      """)

  @Argument(help: "Applications; all when none is named.")
  var applications: [String] = []

  @Option(help: "The directory of the models.")
  var models = "models"

  @Option(help: "text or json.")
  var format = OutputFormat.text

  /// The largest training record that is read.
  static let maximumBytes = 64 << 20

  func run() throws {
    let reports = try latestVersions().map(Self.read)
    switch format {
    case .json: printLine(try jsonText(reports.map(VersionTable.JSONVersion.init)))
    case .text:
      for line in VersionTable.proofs(reports) { printLine(line) }
      printLine("")
      for line in VersionTable.accuracies(reports) { printLine(line) }
    }
  }

  private static func read(_ path: String) throws -> VersionReport {
    let bytes = try BoundedFile.read(path, maximumBytes: maximumBytes)
    let report: VersionReport
    do {
      report = try JSONDecoder().decode(VersionReport.self, from: Data(bytes))
    } catch {
      throw CommandFailure("\(path) is not the record of a training; train a new version, or name other applications")
    }
    guard report.format == VersionReport.format else {
      throw CommandFailure(
        "\(path) has the format \"\(report.format)\"; this version reads \"\(VersionReport.format)\"")
    }
    return report
  }

  /// The training record of the highest version of each application.
  private func latestVersions() throws -> [String] {
    var paths: [String] = []
    let names: [String]
    if applications.isEmpty {
      guard let found = try? FileManager.default.contentsOfDirectory(atPath: models) else {
        throw CommandFailure("\(models) cannot be listed; name the directory of the models with --models")
      }
      names = found.sorted()
    } else {
      names = applications
    }
    for name in names {
      let directory = "\(models)/\(name)"
      let versions = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
        .filter(ModelPath.isVersion)
      // Versions of five digits come after those of four.
      if let latest = versions.max(by: { ($0.count, $0) < ($1.count, $1) }) {
        paths.append("\(directory)/\(latest)/training.json")
      } else if !applications.isEmpty {
        throw CommandFailure(
          "\(directory) holds no version; train one", next: "vpals-train \(shellQuoted(name)) --until-proven")
      }
    }
    guard !paths.isEmpty else {
      throw CommandFailure(
        "\(models) holds no version of any application; train one, or name another directory with --models",
        next: "vpals-train APP --until-proven")
    }
    return paths
  }
}
