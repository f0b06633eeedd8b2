import ExactArithmetic
import Testing

@testable import Networks

@Suite struct ErrorBoundTests {
  private func error(
    _ layers: [Layer], _ region: [ClosedRange<Rational>], _ format: BinaryFormat
  ) throws -> Rational? {
    ErrorBound(try Network(layers: layers), over: region, format: format)?.errors.first
  }

  /// u for the input, u for the product, and what is left of second order, rounded up to 24 bits.
  @Test(arguments: BinaryFormat.allCases)
  func isTwoRoundoffsForOneProduct(format: BinaryFormat) throws {
    let expected = Rational((1 << 23) + 1).scaled(bits: 1 - 23 - format.precision)
    #expect(try error([affine([[1]], [0])], [0...1], format) == expected)
    // Twice the weight or twice the domain: twice the error. Zero weights and biases add none.
    #expect(try error([affine([[2]], [0])], [0...1], format) == expected * 2)
    #expect(try error([affine([[1, 0]], [0])], [-2...1, 0...1], format) == expected * 2)
    // With a bias of 1 there are two terms of at most 1: u + 2u/(1 − 2u)·(2 + u) = 5u + 10u², to 21 fractional bits.
    let five = Rational((5 << 21) + (format == .binary32 ? 2 : 1))
    #expect(try error([affine([[1]], [1])], [0...1], format) == five.scaled(bits: -21 - format.precision))
  }

  @Test func isNilWhereNumbersMayOverflow() throws {
    let big = 0x1p127
    #expect(try error([affine([[big]], [0])], [0...1], .binary32) != nil)
    #expect(try error([affine([[big]], [0])], [0...2], .binary32) == nil)
    #expect(try error([affine([[big]], [0])], [0...2], .binary64) != nil)
    // A weight that binary32 cannot hold at all, even where the input is small.
    #expect(try error([affine([[0x1p128]], [0])], [0...Rational(1, 8)], .binary32) == nil)
    #expect(try error([affine([[big, -big]], [0])], [1...1, 1...1], .binary32) == nil)
  }

  @Test func countsWeightsThatTheFormatCannotHold() throws {
    let third = 1.0 / 3
    let held = try #require(try error([affine([[Double(Float(third))]], [0])], [1...1], .binary32))
    let rounded = try #require(try error([affine([[third]], [0])], [1...1], .binary32))
    let distance = try #require(Rational(exactly: Double(Float(third)) - third)).magnitude
    #expect(rounded > held + distance * Rational(99, 100))
    #expect(rounded < held + distance * Rational(101, 100))
    // A subnormal weight may be taken for zero.
    let tiny = try #require(try error([affine([[0x1p-1030]], [0])], [0x1p20...0x1p20].map(Self.range), .binary64))
    #expect(tiny > Rational(1).scaled(bits: -1030 + 20))
  }

  private static func range(_ values: ClosedRange<Double>) -> ClosedRange<Rational> {
    (Rational(exactly: values.lowerBound) ?? .zero)...(Rational(exactly: values.upperBound) ?? .zero)
  }

  /// 1 + 1000·2⁻²⁵ in binary32, the one first: every other term is lost. The bound is within a factor of 2.1 of it.
  @Test func isNearlyAttainedByTheWorstOrder() throws {
    let count = 1000
    let small = Rational(1).scaled(bits: -25)
    let network = try Network(layers: [affine([Array(repeating: 1, count: count + 1)], [0])])
    let region = [1...1] + Array(repeating: small...small, count: count)
    var sum: Float = 1
    for _ in 0..<count { sum += 0x1p-25 }
    #expect(sum == 1)
    let lost = Rational(count) * small
    let bound = try #require(ErrorBound(network, over: region, format: .binary32)).errors[0]
    #expect(bound >= lost)
    #expect(bound <= lost * Rational(21, 10))
  }

  /// A sum in one of several orders, each product rounded or fused.
  private static func sum<Number: BinaryFloatingPoint>(
    _ weights: [Number], _ values: [Number], _ bias: Number, order: Int, _ generator: inout SplitMix64
  ) -> Number {
    var indices = Array(weights.indices)
    switch order {
    case 0: break
    case 1: indices.reverse()
    case 2: indices.sort { (weights[$0] * values[$0]).magnitude > (weights[$1] * values[$1]).magnitude }
    case 3: indices.sort { (weights[$0] * values[$0]).magnitude < (weights[$1] * values[$1]).magnitude }
    case 4: indices.sort { weights[$0] * values[$0] > weights[$1] * values[$1] }
    default: indices.shuffle(using: &generator)
    }
    if order.isMultiple(of: 2) {
      return indices.reduce(bias) { $0.addingProduct(weights[$1], values[$1]) }
    }
    return indices.reduce(0) { $0 + weights[$1] * values[$1] } + bias
  }

  private static func outputs<Number: BinaryFloatingPoint>(
    _ network: Network, _ input: [Number], order: Int, _ generator: inout SplitMix64
  ) -> [Number] {
    var values = input
    for layer in network.layers {
      values = (0..<layer.outputCount).map { neuron in
        let weights = (0..<layer.inputCount).map { Number(layer.weight(neuron: neuron, input: $0)) }
        let value = sum(weights, values, Number(layer.biases[neuron]), order: order, &generator)
        return layer.isRectified ? max(0, value) : value
      }
    }
    return values
  }

  /// Points n·2⁻⁶⁰ of the domain, which neither format holds in general, in every order; the exact outputs in rationals.
  @Test(arguments: BinaryFormat.allCases, [[4, 12, 10, 2], [7, 30, 1], [2, 7, 7, 7, 2]])
  func coversEveryOrderAtRandomPoints(format: BinaryFormat, widths: [Int]) throws {
    let seed: UInt64 = 77
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    let network = try randomNetwork(widths, seed: seed)
    let exact = ExactNetwork(network)
    let bound = try #require(
      ErrorBound(
        network, over: Array(repeating: Rational(-1)...Rational(2), count: widths[0]), format: format))
    #expect(bound.format == format)
    var greatest = bound.errors.map { _ in Rational.zero }
    for _ in 0..<60 {
      let numbers = (0..<widths[0]).map { _ in Int.random(in: -(1 << 60)...(2 << 60), using: &generator) }
      let expected = exact.output(at: numbers.map { Rational($0).scaled(bits: -60) })
      for order in 0..<7 {
        let computed: [Double]
        switch format {
        case .binary32:
          // Conversions of integers round to nearest, and the scaling is exact.
          let input = numbers.map { Float($0) * 0x1p-60 }
          computed = Self.outputs(network, input, order: order, &generator).map(Double.init)
        case .binary64:
          computed = Self.outputs(network, numbers.map { Double($0) * 0x1p-60 }, order: order, &generator)
        }
        for (k, value) in computed.enumerated() {
          let error = (try #require(Rational(exactly: value)) - expected[k]).magnitude
          #expect(error <= bound.errors[k], "output \(k), order \(order), input \(numbers)")
          greatest[k] = max(greatest[k], error)
        }
      }
    }
    // The bound means something: less than 300 times what a few random points attain.
    for (k, error) in greatest.enumerated() { #expect(bound.errors[k] < error * 300) }
  }
}
