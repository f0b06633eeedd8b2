import ArgumentParser

struct SpecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spec", abstract: "Works on specifications.",
    subcommands: [
      SpecCheckCommand.self, SpecExplainCommand.self, SpecFormatCommand.self, SpecSchemaCommand.self,
    ])
}
