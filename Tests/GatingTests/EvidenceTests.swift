import CertificateStorage
import CertificateStorageSQLite
import Certificates
import Evidence
import ExactArithmetic
import Foundation
import Gating
import Networks
import Signing
import Specifications
import TestHelpers
import Testing
import TransparencyLog
import Verification

/// A repository whose versions are verified, signed and logged as `vpals verify` does, and what becomes of attacks.
final class SignedRepository {
  let repository: Repository
  let store: SQLiteStore
  let key = PrivateKey()
  let log: IssuingLog
  let logKey: VerifierKey
  /// Verified so far: each run started at a time of its own, as no two runs are the same certificate.
  private var runs = 0
  static let now = Repository.now

  var directory: String { repository.directory.path }
  var logPath: String { "\(directory)/log" }
  var trustPath: String { "\(directory)/trust.json" }
  var version: String { repository.path("nginx") }
  var certificate: String { repository.certificatePath("nginx") }
  var issuer: Issuer { Issuer(key: key, log: log) }

  init() throws {
    repository = try Repository()
    store = try SQLiteStore(path: "\(repository.directory.path)/store.sqlite")
    logKey = try LogFiles.create("\(repository.directory.path)/log", origin: "example.com/models")
    log = try IssuingLog(directory: "\(repository.directory.path)/log")
    try trust([entry(key.publicKey, .certificates), try logEntry()])
    try add("nginx")
  }

  func entry(_ key: PublicKey, _ purpose: TrustedKey.Purpose, state: TrustedKey.State = .active) -> TrustedKey {
    TrustedKey(
      publicKey: key, purpose: purpose, validFrom: Self.now.advanced(by: .seconds(-86_400)),
      validUntil: Self.now.advanced(by: .seconds(90 * 86_400)), state: state)
  }

  func logEntry(state: TrustedKey.State = .active) throws -> TrustedKey {
    entry(try PublicKey(ed25519: logKey.publicKey, source: "log"), .log, state: state)
  }

  func trust(_ keys: [TrustedKey]) throws { try TrustFile(keys: keys).write(to: trustPath) }

  /// Verifies and issues a version.
  @discardableResult
  func add(
    _ application: String, _ version: String = "v0001", network numbers: [Double] = Repository.good,
    data: Certificate.Coverage? = nil, validityDays: Int = 30, by issuer: Issuer? = nil
  ) throws -> Issuer.Issued {
    let earlier = try? repository.bytes(repository.certificatePath(application, version))
    try repository.add(application, version, network: numbers)
    let path = repository.path(application, version)
    let old = try repository.certificate(application, version)
    runs += 1
    let certificate = Certificate(
      model: old.model, specification: old.specification, properties: old.properties, arithmetic: old.arithmetic,
      verifier: old.verifier, solver: old.solver, data: data, startedAt: old.startedAt.advanced(by: .seconds(-runs)),
      finishedAt: old.finishedAt,
      expiresAt: old.finishedAt.advanced(by: .seconds(validityDays * 86_400)))
    // What is issued takes the place of what lay there before.
    if let earlier {
      try repository.write(earlier, to: repository.certificatePath(application, version))
    } else {
      try FileManager.default.removeItem(atPath: repository.certificatePath(application, version))
    }
    return try (issuer ?? self.issuer).issue(
      certificate, proofs: [:], into: path, isVersion: true, store: store, now: Self.now)
  }

  /// What the gate says under a policy that asks for everything.
  func run(
    _ policy: String = "log: {inclusion: required, directory: log}", now: Timestamp = SignedRepository.now,
    offline: Bool = false, change: (inout GatePolicy) -> Void = { _ in }
  ) throws -> GateRun {
    var parsed = try GatePolicy.parse(
      Array("gate: vpals/v1\ntrust: trust.json\n\(policy)\n".utf8), path: "\(directory)/gate.yaml", now: now)
    parsed.isOffline = offline
    change(&parsed)
    return try Gate(specifications: repository.specs, policy: parsed, now: now).run(path: repository.models)
  }

  /// The refusals, as `VP004 the reason`.
  func refusals(
    _ policy: String = "log: {inclusion: required, directory: log}", now: Timestamp = SignedRepository.now,
    offline: Bool = false
  ) throws -> [String] {
    try run(policy, now: now, offline: offline).findings.flatMap(\.refusals).map { "\($0.rule.rawValue) \($0.reason)" }
  }

