import ExactArithmetic
import Foundation
import Testing

@testable import Specifications

/// A specification with the sections filled in.
func specification(
  features: String = "  a: {unit: fraction, domain: 0..1}\n", outputs: String = "  y: {unit: ms}\n",
  properties: String = "  - id: p\n    nondecreasing: {of: y, in: a}\n"
) throws -> Specification {
  try Specification.parse(
    text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n\(outputs)properties:\n\(properties)", path: "specs/t.yaml")
}

func rational(_ text: String) -> Rational { Rational(text: text) ?? Rational(-999_999) }

@Suite struct SpecificationTests {
  static let example = """
    spec: vpals/v1
    features:                       # in the network's input order unless `index` says otherwise
      ctxt:         {index: 2, unit: 1/s, domain: 1024..250000, scale: log2, column: ctxt_per_s}
      psi_cpu_some: {index: 0, unit: fraction, domain: 0..1, about: share of time some task waited for CPU}
      cores:        {index: 1, unit: cores, domain: 0.5..2}
    outputs:
      p99: {index: 0, unit: ms, scale: log2, column: p99_ms}
      rate: {index: 1, unit: req/s}
    properties:
      - id: p99-rises-with-cpu-pressure
        nondecreasing: {of: p99, in: psi_cpu_some}
      - id: jointly
        nonincreasing: {of: p99, in: [ctxt, cores]}
        about: optional text
      - id: p99-sane
        always: 0 ms <= p99 <= 65.536 s
      - id: rate-sane
        always: 90000.5 req/s >= rate >= 0.1 req/s

    """

  @Test func readsFeaturesAndOutputsInTheOrderOfTheNetwork() throws {
    let spec = try Specification.parse(text: Self.example, path: "specs/nginx.yaml")
    #expect(spec.name == "nginx")
    #expect(spec.features.map(\.name) == ["psi_cpu_some", "cores", "ctxt"])
    #expect(spec.features.map(\.column) == ["psi_cpu_some", "cores", "ctxt_per_s"])
    #expect(spec.features.map(\.unit.name) == ["fraction", "cores", "1/s"])
    #expect(spec.features.map(\.scale) == [.linear, .linear, .log2])
    #expect(spec.features[0].about == "share of time some task waited for CPU")
    #expect(spec.features[1].domain == rational("1/2")...2)
    #expect(spec.features[2].domain == 1024...250_000)
    #expect(spec.outputs.map(\.column) == ["p99_ms", "rate"])
    #expect(spec.warnings.isEmpty)
    #expect(spec.properties.map(\.id) == ["p99-rises-with-cpu-pressure", "jointly", "p99-sane", "rate-sane"])
    #expect(spec.properties.map(\.line) == [10, 12, 15, 17])
    #expect(spec.properties.map(\.column) == [9, 9, 9, 9])
    #expect(spec.properties[1].about == "optional text")
  }

  @Test func lowersToExactQueries() throws {
    let spec = try Specification.parse(text: Self.example, path: "nginx.yaml")
    // log₂ 1024 is exact; log₂ 250000 = 17.93156856932417…, rounded up to a multiple of 2⁻⁴⁴.
    let top = spec.region[2].upperBound
    #expect(spec.region == [0...1, rational("0.5")...2, 10...top])
    #expect(top > rational("17.9315685693241") && top - rational("17.93156856932418") < rational("1e-13"))
    #expect(Dyadic(exactly: top)?.double != nil)
    func monotone(_ feature: Int, _ direction: Direction) -> Query {
      Query(
        region: spec.region,
        claim: .monotone(output: 0, feature: feature, direction: direction, minimumSlope: 0))
    }
    let p = spec.properties
    #expect(p[0].kind == .monotone(direction: .nondecreasing, output: 0, features: [0]))
    #expect(p[0].queries == [monotone(0, .nondecreasing)])
    #expect(p[1].kind == .monotone(direction: .nonincreasing, output: 0, features: [1, 2]))
    #expect(p[1].queries == [monotone(1, .nonincreasing), monotone(2, .nonincreasing)])
    #expect(p[1].refutations == p[1].queries)
    // 0 ms is below every 2^y; 65.536 s = 2^16 ms exactly.
    #expect(p[2].kind == .always(output: 0, lower: 0, upper: 65536))
    #expect(p[2].queries == [Query(region: spec.region, claim: .nonnegative(outputs: [-1, 0], constant: 16))])
    #expect(p[2].refutations == p[2].queries)
    #expect(p[3].kind == .always(output: 1, lower: rational("1/10"), upper: rational("180001/2")))
    #expect(
      p[3].queries == [
        Query(region: spec.region, claim: .nonnegative(outputs: [0, 1], constant: rational("-1/10"))),
        Query(region: spec.region, claim: .nonnegative(outputs: [0, -1], constant: rational("180001/2"))),
      ])
  }

  @Test func roundsLogarithmicBoundsInwardsForProofsAndOutwardsForRefutations() throws {
    let spec = try specification(
      outputs: "  y: {unit: ms, scale: log2}\n", properties: "  - id: p\n    always: 3 ms <= y <= 60 s\n")
    func constant(_ query: Query) -> Rational {
      if case .nonnegative(_, _, let constant) = query.claim { constant } else { -999_999 }
    }
    let property = spec.properties[0]
    for (value, index, sign) in [(Rational(3), 0, Rational(1)), (60_000, 1, -1)] {
      let inner = -sign * constant(property.queries[index])
      let outer = -sign * constant(property.refutations[index])
      // 2^inner is on the bound's inside, 2^outer outside, and both are near.
      #expect(sign * BinaryLogarithm.power(inner, bits: 160).lowerBound > sign * value * (1 - sign * rational("1e-34")))
      #expect(sign * inner > sign * outer)
      #expect((inner - outer).magnitude <= Rational.one.scaled(bits: -119))
      let enclosure = BinaryLogarithm.enclosure(of: value, bits: 180)
      #expect(index == 0 ? inner >= enclosure.upperBound : inner <= enclosure.lowerBound)
      #expect(index == 0 ? outer <= enclosure.lowerBound : outer >= enclosure.upperBound)
    }
  }

  @Test func enclosesLogarithmicDomainsOutwards() throws {
    for (low, high) in [("1", "3"), ("0.001", "0.002"), ("7/3", "1e6"), ("4", "64"), ("1e-300", "1e300"), ("5", "5")] {
      let spec = try specification(
        features: "  a: {unit: s, domain: \(low)..\(high), scale: log2}\n  b: {unit: s, domain: 0..1}\n",
        properties: "  - id: p\n    nondecreasing: {of: y, in: b}\n")
      let region = spec.features[0].networkDomain
      let slack = Rational.one.scaled(bits: -43)
      let lowExact = BinaryLogarithm.enclosure(of: rational(low), bits: 150)
      let highExact = BinaryLogarithm.enclosure(of: rational(high), bits: 150)
      #expect(region.lowerBound <= lowExact.lowerBound && region.lowerBound >= lowExact.upperBound - slack)
      #expect(region.upperBound >= highExact.upperBound && region.upperBound <= highExact.lowerBound + slack)
    }
  }

  @Test(arguments: [
    ("fraction", "5..95 percent", "1/20", "19/20"), ("percent", "0..1 fraction", "0", "100"),
    ("GiB", "512 MiB..8 GiB", "1/2", "8"), ("B", "0..8 GiB", "0", "8589934592"), ("MB", "1..2 GB", "1000", "2000"),
    ("kB", "1..1 MiB", "131072/125", "131072/125"), ("ms", "100 us..2 min", "1/10", "120000"),
    ("s", "1 ns..1 h", "1/1000000000", "3600"), ("h", "0..90 min", "0", "3/2"), ("1/s", "10..20 1/s", "10", "20"),
    ("req/s", "-1..1e3 req/s", "-1", "1000"), ("none", "1/3..7/3", "1/3", "7/3"), ("KiB", "0..4096 B", "0", "4"),
    ("load", "0.1..0.30000000000000004", "1/10", "7500000000000001/25000000000000000"),
    ("tasks", "0 .. 2.5E+1", "0", "25"),
  ])
  func readsDomainsExactly(unit: String, domain: String, low: String, high: String) throws {
    let spec = try specification(
      features: "  a: {unit: \(unit), domain: \(domain)}\n  b: {unit: none, domain: 0..1}\n",
      properties: "  - id: p\n    nondecreasing: {of: y, in: b}\n")
    #expect(spec.features[0].domain == rational(low)...rational(high))
  }

  @Test(
    arguments: [
      ("y <= 60 ms", nil, "60"), ("60 ms >= y", nil, "60"), ("y >= 1 s", "1000", nil), ("-1 ms <= y", "-1", nil),
      ("1 us <= y <= 1 min", "1/1000", "60000"), ("1 min >= y >= 1 us", "1/1000", "60000"),
      ("'y<=60 ms'", nil, "60"), ("\"5 ms <= y <= 5 ms\"", "5", "5"),
    ] as [(String, String?, String?)])
  func readsBounds(text: String, lower: String?, upper: String?) throws {
    let spec = try specification(properties: "  - id: p\n    always: \(text)\n")
    #expect(spec.properties[0].kind == .always(output: 0, lower: lower.map(rational), upper: upper.map(rational)))
    #expect(spec.properties[0].queries.count == (lower == nil ? 0 : 1) + (upper == nil ? 0 : 1))
  }

  @Test func aLowerBoundOfZeroOnALogarithmicOutputIsTrueAndWarnedAbout() throws {
    let spec = try specification(
      outputs: "  y: {unit: ms, scale: log2}\n", properties: "  - id: p\n    always: y >= 0 ms\n")
    #expect(spec.properties[0].queries.isEmpty)
    #expect(spec.warnings.map(\.code) == [.trivial])
  }

  @Test func statesPropertiesInTheEngineersUnits() throws {
    let spec = try Specification.parse(text: Self.example, path: "nginx.yaml")
    #expect(
      spec.properties.map(\.statement) == [
        "for all x, x′ in the domain with x′ ≥ x in psi_cpu_some and x′ = x elsewhere: p99(x′) ≥ p99(x)",
        "for all x, x′ in the domain with x′ ≥ x in cores, ctxt and x′ = x elsewhere: p99(x′) ≤ p99(x)",
        "for all x in the domain: 0 ms ≤ p99(x) ≤ 65536 ms",
        "for all x in the domain: 0.1 req/s ≤ rate(x) ≤ 90000.5 req/s",
      ])
    #expect(spec.features[1].statement == "cores ∈ [0.5, 2] cores")
  }

  @Test func acceptsAByteOrderMarkAndCarriageReturns() throws {
    let plain = try Specification.parse(text: Self.example, path: "a.yaml")
    let windows = try Specification.parse(
      text: "\u{FEFF}" + Self.example.replacing("\n", with: "\r\n"), path: "a.yaml")
    #expect(plain.digest == windows.digest)
    #expect(plain.fileDigest != windows.fileDigest)
    #expect(plain.properties == windows.properties)
  }

  @Test func checksTheNumberOfInputsAndOutputs() throws {
    let spec = try Specification.parse(text: Self.example, path: "specs/nginx.yaml")
    try spec.checkArity(inputCount: 3, outputCount: 2)
    let error = #expect(throws: SpecificationError.self) { try spec.checkArity(inputCount: 1, outputCount: 4) }
    #expect(
      error?.description == """
        specs/nginx.yaml: error[E027]: the network has 1 input, but the specification declares 3 features
           fix: declare every input of the network, in its order, or verify the network this file was written for
        specs/nginx.yaml: error[E027]: the network has 4 outputs, but the specification declares 2 outputs
           fix: declare every output of the network, in its order, or verify the network this file was written for
        """)
  }

  @Test func readsFilesAndSaysWhyNot() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "vpals-spec-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let good = directory.appending(path: "redis.yml")
    try Data(Self.example.utf8).write(to: good)
    #expect(try Specification.read(path: good.path).name == "redis")
    func code(_ path: String) -> Diagnostic.Code? {
      do throws(SpecificationError) {
        _ = try Specification.read(path: path)
        return nil
      } catch {
        return error.diagnostics.first?.code
      }
    }
    #expect(code(directory.path) == .file)
    #expect(code(directory.appending(path: "none.yaml").path) == .file)
    let large = directory.appending(path: "large.yaml")
    try Data(repeating: 0x23, count: Specification.maximumFileBytes).write(to: large)
    #expect(code(large.path) == .shape)
    try Data(repeating: 0x23, count: Specification.maximumFileBytes + 1).write(to: large)
    #expect(code(large.path) == .tooLarge)
  }

  @Test func refusesBytesThatAreNotUTF8AtTheirPlace() {
    let bytes = Array("spec: vpals/v1\nfeätures".utf8) + [0xFF] + Array(": x".utf8)
    do {
      _ = try Specification.parse(bytes, path: "x.yaml")
      Issue.record("accepted")
    } catch {
      #expect(error.diagnostics.map(\.code) == [.character])
      #expect(error.diagnostics[0].place == Place(line: 2, column: 9))
    }
  }
}

