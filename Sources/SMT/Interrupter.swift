internal import Dispatch
internal import Synchronization

/// Stops the checks of one ``SolverContext``; may be used from any thread and may outlive the context.
///
///     idle ── begin (require: no request; else the check ends at once) ──► running
///     running ── end (ensure: no signal is sent afterwards) ──► idle
///     idle ── close (by the context's deinit; ensure: no signal ever again) ──► closed
///
/// A request holds until ``reset()``. libz3 forgets a signal that arrives while a check is starting, and its own
/// timer, which signals once, is then lost for good. So timeouts are kept here too, and after a request or a timeout
/// the signal is repeated every millisecond until the check returns. It is sent under the lock that `end` and
/// `close` take: none can reach a context that is idle or deleted.
public final class Interrupter: Sendable {
  /// The time between two signals to one check, in milliseconds.
  static let resendMilliseconds = 1

  enum Phase: Sendable, Hashable { case idle, running, closed }

  /// Why a check was signalled.
  enum Stop: Sendable, Hashable { case requested, timedOut }

  private struct State {
    var phase = Phase.idle
    var isRequested = false
    /// When the running check is to be stopped.
    var deadline: ContinuousClock.Instant?
    /// Signals the running check; nil unless running.
    var signal: (@Sendable () -> Void)?
    /// Why the running check was first signalled.
    var stop: Stop?
    /// Ticks while there is something to signal; nil before its first use.
    var timer: (any DispatchSourceTimer)?
  }

  private let state = Mutex(State())

  /// The timers of all interrupters; each tick takes microseconds.
  private static let queue = DispatchQueue(label: "vpals.smt.interrupter")

  init() {}

  /// Asks the running check to stop, or the next one not to start. Returns at once.
  public func interrupt() {
    state.withLock { state in
      guard state.phase != .closed else { return }
      state.isRequested = true
      signalIfDue(&state)
      if state.stop != nil { tick(&state, after: Self.resendMilliseconds) }
    }
  }

  /// Withdraws the request, so that later checks run again.
  public func reset() { state.withLock { $0.isRequested = false } }

  /// Whether a request holds.
  public var isRequested: Bool { state.withLock { $0.isRequested } }

  var phase: Phase { state.withLock { $0.phase } }

  /// A check is about to start; `signal` stops it. False when it must not start because a request holds.
  func begin(timeoutMilliseconds: Int? = nil, _ signal: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      precondition(state.phase == .idle, "a context runs one check at a time, and none once it is closed")
      guard !state.isRequested else { return false }
      state.phase = .running
      state.signal = signal
      state.stop = nil
      if let timeoutMilliseconds {
        state.deadline = .now + .milliseconds(timeoutMilliseconds)
        tick(&state, after: timeoutMilliseconds)
      }
      return true
    }
  }

  /// The check has returned. Says why it was signalled, whether or not that stopped it; nil when it was not.
  func end() -> Stop? {
    state.withLock { state in
      precondition(state.phase == .running, "only a check that has begun can end")
      state.phase = .idle
      state.signal = nil
      state.deadline = nil
      state.timer?.schedule(deadline: .distantFuture)
      return state.stop
    }
  }

  /// The context is about to be deleted.
  func close() {
    state.withLock { state in
      precondition(state.phase == .idle, "a running check holds its context")
      state.phase = .closed
      state.timer?.cancel()
      state.timer = nil
    }
  }

  private func signalIfDue(_ state: inout State) {
    guard state.phase == .running, let signal = state.signal else { return }
    if state.isRequested {
      state.stop = .requested
    } else if let deadline = state.deadline, deadline <= .now {
      state.stop = state.stop ?? .timedOut
    } else {
      return
    }
    signal()
  }

  /// Lets the timer tick from `milliseconds` on. What a tick finds to do it decides by the state at that time, so a
  /// late one is harmless.
  private func tick(_ state: inout State, after milliseconds: Int) {
    let timer: any DispatchSourceTimer
    if let existing = state.timer {
      timer = existing
    } else {
      timer = DispatchSource.makeTimerSource(queue: Self.queue)
      timer.setEventHandler { [weak self] in
        guard let self else { return }
        self.state.withLock { self.signalIfDue(&$0) }
      }
      timer.activate()
      state.timer = timer
    }
    timer.schedule(
      deadline: .now() + .milliseconds(milliseconds), repeating: .milliseconds(Self.resendMilliseconds),
      leeway: .microseconds(100))
  }
}
