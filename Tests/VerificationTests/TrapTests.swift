import Certificates
import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Networks made to tempt a verifier into a wrong verdict.
struct TrapTests {
  private func expect(
    _ verdict: String, _ network: Network, _ query: Query, _ methods: [Method] = Method.allCases,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for method in methods {
      #expect(try decide(network, query, method) == verdict, "\(method)", sourceLocation: sourceLocation)
    }
  }

  /// relu(p·x + 8) − steepness · (relu(p·x − a) − relu(p·x − a − width)), all p·x scaled by 2^scale inside the neurons.
  private func sliver(_ p: [Double], at a: Double, width: Double, steepness: Double) throws -> Network {
    try .of([([p, p, p], [8, -a, -a - width]), ([[1, -steepness, steepness]], [0])])
  }

  // MARK: Flat places

  @Test func networkThatIsZeroOnACellHolds() throws {
    // Both neurons are off on a quarter of the box, one is off everywhere, and one is identically zero.
    let network = try Network.of([
      ([[1, 1], [1, 0], [-1, -1], [0, 0]], [-0.5, -0.25, -4, 0]), ([[1, 1, -7, -9]], [0]),
    ])
    try expect("holds", network, .rising([0...1, 0...1]))
    try expect("holds", network, .rising([0...1, 0...1], feature: 1))
    try expect("violated", network, .rising([0...1, 0...1], .nonincreasing))
  }

  @Test func deadNeuronsAndZeroOutputsHoldBothWays() throws {
    let dead = try Network.of([([[0, 0], [0, 0]], [0, 0]), ([[1, -1], [-1, 1]], [0, 0]), ([[-3, 5]], [1])])
    let mute = try Network.of([([[1, -1], [-2, 1]], [0.5, 0.25]), ([[0, 0]], [2])])
    for direction in [Direction.nondecreasing, .nonincreasing] {
      try expect("holds", dead, .rising([-1...1, -1...1], direction))
      try expect("holds", mute, .rising([-1...1, -1...1], direction))
    }
    try expect("holds", mute, .nonnegative([-1...1, -1...1], constant: -2), [.auto, .oneCopy])
    try expect("violated", mute, .nonnegative([-1...1, -1...1], constant: -3), [.auto, .oneCopy])
  }

  @Test func slopesThatAreExactlyZeroHold() throws {
    // x + relu(−x) − relu(x) is zero for x ≥ 0 and for x < 0 as well.
    let network = try Network.of([([[1], [-1], [1]], [4, 0, 0]), ([[1, 1, -1]], [0])])
    try expect("holds", network, .rising([-1...1]))
    try expect("holds", network, .rising([-1...1], .nonincreasing))
  }

  // MARK: Duplicates

  @Test(arguments: [0.0, 0.25, -0.1])
  func duplicatedNeuronsCancelExactly(_ bias: Double) throws {
    let row = [0.1, -0.7]
    let box: [ClosedRange<Rational>] = [-1...1, -1...1]
    let same = try Network.of([([row, row], [bias, bias]), ([[1, -1]], [0])])
    try expect("holds", same, .rising(box))
    let nearly = try Network.of([([row, row], [bias, bias]), ([[1, -1 - 0x1p-50]], [0])])
    try expect("violated", nearly, .rising(box))
    try expect("holds", nearly, .rising(box, .nonincreasing))
    let opposite = row.map { -$0 }
    let linear = try Network.of([([row, opposite], [bias, -bias]), ([[1, -1]], [0])])
    try expect("holds", linear, .rising(box))
    let absolute = try Network.of([([row, opposite], [bias, -bias]), ([[1, 1]], [0])])
    try expect("violated", absolute, .rising(box))
  }

  @Test func duplicatesInTheSecondLayerCancelExactly() throws {
    let first: (weights: [[Double]], biases: [Double]) = ([[0.3, -0.7], [-0.9, 0.4]], [0.1, 0.2])
    let network = try Network.of([first, ([[1, -1], [1, -1], [-1, 1]], [0, 0, 0]), ([[1, -1, 0]], [0])])
    try expect("holds", network, .rising([-1...1, -1...1]))
    let broken = try Network.of([first, ([[1, -1], [1, -1], [-1, 1]], [0, 0, 0]), ([[1, -1 - 0x1p-52, 0]], [0])])
    let answers = try Set(Method.allCases.map { try decide(broken, .rising([-1...1, -1...1]), $0) })
    let oracle = try PhaseOracle(broken, box: [-1...1, -1...1])
    #expect(answers == [oracle.holds(.rising([-1...1, -1...1])) ? "holds" : "violated"])
  }

