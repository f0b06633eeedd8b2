import Certificates
import ExactArithmetic
import Exporting
import Networks
import Specifications
import TestHelpers
import Testing
import Verification

/// What Debian's z3 and cvc5 say of exported files, against the verdicts of both engines.
@Suite(.enabled(if: ExternalSolver.areInstalled || ExternalSolver.isContinuousIntegration, ExternalSolver.reason))
struct SolverAgreementTests {
  static let secondsPerFile = 20
  static let rounds = 29

  /// The verdict as an answer to the negation.
  private func verdict(_ network: Network, _ property: Property, _ engine: Engine) throws -> String {
    let verifier = Verifier(network: ExactNetwork(network), options: VerificationOptions(engine: engine, samples: 200))
    switch try verifier.decide(property, budget: Budget(seconds: 60)).verdict {
    case .holds: return "unsat"
    case .violated: return "sat"
    case .unknown: return "undecided"
    }
  }

  /// What our solver of VNN-LIB queries says of the property's own export.
  private func answerThroughVNNLIB(_ network: Network, _ random: RandomProperty) throws -> String {
    let text = try VNNLIBExport(random.property, of: random.specification, version: .two).text
    let query = try VNNLIBQuery.parse(Array(text.utf8), path: "p.vnnlib")
    let exact = ExactNetwork(network)
    let problem = try SatisfiabilityProblem(query: query, networks: query.networks.map { _ in exact })
    switch try SatisfiabilityVerifier(problem: problem).decide(budget: Budget(seconds: 60)).answer {
    case .satisfiable: return "sat"
    case .unsatisfiable: return "unsat"
    case .unknown: return "undecided"
    }
  }

  /// The same question as a specification, as VNN-LIB 2 and as SMT-LIB 2 for z3 and cvc5, on 203 random networks.
  ///
  /// Kinds: monotone in one feature, jointly, with a tolerance, rate, bounds, linear, relational.
  @Test(arguments: 0..<7)
  func solversAgreeWithTheVerifier(kind: Int) throws {
    let seed = UInt64(1000 + kind)
    var dice = Dice(seed: seed)
    var counts: [String: Int] = [:]
    var round = 0
    var skipped = 0
    while round < Self.rounds {
      let inputs = dice.integer(in: 1...4)
      let outputs = dice.integer(in: 1...2)
      let widths = (0..<dice.integer(in: 1...2)).map { _ in dice.integer(in: 1...6) }
      let random: RandomProperty
      do throws(SpecificationError) {
        random = try RandomProperty(kind, inputs: inputs, outputs: outputs, &dice)
      } catch {
        // A precondition that no point satisfies, or a claim whose names cancel out.
        let isImpossible = error.diagnostics.allSatisfy { ["E024", "E026"].contains($0.code.description) }
        try #require(isImpossible, "seed \(seed), round \(round): \(error)")
        skipped += 1
        try #require(skipped < 20 * Self.rounds)
        continue
      }
      let network = try Network.random(inputs: inputs, widths: widths, outputs: outputs, &dice)
      func note(_ what: String) -> Comment {
        "seed \(seed), round \(round), \(what): \(network.text)\n\(random.text)"
      }
      var answers: [(String, String)] = []
      for engine in Engine.allCases {
        answers.append(("\(engine)", try verdict(network, random.property, engine)))
      }
      answers.append(("VNN-LIB", try answerThroughVNNLIB(network, random)))
      for encoding in SMTLIBExport.Encoding.allCases {
        let export = try SMTLIBExport(
          random.property, of: random.specification, network: ExactNetwork(network), encoding: encoding)
        for solver in ExternalSolver.allCases {
          answers.append(("\(encoding) \(solver)", try solver.answer(export.text, seconds: Self.secondsPerFile)))
        }
      }
      // A property fails exactly when one of its queries does.
      if random.property.queries.count > 1 {
        let parts = try random.property.queries.indices.map { index in
          try ExternalSolver.z3.answer(
            SMTLIBExport(random.property, of: random.specification, network: ExactNetwork(network), query: index).text,
            seconds: Self.secondsPerFile)
        }
        answers.append(("queries", parts.contains("sat") ? "sat" : Set(parts) == ["unsat"] ? "unsat" : "undecided"))
      }
      let decided = Set(answers.map(\.1)).subtracting(["undecided"])
      #expect(decided == ["sat"] || decided == ["unsat"], note("\(answers)"))
      for answer in answers { counts[answer.1, default: 0] += 1 }
      counts[(decided.first ?? "undecided") + " networks", default: 0] += 1
      round += 1
    }
    // Both answers occur, and nearly all files are decided.
    #expect(counts["sat networks", default: 0] >= 3 && counts["unsat networks", default: 0] >= 3, "\(counts)")
    #expect(counts["undecided", default: 0] <= Self.rounds / 10, "seed \(seed): \(counts)")
  }

