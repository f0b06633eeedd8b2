internal import Certificates
internal import Glibc
internal import ProofChecking
internal import Synchronization

/// The memory of one thread.
final class SearchWorker {
  /// A cell that was bounded.
  private struct Ascent {
    /// As it came.
    let open: BranchAndBound.OpenCell
    /// With what the cell's own rounds taught.
    var experience: SearchExperience
    /// How many rounds of ascent there were, and what the last one gained.
    var rounds = 1
    var gain: Float = 0

    init(_ open: BranchAndBound.OpenCell) {
      self.open = open
      experience = open.experience
    }
  }

  let owner: BranchAndBound
  let batch: BoundBatch
  let evaluator: LeafEvaluator
  let falsifier: Falsifier
  private let search: PieceSearch
  private var scores: [Float]
  /// For trials of splits.
  private lazy var trial = BoundBatch(owner.search)
  /// Cells whose ascent goes on, in the first lanes of a batch.
  private lazy var longer = BoundBatch(owner.search)
  private var going: [Ascent] = []
  /// Cells that look closed.
  private var waiting: [(cell: BranchAndBound.OpenCell, multipliers: LeafMultipliers?)] = []

  init(_ owner: BranchAndBound) {
    self.owner = owner
    batch = BoundBatch(owner.search)
    evaluator = LeafEvaluator(problem: owner.problem)
    falsifier = Falsifier(owner.float)
    search = PieceSearch(problem: owner.problem)
    scores = Array(repeating: 0, count: owner.problem.inputCount)
  }

  deinit { falsifier.close() }

  /// Closes the cells whose advice the integer routine accepts, and takes the others' advice away.
  func follow(_ cells: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree) {
    var open = cells.filter { $0.advice == nil }
    cells = cells.filter { $0.advice != nil }
    var leaves = 0
    var share = 0.0
    for start in stride(from: 0, to: cells.count, by: LeafEvaluator.lanes) {
      let lanes = start..<min(start + LeafEvaluator.lanes, cells.count)
      for k in lanes {
        evaluator.load(k - start, cells[k].cell, multipliers: cells[k].advice?.multipliers)
      }
      evaluator.run()
      for k in lanes {
        if let advice = cells[k].advice, evaluator.isClosed(k - start) {
          tree.close(cells[k].node, owner.leaf(cells[k].cell, advice.multipliers))
          leaves += 1
          share += cells[k].share
        } else {
          cells[k].advice = nil
          open.append(cells[k])
        }
      }
    }
    cells = open
    owner.shared.withLock { shared in
      shared.leaves += leaves
      shared.provedShare += share
      shared.cells += leaves
    }
  }

  /// Bounds up to sixteen cells; closes them or pushes their halves.
  func process(
    _ cells: [BranchAndBound.OpenCell], isRoot: Bool, _ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree
  ) throws {
    for lane in 0..<BoundBatch.lanes {
      let cell = cells[min(lane, cells.count - 1)]
      batch.load(lane, cell.cell, cell.warm)
    }
    let isShared = owner.bounds != nil && cells.allSatisfy { $0.share >= SharedBounds.leastShare }
    let known = isShared ? owner.bounds.flatMap { $0.table.bounds($0.handle, cells.map(\.cell)) } : nil
    batch.known = known == nil ? .nothing : .values
    if let known {
      for lane in 0..<BoundBatch.lanes { batch.load(lane, values: known[min(lane, cells.count - 1)]) }
    }
    batch.run(
      iterations: isRoot ? BranchAndBound.rootIterations : BranchAndBound.iterations,
      rate: isRoot ? BranchAndBound.rootRate : BranchAndBound.rate, target: owner.target)
    if isShared, known == nil, let bounds = owner.bounds {
      for lane in cells.indices where !batch.isEmpty(lane) {
        bounds.table.keep(bounds.handle, cells[lane].cell, batch.values(lane))
      }
    }
    let bounded = cells.map { Ascent($0) }
    for ascent in try conclude(batch, bounded, isRoot: isRoot, &stack, &tree) {
      longer.copy(going.count, from: batch, ascent.lane)
      going.append(ascent.cell)
      while going.count == BoundBatch.lanes { try goOn(&stack, &tree) }
    }
    while waiting.count >= LeafEvaluator.lanes { settle(LeafEvaluator.lanes, &stack, &tree) }
  }

