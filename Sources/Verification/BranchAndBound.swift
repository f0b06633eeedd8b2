internal import Certificates
internal import ExactArithmetic
internal import Glibc
internal import Networks
internal import ProofChecking
internal import Specifications
internal import Synchronization

/// How a query ended, and what it took.
struct QueryOutcome {
  var verdict: Verdict
  /// Closed cells.
  var leaves = 0
  /// Closed cells whose multipliers came from Z3, among ``leaves``.
  var solverLeaves = 0
  /// The proved share of the split tree: an input split halves a cell's share (which is then exactly its volume), a
  /// phase split halves it by convention.
  var provedShare = 0.0
  /// A certified lower bound of what the claim speaks of, where one is known.
  var lowerBound: Rational?
  /// The tree that was found: a proof when the verdict is `holds`, with open leaves otherwise.
  var tree: FoundTree?
  /// The stage of the search that ended, of ``Verifier``.
  var stage = 0
  /// Processor time of other threads that helped.
  var helpersSeconds = 0.0
}

/// The trees of one search.
struct FoundTree {
  var root: SplitTree
  var parts: [Int: SplitTree]

  func write(to sink: ([UInt8]) throws -> Void) rethrows { try SplitTree.write(root, parts: parts, to: sink) }
}

/// Branch and bound over input halves and neuron phases.
///
/// Sixteen cells at a time are bounded in binary32 (`CBoundSearch`): intermediate bounds from scratch, then a few steps
/// of ascent from the parent's multipliers. What looks closed is closed only when the integer routine of
/// `ProofChecking` accepts it with the multipliers that the proof will hold; a cell without open phases is decided
/// exactly. The rest is split where the relaxation is loosest. What happens to a cell depends on its ancestors alone,
/// so that the tree that proves a query is the same for any number of threads.
final class BranchAndBound: @unchecked Sendable {
  // Immutable after the initialiser but for `shared`, which a mutex guards, and `progress`, called by the owner alone.

  /// The most cells examined in one query.
  static let maximumCells = 50_000_000
  /// Steps of ascent for every cell, for a cell that another round may close, and for the whole domain.
  static let iterations = 5
  static let furtherIterations = 8
  static let rootIterations = 60
  /// Steps for the children of a split that is tried.
  static let trialIterations = 2
  /// Step sizes of the ascent: from nothing, from a parent's multipliers, and from a cell's own.
  static let rootRate: Float = 0.1
  static let rate: Float = 0.06
  static let furtherRate: Float = 0.05
  /// With so few open phases only they are split. A claim that is tight along a line or surface would otherwise have
  /// its inputs halved along all of it; so it is settled exactly by at most 2^`fewPhases` cells a place.
  static let fewPhases = 4
  /// Cells narrower than this in every input (in units of 2⁻³⁰) have their phases split.
  static let leastWidth: Int64 = 1 << 8

  /// A cell that is still to be bounded.
  struct OpenCell {
    var cell: Cell
    var warm: FloatMultipliers
    var share: Double
    var node: Int32
    /// How the proof of another network closed this cell; tried first.
    var advice: Advice?
    /// Whether the integer routine refused what looked closed in binary32: to be split.
    var isRefused = false
    /// The bound of its parent, above the claim, in binary32.
    var bound = -Float.infinity
    var experience = SearchExperience()
  }

  /// What an open cell has in memory that a tree in a file has not, or not as exactly.
  struct Prospect {
    var warm: FloatMultipliers
    var bound: Float
    var experience: SearchExperience

    init(_ cell: OpenCell) { (warm, bound, experience) = (cell.warm, cell.bound, cell.experience) }
  }

  enum Advice {
    case byDefault
    case multiplied(LeafMultipliers)

    var multipliers: LeafMultipliers? { if case .multiplied(let multipliers) = self { multipliers } else { nil } }
  }

  struct Shared {
    var leaves = 0
    var pieces = 0
    var provedShare = 0.0
    /// Cells that were closed or split: the same for each run that gets as far, whatever the threads.
    var cells = 0
    var parts: [Int: SplitTree] = [:]
    var partCount = 0
    var pending = 0
    var found: Counterexample?
    var failure: (any Error)?
    var undecided: UnknownReason?
    var open: [OpenCell] = []
    var isOpenComplete = true
    var helpersSeconds = 0.0
  }

