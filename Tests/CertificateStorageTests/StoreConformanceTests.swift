import CertificateStorage
import Certificates
import ExactArithmetic
import FoundationEssentials
import TestHelpers
import Testing

/// What every backend must do.
@Suite struct StoreConformanceTests {
  /// Belongs to the suite's instance, of which every test case has its own, and so outlives the stores in it.
  let directory = TemporaryDirectory()

  static let now = StoreExamples.start

  static func after(_ seconds: Double) -> Date { now.addingTimeInterval(seconds) }

  /// Records `count` counterexamples of a version and returns their identifiers.
  static func fill(_ store: any Store, _ count: Int, version: String = "v0001", at now: Date = now) throws -> [String] {
    try store.record(
      VerificationRecord(
        certificate: StoreExamples.certificate(version: version), found: (0..<count).map { StoreExamples.found($0) }),
      now: now
    ).queue.map(\.id)
  }

  static func expectError(_ code: StorageError.Code, _ body: () throws -> Void) {
    let error = #expect(throws: StorageError.self, performing: body)
    #expect(error?.code == code, "\(error?.message ?? "no error")")
    #expect(error?.message.isEmpty == false)
  }

  // MARK: Certificates

  @Test(arguments: Backend.allCases) func keepsARecordedVerificationInFull(_ backend: Backend) throws {
    let under = try backend.make(in: directory)
    let certificate = StoreExamples.certificate()
    let outcome = try under.store.record(
      VerificationRecord(certificate: certificate, found: [StoreExamples.found(1), StoreExamples.found(2)]),
      now: Self.now)
    #expect(outcome.isNewCertificate)
    #expect(outcome.queue.map(\.disposition) == [.added, .added])

    let store = try under.openAgain()
    let stored = try store.certificate(id: outcome.certificateID)
    #expect(stored.certificate.claims == certificate)
    #expect(stored.certificate.bytes == (try certificate.encoded()))
    #expect(stored.recordedAt == Timestamp(Self.now))
    #expect(try store.certificate(id: String(outcome.certificateID.prefix(8))) == stored)

    let summary = CertificateSummary(
      id: outcome.certificateID, application: "nginx", modelVersion: "v0001", specification: "nginx",
      networkDigest: certificate.model.networkDigest, specificationDigest: certificate.specification.digest, holds: 1,
      violated: 1, unknown: 0, finishedAt: certificate.finishedAt, expiresAt: certificate.expiresAt,
      recordedAt: Timestamp(Self.now))
    #expect(try store.certificates(CertificateFilter()) == [summary])
    #expect(
      try store.models(application: nil) == [
        ModelVersion(model: certificate.model, certificateCount: 1, recordedAt: Timestamp(Self.now))
      ])

