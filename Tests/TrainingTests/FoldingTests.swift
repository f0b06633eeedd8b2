import ExactArithmetic
import Networks
import Testing

@testable import Training

@Suite struct FoldingTests {
  /// The folded network equals normalise, network, denormalise at rational points, in exact arithmetic.
  @Test(arguments: [UInt64(1), 2, 3])
  func foldedNetworkIsTheNormalisedOneExactly(seed: UInt64) throws {
    var generator = RandomGenerator(seed: seed)
    let shape = NetworkShape(inputCount: 3, hidden: [4, 3], outputCount: 2)
    let parameters = (0..<shape.parameterCount).map { _ in Double(generator.integer(below: 1025) - 512) / 256 }
    let normalisation = Normalisation(
      inputs: [
        .init(centre: 0.328125, exponent: -1), .init(centre: 5e9, exponent: 30), .init(centre: -3, exponent: 0),
      ],
      outputs: [.init(centre: 9.5, exponent: 2), .init(centre: -0.125, exponent: -4)])
    let model = TrainedModel(shape: shape, normalisation: normalisation, parameters: parameters)
    let folded = ExactNetwork(try model.network())
    let plain = ExactNetwork(
      try TrainedModel(
        shape: shape,
        normalisation: Normalisation(
          inputs: Array(repeating: .init(centre: 0, exponent: 0), count: 3),
          outputs: Array(repeating: .init(centre: 0, exponent: 0), count: 2)), parameters: parameters
      ).network())
    for _ in 0..<20 {
      let normalised = (0..<3).map { _ in Rational(generator.integer(below: 2001) - 1000) / Rational(333) }
      let point = try zip(normalisation.inputs, normalised).map {
        try $1.scaled(bits: $0.exponent) + #require(Rational(exactly: $0.centre))
      }
      let expected = try zip(normalisation.outputs, plain.output(at: normalised)).map {
        try $1.scaled(bits: $0.exponent) + #require(Rational(exactly: $0.centre))
      }
      #expect(folded.output(at: point) == expected)
    }
  }

  @Test func foldingThatWouldRoundIsRefused() throws {
    let shape = NetworkShape(inputCount: 1, hidden: [1], outputCount: 1)
    let model = TrainedModel(
      shape: shape,
      normalisation: Normalisation(
        inputs: [.init(centre: 0x1p60, exponent: 0)], outputs: [.init(centre: 0, exponent: 0)]),
      parameters: [1, 0.0078125, 1, 0])
    let message = "the bias of neuron 0 in layer 0 does not fit binary64 after folding; use coarser grids"
    #expect(throws: TrainingError(.inexact, message)) { try model.network() }
  }

  @Test func scalesArePowersOfTwoThatReachTheSpread() throws {
    let data = try TrainingData(
      inputCount: 2, outputCount: 1, inputs: [0, 1000, 2, 1001, 4, 1002], targets: [10, 20, 30])
    var configuration = TrainingConfiguration()
    let spread = Normalisation(data: data, domain: [0...4, 0...4096], configuration: configuration)
    // Deviation √(8/3) ≈ 1.63; for the second input a quarter of half the domain, 512.
    #expect(spread.inputs == [.init(centre: 2, exponent: 1), .init(centre: 1000, exponent: 9)])
    #expect(spread.outputs == [.init(centre: 20, exponent: 4)])
    configuration.inputScale = .domain
    let domain = Normalisation(data: data, domain: [0...4, 0...4096], configuration: configuration)
    #expect(domain.inputs == [.init(centre: 2, exponent: 1), .init(centre: 2048, exponent: 11)])
  }

  @Test func snappingRoundsTiesToEvenAndPruningSparesBiases() {
    let grid = SnappingGrid(weightBits: 1, biasBits: 2)
    let snapped = grid.snapped([0.25, 0.75, -0.1, 0.3], isWeight: [true, true, true, false])
    #expect(snapped == [0, 1, 0, 0.25])
    #expect(snapped[2].sign == .plus)
    #expect(
      SnappingGrid.pruned([0.01, -0.01, 0.02, 0.01], isWeight: [true, true, true, false], below: 0.02)
        == [0, 0, 0.02, 0.01])
  }
}
