internal import BigInt
internal import Crypto
public import ExactArithmetic
internal import Foundation
internal import Synchronization

/// A layer of an ``ExactNetwork``: dyadic weights and biases.
public struct ExactLayer: Sendable, Hashable {
  public let inputCount: Int
  public let outputCount: Int
  /// Row-major, `outputCount` × `inputCount`.
  public let weights: [Dyadic]
  public let biases: [Dyadic]

  public init(inputCount: Int, outputCount: Int, weights: [Dyadic], biases: [Dyadic]) {
    precondition(weights.count == inputCount * outputCount && biases.count == outputCount)
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.weights = weights
    self.biases = biases
  }

  public func weight(neuron: Int, input: Int) -> Dyadic { weights[neuron * inputCount + input] }

  /// This layer after `first`, without a ReLU between them, as one layer. Exact.
  func composed(after first: ExactLayer) -> ExactLayer {
    precondition(first.outputCount == inputCount)
    var weights = [Dyadic](repeating: .zero, count: outputCount * first.inputCount)
    var biases = self.biases
    for neuron in 0..<outputCount {
      for middle in 0..<inputCount {
        let factor = weight(neuron: neuron, input: middle)
        if factor.isZero { continue }
        biases[neuron] += factor * first.biases[middle]
        for i in 0..<first.inputCount {
          weights[neuron * first.inputCount + i] += factor * first.weight(neuron: middle, input: i)
        }
      }
    }
    return ExactLayer(inputCount: first.inputCount, outputCount: outputCount, weights: weights, biases: biases)
  }
}

/// The function that is verified: hidden layers, each followed by ReLU, and one affine output layer, in exact numbers.
///
/// Affine layers that follow each other without a ReLU (normalisation) are multiplied out, exactly, so that two files
/// which write the same layers differently have the same ``digest``.
public struct ExactNetwork: Sendable, Hashable {
  /// All layers; a ReLU follows each but the last.
  public let layers: [ExactLayer]
  private let known = KnownDigest()

  public static func == (left: ExactNetwork, right: ExactNetwork) -> Bool { left.layers == right.layers }
  public func hash(into hasher: inout Hasher) { hasher.combine(layers) }

  /// The digest once somebody has asked for it; copies of a network share it.
  private final class KnownDigest: Sendable {
    let value = Mutex<String?>(nil)
  }

  /// - Precondition: there is a layer, and each has as many inputs as the one before has outputs.
  init(layers: [ExactLayer]) {
    precondition(!layers.isEmpty && zip(layers, layers.dropFirst()).allSatisfy { $0.outputCount == $1.inputCount })
    self.layers = layers
  }

  public init(_ network: Network) {
    var layers: [ExactLayer] = []
    var pending: ExactLayer?
    for layer in network.layers {
      // A Layer's initialiser refused every value that is not finite.
      let exact = ExactLayer(
        inputCount: layer.inputCount, outputCount: layer.outputCount,
        weights: layer.weights.map { Dyadic(exactly: $0) ?? .zero },
        biases: layer.biases.map { Dyadic(exactly: $0) ?? .zero })
      let composed = pending.map { exact.composed(after: $0) } ?? exact
      if layer.isRectified {
        layers.append(composed)
        pending = nil
      } else {
        pending = composed
      }
    }
    // The last layer of a Network is not rectified, so one is pending.
    if let pending { layers.append(pending) }
    self.layers = layers
  }

  public var inputCount: Int { layers[0].inputCount }
  public var outputCount: Int { layers[layers.count - 1].outputCount }
  public var hiddenLayers: ArraySlice<ExactLayer> { layers.dropLast() }
  public var hiddenNeuronCount: Int { hiddenLayers.reduce(0) { $0 + $1.outputCount } }

  /// The network with further outputs x[i] − offset for the given inputs, carried through every layer by a neuron of
  /// their own: exact where x[i] ≥ offset.
  /// - Precondition: as many offsets as inputs, all of which exist.
  public func passing(_ inputs: [Int], less offsets: [Dyadic]) -> ExactNetwork {
    precondition(inputs.count == offsets.count && inputs.allSatisfy { (0..<inputCount).contains($0) })
    var result: [ExactLayer] = []
    for (index, layer) in layers.enumerated() {
      let extra = index == 0 ? 0 : inputs.count
      let columns = layer.inputCount + extra
      var weights: [Dyadic] = []
      weights.reserveCapacity(columns * (layer.outputCount + inputs.count))
      for j in 0..<layer.outputCount {
        weights += layer.weights[(j * layer.inputCount)..<((j + 1) * layer.inputCount)]
        weights += repeatElement(Dyadic.zero, count: extra)
      }
      for (k, input) in inputs.enumerated() {
        let column = index == 0 ? input : layer.inputCount + k
        weights += (0..<columns).map { $0 == column ? Dyadic.one : .zero }
      }
      let biases = layer.biases + offsets.map { index == 0 ? -$0 : .zero }
      result.append(
        ExactLayer(
          inputCount: columns, outputCount: layer.outputCount + inputs.count, weights: weights, biases: biases))
    }
    return ExactNetwork(layers: result)
  }

  /// The exact outputs at a rational point.
  ///
  /// With x = n/D for one common denominator D, all arithmetic is on the dyadic numbers D·(value): no greatest common
  /// divisor is taken before the end.
  /// - Precondition: `point` has one number per input.
  /// - Complexity: one multiplication of big integers per weight that is not zero.
  public func output(at point: [Rational]) -> [Rational] {
    preActivations(at: point)[layers.count - 1]
  }

  /// The exact pre-activations of every hidden layer, and the outputs as the last element.
  public func preActivations(at point: [Rational]) -> [[Rational]] {
    precondition(point.count == inputCount)
    var denominator = BigInt(1)
    for x in point {
      denominator = denominator / denominator.greatestCommonDivisor(with: x.denominator) * x.denominator
    }
    let scale = Dyadic(mantissa: denominator, exponent: 0)
    var values = point.map { Dyadic(mantissa: $0.numerator * (denominator / $0.denominator), exponent: 0) }
    var result: [[Rational]] = []
    for (index, layer) in layers.enumerated() {
      var next = layer.biases.map { $0 * scale }
      for neuron in 0..<layer.outputCount {
        for i in 0..<layer.inputCount where !values[i].isZero {
          let weight = layer.weight(neuron: neuron, input: i)
          if !weight.isZero { next[neuron] += weight * values[i] }
        }
      }
      result.append(next.map { $0.rational / Rational(denominator) })
      if index + 1 < layers.count { values = next.map { $0.isNegative ? .zero : $0 } }
    }
    return result
  }

  /// The canonical bytes: a header line, then for each layer its counts and every weight and bias as
  /// `mantissa exponent` in decimal, one a line, mantissas odd or zero. Equal exactly for equal ``layers``.
  public var canonicalText: String {
    var text = "vpals-network/v1\n\(inputCount) \(layers.count)\n"
    for layer in layers {
      text += "\(layer.inputCount) \(layer.outputCount)\n"
      for value in layer.weights { text += "\(value.mantissa) \(value.exponent)\n" }
      for value in layer.biases { text += "\(value.mantissa) \(value.exponent)\n" }
    }
    return text
  }

  /// `sha256:` and the hexadecimal SHA-256 (FIPS 180-4) of the canonical bytes.
  public var digest: String {
    known.value.withLock { known in
      if let known { return known }
      let digest = "sha256:" + SHA256.hash(data: Data(canonicalText.utf8)).hexadecimal
      known = digest
      return digest
    }
  }
}

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits per byte.
  var hexadecimal: String {
    map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
