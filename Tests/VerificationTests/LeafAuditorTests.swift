import Certificates
import ExactArithmetic
import Networks
import ProofChecking
import SolverProcess
import Specifications
import TestHelpers
import Testing

@testable import Verification

struct LeafAuditorTests {
  private static let half = FixedPointProblem.one / 2

  private func auditor(_ network: Network, _ query: Query) -> LeafAuditor {
    LeafAuditor(network: ExactNetwork(network), query: query, milliseconds: 60_000)
  }

  /// Cells that together are the domain, each accepted by the integer routine; nil when one is not within `depth` splits.
  private func leaves(_ network: Network, _ query: Query, depth: Int) throws -> [Cell]? {
    let problem = try FixedPointProblem(network: ExactNetwork(network), query: query)
    let evaluator = LeafEvaluator(problem: problem)
    var leaves: [Cell] = []
    func cover(_ cell: Cell, _ depth: Int) -> Bool {
      _ = evaluator.evaluate(cell, multipliers: nil)
      if evaluator.isClosed(0) {
        leaves.append(cell)
        return true
      }
      guard depth > 0 else { return false }
      var (left, right) = (cell, cell)
      // Phases and inputs in turn, so that there are leaves of every kind.
      if depth % 2 == 0, let g = cell.premises.firstIndex(of: 0) {
        left.premises[g] = -1
        right.premises[g] = 1
      } else {
        let i = cell.lower.indices.max { cell.upper[$0] - cell.lower[$0] < cell.upper[$1] - cell.lower[$1] } ?? 0
        let middle = (cell.lower[i] + cell.upper[i]) / 2
        left.upper[i] = middle
        right.lower[i] = middle
      }
      return cover(left, depth - 1) && cover(right, depth - 1)
    }
    return cover(Cell(inputCount: problem.inputCount, neuronCount: problem.neuronCount), depth) ? leaves : nil
  }

  @Test(arguments: WeightStyle.allCases)
  func confirmsWhatBoundsHaveClosed(_ style: WeightStyle) throws {
    let seed: UInt64 = 17
    var dice = Dice(seed: seed)
    var audited = 0
    var withPremises = 0
    for round in 0..<24 {
      let network = try Network.random(inputs: 2, widths: dice.pick([[3], [2, 2], [3, 2]]), style: style, &dice)
      let box: [ClosedRange<Rational>] = [Rational(-1, 3)...1, 0...dice.pick([1, Rational(5, 7)])]
      let oracle = try PhaseOracle(network, box: box)
      let slope = try #require(oracle.leastSlope(output: 0, feature: 1, sign: -1))
      let value = try #require(oracle.leastValue([1]))
      // A little less than what is true, so that bounds get there.
      let queries: [Query] = [
        .rising(box, feature: 1, .nonincreasing, slope: slope - Rational(1, 8)),
        .nonnegative(box, constant: Rational(1, 8) - value),
      ]
      for query in queries {
        guard let leaves = try leaves(network, query, depth: 9) else { continue }
        withPremises += leaves.count { $0.premises.contains { $0 != 0 } }
        let report = try auditor(network, query).audit(leaves, budget: Budget())
        #expect(report.audited == leaves.count)
        #expect(report.confirmed == leaves.count, "seed \(seed), round \(round): \(report) \(network.text) \(query)")
        audited += report.audited
      }
    }
    #expect(audited > 30 && withPremises > 10, "seed \(seed): \(audited) leaves, \(withPremises) with premises")
  }

  /// Rising below one half, falling above: only the cells that have a part above it are contradicted.
  @Test func contradictsExactlyTheCellsThatHoldAViolation() throws {
    let network = try Network.of([([[1], [1]], [8, -0.5]), ([[1, -2]], [0])])
    let auditor = auditor(network, .rising([0...1]))
    var cell = Cell(inputCount: 1, neuronCount: 2)
    func isContradicted(_ cell: Cell) throws -> Bool {
      do {
        let report = try auditor.audit([cell], budget: Budget()) { "leaf \($0 + 3) of 8" }
        #expect(report.confirmed == 1)
        return false
      } catch {
        #expect(error.code == .disagreement)
        #expect(error.message.hasPrefix("bounds have closed a cell"))
        let evidence = try #require(error.evidence)
        #expect(evidence.contains("; closed by bounds: leaf 3 of 8"))
        #expect(evidence.contains("; cell, premises: \(cell.premises)"))
        #expect(evidence.hasSuffix("(check-sat)\n"))
        return true
      }
    }
    #expect(try isContradicted(cell))
    cell.upper[0] = Self.half + 1
    #expect(try isContradicted(cell))
    // The slope at the upper face is its neighbour's.
    cell.upper[0] = Self.half
    #expect(try !isContradicted(cell))
    cell.upper[0] = FixedPointProblem.one
    cell.lower[0] = Self.half
    #expect(try isContradicted(cell))
    cell.lower[0] = 0
    cell.premises[1] = -1
    #expect(try !isContradicted(cell))
    cell.premises[1] = 1
    #expect(try isContradicted(cell))
  }

