import Foundation
import Glibc
import TestHelpers

/// What a finished program left.
struct Outcome {
  let status: Int
  let output: String
  let error: String

  var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) }
}

/// One run of an executable of this package, with its output and its errors in files of their own.
final class Program {
  private let scratch = TemporaryDirectory()
  private(set) var process: pid_t = 0
  /// What `waitpid` said when the program had ended.
  private var end: Int32?

  struct CannotStart: Error {}

  /// - Parameters:
  ///   - directory: Where the program runs.
  ///   - environment: What is set besides our own environment.
  init(_ name: String, _ arguments: [String], in directory: String, environment: [String: String] = [:]) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "\(scratch.path)/output", O_WRONLY | O_CREAT, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, "\(scratch.path)/error", O_WRONLY | O_CREAT, 0o644)
    let path = name.hasPrefix("/") ? name : ChildProcess.built(name)
    // env changes the directory and becomes the program, so signals reach it.
    var texts: [UnsafeMutablePointer<CChar>?] =
      (["env", "-C", directory] + environment.map { "\($0.key)=\($0.value)" } + [path] + arguments).map { strdup($0) }
    texts.append(nil)
    defer { for text in texts { free(text) } }
    guard posix_spawn(&process, "/usr/bin/env", &actions, nil, texts, environ) == 0 else { throw CannotStart() }
  }

  deinit {
    if end == nil {
      kill(process, SIGKILL)
      _ = status()
    }
  }

  var output: String { text("output") }
  var error: String { text("error") }

  func interrupt() { kill(process, SIGINT) }

  /// Sends SIGKILL: the program runs no further instruction of its own.
  func killNow() { kill(process, SIGKILL) }

  /// Waits until the errors contain `text`; false when the program ends without it, or after ten minutes.
  func waitForError(containing text: String) -> Bool { wait { error.contains(text) } }

  /// Waits until the output has `count` whole lines; false when the program ends with fewer, or after ten minutes.
  func waitForOutput(lines count: Int) -> Bool { wait { output.count { $0 == "\n" } >= count } }

  /// Waits for the end for up to ten minutes; nil when the program then still runs.
  func outcomeOrNil() -> Outcome? {
    _ = wait { false }
    return end == nil ? nil : outcome()
  }

  /// Whether the program ends within so many milliseconds.
  func hasEnded(withinMilliseconds milliseconds: Int) -> Bool {
    var rounds = milliseconds / 10
    _ = wait {
      rounds -= 1
      return rounds < 0
    }
    return end != nil
  }

  private func wait(until isReached: () -> Bool) -> Bool {
    for _ in 0..<60_000 {
      if isReached() { return true }
      if end != nil { return false }
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process {
        end = status
        return isReached()
      }
      usleep(10_000)
    }
    return false
  }

  func outcome() -> Outcome { Outcome(status: status(), output: output, error: error) }

  /// The exit status, or 128 + the signal.
  private func status() -> Int {
    var status: Int32 = 0
    if let end {
      status = end
    } else {
      while waitpid(process, &status, 0) == -1, errno == EINTR {}
      end = status
    }
    return status & 0x7F == 0 ? Int(status >> 8) & 0xFF : 128 + Int(status & 0x7F)
  }

  private func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: "\(scratch.path)/\(name)") ?? Data(), as: UTF8.self)
  }
}
