internal import BigInt
internal import ExactArithmetic

/// An interval that a number of a network lies in, with dyadic ends of at most ``bits`` bits: rounded outwards.
struct DyadicRange {
  let low: Dyadic
  let high: Dyadic

  static let zero = DyadicRange(low: .zero, high: .zero)
  /// The significant bits that ends keep.
  static let bits = 64

  private init(low: Dyadic, high: Dyadic) {
    self.low = low
    self.high = high
  }

  init(rounding low: Dyadic, _ high: Dyadic) {
    self.low = low.roundedDown(bits: Self.bits)
    self.high = -(-high).roundedDown(bits: Self.bits)
  }

  /// Encloses an interval of rationals.
  init(_ range: ClosedRange<Rational>) {
    low = Self.below(range.lowerBound)
    high = -Self.below(-range.upperBound)
  }

  /// A dyadic at most `value`, close to it.
  private static func below(_ value: Rational) -> Dyadic {
    guard !value.isZero else { return .zero }
    let shift = bits - value.binaryExponent
    return Dyadic(mantissa: value.scaledFloor(bits: shift), exponent: -shift)
  }

  /// The range of max(0, x).
  var rectified: DyadicRange { DyadicRange(low: max(low, .zero), high: max(high, .zero)) }

  /// The range of max(x, y).
  func maximum(_ other: DyadicRange) -> DyadicRange {
    DyadicRange(low: max(low, other.low), high: max(high, other.high))
  }

  /// A number of few bits below the range, by about a sixteenth of its size: what is subtracted to keep a neuron active
  /// in spite of rounding.
  var offset: Dyadic {
    let size = max(low.isNegative ? -low : low, high.isNegative ? -high : high)
    guard !size.isZero else { return .zero }
    let step = Dyadic.one.scaled(bits: size.rational.binaryExponent - 4)
    return low.rational.scaled(bits: -step.exponent).floorDyadic.scaled(bits: step.exponent) - step
  }
}

extension Rational {
  fileprivate var floorDyadic: Dyadic { Dyadic(mantissa: floor, exponent: 0) }
}

extension Dyadic {
  /// The greatest number of at most `bits` significant bits that is not above this one, or one unit less.
  fileprivate func roundedDown(bits: Int) -> Dyadic {
    let size = mantissa.magnitude
    let shift = size.bitWidth - bits
    guard shift > 0 else { return self }
    let kept = BigInt(size >> shift)
    // The mantissa is odd, so that something is cut off.
    return Dyadic(mantissa: isNegative ? -kept - 1 : kept, exponent: exponent + shift)
  }
}

extension ExactLayer {
  /// The ranges of W·x + b over a box of ranges, by interval arithmetic.
  func ranges(over inputs: [DyadicRange]) -> [DyadicRange] {
    precondition(inputs.count == inputCount)
    return (0..<outputCount).map { neuron in
      var low = biases[neuron]
      var high = low
      for (input, range) in inputs.enumerated() {
        let weight = weight(neuron: neuron, input: input)
        if weight.isZero { continue }
        low += weight * (weight.isNegative ? range.high : range.low)
        high += weight * (weight.isNegative ? range.low : range.high)
      }
      return DyadicRange(rounding: low, high)
    }
  }
}

extension ExactNetwork {
  /// The ranges of what the output layer reads, over a box.
  func lastHiddenRanges(over region: [ClosedRange<Rational>]) -> [DyadicRange] {
    hiddenLayers.reduce(region.map(DyadicRange.init)) { $1.ranges(over: $0).map(\.rectified) }
  }
}
