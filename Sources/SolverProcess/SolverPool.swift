public import Glibc
internal import Synchronization

/// Solver processes for the threads of this program: a question is answered by a process of its own, so that a crash,
/// a hang or a lack of memory of the solver costs one answer and nothing else.
///
/// There are never more processes than threads that ask at the same time. They are started when needed and kept for
/// the next question.
public final class SolverPool: Sendable {
  public struct Configuration: Sendable {
    /// The program to run; nil for ``SolverPool/standardExecutable``.
    public var executable: String?
    /// Questions after which a process is replaced, as a bound on what libz3 may leave behind.
    public var questionsPerProcess = 1000
    /// The address space of a process (RLIMIT_AS), in MiB: the bound for what libz3's own count does not see.
    public var memoryMegabytes = 4096

    public init(executable: String? = nil) { self.executable = executable }
  }

  /// The most processes kept without work.
  public static let maximumIdle = 16
  /// The variable of the environment that names another program.
  public static let environmentVariable = "VPALS_SOLVER"
  /// The program's name.
  public static let executableName = "vpals-solver"

  /// The processes that a program needs no others beside.
  public static let shared = SolverPool()

  private struct State {
    var idle: [SolverChild] = []
    var living: Set<pid_t> = []
    var version: String?
    var next: UInt64 = 1
  }

  private let configuration: Configuration
  private let state = Mutex(State())

  public init(_ configuration: Configuration = Configuration()) { self.configuration = configuration }

  /// `$VPALS_SOLVER`, or else the `vpals-solver` that lies beside the running program.
  public static var standardExecutable: String {
    if let value = getenv(environmentVariable).map({ String(cString: $0) }), !value.isEmpty { return value }
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (own.lastIndex(of: "/").map { String(own[...$0]) } ?? "") + executableName
  }

  /// Asks one question and blocks until it is answered: never on the cooperative pool.
  ///
  /// A request of `cancellation` ends the wait at once. Whatever happens to the process is an unknown answer; one that
  /// dies without a word while it has been lying idle is replaced once.
  /// - Parameter spent: Called with the processor time of the answer, if it came.
  /// - Throws: ``SolverError`` when there is no solver process to ask.
  public func ask(
    _ question: Question, cancellation: Cancellation = Cancellation(), spent: (Duration) -> Void = { _ in }
  ) throws(SolverError) -> Answer {
    guard !cancellation.isRequested else { return .unknown(Answer.interrupted) }
    let number = state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
    let payload = Wire.encode(question, number: number)
    guard payload.count <= Wire.maximumQuestion else {
      return .unknown("the question has \(payload.count) bytes; at most \(Wire.maximumQuestion) are sent")
    }
    let frame = Wire.frame(payload)
    var mayBeIdle = true
    while true {
      let isIdleOne: Bool
      let child: SolverChild
      if mayBeIdle, let idle = state.withLock({ $0.idle.popLast() }) {
        (child, isIdleOne) = (idle, true)
      } else {
        switch try start() {
        case .success(let started): (child, isIdleOne) = (started, false)
        case .failure(let failure): return .unknown("no solver process could be started: \(Self.text(failure.number))")
        }
      }
      let before = child.microseconds
      let outcome = child.ask(frame, number: number, question, cancellation)
      spent(.microseconds(Int64(clamping: child.microseconds &- before)))
      giveBack(child)
      switch outcome {
      case .answer(let answer): return answer
      case .foreign: throw foreign
      case .ended(let reason, let isSilent):
        if cancellation.isRequested { return .unknown(Answer.interrupted) }
        if isIdleOne, isSilent {
          mayBeIdle = false
          continue
        }
        return .unknown(reason)
      }
    }
  }

  /// The version of libz3 in the solver process, such as `4.8.12.0`.
  /// - Throws: ``SolverError`` when no process says it.
  public func version() throws(SolverError) -> String {
    if let version = state.withLock({ $0.version }) { return version }
    switch try start() {
    case .failure(let failure):
      throw SolverError(.missing, "no solver process could be started: \(Self.text(failure.number))")
    case .success(let child):
      let outcome = child.greet()
      let version = child.version
      giveBack(child)
      if let version { return version }
      if case .ended(let reason, _)? = outcome {
        throw SolverError(.foreign, "\(reason); '\(path) --version' may say why")
      }
      throw foreign
    }
  }

  /// The numbers of the processes that live, for diagnosis and tests.
  public var processes: [pid_t] { state.withLock { $0.living.sorted() } }

  private var path: String { configuration.executable ?? Self.standardExecutable }

  private var foreign: SolverError {
    SolverError(
      .foreign,
      "'\(path)' is not the solver process of this version; install \(Self.executableName) from the same build, or set "
        + "\(Self.environmentVariable) to it")
  }

  private func start() throws(SolverError) -> Result<SolverChild, SolverChild.StartFailure> {
    let path = path
    do {
      let child = try SolverChild(path: path, memoryMegabytes: configuration.memoryMegabytes)
      state.withLock { _ = $0.living.insert(child.process) }
      return .success(child)
    } catch {
      guard [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(error.number) else {
        throw SolverError(
          .missing,
          "the solver program '\(path)' cannot be run: \(Self.text(error.number)); put \(Self.executableName) beside "
            + "this program, or set \(Self.environmentVariable) to its path")
      }
      return .failure(error)
    }
  }

  private func giveBack(_ child: SolverChild) {
    state.withLock { state in
      if let version = child.version { state.version = version }
      let isKept =
        child.isUsable && child.questionCount < configuration.questionsPerProcess
        && state.idle.count < Self.maximumIdle
      if isKept {
        state.idle.append(child)
      } else {
        // The last reference to it goes with the caller's, and it ends with that.
        state.living.remove(child.process)
      }
    }
  }

  private static func text(_ number: Int32) -> String { strerror(number).map { String(cString: $0) } ?? "\(number)" }
}
