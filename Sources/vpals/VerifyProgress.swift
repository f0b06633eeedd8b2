import Certificates
import CommandSupport
import Synchronization
import Verification

/// Progress on standard error: one line that is rewritten on a terminal; elsewhere a plain line for each decided
/// property, and every ten seconds for a long one.
final class VerifyProgress: Sendable {
  private struct State {
    var finished: Int
    var lastLine = ContinuousClock.now
  }

  private let total: Int
  private let isQuiet: Bool
  private let interval: Duration = isTerminal ? .milliseconds(200) : .seconds(10)
  private let state: Mutex<State>

  /// - Parameter decided: How many of the properties were decided before.
  init(total: Int, decided: Int, quiet: Bool) {
    self.total = total
    isQuiet = quiet
    state = Mutex(State(finished: decided))
    if decided > 0, !quiet {
      printError("\(decided) of \(counted(total, "property", "properties")) taken over from an earlier run")
    }
  }

  func handle(_ event: VerificationEvent) {
    guard !isQuiet else { return }
    state.withLock { state in
      var isDue = ContinuousClock.now - state.lastLine > interval
      if case .finished = event {
        state.finished += 1
        isDue = isDue || !isTerminal
      }
      guard isDue else { return }
      state.lastLine = .now
      let count = "\(state.finished) of \(total) decided"
      switch event {
      case .started(let property): write("\(count), \(property) …")
      case .finished(let result): write("\(count), \(result.id) \(result.verdict.name)")
      case .progress(let property, _, let share, let leaves):
        write("\(count), \(property): \(decimal(share * 100, 2)) % proved, \(leaves) leaves")
      }
    }
  }

  /// Removes the line from a terminal.
  func clear() { if !isQuiet, isTerminal { printStatus("") } }

  private func write(_ text: String) { if isTerminal { printStatus(text) } else { printError(text) } }
}
