public import ExactArithmetic
public import SolverProcess

extension Question {
  /// Answers the question with libz3, in a context of its own: no question sees anything of another.
  ///
  /// - Parameter interim: Called with a first solution when one is known and ``goal`` asks for a better one.
  public func answered(interim: ([Rational]) -> Void = { _ in }) -> Answer {
    do {
      return try answer(interim)
    } catch {
      return .unknown(error.code == .memory ? Answer.memory : "libz3: \(error)")
    }
  }

  private func answer(_ interim: ([Rational]) -> Void) throws(SMTError) -> Answer {
    let start = ContinuousClock.now
    let context = try SolverContext(producesProofs: wantsMultipliers)
    let solver = try Solver(
      context, logic: method == .linear ? .linearRealArithmetic : .simple,
      budget: SolverBudget(
        timeoutMilliseconds: limits.milliseconds, rlimit: limits.work.map { UInt64($0) },
        memoryMegabytes: limits.memoryMegabytes))
    let conditions = try context.conditions(smtlib: text)
    // A condition that got lost would turn into a wrong model, and one too many into a wrong refutation.
    guard conditions.count == conditionCount else {
      throw SMTError(.parse, "the text has \(conditions.count) assertions instead of \(conditionCount)")
    }
    for condition in conditions { try solver.assert(condition) }
    switch try solver.check() {
    case .unknown(let reason): return .unknown(reason)
    case .unsatisfiable:
      return .unsatisfiable(multipliers: wantsMultipliers ? try solver.refutationMultipliers(of: conditions) : nil)
    case .satisfiable(let model):
      let solution = try read(model, context)
      guard let goal else { return .satisfiable(solution) }
      interim(solution)
      return .satisfiable(improved(goal, context, start) ?? solution)
    }
  }

  /// The values of a solution that is as good as the rest of the time allows; nil when none was found.
  private func improved(_ goal: Goal, _ context: SolverContext, _ start: ContinuousClock.Instant) -> [Rational]? {
    let spent = ContinuousClock.now - start
    let spentMilliseconds =
      Int(spent.components.seconds) * 1000 + Int(spent.components.attoseconds / 1_000_000_000_000_000)
    let left = min(limits.goalMilliseconds, (limits.milliseconds ?? .max) - spentMilliseconds)
    guard left > 0 else { return nil }
    do {
      let optimizer = try Optimizer(
        context, budget: SolverBudget(timeoutMilliseconds: left, rlimit: limits.work.map { UInt64($0) }))
      for condition in try context.conditions(smtlib: goal.text) { try optimizer.assert(condition) }
      try optimizer.maximise(try context.realVariable(goal.variable.name))
      guard case .satisfiable(let model) = try optimizer.check() else { return nil }
      return try read(model, context)
    } catch {
      // The solution that is known stands.
      return nil
    }
  }

  private func read(_ model: Model, _ context: SolverContext) throws(SMTError) -> [Rational] {
    var result: [Rational] = []
    for variable in values { result.append(try model.value(of: context.realVariable(variable.name))) }
    return result
  }
}
