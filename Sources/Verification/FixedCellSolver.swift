internal import BigInt
internal import Certificates
internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import SMT
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
    /// The claim holds at every generic point of the cell.
    case closed(bySolver: Bool)
    /// A point of the cell at (or to the right of) which the claim fails.
    case witness([Rational])
    case unknown(UnknownReason)
  }

  /// - Parameter phases: as ``LeafEvaluator/phases``, without zeros.
  func decide(_ cell: Cell, phases: [Int8], budget: Budget) throws -> Decision {
    let box = (0..<query.region.count).map { i in
      let interval = query.region[i]
      let width = interval.upperBound - interval.lowerBound
      let low = interval.lowerBound + width * Rational(BigInt(cell.lower[i])).scaled(bits: -FixedPointProblem.fractionBits)
      let high = interval.lowerBound + width * Rational(BigInt(cell.upper[i])).scaled(bits: -FixedPointProblem.fractionBits)
      return low...high
    }
    var premises: [LinearForm] = []
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
          premises.append(premise)
        }
        next.append(phase > 0 ? form : LinearForm(variables: network.inputCount))
      }
      values = next
    }
    premises += query.constraints.map(\.form)
    let last = network.layers[network.layers.count - 1]
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      // No two points of the domain differ in a fixed feature.
      if query.region[feature].lowerBound == query.region[feature].upperBound { return .closed(bySolver: false) }
      let slope = affine(last, output, values).coefficients[feature] * Rational(direction.sign)
      if slope >= minimumSlope { return .closed(bySolver: false) }
      return try findPoint(in: box, premises, extra: nil, strict: true, budget: budget)
    case .nonnegative(let outputs, let inputs, let constant):
      var claim = LinearForm(variables: network.inputCount)
      claim.constant = constant
      for i in inputs.indices { claim.coefficients[i] = inputs[i] }
      for k in outputs.indices where !outputs[k].isZero { claim.add(affine(last, k, values), times: outputs[k]) }
      if !claim.range(over: box).lowerBound.isNegative { return .closed(bySolver: false) }
      return try findPoint(in: box, premises, extra: claim, strict: false, budget: budget)
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

  /// A point of the box with all premises positive (non-negative unless `strict`) and `extra` negative.
  private func findPoint(
    in box: [ClosedRange<Rational>], _ premises: [LinearForm], extra: LinearForm?, strict: Bool, budget: Budget
  ) throws -> Decision {
    // A premise that no point of the box meets needs no solver.
    for premise in premises {
      let highest = premise.range(over: box).upperBound
      if highest.isNegative || (strict && highest.isZero) { return .closed(bySolver: false) }
    }
    let context = try SolverContext()
    let milliseconds = min(Self.maximumMilliseconds, budget.remainingMilliseconds ?? Self.maximumMilliseconds)
    let solver = try Solver(context, budget: SolverBudget(timeoutMilliseconds: milliseconds))
    var inputs: [RealTerm] = []
    for (i, interval) in box.enumerated() {
      let x = try context.realVariable("x\(i)")
      // A feature fixed by its domain has no interior of its own.
      if strict, interval.lowerBound < interval.upperBound {
        try solver.assert(x > interval.lowerBound)
        try solver.assert(x < interval.upperBound)
      } else {
        try solver.assert(x >= interval.lowerBound)
        try solver.assert(x <= interval.upperBound)
      }
      inputs.append(x)
    }
    func term(_ form: LinearForm) throws(SMTError) -> RealTerm {
      try context.sum(of: zip(form.coefficients, inputs).filter { !$0.0.isZero }.map { $0 }, constant: form.constant)
    }
    for premise in premises {
      let row = try term(premise)
      try solver.assert(strict ? row > .zero : row >= .zero)
    }
    if let extra { try solver.assert(try term(extra) < .zero) }
    let result = try budget.stop.whileWatching(context.interrupter) { () throws(SMTError) in try solver.check() }
    switch result {
    case .unsatisfiable: return .closed(bySolver: true)
    case .unknown(let text):
      return .unknown(budget.isInterrupted ? .interrupted : budget.isExhausted ? .timeout : .solver(text))
    case .satisfiable(let model):
      var point: [Rational] = []
      for x in inputs { point.append(try model.value(of: x)) }
      return .witness(point)
    }
  }
}
