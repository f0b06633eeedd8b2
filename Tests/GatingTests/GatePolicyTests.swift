import Certificates
import ExactArithmetic
import Foundation
import Gating
import Specifications
import TestHelpers
import Testing

@Suite struct GatePolicyTests {
  private static func parse(_ text: String, path: String = "ci/gate.yaml") throws(GatePolicyError) -> GatePolicy {
    try GatePolicy.parse(Array(text.utf8), path: path, now: Repository.now)
  }

  static let full = """
    # What models must satisfy here.
    gate: vpals/v1
    specifications:
      - {models: "*", all-of: ["{application}"]}
      - {models: "web-*", all-of: [latency-common, "{application}-slo"]}
    arithmetic: binary64-bounded
    signature: optional
    trust: trust.json
    log: {inclusion: required, directory: /var/log/vpals, checkpoint: log.checkpoint}
    data: {minimum-inside: 0.95}
    proofs: trust
    verifier: {minimum: 0.9.0}
    exemptions:
      - {models: nginx/v0001, rules: [VP003, VP014], owner: ops@example.com, reason: retraining is under way, expires: 2026-12-31}
      - models: web-?
        rules: [VP002]
        property: sane
        owner: team web
        reason: "accepted: see the incident review"
        expires: 2027-11-28

    """

  @Test func readsEveryKey() throws {
    let policy = try Self.parse(Self.full)
    #expect(policy.path == "ci/gate.yaml")
    #expect(policy.specifications.map(\.models.description) == ["*", "web-*"])
    #expect(policy.specifications.map(\.allOf) == [["{application}"], ["latency-common", "{application}-slo"]])
    #expect(policy.arithmetic == .binary64Bounded)
    #expect(policy.signature == .optional)
    #expect(policy.trust == "ci/trust.json")
    #expect(policy.log.inclusion == .required)
    #expect(policy.log.directory == "/var/log/vpals")
    #expect(policy.log.checkpoint == "ci/log.checkpoint")
    #expect(policy.minimumInside == Rational(19, 20))
    #expect(policy.proofs == .trust)
    #expect(policy.minimumVerifier?.description == "0.9.0")
    #expect(policy.exemptions.map(\.models.description) == ["nginx/v0001", "web-?"])
    #expect(policy.exemptions.map(\.rules) == [[.undecided, .arithmeticTooWeak], [.violated]])
    #expect(policy.exemptions.map(\.property) == [nil, "sane"])
    #expect(policy.exemptions.map(\.owner) == ["ops@example.com", "team web"])
    #expect(policy.exemptions.map(\.reason) == ["retraining is under way", "accepted: see the incident review"])
    #expect(policy.exemptions.map(\.expires) == ["2026-12-31", "2027-11-28"])
    #expect(policy.exemptions.map(\.place) == [Place(line: 14, column: 5), Place(line: 15, column: 5)])
  }

  @Test func asksForSignaturesAndProofsByDefault() throws {
    var plain = GatePolicy()
    plain.path = "gate.yaml"
    #expect(try Self.parse("gate: vpals/v1\n", path: "gate.yaml") == plain)
    #expect(plain.signature == .required && plain.proofs == .check && plain.arithmetic == .real)
    #expect(plain.log.inclusion == .optional && plain.specifications.isEmpty && plain.exemptions.isEmpty)
    #expect(plain.minimumInside == nil && plain.minimumVerifier == nil && plain.trust == nil)
  }

