internal import ExactArithmetic

/// Whether binary64 computes a network without any rounding, at every point of a grid and in every order of summation.
///
/// A number m·2^q with integers |m| ≤ 2⁵³ and q ≥ −1022 that is below 2¹⁰²⁴ is a number of binary64, and normal unless
/// it is zero (IEEE 754-2019, §3.3); an operation whose exact result is one returns it in every rounding mode. (Higham,
/// *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §2.1, states the format; that sums of numbers on a common
/// grid are exact while they fit it is the ground of error-free transformations, e.g. Rump, Ogita and Oishi, SIAM
/// J. Sci. Comput. 31, 2008, lemma 2.1.)
///
/// For one neuron Σ wᵢ·hᵢ + b let every hᵢ be a multiple of 2^qᵢ in an interval. Then every product is a multiple of
/// 2^(eᵢ + qᵢ), where 2^eᵢ is the lowest bit of wᵢ, and the sum of any of the terms is a multiple of 2^q, the least of
/// these units and the lowest bit of b. It lies between the sum of the terms' negative lower ends and the sum of their
/// positive upper ends. If both are at most 2⁵³·2^q in magnitude, no product and no partial sum rounds: in any order
/// and grouping, with or without fused multiply-add, with zero terms left out or added, and whether or not subnormal
/// numbers are flushed to zero, since none occurs. (A zero may come out with either sign.) q becomes the unit of the neuron. ReLU does not round.
///
/// The layers are those of ``Network``, one after the other, as a file that `Network` wrote lists them: affine layers
/// that follow each other are not multiplied out. Algorithms that multiply matrices by other products than wᵢ·hᵢ
/// (Strassen, Winograd) are not covered.
///
/// Intervals are exact, but treat the inputs of a neuron as independent: the condition is sufficient, and necessary for
/// a network of one layer whose ends are attained.
public enum RoundingCondition: Sendable, Hashable {
  /// Where a number does not fit.
  public enum Place: Sendable, Hashable, CustomStringConvertible {
    case input(Int)
    case neuron(layer: Int, index: Int)

    public var description: String {
      switch self {
      case .input(let index): "input \(index)"
      case .neuron(let layer, let index): "neuron \(index) of layer \(layer)"
      }
    }
  }

  /// No operation rounds. `bits`: what the widest number needs, first among the inputs, then in each layer; at most 53.
  case exact(bits: [Int])
  /// The first place where a sum may need more than 53 bits, and how many.
  case inexact(Place, bitsNeeded: Int)
  /// The first place where a number may be subnormal, or above 2¹⁰²³.
  case outOfRange(Place)

  /// The multiples of 2^`unit` in `low...high`.
  private struct Signal {
    let unit: Int
    let low: Dyadic
    let high: Dyadic
    var isZero: Bool { low.isZero && high.isZero }
  }

  /// Checks the condition.
  /// - Precondition: `grid` has one axis per input of `network`.
  /// - Complexity: O(weights) operations on integers that grow by at most 53 bits and the logarithm of the width with
  ///   each layer; at most ``Network/maximumWeights`` weights.
  public init(_ network: Network, on grid: InputGrid) {
    precondition(grid.axes.count == network.inputCount)
    let format = BinaryFormat.binary64
    /// The bits of the widest number, or what is wrong with it.
    func check(_ size: Dyadic, unit: Int, at place: Place) -> (bits: Int, problem: RoundingCondition?) {
      guard !size.isZero else { return (0, nil) }
      let bits = max(0, size.ceilingExponent - unit)
      if bits > format.precision { return (bits, .inexact(place, bitsNeeded: bits)) }
      let isInRange = unit >= format.leastExponent && size.ceilingExponent <= format.greatestExponent
      return (bits, isInRange ? nil : .outOfRange(place))
    }

    var bits = [0]
    var signals: [Signal] = []
    for (index, axis) in grid.axes.enumerated() {
      let size = max(axis.low.magnitude, axis.high.magnitude)
      let found = check(size, unit: axis.exponent, at: .input(index))
      if let problem = found.problem {
        self = problem
        return
      }
      bits[0] = max(bits[0], found.bits)
      signals.append(Signal(unit: axis.exponent, low: axis.low, high: axis.high))
    }
    for (layerIndex, layer) in network.layers.enumerated() {
      var next: [Signal] = []
      var widest = 0
      for neuron in 0..<layer.outputCount {
        let place = Place.neuron(layer: layerIndex, index: neuron)
        var unit = Int.max
        // The value's interval, and the greatest positive and least negative sum of some of the terms.
        var (low, high, above, below) = (Dyadic.zero, Dyadic.zero, Dyadic.zero, Dyadic.zero)
        func add(_ least: Dyadic, _ greatest: Dyadic, unit termUnit: Int) {
          low += least
          high += greatest
          if least.isNegative { below += least }
          if !greatest.isNegative { above += greatest }
          unit = min(unit, termUnit)
        }
        for (input, signal) in signals.enumerated() where !signal.isZero {
          let stored = layer.weight(neuron: neuron, input: input)
          // A Layer's initialiser refused every value that is not finite.
          guard stored != 0, let weight = Dyadic(exactly: stored) else { continue }
          // Processors that take subnormal operands for zero would lose this weight.
          guard stored.isNormal else {
            self = .outOfRange(place)
            return
          }
          let ends = (weight * signal.low, weight * signal.high)
          add(min(ends.0, ends.1), max(ends.0, ends.1), unit: weight.exponent + signal.unit)
        }
        if let bias = Dyadic(exactly: layer.biases[neuron]), !bias.isZero { add(bias, bias, unit: bias.exponent) }
        let found = check(max(above, -below), unit: unit, at: place)
        if let problem = found.problem {
          self = problem
          return
        }
        widest = max(widest, found.bits)
        next.append(
          Signal(
            unit: unit, low: layer.isRectified ? max(low, .zero) : low,
            high: layer.isRectified ? max(high, .zero) : high))
      }
      bits.append(widest)
      signals = next
    }
    self = .exact(bits: bits)
  }
}