  /// Another round of ascent for the cells that wait for it.
  private func goOn(_ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree) throws {
    for lane in going.count..<BoundBatch.lanes { longer.copy(lane, from: longer, 0) }
    longer.known = .everything
    longer.run(
      iterations: BranchAndBound.furtherIterations, rate: BranchAndBound.furtherRate, target: owner.target)
    var bounded = going
    going = []
    for lane in bounded.indices where longer.bound(lane) < owner.target {
      bounded[lane].rounds += 1
      bounded[lane].experience = bounded[lane].experience.adding(
        gain: longer.bound(lane) - longer.start(lane), before: bounded[lane].gain)
    }
    for ascent in try conclude(longer, bounded, isRoot: false, &stack, &tree) {
      longer.copy(going.count, from: longer, ascent.lane)
      going.append(ascent.cell)
    }
  }

  /// Brings what waits to an end, but for what is to be split: that is on the stack then.
  func finish(_ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree) throws {
    while stack.isEmpty, !going.isEmpty { try goOn(&stack, &tree) }
    settle(&stack, &tree)
  }

  /// Gives the cells whose ascent was to go on back as they came, so that another turn makes the same of them.
  func putBack(_ stack: inout [BranchAndBound.OpenCell]) {
    stack += going.map(\.open)
    going = []
  }

  /// Closes or splits cells that were bounded; returns the lanes whose ascent is to go on.
  private func conclude(
    _ batch: BoundBatch, _ bounded: [Ascent], isRoot: Bool, _ stack: inout [BranchAndBound.OpenCell],
    _ tree: inout SplitTree
  ) throws -> [(lane: Int, cell: Ascent)] {
    var goesOn: [(lane: Int, cell: Ascent)] = []
    // What goes back as it came, at the end of a turn or where the integer routine refuses it, must know nothing yet of
    // what is done with it here.
    var cells = bounded.map(\.open)
    // What looks closed goes to the integer routine, eight cells at a time.
    var isWaiting = [Bool](repeating: false, count: cells.count)
    for lane in cells.indices where !cells[lane].isRefused {
      if batch.isEmpty(lane) || batch.plain(lane) >= owner.target {
        waiting.append((cells[lane], nil))
      } else if batch.bound(lane) >= owner.target {
        waiting.append((cells[lane], batch.rounded(lane, cells[lane].cell, shape: owner.shape)))
      } else if isRoot {
        // Without proposals the bound of a network that is monotone by the signs of its weights, once it is known which
        // neurons are stable, is never below zero and often not above it: tried whatever binary32 says.
        waiting.append(
          (
            cells[lane],
            LeafMultipliers(neuronCount: owner.shape.neuronCount, constraintCount: owner.shape.constraintCount)
          ))
      } else {
        var ascent = bounded[lane]
        ascent.gain = batch.bound(lane) - batch.start(lane)
        guard
          ascent.experience.isWorthAnotherRound(
            gap: -batch.bound(lane), gain: ascent.gain, round: ascent.rounds)
        else { continue }
        goesOn.append((lane, ascent))
      }
      isWaiting[lane] = true
    }
    var leaves = 0
    var pieces = 0
    var share = 0.0
    var worst: (lane: Int, bound: Float)?
    for lane in cells.indices { cells[lane].experience = bounded[lane].experience }
    var tried: [Int: Bool] = [:]
    if owner.mode == .lookAhead { tried = tryBoth(batch, &cells, isWaiting) }
    for lane in cells.indices.reversed() where !isWaiting[lane] {
      if batch.bound(lane) < worst?.bound ?? 0 { worst = (lane, batch.bound(lane)) }
      switch try branch(batch, lane, cells[lane], tried[lane], &stack, &tree) {
      case .split: break
      case .closed(let bySolver):
        leaves += 1
        pieces += bySolver ? 1 : 0
        share += cells[lane].share
      case .violated(let counterexample):
        owner.shared.withLock { $0.found = $0.found ?? counterexample }
      case .stuck(let reason):
        owner.shared.withLock { shared in
          shared.undecided = shared.undecided ?? reason
          shared.open.append(cells[lane])
        }
        owner.keepOpen(cells[lane], &tree)
      }
    }
    if let worst { try probe(batch, worst.lane, cells[worst.lane].cell) }
    owner.shared.withLock { shared in
      shared.leaves += leaves
      shared.pieces += pieces
      shared.provedShare += share
      shared.cells += isWaiting.count { !$0 }
    }
    return goesOn
  }

