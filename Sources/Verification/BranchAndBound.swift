internal import Certificates
internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import Specifications

/// How a query ended, and what it took.
struct QueryOutcome {
  var verdict: Verdict
  /// Closed cells.
  var leaves = 0
  /// Closed cells whose last word was Z3's, among ``leaves``.
  var solverLeaves = 0
  /// The proved share of the split tree: an input split halves a cell's share (which is then exactly its volume), a
  /// phase split halves it by convention.
  var provedShare = 0.0
  /// A certified lower bound of what the claim speaks of, where one is known.
  var lowerBound: Rational?
}

/// Branch and bound over input halves and neuron phases.
///
/// A cell is closed only by the integer routine of `ProofChecking`, by exact evaluation of its one linear piece, or by
/// an `unsat` of Z3 for the cell. The split is chosen by look-ahead: the most promising phases and inputs are tried
/// with a few ascent steps, and the one with the greatest product of improvements is taken (strong branching,
/// Applegate et al., 1995). Depth first, the worse child first.
final class BranchAndBound {
  /// The most cells examined in one query.
  static let maximumCells = 20_000_000

  private struct Node {
    var cell: Cell
    var multipliers: Multipliers?
    var bound: Double
    var share: Double
  }

  private struct Probe {
    var bound: Double
    var multipliers: Multipliers?
  }

  private enum Split: Hashable {
    case input(Int)
    case phase(Int)
  }

  /// The claim counts as reached in binary64 from here; the integer routine has the last word.
  private static let target = 1e-8
  private static let worthChecking = -1e-9
  private static let probeIterations = 6
  private static let childIterations = 20
  private static let rootIterations = 60
  private static let rate = 0.2
  /// With so few open phases only they are split. A claim that is tight along a line or surface would otherwise have
  /// its inputs halved along all of it; so it is settled exactly by at most 2^`fewPhases` cells a place.
  private static let fewPhases = 4

  private let problem: FixedPointProblem
  private let search: BoundSearch
  private let evaluator: LeafEvaluator
  private let falsifier: Falsifier
  private let pieces: FixedCellSolver
  private let builder: CounterexampleBuilder
  private let budget: Budget
  private let progress: (Double, Int) -> Void
  /// What the claim says of its quantity: cells closed by exact evaluation show this much and not the threshold of the
  /// integer routine, which is rounded up.
  private let claimed: Rational

  private var stack: [Node] = []
  private var outcome = QueryOutcome(verdict: .unknown(.limit))
  private var undecided: UnknownReason?
  /// Cells that neither bounds nor Z3 decided, kept for the certified bound.
  private var stuck: [Node] = []

  init(
    network: ExactNetwork, query: Query, problem: FixedPointProblem, float: FloatProblem, falsifier: Falsifier,
    builder: CounterexampleBuilder, budget: Budget, progress: @escaping (Double, Int) -> Void
  ) {
    self.problem = problem
    search = BoundSearch(float)
    evaluator = LeafEvaluator(problem: problem)
    self.falsifier = falsifier
    self.builder = builder
    self.budget = budget
    self.progress = progress
    switch query.claim {
    case .monotone(_, _, _, let minimumSlope): claimed = minimumSlope
    case .nonnegative: claimed = .zero
    }
    pieces = FixedCellSolver(network: network, query: query, problem: problem)
  }

  /// Decides the query or runs out of budget.
  func run() throws -> QueryOutcome {
    let root = Cell(inputCount: problem.inputCount, neuronCount: problem.neuronCount)
    let probe = probe(root, warm: nil, iterations: Self.rootIterations)
    admit(Node(cell: root, multipliers: probe.multipliers, bound: probe.bound, share: 1))
    var cells = 0
    while let node = stack.popLast() {
      if budget.isOver || cells >= Self.maximumCells {
        stack.append(node)
        return unfinished(budget.isInterrupted ? .interrupted : budget.isExhausted ? .timeout : .limit)
      }
      cells += 1
      if cells & 63 == 0 { progress(outcome.provedShare, outcome.leaves) }
      if let found = try expand(node) {
        outcome.verdict = .violated([found])
        outcome.lowerBound = nil
        return outcome
      }
    }
    if let undecided { return unfinished(undecided) }
    outcome.verdict = .holds
    outcome.provedShare = 1
    outcome.lowerBound = min(claimed, problem.unscaled(Int128(problem.threshold) << 40))
    return outcome
  }

