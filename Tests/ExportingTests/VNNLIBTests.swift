import ExactArithmetic
import Foundation
import Networks
import Specifications
import TestHelpers
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// A Python with the package vnnlib: `VPALS_PYTHON`, or the one that `make deps` installs.
private let interpreter: String? = {
  if let path = ProcessInfo.processInfo.environment["VPALS_PYTHON"], !path.isEmpty { return path }
  let path = root.appendingPathComponent(".venv/bin/python3").path
  return FileManager.default.isExecutableFile(atPath: path) ? path : nil
}()

/// Whether a query fails at points with the given outputs, from its definition.
private func fails(_ query: Query, at points: [[Rational]], outputs: [[Rational]]) -> Bool {
  switch query.claim {
  case .monotone(let output, let feature, let direction, let minimumSlope):
    let step = points[1][feature] - points[0][feature]
    guard step.isPositive, points.allSatisfy(query.polytope.contains) else { return false }
    guard points[0].indices.allSatisfy({ $0 == feature || points[0][$0] == points[1][$0] }) else { return false }
    return Rational(direction.sign) * (outputs[1][output] - outputs[0][output]) < minimumSlope * step
  case .nonnegative(let weights, let inputs, let constant):
    let u: [Rational]
    if let relation = query.relation {
      guard let found = relation.parameters(of: points) else { return false }
      u = found
    } else {
      u = points[0]
    }
    guard query.polytope.contains(u) else { return false }
    return zip(weights + inputs, outputs.flatMap { $0 } + u).reduce(constant) { $0 + $1.0 * $1.1 }.isNegative
  }
}

/// Points of the domain and beside it, with outputs near where claims change their truth.
private struct Samples {
  let points: [[Rational]]
  let outputs: [[Rational]]

  init(_ specification: Specification, pointCount: Int, _ dice: inout Dice) {
    let features = specification.features
    func coordinate(_ feature: Feature, _ dice: inout Dice) -> Rational {
      let domain = feature.networkDomain
      let share = Rational(dice.chance(0.1) ? dice.integer(in: -2...10) : dice.integer(in: 0...8), 8)
      return domain.lowerBound + share * (domain.upperBound - domain.lowerBound)
    }
    let first = features.map { coordinate($0, &dice) }
    var points = [first]
    if pointCount == 2 {
      let count = dice.integer(in: 0...2)
      var second = first
      for _ in 0..<count {
        let i = dice.below(features.count)
        second[i] = coordinate(features[i], &dice)
      }
      points.append(second)
    }
    self.points = points
    outputs = points.map { _ in specification.outputs.map { _ in Rational(dice.integer(in: -24...24), 4) } }
  }
}

struct VNNLIBTests {
  /// Every VNN-LIB 2.0 file parses with the reference parser and is true exactly where the property fails.
  @Test(
    .enabled(
      if: interpreter != nil || ExternalSolver.isContinuousIntegration,
      "needs the PyPI package vnnlib: run `make deps`, or set VPALS_PYTHON to a Python that has it"))
  func versionTwoMeansTheNegation() throws {
    struct Job: Encodable {
      let file: String
      let values: [[String: String]]
    }
    let seed: UInt64 = 77
    var dice = Dice(seed: seed)
    let directory = TemporaryDirectory()
    var jobs = Data()
    var expected: [String] = []
    var texts: [String] = []
    while expected.count < 140 {
      let kind = expected.count % 7
      guard
        let random = try? RandomProperty(kind, inputs: dice.integer(in: 1...4), outputs: dice.integer(in: 1...2), &dice)
      else { continue }
      let (specification, property) = (random.specification, random.property)
      let query = dice.chance(0.5) ? nil : dice.below(property.queries.count)
      let export = try VNNLIBExport(property, of: specification, query: query, version: .two)
      let file = "\(directory.path)/\(expected.count).vnnlib"
      try Data(export.text.utf8).write(to: URL(fileURLWithPath: file))
      var values: [[String: String]] = []
      var answers = ""
      let isPair = export.text.contains("(declare-network g")
      for _ in 0..<60 {
        let sample = Samples(specification, pointCount: isPair ? 2 : 1, &dice)
        var named: [String: String] = [:]
        for (point, letters) in zip(sample.points.indices, [("X", "Y"), ("Z", "W")]) {
          for (i, x) in sample.points[point].enumerated() { named["\(letters.0)[0,\(i)]"] = "\(x)" }
          for (k, y) in sample.outputs[point].enumerated() { named["\(letters.1)[0,\(k)]"] = "\(y)" }
        }
        values.append(named)
        let queries = query.map { [property.queries[$0]] } ?? property.queries
        answers += queries.contains { fails($0, at: sample.points, outputs: sample.outputs) } ? "1" : "0"
      }
      jobs += try JSONEncoder().encode(Job(file: file, values: values)) + [10]
      expected.append(answers)
      texts.append(random.text + export.text)
    }
    let list = "\(directory.path)/jobs.jsonl"
    try jobs.write(to: URL(fileURLWithPath: list))
    let python = try #require(interpreter, "in CI a Python with vnnlib must be there: run `make deps`")
    let script = root.appendingPathComponent("Tests/Python/vnnlib_evaluate.py").path
    let child = try #require(ChildProcess(python, [script, list]))
    let lines = child.rest()
    #expect(child.wait() == 0)
    try #require(lines.count == expected.count, "seed \(seed): \(texts[min(lines.count, texts.count - 1)])")
    for (index, line) in lines.enumerated() {
      #expect(line == expected[index], "seed \(seed), file \(index): \(texts[index])")
    }
    // Both truths occur.
    let trueCount = expected.joined().count { $0 == "1" }
    #expect(trueCount > 100 && trueCount < 60 * 140 - 100, "\(trueCount)")
  }