  /// Closes what waits if the integer routine accepts it; the rest goes back to be split.
  func settle(_ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree) {
    while !waiting.isEmpty { settle(min(waiting.count, LeafEvaluator.lanes), &stack, &tree) }
  }

  private func settle(_ count: Int, _ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree) {
    for k in 0..<count { evaluator.load(k, waiting[k].cell.cell, multipliers: waiting[k].multipliers) }
    evaluator.run()
    var leaves = 0
    var share = 0.0
    for k in 0..<count {
      var cell = waiting[k].cell
      if evaluator.isClosed(k) {
        tree.close(cell.node, owner.leaf(cell.cell, waiting[k].multipliers))
        leaves += 1
        share += cell.share
      } else {
        cell.isRefused = true
        stack.append(cell)
      }
    }
    waiting.removeFirst(count)
    owner.shared.withLock { shared in
      shared.leaves += leaves
      shared.provedShare += share
      shared.cells += leaves
    }
  }

  /// Looks at the claim itself where the linear bound is least, a little inside the cell.
  private func probe(_ batch: BoundBatch, _ lane: Int, _ cell: Cell) throws {
    var point = batch.minimiser(lane)
    for i in point.indices {
      let middle = Double(cell.lower[i] + cell.upper[i]) * 0x1p-31
      point[i] += (middle - point[i]) * 1e-4
    }
    guard falsifier.value(at: point) < 0 else { return }
    if let found = try owner.builder.counterexample(near: point, budget: owner.budget) {
      owner.shared.withLock { $0.found = $0.found ?? found }
    }
  }

  enum Branching {
    case split
    case closed(bySolver: Bool)
    case violated(Counterexample)
    case stuck(UnknownReason)
  }

  /// What a cell could be split by.
  private struct Candidates {
    var phase: (score: Float, neuron: Int)
    var input: (input: Int, score: Float)
    /// Whether the cell is neither to be settled by its phases nor too small to be halved.
    var isOpen: Bool
  }

  /// Nil for a cell without open phases.
  private func candidates(_ batch: BoundBatch, _ lane: Int, _ open: BranchAndBound.OpenCell) -> Candidates? {
    var count = 0
    var phase = (score: -Float.infinity, neuron: -1)
    for g in 0..<owner.problem.neuronCount where open.cell.premises[g] == 0 && batch.isUnstable(lane, g) {
      let least = batch.gapLeast(lane, g)
      let score = least + 0.1 * (batch.gap(lane, g) - least) + 1e-12 * batch.width(lane, g)
      if count == 0 || phase.score <= score { phase = (score, g) }
      count += 1
    }
    guard count > 0 else { return nil }
    let widest = open.cell.lower.indices.max {
      open.cell.upper[$0] - open.cell.lower[$0] < open.cell.upper[$1] - open.cell.lower[$1]
    }
    let canHalve = widest.map { open.cell.upper[$0] - open.cell.lower[$0] >= BranchAndBound.leastWidth } ?? false
    guard canHalve, count > BranchAndBound.fewPhases else {
      return Candidates(phase: phase, input: (-1, 0), isOpen: false)
    }
    return Candidates(phase: phase, input: bestInput(batch, lane, open.cell), isOpen: true)
  }

