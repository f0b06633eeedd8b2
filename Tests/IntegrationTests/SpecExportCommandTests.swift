import Foundation
import Testing

struct SpecExportCommandTests {
  private func workspace() throws -> Workspace {
    let workspace = Workspace()
    try workspace.add("web", try Workspace.falling())
    return workspace
  }

  @Test func onePropertyGoesToStandardOutput() throws {
    let workspace = try workspace()
    let outcome = try workspace.vpals(
      "spec", "export", "specs/web.yaml", "--to", "smt2", "--model", "models/web/v0001", "--property",
      "rises-with-pressure")
    #expect(outcome.status == 0 && outcome.error.isEmpty)
    #expect(outcome.lines.first == "; Property rises-with-pressure of specification web, negated.")
    #expect(outcome.lines.suffix(3) == ["(check-sat)", "; after sat: (get-model)", "(exit)"])
    #expect(outcome.output.contains("(declare-const d.p99/pressure Real)"))
    let pair = try workspace.vpals(
      "spec", "export", "specs/web.yaml", "--to", "smt2", "--model", "models/web/v0001", "--property",
      "rises-with-pressure", "--encoding", "pair")
    #expect(pair.output.contains("(declare-const |x'.pressure| Real)"))
  }

  @Test func aDirectoryGetsAFileForEveryPropertyAndQuery() throws {
    let workspace = try workspace()
    let outcome = try workspace.vpals(
      "spec", "export", "specs/web.yaml", "--to", "smt2", "--model", "models/web/v0001", "--output", "out/")
    #expect(outcome.status == 0)
    let names = ["web.rises-with-pressure.smt2", "web.sane.Q1.smt2", "web.sane.Q2.smt2", "web.sane.smt2"]
    #expect(workspace.names(in: "out") == names)
    #expect(Set(outcome.lines) == Set(names.map { "out/\($0)" }))
    let vnnlib = try workspace.vpals("spec", "export", "specs/web.yaml", "--to", "vnnlib", "--output", "out")
    #expect(vnnlib.status == 0)
    #expect(workspace.names(in: "out").filter { $0.hasSuffix(".vnnlib") }.count == 4)
    let file = try workspace.vpals(
      "spec", "export", "specs/web.yaml", "--to", "vnnlib1", "--property", "sane", "--query", "2", "--output",
      "one.vnnlib")
    #expect(file.lines == ["one.vnnlib"])
    let text = String(decoding: try workspace.bytes("one.vnnlib"), as: UTF8.self)
    #expect(text.hasSuffix("(assert (>= Y_0 100.0))\n"))
  }

  @Test func whatCannotBeWrittenIsRefusedWithTheNextCommand() throws {
    let workspace = try workspace()
    let outcome = try workspace.vpals("spec", "export", "specs/web.yaml", "--to", "vnnlib1", "--output", "out/")
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.error.contains("rises-with-pressure compares two points, and VNN-LIB 1.0 has one network"))
    #expect(outcome.error.contains("next: vpals spec export specs/web.yaml --to vnnlib1 --property sane --output out/"))
    #expect(workspace.names(in: "out") == [])
  }

  @Test(arguments: [
    (["--to", "smt2"], "needs the network's weights"),
    (["--to", "vnnlib", "--model", "models/web/v0001"], "leave --model out"),
    (["--to", "vnnlib"], "has 2 properties"),
    (["--to", "vnnlib", "--property", "none"], "has no property 'none'"),
    (["--to", "vnnlib", "--property", "sane", "--query", "3"], "its queries are 1 to 2"),
    (["--to", "vnnlib", "--property", "sane", "--query", "0"], "queries count from 1"),
    (["--to", "vnnlib", "--query", "1"], "name it with --property"),
    (["--to", "vnnlib", "--property", "sane", "--output", "missing/file"], "no such file or directory"),
    (["--to", "vnnlib", "--status", "sat", "--property", "sane"], "smt2 only"),
    (["--to", "smt2", "--model", "specs/web.yaml", "--property", "sane"], "specs/web.yaml"),
    (["--to", "word"], "word"),
  ])
  func wrongUseIsOneError(arguments: [String], problem: String) throws {
    let workspace = try workspace()
    let outcome = try Program("vpals", ["spec", "export", "specs/web.yaml"] + arguments, in: workspace.path).outcome()
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.error.contains(problem), "\(outcome.error)")
  }
}
