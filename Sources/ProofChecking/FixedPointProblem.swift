internal import BigInt
public import ExactArithmetic
public import Networks
public import Specifications

/// A query and a network in fixed point: what the leaf routine computes with.
///
/// Three exact changes of scale bring every network to the same size before any rounding:
/// - inputs become t ∈ [0, 1] with x = lower + width · t;
/// - the pre-activation of each hidden neuron is multiplied by a power of two, and the weights that leave the neuron
///   by its reciprocal (ReLU commutes with a positive factor), so that it stays within about ±1 on the box;
/// - the outputs are combined into the one row that the claim speaks of, times a power of two.
///
/// Then weights and biases are rounded to multiples of 2⁻⁴⁰; where that is not exact the layer says so and the leaf
/// routine charges for it. A feature measured in bytes thus costs no precision.
public struct FixedPointProblem: Sendable {
  /// Fraction bits of every number in a problem.
  public static let fractionBits = 40
  /// Every number in a problem, times 2^40, is at most 2^53 in magnitude.
  public static let magnitudeBits = 53
  /// 1.0 in fixed point.
  public static let one: Int64 = 1 << 40

  /// A layer of scaled numbers, each the true one within half a unit.
  public struct Layer: Sendable {
    public let inputCount: Int
    public let outputCount: Int
    /// Row-major, `outputCount` × `inputCount`, in units of 2⁻⁴⁰.
    public let weights: [Int64]
    public let biases: [Int64]
    /// Whether every weight and bias is exactly the true one.
    public let isExact: Bool
    /// The index of the layer's first neuron among all hidden neurons.
    public let offset: Int
  }

  /// The hidden layers, then the claim's single output row.
  public let layers: [Layer]
  /// The feature along which the claim takes the derivative; nil for a claim on the value.
  public let feature: Int?
  /// What the bound must reach, in units of 2⁻⁴⁰, rounded up: the scaled claim is row ≥ threshold.
  public let threshold: Int64
  /// The claim's row was multiplied by 2^`outputShift`, and for derivatives by the feature's width.
  public let outputShift: Int
  /// The number of hidden neurons.
  public let neuronCount: Int
  /// The box in the network's numbers.
  public let region: [ClosedRange<Rational>]

  public var inputCount: Int { layers[0].inputCount }

  /// - Throws: ``CheckFailure/outOfRange`` when a scaled number does not fit, ``CheckFailure/dimension`` when the query
  ///   does not fit the network, and ``CheckFailure/unsupported`` for a query with constraints, a relation or inputs in
  ///   its claim.
  public init(network: ExactNetwork, query: Query) throws(CheckFailure) {
    guard query.constraints.isEmpty, query.relation == nil else { throw .unsupported }
    guard query.region.count == network.inputCount else { throw .dimension }
    let widths = query.region.map { $0.upperBound - $0.lowerBound }
    let shifts = Self.neuronShifts(network: network, region: query.region)

    var row: [Rational]
    var constant: Rational
    let last = network.layers[network.layers.count - 1]
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      guard (0..<last.outputCount).contains(output), (0..<network.inputCount).contains(feature) else {
        throw .dimension
      }
      let sign = Rational(direction.sign)
      row = (0..<last.inputCount).map { last.weight(neuron: output, input: $0).rational * sign }
      constant = -minimumSlope * widths[feature]
      self.feature = feature
    case .nonnegative(let outputs, let inputs, let offset):
      guard inputs.isEmpty else { throw .unsupported }
      guard outputs.count == last.outputCount else { throw .dimension }
      row = Array(repeating: .zero, count: last.inputCount)
      constant = offset
      for (neuron, factor) in outputs.enumerated() where !factor.isZero {
        for i in 0..<last.inputCount { row[i] += factor * last.weight(neuron: neuron, input: i).rational }
        constant += factor * last.biases[neuron].rational
      }
      self.feature = nil
    }

    var layers: [Layer] = []
    var offset = 0
    for (index, layer) in network.hiddenLayers.enumerated() {
      layers.append(
        try Self.hiddenLayer(
          layer, shifts: shifts[index], inputShifts: index == 0 ? nil : shifts[index - 1], region: query.region,
          widths: widths, offset: offset))
      offset += layer.outputCount
    }

