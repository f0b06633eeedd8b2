import Certificates
import ExactArithmetic
import Specifications
import TestHelpers
import Testing

@testable import Networks
@testable import ProofChecking
@testable import Verification

/// Leaves of tag 08: intervals and the signs of weights.
@Suite struct IntervalLeafTests {
  /// 4 inputs, three hidden layers; every weight along paths from input 0 has the sign of a rising function.
  private func signed(width: Int, seed: UInt64, flipped: Bool = false) throws -> Network {
    var dice = Dice(seed: seed)
    func number() -> Double { Double(dice.integer(in: 0...255)) / 256 }
    var kinds = [1.0]
    var layers: [Layer] = []
    var count = 4
    for level in 0..<4 {
      let outputs = level == 3 ? 1 : width
      let next = (0..<outputs).map { level == 3 ? 1.0 : $0 % 2 == 0 ? 1.0 : -1.0 }
      var weights: [Double] = []
      for j in 0..<outputs {
        for i in 0..<count {
          let free = level == 0 && i > 0
          let sign = level == 0 ? next[j] : next[j] * kinds[i]
          weights.append((free && dice.chance(0.5) ? -1 : free ? 1 : sign) * number())
        }
      }
      layers.append(
        try Layer(
          inputCount: count, outputCount: outputs, weights: weights,
          biases: (0..<outputs).map { _ in number() - 0.5 }, isRectified: level < 3))
      kinds = next
      count = outputs
    }
    if flipped {
      let last = layers[3]
      layers[3] = try Layer(
        inputCount: last.inputCount, outputCount: 1, weights: last.weights.map { -$0 }, biases: last.biases,
        isRectified: false)
    }
    return try Network(layers: layers)
  }

  private let query = Query.rising(Array(repeating: 0...1, count: 4))

  private func proof(_ network: ExactNetwork, _ tree: [UInt8]) -> [UInt8] {
    ProofFormat.header(networkDigest: ProofChecker.bytes(ofDigest: network.digest), queryCount: 1)
      + ProofChecker.bytes(ofDigest: query.digest) + tree
  }

  private func rule(_ network: ExactNetwork, _ tree: [UInt8]) -> String {
    do throws(ProofFailure) {
      _ = try ProofChecker(network: network).check(ProofSource(bytes: proof(network, tree)), queries: [query])
      return "valid"
    } catch {
      return error.cause.rule
    }
  }

  @Test func bothCheckersAcceptSignsAndRefuseTheOpposite() throws {
    var jobs: [SecondChecker.Job] = []
    for seed in 1...6 as ClosedRange<UInt64> {
      for flipped in [false, true] {
        let network = ExactNetwork(try signed(width: 6, seed: seed, flipped: flipped))
        #expect(rule(network, [8]) == (flipped ? "bound-too-low" : "valid"), "seed \(seed)")
        jobs.append(
          SecondChecker.Job(
            proof: proof(network, [8]), network: network.canonicalText, queries: [query.canonicalText]))
      }
    }
    let answers = try SecondChecker.answers(to: jobs)
    #expect(answers.map(\.valid) == (0..<12).map { $0 % 2 == 0 })
    #expect(answers.map(\.rule) == (0..<12).map { $0 % 2 == 0 ? nil : "bound-too-low" })
  }

  /// One leaf proves a network of any size, and without a sample before it.
  @Test(arguments: [6, 48]) func theSearchProvesSignsByTheRootAlone(width: Int) throws {
    let network = ExactNetwork(try signed(width: width, seed: 9))
    let builder = CounterexampleBuilder(network: network, query: query, index: 0, isEnclosed: false)
    let outcome = try Verifier(network: network).searchAndProve(query, builder, Budget()) { _, _ in }
    #expect(outcome.verdict == .holds)
    #expect(outcome.leaves == 1)
    var bytes: [UInt8] = []
    try #require(outcome.tree).write { bytes += $0 }
    #expect(bytes == [8])
    #expect(outcome.lowerBound == .zero)
  }

  /// A leaf of the whole domain is no leaf of a claim that only parts of it show: intervals are not enough here.
  @Test func intervalsAloneDoNotShowWhatTheyDoNot() throws {
    // f = relu(x) − relu(x − 1/2) rises, but not by the signs of its weights.
    let network = ExactNetwork(
      try .of([([[1, 0, 0, 0], [1, 0, 0, 0]], [0, -0.5]), ([[1, -1]], [0])]))
    #expect(rule(network, [8]) == "bound-too-low")
    #expect(rule(network, [2, 0, 8, 8]) == "valid")
    #expect(rule(network, [2, 0, 8, 9]) == "tag")
    #expect(rule(network, [2, 0, 8]) == "truncated")
    #expect(rule(network, [2, 0, 8, 8, 8]) == "trailing")
  }

  /// Anchors take memory on the way to a node, so their number is bounded; those of the other branch do not count.
  @Test func anchorsOnTheWayToANodeAreBounded() throws {
    let network = ExactNetwork(try signed(width: 2, seed: 3))
    let anchor: [UInt8] = [5, 2]
    func anchors(_ count: Int) -> [UInt8] { Array(repeatElement(anchor, count: count).joined()) }
    #expect(rule(network, anchors(64) + [8]) == "valid")
    #expect(rule(network, anchors(65) + [8]) == "depth")
    #expect(rule(network, anchors(60) + [2, 1] + anchors(4) + [8] + anchors(4) + [8]) == "valid")
    #expect(rule(network, anchors(60) + [2, 1] + anchors(4) + [8] + anchors(5) + [8]) == "depth")
    let trees = [anchors(64) + [8], anchors(65) + [8], anchors(60) + [2, 1] + anchors(4) + [8] + anchors(5) + [8]]
    let answers = try SecondChecker.answers(
      to: trees.map {
        SecondChecker.Job(proof: proof(network, $0), network: network.canonicalText, queries: [query.canonicalText])
      })
    #expect(answers.map(\.rule) == [nil, "depth", "depth"])
    #expect(answers.map(\.node) == [nil, 64, 66 + 4])
  }

  /// A coefficient of exactly 2³⁰ − 1 is the last one in range, for both checkers.
  @Test func theLargestCoefficientIsInRangeForBothCheckers() throws {
    let bias = -0.25 + 0x1p-7
    let network = ExactNetwork(
      try .of([([[0.25], [0.25]], [bias, bias]), ([[64 - 0x1p-24, 0]], [0])]))
    let query = Query.nonnegative([0...1], constant: .zero)
    let bytes =
      ProofFormat.header(networkDigest: ProofChecker.bytes(ofDigest: network.digest), queryCount: 1)
      + ProofChecker.bytes(ofDigest: query.digest) + [0]
    _ = try ProofChecker(network: network).check(ProofSource(bytes: bytes), queries: [query])
    let answers = try SecondChecker.answers(
      to: [SecondChecker.Job(proof: bytes, network: network.canonicalText, queries: [query.canonicalText])])
    #expect(answers.map(\.valid) == [true])
  }

  /// A leaf that a file holds may be longer than any that the search makes.
  @Test func longLeavesHaveAPlaceInATree() {
    var tree = SplitTree()
    let long = [ProofFormat.Tag.piece] + [UInt8](repeating: 1, count: 70_000)
    tree.close(0, long)
    var bytes: [UInt8] = []
    FoundTree(root: tree, parts: [:]).write { bytes += $0 }
    #expect(bytes == long)
  }
}
