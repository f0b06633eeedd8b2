import ExactArithmetic
import Foundation
import Testing

@testable import Specifications

/// What each kind of property means: the expected queries, written out.
@Suite struct PropertyKindTests {
  static let features = """
      a: {unit: percent, domain: 0..100}
      b: {unit: fraction, domain: 0..1}
      l: {unit: req/s, domain: 1..1024, scale: log2}
      m: {unit: req/s, domain: 1..1024, scale: log2}

    """
  static let outputs = """
      f: {unit: ms}
      g: {unit: s}
      h: {unit: ms, scale: log2}
      k: {unit: ms, scale: log2}

    """
  static let box: [ClosedRange<Rational>] = [0...100, 0...1, 0...10, 0...10]

  static func property(_ text: String, assume: String? = nil) throws -> Property {
    let lines = text.split(separator: "\n").map { "    \($0)\n" }.joined()
    let assumed = assume.map { "assume: \($0)\n" } ?? ""
    let spec = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n\(outputs)\(assumed)properties:\n  - id: p\n\(lines)",
      path: "specs/t.yaml")
    #expect(spec.warnings.isEmpty)
    return spec.properties[0]
  }

  static func at(_ index: Int, _ value: Rational, count: Int = 4) -> [Rational] {
    (0..<count).map { $0 == index ? value : .zero }
  }

  // MARK: always

  @Test func alwaysIsALinearClaimInTheFirstOutputsUnit() throws {
    // 3 ms + 2f ≥ 1000 g, in ms.
    let property = try Self.property("always: g <= 2 * f + 0.003 s")
    let expected = Query(
      region: Self.box,
      claim: .nonnegative(outputs: [Rational(1, 500), -1, 0, 0], inputs: [], constant: Rational(3, 1000)))
    #expect(property.queries == [expected])
    #expect(property.refutations == [expected])
    #expect(property.kind == .linear(outputs: [0, 1]))
    #expect(property.statement == "for all x in the domain: g ≤ 2·f + 0.003 s")
    #expect(!property.isRestricted)
  }

  @Test func alwaysMayNameInputsAndChains() throws {
    // The unit of b converts to percent, and c is in neither claim.
    let spec = try specification(
      features: "  a: {unit: percent, domain: 0..100}\n  b: {unit: fraction, domain: 0..1}\n",
      outputs: "  u: {unit: percent}\n", properties: "  - id: p\n    always: a - 5 percent <= u <= a + b\n")
    let region: [ClosedRange<Rational>] = [0...100, 0...1]
    #expect(
      spec.properties[0].queries == [
        Query(region: region, claim: .nonnegative(outputs: [1], inputs: [-1, 0], constant: 5)),
        Query(region: region, claim: .nonnegative(outputs: [-1], inputs: [1, 100], constant: 0)),
      ])
    let equal = try specification(
      features: "  a: {unit: none, domain: 0..1}\n", outputs: "  u: {unit: none}\n  v: {unit: none}\n",
      properties: "  - id: p\n    always: u + 1 == v\n")
    #expect(
      equal.properties[0].queries == [
        Query(region: [0...1], claim: .nonnegative(outputs: [-1, 1], constant: -1)),
        Query(region: [0...1], claim: .nonnegative(outputs: [1, -1], constant: 1)),
      ])
  }

  @Test func comparisonsOfMultiplesOnALogarithmicScaleAreLinear() throws {
    let plain = try Self.property("always: h <= k")
    #expect(
      plain.queries == [Query(region: Self.box, claim: .nonnegative(outputs: [0, 0, -1, 1], constant: 0))])
    // 4h ≤ k/2: log₂ k − log₂ h − 3 ≥ 0, exactly.
    let power = try Self.property("always: 4 * h <= 0.5 * k")
    #expect(
      power.queries == [Query(region: Self.box, claim: .nonnegative(outputs: [0, 0, -1, 1], constant: -3))])
    #expect(power.refutations == power.queries)
    // 3h ≤ k: the proof uses a number below −log₂ 3, the refutation one above.
    let three = try Self.property("always: 3 * h <= k")
    func constant(_ query: Query) -> Rational {
      if case .nonnegative(_, _, let constant) = query.claim { constant } else { 999 }
    }
    let logarithm = BinaryLogarithm.enclosure(of: 3, bits: 180)
    let (inner, outer) = (constant(three.queries[0]), constant(three.refutations[0]))
    #expect(inner <= -logarithm.upperBound && -logarithm.lowerBound <= outer)
    #expect(outer - inner <= Rational.one.scaled(bits: -118))
  }

  // MARK: Preconditions

  @Test func preconditionsOnOneFeatureNarrowTheBox() throws {
    let property = try Self.property("always: f <= 1 s\nwhen: [20 percent <= b, a <= 1/2 fraction, l <= 64 req/s]")
    let box: [ClosedRange<Rational>] = [0...50, Rational(1, 5)...1, 0...6, 0...10]
    #expect(
      property.queries == [Query(region: box, claim: .nonnegative(outputs: [-1, 0, 0, 0], constant: 1000))])
    #expect(property.kind == .always(output: 0, lower: nil, upper: 1000))
    #expect(property.isRestricted)
    #expect(
      property.statement
        == "for all x in the domain where 20 percent ≤ b and a ≤ 0.5 fraction and l ≤ 64 req/s: f(x) ≤ 1000 ms")
    // On a logarithmic scale the end is rounded outwards.
    let three = try Self.property("always: f <= 1 s\nwhen: l <= 3 req/s")
    let end = three.queries[0].region[2].upperBound
    let logarithm = BinaryLogarithm.enclosure(of: 3, bits: 180)
    #expect(end >= logarithm.upperBound && end - logarithm.lowerBound <= Rational.one.scaled(bits: -43))
  }

  @Test func preconditionsOnSeveralFeaturesBecomeConstraints() throws {
    let property = try Self.property(
      "nondecreasing: {of: f, in: a}\nwhen: [a + 50 percent >= b, a - 3 * b <= 0.25 fraction]", assume: "l <= m")
    // In percent, the unit of the first name, b counts 100 and 0.25 are 25.
    let expected = Query(
      region: Self.box,
      constraints: [
        LinearInequality(coefficients: [0, 0, -1, 1], constant: 0),
        LinearInequality(coefficients: [1, -100, 0, 0], constant: 50),
        LinearInequality(coefficients: [-1, 300, 0, 0], constant: 25),
      ],
      claim: .monotone(output: 0, feature: 0, direction: .nondecreasing, minimumSlope: 0))
    #expect(property.queries == [expected])
    #expect(property.queries[0].polytope.contains([50, Rational(1, 2), 3, 3]))
    // What the whole box satisfies is dropped.
    let wide = try Self.property("nondecreasing: {of: f, in: a}\nwhen: a + 100 percent >= b")
    #expect(wide.queries[0].constraints.isEmpty)
    #expect(wide.queries[0].region == Self.box)
  }

  @Test func overIsAPartOfTheFeaturesDomain() throws {
    let property = try Self.property("nonincreasing: {of: h, in: m, over: 2..8 req/s}")
    #expect(
      property.queries == [
        Query(
          region: [0...100, 0...1, 0...10, 1...3],
          claim: .monotone(output: 2, feature: 3, direction: .nonincreasing, minimumSlope: 0))
      ])
    #expect(property.isRestricted)
    #expect(
      property.statement
        == "for all x, x′ in the domain where 2 ≤ m ≤ 8 req/s and x′ ≥ x in m and x′ = x elsewhere: h(x′) ≤ h(x)")
  }

  // MARK: Rates

  @Test func ratesAreSlopesInTheNetworksNumbers() throws {
    let linear = try Self.property("rate: {of: f, in: a, per: 0.1 fraction, min: -1 us, max: 0.004 s}")
    func query(_ output: Int, _ feature: Int, _ direction: Direction, _ slope: Rational) -> Query {
      Query(
        region: Self.box,
        claim: .monotone(output: output, feature: feature, direction: direction, minimumSlope: slope))
    }
    #expect(
      linear.queries == [
        query(0, 0, .nondecreasing, Rational(-1, 10_000)), query(0, 0, .nonincreasing, Rational(-2, 5)),
      ])
    #expect(linear.refutations == linear.queries)
    #expect(
      linear.kind == .rate(output: 0, feature: 0, step: 10, lower: Rational(-1, 1000), upper: 4))
    #expect(
      linear.statement
        == "for all x, x′ in the domain with x′ > x in a and x′ = x elsewhere: f grows by at least -0.001 ms and at most "
        + "4 ms per 10 percent of a")
    // A doubling of l at most quadruples h, and a step is one doubling when 'per' is missing.
    for step in [", per: 100 percent", ""] {
      let log = try Self.property("rate: {of: h, in: l, max: 300 percent\(step)}")
      #expect(log.queries == [query(2, 2, .nonincreasing, -2)])
    }
    // The unit step of a linear feature: at most ×8 for each unit of b; ×1/2 at least.
    let mixed = try Self.property("rate: {of: h, in: b, min: -50 percent, max: 700 percent}")
    #expect(mixed.queries == [query(2, 1, .nondecreasing, -1), query(2, 1, .nonincreasing, -3)])
  }

  @Test func irrationalRatesAreRoundedInwardsForProofs() throws {
    let property = try Self.property("rate: {of: h, in: l, per: 50 percent, min: -10 percent, max: 10 percent}")
    func slope(_ query: Query) -> Rational {
      if case .monotone(_, _, _, let slope) = query.claim { slope } else { 999 }
    }
    for (index, factor) in [Rational(9, 10), Rational(11, 10)].enumerated() {
      let top = BinaryLogarithm.enclosure(of: factor, bits: 180)
      let bottom = BinaryLogarithm.enclosure(of: Rational(3, 2), bits: 180)
      let quotients = [
        top.lowerBound / bottom.lowerBound, top.lowerBound / bottom.upperBound, top.upperBound / bottom.lowerBound,
        top.upperBound / bottom.upperBound,
      ].sorted()
      let (inner, outer) = (slope(property.queries[index]), slope(property.refutations[index]))
      if index == 0 {
        #expect(inner >= quotients[3] && outer <= quotients[0])
      } else {
        #expect(-inner <= quotients[0] && -outer >= quotients[3])
      }
      #expect((inner - outer).isPositive && inner - outer < Rational.one.scaled(bits: -115))
    }
  }

  // MARK: Two points

  @Test func toleranceSpeaksOfTwoPoints() throws {
    let property = try Self.property("nonincreasing: {of: f, in: [a, l]}\ntolerance: 500 us")
    // u = (a, t, b, l, s, m): x′ = (a + t, b, l + s, m).
    func term(_ columns: Int...) -> [LinearMap.Term] { columns.map { LinearMap.Term(column: $0) } }
    let relation = Relation(copies: [
      LinearMap(columnCount: 6, rows: [term(0), term(2), term(3), term(5)]),
      LinearMap(columnCount: 6, rows: [term(0, 1), term(2), term(3, 4), term(5)]),
    ])
    let expected = Query(
      region: [0...100, 0...100, 0...1, 0...10, 0...10, 0...10],
      constraints: [
        LinearInequality(coefficients: [-1, -1, 0, 0, 0, 0], constant: 100),
        LinearInequality(coefficients: [0, 0, 0, -1, -1, 0], constant: 10),
      ], relation: relation,
      claim: .nonnegative(outputs: [1, 0, 0, 0, -1, 0, 0, 0], constant: Rational(1, 2)))
    #expect(property.queries == [expected])
    #expect(property.refutations == [expected])
    #expect(property.tolerance == Rational(1, 2))
    #expect(property.kind == .monotone(direction: .nonincreasing, output: 0, features: [0, 2]))
    #expect(
      property.statement
        == "for all x, x′ in the domain with x′ ≥ x in a, l and x′ = x elsewhere: f(x′) ≤ f(x) + 0.5 ms")
  }

  @Test func toleranceOnALogarithmicScaleIsAFactor() throws {
    let property = try Self.property("nondecreasing: {of: h, in: a}\ntolerance: 100 percent")
    guard case .nonnegative(let outputs, let inputs, let constant) = property.queries[0].claim else {
      Issue.record("not a claim on values")
      return
    }
    #expect(outputs == [0, 0, -1, 0, 0, 0, 1, 0] && inputs.isEmpty && constant == 1)
    #expect(property.statement.hasSuffix("h(x′) ≥ h(x) / 2"))
    let third = try Self.property("nondecreasing: {of: h, in: a}\ntolerance: 2 percent")
    guard case .nonnegative(_, _, let inner) = third.queries[0].claim,
      case .nonnegative(_, _, let outer) = third.refutations[0].claim
    else { return }
    let logarithm = BinaryLogarithm.enclosure(of: Rational(51, 50), bits: 180)
    #expect(inner <= logarithm.lowerBound && outer >= logarithm.upperBound)
  }

  @Test func jointMonotonicityIsPerFeatureOnlyWhereTheDomainHasAnInterior() throws {
    let solid = try Self.property("nondecreasing: {of: f, in: [a, b]}\nwhen: [a <= b, b <= a + 1 percent]")
    #expect(solid.queries.count == 2 && solid.queries.allSatisfy { $0.relation == nil && $0.constraints.count == 2 })
    // On the diagonal no step along one feature is possible: f may fall along it.
    let flat = try Self.property("nondecreasing: {of: f, in: [a, b]}\nwhen: a == b")
    #expect(flat.queries.count == 1 && flat.queries[0].relation != nil)
    let diagonal = try #require(flat.queries[0].relation)
    let pair: [[Rational]] = [[20, Rational(1, 5), 0, 1], [30, Rational(3, 10), 0, 1]]
    let u = try #require(diagonal.parameters(of: pair))
    #expect(flat.queries[0].polytope.contains(u))
    let off = try #require(diagonal.parameters(of: [pair[0], [30, Rational(1, 5), 0, 1]]))
    #expect(!flat.queries[0].polytope.contains(off))
    // One feature alone needs no interior.
    let single = try Self.property("nondecreasing: {of: f, in: l}\nwhen: a == b")
    #expect(single.queries.count == 1 && single.queries[0].relation == nil)
    #expect(single.queries[0].constraints.count == 2)
  }

  @Test func relationsShareAndOrderCoordinates() throws {
    let property = try Self.property(
      "forall: [x, y]\nwhere: [x.a <= y.a, x.b == y.b, y.l <= x.l, y.a >= 50 percent, x.m <= 2 * y.m]\n"
        + "then: x.f + 1 ms >= y.f - 2 * y.g")
    func term(_ columns: Int...) -> [LinearMap.Term] { columns.map { LinearMap.Term(column: $0) } }
    // u = (x.a, t, b, y.l, s, x.m, y.m).
    let expected = Query(
      region: [0...100, 0...100, 0...1, 0...10, 0...10, 0...10, 0...10],
      constraints: [
        // y.a ≥ 50 and y.a ≤ 100; x.l ≤ 10; x.m ≤ y.m + log₂ 2.
        LinearInequality(coefficients: [1, 1, 0, 0, 0, 0, 0], constant: -50),
        LinearInequality(coefficients: [-1, -1, 0, 0, 0, 0, 0], constant: 100),
        LinearInequality(coefficients: [0, 0, 0, -1, -1, 0, 0], constant: 10),
        LinearInequality(coefficients: [0, 0, 0, 0, 0, -1, 1], constant: 1),
      ],
      relation: Relation(copies: [
        LinearMap(columnCount: 7, rows: [term(0), term(2), term(3, 4), term(5)]),
        LinearMap(columnCount: 7, rows: [term(0, 1), term(2), term(3), term(6)]),
      ]),
      claim: .nonnegative(outputs: [1, 0, 0, 0, -1, 2000, 0, 0], constant: 1))
    #expect(property.queries == [expected])
    let between = ["x.a ≤ y.a", "x.b = y.b", "y.l ≤ x.l", "y.a ≥ 50 percent", "x.m ≤ 2·y.m"]
    #expect(property.kind == .relational(points: ["x", "y"], outputs: [0, 1], between: between))
    let points: [[Rational]] = [[10, Rational(1, 3), 7, 2], [60, Rational(1, 3), 4, 9]]
    let u = try #require(expected.relation?.parameters(of: points))
    #expect(u == [10, 50, Rational(1, 3), 4, 3, 2, 9])
    #expect(expected.relation?.points(at: u) == points)
    #expect(expected.relation?.parameters(of: [points[0], [60, Rational(1, 2), 4, 9]]) == nil)
    #expect(expected.relation?.parameters(of: [points[0]]) == nil)
  }

  @Test func preconditionsOnSharedCoordinatesAreOneConstraint() throws {
    let property = try Self.property("nondecreasing: {of: f, in: a}\ntolerance: 1 ms", assume: "[l <= m, a <= b]")
    #expect(
      property.queries[0].constraints == [
        LinearInequality(coefficients: [-1, -1, 0, 0, 0], constant: 100),
        LinearInequality(coefficients: [0, 0, 0, -1, 1], constant: 0),
        LinearInequality(coefficients: [-1, 0, 100, 0, 0], constant: 0),
        LinearInequality(coefficients: [-1, -1, 100, 0, 0], constant: 0),
      ])
  }

  @Test func relationsMaySpeakOfInputs() throws {
    let spec = try specification(
      features: "  a: {unit: none, domain: 0..1}\n", outputs: "  f: {unit: none}\n",
      properties: "  - id: p\n    forall: [x, y]\n    where: x.a <= y.a\n    then: y.f - x.f <= 3 * y.a - 3 * x.a\n")
    #expect(
      spec.properties[0].queries[0].claim == .nonnegative(outputs: [1, -1], inputs: [0, 3], constant: 0))
    #expect(
      spec.properties[0].statement
        == "for all x, y in the domain: x.a ≤ y.a implies y.f − x.f ≤ 3·y.a − 3·x.a")
  }

  // MARK: Texts and digests

  @Test func canonicalTextsOfNewQueriesAreInjective() throws {
    let flip = Claim.nonnegative(outputs: [1], inputs: [0, -2], constant: Rational(1, 2))
    let plain = Query(region: [0...1, 0...1], claim: flip)
    #expect(plain.canonicalText == "vpals-query/v1 2\n0 1\n0 1\nnonnegative outputs 1 inputs 0 -2 constant 1/2\n")
    let constraint = LinearInequality(coefficients: [1, -3], constant: 2)
    let half = try #require(Dyadic(exactly: -0.5))
    let relation = Relation(copies: [
      LinearMap(columnCount: 2, rows: [[.init(column: 0), .init(column: 1, factor: half)]]),
      LinearMap(columnCount: 2, rows: [[]]),
    ])
    let full = Query(
      region: [0...1, 0...1], constraints: [constraint], relation: relation,
      claim: .nonnegative(outputs: [1, 2], constant: 0))
    #expect(
      full.canonicalText
        == "vpals-query/v2 2 1 2\n0 1\n0 1\nconstraint 1 -3 constant 2\ncopy 1\nrow 0:1 1:-1/2\ncopy 1\nrow\n"
        + "nonnegative outputs 1 2 constant 0\n")
    // All-zero inputs are no inputs.
    let zero = Query(region: [0...1], claim: .nonnegative(outputs: [1], inputs: [0], constant: 0))
    #expect(zero == Query(region: [0...1], claim: .nonnegative(outputs: [1], constant: 0)))
    let queries = [
      plain, full, Query(region: [0...1, 0...1], constraints: [constraint], claim: flip),
      Query(region: [0...1, 0...1], constraints: [constraint, constraint], claim: flip),
      Query(region: [0...1, 0...1], relation: relation, claim: .nonnegative(outputs: [1, 2], constant: 0)),
    ]
    #expect(Set(queries.map(\.digest)).count == queries.count)
  }

  @Test(arguments: [
    ("over: 5..95", "over: 5..94"), ("tolerance: 2 ms", "tolerance: 1 ms"), ("per: 10", "per: 20"),
    ("max: 4 ms", "max: 5 ms"), ("min: 0 ms", "min: -1 ms"), ("a <= b + 0.5 fraction", "a <= b + 0.4 fraction"),
    ("y.a >= x.a", "x.a >= y.a"), ("x.f - 1 ms", "x.f - 2 ms"), ("f <= 2 * g", "f <= 3 * g"),
    ("assume: l <= m", "assume: m <= l"),
  ])
  func everyChangeOfMeaningChangesTheDigest(from: String, to: String) throws {
    let text =
      "spec: vpals/v1\nfeatures:\n\(Self.features)outputs:\n\(Self.outputs)" + """
        assume: l <= m
        properties:
          - id: p1
            nondecreasing: {of: f, in: a, over: 5..95 percent}
            tolerance: 2 ms
          - id: p2
            rate: {of: f, in: a, per: 10 percent, min: 0 ms, max: 4 ms}
          - id: p3
            always: f <= 2 * g
            when: a <= b + 0.5 fraction
          - id: p4
            forall: [x, y]
            where: y.a >= x.a
            then: y.f >= x.f - 1 ms

        """
    #expect(text.contains(from))
    let spec = try Specification.parse(text: text, path: "a.yaml")
    let other = try Specification.parse(text: text.replacing(from, with: to, maxReplacements: 1), path: "a.yaml")
    #expect(spec.digest != other.digest)
    let same = try Specification.parse(
      text: text.replacing("f <= 2 * g", with: "2 * g >= f").replacing("2 ms", with: "2000 us"), path: "a.yaml")
    #expect(spec.canonicalText.count == same.canonicalText.count)
  }

  /// What certificates bind must stay what it was: those of the models in this repository name digests of queries and
  /// of specifications.
  @Test(arguments: ["lucene", "mariadb", "mindspore", "nginx", "redis"])
  func certifiedModelsKeepTheirDigests(name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let spec = try Specification.read(path: root.appending(path: "specs/\(name).yaml").path)
    let data = try Data(contentsOf: root.appending(path: "models/\(name)/v0001/\(name).intoto.json"))
    let envelope = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    let payload = try #require((envelope["payload"] as? String).flatMap { Data(base64Encoded: $0) })
    let statement = try #require(JSONSerialization.jsonObject(with: payload) as? [String: Any])
    let certificate = try #require(statement["predicate"] as? [String: Any])
    let bound = try #require(certificate["specification"] as? [String: Any])
    #expect((bound["digest"] as? String).map { "sha256:" + $0 } == spec.digest)
    let records = try #require(certificate["properties"] as? [[String: Any]])
    #expect(records.count == spec.properties.count)
    for (record, property) in zip(records, spec.properties) {
      let digests = try #require(record["queryDigests"] as? [String])
      #expect(digests.map { "sha256:" + $0 } == property.queries.map(\.digest))
      #expect(record["statement"] as? String == property.statement)
    }
  }

  @Test func describesViolationsOfEachKind() throws {
    func lines(
      _ text: String, query: Int = 0, _ x: [Rational], _ xPrime: [Rational]?, fx: Rational, fxPrime: Rational?,
      drop: Rational
    ) throws -> [String] {
      let indented = text.split(separator: "\n").map { "    \($0)\n" }.joined()
      let spec = try Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n\(Self.features)outputs:\n\(Self.outputs)properties:\n  - id: p\n\(indented)",
        path: "t.yaml")
      let property = spec.properties[0]
      #expect(spec.describeDrop(of: property, query: query, drop: drop).hasPrefix("−"))
      return spec.describeCounterexample(
        to: property, query: query, x: x, xPrime: xPrime, fx: fx, fxPrime: fxPrime, drop: drop)
    }
    let x: [Rational] = [10, Rational(1, 2), 3, 4]
    let moved: [Rational] = [20, Rational(1, 2), 3, 4]
    #expect(
      try lines("always: 3 * h <= k", x, nil, fx: 1, fxPrime: nil, drop: 1)
        == ["3·h ≤ k fails by 100 %", "at a 10 percent, b 0.5 fraction, l 8 req/s, m 16 req/s"])
    #expect(
      try lines("nondecreasing: {of: f, in: a}\ntolerance: 2 ms", x, moved, fx: 9, fxPrime: 4, drop: 3)
        == [
          "a 10 → 20 percent: f 9 → 4 ms, should not fall by more than 2 ms (beyond it by 3 ms)",
          "at b 0.5 fraction, l 8 req/s, m 16 req/s",
        ])
    #expect(
      try lines(
        "rate: {of: f, in: a, per: 1 percent, min: 0 ms, max: 4 ms}", query: 1, x, moved, fx: 0, fxPrime: 50,
        drop: 10)
        == [
          "a 10 → 20 percent: f 0 → 50 ms, should grow by at most 4 ms per 1 percent (fails by 10 ms)",
          "at b 0.5 fraction, l 8 req/s, m 16 req/s",
        ])
    #expect(
      try lines("forall: [x, y]\nwhere: x.a <= y.a\nthen: y.f >= x.f - 1 ms", x, moved, fx: 9, fxPrime: 4, drop: 4)
        == [
          "y.f ≥ x.f − 1 ms fails by 4 ms", "at x: f 9 ms at a 10 percent, b 0.5 fraction, l 8 req/s, m 16 req/s",
          "at y: f 4 ms at a 20 percent, b 0.5 fraction, l 8 req/s, m 16 req/s",
        ])
    // A claim about one of the points has no value at the other.
    #expect(
      try lines("forall: [x, y]\nwhere: x.a <= y.a\nthen: y.f >= 8 ms", x, moved, fx: 0, fxPrime: 4, drop: 4)
        == [
          "y.f ≥ 8 ms fails by 4 ms", "at x: a 10 percent, b 0.5 fraction, l 8 req/s, m 16 req/s",
          "at y: a 20 percent, b 0.5 fraction, l 8 req/s, m 16 req/s",
        ])
  }
}

