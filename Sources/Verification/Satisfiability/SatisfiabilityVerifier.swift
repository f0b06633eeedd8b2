public import Certificates
internal import Dispatch
internal import Networks
internal import Specifications
internal import Synchronization

/// Decides satisfiability queries: each case of the formula's disjunctive form, the quick ones first.
///
/// Blocking, as ``Verifier`` is.
public struct SatisfiabilityVerifier: Sendable {
  public let problem: SatisfiabilityProblem
  public var options: VerificationOptions
  /// Threads that search; the answer does not depend on it.
  public var threads: Int

  /// The share of the time, and the seconds, that a case may take before all others had their turn.
  private static let turnShare = 0.1
  private static let turnSeconds = 2.0

  public init(
    problem: SatisfiabilityProblem, options: VerificationOptions = VerificationOptions(), threads: Int = 1
  ) {
    self.problem = problem
    self.options = options
    self.threads = max(1, threads)
  }

  /// - Parameter onCase: Called with the number of refuted cases and of all.
  /// - Throws: ``VerificationError`` when two methods contradict each other, or when there is no solver to ask.
  public func decide(
    budget: Budget, onCase: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> SatisfiabilityResult {
    guard let cases = LinearCases(problem.query.formula) else {
      return SatisfiabilityResult(answer: .unknown(.tooManyCases), refuted: [:], caseCount: 0)
    }
    let pool = WorkPool()
    let result = Mutex<Result<SatisfiabilityResult, any Error>?>(nil)
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      // One thread decides, the others help it.
      if thread == 0 {
        let found = Result { try decide(cases, pool, budget, onCase) }
        result.withLock { $0 = found }
        pool.notify()
      } else {
        pool.serve { result.withLock { $0 != nil } }
      }
    }
    guard let result = result.withLock({ $0 }) else { preconditionFailure("every thread has run") }
    return try result.get()
  }

  private func decide(
    _ cases: LinearCases, _ pool: WorkPool, _ budget: Budget, _ onCase: (Int, Int) -> Void
  ) throws -> SatisfiabilityResult {
    let count = cases.alternatives.count
    var refuted: [Int: CaseGround] = [:]
    var reasons: [Int: UnknownReason] = [:]
    func result(_ answer: SatisfiabilityAnswer) -> SatisfiabilityResult {
      SatisfiabilityResult(answer: answer, refuted: refuted, caseCount: count)
    }
    // The last turn shares what others have left.
    for turn in 0..<(count > 1 ? 3 : 1) {
      let isQuick = turn == 0 && count > 1
      for (index, alternative) in cases.alternatives.enumerated() where refuted[index] == nil {
        guard !budget.isOver else { break }
        // What ended for another reason than its time would end so again.
        if turn > 1, let reason = reasons[index], reason != .timeout { continue }
        var share = budget
        let left = budget.remainingMilliseconds.map { Double($0) / 1000 }
        if isQuick {
          share = budget.limited(toSeconds: min(Self.turnSeconds, (left ?? .infinity) * Self.turnShare))
        } else if let left {
          share = budget.limited(toSeconds: left / Double(count - refuted.count))
        }
        let solver = CaseSolver(
          problem: problem,
          lowered: SatisfiabilityCase(cases.common + alternative, of: problem), options: options, pool: pool,
          subject: "case \(index + 1) of \(problem.query.path)")
        switch try solver.decide(share) {
        case .satisfiable(let witness): return result(.satisfiable(witness))
        case .refuted(let ground):
          refuted[index] = ground
          onCase(refuted.count, count)
        case .unknown(let reason): reasons[index] = reason
        }
      }
    }
    if refuted.count == count { return result(.unsatisfiable) }
    if budget.isInterrupted { return result(.unknown(.interrupted)) }
    if budget.isExhausted { return result(.unknown(.timeout)) }
    let open = reasons.keys.filter { refuted[$0] == nil }.min()
    return result(.unknown(open.flatMap { reasons[$0] } ?? .timeout))
  }
}

extension UnknownReason {
  /// The disjunctive form passes its bounds.
  public static let tooManyCases = UnknownReason(
    description: "the formula has more than \(LinearCases.maximumCases) cases, or too large ones")
}
