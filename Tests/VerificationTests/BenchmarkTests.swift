import Certificates
import ExactArithmetic
import Foundation
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Networks of the benchmark whose verdicts must stay within reach.
struct BenchmarkTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func path(_ name: String) -> String { root.appending(path: "Benchmarks/networks/\(name).onnx").path }

  private static func network(_ name: String) throws -> Network {
    try Network(onnx: try BoundedFile.read(path(name), maximumBytes: ONNXModel.maximumBytes))
  }

  /// Twenty-four inputs: halving them all is hopeless, so the search must choose phases.
  @Test func monotoneNetworkOfTwentyFourInputsHoldsWithinAFewThousandLeaves() throws {
    let network = ExactNetwork(try Self.network("n24_2x8_mono_s0"))
    let query = Query.rising(Array(repeating: 0...1, count: 24))
    let builder = CounterexampleBuilder(network: network, query: query, index: 0, isEnclosed: false)
    let outcome = try Verifier(network: network).searchAndProve(query, builder, Budget()) { _, _ in }
    #expect(outcome.verdict == .holds)
    #expect(outcome.leaves <= 4000, "\(outcome.leaves)")
  }

  // MARK: Bytes, not GiB

  /// A benchmark network whose feature 2 is measured in units of 2⁻³⁰: weights times 2⁻³⁰, interval [0, 2³⁰]. In
  /// binary64 that is exact, so it is the same function; no float can tell the two apart, but float solvers do.
  private static let feature = 2
  private static let bits = 30

  private static func inBytes() throws -> (plain: Network, scaled: Network, box: [ClosedRange<Rational>]) {
    let plain = try network("n6_2x8_pen_s0")
    var layers = plain.layers
    let first = layers[0]
    var weights = first.weights
    for neuron in 0..<first.outputCount {
      let place = neuron * first.inputCount + feature
      weights[place] = weights[place] * 0x1p-30
      #expect(weights[place] * 0x1p30 == first.weights[place])
    }
    layers[0] = try Layer(
      inputCount: first.inputCount, outputCount: first.outputCount, weights: weights, biases: first.biases,
      isRectified: first.isRectified)
    var box = [ClosedRange<Rational>](repeating: 0...1, count: first.inputCount)
    box[feature] = 0...Rational(1 << bits)
    return (plain, try Network(layers: layers), box)
  }

  @Test func violationInAFeatureOfBytesThatFloatSolversMissIsFoundExactly() throws {
    let (plain, scaled, box) = try Self.inBytes()
    let query = Query.rising(box, feature: Self.feature)
    let exactNetwork = ExactNetwork(scaled)
    let builder = CounterexampleBuilder(network: exactNetwork, query: query, index: 0, isEnclosed: false)
    let outcome = try Verifier(network: exactNetwork).searchAndProve(query, builder, Budget()) { _, _ in }
    guard case .violated(let examples) = outcome.verdict, let worst = examples.first, let xPrime = worst.xPrime else {
      Issue.record("\(outcome.verdict)")
      return
    }
    for example in examples { #expect(try flaw(in: example, scaled, query) == nil) }
    // More than what the solvers are asked for.
    #expect(worst.drop > Rational(1, 1000), "\(worst.drop.approximation)")
    // The same two points in the old unit, where the solvers do find such a pair.
    func old(_ x: [Rational]) -> [Rational] {
      var x = x
      x[Self.feature] = x[Self.feature].scaled(bits: -Self.bits)
      return x
    }
    let values = try [worst.x, xPrime].map { try exactOutputs(plain, at: old($0))[0] }
    #expect(values == [worst.fx, worst.fxPrime])
    #expect(values[0] - values[1] == worst.drop)
    // Without a single sample too.
    #expect(try decide(scaled, query, .branchAndBound) == "violated")
  }

  /// The Python that has the version of HiGHS that this was seen with.
  private static let highs: String? = {
    let python = root.appending(path: ".venv-peers/bin/python").path
    let check = "from importlib.metadata import version; assert version('highspy') == '1.15.1'"
    return (try? run(python, ["-c", check]))?.status == 0 ? python : nil
  }()

  private static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  /// What the test above is there for: a float MILP solver says that the very same function never falls.
  @Test(.enabled(if: highs != nil, "HiGHS (highspy 1.15.1) is not installed; `make bench-peers` does it"))
  func floatSolverSaysThatTheFeatureOfBytesHolds() throws {
    let python = try #require(Self.highs)
    var answers: [String] = []
    for bits in [0, Self.bits] {
      let run = try Self.run(
        python,
        [
          Self.root.appending(path: "Benchmarks/units_milp.py").path, "highs", Self.path("n6_2x8_pen_s0"),
          String(Self.feature), "--bits", String(bits),
        ])
      #expect(run.status == 0)
      answers.append(String(run.output.prefix { $0 != "," }))
    }
    #expect(answers == [#"{"answer": "pair""#, #"{"answer": "none""#])
  }
}
