import ArgumentParser
import CommandSupport
import Gating

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Refuses every model version that is not proven.",
    discussion: """
      Judges each version under PATH from its files alone: the certificate must speak of exactly these bytes and this \
      specification, and every property must hold.

      Exit code: 0 all versions pass, 1 one is refused, 2 the gate could not run.
      """)

  @Argument(help: "The directory of the models, or one version's directory.")
  var path = "models"

  @Option(help: "The directory of the specifications, one APPLICATION.yaml each.")
  var specs = "specs"

  @Option(help: "text or json.")
  var format = OutputFormat.text

  func run() throws {
    let findings: [GateFinding]
    do {
      findings = try Gate(specifications: specs).run(path: path)
    } catch {
      throw CommandFailure(oneLine("\(error)"))
    }
    switch format {
    case .json: printLine(try jsonText(JSONReport(findings)))
    case .text: for line in Self.lines(findings) { printLine(line) }
    }
    throw ExitCode(findings.allSatisfy(\.passes) ? 0 : 1)
  }

  private static func lines(_ findings: [GateFinding]) -> [String] {
    let names = findings.map { oneLine("\($0.application)/\($0.version)") }
    let width = names.map(\.count).max() ?? 0
    var lines: [String] = []
    for (finding, name) in zip(findings, names) {
      let padded = name + String(repeating: " ", count: width - name.count)
      if finding.passes {
        let count = counted(finding.proven, "property holds", "properties hold")
        lines.append("PASS \(padded)  \(finding.proven) of \(count)")
      }
      for refusal in finding.refusals {
        lines.append(
          "FAIL \(padded)  \(refusal.rule.rawValue) \(refusal.rule.name)  \(oneLine(refusal.file)): \(refusal.reason)")
        lines.append("  next: \(oneLine(commandLine(refusal.next)))")
      }
    }
    let failing = findings.count { !$0.passes }
    let total = counted(findings.count, "version")
    lines.append(
      failing == 0
        ? "gate: \(findings.count) of \(total) \(findings.count == 1 ? "passes" : "pass")"
        : "gate: refused, \(failing) of \(total) \(failing == 1 ? "fails" : "fail")")
    return lines
  }

  private struct JSONRefusal: Encodable {
    let rule: String
    let name: String
    let file: String
    let reason: String
    let next: String
  }

  private struct JSONVersion: Encodable {
    let application: String
    let version: String
    let path: String
    let specification: String
    let passes: Bool
    let properties: Int
    let refusals: [JSONRefusal]
  }

  private struct JSONReport: Encodable {
    let passes: Bool
    let versions: [JSONVersion]

    init(_ findings: [GateFinding]) {
      passes = findings.allSatisfy(\.passes)
      versions = findings.map { finding in
        JSONVersion(
          application: finding.application, version: finding.version, path: finding.path,
          specification: finding.specificationPath, passes: finding.passes, properties: finding.proven,
          refusals: finding.refusals.map {
            JSONRefusal(
              rule: $0.rule.rawValue, name: $0.rule.name, file: $0.file, reason: $0.reason, next: commandLine($0.next))
          })
      }
    }
  }
}