  // MARK: Slivers

  @Test(arguments: [[1.0], [1, 0.5], [1, 0.5, -0.75]])
  func sliverOfWidth2ToMinus20IsFound(_ p: [Double]) throws {
    let box = p.map { _ in Rational(0)...Rational(1) }
    try expect("violated", try sliver(p, at: 0.40625, width: 0x1p-20, steepness: 2), .rising(box))
    try expect("holds", try sliver(p, at: 0.40625, width: 0x1p-20, steepness: 1), .rising(box))
    try expect(
      "violated", try sliver(p.map { -$0 }, at: -0.40625, width: 0x1p-20, steepness: 2), .rising(box, .nonincreasing))
  }

  /// Narrower than the grid of the integer routine, which must then refuse and leave the cell to exact arithmetic.
  @Test(arguments: [0x1p-41, 0x1p-48, 0x1p-80])
  func sliverBelowTheGridIsFound(_ width: Double) throws {
    let place = width < 0x1p-50 ? 0x1p-60 : 0.25
    let box: [ClosedRange<Rational>] = [0...1]
    for (steepness, verdict) in [(2.0, "violated"), (1.0 + 0x1p-52, "violated"), (1.0, "holds")] {
      try expect(verdict, try sliver([1], at: place, width: width, steepness: steepness), .rising(box))
    }
  }

  // MARK: Bytes

  @Test func featureInBytesIsDecidedWithoutTolerance() throws {
    let box: [ClosedRange<Rational>] = [0...Rational(1 << 35), 0...1]
    func network(_ last: Double) throws -> Network {
      // The slope is 2⁻³⁰ below 2³⁴ and 2⁻³⁰ · (1 + last) above: −2⁻⁷⁰ for last = −1 − 2⁻⁴⁰.
      try .of([([[0x1p-30, 0.25], [0x1p-30, 0.25]], [0, -16]), ([[1, last]], [0])])
    }
    try expect("violated", try network(-1 - 0x1p-40), .rising(box))
    try expect("violated", try network(-1 - 0x1p-52), .rising(box))
    try expect("holds", try network(-1), .rising(box))
    try expect("holds", try network(-1 + 0x1p-40), .rising(box))
  }

  @Test func numbersBeyondFixedPointAreLeftToTheSolver() throws {
    let box: [ClosedRange<Rational>] = [0...Rational(1 << 35), 0...1]
    let network = try Network.of([
      ([[1, 0x1p-60], [1, 0]], [0, -0x1p34]), ([[0x1p-40, -0x1p-40], [0x1p30, 0]], [0, 0]),
    ])
    try expect("holds", network, .rising(box))
    try expect("holds", network, .rising(box, feature: 1, output: 1))
    try expect("violated", network, .rising(box, feature: 1, output: 1, .nonincreasing))
    let huge = Rational(10).scaled(bits: 400)
    try expect("holds", network, .nonnegative(box, [1, 0], constant: huge), [.auto, .oneCopy])
    try expect("violated", network, .nonnegative(box, [1, 0], constant: -huge), [.auto, .oneCopy])
  }

  // MARK: The edge of the box

  @Test func violationBeyondTheUpperFaceDoesNotCount() throws {
    // Slope 1 up to x = 1, −1 beyond.
    let network = try Network.of([([[1], [1]], [8, -1]), ([[1, -2]], [0])])
    try expect("holds", network, .rising([0...1]))
    try expect("violated", network, .rising([0...(1 + Rational.one.scaled(bits: -30))]))
    try expect("violated", network, .rising([0...(1 + Rational.one.scaled(bits: -60))]))
  }

  @Test func violationBelowTheLowerFaceDoesNotCount() throws {
    let network = try Network.of([([[1], [-1]], [0, 0]), ([[1, 1]], [0])])
    try expect("holds", network, .rising([0...1]))
    try expect("violated", network, .rising([(-Rational.one.scaled(bits: -30))...1]))
  }

