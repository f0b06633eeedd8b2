public import ExactArithmetic
internal import Glibc

/// The side of a solver process: reads questions on standard input and answers them on standard output, one at a time,
/// until the input ends.
public enum SolverWorker {
  /// Serves until the input ends, then exits.
  ///
  /// - Parameters:
  ///   - version: What the greeting says.
  ///   - answer: Answers a question; may first hand a solution to its second argument, once.
  public static func serve(version: String, answer: (Question, (_ interim: [Rational]) -> Void) -> Answer) -> Never {
    // Whatever the parent has left open is none of ours.
    for descriptor in 3..<Int32(1024) { close(descriptor) }
    // What libz3 prints must not be taken for a frame: the answers get a descriptor of their own.
    let output = fcntl(1, F_DUPFD_CLOEXEC, 3)
    guard output >= 0, dup2(2, 1) == 1 else { exit(Status.failure) }
    // The parent decides when to stop.
    signal(SIGINT, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    endWithParent()
    send(.greeting(version: version), to: output)
    while let payload = read() {
      guard let (number, question) = Wire.question(payload) else { exit(Status.garbage) }
      let start = processorMicroseconds()
      let result = answer(question) { values in
        if values.allSatisfy(\.isSendable) { send(.interim(number: number, values: values), to: output) }
      }
      let spent = processorMicroseconds() - start
      send(.final(number: number, microseconds: spent, sendable(result)), to: output)
    }
    exit(Status.done)
  }

  private static func processorMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
  }

  private enum Status {
    static let done: Int32 = 0
    static let failure: Int32 = 2
    static let garbage: Int32 = 3
  }

  /// Bounds what this process may take: address space in MiB, and no core file of it.
  public static func limit(memoryMegabytes: Int) {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    let bytes = rlim_t(max(1, min(memoryMegabytes, 1 << 40))) << 20
    var space = rlimit(rlim_cur: bytes, rlim_max: bytes)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space)
  }

  /// Ends this process when the other end of its input goes, however busy it is.
  ///
  /// Not by PR_SET_PDEATHSIG: that follows the *thread* that started the process, and threads come and go. Input that
  /// is no socket is written by hand, and then its end is met by reading it.
  private static func endWithParent() {
    var status = stat()
    guard fstat(0, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { _ in
        while true {
          // POLLRDHUP; the name is a macro that is not imported.
          var descriptor = pollfd(fd: 0, events: 0x2000, revents: 0)
          if poll(&descriptor, 1, -1) > 0 { _exit(Status.done) }
        }
      }, nil)
    guard result == 0 else { exit(Status.failure) }
  }

  private static func sendable(_ answer: Answer) -> Answer {
    switch answer {
    case .satisfiable(let values) where !values.allSatisfy(\.isSendable):
      .unknown("a value of the model has more than \(Wire.maximumDigits) digits")
    case .unsatisfiable(let multipliers?) where !multipliers.values.allSatisfy(\.isSendable):
      .unsatisfiable(multipliers: nil)
    default: answer
    }
  }

  private static func send(_ message: Wire.Message, to output: Int32) {
    var payload = Wire.encode(message)
    if payload.count > Wire.maximumAnswer, case .final(let number, let spent, _) = message {
      payload = Wire.encode(.final(number: number, microseconds: spent, .unknown("the answer is too long to be sent")))
    }
    guard payload.count <= Wire.maximumAnswer else { return }
    let frame = Wire.frame(payload)
    var written = 0
    while written < frame.count {
      let count = frame.withUnsafeBytes { buffer in
        write(output, buffer.baseAddress?.advanced(by: written), buffer.count - written)
      }
      if count > 0 { written += count } else if errno != EINTR { exit(Status.failure) }
    }
  }

  /// The next payload; nil when the input has ended between two frames.
  private static func read() -> [UInt8]? {
    guard let header = read(Wire.headerLength) else { return nil }
    guard let length = Wire.length(header: header[...], limit: Wire.maximumQuestion), let payload = read(length) else {
      exit(Status.garbage)
    }
    return payload
  }

  private static func read(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let result = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(0, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
      }
      if result > 0 { filled += result } else if result == 0 || errno != EINTR { break }
    }
    if filled == count { return bytes }
    if filled == 0 { return nil }
    exit(Status.garbage)
  }
}
