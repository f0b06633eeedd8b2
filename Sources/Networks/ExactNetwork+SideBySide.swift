public import ExactArithmetic

extension ExactNetwork {
  /// The function u ↦ (f₁(A₁u), …, fₘ(Aₘu)) on a box: different networks side by side, each at its own linear image of
  /// one vector u, with the outputs one network after the other.
  ///
  /// Networks with fewer layers than the deepest pass their outputs on, as ``maximum(of:over:)`` does.
  /// - Precondition: there is at least one part; each map has one row per input of its network, and all have as many
  ///   columns as `region` has intervals, at least one.
  public static func sideBySide(
    _ parts: [(network: ExactNetwork, map: LinearMap)], over region: [ClosedRange<Rational>]
  ) -> ExactNetwork {
    precondition(!parts.isEmpty && !region.isEmpty)
    precondition(
      parts.allSatisfy { $0.map.columnCount == region.count && $0.map.rows.count == $0.network.inputCount })
    let depth = parts.reduce(0) { max($0, $1.network.layers.count) }
    let equal = parts.map { part in
      // Each part is mapped first: a product of one copy.
      part.network.product(over: [part.map]).deepened(to: depth, over: region)
    }
    var layers: [ExactLayer] = []
    for index in 0..<depth {
      let blocks = equal.map { $0.layers[index] }
      // All parts read u; deeper layers read their own part.
      var rows = LayerRows(columns: index == 0 ? region.count : blocks.reduce(0) { $0 + $1.inputCount })
      var offset = 0
      for block in blocks {
        for neuron in 0..<block.outputCount {
          var row = [Dyadic](repeating: .zero, count: rows.columns)
          for input in 0..<block.inputCount { row[offset + input] = block.weight(neuron: neuron, input: input) }
          rows.append(row, block.biases[neuron])
        }
        if index > 0 { offset += block.inputCount }
      }
      layers.append(rows.layer)
    }
    return ExactNetwork(layers: layers)
  }

  /// The same function on a box, with further layers that pass the outputs on.
  private func deepened(to depth: Int, over region: [ClosedRange<Rational>]) -> ExactNetwork {
    var result = Array(hiddenLayers)
    var values = layers[layers.count - 1]
    let offsets = values.ranges(over: lastHiddenRanges(over: region)).map(\.offset)
    while result.count + 1 < depth {
      result.append(
        ExactLayer(
          inputCount: values.inputCount, outputCount: values.outputCount, weights: values.weights,
          biases: zip(values.biases, offsets).map { $0 - $1 }))
      var identity = LayerRows(columns: values.outputCount)
      for (output, offset) in offsets.enumerated() { identity.append(ones: [output], offset) }
      values = identity.layer
    }
    return ExactNetwork(layers: result + [values])
  }
}

extension ExactNetwork {
  /// The network with one output, which is zero.
  /// - Precondition: there is at least one input.
  public static func zero(inputCount: Int) -> ExactNetwork {
    precondition(inputCount > 0)
    return ExactNetwork(layers: [
      ExactLayer(
        inputCount: inputCount, outputCount: 1, weights: Array(repeating: .zero, count: inputCount), biases: [.zero])
    ])
  }
}
