import ExactArithmetic
import Foundation
import Testing

@testable import Networks

@Suite struct NNetTests {
  /// y = relu(x₀ − 2·x₁ + 0.5)·4 − 0.1, in the style of the ACAS Xu files.
  static let small = """
    // Neural Network File Format by Kyle Julian, Stanford 2016
    // A second line of comment
    2,2,1,2,
    2,1,1,
    0,
    -60760.0,-3.141593,
    60760.0,3.141593,
    19791.091,0.0,7.5,
    60261.0,6.28318530718,373.9
    1.0,-2,
    +5e-1,
    4.,
    -.1

    """

  private func network(_ text: String) throws -> Network { try NNetModel(bytes: Array(text.utf8)).network }

  private func message(_ text: String) -> String? {
    let error = #expect(throws: NetworkError.self) { try NNetModel(bytes: Array(text.utf8)) }
    return error?.message
  }

  private func replacing(_ old: String, _ new: String) -> String {
    precondition(Self.small.contains(old))
    return Self.small.replacingOccurrences(of: old, with: new)
  }

  @Test func isTheNetworkBetweenTheNormalisations() throws {
    let model = try NNetModel(bytes: Array(Self.small.utf8))
    #expect(
      model.network
        == (try Network(layers: [
          Layer(inputCount: 2, outputCount: 1, weights: [1, -2], biases: [0.5], isRectified: true),
          Layer(inputCount: 1, outputCount: 1, weights: [4], biases: [-0.1], isRectified: false),
        ])))
    #expect(model.minima == [-60760, -3.141593])
    #expect(model.maxima == [60760, 3.141593])
    #expect(model.means == [19791.091, 0, 7.5])
    #expect(model.ranges == [60261, 6.28318530718, 373.9])
    #expect(model.isNormalised)
  }

  @Test func saysWhatIsNotPartOfTheFunction() throws {
    let folder = try Folder()
    let stored = try StoredNetwork.read(path: try folder.write(Array(Self.small.utf8), "Small.NNET"))
    #expect(stored.files == [NetworkFile(name: "Small.NNET", content: Data(Self.small.utf8))])
    #expect(
      stored.remarks == [
        "the network takes normalised inputs (x - mean) / range and gives normalised outputs y with output = y * range + "
          + "mean: specifications speak of these, and the means and ranges in the file are no part of what is proved"
      ])
    let plain = replacing("19791.091,0.0,7.5", "0,0,0").replacingOccurrences(
      of: "60261.0,6.28318530718,373.9", with: "1,1,1")
    #expect(try StoredNetwork(bytes: Array(plain.utf8), path: "plain.nnet").remarks == [])
    #expect(try network(plain) == network(Self.small))
  }

  @Test func theSameLayersAsONNXHaveTheSameDigest() throws {
    let read = try network(Self.small)
    let onnx = try Network(onnx: try read.onnx(name: "n", producerVersion: "1"))
    #expect(ExactNetwork(onnx).digest == ExactNetwork(read).digest)
  }

  @Test func lineEndsAndSpacesDoNotMatter() throws {
    let other = Self.small.replacingOccurrences(of: "\n", with: " \t\r\n\n").replacingOccurrences(of: ",", with: " , ")
    #expect(try network(other) == network(Self.small))
    #expect(try network(String(Self.small.dropLast())) == network(Self.small))
  }

  /// Decimals are read as the nearest binary64 number, ties to even.
  @Test(arguments: [UInt64(3), 4])
  func decimalsBecomeTheNearestNumber(seed: UInt64) throws {
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    func number(_ text: String) throws -> Double {
      try network(replacing("1.0,-2,", "\(text),-2,")).layers[0].weights[0]
    }
    for _ in 0..<300 {
      let digits = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
        String(Int.random(in: 0...9, using: &generator))
      }.joined()
      let text =
        "\(Bool.random(using: &generator) ? "-" : "")\(digits.first ?? "0").\(digits.dropFirst())1e"
        + "\(Int.random(in: -330...300, using: &generator))"
      let found = try number(text)
      let value = try #require(Rational(text: text))
      let nearest = try #require(Rational(exactly: found))
      for neighbour in [found.nextUp, found.nextDown] {
        let other = try #require(Rational(exactly: neighbour))
        #expect((value - nearest).magnitude <= (value - other).magnitude, "\(text)")
      }
    }
    // Halfway between 1 and its successor, and a little more.
    #expect(try number("1.00000000000000011102230246251565404236316680908203125") == 1)
    #expect(try number("1.00000000000000011102230246251565404236316680908203126") == 1.0.nextUp)
    #expect(try number("1e-400") == 0)
    #expect(try number("4.9406564584124654e-324") == .leastNonzeroMagnitude)
  }

  @Test func refusesWithTheLine() throws {
    #expect(message("") == "the file is empty; give an NNet file")
    #expect(
      message("// only\n")
        == "the file ends where the numbers of layers, inputs and outputs, and the greatest width should be; it is "
        + "truncated or no NNet file")
    let what = "the numbers of layers, inputs and outputs, and the greatest width"
    #expect(
      message(replacing("2,2,1,2,", "2,2,1,"))
        == "line 3: \(what): 4 numbers are needed, but there are 3; is this an NNet "
        + "file?")
    #expect(
      message(replacing("2,2,1,2,", "2,2,1,2,5,6"))
        == "line 3: \(what): 4 numbers are needed, but there are more than 4; is this an NNet file?")
    #expect(
      message(replacing("2,2,1,2,", "2,-2,1,2,"))
        == "line 3: \(what): \"-2\" is no number of anything; is this an NNet file?")
    #expect(message(replacing("2,2,1,2,", "0,2,1,2,")) == "line 3: 0 layers; 1 to 64 are supported")
    #expect(message(replacing("2,2,1,2,", "65,2,1,2,")) == "line 3: 65 layers; 1 to 64 are supported")
    #expect(message(replacing("2,1,1,\n", "2,0,1,\n")) == "line 4: a width of 0; 1 to 4096 are supported")
    #expect(
      message(replacing("2,1,1,\n", "2,999999999,1,\n")) == "line 4: a width of 999999999; 1 to 4096 are supported")
    #expect(
      message(replacing("2,1,1,\n", "1,1,1,\n"))
        == "line 4: the widths [1, 1, 1] are not those of the line before; the file is damaged")
    #expect(
      message(replacing("0,\n-60760", "1,\n-60760"))
        == "line 5: the flag of symmetric networks is set; only 0 is supported")
    #expect(
      message(replacing("-60760.0,-3.141593,", "-60760.0,"))
        == "line 6: the minima of the inputs: 2 numbers are needed, but there are 1; is this an NNet file?")
    let weights = "line 10: the weights of neuron 0 of layer 0"
    for text in ["nan", "inf", "0x1p3", "1e", "1.2.3", "--1", ".", "1 2", "", "1_000"] {
      #expect(
        message(replacing("1.0,-2,", "\(text),-2,"))
          == "\(weights): \(text.debugDescription) is no decimal number of at most 64 characters")
    }
    #expect(
      message(replacing("1.0,-2,", "1\(String(repeating: "0", count: 64)),-2,"))
        == "\(weights): \"1\(String(repeating: "0", count: 59))\"… is no decimal number of at most 64 characters")
    #expect(
      message(replacing("1.0,-2,", "1e999,-2,"))
        == "\(weights): \"1e999\" is beyond binary64; every number must be finite")
    #expect(message(Self.small + "3\n") == "line 14: \"3\" stands behind the last bias; the file is damaged")
    #expect(
      message(replacing("4.,\n-.1\n", "4.,\n"))
        == "the file ends where the bias of neuron 0 of layer 1 should be; it is truncated or no NNet file")
    #expect(
      message(String(repeating: "//\n", count: 1001)) == "line 1001: more than 1000 lines of comments; remove some")
    #expect(
      message("2,4096,4096,4096\n4096,4096,4096\n") == "line 2: 33554432 weights; at most 4000000 are supported")
  }

  @Test(arguments: [UInt64(5), 6])
  func mutatedFilesAreReadOrRefusedButNeverCrash(seed: UInt64) throws {
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    var read = 0
    for _ in 0..<2000 {
      var bytes = Array(Self.small.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[position] = Array("0123456789,.-e\n/".utf8).randomElement(using: &generator) ?? 0
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
        default: bytes.removeSubrange(position...)
        }
        if bytes.isEmpty { break }
      }
      if (try? NNetModel(bytes: bytes)) != nil { read += 1 }
    }
    #expect((1..<2000).contains(read))
  }
}