/// Relational properties that say no more than that an output grows.
@Suite struct GrowthBetweenPointsTests {
  private static func property(_ text: String) throws -> Property {
    let lines = text.split(separator: "\n").map { "    \($0)\n" }.joined()
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\n  b: {domain: 0..1}\n  r: {values: [1, 2]}\n"
        + "outputs:\n  f: {}\n  g: {}\nproperties:\n  - id: p\n    forall: [x, y]\n\(lines)", path: "t.yaml")
    return specification.properties[0]
  }

  @Test func becomeQueriesAboutOneCopy() throws {
    let property = try Self.property("where: x.a <= y.a and y.b >= x.b and x.r == y.r\nthen: x.f <= y.f")
    #expect(property.queries.count == 4 && property.queries.allSatisfy { $0.relation == nil })
    let features = property.queries.map { query in
      guard case .monotone(0, let feature, .nondecreasing, let slope) = query.claim, slope.isZero else { return -1 }
      return feature
    }
    #expect(features.sorted() == [0, 0, 1, 1])
    let along = try Self.property("where: x.a == y.a and x.b == y.b and x.r <= y.r\nthen: x.f <= y.f")
    #expect(along.queries.count == 1 && along.queries[0].relation != nil)
    let strict = try Self.property("where: x.a < y.a and x.b == y.b and x.r == y.r\nthen: 2 * y.f >= 2 * x.f")
    #expect(strict.queries.count == 2 && strict.queries.allSatisfy { $0.relation == nil })
  }

  @Test(arguments: [
    // Another output, an amount, a direction, a weight, a feature that is free, a distance, strictness in two features.
    "where: x.a <= y.a and x.b == y.b and x.r == y.r\nthen: x.f <= y.g",
    "where: x.a <= y.a and x.b == y.b and x.r == y.r\nthen: x.f <= y.f + 1",
    "where: x.a >= y.a and x.b == y.b and x.r == y.r\nthen: x.f <= y.f",
    "where: x.a <= y.a and x.b == y.b and x.r == y.r\nthen: 2 * x.f <= y.f",
    "where: x.a <= y.a and x.r == y.r\nthen: x.f <= y.f",
    "where: x.a + 0.1 <= y.a and x.b == y.b and x.r == y.r\nthen: x.f <= y.f",
    "where: x.a < y.a and x.b < y.b and x.r == y.r\nthen: x.f <= y.f",
  ])
  func othersKeepTwoPoints(text: String) throws {
    let property = try Self.property(text)
    #expect(!property.queries.isEmpty && property.queries.allSatisfy { $0.relation != nil })
  }
}
