import Foundation
import SwiftProtobuf
import Testing

@testable import Networks

/// Field 100 with the value 1, which no version of the standard has.
private let unknownField =
  (try? Onnx_NodeProto(serializedBytes: [0xa0, 0x06, 0x01]))?.unknownFields ?? UnknownStorage()

/// A change to ``ONNXBuilder/small`` that makes it a model we refuse, and what the refusal says.
struct Refusal: Sendable, CustomTestStringConvertible {
  let code: NetworkError.Code
  let message: String
  let change: @Sendable (inout ONNXBuilder) -> Void

  var testDescription: String { message }

  init(_ code: NetworkError.Code, _ message: String, _ change: @escaping @Sendable (inout ONNXBuilder) -> Void) {
    self.code = code
    self.message = message
    self.change = change
  }

  static let model: [Refusal] = [
    Refusal(.unsupported, "IR version 2 is not supported; export the model with a version of 3...14") {
      $0.model.irVersion = 2
    },
    Refusal(.unsupported, "operator set 6 is not supported; export the model with one of 7...28") {
      $0.model.opsetImport[0].version = 6
    },
    Refusal(.malformed, "the model imports 0 ONNX operator sets; it must import one") { $0.model.opsetImport = [] },
    Refusal(.malformed, "the model has no graph") { $0.model.clearGraph() },
    Refusal(.unsupported, "the model has functions of its own (functions); export it with them inlined") {
      $0.model.functions = [Data()]
    },
    Refusal(.unsupported, "the model has training information (training_info); export it for inference") {
      $0.model.trainingInfo = [Data([1])]
    },
    Refusal(
      .unsupported, "the model has a field that this version does not know; save the model with an older ONNX version"
    ) { $0.model.unknownFields = unknownField },
    Refusal(.malformed, "the metadata key \"a\" appears twice") {
      var entry = Onnx_StringStringEntryProto()
      entry.key = "a"
      $0.model.metadataProps = [entry, entry]
    },
  ]

  static let graph: [Refusal] = [
    Refusal(.unsupported, "the graph has sparse tensors (sparse_initializer); save the model with dense ones") {
      $0.model.graph.sparseInitializer = [Data()]
    },
    Refusal(.unsupported, "the graph is quantised (quantization_annotation); save the model with plain weights") {
      $0.model.graph.quantizationAnnotation = [Data()]
    },
    Refusal(.unsupported, "the graph has 2 inputs; exactly one is supported") {
      $0.model.graph.input.append(ONNXBuilder.value("x2", [2], .double))
    },
    Refusal(.unsupported, "the graph has 0 outputs; exactly one is supported") { $0.model.graph.output = [] },
    Refusal(.tooLarge, "the graph has 4097 nodes; at most 4096 are supported") {
      $0.model.graph.node = Array(repeating: Onnx_NodeProto(), count: 4097)
    },
    Refusal(.malformed, "two tensors are named \"W0\", or it has no name") {
      $0.model.graph.initializer.append($0.model.graph.initializer[0])
    },
    Refusal(.unsupported, "input \"x\" is of type FLOAT16; only FLOAT and DOUBLE are supported") {
      $0.model.graph.input[0] = ONNXBuilder.value("x", [2], .float16)
    },
    Refusal(.unsupported, "input \"x\" is no tensor; only tensors are supported") {
      $0.model.graph.input[0].type.sequenceType = Data()
    },
    Refusal(
      .shape,
      "input \"x\" has a dimension other than the batch without a positive size; export it with a fixed size"
    ) { $0.model.graph.input[0] = ONNXBuilder.value("x", [], .double) },
    Refusal(
      .shape,
      "input \"x\" has 0 dimensions; it needs a batch dimension and the features, [N, n], or [n] for one point, and at "
        + "most 16 dimensions"
    ) { $0.model.graph.input[0].type.tensorType.shape.dim = [] },
    Refusal(
      .shape,
      "input \"x\" has 17 dimensions; it needs a batch dimension and the features, [N, n], or [n] for one point, and at "
        + "most 16 dimensions"
    ) { $0.model.graph.input[0] = ONNXBuilder.value("x", Array(repeating: 1, count: 16), .double) },
    Refusal(.tooLarge, "input \"x\" has a batch of 4000001; use a named dimension") {
      $0.model.graph.input[0].type.tensorType.shape.dim[0].dimValue = 4_000_001
    },
    Refusal(
      .shape,
      "input \"x\" has a dimension other than the batch without a positive size; export it with a fixed size"
    ) { $0.model.graph.input[0] = ONNXBuilder.value("x", [0], .double) },
    Refusal(.shape, "input \"x\" has a batch of 0; use a positive or a named dimension") {
      $0.model.graph.input[0].type.tensorType.shape.dim[0].dimValue = 0
    },
    Refusal(.tooLarge, "input \"x\" has more than 4096 features, the most that are supported") {
      $0.model.graph.input[0] = ONNXBuilder.value("x", [1 << 40, 1 << 40], .double)
    },
    Refusal(.tooLarge, "input \"x\" has more than 4096 features, the most that are supported") {
      $0.model.graph.input[0] = ONNXBuilder.value("x", [4096, 2], .double)
    },
    Refusal(.malformed, "output \"y\" is declared as FLOAT, but it is DOUBLE") {
      $0.model.graph.output[0] = ONNXBuilder.value("y", [1], .float)
    },
    Refusal(.shape, "output \"y\" is declared with another shape than [N, 1], which it has") {
      $0.model.graph.output[0] = ONNXBuilder.value("y", [2], .double)
    },
    Refusal(.malformed, "no node makes the output \"q\"") { $0.model.graph.output[0].name = "q" },
    Refusal(
      .unsupported, "node 2 \"last\" (Gemm) makes \"y\", which the output \"a\" does not use; remove it"
    ) { $0.model.graph.output[0].name = "a" },
    Refusal(.unsupported, "the graph has no layer: its output is its input") {
      $0.model.graph.node = []
      $0.node("Identity", ["x"], "y")
      $0.model.graph.output[0] = ONNXBuilder.value("y", [2], .double)
    },
  ]