  let problem: FixedPointProblem
  let search: SearchProblem
  let float: FloatProblem
  let shape: MultiplierShape
  let rule: PieceRule
  let builder: CounterexampleBuilder
  let budget: Budget
  private let pool: WorkPool
  private let progress: (Double, Int) -> Void
  let mode: SplitMode
  private let cellLimit: Int
  /// A tree to start from.
  private let guide: SearchGuide?
  /// Where bounds of pre-activations are shared with other properties.
  let bounds: (table: SharedBounds, handle: SharedBounds.Handle)?
  let shared = Mutex(Shared())
  /// What the claim says of its quantity: cells closed by exact evaluation show this much and not the threshold of the
  /// integer routine, which is rounded up.
  let claimed: Rational
  /// The claim counts as reached in binary32 from here; the integer routine has the last word.
  let target: Float

  init(
    network: ExactNetwork, query: Query, problem: FixedPointProblem, float: FloatProblem,
    builder: CounterexampleBuilder, budget: Budget, pool: WorkPool, mode: SplitMode = .mixed,
    cellLimit: Int = BranchAndBound.maximumCells, guide: SearchGuide? = nil,
    bounds: SharedBounds? = nil, progress: @escaping (Double, Int) -> Void
  ) {
    self.problem = problem
    self.float = float
    search = SearchProblem(problem)
    shape = MultiplierShape(problem: problem)
    rule = PieceRule(network: network, query: query, problem: problem)
    self.builder = builder
    self.budget = budget
    self.pool = pool
    self.mode = mode
    self.cellLimit = cellLimit
    self.guide = guide
    self.bounds = bounds.flatMap { table in table.handle(problem).map { (table, $0) } }
    self.progress = progress
    switch query.claim {
    case .monotone(_, _, _, let minimumSlope): claimed = minimumSlope
    case .nonnegative: claimed = .zero
    }
    target = Float(1e-6 * float.derivativeScale + 1e-8)
  }

  /// The tree of one leaf, when intervals and the signs of weights show the claim on the whole domain.
  static func provedByIntervals(_ problem: FixedPointProblem) -> FoundTree? {
    switch LeafEvaluator(problem: problem).evaluateByIntervals(Cell(problem: problem)) {
    case .outOfRange: return nil
    case .bound(let bound): guard bound >= problem.threshold else { return nil }
    case .empty: break
    }
    var tree = SplitTree()
    tree.close(0, [ProofFormat.Tag.intervalLeaf])
    return FoundTree(root: tree, parts: [:])
  }

  /// Decides the query or runs out of budget.
  func run() throws -> QueryOutcome {
    let root = OpenCell(
      cell: Cell(problem: problem), warm: FloatMultipliers(problem: problem), share: 1, node: 0)
    let tree = work(guide == nil ? [root] : [], isOwner: true)
    pool.serve { self.shared.withLock { $0.pending == 0 } }
    let shared = self.shared.withLock { $0 }
    if let failure = shared.failure { throw failure }
    var outcome = QueryOutcome(verdict: .holds)
    outcome.leaves = shared.leaves
    outcome.solverLeaves = shared.pieces
    outcome.helpersSeconds = shared.helpersSeconds
    outcome.tree = FoundTree(root: tree, parts: shared.parts)
    if let found = shared.found {
      outcome.verdict = .violated([found])
      outcome.provedShare = min(shared.provedShare, 1.0.nextDown)
      return outcome
    }
    if let undecided = shared.undecided {
      outcome.verdict = .unknown(undecided)
      outcome.provedShare = min(shared.provedShare, 1.0.nextDown)
      outcome.lowerBound = certifiedBound(shared)
      return outcome
    }
    if shared.cells > cellLimit {
      // The last batch went over the limit: whether another thread would have stopped before it must not matter.
      outcome.verdict = .unknown(.limit)
      return outcome
    }
    outcome.provedShare = 1
    outcome.lowerBound = min(claimed, problem.unscaled(problem.threshold))
    return outcome
  }

  /// The most open cells whose bounds are looked at when a search ends undecided.
  private static let maximumOpen = 200_000
  /// The most open cells of a tree that keep more in memory than a file would; a search in depth has far fewer.
  private static let maximumProspects = 20_000
  /// The most that one thread leaves open after it has looked for better bounds.
  private static let maximumRefined = 100_000

