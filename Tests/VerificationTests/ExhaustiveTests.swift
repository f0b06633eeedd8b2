import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Small worlds: phase enumeration, both encodings and branch and bound must give the same verdict.
struct ExhaustiveTests {
  private static let boxes: [[ClosedRange<Rational>]] = [[-1...1, -1...1], [0...1, 0...1], [-1...1, 0...0]]

  /// Decides one network in every way that `methods` names; returns the oracle's verdict.
  @discardableResult
  private func compare(_ network: Network, _ query: Query, _ methods: [Method], _ note: String) throws -> Bool {
    let holds = try PhaseOracle(network, box: query.region).holds(query)
    let expected = holds ? "holds" : "violated"
    for method in methods {
      let answer = try decide(network, query, method, samples: 3, budget: Budget(seconds: 120))
      if answer != expected {
        Issue.record("\(method) says \(answer), brute force \(expected): \(note) \(network.text) \(query)")
      }
    }
    return holds
  }

  /// The `index`-th assignment of −1, 0 and 1 to `count` places.
  private func ternary(_ index: Int, count: Int) -> [Double] {
    var rest = index
    return (0..<count).map { _ in
      defer { rest /= 3 }
      return Double(rest % 3 - 1)
    }
  }

  @Test func allNetworksWithOneInputAndOneHiddenNeuron() throws {
    var verdicts = [0, 0]
    for index in 0..<27 {
      let w = ternary(index, count: 3)
      let network = try Network.of([([[w[0]]], [w[1]]), ([[w[2]]], [1])])
      for box: ClosedRange<Rational> in [-1...1, 0...1, -1...0] {
        for direction in [Direction.nondecreasing, .nonincreasing] {
          let holds = try compare(network, .rising([box], direction), Method.allCases, "index \(index)")
          verdicts[holds ? 1 : 0] += 1
        }
      }
    }
    #expect(verdicts[0] >= 20 && verdicts[1] >= 20)
  }

  @Test func allNetworksWithOneInputAndTwoHiddenNeurons() throws {
    var verdicts = [0, 0]
    for index in 0..<729 {
      let w = ternary(index, count: 6)
      let network = try Network.of([([[w[0]], [w[1]]], [w[2], w[3]]), ([[w[4], w[5]]], [0])])
      let box: ClosedRange<Rational> = index % 2 == 0 ? -1...1 : 0...1
      let methods: [Method] = index % 6 == 0 ? Method.allCases : [.branchAndBound]
      let holds = try compare(network, .rising([box]), methods, "index \(index)")
      verdicts[holds ? 1 : 0] += 1
    }
    #expect(verdicts[0] > 100 && verdicts[1] > 100)
  }

  /// Every network up to the order of the two neurons; the first input only, for exchanging the inputs gives another of
  /// the networks.
  @Test func allNetworksWithTwoInputsAndTwoHiddenNeurons() throws {
    var verdicts = [0, 0]
    let neurons = (0..<81).map { ternary($0, count: 4) }
    var index = 0
    for first in 0..<81 {
      for second in first..<81 {
        let (a, b) = (neurons[first], neurons[second])
        let network = try Network.of([([[a[0], a[1]], [b[0], b[1]]], [a[2], b[2]]), ([[a[3], b[3]]], [0])])
        let methods: [Method] = index % 40 == 0 ? Method.allCases : [index % 4 == 0 ? .auto : .branchAndBound]
        let box = Self.boxes[index % Self.boxes.count]
        let holds = try compare(network, .rising(box), methods, "neurons \(first) and \(second)")
        verdicts[holds ? 1 : 0] += 1
        index += 1
      }
    }
    #expect(index == 3321 && verdicts[0] > 500 && verdicts[1] > 500)
  }

  /// A seeded sample of the networks with two hidden layers, whose full number passes 3¹².
  @Test(arguments: [[1, 2], [2, 1], [2, 2]], [1, 2])
  func sampledNetworksWithTwoHiddenLayers(_ widths: [Int], _ inputs: Int) throws {
    let seed = UInt64(100 * inputs + 10 * widths[0] + widths[1])
    var dice = Dice(seed: seed)
    var verdicts = [0, 0]
    for round in 0..<240 {
      let network = try Network.random(inputs: inputs, widths: widths, style: .ternary, &dice)
      let box = Array(dice.pick(Self.boxes).prefix(inputs))
      let feature = dice.below(inputs)
      let direction = dice.pick([Direction.nondecreasing, .nonincreasing])
      let methods: [Method] = round % 8 == 0 ? Method.allCases : [dice.pick([.branchAndBound, .auto])]
      let holds = try compare(
        network, .rising(box, feature: feature, direction), methods, "seed \(seed), round \(round)")
      verdicts[holds ? 1 : 0] += 1
    }
    #expect(verdicts[0] > 10 && verdicts[1] > 10, "seed \(seed)")
  }

  /// The exact least value is the tightest bound that holds; 2⁻⁴⁰ more does not.
  @Test(arguments: [[2], [2, 2]])
  func boundsHoldWithEqualityAndNotBeyond(_ widths: [Int]) throws {
    let seed = UInt64(7 + widths.count)
    var dice = Dice(seed: seed)
    for round in 0..<120 {
      let network = try Network.random(inputs: 2, widths: widths, outputs: 2, style: .ternary, &dice)
      let box = dice.pick(Self.boxes)
      let weights = [Rational(dice.integer(in: -2...2)), Rational(dice.integer(in: -2...2))]
      let least = try #require(try PhaseOracle(network, box: box).leastValue(weights))
      let methods: [Method] = round % 8 == 0 ? [.auto, .branchAndBound, .oneCopy] : [.branchAndBound]
      let note = "seed \(seed), round \(round)"
      #expect(try compare(network, .nonnegative(box, weights, constant: -least), methods, note))
      let beyond = -least - Rational.one.scaled(bits: -40)
      #expect(try !compare(network, .nonnegative(box, weights, constant: beyond), methods, note))
    }
  }
}