  static let topology: [Refusal] = [
    Refusal(
      .unsupported,
      "node 3 (Relu) and node 1 \"act\" (Relu) both use \"z\": the graph branches, and only one chain of layers is "
        + "supported"
    ) { $0.node("Relu", ["z"], "b") },
    Refusal(.unsupported, "node 1 \"act\" (Add) uses \"z\" twice; the graph must be one chain of layers") {
      $0.model.graph.node[1].opType = "Add"
      $0.model.graph.node[1].input = ["z", "z"]
    },
    Refusal(
      .malformed,
      "node 0 \"first\" (Gemm) uses \"a\" before node 1 \"act\" (Relu) makes it: the graph has a cycle or is not sorted"
    ) { $0.model.graph.node[0].input[0] = "a" },
    Refusal(
      .malformed,
      "node 1 \"act\" (Relu) uses \"a\" before node 1 \"act\" (Relu) makes it: the graph has a cycle or is not sorted"
    ) {
      $0.model.graph.node[1].input[0] = "a"
    },
    Refusal(.malformed, "node 1 \"act\" (Relu) uses \"q\", which nothing makes; the file is damaged") {
      $0.model.graph.node[1].input[0] = "q"
    },
    Refusal(.malformed, "node 1 \"act\" (Relu) makes \"z\", but another value has that name; rename one") {
      $0.model.graph.node[1].output = ["z"]
    },
    Refusal(.malformed, "node 1 \"act\" (Relu) makes \"x\", but another value has that name; rename one") {
      $0.model.graph.node[1].output = ["x"]
    },
    Refusal(.malformed, "node 1 \"act\" (Relu) makes \"W1\", but another value has that name; rename one") {
      $0.model.graph.node[1].output = ["W1"]
    },
    Refusal(.unsupported, "node 3 (Constant) makes \"c\", which nothing uses; remove the node") {
      let value = $0.typed("", [1], [1])
      $0.node("Constant", [], "c", [ONNXBuilder.attribute("value", value)])
    },
    Refusal(
      .unsupported, "node 3 (Add) needs the value of the node before and a constant, but has two constants"
    ) { $0.node("Add", ["W0", "b0"], "s") },
    Refusal(
      .unsupported, "node 2 \"last\" (Gemm) uses \"mask\", an output of node 1 \"act\" (Dropout) that is not supported"
    ) {
      $0.model.graph.node[1].opType = "Dropout"
      $0.model.graph.node[1].output = ["a", "mask"]
      $0.model.graph.node[2].input[0] = "mask"
    },
  ]

