import Foundation
import TestHelpers
import Testing

/// The files of `docs/ci`, `action.yml` and `.pre-commit-hooks.yaml`: judged by their schemas, and their commands run.
@Suite struct CIRecipesTests {
  private static func path(_ name: String) -> String { PythonTools.root.appending(path: name).path }

  private static func run(_ program: String, _ arguments: [String], in directory: String = "/") throws -> Outcome {
    try Program(program, arguments, in: directory).outcome()
  }

  private let workspace = Workspace()

  init() throws {
    try workspace.add("nginx", try Workspace.good())
    #expect(try workspace.vpals("verify", "models/nginx/v0001").status == 0)
  }

  /// A shell in the workspace whose PATH begins with our programs.
  private func shell(_ script: String, _ variables: [String: String] = [:], _ arguments: [String] = []) throws
    -> Outcome
  {
    let programs = (ChildProcess.built("vpals") as NSString).deletingLastPathComponent
    let path = "PATH=\(programs):" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
    return try Self.run(
      "/usr/bin/env",
      [path] + variables.map { "\($0.key)=\($0.value)" } + ["bash", "-c", script, "shell"] + arguments,
      in: workspace.path)
  }

  private func breakTheModel() throws {
    try workspace.write(try workspace.bytes("models/nginx/v0001/model.onnx") + [0], to: "models/nginx/v0001/model.onnx")
  }

  // MARK: Schemas

  @Test(
    .enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"),
    arguments: [
      ("vendor.github-workflows", "docs/ci/github/gate.yml"), ("vendor.github-actions", "action.yml"),
      ("vendor.gitlab-ci", "docs/ci/gitlab-ci.yml"),
    ])
  func fitsItsSchema(schema: String, file: String) throws {
    let program = try #require(PythonTools.program("check-jsonschema"), "run `make deps`")
    let outcome = try Self.run(program, ["--builtin-schema", schema, Self.path(file)])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
  }

  // MARK: GitHub

  private func step(_ variables: [String: String] = [:], _ command: String = "run") throws -> (
    outcome: Outcome, output: String, summary: String
  ) {
    for name in ["output", "summary", "path"] { try workspace.write("", to: name) }
    let standard = [
      "GITHUB_OUTPUT": workspace.file("output"), "GITHUB_STEP_SUMMARY": workspace.file("summary"),
      "GITHUB_PATH": workspace.file("path"),
    ]
    let outcome = try shell(
      "exec \"$1\" \"$2\"", standard.merging(variables) { $1 }, [Self.path("scripts/gate-action"), command])
    return (outcome, try workspace.read("output"), try workspace.read("summary"))
  }

