import ExactArithmetic
import SwiftProtobuf
import Testing

@testable import Networks

/// Well-formed files with graphs that no exporter writes: any operator on any value, numbers at the ends of their range.
@Suite struct ONNXHostileGraphTests {
  private struct Dice {
    var generator: SplitMix64

    mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &generator)] }

    mutating func integer() -> Int64 {
      pick([0, 0, 1, 1, -1, -1, 2, 2, -2, 3, 4, 6, 7, 11, 12, 1 << 22, 1 << 31, 1 << 62, .max, .min, .min + 1])
    }

    mutating func integers() -> [Int64] {
      let count = pick([1, 1, 2, 2, 2, 3, 4, 17])
      return (0..<count).map { _ in pick([0, 1, -1, 2, 6, 3, integer()]) }
    }

    mutating func float() -> Float {
      pick([0, 1, -1, 0.5, 0.1, 2, .nan, .infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -.infinity])
    }

    mutating func double() -> Double {
      pick([0, 1, -1, 0.5, 0.1, 2, .nan, 1e300, -1e-300, .greatestFiniteMagnitude, .leastNonzeroMagnitude])
    }
  }

  private static let attributes = [
    "alpha", "beta", "transA", "transB", "axis", "axes", "to", "allowzero", "epsilon", "offset", "scale", "value",
    "value_int", "value_ints", "value_floats", "training_mode",
  ]

  private func attribute(_ type: Onnx_TensorProto.DataType, _ dice: inout Dice) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    attribute.name = dice.pick(Self.attributes)
    switch attribute.name {
    case "alpha", "beta", "epsilon": (attribute.type, attribute.f) = (.float, dice.float())
    case "axes", "value_ints": (attribute.type, attribute.ints) = (.ints, dice.integers())
    case "offset", "scale", "value_floats":
      (attribute.type, attribute.floats) = (.floats, (0..<dice.pick([1, 2, 6])).map { _ in dice.float() })
    case "value": (attribute.type, attribute.t) = (.tensor, tensor("", type, &dice))
    default: (attribute.type, attribute.i) = (.int, dice.integer())
    }
    return attribute
  }

  /// Mostly of the type of the model and with harmless numbers, so that some graphs are read.
  private func tensor(_ name: String, _ type: Onnx_TensorProto.DataType, _ dice: inout Dice) -> Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    if dice.pick([true, false, false]) {
      tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
      tensor.int64Data = dice.integers()
      tensor.dims = [Int64(tensor.int64Data.count)]
    } else {
      let shape: [Int64] = dice.pick([
        [], [1], [2], [6], [1, 6], [6, 2], [2, 6], [6, 6], [2, 2], [2, 3], [1, 1, 2],
      ])
      tensor.dims = shape
      let count = Int(shape.reduce(1, *))
      let isHostile = dice.pick([true, false, false, false])
      if dice.pick([type, type, type, .double, .float]) == .double {
        tensor.dataType = Int32(Onnx_TensorProto.DataType.double.rawValue)
        tensor.doubleData = (0..<count).map { _ in isHostile ? dice.double() : dice.pick([1, -0.25, 4]) }
      } else {
        tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
        tensor.floatData = (0..<count).map { _ in isHostile ? dice.float() : dice.pick([1, -0.25, 4]) }
      }
    }
    return tensor
  }

  @Test(arguments: [UInt64(11), 12, 13])
  func anyGraphIsReadOrRefused(seed: UInt64) throws {
    print("seed \(seed)")
    var dice = Dice(generator: SplitMix64(seed: seed))
    var read = 0
    let count = 4000
    for _ in 0..<count {
      let type: Onnx_TensorProto.DataType = dice.pick([.float, .double])
      let shape = dice.pick([[6], [2, 3], [1, 2], [2], [1, 1, 6], []])
      var builder = ONNXBuilder(inputs: shape, outputs: [], type: type)
      builder.model.opsetImport[0].version = dice.pick([7, 12, 13, 21])
      var machineLearning = Onnx_OperatorSetIdProto()
      (machineLearning.domain, machineLearning.version) = ("ai.onnx.ml", 1)
      builder.model.opsetImport.append(machineLearning)
      let batch: Int64 = dice.pick([0, 1, 2, 6])
      if batch > 0 { builder.model.graph.input[0].type.tensorType.shape.dim[0].dimValue = batch }
      builder.model.graph.output[0].clearType()
      let tensors = (0..<6).map { "t\($0)" }
      for name in tensors { builder.model.graph.initializer.append(tensor(name, type, &dice)) }
      var value = "x"
      for index in 0..<dice.pick([1, 1, 2, 3, 5]) {
        let known = dice.pick(ONNXOperator.allCases)
        var node = Onnx_NodeProto()
        node.opType = known.rawValue
        if known == .scaler { node.domain = "ai.onnx.ml" }
        let inputs =
          switch known {
          case .constant: 0
          case .relu, .identity, .flatten, .cast, .scaler, .dropout: 1
          case .batchNormalization: 5
          case .gemm: dice.pick([2, 3])
          default: dice.pick([1, 2, 2, 2])
          }
        node.input = (0..<inputs).map { $0 == 0 ? value : dice.pick(tensors) }
        if inputs == 2, dice.pick([true, false, false]) { node.input.reverse() }
        node.output = ["v\(index)"]
        node.attribute = (0..<dice.pick([0, 0, 0, 1, 2])).map { _ in attribute(type, &dice) }
        if known == .cast { node.attribute = [ONNXBuilder.attribute("to", dice.pick([1, 11, 7, dice.integer()]))] }
        if known != .constant { value = "v\(index)" }
        builder.model.graph.node.append(node)
      }
      builder.model.graph.output[0].name = value
      guard let network = try? Network(onnx: try builder.bytes) else { continue }
      read += 1
      let exact = ExactNetwork(network)
      #expect(exact.inputCount == (batch > 0 && shape.isEmpty ? Int(batch) : shape.reduce(1, *)), "seed \(seed)")
      #expect(exact.output(at: Array(repeating: 1, count: exact.inputCount)).count == exact.outputCount)
    }
    // Neither all nor none: the test sees both sides.
    print("\(read) of \(count) read")
    #expect((count / 100..<count / 2).contains(read), "\(read) of \(count)")
  }
}
