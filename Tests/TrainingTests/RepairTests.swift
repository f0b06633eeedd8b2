import ExactArithmetic
import Networks
import Testing

@testable import Training

@Suite struct RepairTests {
  private func network(hidden: [Int], seed: UInt64) throws -> Network {
    var generator = RandomGenerator(seed: seed)
    let widths = [3] + hidden + [2]
    var layers: [Layer] = []
    for l in 0..<widths.count - 1 {
      layers.append(
        try Layer(
          inputCount: widths[l], outputCount: widths[l + 1],
          weights: (0..<widths[l] * widths[l + 1]).map { _ in Double(generator.integer(below: 513) - 256) / 128 },
          biases: (0..<widths[l + 1]).map { _ in Double(generator.integer(below: 513) - 256) / 256 },
          isRectified: l + 2 < widths.count))
    }
    return try Network(layers: layers)
  }

  @Test(arguments: [[], [4], [4, 5], [3, 3, 3]])
  func outputsDifferByExactlyTheAddedTerms(hidden: [Int]) throws {
    let network = try network(hidden: hidden, seed: 3)
    let repairs = [
      Repair(output: 0, feature: 1, sign: 1, slope: 0.375, lowerEnd: -2.5),
      Repair(output: 1, feature: 1, sign: -1, slope: 0.0625, lowerEnd: -2.5),
      Repair(output: 0, feature: 2, sign: 1, slope: 0x1p-20, lowerEnd: 0),
    ]
    let repaired = try network.repaired(by: repairs)
    // Two repairs share a neuron, the third has its own.
    #expect(repaired.hiddenWidths == hidden.map { $0 + 2 })
    let (before, after) = (ExactNetwork(network), ExactNetwork(repaired))
    var generator = RandomGenerator(seed: 8)
    for _ in 0..<50 {
      let point = [Rational(-5), Rational(-5) / Rational(2), Rational(0)].map {
        $0 + Rational(generator.integer(below: 1000)) / Rational(77)
      }
      let (old, new) = (before.output(at: point), after.output(at: point))
      let rise = point[1] + Rational(5) / Rational(2)
      let added0 = Rational(3) / Rational(8) * rise + point[2].scaled(bits: -20)
      #expect(new[0] - old[0] == added0)
      #expect(new[1] - old[1] == -(rise.scaled(bits: -4)))
    }
  }

  @Test func repairOfSlopeZeroChangesNothing() throws {
    let network = try network(hidden: [4], seed: 5)
    #expect(
      try network.repaired(by: [Repair(output: 0, feature: 0, sign: 1, slope: 0, lowerEnd: 0)]) == network)
  }

  @Test func repeatedRepairsOfOneSlopeAddUp() throws {
    let network = try network(hidden: [4], seed: 5)
    let repair = Repair(output: 0, feature: 0, sign: 1, slope: 0.25, lowerEnd: 0)
    let twice = try network.repaired(by: [repair, repair])
    #expect(
      try twice == network.repaired(by: [Repair(output: 0, feature: 0, sign: 1, slope: 0.5, lowerEnd: 0)]))
  }

  @Test func badRepairsAreRefused() throws {
    let network = try network(hidden: [4], seed: 5)
    let bad = [
      Repair(output: 2, feature: 0, sign: 1, slope: 1, lowerEnd: 0),
      Repair(output: 0, feature: 3, sign: 1, slope: 1, lowerEnd: 0),
      Repair(output: 0, feature: 0, sign: 0, slope: 1, lowerEnd: 0),
      Repair(output: 0, feature: 0, sign: 1, slope: -1, lowerEnd: 0),
      Repair(output: 0, feature: 0, sign: 1, slope: 1, lowerEnd: -.infinity),
    ]
    for repair in bad { #expect(throws: TrainingError.self) { try network.repaired(by: [repair]) } }
    let inexact = [
      Repair(output: 0, feature: 0, sign: 1, slope: 1, lowerEnd: 0),
      Repair(output: 0, feature: 0, sign: 1, slope: 0x1p-60, lowerEnd: 0),
    ]
    #expect(throws: TrainingError.self) { try network.repaired(by: inexact) }
  }

  @Test func slopesRoundUpAndLowerEndsRoundDown() throws {
    let tenth = Rational(1) / Rational(10)
    for bits in [1, 4, 12, 52] {
      let up = try #require(Repair.slope(covering: tenth, bits: bits).flatMap(Rational.init(exactly:)))
      let down = try #require(Repair.lowerEnd(below: tenth, bits: bits).flatMap(Rational.init(exactly:)))
      #expect(down < tenth && tenth < up)
      #expect(up - down <= Rational.one.scaled(bits: -3 - bits))
      let negative = try #require(Repair.lowerEnd(below: -tenth, bits: bits).flatMap(Rational.init(exactly:)))
      #expect(negative == -up)
    }
    #expect(Repair.slope(covering: 3) == 3)
    #expect(Repair.slope(covering: -1) == 0)
    #expect(Repair.lowerEnd(below: 0) == 0)
  }
}
