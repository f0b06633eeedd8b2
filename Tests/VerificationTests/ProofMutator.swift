import Networks
import Specifications
import TestHelpers

@testable import ProofChecking

/// The bytes of a proof of one query, taken apart into the nodes of its tree.
struct DissectedProof {
  struct Node {
    var tag: UInt8
    /// Where the node begins, where the part of it ends that comes before its children, and where its subtree ends.
    var start: Int
    var headEnd: Int
    var end: Int
    var children: [Int] = []
  }

  /// Format, network, one query, and its digest.
  static let headerBytes = 79

  let bytes: [UInt8]
  private(set) var nodes: [Node] = []

  /// - Throws: where the bytes are no tree.
  init(_ bytes: [UInt8], problem: FixedPointProblem) throws {
    self.bytes = bytes
    let source = ProofSource(bytes: bytes)
    _ = try source.bytes(Self.headerBytes)
    let shape = MultiplierShape(problem: problem)
    var premises = [Int8](repeating: 0, count: problem.neuronCount)
    _ = try read(source, problem, shape, &premises)
  }

  private mutating func read(
    _ source: ProofSource, _ problem: FixedPointProblem, _ shape: MultiplierShape, _ premises: inout [Int8]
  ) throws -> Int {
    let index = nodes.count
    let start = source.offset
    let tag = try source.byte()
    nodes.append(Node(tag: tag, start: start, headEnd: start, end: start))
    var children: [Int] = []
    switch tag {
    case ProofFormat.Tag.inputSplit:
      _ = try source.number()
      nodes[index].headEnd = source.offset
      for _ in 0..<2 { children.append(try read(source, problem, shape, &premises)) }
    case ProofFormat.Tag.phaseSplit:
      let neuron = try source.number()
      nodes[index].headEnd = source.offset
      for premise: Int8 in [-1, 1] {
        premises[neuron] = premise
        children.append(try read(source, problem, shape, &premises))
      }
      premises[neuron] = 0
    case ProofFormat.Tag.multipliers:
      _ = try LeafMultipliers(from: source, shape: shape, premises: premises)
      nodes[index].headEnd = source.offset
      children.append(try read(source, problem, shape, &premises))
    case ProofFormat.Tag.bounds:
      _ = try source.number()
      nodes[index].headEnd = source.offset
      children.append(try read(source, problem, shape, &premises))
    case ProofFormat.Tag.piece:
      _ = try ProofFormat.refutation(
        from: source, isDerivative: problem.feature != nil,
        count: problem.neuronCount + problem.constraints.outputCount)
      nodes[index].headEnd = source.offset
    default:
      nodes[index].headEnd = source.offset
    }
    nodes[index].children = children
    nodes[index].end = source.offset
    return index
  }

  func subtree(_ node: Int) -> ArraySlice<UInt8> { bytes[nodes[node].start..<nodes[node].end] }
}

/// Makes wrong proofs, and now and then another right one, out of right ones.
struct ProofMutator {
  /// What a mutation does; those from `swapSubtrees` on know the tree.
  enum Kind: String, CaseIterable {
    case bit, byte, deletion, insertion, cut, tail, header
    case swapSubtrees, swapChildren, repeatSubtree, dropSubtree, replaceByLeaf, keepOneChild, wrapInSplit,
      foreignSubtree
    case number, multipliers, flags, record, exactMultipliers
    /// Another proof as it is, and its tree under this proof's header.
    case foreignProof, foreignTree
  }

  var dice: Dice

  init(seed: UInt64) { dice = Dice(seed: seed) }

  /// The kind and the mutant; nil when the tree has no place for that kind.
  mutating func mutate(_ proof: DissectedProof, foreign: DissectedProof, _ problem: FixedPointProblem) -> (
    Kind, [UInt8]
  )? {
    let kind = dice.pick(Kind.allCases)
    guard let bytes = mutate(proof, foreign, problem, kind) else { return nil }
    return (kind, bytes)
  }

  private mutating func place(_ bytes: [UInt8]) -> Int {
    DissectedProof.headerBytes + dice.below(max(1, bytes.count - DissectedProof.headerBytes))
  }

  /// A node that `isWanted`, if there is one.
  private mutating func node(_ proof: DissectedProof, where isWanted: (DissectedProof.Node) -> Bool) -> Int? {
    let found = proof.nodes.indices.filter { isWanted(proof.nodes[$0]) }
    return found.isEmpty ? nil : dice.pick(found)
  }

  private static func isSplit(_ node: DissectedProof.Node) -> Bool { node.children.count == 2 }

