import Testing
import Foundation
import TestHelpers

/// Debian's solvers, as programs.
enum ExternalSolver: String, CaseIterable {
  case z3
  case cvc5

  var path: String? {
    let names = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    return names.map { "\($0)/\(rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static let areInstalled = allCases.allSatisfy { $0.path != nil }
  static let isContinuousIntegration = ProcessInfo.processInfo.environment["CI"] == "true"
  static let reason: Comment = "needs the programs z3 and cvc5: run `make deps`"

  struct Missing: Error {}

  /// What the program prints for a file within so many seconds; it ends itself then.
  private func output(_ file: String, seconds: Int) throws -> [String] {
    guard let path else { throw Missing() }
    let limit = self == .z3 ? "-T:\(seconds)" : "--tlimit=\(seconds * 1000)"
    guard let child = ChildProcess(path, [limit, file]) else { throw Missing() }
    let lines = child.rest()
    _ = child.wait()
    return lines
  }

  /// What the program prints for a text.
  func lines(_ text: String, seconds: Int) throws -> [String] {
    let directory = TemporaryDirectory()
    let file = "\(directory.path)/query.smt2"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return try output(file, seconds: seconds)
  }

  /// `sat`, `unsat`, or `undecided` when the time was over.
  func answer(_ text: String, seconds: Int) throws -> String {
    switch try lines(text, seconds: seconds).first {
    case "sat": return "sat"
    case "unsat": return "unsat"
    case nil, "timeout", "unknown", "cvc5 interrupted by timeout.": return "undecided"
    case let line?: return line
    }
  }
}
