import BigInt
import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@testable import ProofChecking

/// The integer bound is never above what exact evaluation finds in the cell, whatever the multipliers.
struct LeafEvaluatorTests {
  private struct Scene {
    let network: Network
    let query: Query
    let problem: FixedPointProblem
  }

  private func scene(_ style: WeightStyle, _ dice: inout Dice) throws -> Scene {
    let inputs = dice.integer(in: 1...4)
    let widths = dice.pick([[], [3], [6], [3, 3], [5, 4], [3, 3, 3], [2, 4, 2]])
    let network = try Network.random(inputs: inputs, widths: widths, outputs: 2, style: style, &dice)
    let region = (0..<inputs).map { _ in
      let low = Rational(dice.integer(in: -9...5), 9)
      return low...(low + Rational(dice.integer(in: 1...12), 7))
    }
    let claim: Claim
    if dice.chance(0.7) {
      claim = .monotone(
        output: dice.below(2), feature: dice.below(inputs), direction: dice.pick([.nondecreasing, .nonincreasing]),
        minimumSlope: Rational(dice.integer(in: -3...1), 3))
    } else {
      claim = .nonnegative(
        outputs: [Rational(dice.integer(in: -2...2), 3), 1], constant: Rational(dice.below(9) - 2, 7))
    }
    let query = Query(region: region, claim: claim)
    return Scene(
      network: network, query: query, problem: try FixedPointProblem(network: ExactNetwork(network), query: query))
  }

  /// A point of a box in units of 2⁻³⁰ of the domain; every other one has a denominator that is no power of two.
  private func sample(_ cell: Cell, _ query: Query, _ dice: inout Dice) -> [Rational] {
    let denominator = dice.pick([1 << 20, 1_000_003])
    return query.region.indices.map { i in
      let low = Rational(BigInt(cell.lower[i])).scaled(bits: -30)
      let high = Rational(BigInt(cell.upper[i])).scaled(bits: -30)
      let t = low + (high - low) * Rational(dice.integer(in: 0...denominator), denominator)
      return query.region[i].lowerBound + (query.region[i].upperBound - query.region[i].lowerBound) * t
    }
  }

  private func randomCell(_ scene: Scene, _ dice: inout Dice) throws -> Cell {
    var cell = Cell(inputCount: scene.problem.inputCount, neuronCount: scene.problem.neuronCount)
    let one = Int(FixedPointProblem.one)
    for i in cell.lower.indices where dice.chance(0.7) {
      let size = one >> dice.pick([1, 2, 5, 12, 22])
      let low = dice.integer(in: 0...(one - size))
      cell.lower[i] = Int64(low)
      cell.upper[i] = Int64(low + size)
    }
    // Premises that some point of the box meets, and now and then one that perhaps none does.
    let point = try ExactPoint(scene.network, at: sample(cell, scene.query, &dice))
    for g in cell.premises.indices where dice.chance(0.4) {
      cell.premises[g] = Int8(point.preActivations[g].isNegative ? -1 : 1)
      if dice.chance(0.08) { cell.premises[g] *= -1 }
    }
    return cell
  }

  private func randomMultipliers(_ problem: FixedPointProblem, _ dice: inout Dice) -> LeafMultipliers? {
    guard dice.chance(0.85) else { return nil }
    var result = LeafMultipliers(neuronCount: problem.neuronCount, constraintCount: 0)
    func share() -> UInt8 { dice.pick([0, 15, 7, 8, UInt8(dice.below(16))]) }
    for g in 0..<problem.neuronCount {
      result.present[g] = dice.chance(0.9)
      result.alpha[g] = share()
      result.kappa[g] = share()
      result.omega[g] = share()
      result.active[g] = share()
      result.slope[g] = share()
      let bits = dice.pick([0, 10, 22, 25, 29])
      result.beta[g] = bits == 0 ? 0 : LeafMultipliers.betaCode(Int64(dice.next() >> (64 - UInt64(bits))))
    }
    return result
  }

