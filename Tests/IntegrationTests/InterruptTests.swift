import Certificates
import Foundation
import Networks
import Signing
import TestHelpers
import Testing

@Suite struct InterruptTests {
  let workspace = Workspace()

  init() throws {
    try workspace.add("hard", try Workspace.hard(), specification: Workspace.hardSpecification)
  }

  private func records() throws -> [PropertyRecord] {
    try UncheckedCertificate(contentsOf: workspace.file("models/hard/v0001/hard.intoto.json")).claims.properties
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
    #expect(
      workspace.names(in: "models/hard/v0001")
        == ["hard.easy.proof", "hard.hard.search", "hard.intoto.json", "model.onnx"])
    #expect(stopped.output.contains("    certified so far: fails by at most "))
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
    #expect(!resumed.error.contains("starts anew"))
    #expect(try workspace.bytes("models/hard/v0001/hard.easy.proof") == proof)
  }

  /// A search that does not fit is named and not used; one of a property that is decided goes away.
  @Test func startsAnewWithoutAUsableSearch() throws {
    let search = "models/hard/v0001/hard.hard.search"
    #expect(try workspace.vpals("verify", "models/hard/v0001", "--timeout", "5s").status == 3)
    let whole = try workspace.bytes(search)
    try workspace.write(Array(whole.dropLast(whole.count / 2)), to: search)
    let resumed = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "5s")
    #expect(resumed.status == 3)
    #expect(resumed.error.contains("note: models/hard/v0001/hard.hard.search does not fit"))
    #expect(resumed.error.contains("hard starts anew"))
    // The search of this run has taken its place.
    let again = try workspace.vpals("verify", "models/hard/v0001", "--resume", "--timeout", "5s")
    #expect(!again.error.contains("starts anew"))
    try workspace.write(
      Workspace.hardSpecification.replacingOccurrences(of: "y <= 46", with: "y <= 1000000"), to: "specs/hard.yaml")
    #expect(try workspace.vpals("verify", "models/hard/v0001").status == 0)
    #expect(!workspace.names(in: "models/hard/v0001").contains("hard.hard.search"))
  }

  /// What goes wrong with the file of a search costs that file and nothing else.
  @Test func answersAreKeptWithoutThePlaceForASearch() throws {
    let search = "models/hard/v0001/hard.hard.search"
    try workspace.write("x", to: "\(search)/x")
    for arguments in [[], ["--resume"]] {
      let outcome = try Program(
        "vpals", ["verify", "models/hard/v0001", "--timeout", "3s"] + arguments, in: workspace.path
      ).outcome()
      #expect(outcome.status == 3)
      #expect(outcome.error.contains("note: the search of hard is not kept"))
      #expect(outcome.output.contains("✓ easy: holds"))
      #expect(try records().map(\.outcome) == [.holds, .unknown(.timeout)])
    }
  }

  /// The first run says what the second one would lose.
  @Test func namesASearchThatIsReplaced() throws {
    #expect(try workspace.vpals("verify", "models/hard/v0001", "--timeout", "3s").status == 3)
    let again = try workspace.vpals("verify", "models/hard/v0001", "--timeout", "3s")
    #expect(again.error.contains("hard.hard.search of an earlier run will be replaced; --resume goes on from it"))
  }

  @Test func refusesAPredecessorThatIsNone() throws {
    let missing = try workspace.vpals("verify", "models/hard/v0001", "--from", "models/hard/v0000")
    #expect(missing.status == 2)
    #expect(missing.error.contains("--from models/hard/v0000 is not a directory"))
    let empty = try workspace.vpals("verify", "models/hard/v0001", "--from", "specs")
    #expect(empty.status == 2)
    #expect(empty.error.contains("specs holds no proof of these properties"))
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
