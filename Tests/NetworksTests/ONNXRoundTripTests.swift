import Foundation
import Testing

@testable import Networks

@Suite struct ONNXRoundTripTests {
  @Test(arguments: [[1, 1], [3, 4, 2], [6, 8, 8, 1], [12, 16, 16, 3]])
  func everyNetworkIsReadBackExactly(widths: [Int]) throws {
    for seed in UInt64(1)...5 {
      let network = try randomNetwork(widths, seed: seed)
      let copy = try Network(onnx: try network.onnx(name: "n", producerVersion: "1"))
      #expect(copy == network, "seed \(seed)")
      #expect(ExactNetwork(copy).digest == ExactNetwork(network).digest, "seed \(seed)")
    }
  }

  @Test func extremeNumbersAreReadBackExactly() throws {
    let weights = [Double.leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0, 0.1, -Double.leastNormalMagnitude]
    let network = try Network(layers: [
      Layer(inputCount: 5, outputCount: 1, weights: weights, biases: [0x1p-1070], isRectified: false)
    ])
    let copy = try Network(onnx: try network.onnx(name: "n", producerVersion: "1"))
    #expect(copy.layers[0].weights.map(\.bitPattern) == weights.map(\.bitPattern))
    #expect(copy == network)
  }

  @Test func namesAndMetadataAreReadBack() throws {
    let network = try randomNetwork([2, 3, 1], seed: 9, isShort: true)
    let model = ONNXModel(
      network: network, name: "nginx", featureNames: ["psi, cpu", "cores\n"], outputNames: ["p99"],
      metadata: ["vpals.application": "nginx", "a": ""], producerVersion: "0.1", precision: .binary32)
    #expect(try ONNXModel(bytes: try model.bytes()) == model)
  }

  @Test(arguments: ONNXPrecision.allCases)
  func sameModelGivesSameBytes(precision: ONNXPrecision) throws {
    let network = try randomNetwork([4, 5, 2], seed: 3, isShort: true)
    var metadata: [String: String] = [:]
    for index in 0..<20 { metadata["key\(index)"] = "value\(index)" }
    var reversed: [String: String] = [:]
    for index in (0..<20).reversed() { reversed["key\(index)"] = "value\(index)" }
    let bytes = try network.onnx(name: "n", metadata: metadata, producerVersion: "1", precision: precision)
    #expect(try network.onnx(name: "n", metadata: reversed, producerVersion: "1", precision: precision) == bytes)
  }

  @Test func bytesOfTheSmallestModelAreFixed() throws {
    let network = try Network(layers: [
      Layer(inputCount: 1, outputCount: 1, weights: [1.5], biases: [-2], isRectified: false)
    ])
    let bytes = try network.onnx(name: "n", producerVersion: "1", precision: .binary32)
    #expect(
      bytes.hexadecimal
        == "080812057670616c731a01313a98010a380a0866656174757265730a0257300a02623012076f7574707574731a064765"
        + "6d6d5f30220447656d6d2a0d0a067472616e73421801a0010212016e2a10080108011001420257304a040000c03f2a0e"
        + "08011001420262304a04000000c05a1b0a086665617475726573120f0a0d080112090a0312014e0a020801621a0a076f"
        + "757470757473120f0a0d080112090a0312014e0a02080142040a00100d")
  }

  @Test func binary32IsRefusedWhereItWouldRound() throws {
    let network = try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [0.5, 0.1], biases: [0], isRectified: false)
    ])
    let error = #expect(throws: NetworkError.self) {
      try network.onnx(name: "n", producerVersion: "1", precision: .binary32)
    }
    #expect(error?.code == .unsupported)
    #expect(
      error?.message == "value 1 of tensor W0 is 0.1, which is not exactly a binary32 number; write the model in "
        + "binary64 or round the weights first")
  }

  @Test func writerRefusesWhatCannotBeReadBack() throws {
    let network = try randomNetwork([2, 1], seed: 1)
    let cases: [(ONNXModel, String)] = [
      (ONNXModel(network: network, name: "", producerVersion: "1"), "an ONNX model needs a name that is not empty"),
      (
        ONNXModel(network: network, name: "n", featureNames: ["a"], producerVersion: "1"),
        "1 names under vpals.feature.*, but the network has 2; give one each"
      ),
      (
        ONNXModel(network: network, name: "n", metadata: ["vpals.feature.0": "a"], producerVersion: "1"),
        "the metadata key \"vpals.feature.0\" is reserved for names; choose another key"
      ),
      (
        ONNXModel(
          network: network, name: "n", metadata: ["a": String(repeating: "b", count: 1 << 20)], producerVersion: "1"),
        "the model has 1048752 bytes beside its weights; at most 1048576 are supported (store weights as raw_data)"
      ),
    ]
    for (model, message) in cases {
      let error = #expect(throws: NetworkError.self) { try model.bytes() }
      #expect(error?.message == message)
    }
  }

  /// The layers as another program wrote them beside the ONNX file, in decimal.
  struct Description: Decodable {
    struct Layer: Decodable {
      let W: [[Double]]
      let b: [Double]
    }
    let layers: [Layer]
  }

  @Test func fileOfAnotherProgramHasTheWeightsThatItsDescriptionSays() throws {
    let model = try ONNXModel.read(path: fixture("n6_2x8_mono_s0.onnx"))
    let data = try Data(contentsOf: URL(fileURLWithPath: fixture("n6_2x8_mono_s0.json")))
    let description = try JSONDecoder().decode(Description.self, from: data)
    #expect(model.precision == .binary32)
    #expect(model.network.hiddenWidths == [8, 8])
    #expect(model.network.inputCount == 6)
    let layers = model.network.layers
    #expect(layers.map { $0.weights.map(Float.init) } == description.layers.map { $0.W.joined().map(Float.init) })
    #expect(layers.map { $0.biases.map(Float.init) } == description.layers.map { $0.b.map(Float.init) })
    #expect(try ONNXModel(bytes: try model.bytes()).network == model.network)
  }

  @Test func unreadableFilesAreRefusedWithTheirPath() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func error(_ path: String) -> NetworkError? {
      #expect(throws: NetworkError.self) { try Network.read(path: path) }
    }
    let missing = folder.appendingPathComponent("missing.onnx").path
    #expect(
      error(missing) == NetworkError(.file, "\(missing): the file does not exist; check the path and its permissions"))
    #expect(
      error(folder.path)
        == NetworkError(.file, "\(folder.path): is not a regular file; give the path of an ONNX or NNet file"))
    let empty = folder.appendingPathComponent("empty.onnx")
    try Data().write(to: empty)
    #expect(error(empty.path) == NetworkError(.malformed, "\(empty.path): the file is empty; give an ONNX file"))
    let large = folder.appendingPathComponent("large.onnx")
    try Data().write(to: large)
    let handle = try FileHandle(forWritingTo: large)
    try handle.truncate(atOffset: UInt64(ONNXModel.maximumBytes) + 1)
    try handle.close()
    #expect(
      error(large.path)
        == NetworkError(
          .tooLarge, "\(large.path): the file is larger than 67108864 bytes, the most that is read"))
    let link = folder.appendingPathComponent("link.onnx")
    try FileManager.default.createSymbolicLink(
      at: link, withDestinationURL: URL(fileURLWithPath: fixture("n6_2x8_mono_s0.onnx")))
    #expect(try Network.read(path: link.path) == Network.read(path: fixture("n6_2x8_mono_s0.onnx")))
  }
}