    let entries = try store.queueEntries(QueueFilter())
    #expect(
      entries.first
        == QueueEntry(
          id: QueueEntry.id(application: "nginx", found: StoreExamples.found(1)), sequence: 1,
          origin: QueueOrigin(certificate), found: StoreExamples.found(1), state: .pending, leasedBy: nil,
          leaseExpires: nil, consumedBy: nil, leaseCount: 0, createdAt: Timestamp(Self.now),
          changedAt: Timestamp(Self.now)))
    #expect(entries.count == 2)
    #expect(try store.queueEntry(id: entries[1].id) == entries[1])
    #expect(try store.integrityProblems() == [])
  }

  @Test(arguments: Backend.allCases) func theSameVerificationTwiceChangesNothing(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let record = VerificationRecord(certificate: StoreExamples.certificate(), found: [StoreExamples.found(1)])
    let first = try store.record(record, now: Self.now)
    let entries = try store.queueEntries(QueueFilter())
    let second = try store.record(record, now: Self.after(60))
    #expect(second.certificateID == first.certificateID)
    #expect(!second.isNewCertificate)
    #expect(second.queue.map(\.disposition) == [.known(.pending)])
    #expect(try store.queueEntries(QueueFilter()) == entries)
    #expect(try store.certificates(CertificateFilter()).count == 1)
    #expect(try store.models(application: "nginx").count == 1)
  }

  @Test(arguments: Backend.allCases) func recordsNothingWhenOneCounterexampleIsRefused(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let certificate = StoreExamples.certificate()
    Self.expectError(.invalid) {
      _ = try store.record(
        VerificationRecord(
          certificate: certificate, found: [StoreExamples.found(1), StoreExamples.found(2, property: "unheard-of")]),
        now: Self.now)
    }
    let long = FoundCounterexample(
      property: "p99-rises", counterexample: StoreExamples.found(3).counterexample,
      engineering: String(repeating: "x", count: StoreBounds.engineeringBytes + 1))
    Self.expectError(.limit) {
      _ = try store.record(VerificationRecord(certificate: certificate, found: [long]), now: Self.now)
    }
    #expect(try store.certificates(CertificateFilter()) == [])
    #expect(try store.models(application: nil) == [])
    #expect(try store.queueEntries(QueueFilter()) == [])
  }

  @Test(arguments: Backend.allCases) func refusesAQueueBeyondItsBoundAndKeepsTheRest(_ backend: Backend) throws {
    let store = try backend.make(in: directory, maximumOpenEntries: 5).store
    let ids = try Self.fill(store, 5)
    let one = StoreExamples.found(-1)
    Self.expectError(.limit) {
      _ = try store.record(
        VerificationRecord(certificate: StoreExamples.certificate(version: "v0002"), found: [one]), now: Self.now)
    }
    #expect(try store.queueCounts(application: "nginx").pending == 5)
    #expect(try store.certificates(CertificateFilter()).map(\.modelVersion) == ["v0001"])
    _ = try store.drop([ids[0]], now: Self.now)
    #expect(
      try store.enqueue([one], origin: StoreExamples.origin(), now: Self.now).map(\.disposition) == [.added])
    _ = try store.enqueue([one], origin: StoreExamples.origin("redis"), now: Self.now)
    let tooMany = Array(repeating: one, count: StoreBounds.batch + 1)
    Self.expectError(.limit) { _ = try store.enqueue(tooMany, origin: StoreExamples.origin("redis"), now: Self.now) }
  }

  @Test(arguments: Backend.allCases) func listsCertificatesNewestFirstByFilter(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    for (application, version) in [("nginx", "v0001"), ("nginx", "v0002"), ("redis", "v0001")] {
      let certificate = StoreExamples.certificate(application, version: version)
      _ = try store.record(VerificationRecord(certificate: certificate, found: []), now: Self.now)
    }
    func names(_ filter: CertificateFilter) throws -> [String] {
      try store.certificates(filter).map { "\($0.application)/\($0.modelVersion)" }
    }
    #expect(try names(CertificateFilter()) == ["redis/v0001", "nginx/v0002", "nginx/v0001"])
    #expect(try names(CertificateFilter(application: "nginx")) == ["nginx/v0002", "nginx/v0001"])
    #expect(try names(CertificateFilter(modelVersion: "v0001", specification: "redis")) == ["redis/v0001"])
    #expect(try names(CertificateFilter(limit: 1)) == ["redis/v0001"])
    #expect(try store.models(application: "nginx").map(\.model.version) == ["v0002", "v0001"])
    Self.expectError(.limit) { _ = try names(CertificateFilter(limit: StoreBounds.page + 1)) }
  }

  @Test(arguments: Backend.allCases) func namesWhatIsNotThere(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let absent = StoreExamples.digest("absent")
    Self.expectError(.notFound) { _ = try store.certificate(id: absent) }
    Self.expectError(.notFound) { _ = try store.queueEntry(id: absent) }
    Self.expectError(.notFound) { _ = try store.requeue([absent], now: Self.now) }
    Self.expectError(.invalid) { _ = try store.certificate(id: "abc") }
    Self.expectError(.invalid) { _ = try store.queueEntry(id: "50%_DROP") }
  }

  @Test(arguments: Backend.allCases) func anAmbiguousAbbreviationIsRefused(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try store.enqueue(
      (0..<2000).map { StoreExamples.found($0) }, origin: StoreExamples.origin(), now: Self.now
    ).map(\.id)
    let groups = Dictionary(grouping: ids) { String($0.prefix(4)) }
    // 2000 of 65536 abbreviations: about thirty collide.
    let doubled = try #require(groups.first { $0.value.count > 1 }?.key)
    let single = try #require(groups.first { $0.value.count == 1 })
    Self.expectError(.ambiguous) { _ = try store.queueEntry(id: doubled) }
    #expect(try store.queueEntry(id: single.key).id == single.value[0])
  }

  // MARK: The queue

  @Test(arguments: Backend.allCases) func equalPairsHaveOneEntry(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let found = StoreExamples.found(1)
    let outcomes = try store.enqueue(
      [found, found, StoreExamples.found(1, property: "other"), StoreExamples.found(1, drop: Rational(9))],
      origin: StoreExamples.origin(), now: Self.now)
    #expect(outcomes.map(\.disposition) == [.added, .known(.pending), .added, .known(.pending)])
    #expect(Set(outcomes.map(\.id)).count == 2)
    let other = try store.enqueue([found], origin: StoreExamples.origin("redis"), now: Self.now)
    #expect(other.map(\.disposition) == [.added])
    #expect(try store.queueCounts(application: nil) == QueueCounts(pending: 3, leased: 0, consumed: 0, dropped: 0))
    #expect(try store.queueCounts(application: "redis").pending == 1)
  }

  @Test(arguments: Backend.allCases) func aPropertyOfOnePointHasNoSecondPoint(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let found = FoundCounterexample(
      property: "p99-sane",
      counterexample: Counterexample(
        query: 3, x: [Rational(1, 7)], xPrime: nil, fx: Rational(-2), fxPrime: nil, drop: Rational(2)),
      engineering: "")
    _ = try store.enqueue([found], origin: StoreExamples.origin(), now: Self.now)
    #expect(try store.queueEntries(QueueFilter()).map(\.found) == [found])
  }

  @Test(arguments: Backend.allCases) func leasesTheOldestAndEachEntryOnce(_ backend: Backend) throws {
    let under = try backend.make(in: directory)
    let ids = try Self.fill(under.store, 5)
    let other = try under.openAgain()
    let first = try under.store.lease(
      application: "nginx", limit: 2, owner: "a", duration: .seconds(60), now: Self.now)
    let second = try other.lease(application: "nginx", limit: 9, owner: "b", duration: .seconds(60), now: Self.now)
    #expect(first.map(\.id) == Array(ids[..<2]))
    #expect(second.map(\.id) == Array(ids[2...]))
    #expect(first.allSatisfy { $0.state == .leased && $0.leasedBy == "a" && $0.leaseCount == 1 })
    #expect(first[0].leaseExpires == Timestamp(Self.after(60)))
    #expect(
      try other.lease(application: "nginx", limit: 9, owner: "b", duration: .seconds(60), now: Self.now).isEmpty)
    #expect(
      try other.lease(application: "redis", limit: 9, owner: "b", duration: .seconds(60), now: Self.after(99)).isEmpty)
  }

  @Test(arguments: Backend.allCases) func anExpiredLeaseIsTakenOverAndItsOwnerFencedOff(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 2)
    _ = try store.lease(application: "nginx", limit: 2, owner: "slow", duration: .seconds(60), now: Self.now)
    #expect(
      try store.lease(application: "nginx", limit: 1, owner: "new", duration: .seconds(60), now: Self.after(59.999))
        .isEmpty)
    let taken = try store.lease(
      application: "nginx", limit: 1, owner: "new", duration: .seconds(60), now: Self.after(60))
    #expect(taken.map(\.id) == [ids[0]])
    #expect(taken[0].leaseCount == 2)
    // The second entry expired too and waits; the slow owner holds neither.
    for lost in [[ids[0]], [ids[1]], ids] {
      Self.expectError(.leaseLost) { try store.consume(lost, owner: "slow", version: "v0002", now: Self.after(61)) }
      Self.expectError(.leaseLost) {
        try store.renew(lost, owner: "slow", duration: .seconds(60), now: Self.after(61))
      }
    }
    #expect(try store.release(ids, owner: "slow", now: Self.after(61)) == 0)
    #expect(try store.queueEntry(id: ids[0]) == taken[0])
    try store.consume([ids[0]], owner: "new", version: "v0002", now: Self.after(62))
    #expect(try store.queueEntry(id: ids[0]).state == .consumed)
  }

  @Test(arguments: Backend.allCases) func anExpiredLeaseThatNobodyTookIsStillHeld(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 1)
    _ = try store.lease(application: "nginx", limit: 1, owner: "a", duration: .seconds(1), now: Self.now)
    try store.renew(ids, owner: "a", duration: .seconds(10), now: Self.after(100))
    #expect(try store.queueEntry(id: ids[0]).leaseExpires == Timestamp(Self.after(110)))
    try store.consume(ids, owner: "a", version: "v0002", now: Self.after(200))
    #expect(try store.queueEntry(id: ids[0]).consumedBy == "v0002")
  }

  @Test(arguments: Backend.allCases) func consumesAllOrNone(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 3)
    _ = try store.lease(application: "nginx", limit: 2, owner: "a", duration: .seconds(60), now: Self.now)
    Self.expectError(.leaseLost) { try store.consume(ids, owner: "a", version: "v0002", now: Self.now) }
    #expect(try store.queueEntries(QueueFilter()).map(\.state) == [.leased, .leased, .pending])
    try store.consume(Array(ids[..<2]), owner: "a", version: "v0002", now: Self.after(5))
    let entries = try store.queueEntries(QueueFilter(states: [.consumed]))
    #expect(entries.map(\.consumedBy) == ["v0002", "v0002"])
    #expect(entries.map(\.leasedBy) == ["a", "a"])
    #expect(entries.allSatisfy { $0.leaseExpires == nil && $0.changedAt == Timestamp(Self.after(5)) })
    // The same call again, as after a lost answer; another version or owner is another matter.
    try store.consume(Array(ids[..<2]), owner: "a", version: "v0002", now: Self.after(9))
    #expect(try store.queueEntries(QueueFilter(states: [.consumed])) == entries)
    Self.expectError(.leaseLost) { try store.consume([ids[0]], owner: "b", version: "v0002", now: Self.now) }
    Self.expectError(.leaseLost) { try store.consume([ids[0]], owner: "a", version: "v0003", now: Self.now) }
  }

  @Test(arguments: Backend.allCases) func releasesOnlyWhatIsHeld(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 3)
    _ = try store.lease(application: "nginx", limit: 1, owner: "a", duration: .seconds(60), now: Self.now)
    _ = try store.lease(application: "nginx", limit: 1, owner: "b", duration: .seconds(60), now: Self.now)
    #expect(try store.release(ids, owner: "a", now: Self.now) == 1)
    #expect(try store.queueEntries(QueueFilter()).map(\.state) == [.pending, .leased, .pending])
    #expect(try store.queueEntry(id: ids[0]).leasedBy == nil)
  }

  @Test(arguments: Backend.allCases) func adminsRequeueAndDropInAnyState(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 4)
    _ = try store.lease(application: "nginx", limit: 2, owner: "a", duration: .seconds(60), now: Self.now)
    try store.consume([ids[0]], owner: "a", version: "v0002", now: Self.now)
    #expect(try store.drop([ids[1], ids[2]], now: Self.now) == 2)
    #expect(try store.drop([ids[2]], now: Self.now) == 0)
    #expect(try store.queueEntries(QueueFilter()).map(\.state) == [.consumed, .dropped, .dropped, .pending])
    Self.expectError(.leaseLost) { try store.consume([ids[1]], owner: "a", version: "v0002", now: Self.now) }
    #expect(try store.requeue(ids, now: Self.now) == 3)
    #expect(try store.queueCounts(application: nil) == QueueCounts(pending: 4, leased: 0, consumed: 0, dropped: 0))
    #expect(try store.queueEntry(id: ids[0]).consumedBy == "v0002")
    Self.expectError(.notFound) { _ = try store.drop([ids[0], StoreExamples.digest("absent")], now: Self.now) }
    #expect(try store.queueEntry(id: ids[0]).state == .pending)
  }

  @Test(arguments: Backend.allCases) func aDroppedPairStaysOutWhenFoundAgain(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 1)
    _ = try store.drop(ids, now: Self.now)
    let again = try store.enqueue(
      [StoreExamples.found(0)], origin: StoreExamples.origin(version: "v0002"), now: Self.now)
    #expect(again.map(\.disposition) == [.known(.dropped)])
    #expect(try store.queueEntry(id: ids[0]).state == .dropped)
  }

  @Test(arguments: Backend.allCases) func aConsumedPairFoundInAnotherNetworkIsPendingAgain(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 1)
    _ = try store.lease(application: "nginx", limit: 1, owner: "a", duration: .seconds(60), now: Self.now)
    try store.consume(ids, owner: "a", version: "v0002", now: Self.after(1))
    // Verifying the old network again proves nothing about v0002.
    let old = try store.enqueue([StoreExamples.found(0)], origin: StoreExamples.origin(), now: Self.after(2))
    #expect(old.map(\.disposition) == [.known(.consumed)])
    let changed = StoreExamples.found(0, drop: Rational(1, 64))
    let new = try store.enqueue([changed], origin: StoreExamples.origin(version: "v0002"), now: Self.after(3))
    #expect(new.map(\.disposition) == [.revived])
    let entry = try store.queueEntry(id: ids[0])
    #expect(entry.state == .pending)
    #expect(entry.origin == StoreExamples.origin(version: "v0002"))
    #expect(entry.found == changed)
    #expect(entry.leasedBy == nil)
    #expect(entry.consumedBy == "v0002")
    #expect(entry.createdAt == Timestamp(Self.now))
    // Consumed a second time, it stays consumed for both networks.
    _ = try store.lease(application: "nginx", limit: 1, owner: "b", duration: .seconds(60), now: Self.after(4))
    try store.consume(ids, owner: "b", version: "v0003", now: Self.after(5))
    for version in ["v0001", "v0002"] {
      let seen = try store.enqueue([changed], origin: StoreExamples.origin(version: version), now: Self.after(6))
      #expect(seen.map(\.disposition) == [.known(.consumed)])
    }
    #expect(try store.integrityProblems() == [])
  }

  @Test(arguments: Backend.allCases)
  func aPairThatTheNewVersionFailsOnIsNotLostWhenItWasRecordedBeforeConsuming(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 2)
    _ = try store.lease(application: "nginx", limit: 2, owner: "a", duration: .seconds(60), now: Self.after(1))
    // v0002 was trained with both pairs, and its verification is recorded first: it still fails on the first one.
    let during = try store.enqueue(
      [StoreExamples.found(0)], origin: StoreExamples.origin(version: "v0002"), now: Self.after(2))
    #expect(during.map(\.disposition) == [.known(.leased)])
    for _ in 0..<2 {
      try store.consume(ids, owner: "a", version: "v0002", now: Self.after(3))
      let entries = try store.queueEntries(QueueFilter())
      #expect(entries.map(\.state) == [.pending, .consumed])
      #expect(entries.map(\.consumedBy) == ["v0002", "v0002"])
    }
  }

  @Test(arguments: Backend.allCases) func listsTheQueueByFilterAndPage(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    let ids = try Self.fill(store, 5)
    _ = try store.enqueue(
      [StoreExamples.found(9, property: "other")], origin: StoreExamples.origin("redis", version: "v0004"),
      now: Self.now)
    _ = try store.drop([ids[1]], now: Self.now)
    let page = try store.queueEntries(QueueFilter(application: "nginx", states: [.pending], limit: 2))
    #expect(page.map(\.id) == [ids[0], ids[2]])
    let next = try store.queueEntries(
      QueueFilter(application: "nginx", states: [.pending], after: page[1].sequence, limit: 2))
    #expect(next.map(\.id) == [ids[3], ids[4]])
    #expect(try store.queueEntries(QueueFilter(property: "other")).map(\.origin.application) == ["redis"])
    #expect(try store.queueEntries(QueueFilter(modelVersion: "v0004")).count == 1)
    #expect(try store.queueEntries(QueueFilter(states: [])) == [])
    Self.expectError(.limit) { _ = try store.queueEntries(QueueFilter(limit: -1)) }
  }

  @Test(arguments: Backend.allCases) func refusesLeasesWithoutEndOrOwner(_ backend: Backend) throws {
    let store = try backend.make(in: directory).store
    for duration in [Duration.zero, .seconds(-1), .seconds(86_401)] {
      Self.expectError(.invalid) {
        _ = try store.lease(application: "nginx", limit: 1, owner: "a", duration: duration, now: Self.now)
      }
    }
    Self.expectError(.invalid) {
      _ = try store.lease(application: "nginx", limit: 1, owner: "", duration: .seconds(1), now: Self.now)
    }
    Self.expectError(.limit) {
      _ = try store.lease(application: "nginx", limit: 1 << 40, owner: "a", duration: .seconds(1), now: Self.now)
    }
  }

  // MARK: The training loop

  @Test(arguments: Backend.allCases) func keepsTheLastStateOfEachLoop(_ backend: Backend) throws {
    let under = try backend.make(in: directory)
    #expect(try under.store.loopState(application: "nginx") == nil)
    try under.store.saveLoopState(application: "nginx", [1, 0, 255], now: Self.now)
    try under.store.saveLoopState(application: "redis", [], now: Self.now)
    try under.store.saveLoopState(application: "nginx", [2], now: Self.now)
    let store = try under.openAgain()
    #expect(try store.loopState(application: "nginx") == [2])
    #expect(try store.loopState(application: "redis") == [])
    try store.removeLoopState(application: "nginx")
    #expect(try store.loopState(application: "nginx") == nil)
    Self.expectError(.limit) {
      try store.saveLoopState(
        application: "nginx", [UInt8](repeating: 0, count: StoreBounds.loopStateBytes + 1), now: Self.now)
    }
  }

  // MARK: A model of the queue

  /// Random operations on a store and on a dictionary of states must agree.
  @Test(arguments: Backend.allCases, [UInt64(1), 2, 3, 4]) func agreesWithASimpleModel(_ backend: Backend, seed: UInt64)
    throws
  {
    print("seed \(seed)")
    let store = try backend.make(in: directory).store
    var random = SeededGenerator(seed: seed)
    var states: [String: QueueEntry.State] = [:]
    var holders: [String: String] = [:]
    let ids = (0..<12).map { QueueEntry.id(application: "nginx", found: StoreExamples.found($0)) }
    for step in 0..<300 {
      let number = Int.random(in: 0..<12, using: &random)
      let id = ids[number]
      let owner = ["a", "b"][Int.random(in: 0..<2, using: &random)]
      // Each step is a network of its own, and no lease of a thousand seconds expires in three hundred steps.
      let now = Self.after(Double(step))
      let version = "v\(step)"
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        let outcome = try store.enqueue(
          [StoreExamples.found(number)], origin: StoreExamples.origin(version: version), now: now)
        switch states[id] {
        case nil: #expect(outcome.map(\.disposition) == [.added])
        case .consumed: #expect(outcome.map(\.disposition) == [.revived])
        case let state?: #expect(outcome.map(\.disposition) == [.known(state)])
        }
        if states[id] == nil || states[id] == .consumed { states[id] = .pending }
      case 1:
        let leased = try store.lease(
          application: "nginx", limit: 2, owner: owner, duration: .seconds(1000), now: now
        ).map(\.id)
        #expect(leased.count == min(2, states.values.count { $0 == .pending }))
        for id in leased {
          #expect(states[id] == .pending)
          states[id] = .leased
          holders[id] = owner
        }
      case 2:
        let isHeld = states[id] == .leased && holders[id] == owner
        do {
          try store.consume([id], owner: owner, version: version, now: now)
          #expect(isHeld)
          states[id] = .consumed
        } catch {
          #expect(!isHeld)
          #expect(error.code == (states[id] == nil ? .notFound : .leaseLost))
        }
      case 3:
        let isHeld = states[id] == .leased && holders[id] == owner
        #expect(try store.release([id], owner: owner, now: now) == (isHeld ? 1 : 0))
        if isHeld { states[id] = .pending }
      case 4 where states[id] != nil:
        #expect(try store.requeue([id], now: now) == (states[id] == .pending ? 0 : 1))
        states[id] = .pending
      case 5 where states[id] != nil && step % 3 == 0:
        #expect(try store.drop([id], now: now) == (states[id] == .dropped ? 0 : 1))
        states[id] = .dropped
      default: break
      }
      let found = try store.queueEntries(QueueFilter())
      #expect(Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0.state) }) == states, "step \(step)")
    }
  }
}
