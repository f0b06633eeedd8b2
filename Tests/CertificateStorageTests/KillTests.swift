import CertificateStorage
import CertificateStorageSQLite
import Certificates
import FoundationEssentials
import Glibc
import TestHelpers
import Testing

/// Kills processes at random moments (SIGKILL) and looks at what they left. The killed program is `store-exerciser`.
@Suite struct KillTests {
  /// Belongs to the suite's instance, of which every test has its own, and so outlives the stores in it.
  let directory = TemporaryDirectory()

  /// What the exerciser had acknowledged, over all rounds.
  struct Ledger {
    var added: Set<String> = []
    var certificates: Set<String> = []
    var consumed: [String: String] = [:]
    var lastState: String?

    /// - Returns: Whether the line makes sense after the lines before it.
    mutating func read(_ line: String) -> Bool {
      let words = line.split(separator: " ").map(String.init)
      switch (words.first, words.count) {
      case ("certificate", 2): return certificates.insert(words[1]).inserted
      case ("added", 2): return added.insert(words[1]).inserted
      case ("leased", 2): return consumed[words[1]] == nil
      case ("consumed", 3): return consumed.updateValue(words[2], forKey: words[1]) == nil
      case ("state", 2):
        lastState = line
        return true
      default: return false
      }
    }
  }

  static func entries(of store: SQLiteStore) throws -> [QueueEntry] {
    var all: [QueueEntry] = []
    while true {
      let page = try store.queueEntries(QueueFilter(after: all.last?.sequence ?? 0, limit: 500))
      if page.isEmpty { return all }
      all += page
    }
  }

