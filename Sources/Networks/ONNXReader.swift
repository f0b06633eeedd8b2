internal import Foundation
internal import SwiftProtobuf

/// Reads one ONNX model: checks the model and its names, then walks the chain of nodes from the input to the output.
/// Each operator appends what it does, see `ONNXReader+….swift`.
struct ONNXReader {
  /// The most nodes in a graph.
  static let maximumNodes = 4096
  /// IR versions and operator sets in which the operators that we read mean the same.
  static let irVersions: ClosedRange<Int64> = 3...14
  static let operatorSets: ClosedRange<Int64> = 7...28

  let graph: Onnx_GraphProto
  let operatorSet: Int64
  /// Whether the operator set ai.onnx.ml is imported.
  let hasMachineLearning: Bool
  /// FLOAT or DOUBLE: the type of the input.
  let inputElement: ONNXConstant.Element
  /// Where external data is, if it is read.
  let data: ONNXDataFiles?
  /// Where each initialiser is in the graph.
  private var initializers: [String: Int] = [:]
  /// Constants that nodes made, with the place of the node; and which of them were used.
  var computed: [String: ONNXConstant] = [:]
  private var usedConstants: Set<String> = []
  /// Which node makes a value.
  private var producers: [String: Int] = [:]
  /// Which node took the chain's value.
  private var consumers: [String: Int] = [:]
  /// The name, the shape and the type of the chain's value.
  var current: String
  var shape: ONNXShape
  var element: ONNXConstant.Element
  /// Whether the chain's value is still the input, of another shape or type at most.
  var isInput = true
  /// The node that rounded the chain's value from DOUBLE to FLOAT.
  var narrowing: Int?
  /// How many numbers of constants were looked at to change their type.
  var castCount = 0
  var chain: LayerChain

  /// - Parameter data: Where external data is; nil to refuse it.
  static func model(_ bytes: [UInt8], data: ONNXDataFiles?) throws(NetworkError) -> ONNXModel {
    guard !bytes.isEmpty else { throw NetworkError(.malformed, "the file is empty; give an ONNX file") }
    guard bytes.count <= ONNXModel.maximumBytes else {
      throw NetworkError(.tooLarge, "the model has \(bytes.count) bytes; at most \(ONNXModel.maximumBytes) are read")
    }
    _ = try ONNXWire.check(bytes)
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = 8
    let model: Onnx_ModelProto
    do {
      model = try Onnx_ModelProto(serializedBytes: bytes, options: options)
    } catch {
      throw NetworkError(
        .malformed, "the bytes are no ONNX model (a field or text in them is invalid); the file is damaged")
    }
    var reader = try ONNXReader(model, data)
    return try reader.read(model)
  }

