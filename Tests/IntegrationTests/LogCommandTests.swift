import Certificates
import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// `vpals log`.
@Suite struct LogCommandTests {
  let workspace = Workspace()
  static let origin = "example.com/models"

  private func digest(_ text: String) -> String { SHA256Digest.of(Array(text.utf8)) }

  private func entry(_ kind: LogEntry.Kind, _ version: Int) -> LogEntry {
    LogEntry(
      kind: kind, time: Timestamp(milliseconds: 1_767_225_600_000 + version * 1000),
      subjects: [LogEntry.Subject(name: "web/v\(version)", sha256: digest("certificate \(version)"))],
      annotations: kind == .certificateIssued ? ["verdict": "holds"] : [:])
  }

  /// A log of four entries: two certificates, one of them revoked, and an entry of somebody else.
  private func fill() throws {
    #expect(try workspace.vpals("log", "init", "--origin", Self.origin).status == 0)
    try append(
      [
        try entry(.certificateIssued, 1).encoded(), try entry(.certificateIssued, 2).encoded(),
        try entry(.certificateRevoked, 1).encoded(), [0, 255],
      ])
  }

  private var path: String { workspace.path + "/.vpals/log" }

  private func append(_ entries: [[UInt8]]) throws {
    _ = try LogWriter(directory: path, signers: [try LogFiles.readSecretKey(path)]).append(entries)
  }

  private var vkey: String { get throws { "\(try LogFiles.readPublicKey(path + ".vkey"))" } }

  /// The log at its checkpoint of now.
  private func root() throws -> String {
    try LogReader(directory: path, keys: [try LogFiles.readPublicKey(path + ".vkey")]).signed.root.base64
  }