@Suite struct DigestTests {
  @Test func commentsLayoutAndSpellingDoNotChangeTheDigest() throws {
    let spec = try Specification.parse(text: SpecificationTests.example, path: "a.yaml")
    let other = """
      # another comment
      properties:
      - {nondecreasing: {in: [psi_cpu_some], of: p99}, id: p99-rises-with-cpu-pressure, about: why}
      - {nonincreasing: {of: p99, in: [cores, ctxt]}, id: "jointly"}
      - {id: p99-sane, always: 65536 ms >= p99 >= 0 s}
      - {id: rate-sane, always: 1e-1 req/s <= rate <= 180001/2 req/s}
      outputs: {p99: {unit: ms, scale: log2, column: p99_ms}, rate: {unit: req/s, scale: linear}}
      features:
        psi_cpu_some: {unit: fraction, domain: 0..100 percent}
        cores: {unit: cores, domain: 5e-1..2 cores}
        ctxt: {unit: 1/s, column: ctxt_per_s, scale: log2, domain: 1.024e3..2.5e5}
      spec: 'vpals/v1'
      """
    let same = try Specification.parse(text: other, path: "b.yaml")
    #expect(same.canonicalText == spec.canonicalText)
    #expect(same.digest == spec.digest)
    #expect(same.fileDigest != spec.fileDigest)
    #expect(spec.digest.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil)
  }

