internal import SwiftProtobuf

/// Gemm and MatMul: the operators with a matrix of weights.
extension ONNXReader {
  mutating func readGemm(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 2...3)
    let known = try attributes(index, ["alpha": .float, "beta": .float, "transA": .int, "transB": .int])
    let alpha = Double(known["alpha"]?.f ?? 1)
    let beta = Double(known["beta"]?.f ?? 1)
    guard alpha.isFinite, beta.isFinite else {
      throw NetworkError(.notFinite, "\(place(index)): alpha is \(alpha) and beta \(beta); both must be finite")
    }
    if (known["transA"]?.i ?? 0) != 0 {
      guard let count = shape.column, shape.dimensions.count == 2 else {
        throw NetworkError(
          .unsupported,
          "\(place(index)): transA makes columns of the points of the batch; it is only supported for one point in a "
            + "column, [n, 1], not for the shape \(shape)")
      }
      shape = ONNXShape([.size(1), .size(count)])
    }
    guard shape.dimensions.count == 2, let width = shape.columns else { throw notFlat(index) }
    guard let matrix = try constant(index, input: 1) else {
      throw NetworkError(.malformed, "\(place(index)) has no weights; input 1 must be a constant matrix")
    }
    try compute(index)
    var (weights, count) = try rows(matrix, index, width: width, isTransposed: (known["transB"]?.i ?? 0) != 0)
    shape = shape.withColumns(count)
    var biases = [Double](repeating: 0, count: count)
    if let bias = try constant(index, input: 2) {
      let (numbers, result) = try requireNumbers(bias, index).values(over: shape, node: place(index))
      guard result == shape else {
        throw NetworkError(.shape, "\(place(index)): \(bias.place) of shape \(bias.shape) has more than two dimensions")
      }
      for (neuron, number) in numbers.enumerated() {
        guard let product = exactProduct(beta, number) else {
          throw NetworkError(
            .unsupported,
            "\(place(index)): beta = \(beta) times value \(neuron) of \(bias.place) cannot be written in binary64 "
              + "without rounding; multiply it into the tensor before exporting")
        }
        biases[neuron] = product
      }
    }
    if alpha == 1 {
      try chain.append(weights: weights, biases: biases, node: place(index))
    } else {
      let products = weights.compactMap { exactProduct(alpha, $0) }
      if products.count == weights.count {
        weights = products
        try chain.append(weights: weights, biases: biases, node: place(index))
      } else {
        // Two layers say the same without rounding.
        try chain.append(weights: weights, biases: Array(repeating: 0, count: count), node: place(index))
        try chain.append(factors: Array(repeating: alpha, count: count), shifts: biases, node: place(index))
      }
    }
    current = try output(index)
  }

  mutating func readMatMul(_ index: Int) throws(NetworkError) {
    try requireInputs(index, 2...2)
    let node = graph.node[index]
    let left = try operand(node.input[0], of: index)
    let right = try operand(node.input[1], of: index)
    let product: (weights: [Double], outputs: Int)
    switch (left, right) {
    case (.chain, .constant(let matrix)):
      guard let width = shape.columns else { throw notFlat(index) }
      if matrix.shape == [width] {
        product = (try requireNumbers(matrix, index).values(), 1)
        shape = shape.withoutColumns
      } else {
        product = try rows(matrix, index, width: width, isTransposed: false)
        shape = shape.withColumns(product.outputs)
      }
    case (.constant(let matrix), .chain):
      guard let width = shape.column else {
        throw NetworkError(
          .unsupported,
          "\(place(index)): with a constant on the left, the value must be one point in a column, [n] or [n, 1], but it "
            + "has the shape \(shape); multiply from the right")
      }
      product = try rows(matrix, index, width: width, isTransposed: true)
      shape = shape.withRows(product.outputs)
    default:
      throw NetworkError(
        .unsupported, "\(place(index)) needs the value of the node before and a constant, but has two constants")
    }
    try compute(index)
    try chain.append(
      weights: product.weights, biases: Array(repeating: 0, count: product.outputs), node: place(index))
    try advance(index)
  }

  private func notFlat(_ index: Int) -> NetworkError {
    NetworkError(
      .shape,
      "\(place(index)) needs the features of a point in one row, [N, n], but the value has the shape \(shape); flatten "
        + "first")
  }

  /// The matrix as rows, one per output: as it is when it is stored [outputs, inputs], else transposed.
  private func rows(
    _ matrix: ONNXConstant, _ index: Int, width: Int, isTransposed: Bool
  ) throws(NetworkError) -> (weights: [Double], outputs: Int) {
    let matrix = try requireNumbers(matrix, index)
    guard matrix.shape.count == 2, matrix.shape[isTransposed ? 1 : 0] == width else {
      throw NetworkError(
        .shape,
        "\(place(index)): \(matrix.place) has the shape \(matrix.shape), but "
          + (isTransposed ? "[outputs, \(width)]" : "[\(width), outputs]") + " is needed")
    }
    let outputs = matrix.shape[isTransposed ? 0 : 1]
    try chain.requireRoom(outputs: outputs, node: place(index))
    let values = try matrix.values()
    if isTransposed { return (values, outputs) }
    var weights = [Double](repeating: 0, count: values.count)
    for input in 0..<width {
      for neuron in 0..<outputs { weights[neuron * width + input] = values[input * outputs + neuron] }
    }
    return (weights, outputs)
  }
}
