import Certificates
import Foundation
import Networks
import Specifications
import TestHelpers
import Testing

@testable import GateReports
@testable import Gating

/// One run in every format, against `Golden/report.*`; with VPALS_WRITE_GOLDEN=1 the files are written instead.
@Suite struct ReportTests {
  private static let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
  private static let root = SourceRoot(directory: "/srv/repository")

  static func subject(_ property: String, line: Int, application: String = "redis") -> Refusal.Subject {
    Refusal.Subject(
      property: property, specification: application, file: "specs/\(application).yaml", line: line, column: 9)
  }

  static func sample() throws -> GateRun {
    let policy = try GatePolicy.parse(
      Array(
        """
        gate: vpals/v1
        exemptions:
          - {models: redis, rules: [VP003], owner: ops@example.com, reason: "retraining | <soon>", expires: 2026-12-31}

        """.utf8), path: "gate.yaml", now: Repository.now)
    let certificate = "models/redis/v0001/redis.intoto.json"
    var undecided = Refusal(
      .undecided, file: certificate, reason: "property 'sane' is undecided (timeout)",
      next: ["vpals", "verify", "models/redis/v0001", "--resume"], subject: subject("sane", line: 14))
    undecided.exemption = policy.exemptions[0]
    let violated = Refusal(
      .violated, file: certificate, reason: "property 'p99-rises' is violated: for all x: p99(x′) ≥ p99(x)",
      next: ["vpals", "explain", certificate, "--property", "p99-rises"], subject: subject("p99-rises", line: 9),
      details: ["cpu 0 → 1: p99 20 → 8 ms (−12 ms), should not fall", "at cores 0.5"])
    let hostile = "my \"app\"\n::error::x<b>&\u{1B}[0m\u{202E}|`##[error]]]>"
    let changed = Refusal(
      .modelChanged, file: "models/\(hostile)/v0001/model.onnx", reason: "the file has changed: 100% of \(hostile), so",
      next: ["vpals", "verify", "models/\(hostile)/v0001"])
    return GateRun(
      findings: [
        GateFinding(
          application: hostile, version: "v0001", path: "models/\(hostile)/v0001",
          specificationPaths: ["specs/app.yaml"],
          verdicts: [GateFinding.Verdict(subject: subject("sane", line: 3, application: "app"), state: .notJudged)],
          refusals: [changed], milliseconds: 12),
        GateFinding(
          application: "nginx", version: "v0002", path: "models/nginx/v0002", specificationPaths: ["specs/nginx.yaml"],
          verdicts: [
            GateFinding.Verdict(
              subject: subject("up", line: 4, application: "nginx"), state: .proven, milliseconds: 1234)
          ], refusals: [], milliseconds: 1300),
        GateFinding(
          application: "redis", version: "v0001", path: "models/redis/v0001", specificationPaths: ["specs/redis.yaml"],
          verdicts: [
            GateFinding.Verdict(subject: subject("p99-rises", line: 9), state: .refused, milliseconds: 2),
            GateFinding.Verdict(subject: subject("sane", line: 14), state: .exempt),
            GateFinding.Verdict(subject: subject("up", line: 17), state: .proven, milliseconds: 3),
          ], refusals: [violated, undecided], milliseconds: 7),
      ],
      warnings: [
        GateWarning(
          message: "the exemption of x by ops expired on 2026-01-01; delete it", file: "gate.yaml",
          place: Place(line: 3, column: 5))
      ], policyPath: "gate.yaml", checksProofs: true, startedAt: Repository.now, milliseconds: 1400)
  }

  static func render(_ format: String, _ run: GateRun) -> String {
    var text = ""
    switch format {
    case "txt": text = TextReport.lines(run).map { $0 + "\n" }.joined()
    case "json": JSONReport.write(run) { text += $0 }
    case "sarif": text = SARIFReport(run: run, root: root, toolVersion: "1.2.3").text() + "\n"
    case "xml": JUnitReport.write(run) { text += $0 }
    case "github": text = GitHubReport(run: run, root: root).lines().map { $0 + "\n" }.joined()
    default: text = GitHubReport(run: run, root: root).summary()
    }
    return text
  }

