import Foundation
import TestHelpers
import Testing

@Suite struct GateCommandTests {
  let workspace = Workspace()

  struct GateJSON: Decodable {
    struct Refusal: Decodable, Equatable {
      let rule: String
      let name: String
      let file: String
      let reason: String
      let next: String
    }

    struct Version: Decodable {
      let application: String
      let version: String
      let path: String
      let specification: String
      let passes: Bool
      let properties: Int
      let refusals: [Refusal]
    }

    let passes: Bool
    let versions: [Version]
  }

  init() throws {
    for name in ["nginx", "redis"] {
      try workspace.add(name, try Workspace.good())
      #expect(try workspace.vpals("verify", "models/\(name)/v0001").status == 0)
    }
  }

  private func flipOneBit(_ name: String) throws {
    var bytes = try workspace.bytes(name)
    bytes[bytes.count / 2] ^= 4
    try workspace.write(bytes, to: name)
  }

  @Test func passesProvenVersions() throws {
    let outcome = try workspace.vpals("gate")
    #expect(outcome.status == 0)
    #expect(outcome.error == "")
    #expect(
      outcome.output == """
        PASS nginx/v0001  2 of 2 properties hold
        PASS redis/v0001  2 of 2 properties hold
        gate: 2 of 2 versions pass

        """)
    #expect(
      try workspace.vpals("gate", "models/nginx/v0001/").output
        == "PASS nginx/v0001  2 of 2 properties hold\ngate: 1 of 1 version passes\n")
  }

  @Test func refusesAnAlteredModel() throws {
    try flipOneBit("models/redis/v0001/model.onnx")
    let outcome = try workspace.vpals("gate", "models")
    #expect(outcome.status == 1)
    #expect(
      outcome.output == """
        PASS nginx/v0001  2 of 2 properties hold
        FAIL redis/v0001  VP004 model-changed  models/redis/v0001/model.onnx: the file has changed since it was verified
          next: vpals verify models/redis/v0001 --spec specs/redis.yaml
        gate: refused, 1 of 2 versions fails

        """)
  }

  @Test func refusesAnAlteredProof() throws {
    let proof = "models/nginx/v0001/nginx.sane.proof"
    var bytes = try workspace.bytes(proof)
    bytes[79] = 9
    try workspace.write(bytes, to: proof)
    let outcome = try workspace.vpals("gate", "models")
    #expect(outcome.status == 1)
    let problem = "the proof of property 'sane' is not valid: query 0, node 0, byte 80: tag: no node begins with 9"
    #expect(
      outcome.output == """
        FAIL nginx/v0001  VP010 proof-unchecked  \(proof): \(problem)
          next: vpals verify models/nginx/v0001 --spec specs/nginx.yaml
        PASS redis/v0001  2 of 2 properties hold
        gate: refused, 1 of 2 versions fails

        """)
    #expect(try workspace.vpals("verify", "models/nginx/v0001", "--spec", "specs/nginx.yaml").status == 0)
    #expect(try workspace.vpals("gate").status == 0)
  }

  @Test func speaksJSON() throws {
    try FileManager.default.removeItem(atPath: workspace.file("models/nginx/v0001/nginx.intoto.json"))
    let outcome = try workspace.vpals("gate", "--format", "json", "--specs", "specs/")
    #expect(outcome.status == 1)
    let report = try JSONDecoder().decode(GateJSON.self, from: Data(outcome.output.utf8))
    #expect(!report.passes)
    #expect(report.versions.map(\.application) == ["nginx", "redis"])
    #expect(report.versions.map(\.version) == ["v0001", "v0001"])
    #expect(report.versions.map(\.path) == ["models/nginx/v0001", "models/redis/v0001"])
    #expect(report.versions.map(\.specification) == ["specs/nginx.yaml", "specs/redis.yaml"])
    #expect(report.versions.map(\.passes) == [false, true])
    #expect(report.versions.map(\.properties) == [0, 2])
    #expect(
      report.versions[0].refusals == [
        GateJSON.Refusal(
          rule: "VP001", name: "no-certificate", file: "models/nginx/v0001/nginx.intoto.json",
          reason: "there is no certificate of this version for specs/nginx.yaml",
          next: "vpals verify models/nginx/v0001 --spec specs/nginx.yaml")
      ])
    #expect(report.versions[1].refusals == [])
  }

  @Test func theNextCommandLeadsBackToAPass() throws {
    try workspace.write(Workspace.specification + "# a comment\n", to: "specs/nginx.yaml")
    let refused = try workspace.vpals("gate")
    #expect(refused.status == 1)
    let next = try #require(refused.lines.first { $0.hasPrefix("  next: vpals ") })
    let words = next.dropFirst("  next: vpals ".count).split(separator: " ").map(String.init)
    #expect(try Program("vpals", words, in: workspace.path).outcome().status == 0)
    #expect(try workspace.vpals("gate").status == 0)
  }

  @Test func quotesNamesForTheShell() throws {
    try workspace.add("my app", try Workspace.good())
    let outcome = try workspace.vpals("gate")
    #expect(outcome.status == 1)
    #expect(outcome.lines.contains("  next: vpals verify 'models/my app/v0001' --spec 'specs/my app.yaml'"))
  }

  @Test func doesNotLetANamePoseAsALine() throws {
    try workspace.add("x\nPASS evil", try Workspace.good())
    let outcome = try workspace.vpals("gate")
    #expect(outcome.status == 1)
    #expect(outcome.lines.count { $0.hasPrefix("PASS ") } == 2)
  }

  @Test(arguments: [
    ["gate", "empty"], ["gate", "missing"], ["gate", "--specs", "missing"], ["gate", "specs/nginx.yaml"],
  ])
  func cannotRunOnNothing(arguments: [String]) throws {
    try FileManager.default.createDirectory(atPath: workspace.file("empty"), withIntermediateDirectories: true)
    let outcome = try Program("vpals", arguments, in: workspace.path).outcome()
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.error.hasPrefix("error: "))
    #expect(outcome.error.split(separator: "\n").count == 1)
  }

  @Test func keepsItsVerdictWhenNobodyReadsOn() throws {
    let script = "{ sleep 1; \"$0\" gate; echo \"status $?\" >&2; } | true"
    let outcome = try Program("/bin/sh", ["-c", script, ChildProcess.built("vpals")], in: workspace.path).outcome()
    #expect(outcome.error == "status 0\n")
  }

  @Test func failsWhenItsReportIsLost() throws {
    let arguments = ["-c", "\"$0\" gate --format json > /dev/full", ChildProcess.built("vpals")]
    let outcome = try Program("/bin/sh", arguments, in: workspace.path).outcome()
    #expect(outcome.status == 2)
    #expect(outcome.error == "error: cannot write the output: No space left on device\n")
  }

  @Test func neverNeedsAStore() throws {
    try FileManager.default.removeItem(atPath: workspace.file(".vpals"))
    #expect(try workspace.vpals("gate").status == 0)
    #expect(workspace.names(in: "") == ["models", "specs"])
  }
}
