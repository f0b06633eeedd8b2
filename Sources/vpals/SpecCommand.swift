import ArgumentParser
import CommandSupport
import Specifications

struct SpecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spec", abstract: "Works on specifications.",
    subcommands: [SpecCheckCommand.self, SpecExportCommand.self])
}

struct SpecCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Reads specifications and prints what they mean, or what is wrong with them.",
    discussion: "Exit code: 0 no errors, 1 errors, 2 a file cannot be read.")

  @Argument(help: "Specification files.")
  var files: [String]

  @Option(help: "text or json.")
  var format = OutputFormat.text

  private struct JSONDiagnostic: Encodable {
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

  private struct JSONProperty: Encodable {
    let id: String
    let statement: String
  }

  private struct JSONSpecification: Encodable {
    let path: String
    let spec: String?
    let features: Int?
    let outputs: Int?
    let properties: [JSONProperty]
    let diagnostics: [JSONDiagnostic]
  }

  func run() throws {
    var exit: Int32 = 0
    var reports: [JSONSpecification] = []
    for file in files {
      do throws(SpecificationError) {
        let specification = try Specification.read(path: file)
        reports.append(Self.report(specification))
        if format == .text { Self.lines(specification).forEach(printLine) }
      } catch {
        let isUnreadable = error.diagnostics.contains { $0.code == .file }
        exit = max(exit, isUnreadable ? 2 : 1)
        reports.append(
          JSONSpecification(
            path: file, spec: nil, features: nil, outputs: nil, properties: [],
            diagnostics: error.diagnostics.map(JSONDiagnostic.init)))
        if format == .text {
          if isUnreadable {
            printError("\(error)")
          } else {
            printLine("\(error)")
            printLine("\(oneLine(file)): \(counted(error.diagnostics.count + error.omittedCount, "error"))")
          }
        }
      }
    }
    if format == .json { printLine(try jsonText(reports)) }
    throw ExitCode(exit)
  }

  private static func report(_ specification: Specification) -> JSONSpecification {
    JSONSpecification(
      path: specification.path, spec: specification.digest, features: specification.features.count,
      outputs: specification.outputs.count,
      properties: specification.properties.map { JSONProperty(id: $0.id, statement: $0.statement) },
      diagnostics: specification.warnings.map(JSONDiagnostic.init))
  }

  private static func lines(_ specification: Specification) -> [String] {
    let features = counted(specification.features.count, "feature")
    let outputs = counted(specification.outputs.count, "output")
    let properties = counted(specification.properties.count, "property", "properties")
    var lines = specification.warnings.map(\.description)
    lines.append("\(oneLine(specification.path)): \(features), \(outputs), \(properties)")
    for property in specification.properties {
      lines.append("  \(property.id)")
      lines.append("    \(property.statement)")
    }
    return lines
  }
}