  private func branch(
    _ batch: BoundBatch, _ lane: Int, _ open: BranchAndBound.OpenCell, _ tried: Bool?,
    _ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree
  ) throws -> Branching {
    guard let candidates = candidates(batch, lane, open) else { return try decidePiece(open, &stack, &tree) }
    let (phase, input) = (candidates.phase, candidates.input)
    if !candidates.isOpen {
      splitPhase(batch, phase.neuron, lane, open, &stack, &tree)
      return .split
    }
    // A claim that is tight along a surface is not settled by ever smaller boxes.
    let isSmall = open.share < 0x1p-30
    let prefersPhase: Bool
    switch owner.mode {
    case .inputs where !isSmall: prefersPhase = false
    case .lookAhead where input.score > 0:
      prefersPhase = tried ?? (phase.score * exp(open.experience.lean) > input.score)
    default: prefersPhase = phase.score > input.score || input.score <= 0
    }
    if prefersPhase {
      splitPhase(batch, phase.neuron, lane, open, &stack, &tree)
    } else {
      splitInput(batch, input.input, lane, open, &stack, &tree)
    }
    return .split
  }

  /// Bounds the children of both kinds of split at some of the cells, four cells at a time, and says where the phase
  /// gained more; the cells learn from it.
  private func tryBoth(_ batch: BoundBatch, _ cells: inout [BranchAndBound.OpenCell], _ isWaiting: [Bool]) -> [Int:
    Bool]
  {
    var chosen: [(lane: Int, candidates: Candidates)] = []
    for lane in cells.indices where !isWaiting[lane] && cells[lane].experience.isSampled(share: cells[lane].share) {
      guard let found = candidates(batch, lane, cells[lane]), found.isOpen, found.input.score > 0,
        found.phase.score > 0,
        batch.bound(lane) < 0
      else { continue }
      chosen.append((lane, found))
    }
    var result: [Int: Bool] = [:]
    for start in stride(from: 0, to: chosen.count, by: BoundBatch.lanes / 4) {
      let group = chosen[start..<min(start + BoundBatch.lanes / 4, chosen.count)]
      for k in 0..<BoundBatch.lanes / 4 {
        let (lane, candidates) = group[min(start + k, group.endIndex - 1)]
        let warm = batch.multipliers(lane)
        let (low, high) = cells[lane].cell.halves(input: candidates.input.input)
        let (inactive, active) = cells[lane].cell.phases(neuron: candidates.phase.neuron, in: owner.problem)
        for (place, cell) in [low, high, inactive, active].enumerated() { trial.load(4 * k + place, cell, warm) }
      }
      trial.run(iterations: BranchAndBound.trialIterations, rate: BranchAndBound.rate, target: owner.target)
      for (k, (lane, candidates)) in group.enumerated() {
        let bound = batch.bound(lane)
        func gain(_ first: Int, _ second: Int) -> Float {
          func part(_ child: Int) -> Float {
            let reached = min(0, max(trial.bound(child), trial.plain(child)))
            return max(1e-3, min(1, (reached - bound) / -bound))
          }
          return part(4 * k + first) * part(4 * k + second)
        }
        let (byInput, byPhase) = (gain(0, 1), gain(2, 3))
        result[lane] = byPhase > byInput
        cells[lane].experience = cells[lane].experience.adding(
          promised: log(candidates.phase.score / candidates.input.score), observed: log(byPhase / byInput) / 2)
      }
    }
    return result
  }

