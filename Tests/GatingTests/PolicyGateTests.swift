import Certificates
import ExactArithmetic
import Foundation
import Gating
import Networks
import Specifications
import TestHelpers
import Testing

/// What the gate makes of a policy.
@Suite struct PolicyGateTests {
  let repository: Repository

  init() throws {
    repository = try Repository()
    try repository.add("nginx")
  }

  private func findings(_ lines: String) throws -> [GateFinding] {
    try repository.run(policy: "gate: vpals/v1\n\(lines)\n").findings
  }

  private func rules(_ lines: String) throws -> [String] {
    try findings(lines).flatMap(\.refusals).map { "\($0.rule.rawValue) \($0.subject?.property ?? "-")" }
  }

  // MARK: Places

  @Test func namesThePropertyAndItsPlace() throws {
    try repository.add("nginx", network: Repository.bad)
    let finding = try #require(try repository.gate().first)
    let file = repository.specificationPath("nginx")
    func subject(_ property: String, _ line: Int) -> Refusal.Subject {
      Refusal.Subject(property: property, specification: "nginx", file: file, line: line, column: 9)
    }
    #expect(
      finding.refusals.map(\.subject) == [subject("rises-with-pressure", 9), subject("falls-with-cores", 11)])
    #expect(finding.verdicts.map(\.subject.property) == ["rises-with-pressure", "falls-with-cores", "sane"])
    #expect(finding.verdicts.map(\.state) == [.refused, .refused, .proven])
    #expect(finding.proven == 1)
    for refusal in finding.refusals {
      #expect(refusal.details.count == 2, "\(refusal.details)")
      #expect(refusal.details.first?.contains(": p99 ") == true, "\(refusal.details)")
    }
  }

  @Test func doesNotRepeatACounterexampleThatIsNone() throws {
    try repository.add("nginx", network: Repository.bad)
    let records = try repository.certificate("nginx").properties
    func forge(_ example: Counterexample) throws -> [[String]] {
      let old = records[0]
      let record = PropertyRecord(
        id: old.id, statement: old.statement, outcome: .violated(example), engine: "auto", milliseconds: 0,
        cpuMilliseconds: 0, leaves: 1, solverLeaves: 0, provedShare: "0", lowerBound: nil,
        queryDigests: old.queryDigests)
      try repository.forge("nginx", properties: [record] + records[1...])
      return try repository.gate().flatMap(\.refusals).prefix(1).map(\.details)
    }
    func example(query: Int = 0, x: [Rational], xPrime: [Rational]?) -> Counterexample {
      Counterexample(query: query, x: x, xPrime: xPrime, fx: 1, fxPrime: xPrime.map { _ in 2 }, drop: 1000)
    }
    let half = Rational(1, 2)
    #expect(
      try forge(example(x: [0, half], xPrime: [1, half])) == [
        ["pressure 0 → 1 fraction: p99 20 → 8 ms (−12 ms), should not fall", "at cores 0.5"]
      ])
    let refused = [["the certificate's counterexample is not one to this property; verify the version again"]]
    for wrong in [
      example(x: [1, half], xPrime: [0, half]), example(x: [0, half], xPrime: nil),
      example(x: [0, 0], xPrime: [1, 0]), example(x: [0], xPrime: [1]),
      example(query: 7, x: [0, half], xPrime: [1, half]),
      example(x: [0, half], xPrime: [0, half]),
    ] {
      #expect(try forge(wrong) == refused, "\(wrong)")
    }
  }

  // MARK: Specifications

  @Test func asksForEverySpecification() throws {
    let policy = """
      specifications:
        - {models: "*", all-of: ["{application}"]}
        - {models: "ngin?", all-of: [latency-common, nginx]}
      """
    #expect(try rules(policy) == ["VP013 -"])
    try repository.write(Repository.specification, to: repository.specificationPath("latency-common"))
    let finding = try #require(try findings(policy).first)
    #expect(finding.specificationPaths == ["nginx", "latency-common"].map { repository.specificationPath($0) })
    #expect(
      finding.refusals == [
        Refusal(
          .noCertificate, file: "\(repository.path("nginx"))/latency-common.intoto.json",
          reason: "there is no certificate of this version for \(repository.specificationPath("latency-common"))",
          next: [
            "vpals", "verify", repository.path("nginx"), "--spec", repository.specificationPath("latency-common"),
          ])
      ])
    #expect(finding.verdicts.map(\.state) == [.proven, .proven, .proven, .notJudged, .notJudged, .notJudged])
    try repository.addSpecification("latency-common", to: "nginx")
    #expect(try findings(policy).map(\.passes) == [true])
    #expect(try findings(policy).map(\.proven) == [6])
    // What is wrong with the model is said once.
    try repository.write([1], to: "\(repository.path("nginx"))/model.onnx")
    #expect(try rules(policy) == ["VP004 -"])
  }

  @Test func refusesAModelThatNoEntryNames() throws {
    let finding = try #require(try findings("specifications: [{models: redis, all-of: [a]}]").first)
    #expect(finding.refusals.map(\.rule) == [.specificationUnreadable])
    #expect(finding.refusals.map(\.reason) == ["no entry of 'specifications' names nginx/v0001"])
    #expect(!finding.passes)
  }

  // MARK: Levels

  @Test func asksForAnArithmetic() throws {
    // The networks here are exact in binary64 on the finest grid, but their certificates say nothing of it.
    #expect(try rules("arithmetic: real") == [])
    let all = ["rises-with-pressure", "falls-with-cores", "sane"].map { "VP014 \($0)" }
    for level in ["binary64-bounded", "binary64-exact", "binary32-bounded"] {
      #expect(try rules("arithmetic: \(level)") == all, "\(level)")
    }
    #expect(
      try findings("arithmetic: binary64-exact").first?.refusals.first?.reason
        == "property 'rises-with-pressure' is proved in the arithmetic 'real'; the policy asks for 'binary64-exact'")
    let axes = [(0...1), (Rational(1, 2)...2)].map { InputGrid.Axis(exponent: -50, inside: $0) }
    try repository.forge("nginx", arithmetic: .binary64Exact(InputGrid(axes: axes.compactMap(\.self))))
    #expect(try rules("arithmetic: binary64-exact") == [])
    #expect(try rules("arithmetic: binary64-bounded") == [])
    #expect(try rules("arithmetic: binary32-bounded") == all)
  }

  @Test func asksForAVerifier() throws {
    func made(by name: String, _ version: String) throws -> [String] {
      try repository.forge("nginx", verifier: Certificate.Tool(name: name, version: version))
      return try findings("verifier: {minimum: 0.9.0}").flatMap(\.refusals).map { "\($0.rule.rawValue) \($0.reason)" }
    }
    #expect(try made(by: "vpals", "0.9.0") == [])
    #expect(try made(by: "vpals", "0.10.0") == [])
    func refused(_ tool: String) -> [String] {
      [
        "VP009 the certificate was made by \(tool); the policy asks for vpals 0.9.0 or later: install it, "
          + "then verify again"
      ]
    }
    #expect(try made(by: "vpals", "0.8.9") == refused("vpals 0.8.9"))
    #expect(try made(by: "vpals", "0.9.0-rc.1") == refused("vpals 0.9.0-rc.1"))
    #expect(try made(by: "vpals", "nightly") == refused("vpals nightly"))
    #expect(try made(by: "other", "1.0.0") == refused("other 1.0.0"))
  }

  @Test func trustsProofsWhenTold() throws {
    let proof = repository.proofPath("nginx", "sane")
    try repository.write([1], to: proof)
    #expect(try rules("proofs: check") == ["VP010 sane"])
    #expect(try rules("proofs: trust") == [])
    #expect(try repository.run(policy: "gate: vpals/v1\nproofs: trust\n").checksProofs == false)
    var records = try repository.certificate("nginx").properties
    records[2] = Repository.record(records[2], proof: nil)
    try repository.forge("nginx", properties: records)
    #expect(try rules("proofs: trust") == ["VP010 sane"])
  }

  // MARK: Exemptions

  private func exemption(
    _ rules: String, models: String = "nginx", property: String? = nil, expires: String = "2026-12-31"
  ) -> String {
    let only = property.map { ", property: \($0)" } ?? ""
    return
      "exemptions: [{models: \(models), rules: [\(rules)]\(only), owner: ops, reason: known, expires: \(expires)}]"
  }

  private func run(_ lines: String) throws -> GateRun { try repository.run(policy: "gate: vpals/v1\n\(lines)\n") }

  @Test func letsExemptRefusalsPass() throws {
    try repository.add("nginx", network: Repository.bad)
    let both = try run(exemption("VP002"))
    #expect(both.passes)
    #expect(both.warnings == [])
    #expect(both.findings[0].exempt.count == 2 && both.findings[0].standing.isEmpty)
    #expect(both.findings[0].exempt[0].exemption?.owner == "ops")
    #expect(both.findings[0].verdicts.map(\.state) == [.exempt, .exempt, .proven])
    let one = try run(exemption("VP002", property: "rises-with-pressure"))
    #expect(!one.passes)
    #expect(one.findings[0].verdicts.map(\.state) == [.exempt, .refused, .proven])
    #expect(one.findings[0].standing.map(\.subject?.property) == ["falls-with-cores"])
  }

  @Test func exemptionsCountToTheEndOfTheirDay() throws {
    try repository.add("nginx", network: Repository.bad)
    let bytes = Array("gate: vpals/v1\nsignature: optional\n\(exemption("VP002", expires: "2026-12-31"))\n".utf8)
    let policy = try GatePolicy.parse(bytes, path: "gate.yaml", now: Repository.now)
    func run(_ time: String) throws -> GateRun {
      let now = try #require(Timestamp(text: time))
      return try Gate(specifications: repository.specs, policy: policy, now: now).run(path: repository.models)
    }
    #expect(try run("2026-12-31T23:59:59.999Z").passes)
    let over = try run("2027-01-01T00:00:00Z")
    #expect(!over.passes)
    #expect(over.findings[0].refusals[0].reason.hasSuffix("(the exemption by ops expired on 2026-12-31)"))
    #expect(over.findings[0].refusals[0].subject?.property == "rises-with-pressure")
    #expect(
      over.warnings == [
        GateWarning(
          message: "the exemption of nginx by ops expired on 2026-12-31; delete it", file: "gate.yaml",
          place: Place(line: 3, column: 14))
      ])
  }

  @Test func warnsOfExemptionsThatNothingNeeds() throws {
    for lines in [exemption("VP002"), exemption("VP002", models: "redis"), exemption("VP002", property: "other")] {
      let run = try run(lines)
      #expect(run.passes)
      #expect(run.warnings.count == 1)
      #expect(run.warnings[0].message.hasSuffix("by ops matches no refusal of this run"))
    }
  }

  /// An exemption from one rule must not hide what other rules find.
  @Test func exemptionsHideNothingElse() throws {
    let second = "\(repository.path("nginx"))/second.onnx"
    try repository.write(try repository.bytes("\(repository.path("nginx"))/model.onnx"), to: second)
    #expect(try run(exemption("VP001")).passes)
    try repository.write([1], to: "\(repository.path("nginx"))/model.onnx")
    let run = try run(exemption("VP001, VP002, VP003"))
    #expect(!run.passes)
    #expect(run.findings[0].standing.map(\.rule) == [.modelChanged])
    #expect(run.findings[0].exempt.map(\.rule) == [.noCertificate])
  }

  @Test func finalRefusalsHaveNoExemption() {
    #expect(Refusal(.expiredOrRevoked, file: "f", reason: "expired", next: []).mayBeExempted)
    #expect(!Refusal(.expiredOrRevoked, file: "f", reason: "revoked", next: [], isFinal: true).mayBeExempted)
    for rule in Refusal.Rule.allCases where !rule.mayBeExempted {
      #expect(!Refusal(rule, file: "f", reason: "r", next: []).mayBeExempted)
    }
  }

  @Test func everyRuleHasItsPlaceAndWords() {
    #expect(Set(Refusal.Rule.worstFirst) == Set(Refusal.Rule.allCases))
    #expect(Refusal.Rule.worstFirst.count == 15)
    #expect(Set(Refusal.Rule.allCases.map(\.name)).count == 15)
    for rule in Refusal.Rule.allCases {
      #expect(rule.summary.hasSuffix("."))
      #expect(rule.help.hasSuffix("."))
    }
  }

  @Test func aRunWithoutVersionsPassesNothing() {
    let run = GateRun(
      findings: [], warnings: [], policyPath: nil, checksProofs: true, startedAt: Repository.now, milliseconds: 0)
    #expect(!run.passes)
  }
}