  @Test func aKilledProcessLosesNothingAndDoublesNothing() throws {
    let seed: UInt64 = 20_260_501
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let path = directory.path + "/store.sqlite"
    var ledger = Ledger()
    var count = 0
    for round in 1...40 {
      let lines = Int.random(in: 0..<50, using: &random)
      let child = try #require(
        ChildProcess(ChildProcess.built("store-exerciser"), ["loop", path, "\(count)", "\(round)"]))
      for _ in 0..<lines {
        let line = try #require(child.line(), "round \(round): the exerciser ended by itself")
        let isSound = ledger.read(line)
        #expect(isSound, "round \(round): \(line)")
      }
      // A little further into the next step, wherever that is.
      var spin = UInt64(0)
      for _ in 0..<Int.random(in: 0..<300_000, using: &random) { spin &+= random.next() }
      child.killNow()
      for line in child.rest() {
        let isSound = ledger.read(line)
        #expect(isSound, "round \(round): \(line) (\(spin))")
      }
      #expect(child.wait() == 128 + 9)

      let store = try SQLiteStore(path: path)
      #expect(try store.integrityProblems() == [])
      let entries = try Self.entries(of: store)
      let states = Dictionary(entries.map { ($0.id, $0.state) }, uniquingKeysWith: { first, _ in first })
      #expect(states.count == entries.count, "round \(round): doubled")
      // Verifications are there in full or not at all, in order, at most one of them not acknowledged.
      #expect(entries.map(\.found) == (0..<entries.count).map { StoreExamples.found($0) })
      #expect(entries.count % 3 == 0)
      #expect(try store.certificates(CertificateFilter(limit: StoreBounds.page)).count == entries.count / 3)
      #expect(ledger.added.allSatisfy { states[$0] != nil })
      #expect((ledger.added.count...ledger.added.count + 3).contains(entries.count))
      // Nothing consumed came back, and at most one batch was consumed without word of it.
      for (id, version) in ledger.consumed {
        #expect(states[id] == .consumed, "round \(round): \(id)")
        #expect(entries.first { $0.id == id }?.consumedBy == version)
      }
      let consumed = entries.filter { $0.state == .consumed }
      #expect((ledger.consumed.count...ledger.consumed.count + 2).contains(consumed.count))
      #expect(entries.count { $0.state == .leased } <= 2)
      let state = try store.loopState(application: "nginx").map { String(decoding: $0, as: UTF8.self) }
      #expect(state != nil || ledger.lastState == nil)

      // What was done without word of it is done: from now on it must stay so as well.
      ledger.added = Set(states.keys)
      for entry in consumed { ledger.consumed[entry.id] = entry.consumedBy }
      count = entries.count
    }
    #expect(ledger.consumed.count > 100, "the rounds were long enough to mean something")
  }

  @Test func aProcessKilledWhileItCreatesAStoreLeavesOneThatOpens() throws {
    let seed: UInt64 = 99
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for round in 1...30 {
      let place = "\(directory.path)/\(round)"
      let path = place + "/store.sqlite"
      let child = try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["loop", path, "0", "1"]))
      // As soon as SQLite has made its file, and then a little further.
      for _ in 0..<10_000_000 {
        guard TemporaryDirectory.names(in: place).isEmpty else { break }
        sched_yield()
      }
      var spin = UInt64(0)
      for _ in 0..<Int.random(in: 0..<60_000, using: &random) { spin &+= random.next() }
      child.killNow()
      let lines = child.rest()
      #expect(child.wait() == 128 + 9)
      let store = try SQLiteStore(path: path)
      #expect(try store.integrityProblems() == [], "round \(round) (\(spin))")
      let count = try store.queueEntries(QueueFilter()).count
      #expect(count >= lines.count { $0.hasPrefix("added") })
    }
  }

  @Test func twoProcessesNeverConsumeTheSameEntry() throws {
    let path = directory.path + "/store.sqlite"
    let ids = try SQLiteStore(path: path).enqueue(
      (0..<200).map { StoreExamples.found($0) }, origin: StoreExamples.origin(), now: StoreExamples.start
    ).map(\.id)
    let owners = ["first", "second", "third"]
    let children = try owners.map {
      try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["drain", path, $0]))
    }
    var consumed: [String: String] = [:]
    for child in children {
      for line in child.rest() {
        let words = line.split(separator: " ").map(String.init)
        try #require(words.count == 3 && words[0] == "consumed", "\(line)")
        #expect(consumed.updateValue(words[2], forKey: words[1]) == nil, "consumed twice: \(line)")
      }
      #expect(child.wait() == 0)
    }
    #expect(Set(consumed.keys) == Set(ids))
    let entries = try SQLiteStore(path: path).queueEntries(QueueFilter())
    #expect(entries.allSatisfy { $0.state == .consumed && $0.leaseCount == 1 && $0.leasedBy == consumed[$0.id] })
  }

  @Test func processesThatCreateTheSameStoreAtOnceAllSucceed() throws {
    for round in 0..<5 {
      let path = "\(directory.path)/\(round)/deep/store.sqlite"
      let children = try (0..<4).map {
        try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["drain", path, "owner-\($0)"]))
      }
      for child in children {
        #expect(child.rest() == [])
        #expect(child.wait() == 0)
      }
    }
  }

  @Test func aKilledWriterLeavesWholeFilesAndTheNextOneCleansUp() throws {
    let seed: UInt64 = 7
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for round in 1...30 {
      let child = try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["files", directory.path]))
      for _ in 0..<Int.random(in: 1..<4, using: &random) { #expect(child.line()?.hasPrefix("error") == false) }
      var spin = UInt64(0)
      for _ in 0..<Int.random(in: 0..<200_000, using: &random) { spin &+= random.next() }
      child.killNow()
      #expect(child.rest().allSatisfy { !$0.hasPrefix("error") }, "round \(round) (\(spin))")
      #expect(child.wait() == 128 + 9)

      let content = try BoundedFile.read(directory.path + "/file", maximumBytes: 1 << 20)
      #expect(content.count == 1 << 20 && Set(content).count == 1)
      for name in TemporaryDirectory.names(in: directory.path) where name.hasPrefix("v") && !name.contains("partial") {
        #expect(TemporaryDirectory.names(in: "\(directory.path)/\(name)") == ["a", "b", "c"])
        let files = try ["a", "b", "c"].map { try SHA256Digest.ofFile("\(directory.path)/\(name)/\($0)").sha256 }
        #expect(Set(files).count == 1)
      }
    }
    try AtomicFile.write([1], to: directory.path + "/file")
    try AtomicDirectory.write(["a": [1]], to: directory.path + "/last")
    #expect(
      TemporaryDirectory.names(in: directory.path).allSatisfy { !$0.contains("tmp-") && !$0.contains("partial") })
  }
}
