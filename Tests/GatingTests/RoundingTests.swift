import Certificates
import ExactArithmetic
import Foundation
import Gating
import Networks
import ProofChecking
import Specifications
import TestHelpers
import Testing
import Verification

/// Certificates about the computed network, `binary64-bounded`: of networks that binary64 does not evaluate exactly.
@Suite struct RoundingTests {
  let repository: Repository

  init() throws { repository = try Repository() }

  static let specification = """
    spec: vpals/v1
    features:
      pressure: {unit: fraction, domain: 0..1}
      cores: {unit: cores, domain: 0.5..2}
    outputs:
      p99: {unit: ms}
      p50: {unit: ms}
    properties:
      - {id: rises, nondecreasing: {of: p99, in: pressure}}
      - {id: sane, always: 0 ms <= p99 <= 100 ms}
      - {id: in-order, always: p50 <= p99}

    """

  /// Weights of 53 bits, so that products round. p99 = 1 + 0.3·relu(4.1·pressure − 1.7·cores + 4), p50 a third of it.
  static func network() throws -> Network {
    try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [4.1, -1.7], biases: [4], isRectified: true),
      Layer(inputCount: 1, outputCount: 2, weights: [0.3, 0.1], biases: [1, 0.3], isRectified: false),
    ])
  }

  private var path: String { repository.path("nginx") }

  /// Verifies, writes what was found and returns its arithmetic and results.
  @discardableResult
  private func add(_ network: Network, specification: String = specification) throws -> (
    Certificate.Arithmetic, [PropertyResult], Specifications.Specification
  ) {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try repository.write(specification, to: repository.specificationPath("nginx"))
    let model = try network.onnx(name: "nginx", producerVersion: "test")
    try repository.write(model, to: "\(path)/model.onnx")
    let read = try Specifications.Specification.read(path: repository.specificationPath("nginx"))
    let session = try VerificationSession(network: ExactNetwork(network), specification: read)
    let (arithmetic, results) = try session.rounding(
      of: network, results: try session.run(budget: Budget()), budget: Budget())
    let certificate = Certificate(
      model: Certificate.Model(
        name: "nginx", version: "v0001",
        files: [Certificate.Subject(name: "model.onnx", sha256: SHA256Digest.of(model), bytes: model.count)],
        networkDigest: ExactNetwork(network).digest.hexadecimalPart),
      specification: read, results: results, arithmetic: arithmetic, startedAt: Repository.now,
      finishedAt: Repository.now)
    var proofs: [String: ProofFile] = [:]
    for (result, record) in zip(results, certificate.properties) {
      if let proof = result.proof, let reference = record.proof { proofs[reference.path] = proof }
    }
    _ = try certificate.write(into: path, proofs: proofs)
    return (arithmetic, results, read)
  }

  private func reasons() throws -> [String] { try repository.gate().flatMap(\.refusals).map(\.reason) }

  // MARK: Accepting

  @Test func whatHasAMarginIsProvedOfTheComputedNetwork() throws {
    let network = try Self.network()
    let (arithmetic, results, specification) = try add(network)
    let bound = try #require(ErrorBound(network, over: specification.region, format: .binary64))
    #expect(arithmetic == .bounded(.binary64, errors: bound.errors, properties: ["sane", "in-order"]))
    #expect(bound.errors.allSatisfy { $0.isPositive && $0 < Rational.one.scaled(bits: -40) })
    #expect(results.map(\.verdict) == [.holds, .holds, .holds])
    let findings = try repository.gate()
    #expect(findings.map(\.passes) == [true])
    #expect(findings.map(\.proven) == [3])
    // Each proof is of exactly one of the two statements.
    let checker = ProofChecker(network: ExactNetwork(network))
    for (property, result) in zip(specification.properties, results) {
      let bytes = try #require(result.proof).read()
      let tight = property.tightenedQueries(by: bound.errors)
      let isNamed = property.id != "rises"
      #expect((tight != nil) == isNamed)
      let wanted = try #require(arithmetic.provenQueries(of: property))
      #expect(wanted == (isNamed ? tight : property.queries))
      #expect(throws: Never.self) { try checker.check(ProofSource(bytes: bytes), queries: wanted) }
      guard isNamed else { continue }
      let error = #expect(throws: ProofFailure.self) {
        try checker.check(ProofSource(bytes: bytes), queries: property.queries)
      }
      #expect(error?.cause == .query)
    }
  }

  @Test func exactNetworksNeedNoMargin() throws {
    let exact = try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [4, -2], biases: [4], isRectified: true),
      Layer(inputCount: 1, outputCount: 2, weights: [0.5, 0.25], biases: [1, 0.25], isRectified: false),
    ])
    let (arithmetic, _, specification) = try add(exact)
    #expect(arithmetic == Certificate.Arithmetic(of: exact, for: specification))
    #expect(arithmetic.description == "binary64-exact")
    #expect(try reasons() == [])
  }

  /// The greatest p99 is reached, so there is no room for errors, and monotonicity has none either.
  @Test func withoutRoomTheArithmeticIsReal() throws {
    let network = try Self.network()
    let most = ExactNetwork(network).output(at: [1, Rational(1, 2)])[0]
    let tight = """
      spec: vpals/v1
      features:
        pressure: {unit: fraction, domain: 0..1}
        cores: {unit: cores, domain: 0.5..2}
      outputs:
        p99: {}
        p50: {}
      properties:
        - {id: rises, nondecreasing: {of: p99, in: pressure}}
        - {id: tight, always: p99 <= \(Self.decimal(most))}

      """
    let (arithmetic, results, _) = try add(network, specification: tight)
    #expect(results.map(\.verdict) == [.holds, .holds])
    #expect(arithmetic == .real)
    #expect(try reasons() == [])
  }

  /// A decimal number within 10⁻¹⁷ above a positive one; errors are at least 2⁻⁵³ of it.
  private static func decimal(_ value: Rational) -> String {
    let digits = String(
      (-(-value * Rational(10_000_000_000) * Rational(10_000_000)).floor).description)
    return "\(digits.dropLast(17)).\(digits.suffix(17))"
  }

  // MARK: Refusing

  private func bounded(_ errors: [Rational], _ properties: [String]) -> Certificate.Arithmetic {
    .bounded(.binary64, errors: errors, properties: properties)
  }

  @Test func certificatesThatClaimAnythingElseAreRefused() throws {
    let network = try Self.network()
    let (_, _, specification) = try add(network)
    let errors = try #require(ErrorBound(network, over: specification.region, format: .binary64)).errors
    let other = "query 0, node 0, byte 79: query"
    let cases: [(Certificate.Arithmetic, [String])] = [
      // Smaller errors than there are, and too few or too many numbers.
      (
        bounded([errors[0] / 2, errors[1]], ["sane", "in-order"]),
        ["the error of output 0 may be greater than the certificate says"]
      ),
      (bounded([errors[0]], ["sane", "in-order"]), ["the network has no such error bound in binary64"]),
      (bounded(errors + [1], ["sane", "in-order"]), ["the network has no such error bound in binary64"]),
      // Errors that were not the ones proved with.
      (
        bounded(errors.map { $0 * 2 }, ["sane", "in-order"]),
        [
          "the proof of property 'sane' is not valid: \(other)",
          "the proof of property 'in-order' is not valid: \(other)",
        ]
      ),
      (
        .bounded(.binary32, errors: errors, properties: ["sane", "in-order"]),
        ["the error of output 0 may be greater than the certificate says"]
      ),
      // Properties that have no margin, that were proved with one but are not named, or that do not exist.
      (bounded(errors, ["rises", "sane", "in-order"]), ["property 'rises' cannot have been proved with a margin"]),
      (bounded(errors, ["sane"]), ["the proof of property 'in-order' is not valid: \(other)"]),
      (bounded(errors, ["sane", "in-order", "none"]), ["property 'none' cannot have been proved with a margin"]),
      (
        .real,
        [
          "the proof of property 'sane' is not valid: \(other)",
          "the proof of property 'in-order' is not valid: \(other)",
        ]
      ),
    ]
    let honest = try repository.certificate("nginx").arithmetic
    for (index, (claim, expected)) in cases.enumerated() {
      try repository.forge("nginx", arithmetic: claim)
      let found = try reasons()
      #expect(found.count == expected.count, "case \(index): \(found)")
      for (reason, part) in zip(found, expected) { #expect(reason.contains(part), "case \(index): \(reason)") }
    }
    try repository.forge("nginx", arithmetic: honest)
    #expect(try reasons() == [])
  }

  /// A proof of the exact network's property, in place of the one with the margin.
  @Test func proofsWithoutTheMarginAreRefused() throws {
    let network = try Self.network()
    let (_, _, specification) = try add(network)
    let plain = try VerificationSession(network: ExactNetwork(network), specification: specification)
      .run(budget: Budget())
    let proof = try #require(plain[1].proof)
    try repository.write(try proof.read(), to: repository.proofPath("nginx", "sane"))
    let old = try repository.certificate("nginx")
    try repository.forge(
      "nginx",
      properties: old.properties.map { record in
        guard record.id == "sane", let reference = record.proof else { return record }
        return Repository.record(
          record,
          proof: PropertyRecord.ProofReference(path: reference.path, sha256: proof.sha256, bytes: proof.bytes))
      })
    let found = try reasons()
    #expect(found.count == 1)
    #expect(
      found.first?.hasPrefix("the proof of property 'sane' is not valid: query 0, node 0, byte 79: query") == true)
  }
}
