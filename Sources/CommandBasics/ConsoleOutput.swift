internal import Glibc
internal import Synchronization

/// Standard output and standard error, written at once, also into a pipe: progress must survive a kill.
enum ConsoleOutput {
  private static let firstFailure = Mutex<Int32>(0)

  /// Why a part of the output was lost, if one was. A reader that has read enough (`| head`) is no failure.
  static var failure: String? {
    let number = firstFailure.withLock { $0 }
    return number == 0 ? nil : String(cString: strerror(number))
  }

  static func write(_ text: String, to file: Int32) {
    let bytes = Array(text.utf8)
    var written = 0
    // Every turn writes at least one byte, waits, or ends.
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(file, buffer.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count > 0 {
        written += count
      } else if count == -1, errno == EAGAIN {
        usleep(1000)
      } else if count == 0 || errno != EINTR {
        let number = errno
        if file == STDOUT_FILENO, number != EPIPE { firstFailure.withLock { $0 = $0 == 0 ? number : $0 } }
        return
      }
    }
  }
}

/// Writes a line to standard output.
public func printLine(_ text: String) { ConsoleOutput.write(text + "\n", to: STDOUT_FILENO) }

/// Writes a line to standard error.
public func printError(_ text: String) { ConsoleOutput.write(text + "\n", to: STDERR_FILENO) }

/// Replaces the line that a terminal shows on standard error.
public func printStatus(_ text: String) { ConsoleOutput.write("\r\u{1B}[K" + text, to: STDERR_FILENO) }

/// Standard output as a stream of text, in larger pieces than it comes in.
public struct StandardOutput: TextOutputStream {
  private static let bufferBytes = 1 << 16
  private var buffer = ""

  public init() {}

  public mutating func write(_ string: String) {
    buffer += string
    if buffer.utf8.count >= Self.bufferBytes { flush() }
  }

  /// Writes what is left; to be called at the end.
  public mutating func flush() {
    ConsoleOutput.write(buffer, to: STDOUT_FILENO)
    buffer = ""
  }
}
