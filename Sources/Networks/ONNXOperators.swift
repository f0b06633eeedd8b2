internal import SwiftProtobuf

/// The operators that are read. Each appends what it does to the chain, exactly, or refuses.
extension ONNXReader {
  /// Reads the node at `index`.
  mutating func read(node index: Int) throws(NetworkError) {
    let node = graph.node[index]
    guard node.unknownFields.data.isEmpty else { throw Self.unknownField(place(index)) }
    guard Self.isStandard(node.domain), node.overload.isEmpty else {
      throw NetworkError(
        .unsupported,
        "\(place(index)) is from the domain \(quoted(node.domain)); only ONNX's own operators are supported")
    }
    switch node.opType {
    case "Constant": try readConstant(index)
    case "Gemm": try readGemm(index)
    case "MatMul": try readMatMul(index)
    case "Add", "Sub", "Mul", "Div": try readElementwise(index)
    case "Relu":
      try requireChain(index, inputs: 1...1)
      try chain.rectify(node: place(index))
      try advance(index)
    case "Identity": try readIdentity(index)
    case "Flatten": try readFlatten(index)
    case "Dropout": try readDropout(index)
    default:
      throw NetworkError(
        .unsupported,
        "\(place(index)): this operator is not supported; Gemm, MatMul, Add, Sub, Mul, Div, Relu, Identity, Flatten, "
          + "Dropout and Constant are")
    }
  }

  // MARK: Shapes of nodes

  /// Checks the number of inputs and that the first one is the chain's value.
  private mutating func requireChain(_ index: Int, inputs: ClosedRange<Int>) throws(NetworkError) {
    try requireInputs(index, inputs)
    guard case .chain = try operand(graph.node[index].input[0], of: index) else {
      throw NetworkError(
        .unsupported, "\(place(index)): the first input must be the value of the node before, not a constant")
    }
  }

  private func requireInputs(_ index: Int, _ range: ClosedRange<Int>) throws(NetworkError) {
    let inputs = graph.node[index].input
    guard range.contains(inputs.count), !inputs[0].isEmpty else {
      throw NetworkError(.malformed, "\(place(index)) has \(inputs.count) inputs; it needs \(range.words)")
    }
  }

  /// The constant at input `position`, nil where it is left out.
  private mutating func constant(_ index: Int, input position: Int) throws(NetworkError) -> ONNXConstant? {
    let inputs = graph.node[index].input
    guard position < inputs.count, !inputs[position].isEmpty else { return nil }
    guard case .constant(let constant) = try operand(inputs[position], of: index) else {
      throw NetworkError(
        .unsupported, "\(place(index)): input \(position) must be a constant, not a value that depends on the features")
    }
    return constant
  }

  /// The name of the node's one output.
  private func output(_ index: Int) throws(NetworkError) -> String {
    let outputs = graph.node[index].output
    guard outputs.count == 1, !outputs[0].isEmpty else {
      throw NetworkError(.malformed, "\(place(index)) has \(outputs.count) outputs; it needs one with a name")
    }
    return outputs[0]
  }

  /// The node's output becomes the chain's value.
  private mutating func advance(_ index: Int) throws(NetworkError) {
    _ = try attributes(index, [:])
    current = try output(index)
  }

  /// The node's attributes by name, each known, once, and of its type.
  private func attributes(
    _ index: Int, _ types: [String: Onnx_AttributeProto.AttributeType]
  ) throws(NetworkError) -> [String: Onnx_AttributeProto] {
    var result: [String: Onnx_AttributeProto] = [:]
    for attribute in graph.node[index].attribute {
      let place = "\(place(index)): attribute \(quoted(attribute.name))"
      guard let type = types[attribute.name] else { throw NetworkError(.unsupported, "\(place) is not supported") }
      guard attribute.unknownFields.data.isEmpty else { throw Self.unknownField(place) }
      guard attribute.refAttrName.isEmpty, attribute.type == type else {
        throw NetworkError(.malformed, "\(place) is not of type \("\(type)".uppercased())")
      }
      guard result.updateValue(attribute, forKey: attribute.name) == nil else {
        throw NetworkError(.malformed, "\(place) appears twice")
      }
    }
    return result
  }

  /// Products and Gemm need the shape [batch, features].
  private func requireFlat(_ index: Int) throws(NetworkError) {
    guard features.count == 1 else {
      throw NetworkError(
        .shape, "\(place(index)) needs features in one dimension, but they have the shape \(features); flatten first")
    }
  }

  // MARK: Layers