  /// A premise on a neuron that is zero throughout says nothing: taken as strict it would empty both sides, and with
  /// them the violation.
  @Test func premisesOnZeroNeuronsHideNothing() throws {
    // In the first layer: zero on the fixed value of y alone. The network is −x.
    let shifted = try Network.of([([[0, 3], [1, 0]], [-1, 1]), ([[5, -1]], [8])])
    // In the second layer: the difference of two equal neurons of open phase.
    let duplicates = try Network.of([
      ([[1, 1], [1, 1]], [-0.5, -0.5]), ([[1, -1], [1, 0]], [0, 1]), ([[3, -1]], [0]),
    ])
    let fixed: [ClosedRange<Rational>] = [0...1, Rational(1, 3)...Rational(1, 3)]
    for (network, box, g) in [(shifted, fixed, 0), (duplicates, [0...1, 0...1], 2)] {
      let auditor = auditor(network, .rising(box))
      for premise: Int8 in [-1, 1] {
        var cell = Cell(inputCount: 2, neuronCount: ExactNetwork(network).hiddenNeuronCount)
        cell.premises[g] = premise
        let error = #expect(throws: VerificationError.self) { try auditor.audit([cell], budget: Budget()) }
        #expect(error?.code == .disagreement, "premise \(premise)")
      }
    }
  }

  /// Along the boundary of a premise D⁺ may be the slope of the other side.
  @Test func boundariesOfPremisesBelongToTheSideThatFollows() throws {
    // |x| − 2·y − 2·x·(x > 0) in the neuron of x: falling for x > 0 only.
    let network = try Network.of([([[1, 0], [-1, 0]], [0, 0]), ([[-1, -1]], [0])])
    // −|x|: rising for x < 0, falling for x > 0.
    let auditor = auditor(network, .rising([-1...1, 0...1]))
    var cell = Cell(inputCount: 2, neuronCount: 2)
    cell.premises = [-1, 1]
    #expect(try auditor.audit([cell], budget: Budget()).confirmed == 1)
    cell.premises = [1, -1]
    #expect(throws: VerificationError.self) { try auditor.audit([cell], budget: Budget()) }
  }

  @Test func claimsOnTheValueAreAuditedOnClosedCells() throws {
    // relu(x) on [−1, 1] is at least 0, and at least 1/2 from 1/2 on.
    let network = try Network.of([([[1]], [0]), ([[1]], [0])])
    var upper = Cell(inputCount: 1, neuronCount: 1)
    upper.lower[0] = Self.half + Self.half / 2
    let bound = auditor(network, .nonnegative([-1...1], constant: Rational(-1, 2)))
    #expect(try bound.audit([upper], budget: Budget()).confirmed == 1)
    upper.lower[0] -= 1
    #expect(throws: VerificationError.self) { try bound.audit([upper], budget: Budget()) }
    var active = Cell(inputCount: 1, neuronCount: 1)
    active.premises[0] = 1
    #expect(throws: VerificationError.self) { try bound.audit([active], budget: Budget()) }
    let zero = auditor(network, .nonnegative([-1...1], constant: 0))
    #expect(try zero.audit([active], budget: Budget()).confirmed == 1)
  }

  @Test func aFixedFeatureIsVacuous() throws {
    let network = try Network.of([([[-1]], [0]), ([[1]], [0])])
    let report = try auditor(network, .rising([Rational(1, 3)...Rational(1, 3)])).audit(
      [Cell(inputCount: 1, neuronCount: 1)], budget: Budget())
    #expect(report == LeafAuditor.Report(audited: 1, confirmed: 1))
  }

