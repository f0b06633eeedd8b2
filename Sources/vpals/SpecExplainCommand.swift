import ArgumentParser
import CommandSupport
import Retraining
import Specifications

struct SpecExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Says in plain English and in mathematics what a specification demands.",
    discussion: """
      With measured rows it also says how many of them each property speaks of.

      Exit code: 0 explained, 1 the specification has errors, 2 a file cannot be read.
      """)

  @Argument(help: "A specification file.")
  var file: String

  @Option(help: "Only the property with this id; may be repeated.")
  var property: [String] = []

  @OptionGroup var rows: SpecDataOption

  @Option(help: "text or json.")
  var format = OutputFormat.text

  private struct JSONProperty: Encodable {
    let id: String
    let line: Int
    let about: String?
    let words: String
    let statement: String
    let appliesWhere: String
    let queries: Int
    let rows: Int?
  }

  private struct JSONMeasure: Encodable {
    let name: String
    let unit: String
    let scale: String
    let column: String
    let domain: String?
    let about: String?
  }

  private struct JSONReport: Encodable {
    let path: String
    let spec: String
    let features: [JSONMeasure]
    let outputs: [JSONMeasure]
    let data: JSONCoverage?
    let properties: [JSONProperty]
  }

  func run() throws {
    let specification: Specification
    do throws(SpecificationError) {
      specification = try Specification.read(path: file)
    } catch {
      if error.diagnostics.contains(where: { $0.code == .file }) { throw CommandFailure("\(error)") }
      printLine("\(error)")
      throw ExitCode(1)
    }
    let chosen = try indices(specification)
    let coverage = try rows.coverage(of: specification)
    switch format {
    case .text:
      for line in text(specification, chosen, coverage) { printLine(line) }
    case .json: printLine(try jsonText(report(specification, chosen, coverage)))
    }
  }

  private func indices(_ specification: Specification) throws -> [Int] {
    guard !property.isEmpty else { return Array(specification.properties.indices) }
    return try property.map { id in
      guard let index = specification.properties.firstIndex(where: { $0.id == id }) else {
        throw CommandFailure(
          "\(file) has no property '\(oneLine(id))'; it has "
            + specification.properties.prefix(20).map(\.id).joined(separator: ", "))
      }
      return index
    }
  }

  private func text(_ specification: Specification, _ chosen: [Int], _ coverage: DataCoverage?) -> [String] {
    func about(_ measure: some Measure) -> String {
      let logarithm = measure.scale == .log2 ? " (the network works with its binary logarithm)" : ""
      return logarithm + (measure.about.map { ": \(oneLine($0))" } ?? "")
    }
    var lines = ["\(oneLine(specification.path)), \(specification.digest)", "", "For every input with"]
    for feature in specification.features { lines.append("  \(feature.statement)\(about(feature))") }
    lines.append("the network's outputs")
    for output in specification.outputs {
      lines.append("  \(output.name)\(output.unit.isNone ? "" : " in \(output.unit)")\(about(output))")
    }
    lines.append("must satisfy \(counted(chosen.count, "property", "properties")):")
    for index in chosen {
      let property = specification.properties[index]
      let explanation = specification.explanation(of: property)
      lines += ["", "\(property.id) (line \(property.line))", "  \(explanation.words)"]
      if let about = property.about { lines.append("  Why: \(oneLine(about))") }
      lines.append("  Applies \(explanation.place).")
      lines.append("  In mathematics: \(explanation.mathematics).")
      lines.append("  To prove: \(explanation.queries).")
      if let coverage {
        lines.append(
          "  Data: \(coverage.share(coverage.touched[index])) of \(oneLine(coverage.path)) lie where it applies.")
      }
    }
    if coverage == nil {
      lines += ["", "No measured rows were looked at; name some with --data FILE."]
    }
    return lines
  }

  private func report(_ specification: Specification, _ chosen: [Int], _ coverage: DataCoverage?) -> JSONReport {
    JSONReport(
      path: specification.path, spec: specification.digest,
      features: specification.features.map {
        JSONMeasure(
          name: $0.name, unit: $0.unit.name, scale: $0.scale.rawValue, column: $0.column, domain: $0.statement,
          about: $0.about)
      },
      outputs: specification.outputs.map {
        JSONMeasure(
          name: $0.name, unit: $0.unit.name, scale: $0.scale.rawValue, column: $0.column, domain: nil, about: $0.about)
      }, data: coverage.map(JSONCoverage.init),
      properties: chosen.map { index in
        let property = specification.properties[index]
        let explanation = specification.explanation(of: property)
        return JSONProperty(
          id: property.id, line: property.line, about: property.about, words: explanation.words,
          statement: explanation.mathematics, appliesWhere: explanation.place, queries: property.queries.count,
          rows: coverage?.touched[index])
      })
  }
}
