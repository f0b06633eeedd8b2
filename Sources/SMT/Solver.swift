internal import CZ3

/// A stack of assertions and the checks of their satisfiability.
public final class Solver {
  /// Which of libz3's solvers decides.
  public enum Logic: Sendable, Hashable, CaseIterable {
    /// Quantifier-free linear real arithmetic, by the simplex solver that was the fastest on our problems.
    case linearRealArithmetic
    /// The general incremental solver, for many small checks that share assertions.
    case simple
  }

  /// The longest text that ``assert(smtlib:)`` reads, in bytes.
  public static let maximumTextLength = 64 << 20

  public let context: SolverContext
  /// What each check may spend.
  public private(set) var budget: SolverBudget
  private let handle: SolverHandle

  /// - Throws: ``SMTError/Code/budget`` for a bound that libz3 cannot represent.
  public init(
    _ context: SolverContext, logic: Logic = .linearRealArithmetic, budget: SolverBudget = .unlimited
  ) throws(SMTError) {
    self.context = context
    self.budget = budget
    let created = try unsafe context.call { context -> Z3_solver? in
      switch logic {
      case .linearRealArithmetic: unsafe Z3_mk_solver_for_logic(context, Z3_mk_string_symbol(context, "QF_LRA"))
      case .simple: unsafe Z3_mk_simple_solver(context)
      }
    }
    handle = unsafe SolverHandle(retaining: created, context: context)
    var numbers = try budget.parameters()
    if logic == .linearRealArithmetic { numbers.append(("arith.solver", 2)) }
    try apply(numbers)
  }

  /// Replaces the budget of the checks that follow.
  /// - Throws: ``SMTError/Code/budget`` for a bound that libz3 cannot represent, and for another bound on memory: a
  ///   solver reads that one only when it starts.
  public func set(budget: SolverBudget) throws(SMTError) {
    guard budget.memoryMegabytes == self.budget.memoryMegabytes else {
      throw SMTError(.budget, "the memory bound of a solver is fixed when it is made; make a new solver")
    }
    try apply(try budget.parameters())
    self.budget = budget
  }

  /// Adds `formula` to the current scope.
  public func assert(_ formula: BoolTerm) throws(SMTError) {
    let ast = try unsafe context.require(formula.handle)
    try unsafe context.call { context in unsafe Z3_solver_assert(context, handle.pointer, ast) }
    withExtendedLifetime(formula.handle) {}
  }

  /// Adds the assertions of an SMT-LIB 2 text to the current scope: a way to replay what ``smtlib`` printed. Names
  /// denote the variables of ``context``. The text is trusted, for SMT-LIB has commands that write files.
  /// - Throws: ``SMTError/Code/parse`` with line and column; ``SMTError/Code/limit`` above ``maximumTextLength``.
  public func assert(smtlib text: String) throws(SMTError) {
    guard text.utf8.count <= Self.maximumTextLength, !text.utf8.contains(0) else {
      throw SMTError(
        .limit, "an SMT-LIB text has \(text.utf8.count) bytes; at most \(Self.maximumTextLength) without NUL are read")
    }
    try unsafe context.call { context in unsafe Z3_solver_from_string(context, handle.pointer, text) }
  }

  /// Opens a scope.
  public func push() throws(SMTError) {
    try unsafe context.call { context in unsafe Z3_solver_push(context, handle.pointer) }
  }

  /// Closes the innermost scope and forgets its assertions.
  /// - Throws: ``SMTError/Code/solver`` when no scope is open.
  public func pop() throws(SMTError) {
    try unsafe context.call { context in unsafe Z3_solver_pop(context, handle.pointer, 1) }
  }

  /// Decides whether the assertions and `assumptions` have a common solution; the assumptions are then forgotten.
  ///
  /// Blocks until decided, out of budget or interrupted through ``SolverContext/interrupter``.
  public func check(assuming assumptions: [BoolTerm] = []) throws(SMTError) -> CheckResult {
    var list: [Z3_ast?] = unsafe []
    for assumption in assumptions { unsafe list.append(try context.require(assumption.handle)) }
    guard let count = UInt32(exactly: assumptions.count) else {
      throw SMTError(.limit, "\(assumptions.count) assumptions; a check may have at most \(UInt32.max)")
    }
    let result = try unsafe context.run(
      budget: budget,
      check: { context in
        unsafe list.withUnsafeBufferPointer { buffer in
          unsafe Z3_solver_check_assumptions(context, handle.pointer, count, buffer.baseAddress)
        }
      },
      reason: { context in unsafe Z3_solver_get_reason_unknown(context, handle.pointer) },
      model: { context in unsafe Z3_solver_get_model(context, handle.pointer) })
    withExtendedLifetime(assumptions) {}
    return result
  }

  /// The proof of the last check, which was unsatisfiable, in a context that produces proofs.
  func proof() throws(SMTError) -> TermHandle {
    try unsafe context.term { context in unsafe Z3_solver_get_proof(context, handle.pointer) }
  }

  /// The assertions of all scopes as SMT-LIB 2 text, with declarations. For diagnosis.
  public var smtlib: String {
    get throws(SMTError) {
      try unsafe context.call { context in
        unsafe Z3_solver_to_string(context, handle.pointer).map { unsafe String(cString: $0) }
      }
    }
  }

  /// libz3's counters, such as `conflicts` and `rlimit count`. For diagnosis; the names are libz3's.
  public var statistics: [String: Double] {
    get throws(SMTError) {
      let statistics = try unsafe context.call { context in unsafe Z3_solver_get_statistics(context, handle.pointer) }
      unsafe Z3_stats_inc_ref(context.pointer, statistics)
      defer { unsafe Z3_stats_dec_ref(context.pointer, statistics) }
      var result: [String: Double] = [:]
      let count = try unsafe context.call { context in unsafe Z3_stats_size(context, statistics) }
      for index in 0..<count {
        let key = try unsafe context.call { context in
          unsafe Z3_stats_get_key(context, statistics, index).map { unsafe String(cString: $0) }
        }
        result[key] = try unsafe context.call { context in
          unsafe Z3_stats_is_uint(context, statistics, index)
            ? Double(Z3_stats_get_uint_value(context, statistics, index))
            : unsafe Z3_stats_get_double_value(context, statistics, index)
        }
      }
      return result
    }
  }

  /// Sets parameters, and with them keeps libz3 from replacing the process's SIGINT handler during a check.
  private func apply(_ numbers: [(name: String, value: UInt32)]) throws(SMTError) {
    try unsafe context.withParameters(numbers: numbers, flags: [("ctrl_c", false)]) { context, parameters in
      unsafe Z3_solver_set_params(context, handle.pointer, parameters)
    }
  }
}

@available(*, unavailable)
extension Solver: Sendable {}

/// One counted reference to a libz3 solver. It exists so that a throwing initialiser of ``Solver`` releases it too.
@safe private final class SolverHandle {
  let context: SolverContext
  let pointer: Z3_solver

  init(retaining pointer: Z3_solver, context: SolverContext) {
    unsafe Z3_solver_inc_ref(context.pointer, pointer)
    unsafe self.pointer = pointer
    self.context = context
  }

  deinit { unsafe Z3_solver_dec_ref(context.pointer, pointer) }
}
