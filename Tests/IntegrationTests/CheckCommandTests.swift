import Certificates
import Foundation
import Networks
import TestHelpers
import Testing

/// `vpals-check`, which is alone with a certificate, a model and a specification.
@Suite struct CheckCommandTests {
  let workspace = Workspace()
  static let certificate = "models/nginx/v0001/nginx.intoto.json"
  static let model = "models/nginx/v0001/model.onnx"

  init() throws {
    try workspace.add("nginx", try Workspace.good())
    #expect(try workspace.vpals("verify", "models/nginx/v0001").status == 0)
  }

  private func check(certificate: String = certificate, model: String = model, spec: String = "specs/nginx.yaml") throws
    -> Outcome
  {
    try workspace.check(certificate, "--model", model, "--spec", spec)
  }

  private func problems(_ outcome: Outcome) -> [String] { outcome.lines.filter { $0.hasPrefix("invalid: ") } }

  @Test func printsWhatIsBoundAndChecked() throws {
    let outcome = try check()
    #expect(outcome.status == 0)
    #expect(outcome.error == "")
    #expect(outcome.lines.first == "network        \(ExactNetwork(try Workspace.good()).digest)")
    #expect(outcome.lines.contains("property       sane: claimed to be holds"))
    #expect(outcome.lines.contains("               for all x in the domain: 0 ms ≤ p99(x) ≤ 100 ms"))
    for id in ["rises-with-pressure", "sane"] {
      let bytes = try workspace.bytes("models/nginx/v0001/nginx.\(id).proof")
      let line = try #require(outcome.lines.first { $0.contains("proof \(SHA256Digest.of(bytes)): ") }, "\(id)")
      #expect(line.hasSuffix(" leaves, \(bytes.count) bytes"))
    }
    #expect(problems(outcome) == [])
    #expect(outcome.lines.last == "valid")
  }

  @Test func doesNotPassAViolation() throws {
    try workspace.add("other", try Workspace.falling())
    #expect(try workspace.vpals("verify", "models/other/v0001").status == 1)
    let outcome = try check(
      certificate: "models/other/v0001/other.intoto.json", model: "models/other/v0001/model.onnx",
      spec: "specs/other.yaml")
    #expect(outcome.status == 1)
    #expect(problems(outcome) == ["invalid: property 'rises-with-pressure' is claimed to be violated"])
    #expect(!outcome.lines.contains("valid"))
  }

