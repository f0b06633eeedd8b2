import TestHelpers
import Testing

@Suite struct UsageTests {
  let workspace = Workspace()

  @Test(arguments: [
    ["prove"], ["verify"], ["verify", "model.onnx", "--bogus"],
    ["verify", "a", "b"], ["verify", "a", "--timeout", "0"],
    ["verify", "a", "--timeout", "soon"], ["verify", "a", "--engine", "magic"], ["verify", "a", "--threads", "0"],
    ["verify", "a", "--format", "xml"], ["gate", "--format", "xml"], ["queue", "list", "--state", "lost"],
    ["queue", "list", "--limit", "0"], ["queue", "drop"], ["spec", "check"], ["certificates", "show"], ["--bogus"],
  ])
  func wrongUsageExitsWithTwo(arguments: [String]) throws {
    let outcome = try Program("vpals", arguments, in: workspace.path).outcome()
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.error.hasPrefix("error: "))
    #expect(outcome.error.contains("Usage: vpals"))
    #expect(workspace.names(in: "") == ["gate.yaml"])
  }

  @Test(arguments: [
    ["--help"], ["help", "verify"], ["verify", "--help"], ["gate", "-h"], ["report", "--help"], ["spec", "--help"],
    ["spec", "check", "--help"], ["certificates", "list", "--help"], ["certificates", "show", "--help"],
    ["queue", "--help"], ["queue", "list", "--help"], ["queue", "requeue", "--help"],
  ])
  func helpExitsWithZero(arguments: [String]) throws {
    let outcome = try Program("vpals", arguments, in: workspace.path).outcome()
    #expect(outcome.status == 0)
    #expect(outcome.error == "")
    #expect(outcome.output.contains("USAGE: vpals"))
    #expect(!outcome.output.contains("TimeSpan("))
  }

  @Test func versionNamesTheSolver() throws {
    let outcome = try workspace.vpals("--version")
    #expect(outcome.status == 0)
    #expect(outcome.lines.count == 1)
    #expect(outcome.output.hasPrefix("vpals "))
    #expect(outcome.output.contains(", z3 4."))
  }
}
