internal import ExactArithmetic
public import Networks

/// The widths of a network and the places of its numbers in one flat array: for each layer the weights, row-major with
/// a row per neuron, then the biases.
public struct NetworkShape: Codable, Sendable, Hashable {
  /// Inputs, hidden widths, outputs.
  public let widths: [Int]

  /// - Precondition: at least one hidden width, and all positive.
  init(inputCount: Int, hidden: [Int], outputCount: Int) {
    precondition(!hidden.isEmpty)
    widths = [inputCount] + hidden + [outputCount]
  }

  var inputCount: Int { widths[0] }
  var outputCount: Int { widths[widths.count - 1] }
  var layerCount: Int { widths.count - 1 }
  var hiddenCount: Int { widths.count - 2 }
  /// The index of a layer's first weight.
  func weights(of layer: Int) -> Int {
    var offset = 0
    for l in 0..<layer { offset += widths[l + 1] * (widths[l] + 1) }
    return offset
  }
  /// The index of a layer's first bias.
  func biases(of layer: Int) -> Int { weights(of: layer) + widths[layer] * widths[layer + 1] }
  var parameterCount: Int { weights(of: layerCount) }

  /// For each number whether it is a weight; the others are biases.
  var weightMask: [Bool] {
    (0..<layerCount).flatMap { l in
      Array(repeating: true, count: widths[l] * widths[l + 1]) + Array(repeating: false, count: widths[l + 1])
    }
  }

  /// Uniform weights of variance 2/fan-in (He et al., ICCV 2015), in the last layer 1/fan-in; biases zero.
  func initialParameters(using generator: inout RandomGenerator) -> [Double] {
    var parameters = [Double](repeating: 0, count: parameterCount)
    for l in 0..<layerCount {
      let gain = l + 1 < layerCount ? 6.0 : 3.0
      let limit = (gain / Double(widths[l])).squareRoot()
      let start = weights(of: l)
      for index in start..<biases(of: l) { parameters[index] = limit * (2 * generator.unit() - 1) }
    }
    return parameters
  }
}

/// A trained network before its normalisation is folded in: what a later run can start from.
public struct TrainedModel: Codable, Sendable, Hashable {
  public let shape: NetworkShape
  public let normalisation: Normalisation
  /// Weights and biases in normalised units, in the order of ``NetworkShape``.
  public let parameters: [Double]

  public init(shape: NetworkShape, normalisation: Normalisation, parameters: [Double]) {
    self.shape = shape
    self.normalisation = normalisation
    self.parameters = parameters
  }

  /// The share of weights that are zero.
  public var zeroWeightShare: Double {
    let weights = zip(parameters, shape.weightMask).filter(\.1).map(\.0)
    return Double(weights.count(where: { $0 == 0 })) / Double(weights.count)
  }

  /// The same function from engineer's units to engineer's units, exactly.
  ///
  /// A weight from input i to hidden neuron j becomes w·2^−kᵢ, its bias b − Σ w·centreᵢ·2^−kᵢ; a weight of output o
  /// becomes w·2^s and its bias b·2^s + centre. All of it is computed in dyadic numbers.
  /// - Throws: ``TrainingError`` with code `inexact` when a result is not a binary64 number.
  public func network() throws(TrainingError) -> Network {
    var layers: [Layer] = []
    for l in 0..<shape.layerCount {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let start = shape.weights(of: l)
      var weights: [Double] = []
      var biases: [Double] = []
      for j in 0..<outs {
        var bias = try exact(parameters[shape.biases(of: l) + j])
        let output = l + 1 == shape.layerCount ? normalisation.outputs[j] : nil
        for i in 0..<ins {
          var weight = try exact(parameters[start + j * ins + i])
          if l == 0 {
            weight = weight.scaled(bits: -normalisation.inputs[i].exponent)
            bias = bias - weight * (try exact(normalisation.inputs[i].centre))
          }
          if let output { weight = weight.scaled(bits: output.exponent) }
          weights.append(try stored(weight, "weight \(i) of neuron \(j) in layer \(l)"))
        }
        if let output { bias = bias.scaled(bits: output.exponent) + (try exact(output.centre)) }
        biases.append(try stored(bias, "bias of neuron \(j) in layer \(l)"))
      }
      do {
        layers.append(
          try Layer(
            inputCount: ins, outputCount: outs, weights: weights, biases: biases, isRectified: l + 1 < shape.layerCount)
        )
      } catch { throw TrainingError(.data, error.message) }
    }
    do { return try Network(layers: layers) } catch { throw TrainingError(.data, error.message) }
  }

  private func exact(_ value: Double) throws(TrainingError) -> Dyadic {
    guard let dyadic = Dyadic(exactly: value) else {
      throw TrainingError(.diverged, "a trained number is \(value); lower the learning rate")
    }
    return dyadic
  }

  private func stored(_ value: Dyadic, _ place: String) throws(TrainingError) -> Double {
    guard let double = value.double else {
      throw TrainingError(
        .inexact,
        "the \(place) does not fit binary64 after folding; use coarser grids")
    }
    return double
  }
}