  /// Domains in a plane that neurons have as their kink: no phase of theirs has an inner point there. f = a + relu(a − b)
  /// − 3·relu(b − a) is a on the diagonal, steeper and falling beside it.
  @Test(arguments: [
    ("nondecreasing: {of: f, in: [a, b]}\n    when: a == b", "unsat"), ("nondecreasing: {of: f, in: [a, b]}", "sat"),
    ("nonincreasing: {of: f, in: a}\n    when: a == b", "unsat"),
    ("nonincreasing: {of: f, in: [a, b]}\n    when: a == b", "sat"),
    ("nonincreasing: {of: f, in: b}\n    when: a >= b", "unsat"),
    ("nondecreasing: {of: f, in: b}\n    when: b >= a", "sat"),
    ("rate: {of: f, in: a, max: 2}\n    when: a >= b", "unsat"), ("rate: {of: f, in: a, max: 2}", "sat"),
    ("rate: {of: f, in: a, max: 3}\n    when: a <= b", "sat"),
    ("rate: {of: f, in: a, max: 4}\n    when: a <= b", "unsat"),
    ("always: a <= f <= a\n    when: a == b", "unsat"), ("always: f <= a\n    when: a >= b", "sat"),
  ])
  func kinksAndDomainsWithoutInterior(property: String, expected: String) throws {
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\n  b: {domain: 0..1}\noutputs:\n  f: {}\n"
        + "properties:\n  - id: p\n    \(property)\n", path: "kink.yaml")
    let network = try Network.of([([[1, 0], [1, -1], [-1, 1]], [0, 0, 0]), ([[1, 1, -3]], [0])])
    for encoding in SMTLIBExport.Encoding.allCases {
      let text = try SMTLIBExport(
        specification.properties[0], of: specification, network: ExactNetwork(network), encoding: encoding
      ).text
      for solver in ExternalSolver.allCases {
        #expect(try solver.answer(text, seconds: Self.secondsPerFile) == expected, "\(encoding), \(solver)")
      }
    }
  }

  /// Every name that cannot be declared is quoted, and comes back in the model of both solvers with the values of a
  /// counterexample that the exact forward pass confirms.
  @Test(arguments: ExternalSolver.allCases)
  func quotedNamesReturnInModels(solver: ExternalSolver) throws {
    for (feature, output) in [("let", "exists"), ("cores", "true"), ("_", "Real"), ("ite", "par"), ("forall", "abs")] {
      let specification = try Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n  \(feature): {domain: 0..1}\noutputs:\n  \(output): {}\n"
          + "properties:\n  - id: p\n    always: \(output) <= 1/2\n", path: "names.yaml")
      let network = try Network.of([([[1], [1]], [0, -0.5]), ([[1, 2]], [0])])
      let export = try SMTLIBExport(specification.properties[0], of: specification, network: ExactNetwork(network))
      let values = try model(of: export.text, solver)
      func value(_ name: String, _ kind: String) throws -> Rational {
        try #require(values[name] ?? values["\(name) \(kind)"], "\(name) in \(values)")
      }
      let x = try value(feature, "feature")
      #expect((Rational.zero...1).contains(x))
      #expect(ExactNetwork(network).output(at: [x]) == [try value(output, "output")])
      #expect(try value(output, "output") > Rational(1, 2))
    }
  }

  /// The two points of a pair come back under their names.
  @Test(arguments: ExternalSolver.allCases)
  func modelsOfPairsAreCounterexamples(solver: ExternalSolver) throws {
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\n  b: {domain: 0..1}\noutputs:\n  f: {}\n"
        + "properties:\n  - id: p\n    nondecreasing: {of: f, in: [a, b]}\n", path: "pair.yaml")
    // f = a + b − 2·relu(a − 1/2).
    let network = try Network.of([([[1, 1], [1, 0]], [0, -0.5]), ([[1, -2]], [0])])
    let pair = try SMTLIBExport(
      specification.properties[0], of: specification, network: ExactNetwork(network), encoding: .pair)
    let values = try model(of: pair.text, solver)
    func point(_ prefix: String) throws -> [Rational] {
      try ["a", "b"].map { try #require(values["\(prefix).\($0)"]) }
    }
    let (x, end) = (try point("x"), try point("x'"))
    #expect(zip(x, end).allSatisfy { $0 <= $1 } && x != end)
    let outputs = [x, end].map { ExactNetwork(network).output(at: $0)[0] }
    #expect(outputs[1] < outputs[0])
    #expect(values["x.f"] == outputs[0] && values["x'.f"] == outputs[1])
    let slope = try SMTLIBExport(specification.properties[0], of: specification, network: ExactNetwork(network))
    let derivative = try model(of: slope.text, solver)
    #expect(derivative["d.f/a"] == -1)
    #expect(try #require(derivative["a"]) >= Rational(1, 2))
  }

  /// The constants of a model, by their names without bars.
  private func model(of text: String, _ solver: ExternalSolver) throws -> [String: Rational] {
    let asked = text.replacing("; after sat: (get-model)", with: "(get-model)")
    let output = try solver.lines(asked, seconds: Self.secondsPerFile).joined(separator: " ")
    var values: [String: Rational] = [:]
    for match in output.matches(of: /\(define-fun (\|[^|]*\||[^ ]+) \(\) Real\s+(\([^a-z]*\)|[^ ()]+)\s*\)/) {
      let name = String(match.1).replacing("|", with: "")
      let value: Rational = try #require(Self.number(String(match.2)), "\(match.2)")
      values[name] = value
    }
    return values
  }

  /// `1.0`, `(- 1.0)`, `(/ 1.0 2.0)`, `(- (/ 1.0 2.0))` or `(/ (- 1) 2)`.
  private static func number(_ text: String) -> Rational? {
    let words = text.replacing("(", with: " ").replacing(")", with: " ").split(separator: " ").map(String.init)
    let isNegative = words.filter { $0 == "-" }.count % 2 == 1
    let numbers = words.compactMap { Rational(text: $0) }
    guard let first = numbers.first else { return nil }
    let size = numbers.count == 2 ? first / numbers[1] : first
    return isNegative ? -size : size
  }
}