  private mutating func readGemm(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 2...3)
    try requireFlat(index)
    let known = try attributes(index, ["alpha": .float, "beta": .float, "transA": .int, "transB": .int])
    let alpha = Double(known["alpha"]?.f ?? 1)
    let beta = Double(known["beta"]?.f ?? 1)
    guard alpha.isFinite, beta.isFinite else {
      throw NetworkError(.notFinite, "\(place(index)): alpha is \(alpha) and beta \(beta); both must be finite")
    }
    guard (known["transA"]?.i ?? 0) == 0 else {
      throw NetworkError(.unsupported, "\(place(index)): transA is not supported; rows must be points of the batch")
    }
    guard let matrix = try constant(index, input: 1) else {
      throw NetworkError(.malformed, "\(place(index)) has no weights; input 1 must be a constant matrix")
    }
    var (weights, count) = try matrixRows(matrix, index, isTransposed: (known["transB"]?.i ?? 0) != 0)
    var biases = [Double](repeating: 0, count: count)
    if let bias = try constant(index, input: 2) {
      let numbers = try requireNumbers(bias, index).values(over: [count], node: place(index))
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
    features = [count]
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

  private mutating func readMatMul(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 2...2)
    try requireFlat(index)
    guard let matrix = try constant(index, input: 1) else {
      throw NetworkError(.malformed, "\(place(index)) has no weights; input 1 must be a constant matrix")
    }
    let (weights, count) = try matrixRows(matrix, index, isTransposed: false)
    features = [count]
    try chain.append(weights: weights, biases: Array(repeating: 0, count: count), node: place(index))
    try advance(index)
  }

  /// The matrix as rows, one per output: as it is when it is stored [outputs, inputs], else transposed.
  private func matrixRows(
    _ matrix: ONNXConstant, _ index: Int, isTransposed: Bool
  ) throws(NetworkError) -> (weights: [Double], outputs: Int) {
    let width = chain.width
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

  // MARK: Element by element

  private mutating func readElementwise(_ index: Int) throws(NetworkError) {
    try requireInputs(index, 2...2)
    let node = graph.node[index]
    let left = try operand(node.input[0], of: index)
    let right = try operand(node.input[1], of: index)
    let constant: ONNXConstant
    let isChainFirst: Bool
    switch (left, right) {
    case (.chain, .constant(let value)): (constant, isChainFirst) = (value, true)
    case (.constant(let value), .chain): (constant, isChainFirst) = (value, false)
    default:
      throw NetworkError(
        .unsupported, "\(place(index)) needs the value of the node before and a constant, but has two constants")
    }
    let values = try requireNumbers(constant, index).values(over: features, node: place(index))
    let zeros = [Double](repeating: 0, count: values.count)
    let place = place(index)
    switch (node.opType, isChainFirst) {
    case ("Add", _): try chain.shift(by: values, node: place)
    case ("Sub", true): try chain.shift(by: values.map { -$0 }, node: place)
    case ("Sub", false): try chain.append(factors: values.map { _ in -1 }, shifts: values, node: place)
    case ("Mul", _): try chain.append(factors: values, shifts: zeros, node: place)
    case ("Div", true):
      if let bad = values.firstIndex(of: 0) {
        throw NetworkError(.notFinite, "\(place) divides feature \(bad) by zero")
      }
      guard try chain.divide(by: values, node: place) else {
        throw NetworkError(
          .unsupported,
          "\(place): dividing by \(constant.place) cannot be written in binary64 without rounding; use Mul with the "
            + "reciprocals, or divisors that are powers of two")
      }
    default: throw NetworkError(.unsupported, "\(place) divides a constant by the features, which is not linear")
    }
    try advance(index)
  }

  // MARK: No effect

  private mutating func readIdentity(_ index: Int) throws(NetworkError) {
    try requireInputs(index, 1...1)
    if case .constant(let constant) = try operand(graph.node[index].input[0], of: index) {
      _ = try attributes(index, [:])
      computed[try output(index)] = constant
    } else {
      try advance(index)
    }
  }

  private mutating func readFlatten(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 1...1)
    let axis = try attributes(index, ["axis": .int])["axis"]?.i ?? 1
    guard axis == 1 || (axis < 0 && axis == -Int64(features.count)) else {
      throw NetworkError(.unsupported, "\(place(index)): axis \(axis) is not supported; flatten along axis 1")
    }
    features = [chain.width]
    current = try output(index)
  }

  private mutating func readDropout(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 1...3)
    // The ratio has no effect in inference.
    if operatorSet < 12 {
      _ = try attributes(index, ["ratio": .float])
    } else {
      _ = try attributes(index, ["seed": .int])
    }
    _ = try constant(index, input: 1)
    if let training = try constant(index, input: 2), training.element != .bool || training.isTrue {
      throw NetworkError(.unsupported, "\(place(index)) is in training mode; export the model for inference")
    }
    let outputs = graph.node[index].output
    guard (1...2).contains(outputs.count), !outputs[0].isEmpty else {
      throw NetworkError(.malformed, "\(place(index)) has \(outputs.count) outputs; it needs one with a name")
    }
    current = outputs[0]
  }

  private mutating func readConstant(_ index: Int) throws(NetworkError) {
    let node = graph.node[index]
    let name = try output(index)
    let known = try attributes(index, ["value": .tensor, "value_float": .float, "value_floats": .floats])
    guard node.input.isEmpty, known.count == 1 else {
      throw NetworkError(.malformed, "\(place(index)) needs no input and one value, but has \(known.count) values")
    }
    let place = "the value of \(place(index))"
    if let value = known["value"] {
      computed[name] = try ONNXConstant(value.t, place: place)
    } else if let value = known["value_float"] {
      computed[name] = try ONNXConstant.floats([value.f], shape: [], place: place)
    } else if let value = known["value_floats"] {
      computed[name] = try ONNXConstant.floats(value.floats, shape: [Int64(value.floats.count)], place: place)
    }
  }
}

extension ClosedRange<Int> {
  fileprivate var words: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)" }
}
