import ExactArithmetic
import Testing

@testable import Networks

/// One affine layer with the given rows.
func affine(_ rows: [[Double]], _ biases: [Double]) throws -> Layer {
  try Layer(
    inputCount: rows[0].count, outputCount: rows.count, weights: rows.flatMap { $0 }, biases: biases, isRectified: false
  )
}

func rectified(_ rows: [[Double]], _ biases: [Double]) throws -> Layer {
  let layer = try affine(rows, biases)
  return try Layer(
    inputCount: layer.inputCount, outputCount: layer.outputCount, weights: layer.weights, biases: biases,
    isRectified: true)
}

/// The integers from `low` to `high`, times 2^`exponent`.
func axis(_ low: Int, _ high: Int, exponent: Int = 0) throws -> InputGrid.Axis {
  try #require(
    InputGrid.Axis(
      exponent: exponent, low: Dyadic(low).scaled(bits: exponent), high: Dyadic(high).scaled(bits: exponent)))
}

@Suite struct RoundingConditionTests {
  private func condition(_ layers: [Layer], _ axes: [InputGrid.Axis]) throws -> RoundingCondition {
    RoundingCondition(try Network(layers: layers), on: InputGrid(axes: axes))
  }

  @Test func acceptsASumOf53BitsAndRefusesOneUnitMore() throws {
    let top = (1 << 53) - 1
    #expect(try condition([affine([[1]], [1])], [axis(0, top)]) == .exact(bits: [53, 53]))
    #expect(
      try condition([affine([[1]], [2])], [axis(0, top)]) == .inexact(.neuron(layer: 0, index: 0), bitsNeeded: 54))
    // And it does round.
    #expect(Double(top) + 1 == 0x1p53)
    #expect(Double(top) + 2 == 0x1p53)
  }

  @Test func countsTheBitsOfAFinerBias() throws {
    let top = (1 << 52) - 1
    #expect(try condition([affine([[1]], [0.5])], [axis(0, top)]) == .exact(bits: [52, 53]))
    #expect(
      try condition([affine([[1]], [0.25])], [axis(0, top)]) == .inexact(.neuron(layer: 0, index: 0), bitsNeeded: 54))
    #expect(Double(top) + 0.5 == 4_503_599_627_370_495.5)
    #expect(Double(top) + 0.25 == Double(top))
  }

  @Test func countsTheBitsOfAProduct() throws {
    // (2^27 − 1)·(2^26 − 1) needs 53 bits, (2^27 − 1)² needs 54.
    #expect(try condition([affine([[0x1p26 - 1]], [0])], [axis(0, (1 << 27) - 1)]) == .exact(bits: [27, 53]))
    #expect(
      try condition([affine([[0x1p27 - 1]], [0])], [axis(0, (1 << 27) - 1)])
        == .inexact(.neuron(layer: 0, index: 0), bitsNeeded: 54))
    let factor = 134_217_727.0
    #expect(factor * factor == 18_014_398_241_046_528)  // 18,014,398,241,046,529
  }

  @Test func isAboutEveryPartialSum() throws {
    let top = 1 << 53
    // The value of x₀ − x₁ and each term fit. So does every partial sum.
    #expect(try condition([affine([[1, -1]], [0])], [axis(0, top), axis(0, top)]) == .exact(bits: [53, 53]))
    // x₀ + x₁ − x₂ fits for x₂ = x₁, but not x₀ + x₁ on the way: (2^53 + 1) − 1 comes out as 2^53 − 1.
    #expect(
      try condition([affine([[1, 1, -1]], [0])], [axis(0, top), axis(1, 1), axis(1, 1)])
        == .inexact(.neuron(layer: 0, index: 0), bitsNeeded: 54))
    #expect((Double(top) + 1) - 1 == 0x1p53 - 1)
    #expect((Double(top) - 1) + 1 == 0x1p53)
  }

  @Test func negativeSumsCountLikePositiveOnes() throws {
    #expect(try condition([affine([[-1]], [-1])], [axis(0, (1 << 53) - 1)]) == .exact(bits: [53, 53]))
    #expect(
      try condition([affine([[-1]], [-2])], [axis(0, (1 << 53) - 1)])
        == .inexact(.neuron(layer: 0, index: 0), bitsNeeded: 54))
  }

  @Test func everyNeuronHasItsOwnUnit() throws {
    // 2^53 beside numbers with 60 fractional bits: too much for one grid, fine for two neurons.
    let layer = try affine([[1, 0], [0, 0x1p-60]], [0, 0x1p-60])
    #expect(try condition([layer], [axis(0, 1 << 53), axis(0, 3)]) == .exact(bits: [53, 53]))
    // Their sum is not.
    #expect(
      try condition([layer, affine([[1, 1]], [0])], [axis(0, 1 << 53), axis(0, 3)])
        == .inexact(.neuron(layer: 1, index: 0), bitsNeeded: 114))
  }

  @Test func followsIntervalsAndUnitsThroughLayers() throws {
    // Layer 0: (x − 3)/4 with x ∈ {0, …, 15}: unit 1/4, values in [−3/4, 3]; terms up to 15/4: 4 bits.
    // Layer 1: relu(1.5·a − 1/8), relu(−a): units 1/8 and 1/4; 1.5·3 = 36/8: 6 bits.
    // Layer 2: ¼·r₀ − r₁ + 1 with r₀ ∈ [0, 35/8], r₁ ∈ [0, 3/4]: unit 1/32; 35/32 + 1 = 67/32: 7 bits.
    let layers = [
      try affine([[0.25]], [-0.75]), try rectified([[1.5], [-1]], [-0.125, 0]), try affine([[0.25, -1]], [1]),
    ]
    #expect(try condition(layers, [axis(0, 15)]) == .exact(bits: [4, 4, 6, 7]))
    // Multiplied out it would be another condition: 0.375·x − 1.25 needs 6 bits at once.
    let folded = [try rectified([[0.375], [-0.25]], [-1.25, 0.75]), layers[2]]
    #expect(try condition(folded, [axis(0, 15)]) == .exact(bits: [4, 6, 7]))
  }

  @Test func ignoresNeuronsThatAreNeverActive() throws {
    let never = try rectified([[1], [1]], [0, -16])
    let fine = try affine([[1, 0x1.0000000000001p-300]], [0])
    #expect(try condition([never, fine], [axis(0, 16)]) == .exact(bits: [4, 4, 4]))
    #expect(
      try condition([never, fine], [axis(0, 17)]) == .inexact(.neuron(layer: 1, index: 0), bitsNeeded: 357))
  }

  @Test func refusesSubnormalAndHugeNumbers() throws {
    let place = RoundingCondition.Place.neuron(layer: 0, index: 0)
    #expect(try condition([affine([[0x1p-1022]], [0])], [axis(1, 1)]) == .exact(bits: [0, 0]))
    // A unit below the least normal number: subnormal results, which some processors flush to zero.
    #expect(try condition([affine([[0x1p-1022]], [0])], [axis(1, 1, exponent: -1)]) == .outOfRange(place))
    // A subnormal weight, although the product is normal.
    #expect(try condition([affine([[0x1p-1030]], [0])], [axis(256, 256, exponent: 0)]) == .outOfRange(place))
    #expect(try condition([affine([[0x1p1000]], [0])], [axis(0, 1 << 23)]) == .exact(bits: [23, 23]))
    #expect(try condition([affine([[0x1p1000]], [0])], [axis(0, 1 << 24)]) == .outOfRange(place))
    #expect(try condition([affine([[1]], [0])], [axis(0, 1 << 54)]) == .inexact(.input(0), bitsNeeded: 54))
  }

  // MARK: Grids

  @Test func movesTheEndsOfADomainInwards() throws {
    let interval = Rational(-3, 10)...Rational(7, 10)
    let grid = try #require(InputGrid(inside: [interval], bits: 3))
    // Width 1, spacing 1/8: −2.4/8 and 5.6/8 become −2/8 and 5/8.
    #expect(grid.axes == [try axis(-2, 5, exponent: -3)])
    #expect(grid.axes[0].isInside(interval))
    #expect(!grid.axes[0].isInside(Rational(-2, 10)...Rational(7, 10)))
    // Width 1.5 and 1: the same spacing; width 2: twice that.
    let two = try #require(InputGrid(inside: [Rational(1, 2)...2, 0...2], bits: 4))
    #expect(two.axes == [try axis(8, 32, exponent: -4), try axis(0, 16, exponent: -3)])
    // One point only: representable or nothing.
    #expect(InputGrid(inside: [Rational(3, 4)...Rational(3, 4)], bits: 10)?.axes == [try axis(3, 3, exponent: -2)])
    #expect(InputGrid(inside: [Rational(1, 3)...Rational(1, 3)], bits: 10) == nil)
  }

  @Test func refusesEndsThatAreNoMultiples() {
    #expect(InputGrid.Axis(exponent: 0, low: .zero, high: Dyadic(1).scaled(bits: -1)) == nil)
    #expect(InputGrid.Axis(exponent: -1, low: .zero, high: Dyadic(1).scaled(bits: -1)) != nil)
    #expect(InputGrid.Axis(exponent: 0, low: .one, high: .zero) == nil)
    #expect(InputGrid.Axis(exponent: -1023, low: .zero, high: .one) == nil)
    #expect(InputGrid.Axis(exponent: 972, low: .zero, high: .zero) == nil)
    #expect(InputGrid.Axis(exponent: 971, low: .zero, high: .zero) != nil)
  }

  /// A weight of 31 bits on [0, 1] with 2^k steps: 31 + k bits, so k = 22; one bit less in the weight gives k = 23.
  @Test(
    arguments: [
      (1 + 0x1p-30, 22), (1 - 0x1p-30, 23), (1 + 0x1p-31, 21), (1 + 0x1p-42, 10), (1 + 0x1p-43, nil), (1, 30),
    ] as [(Double, Int?)])
  func findsTheFinestGrid(weight: Double, bits: Int?) throws {
    let network = try Network(layers: [affine([[weight]], [0])])
    let grid = InputGrid.finest(for: network, over: [0...1])
    #expect(grid?.axes == (try bits.map { [try axis(0, 1 << $0, exponent: -$0)] }))
  }
}
