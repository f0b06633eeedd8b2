import Certificates
import ExactArithmetic
import Foundation
import Networks
import Signing
import Specifications
import TestHelpers
import Testing

/// The JSON of `vpals verify`, as the command contract has it.
struct VerifyJSON: Decodable {
  struct Counterexample: Decodable {
    let x: [String]
    let xPrime: [String]?
    let fx: String
    let fxPrime: String?
    let drop: String
    let dropInUnits: String
    let text: [String]
  }

  struct Proof: Decodable {
    let path: String?
    let bytes: Int
    let checked: Bool
    let checkSeconds: Double
  }

  struct Property: Decodable {
    let id: String
    let verdict: String
    let reason: String?
    let seconds: Double
    let cpuSeconds: Double
    let leaves: Int
    let proof: Proof?
    let provedShare: Double
    let lowerBound: String?
    let counterexample: Counterexample?
    let counterexamples: Int
  }

  let model: String
  let spec: String
  let arithmetic: String
  let certificate: String?
  let properties: [Property]

  init(_ outcome: Outcome) throws { self = try JSONDecoder().decode(Self.self, from: Data(outcome.output.utf8)) }
}

@Suite struct VerifyTests {
  let workspace = Workspace()

  private func numbers(_ texts: [String]?) throws -> [Rational] {
    try #require(texts).map { try #require(Rational(text: $0)) }
  }

  @Test func writesACertificateWhenAllHold() throws {
    try workspace.add("nginx", try Workspace.good())
    let outcome = try workspace.vpals("verify", "models/nginx/v0001", "--format", "json")
    #expect(outcome.status == 0)
    #expect(outcome.error == "")
    #expect(outcome.lines.count == 1)
    let report = try VerifyJSON(outcome)
    let network = ExactNetwork(try Workspace.good())
    let specification = try Specifications.Specification.read(path: workspace.file("specs/nginx.yaml"))
    #expect(report.model == network.digest)
    #expect(report.spec == specification.digest)
    #expect(report.properties.map(\.id) == ["rises-with-pressure", "sane"])
    #expect(report.properties.map(\.verdict) == ["holds", "holds"])
    #expect(report.properties.map(\.provedShare) == [1, 1])
    #expect(report.properties.map(\.reason) == [nil, nil])
    #expect(report.properties.map(\.counterexamples) == [0, 0])
    #expect(report.certificate == "models/nginx/v0001/nginx.intoto.json")
    let proofs = ["nginx.rises-with-pressure.proof", "nginx.sane.proof"]
    #expect(workspace.names(in: "models/nginx/v0001") == ["model.onnx", "nginx.intoto.json"] + proofs)

    let certificate = try UncheckedCertificate(
      contentsOf: workspace.file("models/nginx/v0001/nginx.intoto.json"))
    #expect(certificate.claims.claimsAllHold)
    let references = try certificate.claims.properties.map { try #require($0.proof) }
    #expect(references.map(\.path) == proofs)
    for (reference, property) in zip(references, report.properties) {
      let bytes = try workspace.bytes("models/nginx/v0001/\(reference.path)")
      #expect(reference.sha256 == SHA256Digest.of(bytes))
      #expect(reference.bytes == bytes.count)
      let proof = try #require(property.proof)
      #expect(proof.path == "models/nginx/v0001/\(reference.path)")
      #expect(proof.bytes == bytes.count)
      #expect(proof.checked)
      #expect(proof.checkSeconds >= 0)
    }
    #expect(report.arithmetic == "binary64-exact")
    #expect(
      certificate.claims.arithmetic
        == InputGrid.finest(for: try Workspace.good(), over: specification.region).map { .binary64Exact($0) })
    #expect(certificate.claims.model.name == "nginx")
    #expect(certificate.claims.model.version == "v0001")
    #expect(certificate.fileProblems(in: workspace.file("models/nginx/v0001")) == [])
    let shown = try workspace.vpals(
      "certificates", "show", String(certificate.sha256.prefix(8)), "--format", "json")
    #expect(shown.status == 0)
    #expect(Array(shown.output.utf8) == certificate.bytes + [0x0A])
  }

