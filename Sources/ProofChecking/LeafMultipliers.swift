/// Proposals for the any-multiplier bound of a cell. Every value is sound; some are useful.
///
/// Shares are in sixteenths, 0 … 15 for 0 … 1; a neuron that is not `present` has the values of ``absent``.
public struct LeafMultipliers: Sendable, Hashable {
  /// Which hidden neurons have proposals.
  public var present: [Bool]
  /// For unstable neurons: where between the two supporting lines.
  public var alpha: [UInt8]
  /// The share of the derivative's coefficient that is passed on as a whole.
  public var kappa: [UInt8]
  /// The share of the derivative's coefficient that is relaxed as a whole; the rest is relaxed per edge.
  public var omega: [UInt8]
  /// How active the neuron is in the relaxed solution: with `slope`, decides which edges pass their part on.
  public var active: [UInt8]
  /// Where phase · dz lies in its range in the relaxed solution.
  public var slope: [UInt8]
  /// Per hidden neuron, then per constraint, the multiplier of the premise (of the constraint), as ``betaValue(_:)``
  /// reads it. Zero for neurons without a premise.
  public var beta: [UInt16]

  public init(neuronCount: Int, constraintCount: Int) {
    present = Array(repeating: false, count: neuronCount)
    alpha = Array(repeating: 0, count: neuronCount)
    kappa = alpha
    omega = alpha
    active = alpha
    slope = alpha
    beta = Array(repeating: 0, count: neuronCount + constraintCount)
  }

  /// A share in units of 2⁻¹⁶.
  @inline(__always)
  static func share(_ sixteenths: UInt8) -> Int64 { Int64(sixteenths) * 65536 / 15 }

  /// What a neuron without proposals has, in units of 2⁻¹⁶.
  static let absent = (alpha: Int64(0), kappa: Int64(0), omega: Int64(65536), active: Int64(32768), slope: Int64(32768))

  /// The greatest exponent of a β code.
  public static let maximumBetaExponent: UInt16 = 18

  /// β in units of 2⁻²⁴: eleven bits of mantissa above five of exponent; below 2²⁹ for codes with an exponent of at most
  /// ``maximumBetaExponent``.
  public static func betaValue(_ code: UInt16) -> Int64 { Int64(code >> 5) << Int64(code & 31) }

  /// The code of the greatest representable value that is at most `value` ≥ 0.
  public static func betaCode(_ value: Int64) -> UInt16 {
    let capped = max(0, min(value, Int64(2047) << Int64(maximumBetaExponent)))
    var exponent: UInt16 = 0
    while capped >> Int64(exponent) > 2047 { exponent += 1 }
    let mantissa = UInt16(capped >> Int64(exponent))
    return mantissa == 0 ? 0 : mantissa << 5 | exponent
  }
}

/// Which multipliers the neurons of a problem have: the order in which a proof writes them.
public struct MultiplierShape: Sendable, Hashable {
  /// Per hidden neuron: whether κ, ω and `active` matter, and whether `slope` does.
  public let hasDerivativeShares: [Bool]
  public let hasSlope: [Bool]
  public let neuronCount: Int
  public let constraintCount: Int
  /// Whether the claim is about a derivative.
  public let isDerivative: Bool

  public init(problem: FixedPointProblem) {
    isDerivative = problem.feature != nil
    neuronCount = problem.neuronCount
    constraintCount = problem.constraints.outputCount
    var shares: [Bool] = []
    var slopes: [Bool] = []
    for (index, layer) in problem.hiddenLayers.enumerated() {
      // The derivative of a first-layer neuron is one number: passing on a share of it changes nothing.
      let isDeep = problem.feature != nil && index > 0
      let isBelow = problem.feature != nil && index + 1 < problem.hiddenLayers.count
      shares += Array(repeating: isDeep, count: layer.outputCount)
      slopes += Array(repeating: isBelow, count: layer.outputCount)
    }
    hasDerivativeShares = shares
    hasSlope = slopes
  }
}
