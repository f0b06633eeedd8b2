import ExactArithmetic
import SwiftProtobuf
import Testing

@testable import Networks

@Suite struct ONNXReaderTests {
  func output(_ builder: ONNXBuilder, at point: [Rational]) throws -> [Rational] {
    ExactNetwork(try Network(onnx: try builder.bytes)).output(at: point)
  }

  @Test func smallModelComputesWhatItSays() throws {
    #expect(try output(.small, at: [Rational(1, 3), 1]) == [4 * Rational(4, 3) + 5])
    #expect(try output(.small, at: [0, 2]) == [5])
  }

  @Test(arguments: [Onnx_TensorProto.DataType.float, .double])
  func everyFormOfAnAffineLayerIsTheSameNetwork(type: Onnx_TensorProto.DataType) throws {
    // y = (2·x₀ + 4·x₁ + 1, −x₀ + 3)
    let expected = try Network(layers: [
      Layer(inputCount: 2, outputCount: 2, weights: [2, 4, -1, 0], biases: [1, 3], isRectified: false)
    ])
    func model(_ build: (inout ONNXBuilder) -> Void) throws -> Network {
      var builder = ONNXBuilder(outputs: [2], type: type)
      builder.tensor("rows", [2, 2], [2, 4, -1, 0])
      builder.tensor("columns", [2, 2], [2, -1, 4, 0])
      builder.tensor("half", [2, 2], [1, -0.5, 2, 0])
      builder.tensor("b", [2], [1, 3])
      builder.tensor("b1", [1, 2], [1, 3])
      build(&builder)
      return try Network(onnx: try builder.bytes)
    }
    #expect(
      try model { $0.node("Gemm", ["x", "rows", "b"], "y", [ONNXBuilder.attribute("transB", 1)]) } == expected)
    #expect(try model { $0.node("Gemm", ["x", "columns", "b1"], "y") } == expected)
    #expect(
      try model {
        $0.tensor("b2", [2], [-4, -12])
        $0.node(
          "Gemm", ["x", "half", "b2"], "y",
          [ONNXBuilder.scalar("alpha", 2), ONNXBuilder.scalar("beta", -0.25)])
      } == expected)
    #expect(
      try model {
        $0.node("MatMul", ["x", "columns"], "m")
        $0.node("Add", ["m", "b"], "y")
      } == expected)
    #expect(
      try model {
        $0.node("Flatten", ["x"], "f")
        $0.node("Identity", ["columns"], "same")
        $0.node("MatMul", ["f", "same"], "m")
        $0.node("Dropout", ["m"], "d")
        $0.node("Identity", ["d"], "i")
        let value = $0.typed("", [2], [1, 3])
        $0.node("Constant", [], "c", [ONNXBuilder.attribute("value", value)])
        $0.node("Add", ["c", "i"], "y")
      } == expected)
    #expect(
      try model {
        $0.tensor("minus", [2], [-1, -3])
        $0.node("MatMul", ["x", "columns"], "m")
        $0.node("Sub", ["m", "minus"], "y")
      } == expected)
  }

  @Test func elementwiseOperatorsComputeWhatTheySay() throws {
    let point = [Rational(5, 3), Rational(-1, 3)]
    func value(_ operation: String, _ inputs: [String]) throws -> [Rational] {
      var builder = ONNXBuilder(outputs: [2])
      builder.tensor("c", [1, 2], [4, -0.5])
      builder.tensor("s", [], [8])
      builder.node(operation, inputs, "y")
      return try output(builder, at: point)
    }
    #expect(try value("Add", ["x", "c"]) == [point[0] + 4, point[1] - Rational(1, 2)])
    #expect(try value("Add", ["c", "x"]) == [point[0] + 4, point[1] - Rational(1, 2)])
    #expect(try value("Sub", ["x", "c"]) == [point[0] - 4, point[1] + Rational(1, 2)])
    #expect(try value("Sub", ["c", "x"]) == [4 - point[0], Rational(-1, 2) - point[1]])
    #expect(try value("Mul", ["x", "c"]) == [point[0] * 4, point[1] * Rational(-1, 2)])
    #expect(try value("Mul", ["s", "x"]) == [point[0] * 8, point[1] * 8])
    #expect(try value("Div", ["x", "c"]) == [point[0] / 4, point[1] * -2])
  }

  @Test func constantsBroadcastOverFeaturesInSeveralDimensions() throws {
    // x [N, 2, 3] plus a row, times a column; flattened row by row.
    var builder = ONNXBuilder(inputs: [2, 3], outputs: [6])
    builder.tensor("row", [3], [1, 2, 3])
    builder.tensor("column", [1, 2, 1], [10, 100])
    builder.node("Add", ["x", "row"], "a")
    builder.node("Mul", ["a", "column"], "m")
    builder.node("Flatten", ["m"], "y", [ONNXBuilder.attribute("axis", -2)])
    #expect(try output(builder, at: [0, 0, 0, 1, 1, 1]) == [10, 20, 30, 200, 300, 400])
  }

  @Test func exactQuotientsAreTakenFromTheLayerBefore() throws {
    // 1/3 is no binary64 number, but 6/3 and −9/3 are.
    var builder = ONNXBuilder()
    builder.tensor("W", [2, 1], [6, -9])
    builder.tensor("three", [], [3])
    builder.node("MatMul", ["x", "W"], "m")
    builder.node("Div", ["m", "three"], "y")
    #expect(try Network(onnx: try builder.bytes).layers[0].weights == [2, -3])
  }

  @Test func scalingThatWouldRoundBecomesALayerOfItsOwn() throws {
    let alpha: Float = 0.1
    var builder = ONNXBuilder()
    builder.tensor("W", [2, 1], [0.1, 0.7])
    builder.tensor("b", [1], [1])
    builder.node("Gemm", ["x", "W", "b"], "y", [ONNXBuilder.scalar("alpha", alpha)])
    let network = try Network(onnx: try builder.bytes)
    #expect(network.layers.count == 2)
    let factor = try #require(Rational(exactly: Double(alpha)))
    let weight = try #require(Rational(exactly: 0.1))
    #expect(try output(builder, at: [1, 0]) == [factor * weight + 1])
  }

  @Test func normalisationByMulAndAddHasTheDigestOfTheFoldedNetwork() throws {
    var layered = ONNXBuilder()
    layered.tensor("mean", [2], [-10, -2])
    layered.tensor("scale", [1, 2], [0.25, 8])
    layered.tensor("W", [2, 1], [2, 3])
    layered.tensor("one", [1], [1])
    layered.tensor("V", [1, 1], [5])
    layered.tensor("half", [], [0.5])
    layered.tensor("seven", [1], [7])
    layered.node("Add", ["x", "mean"], "n0")
    layered.node("Mul", ["n0", "scale"], "n1")
    layered.node("Gemm", ["n1", "W", "one"], "z")
    layered.node("Relu", ["z"], "a")
    layered.node("MatMul", ["a", "V"], "v")
    layered.node("Mul", ["v", "half"], "u")
    layered.node("Add", ["u", "seven"], "y")
    let folded = try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [0.5, 24], biases: [-52], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [2.5], biases: [7], isRectified: false),
    ])
    let read = try Network(onnx: try layered.bytes)
    #expect(ExactNetwork(read).digest == ExactNetwork(folded).digest)
  }

  @Test func reLUAtTheEndOrTwiceIsExact() throws {
    var builder = ONNXBuilder()
    builder.tensor("W", [2, 1], [1, -1])
    builder.node("Gemm", ["x", "W"], "z")
    builder.node("Relu", ["z"], "a")
    builder.node("Relu", ["a"], "y")
    #expect(try output(builder, at: [1, 3]) == [0])
    #expect(try output(builder, at: [3, 1]) == [2])
    var first = ONNXBuilder(outputs: [2])
    first.node("Relu", ["x"], "y")
    #expect(try output(first, at: [-1, 3]) == [0, 3])
  }

  @Test func rawDataAndTypedFieldsAreTheSame() throws {
    let network = try Network(onnx: try ONNXBuilder.small.bytes)
    #expect(network == (try Network(onnx: try network.onnx(name: "n", producerVersion: "1"))))
  }

  @Test func initialisersThatAreInputsAreReadBeforeVersion4Only() throws {
    var builder = ONNXBuilder.small
    builder.model.irVersion = 3
    builder.model.graph.input.append(ONNXBuilder.value("W0", [2], .double))
    #expect(try Network(onnx: try builder.bytes) == Network(onnx: try ONNXBuilder.small.bytes))
    builder.model.irVersion = 4
    let bytes = try builder.bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(
      error?.message
        == "tensor \"W0\" is also an input, so that a caller may override it; remove it from the inputs")
  }

  @Test func dropoutInInferenceHasNoEffect() throws {
    var builder = ONNXBuilder()
    var ratio = Onnx_TensorProto()
    ratio.name = "ratio"
    ratio.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    ratio.floatData = [0.5]
    var training = Onnx_TensorProto()
    training.name = "training"
    training.dataType = Int32(Onnx_TensorProto.DataType.bool.rawValue)
    training.int32Data = [0]
    builder.tensor("W", [2, 1], [1, -1])
    builder.node("Dropout", ["x", "ratio", "training"], "d")
    builder.node("Gemm", ["d", "W"], "y")
    builder.model.graph.initializer += [ratio, training]
    #expect(try output(builder, at: [3, 1]) == [2])
    builder.model.graph.initializer[2].int32Data = [1]
    let bytes = try builder.bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(error?.message == "node 0 (Dropout) is in training mode; export the model for inference")
  }

  // MARK: Shapes and types

  @Test func onePointHasNoBatch() throws {
    // y = W·x + b with the point in the only dimension: the constant matrix stands on the left.
    var builder = ONNXBuilder(inputs: [2], outputs: [3])
    builder.model.graph.input[0].type.tensorType.shape.dim.removeFirst()
    builder.model.graph.output[0].type.tensorType.shape.dim.removeFirst()
    builder.tensor("W", [3, 2], [1, 2, 3, 4, 5, 6])
    builder.tensor("b", [3], [10, 20, 30])
    builder.node("MatMul", ["W", "x"], "m")
    builder.node("Add", ["b", "m"], "y")
    #expect(try output(builder, at: [1, Rational(1, 2)]) == [12, 25, 38])
    // In a column, and turned by Gemm.
    var column = ONNXBuilder(inputs: [2], outputs: [1])
    column.model.graph.input = builder.model.graph.input
    column.integers("one", [1])
    column.tensor("V", [2, 1], [7, -4])
    column.node("Unsqueeze", ["x", "one"], "c")
    column.node("Gemm", ["c", "V"], "y", [ONNXBuilder.attribute("transA", 1)])
    #expect(try output(column, at: [1, Rational(1, 2)]) == [5])
  }

  @Test func aProductWithAVectorSumsTheFeaturesUp() throws {
    var builder = ONNXBuilder(inputs: [2], outputs: [])
    builder.tensor("v", [2], [3, -1])
    builder.node("MatMul", ["x", "v"], "y")
    #expect(try output(builder, at: [2, 1]) == [5])
  }

  @Test(arguments: [12, 13])
  func shapesThatComeAndGoChangeNothing(operatorSet: Int64) throws {
    var builder = ONNXBuilder(inputs: [1, 1, 2], outputs: [1])
    builder.model.opsetImport[0].version = operatorSet
    builder.integers("shape", [0, -1])
    builder.tensor("W", [2, 1], [1, -2])
    if operatorSet >= 13 {
      builder.integers("axes", [1, -2])
      builder.integers("last", [2])
      builder.node("Squeeze", ["x", "axes"], "s")
      builder.node("Unsqueeze", ["s", "last"], "u")
    } else {
      func axes(_ values: [Int64]) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = "axes"
        attribute.type = .ints
        attribute.ints = values
        return attribute
      }
      builder.node("Squeeze", ["x"], "s", [axes([1, -2])])
      builder.node("Unsqueeze", ["s"], "u", [axes([2])])
    }
    builder.node("Reshape", ["u", "shape"], "r")
    builder.node("MatMul", ["r", "W"], "y")
    #expect(try output(builder, at: [7, 2]) == [3])
  }

  /// Rounding at the input and the output is the caller's; widening rounds nothing.
  @Test func castsAtTheEndsAndToAWiderTypeAreTheIdentity() throws {
    func cast(_ input: String, _ output: String, _ to: Onnx_TensorProto.DataType, _ builder: inout ONNXBuilder) {
      builder.node("Cast", [input], output, [ONNXBuilder.attribute("to", Int64(to.rawValue))])
    }
    // DOUBLE outside, FLOAT inside.
    var narrow = ONNXBuilder(type: .double)
    narrow.type = .float
    narrow.tensor("W", [2, 1], [1, -2])
    cast("x", "f", .float, &narrow)
    narrow.node("MatMul", ["f", "W"], "m")
    cast("m", "y", .double, &narrow)
    #expect(try output(narrow, at: [Rational(1, 3), 0]) == [Rational(1, 3)])
    // FLOAT outside, DOUBLE inside, and a constant of another type.
    var wide = ONNXBuilder(type: .float)
    wide.tensor("half", [1], [0.5])
    wide.integers("three", [3])
    wide.type = .double
    wide.tensor("W", [2, 1], [1, -2])
    cast("x", "d", .double, &wide)
    cast("half", "h", .double, &wide)
    cast("three", "t", .double, &wide)
    wide.node("MatMul", ["d", "W"], "m")
    wide.node("Add", ["m", "h"], "a")
    wide.node("Mul", ["a", "t"], "p")
    cast("p", "y", .float, &wide)
    #expect(try output(wide, at: [Rational(1, 3), 0]) == [Rational(5, 2)])
    #expect(try ONNXModel(bytes: try wide.bytes).precision == .binary32)
  }

  @Test func batchNormalizationIsFoldedWhereItsRootIsExact() throws {
    var builder = ONNXBuilder(outputs: [2])
    builder.tensor("scale", [2], [3, -5])
    builder.tensor("B", [2], [1, 0.5])
    builder.tensor("mean", [2], [0.25, -4])
    // √(2 + 1/4) = 3/2, √(6 + 1/4) = 5/2.
    builder.tensor("var", [2], [2, 6])
    builder.node(
      "BatchNormalization", ["x", "scale", "B", "mean", "var"], "y", [ONNXBuilder.scalar("epsilon", 0.25)])
    #expect(
      try output(builder, at: [Rational(1, 3), 1])
        == [(Rational(1, 3) - Rational(1, 4)) * 2 + 1, Rational(5) * -2 + Rational(1, 2)])
  }

  @Test func scalerSubtractsAndMultiplies() throws {
    var builder = ONNXBuilder(outputs: [2], type: .float)
    var machineLearning = Onnx_OperatorSetIdProto()
    machineLearning.domain = "ai.onnx.ml"
    machineLearning.version = 1
    builder.model.opsetImport.append(machineLearning)
    var offset = Onnx_AttributeProto()
    (offset.name, offset.type, offset.floats) = ("offset", .floats, [1, -2])
    var scale = Onnx_AttributeProto()
    (scale.name, scale.type, scale.floats) = ("scale", .floats, [0.5])
    builder.node("Scaler", ["x"], "y", [offset, scale])
    builder.model.graph.node[0].domain = "ai.onnx.ml"
    #expect(try output(builder, at: [Rational(1, 3), 1]) == [Rational(-1, 3), Rational(3, 2)])
  }

  @Test func operatorsHaveTheNamesOfTheStandard() {
    #expect(ONNXOperator.allCases.count == 17)
    #expect(ONNXOperator.allCases.filter { $0.domain != "ai.onnx" }.map(\.name) == ["ai.onnx.ml.Scaler"])
    for known in ONNXOperator.allCases {
      #expect(ONNXOperator(domain: known.domain, type: known.rawValue) == known)
      #expect(ONNXOperator(domain: "com.example", type: known.rawValue) == nil)
    }
    #expect(ONNXOperator(domain: "", type: "Gemm") == .gemm)
    #expect(ONNXOperator(domain: "", type: "Scaler") == nil)
    #expect(ONNXOperator(domain: "", type: "Conv") == nil)
  }
}
