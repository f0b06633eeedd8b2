import ArgumentParser
import Certificates
import CommandSupport
import Glibc
import Verification

@main
struct VNNLIBCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vpals-vnnlib",
    abstract: "Decides VNN-LIB queries about ReLU networks, in exact arithmetic.",
    discussion: """
      The solver command line of the VNN-LIB standard (chapter 5). Vehicle's form, QUERY --network NAME=PATH without the \
      word verify, is understood too.
      """,
    version: VPALs.version,
    subcommands: [VNNLIBVerifyCommand.self, VNNLIBSupportsCommand.self])

  @Flag(help: "Print the solver's name.")
  var name = false

  func run() throws {
    guard name else { throw CleanExit.helpRequest() }
    printLine("vPALs")
  }

  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    // Vehicle 0.28 begins with the query.
    if let first = arguments.first, !first.hasPrefix("-"), !["verify", "supports", "help"].contains(first) {
      arguments = ["verify", "--caller", AnswerForm.Caller.vehicle.rawValue] + arguments
    }
    runAsProgram(arguments)
  }
}
