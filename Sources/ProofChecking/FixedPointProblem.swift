internal import BigInt
public import ExactArithmetic
public import Networks
public import Specifications

/// A query and a network in fixed point: what the leaf routine computes with. `docs/proof-format.md`, "The problem in
/// integers", defines it to the last bit.
///
/// Exact changes of scale bring every network to the same size before any rounding:
/// - inputs become t ∈ [0, 1] with x = lower + width · t;
/// - the pre-activation of each hidden neuron is multiplied by a power of two, and the weights that leave the neuron
///   by its reciprocal (ReLU commutes with a positive factor), so that it stays within ±1/2 on the box;
/// - the outputs are combined into the one row that the claim speaks of, times a power of two.
///
/// Then weights are enclosed between neighbours on the grid 2^-shift of their layer. A feature measured in bytes thus
/// costs no precision.
public struct FixedPointProblem: Sendable {
  /// Fraction bits of t, z, their derivatives and biases.
  public static let fractionBits = 30
  /// 1.0 as such a number: the upper end of every input.
  public static let one: Int64 = 1 << 30
  /// Fraction bits of coefficients and of bounds of the claim.
  public static let coefficientBits = 24
  public static let boundBits = 40
  /// The most neurons in a layer and the most inputs, and the most hidden neurons: sums then stay in 64 bits.
  public static let maximumWidth = 4096
  public static let maximumNeurons = 1 << 14

  /// A layer of scaled numbers: weight in [low, low + slack] · 2^-shift, bias in [biasLow, biasHigh] · 2^-30.
  public struct Layer: Sendable, Hashable {
    public let inputCount: Int
    public let outputCount: Int
    /// The index of the layer's first neuron among all hidden neurons.
    public let offset: Int
    public let shift: Int
    /// Row-major, `outputCount` × `inputCount`.
    public let low: [Int32]
    /// 0 where the weight is on the grid, else 1.
    public let slack: [UInt8]
    public let biasLow: [Int64]
    public let biasHigh: [Int64]

    public var isExact: Bool { slack.allSatisfy { $0 == 0 } }
  }

  /// The hidden layers, then the claim's single output row.
  public let layers: [Layer]
  /// Linear constraints row · t + bias ≥ 0 on the inputs, one output each.
  public let constraints: Layer
  /// The feature along which the claim takes the derivative; nil for a claim on the value.
  public let feature: Int?
  /// The derivative of each first-layer neuron along the feature, enclosed, in 2^-30; empty for claims on the value.
  public let slopeLow: [Int64]
  public let slopeHigh: [Int64]
  /// Bounds of the magnitude of each hidden neuron's derivative on the whole domain, in 2^-30, that keep every sum over
  /// a layer in range; empty for claims on the value.
  public let reach: [Int64]
  /// What the bound must reach, in units of 2⁻⁴⁰, rounded up.
  public let threshold: Int64
  /// The claim's row was multiplied by 2^`outputShift`, and for derivatives by the feature's width.
  public let outputShift: Int
  /// For claims on a derivative: every derivative was multiplied by 2^-`derivativeShift`.
  public let derivativeShift: Int
  /// The pre-activation of each hidden neuron was multiplied by 2^shift.
  public let neuronShifts: [Int]
  /// Each constraint was multiplied by 2^shift.
  public let constraintShifts: [Int]
  /// The number of hidden neurons.
  public let neuronCount: Int
  /// The box in the network's numbers.
  public let region: [ClosedRange<Rational>]

  public var inputCount: Int { region.count }
  public var hiddenLayers: ArraySlice<Layer> { layers.dropLast() }

  /// - Throws: ``CheckFailure/outOfRange`` when a scaled number does not fit, ``CheckFailure/dimension`` when the query
  ///   does not fit the network, and ``CheckFailure/unsupported`` for a query that is not lowered.
  /// - Complexity: a few integer operations per weight; big integers only for the first layer and the output row.
  public init(network: ExactNetwork, query: Query) throws(CheckFailure) {
    guard query.relation == nil else { throw .unsupported }
    if case .nonnegative(_, let inputs, _) = query.claim, !inputs.isEmpty { throw .unsupported }
    guard query.region.count == network.inputCount else { throw .dimension }
    guard network.inputCount <= Self.maximumWidth,
      network.layers.allSatisfy({ $0.outputCount <= Self.maximumWidth }),
      network.hiddenNeuronCount <= Self.maximumNeurons
    else { throw .outOfRange }
    region = query.region
    let widths = query.region.map { $0.upperBound - $0.lowerBound }
    let last = network.layers[network.layers.count - 1]

    // The claim's row over the outputs' inputs.
    var outputs = [Rational](repeating: .zero, count: last.outputCount)
    var constant = Rational.zero
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      guard (0..<last.outputCount).contains(output), (0..<network.inputCount).contains(feature) else {
        throw .dimension
      }
      outputs[output] = Rational(direction.sign)
      constant = minimumSlope * widths[feature]
      self.feature = feature
    case .nonnegative(let weights, _, let offset):
      guard weights.count == last.outputCount else { throw .dimension }
      outputs = weights
      constant = offset
      self.feature = nil
    }
    var row = [Rational](repeating: .zero, count: last.inputCount)
    for (neuron, factor) in outputs.enumerated() where !factor.isZero {
      for i in 0..<last.inputCount {
        let weight = last.weight(neuron: neuron, input: i)
        if !weight.isZero { row[i] += factor * weight.rational }
      }
      if feature == nil { constant += factor * last.biases[neuron].rational }
    }