    // The output row, in terms of the last hidden layer (or of t when there is none).
    if let inputShifts = shifts.last {
      for i in row.indices { row[i] = row[i].scaled(bits: -inputShifts[i]) }
    } else {
      for i in row.indices {
        if self.feature == nil { constant += row[i] * query.region[i].lowerBound }
        row[i] *= widths[i]
      }
    }
    let largest = row.map(\.magnitude).max() ?? .zero
    let shift = largest.isZero ? 0 : -largest.binaryExponent
    outputShift = shift
    var exact = true
    var weights: [Int64] = []
    for value in row { weights.append(try Self.fixed(value.scaled(bits: shift), exact: &exact)) }
    let scaledConstant = constant.scaled(bits: shift)
    if self.feature == nil {
      // The bias of the row; the claim is row ≥ 0. Rounded down, and cut off where a bound lies far beyond the row:
      // both are the safe side, and so still "exact".
      let bias = min(scaledConstant.scaledFloor(bits: Self.fractionBits), BigInt(1) << (Self.magnitudeBits - 1))
      layers.append(
        Layer(
          inputCount: row.count, outputCount: 1, weights: weights, biases: [try Self.narrow(bias)], isExact: exact,
          offset: offset))
      threshold = 0
    } else {
      layers.append(
        Layer(inputCount: row.count, outputCount: 1, weights: weights, biases: [0], isExact: exact, offset: offset))
      threshold = try Self.narrow((-scaledConstant).scaledCeiling(bits: Self.fractionBits))
    }
    self.layers = layers
    neuronCount = offset
    region = query.region
  }

  /// The claim's quantity for a scaled bound: the slope per unit of the feature, or the value.
  ///
  /// `bound` is in units of 2⁻⁸⁰, as ``LeafEvaluator`` returns it.
  public func unscaled(_ bound: Int128) -> Rational {
    let value = Rational(BigInt(bound)).scaled(bits: -2 * Self.fractionBits - outputShift)
    guard let feature else { return value }
    let width = region[feature].upperBound - region[feature].lowerBound
    return width.isZero ? value : value / width
  }

  /// For each hidden neuron the exponent s such that its pre-activation times 2^s stays within about ±1. Chosen with
  /// approximate interval bounds: any choice is exact.
  private static func neuronShifts(network: ExactNetwork, region: [ClosedRange<Rational>]) -> [[Int]] {
    var low = region.map(\.lowerBound.approximation)
    var high = region.map(\.upperBound.approximation)
    return network.hiddenLayers.map { layer in
      var shifts: [Int] = []
      var nextLow: [Double] = []
      var nextHigh: [Double] = []
      for neuron in 0..<layer.outputCount {
        var l = layer.biases[neuron].approximation
        var h = l
        for i in 0..<layer.inputCount {
          let w = layer.weight(neuron: neuron, input: i).approximation
          l += w > 0 ? w * low[i] : w * high[i]
          h += w > 0 ? w * high[i] : w * low[i]
        }
        let size = max(abs(l), abs(h))
        shifts.append(size.isNormal ? -Int(size.exponent) - 1 : 0)
        nextLow.append(max(0, l))
        nextHigh.append(max(0, h))
      }
      low = nextLow
      high = nextHigh
      return shifts
    }
  }

  private static func hiddenLayer(
    _ layer: ExactLayer, shifts: [Int], inputShifts: [Int]?, region: [ClosedRange<Rational>], widths: [Rational],
    offset: Int
  ) throws(CheckFailure) -> Layer {
    var weights: [Int64] = []
    var biases: [Int64] = []
    weights.reserveCapacity(layer.weights.count)
    var exact = true
    for neuron in 0..<layer.outputCount {
      var bias = layer.biases[neuron].rational
      for i in 0..<layer.inputCount {
        let weight = layer.weight(neuron: neuron, input: i)
        if weight.isZero {
          weights.append(0)
        } else if let inputShifts {
          let scaled = weight.scaled(bits: shifts[neuron] - inputShifts[i])
          weights.append(try fixed(scaled.rational, exact: &exact))
        } else {
          bias += weight.rational * region[i].lowerBound
          weights.append(try fixed((weight.rational * widths[i]).scaled(bits: shifts[neuron]), exact: &exact))
        }
      }
      biases.append(try fixed(bias.scaled(bits: shifts[neuron]), exact: &exact))
    }
    return Layer(
      inputCount: layer.inputCount, outputCount: layer.outputCount, weights: weights, biases: biases, isExact: exact,
      offset: offset)
  }

  /// `value` to the nearest multiple of 2⁻⁴⁰; clears `exact` when that is another number.
  private static func fixed(_ value: Rational, exact: inout Bool) throws(CheckFailure) -> Int64 {
    let scaled = value.scaled(bits: fractionBits)
    if scaled.isInteger { return try narrow(scaled.numerator) }
    exact = false
    return try narrow((scaled + Rational(1, 2)).floor)
  }

  private static func narrow(_ value: BigInt) throws(CheckFailure) -> Int64 {
    guard value.magnitude.bitWidth <= magnitudeBits else { throw .outOfRange }
    return Int64(value)
  }
}

/// Why a leaf or a problem is not accepted.
public enum CheckFailure: Error, Sendable, Hashable {
  /// The query's dimensions are not the network's.
  case dimension
  /// A kind of query that the integer routine does not decide.
  case unsupported
  /// A number left the range in which the integer routine cannot overflow.
  case outOfRange
  /// The bound that the multipliers give does not reach the claim.
  case boundTooLow
  /// The cell is not a part of the unit box with known neurons.
  case cell
}
