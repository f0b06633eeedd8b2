import ExactArithmetic
import Specifications
import Testing

@Suite struct TighteningTests {
  private let region: [ClosedRange<Rational>] = [0...4, 1...1]

  private func monotone(_ feature: Int, slope: Rational = 0, direction: Direction = .nondecreasing) -> Query {
    Query(
      region: region, claim: .monotone(output: 1, feature: feature, direction: direction, minimumSlope: slope))
  }

  @Test func linearInequalitiesLoseTheErrorsOfTheirOutputs() {
    let query = Query(region: region, claim: .nonnegative(outputs: [2, -3, 0], constant: 7))
    let errors = [Rational(1, 8), Rational(1, 16), 100]
    // 7 − (2/8 + 3/16) = 105/16, and a tolerance of 1 gives one back.
    #expect(
      query.tightened(by: errors)
        == Query(region: region, claim: .nonnegative(outputs: [2, -3, 0], constant: Rational(105, 16))))
    #expect(
      query.tightened(by: errors, tolerance: 1)
        == Query(region: region, claim: .nonnegative(outputs: [2, -3, 0], constant: Rational(121, 16))))
  }

  @Test func monotoneClaimsNeedATolerance() {
    let errors: [Rational] = [100, Rational(1, 8)]
    #expect(monotone(0).tightened(by: errors) == nil)
    #expect(monotone(0).tightened(by: errors, tolerance: Rational(1, 4) - Rational(1, 1000)) == nil)
    #expect(monotone(0).tightened(by: errors, tolerance: Rational(1, 4)) == monotone(0))
    // What is left, 1 − 1/4, over a width of 4.
    #expect(monotone(0).tightened(by: errors, tolerance: 1) == monotone(0, slope: Rational(-3, 16)))
    #expect(
      monotone(0, slope: 5, direction: .nonincreasing).tightened(by: errors, tolerance: 1)
        == monotone(0, slope: Rational(77, 16), direction: .nonincreasing))
    // Nothing grows in a feature of one value.
    #expect(monotone(1).tightened(by: errors) == monotone(1))
    // Without errors nothing is lost.
    #expect(monotone(0).tightened(by: [0, 0]) == monotone(0))
  }

  /// The tightened claim about f implies the claim about every f̂ within the errors: for f(x) = slope·x with the errors
  /// against it at both ends of the box, where t is greatest, and nearly nothing apart.
  @Test func tightenedClaimsImplyTheClaimOfTheWorstComputedNumbers() throws {
    let error = Rational(1, 8)
    let tolerance = Rational(3, 4)
    let tight = try #require(monotone(0).tightened(by: [0, error], tolerance: tolerance))
    guard case .monotone(_, _, _, let slope) = tight.claim else {
      Issue.record("another kind of claim: \(tight.claim)")
      return
    }
    for t in [Rational(1, 1_000_000), 1, 4] {
      #expect(slope * t - 2 * error >= -tolerance)
    }
    #expect(slope * 4 - 2 * error == -tolerance)
  }

  @Test func propertiesAreTightenedAsAWhole() throws {
    let specification = try Specification.parse(
      text: """
        spec: vpals/v1
        features:
          x: {domain: 0..2}
        outputs:
          y: {}
          z: {scale: log2}
        properties:
          - id: rises
            nondecreasing: {of: y, in: x}
          - id: between
            always: -1 <= y <= 5
          - id: above
            always: 4 <= z
        """, path: "a.yaml")
    let errors = [Rational(1, 2), Rational(1, 4)]
    let tightened = specification.properties.map { $0.tightenedQueries(by: errors) }
    #expect(tightened[0] == nil)
    #expect(
      tightened[1]?.map(\.claim) == [
        .nonnegative(outputs: [1, 0], constant: Rational(1, 2)),
        .nonnegative(outputs: [-1, 0], constant: Rational(9, 2)),
      ])
    #expect(tightened[2]?.map(\.claim) == [.nonnegative(outputs: [0, 1], constant: Rational(-9, 4))])
    #expect(specification.properties[0].tightenedQueries(by: errors, tolerance: 1)?.count == 1)
  }
}
