import Certificates
import Foundation
import Networks
import Signing
import TestHelpers
import Testing

/// The solver process beside `vpals`.
@Suite struct SolverCommandTests {
  let workspace = Workspace()

  init() throws {
    try workspace.add("hard", try Workspace.hard(), specification: Workspace.hardSpecification)
  }

  /// `vpals` with another solver.
  private func vpals(solver: String, _ arguments: String...) throws -> Program {
    try Program(
      "/usr/bin/env", ["VPALS_SOLVER=\(solver)", ChildProcess.built("vpals")] + arguments, in: workspace.path)
  }

  /// The solver processes of a running program, once there is one.
  private func solvers(of program: pid_t) -> [pid_t] {
    for _ in 0..<100 {
      var found: [pid_t] = []
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(program)/task")) ?? []
      for thread in threads {
        let text = try? String(contentsOfFile: "/proc/\(program)/task/\(thread)/children", encoding: .utf8)
        found += (text ?? "").split(separator: " ").compactMap { pid_t($0) }
      }
      if !found.isEmpty { return found }
      usleep(5000)
    }
    return []
  }

  private func isRunning(_ process: pid_t) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let state = text.split(separator: ")").last?.split(separator: " ").first
    else { return false }
    return state != "Z" && state != "X"
  }

  @Test func aMissingSolverIsNamedWithTheFix() throws {
    let outcome = try vpals(
      solver: "/nonexistent/vpals-solver", "verify", "models/hard/v0001", "--engine", "smt", "--timeout", "20s"
    ).outcome()
    #expect(outcome.status == 2)
    #expect(outcome.error.contains("error: the solver program '/nonexistent/vpals-solver' cannot be run: "))
    #expect(outcome.error.contains("set VPALS_SOLVER to its path"))
  }

  @Test func whatBoundsDecideNeedsNoSolver() throws {
    try workspace.add("nginx", try Workspace.good())
    let outcome = try vpals(solver: "/nonexistent/vpals-solver", "verify", "models/nginx/v0001").outcome()
    #expect(outcome.status == 0)
    let certificate = try UncheckedCertificate(
      contentsOf: workspace.file("models/nginx/v0001/nginx.intoto.json"))
    #expect(certificate.claims.solver.version == "unavailable")
    #expect(certificate.claims.properties.allSatisfy { $0.solverLeaves == 0 })
  }

  @Test func theVersionNamesAMissingSolver() throws {
    let outcome = try vpals(solver: "/nonexistent/vpals-solver", "--version").outcome()
    #expect(outcome.status == 0)
    #expect(outcome.output.contains(", no z3: the solver program '/nonexistent/vpals-solver' cannot be run"))
  }

  /// A solver that contradicts what was proved: the run fails, and what either side says is kept.
  @Test func theEvidenceOfAContradictionIsKept() throws {
    try workspace.write(
      """
      spec: vpals/v1
      features: {x: {domain: -1..1}}
      outputs: {y: {}}
      properties:
        - {id: rises, nondecreasing: {of: y, in: x}}
      """, to: "specs/line.yaml")
    let network = try Network(layers: [
      Layer(inputCount: 1, outputCount: 1, weights: [1], biases: [0.25], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [2], biases: [0], isRectified: false),
    ])
    try workspace.write(network.onnx(name: "line", producerVersion: "test"), to: "models/line/v0001/model.onnx")
    // "Satisfiable by 0", whatever is asked.
    let solver = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "SolverProcessTests/Fixtures/claims-zero").path
    let outcome = try vpals(solver: solver, "verify", "models/line/v0001").outcome()
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    let evidence = "models/line/v0001/line.disagreement.smt2"
    #expect(outcome.error.contains("error: Z3 gives [0] as a point at which the claim fails"), "\(outcome.error)")
    #expect(outcome.error.hasSuffix("; both sides of it: \(evidence)\n"), "\(outcome.error)")
    #expect(workspace.names(in: "models/line/v0001") == ["line.disagreement.smt2", "model.onnx"])
    let text = String(decoding: try workspace.bytes(evidence), as: UTF8.self)
    #expect(text.contains("network: \(ExactNetwork(network).digest)"))
    #expect(text.contains("(check-sat)"))
    // With the true solver the same command proves it.
    #expect(try workspace.vpals("verify", "models/line/v0001").status == 0)
    #expect(try workspace.vpals("gate", "models/line").status == 0)
  }

  /// The solver is at work when its parent is killed; nobody else would stop it.
  @Test func theSolverEndsWithAKilledParent() throws {
    let program = try Program(
      "vpals", ["verify", "models/hard/v0001", "--engine", "smt", "--property", "hard", "--timeout", "5m"],
      in: workspace.path)
    let processes = solvers(of: program.process)
    #expect(!processes.isEmpty)
    usleep(300_000)
    #expect(processes.contains { isRunning($0) })
    program.killNow()
    _ = program.outcome()
    for _ in 0..<2000 where processes.contains(where: { isRunning($0) }) { usleep(5000) }
    #expect(!processes.contains { isRunning($0) })
  }

  /// The run goes on, and says why the property stayed open.
  @Test func aKilledSolverIsAnUnknownAndNotTheEndOfTheRun() throws {
    let program = try Program(
      "vpals", ["verify", "models/hard/v0001", "--engine", "smt", "--threads", "1", "--timeout", "5m"],
      in: workspace.path)
    // A process that is killed before it is asked is replaced; the one at work is not.
    var isOver = false
    for _ in 0..<600 where !isOver {
      for process in solvers(of: program.process) { kill(process, SIGKILL) }
      isOver = program.hasEnded(withinMilliseconds: 100)
    }
    #expect(isOver)
    let outcome = program.outcome()
    #expect(outcome.status == 3)
    let certificate = try UncheckedCertificate(
      contentsOf: workspace.file("models/hard/v0001/hard.intoto.json"))
    let killed = UnknownReason.solver("the solver process was ended by signal 9")
    #expect(certificate.claims.properties.map(\.outcome) == [.unknown(killed), .unknown(killed)])
    #expect(outcome.output.contains("the solver process was ended by signal 9"))
  }

  @Test func byItselfTheProgramSaysWhatItIs() throws {
    let help = try Program("vpals-solver", [], in: workspace.path).outcome()
    #expect(help.status == 2)
    #expect(help.output.contains("Usage: vpals-solver --version"))
    let version = try Program("vpals-solver", ["--version"], in: workspace.path).outcome()
    #expect(version.status == 0)
    #expect(version.output.hasPrefix("z3 4."))
    // Its input is empty here.
    let empty = try Program("vpals-solver", ["--memory", "1000"], in: workspace.path).outcome()
    #expect(empty.status == 0)
    #expect(empty.output.hasPrefix("VPS1"))
  }
}
