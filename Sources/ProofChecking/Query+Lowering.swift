public import Networks
public import Specifications

extension Query {
  /// The query and the network that it is about, without a relation: what engines, encoders and checkers work on.
  ///
  /// A query with a relation becomes a plain one about the product of the network's copies (``Relation``); a plain
  /// query is returned with the network as it is. The pair means the same as this query about `network`.
  /// - Throws: ``CheckFailure/dimension`` when the query does not fit the network: other numbers of inputs or outputs,
  ///   or an output or feature that it does not have.
  public func lowered(on network: ExactNetwork) throws(CheckFailure) -> (network: ExactNetwork, query: Query) {
    guard let relation else {
      try requireFit(inputCount: network.inputCount, outputCount: network.outputCount)
      return (network, self)
    }
    // Before anything of the product's size is made.
    guard relation.inputCount == network.inputCount else { throw .dimension }
    try requireFit(inputCount: relation.dimension, outputCount: relation.copies.count * network.outputCount)
    return (
      network.product(over: relation.copies), Query(region: region, constraints: constraints, claim: claim)
    )
  }

  private func requireFit(inputCount: Int, outputCount: Int) throws(CheckFailure) {
    let fits =
      switch claim {
      case .monotone(let output, let feature, _, _):
        (0..<outputCount).contains(output) && (0..<inputCount).contains(feature)
      case .nonnegative(let outputs, let inputs, _):
        outputs.count == outputCount && (inputs.isEmpty || inputs.count == inputCount)
      }
    guard region.count == inputCount, fits else { throw .dimension }
  }
}
