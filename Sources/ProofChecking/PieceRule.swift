internal import BigInt
public import ExactArithmetic
public import Networks
public import Specifications

/// Decides a cell on which the network is one linear piece, exactly.
///
/// A monotone claim holds on the piece when its slope, which is one number there, suffices. Otherwise, and for claims on
/// the value, multipliers λ ≥ 0 of the cell's premises must show that no point of the cell violates the claim (Farkas'
/// lemma): the largest value of Σ λₖ·sₖ·zₖ(x) over the box is negative; or it is zero and one of the premises is, by
/// its own form, not identically zero on the domain, for only generic points count and such a premise is strict there.
/// With constraints on the inputs that last step needs a point inside all of them, which is looked for and then checked
/// by evaluation; a flat domain has none. The constraints themselves take multipliers like premises.
public struct PieceRule: Sendable {
  public let network: ExactNetwork
  public let query: Query
  public let problem: FixedPointProblem
  /// Whether the domain is known to be the closure of its interior (relative to fixed features).
  private let hasInterior: Bool

  public init(network: ExactNetwork, query: Query, problem: FixedPointProblem) {
    if query.constraints.isEmpty {
      hasInterior = true
    } else if case .solid(let point) = query.polytope.extent {
      hasInterior = query.polytope.isInterior(point)
    } else {
      hasInterior = false
    }
    self.network = network
    self.query = query
    self.problem = problem
  }

  /// A form Σ aᵢ·xᵢ + c with dyadic numbers.
  public struct Form: Sendable, Hashable {
    public var coefficients: [Dyadic]
    public var constant: Dyadic
  }