  private init(_ model: Onnx_ModelProto, _ data: ONNXDataFiles?) throws(NetworkError) {
    self.data = data
    guard model.unknownFields.data.isEmpty else { throw Self.unknownField("the model") }
    guard Self.irVersions.contains(model.irVersion) else {
      throw NetworkError(
        .unsupported,
        "IR version \(model.irVersion) is not supported; export the model with a version of \(Self.irVersions)")
    }
    guard model.functions.isEmpty else {
      throw NetworkError(.unsupported, "the model has functions of its own (functions); export it with them inlined")
    }
    guard model.trainingInfo.isEmpty else {
      throw NetworkError(.unsupported, "the model has training information (training_info); export it for inference")
    }
    let versions = model.opsetImport.filter { Self.isStandard($0.domain) }
    guard versions.count == 1 else {
      throw NetworkError(.malformed, "the model imports \(versions.count) ONNX operator sets; it must import one")
    }
    operatorSet = versions[0].version
    guard Self.operatorSets.contains(operatorSet) else {
      throw NetworkError(
        .unsupported,
        "operator set \(operatorSet) is not supported; export the model with one of \(Self.operatorSets)")
    }
    hasMachineLearning = model.opsetImport.contains { $0.domain == ONNXOperator.machineLearning && $0.version >= 1 }
    guard model.hasGraph else { throw NetworkError(.malformed, "the model has no graph") }
    graph = model.graph
    guard graph.unknownFields.data.isEmpty else { throw Self.unknownField("the graph") }
    guard graph.sparseInitializer.isEmpty else {
      throw NetworkError(
        .unsupported, "the graph has sparse tensors (sparse_initializer); save the model with dense ones")
    }
    guard graph.quantizationAnnotation.isEmpty else {
      throw NetworkError(
        .unsupported, "the graph is quantised (quantization_annotation); save the model with plain weights")
    }
    guard graph.node.count <= Self.maximumNodes else {
      throw NetworkError(
        .tooLarge, "the graph has \(graph.node.count) nodes; at most \(Self.maximumNodes) are supported")
    }
    for (index, tensor) in graph.initializer.enumerated() {
      guard !tensor.name.isEmpty, initializers.updateValue(index, forKey: tensor.name) == nil else {
        throw NetworkError(.malformed, "two tensors are named \(quoted(tensor.name)), or it has no name")
      }
    }
    // Before IR version 4 every initialiser had to be an input as well; since then one that is can be overridden by
    // the caller, so the proved weights might not be the used ones.
    let tensors = initializers
    let inputs = graph.input.filter { model.irVersion >= 4 || tensors[$0.name] == nil }
    for input in inputs where initializers[input.name] != nil {
      throw NetworkError(
        .unsupported,
        "tensor \(quoted(input.name)) is also an input, so that a caller may override it; remove it from the inputs")
    }
    guard inputs.count == 1 else {
      throw NetworkError(.unsupported, "the graph has \(inputs.count) inputs; exactly one is supported")
    }
    guard graph.output.count == 1 else {
      throw NetworkError(.unsupported, "the graph has \(graph.output.count) outputs; exactly one is supported")
    }
    let input = inputs[0]
    let place = "input \(quoted(input.name))"
    let type = try Self.tensorType(input, place: place)
    switch Onnx_TensorProto.DataType(rawValue: Int(type.elemType)) {
    case .float: inputElement = .float
    case .double: inputElement = .double
    default:
      throw NetworkError(
        .unsupported, "\(place) is of type \(Self.typeName(type.elemType)); only FLOAT and DOUBLE are supported")
    }
    element = inputElement
    shape = try Self.inputShape(type.shape, place: place)
    current = input.name
    chain = LayerChain(width: shape.featureCount)
    try nameValues(input: input.name)
    // Every file that the model names, so that all of them are bound to what is said of it, used or not.
    for tensor in graph.initializer where tensor.dataLocation == .external && data != nil {
      let place = "tensor \(quoted(tensor.name))"
      let name = try ONNXDataRange(tensor.externalData, place: place).name
      _ = try data?.content(name, place: place)
    }
  }

  /// Every value has one name and every name one value.
  private mutating func nameValues(input: String) throws(NetworkError) {
    for (index, node) in graph.node.enumerated() {
      for name in node.output where !name.isEmpty {
        guard name != input, initializers[name] == nil, producers.updateValue(index, forKey: name) == nil else {
          throw NetworkError(
            .malformed, "\(place(index)) makes \(quoted(name)), but another value has that name; rename one")
        }
      }
    }
  }

