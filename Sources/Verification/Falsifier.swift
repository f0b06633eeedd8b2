internal import Foundation
internal import ProofChecking

/// A small deterministic generator (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// A number whose bits all depend on all bits of another.
  static func mixed(_ number: UInt64) -> UInt64 {
    var z = number
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// Directed search for points where a claim seems to fail, in binary64 on the unit box. Every find is only a hint.
///
/// Points come from the whole box, its faces and its corners; the worst ones are followed by coordinate moves of
/// falling size. Slivers that sampling misses are left to branch and bound.
struct Falsifier {
  let problem: FloatProblem
  private let h, y, z, d: UnsafeMutablePointer<Double>

  /// A point of the unit box and the scaled claim's value there (minus the threshold).
  struct Hint {
    var point: [Double]
    var value: Double
  }

  init(_ problem: FloatProblem) {
    self.problem = problem
    h = FloatProblem.allocate(problem.stride)
    y = FloatProblem.allocate(problem.stride)
    z = FloatProblem.allocate(problem.stride)
    d = FloatProblem.allocate(problem.stride)
  }

  /// Frees the scratch memory; the falsifier is not used afterwards.
  func close() {
    for memory in [h, y, z, d] { memory.deallocate() }
  }

  /// The scaled claim at a point of the unit box, minus the threshold.
  func value(at point: [Double]) -> Double {
    for i in 0..<problem.inputCount { h[i] = point[i] }
    let last = problem.layers.count - 1
    for (index, layer) in problem.layers.enumerated() {
      for j in 0..<layer.outputStride {
        z[j] = layer.biases[j]
        d[j] = 0
      }
      for i in 0..<layer.inputCount {
        let column = layer.columns + i * layer.outputStride
        if h[i] != 0 { addScaled(h[i], column, layer.outputStride, to: z) }
        if index > 0, y[i] != 0 { addScaled(y[i], column, layer.outputStride, to: d) }
      }
      if index == 0, let feature = problem.feature {
        addScaled(problem.derivativeScale, layer.columns + feature * layer.outputStride, layer.outputStride, to: d)
      }
      if index == last { return (problem.feature == nil ? z[0] : d[0]) - problem.threshold }
      for j in 0..<layer.outputCount {
        let active = z[j] > 0
        h[j] = active ? z[j] : 0
        y[j] = active ? d[j] : 0
      }
    }
    return 0
  }

  /// Up to `count` hints with a negative value, far from each other, worst first.
  func search(samples: Int, count: Int, seed: UInt64, shouldStop: () -> Bool) -> [Hint] {
    var generator = SplitMix64(seed: seed)
    var worst: [Hint] = []
    let pool = max(16, 4 * count)
    for sample in 0..<samples {
      if sample & 255 == 0, shouldStop() { break }
      let point = randomPoint(sample, &generator)
      insert(Hint(point: point, value: value(at: point)), into: &worst, limit: pool)
    }
    for index in worst.indices {
      if shouldStop() { break }
      worst[index] = descend(worst[index], &generator)
    }
    worst.sort { $0.value < $1.value }
    return spread(worst.filter { $0.value < 0 }, count: count)
  }

  /// The local search around one hint: up to 200 moves of one to three coordinates, of falling size.
  func descend(_ hint: Hint, _ generator: inout SplitMix64) -> Hint {
    var best = hint
    for step in 0..<200 {
      var point = best.point
      let reach = step % 4 == 0 ? 1.0 : step % 4 == 1 ? 0.3 : step % 4 == 2 ? 0.05 : 0.005
      for _ in 0..<(1 + Int(generator.next() % 3)) {
        let i = Int(generator.next() % UInt64(problem.inputCount))
        point[i] = max(0, min(1, point[i] + reach * (2 * generator.unit() - 1)))
      }
      let found = value(at: point)
      if found < best.value { best = Hint(point: point, value: found) }
    }
    return best
  }

  private func randomPoint(_ sample: Int, _ generator: inout SplitMix64) -> [Double] {
    (0..<problem.inputCount).map { _ in
      let u = generator.unit()
      switch sample % 3 {
      case 0: return u
      case 1: return max(0, min(1, u * 1.8 - 0.4))
      default: return u < 0.5 ? u * 0.04 : 1 - (u - 0.5) * 0.04
      }
    }
  }

  private func insert(_ hint: Hint, into worst: inout [Hint], limit: Int) {
    if worst.count == limit, let last = worst.last, hint.value >= last.value { return }
    let at = worst.firstIndex { $0.value > hint.value } ?? worst.count
    worst.insert(hint, at: at)
    if worst.count > limit { worst.removeLast() }
  }

  /// The first `count` hints that differ from each other by at least a tenth of the box in some coordinate.
  private func spread(_ hints: [Hint], count: Int) -> [Hint] {
    var chosen: [Hint] = []
    for hint in hints where chosen.count < count {
      let near = chosen.contains { other in
        zip(hint.point, other.point).allSatisfy { abs($0.0 - $0.1) < 0.1 }
      }
      if !near { chosen.append(hint) }
    }
    return chosen
  }
}
