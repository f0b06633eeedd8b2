public import Networks
public import Specifications

/// Checks proofs: walks each tree once, in preorder, and recomputes every bound.
///
/// Memory is proportional to the depth of the tree and the size of the network, never to the proof. No solver, no
/// floating point.
public struct ProofChecker {
  /// What was checked.
  public struct Summary: Sendable, Hashable {
    public var leaves = 0
    /// Leaves decided exactly, among `leaves`.
    public var pieces = 0
    public var nodes = 0
    public var bytes = 0
    /// SHA-256 of the bytes that were read.
    public var digest = ""
  }

  /// What was checked of a saved tree.
  public struct SavedSummary: Sendable, Hashable {
    /// Closed leaves.
    public var leaves: Int
    public var digest: String
  }

  public let network: ExactNetwork

  public init(network: ExactNetwork) { self.network = network }

  /// Checks that `source` proves every query of `queries`, in this order, and nothing else.
  ///
  /// - Parameter onLeaf: Called with the cell of each leaf that a bound closed.
  /// - Throws: ``ProofFailure`` with the first node that fails.
  public func check(
    _ source: ProofSource, queries: [Query], onLeaf: ((Int, Cell) -> Void)? = nil
  ) throws(ProofFailure) -> Summary {
    try check(source, queries: queries, saved: false, onLeaf: onLeaf)
  }

  /// Checks the closed leaves of a saved tree: whoever goes on from it need not look at them again. Not a proof.
  public func checkSaved(_ source: ProofSource, queries: [Query]) throws(ProofFailure) -> SavedSummary {
    let summary = try check(source, queries: queries, saved: true, onLeaf: nil)
    return SavedSummary(leaves: summary.leaves, digest: summary.digest)
  }

  private func check(
    _ source: ProofSource, queries: [Query], saved: Bool, onLeaf: ((Int, Cell) -> Void)?
  ) throws(ProofFailure) -> Summary {
    var summary = Summary()
    do throws(ProofFailure.Cause) {
      for byte in ProofFormat.magic where try source.byte() != byte { throw ProofFailure.Cause.format }
      guard try source.bytes(32) == Self.bytes(ofDigest: network.digest) else { throw ProofFailure.Cause.network }
      guard try source.number() == queries.count else { throw ProofFailure.Cause.queryCount }
    } catch {
      throw ProofFailure(query: 0, node: 0, offset: source.offset, cause: error)
    }
    var lastNode = 0
    for (index, query) in queries.enumerated() {
      let walk: TreeWalk
      do throws(ProofFailure.Cause) {
        guard try source.bytes(32) == Self.bytes(ofDigest: query.digest) else { throw ProofFailure.Cause.query }
        do throws(CheckFailure) {
          walk = try TreeWalk(network: network, query: query, index: index, acceptsOpen: saved)
        } catch {
          throw ProofFailure.Cause.problem(error)
        }
      } catch {
        throw ProofFailure(query: index, node: 0, offset: source.offset, cause: error)
      }
      walk.onLeaf = onLeaf
      try walk.run(source)
      summary.leaves += walk.leaves
      summary.pieces += walk.pieces
      summary.nodes += walk.node + 1
      lastNode = walk.node
    }
    do throws(ProofFailure.Cause) {
      guard try source.next() == nil else { throw ProofFailure.Cause.trailing }
    } catch {
      throw ProofFailure(query: max(0, queries.count - 1), node: lastNode, offset: source.offset, cause: error)
    }
    summary.bytes = source.offset
    summary.digest = source.digest
    return summary
  }

  /// The 32 bytes of `sha256:` and 64 hexadecimal digits.
  public static func bytes(ofDigest digest: String) -> [UInt8] {
    let digits = digest.hasPrefix("sha256:") ? digest.utf8.dropFirst(7) : digest.utf8[...]
    var result: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      let value = digit >= 97 ? digit - 87 : digit - 48
      if let first = high {
        result.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return result
  }
}

/// The walk over one tree.
final class TreeWalk {
  /// A part of the tree that is still to be read.
  private struct Branch {
    var cell: Cell
    var multipliers: LeafMultipliers?
    var known: LeafEvaluator.Bounds?
    var anchors = 0
  }

  let problem: FixedPointProblem
  private let rule: PieceRule
  private let shape: MultiplierShape
  private let index: Int
  /// For leaves, in batches.
  private let evaluator: LeafEvaluator
  /// For records and exact leaves, which need their answer at once.
  private let single: LeafEvaluator
  private var pending: [(node: Int, offset: Int, cell: Cell)] = []
  private var stack: [Branch] = []
  private(set) var node = -1
  private(set) var leaves = 0
  private(set) var pieces = 0
  private(set) var open = 0
  /// Whether this is a saved tree, which proves nothing while a part of it is open.
  private let acceptsOpen: Bool
  var onLeaf: ((Int, Cell) -> Void)?

  init(network: ExactNetwork, query: Query, index: Int, acceptsOpen: Bool) throws(CheckFailure) {
    self.acceptsOpen = acceptsOpen
    let (network, query) = try query.lowered(on: network)
    problem = try FixedPointProblem(network: network, query: query)
    rule = PieceRule(network: network, query: query, problem: problem)
    shape = MultiplierShape(problem: problem)
    evaluator = LeafEvaluator(problem: problem)
    single = LeafEvaluator(like: evaluator)
    self.index = index
  }