  @Test func givesAnExactCounterexampleInUnits() throws {
    try workspace.add("nginx", try Workspace.falling())
    let outcome = try workspace.vpals("verify", "models/nginx/v0001", "--format", "json")
    #expect(outcome.status == 1)
    let report = try VerifyJSON(outcome)
    #expect(report.properties.map(\.verdict) == ["violated", "holds"])
    #expect(report.properties.map { $0.proof?.path } == [nil, "models/nginx/v0001/nginx.sane.proof"])
    #expect(
      workspace.names(in: "models/nginx/v0001") == ["model.onnx", "nginx.intoto.json", "nginx.sane.proof"])
    let example = try #require(report.properties[0].counterexample)
    let x = try numbers(example.x)
    let xPrime = try numbers(example.xPrime)
    let network = ExactNetwork(try Workspace.falling())
    let specification = try Specifications.Specification.read(path: workspace.file("specs/nginx.yaml"))
    for point in [x, xPrime] {
      #expect(zip(specification.region, point).map { $0.contains($1) } == [true, true])
    }
    #expect(x[0] < xPrime[0])
    #expect(x[1] == xPrime[1])
    let fx = network.output(at: x)[0]
    let fxPrime = network.output(at: xPrime)[0]
    #expect(example.fx == fx.description)
    #expect(example.fxPrime == fxPrime.description)
    #expect(example.drop == (fx - fxPrime).description)
    #expect(fxPrime < fx)
    #expect(example.dropInUnits.hasPrefix("−"))
    #expect(example.dropInUnits.hasSuffix(" ms"))
    #expect(example.text.count == 2)
    #expect(example.text[0].hasPrefix("pressure "))
    #expect(example.text[0].contains(" fraction: p99 "))
    #expect(example.text[0].hasSuffix(" ms (\(example.dropInUnits)), should not fall"))
    #expect(example.text[1].hasPrefix("at cores "))
    #expect(report.properties[0].counterexamples >= 1)
  }

  @Test func saysInTextWhatToDoNext() throws {
    try workspace.add("nginx", try Workspace.falling())
    let violated = try workspace.vpals("verify", "models/nginx/v0001")
    #expect(violated.status == 1)
    let lines = violated.lines
    #expect(lines.contains { $0.hasPrefix("✗ rises-with-pressure: violated, ") })
    #expect(lines.contains { $0.hasPrefix("    pressure ") && $0.hasSuffix(", should not fall") })
    #expect(lines.contains { $0.hasPrefix("    at cores ") })
    #expect(lines.contains { $0.hasPrefix("✓ sane: holds, ") })
    #expect(
      lines.suffix(3) == [
        "1 of 2 properties hold; certificate: models/nginx/v0001/nginx.intoto.json",
        "not signed: there is no trust.json; not logged",
        "next: vpals-train nginx --queue --until-proven  # retrains on the counterexamples",
      ])

    try workspace.add("nginx", try Workspace.good())
    let proven = try workspace.vpals("verify", "models/nginx/v0001")
    #expect(proven.status == 0)
    #expect(
      proven.lines.suffix(3) == [
        "2 of 2 properties hold; certificate: models/nginx/v0001/nginx.intoto.json",
        "not signed: there is no trust.json; not logged",
        "next: vpals keys init && vpals verify models/nginx/v0001 --spec specs/nginx.yaml  # the gate asks for a signature",
      ])
  }

  @Test func refutesABoundAtOnePoint() throws {
    let network = try Workspace.network(offset: 2, slope: 60)
    try workspace.add("nginx", network)
    let outcome = try workspace.vpals("verify", "models/nginx/v0001", "--format", "json")
    #expect(outcome.status == 1)
    let report = try VerifyJSON(outcome)
    #expect(report.properties.map(\.verdict) == ["holds", "violated"])
    let example = try #require(report.properties[1].counterexample)
    #expect(example.xPrime == nil)
    #expect(example.fxPrime == nil)
    let value = ExactNetwork(network).output(at: try numbers(example.x))[0]
    #expect(example.fx == value.description)
    #expect(example.drop == (value - 100).description)
    #expect(value > 100)
    #expect(example.text[0].contains("should be at most 100 ms"))
  }

  @Test func bothEnginesAgree() throws {
    for (name, network, status) in [
      ("good", try Workspace.good(), 0), ("falling", try Workspace.falling(), 1),
      ("steep", try Workspace.network(offset: 2, slope: 60), 1),
    ] {
      try workspace.add(name, network)
      for engine in ["auto", "smt"] {
        let outcome = try workspace.vpals("verify", "models/\(name)/v0001", "--engine", engine)
        #expect(outcome.status == status, "\(name) by \(engine)")
      }
    }
  }

  /// Nobody could check what only the solver says.
  @Test func theSolversWordAloneIsNoProof() throws {
    try workspace.add("nginx", try Workspace.good())
    let outcome = try workspace.vpals("verify", "models/nginx/v0001", "--engine", "smt", "--format", "json")
    #expect(outcome.status == 0)
    let report = try VerifyJSON(outcome)
    #expect(report.properties.map(\.verdict) == ["holds", "holds"])
    #expect(report.properties.allSatisfy { $0.proof == nil })
    #expect(workspace.names(in: "models/nginx/v0001") == ["model.onnx", "nginx.intoto.json"])
    let gate = try workspace.vpals("gate")
    #expect(gate.status == 1)
    for id in ["rises-with-pressure", "sane"] {
      let line =
        "FAIL nginx/v0001  VP010 proof-unchecked  models/nginx/v0001/nginx.intoto.json: property '\(id)' is "
        + "claimed to hold without a proof"
      #expect(gate.lines.contains(line), "\(gate.output)")
    }
    // What is said to do next is what helps.
    let text = try workspace.vpals("verify", "models/nginx/v0001", "--engine", "smt")
    #expect(
      text.lines.suffix(4) == [
        "2 of 2 properties hold; certificate: models/nginx/v0001/nginx.intoto.json",
        "not signed: there is no trust.json; not logged",
        "the solver's word is no proof, and the gate asks for proofs",
        "next: vpals verify models/nginx/v0001 --spec specs/nginx.yaml",
      ])
    #expect(try workspace.vpals("verify", "models/nginx/v0001", "--spec", "specs/nginx.yaml").status == 0)
    #expect(try workspace.vpals("gate").status == 0)
  }

  @Test func writesNoCertificateForSomeOfTheProperties() throws {
    try workspace.add("nginx", try Workspace.falling())
    let sane = try workspace.vpals("verify", "models/nginx/v0001", "--property", "sane", "--format", "json")
    #expect(sane.status == 0)
    #expect(try VerifyJSON(sane).properties.map(\.id) == ["sane"])
    #expect(try VerifyJSON(sane).certificate == nil)
    // It is proved and checked, but the proof is not kept.
    let proof = try #require(try VerifyJSON(sane).properties[0].proof)
    #expect(proof.checked)
    #expect(proof.bytes > 0)
    #expect(proof.path == nil)
    #expect(workspace.names(in: "models/nginx/v0001") == ["model.onnx"])
    let rises = try workspace.vpals("verify", "models/nginx/v0001", "--property", "rises-with-pressure")
    #expect(rises.status == 1)
    #expect(try workspace.vpals("queue", "list").output.contains("rises-with-pressure"))
  }

  @Test func readsALoneFileWithASpecification() throws {
    try workspace.write(try Workspace.good().onnx(name: "small", producerVersion: "test"), to: "nets/small.onnx")
    try workspace.write(Workspace.specification, to: "rules.yaml")
    #expect(try workspace.vpals("verify", "nets/small.onnx", "--spec", "rules.yaml").status == 0)
    let certificate = try UncheckedCertificate(contentsOf: workspace.file("nets/rules.intoto.json"))
    #expect(certificate.claims.model.name == "small")
    #expect(certificate.claims.model.files.map(\.name) == ["small.onnx"])
    #expect(
      workspace.names(in: "nets") == [
        "rules.intoto.json", "rules.rises-with-pressure.proof", "rules.sane.proof", "small.onnx",
      ])
    let checked = try workspace.check(
      "nets/rules.intoto.json", "--model", "nets/small.onnx", "--spec", "rules.yaml")
    #expect(checked.status == 0)
    #expect(checked.lines.last == "valid")
  }

  @Test func keepsTheCertificateOfAFullRunWhenALaterOneIsCutShort() throws {
    try workspace.add("hard", try Workspace.hard(), specification: Workspace.hardSpecification)
    #expect(try workspace.vpals("verify", "models/hard/v0001", "--timeout", "1s").status == 3)
    let path = "models/hard/v0001/hard.intoto.json"
    // As if a longer run had decided the rest.
    let old = try UncheckedCertificate(contentsOf: workspace.file(path)).claims
    let records = old.properties.map { record in
      PropertyRecord(
        id: record.id, statement: record.statement, outcome: .holds, engine: record.engine, milliseconds: 1,
        cpuMilliseconds: 1, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil,
        queryDigests: record.queryDigests)
    }
    let full = Certificate(
      model: old.model, specification: old.specification, properties: records, arithmetic: old.arithmetic,
      verifier: old.verifier, solver: old.solver, startedAt: old.startedAt, finishedAt: old.finishedAt)
    _ = try full.write(into: workspace.file("models/hard/v0001"))
    let before = try workspace.bytes(path)
    let short = try workspace.vpals("verify", "models/hard/v0001", "--timeout", "1s")
    #expect(short.status == 3)
    #expect(short.output.contains("the earlier certificate decides all and stays: \(path)"))
    #expect(try workspace.bytes(path) == before)
    // It has no proofs, so it is kept, but not believed.
    let gate = try workspace.vpals("gate")
    #expect(gate.status == 1)
    #expect(gate.output.contains("VP010 proof-unchecked  \(path): property 'hard' is claimed to hold without a proof"))
  }
}
