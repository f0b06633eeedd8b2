internal import ExactArithmetic
internal import Networks
internal import SolverProcess

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
  func solve(from: [Rational], to: [Rational], fall: Rational, budget: Budget) throws(VerificationError) -> (
    from: Rational, to: Rational
  )? {
    let first = ray.piece(at: from)
    let second = ray.piece(at: to)
    var formula = Formula()
    let a = formula.variable("a")
    let b = formula.variable("b")
    formula.require(a < b)
    within(a, first, &formula)
    within(b, second, &formula)
    // f(a) − f(b) with f linear on each piece: value + slope · (position − start).
    let constant = first.value - first.slope * first.start - second.value + second.slope * second.start
    let difference = AffineTerm(sum: [(first.slope, a), (-second.slope, b)], constant: constant)
    formula.require(difference >= fall * Rational(15, 16))
    let question = Question(formula, values: [RealVariable("a"), RealVariable("b")])
    switch try budget.ask(question, milliseconds: Self.maximumMilliseconds) {
    case .satisfiable(let values): return (values[0], values[1])
    case .unknown: return nil
    case .unsatisfiable:
      throw VerificationError(
        .disagreement,
        "exact evaluation finds a fall of \(fall) between \(from) and \(to), but the solver finds none there; "
          + "please report this with the model and the specification", evidence: formula.script())
    }
  }

  private func within(_ position: AffineTerm, _ piece: ExactRay.Piece, _ formula: inout Formula) {
    formula.require(position >= piece.start)
    formula.require(position <= min(piece.end ?? interval.upperBound, interval.upperBound))
  }
}
