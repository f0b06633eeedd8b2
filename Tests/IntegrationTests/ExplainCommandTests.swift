import Foundation
import FoundationXML
import TestHelpers
import Testing

struct ExplainCommandTests {
  /// A model that falls, its measured rows, and the report of its verification.
  private func workspace(_ arguments: String...) throws -> (Workspace, Outcome) {
    let workspace = Workspace()
    try workspace.add("web", try Workspace.falling())
    try workspace.write("pressure,cores,p99\n0.5,1,12\n0.9,0.5,14\n", to: "models/web/data.csv")
    let outcome = try Program("vpals", ["verify", "models/web/v0001"] + arguments, in: workspace.path).outcome()
    return (workspace, outcome)
  }

  @Test func verifyNamesTheNearestMeasuredRow() throws {
    let (_, outcome) = try workspace()
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("nearest measured row: "), "\(outcome.output)")
    #expect(outcome.output.contains("of models/web/data.csv), "))
    #expect(outcome.output.contains("measured there: p99 1"))
  }

  /// What `vpals verify` suggests can be typed as it stands, for a version and for a lone file.
  @Test func verifySuggestsACommandThatWorks() throws {
    let (workspace, outcome) = try workspace()
    try workspace.write(workspace.bytes("models/web/v0001/model.onnx"), to: "alone/lone net.onnx")
    let lone = try workspace.vpals(
      "verify", "alone/lone net.onnx", "--spec", "specs/web.yaml", "--store", "sqlite:other.sqlite")
    for text in [outcome, lone] {
      let line = try #require(text.lines.first { $0.hasPrefix("    closer: vpals ") })
      // The names with blanks are quoted for a shell.
      let shell = try Program(
        "/bin/sh", ["-c", line.replacing("    closer: vpals", with: ChildProcess.built("vpals"))], in: workspace.path
      ).outcome()
      #expect(shell.status == 0, "\(line): \(shell.error)")
      #expect(shell.output.contains("● x   ○ x′   █ violation"))
    }
  }

  @Test func aReportIsExplained() throws {
    let (workspace, verified) = try workspace("--format", "json")
    try workspace.write(verified.output, to: "report.json")
    let outcome = try workspace.vpals("explain", "report.json", "--svg", "out.svg")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.error.isEmpty)
    #expect(outcome.lines.first?.hasPrefix("rises-with-pressure on models/web/v0001/model.onnx  sha256:") == true)
    #expect(outcome.output.contains("● x   ○ x′   █ violation   ╌ least allowed   ┴ measured rows"))
    #expect(outcome.output.contains("nearest measured row: "))
    #expect(outcome.lines.last == "figure: out.svg")
    #expect(XMLParser(data: Data(try workspace.bytes("out.svg"))).parse())
    // The same by the queue, whose show names the row as well.
    let list = try workspace.vpals("queue", "list")
    let id = try #require(list.lines.first?.split(separator: " ").first.map(String.init))
    let queued = try workspace.vpals("explain", id)
    #expect(queued.status == 0, "\(queued.error)")
    #expect(queued.output.contains("● x   ○ x′   █ violation"))
    let shown = try workspace.vpals("queue", "show", id)
    #expect(shown.output.contains("    nearest measured row: "))
    try FileManager.default.removeItem(atPath: workspace.file("models/web/data.csv"))
    #expect(try workspace.vpals("queue", "show", id).output.contains("nearest measured row") == false)
  }

  @Test func anotherModelMayHoldThere() throws {
    let (workspace, verified) = try workspace("--format", "json")
    try workspace.write(verified.output, to: "report.json")
    try workspace.add("good", try Workspace.good())
    let outcome = try workspace.vpals("explain", "report.json", "--model", "models/good/v0001")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("the property holds at these points on this network"))
    #expect(outcome.error.contains("note: found in another network"))
    let drawn = try workspace.vpals("explain", "report.json", "--model", "models/good/v0001", "--svg", "no.svg")
    #expect(drawn.status == 2)
  }

  @Test func measuredRowsThatWereNamedMustBeReadable() throws {
    let (workspace, verified) = try workspace("--format", "json")
    try workspace.write(verified.output, to: "report.json")
    let missing = try workspace.vpals("explain", "report.json", "--data", "none.csv")
    #expect(missing.status == 2 && missing.error.contains("none.csv"))
    try workspace.write("pressure,cores\nx,1\n", to: "models/web/data.csv")
    let broken = try workspace.vpals("explain", "report.json")
    #expect(broken.status == 0)
    #expect(broken.error.contains("note: no measured rows beside the counterexamples: models/web/data.csv:2:1:"))
    let verify = try workspace.vpals("verify", "models/web/v0001", "--data", "none.csv")
    #expect(verify.status == 2 && verify.output.isEmpty)
  }

  @Test func hostileReportsGiveOneError() throws {
    let (workspace, verified) = try workspace("--format", "json")
    let report = verified.output
    func text(_ from: String, _ to: String) -> String { report.replacing(from, with: to) }
    let digits = String(repeating: "9", count: 2_000_000)
    let cases: [(String, String)] = [
      ("", "it is not JSON"),
      ("[", "it is not JSON"),
      (String(repeating: "[", count: 200_000), "it is not JSON"),
      ("[]", "a value of another type at the top"),
      ("{}", "is missing at the top"),
      (text("\"properties\"", "\"properly\""), "'properties' is missing"),
      (text("\"violated\"", "7"), "a value of another type at properties[0].verdict"),
      (text("\"drop\":\"", "\"drop\":\"1/0"), "counterexample.drop is no exact number"),
      (text("\"drop\":\"", "\"drop\":\"nan"), "counterexample.drop is no exact number"),
      (text("\"drop\":\"", "\"drop\":\"\(digits)"), "counterexample.drop is no exact number"),
      (text("\"x\":[\"", "\"x\":[\"1\",\""), "has points of 3 numbers"),
      (text("\"xPrime\":[\"", "\"xPrime\":[\"7\",\""), "has points of"),
      (text("\"rises-with-pressure\"", "\"fall\\u001bs\\nhere\""), "has no property 'fall"),
      (text("\"x\":[", "\"x\":[\(String(repeating: "\"0\",", count: 600))"), "has 602 numbers"),
      (text("models/web/v0001/model.onnx", "/dev/zero"), "/dev/zero"),
      (text("specs/web.yaml", "none.yaml"), "none.yaml"),
      (text("\"xPrime\":[\"", "\"xPrime\":[\"-"), "are not ones that rises-with-pressure speaks of"),
    ]
    for (index, (text, problem)) in cases.enumerated() {
      try workspace.write(text, to: "report.json")
      let outcome = try workspace.vpals("explain", "report.json")
      #expect(outcome.status == 2, "case \(index): \(outcome.output)")
      #expect(outcome.error.contains(problem), "case \(index): \(outcome.error)")
      #expect(
        outcome.error.hasPrefix("error: ") || outcome.error.hasPrefix("note: "), "case \(index): \(outcome.error)")
      #expect(outcome.error.components(separatedBy: "error: ").count == 2, "case \(index): \(outcome.error)")
      #expect(!outcome.error.unicodeScalars.contains("\u{1B}"))
    }
    try FileManager.default.createDirectory(atPath: workspace.file("dir.json"), withIntermediateDirectories: true)
    for name in ["none.json", "dir.json", "ffff"] {
      let outcome = try workspace.vpals("explain", name)
      #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.error.hasPrefix("error: "), "\(outcome.error)")
    }
  }

  @Test func aReportWithSeveralViolationsAsksForTheProperty() throws {
    let workspace = Workspace()
    let specification = Workspace.specification.replacing("100 ms", with: "10 ms")
    try workspace.add("web", try Workspace.falling(), specification: specification)
    let verified = try workspace.vpals("verify", "models/web/v0001", "--format", "json")
    try workspace.write(verified.output, to: "report.json")
    let outcome = try workspace.vpals("explain", "report.json")
    #expect(outcome.status == 2)
    #expect(outcome.error.contains("choose with --property: rises-with-pressure, sane"))
    let chosen = try workspace.vpals("explain", "report.json", "--property", "sane")
    #expect(chosen.status == 0, "\(chosen.error)")
    #expect(chosen.output.contains("╌ most allowed"))
    let unknown = try workspace.vpals("explain", "report.json", "--property", "other")
    #expect(unknown.status == 2 && unknown.error.contains("has no counterexample to 'other'"))
  }
}
