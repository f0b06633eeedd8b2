import ExactArithmetic
import Foundation
import Networks
import Specifications
import TestHelpers
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// A Python with onnxruntime, numpy, vnnlib and vehicle: `VPALS_PYTHON`, or the one that `make deps` installs.
private let interpreter: String? = {
  if let path = ProcessInfo.processInfo.environment["VPALS_PYTHON"], !path.isEmpty { return path }
  let path = root.appending(path: ".venv/bin/python3").path
  return FileManager.default.isExecutableFile(atPath: path) ? path : nil
}()

private let isContinuousIntegration = ProcessInfo.processInfo.environment["CI"] == "true"

/// A seeded generator (Steele, Lea and Flood, *OOPSLA* 2014).
private struct Dice {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in (−1, 1).
  mutating func signed() -> Double { 2 * Double(next() >> 11) * 0x1p-53 - 1 }
}

extension Network {
  /// Rectified layers and an affine one with weights of binary32 as a trainer begins with (He et al., *ICCV* 2015).
  fileprivate static func random(_ widths: [Int], seed: UInt64) throws -> Network {
    var dice = Dice(state: seed)
    return try Network(
      layers: zip(widths, widths.dropFirst()).enumerated().map { index, pair in
        let size = (6 / Double(pair.0)).squareRoot()
        return try Layer(
          inputCount: pair.0, outputCount: pair.1,
          weights: (0..<(pair.0 * pair.1)).map { _ in Double(Float(size * dice.signed())) },
          biases: (0..<pair.1).map { _ in Double(Float(0.1 * dice.signed())) }, isRectified: index + 2 < widths.count)
      })
  }
}

@Suite struct VNNLIBCommandTests {
  private let workspace = Workspace()

  /// Rises in its first input: relu(x₀ − x₁ / 2) + relu(x₀ − 1/2) + x₀ / 4 for x₀ ≥ 0.
  private static func rising() throws -> Network {
    try Network(layers: [
      Layer(
        inputCount: 2, outputCount: 3, weights: [1, -0.5, 1, 0, 1, 0], biases: [0, -0.5, 0], isRectified: true),
      Layer(inputCount: 3, outputCount: 1, weights: [1, 1, 0.25], biases: [0], isRectified: false),
    ])
  }

  /// The same, but for a dip between x₀ = 0.5 and 0.75.
  private static func dipping() throws -> Network {
    try Network(layers: [
      Layer(
        inputCount: 2, outputCount: 3, weights: [1, -0.5, 1, 0, 1, 0], biases: [0, -0.5, -0.75], isRectified: true),
      Layer(inputCount: 3, outputCount: 1, weights: [1, -2, 3], biases: [0], isRectified: false),
    ])
  }

  private func write(_ network: Network, to name: String) throws {
    try workspace.write(network.onnx(name: "f", producerVersion: "test", precision: .binary32), to: name)
  }

  private func run(_ arguments: String...) throws -> Outcome {
    try Program("vpals-vnnlib", arguments, in: workspace.path).outcome()
  }

  private static let bounded = """
    (vnnlib-version <2.0>)
    (declare-network f (declare-input X real [1,2]) (declare-output Y real [1,1]))
    (assert (and (>= X[0,0] 0.0) (<= X[0,0] 1.0) (>= X[0,1] 0.0) (<= X[0,1] 1.0)))
    """

  // MARK: The standard's command line

  @Test func saysWhatItIs() throws {
    #expect(try run("--name").output == "vPALs\n")
    let version = try run("--version").output
    #expect(version.split(separator: ".").count == 3 && version.allSatisfy { $0.isNumber || $0 == "." || $0 == "\n" })
    #expect(try run("supports", "--vnnlib-versions").output == "1.0\n2.1\n")
    #expect(try run("supports", "--onnx-element-types").output == "real\n")
    #expect(try run("supports", "--onnx-operators").lines.contains("Gemm"))
    #expect(try run("supports", "--onnx-opset-versions").output == "7\n28\n")
    #expect(try run("supports", "--hidden-node-theories").output == "NH\n")
    #expect(try run("supports", "--multiple-input-output-theories").output == "SIO\n")
    #expect(try run("supports", "--multiple-inputs-output-theories").output == "SIO\n")
    #expect(try run("supports", "--multiple-network-theories").output == "SNET\nMENET\nMINET\nMNET\n")
    #expect(try run("supports", "--multiple-node-comparison-theories").output == "SNC\nMNC\n")
    #expect(try run("supports", "--arithmetic-complexity-theories").output == "BND\nOUTC\nLIN\n")
    for flag in ["--optimised-disjunctive-reasoning", "--serialise-assignments", "--unsat-proofs"] {
      #expect(try run("supports", flag).output == "false\n")
    }
    #expect(try run("supports").status == 2)
    #expect(try run("supports", "--colour").status == 2)
  }