  @Test(arguments: WeightStyle.allCases)
  func boundIsNeverAboveTheExactClaim(_ style: WeightStyle) throws {
    let seed: UInt64 = 31
    var dice = Dice(seed: seed)
    var compared = 0
    var empty = 0
    var tight = 0
    for round in 0..<40 {
      let scene = try scene(style, &dice)
      let evaluator = LeafEvaluator(problem: scene.problem)
      for _ in 0..<5 {
        let cell = try randomCell(scene, &dice)
        let points = try (0..<6).map { _ in try ExactPoint(scene.network, at: sample(cell, scene.query, &dice)) }
          .filter { point in
            zip(cell.premises, point.preActivations).allSatisfy { premise, z in
              premise == 0 || (premise > 0 ? !z.isNegative : !z.isPositive)
            }
          }
        for _ in 0..<4 {
          let multipliers = randomMultipliers(scene.problem, &dice)
          func note() -> Comment {
            """
            seed \(seed), round \(round), \(style): \(scene.network.text) \(scene.query) \(cell) \
            \(String(describing: multipliers))
            """
          }
          let outcome = evaluator.evaluate(cell, multipliers: multipliers)
          let accepted = evaluator.isClosed(0)
          switch outcome {
          case .outOfRange:
            #expect(!accepted, note())
          case .empty:
            empty += 1
            #expect(points.isEmpty, note())
            #expect(accepted, note())
          case .bound(let bound):
            let low = scene.problem.unscaled(bound)
            for point in points {
              switch scene.query.claim {
              case .monotone(let output, let feature, let direction, let minimumSlope):
                guard point.isGeneric else { continue }
                let slope = point.gradients[output][feature] * Rational(direction.sign)
                #expect(low <= slope, note())
                if accepted { #expect(slope >= minimumSlope, note()) }
                if slope - low < Rational.one.scaled(bits: -20) { tight += 1 }
              case .nonnegative(let outputs, _, let constant):
                let value = zip(outputs, point.outputs).reduce(constant) { $0 + $1.0 * $1.1 }
                #expect(low <= value, note())
                if accepted { #expect(!value.isNegative, note()) }
              }
              compared += 1
            }
          }
        }
      }
    }
    // Sound and empty would be worthless.
    #expect(compared > 1000 && empty > 0 && tight > 100, "compared \(compared), empty \(empty), tight \(tight)")
  }

  /// Where every phase is fixed, the bound is the exact number of the piece but for the last bits.
  @Test func boundOfOneLinearPieceIsExact() throws {
    let network = try Network.of([([[1, 0.5], [-1, 0.25]], [3, -3]), ([[0.75, 8]], [0])])
    let query = Query(
      region: [-1...1, -1...1],
      claim: .monotone(output: 0, feature: 0, direction: .nondecreasing, minimumSlope: .zero))
    let problem = try FixedPointProblem(network: ExactNetwork(network), query: query)
    let evaluator = LeafEvaluator(problem: problem)
    let root = Cell(inputCount: 2, neuronCount: 2)
    guard case .bound(let bound) = evaluator.evaluate(root, multipliers: nil) else {
      Issue.record("no bound")
      return
    }
    #expect(problem.unscaled(bound) == Rational(3, 4))
    #expect(evaluator.phases(0) == [1, -1])
  }

  @Test func cellsWithContradictoryPremisesAreEmpty() throws {
    let network = try Network.of([([[1]], [3]), ([[1]], [0])])
    let query = Query(region: [-1...1], claim: .nonnegative(outputs: [1], constant: -100))
    let evaluator = LeafEvaluator(problem: try FixedPointProblem(network: ExactNetwork(network), query: query))
    var cell = Cell(inputCount: 1, neuronCount: 1)
    cell.premises[0] = -1
    #expect(evaluator.evaluate(cell, multipliers: nil) == .empty)
    #expect(evaluator.isClosed(0))
    cell.premises[0] = 1
    _ = evaluator.evaluate(cell, multipliers: nil)
    #expect(!evaluator.isClosed(0))
  }

  // MARK: Refusals

  @Test func numbersOutOfRangeAreRefused() throws {
    // A neuron that hardly ever reaches zero, from which everything comes; a slope far beyond the row.
    let thin = try Network.of([([[1]], [0x1p-28 - 1]), ([[1]], [0]), ([[1]], [0])])
    let plain = try Network.of([([[1]], [0]), ([[1]], [0])])
    let cases: [(Network, Claim)] = [
      (thin, .monotone(output: 0, feature: 0, direction: .nondecreasing, minimumSlope: .zero)),
      (plain, .monotone(output: 0, feature: 0, direction: .nondecreasing, minimumSlope: Rational(1).scaled(bits: 30))),
    ]
    for (index, (network, claim)) in cases.enumerated() {
      #expect(throws: CheckFailure.outOfRange, "case \(index)") {
        try FixedPointProblem(network: ExactNetwork(network), query: Query(region: [-1...1], claim: claim))
      }
    }
  }

  @Test func queriesBeyondTheIntegerRoutineAreRefused() throws {
    let network = ExactNetwork(try Network.of([([[1]], [0]), ([[1]], [0])]))
    let claim = Claim.nonnegative(outputs: [1], constant: 1)
    let copies = [LinearMap(columnCount: 1, rows: [[LinearMap.Term(column: 0)]])]
    let queries = [
      Query(region: [-1...1], relation: Relation(copies: copies), claim: claim),
      Query(region: [-1...1], claim: .nonnegative(outputs: [1], inputs: [1], constant: 1)),
    ]
    for (index, query) in queries.enumerated() {
      #expect(throws: CheckFailure.unsupported, "case \(index)") {
        try FixedPointProblem(network: network, query: query)
      }
    }
  }

