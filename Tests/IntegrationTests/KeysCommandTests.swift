import Certificates
import Foundation
import Signing
import TestHelpers
import Testing

/// `vpals keys`.
@Suite struct KeysCommandTests {
  let workspace = Workspace()

  struct Key: Decodable {
    let id: String
    let algorithm: String
    let purpose: String
    let state: String
    let reason: String?
    let maySign: Bool
    let privateKey: String?
    let publicKey: String
  }

  private func shown(status: Int = 0) throws -> [Key] {
    let outcome = try workspace.vpals("keys", "show", "--format", "json")
    #expect(outcome.status == status)
    return try JSONDecoder().decode([Key].self, from: Data(outcome.output.utf8))
  }

  private func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: workspace.file(name))[.posixPermissions] as? Int
  }

  @Test func makesAKeyOnce() throws {
    let outcome = try workspace.vpals("keys", "init", "--days", "30")
    #expect(outcome.status == 0 && outcome.error.isEmpty)
    let key = try #require(try shown().first)
    let name = ".vpals/keys/\(key.id.prefix(16))"
    let entry = try #require(try TrustFile(contentsOf: workspace.file("trust.json")).key(id: key.id))
    #expect(entry.validUntil == entry.validFrom.advanced(by: .seconds(30 * 86_400)))
    #expect(
      outcome.lines == [
        "created key \(key.id)",
        "  private  \(name).pem, mode 600: keep a copy in a safe place, and none in a repository",
        "  public   \(name).pub.pem",
        "  trust    trust.json: signs certificates from \(entry.validFrom) to \(entry.validUntil)",
        "next: git add trust.json  # and the log; never a private key",
      ])
    #expect(key.algorithm == "P-256" && key.purpose == "certificates" && key.state == "active" && key.maySign)
    #expect(key.privateKey == "\(name).pem")
    #expect(try mode("\(name).pem") == 0o600)
    #expect(try mode(".vpals/keys") == 0o700)
    #expect(try workspace.read("\(name).pub.pem") == key.publicKey)
    #expect(try PrivateKey(contentsOf: workspace.file("\(name).pem")).publicKey.id == key.id)

    let (before, secret) = (try workspace.read("trust.json"), try workspace.read("\(name).pem"))
    let again = try workspace.vpals("keys", "init")
    #expect(again.status == 1 && again.output.isEmpty)
    #expect(
      again.error
        == "refused: trust.json has a key that may sign already, \(key.id); use `vpals keys rotate` to put another in its "
        + "place\n")
    #expect(try workspace.read("trust.json") == before)
    #expect(try workspace.read("\(name).pem") == secret)
    // The two halves of the key, and what keeps git away.
    #expect(workspace.names(in: ".vpals/keys").count == 3)
    #expect(try workspace.read(".vpals/keys/.gitignore") == "*\n")
  }

  @Test func rotatesRetiresAndRevokes() throws {
    let tooEarly = try workspace.vpals("keys", "rotate")
    #expect(tooEarly.status == 1)
    #expect(tooEarly.error == "refused: trust.json has no active key to rotate; make one with `vpals keys init`\n")
    #expect(try workspace.vpals("keys", "init").status == 0)
    let first = try #require(try shown().first).id
    let rotated = try workspace.vpals("keys", "rotate")
    #expect(rotated.status == 0)
    #expect(rotated.lines.first == "retired key \(first)")
    let keys = try shown()
    #expect(keys.map(\.state) == ["retired", "active"])
    #expect(keys.map(\.maySign) == [false, true])
    let second = keys[1].id
    #expect(rotated.lines.contains("created key \(second)"))

    let twice = try workspace.vpals("keys", "retire", first)
    #expect(twice.status == 1)
    #expect(twice.error == "refused: the key \(first) is retired already, so it signs nothing any more\n")
    let revoked = try workspace.vpals("keys", "retire", String(first.prefix(12)), "--revoke", "laptop stolen")
    #expect(revoked.status == 0)
    #expect(
      revoked.lines == [
        "revoked key \(first): nothing that it signed counts any more",
        "next: git add trust.json  # and the log; never a private key",
      ])
    let last = try workspace.vpals("keys", "retire", second)
    #expect(last.status == 0)
    #expect(
      last.lines.suffix(2) == [
        "no key may sign now; vpals keys init makes one",
        "next: git add trust.json  # and the log; never a private key",
      ])
    #expect(try shown(status: 1).map(\.reason) == ["laptop stolen", nil])
    let text = try workspace.vpals("keys", "show")
    #expect(text.status == 1)
    #expect(text.error == "no key of trust.json may sign certificates now\nnext: vpals keys init\n")
    #expect(text.output.contains("  revoked at "))
    #expect(text.output.contains(" (laptop stolen)\n"))
    // And after all that a new one.
    #expect(try workspace.vpals("keys", "init").status == 0)
    #expect(try shown().map(\.maySign) == [false, false, true])
  }

  private static let openssl = "/usr/bin/openssl"
  private static let mayRunOpenSSL =
    FileManager.default.isExecutableFile(atPath: openssl) || PythonTools.isContinuousIntegration

  @Test(.enabled(if: mayRunOpenSSL, "needs /usr/bin/openssl")) func opensslReadsWhatItMakes() throws {
    #expect(try workspace.vpals("keys", "init").status == 0)
    let key = try #require(try shown().first)
    let path = try #require(key.privateKey)
    func openssl(_ arguments: String...) throws -> Outcome {
      try Program(Self.openssl, arguments, in: workspace.path).outcome()
    }
    #expect(try openssl("pkey", "-in", path, "-pubout").output == key.publicKey)
    #expect(try openssl("ec", "-in", path, "-pubout").output == key.publicKey)
    let publicPath = path.replacing(".pem", with: ".pub.pem")
    #expect(try openssl("pkey", "-pubin", "-in", publicPath, "-outform", "DER", "-out", "key.der").status == 0)
    #expect(try openssl("dgst", "-sha256", "-r", "key.der").output == "\(key.id) *key.der\n")
  }

  /// Whenever a rotation is killed, the trust file can be read and every key that may sign has its private key.
  @Test func killedRotationsLeaveNothingHalfDone() throws {
    #expect(try workspace.vpals("keys", "init").status == 0)
    var killed = 0
    for round in 0..<24 {
      let program = try Program("vpals", ["keys", "rotate"], in: workspace.path)
      if !program.hasEnded(withinMilliseconds: round % 8 * 10) {
        program.killNow()
        killed += 1
      }
      _ = program.outcome()
      let trust = try TrustFile(contentsOf: workspace.file("trust.json"))
      let active = trust.keys.filter { $0.state == .active }
      #expect(active.count == 1)
      for key in active {
        let path = KeyStore(directory: workspace.file(".vpals/keys")).privatePath(of: key.id)
        #expect(try PrivateKey(contentsOf: path).publicKey == key.publicKey)
      }
    }
    #expect(killed > 0)
    // And nothing that was left stands in the way.
    #expect(try workspace.vpals("keys", "rotate").status == 0)
    #expect(workspace.names(in: ".").filter { $0.contains(".tmp-") }.isEmpty)
  }

  @Test func saysWhatIsWrong() throws {
    let none = try workspace.vpals("keys", "show")
    #expect(none.status == 2)
    #expect(
      none.error
        == "error: cannot read trust.json: there is no such file or directory; make a key with `vpals keys init`\n")
    #expect(try workspace.vpals("keys", "init", "--days", "0").status == 2)
    #expect(try workspace.vpals("keys", "retire", "abcd").status == 2)
    try workspace.write("{\"format\": \"vpals-trust/v1\", \"keys\": [], \"keys\": []}", to: "trust.json")
    for command in ["init", "show", "rotate"] {
      let outcome = try workspace.vpals("keys", command)
      #expect(outcome.status == 2)
      #expect(
        outcome.error
          == "error: trust.json: at $ (byte 41): two members named \"keys\"; correct the trust file (docs/signing.md "
          + "describes it)\n")
    }
    #expect(workspace.names(in: ".vpals").isEmpty)
    try workspace.write("{\"format\": \"vpals-trust/v1\", \"keys\": []}", to: "trust.json")
    let unknown = try workspace.vpals("keys", "retire", "abcd")
    #expect(unknown.status == 2)
    #expect(unknown.error == "error: no key \"abcd\" in trust.json; see `vpals keys show`\n")
    try workspace.write("x", to: ".vpals/keys/other")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: workspace.file(".vpals/keys"))
    let open = try workspace.vpals("keys", "init")
    #expect(open.status == 2)
    #expect(
      open.error
        == "error: the directory .vpals/keys has mode 755 or another owner: others can enter it; run `chmod 700 "
        + ".vpals/keys`\n")
  }
}