  /// A key and a value that replace the second line, and the first line of the message behind the place.
  static let wrong: [(text: String, place: String, message: String)] = [
    ("arithmetics: real", "2:1", "error[E009]: unknown key 'arithmetics' in the policy, did you mean 'arithmetic'?"),
    ("arithmetic: reel", "2:13", "error[E013]: 'arithmetic' is 'reel', did you mean 'real'?"),
    ("arithmetic: [real]", "2:13", "error[E007]: 'arithmetic' must be a text, not a list"),
    ("signature: yes", "2:12", "error[E013]: 'signature' is 'yes'"),
    ("signature:", "2:1", "error[E007]: 'signature' is empty"),
    ("proofs: none", "2:9", "error[E013]: 'proofs' is 'none'"),
    ("log: required", "2:6", "error[E007]: 'log' must be a mapping, not a text"),
    ("log: {directory: log}", "2:1", "error[E008]: 'log' needs the key 'inclusion'"),
    ("data: {minimum-inside: 1.01}", "2:24", "error[E013]: 'minimum-inside' is '1.01'"),
    ("data: {minimum-inside: 95%}", "2:24", "error[E013]: 'minimum-inside' is '95%'"),
    ("data: {minimum-inside: 1e-1}", "2:24", "error[E013]: 'minimum-inside' is '1e-1'"),
    ("data: {minimum-inside: -0}", "2:24", "error[E013]: 'minimum-inside' is '-0'"),
    ("verifier: {minimum: 0.9}", "2:21", "error[E013]: '0.9' is no version"),
    ("verifier: {minimum: 0.09.1}", "2:21", "error[E013]: '0.09.1' is no version"),
    ("specifications: []", "2:1", "error[E007]: 'specifications' has 0 entries; expected 1 to 256"),
    ("specifications: [{models: \"*\"}]", "2:18", "error[E008]: an entry of 'specifications' needs the key 'all-of'"),
    (
      "specifications: [{models: \"web-[ab]\", all-of: [a]}]", "2:27",
      "error[E013]: 'web-[ab]' is no pattern of models"
    ),
    (
      "specifications: [{models: \"*\", all-of: [../a]}]", "2:41",
      "error[E017]: '../a' is no name of a specification"
    ),
    (
      "specifications: [{models: \"*\", all-of: [a.yaml]}]", "2:41",
      "error[E017]: 'a.yaml' is no name of a specification"
    ),
    ("specifications: [{models: \"*\", all-of: [a, a]}]", "2:44", "error[E018]: 'a' stands here twice"),
    ("gate: vpals/v1", "2:1", "error[E006]: the key 'gate' is written more than once"),
    ("trust: &t trust.json", "2:8", "error[E005]: YAML anchors are not part of the language"),
    ("trust: !!str trust.json", "2:8", "error[E005]: YAML tags are not part of the language"),
    ("trust: \"a\\nb\"", "2:8", "error[E013]: 'trust' is no path"),
  ]

  @Test(arguments: wrong.indices) func refuses(index: Int) throws {
    let wrong = Self.wrong[index]
    let error = #expect(throws: GatePolicyError.self) { try Self.parse("gate: vpals/v1\n\(wrong.text)\n") }
    #expect(error?.diagnostics.count == 1)
    let text = try #require(error?.description)
    #expect(text.hasPrefix("ci/gate.yaml:\(wrong.place): \(wrong.message)\n   "), "\(text)")
    #expect(text.contains("^"), "\(text)")
  }

  private static let exemption: [(key: String, value: String)] = [
    ("models", "nginx"), ("rules", "[VP003]"), ("owner", "ops"), ("reason", "known"), ("expires", "2026-12-31"),
  ]

  /// A key of an exemption, a wrong value, and what is said.
  static let wrongExemptions: [(key: String, value: String?, message: String)] = [
    ("models", nil, "error[E008]: an exemption needs the key 'models'"),
    ("models", "a/b/c", "error[E013]: 'a/b/c' is no pattern of models"),
    ("rules", "[]", "error[E007]: 'rules' has 0 entries; expected 1 to 15"),
    ("rules", "VP003", "error[E007]: 'rules' must be a list, not a text"),
    ("rules", "[VP099]", "error[E013]: 'VP099' is no rule"),
    ("rules", "[undecided]", "error[E013]: 'undecided' is no rule"),
    ("rules", "[VP004]", "error[E013]: nothing is exempt from VP004, model-changed"),
    ("rules", "[VP005]", "error[E013]: nothing is exempt from VP005, specification-changed"),
    ("rules", "[VP006]", "error[E013]: nothing is exempt from VP006, bad-signature"),
    ("rules", "[VP010]", "error[E013]: nothing is exempt from VP010, proof-unchecked"),
    ("rules", "[VP003, VP003]", "error[E018]: VP003 stands here twice"),
    ("owner", nil, "error[E008]: an exemption needs the key 'owner'"),
    ("owner", "\"--\"", "error[E013]: 'owner' must be one line of at most 500 characters, some of them letters"),
    ("reason", nil, "error[E008]: an exemption needs the key 'reason'"),
    ("reason", "\"a\\nb\"", "error[E013]: 'reason' must be one line of at most 500 characters, some of them letters"),
    ("expires", nil, "error[E008]: an exemption needs the key 'expires'"),
    ("expires", "2026-02-30", "error[E013]: '2026-02-30' is no day of the calendar"),
    ("expires", "tomorrow", "error[E013]: 'tomorrow' is no day of the calendar"),
    ("expires", "2027-11-29", "error[E013]: the exemption would count for more than 366 days"),
    ("property", "Sane!", "error[E017]: 'Sane!' is no identifier of a property"),
    ("until", "2026-12-31", "error[E009]: unknown key 'until' in an exemption"),
  ]

