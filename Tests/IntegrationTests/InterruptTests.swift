import Certificates
import Foundation
import Networks
import TestHelpers
import Testing

@Suite struct InterruptTests {
  let workspace = Workspace()

  init() throws {
    try workspace.add("hard", try Workspace.hard(), specification: Workspace.hardSpecification)
  }

  private func records() throws -> [PropertyRecord] {
    try UncheckedCertificate(contentsOf: workspace.file("models/hard/v0001/hard.certificate.json")).claims.properties
  }

  @Test func keepsWhatIsDecidedAndGoesOnFromThere() throws {
    let first = try Program(
      "vpals", ["verify", "models/hard/v0001", "--threads", "1", "--timeout", "24h"], in: workspace.path)
    #expect(first.waitForError(containing: "1 of 2 decided, easy holds"))
    first.interrupt()
    let stopped = first.outcome()
    #expect(stopped.status == 3)
    #expect(stopped.error.contains("stopping; what is finished is kept"))
    #expect(stopped.output.contains("? hard: unknown, "))
    #expect(stopped.output.contains("(interrupted; "))
    #expect(
      stopped.lines.last
        == "next: vpals verify models/hard/v0001 --spec specs/hard.yaml --resume --timeout 1h")
    let kept = try records()
    #expect(kept.map(\.outcome) == [.holds, .unknown(.interrupted)])
    #expect(try workspace.vpals("gate").status == 1)
    #expect(workspace.names(in: "models/hard/v0001") == ["hard.certificate.json", "hard.easy.proof", "model.onnx"])
    let proof = try workspace.bytes("models/hard/v0001/hard.easy.proof")
    #expect(kept[0].proof?.sha256 == SHA256Digest.of(proof))
    #expect(kept[1].proof == nil)

    let resumed = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "10s")
    #expect(resumed.status == 3)
    #expect(resumed.error.contains("1 of 2 properties taken over from an earlier run"))
    let later = try records()
    #expect(later.map(\.outcome) == [.holds, .unknown(.timeout)])
    #expect(abs(later[0].milliseconds - kept[0].milliseconds) <= 1)
    #expect(later[0].proof == kept[0].proof)
    #expect(try workspace.bytes("models/hard/v0001/hard.easy.proof") == proof)
  }

  /// What can no longer be shown is proved again.
  @Test(arguments: [true, false]) func takesNothingOverWithoutItsProof(isMissing: Bool) throws {
    #expect(try workspace.vpals("verify", "models/hard/v0001", "--timeout", "10s").status == 3)
    let name = "models/hard/v0001/hard.easy.proof"
    let proof = try workspace.bytes(name)
    if isMissing {
      try FileManager.default.removeItem(atPath: workspace.file(name))
    } else {
      try workspace.write(Array(proof.dropLast()), to: name)
    }
    let resumed = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "10s")
    #expect(resumed.status == 3)
    #expect(!resumed.error.contains("taken over"))
    let record = try records()[0]
    #expect(record.outcome == .holds)
    #expect(record.proof?.sha256 == SHA256Digest.of(try workspace.bytes(name)))
    let gate = try workspace.vpals("gate")
    #expect(gate.status == 1)
    #expect(gate.output.contains("VP003 undecided"))
    #expect(!gate.output.contains("VP010"))
  }

  @Test func takesNothingOverForAnotherNetworkOrSpecification() throws {
    #expect(try workspace.vpals("verify", "models/hard/v0001", "--timeout", "10s").status == 3)
    try workspace.write(
      Workspace.hardSpecification.replacingOccurrences(of: "1000000", with: "1000001"), to: "specs/hard.yaml")
    let resumed = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "10s")
    #expect(!resumed.error.contains("taken over"))
  }

  @Test func reportsWhatIsUndecided() throws {
    let outcome = try workspace.vpals("verify", "models/hard/v0001", "--timeout", "10s", "--format", "json")
    #expect(outcome.status == 3)
    let report = try VerifyJSON(outcome)
    #expect(report.properties.map(\.verdict) == ["holds", "unknown"])
    #expect(report.properties[1].reason == "timeout")
    #expect(report.properties[1].provedShare < 1)
    #expect(report.properties[1].counterexample == nil)
    #expect(report.properties.map { $0.proof?.path } == ["models/hard/v0001/hard.easy.proof", nil])
  }
}
