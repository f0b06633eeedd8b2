internal import BigInt
internal import ExactArithmetic
internal import SwiftProtobuf

/// The operators that combine each feature with numbers of its own.
extension ONNXReader {
  mutating func readElementwise(_ index: Int, _ operation: ONNXOperator) throws(NetworkError) {
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
    try compute(index)
    let values: [Double]
    (values, shape) = try requireNumbers(constant, index).values(over: shape, node: place(index))
    let zeros = [Double](repeating: 0, count: values.count)
    let place = place(index)
    switch (operation, isChainFirst) {
    case (.add, _): try chain.shift(by: values, node: place)
    case (.subtract, true): try chain.shift(by: values.map { -$0 }, node: place)
    case (.subtract, false): try chain.append(factors: values.map { _ in -1 }, shifts: values, node: place)
    case (.multiply, _): try chain.append(factors: values, shifts: zeros, node: place)
    case (_, true):
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

  /// y = (x − mean) / √(var + epsilon) · scale + B, for each channel, where the root and the quotient are exact.
  mutating func readBatchNormalization(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 5...5)
    let known = try attributes(
      index, ["epsilon": .float, "momentum": .float, "training_mode": .int, "spatial": .int])
    let place = place(index)
    guard (known["training_mode"]?.i ?? 0) == 0, (known["spatial"]?.i ?? 1) == 1 else {
      throw NetworkError(
        .unsupported, "\(place) is in training mode or not spatial; export the model for inference")
    }
    guard shape.dimensions.count >= 2, case .size(let channels) = shape.dimensions[1] else {
      throw NetworkError(.shape, "\(place) needs the shape [N, channels], but the value has the shape \(shape)")
    }
    try compute(index)
    // One number for each channel, the second dimension.
    let spread = [channels] + Array(repeating: 1, count: shape.dimensions.count - 2)
    var numbers: [[Double]] = []
    for (position, name) in ["scale", "B", "mean", "var"].enumerated() {
      guard let constant = try constant(index, input: position + 1), constant.shape == [channels] else {
        throw NetworkError(.shape, "\(place): \(name) must be a constant of shape [\(channels)], one for each channel")
      }
      numbers.append(try requireNumbers(constant, index).values(over: shape, as: spread, node: place).numbers)
    }
    let epsilon = known["epsilon"]?.f ?? 1e-5
    guard epsilon.isFinite else { throw NetworkError(.notFinite, "\(place): epsilon is \(epsilon); it must be finite") }
    var factors: [Double] = []
    for (feature, (scale, variance)) in zip(numbers[0], numbers[3]).enumerated() {
      factors.append(try factor(scale: scale, variance: variance, epsilon: Double(epsilon), feature, place))
    }
    try chain.shift(by: numbers[2].map { -$0 }, node: place)
    try chain.append(factors: factors, shifts: numbers[1], node: place)
    current = try output(index)
  }

  private func factor(
    scale: Double, variance: Double, epsilon: Double, _ feature: Int, _ place: String
  ) throws(NetworkError) -> Double {
    // Both were found to be finite.
    let sum = (Dyadic(exactly: variance) ?? .zero) + (Dyadic(exactly: epsilon) ?? .zero)
    let fix = "fold the normalisation into the layer before when exporting"
    guard !sum.isNegative, !sum.isZero else {
      throw NetworkError(.notFinite, "\(place): var + epsilon of feature \(feature) is not positive; \(fix)")
    }
    guard let deviation = sum.squareRoot?.double else {
      throw NetworkError(
        .unsupported,
        "\(place): the square root of var + epsilon = \(variance) + \(epsilon) of feature \(feature) is no binary64 "
          + "number; \(fix)")
    }
    guard let factor = exactQuotient(scale, deviation) else {
      throw NetworkError(
        .unsupported,
        "\(place): scale / √(var + epsilon) = \(scale) / \(deviation) of feature \(feature) cannot be written in binary64 "
          + "without rounding; \(fix)")
    }
    return factor
  }

  /// y = (x − offset) · scale (ONNX, ai.onnx.ml.Scaler); the result is FLOAT whatever the value was.
  mutating func readScaler(_ index: Int) throws(NetworkError) {
    try requireChain(index, inputs: 1...1)
    let known = try attributes(index, ["offset": .floats, "scale": .floats])
    let place = place(index)
    guard (1...2).contains(shape.dimensions.count), let width = shape.columns else {
      throw NetworkError(.shape, "\(place) needs the shape [N, n] or [n], but the value has the shape \(shape)")
    }
    try compute(index)
    var numbers: [[Double]] = []
    for name in ["offset", "scale"] {
      let values = known[name]?.floats ?? []
      guard values.count == 1 || values.count == width else {
        throw NetworkError(
          .shape, "\(place): \(name) has \(values.count) values; it needs one, or one for each of \(width) features")
      }
      let constant = try ONNXConstant.floats(values, shape: [Int64(values.count)], place: "\(name) of \(place)")
      numbers.append(try constant.values(over: shape, node: place).numbers)
    }
    try chain.shift(by: numbers[0].map { -$0 }, node: place)
    try chain.append(factors: numbers[1], shifts: Array(repeating: 0, count: numbers[1].count), node: place)
    current = try output(index)
    if element == .double { narrowing = index }
    element = .float
  }
}

extension Dyadic {
  /// The square root if it is a dyadic number, nil otherwise.
  /// - Precondition: the number is positive.
  var squareRoot: Dyadic? {
    // The mantissa is odd, so a square has an even exponent.
    guard exponent.isMultiple(of: 2) else { return nil }
    let root = mantissa.squareRoot()
    return root * root == mantissa ? Dyadic(mantissa: root, exponent: exponent / 2) : nil
  }
}
