/// A part of the domain: a box in t ∈ [0, 1]ⁿ and closed half-spaces given by fixed phases.
public struct Cell: Sendable, Hashable {
  /// Lower corner, one per input, in units of 2⁻³⁰.
  public var lower: [Int64]
  /// Upper corner.
  public var upper: [Int64]
  /// One per hidden neuron: 1 for the premise z ≥ 0, −1 for z ≤ 0, 0 for none.
  public var premises: [Int8]

  /// The whole domain.
  public init(inputCount: Int, neuronCount: Int) {
    lower = Array(repeating: 0, count: inputCount)
    upper = Array(repeating: FixedPointProblem.one, count: inputCount)
    premises = Array(repeating: 0, count: neuronCount)
  }

  /// The whole domain of a problem: the unit box, made smaller by the problem's constraints.
  public init(problem: FixedPointProblem) {
    self.init(inputCount: problem.inputCount, neuronCount: problem.neuronCount)
    for row in 0..<problem.constraints.outputCount { tighten(problem.constraints, row: row, sign: 1) }
  }

  /// The volume of the box as a share of the domain's. Approximate, for progress reports.
  public var boxShare: Double {
    zip(lower, upper).reduce(1.0) { $0 * Double($1.1 - $1.0) / Double(FixedPointProblem.one) }
  }

  /// Whether the input can be halved.
  public func canSplit(input: Int) -> Bool { upper[input] - lower[input] >= 2 }

  /// The two halves along an input, the lower one first.
  /// - Precondition: ``canSplit(input:)``.
  public func halves(input: Int) -> (Cell, Cell) {
    var left = self
    var right = self
    let middle = (lower[input] + upper[input]) >> 1
    left.upper[input] = middle
    right.lower[input] = middle
    return (left, right)
  }

  /// The two parts in which a neuron is inactive and active.
  ///
  /// The premise of a first-layer neuron is a half-space of inputs: the box shrinks to what is compatible with it.
  public func phases(neuron: Int, in problem: FixedPointProblem) -> (inactive: Cell, active: Cell) {
    (with(premise: -1, neuron: neuron, in: problem), with(premise: 1, neuron: neuron, in: problem))
  }

  /// The part in which the premise holds.
  public func with(premise: Int8, neuron: Int, in problem: FixedPointProblem) -> Cell {
    var part = self
    part.premises[neuron] = premise
    if let first = problem.hiddenLayers.first, neuron < first.outputCount {
      part.tighten(first, row: neuron, sign: premise)
    }
    return part
  }

  /// Shrinks the box to the smallest one that holds every point of it with sign · (row · t + bias) ≥ 0, rounded
  /// outwards; one pass (feasibility-based bound tightening). Leaves the box alone when no point is left, which the
  /// leaf routine finds out by itself.
  private mutating func tighten(_ layer: FixedPointProblem.Layer, row: Int, sign: Int8) {
    let n = layer.inputCount
    let start = row * n
    // The coefficient that makes sign · row · t largest, for t ≥ 0.
    func coefficient(_ i: Int) -> Int128 {
      let low = Int128(layer.low[start + i])
      return sign > 0 ? low + Int128(layer.slack[start + i]) : -low
    }
    var most = Int128(sign > 0 ? layer.biasHigh[row] : -layer.biasLow[row]) << Int128(layer.shift)
    for i in 0..<n {
      let a = coefficient(i)
      most += a * Int128(a > 0 ? upper[i] : lower[i])
    }
    guard most >= 0 else { return }
    for i in 0..<n {
      let a = coefficient(i)
      if a > 0 {
        // a·t ≥ a·upper − most.
        let least = Int128(upper[i]) - most / a - 1
        if least > Int128(lower[i]) { lower[i] = Int64(least) }
      } else if a < 0 {
        let greatest = Int128(lower[i]) + most / -a + 1
        if greatest < Int128(upper[i]) { upper[i] = Int64(greatest) }
      }
    }
  }

  /// Shrinks the box to where a bound leaves room for a violation.
  ///
  /// If the claim is at least form · t + c on the cell, with least value `bound` below `threshold` over the box, then a
  /// point that violates the claim lies, in each input, within (threshold − bound) / |formᵢ| of the end at which the
  /// form is least.
  /// - Parameters:
  ///   - form: In units of 2⁻²⁴, one per input.
  ///   - shortfall: threshold − bound > 0, in units of 2⁻⁴⁰.
  public mutating func clip(form: [Int64], shortfall: Int64) {
    for i in lower.indices where form[i] != 0 {
      // 2^-40 / 2^-24 = 2^-16, and 2^14 more for units of 2^-30.
      let width = (Int128(shortfall) << 14) / Int128(form[i].magnitude) + 1
      if form[i] > 0 {
        upper[i] = Int64(min(Int128(upper[i]), Int128(lower[i]) + width))
      } else {
        lower[i] = Int64(max(Int128(lower[i]), Int128(upper[i]) - width))
      }
    }
  }
}
