import ArgumentParser
import Certificates
import CommandSupport
import Foundation
import Specifications

struct SpecFormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt",
    abstract: "Lays out specifications in one way; comments, order and meaning stay.",
    discussion: """
      Without an option the new text of one file is printed. A file with errors is left alone.

      Exit code: 0 done, 1 errors in a specification, or with --check a file that is laid out differently, 2 a file \
      cannot be read or written.
      """)

  @Argument(help: "Specification files.")
  var files: [String]

  @Flag(name: .shortAndLong, help: "Write the new text into the files.")
  var inPlace = false

  @Flag(help: "Write nothing; name the files that would change.")
  var check = false

  func validate() throws {
    if inPlace, check { throw ValidationError("--in-place and --check exclude each other") }
    if !inPlace, !check, files.count > 1 {
      throw ValidationError("one file can be printed; add --in-place or --check for several")
    }
  }

  func run() throws {
    var exit: Int32 = 0
    for file in files {
      let text: String
      let bytes: [UInt8]
      do throws(SpecificationError) {
        bytes = try Specification.bytes(path: file)
        text = try SpecificationFormatter.formatted(bytes, path: file)
      } catch {
        let isUnreadable = error.diagnostics.contains { $0.code == .file }
        exit = max(exit, isUnreadable ? 2 : 1)
        printError("\(error)")
        continue
      }
      let isChanged = Array(text.utf8) != bytes
      if check {
        if isChanged {
          exit = max(exit, 1)
          printLine("\(oneLine(file)): would change; run vpals spec fmt --in-place \(shellQuoted(file))")
        }
      } else if inPlace {
        guard isChanged else { continue }
        do {
          try AtomicFile.write(
            Array(text.utf8), to: URL(fileURLWithPath: file).resolvingSymlinksInPath().path)
          printLine("\(oneLine(file)): laid out anew")
        } catch {
          exit = 2
          printError("error: \(oneLine(file)): \(error)")
        }
      } else {
        printLine(String(text.dropLast()))
      }
    }
    throw ExitCode(exit)
  }
}

struct SpecSchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints the JSON Schema of specification files, for editors.",
    discussion: """
      An editor with a YAML language server completes and checks files that begin with
      # yaml-language-server: $schema=vpals-spec-v1.schema.json
      """)

  func run() throws { printLine(String(SpecificationSchema.text.dropLast())) }
}
