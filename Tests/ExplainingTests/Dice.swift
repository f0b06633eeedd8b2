import ExactArithmetic
import Networks

/// A seeded generator for tests (Marsaglia's xorshift64*, scrambled once), so that every failure can be repeated.
struct Dice {
  private var state: UInt64

  init(seed: UInt64) { state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  /// A number of `0..<count`.
  mutating func below(_ count: Int) -> Int { Int((next() >> 11) % UInt64(count)) }

  mutating func integer(in range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  mutating func chance(_ share: Double) -> Bool { unit() < share }

  /// Uniform in [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in (−1, 1).
  mutating func signed() -> Double { 2 * unit() - 1 }
}

extension Network {
  /// Rectified layers of the given widths, then an affine one; weights are multiples of 1/8 in [−2, 2], mostly positive,
  /// a fifth of them zero, so that properties hold about as often as they fail.
  static func random(inputs: Int, widths: [Int], outputs: Int, _ dice: inout Dice) throws -> Network {
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
  static func of(_ rows: [(weights: [[Double]], biases: [Double])]) throws -> Network {
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
  var text: String { layers.map { "W=\($0.weights) b=\($0.biases)" }.joined(separator: "; ") }
}
