/// The complete subtrees of a Merkle tree, from which every root and every proof is put together.
///
/// The subtree of level `level` and number `index` has the 2^level leaves from index · 2^level on. Whoever keeps a tree,
/// in memory or in tiles, needs to know no more than this (Crosby and Wallach, *Efficient Data Structures for
/// Tamper-Evident Logging*, USENIX Security 2009).
public protocol SubtreeHashes {
  /// - Throws: what stands in the way of reading the tree.
  /// - Precondition: the subtree is complete: (`index` + 1) · 2^`level` is at most the tree's size.
  mutating func hash(level: Int, index: Int) throws(LogError) -> TreeHash
}

/// Bounds of trees.
public enum TreeBounds {
  /// The most leaves of a tree: 2⁵³ − 1, the largest integer that every JSON reader keeps.
  public static let maximumSize = 9_007_199_254_740_991
  /// The most hashes of an inclusion proof.
  public static let maximumInclusionPath = 53
  /// The most hashes of a consistency proof.
  public static let maximumConsistencyPath = 54
}

extension SubtreeHashes {
  /// The root of the tree of the first `size` leaves: MTH(D[0:size]) of RFC 6962, section 2.1.
  /// - Complexity: O(log *size*) hashes.
  public mutating func root(size: Int) throws(LogError) -> TreeHash { try root(0, size) }

  /// The sibling hashes from the leaf `index` up to the root of the first `size` leaves: PATH(index, D[0:size]) of
  /// RFC 6962, section 2.1.1.
  /// - Precondition: 0 ≤ `index` < `size`, and `size` at most the tree's.
  public mutating func inclusionProof(index: Int, size: Int) throws(LogError) -> InclusionProof {
    precondition(index >= 0 && index < size, "an entry of the tree")
    return InclusionProof(index: index, size: size, path: try path(index, 0, size))
  }

  /// The hashes from which both roots follow: PROOF(first, D[0:second]) of RFC 6962, section 2.1.2. Empty when `first`
  /// is 0 or both are equal.
  /// - Precondition: 0 ≤ `first` ≤ `second`, and `second` at most the tree's size.
  public mutating func consistencyProof(from first: Int, to second: Int) throws(LogError) -> ConsistencyProof {
    precondition(first >= 0 && first <= second, "a tree and an earlier one")
    let path = first == 0 ? [] : try subproof(first, 0, second, isWhole: true)
    return ConsistencyProof(first: first, second: second, path: path)
  }

  // Every step halves the range, so the recursion is at most 53 deep.

  private mutating func root(_ low: Int, _ high: Int) throws(LogError) -> TreeHash {
    let count = high - low
    if count == 0 { return .empty }
    if count.nonzeroBitCount == 1 {
      let level = count.trailingZeroBitCount
      return try hash(level: level, index: low >> level)
    }
    let split = low + largestPowerOfTwo(below: count)
    return .node(try root(low, split), try root(split, high))
  }

  private mutating func path(_ index: Int, _ low: Int, _ high: Int) throws(LogError) -> [TreeHash] {
    guard high - low > 1 else { return [] }
    let split = low + largestPowerOfTwo(below: high - low)
    return index < split
      ? try path(index, low, split) + [try root(split, high)] : try path(index, split, high) + [try root(low, split)]
  }

  /// SUBPROOF(first, D[low:high], isWhole), `first` counted from 0.
  private mutating func subproof(_ first: Int, _ low: Int, _ high: Int, isWhole: Bool) throws(LogError) -> [TreeHash] {
    if first == high { return isWhole ? [] : [try root(low, high)] }
    let split = low + largestPowerOfTwo(below: high - low)
    return first <= split
      ? try subproof(first, low, split, isWhole: isWhole) + [try root(split, high)]
      : try subproof(first, split, high, isWhole: false) + [try root(low, split)]
  }
}

/// The largest power of two smaller than `count`, which is at least 2.
func largestPowerOfTwo(below count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }

/// A Merkle tree in memory with all its complete subtrees.
public struct MerkleTree: SubtreeHashes, Sendable {
  /// The hashes of each level, the leaves first.
  private var levels: [[TreeHash]] = [[]]

  /// The tree of these leaves.
  public init(leaves: [TreeHash] = []) {
    for leaf in leaves { append(leaf) }
  }

  public var size: Int { levels[0].count }

  /// Adds a leaf, and each subtree that it completes.
  public mutating func append(_ leaf: TreeHash) {
    levels[0].append(leaf)
    var level = 0
    while levels[level].count % 2 == 0 {
      let node = TreeHash.node(levels[level][levels[level].count - 2], levels[level][levels[level].count - 1])
      level += 1
      if level == levels.count { levels.append([]) }
      levels[level].append(node)
    }
  }

  public func hash(level: Int, index: Int) -> TreeHash { levels[level][index] }
}
