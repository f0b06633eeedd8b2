import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Random networks: the engines against each other, and against brute force where two inputs allow it.
struct RandomNetworkTests {
  /// A box with ends that are not dyadic.
  private func box(_ inputs: Int, _ dice: inout Dice) -> [ClosedRange<Rational>] {
    (0..<inputs).map { _ in
      let low = Rational(dice.integer(in: -9...5), 9)
      return low...(low + Rational(dice.integer(in: 1...12), 7))
    }
  }

  /// The exact least slope and the exact least value are proved; 2⁻⁴⁰ more is refuted.
  @Test(arguments: WeightStyle.allCases)
  func tightClaimsAgreeWithBruteForce(_ style: WeightStyle) throws {
    let seed: UInt64 = 4711
    var dice = Dice(seed: seed)
    for round in 0..<16 {
      let network = try Network.random(
        inputs: 2, widths: dice.pick([[5], [3, 3], [2, 2, 2], [4, 4]]), outputs: 2, style: style, &dice)
      let box = box(2, &dice)
      let oracle = try PhaseOracle(network, box: box)
      let feature = dice.below(2)
      let direction = dice.pick([Direction.nondecreasing, .nonincreasing])
      let slope = try #require(oracle.leastSlope(output: 1, feature: feature, sign: direction.sign))
      let weights = [Rational(dice.integer(in: -2...2)), Rational(dice.integer(in: -3...3), 3)]
      let value = try #require(oracle.leastValue(weights))
      let bit = Rational.one.scaled(bits: -40)
      let cases: [(Query, String)] = [
        (.rising(box, feature: feature, output: 1, direction, slope: slope), "holds"),
        (.rising(box, feature: feature, output: 1, direction, slope: slope + bit), "violated"),
        (.rising(box, feature: feature, output: 1, direction), slope.isNegative ? "violated" : "holds"),
        (.nonnegative(box, weights, constant: -value), "holds"),
        (.nonnegative(box, weights, constant: -value - bit), "violated"),
      ]
      for (index, (query, expected)) in cases.enumerated() {
        let method = dice.pick([Method.auto, .branchAndBound])
        let answer = try decide(network, query, method)
        #expect(answer == expected, "seed \(seed), round \(round), case \(index), \(style), \(method): \(network.text)")
      }
    }
  }

  /// Z3 may run out of its time; branch and bound may not.
  @Test(arguments: WeightStyle.allCases)
  func enginesAgree(_ style: WeightStyle) throws {
    let seed: UInt64 = 1234
    var dice = Dice(seed: seed)
    var undecided = 0
    var verdicts: [String: Int] = [:]
    let rounds = 14
    for round in 0..<rounds {
      let inputs = dice.integer(in: 2...4)
      let widths = dice.pick([[8], [4, 4], [6, 6], [8, 8]])
      let network = try Network.random(inputs: inputs, widths: widths, style: style, &dice)
      let box = box(inputs, &dice)
      let query: Query
      if dice.chance(0.7) {
        query = .rising(box, feature: dice.below(inputs), dice.pick([.nondecreasing, .nondecreasing, .nonincreasing]))
      } else {
        query = .nonnegative(box, constant: Rational(dice.integer(in: -4...8), 4))
      }
      func note() -> Comment { "seed \(seed), round \(round), \(style): \(network.text) \(query)" }
      let answer = try decide(network, query, .auto)
      #expect(answer == "holds" || answer == "violated", note())
      #expect(try decide(network, query, .branchAndBound) == answer, note())
      verdicts[answer, default: 0] += 1
      let solver = try decide(network, query, .oneCopy, budget: Budget(seconds: 4))
      if solver == "timeout" { undecided += 1 } else { #expect(solver == answer, note()) }
    }
    #expect(undecided <= rounds / 3, "seed \(seed)")
  }

  /// Every proved slope is one, and at most half as far again (and a little more) as the true least.
  @Test func certifiedSlopeIsProvedAndNotFarFromTheLeast() throws {
    let seed: UInt64 = 99
    var dice = Dice(seed: seed)
    for round in 0..<24 {
      let network = try Network.random(
        inputs: 2, widths: dice.pick([[4], [3, 3]]), style: dice.pick([.dyadic, .single, .nearlyMonotone]), &dice)
      let box = box(2, &dice)
      let oracle = try PhaseOracle(network, box: box)
      let direction = dice.pick([Direction.nondecreasing, .nonincreasing])
      let least = try #require(oracle.leastSlope(output: 0, feature: 0, sign: direction.sign))
      let verifier = Verifier(network: ExactNetwork(network))
      let query = Query.rising(box, direction)
      func note() -> Comment { "seed \(seed), round \(round): \(network.text)" }
      let slope = try #require(try verifier.certifiedSlope(of: query, budget: Budget()), note())
      #expect(slope <= min(least, 0), note())
      #expect(slope >= min(least, 0) * 2 - Rational.one.scaled(bits: -10), note())
      if !least.isNegative { #expect(slope.isZero, note()) }
      if round % 6 == 0 {
        #expect(try decide(network, .rising(box, direction, slope: slope), .oneCopy) == "holds", note())
      }
    }
  }

  /// The threshold of a query says nothing about the slope that is certified.
  @Test func certifiedSlopeDoesNotDependOnTheMinimumSlope() throws {
    let network = try Network.of([([[1], [1]], [4, 0]), ([[1, -1.5]], [0])])
    let verifier = Verifier(network: ExactNetwork(network))
    for minimum in [Rational.zero, 3, -3] {
      let slope = try verifier.certifiedSlope(of: .rising([-1...1], slope: minimum), budget: Budget())
      let value = try #require(slope)
      #expect(value <= Rational(-1, 2) && value >= -1, "minimum slope \(minimum)")
    }
  }
}
