import Glibc
import SMT
import SolverProcess

/// The only program that links libz3. It is started by the others, answers their questions and knows nothing else.
@main
struct SolverCommand {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments == ["--version"] {
      print("z3 \(SolverContext.solverVersion)")
      return
    }
    guard arguments.count == 2, arguments[0] == "--memory", let megabytes = Int(arguments[1]), megabytes > 0 else {
      print("Answers questions of vpals and vpals-train, which start it.\nUsage: vpals-solver --version")
      exit(2)
    }
    SolverWorker.limit(memoryMegabytes: megabytes)
    SolverWorker.serve(version: SolverContext.solverVersion) { question, interim in
      question.answered(interim: interim)
    }
  }
}
