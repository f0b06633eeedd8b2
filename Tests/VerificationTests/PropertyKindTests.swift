import Certificates
import ExactArithmetic
import Networks
import ProofChecking
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Every kind of property, from its text to the verdict, against networks that satisfy and break it and against brute
/// force.
struct PropertyKindTests {
  /// A specification with features a and b in [0, 1], outputs f (and g), all plain numbers, and one property.
  static func property(_ text: String, outputs: Int = 1, scale: String = "linear") throws -> (Specification, Property) {
    let lines = text.split(separator: "\n").map { "    \($0)\n" }.joined()
    let names = outputs == 1 ? ["f"] : ["f", "g"]
    let spec = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\n  b: {domain: 0..1}\noutputs:\n"
        + names.map { "  \($0): {scale: \(scale)}\n" }.joined() + "properties:\n  - id: p\n" + lines, path: "t.yaml")
    return (spec, spec.properties[0])
  }

  /// The verdict's name; every counterexample is checked against the property's own words by `refutes`.
  @discardableResult
  static func decide(
    _ network: Network, _ property: Property, engine: Engine, known: [KnownPair] = [],
    refutes: (Counterexample) throws -> Bool = { _ in true }
  ) throws -> String {
    let verifier = Verifier(network: ExactNetwork(network), options: VerificationOptions(engine: engine, samples: 200))
    let result = try verifier.decide(property, known: known, budget: Budget(seconds: 120))
    if case .violated(let found) = result.verdict {
      #expect(!found.isEmpty)
      for counterexample in found {
        let isRefuted = try refutes(counterexample)
        #expect(isRefuted, "\(counterexample) for \(property.statement) on \(network.text)")
      }
    }
    if case .unknown(let reason) = result.verdict { return reason.description }
    return result.verdict.name
  }

  private func expect(
    _ verdict: String, _ network: Network, _ text: String, outputs: Int = 1, scale: String = "linear",
    mayLackProof: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
    refutes: (Counterexample) throws -> Bool = { _ in true }
  ) throws {
    let (_, property) = try Self.property(text, outputs: outputs, scale: scale)
    for engine in Engine.allCases {
      let answer = try Self.decide(network, property, engine: engine, refutes: refutes)
      // What cannot be shown to the checker is undecided, never an answer.
      if mayLackProof, engine == .auto, verdict == "holds", answer == Self.withoutProof { continue }
      #expect(answer == verdict, "\(engine)", sourceLocation: sourceLocation)
    }
  }

  private static let withoutProof = "a cell was decided by the solver without a certificate"

  // MARK: Small networks by hand

  @Test func outputOrderings() throws {
    // f = a, g = a + relu(b − 1/2).
    let network = try Network.of([([[1, 0], [0, 1]], [0, -0.5]), ([[1, 0], [1, 1]], [0, 0])])
    try expect("holds", network, "always: f <= g", outputs: 2)
    try expect("holds", network, "always: f <= g <= f + 0.5", outputs: 2)
    try expect("holds", network, "always: f == g\nwhen: b <= 1/2", outputs: 2)
    try expect("violated", network, "always: f + 0.25 <= g", outputs: 2) { found in
      let y = try exactOutputs(network, at: found.x)
      return found.xPrime == nil && y[0] + Rational(1, 4) > y[1] && found.drop == y[0] + Rational(1, 4) - y[1]
    }
    // On a logarithmic scale g is at most √2 f.
    try expect("holds", network, "always: f <= 2 * g", outputs: 2, scale: "log2")
    try expect("holds", network, "always: g <= 3/2 * f", outputs: 2, scale: "log2")
  }

  @Test func claimsWithInputs() throws {
    // f = relu(a + b − 1).
    let network = try Network.of([([[1, 1]], [-1]), ([[1]], [0])])
    try expect("holds", network, "always: f <= a")
    try expect("holds", network, "always: a + b - 1 <= f <= 1/2 * a + 1/2 * b")
    try expect("violated", network, "always: f <= a - 0.1") { found in
      try exactOutputs(network, at: found.x)[0] > found.x[0] - Rational(1, 10)
    }
  }

  @Test func preconditionsThatCutTheBox() throws {
    // f = −relu(a + b − 1) falls only beyond the diagonal.
    let network = try Network.of([([[1, 1]], [-1]), ([[-1]], [0])])
    try expect("holds", network, "nondecreasing: {of: f, in: a}\nwhen: a + b <= 1")
    try expect("holds", network, "nondecreasing: {of: f, in: [a, b]}\nwhen: a + b <= 1")
    try expect("violated", network, "nondecreasing: {of: f, in: a}\nwhen: a + b <= 1.0001") { found in
      let sum = { (x: [Rational]) in x[0] + x[1] }
      let end = try #require(found.xPrime)
      return try sum(found.x) <= Rational(10_001, 10_000) && sum(end) <= Rational(10_001, 10_000) && end[0] > found.x[0]
        && end[1] == found.x[1] && found.drop == found.fx - (try #require(found.fxPrime)) && found.drop.isPositive
    }
    try expect("holds", network, "always: f >= 0\nwhen: a + b <= 1")
    try expect("violated", network, "always: f >= 0\nwhen: a + b <= 1.0001") { found in
      found.x[0] + found.x[1] <= Rational(10_001, 10_000) && found.fx.isNegative
    }
    try expect("holds", network, "nondecreasing: {of: f, in: a, over: 0..0.25}\nwhen: b <= 3/4")
    try expect("violated", network, "nondecreasing: {of: f, in: a, over: 0..0.26}\nwhen: b <= 3/4") { found in
      (try #require(found.xPrime))[0] <= Rational(26, 100) && found.x[1] <= Rational(3, 4)
    }
  }

  /// A domain in a plane that neurons have as their kink: each is zero on all of it, in neither phase.
  @Test func domainsWithoutInterior() throws {
    // f = a + relu(a − b) − 3·relu(b − a): on the diagonal f = a, beside it steeper or falling in b.
    let kink = try Network.of([([[1, 0], [1, -1], [-1, 1]], [0, 0, 0]), ([[1, 1, -3]], [0])])
    try expect("holds", kink, "nondecreasing: {of: f, in: [a, b]}\nwhen: a == b")
    try expect("violated", kink, "nondecreasing: {of: f, in: [a, b]}")
    // No two points of the diagonal differ in one feature only.
    try expect("holds", kink, "nonincreasing: {of: f, in: a}\nwhen: a == b", mayLackProof: true)
    try expect("violated", kink, "nonincreasing: {of: f, in: [a, b]}\nwhen: a == b") { found in
      let end = try #require(found.xPrime)
      return found.x[0] == found.x[1] && end[0] == end[1] && end[0] > found.x[0] && found.fx == found.x[0]
    }
    // Flat along the feature: b = 1/2 by two constraints with a, f = −a · [b = 1/2].
    let ridge = try Network.of([([[-1, 0], [0, 1], [0, 1]], [1, -0.5, -0.5]), ([[1, 7, -7]], [0])])
    try expect("violated", ridge, "nondecreasing: {of: f, in: a}\nwhen: [a + b <= a + 1/2, b >= 1/2]")
    try expect("holds", ridge, "nonincreasing: {of: f, in: a}\nwhen: [2 * b == 1]")
  }

  @Test func rates() throws {
    // f = 2a + relu(a − 1/2): slopes 2 and 3.
    let network = try Network.of([([[1, 0], [1, 0]], [0, -0.5]), ([[2, 1]], [0])])
    try expect("holds", network, "rate: {of: f, in: a, min: 2, max: 3}")
    try expect("holds", network, "rate: {of: f, in: a, per: 0.1, min: 0.2, max: 0.3}")
    try expect("holds", network, "rate: {of: f, in: a, over: 0..0.5, max: 2}")
    try expect("violated", network, "rate: {of: f, in: a, max: 2.9}") { found in
      let end = try #require(found.xPrime)
      let rise = try #require(found.fxPrime) - found.fx
      return rise > Rational(29, 10) * (end[0] - found.x[0])
        && found.drop == rise - Rational(29, 10) * (end[0] - found.x[0])
    }
    try expect("violated", network, "rate: {of: f, in: a, min: 2.1}")
    // On a logarithmic output: f doubles twice or thrice per unit of a.
    try expect("holds", network, "rate: {of: f, in: a, min: 300 percent, max: 700 percent}", scale: "log2")
    try expect("violated", network, "rate: {of: f, in: a, max: 699 percent}", scale: "log2")
  }

  @Test func tolerances() throws {
    // f = a − 2·relu(a − 1/2) + 2·relu(a − 3/4) + b: falls by 1/4 between 1/2 and 3/4.
    let network = try Network.of([([[1, 1], [1, 0], [1, 0]], [0, -0.5, -0.75]), ([[1, -2, 2]], [0])])
    try expect("holds", network, "nondecreasing: {of: f, in: a}\ntolerance: 0.25")
    try expect("violated", network, "nondecreasing: {of: f, in: a}")
    try expect("violated", network, "nondecreasing: {of: f, in: a}\ntolerance: 0.2499") { found in
      let end = try #require(found.xPrime)
      let after = try #require(found.fxPrime)
      return try end[0] > found.x[0] && end[1] == found.x[1]
        && (try exactOutputs(network, at: found.x)[0]) == found.fx
        && (try exactOutputs(network, at: end)[0]) == after
        && found.drop == found.fx - after - Rational(2499, 10_000) && found.drop.isPositive
    }
    try expect("holds", network, "nondecreasing: {of: f, in: [a, b]}\ntolerance: 0.25")
    try expect("holds", network, "nonincreasing: {of: f, in: b}\ntolerance: 1")
    try expect("violated", network, "nonincreasing: {of: f, in: b}\ntolerance: 0.99")
    // A fall by 1/4 of a logarithm is the factor 2^(1/4) = 1.18…
    try expect("holds", network, "nondecreasing: {of: f, in: a}\ntolerance: 19 percent", scale: "log2")
    try expect("violated", network, "nondecreasing: {of: f, in: a}\ntolerance: 18 percent", scale: "log2")
  }

  @Test func relations() throws {
    // f = relu(a − b).
    let network = try Network.of([([[1, -1]], [0]), ([[1]], [0])])
    let swap = "forall: [x, y]\nwhere: [x.a + y.b >= y.a + x.b, x.b <= 1]\nthen: x.f >= y.f"
    try expect("holds", network, swap)
    let shift = "forall: [x, y]\nwhere: [y.a == x.a, y.b >= x.b]\nthen: y.f >= x.f - 1/2"
    try expect("violated", network, shift) { found in
      let end = try #require(found.xPrime)
      return try end[0] == found.x[0] && end[1] >= found.x[1]
        && (try exactOutputs(network, at: end)[0]) < (try exactOutputs(network, at: found.x)[0]) - Rational(1, 2)
    }
    try expect("holds", network, shift + "\nwhen: [a - b <= 1/2]")
    // A one-sided Lipschitz condition in the sum of the moves.
    let lipschitz = "forall: [x, y]\nwhere: [x.a <= y.a, x.b >= y.b]\nthen: y.f - x.f <= y.a - x.a + x.b - y.b"
    try expect("holds", network, lipschitz)
    try expect("violated", network, lipschitz.replacing("<= y.a - x.a +", with: "<= 0.9 * y.a - 0.9 * x.a +"))
  }

  // MARK: Known pairs and mismatches

  @Test func knownPairsOfRelationsAreReplayed() throws {
    let network = try Network.of([([[1, -1]], [0]), ([[1]], [0])])
    let (spec, property) = try Self.property("nondecreasing: {of: f, in: b}\ntolerance: 1/2")
    let x: [Rational] = [1, 0]
    let pair = KnownPair(query: 0, x: x, xPrime: [1, 1])
    let verifier = Verifier(network: ExactNetwork(network), options: VerificationOptions(engine: .smt))
    let result = try verifier.decide(property, known: [pair], budget: Budget())
    #expect(
      result.verdict
        == .violated([Counterexample(query: 0, x: x, xPrime: [1, 1], fx: 1, fxPrime: 0, drop: Rational(1, 2))]))
    let found = Counterexample(query: 0, x: x, xPrime: [1, 1], fx: 1, fxPrime: 0, drop: Rational(1, 2))
    #expect(
      spec.describeCounterexample(
        to: property, query: 0, x: found.x, xPrime: found.xPrime, fx: found.fx, fxPrime: found.fxPrime,
        drop: found.drop)
        == ["b 0 → 1: f 1 → 0, should not fall by more than 0.5 (beyond it by 0.5)", "at a 1"])
    // Pairs that do not refute the property: outside, in the wrong order, moved elsewhere, too weak, half a pair.
    let builder = try Self.builder(network, property)
    for (x, xPrime) in [
      ([1, 0], [1, 2]), ([1, 1], [1, 0]), ([1, 0], [0, 1]), ([1, 0], [1, Rational(1, 2)]), ([1, 0], [1]),
      ([2, 0], [2, 2]),
    ] as [([Rational], [Rational])] {
      #expect(builder.replay(x, xPrime) == nil, "\(x) \(xPrime)")
    }
    #expect(builder.replay(x, nil) == nil)
    #expect(builder.replay(x, [1, 1]) == found)
  }

  static func builder(_ network: Network, _ property: Property) throws -> CounterexampleBuilder {
    let query = property.refutations[0]
    let lowered = try query.lowered(on: ExactNetwork(network))
    return CounterexampleBuilder(
      network: lowered.network, query: lowered.query, index: 0, isEnclosed: false, relation: query.relation)
  }

  @Test func queriesForOtherNetworksAreRefused() throws {
    let network = ExactNetwork(try Network.of([([[1]], [0]), ([[1]], [0])]))
    let row = [LinearMap.Term(column: 0)]
    let two = Relation(copies: [LinearMap(columnCount: 1, rows: [row, row])])
    let queries = [
      Query(region: [0...1, 0...1], claim: .nonnegative(outputs: [1], constant: 0)),
      Query(region: [0...1], claim: .nonnegative(outputs: [1, 1], constant: 0)),
      Query(region: [0...1], claim: .nonnegative(outputs: [1], inputs: [1, 1], constant: 0)),
      Query(region: [0...1], relation: two, claim: .nonnegative(outputs: [1], constant: 0)),
      Query(
        region: [0...1], relation: Relation(copies: [LinearMap(columnCount: 1, rows: [row])]),
        claim: .nonnegative(outputs: [1, 1], constant: 0)),
      .rising([0...1], feature: 1), .rising([0...1], output: 1), .rising([0...1], output: -1),
    ]
    for (index, query) in queries.enumerated() {
      #expect(throws: CheckFailure.dimension, "case \(index)") { _ = try query.lowered(on: network) }
    }
    let (_, property) = try Self.property("nondecreasing: {of: f, in: b}\ntolerance: 1/2")
    let error = #expect(throws: VerificationError.self) {
      _ = try Verifier(network: network).decide(property, budget: Budget())
    }
    #expect(error?.code == .mismatch)
  }

  // MARK: Brute force

  /// Random constraints on random networks, against phase enumeration on the cut box.
  @Test(arguments: [1, 2])
  func constrainedQueriesAgreeWithBruteForce(_ layers: Int) throws {
    let seed = UInt64(31 * layers)
    var dice = Dice(seed: seed)
    var verdicts: [String: Int] = [:]
    for round in 0..<160 {
      let network = try Network.random(
        inputs: 2, widths: layers == 1 ? [2] : [2, 2], style: dice.pick([.ternary, .dyadic]), &dice)
      let box: [ClosedRange<Rational>] = [-1...1, 0...1]
      let constraints = (0..<(1 + dice.below(2))).map { _ in
        LinearInequality(
          coefficients: [Rational(dice.integer(in: -2...2)), Rational(dice.integer(in: -2...2))],
          constant: Rational(dice.integer(in: -1...3), 2))
      }
      guard case .solid = Polytope(box: box, constraints: constraints).extent else { continue }
      let oracle = try PhaseOracle(network, box: box, constraints: constraints)
      let weights = (0..<2).map { _ in Rational(dice.integer(in: -1...1)) }
      let least = try #require(oracle.leastValue([1], inputs: weights))
      let slope = Rational(dice.integer(in: -2...2), 2)
      let queries = [
        Query(
          region: box, constraints: constraints,
          claim: .monotone(
            output: 0, feature: dice.below(2), direction: dice.pick([.nondecreasing, .nonincreasing]),
            minimumSlope: slope)),
        Query(
          region: box, constraints: constraints, claim: .nonnegative(outputs: [1], inputs: weights, constant: -least)),
        Query(
          region: box, constraints: constraints,
          claim: .nonnegative(outputs: [1], inputs: weights, constant: -least - Rational.one.scaled(bits: -30))),
      ]
      for (index, query) in queries.enumerated() {
        let expected = oracle.holds(query) ? "holds" : "violated"
        if index > 0 { #expect(expected == (index == 1 ? "holds" : "violated")) }
        verdicts["\(min(index, 1)) \(expected)", default: 0] += 1
        let methods: [Method] = index == 0 ? [.auto, .oneCopy, .twoCopies] : [.auto, .oneCopy]
        for method in methods where round % 4 == 0 || method != .twoCopies {
          let answer = try decideQuery(network, query, method)
          #expect(answer == expected, "seed \(seed), round \(round), \(method): \(network.text) \(query)")
        }
      }
    }
    #expect(verdicts.count == 4 && verdicts.values.allSatisfy { $0 > 20 }, "\(verdicts)")
  }

  /// The greatest fall of a function of one feature, by its breakpoints: a tolerance of that much holds, less does not.
  @Test func tolerancesAreExactlyTheGreatestFall() throws {
    let seed: UInt64 = 5
    var dice = Dice(seed: seed)
    var falling = 0
    for round in 0..<60 {
      let network = try Network.random(inputs: 1, widths: [3], style: .dyadic, &dice)
      let oracle = try PhaseOracle(network, box: [0...1])
      let points = Set(oracle.pieces.flatMap { $0.vertices.map { $0[0] } }).sorted()
      var values: [Rational] = []
      for point in points { values.append(try exactOutputs(network, at: [point])[0]) }
      var greatest = Rational.zero
      for i in values.indices {
        for j in values.indices where i < j { greatest = max(greatest, values[i] - values[j]) }
      }
      guard greatest.isPositive else { continue }
      falling += 1
      for (factor, expected) in [(Rational.one, "holds"), (Rational(999, 1000), "violated")] {
        let spec = try Specification.parse(
          text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\noutputs:\n  f: {}\nproperties:\n  - id: p\n"
            + "    nondecreasing: {of: f, in: a}\n    tolerance: \(greatest * factor)\n", path: "t.yaml")
        let answer = try Self.decide(network, spec.properties[0], engine: round % 2 == 0 ? .smt : .auto) { found in
          let end = try #require(found.xPrime)
          return try end[0] > found.x[0] && found.fx - (try #require(found.fxPrime)) > greatest * factor
        }
        #expect(answer == expected, "seed \(seed), round \(round): \(network.text)")
      }
    }
    #expect(falling >= 15)
  }

  /// Joint monotonicity on a polytope with an interior: per feature, and by its definition with two points.
  @Test func perFeatureQueriesMeanTheSameAsPairs() throws {
    let seed: UInt64 = 17
    var dice = Dice(seed: seed)
    var verdicts: [String: Int] = [:]
    var lacking = 0
    for round in 0..<60 {
      let network = try Network.random(inputs: 2, widths: [2], style: .ternary, &dice)
      let condition = dice.pick(["a + b <= 1", "a <= b", "2 * a - b <= 1/2", "a - b <= 1/10", "b <= a + 1/4"])
      let (_, single) = try Self.property("nondecreasing: {of: f, in: [a, b]}\nwhen: \(condition)")
      let (_, pair) = try Self.property(
        "forall: [x, y]\nwhere: [y.a <= x.a, y.b <= x.b]\nthen: y.f <= x.f\nwhen: \(condition)")
      #expect(single.queries.count == 2 && pair.queries.count == 1 && pair.queries[0].relation != nil)
      let first = try Self.decide(network, single, engine: .auto)
      let second = try Self.decide(network, pair, engine: .auto) { found in
        let end = try #require(found.xPrime)
        return try zip(end, found.x).allSatisfy { $0 <= $1 }
          && (try exactOutputs(network, at: found.x)[0]) < (try exactOutputs(network, at: end)[0])
      }
      // The space of pairs can be tight where the two queries are not: a cell may then stay without a proof.
      if second == Self.withoutProof, first == "holds" {
        lacking += 1
        continue
      }
      #expect(first == second, "seed \(seed), round \(round), \(condition): \(network.text)")
      verdicts[first, default: 0] += 1
    }
    #expect(lacking <= 5, "\(lacking)")
    #expect(verdicts["holds", default: 0] > 5 && verdicts["violated", default: 0] > 5, "\(verdicts)")
  }
}

/// The free function of the same name, which the suite's own one hides.
private func decideQuery(_ network: Network, _ query: Query, _ method: Method) throws -> String {
  try decide(network, query, method, budget: Budget(seconds: 120))
}