  func rules(now: Timestamp = SignedRepository.now) throws -> [String] {
    try refusals(now: now).map { String($0.prefix(5)) }
  }

  /// Flips a bit of a file.
  func flip(_ path: String, at share: Double, bit: Int = 0) throws {
    var bytes = try repository.bytes(path)
    bytes[min(bytes.count - 1, Int(Double(bytes.count) * share))] ^= 1 << UInt8(bit)
    try repository.write(bytes, to: path)
  }
}

@Suite struct EvidenceTests {
  let scene: SignedRepository

  init() throws { scene = try SignedRepository() }

  static func after(_ days: Int) -> Timestamp { SignedRepository.now.advanced(by: .seconds(days * 86_400)) }

  @Test func whatIsSignedAndLoggedPasses() throws {
    let run = try scene.run()
    #expect(run.passes)
    #expect(run.findings.map(\.proven) == [3])
    #expect(try scene.run(offline: true).passes)
    #expect(try scene.run("log: {inclusion: required}").passes)
    #expect(try scene.run("proofs: trust").passes)
  }

  // MARK: Signatures

  @Test func anUnsignedCertificateIsRefusedByDefault() throws {
    _ = try scene.add("nginx", by: Issuer())
    #expect(
      try scene.refusals("proofs: check") == [
        "VP006 nobody signed it; make a key with `vpals keys init` and verify the model again"
      ])
    #expect(try scene.refusals("signature: optional") == [])
  }

  @Test func aTrustFileThatIsNamedMustBeThere() throws {
    try FileManager.default.removeItem(atPath: scene.trustPath)
    let error = #expect(throws: GateError.self) { try scene.run() }
    #expect(error?.description.hasPrefix("the trust file cannot be used: ") == true)
  }

  @Test func aKeyThatNobodyTrustsIsRefused() throws {
    try scene.trust([scene.entry(PrivateKey().publicKey, .certificates), try scene.logEntry()])
    #expect(
      try scene.refusals() == [
        "VP006 signed by the key \(scene.key.publicKey.id), which the trust file does not know; if that key is yours, add "
          + "it to the trust file"
      ])
    #expect(try scene.refusals("signature: optional") == [])
  }

  @Test func expiredRetiredAndRevokedKeysAreRefused() throws {
    #expect(try scene.rules(now: Self.after(29)) == [])
    // The certificate has expired by then as well.
    #expect(try scene.rules(now: Self.after(91)) == ["VP006", "VP008", "VP007"])
    let before = SignedRepository.now.advanced(by: .seconds(-60))
    for state in [TrustedKey.State.retired(before), .revoked(Self.after(1), reason: "stolen")] {
      try scene.trust([scene.entry(scene.key.publicKey, .certificates, state: state), try scene.logEntry()])
      #expect(try scene.rules() == ["VP006"])
    }
    // Retired later: what was signed before keeps its worth.
    try scene.trust([
      scene.entry(scene.key.publicKey, .certificates, state: .retired(Self.after(1))), try scene.logEntry(),
    ])
    #expect(try scene.rules() == [])
  }

  @Test(arguments: [0.1, 0.3, 0.5, 0.7, 0.9], [0, 1, 4])
  func aChangedEnvelopeIsRefused(share: Double, bit: Int) throws {
    try scene.flip(scene.certificate, at: share, bit: bit)
    let rules = try scene.rules()
    #expect(!rules.isEmpty)
    #expect(Set(rules).isSubset(of: ["VP006", "VP007", "VP011"]), "\(rules)")
  }

  @Test func aSignatureOverOtherBytesIsRefused() throws {
    try scene.repository.tamper(scene.certificate, "\"leaves\":1,", "\"leaves\":2,")
    let found = try scene.refusals()
    #expect(found.count == 2, "\(found)")
    #expect(found[0].hasPrefix("VP006 the signature by the key \(scene.key.publicKey.id) is not good"))
    #expect(found[1] == "VP007 \(scene.version)/nginx.tlog-proof is of another certificate")
    // Also when signatures are optional: a wrong one by a trusted key is an attack.
    #expect(try scene.refusals("signature: optional").map { String($0.prefix(5)) } == ["VP006"])
  }

  /// By somebody who may sign: everything that a signature cannot show is still found.
  @Test func aForgedVerdictIsFoundByItsProof() throws {
    try scene.add("nginx", network: Repository.bad)
    let old = try scene.repository.certificate("nginx")
    let records = old.properties.map { record in
      PropertyRecord(
        id: record.id, statement: record.statement, outcome: .holds, engine: record.engine, milliseconds: 1,
        cpuMilliseconds: 1, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil,
        queryDigests: record.queryDigests,
        proof: record.proof
          ?? PropertyRecord.ProofReference(path: "nginx.sane.proof", sha256: old.model.networkDigest, bytes: 1))
    }
    let forged = Certificate(
      model: old.model, specification: old.specification, properties: records, arithmetic: old.arithmetic,
      verifier: old.verifier, solver: old.solver, startedAt: old.startedAt, finishedAt: old.finishedAt)
    _ = try scene.issuer.issue(
      forged, proofs: [:], into: scene.version, isVersion: true, store: scene.store, now: SignedRepository.now)
    #expect(try scene.rules() == ["VP010", "VP010"])
  }

  // MARK: The directory

  @Test(arguments: [
    ("model.onnx", "VP004"), ("nginx.sane.proof", "VP010"), ("nginx.tlog-proof", "VP007"),
    ("nginx.vsa.json", "VP004"), ("model.sig", "VP006"),
  ])
  func changedFilesAreRefused(name: String, rule: String) throws {
    try scene.flip("\(scene.version)/\(name)", at: 0.5)
    let found = try scene.refusals()
    #expect(found.contains { $0.hasPrefix(rule) }, "\(found)")
  }

  @Test(arguments: [
    ("model.onnx", "VP004"), ("nginx.sane.proof", "VP010"), ("nginx.tlog-proof", "VP007"), ("model.sig", "VP006"),
    ("nginx.intoto.json", "VP001"), ("nginx.vsa.json", "VP004"),
  ])
  func missingFilesAreRefused(name: String, rule: String) throws {
    try FileManager.default.removeItem(atPath: "\(scene.version)/\(name)")
    let found = try scene.refusals()
    #expect(found.contains { $0.hasPrefix(rule) }, "\(found)")
  }

  @Test func anUnlistedFileIsRefused() throws {
    try scene.repository.write("hello", to: "\(scene.version)/notes.txt")
    #expect(
      try scene.refusals() == [
        "VP004 \(scene.version) has files that were not signed: notes.txt; restore the directory as it was signed, or "
          + "verify and sign it again"
      ])
    // A hidden one too, and one in a directory below.
    try FileManager.default.removeItem(atPath: "\(scene.version)/notes.txt")
    try scene.repository.write("x", to: "\(scene.version)/.hidden")
    #expect(try scene.rules() == ["VP004"])
    try FileManager.default.removeItem(atPath: "\(scene.version)/.hidden")
    try FileManager.default.createDirectory(atPath: "\(scene.version)/deep", withIntermediateDirectories: false)
    try scene.repository.write("x", to: "\(scene.version)/deep/a")
    #expect(try scene.rules() == ["VP004"])
  }

  @Test(arguments: ["model.onnx", "nginx.sane.proof", "extra"])
  func aLinkInTheDirectoryIsRefused(name: String) throws {
    let path = "\(scene.version)/\(name)"
    let elsewhere = "\(scene.directory)/elsewhere"
    if name != "extra" {
      try FileManager.default.moveItem(atPath: path, toPath: elsewhere)
    } else {
      try scene.repository.write("x", to: elsewhere)
    }
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: elsewhere)
    let found = try scene.refusals()
    #expect(found.contains { $0.hasPrefix("VP004") || $0.hasPrefix("VP010") }, "\(found)")
  }

  @Test func aCertificateOfAnotherModelIsRefused() throws {
    try scene.add("nginx", "v0002", network: [1, 3, 3, 2])
    let other = try scene.repository.bytes(scene.repository.certificatePath("nginx", "v0002"))
    try scene.repository.write(other, to: scene.certificate)
    #expect(
      try scene.refusals() == ["VP004 the certificate speaks of nginx/v0002, not of nginx/v0001"])
  }

  // MARK: Time

  @Test func anExpiredCertificateIsRefused() throws {
    #expect(try scene.refusals(now: Self.after(30)) == ["VP008 the certificate expired at \(Self.after(30))"])
    #expect(try scene.refusals(now: Self.after(30).advanced(by: .milliseconds(-1))) == [])
  }

  @Test func aCertificateOfTheFutureIsRefused() throws {
    let rules = try scene.rules(now: SignedRepository.now.advanced(by: .seconds(-3600)))
    #expect(rules == ["VP006", "VP008", "VP007"])
  }

  // MARK: The log

  @Test func aRevokedCertificateIsRefusedForEver() throws {
    let id = try CertificateFile(contentsOf: scene.certificate).certificate.sha256
    _ = try scene.store.revoke(certificate: id, reason: "wrong data", now: SignedRepository.now.date)
    // Before the log knows, nobody can.
    #expect(try scene.refusals() == [])
    try scene.log.publish(from: scene.store)
    let revoked = "VP008 the certificate was revoked at \(SignedRepository.now): wrong data"
    #expect(try scene.refusals() == [revoked])
    // No exemption helps, and putting an older certificate back does not either.
    let exempt = "exemptions:\n  - {models: \"*\", rules: [VP008], owner: me, reason: hurry, expires: 2026-12-31}"
    #expect(try !scene.run("log: {inclusion: required, directory: log}\n\(exempt)").passes)
    let old = "\(scene.directory)/old"
    try FileManager.default.copyItem(atPath: scene.version, toPath: old)
    try scene.add("nginx", network: [1, 3, 3, 2])
    #expect(try scene.refusals() == [])
    try FileManager.default.removeItem(atPath: scene.version)
    try FileManager.default.moveItem(atPath: old, toPath: scene.version)
    #expect(try scene.refusals() == [revoked])
    // Offline, revocations are not known: that is what the option says.
    #expect(try scene.refusals(offline: true) == [])
  }

  @Test func aCounterexampleRevokes() throws {
    let claims = try scene.repository.certificate("nginx")
    _ = try scene.store.enqueue(
      [StoreExamples.found(1, property: "sane")],
      origin: QueueOrigin(claims), now: SignedRepository.now.date)
    try scene.log.publish(from: scene.store)
    let found = try scene.refusals()
    #expect(found.count == 1)
    #expect(found[0].hasPrefix("VP008 the certificate was revoked at \(SignedRepository.now): counterexample "))
    #expect(found[0].hasSuffix(" to sane"))
  }

  @Test func aCertificateThatWasNeverLoggedIsRefused() throws {
    try scene.add("nginx", by: Issuer(key: scene.key))
    #expect(try scene.refusals() == ["VP007 there is no \(scene.version)/nginx.tlog-proof"])
    #expect(try scene.refusals("log: {inclusion: optional, directory: log}") == [])
  }

  @Test func aProofOfAnotherCertificateIsRefused() throws {
    try scene.add("redis")
    let other = try scene.repository.bytes("\(scene.repository.path("redis"))/redis.tlog-proof")
    try scene.repository.write(other, to: "\(scene.version)/nginx.tlog-proof")
    #expect(
      try scene.refusals().first == "VP007 \(scene.version)/nginx.tlog-proof is of another certificate")
  }

  @Test func aProofOfAnotherLogIsRefused() throws {
    let key = try LogFiles.create("\(scene.directory)/other", origin: "example.com/other")
    let other = try IssuingLog(directory: "\(scene.directory)/other")
    try scene.add("nginx", by: Issuer(key: scene.key, log: other))
    // Nobody trusts its key.
    let found = try scene.refusals()
    #expect(found.count == 1 && found[0].hasPrefix("VP007 "), "\(found)")
    // With a trusted key it is still not the policy's log.
    try scene.trust([
      scene.entry(scene.key.publicKey, .certificates), try scene.logEntry(),
      scene.entry(try PublicKey(ed25519: key.publicKey, source: "log"), .log),
    ])
    #expect(
      try scene.refusals() == [
        "VP007 \(scene.version)/nginx.tlog-proof is of the log example.com/other, but the policy's log is "
          + "example.com/models"
      ])
  }

  @Test func aRevokedKeyOfTheLogIsRefused() throws {
    try scene.trust([
      scene.entry(scene.key.publicKey, .certificates),
      try scene.logEntry(state: .revoked(SignedRepository.now, reason: "stolen")),
    ])
    #expect(try scene.rules() == ["VP007"])
  }

  /// The log's directory: every way to change it refuses everything.
  @Test(arguments: ["delete", "reorder", "alter", "truncate", "remove"])
  func aLogThatWasChangedIsRefused(how: String) throws {
    try scene.add("redis")
    let path = "\(scene.logPath)/tile/entries/000.p/2"
    let bytes = try scene.repository.bytes(path)
    let first = Int(bytes[0]) << 8 | Int(bytes[1])
    let (one, two) = (Array(bytes[..<(first + 2)]), Array(bytes[(first + 2)...]))
    switch how {
    case "delete": try scene.repository.write(one, to: path)
    case "reorder": try scene.repository.write(two + one, to: path)
    case "alter": try scene.flip(path, at: 0.4)
    case "truncate": try FileManager.default.removeItem(atPath: path)
    default: try FileManager.default.removeItem(atPath: scene.logPath)
    }
    let found = try scene.refusals()
    #expect(found.count == 2)
    #expect(found.allSatisfy { $0.hasPrefix("VP007 the log cannot be believed: ") }, "\(found)")
    // No exemption from that.
    let exempt = "exemptions:\n  - {models: \"*\", rules: [VP007], owner: me, reason: hurry, expires: 2026-12-31}"
    #expect(try !scene.run("log: {inclusion: optional, directory: log}\n\(exempt)").passes)
  }

  @Test func aLogThatWasRolledBackOrForkedIsFoundByASavedCheckpoint() throws {
    let early = "\(scene.directory)/early"
    try FileManager.default.copyItem(atPath: scene.logPath, toPath: early)
    try scene.add("redis")
    try FileManager.default.copyItem(atPath: "\(scene.logPath)/checkpoint", toPath: "\(scene.directory)/saved")
    let policy = "log: {inclusion: required, directory: log, checkpoint: saved}"
    #expect(try scene.refusals(policy) == [])
    // Rolled back.
    try FileManager.default.moveItem(atPath: scene.logPath, toPath: "\(scene.directory)/late")
    try FileManager.default.copyItem(atPath: early, toPath: scene.logPath)
    var found = try scene.refusals(policy)
    #expect(found.count == 2 && found.allSatisfy { $0.contains("entries were removed from its end") }, "\(found)")
    // Without the saved checkpoint, the proof that is newer than the log shows it all the same.
    found = try scene.refusals()
    #expect(found.count == 1 && found[0].hasPrefix("VP007 the log has no such entry at 1"), "\(found)")
    // Forked: by whoever has the log's key.
    let writer = LogWriter(directory: scene.logPath, signers: [try LogFiles.readSecretKey(scene.logPath)])
    _ = try writer.append([Array("another".utf8), Array("history".utf8)])
    found = try scene.refusals(policy)
    #expect(found.count == 2 && found.allSatisfy { $0.contains("its history was rewritten") }, "\(found)")
  }

  /// What a later version, or another program, wrote about a revocation must not pass because it is read otherwise.
  @Test(arguments: [
    #"{"more":1,"subject":[{"digest":{"sha256":"ID"},"name":"c"}],"time":"2026-11-27T00:00:00Z","type":"certificate-revoked"}"#,
    #"{ "subject":[{"digest":{"sha256":"ID"},"name":"c"}],"time":"2026-11-27T00:00:00Z","type":"certificate-revoked"}"#,
    #"{"subject":[{"digest":{"sha256":"ZERO"},"name":"a"},{"digest":{"sha256":"ID"},"name":"c"}],"time":"2026-11-27T00:00:00Z","type":"certificate-revoked"}"#,
    #"{"subject":[{"digest":{"sha256":"PAYLOAD"},"name":"c"}],"time":"2026-11-27T00:00:00Z","type":"certificate-revoked"}"#,
    "revoked: UPPER",
  ])
  func otherWaysToSayRevokedCount(text: String) throws {
    let file = try CertificateFile(contentsOf: scene.certificate)
    let id = file.certificate.sha256
    let entry = text.replacing("ID", with: id).replacing("PAYLOAD", with: file.payloadSHA256)
      .replacing("UPPER", with: id.uppercased()).replacing("ZERO", with: String(repeating: "0", count: 64))
    let writer = LogWriter(directory: scene.logPath, signers: [try LogFiles.readSecretKey(scene.logPath)])
    _ = try writer.append([Array(entry.utf8)])
    #expect(try scene.rules() == ["VP008"])
  }

  @Test func aSupersededCertificateThatIsPutBackIsRefused() throws {
    let old = "\(scene.directory)/old"
    try FileManager.default.copyItem(atPath: scene.version, toPath: old)
    let new = try scene.add("nginx", network: [1, 3, 3, 2])
    #expect(try scene.refusals() == [])
    try FileManager.default.removeItem(atPath: scene.version)
    try FileManager.default.moveItem(atPath: old, toPath: scene.version)
    let id = new.outcome.certificateID.prefix(12)
    #expect(
      try scene.refusals() == ["VP008 the certificate was superseded by \(id) at \(SignedRepository.now)"])
  }

  @Test func aCheckpointWithoutALogIsAnError() throws {
    let error = #expect(throws: GateError.self) { try scene.run("log: {inclusion: required, checkpoint: none}") }
    #expect(error?.description.hasPrefix("a checkpoint is compared with a log, and none is named") == true)
  }

  // MARK: Names

  /// é as one code point and as two: equal texts to Swift, different names to the file system.
  static let composed = "caf\u{E9}"
  static let decomposed = "cafe\u{301}"

  @Test(arguments: [(composed, decomposed), (decomposed, composed)])
  func namesThatAreEqualTextsAreDifferentDirectories(good: String, evil: String) throws {
    let models = scene.repository.models
    for name in [good, evil] {
      try FileManager.default.createDirectory(atPath: "\(models)/\(name)", withIntermediateDirectories: false)
    }
    try FileManager.default.moveItem(atPath: "\(models)/nginx", toPath: "\(models)/\(good)/nginx")
    try FileManager.default.createDirectory(atPath: "\(models)/\(evil)/nginx/v0001", withIntermediateDirectories: true)
    try scene.repository.write([1], to: "\(models)/\(evil)/nginx/v0001/model.onnx")
    let findings = try scene.run().findings
    #expect(findings.count == 2)
    #expect(findings.count { $0.passes } == 1)
  }

  @Test func aCertificateOfAnEqualTextIsOfAnotherApplication() throws {
    try scene.add(Self.composed)
    #expect(try scene.refusals() == [])
    let models = scene.repository.models
    try FileManager.default.createDirectory(
      atPath: "\(models)/\(Self.decomposed)", withIntermediateDirectories: false)
    try FileManager.default.moveItem(
      atPath: "\(models)/\(Self.composed)/v0001", toPath: "\(models)/\(Self.decomposed)/v0001")
    try scene.repository.write(
      try scene.repository.bytes(scene.repository.specificationPath(Self.composed)),
      to: scene.repository.specificationPath(Self.decomposed))
    let found = try scene.refusals()
    #expect(found.contains { $0.hasPrefix("VP001") || $0.hasPrefix("VP004") }, "\(found)")
  }

  /// Swift joins the point of `.onnx` to a character of the class Prepend.
  @Test(arguments: ["net\u{600}.onnx", "net\u{110BD}.ONNX"])
  func aNetworkIsSeenByTheBytesOfItsName(name: String) throws {
    try scene.repository.write([1], to: "\(scene.version)/\(name)")
    #expect(try scene.run("signature: optional").findings[0].refusals.map(\.rule) == [.noCertificate])
  }

  @Test func aVersionWithoutAKnownNetworkIsJudged() throws {
    let other = scene.repository.path("nginx", "v0002")
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
    try scene.repository.write([1], to: "\(other)/model.safetensors")
    // Nothing is certified there, and nobody signed the directory.
    #expect(try scene.rules() == ["VP001", "VP006"])
  }

  @Test(arguments: [".git", ".gitignore", ".github", ".gitattributes"])
  func whatNoSignatureCoversIsRefused(name: String) throws {
    try scene.repository.write([1], to: "\(scene.version)/\(name)")
    #expect(try scene.refusals() == ["VP004 no signature covers this file; remove it"])
  }

  /// An exempt refusal does not hide that the directory was changed.
  @Test func anExemptionHidesOnlyItsOwnRefusal() throws {
    let policy = """
      exemptions:
        - {models: "*", rules: [VP001], owner: me, reason: another network is planned, expires: 2026-12-31}
      """
    try scene.repository.write([1], to: "\(scene.version)/old.onnx")
    let run = try scene.run(policy)
    #expect(!run.passes)
    #expect(run.findings[0].standing.map(\.rule) == [.modelChanged])
  }

  // MARK: Policy

  @Test(
    arguments: [
      (nil, ["VP015 the certificate does not say which data lie in the domain; the policy asks for a share of 0.9"]),
      (89, ["VP015 89 of 100 held-out rows lie in the domain; the policy asks for a share of 0.9"]), (90, []),
    ] as [(Int?, [String])])
  func dataMustLieInTheDomain(inside: Int?, expected: [String]) throws {
    let data = inside.map {
      Certificate.Coverage(
        sha256: StoreExamples.digest("data"), training: Certificate.Coverage.Share(rows: 1000, inside: 950),
        heldOut: Certificate.Coverage.Share(rows: 100, inside: $0))
    }
    try scene.add("nginx", data: data)
    #expect(try scene.refusals("data: {minimum-inside: 0.9}") == expected)
  }

  @Test func otherWordsForTheDomainAreRefused() throws {
    let old = try scene.repository.certificate("nginx")
    let forged = Certificate(
      model: old.model,
      specification: Certificate.Specification(
        name: "nginx", sha256: old.specification.sha256, digest: old.specification.digest,
        features: old.specification.features.map {
          Certificate.Quantity(name: $0.name, statement: "\($0.name) ∈ [0, 1000]")
        }, outputs: old.specification.outputs), properties: old.properties, arithmetic: old.arithmetic,
      verifier: old.verifier, solver: old.solver, startedAt: old.startedAt, finishedAt: old.finishedAt)
    _ = try scene.issuer.issue(
      forged, proofs: [:], into: scene.version, isVersion: true, store: scene.store, now: SignedRepository.now)
    #expect(
      try scene.refusals() == [
        "VP005 the certificate describes other features or outputs than \(scene.repository.specificationPath("nginx"))"
      ])
  }
}