    var layers: [Layer] = []
    var below = Below(count: network.inputCount)
    var slopes: [Magnitude] = []
    var largestSlope = Int128(0)
    var allShifts: [Int] = []
    var allReach: [Int128] = []
    for (index, layer) in network.hiddenLayers.enumerated() {
      var weights: [Magnitude]
      var biases: [Magnitude]
      if index == 0 {
        (weights, biases) = Self.firstLayer(layer, region: query.region, widths: widths)
      } else {
        weights = layer.weights.map { Magnitude($0) }
        biases = layer.biases.map { Magnitude($0) }
        below.unscale(&weights)
      }
      let scaled = try Self.hiddenLayer(
        &weights, &biases, below: below, offset: layers.last.map { $0.offset + $0.outputCount } ?? 0)
      if let feature {
        if index == 0 {
          slopes = (0..<layer.outputCount).map { weights[$0 * layer.inputCount + feature] }
          below.reach = try slopes.map { slope throws(CheckFailure) in Int128(try Self.enclosed(slope, bits: 30).most) }
        } else {
          below.reach = below.reach(through: scaled.layer)
        }
        largestSlope = max(largestSlope, below.reach.max() ?? 0)
        // What follows could not be scaled back into range, and would at last overflow.
        guard largestSlope < Int128(1) << 59 else { throw .outOfRange }
        allReach += below.reach
      }
      below.high = scaled.high
      below.shifts = scaled.shifts
      allShifts += scaled.shifts
      for j in below.high.indices where below.high[j] == 0 && feature != nil { below.reach[j] = 0 }
      layers.append(scaled.layer)
    }
    neuronShifts = allShifts
    neuronCount = layers.last.map { $0.offset + $0.outputCount } ?? 0