  /// - Parameter phases: As ``LeafEvaluator/phases(_:)``.
  /// - Complexity: two exact backward passes.
  func check(_ cell: Cell, phases: [Int8], _ refutation: ProofFormat.Refutation) throws(ProofFailure.Cause) {
    let multipliers = refutation.multipliers
    if let g = phases.firstIndex(of: 0) { throw .phaseOpen(neuron: g) }
    for multiplier in multipliers where multiplier.index < phases.count && cell.premises[multiplier.index] == 0 {
      throw .notRefuted
    }
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      if slope(output: output, feature: feature, phases: phases) * Rational(direction.sign) >= minimumSlope { return }
      let form = combination(multipliers, cell: cell, phases: phases, outputs: nil)
      let most = range(form, over: cell).upperBound
      if most.isNegative { return }
      if most.isZero, hasInterior, multipliers.contains(where: { isStrict($0.index, cell: cell, phases: phases) }) {
        return
      }
    case .nonnegative(let outputs, _, let constant):
      // C·claim − Σ λ·s·z is non-negative on the box, and the sum is non-negative in the cell.
      let factor = Rational(refutation.claim)
      let form = combination(multipliers, cell: cell, phases: phases, outputs: outputs.map { $0 * factor })
      if !(range(form, over: cell).lowerBound + constant * factor).isNegative { return }
    }
    throw .notRefuted
  }

  /// Whether a proof may close the cell as a piece with these multipliers.
  public func accepts(_ cell: Cell, phases: [Int8], _ refutation: ProofFormat.Refutation) -> Bool {
    do {
      try check(cell, phases: phases, refutation)
      return true
    } catch {
      return false
    }
  }

  /// The derivative of an output along a feature on the piece.
  public func slope(output: Int, feature: Int, phases: [Int8]) -> Rational {
    var tangent = [Dyadic](repeating: .zero, count: network.inputCount)
    tangent[feature] = .one
    var g = 0
    for (index, layer) in network.layers.enumerated() {
      let isLast = index + 1 == network.layers.count
      var next = [Dyadic](repeating: .zero, count: layer.outputCount)
      for j in 0..<layer.outputCount where isLast ? j == output : phases[g + j] > 0 {
        for i in tangent.indices where !tangent[i].isZero {
          let weight = layer.weight(neuron: j, input: i)
          if !weight.isZero { next[j] += weight * tangent[i] }
        }
      }
      if isLast { return next[output].rational }
      g += layer.outputCount
      tangent = next
    }
    return .zero
  }

  /// The pre-activation of one neuron on the piece, as a form of the inputs.
  public func form(of neuron: Int, phases: [Int8]) -> Form {
    var weights = [Dyadic](repeating: .zero, count: phases.count)
    weights[neuron] = .one
    return backward(weights, outputs: nil, phases: phases)
  }

  /// The claim's value on the piece, as a form of the inputs; zero for a claim on a derivative.
  public func claimForm(phases: [Int8]) -> LinearForm {
    var result = LinearForm(variables: network.inputCount)
    guard case .nonnegative(let outputs, _, let constant) = query.claim else { return result }
    result.constant = constant
    let none = [Dyadic](repeating: .zero, count: phases.count)
    for (k, factor) in outputs.enumerated() where !factor.isZero {
      let form = backward(none, outputs: k, phases: phases)
      result.add(
        LinearForm(coefficients: form.coefficients.map(\.rational), constant: form.constant.rational), times: factor)
    }
    return result
  }

  /// Σ outputs·f − Σ λ·s·z (for claims on the value), or Σ λ·s·z; and the rational factors left outside.
  private func combination(
    _ multipliers: [ProofFormat.ExactMultiplier], cell: Cell, phases: [Int8], outputs: [Rational]?
  ) -> (Form, [(factor: Rational, form: LinearForm)]) {
    var weights = [Dyadic](repeating: .zero, count: phases.count)
    for multiplier in multipliers where multiplier.index < phases.count {
      let value = Dyadic(mantissa: multiplier.mantissa, exponent: multiplier.exponent)
      let signed = cell.premises[multiplier.index] > 0 ? value : -value
      weights[multiplier.index] = outputs == nil ? signed : -signed
    }
    let sum = backward(weights, outputs: nil, phases: phases)
    var linear: [(factor: Rational, form: LinearForm)] = []
    for multiplier in multipliers where multiplier.index >= phases.count {
      let constraint = query.constraints[multiplier.index - phases.count].form
      let value = Dyadic(mantissa: multiplier.mantissa, exponent: multiplier.exponent).rational
      linear.append((outputs == nil ? value : -value, constraint))
    }
    if let outputs {
      let none = [Dyadic](repeating: .zero, count: phases.count)
      for (k, factor) in outputs.enumerated() where !factor.isZero {
        let form = backward(none, outputs: k, phases: phases)
        linear.append(
          (factor, LinearForm(coefficients: form.coefficients.map(\.rational), constant: form.constant.rational)))
      }
    }
    return (sum, linear)
  }

  /// Σ weightsₖ·zₖ(x), plus output `outputs` when given, with the phases fixed: one backward pass.
  private func backward(_ weights: [Dyadic], outputs: Int?, phases: [Int8]) -> Form {
    var constant = Dyadic.zero
    let last = network.layers[network.layers.count - 1]
    var onPost = [Dyadic](repeating: .zero, count: last.inputCount)
    if let outputs {
      onPost = (0..<last.inputCount).map { last.weight(neuron: outputs, input: $0) }
      constant = last.biases[outputs]
    }
    var g = phases.count
    for layer in network.hiddenLayers.reversed() {
      g -= layer.outputCount
      var next = [Dyadic](repeating: .zero, count: layer.inputCount)
      for j in 0..<layer.outputCount {
        var factor = weights[g + j]
        if phases[g + j] > 0 { factor += onPost[j] }
        if factor.isZero { continue }
        constant += factor * layer.biases[j]
        for i in 0..<layer.inputCount {
          let weight = layer.weight(neuron: j, input: i)
          if !weight.isZero { next[i] += factor * weight }
        }
      }
      onPost = next
    }
    return Form(coefficients: onPost, constant: constant)
  }

  /// The exact range of a combination over the cell's box.
  private func range(_ sum: (Form, [(factor: Rational, form: LinearForm)]), over cell: Cell) -> ClosedRange<Rational> {
    var low = sum.0.constant.rational
    var coefficients = sum.0.coefficients.map(\.rational)
    for (factor, form) in sum.1 {
      low += factor * form.constant
      for i in coefficients.indices { coefficients[i] += factor * form.coefficients[i] }
    }
    var high = low
    for (i, a) in coefficients.enumerated() where !a.isZero {
      let l = a * problem.coordinate(cell.lower[i], input: i)
      let u = a * problem.coordinate(cell.upper[i], input: i)
      low += min(l, u)
      high += max(l, u)
    }
    return low...high
  }

  /// Whether a premise is strict at generic points: its form is not identically zero on the domain, in which fixed
  /// features are numbers.
  private func isStrict(_ index: Int, cell: Cell, phases: [Int8]) -> Bool {
    guard index < phases.count else { return false }
    let form = form(of: index, phases: phases)
    var constant = form.constant.rational
    for (i, interval) in query.region.enumerated() {
      if interval.lowerBound == interval.upperBound {
        constant += form.coefficients[i].rational * interval.lowerBound
      } else if !form.coefficients[i].isZero {
        return true
      }
    }
    return !constant.isZero
  }
}
