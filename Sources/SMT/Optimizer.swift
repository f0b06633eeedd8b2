internal import CZ3

/// Assertions with linear objectives, for models that are as good as they can be.
///
/// Objectives are taken in order: the first decides, later ones break ties. A satisfiable answer carries a model of
/// the assertions that attains the optimum where one is attained; where it is not (a strict bound, an unbounded
/// objective) the model still satisfies the assertions, but how good it is is not stated.
public final class Optimizer {
  public let context: SolverContext
  public let budget: SolverBudget
  private let handle: OptimizerHandle

  /// - Throws: ``SMTError/Code/budget`` for a bound that libz3 cannot represent, and for any bound on memory, which
  ///   libz3's optimiser does not have.
  public init(_ context: SolverContext, budget: SolverBudget = .unlimited) throws(SMTError) {
    guard budget.memoryMegabytes == nil else {
      throw SMTError(.budget, "libz3's optimiser has no bound on memory; leave memoryMegabytes nil")
    }
    self.context = context
    self.budget = budget
    let created = try unsafe context.call { context in unsafe Z3_mk_optimize(context) }
    handle = unsafe OptimizerHandle(retaining: created, context: context)
    let numbers = try budget.parameters().filter { $0.name != "max_memory" }
    try unsafe context.withParameters(numbers: numbers, flags: [("ctrl_c", false)]) { context, parameters in
      unsafe Z3_optimize_set_params(context, handle.pointer, parameters)
    }
  }

  public func assert(_ formula: BoolTerm) throws(SMTError) {
    let ast = try unsafe context.require(formula.handle)
    try unsafe context.call { context in unsafe Z3_optimize_assert(context, handle.pointer, ast) }
    withExtendedLifetime(formula.handle) {}
  }

  /// Adds an objective.
  public func maximise(_ term: RealTerm) throws(SMTError) {
    let ast = try unsafe context.require(term.handle)
    _ = try unsafe context.call { context in unsafe Z3_optimize_maximize(context, handle.pointer, ast) }
    withExtendedLifetime(term.handle) {}
  }

  /// Finds an optimal model.
  ///
  /// Blocks until decided, out of budget or interrupted through ``SolverContext/interrupter``.
  public func check() throws(SMTError) -> CheckResult {
    return try unsafe context.run(
      budget: budget,
      check: { context in unsafe Z3_optimize_check(context, handle.pointer, 0, nil) },
      reason: { context in unsafe Z3_optimize_get_reason_unknown(context, handle.pointer) },
      model: { context in unsafe Z3_optimize_get_model(context, handle.pointer) })
  }
}

@available(*, unavailable)
extension Optimizer: Sendable {}

/// One counted reference to a libz3 optimiser. It exists so that a throwing initialiser of ``Optimizer`` releases it.
@safe private final class OptimizerHandle {
  let context: SolverContext
  let pointer: Z3_optimize

  init(retaining pointer: Z3_optimize, context: SolverContext) {
    unsafe Z3_optimize_inc_ref(context.pointer, pointer)
    unsafe self.pointer = pointer
    self.context = context
  }

  deinit { unsafe Z3_optimize_dec_ref(context.pointer, pointer) }
}
