import Certificates
import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Features with lists of values, `for-each`, and strict preconditions, from their text to the verdict.
@Suite struct ValueListTests {
  private static func specification(_ features: String, _ properties: String) throws -> Specification {
    let lines = features.split(separator: "\n").map { "  \($0)\n" }.joined()
    let body = properties.split(separator: "\n").map { "    \($0)\n" }.joined()
    return try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n\(lines)outputs:\n  f: {unit: none}\nproperties:\n  - id: p\n\(body)",
      path: "t.yaml")
  }

  private static func verdicts(
    _ network: Network, _ specification: Specification, refutes: (Counterexample) throws -> Bool = { _ in true }
  ) throws -> [String] {
    var result: [String] = []
    for engine in Engine.allCases {
      var all: [String] = []
      for property in specification.properties {
        all.append(try PropertyKindTests.decide(network, property, engine: engine, refutes: refutes))
      }
      result.append(all.joined(separator: " "))
    }
    return result
  }

  /// f = |r − 1.5| + 0.25·r falls and rises between 1 and 2, and is higher at 2 than at 1.
  private static let valley = Result {
    try Network.of([([[1], [-1], [1]], [-1.5, 1.5, 0]), ([[1, 1, 0.25]], [0])])
  }

  @Test func whatLiesBetweenTheValuesDoesNotMatter() throws {
    let network = try Self.valley.get()
    let rises = "nondecreasing: {of: f, in: r}"
    #expect(try Self.verdicts(network, Self.specification("r: {domain: 1..2}", rises)) == ["violated", "violated"])
    #expect(try Self.verdicts(network, Self.specification("r: {values: [1, 2]}", rises)) == ["holds", "holds"])
    let withMiddle = try Self.specification("r: {values: [2, 1, 1.5]}", rises)
    let verdicts = try Self.verdicts(network, withMiddle) { found in
      let pair = found.x == [1] && found.xPrime == [Rational(3, 2)]
      let values = found.fx == Rational(3, 4) && found.fxPrime == Rational(3, 8)
      return pair && values && found.drop == Rational(3, 8)
    }
    #expect(verdicts == ["violated", "violated"])
    // The fall from 1 to 1.5 is 3/8, and no other.
    let tolerant = "\(rises)\ntolerance: 3/8"
    #expect(try Self.verdicts(network, Self.specification("r: {values: [1, 1.5, 2]}", tolerant)) == ["holds", "holds"])
    let tooTight = "\(rises)\ntolerance: 0.37"
    #expect(
      try Self.verdicts(network, Self.specification("r: {values: [1, 1.5, 2]}", tooTight)) == ["violated", "violated"])
  }

  @Test func aToleranceIsNotGrantedToEachStep() throws {
    // f falls by 1 with each unit: by 2 from 1 to 3.
    let network = try Network.of([([[1]], [0]), ([[-1]], [0])])
    let list = "r: {values: [1, 2, 3]}"
    for (tolerance, verdict) in [("1", "violated"), ("2", "holds")] {
      let specification = try Self.specification(list, "nondecreasing: {of: f, in: r}\ntolerance: \(tolerance)")
      #expect(try Self.verdicts(network, specification) == [verdict, verdict])
    }
  }

  @Test func ratesAlongAListAreThoseBetweenItsValues() throws {
    let network = try Self.valley.get()
    func verdicts(_ list: String, _ bounds: String) throws -> [String] {
      try Self.verdicts(network, Self.specification("r: {values: \(list)}", "rate: {of: f, in: r, \(bounds)}"))
    }
    // f(1) = 3/4, f(2) = 1, f(4) = 7/2.
    #expect(try verdicts("[1, 2, 4]", "min: 0.25, max: 1.25") == ["holds", "holds"])
    #expect(try verdicts("[1, 2, 4]", "min: 0.26") == ["violated", "violated"])
    #expect(try verdicts("[1, 2, 4]", "max: 1.24") == ["violated", "violated"])
    #expect(try verdicts("[1, 2]", "per: 2, max: 0.5") == ["holds", "holds"])
    #expect(try verdicts("[1, 2]", "per: 2, max: 0.49") == ["violated", "violated"])
  }

  @Test func forEachMakesOnePropertyOfEachValue() throws {
    // f = (2 − r) · psi at r = 1, 2, 3 would need a product; relu(psi − r) · (−1) + 1: falls in psi for r = 0 only.
    let network = try Network.of([([[1, -1]], [0]), ([[-1]], [1])])
    let features = "psi: {domain: 0..1}\nr: {values: [0, 1, 2]}"
    let text = "nondecreasing: {of: f, in: psi}\nfor-each: {r: all}"
    let specification = try Self.specification(features, text)
    #expect(specification.properties.map(\.id) == ["p.r-0", "p.r-1", "p.r-2"])
    #expect(try Self.verdicts(network, specification) == Array(repeating: "violated holds holds", count: 2))
    let some = try Self.specification(features, "nondecreasing: {of: f, in: psi}\nfor-each: {r: [1, 2]}")
    #expect(some.properties.map(\.id) == ["p.r-1", "p.r-2"])
    #expect(
      some.properties[0].statement == "for all x, x′ in the domain where r = 1 and x′ ≥ x in psi and x′ = x elsewhere: "
        + "f(x′) ≥ f(x)")
    // Without it all values count.
    let whole = try Self.specification(features, "nondecreasing: {of: f, in: psi}")
    #expect(whole.properties.count == 1 && whole.properties[0].queries.count == 3)
    #expect(try Self.verdicts(network, whole) == ["violated", "violated"])
  }

  @Test func preconditionsChooseAmongTheValues() throws {
    let network = try Network.of([([[1, -1]], [0]), ([[-1]], [1])])
    let features = "psi: {domain: 0..1}\nr: {values: [0, 1, 2]}"
    for (condition, verdict, count) in [
      ("r > 0", "holds", 2), ("r >= 0", "violated", 3), ("psi + r <= 1.5", "violated", 2),
    ] {
      let specification = try Self.specification(features, "nondecreasing: {of: f, in: psi}\nwhen: \(condition)")
      #expect(specification.properties[0].queries.count == count)
      #expect(try Self.verdicts(network, specification) == [verdict, verdict], "\(condition)")
    }
  }

  @Test func counterexamplesSatisfyStrictPreconditions() throws {
    // f = 0.49 − a: below zero only close to a = 1/2, lowest on it.
    let network = try Network.of([([[1]], [0]), ([[-1]], [0.484375])])
    let bound = try Self.specification("a: {domain: 0..1}", "always: f >= 0\nwhen: a < 1/2")
    let half = Rational(1, 2)
    #expect(
      try Self.verdicts(network, bound) { $0.x[0] < half && $0.drop.isPositive } == ["violated", "violated"])
    let touching = try Self.specification("a: {domain: 0..1}", "always: f >= -1/64\nwhen: a < 1/2")
    #expect(try Self.verdicts(network, touching) == ["holds", "holds"])
    // Pairs: f falls in a everywhere; both points stay inside, and equal elsewhere.
    let two = try Network.of([([[1, 0]], [0]), ([[-1]], [0])])
    let falls = try Self.specification(
      "a: {domain: 0..1}\nb: {domain: 0..1}", "nondecreasing: {of: f, in: a}\nwhen: a < b and b < 1 and 0 < a")
    let verdicts = try Self.verdicts(two, falls) { found in
      guard let xPrime = found.xPrime else { return false }
      return found.x[0] < xPrime[0] && found.x[1] == xPrime[1] && xPrime[0] < xPrime[1] && found.x[0].isPositive
        && xPrime[1] < 1
    }
    #expect(verdicts == ["violated", "violated"])
    let related = try Self.specification(
      "a: {domain: 0..1}\nb: {domain: 0..1}", "forall: [x, y]\nwhere: x.a < y.a and x.b == y.b\nthen: x.f <= y.f")
    let pairs = try Self.verdicts(two, related) { found in
      guard let xPrime = found.xPrime else { return false }
      return found.x[0] < xPrime[0] && found.x[1] == xPrime[1]
    }
    #expect(pairs == ["violated", "violated"])
  }

  /// Random networks with one hidden layer, a list and a range: along the range the network is linear between the points
  /// where neurons switch, which decides every kind of property exactly.
  @Test func agreesWithEvaluationAtAllBreakpoints() throws {
    let values: [Rational] = [0, Rational(1, 2), 1]
    for seed in 1...40 as ClosedRange<UInt64> {
      var dice = Dice(seed: seed)
      let count = dice.integer(in: 1...4)
      func weights(_ n: Int) -> [Double] { (0..<n).map { _ in Double(dice.integer(in: -4...4)) / 4 } }
      let first = (0..<count).map { _ in weights(2) }
      let biases = weights(count)
      let network = try Network.of([(first, biases), ([weights(count)], weights(1))])
      var points: Set<Rational> = [0, 1]
      for (row, bias) in zip(first, biases) where row[1] != 0 {
        for value in values {
          let at = -(try exact(row[0]) * value + exact(bias)) / (try exact(row[1]))
          if at.isPositive, at < 1 { points.insert(at) }
        }
      }
      let grid = points.sorted()
      var table: [[Rational]: Rational] = [:]
      for value in values { for b in grid { table[[value, b]] = try exactOutputs(network, at: [value, b])[0] } }
      func f(_ r: Rational, _ b: Rational) -> Rational { table[[r, b]] ?? .zero }
      let steps = [(values[0], values[1]), (values[1], values[2])]
      let lowest = values.flatMap { r in grid.map { f(r, $0) } }.min() ?? .zero
      let joint = values.allSatisfy { r in
        values.filter { $0 >= r }.allSatisfy { s in
          grid.allSatisfy { b in grid.filter { $0 >= b }.allSatisfy { f(s, $0) >= f(r, b) } }
        }
      }
      let expected: [(String, Bool)] = [
        ("nondecreasing: {of: f, in: r}", steps.allSatisfy { a, c in grid.allSatisfy { f(c, $0) >= f(a, $0) } }),
        ("nonincreasing: {of: f, in: r}", steps.allSatisfy { a, c in grid.allSatisfy { f(c, $0) <= f(a, $0) } }),
        ("nondecreasing: {of: f, in: [r, b]}", joint),
        (
          "rate: {of: f, in: r, max: 1/2}",
          steps.allSatisfy { a, c in grid.allSatisfy { f(c, $0) - f(a, $0) <= Rational(1, 4) } }
        ),
        ("always: f >= \(lowest)", true),
        ("always: f >= \(lowest + Rational(1, 1024))", false),
        (
          "nondecreasing: {of: f, in: r}\ntolerance: 1/8",
          (steps + [(values[0], values[2])]).allSatisfy { a, c in
            grid.allSatisfy { f(c, $0) >= f(a, $0) - Rational(1, 8) }
          }
        ),
      ]
      for (text, holds) in expected {
        let specification = try Self.specification("r: {values: [0, 1/2, 1]}\nb: {domain: 0..1}", text)
        let verdict = holds ? "holds" : "violated"
        let verdicts = try Self.verdicts(network, specification)
        #expect(verdicts == [verdict, verdict], "seed \(seed): \(text) on \(network.text)" as Comment)
      }
    }
  }
}