  @Test func answersInTheFormOfTheStandard() throws {
    try write(Self.rising(), to: "f.onnx")
    // At most 7/4, at x₀ = 1, x₁ = 0 alone: a tie.
    try workspace.write(Self.bounded + "(assert (>= Y[0,0] 1.75))", to: "sat.vnnlib")
    let sat = try run("verify", "sat.vnnlib", "--network", "f=f.onnx")
    #expect(sat.output == "sat\nX real [1,2]\n1\n0\nY real [1,1]\n1.75\n")
    #expect(sat.status == 0)
    try workspace.write(Self.bounded + "(assert (> Y[0,0] 1.75))", to: "unsat.vnnlib")
    let unsat = try run("verify", "unsat.vnnlib", "--network", "f=f.onnx", "--timeout", "60")
    #expect(unsat.output == "unsat\n" && unsat.status == 0)
    #expect(unsat.error.hasPrefix("unsat: 1 case: 1 by checked proofs ("))
    // One model needs no name.
    #expect(try run("verify", "unsat.vnnlib", "--network", "f.onnx").output == "unsat\n")
    let smt = try run("verify", "unsat.vnnlib", "--network", "f.onnx", "--engine", "smt")
    #expect(smt.output == "unsat\n")
    #expect(smt.error == "unsat: 1 case: 1 by Z3's answer to the whole case, without a proof\n")
  }