  /// The input whose halving promises most: by the relaxation gaps of the unstable neurons that it moves.
  private func bestInput(_ batch: BoundBatch, _ lane: Int, _ cell: Cell) -> (input: Int, score: Float) {
    let n = owner.problem.inputCount
    for i in 0..<n { scores[i] = 0 }
    let influence = owner.search.influence
    for g in 0..<owner.problem.neuronCount where batch.isUnstable(lane, g) {
      let weight = batch.gap(lane, g) / batch.width(lane, g)
      guard weight > 0 else { continue }
      for i in 0..<n { scores[i] += weight * influence[g * n + i] }
    }
    var best = (input: -1, score: -Float.infinity)
    for i in 0..<n where cell.upper[i] - cell.lower[i] >= BranchAndBound.leastWidth {
      let width = Float(cell.upper[i] - cell.lower[i]) * 0x1p-30
      let score = 0.075 * scores[i] * width
      if score + 1e-20 * width > best.score { best = (i, score + 1e-20 * width) }
    }
    return best
  }

  private func splitInput(
    _ batch: BoundBatch, _ input: Int, _ lane: Int, _ open: BranchAndBound.OpenCell,
    _ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree
  ) {
    let first = tree.split(open.node, tag: ProofFormat.Tag.inputSplit, argument: input)
    let (low, high) = open.cell.halves(input: input)
    push(low, high, first, batch.multipliers(lane), batch.bound(lane), open, &stack)
  }

  private func splitPhase(
    _ batch: BoundBatch, _ neuron: Int, _ lane: Int, _ open: BranchAndBound.OpenCell,
    _ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree
  ) {
    let first = tree.split(open.node, tag: ProofFormat.Tag.phaseSplit, argument: neuron)
    let (inactive, active) = open.cell.phases(neuron: neuron, in: owner.problem)
    push(inactive, active, first, batch.multipliers(lane), batch.bound(lane), open, &stack)
  }

  private func push(
    _ first: Cell, _ second: Cell, _ node: Int32, _ warm: FloatMultipliers, _ bound: Float,
    _ open: BranchAndBound.OpenCell, _ stack: inout [BranchAndBound.OpenCell]
  ) {
    var child = BranchAndBound.OpenCell(cell: second, warm: warm, share: open.share / 2, node: node + 1)
    child.bound = bound
    child.experience = open.experience.child(1)
    stack.append(child)
    child.cell = first
    child.node = node
    child.experience = open.experience.child(0)
    stack.append(child)
  }

  /// A cell without open phases: one linear piece, decided exactly.
  private func decidePiece(
    _ open: BranchAndBound.OpenCell, _ stack: inout [BranchAndBound.OpenCell], _ tree: inout SplitTree
  ) throws -> Branching {
    switch evaluator.evaluate(open.cell, multipliers: nil) {
    case .empty:
      tree.close(open.node, [ProofFormat.Tag.leaf])
      return .closed(bySolver: false)
    case .outOfRange: return .stuck(UnknownReason(description: "a number left the range of the integer routine"))
    case .bound(let bound):
      if bound >= owner.problem.threshold {
        tree.close(open.node, [ProofFormat.Tag.leaf])
        return .closed(bySolver: false)
      }
    }
    let phases = evaluator.phases(0)
    if let g = phases.firstIndex(of: 0) {
      // Binary32 and integer bounds disagree by rounding: settle the phase by a split.
      let first = tree.split(open.node, tag: ProofFormat.Tag.phaseSplit, argument: g)
      let (inactive, active) = open.cell.phases(neuron: g, in: owner.problem)
      push(inactive, active, first, open.warm, open.bound, open, &stack)
      return .split
    }
    if owner.close(open, phases: phases, ProofFormat.Refutation(), &tree) { return .closed(bySolver: false) }
    let (finding, basis) = search.search(open.cell, phases: phases)
    switch finding {
    case .refutation(let refutation):
      if owner.close(open, phases: phases, refutation, &tree) { return .closed(bySolver: false) }
    case .point(let point):
      if let found = try owner.builder.counterexample(near: point, budget: owner.budget) { return .violated(found) }
    case .nothing: break
    }
    if let basis, let exact = search.exactRefutation(basis, open.cell, phases: phases, rule: owner.rule),
      owner.close(open, phases: phases, exact, &tree)
    {
      return .closed(bySolver: false)
    }
    return try owner.decideBySolver(open, phases: phases, &tree)
  }
}