  static func exemptionText(_ key: String, _ value: String?) -> String {
    var members = exemption.filter { $0.key != key || value != nil }.map { $0.key == key ? (key, value ?? "") : $0 }
    if let value, !members.contains(where: { $0.0 == key }) { members.append((key, value)) }
    return "gate: vpals/v1\nexemptions:\n  - {\(members.map { "\($0.0): \($0.1)" }.joined(separator: ", "))}\n"
  }

  @Test(arguments: wrongExemptions.indices) func refusesExemption(index: Int) throws {
    let wrong = Self.wrongExemptions[index]
    let error = #expect(throws: GatePolicyError.self) { try Self.parse(Self.exemptionText(wrong.key, wrong.value)) }
    #expect(error?.diagnostics.count == 1)
    let text = try #require(error?.description)
    #expect(text.split(separator: "\n")[0].hasSuffix(": \(wrong.message)"), "\(text)")
    #expect(text.hasPrefix("ci/gate.yaml:3:"), "\(text)")
  }

  @Test func showsThePlaceAndTheFix() throws {
    let error = #expect(throws: GatePolicyError.self) { try Self.parse("gate: vpals/v1\nsignatures: required\n") }
    #expect(
      error?.description == """
        ci/gate.yaml:2:1: error[E009]: unknown key 'signatures' in the policy, did you mean 'signature'?
           signatures: required
           ^^^^^^^^^^
           fix: known keys: gate, specifications, arithmetic, signature, trust, log, data, proofs, verifier, exemptions
        """)
  }

  @Test func keepsItsBounds() throws {
    let long = "gate: vpals/v1\n" + String(repeating: "#", count: GatePolicy.maximumBytes)
    let error = #expect(throws: GatePolicyError.self) { try Self.parse(long) }
    #expect(error?.description == "ci/gate.yaml has more than 65536 bytes; use patterns instead of lists")
    let deep = "gate: " + String(repeating: "[", count: 12) + String(repeating: "]", count: 12)
    #expect(throws: GatePolicyError.self) { try Self.parse(deep) }
    #expect(throws: GatePolicyError.self) { try Self.parse("") }
    #expect(throws: GatePolicyError.self) { try Self.parse("- gate: vpals/v1\n") }
    #expect(throws: GatePolicyError.self) { try Self.parse("gate: vpals/v2\n") }
    #expect(throws: GatePolicyError.self) { try Self.parse("gate: vpals/v1\n---\ngate: vpals/v1\n") }
    #expect(throws: GatePolicyError.self) { try Self.parse("gate: vpals/v1\u{0}\n") }
  }

  @Test func doesNotTakeAnUnreadableFileForNone() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("gate.yaml")
    #expect(throws: GatePolicyError.self) { try GatePolicy.read(path: path, now: Repository.now) }
    #expect(mkfifo(path, 0o644) == 0)
    #expect(throws: GatePolicyError.self) { try GatePolicy.read(path: path, now: Repository.now) }
  }

  // MARK: Parts

  @Test func matchesPatterns() throws {
    for (pattern, matching, other) in [
      ("*", ["nginx/v0001", "a/file"], []),
      ("nginx", ["nginx/v0001"], ["nginx2/v0001", "ngin/v0001", "Nginx/v0001"]),
      ("web-*", ["web-/v0001", "web-a-b/v0002"], ["web/v0001", "aweb-x/v0001"]),
      ("*-a*b?", ["x-aab1/v1", "-ab1/v1"], ["x-ab/v1", "xab1/v1"]),
      ("nginx/v000?", ["nginx/v0001"], ["nginx/v0010", "redis/v0001"]),
      ("*/v0002", ["nginx/v0002"], ["nginx/v0001"]),
    ] as [(String, [String], [String])] {
      let read = try #require(ModelPattern(pattern))
      func matches(_ name: String) -> Bool {
        let parts = name.split(separator: "/").map(String.init)
        return read.matches(application: parts[0], version: parts[1])
      }
      for name in matching { #expect(matches(name), "\(pattern) \(name)") }
      for name in other { #expect(!matches(name), "\(pattern) \(name)") }
    }
    for text in [
      "", "/", "a/", "/b", "a/b/c", "[ab]", "{a,b}", "!a", "a\\b", "a\nb", String(repeating: "a", count: 201),
    ] {
      #expect(ModelPattern(text) == nil, "\(text)")
    }
    // Two hundred stars against a long name end soon.
    let stars = try #require(ModelPattern(String(repeating: "*a", count: 99) + "b"))
    #expect(!stars.matches(application: String(repeating: "a", count: 10_000), version: "v0001"))
  }

  @Test func ordersVersions() throws {
    let ordered = [
      "0.0.0", "0.9.0-alpha", "0.9.0-alpha.1", "0.9.0-alpha.2", "0.9.0-alpha.10", "0.9.0-alpha.beta", "0.9.0-rc.1",
      "0.9.0", "0.9.1", "0.10.0", "1.0.0-0", "1.0.0",
    ]
    let read = try ordered.map { try #require(SemanticVersion($0)) }
    for (index, version) in read.enumerated() {
      for (other, later) in read.enumerated() { #expect((version < later) == (index < other)) }
    }
    #expect(read.map(\.description) == ordered)
    #expect(SemanticVersion("1.0.0+build.01") == SemanticVersion("1.0.0"))
    for text in ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0-a..b", "v1.0.0", "1.0.0+", " 1.0.0"]
    {
      #expect(SemanticVersion(text) == nil, "\(text)")
    }
  }

  // MARK: The schema

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaAgrees() throws {
    let directory = TemporaryDirectory()
    var good = ["full": Self.full, "least": "gate: vpals/v1\n"]
    let document = try String(contentsOf: PythonTools.root.appending(path: "docs/gate.md"), encoding: .utf8)
    let examples = document.components(separatedBy: "```yaml\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }.filter { $0.contains("gate: vpals/v1") }
    #expect(!examples.isEmpty)
    for (index, text) in examples.enumerated() { good["example\(index)"] = text }
    for (name, text) in good {
      #expect(throws: Never.self) { _ = try Self.parse(text) }
      try directory.write(text, to: "good-\(name).yaml")
    }
    // What a schema cannot know, or what its reader does not see.
    let beyond = [
      "2026-02-30", "2027-11-29", "gate: vpals/v1", "&t", "!!str", "\"a\\nb\"", "0.09.1", "\"--\"", "-0", "1e-1",
    ]
    var bad = Self.wrong.map { "gate: vpals/v1\n\($0.text)\n" }
    bad += Self.wrongExemptions.map { Self.exemptionText($0.key, $0.value) }
    bad = bad.filter { text in !beyond.contains { text.dropFirst(15).contains($0) } }
    #expect(bad.count >= 30)
    for (index, text) in bad.enumerated() { try directory.write(text, to: "bad-\(index).yaml") }
    let schema = PythonTools.root.appending(path: "schemas/vpals-gate-v1.schema.json").path
    let accepted = try StockTool.run(
      "check-jsonschema", ["--schemafile", schema] + good.keys.map { directory.file("good-\($0).yaml") })
    #expect(accepted.status == 0, "\(accepted.text)")
    let refused = try StockTool.run(
      "check-jsonschema", ["--schemafile", schema] + bad.indices.map { directory.file("bad-\($0).yaml") })
    #expect(refused.status == 1)
    for (index, text) in bad.enumerated() {
      #expect(refused.text.contains("bad-\(index).yaml::"), "\(text)")
    }
  }
}
