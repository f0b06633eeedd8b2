import Foundation
import Networks
import TestHelpers
import Testing

/// `vpals-check`, which is alone with a certificate, a model and a specification.
@Suite struct CheckCommandTests {
  let workspace = Workspace()
  static let certificate = "models/nginx/v0001/nginx.certificate.json"
  static let model = "models/nginx/v0001/model.onnx"

  init() throws {
    try workspace.add("nginx", try Workspace.good())
    #expect(try workspace.vpals("verify", "models/nginx/v0001").status == 0)
  }

  private func check(certificate: String = certificate, model: String = model, spec: String = "specs/nginx.yaml") throws
    -> Outcome
  {
    try workspace.check(certificate, "--model", model, "--spec", spec)
  }

  @Test func printsWhatIsBoundAndRefusesVerdictsWithoutProof() throws {
    let outcome = try check()
    #expect(outcome.status == 1)
    #expect(outcome.lines.first == "network        \(ExactNetwork(try Workspace.good()).digest)")
    #expect(outcome.lines.contains("property       sane: claimed to be holds"))
    #expect(outcome.lines.contains("               for all x in the domain: 0 ms ≤ p99(x) ≤ 100 ms"))
    #expect(
      outcome.lines.filter { $0.hasPrefix("invalid: ") } == [
        "invalid: property 'rises-with-pressure' has no proof", "invalid: property 'sane' has no proof",
      ])
  }

  @Test func noticesAnotherModel() throws {
    try workspace.add("other", try Workspace.falling())
    let outcome = try check(model: "models/other/v0001/model.onnx")
    #expect(outcome.status == 1)
    #expect(
      outcome.lines.contains(
        "invalid: models/other/v0001/model.onnx is not the network that the certificate speaks of"))
  }

  @Test func noticesAnotherSpecification() throws {
    try workspace.write(
      Workspace.specification.replacingOccurrences(of: "100 ms", with: "99 ms"), to: "other.yaml")
    let outcome = try check(spec: "other.yaml")
    #expect(outcome.status == 1)
    #expect(
      outcome.lines.contains("invalid: other.yaml does not mean what the certificate's specification means"))
    #expect(outcome.lines.contains("invalid: property 'sane' was verified with another meaning"))
  }

  @Test func unreadableInputExitsWithTwo() throws {
    try workspace.write("{}", to: "bad.json")
    for outcome in [
      try check(certificate: "bad.json"), try check(certificate: "none.json"), try check(model: "specs/nginx.yaml"),
      try check(spec: "none.yaml"), try workspace.check("--bogus"), try workspace.check(),
    ] {
      #expect(outcome.status == 2)
      #expect(outcome.output == "")
      #expect(!outcome.error.isEmpty)
    }
    #expect(try workspace.check("--help").status == 0)
  }

  @Test func linksNeitherSolverNorStore() throws {
    let checker = try libraries("vpals-check")
    #expect(checker.contains("libc.so"))
    #expect(!checker.contains("libz3"))
    #expect(!checker.contains("libsqlite3"))
  }

  /// Z3 lives in a process of its own, so that none of its failures is one of the programs that ask it.
  @Test func onlyTheSolverProcessLinksZ3() throws {
    for name in ["vpals", "vpals-train"] {
      let program = try libraries(name)
      #expect(program.contains("libsqlite3"))
      #expect(!program.contains("libz3"))
    }
    #expect(try libraries("vpals-solver").contains("libz3"))
  }

  private func libraries(_ name: String) throws -> String {
    try Program("/usr/bin/ldd", [ChildProcess.built(name)], in: workspace.path).outcome().output
  }
}