/// Bytes that readers disagree on, in place of the certificate: each is refused as unreadable.
@Suite struct HostileCertificateTests {
  let scene: SignedRepository

  init() throws { scene = try SignedRepository() }

  private func expectRefused(_ bytes: [UInt8], _ comment: String) throws {
    try scene.repository.write(bytes, to: scene.certificate)
    let found = try scene.rules()
    #expect(found == ["VP011"], "\(comment): \(found)")
  }

  @Test func duplicateKeysAreRefused() throws {
    let text = String(decoding: try scene.repository.bytes(scene.certificate), as: UTF8.self)
    for (old, new) in [
      ("{\"payload\":", "{\"payload\":\"e30=\",\"payload\":"), ("\"signatures\":", "\"signatures\":[],\"signatures\":"),
    ] {
      try expectRefused(Array(text.replacing(old, with: new, maxReplacements: 1).utf8), "\(new)")
    }
    let bytes = Array(text.utf8)
    for (old, new) in [
      ("{\"_type\":", "{\"_type\":\"x\",\"_type\":"),
      ("\"verdict\":\"holds\"", "\"verdict\":\"violated\",\"verdict\":\"holds\""),
    ] {
      try scene.repository.write(bytes, to: scene.certificate)
      try scene.repository.tamper(scene.certificate, old, new)
      #expect(try scene.rules() == ["VP011"], "\(new)")
    }
  }

