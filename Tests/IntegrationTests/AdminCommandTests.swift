import Certificates
import Foundation
import Networks
import TestHelpers
import Testing

/// `vpals certificates`, `vpals queue` and `vpals spec`.
@Suite struct AdminCommandTests {
  let workspace = Workspace()

  struct Entry: Decodable {
    let id: String
    let application: String
    let version: String
    let model: String
    let property: String
    let state: String
    let engineering: [String]
    let x: [String]
    let xPrime: [String]?
    let drop: String
    let consumedBy: String?
    let leaseCount: Int
  }

  struct Summary: Decodable {
    let id: String
    let application: String
    let version: String
    let specification: String
    let holds: Int
    let violated: Int
    let unknown: Int
  }

  init() throws {
    try workspace.add("nginx", try Workspace.falling())
    try workspace.add("redis", try Workspace.good())
    #expect(try workspace.vpals("verify", "models/nginx/v0001").status == 1)
    #expect(try workspace.vpals("verify", "models/redis/v0001").status == 0)
  }

  private func entries(_ arguments: String...) throws -> [Entry] {
    let outcome = try Program("vpals", ["queue", "list", "--format", "json"] + arguments, in: workspace.path).outcome()
    #expect(outcome.status == 0)
    return try JSONDecoder().decode([Entry].self, from: Data(outcome.output.utf8))
  }

  // MARK: The queue