  @Test func answersInTheFormOfTheCompetition() throws {
    try write(Self.rising(), to: "f.onnx")
    let box = """
      (declare-const X_0 Real)
      (declare-const X_1 Real)
      (declare-const Y_0 Real)
      (assert (<= X_0 1)) (assert (>= X_0 0)) (assert (<= X_1 1)) (assert (>= X_1 0))

      """
    try workspace.write(box + "(assert (>= Y_0 1.75))", to: "sat.vnnlib")
    #expect(
      try run("verify", "sat.vnnlib", "--network", "f.onnx").output == "sat\n((X_0 1)\n (X_1 0)\n (Y_0 1.75))\n")
    try workspace.write(box + "(assert (or (> Y_0 1.75) (< Y_0 0)))", to: "unsat.vnnlib")
    #expect(try run("verify", "unsat.vnnlib", "--network", "net=f.onnx").output == "unsat\n")
  }

  @Test func theWordsAndCodesOfVehicleAreItsOwn() throws {
    try write(Network.random([8, 40, 40, 40, 1], seed: 5), to: "hard.onnx")
    var text = "(vnnlib-version <2.0>)\n(declare-network f (declare-input X Real [8]) (declare-output Y Real [1]))\n"
    for input in 0..<8 { text += "(assert (and (<= -1.0 X[\(input)]) (<= X[\(input)] 1.0)))\n" }
    // Beyond what is attained, within what bounds show at once.
    try workspace.write(text + "(assert (>= Y[0] 9.0))", to: "hard.vnnlib")
    let standard = try run("verify", "hard.vnnlib", "--network", "f=hard.onnx", "--timeout", "1")
    #expect(standard.output == "timed-out\n" && standard.status == 3)
    #expect(standard.error == "undecided: timeout; 0 of 1 cases are refuted\n")
    let vehicle = try run("hard.vnnlib", "--network", "f=hard.onnx", "--timeout", "1")
    #expect(vehicle.output == "timeout\n" && vehicle.status == 0)
    let program = try Program(
      "vpals-vnnlib", ["verify", "hard.vnnlib", "--network", "f=hard.onnx"], in: workspace.path)
    #expect(!program.hasEnded(withinMilliseconds: 1500))
    program.interrupt()
    #expect(program.hasEnded(withinMilliseconds: 5000))
    let interrupted = program.outcome()
    #expect(interrupted.output == "unknown\n" && interrupted.status == 3)
    #expect(interrupted.error.contains("undecided: interrupted"))
  }

  // MARK: Errors

  @Test func errorsNameTheirPlace() throws {
    try write(Self.rising(), to: "f.onnx")
    try workspace.write(Self.bounded + "\n(assert (<= Y[0] 1.0))", to: "bad.vnnlib")
    let bad = try run("verify", "bad.vnnlib", "--network", "f=f.onnx")
    #expect(bad.status == 2 && bad.output.isEmpty)
    #expect(bad.error.hasPrefix("error: bad.vnnlib:4:16: error[E013]: ']' where ','"), "\(bad.error)")
    try workspace.write(Self.bounded + "(assert (<= Y[0,0] 1.0))", to: "q.vnnlib")
    for (arguments, message) in [
      (["verify", "q.vnnlib"], "error: q.vnnlib needs a model for network 'f'; add --network f=PATH\n"),
      (
        ["verify", "q.vnnlib", "--network", "g=f.onnx"],
        "error: --network g=f.onnx: q.vnnlib declares no network 'g'; it declares 'f'\n"
      ),
      (
        ["verify", "q.vnnlib", "--network", "f=f.onnx", "--network", "f=f.onnx"],
        "error: --network f=f.onnx: this network has a model already, f.onnx\n"
      ),
      (["verify", "q.vnnlib", "--network", "f="], "error: --network f=: the path is empty; write NAME=PATH\n"),
      (
        ["verify", "none.vnnlib", "--network", "f=f.onnx"],
        "error: none.vnnlib: error[E001]: the file does not exist\n   fix: name a readable specification file\n"
      ),
    ] {
      let outcome = try Program("vpals-vnnlib", arguments, in: workspace.path).outcome()
      #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.error == message, "\(outcome.error)")
    }
    let missing = try run("verify", "q.vnnlib", "--network", "f=none.onnx")
    #expect(missing.status == 2 && missing.error.hasPrefix("error: none.onnx: "))
    try workspace.write(
      "(vnnlib-version <2.0>)(declare-network f (declare-input X real [3]) (declare-output Y real [1]))"
        + "(assert (<= Y[0] 1))", to: "three.vnnlib")
    let three = try run("verify", "three.vnnlib", "--network", "f=f.onnx")
    #expect(three.status == 2)
    #expect(three.error.contains("X of network 'f' is declared with 3 elements [3], but the model has 2 inputs"))
  }

  @Test func elementTypesOfProcessorsAreNamedOrRefused() throws {
    try write(Self.rising(), to: "f.onnx")
    try workspace.write(
      Self.bounded.replacing("real", with: "float32") + "(assert (> Y[0,0] 1.75))", to: "q.vnnlib")
    let accepted = try run("verify", "q.vnnlib", "--network", "f=f.onnx")
    #expect(accepted.output == "unsat\n")
    #expect(accepted.error.hasPrefix("note: X is declared float32, but the answer is about real numbers"))
    let refused = try run("verify", "q.vnnlib", "--network", "f=f.onnx", "--strict-types")
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.error.hasPrefix("error: q.vnnlib: X is declared float32"))
  }

  // MARK: Proofs

  /// Two of the cases need proofs, about networks of different sizes; the second checker reads them from their texts.
  @Test func proofsAreKeptForOtherCheckers() throws {
    try write(Self.rising(), to: "f.onnx")
    try workspace.write(
      Self.bounded
        + "(assert (or (> Y[0,0] 1.75) (and (>= Y[0,0] 1.5) (<= Y[0,0] X[0,0])) (< X[0,0] -1.0)))",
      to: "q.vnnlib")
    let outcome = try run("verify", "q.vnnlib", "--network", "f=f.onnx", "--proof", "kept")
    #expect(outcome.output == "unsat\n", "\(outcome.error)")
    #expect(outcome.error.contains("unsat: 3 cases: 2 by checked proofs"), "\(outcome.error)")
    #expect(outcome.error.contains(", 1 without inputs, by exact linear programming"))
    #expect(outcome.error.hasSuffix("2 proofs in kept\n"))
    let names = workspace.names(in: "kept").filter { $0.hasSuffix(".proof") }
    #expect(names == ["1.1.proof", "2.1.proof"])
    let jobs = try names.map { name in
      let stem = "kept/" + name.dropLast(6)
      return SecondChecker.Job(
        proof: try workspace.bytes("kept/\(name)"),
        network: String(decoding: try workspace.bytes(stem + ".network"), as: UTF8.self),
        queries: [String(decoding: try workspace.bytes(stem + ".query"), as: UTF8.self)])
    }
    #expect(try SecondChecker.answers(to: jobs).map(\.valid) == [true, true])
    let again = try run("verify", "q.vnnlib", "--network", "f=f.onnx", "--proof", "kept")
    #expect(again.status == 2 && again.error.contains("the directory is not empty"))
  }

  // MARK: Networks of the size of ACAS Xu

  /// 5 inputs, 6 × 50 neurons, 5 outputs, with queries as those of Katz et al., *CAV* 2017: a box of inputs, and an order
  /// of outputs as a conjunction or a disjunction. Verdicts that can be known are asked for; all conform, and
  /// counterexamples hold exactly here and within VNN-COMP's tolerance in onnxruntime.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func decidesQueriesOfACASXuForm(seed: UInt64) throws {
    let network = try Network.random([5, 50, 50, 50, 50, 50, 50, 5], seed: seed)
    try write(network, to: "acas.onnx")
    let exact = ExactNetwork(network)
    var dice = Dice(state: seed + 1000)
    let center = (0..<5).map { _ in Rational(Int(256 * dice.signed()), 512) }
    let values = exact.output(at: center)
    let least = try #require(values.indices.min { values[$0] < values[$1] })
    let greatest = try #require(values.indices.max { values[$0] < values[$1] })
    let others = (0..<5).filter { $0 != least }
    let conjunction = { (output: Int) in
      (0..<5).filter { $0 != output }.map { "(assert (<= Y_\(output) Y_\($0)))\n" }.joined()
    }
    let disjunction = "(assert (or \(others.map { "(and (<= Y_\($0) Y_\(least)))" }.joined(separator: " "))))\n"
    for (name, radius, assertions, expected) in [
      // The least output is the least at the centre.
      ("least", Rational(1, 64), conjunction(least), ["sat"]),
      // The greatest is not the least near it.
      ("greatest", Rational(1, 4096), conjunction(greatest), ["unsat"]),
      ("order", Rational(1, 4096), disjunction, ["unsat"]),
      ("wide", Rational(1, 64), disjunction, ["sat", "unsat", "timed-out"]),
      ("bound", Rational(1, 32), "(assert (>= Y_0 1000))\n", ["unsat", "timed-out"]),
    ] {
      var text = "; \(name), seed \(seed)\n"
      for input in 0..<5 { text += "(declare-const X_\(input) Real)\n" }
      for output in 0..<5 { text += "(declare-const Y_\(output) Real)\n" }
      for (input, x) in center.enumerated() {
        text += "(assert (<= X_\(input) \(try #require(DecimalText.terminating(x + radius)))))\n"
        text += "(assert (>= X_\(input) \(try #require(DecimalText.terminating(x - radius)))))\n"
      }
      try workspace.write(text + assertions, to: "\(name).vnnlib")
      let outcome = try run(
        "verify", "\(name).vnnlib", "--network", "acas.onnx", "--timeout", name == "wide" ? "10" : "240")
      let verdict = try #require(outcome.lines.first, "\(outcome.error)")
      print("ACAS form, seed \(seed), \(name): \(verdict); \(outcome.error)")
      #expect(expected.contains(verdict), "seed \(seed), \(name): \(verdict), \(outcome.error)")
      #expect(outcome.status == (verdict == "timed-out" ? 3 : 0))
      guard verdict == "sat" else {
        #expect(outcome.lines.count == 1)
        continue
      }
      let numbers = try outcome.lines.dropFirst().enumerated().map { index, line in
        let words = line.filter { $0 != "(" && $0 != ")" }.split(separator: " ")
        try #require(words.count == 2 && words[0] == (index < 5 ? "X_\(index)" : "Y_\(index - 5)"), "\(line)")
        return try #require(Rational(text: words[1]), "\(line)")
      }
      try #require(numbers.count == 10)
      let query = try VNNLIBQuery.read(path: workspace.file("\(name).vnnlib"))
      let outputs = exact.output(at: Array(numbers[..<5]))
      #expect(query.formula.holds(at: Array(numbers[..<5]) + outputs), "seed \(seed), \(name)")
      for (printed, output) in zip(numbers[5...], outputs) {
        // Forty digits, or the number itself.
        #expect((printed - output).magnitude <= output.magnitude.scaled(bits: -130))
      }
      guard interpreter != nil || isContinuousIntegration else { continue }
      let found = try python(["onnx_values.py", "acas.onnx"] + outcome.lines[1...5].map(Self.number))
      let runtime = try found.split(whereSeparator: \.isWhitespace).map {
        try #require(Double($0).flatMap { Rational(exactly: $0) })
      }
      for (computed, output) in zip(runtime, outputs) {
        #expect((computed - output).magnitude <= Rational(1, 10_000) * max(1, output.magnitude))
      }
    }
  }

  private static func number(_ line: String) -> String {
    String(line.filter { $0 != "(" && $0 != ")" }.split(separator: " ").last ?? "")
  }

  // MARK: Other programs

  private func python(_ arguments: [String]) throws -> String {
    let python = try #require(
      interpreter, "in CI a Python with onnxruntime, vnnlib and vehicle must be there: run `make deps`")
    let script = root.appending(path: "Tests/Python/\(arguments[0])").path
    let outcome = try Program(python, [script] + arguments.dropFirst(), in: workspace.path).outcome()
    try #require(outcome.status == 0, "\(arguments): \(outcome.output)\(outcome.error)")
    return outcome.output
  }

  private static let canDrive = interpreter != nil || isContinuousIntegration

  /// The standard's own parser reads the query; its answer is judged by that program alone.
  @Test(
    .enabled(if: canDrive, "needs vnnlib and onnxruntime: run `make deps`"),
    arguments: [
      ("rising", "monotone", "unsat"), ("dipping", "monotone", "sat"), ("rising", "bound 1.75", "unsat"),
      ("rising", "bound 1.7", "sat"), ("dipping", "strict", "sat"),
    ])
  func theStandardsParserDrivesIt(model: String, property: String, expected: String) throws {
    try write(model == "rising" ? Self.rising() : Self.dipping(), to: "f.onnx")
    var text = """
      (vnnlib-version <2.0>)
      (declare-network f (declare-input X real [1,2]) (declare-output Y real [1,1]))

      """
    if property == "monotone" {
      text += """
        (declare-network g (equal-to f) (declare-input Z real [1,2]) (declare-output W real [1,1]))
        (assert (and (<= 0.0 Z[0,0]) (<= Z[0,0] 1.0) (<= 0.0 Z[0,1]) (<= Z[0,1] 1.0)))
        (assert (== X[0,1] Z[0,1]))
        (assert (<= X[0,0] Z[0,0]))
        (assert (> Y[0,0] W[0,0]))

        """
    } else if property == "strict" {
      text += "(assert (and (> X[0,0] 0.5) (< X[0,0] 0.75) (!= (+ Y[0,0] X[0,0]) 1.0) (> (* 2.0 X[0,1]) 1.5)))\n"
    } else {
      text += "(assert (> Y[0,0] \(property.dropFirst(6))))\n"
    }
    text += "(assert (and (<= 0.0 X[0,0]) (<= X[0,0] 1.0) (<= 0.0 X[0,1]) (<= X[0,1] 1.0)))\n"
    try workspace.write(text, to: "q.vnnlib")
    let answer = try python(["vnnlib_drive.py", ChildProcess.built("vpals-vnnlib"), "q.vnnlib", "f=f.onnx"])
    #expect(answer == "\(expected)\n")
  }

  /// Vehicle 0.28 compiles a specification of its own to queries and asks for each.
  @Test(
    .enabled(if: canDrive, "needs vehicle-lang: run `make deps`"),
    arguments: [("rising", "🗸", "🗸", "✗"), ("dipping", "✗", "🗸", "✗")])
  func vehicleDrivesIt(model: String, monotone: String, bounded: String, low: String) throws {
    try write(model == "rising" ? Self.rising() : Self.dipping(), to: "f.onnx")
    try workspace.write(
      """
      @network
      f : Tensor Real [2] -> Tensor Real [1]

      valid : Tensor Real [2] -> Bool
      valid x = forall i . 0.0 <= x ! i <= 1.0

      @property
      monotone : Bool
      monotone = forall x z . valid x and valid z and x ! 0 <= z ! 0 and x ! 1 == z ! 1 => f x ! 0 <= f z ! 0

      @property
      bounded : Bool
      bounded = forall x . valid x => -10.0 <= f x ! 0 <= 1.75

      @property
      low : Bool
      low = forall x . valid x => f x ! 0 <= 0.7

      """, to: "spec.vcl")
    let python = try #require(interpreter, "in CI vehicle-lang must be there: run `make deps`")
    let vehicle = URL(filePath: python).deletingLastPathComponent().appending(path: "vehicle").path
    let outcome = try Program(
      vehicle,
      [
        "verify", "--specification", "spec.vcl", "--network", "f:f.onnx", "--solver",
        ChildProcess.built("vpals-vnnlib"),
      ],
      in: workspace.path
    ).outcome()
    #expect(outcome.status == 0, "\(outcome.error)")
    let marks = outcome.output.split(separator: "\n").filter { $0.contains("result:") }.map { line in
      line.contains("🗸") ? "🗸" : line.contains("✗") ? "✗" : String(line)
    }
    #expect(marks == [monotone, bounded, low], "\(outcome.output)\(outcome.error)")
  }
}
