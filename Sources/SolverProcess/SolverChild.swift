internal import Dispatch
internal import Glibc

/// One solver process, as its parent sees it.
///
///     starting ── greeting (require: the first message) ──► idle
///     idle ── ask (require: no unread byte) ──► asked ── answer (require: its number) ──► idle
///     any ── end (death, deadline, cancellation, garbage) ──► ended (ensure: killed, reaped, never asked again)
///
/// It is used by one thread at a time: the pool gives it out and takes it back. Only that thread signals or reaps the
/// process, so no signal can reach a stranger under the same number.
final class SolverChild: @unchecked Sendable {
  // @unchecked: see above; the pool's lock orders one use after the other.

  enum Outcome {
    case answer(Answer)
    /// The process is gone; the reason is for people. `isSilent` when it sent nothing at all.
    case ended(reason: String, isSilent: Bool)
    /// It sent a greeting that is none. Only a program of another kind does.
    case foreign
  }

  /// The longest that a started process may take to greet, and one that is to die, in milliseconds.
  static let startMilliseconds = 20_000
  /// What the process may overrun a question's own time before it is killed: reading the text is not timed by libz3.
  static let graceMilliseconds = 1_000

  let process: pid_t
  private let socket: Int32
  private let wakeup: Wakeup
  private(set) var version: String?
  private(set) var questionCount = 0
  /// The processor time of all answers, as the process says.
  private(set) var microseconds: UInt64 = 0
  private var isOver = false
  private var received: [UInt8] = []

