internal import BigInt
internal import ExactArithmetic
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
      return withoutInputs(network)
    }
    // Before anything of the product's size is made.
    guard relation.inputCount == network.inputCount else { throw .dimension }
    try requireFit(inputCount: relation.dimension, outputCount: relation.copies.count * network.outputCount)
    return Query(region: region, constraints: constraints, claim: claim)
      .withoutInputs(network.product(over: relation.copies))
  }

  /// The same claim about outputs alone: inputs that it speaks of pass through the network beside its neurons.
  ///
  /// On the region xᵢ − ⌊loᵢ⌋ is not negative, so ReLU leaves it as it is; it becomes an output of its own.
  private func withoutInputs(_ network: ExactNetwork) -> (network: ExactNetwork, query: Query) {
    guard case .nonnegative(let outputs, let inputs, var constant) = claim else { return (network, self) }
    let passed = inputs.indices.filter { !inputs[$0].isZero }
    if passed.isEmpty { return (network, self) }
    let floors = passed.map { region[$0].lowerBound.floor }
    for (i, floor) in zip(passed, floors) { constant += inputs[i] * Rational(floor) }
    let extended = network.passing(
      passed, less: floors.map { Dyadic(mantissa: $0, exponent: 0) })
    return (
      extended,
      Query(
        region: region, constraints: constraints,
        claim: .nonnegative(outputs: outputs + passed.map { inputs[$0] }, constant: constant))
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
