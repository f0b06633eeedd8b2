internal import BigInt
internal import Certificates
internal import ExactArithmetic
internal import SolverProcess

/// Linear rows over a box: has the box a point that meets them all?
///
/// Z3 is asked in coordinates s ∈ [0, 1] along the box, first with rounded rows. A row Σ cᵢ·sᵢ + b > 0 is multiplied by
/// a power of two and its numbers are rounded up to integers; as no sᵢ is negative that only loosens it, so a refutation
/// of the rounded rows is one of the true ones. Long rationals dominate Z3's time, and integers of some twenty bits are
/// short. A point that the rounded rows admit is tried on the true ones; when it fails they are asked as they are.
struct LinearSystem {
  /// Bits of the largest coefficient of a rounded row.
  static let roundedBits = 20

  /// What a better point may cost once one is known.
  static let goalMilliseconds = 500

  let box: [ClosedRange<Rational>]
  let rows: [LinearInequality]
  /// Whether points on the faces of the box are excluded. An input with one value has no faces.
  var excludesFaces = false
  /// A direction in which a point is good: the solver is asked for one with much room in it.
  var goal: Goal?

  enum Goal {
    /// A great value of the form.
    case value(LinearForm)
    /// A long way up along one input that stays within the rows and the box.
    case room(input: Int)
  }

  enum Outcome {
    /// No point meets the rows. The multipliers, one per row and none negative, were checked: Σ multiplier · row is at
    /// most zero on the whole box, or not positive where a strict row has a part. Nil when the solver gave none.
    case infeasible(bySolver: Bool, multipliers: [Rational]?)
    /// A point that meets them all, exactly.
    case point([Rational])
    case unknown(UnknownReason)
  }

  /// - Parameter wantsMultipliers: Whether a refutation is to come with multipliers.
  /// - Throws: ``VerificationError`` with code `solver` when there is no solver to ask, and with code `disagreement`
  ///   when the solver's model of the true rows does not meet them.
  func solve(milliseconds: Int, wantsMultipliers: Bool = false, budget: Budget) throws(VerificationError) -> Outcome {
    // A row that no point of the box meets needs no solver.
    for (index, row) in rows.enumerated() {
      let highest = row.form.range(over: box).upperBound
      if highest.isNegative || (row.isStrict && highest.isZero) {
        var multipliers = [Rational](repeating: .zero, count: rows.count)
        multipliers[index] = .one
        return .infeasible(bySolver: false, multipliers: multipliers)
      }
    }
    let local = rows.map { localForm($0.form) }
    for isRounded in [true, false] {
      let asked = isRounded ? local.map(roundedUp) : local.map { ($0, .one) }
      var question = Question(formula(asked.map(\.form), isClosed: false), values: variables)
      question.wantsMultipliers = wantsMultipliers
      switch try budget.ask(question, milliseconds: milliseconds) {
      case .unknown(let text): return .unknown(budget.reason(for: text))
      case .unsatisfiable(let found):
        return .infeasible(bySolver: true, multipliers: found.flatMap { checked($0, scales: asked.map(\.scale)) })
      case .satisfiable(let values):
        if admits(point(values)) { return .point(try better(values, asked.map(\.form), budget)) }
        guard isRounded else {
          throw VerificationError(
            .disagreement, "the solver's point \(point(values)) does not meet the rows that it was asked about",
            evidence: question.text)
        }
      }
    }
    preconditionFailure("the second round ends")
  }

  /// A point that serves the goal as well as time allows, from one that the system admits.
  ///
  /// A best point lies on the boundary, which strict rows exclude; but a best point of the closed system and an admitted
  /// one have between them only admitted ones (the system is convex), unless rounding has let the former out.
  private func better(_ values: [Rational], _ forms: [LinearForm], _ budget: Budget) throws(VerificationError)
    -> [Rational]
  {
    guard let goal else { return point(values) }
    let closed = formula(forms, isClosed: true)
    var formula = closed
    let inputs = variables.map { AffineTerm($0) }
    let variable: RealVariable
    switch goal {
    case .value(let form):
      variable = formula.bounded(Self.term(localForm(form), inputs), cap: nil, name: "goal")
    case .room(let input):
      // The way, as a share of the box's side, is at most one.
      let way = formula.variable("way")
      formula.require(way >= .zero)
      var moved = inputs
      moved[input] = inputs[input] + way
      formula.require(moved[input] <= .one)
      for form in forms { formula.require(Self.term(form, moved) >= .zero) }
      variable = RealVariable("way")
    }
    let limits = Question.Limits(milliseconds: Self.goalMilliseconds, goalMilliseconds: Self.goalMilliseconds)
    let question = Question(closed, values: variables, limits: limits, goal: Question.Goal(variable, in: formula))
    guard case .satisfiable(let best) = try budget.ask(question) else { return point(values) }
    let between = point(zip(values, best).map { $0 + ($1 - $0) * Rational(15, 16) })
    return admits(between) ? between : point(values)
  }

