internal import BigInt
public import ExactArithmetic

/// The points on which a network is evaluated: for each input the multiples of a power of two between two ends.
///
/// Rounding to the nearest point and clamping to the ends is a monotone map of the real line into the domain, so what
/// is proved of all real points of the domain holds of a predictor that does so, for every input.
public struct InputGrid: Sendable, Hashable {
  /// The points of one input, in the network's own numbers: the multiples of 2^`exponent` in `low...high`.
  public struct Axis: Sendable, Hashable {
    /// The spacing is 2^`exponent`.
    public let exponent: Int
    /// The ends, which are points themselves.
    public let low: Dyadic
    public let high: Dyadic

    /// Spacings that are normal numbers of binary64, and whose reciprocals are.
    public static let exponents = -1022...971

    /// Nil unless `exponent` is in ``exponents``, `low` ≤ `high`, and both are multiples of 2^`exponent`.
    public init?(exponent: Int, low: Dyadic, high: Dyadic) {
      guard Self.exponents.contains(exponent), low <= high, low.isMultiple(ofPower: exponent),
        high.isMultiple(ofPower: exponent)
      else { return nil }
      self.exponent = exponent
      self.low = low
      self.high = high
    }

    /// The points of an interval: an end that is no point is moved inwards to the next one. Nil when there is none.
    public init?(exponent: Int, inside interval: ClosedRange<Rational>) {
      guard Self.exponents.contains(exponent) else { return nil }
      self.init(
        exponent: exponent,
        low: Dyadic(mantissa: interval.lowerBound.scaledCeiling(bits: -exponent), exponent: exponent),
        high: Dyadic(mantissa: interval.upperBound.scaledFloor(bits: -exponent), exponent: exponent))
    }

    /// Whether every point lies in `interval`.
    public func isInside(_ interval: ClosedRange<Rational>) -> Bool {
      interval.contains(low.rational) && interval.contains(high.rational)
    }
  }

  /// One per input.
  public let axes: [Axis]

  public init(axes: [Axis]) { self.axes = axes }

  /// How fine a grid that is chosen for a network may be: 2^k points or more an input, with k from this range.
  public static let pointBits = 10...30

  /// The grid of about 2^`bits` steps an input: the spacing is the greatest power of two that is not above the
  /// interval's width, divided by 2^`bits`. An interval of one point gets that point. Nil when an interval has no
  /// point, or a spacing is beyond ``Axis/exponents``.
  public init?(inside region: [ClosedRange<Rational>], bits: Int) {
    var axes: [Axis] = []
    for interval in region {
      let width = interval.upperBound - interval.lowerBound
      let exponent: Int
      if width.isZero {
        guard let point = Dyadic(exactly: interval.lowerBound) else { return nil }
        exponent = point.exponent
      } else {
        exponent = width.binaryExponent - bits
      }
      guard let axis = Axis(exponent: exponent, inside: interval) else { return nil }
      axes.append(axis)
    }
    self.init(axes: axes)
  }

  /// The finest grid ``init(inside:bits:)`` with bits in ``pointBits`` on which `network` computes without rounding;
  /// nil when there is none.
  ///
  /// The points of a coarser grid are points of the finer ones, and all its spacings are coarser, so the condition
  /// holds on every grid that is coarser than one on which it holds: bisection finds the finest.
  /// - Precondition: `region` has one interval per input of `network`.
  /// - Complexity: at most 6 evaluations of ``RoundingCondition``.
  public static func finest(for network: Network, over region: [ClosedRange<Rational>]) -> InputGrid? {
    func exactGrid(_ bits: Int) -> InputGrid? {
      guard let grid = InputGrid(inside: region, bits: bits),
        case .exact = RoundingCondition(network, on: grid)
      else { return nil }
      return grid
    }
    guard var best = exactGrid(pointBits.lowerBound) else { return nil }
    var holds = pointBits.lowerBound
    var fails = pointBits.upperBound + 1
    while fails - holds > 1 {
      let middle = (holds + fails) / 2
      if let grid = exactGrid(middle) { (holds, best) = (middle, grid) } else { fails = middle }
    }
    return best
  }
}