  @Test func listsCounterexamplesAndFilters() throws {
    let all = try entries()
    #expect(!all.isEmpty)
    for entry in all {
      #expect(entry.application == "nginx")
      #expect(entry.version == "v0001")
      #expect(entry.model == ExactNetwork(try Workspace.falling()).digest)
      #expect(entry.property == "rises-with-pressure")
      #expect(entry.state == "pending")
      #expect(entry.engineering.count == 2)
      #expect(entry.engineering[0].hasSuffix("should not fall"))
      #expect(entry.x.count == 2)
      #expect(entry.xPrime?.count == 2)
      #expect(entry.consumedBy == nil)
      #expect(entry.leaseCount == 0)
    }
    #expect(try entries("--application", "nginx", "--state", "pending").count == all.count)
    #expect(try entries("--application", "redis").isEmpty)
    #expect(try entries("--property", "sane").isEmpty)
    #expect(try entries("--state", "leased", "--state", "dropped").isEmpty)
    #expect(try entries("--limit", "1").map(\.id) == [all[0].id])
    let text = try workspace.vpals("queue", "list")
    #expect(
      text.lines.first
        == "\(all[0].id.prefix(12))  pending   rises-with-pressure  found in nginx/v0001, not consumed yet")
    #expect(text.lines.last == "queue: \(all.count) pending, 0 leased, 0 consumed, 0 dropped")
  }

  @Test func showsDropsAndRequeues() throws {
    let entry = try entries()[0]
    let short = String(entry.id.prefix(10))
    let shown = try workspace.vpals("queue", "show", short)
    #expect(shown.status == 0)
    #expect(shown.lines.first == "entry        \(entry.id)")
    #expect(shown.output.contains("    \(entry.engineering[0])\n"))
    #expect(shown.output.contains("    x     = (\(entry.x.joined(separator: ", ")))\n"))
    #expect(try workspace.vpals("queue", "drop", short, short).output == "1 of 1 entry dropped\n")
    #expect(try entries("--state", "dropped").map(\.id) == [entry.id])
    // Finding it again does not bring it back.
    #expect(try workspace.vpals("verify", "models/nginx/v0001").status == 1)
    #expect(try entries("--state", "dropped").map(\.id) == [entry.id])
    #expect(try workspace.vpals("queue", "requeue", entry.id).output == "1 of 1 entry made pending\n")
    #expect(try entries("--state", "dropped").isEmpty)
  }

  @Test func changesNothingWhenOneEntryIsUnknown() throws {
    let entry = try entries()[0]
    let outcome = try workspace.vpals("queue", "drop", entry.id, "0123456789abcdef")
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.error.contains("0123456789abcdef"))
    #expect(try entries("--state", "dropped").isEmpty)
  }

  // MARK: Certificates

  @Test func listsAndShowsCertificates() throws {
    let listed = try workspace.vpals("certificates", "list", "--format", "json")
    let summaries = try JSONDecoder().decode([Summary].self, from: Data(listed.output.utf8))
    #expect(summaries.map(\.application) == ["redis", "nginx"])
    #expect(summaries.map(\.holds) == [2, 1])
    #expect(summaries.map(\.violated) == [0, 1])
    #expect(summaries.map(\.unknown) == [0, 0])
    let nginx = try workspace.vpals("certificates", "list", "--application", "nginx")
    #expect(nginx.lines.count == 3)
    #expect(nginx.lines[2].hasPrefix("\(summaries[1].id.prefix(12))  nginx        v0001    nginx"))

    let path = "models/nginx/v0001/nginx.intoto.json"
    let byPath = try workspace.vpals("certificates", "show", path)
    #expect(byPath.status == 0)
    #expect(byPath.output == (try workspace.vpals("certificates", "show", summaries[1].id)).output)
    #expect(byPath.lines.first == "certificate    \(summaries[1].id)")
    let arithmetic =
      "binary64-exact: what holds, holds of the computed network: with inputs rounded to multiples of 2^-30 and "
      + "clamped to the domain, binary64 rounds nowhere, in any order of summation"
    #expect(byPath.lines.contains("arithmetic     \(arithmetic)"))
    #expect(try workspace.vpals("verify", "models/nginx/v0001").lines.contains(arithmetic))
    #expect(byPath.lines.contains { $0.hasPrefix("✗ rises-with-pressure: violated, ") })
    #expect(byPath.lines.contains("    for all x in the domain: 0 ms ≤ p99(x) ≤ 100 ms"))
  }

  @Test func failsOnCertificatesThatAreNotThere() throws {
    for id in ["0123456789", "models/none.intoto.json", "specs/nginx.yaml"] {
      let outcome = try workspace.vpals("certificates", "show", id)
      #expect(outcome.status == 2)
      #expect(outcome.output == "")
      #expect(outcome.error.hasPrefix("error: "))
    }
  }

  @Test(arguments: [["certificates", "list"], ["queue", "list"], ["queue", "drop", "0123456789"]])
  func doesNotMakeAStoreByLooking(arguments: [String]) throws {
    let outcome = try Program("vpals", arguments + ["--store", "sqlite:elsewhere.sqlite"], in: workspace.path).outcome()
    #expect(outcome.status == 2)
    #expect(outcome.error.contains("the store sqlite:elsewhere.sqlite does not exist"))
    #expect(!workspace.names(in: "").contains("elsewhere.sqlite"))
  }

  // MARK: Specifications

  @Test func explainsASpecification() throws {
    let outcome = try workspace.vpals("spec", "check", "specs/nginx.yaml")
    #expect(outcome.status == 0)
    #expect(
      outcome.output == """
        specs/nginx.yaml: 2 features, 1 output, 2 properties
          rises-with-pressure
            for all x, x′ in the domain with x′ ≥ x in pressure and x′ = x elsewhere: p99(x′) ≥ p99(x)
          sane
            for all x in the domain: 0 ms ≤ p99(x) ≤ 100 ms

        """)
  }

  @Test func tellsErrorsFromUnreadableFiles() throws {
    try workspace.write(
      Workspace.specification.replacingOccurrences(of: "of: p99", with: "of: p95"), to: "bad.yaml")
    let bad = try workspace.vpals("spec", "check", "specs/nginx.yaml", "bad.yaml")
    #expect(bad.status == 1)
    #expect(bad.output.contains("bad.yaml:10:"))
    #expect(bad.lines.last == "bad.yaml: 1 error")
    let missing = try workspace.vpals("spec", "check", "bad.yaml", "none.yaml")
    #expect(missing.status == 2)
    #expect(missing.error.contains("none.yaml"))
    let json = try workspace.vpals("spec", "check", "bad.yaml", "--format", "json")
    #expect(json.status == 1)
    #expect(json.output.contains("\"code\":\"E012\""))
    #expect(json.output.contains("\"line\":10"))
  }
}
