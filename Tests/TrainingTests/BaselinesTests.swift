import Testing

@testable import Training

@Suite struct BaselinesTests {
  @Test func medianOfOddAndEvenCounts() throws {
    let odd = try TrainingData(inputCount: 1, outputCount: 1, inputs: [0, 0, 0], targets: [5, 1, 3])
    #expect(try MedianBaseline(odd).output() == [3])
    let even = try TrainingData(
      inputCount: 1, outputCount: 2, inputs: [0, 0, 0, 0], targets: [5, 10, 1, 30, 3, 20, 100, 40])
    #expect(try MedianBaseline(even).output() == [4, 25])
  }

  @Test func medianOfNothingIsRefused() throws {
    let none = try TrainingData(inputCount: 1, outputCount: 1, inputs: [], targets: [])
    #expect(throws: TrainingError(.data, "a median needs at least one row")) { try MedianBaseline(none) }
  }

  @Test func choleskySolvesAHandComputedSystem() {
    // [4 2; 2 5] · [1; 2] = [8; 12], and L = [2 0; 1 2].
    #expect(Cholesky(lowerTriangleOf: [[4, 0], [2, 5]]).solve([8, 12]) == [1, 2])
  }

  @Test func choleskySolvesThreeUnknowns() {
    // L = [2 0 0; 1 3 0; −1 2 1], A = L·Lᵀ, x = [1, −1, 2].
    let solution = Cholesky(lowerTriangleOf: [[4, 0, 0], [2, 10, 0], [-2, 5, 6]]).solve([-2, 2, 5])
    #expect(solution == [1, -1, 2])
  }

  @Test func ridgeWithAPenaltyOfOneHalvesTheSlope() {
    // x is −1 and 1 with mean 0 and deviation 1; y = 3x + 5. (n + n·1)·b = n·3, so b = 1.5.
    let fit = RidgeFit(rows: [[-1], [1]], targets: [2, 8], penalty: 1)
    #expect(fit.coefficients == [1.5])
    #expect(fit.intercept == 5)
    #expect(fit.output(at: [2]) == 8)
  }

  @Test func ridgeUndoesTheStandardisation() {
    // x is 10 and 14: mean 12, deviation 2. y is 0 and 8: standardised slope 4 / (1 + 1/3) = 3, so 1.5 per unit.
    let fit = RidgeFit(rows: [[10], [14]], targets: [0, 8], penalty: 1.0 / 3)
    #expect(abs(fit.coefficients[0] - 1.5) < 1e-14)
    #expect(abs(fit.intercept + 14) < 1e-13)
  }

  @Test func aConstantColumnGetsNoWeight() {
    let fit = RidgeFit(rows: [[-1, 7], [1, 7]], targets: [2, 8], penalty: 1)
    #expect(fit.coefficients == [1.5, 0])
    #expect(fit.intercept == 5)
  }

  @Test func blocksAreContiguousAndCoverEveryRow() {
    let blocks: [Range<Int>] = [0..<2, 2..<4, 4..<6, 6..<8, 8..<11]
    #expect(RidgeBaseline.blocks(of: 11) == blocks)
  }

  @Test func exactlyLinearDataNeedTheSmallestPenalty() throws {
    // y₀ = 2a − b + 1, y₁ = −a + 3 over a grid of points.
    var inputs: [Double] = []
    var targets: [Double] = []
    for row in 0..<20 {
      let (a, b) = (Double(row * 7 % 20), Double(row * row % 11))
      inputs += [a, b]
      targets += [2 * a - b + 1, -a + 3]
    }
    let ridge = try RidgeBaseline(TrainingData(inputCount: 2, outputCount: 2, inputs: inputs, targets: targets))
    #expect(ridge.chosenPenalties == [0x1p-12, 0x1p-12])
    let output = ridge.output(at: [4, 5])
    #expect(abs(output[0] - 4) < 0.02)
    #expect(abs(output[1] + 1) < 0.02)
  }

  @Test func dataWithoutAnyRelationGetNoSlope() throws {
    // y alternates within pairs of equal x, so that it is +1 and −1 equally often at every x.
    let inputs = (0..<20).map { Double($0 / 2 % 5) }
    let targets = (0..<20).map { $0 % 2 == 0 ? 1.0 : -1.0 }
    let ridge = try RidgeBaseline(TrainingData(inputCount: 1, outputCount: 1, inputs: inputs, targets: targets))
    #expect(abs(ridge.output(at: [2])[0]) < 1e-12)
    #expect(abs(ridge.coefficients[0][0]) < 1e-12)
  }

  @Test func onlyTheChosenFeaturesAreUsed() throws {
    let inputs = (0..<12).flatMap { [Double($0 * 5 % 12), Double($0)] }
    let targets = (0..<12).map { 3 * Double($0) }
    let data = try TrainingData(inputCount: 2, outputCount: 1, inputs: inputs, targets: targets)
    let ridge = try RidgeBaseline(data, features: [1])
    #expect(ridge.features == [1])
    #expect(abs(ridge.output(at: [1000, 4])[0] - 12) < 0.02)
  }

  @Test func tooFewRowsAndUnknownFeaturesAreRefused() throws {
    let few = try TrainingData(
      inputCount: 1, outputCount: 1, inputs: Array(repeating: 1, count: 9), targets: Array(repeating: 1, count: 9))
    #expect(throws: TrainingError(.data, "ridge regression needs at least 10 rows, but there are 9")) {
      try RidgeBaseline(few)
    }
    let data = try TrainingData(
      inputCount: 1, outputCount: 1, inputs: Array(repeating: 1, count: 10), targets: Array(repeating: 1, count: 10))
    for features in [[], [1], [-1]] {
      #expect(throws: TrainingError(.data, "ridge regression needs 1 to 512 features, each from 0 to 0")) {
        try RidgeBaseline(data, features: features)
      }
    }
  }
}