  static let operators: [Refusal] = [
    Refusal(
      .unsupported,
      "node 1 \"act\" (Sigmoid): this operator is not supported; Add, BatchNormalization, Cast, Constant, Div, Dropout, "
        + "Flatten, Gemm, Identity, MatMul, Mul, Relu, Reshape, Squeeze, Sub, Unsqueeze and ai.onnx.ml.Scaler are"
    ) { $0.model.graph.node[1].opType = "Sigmoid" },
    Refusal(
      .unsupported,
      "node 1 \"act\" (\"\\u{1B}[2J\"): this operator is not supported; \(ONNXOperator.list) are"
    ) { $0.model.graph.node[1].opType = "\u{1b}[2J" },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Relu) is from the domain \"com.example\"; only operators of ONNX's own domain and "
        + "ai.onnx.ml.Scaler are supported"
    ) { $0.model.graph.node[1].domain = "com.example" },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Relu) has a field that this version does not know; save the model with an older ONNX version"
    ) { $0.model.graph.node[1].unknownFields = unknownField },
    Refusal(.malformed, "node 1 \"act\" (Relu) has 2 inputs; it needs 1") {
      $0.model.graph.node[1].input = ["z", "W0"]
    },
    Refusal(.malformed, "node 0 \"first\" (Gemm) has 1 inputs; it needs 2 to 3") {
      $0.model.graph.node[0].input = ["x"]
    },
    Refusal(.malformed, "node 0 \"first\" (Gemm) has no weights; input 1 must be a constant matrix") {
      $0.model.graph.node[0].input = ["x", "", "b0"]
    },
    Refusal(.malformed, "node 1 \"act\" (Relu) has 2 outputs; it needs one with a name") {
      $0.model.graph.node[1].output = ["a", "b"]
    },
    Refusal(
      .unsupported,
      "node 0 \"first\" (MatMul): with a constant on the left, the value must be one point in a column, [n] or [n, 1], "
        + "but it has the shape [N, 2]; multiply from the right"
    ) {
      $0.model.graph.node[0].opType = "MatMul"
      $0.model.graph.node[0].input = ["W0", "x"]
    },
    Refusal(.unsupported, "node 2 \"last\" (Gemm) uses \"a\" twice; the graph must be one chain of layers") {
      $0.model.graph.node[2].input[2] = "a"
    },
    Refusal(
      .unsupported, "node 0 \"first\" (Gemm): the first input must be the value of the node before, not a constant"
    ) { $0.model.graph.node[0].input = ["W0", "x"] },
    Refusal(
      .unsupported,
      "node 0 \"first\" (Gemm): transA makes columns of the points of the batch; it is only supported for one point in a "
        + "column, [n, 1], not for the shape [N, 2]"
    ) {
      $0.model.graph.node[0].attribute.append(ONNXBuilder.attribute("transA", 1))
    },
    Refusal(.unsupported, "node 0 \"first\" (Gemm): attribute \"gamma\" is not supported") {
      $0.model.graph.node[0].attribute.append(ONNXBuilder.attribute("gamma", 1))
    },
    Refusal(.malformed, "node 0 \"first\" (Gemm): attribute \"alpha\" is not of type FLOAT") {
      $0.model.graph.node[0].attribute.append(ONNXBuilder.attribute("alpha", 1))
    },
    Refusal(.malformed, "node 0 \"first\" (Gemm): attribute \"transB\" appears twice") {
      $0.model.graph.node[0].attribute.append(ONNXBuilder.attribute("transB", 1))
    },
    Refusal(.notFinite, "node 0 \"first\" (Gemm): alpha is nan and beta 1.0; both must be finite") {
      $0.model.graph.node[0].attribute.append(ONNXBuilder.scalar("alpha", .nan))
    },
    Refusal(
      .unsupported,
      "node 0 \"first\" (Gemm): beta = 0.10000000149011612 times value 0 of tensor \"b0\" cannot be written in "
        + "binary64 without rounding; multiply it into the tensor before exporting"
    ) {
      $0.model.graph.node[0].attribute.append(ONNXBuilder.scalar("beta", 0.1))
      $0.model.graph.initializer[1].doubleData = [0.1]
    },
    Refusal(.unsupported, "node 1 \"act\" (Relu): attribute \"slope\" is not supported") {
      $0.model.graph.node[1].attribute.append(ONNXBuilder.attribute("slope", 1))
    },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Flatten): axis 3 of the shape [N, 1] is out of range or mixes the points of the batch; flatten "
        + "along axis 1"
    ) {
      $0.model.graph.node[1].opType = "Flatten"
      $0.model.graph.node[1].attribute = [ONNXBuilder.attribute("axis", 3)]
    },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Div): dividing by tensor \"b0\" cannot be written in binary64 without rounding; use Mul with "
        + "the reciprocals, or divisors that are powers of two"
    ) {
      $0.model.graph.node[1].opType = "Div"
      $0.model.graph.node[1].input = ["z", "b0"]
    },
    Refusal(.notFinite, "node 1 \"act\" (Div) divides feature 0 by zero") {
      $0.model.graph.node[1].opType = "Div"
      $0.tensor("zero", [1], [-0.0])
      $0.model.graph.node[1].input = ["z", "zero"]
    },
    Refusal(.unsupported, "node 1 \"act\" (Div) divides a constant by the features, which is not linear") {
      $0.model.graph.node[1].opType = "Div"
      $0.model.graph.node[1].input = ["b0", "z"]
    },
    Refusal(
      .shape,
      "node 1 \"act\" (Add): tensor \"row\" of shape [2] does not fit a value of shape [N, 1] (it must have one number, or "
        + "one for each feature and the same for every point of the batch N)"
    ) {
      $0.tensor("row", [2], [1, 2])
      $0.model.graph.node[1].opType = "Add"
      $0.model.graph.node[1].input = ["z", "row"]
    },
    Refusal(
      .shape,
      "node 1 \"act\" (Add): tensor \"rows\" of shape [3, 1] does not fit a value of shape [N, 1] (it must have one number, "
        + "or one for each feature and the same for every point of the batch N)"
    ) {
      $0.tensor("rows", [3, 1], [1, 2, 3])
      $0.model.graph.node[1].opType = "Add"
      $0.model.graph.node[1].input = ["z", "rows"]
    },
    Refusal(
      .shape,
      "node 0 \"first\" (Gemm) needs the features of a point in one row, [N, n], but the value has the shape [N, 1, 2]; "
        + "flatten first"
    ) { $0.model.graph.input[0] = ONNXBuilder.value("x", [1, 2], .double) },
    Refusal(
      .malformed, "node 3 (Constant) needs no input and one value, but has 0 values"
    ) { $0.node("Constant", [], "c") },
  ]

  /// Of the operators that change shape or type, and of those that fold only where it is exact.
  static let conditions: [Refusal] = [
    Refusal(
      .unsupported,
      "node 1 \"act\" (Reshape): the shape [1, 1] fixes the size of the batch (the value has the shape [N, 1]); export "
        + "with a reshape to [-1, n]"
    ) { $0.reshape([1, 1]) },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Reshape): the shape [-1, 3] does not keep the points of the batch apart (the value has the shape "
        + "[N, 1]); export with a reshape to [-1, n]"
    ) { $0.reshape([-1, 3]) },
    Refusal(
      .malformed,
      "node 1 \"act\" (Reshape): tensor \"shape\" of type DOUBLE and shape [2] is no vector of at most 16 INT64 values"
    ) {
      $0.reshape([-1, 1])
      $0.model.graph.initializer.removeLast()
      $0.tensor("shape", [2], [-1, 1])
    },
    Refusal(.malformed, "node 1 \"act\" (Reshape) has no shape; input 1 must be a constant") {
      $0.reshape([-1, 1])
      $0.model.graph.node[1].input[1] = ""
    },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Squeeze) without axes removes the batch when it is one point; name the axes when "
        + "exporting"
    ) { $0.model.graph.node[1].opType = "Squeeze" },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Squeeze): dimension 0 of the shape [N, 1] is not one; only dimensions of size 1 can be removed"
    ) { $0.axes("Squeeze", [0]) },
    Refusal(.malformed, "node 1 \"act\" (Squeeze): axis 2 of a shape of 2 dimensions is out of range or twice") {
      $0.axes("Squeeze", [2])
    },
    Refusal(.malformed, "node 1 \"act\" (Unsqueeze): axis 0 of a shape of 4 dimensions is out of range or twice") {
      $0.axes("Unsqueeze", [0, 0])
    },
    Refusal(.malformed, "node 1 \"act\" (Unsqueeze) has 1 inputs; it needs 2") {
      $0.model.graph.node[1].opType = "Unsqueeze"
    },
    Refusal(.malformed, "node 1 \"act\" (Unsqueeze) has no axes; it needs them") {
      $0.model.opsetImport[0].version = 12
      $0.model.graph.node[1].opType = "Unsqueeze"
    },
    Refusal(.unsupported, "node 1 \"act\" (Cast) to FLOAT16 is not supported; only FLOAT and DOUBLE are") {
      $0.cast(10)
    },
    Refusal(.unsupported, "node 1 \"act\" (Cast) to UNDEFINED is not supported; only FLOAT and DOUBLE are") {
      $0.model.graph.node[1].opType = "Cast"
    },
    Refusal(
      .unsupported, "node 1 \"act\" (Cast) to INT64 rounds the value to integers, which is not linear; remove it"
    ) { $0.cast(7) },
    Refusal(
      .malformed,
      "node 2 \"last\" (Gemm): tensor \"W1\" is DOUBLE, but the value of the node before is FLOAT; save the model in one "
        + "type"
    ) {
      $0.model.graph.node[0].opType = "Identity"
      $0.model.graph.node[0].input = ["x"]
      $0.model.graph.node[0].attribute = []
      $0.cast(1)
    },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Cast) rounds DOUBLE to FLOAT between layers (node 2 \"last\" (Gemm) computes with the result); "
        + "only the input and the output may be rounded: export the model in one number type"
    ) { $0.cast(1) },
    Refusal(
      .unsupported,
      "node 3 (Cast): value 0 of tensor \"tenth\" is 0.1, which FLOAT does not hold exactly; store the constant in the "
        + "type that is computed with"
    ) {
      $0.tensor("tenth", [1], [0.1])
      $0.node("Cast", ["tenth"], "c", [ONNXBuilder.attribute("to", 1)])
    },
    Refusal(
      .unsupported,
      "value 0 of tensor \"large\" is 9007199254740993, which DOUBLE does not hold exactly"
    ) {
      $0.integers("large", [9_007_199_254_740_993])
      $0.node("Cast", ["large"], "c", [ONNXBuilder.attribute("to", 11)])
    },
    Refusal(
      .malformed,
      "node 3 (Mul): tensor \"two\" is INT64, but the value of the node before is DOUBLE; save the model in one type"
    ) {
      $0.integers("two", [2])
      $0.node("Mul", ["y", "two"], "w")
    },
    Refusal(
      .unsupported,
      "node 1 \"act\" (BatchNormalization): the square root of var + epsilon = 1.75 + 0.25 of feature 0 is no binary64 "
        + "number; fold the normalisation into the layer before when exporting"
    ) { $0.batchNormalization(variance: 1.75, epsilon: 0.25, scale: 1) },
    Refusal(
      .unsupported,
      "node 1 \"act\" (BatchNormalization): scale / √(var + epsilon) = 1.0 / 3.0 of feature 0 cannot be written in "
        + "binary64 without rounding; fold the normalisation into the layer before when exporting"
    ) { $0.batchNormalization(variance: 8, epsilon: 1, scale: 1) },
    Refusal(
      .notFinite,
      "node 1 \"act\" (BatchNormalization): var + epsilon of feature 0 is not positive; fold the normalisation into the "
        + "layer before when exporting"
    ) { $0.batchNormalization(variance: -1, epsilon: 0.5, scale: 1) },
    Refusal(
      .unsupported,
      "node 1 \"act\" (BatchNormalization) is in training mode or not spatial; export the model for inference"
    ) {
      $0.batchNormalization(variance: 1, epsilon: 0, scale: 1)
      $0.model.graph.node[1].attribute.append(ONNXBuilder.attribute("training_mode", 1))
    },
    Refusal(
      .shape,
      "node 1 \"act\" (BatchNormalization): var must be a constant of shape [1], one for each channel"
    ) {
      $0.batchNormalization(variance: 1, epsilon: 0, scale: 1)
      $0.tensor("two", [2], [1, 1])
      $0.model.graph.node[1].input[4] = "two"
    },
    Refusal(
      .malformed, "node 1 \"act\" (Scaler) is from the domain \"ai.onnx.ml\", which the model does not import"
    ) {
      $0.model.graph.node[1].opType = "Scaler"
      $0.model.graph.node[1].domain = "ai.onnx.ml"
    },
    Refusal(
      .unsupported, "node 1 \"act\" (Normalizer): this operator is not supported; \(ONNXOperator.list) are"
    ) {
      $0.model.graph.node[1].opType = "Normalizer"
      $0.model.graph.node[1].domain = "ai.onnx.ml"
    },
    Refusal(
      .unsupported, "node 1 \"act\" (Relu): this operator is not supported; \(ONNXOperator.list) are"
    ) { $0.model.graph.node[1].domain = "ai.onnx.ml" },
    Refusal(
      .shape, "node 1 \"act\" (Scaler): scale has 2 values; it needs one, or one for each of 1 features"
    ) { $0.scaler(offset: [0], scale: [1, 2]) },
    Refusal(
      .notFinite,
      "value 0 of offset of node 1 \"act\" (Scaler) is nan; every weight must be a finite number"
    ) { $0.scaler(offset: [.nan], scale: [1]) },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Scaler) rounds DOUBLE to FLOAT between layers (node 2 \"last\" (Gemm) computes with the result); "
        + "only the input and the output may be rounded: export the model in one number type"
    ) { $0.scaler(offset: [0], scale: [1]) },
  ]

  static let tensors: [Refusal] = [
    Refusal(
      .shape, "node 0 \"first\" (Gemm): tensor \"W0\" has the shape [2, 1], but [outputs, 2] is needed"
    ) { $0.model.graph.initializer[0].dims = [2, 1] },
    Refusal(.shape, "tensor \"W0\" has the shape [1, 3] of 3 values, but holds 2; the file is damaged") {
      $0.model.graph.initializer[0].dims = [1, 3]
    },
    Refusal(
      .tooLarge, "tensor \"W0\" has more than 4000000 values, the most that are supported"
    ) { $0.model.graph.initializer[0].dims = [1 << 30, 1 << 30, 1 << 30] },
    Refusal(
      .shape,
      "tensor \"W0\" has a dimension of 9223372036854775807; every dimension must be positive and below 2^31"
    ) { $0.model.graph.initializer[0].dims = [.max, .max] },
    Refusal(.shape, "tensor \"W0\" has a dimension of -2; every dimension must be positive and below 2^31") {
      $0.model.graph.initializer[0].dims = [-1, -2].reversed()
    },
    Refusal(.shape, "tensor \"W0\" has a dimension of 0; every dimension must be positive and below 2^31") {
      $0.model.graph.initializer[0].dims = [0, 2]
    },
    Refusal(.notFinite, "value 1 of tensor \"W0\" is nan; every weight must be a finite number") {
      $0.model.graph.initializer[0].doubleData = [1, .nan]
    },
    Refusal(.notFinite, "value 0 of tensor \"b1\" is -inf; every weight must be a finite number") {
      $0.model.graph.initializer[3].doubleData = [-.infinity]
    },
    Refusal(.unsupported, "tensor \"W0\" is of type FLOAT16; only FLOAT and DOUBLE tensors are supported") {
      $0.model.graph.initializer[0].dataType = 10
    },
    Refusal(.unsupported, "tensor \"W0\" is of type number 77; only FLOAT and DOUBLE tensors are supported") {
      $0.model.graph.initializer[0].dataType = 77
    },
    Refusal(
      .malformed,
      "node 0 \"first\" (Gemm): tensor \"W0\" is FLOAT, but the value of the node before is DOUBLE; save the model in one "
        + "type"
    ) {
      $0.model.graph.initializer[0].dataType = 1
      $0.model.graph.initializer[0].doubleData = []
      $0.model.graph.initializer[0].floatData = [1, 2]
    },
    Refusal(
      .malformed,
      "tensor \"W0\" holds values in more than one field or in one of another type; save the model again"
    ) { $0.model.graph.initializer[0].floatData = [1] },
    Refusal(
      .malformed,
      "tensor \"W0\" holds values in more than one field or in one of another type; save the model again"
    ) { $0.model.graph.initializer[0].rawData = Data(count: 16) },
    Refusal(
      .shape, "tensor \"W0\" has 15 bytes of raw data, not a multiple of 8; the file is damaged"
    ) {
      $0.model.graph.initializer[0].doubleData = []
      $0.model.graph.initializer[0].rawData = Data(count: 15)
    },
    Refusal(
      .unsupported,
      "tensor \"W0\" is stored outside the file (external data); save the model with its weights inline"
    ) { $0.model.graph.initializer[0].dataLocation = .external },
    Refusal(
      .malformed,
      "tensor \"W0\" names external data, but is not stored there (data_location); save the model again"
    ) { $0.model.graph.initializer[0].externalData = [Onnx_StringStringEntryProto()] },
    Refusal(.unsupported, "tensor \"W0\" is a segment of a tensor; save the model with whole tensors") {
      $0.model.graph.initializer[0].segment = Data()
    },
    Refusal(
      .tooLarge,
      "node 3 (MatMul): the network gets too large; at most 64 layers, 4096 neurons each and 4000000 weights are "
        + "supported"
    ) {
      $0.tensor("wide", [1, 4097], Array(repeating: 1, count: 4097))
      $0.node("MatMul", ["y", "wide"], "w")
    },
    Refusal(
      .tooLarge,
      "node 65 (Mul): the network gets too large; at most 64 layers, 4096 neurons each and 4000000 weights are "
        + "supported"
    ) {
      for index in 0..<64 { $0.node("Mul", [index == 0 ? "y" : "m\(index - 1)", "b1"], "m\(index)") }
    },
  ]
}

