internal import BigInt
internal import Certificates
internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import Specifications

/// Decides a cell on which the network is one linear piece: exactly, and by Z3 only when the piece's claim fails.
///
/// Every pre-activation is an affine form in the inputs alone. For a monotone claim the derivative on the piece is one
/// number; when it is too small the open cell must be empty. The premises are strict there, since only generic points
/// matter; a form that is identically zero is left out, for a strict premise on it would prune both siblings. The
/// query's constraints are premises too, so that the polytope of a monotone query must have an interior.
struct FixedCellSolver {
  let network: ExactNetwork
  let query: Query
  let problem: FixedPointProblem

  /// The longest one cell may take, in milliseconds.
  static let maximumMilliseconds = 20_000

  enum Decision {
    /// The claim holds at every generic point of the cell: why, where multipliers are known.
    case closed(ProofFormat.Refutation?)
    /// A point of the cell at (or to the right of) which the claim fails.
    case witness([Rational])
    case unknown(UnknownReason)
  }

  /// - Parameter phases: as ``LeafEvaluator/phases``, without zeros.
  func decide(_ cell: Cell, phases: [Int8], budget: Budget) throws -> Decision {
    let box = cell.box(in: query.region)
    var premises: [(owner: Int, form: LinearForm)] = []
    var values = (0..<network.inputCount).map { i in
      // A feature that the domain fixes is a number, not a variable: a form is judged to be identically zero on the
      // domain, not around it.
      var form = LinearForm(variables: network.inputCount)
      let interval = query.region[i]
      if interval.lowerBound == interval.upperBound {
        form.constant = interval.lowerBound
      } else {
        form.coefficients[i] = .one
      }
      return form
    }
    var g = 0
    for layer in network.hiddenLayers {
      var next: [LinearForm] = []
      for j in 0..<layer.outputCount {
        let phase = phases[g]
        g += 1
        let form = phase == -1 ? LinearForm(variables: network.inputCount) : affine(layer, j, values)
        if abs(phase) == 2, !form.isIdenticallyZero {
          var premise = LinearForm(variables: network.inputCount)
          premise.add(form, times: phase > 0 ? .one : Rational(-1))
          premises.append((g - 1, premise))
        }
        next.append(phase > 0 ? form : LinearForm(variables: network.inputCount))
      }
      values = next
    }
    for (r, constraint) in query.constraints.enumerated() { premises.append((g + r, constraint.form)) }
    let last = network.layers[network.layers.count - 1]
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      // No two points of the domain differ in a fixed feature.
      if query.region[feature].lowerBound == query.region[feature].upperBound {
        return .closed(ProofFormat.Refutation())
      }
      let slope = affine(last, output, values).coefficients[feature] * Rational(direction.sign)
      if slope >= minimumSlope { return .closed(ProofFormat.Refutation()) }
      // The slope is the same everywhere on the piece, so the point to have is one with a long way up.
      return try findPoint(in: box, premises, claim: nil, goal: .room(input: feature), budget: budget)
    case .nonnegative(let outputs, let inputs, let constant):
      var claim = LinearForm(variables: network.inputCount)
      claim.constant = constant
      for i in inputs.indices { claim.coefficients[i] = inputs[i] }
      for k in outputs.indices where !outputs[k].isZero { claim.add(affine(last, k, values), times: outputs[k]) }
      if !claim.range(over: box).lowerBound.isNegative { return .closed(ProofFormat.Refutation()) }
      var shortfall = LinearForm(variables: network.inputCount)
      shortfall.add(claim, times: Rational(-1))
      return try findPoint(in: box, premises, claim: shortfall, goal: .value(shortfall), budget: budget)
    }
  }

  private func affine(_ layer: ExactLayer, _ neuron: Int, _ values: [LinearForm]) -> LinearForm {
    var form = LinearForm(variables: network.inputCount)
    form.constant = layer.biases[neuron].rational
    for i in 0..<layer.inputCount {
      let weight = layer.weight(neuron: neuron, input: i)
      if !weight.isZero, !values[i].isIdenticallyZero { form.add(values[i], times: weight.rational) }
    }
    return form
  }

  /// A point of the box with all premises non-negative and `shortfall` positive; without a shortfall, a point inside
  /// the box with all premises positive.
  private func findPoint(
    in box: [ClosedRange<Rational>], _ premises: [(owner: Int, form: LinearForm)], claim shortfall: LinearForm?,
    goal: LinearSystem.Goal,
    budget: Budget
  ) throws -> Decision {
    var rows = premises.map { LinearInequality(form: $0.form, isStrict: shortfall == nil) }
    if let shortfall { rows.append(LinearInequality(form: shortfall, isStrict: true)) }
    let system = LinearSystem(box: box, rows: rows, excludesFaces: shortfall == nil, goal: goal)
    switch try system.solve(milliseconds: Self.maximumMilliseconds, wantsMultipliers: true, budget: budget) {
    case .infeasible(_, let multipliers):
      return .closed(multipliers.flatMap { refutation($0, premises, shortfall, box) })
    case .point(let point): return .witness(point)
    case .unknown(let reason): return .unknown(reason)
    }
  }

  /// Rational multipliers over a common denominator; the last one is the claim's, if it is among the rows.
  private func refutation(
    _ multipliers: [Rational], _ premises: [(owner: Int, form: LinearForm)], _ shortfall: LinearForm?,
    _ box: [ClosedRange<Rational>]
  ) -> ProofFormat.Refutation? {
    var multipliers = multipliers
    if let shortfall, multipliers[premises.count].isZero {
      // The premises alone are contradictory: so much of them outweighs the claim.
      var sum = LinearForm(variables: network.inputCount)
      for (premise, value) in zip(premises, multipliers) { sum.add(premise.form, times: value) }
      let gap = -sum.range(over: box).upperBound
      guard gap.isPositive else { return nil }
      let factor = Rational((max(.zero, shortfall.range(over: box).upperBound) / gap).floor + 1)
      for k in premises.indices { multipliers[k] *= factor }
      multipliers[premises.count] = .one
    }
    var denominator = BigInt(1)
    for value in multipliers {
      denominator = denominator / denominator.greatestCommonDivisor(with: value.denominator) * value.denominator
    }
    let values = multipliers.map { $0.numerator * (denominator / $0.denominator) }
    var result = ProofFormat.Refutation()
    if shortfall != nil { result.claim = values[premises.count] }
    for (premise, value) in zip(premises, values) where value > 0 {
      result.multipliers.append(ProofFormat.ExactMultiplier(index: premise.owner, value: value))
    }
    return result
  }
}

extension Cell {
  /// The box in the network's numbers.
  func box(in region: [ClosedRange<Rational>]) -> [ClosedRange<Rational>] {
    region.indices.map { i in
      let interval = region[i]
      let width = interval.upperBound - interval.lowerBound
      let low = interval.lowerBound + width * Rational(BigInt(lower[i])).scaled(bits: -FixedPointProblem.fractionBits)
      let high = interval.lowerBound + width * Rational(BigInt(upper[i])).scaled(bits: -FixedPointProblem.fractionBits)
      return low...high
    }
  }
}
