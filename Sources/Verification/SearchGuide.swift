public import Certificates
public import Networks
internal import ProofChecking
public import Specifications

/// Where the search for a property's proof starts, instead of at the whole domain.
public enum SearchStart: Sendable, Hashable {
  /// A tree that an earlier run of the same network and property left: what is closed in it stays closed. Its leaves
  /// must have been checked (``SavedSearch/check(_:network:property:)``).
  case saved(path: String)
  /// A proof of the same property for another network of the same shape: its splits and multipliers are advice.
  case predecessor(path: String)
}

/// The trees that a property's queries start from, in the order of the queries. Belongs to one thread.
final class SearchAdvice {
  private let start: SearchStart
  /// Of each query, for saved trees: the stage of the search that was under way.
  private let stages: [Int]
  private var reader: ProofReader?
  /// Reads ahead in a predecessor's proof.
  private var scanner: ProofReader?

  /// What the search for one query starts from.
  struct Guided {
    let guide: SearchGuide
    /// The stage that goes on; nil for a predecessor's tree.
    let stage: Int?
    /// Splits of both kinds and leaves of a predecessor's tree.
    let census: SearchGuide.Census
  }

  /// Nil when the file cannot be read: then there is no advice.
  init?(_ start: SearchStart) {
    self.start = start
    do throws(ProofFailure) {
      switch start {
      case .saved(let path):
        guard let header = SavedSearch.header(of: path) else { return nil }
        stages = header.stages
        reader = try ProofReader(ProofSource(file: path, from: header.length))
      case .predecessor(let path):
        stages = []
        reader = try ProofReader(ProofSource(file: path))
        scanner = try ProofReader(ProofSource(file: path))
      }
    } catch {
      return nil
    }
  }

  /// The guide of the next query, number `index`; nil when what the file says of it is of no use.
  func next(_ problem: FixedPointProblem, index: Int) -> Guided? {
    guard let reader else { return nil }
    do throws(ProofFailure) {
      try reader.nextQuery()
      let guide = SearchGuide(reader, problem: problem, keepsLeaves: scanner == nil)
      guard let scanner else {
        return Guided(guide: guide, stage: index < stages.count ? stages[index] : 0, census: SearchGuide.Census())
      }
      try scanner.nextQuery()
      let scan = SearchGuide(scanner, problem: problem, keepsLeaves: false)
      scan.skipRest()
      guard !scan.isBroken else {
        close()
        return nil
      }
      return Guided(guide: guide, stage: nil, census: scan.census)
    } catch {
      close()
      return nil
    }
  }

  /// Gives no more advice.
  func close() {
    reader = nil
    scanner = nil
  }
}

/// Walks a tree in a file and hands out its open cells in preorder. Memory grows with the depth alone.
final class SearchGuide {
  /// What was read of a tree.
  struct Census {
    var inputSplits = 0
    var phaseSplits = 0
    var leaves = 0
  }

  private struct Branch {
    var cell: Cell
    var multipliers: LeafMultipliers?
    var share: Double
    /// The node of the tree that is being made; negative where a subtree is passed over.
    var node: Int32
  }

  /// What is read does not fit the problem.
  private struct Unusable: Error {}

  private let reader: ProofReader
  private let problem: FixedPointProblem
  private let shape: MultiplierShape
  /// Whether closed leaves stay closed.
  let keepsLeaves: Bool
  private var stack: [Branch]
  /// Of the open nodes of a tree in memory, the last one first.
  private var prospects: [BranchAndBound.Prospect?] = []
  private(set) var census = Census()
  /// Closed leaves that stayed closed, those among them that were decided exactly, and their share of the domain.
  private(set) var kept = 0
  /// Cells that need not be looked at: splits, and leaves that stayed closed.
  var processed: Int { keepsLeaves ? kept + census.inputSplits + census.phaseSplits : 0 }
  private(set) var keptPieces = 0
  private(set) var keptShare = 0.0
  /// Whether the bytes were not those of a tree: from there on all that waits is open.
  private(set) var isBroken = false

  init(_ reader: ProofReader, problem: FixedPointProblem, keepsLeaves: Bool) {
    self.reader = reader
    self.problem = problem
    self.keepsLeaves = keepsLeaves
    shape = MultiplierShape(problem: problem)
    stack = [Branch(cell: Cell(problem: problem), multipliers: nil, share: 1, node: 0)]
  }

  /// Goes on from a tree in memory, as if there had been no break.
  convenience init(_ tree: FoundTree, problem: FixedPointProblem) throws {
    var bytes = ProofFormat.header(networkDigest: [UInt8](repeating: 0, count: 32), queryCount: 1)
    bytes += [UInt8](repeating: 0, count: 32)
    var prospects: [BranchAndBound.Prospect?] = []
    SplitTree.write(tree.root, parts: tree.parts, onOpen: { prospects.append($0) }, to: { bytes += $0 })
    let reader = try ProofReader(ProofSource(bytes: bytes))
    try reader.nextQuery()
    self.init(reader, problem: problem, keepsLeaves: true)
    self.prospects = prospects.reversed()
  }

  var isExhausted: Bool { stack.isEmpty }

  /// Reads on to the next open cell, making the nodes on the way.
  func next(into tree: inout SplitTree) -> BranchAndBound.OpenCell? {
    while let branch = stack.popLast() {
      if isBroken {
        if branch.node >= 0 { return open(branch) }
        continue
      }
      do {
        if let cell = try read(branch, &tree) { return cell }
      } catch {
        isBroken = true
        if branch.node >= 0 { return open(branch) }
      }
    }
    return nil
  }