  private mutating func mutate(
    _ proof: DissectedProof, _ foreign: DissectedProof, _ problem: FixedPointProblem, _ kind: Kind
  ) -> [UInt8]? {
    var bytes = proof.bytes
    let at = min(place(bytes), bytes.count - 1)
    func splice(_ range: Range<Int>, _ new: some Collection<UInt8>) -> [UInt8] {
      var result = bytes
      result.replaceSubrange(range, with: new)
      return result
    }
    switch kind {
    case .bit: bytes[at] ^= 1 << UInt8(dice.below(8))
    case .byte: bytes[at] = UInt8(dice.below(256))
    case .deletion: bytes.removeSubrange(at..<min(bytes.count, at + dice.integer(in: 1...3)))
    case .insertion: bytes.insert(UInt8(dice.pick([0, 1, 2, 3, 4, 5, 6, 7, dice.below(256)])), at: at)
    case .cut: bytes.removeLast(dice.integer(in: 1...(bytes.count - 1)))
    case .tail: bytes.append(UInt8(dice.pick([0, 1, dice.below(256)])))
    case .header: bytes[dice.below(DissectedProof.headerBytes)] ^= 1 << UInt8(dice.below(8))
    case .swapSubtrees:
      let (a, b) = (dice.pick(Array(proof.nodes.indices)), dice.pick(Array(proof.nodes.indices)))
      let (first, second) = (proof.nodes[min(a, b)], proof.nodes[max(a, b)])
      guard first.end <= second.start else { return nil }
      return splice(
        first.start..<second.end,
        Array(proof.subtree(max(a, b))) + bytes[first.end..<second.start] + proof.subtree(min(a, b)))
    case .swapChildren:
      guard let split = node(proof, where: Self.isSplit) else { return nil }
      let children = proof.nodes[split].children
      return splice(
        proof.nodes[split].headEnd..<proof.nodes[split].end,
        Array(proof.subtree(children[1])) + proof.subtree(children[0]))
    case .repeatSubtree:
      let (from, to) = (dice.pick(Array(proof.nodes.indices)), proof.nodes[dice.pick(Array(proof.nodes.indices))])
      return splice(to.start..<to.end, proof.subtree(from))
    case .dropSubtree:
      let gone = proof.nodes[dice.pick(Array(proof.nodes.indices))]
      return splice(gone.start..<gone.end, [])
    case .replaceByLeaf:
      let old = proof.nodes[dice.pick(Array(proof.nodes.indices))]
      let exact: [UInt8] = problem.feature == nil ? [6, 1, 1, 0] : [6, 0]
      return splice(old.start..<old.end, dice.pick([[0], [1], [7], [8], exact, [5, 4, 0]]))
    case .keepOneChild:
      guard let split = node(proof, where: { !$0.children.isEmpty }) else { return nil }
      return splice(
        proof.nodes[split].start..<proof.nodes[split].end, proof.subtree(dice.pick(proof.nodes[split].children)))
    case .wrapInSplit:
      // Both parts are closed as the whole was: right wherever the tree below does not depend on the cell.
      let index = dice.pick(Array(proof.nodes.indices))
      let (old, tree) = (proof.nodes[index], Array(proof.subtree(index)))
      let head =
        dice.chance(0.5) || problem.neuronCount == 0
        ? [ProofFormat.Tag.inputSplit, UInt8(dice.below(problem.inputCount))]
        : [ProofFormat.Tag.phaseSplit, UInt8(dice.below(problem.neuronCount))]
      return splice(old.start..<old.end, head + tree + tree)
    case .foreignSubtree:
      let (from, to) = (dice.pick(Array(foreign.nodes.indices)), proof.nodes[dice.pick(Array(proof.nodes.indices))])
      return splice(to.start..<to.end, foreign.subtree(from))
    case .foreignProof: return foreign.bytes
    case .foreignTree: return splice(DissectedProof.headerBytes..<bytes.count, foreign.subtree(0))
    case .number:
      guard let split = node(proof, where: Self.isSplit) else { return nil }
      bytes[proof.nodes[split].start + 1] = UInt8(dice.below(max(problem.inputCount, problem.neuronCount) + 1))
    case .multipliers:
      guard let record = node(proof, where: { $0.tag == ProofFormat.Tag.multipliers }) else { return nil }
      let range = (proof.nodes[record].start + 1)..<proof.nodes[record].headEnd
      guard !range.isEmpty else { return nil }
      for _ in 0..<dice.integer(in: 1...3) {
        let place = range.lowerBound + dice.below(range.count)
        bytes[place] = dice.pick([UInt8(dice.below(256)), bytes[place] ^ (1 << UInt8(dice.below(8)))])
      }
    case .flags:
      guard let record = node(proof, where: { $0.tag == ProofFormat.Tag.bounds }) else { return nil }
      bytes[proof.nodes[record].start + 1] = UInt8(dice.below(9))
    case .record:
      bytes.insert(
        contentsOf: [ProofFormat.Tag.bounds, UInt8(dice.below(8))],
        at: proof.nodes[dice.pick(Array(proof.nodes.indices))].start)
    case .exactMultipliers:
      guard let piece = node(proof, where: { $0.tag == ProofFormat.Tag.piece }) else { return nil }
      let range = (proof.nodes[piece].start + 1)..<proof.nodes[piece].headEnd
      let place = range.lowerBound + dice.below(range.count)
      bytes[place] = dice.pick([bytes[place] &+ 2, bytes[place] &- 2, bytes[place] ^ 1, UInt8(dice.below(256))])
    }
    return bytes
  }
}
