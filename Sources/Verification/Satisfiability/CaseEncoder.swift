internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import SolverProcess
internal import Specifications

/// The exact encoding of a case as linear real arithmetic: bounds, constraints, the copies' neurons and all atoms, none
/// closed or moved. Coordinates may be unbounded.
struct CaseEncoder {
  let problem: SatisfiabilityProblem
  let lowered: SatisfiabilityCase

  struct Encoding {
    var formula = Formula()
    /// The coordinates of u.
    var inputs: [RealVariable] = []
  }

  /// What is known of a neuron.
  enum Phase: Hashable {
    case open
    /// z ≥ 0 or z ≤ 0 on the whole region.
    case active
    case inactive
    /// z ≥ 0 or z ≤ 0 is a condition.
    case chosenActive
    case chosenInactive
  }

  /// Phases that sound bounds fix on the whole region, per copy.
  func knownPhases() -> [[Phase]] {
    let region = lowered.region
    return lowered.copies.map { copy in
      let network = problem.networks[copy.network]
      let open = [Phase](repeating: .open, count: network.hiddenNeuronCount)
      guard let region else { return open }
      let query = Query(
        region: copy.columns.map { region[$0] },
        claim: .nonnegative(outputs: Array(repeating: .one, count: network.outputCount), constant: .zero))
      guard let fixed = try? FixedPointProblem(network: network, query: query) else { return open }
      let evaluator = LeafEvaluator(problem: fixed)
      guard case .bound = evaluator.evaluate(Cell(problem: fixed), multipliers: nil) else { return open }
      return evaluator.phases(0).map { $0 > 0 ? .active : $0 < 0 ? .inactive : .open }
    }
  }

  /// The phases at a point, as conditions; a neuron at zero counts as active.
  func phases(at u: [Rational]) -> [[Phase]] {
    lowered.copies.map { copy in
      problem.networks[copy.network].preActivations(at: copy.columns.map { u[$0] }).dropLast().flatMap { layer in
        layer.map { $0.isNegative ? .chosenInactive : .chosenActive }
      }
    }
  }

  func encode(_ phases: [[Phase]]) -> Encoding {
    var encoding = Encoding()
    var u: [AffineTerm] = []
    for (column, bounds) in lowered.bounds.enumerated() {
      let x = encoding.formula.variable("x\(column)")
      if let low = bounds.low { encoding.formula.require(x >= low) }
      if let high = bounds.high { encoding.formula.require(x <= high) }
      u.append(x)
      encoding.inputs.append(RealVariable("x\(column)"))
    }
    for constraint in lowered.constraints {
      let terms = zip(constraint.form.coefficients, u).filter { !$0.0.isZero }.map { ($0.0, $0.1) }
      encoding.formula.require(AffineTerm(sum: terms, constant: constraint.form.constant) >= .zero)
    }
    var outputs: [AffineTerm] = []
    for (number, copy) in lowered.copies.enumerated() {
      outputs += self.outputs(
        problem.networks[copy.network], copy.columns.map { u[$0] }, "h\(number)_", phases[number], &encoding.formula)
    }
    for atom in lowered.atoms {
      let terms = atom.inputs.sorted { $0.key < $1.key }.map { ($0.value, u[$0.key]) }
      let values = atom.outputs.sorted { $0.key < $1.key }.map { ($0.value, outputs[$0.key]) }
      let sum = AffineTerm(sum: terms + values, constant: atom.constant)
      encoding.formula.require(atom.isStrict ? sum > .zero : sum >= .zero)
    }
    return encoding
  }

  private func outputs(
    _ network: ExactNetwork, _ inputs: [AffineTerm], _ prefix: String, _ phases: [Phase], _ formula: inout Formula
  ) -> [AffineTerm] {
    var values: [AffineTerm?] = inputs
    var neuron = 0
    func affine(_ layer: ExactLayer, _ row: Int) -> AffineTerm {
      var terms: [(Rational, AffineTerm)] = []
      for (input, value) in values.enumerated() {
        let weight = layer.weight(neuron: row, input: input)
        if let value, !weight.isZero { terms.append((weight.rational, value)) }
      }
      return AffineTerm(sum: terms, constant: layer.biases[row].rational)
    }
    for layer in network.hiddenLayers {
      var next: [AffineTerm?] = []
      for row in 0..<layer.outputCount {
        defer { neuron += 1 }
        if phases[neuron] == .inactive {
          next.append(nil)
          continue
        }
        let z = affine(layer, row)
        if phases[neuron] == .chosenInactive {
          formula.require(z <= .zero)
          next.append(nil)
          continue
        }
        let h = formula.variable("\(prefix)\(neuron)")
        switch phases[neuron] {
        case .active: formula.require(.equal(h, z))
        case .chosenActive:
          formula.require(.equal(h, z))
          formula.require(h >= .zero)
        default:
          formula.require(
            .any([.all([z >= .zero, .equal(h, z)]), .all([z <= .zero, .equal(h, AffineTerm(.zero))])]))
        }
        next.append(h)
      }
      values = next
    }
    let last = network.layers[network.layers.count - 1]
    return (0..<last.outputCount).map { affine(last, $0) }
  }
}
