import ArgumentParser
import CommandSupport
import GateCommands
import Verification

@main
struct VPALsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vpals",
    abstract: "Proves that performance models obey what engineers know, and refuses those that do not.",
    version: versionText("vpals"),
    subcommands: [
      VerifyCommand.self, GateCommand.self, ReportCommand.self, SpecCommand.self, CertificatesCommand.self,
      QueueCommand.self, ExplainCommand.self, KeysCommand.self, LogCommand.self,
    ])

  static func main() { runAsProgram() }
}
