import Certificates
import ExactArithmetic
import Networks
import ProofChecking
import Specifications
import TestHelpers
import Testing

@testable import Verification

@Suite struct SatisfiabilityTests {
  /// Decides; whatever the answer is, what it rests on is looked at again.
  private func decide(
    _ text: String, _ networks: [Network], options: VerificationOptions = VerificationOptions(samples: 96),
    budget: Budget = Budget()
  ) throws -> (answer: String, result: SatisfiabilityResult) {
    let query = try VNNLIBQuery.parse(Array(text.utf8), path: "q.vnnlib")
    let problem = try SatisfiabilityProblem(query: query, networks: networks.map { ExactNetwork($0) })
    let result = try SatisfiabilityVerifier(problem: problem, options: options).decide(budget: budget)
    switch result.answer {
    case .unknown(let reason): return ("unknown: \(reason)", result)
    case .unsatisfiable:
      #expect(result.refuted.count == result.caseCount)
      for case .proofs(let proofs) in result.refuted.values {
        #expect(!proofs.isEmpty)
        for proof in proofs {
          _ = try ProofChecker(network: proof.network).check(file: proof.file.path, queries: [proof.query])
        }
      }
      return ("unsat", result)
    case .satisfiable(let witness):
      // The tests' own forward pass.
      var values: [Rational] = []
      for (network, (inputs, outputs)) in zip(networks, zip(witness.inputs, witness.outputs)) {
        #expect(try exactOutputs(network, at: inputs) == outputs)
        values += inputs + outputs
      }
      return (query.formula.holds(at: values) ? "sat" : "false witness", result)
    }
  }

  private static func declaration(_ name: String, _ number: Int, _ network: Network, _ equivalence: String = "")
    -> String
  {
    "(declare-network \(name) \(equivalence)(declare-input X\(number) real [\(network.inputCount)]) "
      + "(declare-output Y\(number) real [\(network.outputCount)]))\n"
  }

  private static func head(_ networks: [Network], isEqual: Bool = false) -> String {
    "(vnnlib-version <2.0>)\n"
      + networks.enumerated().map { index, network in
        declaration("n\(index)", index, network, isEqual && index > 0 ? "(equal-to n0) " : "")
      }.joined()
  }

  // MARK: Brute force

  /// A formula of random comparisons over the variables, with small numbers: ties are frequent.
  private static func formula(_ names: [String], depth: Int, _ dice: inout Dice) -> String {
    if depth > 0, dice.chance(0.55) {
      let parts = (0..<dice.integer(in: 2...3)).map { _ in formula(names, depth: depth - 1, &dice) }
      return "(\(dice.chance(0.6) ? "and" : "or") \(parts.joined(separator: " ")))"
    }
    let relation = dice.pick(["<=", "<=", "<", ">=", ">=", ">", "<", "==", "!="])
    let terms = (0..<dice.integer(in: 1...2)).map { _ in
      dice.chance(0.5) ? dice.pick(names) : "(* \(Double(dice.integer(in: -4...4)) / 2) \(dice.pick(names)))"
    }
    let left = terms.count == 1 ? terms[0] : "(+ \(terms.joined(separator: " ")))"
    let right = dice.chance(0.6) ? "\(Double(dice.integer(in: -6...6)) / 2)" : dice.pick(names)
    return "(\(relation) \(left) \(right))"
  }

  private static func bounds(_ name: String, _ box: ClosedRange<Rational>) -> String {
    let low = DecimalText.terminating(box.lowerBound) ?? "0"
    let high = DecimalText.terminating(box.upperBound) ?? "0"
    return "(assert (and (>= \(name) \(low)) (<= \(name) \(high))))\n"
  }

  struct World: Sendable, CustomTestStringConvertible {
    let name: String
    let seeds: Range<UInt64>
    var testDescription: String { "\(name) \(seeds)" }
  }

