internal import SwiftProtobuf

/// What all operators have in common: the way to their function, and the shapes of nodes.
extension ONNXReader {
  /// Reads the node at `index`: appends what it does to the chain, exactly, or refuses it.
  mutating func read(node index: Int) throws(NetworkError) {
    let node = graph.node[index]
    guard node.unknownFields.data.isEmpty else { throw Self.unknownField(place(index)) }
    guard Self.isStandard(node.domain) || node.domain == ONNXOperator.machineLearning, node.overload.isEmpty else {
      throw NetworkError(
        .unsupported,
        "\(place(index)) is from the domain \(quoted(node.domain)); only operators of ONNX's own domain and "
          + "\(ONNXOperator.machineLearning).Scaler are supported")
    }
    guard let known = ONNXOperator(domain: node.domain, type: node.opType) else {
      throw NetworkError(
        .unsupported, "\(place(index)): this operator is not supported; \(ONNXOperator.list) are")
    }
    guard Self.isStandard(node.domain) || hasMachineLearning else {
      throw NetworkError(
        .malformed, "\(place(index)) is from the domain \(quoted(node.domain)), which the model does not import")
    }
    switch known {
    case .constant: try readConstant(index)
    case .gemm: try readGemm(index)
    case .matMul: try readMatMul(index)
    case .add, .subtract, .multiply, .divide: try readElementwise(index, known)
    case .relu:
      try requireChain(index, inputs: 1...1)
      try compute(index)
      try chain.rectify(node: place(index))
      try advance(index)
    case .batchNormalization: try readBatchNormalization(index)
    case .scaler: try readScaler(index)
    case .identity: try readIdentity(index)
    case .dropout: try readDropout(index)
    case .cast: try readCast(index)
    case .flatten: try readFlatten(index)
    case .reshape: try readReshape(index)
    case .squeeze, .unsqueeze: try readSqueeze(index, known)
    }
  }

  /// The node computes with the chain's value. Behind a rounding that is no longer the function of real numbers that
  /// the layers say.
  mutating func compute(_ index: Int) throws(NetworkError) {
    isInput = false
    guard let narrowing else { return }
    throw NetworkError(
      .unsupported,
      "\(place(narrowing)) rounds DOUBLE to FLOAT between layers (\(place(index)) computes with the result); only the "
        + "input and the output may be rounded: export the model in one number type")
  }

  /// Checks the number of inputs and that the first one is the chain's value.
  mutating func requireChain(_ index: Int, inputs: ClosedRange<Int>) throws(NetworkError) {
    try requireInputs(index, inputs)
    guard case .chain = try operand(graph.node[index].input[0], of: index) else {
      throw NetworkError(
        .unsupported, "\(place(index)): the first input must be the value of the node before, not a constant")
    }
  }

  func requireInputs(_ index: Int, _ range: ClosedRange<Int>) throws(NetworkError) {
    let inputs = graph.node[index].input
    guard range.contains(inputs.count), !inputs[0].isEmpty else {
      throw NetworkError(.malformed, "\(place(index)) has \(inputs.count) inputs; it needs \(range.words)")
    }
  }

  /// The constant at input `position`, nil where it is left out.
  mutating func constant(_ index: Int, input position: Int) throws(NetworkError) -> ONNXConstant? {
    let inputs = graph.node[index].input
    guard position < inputs.count, !inputs[position].isEmpty else { return nil }
    guard case .constant(let constant) = try operand(inputs[position], of: index) else {
      throw NetworkError(
        .unsupported, "\(place(index)): input \(position) must be a constant, not a value that depends on the features")
    }
    return constant
  }

  /// The name of the node's one output.
  func output(_ index: Int) throws(NetworkError) -> String {
    let outputs = graph.node[index].output
    guard outputs.count == 1, !outputs[0].isEmpty else {
      throw NetworkError(.malformed, "\(place(index)) has \(outputs.count) outputs; it needs one with a name")
    }
    return outputs[0]
  }

  /// The output of a node without attributes becomes the chain's value.
  mutating func advance(_ index: Int) throws(NetworkError) {
    _ = try attributes(index, [:])
    current = try output(index)
  }

  /// The node's attributes by name, each known, once, and of its type.
  func attributes(
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
}

extension ClosedRange<Int> {
  fileprivate var words: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)" }
}