  @Test(arguments: [
    ("nondecreasing", "nonincreasing"), ("domain: 0..1,", "domain: 0..1.0000000000000000000001,"),
    ("in: psi_cpu_some", "in: cores"), ("index: 0, unit: fraction", "index: 0, unit: load"),
    ("of: p99, in: psi", "of: rate, in: psi"),
    ("id: jointly", "id: joint"), ("65.536 s", "65.536 ms"), ("0.1 req/s", "0.11 req/s"), ("ctxt, cores", "ctxt"),
    ("column: p99_ms", "column: p99_s"), ("1024..250000", "1024..250001"), ("ms, scale: log2", "ms, scale: linear"),
    ("  rate:", "  throughput:"), ("scale: log2, column: ctxt_per_s", "column: ctxt_per_s"),
  ])
  func everyChangeOfMeaningChangesTheDigest(from: String, to: String) throws {
    let text = SpecificationTests.example
    #expect(text.contains(from))
    var changed = text.replacing(from, with: to, maxReplacements: 1)
    if to.contains("throughput") { changed = changed.replacing(">= rate >=", with: ">= throughput >=") }
    let spec = try Specification.parse(text: text, path: "a.yaml")
    let other = try Specification.parse(text: changed, path: "a.yaml")
    #expect(spec.digest != other.digest)
  }

