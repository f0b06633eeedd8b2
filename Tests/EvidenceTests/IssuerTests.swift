import CertificateStorage
import CertificateStorageSQLite
import Certificates
import Evidence
import ExactArithmetic
import Foundation
import TestHelpers
import Testing
import TransparencyLog

@testable import Signing

/// A store, a log, a key and a directory of a model.
struct Scene {
  let directory = TemporaryDirectory()
  let store: SQLiteStore
  let key = PrivateKey()
  let log: IssuingLog
  let logKey: VerifierKey
  static let now = Timestamp(StoreExamples.start)

  var version: String { "\(directory.path)/v0001" }
  var logPath: String { "\(directory.path)/log" }
  var storePath: String { "\(directory.path)/store.sqlite" }
  var signing: Issuer { Issuer(key: key, log: log) }
  var trust: TrustFile {
    TrustFile(keys: [
      TrustedKey(
        publicKey: key.publicKey, purpose: .certificates, validFrom: Self.now,
        validUntil: Self.now.advanced(by: .seconds(86_400)))
    ])
  }

  init() throws {
    store = try SQLiteStore(path: "\(directory.path)/store.sqlite")
    logKey = try LogFiles.create("\(directory.path)/log", origin: "example.com/models")
    log = try IssuingLog(directory: "\(directory.path)/log")
    try FileManager.default.createDirectory(atPath: version, withIntermediateDirectories: true)
    try AtomicFile.write([1, 2, 3], to: "\(version)/model.onnx")
  }

  /// A certificate in which both properties hold, without proofs.
  static func holding(seconds: Int = 0, specification: String? = nil, queries: String? = nil) -> Certificate {
    let base = StoreExamples.certificate(seconds: seconds)
    let records = base.properties.map { record in
      PropertyRecord(
        id: record.id, statement: record.statement, outcome: .holds, engine: "auto", milliseconds: 1,
        cpuMilliseconds: 1, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil,
        queryDigests: queries.map { [StoreExamples.digest($0)] } ?? record.queryDigests)
    }
    return Certificate(
      model: base.model,
      specification: Certificate.Specification(
        name: "nginx", sha256: base.specification.sha256,
        digest: specification.map(StoreExamples.digest) ?? base.specification.digest), properties: records,
      arithmetic: base.arithmetic, verifier: base.verifier, solver: base.solver, startedAt: base.startedAt,
      finishedAt: base.finishedAt)
  }

  func issue(_ certificate: Certificate, by issuer: Issuer? = nil) throws -> Issuer.Issued {
    try (issuer ?? signing).issue(
      certificate, proofs: [:], into: version, isVersion: true, store: store, now: certificate.finishedAt)
  }

  /// The entries of the log, in order, after all that waits is published.
  func entries() throws -> [LogEntry] {
    try log.publish(from: store)
    var reader = try LogReader(directory: logPath, keys: [logKey])
    var entries: [LogEntry] = []
    for bundle in 0..<reader.bundles {
      for bytes in try reader.entries(bundle: bundle) { entries.append(try LogEntry(parsing: bytes, place: "log")) }
    }
    return entries
  }
}

@Suite struct IssuerTests {
  let scene: Scene

  init() throws { scene = try Scene() }

  // MARK: Files

  @Test func putsEverythingBesideTheModel() throws {
    let certificate = Scene.holding()
    let issued = try scene.issue(certificate)
    #expect(
      TemporaryDirectory.names(in: scene.version) == [
        "model.onnx", "model.sig", "nginx.intoto.json", "nginx.tlog-proof", "nginx.vsa.json",
      ])
    #expect(issued.path == "\(scene.version)/nginx.intoto.json")
    #expect(issued.keyID == scene.key.publicKey.id)
    #expect(issued.logIndex == 0)