  /// Starts `path`.
  /// - Throws: the error number of posix_spawn(3) or of a call before it.
  init(path: String, memoryMegabytes: Int) throws(StartFailure) {
    guard let wakeup = Wakeup() else { throw StartFailure(number: errno) }
    var ends: [Int32] = [0, 0]
    // A socket instead of pipes: writing to a dead process is then an error and not a SIGPIPE.
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw StartFailure(number: errno)
    }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    // A process group of its own: the terminal's Ctrl-C is not for it, and a kill reaches whatever it has started.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigfillset(&defaults)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    let arguments = [path, "--memory", String(memoryMegabytes)]
    var texts: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    texts.append(nil)
    defer { for text in texts { free(text) } }
    var number: pid_t = 0
    let result = posix_spawn(&number, path, &actions, &attributes, texts, environ)
    guard result == 0 else {
      close(ends[0])
      throw StartFailure(number: result)
    }
    process = number
    socket = ends[0]
    self.wakeup = wakeup
  }

  struct StartFailure: Error { let number: Int32 }

  deinit {
    _ = end()
    close(socket)
  }

  /// Asks one question and waits for the answer, for as long as the question's limits and `cancellation` allow.
  ///
  /// Unless the outcome is an answer, the process has ended when this returns.
  func ask(_ frame: [UInt8], number: UInt64, _ question: Question, _ cancellation: Cancellation) -> Outcome {
    precondition(!isOver, "an ended process is not asked")
    questionCount += 1
    return cancellation.signalling(wakeup) {
      if version == nil, let outcome = readGreeting(cancellation) { return outcome }
      let deadline = question.limits.milliseconds.map {
        ContinuousClock.now.advanced(by: .milliseconds($0 + Self.graceMilliseconds))
      }
      var interim: Answer?
      var isSilent = true
      let outcome = exchange(
        frame, number: number, question, deadline, cancellation, interim: &interim, isSilent: &isSilent)
      switch outcome {
      case .answer(let answer): return .answer(answer)
      case .failure(let failure):
        let reason = describe(failure)
        // A solution that was sent before the end is as good as any.
        if failure != .garbage, let interim { return .answer(interim) }
        switch failure {
        case .cancelled: return .answer(.unknown(Answer.interrupted))
        case .late: return .answer(.unknown(Answer.timeout))
        case .ended, .garbage: return .ended(reason: reason, isSilent: isSilent)
        }
      }
    }
  }

  var isUsable: Bool { !isOver && received.isEmpty }

  /// Waits for the greeting of a process that nobody has asked yet. Nil when it came.
  func greet() -> Outcome? {
    let cancellation = Cancellation()
    return version == nil ? readGreeting(cancellation) : nil
  }

  // MARK: Messages

  private enum Failure: Error {
    case cancelled, late, ended, garbage
  }

  private enum Exchanged {
    case answer(Answer)
    case failure(Failure)
  }

  private func readGreeting(_ cancellation: Cancellation) -> Outcome? {
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(Self.startMilliseconds))
    switch readMessage(deadline, cancellation) {
    case .success(.greeting(let text)):
      version = text
      return nil
    case .success:
      _ = end()
      return .foreign
    case .failure(.garbage):
      _ = end()
      return .foreign
    case .failure(.cancelled):
      _ = end()
      return .answer(.unknown(Answer.interrupted))
    case .failure(.late):
      _ = end()
      return .ended(
        reason: "the solver process did not start within \(Self.startMilliseconds / 1000) s", isSilent: true)
    case .failure(.ended):
      return .ended(reason: describe(.ended), isSilent: true)
    }
  }

  private func exchange(
    _ frame: [UInt8], number: UInt64, _ question: Question, _ deadline: ContinuousClock.Instant?,
    _ cancellation: Cancellation, interim: inout Answer?, isSilent: inout Bool
  ) -> Exchanged {
    guard received.isEmpty else { return .failure(.garbage) }
    if let failure = write(frame, deadline, cancellation) { return .failure(failure) }
    // At most one solution precedes the answer.
    for _ in 0..<2 {
      switch readMessage(deadline, cancellation) {
      case .failure(let failure):
        isSilent = isSilent && received.isEmpty
        return .failure(failure)
      case .success(.interim(number, let values)) where interim == nil && values.count == question.values.count:
        interim = .satisfiable(values)
        isSilent = false
      case .success(.final(number, let spent, let answer)) where answer.fits(question, interim: interim):
        microseconds &+= spent
        return received.isEmpty ? .answer(answer) : .failure(.garbage)
      case .success:
        isSilent = false
        return .failure(.garbage)
      }
    }
    return .failure(.garbage)
  }

  private func readMessage(_ deadline: ContinuousClock.Instant?, _ cancellation: Cancellation) -> Result<
    Wire.Message, Failure
  > {
    var needed = Wire.headerLength
    var hasHeader = false
    while true {
      if received.count >= needed {
        if hasHeader {
          let payload = Array(received[Wire.headerLength..<needed])
          received.removeFirst(needed)
          return Wire.message(payload).map { .success($0) } ?? .failure(.garbage)
        }
        guard let length = Wire.length(header: received[..<Wire.headerLength], limit: Wire.maximumAnswer) else {
          return .failure(.garbage)
        }
        needed += length
        hasHeader = true
        continue
      }
      if let failure = wait(for: POLLIN, deadline, cancellation) { return .failure(failure) }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = recv(socket, &chunk, chunk.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        received += chunk[..<count]
      } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
        return .failure(.ended)
      }
    }
  }

  private func write(_ bytes: [UInt8], _ deadline: ContinuousClock.Instant?, _ cancellation: Cancellation) -> Failure? {
    var written = 0
    while written < bytes.count {
      if let failure = wait(for: POLLOUT, deadline, cancellation) { return failure }
      let count = bytes.withUnsafeBytes { buffer in
        send(
          socket, buffer.baseAddress?.advanced(by: written), buffer.count - written,
          Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR && errno != EAGAIN {
        return .ended
      }
    }
    return nil
  }

  /// Waits until the socket is ready. Nil when it is.
  private func wait(for event: Int32, _ deadline: ContinuousClock.Instant?, _ cancellation: Cancellation) -> Failure? {
    while true {
      if cancellation.isRequested { return .cancelled }
      // A wake-up of an earlier question.
      wakeup.clear()
      if cancellation.isRequested { return .cancelled }
      var milliseconds: Int32 = -1
      if let deadline {
        let left = deadline - .now
        guard left > .zero else { return .late }
        let whole = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
        milliseconds = Int32(clamping: whole)
      }
      var descriptors = [
        pollfd(fd: socket, events: Int16(event), revents: 0),
        pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&descriptors, 2, milliseconds)
      // A socket that has failed is ready too: the next call on it says how.
      if count > 0, descriptors[0].revents != 0 { return nil }
    }
  }

  // MARK: The end

  /// Ends the process and says how it ended.
  private func describe(_ failure: Failure) -> String {
    let status = end(patience: failure == .ended ? Self.deathMilliseconds : 0)
    guard failure == .ended else {
      return failure == .garbage ? "the solver process answered what is no answer" : "the solver process was stopped"
    }
    guard let status else { return "the solver process closed its output" }
    if status & 0x7F == 0 { return "the solver process ended with status \(status >> 8 & 0xFF)" }
    return "the solver process was ended by signal \(status & 0x7F)"
  }

  /// How long a process that has closed its output may take to end by itself: after that it is killed, and its own
  /// status is not known.
  private static let deathMilliseconds = 100

  /// Kills the process unless it has ended by itself, and reaps it. Nil when its status is not known (yet).
  private func end(patience milliseconds: Int = 0) -> Int32? {
    guard !isOver else { return nil }
    isOver = true
    // Looks without reaping: as long as the number is not free, the group of that number is ours.
    for _ in 0..<milliseconds {
      var information = siginfo_t()
      let result = waitid(P_PID, id_t(process), &information, Int32(WEXITED | WNOHANG | WNOWAIT))
      if result == -1, errno != EINTR { break }
      if result == 0, information.si_signo == SIGCHLD { break }
      usleep(1000)
    }
    kill(-process, SIGKILL)
    var status: Int32 = 0
    let result = waitpid(process, &status, WNOHANG)
    if result == 0 {
      // The kernel may need a while to take a large process down; nobody has to wait for that.
      let process = process
      DispatchQueue.global().async {
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
      }
    }
    return result == process ? status : nil
  }
}

extension Answer {
  /// Whether this can be the answer to `question`, a known solution being given.
  fileprivate func fits(_ question: Question, interim: Answer?) -> Bool {
    switch self {
    case .satisfiable(let values): values.count == question.values.count
    case .unsatisfiable(let multipliers):
      interim == nil && (multipliers == nil || question.wantsMultipliers)
        && (multipliers ?? [:]).keys.allSatisfy { $0 < question.conditionCount }
    case .unknown: interim == nil
    }
  }
}
