import CertificateStorage
import Certificates
import CommandSupport
import Foundation
import Retraining
import Synchronization
import Training
import Verification

/// Shows the loop's progress: one rewritten line on a terminal, plain lines elsewhere.
final class LoopPrinter: Sendable {
  private struct State {
    var decided = 0
    var last = ContinuousClock.now - .seconds(1)
    var nextShare = 0.25
  }

  private let budgetSeconds: Double
  private let quiet: Bool
  private let started = ContinuousClock.now
  private let state = Mutex(State())

  init(budgetSeconds: Double, quiet: Bool) {
    self.budgetSeconds = budgetSeconds
    self.quiet = quiet
  }

  private var clock: String {
    let elapsed = ContinuousClock.now - started
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    return "\(decimal(seconds, 1)) s, \(Int(max(0, budgetSeconds - seconds))) s left"
  }

  func handle(_ event: LoopEvent) {
    guard !quiet else { return }
    state.withLock { state in
      switch event {
      case .resumed(let rounds, let seconds):
        line("going on after \(rounds) finished rounds and \(secondsText(seconds))")
      case .shapeStarted(let shape): line("shape \(shape.rawValue)")
      case .shapeFinished(let shape, let error):
        line(
          "shape \(shape.rawValue): "
            + (error.map { "proved, validation error \(decimal($0, 4)) of the spread" } ?? "not proved"))
      case .shapeSkipped(let shape, let reason): line("shape \(shape.rawValue) is left out: \(reason)")
      case .roundStarted(let label, let pairs):
        state.nextShare = 0.25
        line("\(label): training" + (pairs > 0 ? " with \(pairs) counterexamples" : ""))
      case .epoch(let label, let record, let total):
        epoch(label, record, total, &state)
      case .trained(let label, let best, let seconds, let zero):
        line(
          "\(label): trained in \(secondsText(seconds)), epoch \(best) kept, \(decimal(zero * 100, 0)) % of weights zero"
        )
        state.decided = 0
      case .verification(let label, let event):
        verification(label, event, &state)
      case .verified(let label, let holds, let violated, let open, let queue):
        line(
          "\(label): \(holds) proved, \(violated) violated, \(open) open; queue \(queue.pending + queue.leased) "
            + "waiting; \(clock)")
      case .repairing(let property): transient("certifying a slope for \(property)")
      case .repaired(let property, let slope, let change):
        line("\(property): repaired by a slope of \(Float(slope)), at most \(Float(change)) of the output")
      case .published(let path): line("published \(path)")
      }
    }
  }

  func clear() { if !quiet, isTerminal { printStatus("") } }

  private func epoch(_ label: String, _ record: EpochRecord, _ total: Int, _ state: inout State) {
    let text =
      "\(label): epoch \(record.epoch) of \(total), loss \(decimal(record.trainLoss, 4)), validation "
      + "\(record.validationLoss.map { decimal($0, 4) } ?? "–"), wrong slopes "
      + "\(decimal(record.wrongSlopeShare * 100, 1)) %; \(clock)"
    if isTerminal {
      guard ContinuousClock.now - state.last > .milliseconds(200) else { return }
      state.last = .now
      transient(text)
    } else if Double(record.epoch) >= state.nextShare * Double(total) {
      state.nextShare += 0.25
      line(text)
    }
  }

  private func verification(_ label: String, _ event: VerificationEvent, _ state: inout State) {
    switch event {
    case .started(let property): transient("\(label): verifying \(property); \(clock)")
    case .progress(let property, _, let share, let leaves):
      guard ContinuousClock.now - state.last > .milliseconds(200) else { return }
      state.last = .now
      transient("\(label): \(property) \(decimal(share * 100, 2)) % proved, \(leaves) leaves; \(clock)")
    case .finished(let result):
      state.decided += 1
      if case .violated(let examples) = result.verdict {
        line("\(label): \(result.id) violated, \(examples.count) counterexamples, \(secondsText(result.seconds))")
      } else if case .unknown(let reason) = result.verdict {
        line("\(label): \(result.id) undecided (\(reason)), \(secondsText(result.seconds))")
      }
    }
  }

  /// A line that stays. All progress goes to standard output, so that a log holds it in order.
  private func line(_ text: String) {
    clear()
    printLine(text)
  }

  /// A line that the next one replaces; terminals only.
  private func transient(_ text: String) {
    guard isTerminal else { return }
    printStatus(String(text.prefix(150)))
  }
}
