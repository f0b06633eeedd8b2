internal import SMT
internal import Synchronization

/// A request to stop that reaches the search and the solver from any thread, at once and for good.
public final class StopSignal: Sendable {
  private struct State {
    var isRequested = false
    var interrupters: [Int: Interrupter] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  public init() {}

  public var isRequested: Bool { state.withLock { $0.isRequested } }

  /// Asks everything that watches this signal to stop. Safe from any thread; later calls do nothing.
  public func request() {
    let running = state.withLock { state in
      state.isRequested = true
      return Array(state.interrupters.values)
    }
    for interrupter in running { interrupter.interrupt() }
  }

  /// Runs `body` while a request to stop also interrupts the solver behind `interrupter`.
  func whileWatching<Result>(_ interrupter: Interrupter, _ body: () throws(SMTError) -> Result) throws(SMTError)
    -> Result
  {
    let (key, late) = state.withLock { state in
      let key = state.next
      state.next += 1
      state.interrupters[key] = interrupter
      return (key, state.isRequested)
    }
    if late { interrupter.interrupt() }
    defer { state.withLock { _ = $0.interrupters.removeValue(forKey: key) } }
    return try body()
  }
}

/// How much time a run may take: a wall-clock deadline and a stop signal, asked often.
public struct Budget: Sendable {
  public let deadline: ContinuousClock.Instant?
  public let stop: StopSignal

  public init(seconds: Double? = nil, stop: StopSignal = StopSignal()) {
    // Thirty years are for ever; more would not fit the clock.
    deadline = seconds.map {
      ContinuousClock.now.advanced(by: .milliseconds(Int64((max(0, min($0, 1e9)) * 1000).rounded())))
    }
    self.stop = stop
  }

  /// This budget, ending no later than `seconds` from now.
  public func limited(toSeconds seconds: Double) -> Budget {
    let other = Budget(seconds: seconds, stop: stop)
    guard let deadline, let end = other.deadline, deadline < end else { return other }
    return self
  }

  public var isInterrupted: Bool { stop.isRequested }
  public var isExhausted: Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }
  public var isOver: Bool { isInterrupted || isExhausted }

  /// Milliseconds until the deadline, at least 1; nil without a deadline.
  public var remainingMilliseconds: Int? {
    deadline.map {
      let left = $0 - ContinuousClock.now
      return max(1, Int(left.components.seconds) * 1000 + Int(left.components.attoseconds / 1_000_000_000_000_000))
    }
  }
}