  @Test func initMakesAnEmptyLogOnce() throws {
    let made = try workspace.vpals("log", "init", "--origin", Self.origin)
    #expect(made.status == 0 && made.error == "")
    #expect(made.lines.first == "log .vpals/log: named \(Self.origin)")
    #expect(made.lines.suffix(2).first == (try vkey))
    #expect(made.lines.last == "next: git add .vpals/log .vpals/log.vkey trust.json  # never .vpals/log.key")
    #expect(try workspace.read(".vpals/.gitignore") == "keys/\n*.key\nstore.sqlite*\n")
    var status = stat()
    #expect(stat(path + ".key", &status) == 0 && status.st_mode & 0o777 == 0o600)
    let secret = try String(contentsOfFile: path + ".key", encoding: .utf8)
    #expect(secret.hasPrefix("PRIVATE+KEY+\(Self.origin)+") && !made.output.contains(secret.dropLast()))
    let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    #expect(try workspace.vpals("log", "show").output == "log \(Self.origin): 0 entries, root \(empty)\n")
    #expect(try workspace.vpals("log", "verify").status == 0)
    let again = try workspace.vpals("log", "init", "--origin", Self.origin)
    #expect(again.status == 2 && again.output == "")
    #expect(
      again.error
        == "error: cannot make the log .vpals/log: .vpals/log.vkey is there, so the log was made before; choose another "
        + "directory\n")
    let spaces = try workspace.vpals("log", "init", "--origin", "a b", "--log", "other")
    #expect(spaces.status == 2)
    #expect(!FileManager.default.fileExists(atPath: workspace.path + "/other"))
  }

  private struct Shown: Decodable {
    struct Entry: Decodable {
      struct Subject: Decodable {
        let name: String
        let sha256: String
      }
      let index: Int
      let leaf: String
      let type: String?
      let time: String?
      let subject: [Subject]?
      let annotations: [String: String]?
      let bytes: String?
    }
    let origin: String
    let size: Int
    let root: String
    let entries: [Entry]
  }

  private func show(_ arguments: String...) throws -> Shown {
    let outcome = try Program("vpals", ["log", "show", "--format", "json"] + arguments, in: workspace.path).outcome()
    #expect(outcome.status == 0)
    return try JSONDecoder().decode(Shown.self, from: Data(outcome.output.utf8))
  }

  @Test func showsEntriesNewestFirst() throws {
    try fill()
    let all = try show()
    #expect(all.origin == Self.origin && all.size == 4)
    #expect(all.root == (try root()))
    #expect(all.entries.map(\.index) == [3, 2, 1, 0])
    #expect(all.entries.map(\.type) == [nil, "certificate-revoked", "certificate-issued", "certificate-issued"])
    #expect(all.entries[0].bytes == "AP8=" && all.entries[1].bytes == nil)
    #expect(all.entries[3].subject?.map(\.sha256) == [digest("certificate 1")])
    #expect(all.entries[3].annotations == ["verdict": "holds"])
    #expect(all.entries[3].time == "2026-01-01T00:00:01Z")
    #expect(all.entries[3].leaf == "\(TreeHash.leaf(try entry(.certificateIssued, 1).encoded()))")
    #expect(try show("--type", "certificate-issued").entries.map(\.index) == [1, 0])
    #expect(try show("--limit", "2").entries.map(\.index) == [3, 2])
    #expect(try show("--type", "key-added").entries.isEmpty)
    let text = try workspace.vpals("log", "show", "--type", "certificate-revoked")
    #expect(text.lines.count == 4)
    #expect(
      text.lines[2].split(separator: " ").map(String.init) == [
        "2", "2026-01-01T00:00:01Z", "certificate-revoked", "web/v1", digest("certificate 1"),
      ])
    #expect(text.lines.last == "log \(Self.origin): 4 entries, root \(try root())")
    #expect(try workspace.vpals("log", "show", "--limit", "0").status == 2)
  }

  @Test func provesAnEntryToWhoeverHasTheKey() throws {
    try fill()
    let made = try workspace.vpals("log", "prove", "1", "--output", "a.tlog-proof", "--entry-output", "a.json")
    #expect(made.status == 0 && made.output == "a.tlog-proof: entry 1 of 4 in \(Self.origin)\n")
    let proof = try String(contentsOfFile: workspace.path + "/a.tlog-proof", encoding: .utf8)
    #expect(try workspace.vpals("log", "prove", "1").output == proof)
    // By the digest of its subject, its bytes, and its leaf.
    let bytes = try entry(.certificateIssued, 2).encoded()
    for digest in [digest("certificate 2"), "sha256:\(SHA256Digest.of(bytes))", "\(TreeHash.leaf(bytes))"] {
      #expect(try workspace.vpals("log", "prove", digest).output == proof)
    }
    let twice = try workspace.vpals("log", "prove", digest("certificate 1"))
    #expect(twice.status == 2 && twice.error.contains(": 0, 2; name one by its number"))
    for wrong in ["4", "-1", "01", "x", digest("nobody"), digest("certificate 1").uppercased()] {
      let outcome = try workspace.vpals("log", "prove", "--", wrong)
      #expect(outcome.status == 2 && outcome.output == "" && outcome.error.hasPrefix("error: "), "\(wrong)")
    }
    // Elsewhere, with nothing but the key.
    let key = try vkey
    let elsewhere = Workspace()
    for name in ["a.tlog-proof", "a.json"] {
      try FileManager.default.copyItem(atPath: "\(workspace.path)/\(name)", toPath: "\(elsewhere.path)/\(name)")
    }
    let arguments = ["log", "verify", "--proof", "a.tlog-proof", "--entry", "a.json", "--key"]
    func verify(_ key: String) throws -> Outcome {
      try Program("vpals", arguments + [key], in: elsewhere.path).outcome()
    }
    let valid = try verify(key)
    #expect(valid.status == 0)
    #expect(
      valid.output.hasPrefix("valid: a.json is entry 1 of \(Self.origin), size 4, root \(try root()), signed by "))
    try Data("\(key)\n".utf8).write(to: URL(filePath: elsewhere.path + "/log.vkey"))
    #expect(try verify("log.vkey").status == 0)
    #expect(try verify("none.vkey").status == 2)
    let stranger = try verify("\(try SignerKey.generate(name: Self.origin).verifier)")
    #expect(stranger.status == 1 && stranger.error.hasPrefix("error: unsigned: a.tlog-proof: "))
    try Data(try entry(.certificateIssued, 3).encoded()).write(to: URL(filePath: elsewhere.path + "/a.json"))
    let other = try verify(key)
    #expect(other.status == 1 && other.output == "")
    #expect(
      other.error
        == "error: not-included: entry 1 is not shown to be in the tree of 4: the path leads from the entry to another root; "
        + "check that entry, proof and checkpoint belong together\n")
  }

  @Test func verifyNamesWhatIsWrong() throws {
    try fill()
    let valid = try workspace.vpals("log", "verify")
    #expect(valid.status == 0)
    #expect(valid.output.hasPrefix("valid: 4 entries in \(Self.origin), size 4, root \(try root()), signed by "))
    let saved = try workspace.vpals("log", "checkpoint")
    #expect(saved.output == (try String(contentsOfFile: path + "/checkpoint", encoding: .utf8)))
    #expect(try workspace.vpals("log", "checkpoint", "--output", "saved").output == "saved: \(Self.origin), size 4\n")
    try FileManager.default.copyItem(atPath: path, toPath: path + "-4")
    try append([try entry(.certificateIssued, 5).encoded()])
    let grown = try workspace.vpals("log", "verify", "--since", "saved")
    #expect(grown.status == 0 && grown.lines.last == "extends saved, which has 4")
    #expect(try workspace.vpals("log", "checkpoint", "--output", "later").status == 0)

    // A copy of yesterday.
    let key = try vkey
    func verify(_ arguments: String...) throws -> Outcome {
      try Program("vpals", ["log", "verify", "--key", key] + arguments, in: workspace.path).outcome()
    }
    #expect(try verify("--log", ".vpals/log-4").status == 0)
    let rollback = try verify("--log", ".vpals/log-4", "--since", "later")
    #expect(rollback.status == 1 && rollback.output == "")
    #expect(
      rollback.error.hasPrefix("error: rollback: the log .vpals/log-4 has 4 entries, but had 5 when later was saved"))
    // Another history.
    _ = try LogWriter(directory: path + "-4", signers: [try LogFiles.readSecretKey(path)]).append([[1], [2]])
    let fork = try verify("--log", ".vpals/log-4", "--since", "later")
    #expect(fork.status == 1)
    #expect(fork.error.hasPrefix("error: fork: the first 5 entries of the log .vpals/log-4 are not those of later"))
    #expect(try verify("--log", ".vpals/log-4", "--since", "saved").status == 0)

    // An altered entry: every command refuses it.
    let bundle = path + "/tile/entries/000.p/5"
    var bytes = Array(try Data(contentsOf: URL(filePath: bundle)))
    bytes[30] ^= 1
    try Data(bytes).write(to: URL(filePath: bundle))
    for arguments in [["verify"], ["show"], ["prove", "0"], ["prove", digest("certificate 2")]] {
      let outcome = try Program("vpals", ["log"] + arguments, in: workspace.path).outcome()
      #expect(outcome.status == 1 && outcome.output == "", "\(arguments)")
      #expect(
        outcome.error
          == "error: entry-altered: .vpals/log/tile/entries/000.p/5: entry 0 does not hash to its leaf; it was changed after "
          + "it was logged: restore the file from a copy\n", "\(arguments)")
    }
  }

  @Test func whatCannotBeReadIsNoVerdict() throws {
    let none = try workspace.vpals("log", "verify")
    #expect(none.status == 2 && none.output == "")
    #expect(
      none.error
        == "error: there is no log .vpals/log with a key .vpals/log.vkey; name the log with --log, or make one with vpals log "
        + "init\n")
    try fill()
    for arguments in [
      ["verify", "--since", "none"], ["verify", "--since", ".vpals/log.vkey"], ["verify", "--proof", "a"],
      ["verify", "--proof", "a", "--entry", "b"], ["verify", "--entry", "b"], ["verify", "--key", "x"],
      ["verify", "--proof", "a", "--entry", "b", "--since", "c"], ["show", "--log", "none"],
      ["checkpoint", "--output", "none/a"], ["prove"], ["init"], ["checkpoint", "--output", ".vpals/log/checkpoint"],
      ["prove", "0", "--output", ".vpals/log.vkey"], ["prove", "0", "--entry-output", ".vpals/../.vpals/log.key"],
      ["prove", "0", "--output", "a", "--entry-output", "a"], ["prove", "0", "--output", ".vpals/log/tile/0/000"],
    ] {
      let outcome = try Program("vpals", ["log"] + arguments, in: workspace.path).outcome()
      #expect(outcome.status == 2 && outcome.output == "", "\(arguments)")
      #expect(outcome.error.lowercased().hasPrefix("error: "), "\(arguments): \(outcome.error)")
    }
    #expect(try workspace.vpals("log", "verify").status == 0)
  }
}
