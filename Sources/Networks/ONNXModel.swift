internal import Foundation

/// The number type of the tensors in an ONNX file.
public enum ONNXPrecision: String, Sendable, Hashable, CaseIterable {
  /// IEEE 754 binary32, `FLOAT` in ONNX.
  case binary32
  /// IEEE 754 binary64, `DOUBLE` in ONNX.
  case binary64
}

/// A network with what an ONNX file says about it.
///
/// Files hold the weights inline and are read exactly: the layers of ``network`` are the stored numbers, and an
/// operator whose effect is not expressible in binary64 layers without rounding is refused.
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
  /// Operators: Gemm, MatMul, Add, Sub, Mul, Div (with constants), Relu, Identity, Flatten, Dropout (inference) and
  /// Constant; tensors of FLOAT or DOUBLE; operator sets 7 to 28. Consecutive operators become separate layers where
  /// multiplying them out could round; ``ExactNetwork`` composes them exactly.
  /// - Throws: ``NetworkError``; the message names the node or the tensor, the problem and the fix.
  /// - Complexity: memory is bounded by a multiple of the bytes and of the bounds of ``Network``, whatever the bytes
  ///   are; time by nodes × weights.
  public init(bytes: [UInt8]) throws(NetworkError) {
    self = try ONNXReader.model(bytes)
  }

  /// Reads the model in the file at `path`, as ``init(bytes:)`` does.
  /// - Throws: ``NetworkError``, also when the file cannot be read or has more than ``maximumBytes`` bytes.
  public static func read(path: String) throws(NetworkError) -> ONNXModel {
    let bytes = try contents(path: path)
    do {
      return try ONNXModel(bytes: bytes)
    } catch {
      throw NetworkError(error.code, "\(path): \(error.message)")
    }
  }

  private static func contents(path: String) throws(NetworkError) -> [UInt8] {
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
      // A pipe would block and a directory has no bytes.
      guard attributes[.type] as? FileAttributeType == .typeRegular else {
        throw NetworkError(.file, "\(path): is not a regular file; give the path of an ONNX file")
      }
      let file = try FileHandle(forReadingFrom: url)
      defer { try? file.close() }
      // The bound holds for what is read, not for what the file's size was a moment ago.
      let data = try file.read(upToCount: maximumBytes + 1) ?? Data()
      guard data.count <= maximumBytes else {
        throw NetworkError(.tooLarge, "\(path): the file is larger than \(maximumBytes) bytes, the most that is read")
      }
      return [UInt8](data)
    } catch let error as NetworkError {
      throw error
    } catch {
      let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
      throw NetworkError(.file, "\(path): the file \(reason); check the path and its permissions")
    }
  }
}

extension Network {
  /// Reads the network of an ONNX model; see ``ONNXModel/init(bytes:)``.
  public init(onnx bytes: [UInt8]) throws(NetworkError) {
    self = try ONNXModel(bytes: bytes).network
  }

  /// Reads the network of the ONNX file at `path`; see ``ONNXModel/read(path:)``.
  public static func read(path: String) throws(NetworkError) -> Network {
    try ONNXModel.read(path: path).network
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
