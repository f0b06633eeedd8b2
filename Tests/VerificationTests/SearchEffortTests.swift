import Certificates
import ExactArithmetic
import Foundation
import ProofChecking
import Specifications
import Testing

@testable import Networks
@testable import Verification

/// How many steps of ascent a cell gets depends on the cell and its ancestors alone: not on the cells bounded beside it, the
/// number of threads, or the places where a search has its turns.
struct SearchEffortTests {
  private static func network(_ name: String) throws -> ExactNetwork {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let path = root.appending(path: "Benchmarks/networks/\(name).onnx").path
    return ExactNetwork(try Network(onnx: try BoundedFile.read(path, maximumBytes: ONNXModel.maximumBytes)))
  }

  private static func query(inputs: Int, feature: Int = 0) -> Query {
    Query(
      region: Array(repeating: Rational(0)...Rational(1), count: inputs),
      claim: .monotone(output: 0, feature: feature, direction: .nondecreasing, minimumSlope: .zero))
  }

  /// The tree of a search that goes on, turn for turn, after these numbers of cells.
  private func tree(_ network: ExactNetwork, _ query: Query, _ mode: SplitMode, turns: [Int]) throws -> [UInt8] {
    let problem = try FixedPointProblem(network: network, query: query)
    let float = FloatProblem(problem)
    var found: FoundTree?
    for limit in turns + [BranchAndBound.maximumCells] {
      let guide = try found.map { try SearchGuide($0, problem: problem) }
      let outcome = try BranchAndBound(
        network: network, query: query, problem: problem, float: float,
        builder: CounterexampleBuilder(network: network, query: query, index: 0, isEnclosed: false), budget: Budget(),
        pool: WorkPool(), mode: mode, cellLimit: limit, guide: guide, progress: { _, _ in }
      ).run()
      found = outcome.tree
      if outcome.verdict == .holds { break }
      #expect(outcome.verdict == .unknown(.limit))
    }
    var bytes: [UInt8] = []
    try #require(found).write { bytes += $0 }
    return bytes
  }

  @Test(arguments: [
    ("n12_2x16_pen_s0", SplitMode.inputs), ("n12_2x16_pen_s0", .mixed), ("n12_2x16_mono_s0", .lookAhead),
    ("n6_2x32_pen_s0", .inputs),
  ])
  func turnsAreThoseOfOneSearch(name: String, mode: SplitMode) throws {
    let network = try Self.network(name)
    let query = Self.query(inputs: network.inputCount)
    let whole = try tree(network, query, mode, turns: [])
    #expect(whole.count > 100)
    for turns in [[1, 3, 40], Array(stride(from: 20, to: 4000, by: 21)), Array(stride(from: 40, to: 4000, by: 90))] {
      #expect(try tree(network, query, mode, turns: turns) == whole, "\(turns)")
    }
  }

  @Test func aRoundMoreIsWorthItWhereItMayCloseTheGap() {
    let experience = SearchExperience()
    // Usually a round gains 0.43 of what the one before it gained, and twice that is hoped for.
    #expect(experience.isWorthAnotherRound(gap: 0.86, gain: 1, round: 2))
    #expect(!experience.isWorthAnotherRound(gap: 0.87, gain: 1, round: 2))
    #expect(!experience.isWorthAnotherRound(gap: 0.1, gain: 0, round: 2))
    #expect(!experience.isWorthAnotherRound(gap: 0.1, gain: 1, round: 4))
    // Rounds that gained as much as those before them make another one worth it; rounds that gained nothing do not.
    let good = experience.adding(gain: 1, before: 1)
    #expect(good.isWorthAnotherRound(gap: 1.14, gain: 1, round: 2))
    #expect(!good.isWorthAnotherRound(gap: 1.15, gain: 1, round: 2))
    let bad = experience.adding(gain: 0, before: 1)
    #expect(bad.isWorthAnotherRound(gap: 0.42, gain: 1, round: 2))
    #expect(!bad.isWorthAnotherRound(gap: 0.43, gain: 1, round: 2))
    // Children know what their parents saw.
    #expect(good.child(0).isWorthAnotherRound(gap: 1.14, gain: 1, round: 2))
    // One cell in 32 has a second round, whatever is hoped for.
    var tried = 0
    var cell = experience
    for k in 0..<4096 {
      cell = cell.child(UInt64(k & 1))
      tried += cell.isWorthAnotherRound(gap: 1e6, gain: 1, round: 1) ? 1 : 0
    }
    #expect((96...160).contains(tried), "\(tried)")
  }