  /// Splits a node, or decides it. Returns a counterexample when one is met.
  private func expand(_ node: Node) throws -> Counterexample? {
    guard search.load(node.cell) else { return try decideByPieces(node) }
    var multipliers = node.multipliers ?? search.defaultMultipliers()
    let bound = search.ascend(&multipliers, iterations: 0, rate: Self.rate, target: Self.target)

    // The relaxation's minimiser, moved a little inwards, is the likeliest violation in the cell.
    let unit = 1 / Double(FixedPointProblem.one)
    let hint = (0..<problem.inputCount).map { i in
      let middle = (Double(node.cell.lower[i]) + Double(node.cell.upper[i])) / 2 * unit
      return search.minimiser[i] * 0.9999 + middle * 0.0001
    }
    if falsifier.value(at: hint) < 0, let found = try builder.counterexample(near: hint, budget: budget) {
      return found
    }

    let candidates = candidates(node)
    guard !candidates.isEmpty else {
      // One linear piece whose bound is negative: it is empty if anything. A longer ascent in β usually shows that.
      let bound = search.ascend(&multipliers, iterations: 100, rate: 0.5, target: Self.target)
      let last = Node(cell: node.cell, multipliers: multipliers, bound: bound, share: node.share)
      if bound >= Self.worthChecking, accepts(last) {
        close(last)
        return nil
      }
      return try decideByPieces(last)
    }

    var best: (split: Split, probes: [Probe], score: Double)?
    for split in candidates {
      let probes = children(of: node.cell, split).map {
        probe($0, warm: multipliers, iterations: Self.probeIterations)
      }
      let score = probes.reduce(1.0) { $0 * improvement(of: $1.bound, over: bound) }
      if best.map({ score > $0.score }) ?? true { best = (split, probes, score) }
      if probes.allSatisfy({ $0.bound >= Self.target }) { break }
    }
    guard let best else { return try decideByPieces(node) }
    var nodes = zip(children(of: node.cell, best.split), best.probes).map { cell, probe in
      var probe = probe
      if probe.bound < Self.target {
        probe = self.probe(cell, warm: probe.multipliers ?? multipliers, iterations: Self.childIterations)
      }
      return Node(cell: cell, multipliers: probe.multipliers, bound: probe.bound, share: node.share / 2)
    }
    nodes.sort { $0.bound > $1.bound }
    for child in nodes { admit(child) }
    return nil
  }

  private func improvement(of bound: Double, over parent: Double) -> Double {
    let gain = bound >= Self.target ? -parent : min(bound, 0) - parent
    return max(gain, 1e-9)
  }

  /// Closes the node if the integer routine accepts it, keeps it open otherwise.
  private func admit(_ node: Node) {
    if node.bound >= Self.worthChecking, accepts(node) {
      close(node)
    } else {
      stack.append(node)
    }
  }

  private func close(_ node: Node) {
    outcome.leaves += 1
    outcome.provedShare += node.share
  }

  private func accepts(_ node: Node) -> Bool {
    do {
      try evaluator.check(node.cell, multipliers: node.multipliers?.rounded)
      return true
    } catch {
      return false
    }
  }

  private func probe(_ cell: Cell, warm: Multipliers?, iterations: Int) -> Probe {
    guard search.load(cell) else { return Probe(bound: .infinity, multipliers: nil) }
    let plain = search.bound(nil)
    if plain >= Self.worthChecking { return Probe(bound: plain, multipliers: nil) }
    var multipliers = warm ?? search.defaultMultipliers()
    let bound = search.ascend(&multipliers, iterations: iterations, rate: Self.rate, target: Self.target)
    return Probe(bound: bound, multipliers: multipliers)
  }

  // MARK: Splitting

  private func children(of cell: Cell, _ split: Split) -> [Cell] {
    var left = cell
    var right = cell
    switch split {
    case .input(let i):
      let middle = cell.lower[i] + (cell.upper[i] - cell.lower[i]) / 2
      left.upper[i] = middle
      right.lower[i] = middle
    case .phase(let g):
      left.premises[g] = -1
      right.premises[g] = 1
    }
    return [left, right]
  }