/// Against a parser and an evaluation of their own, in exact fractions.
@Suite(.enabled(if: PythonTools.isExpected, PythonTools.reason))
struct NNetAgreementTests {
  /// Numbers as other programs write them.
  private func text(_ generator: inout SplitMix64) -> String {
    let value = Double.random(in: -2...2, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: return "\(value)"
    case 1: return "\(Float(value))"
    case 2: return String(format: "%.5e", value)
    case 3: return String(format: "%.6f", value)
    default: return String(format: "%.20e", value)
    }
  }

  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6])
  func aSecondParserComputesTheSame(seed: UInt64) throws {
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    let widths = (0..<Int.random(in: 2...6, using: &generator)).map { _ in Int.random(in: 1...7, using: &generator) }
    func row(_ count: Int) -> String { (0..<count).map { _ in text(&generator) + "," }.joined() + "\n" }
    let (inputs, outputs) = (widths[0], widths[widths.count - 1])
    var file = "// seed \(seed)\n\(widths.count - 1),\(inputs),\(outputs),\(widths.max() ?? 0),\n"
    file += widths.map { "\($0)," }.joined() + "\n0,\n" + row(inputs) + row(inputs) + row(inputs + 1) + row(inputs + 1)
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      for _ in 0..<outputs { file += row(inputs) }
      for _ in 0..<outputs { file += row(1) }
    }
    let folder = try Folder()
    let path = try folder.write(Array(file.utf8), "random.nnet")
    let points = (0..<20).map { _ in
      (0..<inputs).map { _ in Rational(Int.random(in: -3000...3000, using: &generator), 1000) }
    }
    let decimals = points.map { point in point.map { "\($0.approximation)" }.joined(separator: " ") + "\n" }
    let input = try folder.write(Array(decimals.joined().utf8), "points")
    let lines = try PythonTools.lines("nnet_evaluate.py", [path], input: input)
    #expect(lines.count == points.count)
    let exact = ExactNetwork(try Network.read(path: path))
    #expect(exact.outputCount == outputs)
    for (point, line) in zip(points, lines) {
      let expected = try line.split(separator: " ").map { try #require(Rational(text: $0)) }
      #expect(exact.output(at: point) == expected, "seed \(seed) at \(point)")
    }
  }
}
