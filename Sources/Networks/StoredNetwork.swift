internal import Foundation

/// A network as it was read from files, with the digests of all bytes that were parsed.
///
/// A statement about the network binds every one of ``files``: of an ONNX model with external data, the weights lie in
/// the files beside it.
public struct StoredNetwork: Sendable, Hashable {
  /// The largest file that is read, in bytes.
  public static let maximumBytes = ONNXModel.maximumBytes

  public let network: Network
  /// The file that was named first, then those that hold its tensors, sorted by name.
  public let files: [NetworkFile]
  /// What the file says beside the network and who uses the network must know: whole sentences.
  public let remarks: [String]

  /// Reads the network in `bytes`, the content of the file `path`.
  ///
  /// The name of the file tells the format: `.nnet` is the NNet text format (``NNetModel``), all else ONNX
  /// (``ONNXModel``). Files with external data of an ONNX model are looked for in the folder of `path`.
  /// - Throws: ``NetworkError``; the message names the place in the file, the problem and the fix.
  public init(bytes: [UInt8], path: String) throws(NetworkError) {
    let name = String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
    let own = NetworkFile(name: name, content: bytes)
    if Self.isNNet(name) {
      let model = try NNetModel(bytes: bytes)
      (network, files, remarks) = (model.network, [own], model.remarks)
    } else {
      let data = ONNXDataFiles(folder: Self.folder(of: path), model: name)
      network = try ONNXReader.model(bytes, data: data).network
      (files, remarks) = ([own] + data.files, [])
    }
  }

  /// Reads the network in the file at `path`, as ``init(bytes:path:)`` does.
  /// - Throws: ``NetworkError``, also when the file cannot be read or has more than ``maximumBytes`` bytes.
  public static func read(path: String) throws(NetworkError) -> StoredNetwork {
    let bytes = try contents(path: path)
    do {
      return try StoredNetwork(bytes: bytes, path: path)
    } catch {
      throw NetworkError(error.code, "\(path): \(error.message)")
    }
  }

  /// Whether the name of a file says that it holds a network: `.onnx` or `.nnet`.
  public static func isModel(_ name: String) -> Bool { hasEnding(".onnx", name) || isNNet(name) }

  private static func isNNet(_ name: String) -> Bool { hasEnding(".nnet", name) }

  /// By bytes: in a name that ends in `.onnx`, Swift may see the point as a part of another character.
  private static func hasEnding(_ ending: String, _ name: String) -> Bool {
    name.utf8.suffix(ending.utf8.count).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } == Array(ending.utf8)
  }

  /// The directory of a file.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The bytes of a regular file.
  static func contents(path: String) throws(NetworkError) -> [UInt8] {
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
      // A pipe would block and a directory has no bytes.
      guard attributes[.type] as? FileAttributeType == .typeRegular else {
        throw NetworkError(.file, "\(path): is not a regular file; give the path of an ONNX or NNet file")
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
  /// Reads the network of the ONNX or NNet file at `path`; see ``StoredNetwork/read(path:)``.
  public static func read(path: String) throws(NetworkError) -> Network {
    try StoredNetwork.read(path: path).network
  }
}
