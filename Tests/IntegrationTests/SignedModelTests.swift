import Certificates
import Foundation
import Networks
import Signing
import TestHelpers
import Testing

/// Keys, log, certificate and gate, from the first command to the last, through the programs.
@Suite struct SignedModelTests {
  let workspace = Workspace()
  static let version = "models/nginx/v0001"
  static let certificate = "\(version)/nginx.intoto.json"

  init() throws {
    try FileManager.default.removeItem(atPath: workspace.file("gate.yaml"))
    try workspace.add("nginx", try Workspace.good())
    try workspace.add("redis", try Workspace.good())
    for arguments in [
      ["keys", "init"], ["log", "init", "--origin", "example.com/models"], ["verify", Self.version],
      ["verify", "models/redis/v0001"],
    ] {
      let outcome = try run(arguments)
      try #require(outcome.status == 0, "\(arguments): \(outcome.error)")
    }
  }

  private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    try Program("vpals", arguments, in: workspace.path, environment: environment).outcome()
  }

  private func gate(_ arguments: String..., policy: String = "log: {inclusion: required, directory: .vpals/log}\n")
    throws -> Outcome
  {
    try workspace.write("gate: vpals/v1\n\(policy)", to: "gate.yaml")
    return try run(["gate"] + arguments)
  }

  private func key() throws -> TrustedKey {
    try #require(
      try TrustFile(contentsOf: workspace.file("trust.json")).keys.first { $0.purpose == .certificates })
  }

  private func shell(_ script: String) throws -> Outcome {
    let bin = PythonTools.root.appending(path: ".venv/bin").path
    let path = "\(bin):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    return try Program("/bin/sh", ["-c", script], in: workspace.path, environment: ["PATH": path]).outcome()
  }

  // MARK: The way of a certificate

  @Test func whatVerifySignsTheGatePasses() throws {
    let verified = try run(["verify", Self.version])
    let key = try key()
    #expect(
      verified.lines.suffix(3) == [
        "2 of 2 properties hold; certificate: \(Self.certificate)",
        "signed by the key \(key.id.prefix(16)); entry 2 of the log example.com/models",
        "next: vpals gate \(Self.version)",
      ])
    let passed = try gate()
    #expect(passed.status == 0, "\(passed.output)\(passed.error)")
    #expect(passed.lines.last == "gate: 2 of 2 versions pass")
    #expect(try gate("--offline").status == 0)
    let checked = try Program("vpals-check", ["gate"], in: workspace.path).outcome()
    #expect(checked.output == passed.output)
    #expect(checked.status == 0)
    let log = try run(["log", "show", "--format", "json"])
    #expect(log.output.contains("certificate-superseded"))
    let single = try Program(
      "vpals-check",
      [
        Self.certificate, "--model", "\(Self.version)/model.onnx", "--spec", "specs/nginx.yaml", "--trust",
        "trust.json",
      ], in: workspace.path
    ).outcome()
    #expect(single.status == 0, "\(single.output)\(single.error)")
    #expect(single.lines.contains("signed by      \(key.id)"))
  }

  @Test func theKeyMayComeFromTheEnvironmentOrACredential() throws {
    let keys = workspace.names(in: ".vpals/keys").filter { $0.hasSuffix(".pem") && !$0.hasSuffix(".pub.pem") }
    let pem = try workspace.read(".vpals/keys/\(try #require(keys.first))")
    try FileManager.default.removeItem(atPath: workspace.file(".vpals/keys"))
    // A signed certificate does not give way to an unsigned one by mistake.
    let none = try run(["verify", Self.version])
    #expect(none.status == 2)
    #expect(
      none.error
        == "error: \(Self.certificate) is signed, and the new certificate would not be: the private key of "
        + "\(try key().id.prefix(16)) is not here (--signing-key FILE, VPALS_SIGNING_KEY); name a key, or give --unsigned\n"
    )
    #expect(try gate().status == 0)
    let unsigned = try run(["verify", Self.version, "--unsigned"])
    #expect(unsigned.lines.contains("not signed: --unsigned was given; entry 2 of the log example.com/models"))
    #expect(try gate().status == 1)
    let signed = try run(["verify", Self.version], environment: ["VPALS_SIGNING_KEY": pem])
    #expect(signed.status == 0, "\(signed.error)")
    #expect(try gate().status == 0)
    try workspace.write(pem, to: "credentials/vpals-signing-key")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o400], ofItemAtPath: workspace.file("credentials/vpals-signing-key"))
    _ = try run(["verify", Self.version, "--unsigned"])
    #expect(try gate().status == 1)
    _ = try run(["verify", Self.version], environment: ["CREDENTIALS_DIRECTORY": workspace.file("credentials")])
    #expect(try gate().status == 0)
    // A key that is there and cannot be used is an error before the work, not a missing signature after it.
    let broken = try run(["verify", Self.version], environment: ["VPALS_SIGNING_KEY": "no key"])
    #expect(broken.status == 2)
    #expect(broken.output == "")
    #expect(try gate().status == 0)
  }

  @Test func aRotatedKeyLeavesOldCertificatesValid() throws {
    let rotated = try run(["keys", "rotate"])
    #expect(rotated.status == 0)
    #expect(rotated.lines.filter { $0.hasPrefix("entry ") }.count == 2, "\(rotated.output)")
    #expect(try gate().status == 0)
    let old = try TrustFile(contentsOf: workspace.file("trust.json")).keys.first { $0.state.name == "retired" }
    let retired = try run(["keys", "retire", try #require(old).id, "--revoke", "stolen"])
    #expect(retired.status == 0, "\(retired.error)")
    let refused = try gate()
    #expect(refused.status == 1)
    #expect(refused.lines.filter { $0.contains("VP006 bad-signature") }.count == 2, "\(refused.output)")
    for version in [Self.version, "models/redis/v0001"] { #expect(try run(["verify", version]).status == 0) }
    #expect(try gate().status == 0)
  }

  @Test func aTrainerNeedsNoMoreThanTheKeyEither() throws {
    let trained = try TrainingPlace(in: workspace).run(TrainingPlace.small + ["--until-proven"])
    #expect(trained.status == 0, "\(trained.output)\(trained.error)")
    #expect(trained.lines.last == "next: vpals gate models")
    #expect(
      workspace.names(in: "models/demo/v0001").filter { !$0.hasSuffix(".proof") } == [
        "demo.intoto.json", "demo.tlog-proof", "demo.vsa.json", "model.onnx", "model.sig", "training.json",
      ])
    let passed = try gate()
    #expect(passed.status == 0, "\(passed.output)\(passed.error)")
  }

  @Test func withoutATrustFileNothingCounts() throws {
    try FileManager.default.removeItem(atPath: workspace.file("trust.json"))
    let refused = try gate(policy: "")
    #expect(refused.status == 1)
    #expect(
      refused.lines.count {
        $0.hasSuffix(": there is no trust.json, so no signature counts; make a key with vpals keys init")
      } == 2, "\(refused.output)")
    let named = try gate("--trust", "none.json", policy: "")
    #expect(named.status == 2)
    #expect(named.error.hasPrefix("error: the trust file cannot be used: "))
    let both = try gate("--offline", "--log", ".vpals/log")
    #expect(both.status == 2)
    #expect(both.error.contains("--offline looks at no log, so --log and --checkpoint do not go with it"))
    let checkpoint = try gate("--checkpoint", "none", policy: "log: {inclusion: optional}\n")
    #expect(checkpoint.status == 2 || checkpoint.status == 1, "the log of the working directory is read")
  }

  // MARK: Revocation

  @Test func aRevokedCertificateIsRefused() throws {
    let id = try CertificateFile(contentsOf: workspace.file(Self.certificate)).certificate.sha256
    let revoked = try run(["certificates", "revoke", String(id.prefix(12)), "--reason", "wrong data"])
    #expect(revoked.status == 0, "\(revoked.error)")
    #expect(revoked.lines[0] == "revoked \(id.prefix(12)): nginx/v0001 for nginx")
    let refused = try gate()
    #expect(refused.status == 1)
    let line = try #require(refused.lines.first { $0.contains("VP008 expired-or-revoked") })
    #expect(line.hasSuffix(": wrong data"))
    #expect(refused.lines.last == "gate: refused, 1 of 2 versions fails")
    let listed = try run(["certificates", "list", "--state", "revoked"])
    #expect(listed.lines.count == 3 && listed.lines[2].contains("  revoked  "), "\(listed.output)")
    #expect(try run(["certificates", "list", "--state", "valid"]).lines.count == 3)
    let shown = try run(["certificates", "show", Self.certificate])
    #expect(shown.lines.contains { $0.hasPrefix("state          revoked at ") && $0.hasSuffix(": wrong data") })
    #expect(try run(["certificates", "verify", Self.certificate]).status == 1)
    #expect(try run(["certificates", "verify", "models/redis/v0001/redis.intoto.json"]).status == 0)
    let again = try run(["certificates", "revoke", id, "--reason", "again"])
    #expect(again.status == 0)
    #expect(again.error.hasPrefix("note: revoked already, at ") && again.error.hasSuffix(": wrong data\n"))
    // Verifying again says nothing about the reason; who means it says so.
    let refused2 = try run(["verify", Self.version])
    #expect(refused2.status == 2)
    #expect(refused2.error.contains(": wrong data; --reissue issues a new one all the same"))
    #expect(try run(["verify", Self.version, "--reissue"]).status == 0)
    #expect(try gate().status == 0)
  }

  // MARK: Stock tools

  @Test(
    .enabled(if: PythonTools.mayRun("model_signing"), "needs model-signing: run `make deps`"),
    .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/openssl"), "needs openssl"))
  func theCommandsThatAreShownSucceedOnOursAndFailOnTamperedCopies() throws {
    let shown = try run(["certificates", "show", Self.certificate])
    #expect(shown.lines.contains("verify it yourself, with stock tools (--commands prints them alone):"))
    let script = try run(["certificates", "show", Self.certificate, "--commands"]).output
    let good = try shell(script)
    #expect(good.status == 0, "\(good.output)\(good.error)")
    #expect(good.output.contains("Verified OK"))
    #expect(good.output.contains("model.onnx: OK"))
    #expect(good.output.contains("specs/nginx.yaml: OK"))
    #expect(good.output.contains("Verification succeeded"))
    // Each command on its own, as somebody pastes them.
    let steps = script.split(separator: "\n").filter { !$0.hasPrefix("#") && $0 != "set -e" }
    #expect(steps.count == 5)
    func expectRefused(_ change: () throws -> Void, restoring paths: String...) throws {
      let saved = try paths.map { ($0, try workspace.bytes($0)) }
      try change()
      let outcome = try shell(script)
      #expect(outcome.status != 0, "\(paths)")
      for (path, bytes) in saved { try workspace.write(bytes, to: path) }
      #expect(try shell(script).status == 0)
    }
    for path in [
      Self.certificate, "\(Self.version)/model.onnx", "\(Self.version)/nginx.sane.proof", "specs/nginx.yaml",
      "\(Self.version)/nginx.vsa.json", "\(Self.version)/model.sig",
    ] {
      try expectRefused(
        {
          var bytes = try workspace.bytes(path)
          bytes[bytes.count / 2] ^= 1
          try workspace.write(bytes, to: path)
        }, restoring: path)
    }
    try expectRefused(
      {
        _ = try run(["keys", "rotate"]); _ = try revokeOldKey()
      }, restoring: "trust.json")
    try workspace.write("x", to: "\(Self.version)/extra")
    #expect(try shell(script).status != 0)
  }

  private func revokeOldKey() throws -> Outcome {
    let old = try TrustFile(contentsOf: workspace.file("trust.json")).keys.first { $0.state.name == "retired" }
    return try run(["keys", "retire", try #require(old).id, "--revoke", "stolen"])
  }

  // MARK: Admin

  @Test func listsWithFilters() throws {
    func ids(_ arguments: String...) throws -> [String] {
      let outcome = try run(["certificates", "list", "--format", "json"] + arguments)
      #expect(outcome.status == 0, "\(outcome.error)")
      let listed = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
      return try #require(listed).compactMap { $0["application"] as? String }
    }
    #expect(try ids() == ["redis", "nginx"])
    #expect(try ids("--application", "nginx") == ["nginx"])
    #expect(try ids("--spec", "redis") == ["redis"])
    #expect(try ids("--model-version", "v0002") == [])
    #expect(try ids("--verdict", "holds") == ["redis", "nginx"])
    #expect(try ids("--verdict", "violated") == [])
    #expect(try ids("--state", "expired") == [])
    #expect(try ids("--limit", "1") == ["redis"])
  }

  @Test func exportsForOtherPrograms() throws {
    let json = try run(["certificates", "export"])
    let elements = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(elements.count == 2)
    let certificate = try #require(elements[1]["certificate"] as? [String: Any])
    #expect((certificate["model"] as? [String: Any])?["name"] as? String == "nginx")
    let csv = try run(["certificates", "export", "--format", "csv", "--output", "out.csv"])
    #expect(csv.output == "out.csv: 2 certificates\n")
    let lines = try workspace.read("out.csv").split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[0].hasPrefix("certificate,application,version,specification,property,verdict,"))
    #expect(lines[3].contains(",nginx,v0001,nginx,rises-with-pressure,holds,"))
    let lost = try run(["certificates", "export", "--output", "none/out.json"])
    #expect(lost.status == 2)
    #expect(lost.error.hasPrefix("error: cannot write none/out.json: "))
  }

  @Test func showsWhatAnAdminWantsToKnow() throws {
    let shown = try run(["certificates", "show", Self.certificate])
    let key = try key()
    for line in [
      "model          nginx/v0001", "  for all      pressure ∈ [0, 1] fraction",
      "  for all      cores ∈ [0.5, 2] cores",
      "  of           p99 ms", "data           not known",
      "signature      good, by the key \(key.id) of trust.json", "log            entry 0 of example.com/models",
    ] {
      #expect(shown.lines.contains(line), "\(line)")
    }
    #expect(shown.lines.contains { $0.hasPrefix("state          counts until 20") })
  }
}

/// Texts of hostile files on their way into a shell, a spreadsheet and a terminal.
@Suite struct HostileTextTests {
  let workspace = Workspace()

  /// A certificate that names an application and a key as an attacker would.
  private func certificate(application: String, keyID: String) throws -> String {
    let base = StoreExamples.certificate(application)
    let path = workspace.file("nginx.intoto.json")
    var text = String(decoding: try SignedCertificate.sign(base, with: [PrivateKey()]), as: UTF8.self)
    let start = try #require(text.firstRange(of: "\"keyid\":\"")).upperBound
    let end = try #require(text[start...].firstIndex(of: "\""))
    let quoted = String(decoding: CanonicalJSON.encode(.string(keyID)), as: UTF8.self)
    text.replaceSubrange(start..<end, with: quoted.dropFirst().dropLast())
    try Data(text.utf8).write(to: URL(filePath: path))
    return "./nginx.intoto.json"
  }

  /// The quotation mark with an accent on it is one character to Swift and two to a shell.
  @Test(arguments: ["x'\u{301}$(touch pwned)'\u{301}", "'; touch pwned; '", "$(touch pwned)", "`touch pwned`"])
  func noCommandThatIsShownRunsAnother(text: String) throws {
    let path = try certificate(application: "nginx", keyID: text)
    for arguments in [["--commands"], []] {
      let shown = try Program("vpals", ["certificates", "show", path] + arguments, in: workspace.path).outcome()
      let script = shown.lines.filter {
        $0.hasPrefix("scratch") || $0.hasPrefix("  scratch") || $0.contains("vpals-check")
      }
      #expect(!script.isEmpty)
      _ = try Program("/bin/sh", ["-c", script.joined(separator: "\n")], in: workspace.path).outcome()
      #expect(!workspace.names(in: "").contains("pwned"), "\(script)")
    }
  }

  @Test func theTerminalSeesNoControlCharacters() throws {
    let path = try certificate(application: "n\u{202E}x\u{2028}y\u{61C}z", keyID: "k")
    let shown = try Program("vpals", ["certificates", "show", path], in: workspace.path).outcome()
    #expect(shown.status == 0)
    let hidden: Set<Unicode.GeneralCategory> = [.format, .lineSeparator, .paragraphSeparator]
    #expect(!shown.output.unicodeScalars.contains { hidden.contains($0.properties.generalCategory) })
  }
}
