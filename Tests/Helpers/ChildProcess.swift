import Glibc
import Synchronization

/// Held while a pipe exists that a child started meanwhile would inherit; it would keep the other child's output open.
private let spawning = Mutex(())

/// A child process whose standard output is read line by line, and which can be killed at any of them.
public final class ChildProcess {
  private let process: pid_t
  private let output: Int32
  private var buffer: [UInt8] = []
  private var isReaped = false

  /// Starts `path`; nil when that fails.
  public init?(_ path: String, _ arguments: [String]) {
    let started = spawning.withLock { _ in Self.start(path, arguments) }
    guard let started else { return nil }
    (process, output) = started
  }

  private static func start(_ path: String, _ arguments: [String]) -> (process: pid_t, output: Int32)? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var texts: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    texts.append(nil)
    defer { for text in texts { free(text) } }
    var number: pid_t = 0
    let result = posix_spawn(&number, path, &actions, nil, texts, environ)
    close(ends[1])
    guard result == 0 else {
      close(ends[0])
      return nil
    }
    return (number, ends[0])
  }

  deinit {
    if !isReaped {
      kill(process, SIGKILL)
      _ = wait()
    }
    close(output)
  }

  /// The next whole line without its end; nil when the output has ended. A last line without an end is dropped.
  public func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        return line
      }
      var chunk = [UInt8](repeating: 0, count: 4096)
      let count = read(output, &chunk, chunk.count)
      if count == -1, errno == EINTR { continue }
      guard count > 0 else { return nil }
      buffer += chunk[..<count]
    }
  }

  /// All lines that are still to come.
  public func rest() -> [String] {
    var lines: [String] = []
    while let line = line() { lines.append(line) }
    return lines
  }

  /// Sends SIGKILL: the process runs no further instruction of its own.
  public func killNow() { kill(process, SIGKILL) }

  /// Waits for the end; the exit status, or 128 + the signal.
  public func wait() -> Int {
    var status: Int32 = 0
    while waitpid(process, &status, 0) == -1, errno == EINTR {}
    isReaped = true
    return status & 0x7F == 0 ? Int(status >> 8) & 0xFF : 128 + Int(status & 0x7F)
  }

  /// Runs a program to its end and returns its exit status; nil when it cannot be started.
  public static func run(_ path: String, _ arguments: [String]) -> Int? {
    guard let child = ChildProcess(path, arguments) else { return nil }
    _ = child.rest()
    return child.wait()
  }

  /// The path of an executable of this package, which lies beside the test program.
  public static func built(_ name: String) -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count)
    let test = String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let directory = test.lastIndex(of: "/").map { String(test[..<$0]) } ?? "."
    return "\(directory)/\(name)"
  }
}