  /// The least that the integer routine gives for the open cells; for the whole domain when they are too many.
  private func certifiedBound(_ shared: Shared) -> Rational? {
    let whole = OpenCell(cell: Cell(problem: problem), warm: FloatMultipliers(problem: problem), share: 1, node: 0)
    // Something is open, or there would be a verdict.
    let cells = shared.isOpenComplete && !shared.open.isEmpty ? shared.open : [whole]
    let evaluator = LeafEvaluator(problem: problem)
    let seconds: Duration = budget.isInterrupted ? .milliseconds(300) : .seconds(2)
    var certified = certify(cells[...], evaluator, until: ContinuousClock.now + seconds)
    // What the whole domain shows takes one look.
    if case .outOfTime = certified { certified = certify([whole], evaluator) }
    guard case .least(let least) = certified else { return nil }
    return min(claimed, problem.unscaled(least))
  }

  private enum Certified {
    case least(Int64)
    case outOfRange
    case outOfTime
  }

  /// The least that the integer routine gives for cells, at most the threshold.
  @discardableResult
  private func certify(
    _ cells: ArraySlice<OpenCell>, _ evaluator: LeafEvaluator, until deadline: ContinuousClock.Instant? = nil
  ) -> Certified {
    var least = problem.threshold
    // A cell takes two lanes: default multipliers and its own.
    for start in stride(from: cells.startIndex, to: cells.endIndex, by: LeafEvaluator.lanes / 2) {
      if let deadline, ContinuousClock.now >= deadline { return .outOfTime }
      let end = min(start + LeafEvaluator.lanes / 2, cells.endIndex)
      for k in start..<end {
        let multipliers = cells[k].warm.rounded(premises: cells[k].cell.premises, shape: shape)
        evaluator.load(2 * (k - start), cells[k].cell, multipliers: nil)
        evaluator.load(2 * (k - start) + 1, cells[k].cell, multipliers: multipliers)
      }
      evaluator.run()
      for k in start..<end {
        var best: Int64?
        var isEmpty = false
        for outcome in [evaluator.outcome(2 * (k - start)), evaluator.outcome(2 * (k - start) + 1)] {
          switch outcome {
          case .empty: isEmpty = true
          case .outOfRange: continue
          case .bound(let bound): best = max(best ?? bound, bound)
          }
        }
        if isEmpty { continue }
        guard let best else { return .outOfRange }
        least = min(least, best)
      }
    }
    return .least(least)
  }

  // MARK: The work of one thread

  /// How many cells of a tree to start from wait in memory, for other threads to take.
  private static let guidedStack = 512

  /// Works off a stack of cells, whose nodes are the roots of the tree that is returned; the owner also what is open in
  /// the tree to start from.
  private func work(_ start: [OpenCell], isOwner: Bool) -> SplitTree {
    let worker = SearchWorker(self)
    var tree = SplitTree(roots: max(1, start.count))
    var stack = start
    var rounds = 0
    let guide = isOwner ? guide : nil
    if let guide, !isWorthFollowing(guide, worker, &stack, &tree) {
      // What was followed is forgotten, and with it which cells are open.
      shared.withLock { shared in
        shared.undecided = .limit
        shared.isOpenComplete = false
      }
      return tree
    }
    while true {
      if let guide { fill(&stack, &tree, guide) }
      if stack.isEmpty {
        do {
          try worker.finish(&stack, &tree)
        } catch {
          shared.withLock { $0.failure = $0.failure ?? error }
        }
      }
      if stack.isEmpty { break }
      if let reason = stopReason(tree) {
        worker.putBack(&stack)
        if reason == .timeout {
          do {
            try refine(&stack, &tree, worker)
          } catch {
            shared.withLock { $0.failure = $0.failure ?? error }
          }
        }
        worker.putBack(&stack)
        worker.settle(&stack, &tree)
        leave(stack, &tree, guide, reason)
        break
      }
      if stack.count > 2, rounds & 15 == 15, pool.isHungry {
        // The oldest cell of a search is the largest; cells of a given tree are leaves, and many make a task.
        donate(guide?.isExhausted ?? true ? 1 : stack.count / 2, &stack, &tree)
      }
      rounds += 1
      if stack.suffix(BoundBatch.lanes).contains(where: { $0.advice != nil }) {
        // What advice leaves open goes back, so that the next steps have full lanes.
        let count = min(8 * BoundBatch.lanes, stack.count)
        var cells = Array(stack[(stack.count - count)...])
        stack.removeLast(count)
        worker.follow(&cells, &tree)
        stack += cells
        continue
      }
      let count = min(BoundBatch.lanes, stack.count)
      let cells = Array(stack[(stack.count - count)...])
      stack.removeLast(count)
      let isRoot = count == 1 && cells[0].share == 1
      do {
        try worker.process(cells, isRoot: isRoot, &stack, &tree)
      } catch {
        shared.withLock { $0.failure = $0.failure ?? error }
      }
      if isOwner, rounds & 15 == 0 {
        let (share, leaves) = shared.withLock { ($0.provedShare, $0.leaves) }
        progress(share, leaves)
      }
    }
    return tree
  }