  /// A lane of the kernel, its rounds included, is the same beside any other cells and in any place.
  @Test func lanesDoNotInfluenceEachOther() throws {
    let network = try Self.network("n6_2x32_pen_s0")
    let problem = try FixedPointProblem(network: network, query: Self.query(inputs: 6))
    let search = SearchProblem(problem)
    var cells = [Cell(problem: problem)]
    while cells.count < 64 {
      let cell = cells.removeFirst()
      let (low, high) = cell.halves(input: cells.count % 6)
      cells += [low, high]
    }
    struct Lane: Equatable {
      var bound: [Float]
      var multipliers: [Float]
    }
    func lane(_ batch: BoundBatch, _ k: Int) -> Lane {
      Lane(
        bound: [batch.bound(k), batch.start(k), batch.plain(k)] + batch.values(k)
          + (0..<problem.neuronCount).flatMap { [batch.gap(k, $0), batch.gapLeast(k, $0)] },
        multipliers: batch.multipliers(k).values)
    }
    let warm = FloatMultipliers(problem: problem)
    let batch = BoundBatch(search)
    let longer = BoundBatch(search)
    // Each cell alone: all lanes are the same cell.
    var first: [Lane] = []
    var second: [Lane] = []
    for cell in cells {
      for k in 0..<BoundBatch.lanes { batch.load(k, cell, warm) }
      batch.known = .nothing
      batch.run(iterations: 5, rate: 0.06, target: 1e-6)
      first.append(lane(batch, 0))
      for k in 0..<BoundBatch.lanes { longer.copy(k, from: batch, 3) }
      longer.known = .everything
      longer.run(iterations: 8, rate: 0.05, target: 1e-6)
      #expect(longer.start(0) == batch.bound(0))
      #expect(longer.bound(0) >= batch.bound(0))
      second.append(lane(longer, 0))
    }
    #expect(first.contains { $0.bound[0] >= 1e-6 } && first.contains { $0.bound[0] < 0 })
    #expect(zip(first, second).contains { $0.bound[0] < $1.bound[0] })
    // Sixteen different ones, and the rounds that follow in another order.
    for start in stride(from: 0, to: cells.count, by: BoundBatch.lanes) {
      for k in 0..<BoundBatch.lanes { batch.load(k, cells[start + k], warm) }
      batch.known = .nothing
      batch.run(iterations: 5, rate: 0.06, target: 1e-6)
      for k in 0..<BoundBatch.lanes {
        #expect(lane(batch, k) == first[start + k], "cell \(start + k)")
        longer.copy((5 * k + 3) % 16, from: batch, k)
      }
      longer.known = .everything
      longer.run(iterations: 8, rate: 0.05, target: 1e-6)
      for k in 0..<BoundBatch.lanes {
        #expect(lane(longer, (5 * k + 3) % 16) == second[start + k], "cell \(start + k), second round")
      }
    }
  }

  /// What the search sees of a cell is what the integer routine makes of the multipliers that the proof will hold, but for
  /// rounding: also in layers above the second, where the derivatives of active neurons are ranges.
  @Test(arguments: ["n6_2x32_pen_s0", "n6_3x32_mono_s0", "n6_4x64_pen_s0"])
  func multipliersAsWrittenGiveTheBoundOfTheSearch(name: String) throws {
    let network = try Self.network(name)
    let problem = try FixedPointProblem(network: network, query: Self.query(inputs: 6))
    let shape = MultiplierShape(problem: problem)
    let batch = BoundBatch(SearchProblem(problem))
    let evaluator = LeafEvaluator(problem: problem)
    var cells = [Cell(problem: problem)]
    while cells.count < 64 {
      let cell = cells.removeFirst()
      let (low, high) = cell.halves(input: cells.count % 6)
      cells += [low, high]
    }
    var compared = 0
    var far = 0
    for start in stride(from: 0, to: cells.count, by: BoundBatch.lanes) {
      for k in 0..<BoundBatch.lanes { batch.load(k, cells[start + k], FloatMultipliers(problem: problem)) }
      // No lane is closed, so that all lanes go through every step.
      batch.run(iterations: 20, rate: 0.1, target: .infinity)
      for k in 0..<BoundBatch.lanes where !batch.isEmpty(k) {
        let cell = cells[start + k]
        guard case .bound(let bound) = evaluator.evaluate(cell, multipliers: batch.rounded(k, cell, shape: shape))
        else {
          continue
        }
        let seen = batch.bound(k)
        let proved = Float(Double(bound - problem.threshold) * 0x1p-40)
        compared += 1
        if abs(proved - seen) > 5e-4 + 5e-3 * abs(seen) { far += 1 }
      }
    }
    #expect(compared >= 48, "\(compared)")
    #expect(far * 20 <= compared, "\(far) of \(compared)")
  }
}
