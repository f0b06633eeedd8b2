internal import Certificates
public import SolverProcess
internal import Synchronization

/// A request to stop that reaches the search and the solver from any thread, at once and for good.
public final class StopSignal: Sendable {
  let cancellation = Cancellation()

  public init() {}

  public var isRequested: Bool { cancellation.isRequested }

  /// Asks everything that watches this signal to stop. Safe from any thread; later calls do nothing.
  public func request() { cancellation.request() }
}

/// What a run may use: time until a wall-clock deadline, asked for often, a stop signal, and solver processes.
public struct Budget: Sendable {
  public let deadline: ContinuousClock.Instant?
  /// From here on searches look for good bounds of what they leave open instead of deciding it.
  let boundsFrom: ContinuousClock.Instant?
  public let stop: StopSignal
  /// Where Z3 is asked.
  public let solvers: SolverPool
  /// Counts the processor time of the solver processes, where somebody wants to know it.
  var meter: SolverMeter?

  /// - Parameter boundShare: The share of the time, 0…1 and at most ``maximumBoundSeconds``, in which an undecided
  ///   search improves the certified bound of what it leaves open.
  public init(
    seconds: Double? = nil, boundShare: Double = 0, stop: StopSignal = StopSignal(), solvers: SolverPool = .shared
  ) {
    // Thirty years are for ever; more would not fit the clock.
    deadline = seconds.map {
      ContinuousClock.now.advanced(by: .milliseconds(Int64((max(0, min($0, 1e9)) * 1000).rounded())))
    }
    let share = min(max(0, min(seconds ?? 0, 1e9)) * max(0, min(boundShare, 1)), Self.maximumBoundSeconds)
    boundsFrom = deadline.map { $0 - .milliseconds(Int64(share * 1000)) }
    self.stop = stop
    self.solvers = solvers
  }

  public static let maximumBoundSeconds = 60.0

  /// This budget, ending no later than `seconds` from now.
  public func limited(toSeconds seconds: Double) -> Budget {
    var other = Budget(seconds: seconds, stop: stop, solvers: solvers)
    other.meter = meter
    guard let deadline, let end = other.deadline, deadline < end else { return other }
    return self
  }

  public var isInterrupted: Bool { stop.isRequested }
  public var isExhausted: Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }
  /// Whether the time for deciding is over.
  var isForBounds: Bool { boundsFrom.map { ContinuousClock.now >= $0 } ?? false }
  public var isOver: Bool { isInterrupted || isExhausted }

  /// Milliseconds until the deadline, at least 1; nil without a deadline.
  public var remainingMilliseconds: Int? {
    deadline.map {
      let left = $0 - ContinuousClock.now
      return max(1, Int(left.components.seconds) * 1000 + Int(left.components.attoseconds / 1_000_000_000_000_000))
    }
  }
}

/// Adds up processor time that solver processes spend for one property.
final class SolverMeter: Sendable {
  private let total = Mutex(Duration.zero)

  func add(_ duration: Duration) { total.withLock { $0 += duration } }

  var seconds: Double { total.withLock { $0 / .seconds(1) } }
}

extension Budget {
  /// Asks Z3 within this budget, and within `milliseconds`.
  /// - Throws: ``VerificationError`` with code `solver` when there is no solver to ask.
  func ask(_ question: Question, milliseconds: Int? = nil) throws(VerificationError) -> Answer {
    var question = question
    for limit in [milliseconds, remainingMilliseconds] {
      if let limit { question.limits.milliseconds = min(question.limits.milliseconds ?? limit, limit) }
    }
    do {
      return try solvers.ask(question, cancellation: stop.cancellation) { meter?.add($0) }
    } catch {
      throw VerificationError(.solver, "\(error)")
    }
  }

  /// Why a question stayed open, in the words of a verdict.
  func reason(for text: String) -> UnknownReason {
    isInterrupted ? .interrupted : isExhausted ? .timeout : .solver(text)
  }
}
