internal import ExactArithmetic

/// Evaluates a network in binary64, on a grid on which that is exact: its outputs are those of the proved function.
///
/// Every number that is not NaN is mapped to a point of the grid by a monotone map, so order between inputs carries
/// over to the outputs as it was proved of the real function.
public struct Predictor: Sendable {
  /// How the caller's number stands for the network's number.
  public enum InputScale: Sendable, Hashable {
    /// They are the same.
    case linear
    /// The network's number is the binary logarithm of the caller's.
    case log2
  }

  /// One input's grid in binary64.
  private struct Axis {
    let spacing: Double
    let low: Double
    let high: Double
    /// Of a logarithmic input: the map, and the ends as multiples of the spacing.
    let logarithm: (grid: LogarithmicGrid, ends: ClosedRange<Int>)?
  }

  public let network: Network
  public let grid: InputGrid
  private let axes: [Axis]

  /// - Parameter scales: One per input; all linear when nil.
  /// - Throws: ``NetworkError``: `.shape` when the counts differ, `.inexact` when evaluation on the grid might round, or
  ///   the spacing of a logarithmic input is above 1 or below 2⁻⁵¹.
  public init(network: Network, grid: InputGrid, scales: [InputScale]? = nil) throws(NetworkError) {
    let scales = scales ?? Array(repeating: .linear, count: network.inputCount)
    guard grid.axes.count == network.inputCount, scales.count == network.inputCount else {
      throw NetworkError(
        .shape,
        "a network of \(network.inputCount) inputs cannot be evaluated on a grid of \(grid.axes.count) inputs with "
          + "\(scales.count) scales")
    }
    switch RoundingCondition(network, on: grid) {
    case .exact: break
    case .inexact(let place, let bits):
      throw NetworkError(
        .inexact, "\(place) needs \(bits) bits on this grid, and binary64 has 53: the network would be rounded")
    case .outOfRange(let place):
      throw NetworkError(.inexact, "\(place) leaves the range of binary64 on this grid")
    }
    var axes: [Axis] = []
    for (index, axis) in grid.axes.enumerated() {
      // Exact: the condition holds of the inputs, and spacings are normal numbers.
      guard let low = axis.low.double, let high = axis.high.double else {
        throw NetworkError(.inexact, "the grid of input \(index) does not fit binary64")
      }
      let spacing = Double(sign: .plus, exponent: axis.exponent, significand: 1)
      guard scales[index] == .log2 else {
        axes.append(Axis(spacing: spacing, low: low, high: high, logarithm: nil))
        continue
      }
      guard let logarithm = LogarithmicGrid(exponent: axis.exponent) else {
        throw NetworkError(
          .inexact,
          "input \(index) is logarithmic with a spacing of 2^\(axis.exponent); spacings from 2^-51 to 1 are supported")
      }
      axes.append(
        Axis(spacing: spacing, low: low, high: high, logarithm: (logarithm, Int(low / spacing)...Int(high / spacing))))
    }
    self.network = network
    self.grid = grid
    self.axes = axes
  }

  /// The grid point of one number: the nearest, ties to even multiples of the spacing, or the end that is nearest to a
  /// number outside. On a logarithmic scale zero and negative numbers map to the lower end.
  ///
  /// The map does not decrease anywhere, from −∞ to ∞.
  /// - Returns: The network's number.
  /// - Throws: ``NetworkError`` `.notFinite` for NaN.
  /// - Precondition: `input` is an input of the network.
  public func gridPoint(_ value: Double, input: Int) throws(NetworkError) -> Double {
    guard !value.isNaN else { throw NetworkError(.notFinite, "input \(input) is not a number") }
    let axis = axes[input]
    if let (logarithm, ends) = axis.logarithm {
      guard value > 0 else { return axis.low }
      guard value.isFinite else { return axis.high }
      // At most 2⁵³ in magnitude after clamping: the product is exact.
      return Double(min(max(logarithm.multiple(nearestTo: value), ends.lowerBound), ends.upperBound)) * axis.spacing
    }
    if value <= axis.low { return axis.low }
    if value >= axis.high { return axis.high }
    // Between the ends the quotient by a power of two is at most 2⁵³ and exact, or so small that it rounds to zero
    // whether or not it underflows. Adding zero turns a negative zero into zero.
    return (value / axis.spacing).rounded(.toNearestOrEven) * axis.spacing + 0
  }

  /// The outputs, in the network's numbers, at the grid point of `values`: exact.
  /// - Throws: ``NetworkError``: `.shape` unless there is one number per input, `.notFinite` for NaN.
  public func outputs(at values: [Double]) throws(NetworkError) -> [Double] {
    guard values.count == network.inputCount else {
      throw NetworkError(.shape, "\(values.count) numbers for a network of \(network.inputCount) inputs")
    }
    var point = values
    for (input, value) in values.enumerated() { point[input] = try gridPoint(value, input: input) }
    return network.output(at: point)
  }
}
