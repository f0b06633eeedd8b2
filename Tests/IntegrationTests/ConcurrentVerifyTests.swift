import Certificates
import Foundation
import Signing
import TestHelpers
import Testing

/// Several processes that verify the same version with the same store at once.
@Suite struct ConcurrentVerifyTests {
  @Test func bothEndAndTheCertificateHasItsProofs() throws {
    let workspace = Workspace()
    try workspace.add("nginx", try Workspace.good())
    let version = "models/nginx/v0001"
    let files = ["model.onnx", "nginx.intoto.json", "nginx.rises-with-pressure.proof", "nginx.sane.proof"]
    let rounds = 6
    for round in 0..<rounds {
      // From the second round on they replace what lies there.
      let programs = try ["1", "3"].map {
        try Program("vpals", ["verify", version, "--threads", $0], in: workspace.path)
      }
      for program in programs {
        let outcome = program.outcome()
        #expect(outcome.status == 0, "round \(round): \(outcome.error)")
        #expect(
          outcome.lines.suffix(1) == [
            "next: vpals keys init && vpals verify \(version) --spec specs/nginx.yaml  # the gate asks for a signature"
          ])
      }
      #expect(workspace.names(in: version) == files, "round \(round)")
      let certificate = try UncheckedCertificate(contentsOf: workspace.file("\(version)/nginx.intoto.json"))
      for record in certificate.claims.properties {
        let reference = try #require(record.proof)
        let bytes = try workspace.bytes("\(version)/\(reference.path)")
        #expect(SHA256Digest.of(bytes) == reference.sha256, "round \(round), \(record.id)")
      }
      let checked = try workspace.check(
        "\(version)/nginx.intoto.json", "--model", "\(version)/model.onnx", "--spec", "specs/nginx.yaml")
      #expect(checked.status == 0 && checked.lines.last == "valid", "round \(round): \(checked.output)")
    }
    #expect(try workspace.vpals("gate").status == 0)
    let listed = try workspace.vpals("certificates", "list", "--format", "json")
    #expect(listed.status == 0)
  }

  /// A violated version: each run queues the same counterexamples, and neither loses the other's.
  @Test func bothQueueWhatTheyFind() throws {
    let workspace = Workspace()
    try workspace.add("nginx", try Workspace.falling())
    let programs = try (0..<2).map { _ in
      try Program("vpals", ["verify", "models/nginx/v0001"], in: workspace.path)
    }
    #expect(programs.map { $0.outcome().status } == [1, 1])
    let certificate = try UncheckedCertificate(
      contentsOf: workspace.file("models/nginx/v0001/nginx.intoto.json"))
    #expect(certificate.claims.properties.map(\.outcome.name) == ["violated", "holds"])
    let queue = try workspace.vpals("queue", "list")
    #expect(queue.status == 0)
    #expect(queue.output.contains("rises-with-pressure"))
    #expect(try workspace.vpals("gate").status == 1)
  }
}