  /// VNN-LIB 1.0 is SMT-LIB: z3 reads it. It is true where the property fails, and besides at most where a claim holds
  /// with equality or a rounded bound is passed by less than 10⁻⁴⁰.
  @Test(.enabled(if: ExternalSolver.areInstalled || ExternalSolver.isContinuousIntegration, ExternalSolver.reason))
  func versionOneIsTheWeakenedNegation() throws {
    let seed: UInt64 = 78
    var dice = Dice(seed: seed)
    var trueCount = 0
    var weakened = 0
    for round in 0..<24 {
      guard let random = try? RandomProperty(4 + round % 2, inputs: 2, outputs: 2, &dice) else { continue }
      let (specification, property) = (random.specification, random.property)
      let text = try VNNLIBExport(property, of: specification, version: .one).text
      var script = text
      var expected: [Bool] = []
      var isEqual: [Bool] = []
      for _ in 0..<20 {
        let sample = Samples(specification, pointCount: 1, &dice)
        script += "(push 1)\n"
        for (i, x) in sample.points[0].enumerated() { script += "(assert (= X_\(i) \(Self.term(x))))\n" }
        for (k, y) in sample.outputs[0].enumerated() { script += "(assert (= Y_\(k) \(Self.term(y))))\n" }
        script += "(check-sat)\n(pop 1)\n"
        expected.append(property.queries.contains { fails($0, at: sample.points, outputs: sample.outputs) })
        isEqual.append(
          property.queries.contains { query in
            guard case .nonnegative(let weights, let inputs, let constant) = query.claim else { return false }
            let values = sample.outputs[0] + sample.points[0]
            return zip(weights + inputs, values).reduce(constant) { $0 + $1.0 * $1.1 }.isZero
          })
      }
      let lines = try ExternalSolver.z3.lines(script, seconds: 20)
      try #require(lines.count == expected.count, "seed \(seed), round \(round): \(lines) \(script)")
      for (index, line) in lines.enumerated() {
        let isTrue = line == "sat"
        #expect(!expected[index] || isTrue, "seed \(seed), round \(round): \(script)")
        if isTrue, !expected[index] {
          #expect(isEqual[index], "seed \(seed), round \(round): \(script)")
          weakened += 1
        }
        trueCount += isTrue ? 1 : 0
      }
    }
    #expect(trueCount > 50 && trueCount > weakened, "\(trueCount) \(weakened)")
  }

  private static func term(_ value: Rational) -> String {
    let size = "(/ \(value.magnitude.numerator).0 \(value.magnitude.denominator).0)"
    return value.isNegative ? "(- \(size))" : size
  }

  @Test func versionOneRefusesTwoPoints() throws {
    for property in [
      "nondecreasing: {of: f, in: a}", "nondecreasing: {of: f, in: [a, b]}\n    tolerance: 1",
      "rate: {of: f, in: a, max: 2}", "forall: [x, y]\n    then: x.f <= y.f + 3",
    ] {
      let specification = try Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\n  b: {domain: 0..1}\noutputs:\n  f: {}\n"
          + "properties:\n  - id: p\n    \(property)\n", path: "t.yaml")
      let error = #expect(throws: ExportError.self) {
        try VNNLIBExport(specification.properties[0], of: specification, version: .one)
      }
      #expect(error?.code == .inexpressible)
      #expect(error?.message.contains("--to vnnlib") == true)
    }
  }

  /// Many features and as many queries: what they share is written once, and nothing grows with the number of
  /// coefficients that are zero.
  @Test func jointPropertiesOfManyFeaturesAreWritten() throws {
    let names = (0..<96).map { "x\($0)" }
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n" + names.map { "  \($0): {domain: 0..1}\n" }.joined()
        + "outputs:\n  f: {}\nproperties:\n  - id: p\n    nondecreasing: {of: f, in: [\(names.joined(separator: ", "))]}\n",
      path: "large.yaml")
    let text = try VNNLIBExport(specification.properties[0], of: specification, version: .two).text
    let lines = text.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("(assert (") } == 4 * names.count + 1)
    let cases = lines.filter { $0.hasPrefix("  (and ") }
    #expect(cases.count == names.count)
    #expect(cases.allSatisfy { $0.count { $0 == "=" } == 2 * (names.count - 1) })
  }

  @Test func propertiesThatSayNothingAreRefused() throws {
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\noutputs:\n  f: {scale: log2}\n"
        + "properties:\n  - id: p\n    always: 0 <= f\n", path: "t.yaml")
    let error = #expect(throws: ExportError.self) {
      try VNNLIBExport(specification.properties[0], of: specification, version: .two)
    }
    #expect(error?.code == .vacuous)
    let bounded = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\noutputs:\n  f: {}\n"
        + "properties:\n  - id: p\n    always: 0 <= f\n", path: "t.yaml")
    let beyond = #expect(throws: ExportError.self) {
      try VNNLIBExport(bounded.properties[0], of: bounded, query: 1, version: .two)
    }
    #expect(beyond?.code == .mismatch)
  }
}