    let file = try CertificateFile(contentsOf: issued.path)
    #expect(file.certificate.claims == certificate)
    #expect(file.certificate.sha256 == issued.outcome.certificateID)
    #expect(try file.verified(by: scene.trust, now: Scene.now).keyIDs == [scene.key.publicKey.id])
    _ = try ModelSignature(of: scene.version, trust: scene.trust, now: Scene.now)
    let summary = try SignedSummary(
      bytes: try BoundedFile.read("\(scene.version)/nginx.vsa.json", maximumBytes: 1 << 20), trust: scene.trust,
      now: Scene.now, file: "vsa"
    ).summary
    // There is no proof, so nothing was checked.
    #expect(!summary.hasPassed)

    let proof = try LogProof(
      parsing: try BoundedFile.read("\(scene.version)/nginx.tlog-proof", maximumBytes: 1 << 20), keys: [scene.logKey],
      file: "proof")
    let bytes = try #require(proof.extra)
    try proof.verify(entry: bytes)
    let entry = try LogEntry(parsing: bytes, place: "proof")
    #expect(entry.kind == .certificateIssued)
    #expect(
      entry.subjects == [
        LogEntry.Subject(name: "nginx/v0001/nginx.intoto.json#predicate", sha256: file.certificate.sha256),
        LogEntry.Subject(name: "nginx/v0001/nginx.intoto.json#payload", sha256: file.payloadSHA256),
        LogEntry.Subject(name: "nginx.yaml", sha256: certificate.specification.sha256),
        LogEntry.Subject(name: "nginx/v0001/model.onnx", sha256: StoreExamples.digest("model v0001")),
        LogEntry.Subject(name: "nginx/v0001/training.json", sha256: StoreExamples.digest("training v0001")),
      ])
    #expect(entry.annotations == ["verdict": "holds", "expiresAt": "2027-01-01T00:00:00Z"])
  }

  @Test func withoutKeyAndLogTheCertificateIsANoteAndOldEvidenceGoes() throws {
    _ = try scene.issue(Scene.holding())
    let issued = try scene.issue(Scene.holding(seconds: 1), by: Issuer())
    #expect(issued.keyID == nil)
    #expect(issued.logIndex == nil)
    #expect(TemporaryDirectory.names(in: scene.version) == ["model.onnx", "nginx.intoto.json"])
    let file = try CertificateFile(contentsOf: issued.path)
    #expect(!file.isSigned)
    let error = #expect(throws: SigningError.self) { try file.verified(by: scene.trust, now: Scene.now) }
    #expect(error?.code == .unsigned)
    #expect(
      error?.message
        == "\(issued.path): nobody signed it; make a key with `vpals keys init` and verify the model again")
  }

  @Test func aDirectoryOfOtherFilesIsNotSignedAsAWhole() throws {
    _ = try scene.signing.issue(
      Scene.holding(), proofs: [:], into: scene.version, isVersion: false, store: scene.store, now: Scene.now)
    #expect(
      TemporaryDirectory.names(in: scene.version) == [
        "model.onnx", "nginx.intoto.json", "nginx.tlog-proof", "nginx.vsa.json",
      ])
  }

  @Test func aVersionThatIsWrittenAtOnceIsSignedAsAWhole() throws {
    let path = "\(scene.directory.path)/v0002"
    try AtomicDirectory.write(to: path) {
      try scene.signing.files(
        of: Scene.holding(), beside: ["model.onnx": [1], "training.json": [2]], named: "v0002", store: scene.store,
        now: Scene.now)
    }
    #expect(
      TemporaryDirectory.names(in: path) == [
        "model.onnx", "model.sig", "nginx.intoto.json", "nginx.tlog-proof", "nginx.vsa.json", "training.json",
      ])
    let signature = try ModelSignature(of: path, trust: scene.trust, now: Scene.now)
    #expect(signature.manifest.files.count == 5)
    #expect(signature.manifest.name == "v0002")
  }

  // MARK: The store and the log

  @Test func theLogHasEachCertificateOnceAndWhatItSupersedes() throws {
    let first = try scene.issue(Scene.holding()).outcome.certificateID
    // A candidate of a training loop is remembered and not logged.
    _ = try scene.store.record(
      VerificationRecord(certificate: Scene.holding(seconds: 5), found: []), now: StoreExamples.start)
    let again = try scene.issue(Scene.holding())
    #expect(again.outcome.certificateID == first)
    #expect(again.logIndex == 0)
    let second = try scene.issue(Scene.holding(seconds: 9)).outcome.certificateID
    let entries = try scene.entries()
    #expect(entries.map(\.kind) == [.certificateIssued, .certificateIssued, .certificateSuperseded])
    #expect(entries[2].subjects.map(\.sha256) == [second, first])

    let stored = try scene.store.certificate(id: second)
    #expect(stored.isIssued)
    #expect(stored.logged?.index == 1)
    #expect(stored.logged?.origin == scene.log.identity)
    let listed = try scene.store.certificates(CertificateFilter(issuedOnly: true))
    #expect(listed.map(\.id) == [second, first])
    #expect(listed.map(\.logIndex) == [1, 0])
    #expect(try scene.store.certificates(CertificateFilter()).count == 3)
  }

  @Test func whatWaitedWithoutALogIsLoggedByTheFirst() throws {
    _ = try scene.issue(Scene.holding(), by: Issuer())
    _ = try scene.store.revoke(
      certificate: try scene.store.certificates(CertificateFilter())[0].id, reason: "wrong data",
      now: StoreExamples.start)
    let entries = try scene.entries()
    #expect(entries.map(\.kind) == [.certificateIssued, .certificateRevoked])
    #expect(entries[1].annotations == ["cause": "operator", "reason": "wrong data"])
  }

  /// The process dies between the commit of the log and that of the store.
  @Test func anEntryThatTheStoreDoesNotKnowToBeLoggedIsNotLoggedTwice() throws {
    struct Killed: Error {}
    _ = try scene.issue(Scene.holding(), by: Issuer())
    _ = try scene.issue(Scene.holding(seconds: 1), by: Issuer())
    let writer = LogWriter(directory: scene.logPath, signers: [try LogFiles.readSecretKey(scene.logPath)])
    #expect(throws: Killed.self) {
      try scene.store.publishLogEntries(to: scene.log.identity, limit: 100) { entries, position in
        #expect(position == 0)
        #expect(entries.count == 3)
        // Something of another store comes between.
        _ = try writer.append([entries[0], Array("other".utf8), entries[1]])
        throw Killed()
      }
    }
    _ = try scene.issue(Scene.holding(seconds: 2))
    var reader = try LogReader(directory: scene.logPath, keys: [scene.logKey])
    let kinds = try reader.entries(bundle: 0).map { try? LogEntry(parsing: $0, place: "log").kind }
    #expect(
      kinds == [
        .certificateIssued, nil, .certificateIssued, .certificateSuperseded, .certificateIssued,
        .certificateSuperseded,
      ])
    let listed = try scene.store.certificates(CertificateFilter())
    #expect(listed.map(\.logIndex) == [4, 2, 0])
  }

  @Test func aLogThatLostEntriesIsRefused() throws {
    let empty = try BoundedFile.read("\(scene.logPath)/checkpoint", maximumBytes: 1 << 20)
    _ = try scene.issue(Scene.holding())
    try AtomicFile.write(empty, to: "\(scene.logPath)/checkpoint")
    let error = #expect(throws: LogError.self) { try scene.issue(Scene.holding(seconds: 1)) }
    #expect(error?.code == .rollback)
    // The certificate is kept and logged once the log is back.
    #expect(try scene.store.certificates(CertificateFilter()).count == 2)
  }

  @Test func killedIssuersLoseNothingAndLogNothingTwice() throws {
    let seed: UInt64 = 20_261_127
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var acknowledged: [String: Int] = [:]
    var next = 0
    for round in 1...25 {
      let child = try #require(
        ChildProcess(
          ChildProcess.built("store-exerciser"), ["issue", scene.storePath, scene.logPath, scene.version, "\(next)"]))
      func read(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        try #require(words.count == 3 && words[0] == "issued", "round \(round): \(line)")
        let index: Int = try #require(Int(words[2]))
        acknowledged[words[1]] = index
        next += 1
      }
      for _ in 0..<Int.random(in: 0..<6, using: &random) { try read(try #require(child.line())) }
      var spin = UInt64(0)
      for _ in 0..<Int.random(in: 0..<400_000, using: &random) { spin &+= random.next() }
      child.killNow()
      for line in child.rest() { try read(line) }
      #expect(child.wait() == 128 + 9, "\(spin)")
      // What was cut off is issued anew under the next number.
      next += 1
    }
    let entries = try scene.entries()
    let issued = entries.filter { $0.kind == .certificateIssued }.map { $0.subjects[0].sha256 }
    #expect(Set(issued).count == issued.count, "nothing is logged twice")
    #expect(Set(issued) == Set(try scene.store.certificates(CertificateFilter()).map(\.id)))
    for (id, index) in acknowledged { #expect(entries[index].subjects[0].sha256 == id) }
    #expect(acknowledged.count > 20)
    var reader = try LogReader(directory: scene.logPath, keys: [scene.logKey])
    try reader.verifyAll()
  }

  @Test func issuersAtOnceShareALog() throws {
    let children = try (0..<3).map { number in
      try #require(
        ChildProcess(
          ChildProcess.built("store-exerciser"),
          ["issue", scene.storePath, scene.logPath, scene.version, "\(number * 10_000)"]))
    }
    var lines: [String] = []
    for child in children {
      for _ in 0..<15 { lines.append(try #require(child.line())) }
    }
    for child in children {
      child.killNow()
      lines += child.rest()
      _ = child.wait()
    }
    let indices = lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(Set(indices).count == lines.count)
    let entries = try scene.entries()
    let issued = entries.filter { $0.kind == .certificateIssued }
    #expect(Set(issued.map { $0.subjects[0].sha256 }).count == issued.count)
  }

  // MARK: Revocation

  @Test func aRevokedCertificateIsListedAsOne() throws {
    let id = try scene.issue(Scene.holding()).outcome.certificateID
    #expect(
      try scene.store.revoke(certificate: String(id.prefix(8)), reason: "wrong data", now: StoreExamples.start) == id)
    let revocation = Revocation(cause: .operator, reason: "wrong data", revokedAt: Scene.now)
    #expect(try scene.store.certificate(id: id).revocation == revocation)
    for (state, count) in [(CertificateState.valid, 0), (.expired, 0), (.revoked, 1)] {
      let found = try scene.store.certificates(CertificateFilter(state: state, now: Scene.now))
      #expect(found.count == count)
    }
    let entries = try scene.entries()
    #expect(entries.map(\.kind) == [.certificateIssued, .certificateRevoked])
    #expect(entries[1].subjects == [entries[0].subjects[0]])
    let error = #expect(throws: StorageError.self) {
      try scene.store.revoke(certificate: id, reason: "again", now: StoreExamples.start)
    }
    #expect(
      error?.message == "certificate \(id.prefix(12)) is revoked already, since 2026-01-01T00:00:00Z")
  }

  @Test(arguments: ["", " ", "two\nlines", String(repeating: "x", count: 501)])
  func aRevocationNeedsAReason(reason: String) throws {
    let id = try scene.issue(Scene.holding()).outcome.certificateID
    let error = #expect(throws: StorageError.self) {
      try scene.store.revoke(certificate: id, reason: reason, now: StoreExamples.start)
    }
    #expect(error?.code == .invalid)
    #expect(try scene.store.certificate(id: id).revocation == nil)
  }

  @Test func candidatesAndUnknownCertificatesCannotBeRevoked() throws {
    let id = try scene.store.record(
      VerificationRecord(certificate: Scene.holding(), found: []), now: StoreExamples.start
    ).certificateID
    for (name, code) in [(id, StorageError.Code.invalid), ("0000", .notFound), ("x", .invalid)] {
      let error = #expect(throws: StorageError.self) {
        try scene.store.revoke(certificate: name, reason: "r", now: StoreExamples.start)
      }
      #expect(error?.code == code)
    }
    #expect(try scene.entries().isEmpty)
  }

  @Test func expiryIsSeenInTheList() throws {
    _ = try scene.issue(Scene.holding())
    for (time, state) in [("2026-12-31T23:59:59Z", CertificateState.valid), ("2027-01-01T00:00:00Z", .expired)] {
      let now = try #require(Timestamp(text: time))
      let found = try scene.store.certificates(CertificateFilter(state: state, now: now))
      #expect(found.map { $0.state(at: now) } == [state])
    }
  }

  // MARK: Counterexamples

  static let origin = StoreExamples.origin()

  @Test func aCounterexampleToACertifiedPropertyRevokes() throws {
    let id = try scene.issue(Scene.holding()).outcome.certificateID
    let outcome = try scene.store.enqueue([StoreExamples.found(1)], origin: Self.origin, now: StoreExamples.start)
    let revocation = try #require(try scene.store.certificate(id: id).revocation)
    #expect(revocation.cause == .counterexample)
    #expect(revocation.reason == "counterexample \(outcome[0].id.prefix(12)) to p99-rises")
    let entries = try scene.entries()
    #expect(entries.map(\.kind) == [.certificateIssued, .counterexampleFound, .certificateRevoked])
    #expect(entries[1].subjects.map(\.sha256) == [id, outcome[0].id])
    #expect(entries[1].annotations == ["property": "p99-rises"])
    // Once.
    _ = try scene.store.enqueue([StoreExamples.found(2)], origin: Self.origin, now: StoreExamples.start)
    #expect(try scene.entries().count == 3)
  }

  @Test func whatTheNextVerificationFindsRevokesTheEarlierCertificate() throws {
    let old = try scene.issue(Scene.holding()).outcome.certificateID
    let new = try scene.store.record(
      VerificationRecord(
        certificate: StoreExamples.certificate(seconds: 7), found: [StoreExamples.found(7)], isIssued: true),
      now: StoreExamples.start
    ).certificateID
    #expect(try scene.store.certificate(id: old).revocation?.cause == .counterexample)
    // It says itself that the property is violated.
    #expect(try scene.store.certificate(id: new).revocation == nil)
  }

  /// The specification has changed elsewhere since; the property means the same.
  @Test(arguments: [("query", true), ("another query", false)])
  func thePropertysMeaningDecides(query: String, isRevoked: Bool) throws {
    let id = try scene.issue(Scene.holding(specification: "older", queries: query)).outcome.certificateID
    _ = try scene.store.record(
      VerificationRecord(
        certificate: StoreExamples.certificate(seconds: 7), found: [StoreExamples.found(7)], isIssued: true),
      now: StoreExamples.start)
    #expect((try scene.store.certificate(id: id).revocation != nil) == isRevoked)
  }

  /// A full queue is no reason to let a certificate live that is known to be wrong.
  @Test func aCounterexampleRevokesAlsoWhenTheQueueIsFull() throws {
    let store = try SQLiteStore(path: "\(scene.directory.path)/small.sqlite", maximumOpenEntries: 1)
    let id = try scene.signing.issue(
      Scene.holding(), proofs: [:], into: scene.version, isVersion: true, store: store, now: Scene.now
    ).outcome.certificateID
    let found = (1...3).map { StoreExamples.found($0) }
    let error = #expect(throws: StorageError.self) {
      try store.enqueue(found, origin: Self.origin, now: StoreExamples.start)
    }
    #expect(error?.code == .limit)
    #expect(try store.queueEntries(QueueFilter()).isEmpty)
    #expect(try store.certificate(id: id).revocation?.cause == .counterexample)
    #expect(try scene.log.publish(from: store) == 2)
  }

  /// The revocation goes into every log, so that a gate that reads another one knows as well.
  @Test func revocationsGoIntoEveryLog() throws {
    let id = try scene.issue(Scene.holding()).outcome.certificateID
    _ = try scene.store.revoke(certificate: id, reason: "wrong data", now: StoreExamples.start)
    #expect(try scene.log.publish(from: scene.store) == 1)
    let path = "\(scene.directory.path)/second"
    let key = try LogFiles.create(path, origin: "example.com/models")
    let second = try IssuingLog(directory: path)
    #expect(try second.publish(from: scene.store) == 1)
    var reader = try LogReader(directory: path, keys: [key])
    let entry = try LogEntry(parsing: try reader.entry(0), place: "log")
    #expect(entry.kind == .certificateRevoked && entry.subjects.map(\.sha256) == [id])
    #expect(try scene.log.publish(from: scene.store) == 0)
    #expect(try second.publish(from: scene.store) == 0)
  }

  /// A copy in another directory takes the place of nothing: the original counts on.
  @Test func aCopyElsewhereSupersedesNothing() throws {
    _ = try scene.issue(Scene.holding())
    let copy = "\(scene.directory.path)/copy"
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
    _ = try scene.signing.issue(
      Scene.holding(seconds: 1), proofs: [:], into: copy, isVersion: false, store: scene.store, now: Scene.now)
    #expect(try scene.entries().map(\.kind) == [.certificateIssued, .certificateIssued])
  }

  @Test func aCertificateThatWasOnlyRememberedCanBeIssued() throws {
    let id = try scene.store.record(
      VerificationRecord(certificate: Scene.holding(), found: []), now: StoreExamples.start
    ).certificateID
    let issued = try scene.issue(Scene.holding())
    #expect(issued.outcome.certificateID == id)
    #expect(issued.logIndex == 0)
    #expect(try scene.store.certificate(id: id).isIssued)
  }

  @Test func aKeyThatWasRetiredMeanwhileDoesNotSign() throws {
    let path = "\(scene.directory.path)/trust.json"
    let issuer = Issuer(key: scene.key, log: scene.log, trustPath: path)
    try scene.trust.write(to: path)
    _ = try scene.issue(Scene.holding(), by: issuer)
    var trust = scene.trust
    try trust.retire(id: scene.key.publicKey.id, at: Scene.now)
    try trust.write(to: path)
    let before = try BoundedFile.read("\(scene.version)/nginx.intoto.json", maximumBytes: 1 << 20)
    let error = #expect(throws: SigningError.self) { try scene.issue(Scene.holding(seconds: 1), by: issuer) }
    #expect(error?.code == .refused)
    #expect(try BoundedFile.read("\(scene.version)/nginx.intoto.json", maximumBytes: 1 << 20) == before)
  }

  @Test func aCertificateDoesNotOutliveItsKey() {
    let end = Scene.now.advanced(by: .seconds(86_400))
    #expect(Issuer(validityDays: 30, keyValidUntil: end).expiry(of: Scene.now) == end)
    #expect(Issuer(validityDays: 30).expiry(of: Scene.now) == Scene.now.advanced(by: .seconds(30 * 86_400)))
  }

  @Test func counterexamplesToOtherNetworksAndPropertiesRevokeNothing() throws {
    let id = try scene.issue(Scene.holding()).outcome.certificateID
    _ = try scene.store.enqueue(
      [StoreExamples.found(1)], origin: StoreExamples.origin(version: "v0002"), now: StoreExamples.start)
    _ = try scene.store.enqueue(
      [StoreExamples.found(1, property: "other")], origin: Self.origin, now: StoreExamples.start)
    #expect(try scene.store.certificate(id: id).revocation == nil)
    #expect(try scene.entries().count == 1)
  }
}
