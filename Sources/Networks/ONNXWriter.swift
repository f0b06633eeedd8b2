internal import Foundation
internal import SwiftProtobuf

extension ONNXModel {
  /// Keys of `metadata_props` that hold the names of features and outputs, each followed by an index.
  static let featureKey = "vpals.feature."
  static let outputKey = "vpals.output."

  /// The model as ONNX bytes: Gemm and Relu nodes, weights inline, a batch dimension `N`, one input `features` [N, n]
  /// and one output `outputs` [N, m]; operator set 13, IR version 8. The same model gives the same bytes.
  /// - Throws: ``NetworkError`` when the precision is binary32 and a weight is not exactly a binary32 number, when the
  ///   name is empty, when the names do not match the network, or when the bytes would not be read back.
  public func bytes() throws(NetworkError) -> [UInt8] {
    guard !name.isEmpty else { throw NetworkError(.malformed, "an ONNX model needs a name that is not empty") }
    var model = Onnx_ModelProto()
    model.irVersion = 8
    model.producerName = "vpals"
    model.producerVersion = producerVersion
    var operators = Onnx_OperatorSetIdProto()
    operators.domain = ""
    operators.version = 13
    model.opsetImport = [operators]
    model.metadataProps = try properties()
    model.graph = try graph()
    do {
      let bytes: [UInt8] = try model.serializedBytes()
      guard bytes.count <= Self.maximumBytes else {
        throw NetworkError(.tooLarge, "the model has \(bytes.count) bytes; at most \(Self.maximumBytes) are read back")
      }
      _ = try ONNXWire.check(bytes)
      return bytes
    } catch let error as NetworkError {
      throw error
    } catch {
      throw NetworkError(.malformed, "the model cannot be encoded: \(error)")
    }
  }

  private func properties() throws(NetworkError) -> [Onnx_StringStringEntryProto] {
    var entries: [(key: String, value: String)] = []
    let lists = [
      (featureNames, Self.featureKey, network.inputCount), (outputNames, Self.outputKey, network.outputCount),
    ]
    for (names, prefix, count) in lists {
      guard let names else { continue }
      guard names.count == count else {
        throw NetworkError(.shape, "\(names.count) names under \(prefix)*, but the network has \(count); give one each")
      }
      for (index, name) in names.enumerated() { entries.append((prefix + String(index), name)) }
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      guard !key.hasPrefix(Self.featureKey), !key.hasPrefix(Self.outputKey) else {
        throw NetworkError(.malformed, "the metadata key \(quoted(key)) is reserved for names; choose another key")
      }
      entries.append((key, value))
    }
    return entries.map { entry in
      var property = Onnx_StringStringEntryProto()
      property.key = entry.key
      property.value = entry.value
      return property
    }
  }

  private func graph() throws(NetworkError) -> Onnx_GraphProto {
    var graph = Onnx_GraphProto()
    graph.name = name
    graph.input = [valueInfo("features", network.inputCount)]
    graph.output = [valueInfo("outputs", network.outputCount)]
    var value = "features"
    for (index, layer) in network.layers.enumerated() {
      let weights = "W\(index)"
      let biases = "b\(index)"
      graph.initializer.append(try tensor(weights, [layer.outputCount, layer.inputCount], layer.weights))
      graph.initializer.append(try tensor(biases, [layer.outputCount], layer.biases))
      let isLast = index + 1 == network.layers.count
      var transposed = Onnx_AttributeProto()
      transposed.name = "transB"
      transposed.type = .int
      transposed.i = 1
      var gemm = node("Gemm", index, inputs: [value, weights, biases], output: isLast ? "outputs" : "z\(index)")
      gemm.attribute = [transposed]
      graph.node.append(gemm)
      value = "z\(index)"
      if layer.isRectified {
        graph.node.append(node("Relu", index, inputs: [value], output: "a\(index)"))
        value = "a\(index)"
      }
    }
    return graph
  }

  private func node(_ operation: String, _ index: Int, inputs: [String], output: String) -> Onnx_NodeProto {
    var node = Onnx_NodeProto()
    node.name = "\(operation)_\(index)"
    node.opType = operation
    node.input = inputs
    node.output = [output]
    return node
  }

  private func valueInfo(_ name: String, _ count: Int) -> Onnx_ValueInfoProto {
    var batch = Onnx_TensorShapeProto.Dimension()
    batch.dimParam = "N"
    var width = Onnx_TensorShapeProto.Dimension()
    width.dimValue = Int64(count)
    var type = Onnx_TypeProto.Tensor()
    type.elemType = Int32(dataType.rawValue)
    type.shape.dim = [batch, width]
    var info = Onnx_ValueInfoProto()
    info.name = name
    info.type.tensorType = type
    return info
  }

  private var dataType: Onnx_TensorProto.DataType { precision == .binary32 ? .float : .double }

  private func tensor(_ name: String, _ shape: [Int], _ values: [Double]) throws(NetworkError) -> Onnx_TensorProto {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 8)
    for (index, value) in values.enumerated() {
      switch precision {
      case .binary32:
        guard let single = Float(exactly: value) else {
          throw NetworkError(
            .unsupported,
            "value \(index) of tensor \(name) is \(value), which is not exactly a binary32 number; write the model in "
              + "binary64 or round the weights first")
        }
        append(single.bitPattern, to: &bytes)
      case .binary64: append(value.bitPattern, to: &bytes)
      }
    }
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = shape.map(Int64.init)
    tensor.dataType = Int32(dataType.rawValue)
    tensor.rawData = Data(bytes)
    return tensor
  }

  /// Little-endian, as the standard wants raw data on every machine.
  private func append(_ pattern: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: pattern.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