  private mutating func read(_ model: Onnx_ModelProto) throws(NetworkError) -> ONNXModel {
    for index in graph.node.indices { try read(node: index) }
    let output = graph.output[0]
    guard output.name == current else {
      if producers[output.name] == nil {
        throw NetworkError(.malformed, "no node makes the output \(quoted(output.name))")
      }
      let last = producers[current].map { place($0) } ?? "the input"
      throw NetworkError(
        .unsupported,
        "\(last) makes \(quoted(current)), which the output \(quoted(output.name)) does not use; remove it")
    }
    for (name, index) in producers.sorted(by: { $0.value < $1.value })
    where computed[name] != nil && !usedConstants.contains(name) {
      throw NetworkError(.unsupported, "\(place(index)) makes \(quoted(name)), which nothing uses; remove the node")
    }
    try check(output)
    let network = try chain.network()
    var metadata: [String: String] = [:]
    for property in model.metadataProps {
      guard metadata.updateValue(property.value, forKey: property.key) == nil else {
        throw NetworkError(.malformed, "the metadata key \(quoted(property.key)) appears twice")
      }
    }
    let featureNames = Self.names(&metadata, ONNXModel.featureKey, count: network.inputCount)
    let outputNames = Self.names(&metadata, ONNXModel.outputKey, count: network.outputCount)
    return ONNXModel(
      network: network, name: graph.name, featureNames: featureNames, outputNames: outputNames, metadata: metadata,
      producerVersion: model.producerVersion, precision: inputElement == .float ? .binary32 : .binary64)
  }

  /// Takes `count` names out of `metadata` if all are there.
  private static func names(_ metadata: inout [String: String], _ prefix: String, count: Int) -> [String]? {
    let names = (0..<count).compactMap { metadata[prefix + String($0)] }
    guard names.count == count else { return nil }
    for index in 0..<count { metadata[prefix + String(index)] = nil }
    return names
  }

  /// What the file says about its output must agree with what the nodes make.
  private func check(_ output: Onnx_ValueInfoProto) throws(NetworkError) {
    let place = "output \(quoted(output.name))"
    // The type of an output may be left out where it follows from the nodes.
    guard output.hasType else { return }
    let type = try Self.tensorType(output, place: place)
    let expected: Onnx_TensorProto.DataType = element == .float ? .float : .double
    guard type.elemType == Int32(expected.rawValue) else {
      throw NetworkError(
        .malformed, "\(place) is declared as \(Self.typeName(type.elemType)), but it is \(expected.name)")
    }
    guard type.hasShape else { return }
    let agrees =
      type.shape.dim.count == shape.dimensions.count
      && zip(type.shape.dim, shape.dimensions).allSatisfy { declared, found in
        guard case .dimValue(let value) = declared.value, case .size(let size) = found else { return true }
        return value == Int64(size)
      }
    guard agrees else {
      throw NetworkError(.shape, "\(place) is declared with another shape than \(shape), which it has")
    }
  }

  private static func tensorType(
    _ info: Onnx_ValueInfoProto, place: String
  ) throws(NetworkError) -> Onnx_TypeProto.Tensor {
    guard info.unknownFields.data.isEmpty, info.type.unknownFields.data.isEmpty else { throw unknownField(place) }
    guard case .tensorType(let type) = info.type.value else {
      throw NetworkError(.unsupported, "\(place) is no tensor; only tensors are supported")
    }
    return type
  }

  /// The shape of the input: [N, features…], or [n] for one point. The number of features is within the bound of a
  /// layer's width.
  private static func inputShape(_ declared: Onnx_TensorShapeProto, place: String) throws(NetworkError) -> ONNXShape {
    guard (1...ONNXShape.maximumRank).contains(declared.dim.count) else {
      throw NetworkError(
        .shape,
        "\(place) has \(declared.dim.count) dimensions; it needs a batch dimension and the features, [N, n], or [n] for "
          + "one point, and at most \(ONNXShape.maximumRank) dimensions")
    }
    var dimensions: [ONNXShape.Dimension] = []
    var count = 1
    for (index, dimension) in declared.dim.enumerated() {
      let isBatch = index == 0 && declared.dim.count > 1
      guard case .dimValue(let value) = dimension.value else {
        guard isBatch else {
          throw NetworkError(
            .shape, "\(place) has a dimension other than the batch without a positive size; export it with a fixed size"
          )
        }
        dimensions.append(.batch(nil))
        continue
      }
      guard value > 0 else {
        throw NetworkError(
          .shape,
          isBatch
            ? "\(place) has a batch of \(value); use a positive or a named dimension"
            : "\(place) has a dimension other than the batch without a positive size; export it with a fixed size")
      }
      if isBatch, value > 1 {
        guard value <= Int64(Network.maximumWeights) else {
          throw NetworkError(.tooLarge, "\(place) has a batch of \(value); use a named dimension")
        }
        dimensions.append(.batch(Int(value)))
        continue
      }
      guard value <= Int64(Network.maximumWidth), count * Int(value) <= Network.maximumWidth else {
        throw NetworkError(
          .tooLarge, "\(place) has more than \(Network.maximumWidth) features, the most that are supported")
      }
      count *= Int(value)
      dimensions.append(.size(Int(value)))
    }
    return ONNXShape(dimensions)
  }

