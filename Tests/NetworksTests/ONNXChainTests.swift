import ExactArithmetic
import Foundation
import Testing

@testable import Networks

/// What onnxruntime computes for a model.
struct RuntimeAnswers: Decodable {
  let inputs: [[String]]
  let outputs: [[String]]

  /// Points with the computed outputs.
  var pairs: [(point: [Rational], found: [Rational])] {
    get throws {
      try zip(inputs, outputs).map { (try $0.map(Self.number), try $1.map(Self.number)) }
    }
  }

  private static func number(_ text: String) throws -> Rational {
    try #require(Double(text).flatMap { Rational(exactly: $0) }, "\(text) is no finite number")
  }
}

/// How far onnxruntime may be from the exact output.
///
/// ``ErrorBound`` says how far the layers can be in the format when they are computed one after the other, where every
/// term passes through at most m roundings, m ≥ 1. Graphs round more often where operators became one layer (alpha, beta
/// and a bias of Gemm; a quotient; the root, quotient and product of BatchNormalization, or weights that onnxruntime
/// folded into a layer; a Cast at the end): at most seven times more for a term, and γₘ₊₇ ≤ 8·γₘ but for terms of second
/// order, for which we allow one more.
func tolerances(_ network: Network, at point: [Rational], _ format: BinaryFormat) throws -> [Rational] {
  try #require(ErrorBound(network, over: point.map { $0...$0 }, format: format)).errors.map { $0 * 9 }
}

@Suite(.enabled(if: PythonTools.isExpected, PythonTools.reason))
struct ONNXChainTests {
  private struct Model: Decodable {
    let file: String
    let format: String
    let operators: [String]
  }

  /// The network with one weight changed by one part in 2¹⁰.
  private func changed(_ network: Network, _ generator: inout SplitMix64) throws -> Network {
    var layers = network.layers
    let index = Int.random(in: 0..<layers.count, using: &generator)
    let old = layers[index]
    var weights = old.weights
    let used = weights.indices.filter { weights[$0] != 0 }
    guard let chosen = used.randomElement(using: &generator) else { return network }
    weights[chosen] *= 1 + 0x1p-10
    layers[index] = try Layer(
      inputCount: old.inputCount, outputCount: old.outputCount, weights: weights, biases: old.biases,
      isRectified: old.isRectified)
    return try Network(layers: layers)
  }

  @Test(arguments: [1, 2])
  func onnxruntimeAgreesOnRandomChainsOfAllOperators(seed: UInt64) throws {
    print("seed \(seed)")
    let count = 200
    let folder = try Folder()
    let lines = try PythonTools.lines("onnx_chains.py", [folder.url.path, "\(seed)", "\(count)"])
    #expect(lines.count == count)
    var generator = SplitMix64(seed: seed)
    var operators: Set<String> = []
    var (detected, files) = (0, 0)
    for line in lines {
      let model = try JSONDecoder().decode(Model.self, from: Data(line.utf8))
      let answers = try JSONDecoder().decode(RuntimeAnswers.self, from: Data(line.utf8))
      let stored = try StoredNetwork.read(path: folder.path(model.file))
      files += stored.files.count - 1
      operators.formUnion(model.operators)
      let format = try #require(BinaryFormat(rawValue: model.format))
      let exact = ExactNetwork(stored.network)
      let other = ExactNetwork(try changed(stored.network, &generator))
      var isDetected = false
      for (point, found) in try answers.pairs {
        let expected = exact.output(at: point)
        let wrong = other.output(at: point)
        #expect(found.count == expected.count, "seed \(seed), \(model.file)")
        for (index, tolerance) in try tolerances(stored.network, at: point, format).enumerated() {
          let distance = (found[index] - expected[index]).magnitude
          #expect(
            distance <= tolerance,
            """
            seed \(seed), \(model.file) at \(point): onnxruntime says \(found[index].approximation), exactly \
            \(expected[index].approximation), tolerance \(tolerance.approximation)
            """)
          isDetected = isDetected || (found[index] - wrong[index]).magnitude > tolerance
        }
      }
      detected += isDetected ? 1 : 0
    }
    #expect(operators == Set(ONNXOperator.allCases.map(\.rawValue)), "every operator that is read must be compared")
    #expect(files > count / 10, "external data must be compared too")
    // The tolerance is tight enough to see a small mistake, except where ReLU hides it from all three points.
    #expect(detected > count * 2 / 3, "a weight that is wrong by 0.1 % must be seen in most models: \(detected)")
  }
}