  /// The three most promising phases and two most promising inputs of the loaded cell.
  private func candidates(_ node: Node) -> [Split] {
    var phases: [(score: Double, split: Split)] = []
    for g in 0..<problem.neuronCount where search.phase[g] == 0 && node.cell.premises[g] == 0 {
      let a = max(0, search.gapInactive[g])
      let b = max(0, search.gapActive[g])
      phases.append((min(a, b) + 0.1 * max(a, b) + 1e-9 * (search.zHigh[g] - search.zLow[g]), .phase(g)))
    }
    guard !phases.isEmpty else { return [] }
    if phases.count <= Self.fewPhases {
      phases.sort { $0.score > $1.score }
      return phases.prefix(3).map(\.split)
    }
    var inputs: [(score: Double, split: Split)] = []
    let unit = 1 / Double(FixedPointProblem.one)
    for i in 0..<problem.inputCount where node.cell.upper[i] - node.cell.lower[i] >= 1 << 14 {
      let width = Double(node.cell.upper[i] - node.cell.lower[i]) * unit
      var score = 0.2 * abs(search.slope[i]) * width
      let layer = search.problem.layers[0]
      if problem.neuronCount > 0 {
        for j in 0..<layer.outputCount where search.phase[j] == 0 {
          let gap = max(0, search.gapInactive[j]) + max(0, search.gapActive[j])
          score +=
            0.3 * gap / (search.zHigh[j] - search.zLow[j]) * abs(layer.weights[j * layer.inputStride + i]) * width
            * 0.25
        }
      }
      inputs.append((score + 1e-12 * width, .input(i)))
    }
    phases.sort { $0.score > $1.score }
    inputs.sort { $0.score > $1.score }
    return phases.prefix(3).map(\.split) + inputs.prefix(2).map(\.split)
  }

  // MARK: Cells that bounds do not decide

  /// Decides a cell without unstable neurons (as the integer routine sees it) from its one linear piece.
  private func decideByPieces(_ node: Node) throws -> Counterexample? {
    switch evaluator.evaluate(node.cell, multipliers: nil) {
    case .empty:
      close(node)
      return nil
    case .outOfRange:
      return giveUp(node, UnknownReason(description: "a number left the range of the integer routine"))
    case .bound:
      break
    }
    let phases = evaluator.phases
    if let g = phases.indices.first(where: { phases[$0] == 0 }) {
      // Binary64 and integer bounds disagree by rounding: settle the phase by a split.
      for cell in children(of: node.cell, .phase(g)) {
        stack.append(Node(cell: cell, multipliers: node.multipliers, bound: node.bound, share: node.share / 2))
      }
      return nil
    }
    switch try pieces.decide(node.cell, phases: phases, budget: budget) {
    case .closed(let bySolver):
      close(node)
      if bySolver { outcome.solverLeaves += 1 }
      return nil
    case .witness(let point):
      if let found = try builder.counterexample(at: point, budget: budget) { return found }
      if builder.isEnclosed { return giveUp(node, .enclosure) }
      throw VerificationError(
        .disagreement,
        "the solver gave \(point) as a violating point, but exact evaluation finds no violation through it; "
          + "please report this with the model and the specification")
    case .unknown(let reason):
      return giveUp(node, reason)
    }
  }

  private func giveUp(_ node: Node, _ reason: UnknownReason) -> Counterexample? {
    undecided = budget.isInterrupted ? .interrupted : reason
    stuck.append(node)
    return nil
  }

  /// Ends without a verdict: the certified bound is the least that the integer routine gives for the open cells.
  private func unfinished(_ reason: UnknownReason) -> QueryOutcome {
    outcome.verdict = .unknown(reason)
    outcome.provedShare = min(outcome.provedShare, 1.0.nextDown)
    var least = Int128(problem.threshold) << 40
    for node in (stack + stuck).prefix(100_000) {
      switch evaluator.evaluate(node.cell, multipliers: node.multipliers?.rounded) {
      case .empty: continue
      case .outOfRange: return outcome
      case .bound(let bound): least = min(least, bound)
      }
    }
    if stack.count + stuck.count <= 100_000 { outcome.lowerBound = min(claimed, problem.unscaled(least)) }
    return outcome
  }
}
