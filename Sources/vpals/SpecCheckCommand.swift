import ArgumentParser
import CommandSupport
import Retraining
import Specifications
import Verification

struct SpecCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Reads specifications and prints what they mean, or what is wrong with them.",
    discussion: "Exit code: 0 no errors, 1 errors (with --strict: or warnings), 2 a file cannot be read.")

  @Argument(help: "Specification files.")
  var files: [String]

  @OptionGroup var rows: SpecDataOption

  @Flag(help: "Warnings are errors.")
  var strict = false

  @Option(help: "text or json.")
  var format = OutputFormat.text

  func validate() throws {
    if rows.data != nil, files.count > 1 {
      throw ValidationError("--data belongs to one specification, but \(files.count) are named")
    }
  }

  private struct JSONProperty: Encodable {
    let id: String
    let statement: String
    let rows: Int?
  }

  private struct JSONSpecification: Encodable {
    let path: String
    let spec: String?
    let features: Int?
    let outputs: Int?
    let properties: [JSONProperty]
    let data: JSONCoverage?
    let diagnostics: [JSONDiagnostic]
  }

  func run() throws {
    var exit: Int32 = 0
    var reports: [JSONSpecification] = []
    for file in files {
      do throws(SpecificationError) {
        let specification = try Specification.read(path: file)
        let coverage: DataCoverage?
        do {
          coverage = try rows.coverage(of: specification)
        } catch {
          exit = 2
          printError("error: \(error)")
          continue
        }
        let found = specification.warnings + Self.vacuous(specification) + (coverage?.warnings(specification) ?? [])
        if found.contains(where: { !$0.isWarning }) || (strict && !found.isEmpty) { exit = max(exit, 1) }
        reports.append(Self.report(specification, coverage, found))
        if format == .text { Self.lines(specification, coverage, found).forEach(printLine) }
      } catch {
        let isUnreadable = error.diagnostics.contains { $0.code == .file }
        exit = max(exit, isUnreadable ? 2 : 1)
        reports.append(
          JSONSpecification(
            path: file, spec: nil, features: nil, outputs: nil, properties: [], data: nil,
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

  /// Properties whose preconditions were too large for the reader and that no point satisfies.
  private static func vacuous(_ specification: Specification) -> [Diagnostic] {
    specification.properties.compactMap { property in
      // Without a solver the question stays open, as it was for the reader.
      guard (try? PreconditionCheck.isVacuous(property, budget: Budget(seconds: 30))) == true else { return nil }
      return specification.problem(
        .impossible, line: property.line, column: property.column,
        "no point of the domain satisfies the preconditions of '\(property.id)', so it would say nothing",
        fix: "correct the preconditions, or delete the property")
    }
  }

  private static func report(_ specification: Specification, _ coverage: DataCoverage?, _ found: [Diagnostic])
    -> JSONSpecification
  {
    JSONSpecification(
      path: specification.path, spec: specification.digest, features: specification.features.count,
      outputs: specification.outputs.count,
      properties: specification.properties.enumerated().map { index, property in
        JSONProperty(id: property.id, statement: property.statement, rows: coverage?.touched[index])
      }, data: coverage.map(JSONCoverage.init), diagnostics: found.map(JSONDiagnostic.init))
  }

  private static func lines(_ specification: Specification, _ coverage: DataCoverage?, _ found: [Diagnostic])
    -> [String]
  {
    let features = counted(specification.features.count, "feature")
    let outputs = counted(specification.outputs.count, "output")
    let properties = counted(specification.properties.count, "property", "properties")
    var lines = found.map(\.description)
    lines.append("\(oneLine(specification.path)): \(features), \(outputs), \(properties)")
    if let coverage {
      lines.append("\(oneLine(coverage.path)): \(coverage.share(coverage.insideDomain)) in the domain")
    }
    for property in specification.properties {
      lines.append("  \(property.id)")
      lines.append("    \(property.statement)")
    }
    return lines
  }
}
