public import ExactArithmetic

extension ExactNetwork {
  /// The function u ↦ (f(A₁u), …, f(Aₘu)): copies of the network side by side, each at its own linear image of one
  /// vector u, with the outputs one copy after the other.
  ///
  /// The maps are multiplied into the first layer and the other layers are block-diagonal, all exactly.
  /// - Parameter maps: A₁, …, Aₘ.
  /// - Precondition: there is at least one map; all have the same number of columns, at least one, and one row per input.
  public func product(over maps: [LinearMap]) -> ExactNetwork {
    precondition(!maps.isEmpty && maps[0].columnCount > 0)
    precondition(maps.allSatisfy { $0.columnCount == maps[0].columnCount && $0.rows.count == inputCount })
    var result = [first(over: maps)]
    for layer in layers.dropFirst() { result.append(layer.repeated(maps.count)) }
    return ExactNetwork(layers: result)
  }

  private func first(over maps: [LinearMap]) -> ExactLayer {
    let layer = layers[0]
    let width = maps[0].columnCount
    var weights = [Dyadic](repeating: .zero, count: maps.count * layer.outputCount * width)
    for (copy, map) in maps.enumerated() {
      for neuron in 0..<layer.outputCount {
        let row = (copy * layer.outputCount + neuron) * width
        for input in 0..<layer.inputCount {
          let weight = layer.weight(neuron: neuron, input: input)
          if weight.isZero { continue }
          for term in map.rows[input] { weights[row + term.column] += weight * term.factor }
        }
      }
    }
    return ExactLayer(
      inputCount: width, outputCount: maps.count * layer.outputCount, weights: weights,
      biases: maps.flatMap { _ in layer.biases })
  }
}

extension ExactLayer {
  /// Copies of the layer on the diagonal.
  fileprivate func repeated(_ count: Int) -> ExactLayer {
    var weights = [Dyadic](repeating: .zero, count: count * outputCount * count * inputCount)
    for copy in 0..<count {
      for neuron in 0..<outputCount {
        let row = (copy * outputCount + neuron) * count * inputCount + copy * inputCount
        for input in 0..<inputCount { weights[row + input] = weight(neuron: neuron, input: input) }
      }
    }
    return ExactLayer(
      inputCount: count * inputCount, outputCount: count * outputCount, weights: weights,
      biases: (0..<count).flatMap { _ in biases })
  }
}