  @Test func queriesHaveCanonicalTextAndDigest() {
    let query = Query(
      region: [0...rational("1/3"), -2...2],
      claim: .monotone(output: 0, feature: 1, direction: .nonincreasing, minimumSlope: 0))
    #expect(
      query.canonicalText
        == "vpals-query/v1 2\n0 1/3\n-2 2\nmonotone output 0 feature 1 nonincreasing slope 0\n")
    // Computed with sha256sum.
    #expect(query.digest == "sha256:b5bc569c6586a1b234fe17e82df0000e6e76a548a5752ddd73cbcfe5fbb90d44")
    let bound = Query(region: [0...1], claim: .nonnegative(outputs: [-1, 0], constant: rational("7/2")))
    #expect(bound.canonicalText == "vpals-query/v1 1\n0 1\nnonnegative outputs -1 0 constant 7/2\n")
  }

  /// Words for opposite directions are spelt alike; a suggestion must go by what they mean.
  @Test(arguments: [
    ("increasing", "nondecreasing"), ("decreasing", "nonincreasing"), ("monotone", "nondecreasing"),
    ("falls", "nonincreasing"), ("rises", "nondecreasing"), ("noninceasing", "nonincreasing"),
  ])
  func suggestsTheDirectionThatIsMeant(written: String, meant: String) throws {
    let text = """
      spec: vpals/v1
      features:
        a: {unit: none, domain: 0..1}
      outputs:
        f: {unit: none}
      properties:
        - id: p
          \(written): {of: f, in: a}
      """
    do {
      _ = try Specification.parse(text: text, path: "s.yaml")
      Issue.record("\(written) was accepted")
    } catch {
      #expect(error.description.contains("did you mean '\(meant)'?"))
    }
  }

  @Test func refusesANamedPipeAtOnce() throws {
    let path = NSTemporaryDirectory() + "vpals-pipe-\(UUID().uuidString)"
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    do {
      _ = try Specification.read(path: path)
      Issue.record("a pipe was read")
    } catch {
      #expect(error.description.contains("this is not a regular file"))
    }
  }
}
