internal import BigInt
public import ExactArithmetic

/// How far the outputs of a network in a floating-point format can be from its exact outputs, over a box of inputs.
///
/// Of a neuron Σ wᵢ·hᵢ + b with m terms (zero weights and a zero bias are exact and do not count), summed in any order
/// and grouping, with or without fused multiply-add, the computed value ẑ satisfies
///
///     |ẑ − Σ wᵢ·ĥᵢ − b| ≤ γₘ · (Σ |wᵢ|·|ĥᵢ| + |b|) + (1 + γₘ) · 4m·λ,   γₘ = m·u / (1 − m·u),
///
/// since each term passes through at most one product and m − 1 sums, each of which multiplies by some 1 + δ, |δ| ≤ u
/// (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., lemma 3.1 and §3.1; a fused operation has one
/// rounding less). γ is kept where Jeannerod and Rump, SIAM J. Matrix Anal. Appl. 34, 2013, show that m·u suffices for
/// any order, because their theorem does not speak of fused operations. λ is the least normal number: a product that
/// underflows errs by at most λ, also when it is flushed to zero; a sum whose operands and result are flushed by 3λ.
///
/// With |ĥᵢ − hᵢ| ≤ εᵢ and |hᵢ| ≤ Mᵢ over the box, the neuron's error is at most the above with |ĥᵢ| ≤ Mᵢ + εᵢ, plus
/// Σ |wᵢ|·εᵢ. ReLU does not enlarge it. Weights that the format cannot hold add |ŵᵢ − wᵢ|·Mᵢ. An input x enters as the
/// nearest number of the format: ε = u·|x| + λ. Numbers here are dyadic, rounded away from zero to ``workingBits``.
///
/// The layers are those of ``Network``, one after the other; see ``RoundingCondition``.
public struct ErrorBound: Sendable, Hashable {
  public let format: BinaryFormat
  /// For each output the greatest distance of the computed from the exact number, in the network's numbers; rounded up
  /// to ``resultBits`` significant bits.
  public let errors: [Rational]

  static let workingBits = 128
  static let resultBits = 24

  private struct Signal {
    /// The interval of the exact value.
    var low: Dyadic
    var high: Dyadic
    /// The distance of the computed from the exact value.
    var error: Dyadic
    var size: Dyadic { max(low.magnitude, high.magnitude) }
  }

  /// Nil when a number may overflow, or a neuron has so many terms that m·u is not small.
  /// - Precondition: `region` has one interval per input of `network`.
  /// - Complexity: O(weights) operations on integers of at most 256 bits.
  public init?(_ network: Network, over region: [ClosedRange<Rational>], format: BinaryFormat) {
    precondition(region.count == network.inputCount)
    let bits = Self.workingBits
    let (roundoff, tiny, greatest) = (format.unitRoundoff, format.leastNormal, format.greatestFinite)
    var signals: [Signal] = []
    for interval in region {
      var signal = Signal(
        low: Self.floor(interval.lowerBound), high: -Self.floor(-interval.upperBound), error: .zero)
      signal.error = (roundoff * signal.size + tiny).shortened(bits: bits, outwards: true)
      guard signal.size + signal.error <= greatest else { return nil }
      signals.append(signal)
    }
    for layer in network.layers {
      var next: [Signal] = []
      for neuron in 0..<layer.outputCount {
        var (low, high) = (Dyadic.zero, Dyadic.zero)
        // Σ |w|·|ĥ| + |b|, and the error that is there before the sum is computed.
        var (total, inherited) = (Dyadic.zero, Dyadic.zero)
        var terms = 0
        /// What is computed with in place of a stored number, and how far that may be from it; nil on overflow.
        func held(_ stored: Double, _ exact: Dyadic) -> (size: Dyadic, error: Dyadic)? {
          guard let nearest = format.nearest(stored), let used = Dyadic(exactly: nearest) else { return nil }
          // A subnormal number may be taken for zero.
          return (used.magnitude, used.magnitude < tiny ? exact.magnitude + tiny : (used - exact).magnitude)
        }
        for (input, signal) in signals.enumerated() {
          let stored = layer.weight(neuron: neuron, input: input)
          guard stored != 0, let weight = Dyadic(exactly: stored) else { continue }
          guard let used = held(stored, weight) else { return nil }
          let ends = (weight * signal.low, weight * signal.high)
          low += min(ends.0, ends.1)
          high += max(ends.0, ends.1)
          // A subnormal ĥ may be taken for zero as well.
          let error = signal.error + tiny
          total += used.size * (signal.size + error)
          inherited += used.size * error + used.error * signal.size
          terms += 1
        }
        let stored = layer.biases[neuron]
        if stored != 0, let bias = Dyadic(exactly: stored) {
          guard let used = held(stored, bias) else { return nil }
          low += bias
          high += bias
          total += used.size
          inherited += used.error
          terms += 1
        }
        guard let gamma = Self.gamma(terms, format) else { return nil }
        let rounding = gamma * total + (.one + gamma) * Dyadic(4 * terms) * tiny
        guard total + rounding <= greatest else { return nil }
        var signal = Signal(
          low: low.shortened(bits: bits, outwards: low.isNegative),
          high: high.shortened(bits: bits, outwards: !high.isNegative),
          error: (inherited + rounding).shortened(bits: bits, outwards: true))
        if layer.isRectified {
          signal.low = max(signal.low, .zero)
          signal.high = max(signal.high, .zero)
        }
        next.append(signal)
      }
      signals = next
    }
    self.format = format
    errors = signals.map { $0.error.shortened(bits: Self.resultBits, outwards: true).rational }
  }

  /// γₘ rounded up, nil unless m·u ≤ 1/2.
  private static func gamma(_ terms: Int, _ format: BinaryFormat) -> Dyadic? {
    guard terms <= 1 << (format.precision - 1) else { return nil }
    let value = Rational(terms, (1 << format.precision) - terms)
    return Dyadic(mantissa: value.scaledCeiling(bits: workingBits), exponent: -workingBits)
  }

  /// A dyadic number of about ``workingBits`` bits that is not above `value`.
  private static func floor(_ value: Rational) -> Dyadic {
    guard !value.isZero else { return .zero }
    let unit = value.binaryExponent - workingBits
    return Dyadic(mantissa: value.scaledFloor(bits: -unit), exponent: unit)
  }
}
