public import ArgumentParser
internal import Foundation
internal import Glibc

/// A message for people and the exit code 2 of every operational failure.
public struct CommandFailure: Error, CustomStringConvertible {
  public let description: String
  /// The next useful command, if there is one.
  public let next: String?

  public init(_ description: String, next: String? = nil) {
    self.description = description
    self.next = next
  }
}

extension ParsableCommand {
  /// Runs a command line with our exit codes: what the command says for itself, 0 for help, and 2 with one message on
  /// standard error for everything that fails, wrong usage included.
  /// - Parameter arguments: Those of the process when nil.
  public static func runAsProgram(_ arguments: [String]? = nil) -> Never {
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      leave(0)
    } catch let code as ExitCode {
      leave(code.rawValue)
    } catch let failure as CommandFailure {
      printError("error: \(shown(failure.description))")
      if let next = failure.next { printError("next: \(next)") }
      leave(2)
    } catch {
      let isHelp = exitCode(for: error) == .success
      let text = fullMessage(for: error)
      if isHelp {
        printLine(text)
        leave(0)
      }
      printError(text.hasPrefix("Error: ") ? "error: " + text.dropFirst(7) : text)
      leave(2)
    }
  }

  private static func leave(_ code: Int32) -> Never {
    fflush(nil)
    if let reason = ConsoleOutput.failure {
      printError("error: cannot write the output: \(reason)")
      Glibc.exit(2)
    }
    Glibc.exit(code)
  }
}

/// The JSON of `value` on one line: members sorted, slashes as they are.
public func jsonText(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// `text` with every character replaced that would break a line, hide text or show it in another order, so that a hostile
/// name cannot pose as another line of a report.
public func oneLine(_ text: String) -> String {
  replacing(text) { scalar in
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
    default: nil
    }
  }
}

/// `text` with some characters replaced. By Unicode scalars: what Swift calls a character may be a sign that needs
/// replacing, with an accent on it.
public func replacing(_ text: String, _ replacement: (Unicode.Scalar) -> String?) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    if let new = replacement(scalar) { result.append(contentsOf: new.unicodeScalars) } else { result.append(scalar) }
  }
  return String(result)
}

/// A message as it may be shown: lines stay, other control characters do not.
private func shown(_ text: String) -> String {
  replacing(text) { scalar in
    scalar == "\n" || scalar == "\t" || scalar.properties.generalCategory != .control ? nil : "\u{FFFD}"
  }
}

/// The words as one command line.
public func commandLine(_ words: [String]) -> String { words.map(shellQuoted).joined(separator: " ") }

/// `1 property`, `2 properties`.
public func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
  "\(count) \(count == 1 ? one : many ?? one + "s")"
}

/// `text` as one word of a shell command: quoted only when it needs to be.
public func shellQuoted(_ text: String) -> String {
  let plain = text.utf8.allSatisfy { byte in
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || [0x2D, 0x2E, 0x2F, 0x5F, 0x3A, 0x2C, 0x3D, 0x2B].contains(byte)
  }
  return plain && !text.isEmpty ? text : "'" + replacing(text) { $0 == "'" ? "'\\''" : nil } + "'"
}