  @Test func hugeAndDeepValuesAreRefused() throws {
    try expectRefused(Array(String(repeating: "[", count: 1_000_000).utf8), "deep")
    try expectRefused(Array(String(repeating: "{\"a\":", count: 100_000).utf8), "deep objects")
    try expectRefused([UInt8](repeating: UInt8(ascii: " "), count: 25 << 20), "long")
    try expectRefused(Array("{\"payload\":\"\(String(repeating: "A", count: 23 << 20))\"}".utf8), "long payload")
    try expectRefused(Array("[\(String(repeating: "1,", count: 2_000_000))1]".utf8), "many values")
  }

  @Test func otherEncodingsAreRefused() throws {
    let bytes = try scene.repository.bytes(scene.certificate)
    for (old, new) in [
      ("\"leaves\":1,", "\"leaves\":1.0,"), ("\"leaves\":1,", "\"leaves\": 1,"), ("\"leaves\":1,", "\"leaves\":01,"),
      ("\"verdict\":\"holds\"", "\"verdict\":\"hold\\u0073\""),
    ] {
      try scene.repository.write(bytes, to: scene.certificate)
      try scene.repository.tamper(scene.certificate, old, new)
      #expect(try scene.rules() == ["VP011"], "\(new)")
    }
    try expectRefused([0xEF, 0xBB, 0xBF] + bytes, "byte order mark")
    try expectRefused(bytes + [0], "a byte more")
    try expectRefused(Array(bytes.dropLast(9)), "cut off")
    try expectRefused([], "empty")
    try expectRefused([0xFF, 0xFE], "no UTF-8")
  }
}
