internal import ProofChecking

/// A ``FixedPointProblem`` in binary64, padded for SIMD: what the search computes with. Never a ground for a verdict.
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
  let threshold: Double
  let inputCount: Int
  let neuronCount: Int
  /// The widest layer, rounded up to the padding.
  let stride: Int

  static let padding = 4

  static func padded(_ count: Int) -> Int { (count + padding - 1) / padding * padding }

  init(_ problem: FixedPointProblem) {
    let unit = 1 / Double(FixedPointProblem.one)
    var width = Self.padded(problem.inputCount)
    layers = problem.layers.map { layer in
      let inputStride = Self.padded(layer.inputCount)
      let outputStride = Self.padded(layer.outputCount)
      width = max(width, inputStride, outputStride)
      let weights = Self.allocate(layer.outputCount * inputStride)
      let columns = Self.allocate(layer.inputCount * outputStride)
      let biases = Self.allocate(outputStride)
      for j in 0..<layer.outputCount {
        biases[j] = Double(layer.biases[j]) * unit
        for i in 0..<layer.inputCount {
          let value = Double(layer.weights[j * layer.inputCount + i]) * unit
          weights[j * inputStride + i] = value
          columns[i * outputStride + j] = value
        }
      }
      return Layer(
        inputCount: layer.inputCount, outputCount: layer.outputCount, offset: layer.offset, weights: weights,
        columns: columns, biases: biases, inputStride: inputStride, outputStride: outputStride)
    }
    feature = problem.feature
    threshold = Double(problem.threshold) * unit
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
