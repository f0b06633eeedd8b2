internal import Crypto
internal import Foundation
internal import Glibc

/// Where the numbers of a tensor with external data lie (ONNX IR, External Tensor Data).
struct ONNXDataRange {
  /// The file, by name in the model's folder.
  let name: String
  let offset: Int
  /// All bytes from the offset on when there is none.
  let length: Int?
  /// SHA-1 of the whole file, if the model says so.
  let checksum: String?

  /// - Parameter entries: `external_data` of the tensor at `place`.
  init(_ entries: [Onnx_StringStringEntryProto], place: String) throws(NetworkError) {
    var values: [String: String] = [:]
    for entry in entries {
      guard ["location", "offset", "length", "checksum"].contains(entry.key) else {
        throw NetworkError(
          .unsupported, "\(place): external data has the key \(quoted(entry.key)), which is not known; save it again")
      }
      guard values.updateValue(entry.value, forKey: entry.key) == nil else {
        throw NetworkError(.malformed, "\(place): external data has the key \(quoted(entry.key)) twice")
      }
    }
    guard let location = values["location"] else {
      throw NetworkError(.malformed, "\(place): external data without a location; save the model again")
    }
    name = try Self.name(location, place: place)
    offset = try Self.number(values["offset"], "offset", place) ?? 0
    length = try Self.number(values["length"], "length", place)
    checksum = values["checksum"]
  }

  /// A path that names a file of the model's folder, and no way out of it.
  private static func name(_ location: String, place: String) throws(NetworkError) -> String {
    let problem: String
    // `./weights` is `weights`.
    let parts = location.split(separator: "/", omittingEmptySubsequences: false).filter { $0 != "." }
    if location.hasPrefix("/") {
      problem = "is an absolute path"
    } else if parts.contains("..") {
      problem = "leaves the model's folder"
    } else if parts.count > 1 {
      problem = "lies in another folder than the model"
    } else if let name = parts.first, !name.isEmpty, name.utf8.count <= 200,
      !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
    {
      return String(name)
    } else {
      problem = "is no name of a file (1 to 200 bytes without control characters)"
    }
    throw NetworkError(
      .unsupported,
      "\(place): the data file \(quoted(location)) \(problem); save the model with its data in a file beside it, or inline"
    )
  }

  private static func number(_ text: String?, _ key: String, _ place: String) throws(NetworkError) -> Int? {
    guard let text else { return nil }
    guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(text)
    else {
      throw NetworkError(
        .malformed, "\(place): the \(key) of its external data is \(quoted(text)); it must be a number of bytes")
    }
    return number
  }

  /// The bytes of the range out of those of the whole file, without copying them.
  fileprivate func bytes(in content: Data, place: String) throws(NetworkError) -> Data {
    let end = length.map { offset + $0 } ?? max(offset, content.count)
    guard end <= content.count else {
      throw NetworkError(
        .malformed,
        "\(place): needs the bytes \(offset)..<\(end) of \(quoted(name)), which has \(content.count); the file is "
          + "truncated or belongs to another model")
    }
    return content[content.startIndex + offset..<content.startIndex + end]
  }
}

/// The files beside a model that hold numbers of its tensors. Each is read once, as a whole, so that what is parsed is
/// what ``files`` has the digests of.
final class ONNXDataFiles {
  /// The most files of a model, and the most bytes of all together.
  static let maximumFiles = 256
  static let maximumBytes = ONNXModel.maximumBytes

  private let folder: String
  private let model: String
  private var contents: [String: Data] = [:]
  /// SHA-1 of the files for which the model has one.
  private var checksums: [String: String] = [:]
  private var total = 0

  /// - Parameters:
  ///   - folder: The directory of the model.
  ///   - model: The name of the model's own file.
  init(folder: String, model: String) {
    self.folder = folder
    self.model = model
  }

  /// What was read so far, sorted by name.
  var files: [NetworkFile] {
    contents.sorted { $0.key < $1.key }.map { NetworkFile(name: $0.key, content: $0.value) }
  }

  /// The numbers of a tensor, without copying them.
  /// - Parameter place: The tensor, for messages.
  func bytes(_ range: ONNXDataRange, place: String) throws(NetworkError) -> Data {
    let content = try content(range.name, place: place)
    if let checksum = range.checksum {
      // Once for each file, however many tensors have one.
      let found = checksums[range.name] ?? Insecure.SHA1.hash(data: content).hexadecimal
      checksums[range.name] = found
      guard found == checksum.lowercased() else {
        throw NetworkError(
          .malformed,
          "\(place): \(quoted(range.name)) has the SHA-1 checksum \(found), but the model says \(quoted(checksum)); it "
            + "belongs to another model")
      }
    }
    return try range.bytes(in: content, place: place)
  }

  /// The whole file of this name.
  /// - Parameter place: The tensor that needs it, for messages.
  func content(_ name: String, place: String) throws(NetworkError) -> Data {
    let file = "\(place): the data file \(quoted(name))"
    if let known = contents.index(forKey: name) {
      // Texts are equal here when they are written with other code points, but files of such names are two.
      guard contents[known].key.utf8.elementsEqual(name.utf8) else {
        throw NetworkError(
          .unsupported, "\(file) has the name of another one in another form of Unicode; rename one of them")
      }
      return contents[known].value
    }
    guard name != model else {
      throw NetworkError(.unsupported, "\(file) is the model itself; save the data in a file of its own")
    }
    guard contents.count < Self.maximumFiles else {
      throw NetworkError(
        .tooLarge,
        "the model has more than \(Self.maximumFiles) data files, the most that are read; save the tensors in one file")
    }
    let content = try read(name, file)
    total += content.count
    contents[name] = content
    return content
  }

  private func read(_ name: String, _ file: String) throws(NetworkError) -> Data {
    let directory = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw Self.unreadable(file, errno) }
    defer { close(directory) }
    // A link may lead anywhere, so none is followed; without O_NONBLOCK, a named pipe would wait for a writer.
    let descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.unreadable(file, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(file, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw NetworkError(.file, "\(file) is not a regular file; put the file itself beside the model")
    }
    var content = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Self.unreadable(file, errno) }
      if count == 0 { return content }
      // The bound holds for what is read, not for what the file's size was a moment ago.
      guard total + content.count + count <= Self.maximumBytes else {
        throw NetworkError(
          .tooLarge, "\(file): the model's data files have more than \(Self.maximumBytes) bytes, the most that are read"
        )
      }
      content.append(contentsOf: buffer[..<count])
    }
  }

  private static func unreadable(_ file: String, _ number: Int32) -> NetworkError {
    let problem =
      switch number {
      case ENOENT: "does not exist beside the model; copy it there"
      case ELOOP: "is a symbolic link; put the file itself beside the model"
      case EACCES, EPERM: "cannot be read; check its permissions"
      default: "cannot be read: \(String(cString: strerror(number))); check the file"
      }
    return NetworkError(.file, "\(file) \(problem)")
  }
}