  @Test(arguments: [
    World(name: "one", seeds: 0..<60), World(name: "one", seeds: 60..<120), World(name: "one", seeds: 120..<180),
    World(name: "equal", seeds: 200..<260), World(name: "equal", seeds: 260..<320),
    World(name: "different", seeds: 400..<460), World(name: "different", seeds: 460..<500),
    World(name: "shared", seeds: 600..<660),
  ])
  func agreesWithPhaseEnumeration(world: World) throws {
    var counts: [String: Int] = [:]
    var grounds: [String: Int] = [:]
    for seed in world.seeds {
      var dice = Dice(seed: seed)
      let style = dice.pick([WeightStyle.ternary, .ternary, .dyadic, .single])
      let widths = dice.pick([[2], [3], [2, 2], [3, 2]])
      func network(_ inputs: Int) throws -> Network {
        try Network.random(inputs: inputs, widths: widths, outputs: dice.integer(in: 1...2), style: style, &dice)
      }
      func interval() -> ClosedRange<Rational> {
        let low = Rational(dice.integer(in: -4...2), 2)
        return low...(low + Rational(dice.integer(in: 1...4), 2))
      }
      let networks: [Network]
      let boxes: [[ClosedRange<Rational>]]
      switch world.name {
      case "one":
        networks = [try network(2)]
        boxes = [[interval(), interval()]]
      case "different":
        networks = [try network(1), try network(1)]
        boxes = [[interval()], [interval()]]
      case "equal":
        let one = try network(1)
        networks = [one, one]
        let box = interval()
        boxes = dice.chance(0.7) ? [[box], [box]] : [[box], [interval()]]
      default:
        // Monotonicity: the second input of both is one and the same number.
        let one = try network(2)
        networks = [one, one]
        let box = interval()
        let fixed = Rational(dice.integer(in: -2...2), 2)
        boxes = [[box, fixed...fixed], [box, fixed...fixed]]
      }
      let isEqual = world.name == "equal" || world.name == "shared"
      var text = Self.head(networks, isEqual: isEqual)
      var names: [String] = []
      for (number, network) in networks.enumerated() {
        for input in 0..<network.inputCount {
          names.append("X\(number)[\(input)]")
          text += Self.bounds("X\(number)[\(input)]", boxes[number][input])
        }
        names += (0..<network.outputCount).map { "Y\(number)[\($0)]" }
      }
      if world.name == "shared" { text += "(assert (== X0[1] X1[1]))\n" }
      // Bounds of differences, between copies of one network.
      if isEqual, dice.chance(0.4) {
        let most = Double(dice.integer(in: 0...3)) / 2
        text += "(assert (\(dice.pick(["<=", "<"])) (- X0[0] X1[0]) \(most)))\n"
        if dice.chance(0.5) { text += "(assert (<= (* 2.0 (- X1[0] X0[0])) \(Double(dice.integer(in: -2...3)))))\n" }
      }
      if isEqual, dice.chance(0.6) {
        let order = dice.pick(["<=", ">=", "<="])
        text += "(assert (\(order) X0[0] X1[0]))\n"
        let slack = dice.pick(["", "", " 0.5", " 0.0"])
        let right = slack.isEmpty ? "Y1[0]" : "(+ Y1[0]\(slack))"
        text += "(assert (\(dice.pick([">", ">", ">="])) Y0[0] \(right)))\n"
      } else {
        for _ in 0..<dice.integer(in: 1...2) { text += "(assert \(Self.formula(names, depth: 2, &dice)))\n" }
      }
      let query = try VNNLIBQuery.parse(Array(text.utf8), path: "q.vnnlib")
      let expected = try FormulaOracle(networks, boxes: boxes).isSatisfiable(query.formula) ? "sat" : "unsat"
      let (answer, result) = try decide(text, networks)
      #expect(answer == expected, "seed \(seed):\n\(text)\n\(networks.map(\.text))")
      counts[answer, default: 0] += 1
      for ground in result.refuted.values { grounds[ground.name, default: 0] += 1 }
    }
    print("\(world): \(counts) \(grounds)")
    #expect((counts["sat"] ?? 0) > 5 && (counts["unsat"] ?? 0) > 5, "\(counts)")
  }

