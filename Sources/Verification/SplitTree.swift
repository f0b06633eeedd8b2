internal import ProofChecking

/// A tree of splits as the search finds it, in the encoding of proofs; 20 bytes a node and the payloads of its leaves.
///
/// Parts that another thread took over are trees of their own, with a root for each cell that was given away.
struct SplitTree {
  /// The most memory that one tree may take, in bytes.
  static let maximumBytes = 600 << 20
  /// Not in proofs: the subtree is another tree of the same search.
  static let part: UInt8 = 254

  struct Node {
    var tag = ProofFormat.Tag.open
    /// The input, the neuron, or the number of the part.
    var argument: Int32 = 0
    /// The first child, or the root in the part.
    var first: Int32 = -1
    /// For leaves and open nodes with multipliers, where the payload begins in `payloads`.
    var payloadStart: UInt32 = 0
    var payloadCount: UInt32 = 0
  }

  private(set) var nodes: [Node]
  private(set) var payloads: [UInt8] = []
  /// Of open nodes, what to go on from, as long as the tree is in memory.
  private(set) var prospects: [Int32: BranchAndBound.Prospect] = [:]

  init(roots: Int = 1) { nodes = Array(repeating: Node(), count: roots) }

  var byteCount: Int { nodes.count * MemoryLayout<Node>.stride + payloads.count }

  /// Makes an open node a split; returns its first child, the second one follows it.
  mutating func split(_ node: Int32, tag: UInt8, argument: Int) -> Int32 {
    let first = Int32(nodes.count)
    nodes.append(Node())
    nodes.append(Node())
    nodes[Int(node)].tag = tag
    nodes[Int(node)].argument = Int32(argument)
    nodes[Int(node)].first = first
    return first
  }

  /// Makes an open node a leaf with the bytes that a proof has for it.
  mutating func close(_ node: Int32, _ bytes: [UInt8]) {
    nodes[Int(node)].tag = bytes[0]
    if bytes.count == 1 { return }
    nodes[Int(node)].payloadStart = UInt32(payloads.count)
    nodes[Int(node)].payloadCount = UInt32(bytes.count)
    payloads += bytes
  }

  mutating func hand(_ node: Int32, toPart part: Int, root: Int) {
    nodes[Int(node)].tag = Self.part
    nodes[Int(node)].argument = Int32(part)
    nodes[Int(node)].first = Int32(root)
  }

  /// Gives an open node the multipliers to go on from, as a record and the tag of an open node.
  mutating func keepOpen(_ node: Int32, _ bytes: [UInt8], _ prospect: BranchAndBound.Prospect?) {
    prospects[node] = prospect
    precondition(nodes[Int(node)].tag == ProofFormat.Tag.open)
    nodes[Int(node)].payloadStart = UInt32(payloads.count)
    nodes[Int(node)].payloadCount = UInt32(bytes.count)
    payloads += bytes
  }

  /// Writes the tree in preorder, with the trees of `parts` in their places.
  /// - Parameter onOpen: Called with what each open node has in memory.
  static func write(
    _ root: SplitTree, parts: [Int: SplitTree], onOpen: (BranchAndBound.Prospect?) -> Void = { _ in },
    to sink: (([UInt8]) throws -> Void)
  ) rethrows {
    var buffer: [UInt8] = []
    var stack: [(tree: Int, node: Int32)] = [(-1, 0)]
    func tree(_ index: Int) -> SplitTree { index < 0 ? root : parts[index] ?? SplitTree() }
    var current = root
    var index = -1
    while let (at, node) = stack.popLast() {
      if at != index {
        current = tree(at)
        index = at
      }
      let entry = current.nodes[Int(node)]
      switch entry.tag {
      case part:
        stack.append((Int(entry.argument), entry.first))
      case ProofFormat.Tag.inputSplit, ProofFormat.Tag.phaseSplit:
        buffer.append(entry.tag)
        ProofFormat.append(Int(entry.argument), to: &buffer)
        stack.append((at, entry.first + 1))
        stack.append((at, entry.first))
      default:
        if entry.tag == ProofFormat.Tag.open { onOpen(current.prospects[node]) }
        if entry.payloadCount == 0 {
          buffer.append(entry.tag)
        } else {
          let start = Int(entry.payloadStart)
          buffer += current.payloads[start..<(start + Int(entry.payloadCount))]
        }
      }
      if buffer.count >= 1 << 16 {
        try sink(buffer)
        buffer.removeAll(keepingCapacity: true)
      }
    }
    try sink(buffer)
  }
}