@Suite struct ONNXRefusalTests {
  @Test func theModelWithoutAnyChangeIsAccepted() throws {
    #expect(try Network(onnx: try ONNXBuilder.small.bytes).layers.count == 2)
  }

  @Test(
    arguments: Refusal.model + Refusal.graph + Refusal.topology + Refusal.operators + Refusal.conditions
      + Refusal.tensors)
  func refusesWithItsReason(refusal: Refusal) throws {
    var builder = ONNXBuilder.small
    refusal.change(&builder)
    let bytes = try builder.bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(error == NetworkError(refusal.code, refusal.message))
  }

  /// Operators of the standard that exporters write, beside those that are read.
  static let otherOperators = [
    "Abs", "ArgMax", "AveragePool", "Ceil", "Celu", "Clip", "Concat", "ConstantOfShape", "Conv", "CumSum",
    "DequantizeLinear", "Einsum", "Elu", "Equal", "Erf", "Exp", "Expand", "Floor", "GRU", "Gather", "Gelu",
    "GlobalAveragePool", "Greater", "HardSigmoid", "HardSwish", "If", "InstanceNormalization", "LSTM",
    "LayerNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "Loop", "Max", "MaxPool", "Mean", "Min", "Mish",
    "Mod",
    "Neg", "Not", "OneHot", "PRelu", "Pad", "Pow", "QuantizeLinear", "RNN", "Range", "Reciprocal", "ReduceMax",
    "ReduceMean", "ReduceSum", "Round", "ScatterND", "Selu", "Shape", "Sigmoid", "Sign", "Slice", "Softmax", "Softplus",
    "Softsign", "Split", "Sqrt", "Sum", "Tanh", "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu", "Where",
  ]

