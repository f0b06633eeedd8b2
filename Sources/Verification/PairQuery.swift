internal import ExactArithmetic
internal import Networks
internal import SMT

/// Asks Z3 for a violating pair on two linear pieces of one line: the pair that a counterexample reports.
struct PairQuery {
  let ray: ExactRay
  /// The feature's interval in the domain.
  let interval: ClosedRange<Rational>

  static let maximumMilliseconds = 5_000

  /// Two positions a < b along the feature, on the pieces that start at `from` and at `to`, whose fall is at least
  /// 15/16 of `fall`; nil when the solver gave up.
  /// - Throws: ``VerificationError`` with code `disagreement` when Z3 says that there is no such pair, though the exact
  ///   forward pass just found one.
  func solve(from: [Rational], to: [Rational], fall: Rational, budget: Budget) throws -> (from: Rational, to: Rational)?
  {
    let first = ray.piece(at: from)
    let second = ray.piece(at: to)
    let context = try SolverContext()
    let milliseconds = min(Self.maximumMilliseconds, budget.remainingMilliseconds ?? Self.maximumMilliseconds)
    let solver = try Solver(context, budget: SolverBudget(timeoutMilliseconds: milliseconds))
    let a = try context.realVariable("a")
    let b = try context.realVariable("b")
    try solver.assert(a < b)
    try within(a, first, solver)
    try within(b, second, solver)
    // f(a) − f(b) with f linear on each piece: value + slope · (position − start).
    let constant = first.value - first.slope * first.start - second.value + second.slope * second.start
    let difference = try context.sum(of: [(first.slope, a), (-second.slope, b)], constant: constant)
    try solver.assert(difference >= fall * Rational(15, 16))
    let result = try budget.stop.whileWatching(context.interrupter) { () throws(SMTError) in try solver.check() }
    switch result {
    case .satisfiable(let model): return (try model.value(of: a), try model.value(of: b))
    case .unknown: return nil
    case .unsatisfiable:
      throw VerificationError(
        .disagreement,
        "exact evaluation finds a fall of \(fall) between \(from) and \(to), but the solver finds none there; "
          + "please report this with the model and the specification")
    }
  }

  private func within(_ position: RealTerm, _ piece: ExactRay.Piece, _ solver: Solver) throws(SMTError) {
    try solver.assert(position >= piece.start)
    try solver.assert(position <= min(piece.end ?? interval.upperBound, interval.upperBound))
  }
}
