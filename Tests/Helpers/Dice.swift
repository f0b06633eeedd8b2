public import ExactArithmetic
public import Networks

/// A seeded generator for tests (Marsaglia's xorshift64*, scrambled once), so that every failure can be repeated.
public struct Dice: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15 | 1 }

  public mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  /// A number of `0..<count`.
  public mutating func below(_ count: Int) -> Int { Int((next() >> 11) % UInt64(count)) }

  public mutating func integer(in range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

  public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  public mutating func chance(_ share: Double) -> Bool { unit() < share }

  /// Uniform in [0, 1).
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in (−1, 1).
  public mutating func signed() -> Double { 2 * unit() - 1 }
}

/// What the weights of a random network look like.
public enum WeightStyle: Sendable, CaseIterable {
  /// −1, 0 and 1.
  case ternary
  /// Multiples of 2⁻⁸, a third of them zero.
  case dyadic
  /// Binary32 numbers, as a trainer leaves them.
  case single
  /// Binary32 numbers of which most layers' weights are not negative, so that most features nearly rise.
  case nearlyMonotone

  public func weight(_ dice: inout Dice) -> Double {
    switch self {
    case .ternary: Double(dice.integer(in: -1...1))
    case .dyadic: dice.chance(0.33) ? 0 : Double(dice.integer(in: -384...384)) / 256
    case .single: Double(Float(1.5 * dice.signed()))
    case .nearlyMonotone: Double(Float(dice.chance(0.06) ? -0.3 * dice.unit() : dice.unit()))
    }
  }
}

extension Network {
  /// Rectified layers of the given widths, then an affine one.
  public static func random(inputs: Int, widths: [Int], outputs: Int = 1, style: WeightStyle, _ dice: inout Dice) throws
    -> Network
  {
    var layers: [Layer] = []
    var count = inputs
    for (index, width) in (widths + [outputs]).enumerated() {
      let weights = (0..<(count * width)).map { _ in style.weight(&dice) }
      let biases = (0..<width).map { _ in style == .ternary ? style.weight(&dice) : Double(Float(0.5 * dice.signed())) }
      layers.append(
        try Layer(
          inputCount: count, outputCount: width, weights: weights, biases: biases, isRectified: index < widths.count))
      count = width
    }
    return try Network(layers: layers)
  }

  /// Rectified layers of the given widths, then an affine one; weights are multiples of 1/8 in [−2, 2], mostly positive,
  /// a fifth of them zero, so that properties hold about as often as they fail.
  public static func random(inputs: Int, widths: [Int], outputs: Int, _ dice: inout Dice) throws -> Network {
    var layers: [Layer] = []
    var count = inputs
    for (index, width) in (widths + [outputs]).enumerated() {
      let isMonotone = dice.chance(0.7)
      let weights = (0..<(count * width)).map { _ in
        dice.chance(0.2) ? 0 : Double(dice.integer(in: isMonotone ? 0...16 : -16...16)) / 8
      }
      let biases = (0..<width).map { _ in Double(dice.integer(in: -12...12)) / 8 }
      layers.append(
        try Layer(
          inputCount: count, outputCount: width, weights: weights, biases: biases, isRectified: index < widths.count))
      count = width
    }
    return try Network(layers: layers)
  }

  /// Rectified layers but for the last, each given by its rows of weights and its biases.
  public static func of(_ rows: [(weights: [[Double]], biases: [Double])]) throws -> Network {
    var layers: [Layer] = []
    for (index, row) in rows.enumerated() {
      layers.append(
        try Layer(
          inputCount: row.weights[0].count, outputCount: row.weights.count, weights: row.weights.flatMap { $0 },
          biases: row.biases, isRectified: index + 1 < rows.count))
    }
    return try Network(layers: layers)
  }

  /// Its layers, for messages that let a failure be repeated.
  public var text: String { layers.map { "W=\($0.weights) b=\($0.biases)" }.joined(separator: "; ") }
}

/// The exact outputs at a point, from the stored binary64 numbers alone: the tests' own forward pass.
public func exactOutputs(_ network: Network, at point: [Rational]) throws -> [Rational] {
  var values = point
  for layer in network.layers {
    var next: [Rational] = []
    for j in 0..<layer.outputCount {
      var sum = try exact(layer.biases[j])
      for i in 0..<layer.inputCount { sum += try exact(layer.weight(neuron: j, input: i)) * values[i] }
      next.append(layer.isRectified ? max(sum, .zero) : sum)
    }
    values = next
  }
  return values
}

public struct NotFinite: Error {}

/// The rational that a finite binary64 number is.
public func exact(_ value: Double) throws -> Rational {
  guard let result = Rational(exactly: value) else { throw NotFinite() }
  return result
}
