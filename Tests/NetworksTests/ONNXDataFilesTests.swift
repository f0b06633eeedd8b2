import Foundation
import Glibc
import SwiftProtobuf
import Testing

@testable import Networks

/// Weights in files beside the model.
@Suite struct ONNXDataFilesTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  private static func entry(_ key: String, _ value: String) -> Onnx_StringStringEntryProto {
    var entry = Onnx_StringStringEntryProto()
    (entry.key, entry.value) = (key, value)
    return entry
  }

  private static func bytes(_ values: [Double]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }

  /// The small model with the two weights of its first layer outside, by these entries.
  private static func outside(_ entries: [(String, String)]) -> ONNXBuilder {
    var builder = ONNXBuilder.small
    builder.model.graph.initializer[0].doubleData = []
    builder.model.graph.initializer[0].dataLocation = .external
    builder.model.graph.initializer[0].externalData = entries.map { entry($0.0, $0.1) }
    return builder
  }

  private func read(_ builder: ONNXBuilder) throws -> StoredNetwork {
    try StoredNetwork.read(path: try folder.write(try builder.bytes, "model.onnx"))
  }

  private func refusal(_ builder: ONNXBuilder) throws -> String? {
    let path = try folder.write(try builder.bytes, "model.onnx")
    let error = #expect(throws: NetworkError.self) { try StoredNetwork.read(path: path) }
    let prefix = "\(path): tensor \"W0\": "
    let message = try #require(error?.message)
    #expect(message.hasPrefix(prefix), "\(message)")
    return String(message.dropFirst(prefix.count))
  }

  @Test func rangesOfAFileAreRead() throws {
    let expected = try Network(onnx: try ONNXBuilder.small.bytes)
    let weights = Self.bytes([1, -2])
    try folder.write(weights, "w.data")
    #expect(try read(Self.outside([("location", "w.data")])).network == expected)
    try folder.write([9, 9, 9] + weights + [7], "w.data")
    let stored = try read(Self.outside([("location", "./w.data"), ("offset", "3"), ("length", "16")]))
    #expect(stored.network == expected)
    #expect(
      stored.files == [
        NetworkFile(name: "model.onnx", content: try Data(contentsOf: folder.url.appendingPathComponent("model.onnx"))),
        NetworkFile(name: "w.data", content: Data([9, 9, 9] + weights + [7])),
      ])
    #expect(try ONNXModel.read(path: folder.path("model.onnx")).network == expected)
  }

  @Test func rangesMayOverlap() throws {
    // Three tensors of one file: W0 = [1, −2], b0 = [−2], W1 = [1].
    try folder.write(Self.bytes([1, -2]), "w.data")
    var builder = Self.outside([("location", "w.data")])
    for (index, offset) in [(1, "8"), (2, "0")] {
      builder.model.graph.initializer[index].doubleData = []
      builder.model.graph.initializer[index].dataLocation = .external
      builder.model.graph.initializer[index].externalData = [
        Self.entry("location", "w.data"), Self.entry("offset", offset), Self.entry("length", "8"),
      ]
    }
    let stored = try read(builder)
    #expect(stored.files.map(\.name) == ["model.onnx", "w.data"])
    #expect(stored.network.layers[0].weights == [1, -2])
    #expect(stored.network.layers[0].biases == [-2])
    #expect(stored.network.layers[1].weights == [1])
  }

  @Test func aConstantNodeMayHaveItsValueOutside() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    var builder = Self.outside([("location", "w.data")])
    let tensor = builder.model.graph.initializer.removeFirst()
    builder.node("Constant", [], "W0", [ONNXBuilder.attribute("value", tensor)])
    builder.model.graph.node.insert(builder.model.graph.node.removeLast(), at: 0)
    let stored = try read(builder)
    #expect(stored.network == (try Network(onnx: try ONNXBuilder.small.bytes)))
    #expect(stored.files.map(\.name) == ["model.onnx", "w.data"])
  }

  /// Nobody may change a file that a model names and nobody notices, also when no layer uses it.
  @Test func filesOfUnusedTensorsAreNamedToo() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    try folder.write(Self.bytes([5]), "unused.data")
    var builder = Self.outside([("location", "w.data")])
    var tensor = builder.model.graph.initializer[0]
    tensor.name = "unused"
    tensor.externalData = [Self.entry("location", "unused.data")]
    builder.model.graph.initializer.append(tensor)
    #expect(try read(builder).files.map(\.name) == ["model.onnx", "unused.data", "w.data"])
  }

  @Test func bytesAloneHaveNoFilesBesideThem() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    let bytes = try Self.outside([("location", "w.data")]).bytes
    let error = #expect(throws: NetworkError.self) { try Network(onnx: bytes) }
    #expect(
      error?.message
        == "tensor \"W0\" is stored outside the file (external data); save the model with its weights inline")
  }

  @Test(arguments: [
    ("/etc/passwd", "is an absolute path"), ("../w.data", "leaves the model's folder"),
    ("a/../../w.data", "leaves the model's folder"), ("..", "leaves the model's folder"),
    ("a/w.data", "lies in another folder than the model"), ("w.data/", "lies in another folder than the model"),
    ("", "is no name of a file (1 to 200 bytes without control characters)"),
    (".", "is no name of a file (1 to 200 bytes without control characters)"),
    ("w\u{0}.data", "is no name of a file (1 to 200 bytes without control characters)"),
  ])
  func pathsThatLeaveTheFolderAreRefused(location: String, problem: String) throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    #expect(
      try refusal(Self.outside([("location", location)]))
        == "the data file \(location.debugDescription) \(problem); save the model with its data in a file beside it, or "
        + "inline")
  }

  @Test func filesThatAreNoRegularFilesAreRefused() throws {
    let model = Self.outside([("location", "w.data")])
    let path = folder.path("w.data")
    #expect(try refusal(model) == "the data file \"w.data\" does not exist beside the model; copy it there")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(
      try refusal(model) == "the data file \"w.data\" is not a regular file; put the file itself beside the model")
    try FileManager.default.removeItem(atPath: path)
    try #require(mkfifo(path, 0o644) == 0)
    #expect(
      try refusal(model) == "the data file \"w.data\" is not a regular file; put the file itself beside the model")
    try FileManager.default.removeItem(atPath: path)
    // A link is refused wherever it leads.
    try folder.write(Self.bytes([1, -2]), "real")
    for target in ["real", "/etc/passwd", "/dev/zero", "w.data"] {
      try #require(symlink(target, path) == 0)
      #expect(
        try refusal(model) == "the data file \"w.data\" is a symbolic link; put the file itself beside the model")
      try FileManager.default.removeItem(atPath: path)
    }
    #expect(
      try refusal(Self.outside([("location", "model.onnx")]))
        == "the data file \"model.onnx\" is the model itself; save the data in a file of its own")
  }

  /// Swift takes the two names for equal, file systems do not.
  @Test func namesInTwoFormsOfUnicodeAreRefused() throws {
    let names = ["w\u{e9}.data", "we\u{301}.data"]
    for name in names { try folder.write(Self.bytes([1, -2]), name) }
    var builder = Self.outside([("location", names[0])])
    #expect(try read(builder).files.map(\.name) == ["model.onnx", names[0]])
    var tensor = builder.model.graph.initializer[0]
    tensor.name = "W0 again"
    tensor.externalData = [Self.entry("location", names[1])]
    builder.model.graph.initializer.append(tensor)
    let path = try folder.write(try builder.bytes, "model.onnx")
    let error = #expect(throws: NetworkError.self) { try StoredNetwork.read(path: path) }
    #expect(
      error?.message
        == "\(path): tensor \"W0 again\": the data file \"\(names[1])\" has the name of another one in another form of "
        + "Unicode; rename one of them")
  }

  @Test func aModelInALinkedFolderFindsItsData() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    try folder.write(try Self.outside([("location", "w.data")]).bytes, "model.onnx")
    let link = folder.url.path + "-link"
    try #require(symlink(folder.url.path, link) == 0)
    defer { unlink(link) }
    #expect(try StoredNetwork.read(path: "\(link)/model.onnx").files.count == 2)
  }

  @Test func rangesOutsideTheFileAreRefused() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    func outside(_ offset: String, _ length: String?) throws -> String? {
      try refusal(
        Self.outside([("location", "w.data"), ("offset", offset)] + (length.map { [("length", $0)] } ?? [])))
    }
    let end = "which has 16; the file is truncated or belongs to another model"
    #expect(try outside("8", "16") == "needs the bytes 8..<24 of \"w.data\", \(end)")
    #expect(try outside("17", nil) == "needs the bytes 17..<17 of \"w.data\", \(end)")
    #expect(
      try outside("999999999999999999", "999999999999999999")
        == "needs the bytes 999999999999999999..<1999999999999999998 of \"w.data\", \(end)")
    for number in ["-1", "1e3", "", "0x10", "9223372036854775808", "٣"] {
      #expect(
        try outside(number, nil)
          == "the offset of its external data is \(number.debugDescription); it must be a number of bytes")
    }
  }

  @Test func rangesOfAnotherLengthAreRefused() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    for (length, message) in [
      ("8", "tensor \"W0\" has the shape [1, 2] of 2 values, but holds 1; the file is damaged"),
      ("15", "tensor \"W0\" has 15 bytes of raw data, not a multiple of 8; the file is damaged"),
      ("0", "tensor \"W0\" has the shape [1, 2] of 2 values, but holds 0; the file is damaged"),
    ] {
      let path = try folder.write(
        try Self.outside([("location", "w.data"), ("length", length)]).bytes, "model.onnx")
      let error = #expect(throws: NetworkError.self) { try StoredNetwork.read(path: path) }
      #expect(error?.message == "\(path): \(message)")
    }
  }

  @Test func entriesAreKnownAndOnce() throws {
    try folder.write(Self.bytes([1, -2]), "w.data")
    #expect(try refusal(Self.outside([])) == "external data without a location; save the model again")
    #expect(
      try refusal(Self.outside([("location", "w.data"), ("location", "v.data")]))
        == "external data has the key \"location\" twice")
    #expect(
      try refusal(Self.outside([("location", "w.data"), ("key", "1")]))
        == "external data has the key \"key\", which is not known; save it again")
    var both = Self.outside([("location", "w.data")])
    both.model.graph.initializer[0].doubleData = [1, -2]
    let path = try folder.write(try both.bytes, "model.onnx")
    let error = #expect(throws: NetworkError.self) { try StoredNetwork.read(path: path) }
    #expect(error?.message == "\(path): tensor \"W0\" is stored outside the file and in it; save the model again")
  }

  @Test func aChecksumMustAgree() throws {
    let weights = Self.bytes([1, -2])
    try folder.write(weights, "w.data")
    // sha1sum of the sixteen bytes.
    let sum = "71a4a6c8e2b26a168eda02a7513415557697935a"
    #expect(try read(Self.outside([("location", "w.data"), ("checksum", sum)])).files.count == 2)
    #expect(
      try refusal(Self.outside([("location", "w.data"), ("checksum", "00")]))
        == "\"w.data\" has the SHA-1 checksum \(sum), but the model says \"00\"; it belongs to another model")
  }

  @Test func largeFilesAreRefused() throws {
    let path = folder.path("w.data")
    try #require(FileManager.default.createFile(atPath: path, contents: nil))
    // A hole, which takes no room.
    try #require(truncate(path, ONNXDataFiles.maximumBytes + 1) == 0)
    #expect(
      try refusal(Self.outside([("location", "w.data"), ("length", "16")]))
        == "the data file \"w.data\": the model's data files have more than 67108864 bytes, the most that are read")
    try #require(truncate(path, ONNXDataFiles.maximumBytes) == 0)
    #expect(try read(Self.outside([("location", "w.data"), ("length", "16")])).network.layers[0].weights == [0, 0])
  }

  @Test func manyFilesAreRefused() throws {
    var builder = Self.outside([("location", "0.data")])
    for index in 0...ONNXDataFiles.maximumFiles {
      try folder.write(Self.bytes([1, -2]), "\(index).data")
      var tensor = builder.model.graph.initializer[0]
      tensor.name = "T\(index)"
      tensor.externalData = [Self.entry("location", "\(index).data")]
      builder.model.graph.initializer.append(tensor)
    }
    let path = try folder.write(try builder.bytes, "model.onnx")
    let error = #expect(throws: NetworkError.self) { try StoredNetwork.read(path: path) }
    #expect(
      error?.message
        == "\(path): the model has more than 256 data files, the most that are read; save the tensors in one file")
    builder.model.graph.initializer.removeLast()
    #expect(try read(builder).files.count == 257)
  }
}