  @Test(arguments: otherOperators)
  func everyOtherOperatorIsRefusedByName(name: String) throws {
    var builder = ONNXBuilder.small
    builder.model.graph.node[1].opType = name
    let bytes = try builder.bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(
      error
        == NetworkError(
          .unsupported, "node 1 \"act\" (\(name)): this operator is not supported; \(ONNXOperator.list) are"))
  }

  @Test(arguments: ONNXOperator.allCases)
  func everyOperatorRefusesAnAttributeThatItDoesNotHave(known: ONNXOperator) throws {
    // The operator alone, between the input and the output, with what it needs.
    var builder = ONNXBuilder(inputs: [1], outputs: [1], type: .float)
    var machineLearning = Onnx_OperatorSetIdProto()
    (machineLearning.domain, machineLearning.version) = ("ai.onnx.ml", 1)
    builder.model.opsetImport.append(machineLearning)
    builder.tensor("w", [1, 1], [2])
    builder.tensor("v", [1], [3.75])
    builder.integers("shape", [0, -1])
    builder.integers("last", [1])
    var inputs = ["x"]
    var attributes: [Onnx_AttributeProto] = []
    switch known {
    case .add, .subtract, .multiply, .divide, .gemm, .matMul: inputs.append("w")
    case .batchNormalization:
      inputs += ["v", "v", "v", "v"]
      attributes = [ONNXBuilder.scalar("epsilon", 0.25)]
    case .cast: attributes = [ONNXBuilder.attribute("to", 1)]
    case .reshape: inputs.append("shape")
    case .squeeze, .unsqueeze: inputs.append("last")
    case .constant:
      inputs = []
      attributes = [ONNXBuilder.scalar("value_float", 1)]
    case .scaler:
      attributes = ["offset", "scale"].map { name in
        var attribute = ONNXBuilder.scalar(name, 0)
        (attribute.type, attribute.floats) = (.floats, [0.5])
        attribute.clearF()
        return attribute
      }
    case .relu, .identity, .dropout, .flatten: break
    }
    builder.node(known.rawValue, inputs, "r", attributes, name: "it")
    if known == .scaler { builder.model.graph.node[0].domain = "ai.onnx.ml" }
    builder.node("Add", known == .constant ? ["x", "r"] : ["r", "v"], "y")
    builder.model.graph.output[0].clearType()
    #expect(try Network(onnx: try builder.bytes).inputCount == 1)
    builder.model.graph.node[0].attribute.append(ONNXBuilder.attribute("bogus", 1))
    let bytes = try builder.bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(
      error
        == NetworkError(
          .unsupported, "node 0 \"it\" (\(known.rawValue)): attribute \"bogus\" is not supported"))
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try ONNXBuilder.small.bytes
    for length in bytes.indices {
      #expect(throws: NetworkError.self) { try Network(onnx: Array(bytes.prefix(length))) }
    }
    let error = #expect(throws: NetworkError.self) { try Network(onnx: Array(bytes.dropLast(20))) }
    #expect(
      error
        == NetworkError(
          .malformed, "byte 2: the model ends inside a field; the file is truncated or no ONNX file"))
  }

  @Test func bytesOfOtherKindsAreRefused() throws {
    func error(_ bytes: [UInt8]) -> NetworkError? {
      #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    }
    #expect(error([]) == NetworkError(.malformed, "the file is empty; give an ONNX file"))
    #expect(
      error(Array("layers: 3\n".utf8))
        == NetworkError(
          .malformed, "byte 0: a model cannot have a field of wire type 4; this is no ONNX file"))
    // The graph's name is not UTF-8.
    #expect(
      error([0x3a, 0x03, 0x12, 0x01, 0xff])
        == NetworkError(
          .malformed, "the bytes are no ONNX model (a field or text in them is invalid); the file is damaged"))
    #expect(
      error(Array(repeating: 0xff, count: 64))
        == NetworkError(.malformed, "byte 0: a number of more than ten bytes; this is no ONNX file"))
  }

  /// Two bytes of an empty message become a hundred in memory; a million of them must be refused before that.
  @Test func manyEmptyMessagesAreRefusedBeforeTheyAreDecoded() throws {
    let nodes = Array(repeating: [0x0a, 0x00] as [UInt8], count: 1 << 20).joined()
    // Field 7 (graph) of length 2^21.
    let error = #expect(throws: NetworkError.self) { try Network(onnx: [0x3a, 0x80, 0x80, 0x80, 0x01] + nodes) }
    #expect(
      error
        == NetworkError(
          .tooLarge,
          "the model has 2097157 bytes beside its weights; at most 1048576 are supported (store weights as raw_data)"))
  }

  @Test(arguments: [UInt64(20_240_601), 7])
  func mutatedFilesAreReadOrRefusedButNeverCrash(seed: UInt64) throws {
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture("n6_2x8_mono_s0.onnx"))))
    let exports = try ["torchscript_squeezed", "sklearn_pipeline", "torchscript_folded", "torch_plain"].map {
      try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture("exports/\($0).onnx"))))
    }
    let seeds =
      exports + [
        file, try ONNXBuilder.small.bytes, try randomNetwork([2, 2, 1], seed: 1).onnx(name: "n", producerVersion: "1"),
      ]
    var refused = 0
    for _ in 0..<2000 {
      var bytes = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
        default: bytes.remove(at: position)
        }
      }
      do {
        // In the folder of the exports, where the data file of one lies.
        let network = try StoredNetwork(bytes: bytes, path: fixture("exports/mutated.onnx")).network
        #expect(network.layers.allSatisfy { $0.weights.allSatisfy(\.isFinite) && $0.biases.allSatisfy(\.isFinite) })
      } catch {
        refused += 1
      }
    }
    // Changes of weights are read; changes of structure are not.
    #expect((1..<2000).contains(refused))
  }
}