  @Test(arguments: ["txt", "json", "sarif", "xml", "github", "md"]) func agreesWithGolden(format: String) throws {
    let text = Self.render(format, try Self.sample())
    let file = Self.golden.appending(path: "report.\(format)")
    if ProcessInfo.processInfo.environment["VPALS_WRITE_GOLDEN"] == "1" {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try text == String(contentsOf: file, encoding: .utf8))
  }

  // MARK: Hostile names

  /// Lines that a runner could take for commands: only those that are meant, and none of the older kind anywhere.
  @Test func namesBecomeNoCommands() throws {
    let run = try Self.sample()
    for format in ["txt", "github"] {
      for line in Self.render(format, run).split(separator: "\n", omittingEmptySubsequences: false) {
        let isMeant = line.hasPrefix("::error file=") || line.hasPrefix("::warning file=")
        #expect(!line.drop { $0 == " " || $0 == "\t" }.hasPrefix("::") || (isMeant && format == "github"), "\(line)")
        #expect(!line.unicodeScalars.map(\.value).containsSequence([0x23, 0x23, 0x5B]), "\(line)")
        #expect(!line.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E }, "\(line)")
      }
    }
  }

  /// What Swift calls one character may be a sign with an accent.
  @Test func signsWithAccentsAreSigns() {
    #expect(PlainText.commandLine(["a'\u{301} b"]) == "'a'\\''\u{301} b'")
    #expect(PlainText.oneLine("##[\u{301}x") == "##\u{FFFD}[\u{301}x")
    #expect(PlainText.oneLine("###[x #[y") == "###\u{FFFD}[x #[y")
    let refusal = Refusal(.violated, file: "a,\u{301}:\u{301}%\u{301}", reason: "r", next: [])
    let run = Self.run(refusals: [refusal])
    #expect(
      GitHubReport(run: run, root: Self.root).annotations() == [
        "::error file=a%2C\u{301}%3A\u{301}%25\u{301},line=1,title=VP002 violated::a/v0001: r%0Anext: "
      ])
  }

  static func run(refusals: [Refusal]) -> GateRun {
    GateRun(
      findings: [
        GateFinding(
          application: "a", version: "v0001", path: "models/a/v0001", specificationPaths: ["specs/a.yaml"],
          verdicts: [], refusals: refusals)
      ], warnings: [], policyPath: nil, checksProofs: true, startedAt: Repository.now, milliseconds: 0)
  }

  private static func refusals(_ count: Int) -> [Refusal] {
    (0..<count).map { index in
      Refusal(
        index == count - 1 ? .violated : .undecided, file: "f", reason: "reason \(index)", next: ["n"],
        subject: subject("p\(index)", line: index + 1))
    }
  }

  // MARK: Bounds

  @Test func showsTenAnnotationsWorstFirst() {
    let ten = GitHubReport(run: Self.run(refusals: Self.refusals(10)), root: Self.root).annotations()
    #expect(ten.count == 10)
    #expect(ten[0].hasPrefix("::error file=specs/redis.yaml,line=10,col=9,title=VP002 violated::a/v0001: reason 9%0A"))
    #expect(ten[9].hasPrefix("::error file=specs/redis.yaml,line=9,col=9,title=VP003 undecided::a/v0001: reason 8%0A"))
    let many = GitHubReport(run: Self.run(refusals: Self.refusals(31)), root: Self.root).annotations()
    #expect(many.count == 10)
    #expect(many[0].contains("title=VP002 violated"))
    #expect(many[8].contains("reason 7%0A"))
    #expect(many[9] == "::error title=vpals gate::and 22 more refusals, in the log and the summary of the step")
  }

  @Test func boundsTheSummary() {
    let report = GitHubReport(run: Self.run(refusals: Self.refusals(20_000)), root: Self.root)
    let text = report.summary()
    #expect(text.utf8.count <= 1 << 20 && text.utf8.count > (1 << 20) - 1000)
    #expect(text.hasSuffix(" rows left out.\n"))
    #expect(report.summary(maximumBytes: 10) == "")
  }

  @Test func boundsSARIF() throws {
    func results(_ report: SARIFReport) throws -> (rules: [String], notes: [String]) {
      struct Log: Decodable {
        struct Text: Decodable { let text: String }
        struct Result: Decodable { let ruleId: String }
        struct Notification: Decodable { let message: Text }
        struct Invocation: Decodable { let toolExecutionNotifications: [Notification] }
        struct Run: Decodable {
          let results: [Result]
          let invocations: [Invocation]
        }
        let runs: [Run]
      }
      let text = report.text()
      #expect(text.utf8.count <= report.byteLimit)
      let run = try #require(try JSONDecoder().decode(Log.self, from: Data(text.utf8)).runs.first)
      return (
        run.results.map(\.ruleId), run.invocations.flatMap(\.toolExecutionNotifications).map(\.message.text)
      )
    }
    let run = Self.run(refusals: Self.refusals(200))
    #expect(SARIFReport.maximumResults == 25_000 && SARIFReport.maximumBytes == 10_000_000)
    let all = try results(SARIFReport(run: run, root: Self.root, toolVersion: "1.2.3"))
    #expect(all.rules.count == 200 && all.notes == [])
    let few = try results(SARIFReport(run: run, root: Self.root, toolVersion: "1.2.3", resultLimit: 7))
    #expect(few.rules == ["VP002"] + Array(repeating: "VP003", count: 6))
    #expect(
      few.notes == [
        "193 refusals are left out of this file, which holds the worst; use the format json for all"
      ])
    let short = try results(SARIFReport(run: run, root: Self.root, toolVersion: "1.2.3", byteLimit: 30_000))
    #expect(short.rules.first == "VP002" && short.rules.count > 5 && short.rules.count < 200)
    #expect(short.notes.first?.hasPrefix("\(200 - short.rules.count) refusals are left out") == true)
  }

  @Test func pathsAreRelativeToTheRoot() {
    let root = SourceRoot(directory: "/srv/repository")
    for (path, expected, isInside) in [
      ("specs/a.yaml", "specs/a.yaml", true), ("./specs//a.yaml", "specs/a.yaml", true),
      ("/srv/repository/specs/a.yaml", "specs/a.yaml", true), ("x/../specs/a.yaml", "specs/a.yaml", true),
      ("../other/a.yaml", "/srv/other/a.yaml", false), ("/srv/repository2/a", "/srv/repository2/a", false),
      ("/etc/a", "/etc/a", false),
    ] {
      #expect(root.path(path) == (expected, isInside), "\(path)")
    }
    #expect(root.uri("a b%/ü:?#.yaml").uri == "a%20b%25/%C3%BC%3A%3F%23.yaml")
    #expect(root.uri("/etc/a b").uri == "file:///etc/a%20b")
  }

  @Test func fingerprintsStayWhenLinesMove() throws {
    func fingerprints(_ run: GateRun) -> [String] {
      SARIFReport(run: run, root: Self.root, toolVersion: "1").text().components(
        separatedBy: "\"vpalsRefusal/v1\":\""
      ).dropFirst().map { String($0.prefix(64)) }
    }
    func one(_ rule: Refusal.Rule, _ property: String?, line: Int, file: String = "f", reason: String = "r") -> String {
      fingerprints(
        Self.run(refusals: [
          Refusal(
            rule, file: file, reason: reason, next: [], subject: property.map { Self.subject($0, line: line) })
        ]))[0]
    }
    let first = one(.violated, "p", line: 1)
    #expect(first == one(.violated, "p", line: 2, file: "g", reason: "other words"))
    #expect(
      Set([first, one(.undecided, "p", line: 1), one(.violated, "q", line: 1), one(.violated, nil, line: 1)]).count == 4
    )
    #expect(one(.violated, nil, line: 1, file: "f") != one(.violated, nil, line: 1, file: "g"))
  }

  // MARK: Stock tools

  private static func file(_ directory: TemporaryDirectory, _ name: String, _ format: String) throws -> String {
    try directory.write(render(format, try sample()), to: name)
    return directory.file(name)
  }

  @Test(.enabled(if: PythonTools.mayRun("sarif"), "needs sarif-tools: run `make deps`"))
  func sarifToolsReadIt() throws {
    let directory = TemporaryDirectory()
    let path = try Self.file(directory, "report.sarif", "sarif")
    let summary = try StockTool.run("sarif", ["summary", path])
    #expect(summary.status == 0, "\(summary.text)")
    #expect(summary.text.contains("error: 3"), "\(summary.text)")
    let csv = try StockTool.run("sarif", ["csv", "--output", directory.file("out.csv"), path])
    #expect(csv.status == 0, "\(csv.text)")
    let rows = try String(contentsOfFile: directory.file("out.csv"), encoding: .utf8)
    #expect(rows.contains("specs/redis.yaml,9"), "\(rows)")
  }

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theReportsFitTheirSchemas() throws {
    let directory = TemporaryDirectory()
    let report = PythonTools.root.appending(path: "schemas/vpals-gate-report-v1.schema.json").path
    let json = try Self.file(directory, "report.json", "json")
    let accepted = try StockTool.run("check-jsonschema", ["--schemafile", report, json])
    #expect(accepted.status == 0, "\(accepted.text)")
    for (old, new) in [
      ("\"passes\":false", "\"passes\":0"), ("vpals-gate-report/v1", "vpals-gate-report/v2"), ("\"VP002\"", "\"VP2\""),
      ("\"state\":\"exempt\"", "\"state\":\"ok\""), ("\"line\":9", "\"line\":0"), ("\"expires\":\"2026-12-31\",", ""),
    ] {
      let text = Self.render("json", try Self.sample()).replacing(old, with: new)
      try directory.write(text, to: "wrong.json")
      let refused = try StockTool.run("check-jsonschema", ["--schemafile", report, directory.file("wrong.json")])
      #expect(refused.status == 1, "\(old)")
    }
  }

  @Test(.enabled(if: PythonTools.mayRun("junitparser"), "needs junitparser: run `make deps`"))
  func junitparserReadsIt() throws {
    let directory = TemporaryDirectory()
    let path = try Self.file(directory, "report.xml", "xml")
    let script = """
      import sys
      from junitparser import JUnitXml
      report = JUnitXml.fromfile(sys.argv[1])
      print(report.tests, report.failures, report.errors, report.skipped, report.time)
      for suite in report:
          print(len(list(suite)), suite.tests, suite.failures, suite.skipped, suite.time)
          for case in suite:
              kinds = [type(r).__name__ + ' ' + str(r.type) for r in case.result]
              print(case.name, case.time, kinds)
      """
    try directory.write(script, to: "read.py")
    let read = try StockTool.run("python", [directory.file("read.py"), path])
    #expect(read.status == 0)
    #expect(
      read.text == """
        8 2 0 2 1.4
        2 2 1 1 0.012
        files 0.012 ['Failure VP004 model-changed']
        sane 0.0 ['Skipped None']
        2 2 0 0 1.3
        files 0.066 []
        up 1.234 []
        4 4 1 1 0.007
        files 0.002 []
        p99-rises 0.002 ['Failure VP002 violated']
        sane 0.0 ['Skipped None']
        up 0.003 []
        """)
  }
}

extension Array where Element == UInt32 {
  fileprivate func containsSequence(_ other: [UInt32]) -> Bool {
    count >= other.count && (0...(count - other.count)).contains { Array(self[$0..<($0 + other.count)]) == other }
  }
}
