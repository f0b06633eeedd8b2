import Certificates
import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@Suite struct ArithmeticTests {
  static let base = StoreExamples.certificate()

  private static func certificate(_ arithmetic: Certificate.Arithmetic) -> Certificate {
    Certificate(
      model: base.model, specification: base.specification, properties: base.properties, arithmetic: arithmetic,
      verifier: base.verifier, solver: base.solver, startedAt: base.startedAt, finishedAt: base.finishedAt)
  }

  private static func axis(_ exponent: Int, _ low: Int, _ high: Int) throws -> InputGrid.Axis {
    try #require(
      InputGrid.Axis(
        exponent: exponent, low: Dyadic(low).scaled(bits: exponent), high: Dyadic(high).scaled(bits: exponent)))
  }

  private static func exact() throws -> Certificate.Arithmetic {
    .binary64Exact(InputGrid(axes: [try axis(-3, -2, 5), try axis(0, 0, 7)]))
  }

  private static let bounded = Certificate.Arithmetic.bounded(
    .binary32, errors: [Rational(1, 1024), 0], properties: ["p99-sane"])

  // MARK: The format

  @Test func writesTheFieldsOfEachArithmetic() throws {
    func semantics(_ arithmetic: Certificate.Arithmetic) throws -> String {
      let text = String(decoding: try Self.certificate(arithmetic).encoded(), as: UTF8.self)
      let start = try #require(text.firstRange(of: #""semantics":"#))
      let end = try #require(text.firstRange(of: #","solver":"#))
      return String(text[start.upperBound..<end.lowerBound])
    }
    #expect(try semantics(.real) == #"{"arithmetic":"real"}"#)
    #expect(
      try semantics(Self.exact())
        == #"{"arithmetic":"binary64-exact","grid":[{"exponent":-3,"high":"5/8","low":"-1/4"},"#
        + #"{"exponent":0,"high":"7","low":"0"}]}"#)
    #expect(
      try semantics(Self.bounded)
        == #"{"arithmetic":"binary32-bounded","errors":["1/1024","0"],"properties":["p99-sane"]}"#)
  }

  @Test func readsWhatItWrites() throws {
    for arithmetic in [
      .real, try Self.exact(), Self.bounded,
      .bounded(.binary64, errors: [Rational(1, 3)], properties: ["a", "b"]),
    ] {
      let certificate = Self.certificate(arithmetic)
      #expect(try UncheckedCertificate(bytes: try certificate.encoded(), file: "a").claims == certificate)
    }
  }

  private static func refusal(_ arithmetic: Certificate.Arithmetic, _ old: String, _ new: String) throws -> String? {
    var text = String(decoding: try certificate(arithmetic).encoded(), as: UTF8.self)
    let range = try #require(text.firstRange(of: old), "\(old) does not occur in \(text)")
    text.replaceSubrange(range, with: new)
    let bytes = Array(text.utf8)
    let error = #expect(throws: CertificateError.self) { try UncheckedCertificate(bytes: bytes, file: "f") }
    return error.map { String($0.message.dropFirst(3)) }
  }

  private static let repair = "; run `vpals verify` again to write a new certificate"

  @Test(arguments: [
    (
      #""exponent":0"#, #""exponent":1"#,
      "$.semantics.grid[1] is no grid; its ends must be multiples of 2^1, low not above high"
    ),
    (#""exponent":0"#, #""exponent":-1023"#, "$.semantics.grid[1].exponent is -1023; expected -1022 to 971"),
    (#""exponent":0"#, #""exponent":"0""#, "$.semantics.grid[1].exponent is a string; expected an integer"),
    (
      #""high":"7""#, #""high":"-1""#,
      "$.semantics.grid[1] is no grid; its ends must be multiples of 2^0, low not above high"
    ),
    (
      #""high":"7""#, #""high":"7/3""#,
      "$.semantics.grid[1] is no grid; its ends must be multiples of 2^0, low not above high"
    ),
    (#""low":"0""#, #""low":0"#, "$.semantics.grid[1].low is an integer; expected a string"),
    (#","low":"0""#, "", "$.semantics.grid[1] lacks the field \"low\""),
    (#""low":"0""#, #""low":"0","step":1"#, "$.semantics.grid[1] has an unknown field \"step\""),
    (#""grid":["#, #""errors":[],"grid":["#, "$.semantics has an unknown field \"errors\""),
    (#""binary64-exact""#, #""real""#, "$.semantics has an unknown field \"grid\""),
    (#""binary64-exact""#, #""binary64-bounded""#, "$.semantics lacks the field \"errors\""),
    (
      #""binary64-exact""#, #""binary32-exact""#,
      "$.semantics.arithmetic is \"binary32-exact\"; expected real or binary64-exact or binary32-bounded or "
        + "binary64-bounded"
    ),
  ]) func refusesOtherGrids(old: String, new: String, message: String) throws {
    #expect(try Self.refusal(Self.exact(), old, new) == message + Self.repair)
  }

  @Test(arguments: [
    (#""1/1024""#, #""-1/1024""#, "$.semantics.errors has a negative number; an error is a distance"),
    (#""errors":["1/1024","0"]"#, #""errors":[]"#, "$.semantics.errors has 0 elements; expected 1 to 4096"),
    (#"["p99-sane"]"#, "[]", "$.semantics.properties has 0 elements; expected 1 to 10000"),
    (#"["p99-sane"]"#, #"["a","a"]"#, "$.semantics.properties[1] is \"a\", doubled"),
    (#""errors":["1/1024","0"],"#, "", "$.semantics lacks the field \"errors\""),
  ]) func refusesOtherBounds(old: String, new: String, message: String) throws {
    #expect(try Self.refusal(Self.bounded, old, new) == message + Self.repair)
  }

  @Test func saysWhatABoundMeans() {
    #expect(
      Self.bounded.meaning
        == "binary32 computes every output within \(Rational(1, 1024).approximation) of the exact one; 1 property was "
        + "proved with that margin and holds of the computed network, the others of real numbers")
    #expect(
      Certificate.Arithmetic.bounded(.binary64, errors: [0], properties: ["a", "b"]).meaning.contains(
        "2 properties were proved with that margin and hold of the computed network"))
  }

  // MARK: The claim

  private static let specification: Specifications.Specification? = try? .parse(
    text: """
      spec: vpals/v1
      features:
        x: {domain: 0..1}
      outputs:
        y: {}
      properties:
        - id: rises
          nondecreasing: {of: y, in: x}
        - id: sane
          always: -1 <= y <= 5
      """, path: "a.yaml")

  /// weight·x, with records that say both properties hold.
  private static func problem(_ arithmetic: Certificate.Arithmetic, weight: Double) throws -> String? {
    let specification = try #require(specification)
    let network = try Network(layers: [
      Layer(inputCount: 1, outputCount: 1, weights: [weight], biases: [0], isRectified: false)
    ])
    let records = specification.properties.map { property in
      PropertyRecord(
        id: property.id, statement: "", outcome: .holds, engine: "auto", milliseconds: 0, cpuMilliseconds: 0,
        leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil, queryDigests: [])
    }
    return arithmetic.problem(network: network, specification: specification, records: records)
  }

  @Test func namesTheQueriesThatAProofMustShow() throws {
    let specification = try #require(Self.specification)
    let (rises, sane) = (specification.properties[0], specification.properties[1])
    let errors = [Rational(1, 8)]
    let listed = Certificate.Arithmetic.bounded(.binary64, errors: errors, properties: ["sane", "rises"])
    #expect(listed.provenQueries(of: sane) == sane.queries.compactMap { $0.tightened(by: errors) })
    #expect(listed.provenQueries(of: sane) != sane.queries)
    // Without a tolerance there is no margin.
    #expect(listed.provenQueries(of: rises) == nil)
    // Errors of another number of outputs fit no query.
    for errors in [[], [Rational(1, 8), 0]] as [[Rational]] {
      let other = Certificate.Arithmetic.bounded(.binary64, errors: errors, properties: ["sane", "rises"])
      #expect(other.provenQueries(of: sane) == nil)
      #expect(other.provenQueries(of: rises) == nil)
    }
    for arithmetic in [.real, .bounded(.binary64, errors: errors, properties: ["other"])] as [Certificate.Arithmetic] {
      #expect(arithmetic.provenQueries(of: rises) == rises.queries)
      #expect(arithmetic.provenQueries(of: sane) == sane.queries)
    }
  }

  @Test func claimsTheFinestGridOrNone() throws {
    let specification = try #require(Self.specification)
    func arithmetic(_ weight: Double) throws -> Certificate.Arithmetic {
      Certificate.Arithmetic(
        of: try Network(layers: [
          Layer(inputCount: 1, outputCount: 1, weights: [weight], biases: [0], isRectified: false)
        ]), for: specification)
    }
    let exact = try arithmetic(1 + 0x1p-30)
    #expect(exact == .binary64Exact(InputGrid(axes: [try Self.axis(-22, 0, 1 << 22)])))
    #expect(exact.description == "binary64-exact")
    #expect(exact.meaning.contains("multiples of 2^-22"))
    #expect(try Self.problem(exact, weight: 1 + 0x1p-30) == nil)
    #expect(try arithmetic(0.1) == .real)
    #expect(try Self.problem(.real, weight: 0.1) == nil)
  }

  @Test func aListedValueThatIsNoPointOfTheGridLeavesItReal() throws {
    func specification(_ values: String) throws -> Specifications.Specification {
      try Specifications.Specification.parse(
        text:
          "spec: vpals/v1\nfeatures:\n  r: {\(values)}\noutputs:\n  y: {}\nproperties:\n  - {id: sane, always: 0 <= y}\n",
        path: "a.yaml")
    }
    let network = try Network(layers: [
      Layer(inputCount: 1, outputCount: 1, weights: [1], biases: [0], isRectified: false)
    ])
    let dyadic = try specification("values: [0.5, 1, 2]")
    let exact = Certificate.Arithmetic(of: network, for: dyadic)
    #expect(exact.description == "binary64-exact")
    #expect(exact.problem(network: network, specification: dyadic, records: []) == nil)
    #expect(Certificate.Arithmetic.unheldFeature(of: dyadic) == nil)
    // A tenth is rounded to a number of which nothing was proved.
    let decimal = try specification("values: [0.5, 0.6, 2]")
    #expect(Certificate.Arithmetic(of: network, for: decimal) == .real)
    #expect(
      exact.problem(network: network, specification: decimal, records: [])
        == "no point of the grid has a value of 'r' that a property speaks of")
    #expect(Certificate.Arithmetic.unheldFeature(of: decimal) == "r")
    let bounded = Certificate.Arithmetic.bounded(.binary64, errors: [1], properties: [])
    #expect(
      bounded.problem(network: network, specification: decimal, records: [])
        == "no number of binary64 is a value of 'r' that a property speaks of")
    // So does a number of 'for-each', or of a precondition, on a range.
    for rest in ["for-each: {r: [0.1]}", "when: r == 0.1"] {
      let single = try Specifications.Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n  r: {domain: 0..1}\noutputs:\n  y: {}\nproperties:\n  - id: p\n"
          + "    always: y >= 0\n    \(rest)\n", path: "a.yaml")
      #expect(Certificate.Arithmetic(of: network, for: single) == .real, "\(rest)")
    }
    // On a logarithmic scale a value is an interval around its logarithm, and a grid must have a point in it.
    let powers = try specification("values: [1, 2, 4], scale: log2")
    #expect(Certificate.Arithmetic(of: network, for: powers).description == "binary64-exact")
    #expect(Certificate.Arithmetic(of: network, for: try specification("values: [1, 3], scale: log2")) == .real)
  }

  @Test func predictsFromTheSpecificationsUnits() throws {
    let specification = try Specifications.Specification.parse(
      text: """
        spec: vpals/v1
        features:
          cores: {domain: 0.5..2}
          clients: {domain: 1..64, scale: log2}
        outputs:
          y: {}
        properties:
          - id: sane
            always: 0 <= y
        """, path: "a.yaml")
    let network = try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [1, 1 + 0x1p-40], biases: [0], isRectified: false)
    ])
    let arithmetic = Certificate.Arithmetic(of: network, for: specification)
    // 1.5 and 6 wide: 2^-k and 2^(2-k); 2 + 6·(1 + 2^-40) needs 4 bits before the point: 41 + k ≤ 53.
    #expect(
      arithmetic
        == .binary64Exact(InputGrid(axes: [try Self.axis(-11, 1 << 10, 1 << 12), try Self.axis(-9, 0, 6 << 9)])))
    let predictor = try #require(try arithmetic.predictor(network: network, specification: specification))
    #expect(try predictor.outputs(at: [1.25, 32]) == [6.25 + 5 * 0x1p-40])
    #expect(try predictor.outputs(at: [0, 0]) == [0.5])
    #expect(try predictor.outputs(at: [9, 1000]) == [8 + 6 * 0x1p-40])
    // log₂ 3 = 811.50…/512
    #expect(try predictor.outputs(at: [1, 3]) == [1 + 812 * 0x1p-9 * (1 + 0x1p-40)])
    #expect(try Certificate.Arithmetic.real.predictor(network: network, specification: specification) == nil)
  }

  @Test func refusesAGridThatIsNotExactForTheNetwork() throws {
    func problem(_ axes: [InputGrid.Axis], _ weight: Double = 1 + 0x1p-30) throws -> String? {
      try Self.problem(.binary64Exact(InputGrid(axes: axes)), weight: weight)
    }
    #expect(try problem([Self.axis(-22, 0, 1 << 22)]) == nil)
    #expect(
      try problem([Self.axis(-23, 0, 1 << 23)]) == "neuron 0 of layer 0 needs 54 bits on the grid; binary64 has 53")
    #expect(try problem([Self.axis(-22, 0, 1 + 1 << 22)]) == "the grid of input 0 leaves the domain")
    #expect(try problem([Self.axis(-22, -1, 1 << 22)]) == "the grid of input 0 leaves the domain")
    #expect(
      try problem([Self.axis(0, 0, 1), Self.axis(0, 0, 1)]) == "the grid has 2 inputs, the domain has 1")
    #expect(
      try problem([Self.axis(-1022, 0, 1)], 0x1p-10)
        == "neuron 0 of layer 0 leaves the range of binary64 on the grid")
  }

  @Test func refusesABoundThatIsTooSmallOrSavesNothing() throws {
    let network = try Network(layers: [
      Layer(inputCount: 1, outputCount: 1, weights: [0.1], biases: [0], isRectified: false)
    ])
    let region = try #require(Self.specification).region
    let bound = try #require(ErrorBound(network, over: region, format: .binary64)).errors[0]
    func problem(_ errors: [Rational], _ properties: [String], _ format: BinaryFormat = .binary64) throws -> String? {
      try Self.problem(.bounded(format, errors: errors, properties: properties), weight: 0.1)
    }
    #expect(try problem([bound], ["sane"]) == nil)
    #expect(try problem([bound * 2], ["sane"]) == nil)
    #expect(
      try problem([bound * Rational(99, 100)], ["sane"])
        == "the error of output 0 may be greater than the certificate says")
    #expect(
      try problem([bound], ["sane"], .binary32) == "the error of output 0 may be greater than the certificate says")
    #expect(try problem([bound], ["rises"]) == "property 'rises' cannot have been proved with a margin")
    #expect(try problem([bound], ["other"]) == "property 'other' cannot have been proved with a margin")
    #expect(try problem([bound, bound], ["sane"]) == "the network has no such error bound in binary64")
  }
}