/// The second node of ``ONNXBuilder/small``, as another operator.
extension ONNXBuilder {
  mutating func integers(_ name: String, _ values: [Int64]) {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = [Int64(values.count)]
    tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
    tensor.int64Data = values
    model.graph.initializer.append(tensor)
  }

  fileprivate mutating func reshape(_ shape: [Int64]) {
    integers("shape", shape)
    model.graph.node[1].opType = "Reshape"
    model.graph.node[1].input = ["z", "shape"]
  }

  fileprivate mutating func axes(_ operation: String, _ axes: [Int64]) {
    integers("axes", axes)
    model.graph.node[1].opType = operation
    model.graph.node[1].input = ["z", "axes"]
  }

  fileprivate mutating func cast(_ type: Int64) {
    model.graph.node[1].opType = "Cast"
    model.graph.node[1].attribute = [Self.attribute("to", type)]
  }

  fileprivate mutating func batchNormalization(variance: Double, epsilon: Float, scale: Double) {
    for (name, value) in [("scale", scale), ("B", 0.5), ("mean", 3), ("var", variance)] { tensor(name, [1], [value]) }
    model.graph.node[1].opType = "BatchNormalization"
    model.graph.node[1].input = ["z", "scale", "B", "mean", "var"]
    model.graph.node[1].attribute = [Self.scalar("epsilon", epsilon)]
  }

  fileprivate mutating func scaler(offset: [Float], scale: [Float]) {
    var machineLearning = Onnx_OperatorSetIdProto()
    machineLearning.domain = "ai.onnx.ml"
    machineLearning.version = 3
    model.opsetImport.append(machineLearning)
    model.graph.node[1].opType = "Scaler"
    model.graph.node[1].domain = "ai.onnx.ml"
    model.graph.node[1].attribute = [("offset", offset), ("scale", scale)].map { name, values in
      var attribute = Onnx_AttributeProto()
      attribute.name = name
      attribute.type = .floats
      attribute.floats = values
      return attribute
    }
  }
}