  /// Whether Σ multiplier · row shows that no point of the box meets the rows.
  func isRefuted(by multipliers: [Rational]) -> Bool {
    guard multipliers.count == rows.count, multipliers.allSatisfy({ !$0.isNegative }) else { return false }
    var sum = LinearForm(variables: box.count)
    var isStrict = false
    for (multiplier, row) in zip(multipliers, rows) where !multiplier.isZero {
      sum.add(row.form, times: multiplier)
      isStrict = isStrict || row.isStrict
    }
    let highest = sum.range(over: box).upperBound
    return highest.isNegative || (isStrict && highest.isZero)
  }

  func admits(_ point: [Rational]) -> Bool {
    guard point.count == box.count else { return false }
    for (interval, x) in zip(box, point) {
      guard interval.contains(x) else { return false }
      if excludesFaces, interval.lowerBound < interval.upperBound, x == interval.lowerBound || x == interval.upperBound
      {
        return false
      }
    }
    return rows.allSatisfy { $0.holds(at: point) }
  }

  // MARK: Local coordinates

  /// The form in s, where x = lower + width · s.
  private func localForm(_ form: LinearForm) -> LinearForm {
    var local = LinearForm(variables: box.count)
    local.constant = form.constant
    for (i, interval) in box.enumerated() where !form.coefficients[i].isZero {
      local.constant += form.coefficients[i] * interval.lowerBound
      local.coefficients[i] = form.coefficients[i] * (interval.upperBound - interval.lowerBound)
    }
    return local
  }

  private func point(_ values: [Rational]) -> [Rational] {
    zip(box, values).map { $0.lowerBound + ($0.upperBound - $0.lowerBound) * $1 }
  }

  /// `form` times a power of two, rounded up: at least that much at every s ≥ 0. A constant form stays as it is.
  private func roundedUp(_ form: LinearForm) -> (form: LinearForm, scale: Rational) {
    guard let largest = form.coefficients.map(\.magnitude).max(), !largest.isZero else { return (form, .one) }
    let shift = Self.roundedBits - 1 - largest.binaryExponent
    let rounded = LinearForm(
      coefficients: form.coefficients.map { Rational($0.scaledCeiling(bits: shift)) },
      constant: Rational(form.constant.scaledCeiling(bits: shift)))
    return (rounded, Rational.one.scaled(bits: shift))
  }

  private var variables: [RealVariable] { box.indices.map { RealVariable("s\($0)") } }

  private static func term(_ form: LinearForm, _ at: [AffineTerm]) -> AffineTerm {
    AffineTerm(sum: Array(zip(form.coefficients, at)), constant: form.constant)
  }

  /// The rows, in order, and then the box; when closed, without any strictness.
  private func formula(_ forms: [LinearForm], isClosed: Bool) -> Formula {
    var formula = Formula()
    let inputs = variables.map { formula.variable($0.name) }
    for (row, form) in zip(rows, forms) {
      let sum = Self.term(form, inputs)
      formula.require(row.isStrict && !isClosed ? sum > .zero : sum >= .zero)
    }
    for (interval, s) in zip(box, inputs) {
      if interval.lowerBound == interval.upperBound {
        formula.require(s >= .zero)
        formula.require(s <= .zero)
      } else {
        formula.require(excludesFaces && !isClosed ? s > .zero : s >= .zero)
        formula.require(excludesFaces && !isClosed ? s < .one : s <= .one)
      }
    }
    return formula
  }

  /// The multipliers of the rows, if they refute them. Those of the box's own faces are not needed: the greatest value
  /// over the box is known in closed form.
  private func checked(_ found: [Int: Rational], scales: [Rational]) -> [Rational]? {
    let multipliers = rows.indices.map { (found[$0] ?? .zero) * scales[$0] }
    return isRefuted(by: multipliers) ? multipliers : nil
  }
}
