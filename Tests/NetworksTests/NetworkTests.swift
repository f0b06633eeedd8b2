import ExactArithmetic
import Testing

@testable import Networks

@Suite struct NetworkTests {
  /// |x| − 1 = relu(x) + relu(−x) − 1, and 2·relu(x).
  static func absolute() throws -> Network {
    try Network(layers: [
      Layer(inputCount: 1, outputCount: 2, weights: [1, -1], biases: [0, 0], isRectified: true),
      Layer(inputCount: 2, outputCount: 2, weights: [1, 1, 2, 0], biases: [-1, 0], isRectified: false),
    ])
  }

  @Test func exactForwardPassMatchesHandComputedValues() throws {
    let network = ExactNetwork(try Self.absolute())
    #expect(network.output(at: [Rational(-7, 3)]) == [Rational(4, 3), 0])
    #expect(network.output(at: [Rational(1, 7)]) == [Rational(-6, 7), Rational(2, 7)])
    #expect(network.output(at: [0]) == [-1, 0])
    #expect(network.preActivations(at: [Rational(1, 7)])[0] == [Rational(1, 7), Rational(-1, 7)])
    #expect(network.hiddenNeuronCount == 2)
  }

  @Test func exactForwardPassDoesNotRound() throws {
    // In binary64, 0.1·3 rounds; the stored 0.1 is 3602879701896397 / 2^55.
    let layer = try Layer(inputCount: 2, outputCount: 1, weights: [0.1, 1e300], biases: [1e-300], isRectified: false)
    let network = ExactNetwork(try Network(layers: [layer]))
    let tenth = try #require(Rational(text: "3602879701896397/36028797018963968"))
    let tiny = try #require(Rational(exactly: 1e-300))
    #expect(network.output(at: [3, 0]) == [tenth * 3 + tiny])
  }

  /// Copies at linear images of one vector, with and without hidden layers: the values are those of the network.
  @Test func productHoldsTheNetworkAtEachImage() throws {
    let deep = try Network(layers: [
      Layer(inputCount: 2, outputCount: 2, weights: [1, -2, 0.5, 3], biases: [0.25, -1], isRectified: true),
      Layer(inputCount: 2, outputCount: 3, weights: [1, 1, -1, 2, 0, -0.1], biases: [0, 1, 0.3], isRectified: true),
      Layer(inputCount: 3, outputCount: 2, weights: [1, 2, 3, -1, 0, 4], biases: [5, -6], isRectified: false),
    ])
    let flat = try Network(layers: [
      Layer(inputCount: 2, outputCount: 2, weights: [1, -2, 0.5, 3], biases: [0.25, -1], isRectified: false)
    ])
    // x = (u₀, u₁), x′ = (u₀ + u₂, u₁), and (3/2·u₂ − u₀, 0).
    let threeHalves = try #require(Dyadic(exactly: 1.5))
    let maps = [
      LinearMap(columnCount: 3, rows: [[.init(column: 0)], [.init(column: 1)]]),
      LinearMap(columnCount: 3, rows: [[.init(column: 0), .init(column: 2)], [.init(column: 1)]]),
      LinearMap(
        columnCount: 3,
        rows: [
          [
            .init(column: 0, factor: Dyadic(-1)), .init(column: 2, factor: threeHalves),
          ], [],
        ]),
    ]
    for network in [ExactNetwork(deep), ExactNetwork(flat)] {
      let product = network.product(over: maps)
      #expect(product.inputCount == 3 && product.outputCount == 6)
      #expect(product.hiddenNeuronCount == 3 * network.hiddenNeuronCount)
      for u: [Rational] in [[0, 0, 0], [Rational(1, 3), -2, Rational(5, 7)], [-4, Rational(1, 2), 9]] {
        #expect(product.output(at: u) == maps.flatMap { network.output(at: $0.value(at: u)) })
      }
    }
    #expect(ExactNetwork(deep).product(over: [maps[0]]).digest != ExactNetwork(deep).digest)
    let identity = LinearMap(columnCount: 2, rows: [[.init(column: 0)], [.init(column: 1)]])
    #expect(ExactNetwork(deep).product(over: [identity]).digest == ExactNetwork(deep).digest)
  }

