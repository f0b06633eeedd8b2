import Certificates
import ExactArithmetic
import Networks
import Signing
import Specifications
import TestHelpers
import Testing

/// `vpals verify` on networks whose evaluation rounds, and what the gate and `vpals-check` say of the certificate.
@Suite struct RoundingCommandTests {
  let workspace = Workspace()
  static let version = "models/nginx/v0001"
  static let certificate = "\(version)/nginx.intoto.json"

  /// 2 + 3.3·relu(4.1·pressure − 1.7·cores + 4).
  init() throws {
    let network = try Network(layers: [
      Layer(inputCount: 2, outputCount: 1, weights: [4.1, -1.7], biases: [4], isRectified: true),
      Layer(inputCount: 1, outputCount: 1, weights: [3.3], biases: [2], isRectified: false),
    ])
    try workspace.add(
      "nginx", network,
      specification: Workspace.specification + """
          - id: nearly-rises
            nondecreasing: {of: p99, in: pressure}
            tolerance: 1 ms

        """)
  }

  private func check() throws -> Outcome {
    try workspace.check(Self.certificate, "--model", "\(Self.version)/model.onnx", "--spec", "specs/nginx.yaml")
  }

  @Test func theCertificateNamesWhatHoldsOfTheComputedNetwork() throws {
    let verified = try workspace.vpals("verify", Self.version)
    #expect(verified.status == 0, "\(verified.output)")
    let claims = try UncheckedCertificate(contentsOf: workspace.file(Self.certificate)).claims
    guard case .bounded(let format, let errors, let properties) = claims.arithmetic else {
      Issue.record("\(claims.arithmetic)")
      return
    }
    #expect(format == .binary64)
    #expect(errors.count == 1)
    #expect(properties == ["sane", "nearly-rises"])
    #expect(verified.output.contains("binary64-bounded: binary64 computes every output within "))
    #expect(
      verified.lines.last
        == "next: vpals keys init && vpals verify \(Self.version) --spec specs/nginx.yaml  # the gate asks for a signature"
    )
    let checked = try check()
    #expect(checked.status == 0, "\(checked.output)")
    #expect(checked.lines.last == "valid")
    #expect(checked.lines.count { $0.hasSuffix(", with a margin for rounding") } == 2)
    #expect(try workspace.vpals("gate").status == 0)
    // A resumed run comes to the same end.
    #expect(try workspace.vpals("verify", Self.version, "--resume").status == 0)
    #expect(
      try UncheckedCertificate(contentsOf: workspace.file(Self.certificate)).claims.arithmetic == claims.arithmetic)
    #expect(try check().status == 0)
  }

  /// What `vpals-check` says when the certificate claims `arithmetic` instead.
  private func forged(_ arithmetic: (Certificate.Arithmetic) -> Certificate.Arithmetic) throws -> Outcome {
    let old = try UncheckedCertificate(contentsOf: workspace.file(Self.certificate)).claims
    let new = Certificate(
      model: old.model, specification: old.specification, properties: old.properties,
      arithmetic: arithmetic(old.arithmetic), verifier: old.verifier, solver: old.solver, startedAt: old.startedAt,
      finishedAt: old.finishedAt)
    try new.write(into: workspace.file(Self.version))
    defer { _ = try? old.write(into: workspace.file(Self.version)) }
    return try check()
  }

  @Test func theCheckerRefusesOtherClaims() throws {
    #expect(try workspace.vpals("verify", Self.version).status == 0)
    func change(
      errors: @escaping ([Rational]) -> [Rational] = { $0 }, properties: @escaping ([String]) -> [String] = { $0 }
    ) -> (Certificate.Arithmetic) -> Certificate.Arithmetic {
      { old in
        guard case .bounded(let format, let oldErrors, let oldProperties) = old else { return old }
        return .bounded(format, errors: errors(oldErrors), properties: properties(oldProperties))
      }
    }
    let cases: [((Certificate.Arithmetic) -> Certificate.Arithmetic, String, Int)] = [
      (change(errors: { $0.map { $0 / 2 } }), "the error of output 0 may be greater than the certificate says", 3),
      (change(errors: { $0 + $0 }), "the network has no such error bound in binary64", 3),
      (change(errors: { $0.map { $0 * 2 } }), "property 'sane': \(Self.version)/nginx.sane.proof: query 0", 2),
      (change(properties: { $0 + ["rises-with-pressure"] }), "cannot have been proved with a margin", 2),
      (
        change(properties: { [$0[0]] }), "property 'nearly-rises': \(Self.version)/nginx.nearly-rises.proof: query 0", 1
      ),
      ({ _ in .real }, "property 'sane': \(Self.version)/nginx.sane.proof: query 0", 2),
    ]
    for (index, (claim, part, count)) in cases.enumerated() {
      let outcome = try forged(claim)
      let problems = outcome.lines.filter { $0.hasPrefix("invalid: ") }
      #expect(outcome.status == 1, "case \(index): \(outcome.output)\(outcome.error)")
      #expect(problems.count == count && problems.contains { $0.contains(part) }, "case \(index): \(problems)")
      #expect(outcome.lines.last != "valid")
    }
    #expect(try check().status == 0)
  }
}
