/// That an entry is in a tree.
public struct InclusionProof: Sendable, Hashable {
  /// The number of the leaf, from 0.
  public let index: Int
  /// The number of leaves of the tree.
  public let size: Int
  /// The sibling hashes, from the leaf's to the root's child.
  public let path: [TreeHash]

  public init(index: Int, size: Int, path: [TreeHash]) {
    self.index = index
    self.size = size
    self.path = path
  }

  /// Checks that `leaf` has this index in the tree with this size and the root `root` (RFC 9162, section 2.1.3.2).
  ///
  /// - Throws: ``LogError``, `.notIncluded`.
  /// - Complexity: O(log *size*), whatever the path's length.
  public func verify(leaf: TreeHash, root: TreeHash) throws(LogError) {
    guard index >= 0, index < size, size <= TreeBounds.maximumSize else {
      throw failure("a tree of \(size) leaves has no leaf \(index)")
    }
    var (fn, sn) = (index, size - 1)
    var hash = leaf
    for sibling in path {
      guard sn > 0 else { throw failure("the path of \(path.count) hashes is too long") }
      if fn & 1 == 1 || fn == sn {
        hash = .node(sibling, hash)
        while fn & 1 == 0, fn != 0 {
          fn >>= 1
          sn >>= 1
        }
      } else {
        hash = .node(hash, sibling)
      }
      fn >>= 1
      sn >>= 1
    }
    guard sn == 0 else { throw failure("the path of \(path.count) hashes is too short") }
    guard hash == root else { throw failure("the path leads from the entry to another root") }
  }

  private func failure(_ problem: String) -> LogError {
    LogError(
      .notIncluded,
      "entry \(index) is not shown to be in the tree of \(size): \(problem); check that entry, proof and checkpoint "
        + "belong together")
  }
}

/// That a tree is the beginning of another.
public struct ConsistencyProof: Sendable, Hashable {
  /// The number of leaves of the earlier tree.
  public let first: Int
  /// The number of leaves of the later tree.
  public let second: Int
  public let path: [TreeHash]

  public init(first: Int, second: Int, path: [TreeHash]) {
    self.first = first
    self.second = second
    self.path = path
  }

  /// Checks that the tree with `first` leaves and the root `firstRoot` is the beginning of the one with `second` leaves
  /// and the root `secondRoot` (RFC 9162, section 2.1.4.2). The tree without leaves is the beginning of every tree.
  ///
  /// - Throws: ``LogError``, `.notConsistent`.
  /// - Complexity: O(log *second*), whatever the path's length.
  public func verify(firstRoot: TreeHash, secondRoot: TreeHash) throws(LogError) {
    guard first >= 0, first <= second, second <= TreeBounds.maximumSize else {
      throw failure("the earlier tree is not the smaller one")
    }
    if first == 0 || first == second {
      guard path.isEmpty else { throw failure("there is a path where none is needed") }
      guard first == 0 ? firstRoot == .empty : firstRoot == secondRoot else {
        throw failure(first == 0 ? "the root is not that of a tree without leaves" : "one size with two roots")
      }
      return
    }
    var hashes = path[...]
    if first.nonzeroBitCount == 1 { hashes = [firstRoot] + path }
    guard let start = hashes.popFirst() else { throw failure("the path is empty") }
    var (fn, sn) = (first - 1, second - 1)
    while fn & 1 == 1 {
      fn >>= 1
      sn >>= 1
    }
    var (firstHash, secondHash) = (start, start)
    for hash in hashes {
      guard sn > 0 else { throw failure("the path of \(path.count) hashes is too long") }
      if fn & 1 == 1 || fn == sn {
        firstHash = .node(hash, firstHash)
        secondHash = .node(hash, secondHash)
        while fn & 1 == 0, fn != 0 {
          fn >>= 1
          sn >>= 1
        }
      } else {
        secondHash = .node(secondHash, hash)
      }
      fn >>= 1
      sn >>= 1
    }
    guard sn == 0 else { throw failure("the path of \(path.count) hashes is too short") }
    guard firstHash == firstRoot else { throw failure("the path leads to another earlier root") }
    guard secondHash == secondRoot else { throw failure("the path leads to another later root") }
  }

  private func failure(_ problem: String) -> LogError {
    LogError(
      .notConsistent,
      "the tree of \(first) is not shown to be the beginning of the tree of \(second): \(problem); check that proof and "
        + "checkpoints belong together")
  }
}