  @Test func affineLayersWithoutReLUBetweenThemHaveTheDigestOfTheirProduct() throws {
    // Normalisation (x − 10)/4 and (x − 2)·8, then weights; and the same multiplied out by hand.
    let layered = try Network(layers: [
      Layer(inputCount: 2, outputCount: 2, weights: [1, 0, 0, 1], biases: [-10, -2], isRectified: false),
      Layer(inputCount: 2, outputCount: 2, weights: [0.25, 0, 0, 8], biases: [0, 0], isRectified: false),
      Layer(inputCount: 2, outputCount: 1, weights: [2, 3], biases: [1], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [5], biases: [0], isRectified: false),
      Layer(inputCount: 1, outputCount: 1, weights: [0.5], biases: [7], isRectified: false),
    ])
    // 2·(x₀ − 10)/4 + 3·8·(x₁ − 2) + 1 = 0.5·x₀ + 24·x₁ − 52; then 2.5·r + 7.
    let folded = try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [0.5, 24], biases: [-52], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [2.5], biases: [7], isRectified: false),
    ])
    #expect(layered != folded)
    #expect(ExactNetwork(layered) == ExactNetwork(folded))
    #expect(ExactNetwork(layered).digest == ExactNetwork(folded).digest)
    #expect(ExactNetwork(layered).output(at: [14, 2]) == [Rational(2 * 5 * 3 + 4 * 7, 4)])
  }

  @Test func digestIsStableAndChangesWithOneUnitInTheLastPlace() throws {
    let network = ExactNetwork(try Self.absolute())
    #expect(
      network.canonicalText
        == "vpals-network/v1\n1 2\n1 2\n1 0\n-1 0\n0 0\n0 0\n2 2\n1 0\n1 0\n1 1\n0 0\n-1 0\n0 0\n")
    // The SHA-256 of that text, by another program.
    #expect(network.digest == "sha256:61033a93a627ce47c9dbce90f03d1df7ccffa8dc1bf376446b29aa568245d3a5")
    let original = try randomNetwork([3, 4, 2], seed: 5)
    let digest = ExactNetwork(original).digest
    for (index, layer) in original.layers.enumerated() {
      for position in layer.weights.indices {
        var weights = layer.weights
        weights[position] = weights[position].nextUp
        var layers = original.layers
        layers[index] = try Layer(
          inputCount: layer.inputCount, outputCount: layer.outputCount, weights: weights, biases: layer.biases,
          isRectified: layer.isRectified)
        #expect(ExactNetwork(try Network(layers: layers)).digest != digest)
      }
    }
  }

  @Test func refusesLayersThatDoNotFit() throws {
    let layer = try Layer(inputCount: 1, outputCount: 2, weights: [1, 2], biases: [0, 0], isRectified: true)
    let last = try Layer(inputCount: 1, outputCount: 1, weights: [1], biases: [0], isRectified: false)
    func message(_ make: () throws -> some Any) -> String? {
      do {
        _ = try make()
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(message { try Network(layers: []) } == "a network needs at least one layer")
    #expect(
      message { try Network(layers: [layer, last]) } == "layer 0 has 2 outputs, but layer 1 has 1 inputs")
    #expect(
      message { try Network(layers: [layer]) }
        == "the output layer is a ReLU; the output of a network must be affine")
    #expect(
      message { try Layer(inputCount: 2, outputCount: 1, weights: [1], biases: [0], isRectified: false) }
        == "a layer of 2 inputs and 1 outputs needs 2 weights and 1 biases, but has 1 and 1")
    #expect(
      message { try Layer(inputCount: 1, outputCount: 1, weights: [.nan], biases: [0], isRectified: false) }
        == "the weight from input 0 to neuron 0 is nan; every weight must be a finite number")
    #expect(
      message { try Layer(inputCount: 1, outputCount: 1, weights: [1], biases: [-.infinity], isRectified: false) }
        == "the bias of neuron 0 is -inf; every bias must be a finite number")
    #expect(
      message { try Network(layers: Array(repeating: last, count: 65)) } == "65 layers; at most 64 are supported")
  }
}
