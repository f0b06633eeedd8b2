import Certificates
import ExactArithmetic
import Foundation
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// What is left of a verification that is stopped.
struct StoppingTests {
  /// A property of a network that no budget of a test decides: 3×32 neurons, 12 inputs, and monotone but for few
  /// weights, so that sampling finds no violation either.
  private struct Hard {
    let network: Network
    let specification: Specification
    var property: Property { specification.properties[0] }
    var verifier: Verifier { Verifier(network: ExactNetwork(network), options: VerificationOptions(samples: 0)) }

    init() throws {
      var dice = Dice(seed: 3)
      var layers: [Layer] = []
      var count = 12
      for width in [32, 32, 32, 1] {
        layers.append(
          try Layer(
            inputCount: count, outputCount: width,
            weights: (0..<(count * width)).map { _ in Double(Float(0.35 * dice.signed())) },
            biases: (0..<width).map { _ in Double(Float(0.1 * dice.signed())) }, isRectified: width > 1))
        count = width
      }
      network = try Network(layers: layers)
      let features = (0..<12).map { "  x\($0): {index: \($0), unit: fraction, domain: -1..1}" }
      specification = try Specification.parse(
        text: """
          spec: vpals/v1
          features:
          \(features.joined(separator: "\n"))
          outputs:
            y: {index: 0, unit: ms, scale: linear}
          properties:
            - id: bounded
              always: y >= -2.5 ms
          """, path: "hard.yaml")
    }
  }

  @Test(arguments: Engine.allCases)
  func signalBeforeTheStartEndsAtOnce(_ engine: Engine) throws {
    let hard = try Hard()
    let stop = StopSignal()
    stop.request()
    let verifier = Verifier(network: ExactNetwork(hard.network), options: VerificationOptions(engine: engine))
    let result = try verifier.decide(hard.property, budget: Budget(stop: stop))
    #expect(result.verdict == .unknown(.interrupted))
    #expect(result.provedShare == 0)
    #expect(result.leaves == 0)
  }

  /// The signal comes from another thread once the search has begun; without it this test would not end. A thread of its
  /// own, since searches in tests may occupy every thread of the dispatch queues.
  @Test(arguments: Engine.allCases)
  func signalDuringTheSearchEndsIt(_ engine: Engine) throws {
    let hard = try Hard()
    let stop = StopSignal()
    let verifier = Verifier(
      network: ExactNetwork(hard.network), options: VerificationOptions(engine: engine, samples: 0))
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.3)
      stop.request()
    }
    let result = try verifier.decide(hard.property, budget: Budget(stop: stop))
    #expect(result.verdict == .unknown(.interrupted))
    #expect(result.provedShare < 1)
  }

  @Test func stoppedSearchReportsATrueLowerBound() throws {
    let hard = try Hard()
    let result = try hard.verifier.decide(hard.property, budget: Budget(seconds: 0.5))
    #expect(result.verdict == .unknown(.timeout))
    #expect(result.provedShare < 1)
    let bound = try #require(result.lowerBound)
    #expect(bound <= 0)
    var dice = Dice(seed: 8)
    for _ in 0..<40 {
      let point = (0..<12).map { _ in Rational(dice.integer(in: -64...64), 64) }
      let value = try exactOutputs(hard.network, at: point)[0] + Rational(5, 2)
      #expect(bound <= value, "seed 8")
    }
  }

  @Test func stoppedSearchReportsATrueLowerBoundOfTheSlope() throws {
    let hard = try Hard()
    let network = ExactNetwork(hard.network)
    let region = (0..<12).map { _ in Rational(-1)...Rational(1) }
    // Far enough below zero that no violation is met in the time, and not far enough for a proof.
    let query = Query.rising(region, slope: -2)
    let builder = CounterexampleBuilder(network: network, query: query, index: 0, isEnclosed: false)
    let outcome = try hard.verifier.searchAndProve(query, builder, Budget(seconds: 0.5)) { _, _ in }
    #expect(outcome.verdict == .unknown(.timeout))
    let bound = try #require(outcome.lowerBound)
    #expect(bound <= -2)
    var dice = Dice(seed: 9)
    for _ in 0..<20 {
      var point = (0..<12).map { _ in Rational(dice.integer(in: -64...63), 64) }
      let before = try exactOutputs(hard.network, at: point)[0]
      point[0] += Rational(1, 64)
      let after = try exactOutputs(hard.network, at: point)[0]
      #expect(bound <= (after - before) * 64, "seed 9")
    }
  }

  /// A threshold that is no multiple of the grid is rounded up for the integer routine, and not in the report.
  @Test func provedBoundIsNeverAboveTheSlope() throws {
    // The least slope is exactly 1, the width of the box 10/21.
    let network = try Network.of([([[1], [1]], [8, 0]), ([[1, 1]], [0])])
    let query = Query.rising([Rational(-1, 7)...Rational(1, 3)], slope: 1)
    let exactNetwork = ExactNetwork(network)
    let builder = CounterexampleBuilder(network: exactNetwork, query: query, index: 0, isEnclosed: false)
    let outcome = try Verifier(network: exactNetwork).searchAndProve(query, builder, Budget()) { _, _ in }
    #expect(outcome.verdict == .holds)
    #expect(try #require(outcome.lowerBound) <= 1)
  }

  @Test(arguments: [0, -5, 0x1p-30, 1e30, .infinity, -.infinity, .nan])
  func budgetsOfAnyLengthCanBeAsked(_ seconds: Double) {
    let budget = Budget(seconds: seconds)
    #expect(budget.isOver == !(seconds > 1))
    #expect(budget.limited(toSeconds: 0).isOver)
    #expect(!budget.isInterrupted)
  }

  @Test func abandonedBudgetProvesNoSlope() throws {
    let hard = try Hard()
    let region = (0..<12).map { _ in Rational(-1)...Rational(1) }
    #expect(try hard.verifier.certifiedSlope(of: .rising(region), budget: Budget(seconds: 0)) == nil)
  }
}