    // The output row, in terms of the last hidden layer (or of t when there is none).
    var rowWeights: [Magnitude]
    if layers.isEmpty {
      if feature == nil { for i in row.indices { constant += row[i] * query.region[i].lowerBound } }
      rowWeights = row.indices.map { Magnitude(row[$0] * widths[$0]) }
    } else {
      rowWeights = row.map { Magnitude($0) }
      below.unscale(&rowWeights)
    }
    if let feature {
      let shift = -(rowWeights.compactMap(\.top).max() ?? 0)
      for i in rowWeights.indices { rowWeights[i].e += shift }
      if layers.isEmpty {
        slopes = [rowWeights[feature]]
        largestSlope = Int128(try Self.enclosed(slopes[0], bits: 30).most)
      }
      // Derivatives stay below 2^29 units; the whole claim is scaled with them.
      let excess = max(0, Int128.bitWidth - largestSlope.leadingZeroBitCount - 29)
      guard excess < 30 else { throw .outOfRange }
      var low: [Int64] = []
      var high: [Int64] = []
      for slope in slopes {
        let bounds = try Self.enclosed(slope.scaled(bits: -excess), bits: 30)
        low.append(bounds.low)
        high.append(bounds.high)
      }
      reach = allReach.map { Int64(-(-$0 >> Int128(excess))) }
      slopeLow = low
      slopeHigh = high
      outputShift = shift - excess
      derivativeShift = excess
      layers.append(try Self.rows(rowWeights, biases: [.zero], count: 1, offset: neuronCount))
      threshold = try Self.narrow(constant.scaled(bits: outputShift).scaledCeiling(bits: Self.boundBits))
    } else {
      reach = []
      slopeLow = []
      slopeHigh = []
      threshold = 0
      derivativeShift = 0
      var bias = [Magnitude(constant)]
      let (shift, _) = try Self.shift(of: rowWeights[...], bias: bias[0], below: below)
      for i in rowWeights.indices { rowWeights[i].e += shift }
      bias[0].e += shift
      outputShift = shift
      layers.append(try Self.rows(rowWeights, biases: bias, count: 1, offset: neuronCount))
    }
    self.layers = layers
    (constraints, constraintShifts) = try Self.constraintRows(
      query.constraints, region: query.region, widths: widths, shift: layers[0].shift)
  }

  /// The claim's quantity for a scaled bound: the slope per unit of the feature, or the value.
  ///
  /// `bound` is in units of 2⁻⁴⁰, as ``LeafEvaluator`` returns it.
  public func unscaled(_ bound: Int64) -> Rational {
    let value = Rational(BigInt(bound)).scaled(bits: -Self.boundBits - outputShift)
    guard let feature else { return value }
    let width = region[feature].upperBound - region[feature].lowerBound
    return width.isZero ? value : value / width
  }

  /// The x of a number t of a cell.
  public func coordinate(_ t: Int64, input: Int) -> Rational {
    let interval = region[input]
    return interval.lowerBound
      + (interval.upperBound - interval.lowerBound) * Rational(BigInt(t)).scaled(bits: -Self.fractionBits)
  }

  // MARK: Scaling

  /// What is known of the numbers that enter a layer.
  private struct Below {
    /// The upper ends of the inputs, in 2^-30.
    var high: [Int64]
    /// The inputs were multiplied by 2^shift.
    var shifts: [Int]
    /// Bounds of the magnitudes of their derivatives, in 2^-30.
    var reach: [Int128]

    init(count: Int) {
      high = Array(repeating: FixedPointProblem.one, count: count)
      shifts = Array(repeating: 0, count: count)
      reach = []
    }

    /// Divides each weight by its input's scale; drops weights from inputs that are zero on the whole box.
    func unscale(_ weights: inout [Magnitude]) {
      let n = high.count
      for k in weights.indices {
        let i = k % n
        weights[k] = high[i] == 0 ? .zero : weights[k].scaled(bits: -shifts[i])
      }
    }

    func reach(through layer: Layer) -> [Int128] {
      (0..<layer.outputCount).map { j in
        var sum = Int128(0)
        for i in 0..<layer.inputCount {
          let low = Int128(layer.low[j * layer.inputCount + i])
          sum += max(-low, low + Int128(layer.slack[j * layer.inputCount + i])) * reach[i]
        }
        return (sum >> Int128(layer.shift)) + 1
      }
    }
  }

  private static func firstLayer(_ layer: ExactLayer, region: [ClosedRange<Rational>], widths: [Rational]) -> (
    [Magnitude], [Magnitude]
  ) {
    var weights: [Magnitude] = []
    weights.reserveCapacity(layer.weights.count)
    var biases: [Magnitude] = []
    for neuron in 0..<layer.outputCount {
      var bias = layer.biases[neuron].rational
      for i in 0..<layer.inputCount {
        let weight = layer.weight(neuron: neuron, input: i)
        if weight.isZero {
          weights.append(.zero)
        } else {
          let exact = weight.rational
          bias += exact * region[i].lowerBound
          weights.append(Magnitude(exact * widths[i]))
        }
      }
      biases.append(Magnitude(bias))
    }
    return (weights, biases)
  }

  /// The exponent s such that (Σ |wᵢ|·highᵢ + |b|) · 2^s < 1/2; zero for a row of zeros.
  private static func shift(of row: ArraySlice<Magnitude>, bias: Magnitude, below: Below) throws(CheckFailure) -> (
    shift: Int, isZero: Bool
  ) {
    guard let top = (row.compactMap(\.top) + [bias.top].compactMap { $0 }).max() else { return (0, true) }
    var sum = Int128(0)
    for (i, weight) in row.enumerated() where weight.m != 0 {
      sum += Int128(try enclosed(weight, bits: 30 - top).most) * Int128(below.high[i])
    }
    sum += Int128(try enclosed(bias, bits: 30 - top).most) << 30
    guard sum > 0 else { return (0, true) }
    return (-(top - 60 + (Int128.bitWidth - sum.leadingZeroBitCount)) - 1, false)
  }

  /// Scales a hidden layer in place and rounds it. `high` are the upper ends of its post-activations.
  private static func hiddenLayer(
    _ weights: inout [Magnitude], _ biases: inout [Magnitude], below: Below, offset: Int
  ) throws(CheckFailure) -> (layer: Layer, shifts: [Int], high: [Int64]) {
    let n = below.high.count
    var shifts: [Int] = []
    for j in biases.indices {
      let (shift, _) = try shift(of: weights[(j * n)..<(j * n + n)], bias: biases[j], below: below)
      shifts.append(shift)
      for k in (j * n)..<(j * n + n) { weights[k].e += shift }
      biases[j].e += shift
    }
    let layer = try rows(weights, biases: biases, count: biases.count, offset: offset)
    let high = biases.indices.map { j in
      var sum = Int128(layer.biasHigh[j]) << Int128(layer.shift)
      for i in 0..<n {
        let weight = Int128(layer.low[j * n + i]) + Int128(layer.slack[j * n + i])
        if weight > 0 { sum += weight * Int128(below.high[i]) }
      }
      return Int64(max(0, -((-sum) >> Int128(layer.shift))))
    }
    return (layer, shifts, high)
  }

  /// Rounds rows to the finest grid, 2^-30 … 2^-16, on which weights stay below 2^30 and column sums below 2^31.
  private static func rows(_ weights: [Magnitude], biases: [Magnitude], count: Int, offset: Int) throws(CheckFailure)
    -> Layer
  {
    let n = count == 0 ? 0 : weights.count / count
    let limit = Int64(1) << 30
    var biasLow: [Int64] = []
    var biasHigh: [Int64] = []
    for bias in biases {
      let bounds = try enclosed(bias, bits: 30)
      guard bounds.most < limit else { throw .outOfRange }
      biasLow.append(bounds.low)
      biasHigh.append(bounds.high)
    }
    search: for shift in stride(from: 30, through: 16, by: -1) {
      var low = [Int32](repeating: 0, count: weights.count)
      var slack = [UInt8](repeating: 0, count: weights.count)
      var columns = [Int64](repeating: 0, count: n)
      for k in weights.indices {
        guard let (floor, isExact) = weights[k].rounded(bits: shift) else { continue search }
        let most = max(-floor, floor + (isExact ? 0 : 1))
        guard most < limit else { continue search }
        columns[k % n] += most
        low[k] = Int32(floor)
        slack[k] = isExact ? 0 : 1
      }
      guard columns.allSatisfy({ $0 < limit << 1 }) else { continue }
      return Layer(
        inputCount: n, outputCount: count, offset: offset, shift: shift, low: low, slack: slack, biasLow: biasLow,
        biasHigh: biasHigh)
    }
    throw .outOfRange
  }

  /// Constraints Σ aᵢ·xᵢ + c ≥ 0 as rows over t, each scaled by a power of two to a magnitude below 1.
  private static func constraintRows(
    _ constraints: [LinearInequality], region: [ClosedRange<Rational>],
    widths: [Rational], shift: Int
  ) throws(CheckFailure) -> (Layer, [Int]) {
    var low: [Int32] = []
    var shifts: [Int] = []
    var slack: [UInt8] = []
    var biasLow: [Int64] = []
    var biasHigh: [Int64] = []
    for constraint in constraints {
      let coefficients = constraint.form.coefficients
      var bias = constraint.form.constant
      for i in region.indices { bias += coefficients[i] * region[i].lowerBound }
      let row = region.indices.map { Magnitude(coefficients[$0] * widths[$0]) }
      let last = Magnitude(bias)
      let top = (row + [last]).compactMap(\.top).max() ?? 0
      shifts.append(-top)
      for weight in row {
        let bounds = try enclosed(weight.scaled(bits: -top), bits: shift)
        low.append(Int32(bounds.low))
        slack.append(bounds.high > bounds.low ? 1 : 0)
      }
      let bounds = try enclosed(last.scaled(bits: -top), bits: 30)
      biasLow.append(bounds.low)
      biasHigh.append(bounds.high)
    }
    let layer = Layer(
      inputCount: region.count, outputCount: constraints.count, offset: 0, shift: shift, low: low, slack: slack,
      biasLow: biasLow, biasHigh: biasHigh)
    return (layer, shifts)
  }

  /// The neighbours of x·2^bits, and the larger of their magnitudes.
  private static func enclosed(_ value: Magnitude, bits: Int) throws(CheckFailure) -> (
    low: Int64, high: Int64, most: Int64
  ) {
    guard let (low, isExact) = value.rounded(bits: bits) else { throw .outOfRange }
    let high = isExact ? low : low + 1
    return (low, high, max(-low, high))
  }

  private static func narrow(_ value: BigInt) throws(CheckFailure) -> Int64 {
    guard value.magnitude.bitWidth <= 61 else { throw .outOfRange }
    return Int64(value)
  }
}

/// Why a leaf, a problem or a proof is not accepted.
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