  @Test func whatZ3DoesNotDecideIsCounted() throws {
    var dice = Dice(seed: 2)
    let network = try Network.random(inputs: 8, widths: [24, 24], style: .single, &dice)
    var auditor = auditor(network, .nonnegative((0..<8).map { _ in -1...1 }, constant: 1000))
    auditor.milliseconds = 50
    let cells = [Cell](repeating: Cell(inputCount: 8, neuronCount: 48), count: 2)
    let report = try auditor.audit(cells, budget: Budget())
    #expect(report.audited == 2 && report.undecided == 2)
    #expect(report.reason == .solver(Answer.timeout))
    let stop = StopSignal()
    stop.request()
    #expect(try auditor.audit(cells, budget: Budget(stop: stop)) == LeafAuditor.Report())
  }

  /// A solution that exact evaluation does not confirm is a disagreement too, whoever is wrong.
  @Test func aFalseSolutionIsADisagreement() throws {
    let network = try Network.of([([[1]], [1]), ([[1]], [0])])
    let auditor = auditor(network, .rising([0...1]))
    let error = #expect(throws: VerificationError.self) {
      try auditor.audit([Cell(inputCount: 1, neuronCount: 1)], budget: Budget(solvers: .fixture("claims-zero")))
    }
    #expect(error?.code == .disagreement)
    #expect(error?.message.contains("exact evaluation does not confirm it") == true)
  }

  // MARK: What is known without a solver

  @Test func intervalsAndZeroFormsAreSound() throws {
    let seed: UInt64 = 23
    var dice = Dice(seed: seed)
    for round in 0..<40 {
      let network = try Network.random(inputs: 2, widths: [4, 4], style: dice.pick(WeightStyle.allCases), &dice)
      let exactNetwork = ExactNetwork(network)
      let box: [ClosedRange<Rational>] = [dice.pick([0...1, -1...0]), dice.pick([0...0, -1...1])]
      var premises = [Int8](repeating: 0, count: 8)
      premises[dice.below(4)] = dice.pick([-1, 1])
      let forms = CellForms(network: exactNetwork, box: box, premises: premises)
      for _ in 0..<40 {
        let point = box.map {
          $0.lowerBound + ($0.upperBound - $0.lowerBound) * Rational(dice.integer(in: 0...16), 16)
        }
        let z = exactNetwork.preActivations(at: point).dropLast().flatMap { $0 }
        guard zip(premises, z).allSatisfy({ $0.0 == 0 || $0.1.signum * Int($0.0) >= 0 }) else { continue }
        for g in 0..<8 {
          let note: Comment = "seed \(seed), round \(round), neuron \(g) at \(point): \(network.text)"
          if forms.isIdenticallyZero[g] { #expect(z[g].isZero, note) }
          if forms.phases[g] > 0 { #expect(!z[g].isNegative, note) }
          if forms.phases[g] < 0 { #expect(!z[g].isPositive, note) }
        }
      }
    }
  }

  // MARK: Sampling

  @Test func samplesAreRepeatableAndOfTheStatedSize() {
    func sample(_ count: Int, _ capacity: Int, seed: UInt64) -> [Int] {
      var sample = ReservoirSample<Int>(capacity: capacity, seed: seed)
      for i in 0..<count { sample.offer(i) }
      #expect(sample.count == count)
      return sample.elements
    }
    #expect(sample(5, 8, seed: 1) == [0, 1, 2, 3, 4])
    #expect(sample(0, 8, seed: 1) == [])
    #expect(sample(100, 0, seed: 1) == [])
    #expect(sample(1000, 8, seed: 1) == sample(1000, 8, seed: 1))
    #expect(sample(1000, 8, seed: 1) != sample(1000, 8, seed: 2))
    #expect(Set(sample(1000, 8, seed: 3)).count == 8)
    // Each of 20 is among 5 in a quarter of 4000 samples: 1000 ± 27.
    var hits = [Int](repeating: 0, count: 20)
    for seed in 0..<4000 {
      for element in sample(20, 5, seed: UInt64(seed)) { hits[element] += 1 }
    }
    for count in hits { #expect((840...1160).contains(count), "\(hits)") }
  }
}
