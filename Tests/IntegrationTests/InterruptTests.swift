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
    #expect(workspace.names(in: "models/hard/v0001") == ["hard.certificate.json", "model.onnx"])

    let resumed = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "1s")
    #expect(resumed.status == 3)
    #expect(resumed.error.contains("1 of 2 properties taken over from an earlier run"))
    let later = try records()
    #expect(later.map(\.outcome) == [.holds, .unknown(.timeout)])
    #expect(abs(later[0].milliseconds - kept[0].milliseconds) <= 1)
  }

  @Test func takesNothingOverForAnotherNetworkOrSpecification() throws {
    #expect(try workspace.vpals("verify", "models/hard/v0001", "--timeout", "1s").status == 3)
    try workspace.write(
      Workspace.hardSpecification.replacingOccurrences(of: "1000000", with: "1000001"), to: "specs/hard.yaml")
    let resumed = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "1s")
    #expect(!resumed.error.contains("taken over"))
  }

  @Test func reportsWhatIsUndecided() throws {
    let outcome = try workspace.vpals("verify", "models/hard/v0001", "--timeout", "1s", "--format", "json")
    #expect(outcome.status == 3)
    let report = try VerifyJSON(outcome)
    #expect(report.properties.map(\.verdict) == ["holds", "unknown"])
    #expect(report.properties[1].reason == "timeout")
    #expect(report.properties[1].provedShare < 1)
    #expect(report.properties[1].counterexample == nil)
  }
}