  // MARK: Values

  /// What a node's input is.
  enum Operand {
    case chain
    case constant(ONNXConstant)
  }

  /// Looks a name up, for the node at `index`.
  mutating func operand(_ name: String, of index: Int) throws(NetworkError) -> Operand {
    if name == current {
      guard consumers[name] == nil else {
        throw NetworkError(
          .unsupported, "\(place(index)) uses \(quoted(name)) twice; the graph must be one chain of layers")
      }
      consumers[name] = index
      return .chain
    }
    if let constant = computed[name] {
      usedConstants.insert(name)
      return .constant(constant)
    }
    if let tensor = initializers[name] {
      return .constant(try ONNXConstant(graph.initializer[tensor], place: "tensor \(quoted(name))", data: data))
    }
    if let consumer = consumers[name] {
      throw NetworkError(
        .unsupported,
        "\(place(index)) and \(place(consumer)) both use \(quoted(name)): the graph branches, and only one chain of "
          + "layers is supported")
    }
    guard let producer = producers[name] else {
      throw NetworkError(.malformed, "\(place(index)) uses \(quoted(name)), which nothing makes; the file is damaged")
    }
    if producer >= index {
      throw NetworkError(
        .malformed,
        "\(place(index)) uses \(quoted(name)) before \(place(producer)) makes it: the graph has a cycle or is not "
          + "sorted")
    }
    throw NetworkError(
      .unsupported, "\(place(index)) uses \(quoted(name)), an output of \(place(producer)) that is not supported")
  }

  /// Checks that a constant has the number type of the chain's value, as ONNX demands.
  func requireNumbers(_ constant: ONNXConstant, _ index: Int) throws(NetworkError) -> ONNXConstant {
    guard constant.element == element else {
      throw NetworkError(
        .malformed,
        "\(place(index)): \(constant.place) is \(constant.element.name), but the value of the node before is "
          + "\(element.name); save the model in one type")
    }
    return constant
  }

  // MARK: Words

  /// How messages call the node at `index`.
  func place(_ index: Int) -> String {
    let node = graph.node[index]
    let name = node.name.isEmpty ? "" : " \(quoted(node.name))"
    let isPlain = !node.opType.isEmpty && node.opType.utf8.count <= 60 && node.opType.allSatisfy(\.isLetter)
    return "node \(index)\(name) (\(isPlain ? node.opType : quoted(node.opType)))"
  }

  static func isStandard(_ domain: String) -> Bool { domain.isEmpty || domain == "ai.onnx" }

  static func typeName(_ number: Int32) -> String {
    Onnx_TensorProto.DataType(rawValue: Int(number))?.name ?? "number \(number)"
  }

  static func unknownField(_ place: String) -> NetworkError {
    NetworkError(
      .unsupported, "\(place) has a field that this version does not know; save the model with an older ONNX version")
  }
}

extension Onnx_TensorProto.DataType {
  /// The name in the standard.
  var name: String { "\(self)".uppercased() }
}