  /// Whether the advice of a predecessor holds in half of the first cells it is given for: where it does not, a
  /// search from the whole domain takes less. Looked at by the owner alone, so that the answer is the same in each run.
  private func isWorthFollowing(
    _ guide: SearchGuide, _ worker: SearchWorker, _ stack: inout [OpenCell], _ tree: inout SplitTree
  ) -> Bool {
    fill(&stack, &tree, guide)
    let advised = stack.count { $0.advice != nil }
    guard advised > 0 else { return true }
    let before = stack.count
    worker.follow(&stack, &tree)
    return 2 * (before - stack.count) >= advised
  }

  /// Takes open cells from the tree to start from.
  private func fill(_ stack: inout [OpenCell], _ tree: inout SplitTree, _ guide: SearchGuide) {
    guard stack.count < BoundBatch.lanes, !guide.isExhausted else { return }
    let before = (guide.kept, guide.keptPieces, guide.keptShare, guide.processed)
    while stack.count < Self.guidedStack, let cell = guide.next(into: &tree) { stack.append(cell) }
    count(guide, since: before)
  }

  /// What stayed closed counts as done.
  private func count(_ guide: SearchGuide, since before: (Int, Int, Double, Int)) {
    shared.withLock { shared in
      shared.leaves += guide.kept - before.0
      shared.cells += guide.processed - before.3
      shared.pieces += guide.keptPieces - before.1
      shared.provedShare += guide.keptShare - before.2
    }
  }

  /// Splits the open cells with the least bounds first, for the certified bound of what stays open, until half of the
  /// time that is left for that is over or the cells are as many as can be looked at in the end.
  private func refine(_ stack: inout [OpenCell], _ tree: inout SplitTree, _ worker: SearchWorker) throws {
    guard let deadline = budget.deadline, !stack.isEmpty else { return }
    let start = ContinuousClock.now
    let left = deadline - start
    guard left > .milliseconds(50) else { return }
    // What looking at one cell in the end takes: two lanes of the integer routine.
    let before = Self.threadSeconds()
    certify(stack.prefix(LeafEvaluator.lanes / 2), worker.evaluator)
    let cost = max(1e-6, (Self.threadSeconds() - before) / Double(LeafEvaluator.lanes / 2))
    let affordable = min(Self.maximumRefined, stack.count + Int(left / .seconds(1) * 0.3 / cost))
    let end = start + left * 0.5
    var aside: [OpenCell] = []
    var level = stack.reduce(Float.infinity) { min($0, $1.bound) }
    if !level.isFinite { level = -1 }
    while ContinuousClock.now < end, !budget.isInterrupted, level < -1e-6 {
      level *= 0.96
      let all = aside + stack
      aside = all.filter { $0.bound >= level }
      stack = all.filter { $0.bound < level }
      while true {
        if stack.isEmpty { try worker.finish(&stack, &tree) }
        while let last = stack.last, last.bound >= level { aside.append(stack.removeLast()) }
        if stack.isEmpty { break }
        guard ContinuousClock.now < end, !budget.isInterrupted, stack.count + aside.count < affordable else {
          stack = aside + stack
          return
        }
        let count = min(BoundBatch.lanes, stack.count)
        let cells = Array(stack[(stack.count - count)...])
        stack.removeLast(count)
        try worker.process(cells, isRoot: count == 1 && cells[0].share == 1, &stack, &tree)
        if shared.withLock({ $0.found != nil || $0.failure != nil }) {
          stack = aside + stack
          return
        }
      }
    }
    stack = aside + stack
  }

  /// Ends with cells undecided: they stay in the tree with the multipliers to go on from.
  private func leave(_ stack: [OpenCell], _ tree: inout SplitTree, _ guide: SearchGuide?, _ reason: UnknownReason) {
    func keep(_ cell: OpenCell) {
      // A stage that ends by its number of cells has another turn, in memory.
      keepOpen(cell, &tree, isExact: reason == .limit)
      shared.withLock { shared in
        if shared.open.count < Self.maximumOpen { shared.open.append(cell) } else { shared.isOpenComplete = false }
      }
    }
    for cell in stack { keep(cell) }
    if let guide, !guide.keepsLeaves, !guide.isExhausted {
      // What was not read of a predecessor's tree is advice for nobody: its unread parts stay open as they are.
      shared.withLock { $0.isOpenComplete = false }
    } else if let guide {
      let before = (guide.kept, guide.keptPieces, guide.keptShare, guide.processed)
      while tree.byteCount < SplitTree.maximumBytes, let cell = guide.next(into: &tree) { keep(cell) }
      count(guide, since: before)
      if !guide.isExhausted { shared.withLock { $0.isOpenComplete = false } }
    }
    shared.withLock { $0.undecided = $0.undecided ?? reason }
  }