  @Test func violationThatTouchesTheBoxAtACornerDoesNotCount() throws {
    let network = try Network.of([([[1, 0], [1, -1]], [8, -1]), ([[1, -2]], [0])])
    try expect("holds", network, .rising([0...1, 0...1]))
    try expect("violated", network, .rising([0...1, (-Rational.one.scaled(bits: -30))...1]))
  }

  // MARK: Features that the domain fixes

  @Test func claimAlongAFixedFeatureHolds() throws {
    let network = try Network.of([([[1, -1], [-1, 1]], [0, 0]), ([[-1, -1]], [0])])
    for slope in [Rational.zero, 1, -1] {
      try expect("holds", network, .rising([Rational(1, 3)...Rational(1, 3), 0...1], slope: slope))
    }
  }

  @Test func neuronThatIsZeroOnTheFixedSubspaceHidesNoViolation() throws {
    // The first neuron is y, identically zero on the domain; the network is −x there.
    let network = try Network.of([([[0, 1], [1, 0]], [0, 1]), ([[1, 1], [1, -1]], [0, 8]), ([[-1, 1]], [0])])
    try expect("violated", network, .rising([0...1, 0...0]))
    try expect("holds", network, .rising([0...1, 0...0], .nonincreasing))
    // A form that vanishes only where y has its fixed value, a third.
    let shifted = try Network.of([([[0, 3], [1, 0]], [-1, 1]), ([[5, 1], [-5, -1]], [0, 8]), ([[-1, 1]], [0])])
    let box: [ClosedRange<Rational>] = [0...1, Rational(1, 3)...Rational(1, 3)]
    try expect("violated", shifted, .rising(box))
    try expect("holds", shifted, .rising(box, .nonincreasing))
  }

  @Test func everythingFixedLeavesOnePoint() throws {
    let network = try Network.of([([[1, 1]], [0]), ([[1]], [-1])])
    let box: [ClosedRange<Rational>] = [Rational(1, 3)...Rational(1, 3), Rational(2, 3)...Rational(2, 3)]
    try expect("holds", network, .nonnegative(box, constant: 0), [.auto, .branchAndBound, .oneCopy])
    let below = -Rational.one.scaled(bits: -90)
    try expect("violated", network, .nonnegative(box, constant: below), [.auto, .branchAndBound, .oneCopy])
  }

  // MARK: Shapes

  @Test func networkWithoutHiddenLayers() throws {
    let network = try Network.of([([[0x1p-60, -0.1, 0], [0.3, 7, -1]], [0, 1])])
    let box: [ClosedRange<Rational>] = [-1...1, Rational(-1, 3)...1, 0...1]
    try expect("holds", network, .rising(box, feature: 0))
    try expect("violated", network, .rising(box, feature: 0, .nonincreasing))
    try expect("violated", network, .rising(box, feature: 1))
    try expect("holds", network, .rising(box, feature: 2))
    try expect("violated", network, .rising(box, feature: 2, output: 1))
    let slope = try exact(0.3)
    try expect("holds", network, .rising(box, feature: 0, output: 1, slope: slope))
    try expect("violated", network, .rising(box, feature: 0, output: 1, slope: slope + Rational.one.scaled(bits: -60)))
    // 0.3·x + 7·y − z + 1 is least at (−1, −1/3, 1).
    let least = -slope - Rational(7, 3)
    let methods: [Method] = [.auto, .branchAndBound, .oneCopy]
    try expect("holds", network, .nonnegative(box, [0, 1], constant: -least), methods)
    try expect(
      "violated", network, .nonnegative(box, [0, 1], constant: -least - Rational.one.scaled(bits: -60)), methods)
  }

  @Test func eachOutputIsJudgedByItself() throws {
    let network = try Network.of([([[1], [-1]], [0, 0]), ([[1, -1], [1, 1], [-1, 1], [0, 0]], [0, 0, 0, 0])])
    let rising = ["holds", "violated", "violated", "holds"]
    let falling = ["violated", "violated", "holds", "holds"]
    for output in 0..<4 {
      try expect(rising[output], network, .rising([-1...1], output: output))
      try expect(falling[output], network, .rising([-1...1], output: output, .nonincreasing))
    }
  }
}