  @Test func doesNotPassVerdictsWithoutProof() throws {
    #expect(try workspace.vpals("verify", "models/nginx/v0001", "--engine", "smt").status == 0)
    let outcome = try check()
    #expect(outcome.status == 1)
    #expect(
      problems(outcome) == [
        "invalid: property 'rises-with-pressure' has no proof", "invalid: property 'sane' has no proof",
      ])
  }

  // MARK: Proofs

  /// Checks a copy of the version whose proof of `sane` is what `change` makes of it; nil takes it away.
  private func checkCopy(_ change: ([UInt8]) -> [UInt8]?) throws -> Outcome {
    try FileManager.default.copyItem(
      atPath: workspace.file("models/nginx/v0001"), toPath: workspace.file("copy"))
    #expect(try check(certificate: "copy/nginx.intoto.json", model: "copy/model.onnx").lines.last == "valid")
    if let bytes = change(try workspace.bytes("copy/nginx.sane.proof")) {
      try workspace.write(bytes, to: "copy/nginx.sane.proof")
    } else {
      try FileManager.default.removeItem(atPath: workspace.file("copy/nginx.sane.proof"))
    }
    return try check(certificate: "copy/nginx.intoto.json", model: "copy/model.onnx")
  }

  /// The first tree begins behind the format, the network's digest, the number of queries and a query's digest.
  @Test(
    arguments: [
      (12, 0x32, "byte 13: format"), (14, nil, "byte 46: network"), (46, 1, "byte 47: query-count"),
      (47, nil, "byte 79: query"), (79, 9, "byte 80: tag: no node begins with 9"), (79, 7, "byte 80: open"),
    ] as [(Int, UInt8?, String)])
  func namesTheNodeAndTheRuleThatATamperedProofFails(place: Int, byte: UInt8?, problem: String) throws {
    let outcome = try checkCopy { old in
      var bytes = old
      bytes[place] = byte ?? (old[place] ^ 1)
      return bytes
    }
    #expect(outcome.status == 1)
    #expect(outcome.error == "")
    #expect(
      problems(outcome) == ["invalid: property 'sane': copy/nginx.sane.proof: query 0, node 0, \(problem)"])
    #expect(!outcome.lines.contains("valid"))
    // The version itself is as it was.
    #expect(try check().status == 0)
  }

  @Test func noticesATruncatedProof() throws {
    var length = 0
    let outcome = try checkCopy { old in
      length = old.count - 1
      return Array(old.dropLast())
    }
    #expect(outcome.status == 1)
    let found = problems(outcome)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("invalid: property 'sane': copy/nginx.sane.proof: query ") == true)
    #expect(found.first?.hasSuffix(", byte \(length): truncated") == true)
  }

  @Test func noticesBytesBehindAProof() throws {
    let outcome = try checkCopy { old in
      var bytes = old
      bytes.append(0)
      return bytes
    }
    #expect(outcome.status == 1)
    #expect(problems(outcome).count == 1)
    #expect(problems(outcome).first?.hasSuffix(": trailing") == true)
  }

  @Test func noticesAMissingProof() throws {
    let outcome = try checkCopy { _ in nil }
    #expect(outcome.status == 1)
    #expect(
      problems(outcome) == [
        "invalid: property 'sane': copy/nginx.sane.proof: query 0, node 0, byte 0: unreadable: No such file or directory"
      ])
  }

  /// Bounds that the checker finds again do not make a proof wrong, but it is another one.
  @Test func noticesAnotherProof() throws {
    let outcome = try checkCopy { old in
      var bytes = old
      bytes.insert(contentsOf: [5, 2], at: 79)
      return bytes
    }
    #expect(outcome.status == 1)
    #expect(
      problems(outcome) == [
        "invalid: copy/nginx.sane.proof proves property 'sane', but is not the proof that the certificate names"
      ])
  }

  // MARK: Bindings

  @Test func noticesAnotherModel() throws {
    try workspace.add("other", try Workspace.falling())
    let outcome = try check(model: "models/other/v0001/model.onnx")
    #expect(outcome.status == 1)
    #expect(
      outcome.lines.contains(
        "invalid: models/other/v0001/model.onnx is not the network that the certificate speaks of"))
  }

  @Test func noticesAnotherSpecification() throws {
    try workspace.write(
      Workspace.specification.replacingOccurrences(of: "100 ms", with: "99 ms"), to: "other.yaml")
    let outcome = try check(spec: "other.yaml")
    #expect(outcome.status == 1)
    #expect(
      outcome.lines.contains("invalid: other.yaml does not mean what the certificate's specification means"))
    #expect(outcome.lines.contains("invalid: property 'sane' was verified with another meaning"))
  }

  @Test func unreadableInputExitsWithTwo() throws {
    try workspace.write("{}", to: "bad.json")
    for outcome in [
      try check(certificate: "bad.json"), try check(certificate: "none.json"), try check(model: "specs/nginx.yaml"),
      try check(spec: "none.yaml"), try workspace.check("--bogus"), try workspace.check(),
    ] {
      #expect(outcome.status == 2)
      #expect(outcome.output == "")
      #expect(!outcome.error.isEmpty)
    }
    #expect(try workspace.check("--help").status == 0)
  }

  @Test func linksNeitherSolverNorStore() throws {
    let checker = try libraries("vpals-check")
    #expect(checker.contains("libc.so"))
    #expect(!checker.contains("libz3"))
    #expect(!checker.contains("libsqlite3"))
  }

  /// Z3 lives in a process of its own, so that none of its failures is one of the programs that ask it.
  @Test func onlyTheSolverProcessLinksZ3() throws {
    for name in ["vpals", "vpals-train"] {
      let program = try libraries(name)
      #expect(program.contains("libsqlite3"))
      #expect(!program.contains("libz3"))
    }
    #expect(try libraries("vpals-solver").contains("libz3"))
  }

  private func libraries(_ name: String) throws -> String {
    try Program("/usr/bin/ldd", [ChildProcess.built(name)], in: workspace.path).outcome().output
  }
}
