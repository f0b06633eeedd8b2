/// A part of the domain: a box in t ∈ [0, 1]ⁿ and closed half-spaces given by fixed phases.
public struct Cell: Sendable, Hashable {
  /// Lower corner, one per input, in units of 2⁻⁴⁰.
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

  /// The volume of the box as a share of the domain's. Approximate, for progress reports.
  public var boxShare: Double {
    zip(lower, upper).reduce(1.0) { $0 * Double($1.1 - $1.0) / Double(FixedPointProblem.one) }
  }
}

/// Proposals for the any-multiplier bound of one leaf. Every value is sound; some are useful.
public struct LeafMultipliers: Sendable, Hashable {
  /// Per hidden neuron, for unstable ones: where between the two supporting lines, 0…255 for 0…1.
  public var alpha: [UInt8]
  /// Per hidden neuron, for unstable ones: the share of the derivative's coefficient passed on, 0…255 for 0…1.
  public var kappa: [UInt8]
  /// Per hidden neuron, for those with a premise: the multiplier β ≥ 0 of the premise, in units of 2⁻⁴⁰.
  public var beta: [Int64]

  public init(neuronCount: Int) {
    alpha = Array(repeating: 0, count: neuronCount)
    kappa = Array(repeating: 0, count: neuronCount)
    beta = Array(repeating: 0, count: neuronCount)
  }

  /// The share in units of 1/256 that a byte stands for: 0 for 0, 256 for 255.
  @inline(__always)
  static func share(_ byte: UInt8) -> Int128 { Int128(byte) + Int128(byte >> 7) }
}
