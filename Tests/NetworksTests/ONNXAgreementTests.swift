import ExactArithmetic
import Foundation
import Testing

@testable import Networks

@Suite(.enabled(if: PythonTools.isExpected, PythonTools.reason))
struct ONNXAgreementTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let widths: [Int]
    let precision: ONNXPrecision
    let seed: UInt64
    let inputs: Int
    var testDescription: String { "\(widths) \(precision.rawValue) seed \(seed)" }
  }

  static let cases = [
    Case(widths: [3, 1], precision: .binary64, seed: 1, inputs: 1000),
    Case(widths: [4, 8, 2], precision: .binary64, seed: 2, inputs: 1000),
    Case(widths: [4, 8, 2], precision: .binary32, seed: 3, inputs: 1000),
    Case(widths: [6, 16, 16, 3], precision: .binary64, seed: 4, inputs: 100),
  ]

  @Test(arguments: cases)
  func onnxruntimeComputesWhatTheExactForwardPassSays(test: Case) throws {
    let network = try randomNetwork(test.widths, seed: test.seed, isShort: test.precision == .binary32)
    let bytes = try network.onnx(
      name: "agree", featureNames: (0..<network.inputCount).map { "feature \($0)" }, metadata: ["k": "v"],
      producerVersion: "1", precision: test.precision)
    try agree(network, bytes, seed: test.seed, count: test.inputs, low: -4, high: 4)
  }

  @Test func onnxruntimeAgreesOnAFileOfAnotherProgramWrittenAgain() throws {
    let network = try Network.read(path: fixture("n6_2x8_mono_s0.onnx"))
    let bytes = try network.onnx(name: "again", producerVersion: "1", precision: .binary32)
    try agree(network, bytes, seed: 6, count: 200, low: 0, high: 1)
  }

  @Test(arguments: [Onnx_TensorProto.DataType.float, .double])
  func onnxruntimeAgreesOnEveryOperatorThatIsRead(type: Onnx_TensorProto.DataType) throws {
    var builder = ONNXBuilder(inputs: [3], outputs: [2], type: type)
    builder.tensor("mean", [3], [0.5, -1.25, 3])
    builder.tensor("scale", [1, 3], [0.75, 3, -0.5])
    builder.tensor("eight", [], [8])
    builder.tensor("A", [3, 4], (0..<12).map { Double($0 * $0 % 7) - 2.5 })
    builder.tensor("a", [4], [1, -2, 0.125, 3])
    builder.tensor("B", [4, 4], (0..<16).map { Double($0 * 5 % 11) * 0.25 - 1 })
    builder.tensor("b", [1, 4], [0.5, 0.25, -8, 2])
    builder.tensor("C", [2, 4], (0..<8).map { Double($0 * 3 % 5) - 2 })
    builder.tensor("c", [1], [4])
    builder.node("Sub", ["x", "mean"], "v0")
    builder.node("Mul", ["scale", "v0"], "v1")
    builder.node("Div", ["v1", "eight"], "v2")
    builder.node("Flatten", ["v2"], "v3", [ONNXBuilder.attribute("axis", 1)])
    builder.node("MatMul", ["v3", "A"], "v4")
    builder.node("Add", ["a", "v4"], "v5")
    builder.node("Relu", ["v5"], "v6")
    builder.node(
      "Gemm", ["v6", "B", "b"], "v7", [ONNXBuilder.scalar("alpha", 0.3), ONNXBuilder.scalar("beta", -0.5)])
    builder.node("Relu", ["v7"], "v8")
    builder.node("Identity", ["v8"], "v9")
    builder.node("Dropout", ["v9"], "v10")
    let value = builder.typed("", [1, 2], [10, -10])
    builder.node("Constant", [], "k", [ONNXBuilder.attribute("value", value)])
    builder.node("Gemm", ["v10", "C", "c"], "v11", [ONNXBuilder.attribute("transB", 1)])
    builder.node("Sub", ["k", "v11"], "y")
    let bytes = try builder.bytes
    try agree(try Network(onnx: bytes), bytes, seed: 8, count: 200, low: -4, high: 4)
  }

  private func agree(_ network: Network, _ bytes: [UInt8], seed: UInt64, count: Int, low: Double, high: Double) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("agree-\(UUID().uuidString).onnx")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let lines = try PythonTools.lines("onnx_agree.py", [file.path, "\(seed)", "\(count)", "\(low)", "\(high)"])
    #expect(lines.count == count)
    let exact = ExactNetwork(network)
    for line in lines {
      let words = line.split(separator: " ")
      let arrow = try #require(words.firstIndex(of: "->"))
      let point = try words[..<arrow].map { try #require(Double($0).flatMap { Rational(exactly: $0) }) }
      let found = try words[(arrow + 1)...].map { try #require(Double($0).flatMap { Rational(exactly: $0) }) }
      let expected = exact.output(at: point)
      #expect(found.count == expected.count)
      for (left, right) in zip(found, expected) {
        #expect(
          (left - right).magnitude * 1_000_000 <= max(1, right.magnitude),
          "seed \(seed): onnxruntime says \(left.approximation), exactly \(right.approximation) at \(line)")
      }
    }
  }
}
