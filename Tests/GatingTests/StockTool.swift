import Foundation
import TestHelpers
import Testing

/// Programs of the environment that `make deps` installs.
enum StockTool {
  /// What a program wrote to standard output and standard error, and its exit status.
  static func run(_ name: String, _ arguments: [String]) throws -> (status: Int, text: String) {
    let program = try #require(PythonTools.program(name), "run `make deps`")
    let child = try #require(ChildProcess("/bin/sh", ["-c", "exec \"$0\" \"$@\" 2>&1", program] + arguments))
    let text = child.rest().joined(separator: "\n")
    return (child.wait(), text)
  }
}

extension TemporaryDirectory {
  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
  }
}
