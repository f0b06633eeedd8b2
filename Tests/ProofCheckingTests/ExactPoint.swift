import ExactArithmetic
import Networks
import TestHelpers

/// A network at one point, in rationals from the stored binary64 numbers alone.
struct ExactPoint {
  /// Pre-activation of every hidden neuron.
  private(set) var preActivations: [Rational] = []
  private(set) var outputs: [Rational] = []
  /// ∂output/∂input, one row per output.
  private(set) var gradients: [[Rational]] = []
  /// Whether every pre-activation is non-zero or identically zero nearby: then `gradients` are those of the function.
  private(set) var isGeneric = true

  init(_ network: Network, at point: [Rational]) throws {
    var values = point
    var slopes = point.indices.map { i in point.indices.map { $0 == i ? Rational.one : .zero } }
    for layer in network.layers {
      var nextValues: [Rational] = []
      var nextSlopes: [[Rational]] = []
      for j in 0..<layer.outputCount {
        var z = try exact(layer.biases[j])
        var dz = [Rational](repeating: .zero, count: point.count)
        for i in 0..<layer.inputCount {
          let weight = try exact(layer.weight(neuron: j, input: i))
          z += weight * values[i]
          for k in dz.indices { dz[k] += weight * slopes[i][k] }
        }
        if layer.isRectified {
          preActivations.append(z)
          if z.isZero, dz.contains(where: { !$0.isZero }) { isGeneric = false }
          if !z.isPositive {
            z = .zero
            dz = Array(repeating: .zero, count: point.count)
          }
        }
        nextValues.append(z)
        nextSlopes.append(dz)
      }
      values = nextValues
      slopes = nextSlopes
    }
    outputs = values
    gradients = slopes
  }
}
