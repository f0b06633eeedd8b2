import ArgumentParser
import Certificates
import CommandSupport
import Foundation
import Glibc
import Networks
import Specifications
import Verification

extension AnswerForm.Caller: ExpressibleByArgument {}

struct VNNLIBVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Looks for inputs that satisfy a query, or proves that there are none.",
    discussion: """
      Prints sat, unsat, unknown or timed-out, and after sat the values of all variables. On what an answer rests is said \
      on standard error.

      Exit code: 0 sat or unsat, 3 neither (unknown, timed-out), 2 error.
      """)

  @Argument(help: "The query, VNN-LIB 1.0 or 2.x.")
  var query: String

  @Option(
    name: .customLong("network"),
    help: """
      NAME=PATH: the ONNX model of a declared network (repeatable; one for each that is not declared equal to another). \
      Of a query with one model the name may be left out.
      """)
  var networks: [String] = []

  @Option(help: "Time for the whole query: seconds, or 30s, 5m, 1h.")
  var timeout = TimeSpan(seconds: 600)

  @Option(help: "auto: bounds first, Z3 for what they leave; smt: each case to Z3 in one piece.")
  var engine = Engine.auto

  @Option(help: "Threads that search.")
  var threads = 2

  @Option(name: .customLong("proof"), help: "A directory for the proofs of unsat, made if need be.")
  var proofDirectory: String?

  @Flag(help: "Refuse float32 and float64, of which answers over the reals say nothing exact.")
  var strictTypes = false

  @Option(help: ArgumentHelp("Whose dialect the answer is in.", visibility: .hidden))
  var caller = AnswerForm.Caller.standard

  func validate() throws {
    guard (1...64).contains(threads) else { throw ValidationError("--threads is \(threads); it must be from 1 to 64") }
  }

  func run() throws {
    let stop = StopSignal()
    let interrupts = Interrupts(stop)
    defer { withExtendedLifetime(interrupts) {} }
    let budget = Budget(seconds: timeout.seconds, stop: stop)
    let query: VNNLIBQuery
    do {
      query = try VNNLIBQuery.read(path: self.query)
    } catch {
      throw CommandFailure("\(error)")
    }
    try checkTypes(query)
    let models = try NetworkArguments(networks, for: query).models()
    let problem: SatisfiabilityProblem
    do {
      problem = try SatisfiabilityProblem(query: query, networks: models)
    } catch {
      throw CommandFailure("\(error)")
    }
    let proofs = try proofDirectory.map { try ProofDirectory($0) }
    let verifier = SatisfiabilityVerifier(
      problem: problem, options: VerificationOptions(engine: engine), threads: threads)
    let result: SatisfiabilityResult
    do {
      result = try verifier.decide(budget: budget)
    } catch {
      throw CommandFailure("\(self.query): \(error)")
    }
    let form = AnswerForm(query: query, caller: caller)
    for line in AnswerForm.grounds(of: result) + form.roundedInputs(result.answer) { printError(line) }
    if case .unsatisfiable = result.answer, let proofs {
      for line in try proofs.write(result) { printError(line) }
    }
    guard let lines = form.lines(result.answer) else {
      // Vehicle knows no word for this; a failure with a reason is what it shows.
      throw ExitCode(3)
    }
    for line in lines { printLine(line) }
    throw ExitCode(form.exitCode(result.answer))
  }

  /// Answers are about real numbers. A query about those of a processor is decided all the same, as other solvers do,
  /// but not in silence.
  private func checkTypes(_ query: VNNLIBQuery) throws {
    let tensors = query.networks.flatMap { [$0.input, $0.output] }
    guard let tensor = tensors.first(where: { !$0.isReal }) else { return }
    if strictTypes {
      throw CommandFailure(
        "\(self.query): \(tensor.name) is declared \(tensor.elementType), but answers are about real numbers; "
          + "declare it real, or leave --strict-types out")
    }
    printError(
      "note: \(tensor.name) is declared \(tensor.elementType), but the answer is about real numbers: rounding at run time "
        + "is not covered (--strict-types refuses such queries)")
  }
}
