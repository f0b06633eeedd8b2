import Certificates
import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing
import Training
import Verification

@Suite struct CertifiedRepairTests {
  /// In x₀ the slope is −1/64 up to 1/2 and 63/64 beyond; x₁ adds 1/4 of itself.
  private func network() throws -> Network {
    try Network(layers: [
      Layer(inputCount: 2, outputCount: 3, weights: [1, 0, 1, 0, 0, 1], biases: [0, -0.5, 0], isRectified: true),
      Layer(inputCount: 3, outputCount: 1, weights: [-0x1p-6, 1, 0.25], biases: [2], isRectified: false),
    ])
  }

  private func specification() throws -> Specifications.Specification {
    try Specifications.Specification.parse(
      text: """
        spec: vpals/v1
        features:
          x0: {index: 0, domain: 0..1}
          x1: {index: 1, domain: 0..1}
        outputs:
          y: {index: 0}
        properties:
          - {id: rises, nondecreasing: {of: y, in: x0}}

        """, path: "repair.yaml")
  }

  private func verdict(_ network: Network) throws -> Verdict {
    let session = try VerificationSession(network: ExactNetwork(network), specification: try specification())
    return try #require(try session.run(budget: Budget()).first).verdict
  }

  @Test(arguments: [Rational.zero, Rational(1, 32)])
  func coversTheLeastSlopeAndProvesTheRest(slack: Rational) throws {
    let network = try network()
    guard case .violated = try verdict(network) else {
      Issue.record("the network without a repair is not refuted")
      return
    }
    let query = try #require(try specification().properties[0].queries.first)
    let bound = try #require(
      try Verifier(network: ExactNetwork(network)).certifiedSlope(
        of: query, slack: slack, trialSeconds: 600, budget: Budget()))
    // Not above the least slope, or else it would be no bound; and not much below it or the slack.
    #expect(bound <= Rational(-1, 64))
    #expect(bound <= -slack)
    #expect(bound >= min(Rational(-1, 64), -slack) * Rational(5, 4))

    let slope = try #require(Repair.slope(covering: -bound))
    let lowerEnd = try #require(Repair.lowerEnd(below: query.region[0].lowerBound))
    let repaired = try network.repaired(
      by: [Repair(output: 0, feature: 0, sign: 1, slope: slope, lowerEnd: lowerEnd)])
    #expect(try verdict(repaired) == .holds)

    // The output changes by slope · x₀ and so by at most the slope, for the domain is 1 wide.
    let (before, after) = (ExactNetwork(network), ExactNetwork(repaired))
    let exact = try #require(Rational(exactly: slope))
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<200 {
      let point = (0..<2).map { _ in Rational(Int(generator.next() >> 50), 16_383) }
      let change = after.output(at: point)[0] - before.output(at: point)[0]
      #expect(change == exact * point[0])
      #expect(change >= .zero && change <= exact)
    }
  }

  @Test func aLittleLessIsNotEnough() throws {
    let network = try network()
    let less = try network.repaired(
      by: [Repair(output: 0, feature: 0, sign: 1, slope: 0x1p-6 - 0x1p-20, lowerEnd: 0)])
    guard case .violated = try verdict(less) else {
      Issue.record("a repair below the least slope is accepted")
      return
    }
    let enough = try network.repaired(by: [Repair(output: 0, feature: 0, sign: 1, slope: 0x1p-6, lowerEnd: 0)])
    #expect(try verdict(enough) == .holds)
  }

  @Test func monotoneNetworkNeedsNoRepair() throws {
    let query = try #require(try specification().properties[0].queries.first)
    let network = try network().repaired(by: [Repair(output: 0, feature: 0, sign: 1, slope: 0.5, lowerEnd: 0)])
    #expect(
      try Verifier(network: ExactNetwork(network)).certifiedSlope(of: query, trialSeconds: 600, budget: Budget())
        == .zero)
  }
}