  @Test func theActionPassesAndRefuses() throws {
    let passed = try step()
    #expect(passed.outcome.status == 0, "\(passed.outcome)")
    #expect(
      passed.outcome.output == """
        gate: 1 of 1 version passes
        PASS nginx/v0001  2 of 2 properties hold
        gate: 1 of 1 version passes

        """)
    #expect(passed.output == "exit-code=0\nsarif=./vpals.sarif\n")
    #expect(passed.summary.hasPrefix("## vpals gate: pass\n"))
    try breakTheModel()
    let refused = try step(["VPALS_SARIF": "out.sarif", "VPALS_PROOF_CHECK": "false"])
    #expect(refused.outcome.status == 1)
    #expect(
      refused.outcome.lines.first == "::error file=models/nginx/v0001/model.onnx,line=1,title=VP004 model-changed::"
        + "nginx/v0001: the file has changed since it was verified%0Anext: vpals verify models/nginx/v0001 --spec "
        + "specs/nginx.yaml")
    #expect(refused.output == "exit-code=1\nsarif=./out.sarif\n")
    #expect(refused.summary.contains("| FAIL | nginx/v0001 | VP004 model-changed |"))
    #expect(try workspace.read("out.sarif").contains("\"ruleId\":\"VP004\""))
  }

  @Test func theActionKeepsNoOldReport() throws {
    try workspace.write("old", to: "vpals.sarif")
    let failed = try step(["VPALS_SPECS": "missing"])
    #expect(failed.outcome.status == 2)
    #expect(failed.output == "exit-code=2\n")
    #expect(try step(["VPALS_PROOF_CHECK": "maybe"]).outcome.status == 2)
  }

  /// What a workflow passes in is data, whatever it looks like.
  @Test func theActionRunsNoInput() throws {
    for name in ["VPALS_PATH", "VPALS_SPECS", "VPALS_POLICY"] {
      let outcome = try step([name: "$(touch pwned); `touch pwned`\n--policy"]).outcome
      #expect(outcome.status == 2, "\(name)")
    }
    #expect(!workspace.names(in: "").contains("pwned"))
  }

  @Test func theActionUsesAnInstalledProgram() throws {
    let installed = try step([:], "install")
    #expect(installed.outcome.status == 0)
    #expect(installed.outcome.output == "vpals is installed: \(ChildProcess.built("vpals"))\n")
    #expect(try workspace.read("path") == "")
  }

  // MARK: GitLab and Make

  @Test func theGitLabJobRuns() throws {
    let text = try String(contentsOfFile: Self.path("docs/ci/gitlab-ci.yml"), encoding: .utf8)
    let commands = text.components(separatedBy: "\n").drop { $0 != "  script:" }.dropFirst()
      .prefix { $0.hasPrefix("    - ") }.map { String($0.dropFirst(6)) }
    #expect(commands.count == 1)
    let script = commands.joined(separator: "\n")
    #expect(try shell(script).status == 0)
    try breakTheModel()
    let refused = try shell(script)
    #expect(refused.status == 1)
    #expect(try workspace.read("vpals-junit.xml").contains("<failure type=\"VP004 model-changed\""))
    #expect(try workspace.read("vpals-gate.json").contains("\"passes\":false"))
  }

  @Test func theMakefileLineRuns() throws {
    let script = "make --silent -f \"$1\" gate"
    let file = Self.path("docs/ci/gate.mk")
    let passed = try shell(script, [:], [file])
    #expect(passed.status == 0)
    #expect(passed.output == "PASS nginx/v0001  2 of 2 properties hold\ngate: 1 of 1 version passes\n")
    try breakTheModel()
    #expect(try shell(script, [:], [file]).status == 2)
  }

  // MARK: pre-commit

  @Test(.enabled(if: PythonTools.mayRun("pre-commit"), "needs pre-commit: run `make deps`"))
  func theHooksRun() throws {
    let program = try #require(PythonTools.program("pre-commit"), "run `make deps`")
    #expect(try Self.run(program, ["validate-manifest", Self.path(".pre-commit-hooks.yaml")]).status == 0)
    #expect(try Self.run(program, ["validate-config", Self.path("docs/ci/pre-commit-config.yaml")]).status == 0)
    let commit = "git init -q . && git add -A && git -c user.name=t -c user.email=t@t commit -q -m t"
    let prepared = try shell(
      "mkdir hooks && cp \"$1\" hooks/ && (cd hooks && \(commit)) && echo hooks >.gitignore && \(commit)", [:],
      [Self.path(".pre-commit-hooks.yaml")])
    #expect(prepared.status == 0, "\(prepared.error)")
    func hook(_ id: String) throws -> Outcome {
      try shell(
        "HOME=\"$PWD/hooks\" XDG_CACHE_HOME=\"$PWD/hooks/cache\" \"$1\" try-repo ./hooks \"$2\" --all-files", [:],
        [program, id])
    }
    let passed = try hook("vpals-spec-check")
    #expect(passed.status == 0, "\(passed.output)\(passed.error)")
    #expect(passed.output.contains("Passed"))
    let gate = try hook("vpals-gate")
    #expect(gate.status == 0, "\(gate.output)\(gate.error)")
    try workspace.write(Workspace.specification.replacing("in: pressure", with: "in: presure"), to: "specs/nginx.yaml")
    let failed = try hook("vpals-spec-check")
    #expect(failed.status == 1)
    #expect(failed.output.contains("did you mean 'pressure'?"), "\(failed.output)")
    #expect(try hook("vpals-gate").status == 1)
  }
}
