import ExactArithmetic
import Foundation
import Specifications
import Testing

@testable import Networks

/// A network on a grid, flat, for many evaluations: in binary64 in several orders of summation, and in integers.
///
/// Integers: every neuron's value is an integer times the neuron's unit, the least among the units of its terms, so the
/// coefficients (weight times input unit over neuron unit) are integers too. Swift's `+` and `*` stop the program on
/// overflow, so a run that ends is exact.
private final class FlatNetwork {
  struct Sum {
    let inputs: Int
    let outputs: Int
    let isRectified: Bool
    let weights: UnsafeMutablePointer<Double>
    let biases: UnsafeMutablePointer<Double>
    let coefficients: UnsafeMutablePointer<Int>
    let offsets: UnsafeMutablePointer<Int>
    let order: UnsafeMutablePointer<Int>
  }

  let sums: [Sum]
  let inputUnits: [Int]
  let outputUnits: [Int]
  let outputCount: Int
  private let doubles: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>)
  private let integers: (UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>)
  private let terms: UnsafeMutablePointer<Double>

  init(_ network: Network, on grid: InputGrid) throws {
    var units = grid.axes.map(\.exponent)
    inputUnits = units
    var sums: [Sum] = []
    for layer in network.layers {
      let exact = try layer.weights.map { try #require(Dyadic(exactly: $0)) }
      let biases = try layer.biases.map { try #require(Dyadic(exactly: $0)) }
      var next: [Int] = []
      let coefficients = UnsafeMutablePointer<Int>.allocate(capacity: exact.count)
      let offsets = UnsafeMutablePointer<Int>.allocate(capacity: biases.count)
      for neuron in 0..<layer.outputCount {
        let row = exact[(neuron * layer.inputCount)..<((neuron + 1) * layer.inputCount)]
        var unit = biases[neuron].isZero ? Int.max : biases[neuron].exponent
        for (weight, inputUnit) in zip(row, units) where !weight.isZero {
          unit = min(unit, weight.exponent + inputUnit)
        }
        if unit == Int.max { unit = 0 }
        for (input, weight) in row.enumerated() {
          coefficients[neuron * layer.inputCount + input] = Self.integer(weight.scaled(bits: units[input] - unit))
        }
        offsets[neuron] = Self.integer(biases[neuron].scaled(bits: -unit))
        next.append(unit)
      }
      let sum = Sum(
        inputs: layer.inputCount, outputs: layer.outputCount, isRectified: layer.isRectified,
        weights: .allocate(capacity: exact.count), biases: .allocate(capacity: biases.count),
        coefficients: coefficients, offsets: offsets, order: .allocate(capacity: layer.inputCount))
      for (index, weight) in layer.weights.enumerated() { sum.weights[index] = weight }
      for (index, bias) in layer.biases.enumerated() { sum.biases[index] = bias }
      for index in 0..<layer.inputCount { sum.order[index] = index }
      sums.append(sum)
      units = next
    }
    self.sums = sums
    outputUnits = units
    outputCount = network.outputCount
    let widest = network.layers.map { max($0.inputCount, $0.outputCount) }.max() ?? 0
    doubles = (.allocate(capacity: widest), .allocate(capacity: widest))
    integers = (.allocate(capacity: widest), .allocate(capacity: widest))
    terms = .allocate(capacity: widest + 1)
  }

  deinit {
    for sum in sums {
      sum.weights.deallocate()
      sum.biases.deallocate()
      sum.coefficients.deallocate()
      sum.offsets.deallocate()
      sum.order.deallocate()
    }
    doubles.0.deallocate()
    doubles.1.deallocate()
    integers.0.deallocate()
    integers.1.deallocate()
    terms.deallocate()
  }

  private static func integer(_ value: Dyadic) -> Int { Int(value.mantissa) << value.exponent }

  func shuffle(_ generator: inout SplitMix64) {
    for sum in sums {
      var index = sum.inputs - 1
      while index > 0 {
        let other = Int(generator.next() % UInt64(index + 1))
        let kept = sum.order[index]
        sum.order[index] = sum.order[other]
        sum.order[other] = kept
        index -= 1
      }
    }
  }

  /// The bits of the exact outputs at a grid point. An integer below 2⁵³ times a power of two is exact.
  func exactBits(_ point: [Double], into bits: inout [UInt64]) {
    var (values, next) = integers
    var index = 0
    while index < inputUnits.count {
      values[index] = Int(point[index] * Double(sign: .plus, exponent: -inputUnits[index], significand: 1))
      index += 1
    }
    var layer = 0
    while layer < sums.count {
      let sum = sums[layer]
      var neuron = 0
      var coefficient = sum.coefficients
      while neuron < sum.outputs {
        var total = sum.offsets[neuron]
        var input = 0
        while input < sum.inputs {
          total = total + coefficient[input] * values[input]
          input = input &+ 1
        }
        next[neuron] = sum.isRectified && total < 0 ? 0 : total
        coefficient += sum.inputs
        neuron = neuron &+ 1
      }
      swap(&values, &next)
      layer = layer &+ 1
    }
    index = 0
    while index < outputCount {
      let value = Double(values[index]) * Double(sign: .plus, exponent: outputUnits[index], significand: 1)
      bits[index] = value.bitPattern
      index += 1
    }
  }

  enum Order: CaseIterable {
    case forward, reverse, shuffled, pairwise, fused
  }

  /// Whether evaluation in one order gives outputs of these bits.
  func agrees(_ point: [Double], _ order: Order, with bits: [UInt64]) -> Bool {
    var (values, next) = doubles
    var index = 0
    while index < inputUnits.count {
      values[index] = point[index]
      index += 1
    }
    var layer = 0
    while layer < sums.count {
      let sum = sums[layer]
      var neuron = 0
      var weights = sum.weights
      let count = sum.inputs
      while neuron < sum.outputs {
        var total: Double
        var input = 0
        switch order {
        case .forward:
          total = 0
          while input < count {
            total = total + weights[input] * values[input]
            input = input &+ 1
          }
          total = total + sum.biases[neuron]
        case .reverse:
          total = sum.biases[neuron]
          input = count &- 1
          while input >= 0 {
            total = total + weights[input] * values[input]
            input = input &- 1
          }
        case .shuffled:
          total = sum.biases[neuron]
          while input < count {
            let other = sum.order[input]
            total = total + weights[other] * values[other]
            input = input &+ 1
          }
        case .pairwise:
          while input < count {
            terms[input] = weights[input] * values[input]
            input = input &+ 1
          }
          terms[count] = sum.biases[neuron]
          var width = count &+ 1
          while width > 1 {
            let half = (width &+ 1) / 2
            var left = 0
            while left < width / 2 {
              terms[left] = terms[left] + terms[half &+ left]
              left = left &+ 1
            }
            width = half
          }
          total = terms[0]
        case .fused:
          total = sum.biases[neuron]
          while input < count {
            total = total.addingProduct(weights[input], values[input])
            input = input &+ 1
          }
        }
        next[neuron] = sum.isRectified && total < 0 ? 0 : total
        weights += count
        neuron = neuron &+ 1
      }
      swap(&values, &next)
      layer = layer &+ 1
    }
    index = 0
    while index < outputCount {
      if values[index].bitPattern != bits[index] { return false }
      index += 1
    }
    return true
  }
}

/// Numbers that rounding to a grid finds hard, and others.
private struct InputSource {
  let spacing: Double
  let low: Double
  let high: Double
  let steps: UInt64

  init(_ axis: InputGrid.Axis) throws {
    spacing = Double(sign: .plus, exponent: axis.exponent, significand: 1)
    low = try #require(axis.low.double)
    high = try #require(axis.high.double)
    steps = UInt64((high - low) / spacing)
  }

  func next(_ generator: inout SplitMix64) -> Double {
    let random = generator.next()
    let point = low + Double(generator.next() % (steps + 1)) * spacing
    switch random % 16 {
    case 0: return point
    case 1: return point.nextUp
    case 2: return point.nextDown
    case 3: return point + spacing / 2
    case 4: return (point + spacing / 2).nextUp
    case 5: return (point + spacing / 2).nextDown
    case 6: return low
    case 7: return high
    case 8:
      switch (random >> 8) % 10 {
      case 0: return .infinity
      case 1: return -.infinity
      case 2: return .greatestFiniteMagnitude
      case 3: return -.greatestFiniteMagnitude
      case 4: return .leastNonzeroMagnitude
      case 5: return -.leastNonzeroMagnitude
      case 6: return -0.0
      case 7: return low.nextDown
      case 8: return high.nextUp
      default: return Double(bitPattern: random >> 12)  // positive and tiny, often subnormal
      }
    default: return low + Double(generator.next() >> 11) * 0x1p-53 * (high - low)
    }
  }
}

@Suite struct ExactInferenceTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// `count` inputs: the predictor, five orders of summation and integer arithmetic give the same bits; for some, so do
  /// the exact forward pass in rationals and exact rounding to the grid.
  private func compare(_ network: Network, _ grid: InputGrid, count: Int, seed: UInt64, _ name: String) throws {
    print("\(name): seed \(seed), spacings 2^\(grid.axes.map(\.exponent))")
    var generator = SplitMix64(seed: seed)
    let predictor = try Predictor(network: network, grid: grid)
    let flat = try FlatNetwork(network, on: grid)
    let exact = ExactNetwork(network)
    let sources = try grid.axes.map(InputSource.init)
    var input = [Double](repeating: 0, count: network.inputCount)
    var point = input
    var bits = [UInt64](repeating: 0, count: network.outputCount)
    var failures = 0
    for round in 0..<count {
      if round.isMultiple(of: 1000) { flat.shuffle(&generator) }
      var index = 0
      while index < input.count {
        let value = sources[index].next(&generator)
        let rounded = try predictor.gridPoint(value, input: index)
        input[index] = value
        point[index] = rounded
        let source = sources[index]
        if value > source.low, value < source.high {
          // Both quotients are exact, and so is the difference of neighbours.
          if (value / source.spacing - rounded / source.spacing).magnitude > 0.5 { failures += 1 }
        } else if rounded != (value <= source.low ? source.low : source.high) {
          failures += 1
        }
        index += 1
      }
      flat.exactBits(point, into: &bits)
      let outputs = try predictor.outputs(at: input)
      index = 0
      while index < bits.count {
        if outputs[index].bitPattern != bits[index] { failures += 1 }
        index += 1
      }
      for order in FlatNetwork.Order.allCases where !flat.agrees(point, order, with: bits) { failures += 1 }
      if round.isMultiple(of: count / 40) {
        let rational = try point.map { try #require(Rational(exactly: $0)) }
        #expect(exact.output(at: rational) == outputs.map { Rational(exactly: $0) })
        for (axis, (value, rounded)) in zip(grid.axes, zip(input, rational)) where value.isFinite {
          let inside = min(max(try #require(Rational(exactly: value)), axis.low.rational), axis.high.rational)
          let distance = (inside - rounded).magnitude.scaled(bits: 1 - axis.exponent)
          let isEven = Dyadic(exactly: rounded)?.isMultiple(ofPower: axis.exponent + 1) ?? false
          #expect(distance < 1 || distance == 1 && isEven)
        }
      }
      if failures > 0 {
        Issue.record("\(name), seed \(seed), round \(round): \(input) gives \(outputs)")
        return
      }
    }
  }

  /// The versions of this repository, over the domains of their specifications.
  @Test(arguments: ["lucene", "mariadb", "mindspore", "nginx", "redis"])
  func certifiedModelsComputeWhatWasProved(application: String) throws {
    let network = try Network.read(
      path: Self.root.appendingPathComponent("models/\(application)/v0001/model.onnx").path)
    let specification = try Specification.read(path: Self.root.appendingPathComponent("specs/\(application).yaml").path)
    let grid = try #require(InputGrid.finest(for: network, over: specification.region))
    #expect(zip(grid.axes, specification.region).allSatisfy { $0.isInside($1) })
    try compare(network, grid, count: 140_000, seed: 1, application)
  }

  /// Random networks on the grid of the trainer, with normalisation as affine layers of its own.
  @Test(arguments: 1...6)
  func randomSnappedNetworksComputeWhatWasProved(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let widths = [[3, 6, 5, 2], [5, 10, 1], [2, 4, 4, 4, 1]][Int(seed % 3)]
    func number(_ bits: Int, _ size: Int) -> Double {
      Double(Int.random(in: -(size << bits)...(size << bits), using: &generator))
        * Double(sign: .plus, exponent: -bits, significand: 1)
    }
    let inputs = widths[0]
    var normalise = [Double](repeating: 0, count: inputs * inputs)
    for index in 0..<inputs {
      normalise[index * inputs + index] = Double(
        sign: .plus, exponent: Int.random(in: -3...3, using: &generator), significand: 1)
    }
    var layers = [
      try Layer(
        inputCount: inputs, outputCount: inputs, weights: normalise, biases: (0..<inputs).map { _ in number(10, 2) },
        isRectified: false)
    ]
    for index in 1..<widths.count {
      layers.append(
        try Layer(
          inputCount: widths[index - 1], outputCount: widths[index],
          weights: (0..<widths[index - 1] * widths[index]).map { _ in number(8, 2) },
          biases: (0..<widths[index]).map { _ in number(12, 1) }, isRectified: index + 1 < widths.count))
    }
    let network = try Network(layers: layers)
    let region = (0..<inputs).map { _ -> ClosedRange<Rational> in
      let low = Rational(Int.random(in: -30...30, using: &generator), 7)
      return low...(low + Rational(Int.random(in: 1...50, using: &generator), 10))
    }
    let grid = try #require(InputGrid.finest(for: network, over: region))
    try compare(network, grid, count: 50_000, seed: seed, "random \(widths)")
  }

  /// What the condition refuses does round: on a grid with one bit more, some order gives other bits.
  @Test func finerGridsThanTheFinestRound() throws {
    let weight = 1 + 0x1p-30
    let network = try Network(layers: [affine([[weight, 1]], [0])])
    let region: [ClosedRange<Rational>] = [0...1, 0...1]
    let grid = try #require(InputGrid.finest(for: network, over: region))
    let spacing = try #require(grid.axes.first).exponent
    #expect(spacing == -21)
    func differs(_ x: Double, _ y: Double) -> Bool {
      guard let left = Rational(exactly: x), let right = Rational(exactly: y), let factor = Rational(exactly: weight)
      else { return false }
      return Rational(exactly: network.output(at: [x, y])[0]) != factor * left + right
    }
    // On the grid, the largest odd multiples; then with two bits more (the interval bound 2 + 2⁻³⁰ just passes 2).
    #expect(!differs(1 - 0x1p-21, 1 - 0x1p-21))
    #expect(differs(1 - 0x1p-23, 1 - 0x1p-23))
  }
}
