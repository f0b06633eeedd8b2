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

  // MARK: Reports

  @Test func showsACounterexampleInUnits() throws {
    try workspace.add("redis", try Workspace.falling())
    #expect(try workspace.vpals("verify", "models/redis/v0001").status == 1)
    let outcome = try workspace.vpals("gate", "models/redis/v0001")
    #expect(outcome.status == 1)
    let certificate = "models/redis/v0001/redis.intoto.json"
    try #require(outcome.lines.count == 5)
    #expect(
      outcome.lines[0] == "FAIL redis/v0001  VP002 violated  specs/redis.yaml:9:9: property 'rises-with-pressure' is "
        + "violated: for all x, x′ in the domain with x′ ≥ x in pressure and x′ = x elsewhere: p99(x′) ≥ p99(x)")
    #expect(outcome.lines[1].hasPrefix("  pressure 0 → 1 fraction: p99 20 → 8"))
    #expect(outcome.lines[1].hasSuffix(" ms), should not fall"))
    #expect(outcome.lines[2].hasPrefix("  at cores 0.5"))
    #expect(
      outcome.lines[3] == "  next: vpals explain \(certificate) --property rises-with-pressure --spec specs/redis.yaml")
    #expect(outcome.lines[4] == "gate: refused, 1 of 1 version fails")
    let next = try #require(outcome.lines.first { $0.hasPrefix("  next: vpals ") })
    let words = next.dropFirst("  next: vpals ".count).split(separator: " ").map(String.init)
    let explained = try Program("vpals", words, in: workspace.path).outcome()
    #expect(explained.status == 0, "\(explained.error)")
    #expect(explained.lines.contains(String(outcome.lines[1].dropFirst(2))))
  }

  @Test func writesSeveralReports() throws {
    try flipOneBit("models/redis/v0001/model.onnx")
    let outcome = try workspace.vpals(
      "gate", "--format", "sarif=out.sarif", "--format", "junit=\(workspace.file("out.xml"))", "--format",
      "json=./out.json", "--format", "github=out.txt", "--format", "text")
    #expect(outcome.status == 1)
    #expect(outcome.lines.last == "gate: refused, 1 of 2 versions fails")
    #expect(outcome.error == "")
    #expect(
      workspace.names(in: "") == [
        ".vpals", "gate.yaml", "models", "out.json", "out.sarif", "out.txt", "out.xml", "specs",
      ])
    #expect(try workspace.read("out.sarif").contains("\"uri\":\"models/redis/v0001/model.onnx\""))
    #expect(try workspace.read("out.xml").contains("<failure type=\"VP004 model-changed\""))
    #expect(try workspace.read("out.txt").hasPrefix("::error file=models/redis/v0001/model.onnx,line=1,"))
    let report = try JSONDecoder().decode(GateJSON.self, from: Data(try workspace.bytes("out.json")))
    #expect(report.versions.map(\.passes) == [true, false])
  }

  @Test func printsTheTextWhenAllReportsGoToFiles() throws {
    let outcome = try workspace.vpals("gate", "models/nginx/v0001", "--format", "sarif=out.sarif")
    #expect(outcome.output == "PASS nginx/v0001  2 of 2 properties hold\ngate: 1 of 1 version passes\n")
  }

  @Test(arguments: [
    ["yaml"], ["text", "json"], ["text", "text"], ["json=a", "sarif=a"], ["json=a", "sarif=./a"],
    ["json=a", "sarif=specs/../a"], ["json=missing/a"], ["json="], ["json=models"], ["json=/dev/null"], ["json=a/"],
    ["=a"], [""],
  ])
  func refusesReportsBeforeAnyWork(formats: [String]) throws {
    let outcome = try Program("vpals", ["gate"] + formats.flatMap { ["--format", $0] }, in: workspace.path).outcome()
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.error.hasPrefix("error: "), "\(outcome.error)")
    #expect(workspace.names(in: "") == [".vpals", "gate.yaml", "models", "specs"])
  }

  @Test func appendsToTheSummaryOfAStep() throws {
    try workspace.write("before\n", to: "summary.md")
    func gate(_ format: String) throws -> Outcome {
      try Program(
        "/usr/bin/env",
        [
          "GITHUB_STEP_SUMMARY=summary.md", ChildProcess.built("vpals"), "gate", "models/nginx/v0001", "--format",
          format,
        ],
        in: workspace.path
      ).outcome()
    }
    #expect(try gate("text").status == 0)
    #expect(try workspace.read("summary.md") == "before\n")
    #expect(try gate("github").output == "gate: 1 of 1 version passes\n")
    #expect(
      try workspace.read("summary.md") == """
        before
        ## vpals gate: pass

        1 of 1 version passes

        | | version | rule | place | reason |
        |---|---|---|---|---|
        | PASS | nginx/v0001 | | | 2 of 2 properties hold |

        """)
  }

  // MARK: The policy

  @Test func followsThePolicyOfTheWorkingDirectory() throws {
    try workspace.write("gate: vpals/v1\nsignature: optional\narithmetic: binary32-bounded\n", to: "gate.yaml")
    let refused = try workspace.vpals("gate")
    #expect(refused.status == 1)
    #expect(refused.lines.count { $0.contains("VP014 arithmetic-too-weak  specs/") } == 4)
    try workspace.write("gate: vpals/v1\nsignature: optional\n", to: "ci/other.yaml")
    #expect(try workspace.vpals("gate", "--policy", "ci/other.yaml").status == 0)
    try workspace.write(
      """
      gate: vpals/v1
      signature: optional
      arithmetic: binary32-bounded
      exemptions:
        - models: "*"
          rules: [VP014]
          owner: ops@example.com
          reason: not deployed in binary32 yet
          expires: \(Self.inTenDays)

      """, to: "gate.yaml")
    let exempt = try workspace.vpals("gate")
    #expect(exempt.status == 0)
    #expect(exempt.lines[0] == "PASS nginx/v0001  0 of 2 properties hold, 2 refusals are exempt")
    #expect(exempt.lines[1].hasPrefix("EXEMPT nginx/v0001  VP014 arithmetic-too-weak  specs/nginx.yaml:9:9: "))
    #expect(exempt.lines.last == "gate: 2 of 2 versions pass; 4 refusals are exempt")
  }

  private static var inTenDays: String {
    String(ISO8601DateFormatter().string(from: Date().addingTimeInterval(864_000)).prefix(10))
  }

  @Test func cannotRunByAWrongPolicy() throws {
    try workspace.write("gate: vpals/v1\nsignatures: required\n", to: "gate.yaml")
    let outcome = try workspace.vpals("gate")
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(
      outcome.error.hasPrefix(
        "error: gate.yaml:2:1: error[E009]: unknown key 'signatures' in the policy, did you mean 'signature'?\n"))
    #expect(try workspace.vpals("gate", "--policy", "missing.yaml").status == 2)
    // A link that leads nowhere is a policy that cannot be read, not none.
    try FileManager.default.removeItem(atPath: workspace.file("gate.yaml"))
    try FileManager.default.createSymbolicLink(
      atPath: workspace.file("gate.yaml"), withDestinationPath: workspace.file("elsewhere"))
    #expect(try workspace.vpals("gate").status == 2)
  }

  @Test func believesProofsWhenTold() throws {
    try workspace.write([1], to: "models/nginx/v0001/nginx.sane.proof")
    #expect(try workspace.vpals("gate").status == 1)
    let trusting = try workspace.vpals("gate", "--no-proof-check")
    #expect(trusting.status == 0)
    #expect(trusting.lines.suffix(2) == ["proofs were not checked again", "gate: 2 of 2 versions pass"])
  }

  @Test func neverNeedsAStore() throws {
    try FileManager.default.removeItem(atPath: workspace.file(".vpals"))
    #expect(try workspace.vpals("gate").status == 0)
    #expect(workspace.names(in: "") == ["gate.yaml", "models", "specs"])
  }
}
