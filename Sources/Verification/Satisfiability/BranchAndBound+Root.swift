internal import ProofChecking

extension BranchAndBound {
  /// The proof of one leaf, when the default bound of the whole domain suffices; nil otherwise.
  static func provedAtRoot(_ problem: FixedPointProblem) -> FoundTree? {
    switch LeafEvaluator(problem: problem).evaluate(Cell(problem: problem), multipliers: nil) {
    case .outOfRange: return nil
    case .bound(let bound): guard bound >= problem.threshold else { return nil }
    case .empty: break
    }
    var tree = SplitTree()
    tree.close(0, [ProofFormat.Tag.leaf])
    return FoundTree(root: tree, parts: [:])
  }
}
