import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

/// A signed version of nginx under `Fixtures/`, signed once by a key that was thrown away: what is signed today must
/// verify with every later version, and docs/signing.md shows its commands on it.
@Suite struct FixtureTests {
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path
  static let now = Signer.time("2027-01-01T00:00:00Z")
  static let signedAt = Signer.time("2026-11-27T12:00:00Z")
  static let isUpdating = ProcessInfo.processInfo.environment["VPALS_UPDATE_SIGNING_FIXTURES"] == "1"

  @Test(.enabled(if: isUpdating, "writes the fixtures anew: set VPALS_UPDATE_SIGNING_FIXTURES=1"))
  func writesTheFixtures() throws {
    let files = FileManager.default
    let model = PythonTools.root.appending(path: "models/nginx/v0001").path
    let version = "\(Self.fixtures)/v0001"
    if files.fileExists(atPath: Self.fixtures) { try files.removeItem(atPath: Self.fixtures) }
    try files.createDirectory(atPath: version, withIntermediateDirectories: true)
    for name in try files.contentsOfDirectory(atPath: model) where name == "model.onnx" || name.hasSuffix(".proof") {
      try files.copyItem(atPath: "\(model)/\(name)", toPath: "\(version)/\(name)")
    }
    let key = PrivateKey()
    let issued = try CertificateFile(contentsOf: "\(model)/nginx.intoto.json").certificate.claims
    let certificate = Certificate(
      model: Certificate.Model(
        name: "nginx", version: "v0001", files: issued.model.files.filter { $0.name == "model.onnx" },
        networkDigest: issued.model.networkDigest), specification: issued.specification, properties: issued.properties,
      arithmetic: issued.arithmetic, verifier: issued.verifier, solver: issued.solver, data: issued.data,
      startedAt: issued.startedAt, finishedAt: issued.finishedAt)
    let signed = try SignedCertificate.sign(certificate, with: [key])
    try AtomicFile.write(signed, to: "\(version)/nginx.intoto.json")
    let summary = VerificationSummary(
      of: certificate, areProofsChecked: true, signedCertificate: signed, timeVerified: Self.signedAt)
    try AtomicFile.write(try summary.signed(with: [key]), to: "\(version)/nginx.vsa.json")
    _ = try ModelSignature.write(into: version, with: key, at: Self.signedAt)
    let entry = TrustedKey(
      publicKey: key.publicKey, purpose: .certificates, validFrom: Signer.time("2026-11-27T00:00:00Z"),
      validUntil: Signer.time("2036-11-27T00:00:00Z"))
    try TrustFile(keys: [entry]).write(to: "\(Self.fixtures)/trust.json")
    try AtomicFile.write(Array(key.publicKey.pem.utf8), to: "\(Self.fixtures)/key.pub.pem")
  }

  @Test(.enabled(if: !isUpdating)) func whatWasSignedStillVerifies() throws {
    let trust = try TrustFile(contentsOf: "\(Self.fixtures)/trust.json")
    let id = try #require(trust.keys.first).id
    let version = "\(Self.fixtures)/v0001"
    let model = try ModelSignature(of: version, trust: trust, now: Self.now)
    #expect(model.keyIDs == [id])
    #expect(model.signedAt == Self.signedAt)
    #expect(model.manifest.files.count == 11)
    func bytes(_ name: String) throws -> [UInt8] { try BoundedFile.read("\(version)/\(name)", maximumBytes: 1 << 20) }
    let signed = try SignedCertificate(
      bytes: try bytes("nginx.intoto.json"), trust: trust, now: Self.now, file: "nginx.intoto.json")
    #expect(signed.certificate.claims.claimsAllHold)
    #expect(signed.certificate.fileProblems(in: version).isEmpty)
    let summary = try SignedSummary(
      bytes: try bytes("nginx.vsa.json"), trust: trust, now: Self.now, file: "nginx.vsa.json"
    ).summary
    #expect(summary.hasPassed)
    #expect(summary.levels == ["VPALS_PROVEN_REAL", "VPALS_PROVEN_FP64", "VPALS_PROOF_CHECKED"])
    #expect(summary.inputSHA256s == [SHA256Digest.of(try bytes("nginx.intoto.json"))])
    // And no longer than the key is valid.
    #expect(
      refusal { () throws(SigningError) in
        try ModelSignature(of: version, trust: trust, now: Signer.time("2036-11-27T00:00:00Z"))
      } == .keyExpired)
  }

  /// A command of the documentation and what it prints.
  private struct Step {
    var command: String
    var output: String
  }

  /// The blocks ```console of docs/signing.md: `$ ` begins a command, `> ` goes on with it, other lines are printed.
  private func steps() throws -> [Step] {
    let path = PythonTools.root.appending(path: "docs/signing.md").path
    var steps: [Step] = []
    var isInside = false
    for line in try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n") {
      if line.hasPrefix("```") {
        isInside = line == "```console"
      } else if isInside, line.hasPrefix("$ ") {
        steps.append(Step(command: String(line.dropFirst(2)), output: ""))
      } else if isInside, !steps.isEmpty {
        let isContinued = line == ">" || line.hasPrefix("> ")
        if isContinued {
          steps[steps.count - 1].command += "\n" + line.dropFirst(2)
        } else {
          steps[steps.count - 1].output += line + "\n"
        }
      }
    }
    return steps
  }

  @Test(
    .enabled(
      if: !isUpdating && PythonTools.mayRun("model_signing") && StockTool.mayRunOpenSSL,
      "needs openssl and the PyPI packages: run `make deps`"))
  func theCommandsOfTheDocumentationPrintWhatItSays() throws {
    let program = try #require(PythonTools.program("model_signing"), "run `make deps`")
    let folder = URL(filePath: program).deletingLastPathComponent().path
    let directory = TemporaryDirectory()
    let copy = directory.file("fixtures")
    try FileManager.default.copyItem(atPath: Self.fixtures, toPath: copy)
    let steps = try steps()
    #expect(steps.count >= 8)
    for step in steps {
      let outcome = try StockTool.run(
        "/usr/bin/env", ["PATH=\(folder):/usr/local/bin:/usr/bin:/bin", "/bin/sh", "-c", step.command], in: copy)
      #expect(outcome.text == step.output, "\(step.command)")
    }
  }
}