  /// A bound far beyond what the network can reach is no number out of range.
  @Test func boundsFarAwayAreProved() throws {
    let network = ExactNetwork(try Network.of([([[1]], [0]), ([[0x1p-30]], [0])]))
    for constant in [Rational(1), Rational(1).scaled(bits: 500)] {
      let query = Query(region: [-1...1], claim: .nonnegative(outputs: [-1], constant: constant))
      let problem = try FixedPointProblem(network: network, query: query)
      let evaluator = LeafEvaluator(problem: problem)
      guard case .bound(let bound) = evaluator.evaluate(Cell(inputCount: 1, neuronCount: 1), multipliers: nil) else {
        Issue.record("no bound")
        return
      }
      #expect(evaluator.isClosed(0))
      #expect(problem.unscaled(bound) <= constant - Rational.one.scaled(bits: -30))
    }
  }

  @Test func queriesForOtherNetworksAreRefused() throws {
    let network = ExactNetwork(try Network.of([([[1, 1]], [0]), ([[1]], [0])]))
    let box: [ClosedRange<Rational>] = [-1...1, -1...1]
    func claim(_ output: Int, _ feature: Int) -> Claim {
      .monotone(output: output, feature: feature, direction: .nondecreasing, minimumSlope: .zero)
    }
    let queries = [
      Query(region: [-1...1], claim: claim(0, 0)), Query(region: box, claim: claim(1, 0)),
      Query(region: box, claim: claim(-1, 0)), Query(region: box, claim: claim(0, 2)),
      Query(region: box, claim: .nonnegative(outputs: [1, 1], constant: 0)),
      Query(region: box, claim: .nonnegative(outputs: [], constant: 0)),
    ]
    for query in queries {
      #expect(throws: CheckFailure.dimension) { try FixedPointProblem(network: network, query: query) }
    }
  }

  /// A network whose numbers grow by layers reaches the limits of the routine, which must say so and not wrap.
  @Test func growingNetworksNeverWrap() throws {
    let seed: UInt64 = 5
    var dice = Dice(seed: seed)
    var refused = 0
    var compared = 0
    for round in 0..<40 {
      var layers: [(weights: [[Double]], biases: [Double])] = []
      var count = 2
      for _ in 0..<4 {
        let rows = (0..<4).map { _ in (0..<count).map { _ in dice.signed() * dice.pick([1, 64, 4096, 0x1p-12]) } }
        layers.append((rows, (0..<4).map { _ in dice.signed() * dice.pick([1, 4096]) }))
        count = 4
      }
      layers.append(([(0..<4).map { _ in dice.signed() }], [0]))
      let network = try Network.of(layers)
      let query = Query(
        region: [-1...1, 0...3],
        claim: .monotone(output: 0, feature: 1, direction: .nondecreasing, minimumSlope: .zero))
      let problem: FixedPointProblem
      do {
        problem = try FixedPointProblem(network: ExactNetwork(network), query: query)
      } catch {
        refused += 1
        continue
      }
      let evaluator = LeafEvaluator(problem: problem)
      for _ in 0..<8 {
        let cell = try randomCell(Scene(network: network, query: query, problem: problem), &dice)
        guard case .bound(let bound) = evaluator.evaluate(cell, multipliers: randomMultipliers(problem, &dice)) else {
          refused += 1
          continue
        }
        for _ in 0..<6 {
          let point = try ExactPoint(network, at: sample(cell, query, &dice))
          let meets = zip(cell.premises, point.preActivations).allSatisfy { $0 == 0 || Int($0) * $1.signum >= 0 }
          guard point.isGeneric, meets else { continue }
          compared += 1
          #expect(problem.unscaled(bound) <= point.gradients[0][1], "seed \(seed), round \(round): \(network.text)")
        }
      }
    }
    #expect(compared > 100, "compared \(compared), refused \(refused)")
  }
}