  func run(_ source: ProofSource) throws(ProofFailure) {
    stack = [Branch(cell: Cell(problem: problem))]
    while let branch = stack.popLast() {
      do throws(ProofFailure.Cause) {
        try read(source, branch)
      } catch {
        let at = node
        let offset = source.offset
        // A leaf that waits for its batch comes before this node.
        try flush()
        throw ProofFailure(query: index, node: at, offset: offset, cause: error)
      }
      if pending.count == LeafEvaluator.lanes { try flush() }
    }
    try flush()
  }

  private func read(_ source: ProofSource, _ start: Branch) throws(ProofFailure.Cause) {
    var branch = start
    while true {
      node += 1
      switch try ProofRecord(from: source, shape: shape, premises: branch.cell.premises) {
      case .leaf:
        enqueue(branch, multipliers: nil, source)
        return
      case .multipliedLeaf:
        guard let multipliers = branch.multipliers else { throw .notCanonical("a leaf without multipliers in force") }
        enqueue(branch, multipliers: multipliers, source)
        return
      case .inputSplit(let input):
        guard input < problem.inputCount, branch.cell.canSplit(input: input) else { throw .input(input) }
        let (low, high) = branch.cell.halves(input: input)
        try push(branch, low, high)
        return
      case .phaseSplit(let neuron):
        guard neuron < problem.neuronCount, branch.cell.premises[neuron] == 0 else { throw .neuron(neuron) }
        let (inactive, active) = branch.cell.phases(neuron: neuron, in: problem)
        try push(branch, inactive, active)
        return
      case .multipliers(let multipliers): branch.multipliers = multipliers
      case .bounds(let flags): try apply(flags, &branch)
      case .piece(let refutation):
        switch single.evaluate(branch.cell, multipliers: nil, known: branch.known) {
        case .empty: break
        case .outOfRange: throw .outOfRange
        case .bound: try rule.check(branch.cell, phases: single.phases(0), refutation)
        }
        leaves += 1
        pieces += 1
        return
      case .intervalLeaf:
        switch single.evaluateByIntervals(branch.cell, known: branch.known) {
        case .empty: break
        case .outOfRange: throw .outOfRange
        case .bound(let bound): guard bound >= problem.threshold else { throw .boundTooLow }
        }
        leaves += 1
        onLeaf?(index, branch.cell)
        return
      case .open:
        guard acceptsOpen else { throw .open }
        open += 1
        return
      }
    }
  }

  private func push(_ parent: Branch, _ first: Cell, _ second: Cell) throws(ProofFailure.Cause) {
    guard stack.count < ProofFormat.maximumDepth else { throw .depth }
    var branch = parent
    branch.cell = second
    stack.append(branch)
    branch.cell = first
    stack.append(branch)
  }

  private func apply(_ flags: Int, _ branch: inout Branch) throws(ProofFailure.Cause) {
    guard flags <= ProofFormat.BoundsFlag.all, flags & ~ProofFormat.BoundsFlag.multiplied != 0 else {
      throw .notCanonical("a bounds record with flags \(flags)")
    }
    if flags & ProofFormat.BoundsFlag.multiplied != 0, branch.multipliers == nil {
      throw .notCanonical("a bounds record without multipliers in force")
    }
    if flags & ProofFormat.BoundsFlag.anchor != 0 {
      branch.anchors += 1
      guard branch.anchors <= ProofFormat.maximumAnchors else { throw .depth }
    }
    let multipliers = flags & ProofFormat.BoundsFlag.multiplied != 0 ? branch.multipliers : nil
    switch single.evaluate(branch.cell, multipliers: multipliers, known: branch.known) {
    case .empty: break
    case .outOfRange: throw .outOfRange
    case .bound(let bound):
      if flags & ProofFormat.BoundsFlag.anchor != 0 { branch.known = single.bounds(0) }
      if flags & ProofFormat.BoundsFlag.clip != 0, bound < problem.threshold {
        branch.cell.clip(form: single.form(0), shortfall: problem.threshold - bound)
      }
    }
  }

  private func enqueue(_ branch: Branch, multipliers: LeafMultipliers?, _ source: ProofSource) {
    evaluator.load(pending.count, branch.cell, multipliers: multipliers, known: branch.known)
    pending.append((node, source.offset, branch.cell))
    leaves += 1
  }

  private func flush() throws(ProofFailure) {
    guard !pending.isEmpty else { return }
    evaluator.run()
    for (lane, leaf) in pending.enumerated() {
      switch evaluator.outcome(lane) {
      case .empty: break
      case .outOfRange: throw ProofFailure(query: index, node: leaf.node, offset: leaf.offset, cause: .outOfRange)
      case .bound(let bound):
        guard bound >= problem.threshold else {
          throw ProofFailure(query: index, node: leaf.node, offset: leaf.offset, cause: .boundTooLow)
        }
      }
      onLeaf?(index, leaf.cell)
    }
    pending.removeAll(keepingCapacity: true)
  }
}
