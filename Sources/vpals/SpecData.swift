import ArgumentParser
import CommandSupport
import Foundation
import Retraining
import Specifications
import Telemetry

/// The option that names measured rows.
struct SpecDataOption: ParsableArguments {
  @Option(help: "Measured rows, a CSV file; by default models/SPEC/data.csv, if it is there.")
  var data: String?

  /// What the rows say about a specification: nil when none are named and none are where they belong.
  /// - Throws: ``CommandFailure`` when the file cannot be used.
  func coverage(of specification: Specification) throws -> DataCoverage? {
    let path = data ?? "models/\(specification.name)/data.csv"
    guard data != nil || FileManager.default.fileExists(atPath: path) else { return nil }
    do throws(DatasetError) {
      return try DataCoverage(path: path, specification: specification)
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}

struct JSONDiagnostic: Encodable {
  let code: String
  let severity: String
  let message: String
  let line: Int?
  let column: Int?
  let fix: String?

  init(_ diagnostic: Diagnostic) {
    code = diagnostic.code.description
    severity = diagnostic.isWarning ? "warning" : "error"
    message = diagnostic.message
    line = diagnostic.place?.line
    column = diagnostic.place?.column
    fix = diagnostic.fix
  }
}

struct JSONCoverage: Encodable {
  let path: String
  let rows: Int
  let insideDomain: Int

  init(_ coverage: DataCoverage) {
    path = coverage.path
    rows = coverage.rowCount
    insideDomain = coverage.insideDomain
  }
}
