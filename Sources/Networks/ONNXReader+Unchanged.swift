internal import SwiftProtobuf

/// The operators that change no number of the chain's value: its name, shape or type at most. And Constant.
extension ONNXReader {
  mutating func readIdentity(_ index: Int) throws(NetworkError) {
    try requireInputs(index, 1...1)
    if case .constant(let constant) = try operand(graph.node[index].input[0], of: index) {
      _ = try attributes(index, [:])
      computed[try output(index)] = constant
    } else {
      try advance(index)
    }
  }

  mutating func readDropout(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 1...3)
    // The ratio has no effect in inference.
    if operatorSet < 12 {
      _ = try attributes(index, ["ratio": .float])
    } else {
      _ = try attributes(index, ["seed": .int])
    }
    _ = try constant(index, input: 1)
    if let training = try constant(index, input: 2), training.element != .bool || training.count != 1 || training.isTrue
    {
      throw NetworkError(.unsupported, "\(place(index)) is in training mode; export the model for inference")
    }
    let outputs = graph.node[index].output
    guard (1...2).contains(outputs.count), !outputs[0].isEmpty else {
      throw NetworkError(.malformed, "\(place(index)) has \(outputs.count) outputs; it needs one with a name")
    }
    current = outputs[0]
  }

  /// Between FLOAT and DOUBLE. From DOUBLE to FLOAT the chain's value is rounded, which only the input and the output may
  /// be: the layers are a function of real numbers, at whose ends the caller's numbers are rounded. A constant must stay
  /// what it is.
  mutating func readCast(_ index: Int) throws(NetworkError) {
    try requireInputs(index, 1...1)
    // The last two are about other types.
    let known = try attributes(index, ["to": .int, "saturate": .int, "round_mode": .string])
    let number = known["to"]?.i ?? 0
    let type: ONNXConstant.Element
    switch Onnx_TensorProto.DataType(rawValue: Int(clamping: number)) {
    case .float: type = .float
    case .double: type = .double
    case .int64: type = .int64
    default:
      throw NetworkError(
        .unsupported,
        "\(place(index)) to \(ONNXReader.typeName(Int32(clamping: number))) is not supported; only FLOAT and DOUBLE are"
      )
    }
    switch try operand(graph.node[index].input[0], of: index) {
    case .constant(let constant):
      castCount += constant.count
      guard castCount <= Network.maximumWeights else {
        throw NetworkError(
          .tooLarge, "\(place(index)): more than \(Network.maximumWeights) numbers of constants change their type")
      }
      computed[try output(index)] = try constant.cast(to: type, node: place(index))
    case .chain:
      guard type != .int64 else {
        throw NetworkError(
          .unsupported, "\(place(index)) to INT64 rounds the value to integers, which is not linear; remove it")
      }
      if element == .double, type == .float, !isInput { narrowing = narrowing ?? index }
      element = type
      current = try output(index)
    }
  }

  // MARK: Shapes

  mutating func readFlatten(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 1...1)
    let axis = try attributes(index, ["axis": .int])["axis"]?.i ?? 1
    guard let flat = shape.flattened(axis: axis) else {
      throw NetworkError(
        .unsupported,
        "\(place(index)): axis \(axis) of the shape \(shape) is out of range or mixes the points of the batch; flatten "
          + "along axis 1")
    }
    shape = flat
    current = try output(index)
  }

  mutating func readReshape(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 2...2)
    let allowsZero = (try attributes(index, ["allowzero": .int])["allowzero"]?.i ?? 0) != 0
    guard let target = try constant(index, input: 1) else {
      throw NetworkError(.malformed, "\(place(index)) has no shape; input 1 must be a constant")
    }
    shape = try shape.reshaped(
      to: try target.integers(node: place(index)), allowsZero: allowsZero, node: place(index))
    current = try output(index)
  }

  /// Squeeze and Unsqueeze; before operator set 13 the axes were an attribute.
  mutating func readSqueeze(_ index: Int, _ operation: ONNXOperator) throws(NetworkError) {
    let isOld = operatorSet < 13
    try requireChain(index, inputs: isOld ? 1...1 : (operation == .squeeze ? 1...2 : 2...2))
    let known = try attributes(index, isOld ? ["axes": .ints] : [:])
    var axes = known["axes"]?.ints
    if !isOld, let constant = try constant(index, input: 1) { axes = try constant.integers(node: place(index)) }
    if operation == .squeeze {
      shape = try shape.squeezed(axes: axes, node: place(index))
    } else {
      guard let axes else { throw NetworkError(.malformed, "\(place(index)) has no axes; it needs them") }
      shape = try shape.unsqueezed(axes: axes, node: place(index))
    }
    current = try output(index)
  }

  // MARK: Constants

  mutating func readConstant(_ index: Int) throws(NetworkError) {
    let node = graph.node[index]
    let name = try output(index)
    let known = try attributes(
      index,
      ["value": .tensor, "value_float": .float, "value_floats": .floats, "value_int": .int, "value_ints": .ints])
    guard node.input.isEmpty, known.count == 1 else {
      throw NetworkError(.malformed, "\(place(index)) needs no input and one value, but has \(known.count) values")
    }
    let place = "the value of \(place(index))"
    if let value = known["value"] {
      computed[name] = try ONNXConstant(value.t, place: place, data: data)
    } else if let value = known["value_float"] {
      computed[name] = try ONNXConstant.floats([value.f], shape: [], place: place)
    } else if let value = known["value_floats"] {
      computed[name] = try ONNXConstant.floats(value.floats, shape: [Int64(value.floats.count)], place: place)
    } else if let value = known["value_int"] {
      computed[name] = try ONNXConstant.integers([value.i], shape: [], place: place)
    } else if let value = known["value_ints"] {
      computed[name] = try ONNXConstant.integers(value.ints, shape: [Int64(value.ints.count)], place: place)
    }
  }
}
