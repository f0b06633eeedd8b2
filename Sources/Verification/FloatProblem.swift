internal import CBoundSearch
internal import ProofChecking

/// A ``FixedPointProblem`` in binary64, padded for SIMD: what the falsifier computes with. Never a ground for a verdict.
///
/// Memory is allocated once and read-only afterwards; every index is below a count of the problem.
final class FloatProblem {
  struct Layer {
    let inputCount: Int
    let outputCount: Int
    let offset: Int
    /// Row-major `outputCount` × `inputStride`, zero-padded.
    let weights: UnsafeMutablePointer<Double>
    /// Transposed: `inputCount` × `outputStride`, zero-padded.
    let columns: UnsafeMutablePointer<Double>
    let biases: UnsafeMutablePointer<Double>
    let inputStride: Int
    let outputStride: Int
  }

  let layers: [Layer]
  let feature: Int?
  /// What a derivative along the feature is multiplied by, a power of two.
  let derivativeScale: Double
  let threshold: Double
  let inputCount: Int
  let neuronCount: Int
  /// The widest layer, rounded up to the padding.
  let stride: Int

  static let padding = 4

  static func padded(_ count: Int) -> Int { (count + padding - 1) / padding * padding }

  init(_ problem: FixedPointProblem) {
    var width = Self.padded(problem.inputCount)
    layers = problem.layers.map { layer in
      let inputStride = Self.padded(layer.inputCount)
      let outputStride = Self.padded(layer.outputCount)
      width = max(width, inputStride, outputStride)
      let weights = Self.allocate(layer.outputCount * inputStride)
      let columns = Self.allocate(layer.inputCount * outputStride)
      let biases = Self.allocate(outputStride)
      for j in 0..<layer.outputCount {
        biases[j] = layer.bias(j)
        for i in 0..<layer.inputCount {
          let value = layer.weight(j, i)
          weights[j * inputStride + i] = value
          columns[i * outputStride + j] = value
        }
      }
      return Layer(
        inputCount: layer.inputCount, outputCount: layer.outputCount, offset: layer.offset, weights: weights,
        columns: columns, biases: biases, inputStride: inputStride, outputStride: outputStride)
    }
    feature = problem.feature
    derivativeScale = Double(sign: .plus, exponent: -problem.derivativeShift, significand: 1)
    threshold = Double(problem.threshold) * 0x1p-40
    inputCount = problem.inputCount
    neuronCount = problem.neuronCount
    stride = width
  }

  deinit {
    for layer in layers {
      layer.weights.deallocate()
      layer.columns.deallocate()
      layer.biases.deallocate()
    }
  }

  static func allocate(_ count: Int) -> UnsafeMutablePointer<Double> {
    let capacity = max(padding, count)
    let memory = UnsafeMutablePointer<Double>.allocate(capacity: capacity)
    memory.initialize(repeating: 0, count: capacity)
    return memory
  }
}

extension FixedPointProblem.Layer {
  /// The middle of a weight's enclosure.
  func weight(_ neuron: Int, _ input: Int) -> Double {
    let k = neuron * inputCount + input
    return (Double(low[k]) + 0.5 * Double(slack[k])) * Double(sign: .plus, exponent: -shift, significand: 1)
  }

  func bias(_ neuron: Int) -> Double { (Double(biasLow[neuron]) + Double(biasHigh[neuron])) * 0x1p-31 }
}

/// `sum[i] += factor · row[i]` for `count` numbers, a multiple of the padding.
@inline(__always)
func addScaled(
  _ factor: Double, _ row: UnsafeMutablePointer<Double>, _ count: Int, to sum: UnsafeMutablePointer<Double>
) {
  let factors = SIMD4<Double>(repeating: factor)
  var i = 0
  while i < count {
    let a = UnsafeRawPointer(row + i).loadUnaligned(as: SIMD4<Double>.self)
    let s = UnsafeRawPointer(sum + i).loadUnaligned(as: SIMD4<Double>.self)
    UnsafeMutableRawPointer(sum + i).storeBytes(of: s + factors * a, as: SIMD4<Double>.self)
    i += 4
  }
}

/// A ``FixedPointProblem`` in binary32 in the memory layout of `CBoundSearch`, read-only and shared by all threads.
final class SearchProblem: @unchecked Sendable {
  // The memory is written by the initialiser alone.
  let source: FixedPointProblem
  let native: UnsafeMutablePointer<BSProblem>
  /// Per neuron and input: how much the input moves the pre-activation when half of the neurons below are active.
  let influence: [Float]
  private var freed: [UnsafeMutableRawPointer] = []

  init(_ source: FixedPointProblem) {
    self.source = source
    native = .allocate(capacity: 1)
    let n = source.inputCount
    var influence: [Float] = []
    var signed: [Float] = []
    for (index, layer) in source.hiddenLayers.enumerated() {
      var next = [Float](repeating: 0, count: layer.outputCount * n)
      for j in 0..<layer.outputCount {
        for k in 0..<layer.inputCount {
          let weight = Float(layer.weight(j, k))
          if index == 0 {
            next[j * n + k] = weight
          } else if weight != 0 {
            for i in 0..<n { next[j * n + i] += 0.5 * weight * signed[k * n + i] }
          }
        }
      }
      signed = next
      influence += next.map { abs($0) }
    }
    self.influence = influence
    var all: [UnsafeMutableRawPointer] = []
    func copied(_ values: [Float]) -> UnsafePointer<Float> {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: max(1, values.count))
      memory.initialize(from: values, count: values.count)
      all.append(UnsafeMutableRawPointer(memory))
      return UnsafePointer(memory)
    }
    func weights(_ layer: FixedPointProblem.Layer) -> [Float] {
      (0..<layer.outputCount).flatMap { j in (0..<layer.inputCount).map { Float(layer.weight(j, $0)) } }
    }
    let layers = UnsafeMutablePointer<BSLayer>.allocate(capacity: source.layers.count)
    for (k, layer) in source.layers.enumerated() {
      (layers + k).initialize(
        to: BSLayer(
          inputs: Int32(layer.inputCount), outputs: Int32(layer.outputCount), offset: Int32(layer.offset),
          weights: copied(weights(layer)), biases: copied((0..<layer.outputCount).map { Float(layer.bias($0)) })))
    }
    all.append(UnsafeMutableRawPointer(layers))
    let rows = source.constraints
    let slopes = zip(source.slopeLow, source.slopeHigh).map { Float((Double($0) + Double($1)) * 0x1p-31) }
    native.initialize(
      to: BSProblem(
        inputs: Int32(n), hidden: Int32(source.layers.count - 1), neurons: Int32(source.neuronCount),
        widest: Int32(max(n, source.layers.map { max($0.inputCount, $0.outputCount) }.max() ?? 1)),
        constraints: Int32(rows.outputCount), derivative: source.feature == nil ? 0 : 1, layer: UnsafePointer(layers),
        constraintRows: copied(weights(rows)),
        constraintBiases: copied((0..<rows.outputCount).map { Float(rows.bias($0)) }), slopes: copied(slopes),
        threshold: Float(Double(source.threshold) * 0x1p-40)))
    freed = all
  }

  deinit {
    for memory in freed { memory.deallocate() }
    native.deallocate()
  }
}