  @Test func tiesAreDecidedExactlyAtEquality() throws {
    var grounds: [String: Int] = [:]
    for seed in 1000..<1040 as Range<UInt64> {
      var dice = Dice(seed: seed)
      let network = try Network.random(
        inputs: 2, widths: dice.pick([[3], [3, 3]]), outputs: 2, style: dice.pick([.ternary, .dyadic]), &dice)
      let box = [Rational(-1)...1, Rational(0)...2]
      let oracle = try FormulaOracle([network], boxes: [box])
      let most = try #require(oracle.greatest(2))
      let head =
        Self.head([network]) + Self.bounds("X0[0]", box[0]) + Self.bounds("X0[1]", box[1])
      // Vertices of pieces are seldom decimals: d · y is compared with n for the greatest y = n / d.
      let y = "(* \(most.denominator) Y0[0])"
      let number = "\(most.numerator)"
      let above = try #require(
        DecimalText.terminating(Rational(most.numerator) + Rational.one.scaled(bits: -60)))
      for (assertion, expected) in [
        ("(>= \(y) \(number))", "sat"), ("(> \(y) \(number))", "unsat"), ("(== \(y) \(number))", "sat"),
        ("(>= \(y) \(above))", "unsat"),
        ("(and (>= \(y) \(number)) (<= \(y) \(above)) (<= X0[0] 1.5))", "sat"),
        ("(and (>= \(y) \(number)) (< \(y) \(number)))", "unsat"),
        ("(or (> \(y) \(number)) (>= \(y) \(above)))", "unsat"),
      ] {
        let (answer, result) = try decide(head + "(assert \(assertion))", [network])
        #expect(answer == expected, "seed \(seed): \(assertion) \(network.text)")
        for ground in result.refuted.values { grounds[ground.name, default: 0] += 1 }
      }
    }
    print("ties: \(grounds)")
    #expect((grounds["proof"] ?? 0) > 40)
  }

  // MARK: Forms

  /// y₀ = relu(x₀ + x₁) − x₀ as relu(x₀ + x₁) − relu(x₀) for x₀ ≥ 0, y₁ = x₁ for x₁ ≥ 0.
  private static func small() throws -> Network {
    try Network.of([
      (weights: [[1, 1], [1, 0], [0, 1]], biases: [0, 0, 0]),
      (weights: [[1, -1, 0], [0, 0, 1]], biases: [0, 0]),
    ])
  }

  private static let unit = """
    (assert (and (>= X0[0] 0) (<= X0[0] 1)))
    (assert (and (>= X0[1] 0) (<= X0[1] 1)))

    """

  @Test(arguments: [
    // Mixed inputs and outputs: y₀ = x₁.
    ("(> Y0[0] X0[1])", "unsat", "proof"), ("(>= Y0[0] X0[1])", "sat", ""), ("(!= Y0[0] X0[1])", "unsat", "proof"),
    // Linear conditions on inputs.
    ("(and (>= (+ X0[0] X0[1]) 2) (< Y0[0] 1))", "unsat", "proof"),
    ("(and (>= (+ X0[0] X0[1]) 2) (<= Y0[0] 1))", "sat", ""),
    ("(and (>= (+ X0[0] X0[1]) 2.5) (<= Y0[0] 10))", "unsat", "empty"),
    ("(and (> (+ X0[0] X0[1]) 2) (<= Y0[0] 10))", "unsat", "empty"),
    ("(and (== X0[0] X0[1]) (< Y0[0] (- X0[0] 0.001)))", "unsat", "proof"),
    ("(and (== (+ X0[0] X0[1]) 1) (> Y0[0] (- 1.0 X0[0])))", "unsat", "proof"),
    // Strict conditions on inputs, at their boundary.
    // Here no margin is small enough: the conditions exclude each other at their common boundary alone.
    ("(and (> X0[1] 0.5) (<= Y0[0] 0.5))", "unsat", "solver"), ("(and (> X0[1] 0.5) (< Y0[0] 0.500001))", "sat", ""),
    ("(and (> X0[0] 0) (< X0[0] 0.0000001))", "sat", ""), ("(and (> X0[0] 0) (< X0[0] 0))", "unsat", "empty"),
    ("(and (> X0[1] X0[0]) (> X0[0] Y0[1]))", "unsat", "proof"),
    // Formulas that are true or false as they stand.
    ("(<= 0 1)", "sat", ""), ("(or (< 1 0) (> 2 3))", "unsat", ""),
  ])
  func decidesEveryFormOfCondition(assertion: String, expected: String, ground: String) throws {
    let network = try Self.small()
    let (answer, result) = try decide(
      Self.head([network]) + Self.unit + "(assert \(assertion))", [network])
    #expect(answer == expected)
    if !ground.isEmpty {
      #expect(Set(result.refuted.values.map(\.name)) == [ground], "\(result.refuted)")
    }
  }

  @Test func inputsWithoutBoundsAreDecidedByZ3() throws {
    let network = try Self.small()
    let head = Self.head([network])
    // relu(x₀ + x₁) − relu(x₀) ≥ −relu(−x₁) is true everywhere; x₁ ≥ −1 bounds only one side.
    let (answer, result) = try decide(head + "(assert (and (>= X0[1] -1) (< Y0[0] -1)))", [network])
    #expect(answer == "unsat" && result.refuted[0] == .solver)
    #expect(try decide(head + "(assert (> Y0[0] 1e9))", [network]).answer == "sat")
    // A bound that follows from another input's.
    let bounded = "(assert (and (>= X0[0] 0) (<= X0[0] 1) (<= X0[1] X0[0]) (>= X0[1] 0) (> Y0[0] X0[1])))"
    let (second, how) = try decide(head + bounded, [network])
    #expect(second == "unsat" && how.refuted[0]?.name == "proof")
  }

  @Test func monotoneQueriesBecomeClaimsAboutOneCopy() throws {
    // Rises in x₁, falls in nothing, is not monotone in x₀ when x₀ is free of sign.
    let network = try Self.small()
    func text(_ assertions: String) -> String {
      Self.head([network, network], isEqual: true)
        + [0, 1].map { "(assert (and (>= X\($0)[0] -1) (<= X\($0)[0] 1) (>= X\($0)[1] -1) (<= X\($0)[1] 1)))\n" }
        .joined()
        + "(assert \(assertions))"
    }
    func claims(_ result: SatisfiabilityResult) -> [String] {
      guard case .proofs(let proofs)? = result.refuted[0] else { return [] }
      return proofs.map { $0.query.claim.canonicalText }
    }
    let rising = try decide(text("(and (== X0[0] X1[0]) (<= X0[1] X1[1]) (> Y0[0] Y1[0]))"), [network, network])
    #expect(rising.answer == "unsat")
    #expect(claims(rising.result) == ["monotone output 0 feature 1 nondecreasing slope 0"])
    let mirrored = try decide(text("(and (== X1[0] X0[0]) (>= X0[1] X1[1]) (< Y0[0] Y1[0]))"), [network, network])
    #expect(claims(mirrored.result) == ["monotone output 0 feature 1 nondecreasing slope 0"])
    let joint = try decide(text("(and (<= X0[0] X1[0]) (<= X0[1] X1[1]) (> Y0[1] Y1[1]))"), [network, network])
    #expect(joint.answer == "unsat")
    #expect(
      claims(joint.result) == [
        "monotone output 1 feature 0 nondecreasing slope 0", "monotone output 1 feature 1 nondecreasing slope 0",
      ])
    let tolerance = try decide(
      text("(and (== X0[0] X1[0]) (>= X0[1] X1[1]) (> (* 2 Y0[0]) (+ (* 2 Y1[0]) 5)))"), [network, network])
    #expect(claims(tolerance.result) == ["monotone output 0 feature 1 nonincreasing slope -5/4"])
    // Slopes as steep as −τ/width occur, and the fall over the whole width is τ and not more: the slope claim holds.
    let exactly = try decide(
      text("(and (== X0[0] X1[0]) (>= X0[1] X1[1]) (> Y0[0] (+ Y1[0] 2)))"), [network, network])
    #expect(exactly.answer == "unsat")
    #expect(
      try decide(text("(and (== X0[0] X1[0]) (>= X0[1] X1[1]) (>= Y0[0] (+ Y1[0] 2)))"), [network, network]).answer
        == "sat")
    // Falls somewhere in x₀.
    #expect(
      try decide(text("(and (<= X0[0] X1[0]) (== X0[1] X1[1]) (> Y0[0] Y1[0]))"), [network, network]).answer == "sat")
    // A flat pair is no fall, but it is a tie.
    #expect(
      try decide(text("(and (== X0[0] X1[0]) (<= X0[1] X1[1]) (>= Y0[0] Y1[0]))"), [network, network]).answer == "sat")
    // A precondition on both points, and one on the first alone.
    let both = try decide(
      text(
        "(and (== X0[0] X1[0]) (<= X0[1] X1[1]) (<= (+ X0[0] X0[1]) 1) (<= (+ X1[0] X1[1]) 1) (> Y0[0] Y1[0]))"),
      [network, network])
    #expect(claims(both.result) == ["monotone output 0 feature 1 nondecreasing slope 0"])
    let one = try decide(
      text("(and (== X0[0] X1[0]) (<= X0[1] X1[1]) (<= (+ X0[0] X0[1]) 1) (> Y0[0] Y1[0]))"), [network, network])
    #expect(one.answer == "unsat" && claims(one.result).allSatisfy { $0.hasPrefix("nonnegative") })
  }

  /// A Lipschitz bound: the second point is the first plus a small step, so that bounds see how small it is.
  @Test func differencesBetweenCopiesBecomeCoordinates() throws {
    let network = try Self.small()
    func text(_ most: String) -> String {
      Self.head([network, network], isEqual: true)
        + [0, 1].flatMap { copy in [0, 1].map { Self.bounds("X\(copy)[\($0)]", Rational(-1)...1) } }.joined()
        + [0, 1].map {
          "(assert (and (<= (- X0[\($0)] X1[\($0)]) 0.125) (<= (- X1[\($0)] X0[\($0)]) 0.125)))\n"
        }.joined() + "(assert (> Y0[0] (+ Y1[0] \(most))))"
    }
    // |∂y₀/∂x₀| ≤ 1 and 0 ≤ ∂y₀/∂x₁ ≤ 1, never both at once in the same direction by more than a quarter in all.
    let (answer, result) = try decide(text("0.25"), [network, network])
    #expect(answer == "unsat")
    guard case .proofs(let proofs)? = result.refuted[0] else {
      Issue.record("\(result.refuted)")
      return
    }
    #expect(
      proofs.map(\.query.region) == [
        [
          Rational(-1)...1, Rational(-1)...1, Rational(-1, 8)...Rational(1, 8), Rational(-1, 8)...Rational(1, 8),
        ]
      ])
    #expect(try decide(text("0.1"), [network, network]).answer == "sat")
    // Two copies of which one has no bounds of its own.
    let open =
      Self.head([network, network], isEqual: true)
      + [0, 1].map { Self.bounds("X0[\($0)]", Rational(0)...1) + "(assert (== X0[\($0)] X1[\($0)]))" }.joined()
    #expect(try decide(open + "(assert (> Y0[0] Y1[0]))", [network, network]).answer == "unsat")
  }

  @Test func equalNetworksAtEqualInputsAreOneCopy() throws {
    let network = try Self.small()
    let text =
      Self.head([network, network], isEqual: true)
      + "(assert (and (>= X0[0] 0) (<= X0[0] 1) (>= X0[1] 0) (<= X0[1] 1)))"
      + "(assert (and (== X0[0] X1[0]) (== X0[1] X1[1]) (!= Y0[0] Y1[0])))"
    let (answer, result) = try decide(text, [network, network])
    #expect(answer == "unsat" && result.refuted.values.allSatisfy { $0 == .empty })
  }

  @Test func bothEnginesAgree() throws {
    for seed in 2000..<2040 as Range<UInt64> {
      var dice = Dice(seed: seed)
      let network = try Network.random(inputs: 3, widths: [4, 3], outputs: 3, style: .dyadic, &dice)
      var text = Self.head([network])
      for input in 0..<3 { text += Self.bounds("X0[\(input)]", Rational(-1)...1) }
      let shift = Double(dice.integer(in: -8...24)) / 4
      text += "(assert (and (<= Y0[0] (- Y0[1] \(shift))) (<= Y0[0] (- Y0[2] \(shift)))))"
      let auto = try decide(text, [network]).answer
      let whole = try decide(text, [network], options: VerificationOptions(engine: .smt)).answer
      #expect(auto == whole && (auto == "sat" || auto == "unsat"), "seed \(seed): \(auto), \(whole)")
    }
  }

  @Test func aStoppedOrExhaustedSearchIsUnknown() throws {
    var dice = Dice(seed: 9)
    let network = try Network.random(inputs: 12, widths: [40, 40, 40], outputs: 1, style: .single, &dice)
    var text = Self.head([network])
    for input in 0..<12 { text += Self.bounds("X0[\(input)]", Rational(-1)...1) }
    let values = try (0..<20).map { _ in
      try exactOutputs(network, at: (0..<12).map { _ in Rational(dice.integer(in: -8...8), 8) })[0]
    }
    // Well above what is seen, well below what bounds show at once.
    let most = try #require(values.max()) + 60
    text += "(assert (>= Y0[0] \(try #require(DecimalText.terminating(Rational(most.ceiling))))))"
    #expect(try decide(text, [network], budget: Budget(seconds: 0.05)).answer == "unknown: timeout")
    let stop = StopSignal()
    stop.request()
    #expect(try decide(text, [network], budget: Budget(stop: stop)).answer == "unknown: interrupted")
  }

  @Test func networksThatDoNotFitAreRefused() throws {
    let network = try Self.small()
    let other = try Network.of([(weights: [[1, 1], [1, 0]], biases: [0, 0])])
    func message(_ text: String, _ networks: [Network]) throws -> String {
      let query = try VNNLIBQuery.parse(Array(text.utf8), path: "q.vnnlib")
      do throws(VerificationError) {
        _ = try SatisfiabilityProblem(query: query, networks: networks.map { ExactNetwork($0) })
        return "accepted"
      } catch {
        return error.message
      }
    }
    let three = "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1,3]) (declare-output Y real [2]))"
    #expect(
      try message(three + "(assert (<= X[0,0] 1))", [network])
        == "q.vnnlib: X of network 'f' is declared with 3 elements [1,3], but the model has 2 inputs; "
        + "declare its shape, or name the model that the query was written for")
    let equal = Self.head([network, network], isEqual: true) + "(assert (<= Y0[0] Y1[0]))"
    #expect(try message(equal, [network, network]) == "accepted")
    #expect(
      try message(equal, [network, other])
        == "q.vnnlib: network 'n1' is declared equal to 'n0', but the models differ; name one model for both")
    let isomorphic = equal.replacing("equal-to", with: "isomorphic-to")
    #expect(
      try message(isomorphic, [network, other])
        == "q.vnnlib: network 'n1' is declared isomorphic to 'n0', but its layers have [2] neurons and those of the "
        + "other [3, 2]; leave isomorphic-to out, or name other models")
  }
}
