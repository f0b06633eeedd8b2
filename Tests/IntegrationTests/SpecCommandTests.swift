import Foundation
import TestHelpers
import Testing

/// `vpals spec explain`, `fmt`, `schema`, and `check` with data.
@Suite struct SpecCommandTests {
  let workspace = Workspace()

  private static let rows = "pressure,cores,p99\n0.25,1,10\n0.75,2,20\n1.5,1,30\n"

  private func specification(_ text: String = Workspace.specification) throws {
    try workspace.write(text, to: "specs/app.yaml")
  }

  @Test func explainSaysItInEnglishAndInMathematicsWithTheRows() throws {
    try specification()
    try workspace.write(Self.rows, to: "models/app/data.csv")
    let outcome = try workspace.vpals("spec", "explain", "specs/app.yaml", "--property", "sane")
    #expect(outcome.status == 0 && outcome.error == "")
    #expect(
      Array(outcome.lines.dropFirst()) == [
        "", "For every input with", "  pressure ∈ [0, 1] fraction", "  cores ∈ [0.5, 2] cores",
        "the network's outputs", "  p99 in ms", "must satisfy 1 property:", "", "sane (line 11)",
        "  p99 always lies between 0 ms and 100 ms.", "  Applies everywhere in the declared domain.",
        "  In mathematics: for all x in the domain: 0 ms ≤ p99(x) ≤ 100 ms.",
        "  To prove: 2 queries about one copy of the network.",
        "  Data: 2 of 3 rows (66.7 %) of models/app/data.csv lie where it applies.",
      ])
    let unknown = try workspace.vpals("spec", "explain", "specs/app.yaml", "--property", "insane")
    #expect(unknown.status == 2 && unknown.error.contains("has no property 'insane'; it has rises-with-pressure, sane"))
    let json = try workspace.vpals("spec", "explain", "specs/app.yaml", "--format", "json")
    let object = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let properties = try #require(object["properties"] as? [[String: Any]])
    #expect(properties.map { $0["id"] as? String } == ["rises-with-pressure", "sane"])
    #expect(properties[0]["words"] as? String == "When pressure grows and all else stays the same, p99 never falls.")
    #expect(properties[0]["rows"] as? Int == 2)
  }

  @Test func checkNamesPropertiesThatNoRowTouches() throws {
    try specification(
      Workspace.specification.replacingOccurrences(
        of: "always: 0 ms <= p99 <= 100 ms", with: "always: 0 ms <= p99 <= 100 ms\n    when: pressure > 80 percent"))
    try workspace.write(Self.rows, to: "rows.csv")
    let plain = try workspace.vpals("spec", "check", "specs/app.yaml")
    #expect(plain.status == 0 && plain.lines.count == 5)
    let outcome = try workspace.vpals("spec", "check", "specs/app.yaml", "--data", "rows.csv")
    #expect(outcome.status == 0)
    #expect(
      outcome.output.hasPrefix(
        "specs/app.yaml:11:9: warning[W003]: 'sane' speaks of no row of rows.csv: 2 of 3 rows (66.7 %) lie in the declared "
          + "domain, none where this property applies\n"))
    #expect(outcome.output.contains("rows.csv: 2 of 3 rows (66.7 %) in the domain\n"))
    let strict = try workspace.vpals("spec", "check", "--strict", "specs/app.yaml", "--data", "rows.csv")
    #expect(strict.status == 1)
    let missing = try workspace.vpals("spec", "check", "specs/app.yaml", "--data", "none.csv")
    #expect(missing.status == 2 && missing.error.hasPrefix("error: ") && missing.error.contains("none.csv"))
    try workspace.write("pressure,p99\n0.5,1\n", to: "short.csv")
    let short = try workspace.vpals("spec", "check", "specs/app.yaml", "--data", "short.csv")
    #expect(short.status == 2 && short.error.contains("cores"))
  }

  @Test func fmtPrintsChecksAndWrites() throws {
    let untidy =
      Workspace.specification.replacingOccurrences(of: "0 ms <= p99", with: "0 ms<=p99")
      .replacingOccurrences(of: "domain: 0..1}", with: "domain: 0 .. 1 }") + "\n\n"
    try specification(untidy)
    let printed = try workspace.vpals("spec", "fmt", "specs/app.yaml")
    #expect(printed.status == 0 && printed.output == Workspace.specification)
    let check = try workspace.vpals("spec", "fmt", "--check", "specs/app.yaml")
    #expect(check.status == 1)
    #expect(check.output == "specs/app.yaml: would change; run vpals spec fmt --in-place specs/app.yaml\n")
    #expect(try workspace.read("specs/app.yaml") == untidy)
    let written = try workspace.vpals("spec", "fmt", "--in-place", "specs/app.yaml")
    #expect(written.status == 0 && written.output == "specs/app.yaml: laid out anew\n")
    #expect(try workspace.read("specs/app.yaml") == Workspace.specification)
    #expect(try workspace.vpals("spec", "fmt", "--check", "specs/app.yaml").status == 0)
    try specification("spec: vpals/v2\n")
    let broken = try workspace.vpals("spec", "fmt", "--in-place", "specs/app.yaml")
    #expect(broken.status == 1 && broken.error.contains("E011"))
    #expect(try workspace.read("specs/app.yaml") == "spec: vpals/v2\n")
    #expect(try workspace.vpals("spec", "fmt", "a.yaml", "b.yaml").status == 2)
  }

  @Test func schemaPrintsThePublishedFile() throws {
    let published = try String(
      contentsOf: PythonTools.root.appending(path: "schemas/vpals-spec-v1.schema.json"), encoding: .utf8)
    let outcome = try workspace.vpals("spec", "schema")
    #expect(outcome.status == 0 && outcome.output == published)
  }

  /// A seeded share of what `Tests/Python/spec_fuzz.py --runs 100000` does.
  @Test func hostileFilesEndWithADocumentedExitCode() throws {
    let script = PythonTools.root.appending(path: "Tests/Python/spec_fuzz.py").path
    let child = try #require(
      ChildProcess(
        "/usr/bin/env",
        ["python3", script, "--vpals", ChildProcess.built("vpals"), "--runs", "300", "--seed", "7", "--batch", "150"]))
    #expect(child.line() == "seed 7: 300 files, 0 failures")
  }
}
