/// The number type of the tensors in an ONNX file.
public enum ONNXPrecision: String, Sendable, Hashable, CaseIterable {
  /// IEEE 754 binary32, `FLOAT` in ONNX.
  case binary32
  /// IEEE 754 binary64, `DOUBLE` in ONNX.
  case binary64
}

/// A network with what an ONNX file says about it.
///
/// Files are read exactly: the layers of ``network`` are the stored numbers, and an operator whose effect is not
/// expressible in binary64 layers without rounding is refused. We write the weights inline; other programs may have put
/// them into files beside the model (external data), which ``read(path:)`` and ``StoredNetwork`` read too.
public struct ONNXModel: Sendable, Hashable {
  /// The largest file that is read, in bytes.
  public static let maximumBytes = 64 << 20

  public var network: Network
  /// The name of the graph.
  public var name: String
  /// One name per input, or nil when the file has none. For people; the order of the inputs is what counts.
  public var featureNames: [String]?
  /// One name per output, or nil when the file has none.
  public var outputNames: [String]?
  /// Further texts of the file (`metadata_props`), without the feature and output names.
  public var metadata: [String: String]
  /// The version of the program that wrote the file.
  public var producerVersion: String
  /// The number type of the tensors in the file.
  public var precision: ONNXPrecision

  public init(
    network: Network, name: String, featureNames: [String]? = nil, outputNames: [String]? = nil,
    metadata: [String: String] = [:], producerVersion: String, precision: ONNXPrecision = .binary64
  ) {
    self.network = network
    self.name = name
    self.featureNames = featureNames
    self.outputNames = outputNames
    self.metadata = metadata
    self.producerVersion = producerVersion
    self.precision = precision
  }

  /// Reads an ONNX model: a chain of fully connected layers and ReLU with the weights inline.
  ///
  /// Operators: those of ``ONNXOperator``; tensors of FLOAT or DOUBLE; operator sets 7 to 28. Consecutive operators
  /// become separate layers where multiplying them out could round; ``ExactNetwork`` composes them exactly. What is read
  /// and what is refused, and why: docs/onnx.md.
  /// - Throws: ``NetworkError``; the message names the node or the tensor, the problem and the fix.
  /// - Complexity: memory is bounded by a multiple of the bytes and of the bounds of ``Network``, whatever the bytes
  ///   are; time by nodes × weights.
  public init(bytes: [UInt8]) throws(NetworkError) {
    self = try ONNXReader.model(bytes, data: nil)
  }

  /// Reads the model in the file at `path`, as ``init(bytes:)`` does, and its external data in the same folder.
  /// - Throws: ``NetworkError``, also when the file cannot be read or has more than ``maximumBytes`` bytes.
  public static func read(path: String) throws(NetworkError) -> ONNXModel {
    let bytes = try StoredNetwork.contents(path: path)
    do {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      return try ONNXReader.model(bytes, data: ONNXDataFiles(folder: StoredNetwork.folder(of: path), model: name))
    } catch {
      throw NetworkError(error.code, "\(path): \(error.message)")
    }
  }
}

extension Network {
  /// Reads the network of an ONNX model; see ``ONNXModel/init(bytes:)``.
  public init(onnx bytes: [UInt8]) throws(NetworkError) {
    self = try ONNXModel(bytes: bytes).network
  }

  /// The network as the bytes of an ONNX model; see ``ONNXModel/bytes()``.
  public func onnx(
    name: String, featureNames: [String]? = nil, outputNames: [String]? = nil, metadata: [String: String] = [:],
    producerVersion: String, precision: ONNXPrecision = .binary64
  ) throws(NetworkError) -> [UInt8] {
    try ONNXModel(
      network: self, name: name, featureNames: featureNames, outputNames: outputNames, metadata: metadata,
      producerVersion: producerVersion, precision: precision
    ).bytes()
  }
}
