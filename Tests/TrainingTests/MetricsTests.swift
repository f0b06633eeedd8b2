import Testing

@testable import Training

@Suite struct MetricsTests {
  @Test func rSquaredOfAHandComputedExample() {
    // Mean 2.5, total 1.5² + 0.5² + 0.5² + 1.5² = 5; residuals 0, 1, −1, 0, so 2.
    #expect(Metrics.rSquared(measured: [1, 2, 3, 4], predicted: [1, 1, 4, 4]) == 0.6)
  }

  @Test func predictingTheMeanGivesZero() {
    #expect(Metrics.rSquared(measured: [1, 2, 3], predicted: [2, 2, 2]) == 0)
  }

  @Test func predictingWorseThanTheMeanGivesANegativeNumber() {
    #expect(Metrics.rSquared(measured: [0, 2], predicted: [2, 0]) == -3)
  }

  @Test func rSquaredOfEqualMeasurementsDoesNotExist() {
    #expect(Metrics.rSquared(measured: [3, 3], predicted: [3, 4]) == nil)
  }

  @Test func percentageErrorIsTakenOnTheEngineersScale() {
    // 8 ms predicted for 4 ms is 100 % off; 2 ms for 4 ms is 50 %; 4 ms for 4 ms is 0 %; 16 for 4 is 300 %.
    #expect(Metrics.meanAbsolutePercentageError(measured: [2, 2, 2, 2], predicted: [3, 1, 2, 4]) == 1.125)
  }

  @Test func percentageErrorOfNumbersBeyondBinary64IsStillRelative() {
    #expect(Metrics.meanAbsolutePercentageError(measured: [5000], predicted: [5001]) == 1)
  }

  @Test func equalNumbersShareTheMeanOfTheirRanks() {
    #expect(Metrics.ranks([10, 20, 20, 5]) == [2, 3.5, 3.5, 1])
    #expect(Metrics.ranks([7, 7, 7]) == [2, 2, 2])
    #expect(Metrics.ranks([]) == [])
  }

  @Test func rankCorrelationOfAnyRisingMapIsOne() throws {
    let correlation = try #require(Metrics.rankCorrelation([1, 2, 3, 4], [1, 10, 100, 1000]))
    #expect(abs(correlation - 1) < 1e-15)
  }

  @Test func rankCorrelationOfAFallingMapIsMinusOne() throws {
    let correlation = try #require(Metrics.rankCorrelation([1, 2, 3], [9, 5, -4]))
    #expect(abs(correlation + 1) < 1e-15)
  }

  @Test func rankCorrelationWithTies() throws {
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: covariance 4.5, squares 4.5 and 5, so 4.5 / √22.5.
    let correlation = try #require(Metrics.rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4]))
    let expected = 4.5 / 22.5.squareRoot()
    #expect(abs(correlation - expected) < 1e-15)
  }

  @Test func rankCorrelationWithAConstantDoesNotExist() {
    #expect(Metrics.rankCorrelation([1, 2, 3], [4, 4, 4]) == nil)
  }

  @Test func accuracyHoldsAllThree() throws {
    let accuracy = Accuracy(measured: [1, 2, 3, 4], predicted: [1, 1, 4, 4])
    #expect(accuracy.rowCount == 4)
    #expect(accuracy.rSquared == 0.6)
    // 0, 50 %, 100 % and 0.
    #expect(accuracy.meanAbsolutePercentageError == 0.375)
    // Ranks 1, 2, 3, 4 and 1.5, 1.5, 3.5, 3.5: covariance 4, squares 5 and 4.
    let correlation = try #require(accuracy.rankCorrelation)
    let expected = 4 / 20.0.squareRoot()
    #expect(abs(correlation - expected) < 1e-15)
  }
}
