import Foundation
import SwiftProtobuf

@testable import Networks

/// Builds ONNX models field by field, valid or not.
struct ONNXBuilder {
  var model = Onnx_ModelProto()
  var type: Onnx_TensorProto.DataType

  /// A model with one input `x` [N, `inputs`] and one output `y` [N, `outputs`] and no node.
  init(inputs: [Int] = [2], outputs: [Int] = [1], type: Onnx_TensorProto.DataType = .double) {
    self.type = type
    model.irVersion = 8
    var operators = Onnx_OperatorSetIdProto()
    operators.version = 13
    model.opsetImport = [operators]
    model.graph.name = "test"
    model.graph.input = [Self.value("x", inputs, type)]
    model.graph.output = [Self.value("y", outputs, type)]
  }

  /// The smallest valid model: y = relu(x·[1, −2]ᵀ + 3)·4 + 5.
  static var small: ONNXBuilder {
    var builder = ONNXBuilder()
    builder.tensor("W0", [1, 2], [1, -2])
    builder.tensor("b0", [1], [3])
    builder.tensor("W1", [1, 1], [4])
    builder.tensor("b1", [1], [5])
    builder.node("Gemm", ["x", "W0", "b0"], "z", [attribute("transB", 1)], name: "first")
    builder.node("Relu", ["z"], "a", name: "act")
    builder.node("Gemm", ["a", "W1", "b1"], "y", [attribute("transB", 1)], name: "last")
    return builder
  }

  var bytes: [UInt8] {
    get throws { try model.serializedBytes() }
  }

  static func value(_ name: String, _ shape: [Int], _ type: Onnx_TensorProto.DataType) -> Onnx_ValueInfoProto {
    var info = Onnx_ValueInfoProto()
    info.name = name
    info.type.tensorType.elemType = Int32(type.rawValue)
    var batch = Onnx_TensorShapeProto.Dimension()
    batch.dimParam = "N"
    info.type.tensorType.shape.dim = [batch]
    for size in shape {
      var dimension = Onnx_TensorShapeProto.Dimension()
      dimension.dimValue = Int64(size)
      info.type.tensorType.shape.dim.append(dimension)
    }
    return info
  }

  /// A tensor in a typed field (float_data or double_data).
  func typed(_ name: String, _ shape: [Int64], _ values: [Double]) -> Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = shape
    tensor.dataType = Int32(type.rawValue)
    if type == .float { tensor.floatData = values.map(Float.init) } else { tensor.doubleData = values }
    return tensor
  }

  mutating func tensor(_ name: String, _ shape: [Int64], _ values: [Double]) {
    model.graph.initializer.append(typed(name, shape, values))
  }

  mutating func node(
    _ operation: String, _ inputs: [String], _ output: String, _ attributes: [Onnx_AttributeProto] = [],
    name: String = ""
  ) {
    var node = Onnx_NodeProto()
    node.opType = operation
    node.input = inputs
    node.output = [output]
    node.attribute = attributes
    node.name = name
    model.graph.node.append(node)
  }

  static func attribute(_ name: String, _ value: Int64) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .int
    attribute.i = value
    return attribute
  }

  static func scalar(_ name: String, _ value: Float) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .float
    attribute.f = value
    return attribute
  }

  static func attribute(_ name: String, _ value: Onnx_TensorProto) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .tensor
    attribute.t = value
    return attribute
  }
}

/// A small generator of reproducible numbers (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A network of the given widths with weights in (−1, 1); multiples of 2⁻²⁰, so exact in binary32, when `isShort`.
func randomNetwork(_ widths: [Int], seed: UInt64, isShort: Bool = false) throws -> Network {
  var generator = SplitMix64(seed: seed)
  func number() -> Double {
    isShort
      ? Double(Int.random(in: -(1 << 20)...(1 << 20), using: &generator)) * 0x1p-20
      : Double.random(in: -1...1, using: &generator)
  }
  var layers: [Layer] = []
  for index in 1..<widths.count {
    let (inputs, outputs) = (widths[index - 1], widths[index])
    layers.append(
      try Layer(
        inputCount: inputs, outputCount: outputs, weights: (0..<inputs * outputs).map { _ in number() },
        biases: (0..<outputs).map { _ in number() }, isRectified: index + 1 < widths.count))
  }
  return try Network(layers: layers)
}

/// The file of this name beside the tests.
func fixture(_ name: String, file: String = #filePath) -> String {
  URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
}