  /// Reads to the end of the tree and forgets it.
  func skipRest() {
    for k in stack.indices { stack[k].node = -1 }
    var none = SplitTree()
    while next(into: &none) != nil {}
  }

  private func read(_ start: Branch, _ tree: inout SplitTree) throws -> BranchAndBound.OpenCell? {
    var branch = start
    while true {
      switch try reader.record(shape: shape, premises: branch.cell.premises) {
      case .multipliers(let multipliers): branch.multipliers = multipliers
      case .bounds:
        // Closed leaves below it may need it, and the search writes none.
        if keepsLeaves { throw Unusable() }
      case .inputSplit(let input):
        census.inputSplits += 1
        guard input < problem.inputCount else { throw Unusable() }
        guard branch.node >= 0, branch.cell.canSplit(input: input) else {
          return passOver(branch, branch.cell, branch.cell)
        }
        let first = tree.split(branch.node, tag: ProofFormat.Tag.inputSplit, argument: input)
        let (low, high) = branch.cell.halves(input: input)
        push(branch, low, high, first)
        return nil
      case .phaseSplit(let neuron):
        census.phaseSplits += 1
        guard neuron < problem.neuronCount, branch.cell.premises[neuron] == 0 else {
          throw Unusable()
        }
        guard branch.node >= 0 else {
          var inactive = branch.cell
          var active = branch.cell
          inactive.premises[neuron] = -1
          active.premises[neuron] = 1
          return passOver(branch, inactive, active)
        }
        let first = tree.split(branch.node, tag: ProofFormat.Tag.phaseSplit, argument: neuron)
        let (inactive, active) = branch.cell.phases(neuron: neuron, in: problem)
        push(branch, inactive, active, first)
        return nil
      case .leaf: return leaf(branch, [ProofFormat.Tag.leaf], &tree)
      case .multipliedLeaf:
        guard let multipliers = branch.multipliers else {
          throw Unusable()
        }
        return leaf(
          branch, Self.encoded(multipliers, ProofFormat.Tag.multipliedLeaf, shape, branch.cell.premises), &tree)
      case .piece(let refutation):
        if keepsLeaves { keptPieces += 1 }
        return leaf(branch, ProofFormat.piece(refutation, isDerivative: shape.isDerivative), &tree)
      case .intervalLeaf: return leaf(branch, [ProofFormat.Tag.intervalLeaf], &tree)
      case .open:
        let prospect = prospects.popLast() ?? nil
        guard branch.node >= 0 else { return nil }
        var cell = open(branch)
        if let prospect {
          (cell.warm, cell.bound, cell.experience) = (prospect.warm, prospect.bound, prospect.experience)
        }
        return cell
      }
    }
  }

  private func leaf(_ branch: Branch, _ bytes: [UInt8], _ tree: inout SplitTree) -> BranchAndBound.OpenCell? {
    census.leaves += 1
    guard branch.node >= 0 else { return nil }
    guard keepsLeaves else {
      var cell = open(branch)
      switch bytes[0] {
      case ProofFormat.Tag.leaf: cell.advice = .byDefault
      case ProofFormat.Tag.multipliers: cell.advice = branch.multipliers.map { .multiplied($0) }
      default: break
      }
      return cell
    }
    kept += 1
    keptShare += branch.share
    tree.close(branch.node, bytes)
    return nil
  }

  /// Makes the node itself open and what is below it forgotten.
  private func passOver(_ branch: Branch, _ first: Cell, _ second: Cell) -> BranchAndBound.OpenCell? {
    for cell in [second, first] {
      stack.append(Branch(cell: cell, multipliers: nil, share: 0, node: -1))
    }
    return branch.node >= 0 ? open(branch) : nil
  }

  private func push(_ parent: Branch, _ first: Cell, _ second: Cell, _ node: Int32) {
    var branch = parent
    branch.share /= 2
    branch.cell = second
    branch.node = node + 1
    stack.append(branch)
    branch.cell = first
    branch.node = node
    stack.append(branch)
  }

  private func open(_ branch: Branch) -> BranchAndBound.OpenCell {
    BranchAndBound.OpenCell(
      cell: branch.cell,
      warm: branch.multipliers.map { FloatMultipliers($0, problem: problem) } ?? FloatMultipliers(problem: problem),
      share: branch.share, node: branch.node)
  }

  /// A multiplier record and the node behind it.
  static func encoded(_ multipliers: LeafMultipliers, _ tag: UInt8, _ shape: MultiplierShape, _ premises: [Int8])
    -> [UInt8]
  {
    var bytes = [ProofFormat.Tag.multipliers]
    multipliers.append(to: &bytes, shape: shape, premises: premises)
    bytes.append(tag)
    return bytes
  }
}

extension SavedSearch {
  /// Checks every closed leaf of a saved search, as the checker of proofs would.
  /// - Returns: the closed leaves.
  /// - Throws: ``VerificationError`` with code `mismatch` and the reason when the file is of another network or
  ///   property, damaged, or not a saved search.
  public static func check(
    _ path: String, named name: String? = nil, network: ExactNetwork, property: Property,
    shouldStop: @escaping () -> Bool = { false }
  ) throws(VerificationError) -> Int {
    guard let header = header(of: path) else {
      throw VerificationError(.mismatch, "\(name ?? path) is not a saved search")
    }
    do throws(ProofFailure) {
      return try ProofChecker(network: network).checkSaved(
        ProofSource(file: path, from: header.length, shouldStop: shouldStop), queries: property.queries
      ).leaves
    } catch {
      throw VerificationError(.mismatch, "\(name ?? path) does not fit (\(error))")
    }
  }
}