  /// The bytes of a leaf that a bound closes.
  func leaf(_ cell: Cell, _ multipliers: LeafMultipliers?) -> [UInt8] {
    guard let multipliers else { return [ProofFormat.Tag.leaf] }
    return SearchGuide.encoded(multipliers, ProofFormat.Tag.multipliedLeaf, shape, cell.premises)
  }

  func keepOpen(_ cell: OpenCell, _ tree: inout SplitTree, isExact: Bool = false) {
    let multipliers = cell.warm.rounded(premises: cell.cell.premises, shape: shape)
    tree.keepOpen(
      cell.node, SearchGuide.encoded(multipliers, ProofFormat.Tag.open, shape, cell.cell.premises),
      isExact && tree.prospects.count < Self.maximumProspects ? Prospect(cell) : nil)
  }

  private func stopReason(_ tree: SplitTree) -> UnknownReason? {
    if budget.isInterrupted { return .interrupted }
    if budget.isForBounds { return .timeout }
    return shared.withLock { shared in
      if shared.found != nil || shared.failure != nil { return .interrupted }
      if shared.cells > cellLimit || tree.byteCount > SplitTree.maximumBytes { return .limit }
      return nil
    }
  }

  /// Gives the oldest cells of the stack to a thread that waits.
  private func donate(_ count: Int, _ stack: inout [OpenCell], _ tree: inout SplitTree) {
    var given = Array(stack[..<count])
    stack.removeFirst(count)
    let part = shared.withLock { shared in
      shared.partCount += 1
      shared.pending += 1
      return shared.partCount
    }
    for root in given.indices {
      tree.hand(given[root].node, toPart: part, root: root)
      given[root].node = Int32(root)
    }
    let cells = given
    pool.submit {
      let before = Self.threadSeconds()
      let tree = self.work(cells, isOwner: false)
      self.shared.withLock { shared in
        shared.parts[part] = tree
        shared.pending -= 1
        shared.helpersSeconds += Self.threadSeconds() - before
      }
      self.pool.notify()
    }
  }

  static func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Closes a cell as an exact leaf if the checker accepts the refutation.
  func close(_ open: OpenCell, phases: [Int8], _ refutation: ProofFormat.Refutation, _ tree: inout SplitTree)
    -> Bool
  {
    guard refutation.isEncodable, rule.accepts(open.cell, phases: phases, refutation) else { return false }
    let bytes = ProofFormat.piece(refutation, isDerivative: problem.feature != nil)
    guard bytes.count <= Int(UInt16.max) else { return false }
    tree.close(open.node, bytes)
    return true
  }

  /// Z3's word on a cell that neither bounds nor the small simplex decided: a witness refutes the property; that there
  /// is none closes the cell with Z3's own multipliers, once the checker accepts them.
  func decideBySolver(_ open: OpenCell, phases: [Int8], _ tree: inout SplitTree) throws -> SearchWorker.Branching {
    let solver = FixedCellSolver(network: rule.network, query: rule.query, problem: problem)
    switch try solver.decide(open.cell, phases: phases, budget: budget) {
    case .witness(let point):
      if let found = try builder.counterexample(at: point, budget: budget) { return .violated(found) }
      if builder.isEnclosed { return .stuck(.enclosure) }
      throw VerificationError(
        .disagreement,
        "the solver gave \(point) as a violating point, but exact evaluation finds no violation through it; "
          + "please report this with the model and the specification")
    case .closed(let refutation):
      if let refutation, close(open, phases: phases, refutation, &tree) { return .closed(bySolver: true) }
      return .stuck(.noCertificate)
    case .unknown(let reason): return .stuck(budget.isInterrupted ? .interrupted : reason)
    }
  }
}

extension UnknownReason {
  /// A cell is empty by Z3's word, but no multipliers show it to the checker.
  static let noCertificate = UnknownReason(description: "a cell was decided by the solver without a certificate")
}
