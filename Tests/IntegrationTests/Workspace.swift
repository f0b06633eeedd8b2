import Foundation
import Networks
import TestHelpers

/// A working directory of a user: `models/APP/VERSION/model.onnx`, `specs/APP.yaml`, and a store of its own.
final class Workspace {
  private let directory: TemporaryDirectory?
  let path: String

  init() {
    let directory = TemporaryDirectory()
    self.directory = directory
    path = directory.path
    // Most tests are about what is proved; SignedModelTests are about who says so.
    try? Data("gate: vpals/v1\nsignature: optional\n".utf8).write(to: URL(filePath: "\(path)/gate.yaml"))
  }

  /// A workspace in a directory that somebody else removes.
  init(at path: String) {
    directory = nil
    self.path = path
  }

  static let specification = """
    # What is known of the p99 latency.
    spec: vpals/v1
    features:
      pressure: {unit: fraction, domain: 0..1}
      cores: {unit: cores, domain: 0.5..2}
    outputs:
      p99: {unit: ms}
    properties:
      - id: rises-with-pressure
        nondecreasing: {of: p99, in: pressure}
      - id: sane
        always: 0 ms <= p99 <= 100 ms

    """

  /// offset + slope·relu(4·pressure − 2·cores + 1), where the relu runs from 0 to 4.
  static func network(offset: Double, slope: Double) throws -> Network {
    try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [4, -2], biases: [1], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [slope], biases: [offset], isRectified: false),
    ])
  }

  /// Both properties hold.
  static func good() throws -> Network { try network(offset: 2, slope: 3) }
  /// The first is violated: from pressure 0 to 1 at 0.5 cores, p99 falls from 20 to 8 ms.
  static func falling() throws -> Network { try network(offset: 20, slope: -3) }

  /// A dense network of 12 inputs and three hidden layers of 32 neurons, weights multiples of 2⁻⁸ in [−1, 1).
  static func hard() throws -> Network {
    var generator = SeededGenerator(seed: 1)
    func number() -> Double { Double(Int(generator.next() >> 55) - 256) / 256 }
    let widths = [12, 32, 32, 32, 1]
    return try Network(
      layers: (1..<widths.count).map { index in
        let (inputs, outputs) = (widths[index - 1], widths[index])
        return try Layer(
          inputCount: inputs, outputCount: outputs, weights: (0..<(inputs * outputs)).map { _ in number() },
          biases: (0..<outputs).map { _ in number() }, isRectified: index + 1 < widths.count)
      })
  }

  /// One bound for the hard network that intervals show, and one that is a little beyond what sampling reaches.
  static let hardSpecification =
    "spec: vpals/v1\nfeatures:\n" + (0..<12).map { "  x\($0): {domain: 0..1}\n" }.joined()
    + "outputs:\n  y: {}\nproperties:\n  - id: easy\n    always: y <= 1000000\n  - id: hard\n    always: y <= 46\n"

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ bytes: [UInt8], to name: String) throws {
    let parent = (file(name) as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  func read(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

  func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name)))) }

  func names(in name: String) -> [String] { TemporaryDirectory.names(in: file(name)) }

  /// Adds `models/APPLICATION/v0001/model.onnx` and `specs/APPLICATION.yaml`.
  func add(_ application: String, _ network: Network, specification: String = specification) throws {
    try write(network.onnx(name: application, producerVersion: "test"), to: "models/\(application)/v0001/model.onnx")
    try write(specification, to: "specs/\(application).yaml")
  }

  /// Runs `vpals` here to its end.
  func vpals(_ arguments: String...) throws -> Outcome { try Program("vpals", arguments, in: path).outcome() }
  func check(_ arguments: String...) throws -> Outcome { try Program("vpals-check", arguments, in: path).outcome() }
}
