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
      .shape, "input \"x\" has 1 dimensions; it needs a batch dimension and the features, [N, n]"
    ) { $0.model.graph.input[0] = ONNXBuilder.value("x", [], .double) },
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
    Refusal(.malformed, "output \"y\" is declared as FLOAT, but the input is DOUBLE") {
      $0.model.graph.output[0] = ONNXBuilder.value("y", [1], .float)
    },
    Refusal(.shape, "output \"y\" is declared with another shape than [batch] + [1], which it has") {
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
      "node 1 \"act\" (Sigmoid): this operator is not supported; Gemm, MatMul, Add, Sub, Mul, Div, Relu, Identity, "
        + "Flatten, Dropout and Constant are"
    ) { $0.model.graph.node[1].opType = "Sigmoid" },
    Refusal(
      .unsupported,
      "node 1 \"act\" (\"\\u{1B}[2J\"): this operator is not supported; Gemm, MatMul, Add, Sub, Mul, Div, Relu, "
        + "Identity, Flatten, Dropout and Constant are"
    ) { $0.model.graph.node[1].opType = "\u{1b}[2J" },
    Refusal(
      .unsupported,
      "node 1 \"act\" (Relu) is from the domain \"com.example\"; only ONNX's own operators are supported"
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
      .unsupported, "node 0 \"first\" (MatMul): the first input must be the value of the node before, not a constant"
    ) {
      $0.model.graph.node[0].opType = "MatMul"
      $0.model.graph.node[0].input = ["W0", "x"]
    },
    Refusal(.unsupported, "node 2 \"last\" (Gemm) uses \"a\" twice; the graph must be one chain of layers") {
      $0.model.graph.node[2].input[2] = "a"
    },
    Refusal(.unsupported, "node 0 \"first\" (Gemm): transA is not supported; rows must be points of the batch") {
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
    Refusal(.unsupported, "node 1 \"act\" (Flatten): axis 0 is not supported; flatten along axis 1") {
      $0.model.graph.node[1].opType = "Flatten"
      $0.model.graph.node[1].attribute = [ONNXBuilder.attribute("axis", 0)]
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
      "node 1 \"act\" (Add): tensor \"row\" of shape [2] does not fit features of shape [1] (the batch comes before them)"
    ) {
      $0.tensor("row", [2], [1, 2])
      $0.model.graph.node[1].opType = "Add"
      $0.model.graph.node[1].input = ["z", "row"]
    },
    Refusal(
      .shape,
      "node 1 \"act\" (Add): tensor \"rows\" of shape [3, 1] does not fit features of shape [1] (the batch comes "
        + "before them)"
    ) {
      $0.tensor("rows", [3, 1], [1, 2, 3])
      $0.model.graph.node[1].opType = "Add"
      $0.model.graph.node[1].input = ["z", "rows"]
    },
    Refusal(
      .shape,
      "node 0 \"first\" (Gemm) needs features in one dimension, but they have the shape [1, 2]; flatten first"
    ) { $0.model.graph.input[0] = ONNXBuilder.value("x", [1, 2], .double) },
    Refusal(
      .malformed, "node 3 (Constant) needs no input and one value, but has 0 values"
    ) { $0.node("Constant", [], "c") },
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
      "node 0 \"first\" (Gemm): tensor \"W0\" has another number type than the input; save the model in one type"
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
      .unsupported,
      "tensor \"W0\" is stored outside the file (external data); save the model with its weights inline"
    ) { $0.model.graph.initializer[0].externalData = [Data()] },
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

  @Test(arguments: Refusal.model + Refusal.graph + Refusal.topology + Refusal.operators + Refusal.tensors)
  func refusesWithItsReason(refusal: Refusal) throws {
    var builder = ONNXBuilder.small
    refusal.change(&builder)
    let bytes = try builder.bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(error == NetworkError(refusal.code, refusal.message))
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
    let seeds = [
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
        let network = try Network(onnx: bytes)
        #expect(network.layers.allSatisfy { $0.weights.allSatisfy(\.isFinite) && $0.biases.allSatisfy(\.isFinite) })
      } catch {
        refused += 1
      }
    }
    // Changes of weights are read; changes of structure are not.
    #expect((1..<2000).contains(refused))
  }
}
