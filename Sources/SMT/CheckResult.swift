internal import CZ3

/// The answer of a check.
public enum CheckResult {
  /// The assertions hold in the model.
  case satisfiable(Model)
  /// No assignment satisfies the assertions.
  case unsatisfiable
  /// Neither was shown: ``interrupted``, ``timeout``, ``rlimit``, ``memory``, or else libz3's own words.
  case unknown(String)

  /// ``Interrupter/interrupt()`` was called.
  public static let interrupted = "interrupted"
  /// ``SolverBudget/timeoutMilliseconds`` passed.
  public static let timeout = "timeout"
  /// ``SolverBudget/rlimit`` was spent.
  public static let rlimit = "rlimit"
  /// ``SolverBudget/memoryMegabytes`` was passed.
  public static let memory = "memory"
}

extension SolverContext {
  /// Runs one interruptible check.
  /// - Parameters:
  ///   - check: The blocking call.
  ///   - reason: Reads why the check was undecided.
  ///   - model: Reads the model of a satisfiable check.
  func run(
    budget: SolverBudget, check: (Z3_context) -> Z3_lbool, reason: (Z3_context) -> UnsafePointer<CChar>?,
    model: (Z3_context) -> Z3_model?
  ) throws(SMTError) -> CheckResult {
    // An address, because pointers are not Sendable. The context is alive while the check runs, and no signal is sent
    // once it has returned. Z3_solver_interrupt would not do: it signals a check once, even when called again.
    let address = unsafe UInt(bitPattern: pointer)
    let begins = interrupter.begin(timeoutMilliseconds: budget.timeoutMilliseconds) {
      unsafe Z3_interrupt(OpaquePointer(bitPattern: address))
    }
    guard begins else { return .unknown(CheckResult.interrupted) }
    let answer: Result<Z3_lbool, SMTError>
    do {
      answer = .success(try unsafe call(check))
    } catch {
      answer = .failure(error)
    }
    let stop = interrupter.end()
    if stop != nil { try clearCancellation() }

    switch answer {
    case .success(let value) where value == Z3_L_FALSE:
      // A signal can reach any step of the solver. We do not rely on each of them to handle it soundly.
      switch stop {
      case nil: return .unsatisfiable
      case .requested: return .unknown(CheckResult.interrupted)
      case .timedOut: return .unknown(CheckResult.timeout)
      }
    case .success(let value) where value == Z3_L_TRUE:
      return .satisfiable(try unsafe Model(retaining: call(model), context: self))
    case .success:
      let text = try unsafe call { context in unsafe reason(context).map { unsafe String(cString: $0) } }
      return .unknown(Self.cause(of: text, stop: stop, budget: budget) ?? text)
    case .failure(let error):
      // Some solvers report a spent budget as an error of the call.
      guard error.code == .memory || error.code == .solver,
        let cause = Self.cause(of: error.message, stop: stop, budget: budget)
      else { throw error }
      return .unknown(cause)
    }
  }

  /// After Z3_interrupt the context stays cancelled, so that evaluating a model fails, until some check has run.
  private func clearCancellation() throws(SMTError) {
    let solver = try unsafe call { context in unsafe Z3_mk_simple_solver(context) }
    unsafe Z3_solver_inc_ref(pointer, solver)
    defer { unsafe Z3_solver_dec_ref(pointer, solver) }
    try unsafe withParameters(numbers: [], flags: [("ctrl_c", false)]) { context, parameters in
      unsafe Z3_solver_set_params(context, solver, parameters)
    }
    _ = try unsafe call { context in unsafe Z3_solver_check(context, solver) }
  }

  /// The common name of a reason, or nil when libz3's own words say more. libz3 says `canceled` for a signal and for a
  /// spent rlimit alike, sometimes just `unknown`; which it was follows from what was asked for.
  static func cause(of text: String, stop: Interrupter.Stop?, budget: SolverBudget) -> String? {
    if text.contains("memory") { return CheckResult.memory }
    switch stop {
    case .requested: return CheckResult.interrupted
    case .timedOut: return CheckResult.timeout
    case nil: break
    }
    let isSpent = text.contains("canceled") || text.contains("resource limit")
    return isSpent && budget.rlimit != nil ? CheckResult.rlimit : nil
  }
}
