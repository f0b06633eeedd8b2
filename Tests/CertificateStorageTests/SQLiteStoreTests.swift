import CertificateStorage
import Certificates
import FoundationEssentials
import GRDB
import Glibc
import TestHelpers
import Testing

@testable import CertificateStorageSQLite

@Suite struct SQLiteStoreTests {
  let directory = TemporaryDirectory()
  var path: String { directory.path + "/store.sqlite" }

  func error(opening path: String) -> StorageError? {
    #expect(throws: StorageError.self) { try SQLiteStore(path: path) }
  }

  @Test func createsTheDirectoriesAboveIt() throws {
    let deep = directory.path + "/a/b/c/store.sqlite"
    #expect(try SQLiteStore(path: deep).integrityProblems() == [])
    #expect(TemporaryDirectory.names(in: directory.path + "/a/b/c").contains("store.sqlite"))
  }

  @Test func flushesEveryTransactionToTheDisk() throws {
    let store = try SQLiteStore(path: path)
    let values = try store.database.read { database in
      try ["synchronous", "journal_mode", "foreign_keys", "user_version", "application_id"].map {
        try String.fetchOne(database, sql: "PRAGMA \($0)")
      }
    }
    #expect(values == ["2", "wal", "1", "\(SQLiteSchema.migrations.count)", "\(0x7650_4C73)"])
  }

  @Test func leavesAForeignDatabaseAsItIs() throws {
    do {
      let other = try DatabaseQueue(path: path)
      try other.write { try $0.execute(sql: "CREATE TABLE other (a)") }
    }
    let before = try SHA256Digest.ofFile(path).sha256
    #expect(error(opening: path)?.code == .foreign)
    #expect(try SHA256Digest.ofFile(path).sha256 == before)
    #expect(TemporaryDirectory.names(in: directory.path) == ["store.sqlite"])
  }

  @Test func leavesAFileThatIsNoDatabaseAsItIs() throws {
    let text = Array("features: {}\n".utf8) + [UInt8](repeating: 65, count: 5000)
    try AtomicFile.write(text, to: path)
    #expect(error(opening: path)?.code == .foreign)
    #expect(try BoundedFile.read(path, maximumBytes: 10_000) == text)
  }

  @Test func takesAnEmptyFileForANewStore() throws {
    try AtomicFile.write([], to: path)
    #expect(try SQLiteStore(path: path).queueEntries(QueueFilter()) == [])
  }

  @Test func refusesAStoreOfALaterVersion() throws {
    do {
      let store = try SQLiteStore(path: path)
      try store.database.write { try $0.execute(sql: "PRAGMA user_version = 99") }
    }
    let error = error(opening: path)
    #expect(error?.code == .newerSchema)
    #expect(
      error?.message
        == "the store \(path) was written by a later vPALs (schema 99, this one knows 2); use that version, or another "
        + "store")
  }

  @Test func refusesADirectoryInPlaceOfTheFile() throws {
    #expect(error(opening: directory.path)?.code == .unavailable)
    try AtomicFile.write([], to: directory.path + "/file")
    #expect(error(opening: directory.path + "/file/store.sqlite")?.code == .unavailable)
  }

  @Test func reportsDamagedPages() throws {
    do {
      let store = try SQLiteStore(path: path)
      _ = try store.enqueue(
        (0..<200).map { StoreExamples.found($0) }, origin: StoreExamples.origin(), now: StoreExamples.start)
    }
    var bytes = try BoundedFile.read(path, maximumBytes: 1 << 24)
    #expect(bytes.count > 16 * 4096)
    for page in 8..<16 {
      bytes.replaceSubrange((page * 4096)..<(page * 4096 + 200), with: repeatElement(0xA5, count: 200))
    }
    try AtomicFile.write(bytes, to: path)
    let store = try SQLiteStore(path: path)
    do throws(StorageError) {
      let problems = try store.integrityProblems()
      #expect(!problems.isEmpty)
    } catch {
      #expect(error.code == .corrupt)
    }
  }

  @Test func findsACertificateWhoseBytesWereChanged() throws {
    let store = try SQLiteStore(path: path)
    let id = try store.record(
      VerificationRecord(certificate: StoreExamples.certificate(), found: []), now: StoreExamples.start
    ).certificateID
    let other = try StoreExamples.certificate(version: "v0009").encoded()
    try store.database.write { try $0.execute(sql: "UPDATE certificates SET content = ?", arguments: [Data(other)]) }
    let error = #expect(throws: StorageError.self) { try store.certificate(id: id) }
    #expect(error?.code == .corrupt)
  }

  @Test func findsAnEntryWhoseNumbersWereChanged() throws {
    let store = try SQLiteStore(path: path)
    _ = try store.enqueue([StoreExamples.found(1)], origin: StoreExamples.origin(), now: StoreExamples.start)
    for change in ["x = '[7]'", "x = '[\"7\"'", "fx = '1/0'", "magnitude = 'NaN'"] {
      try store.database.write { try $0.execute(sql: "UPDATE queue SET \(change)") }
      let error = #expect(throws: StorageError.self, "\(change)") { try store.queueEntries(QueueFilter()) }
      #expect(error?.code == .corrupt)
    }
  }

  @Test func theTablesThemselvesRefuseIllegalStates() throws {
    let store = try SQLiteStore(path: path)
    _ = try store.enqueue([StoreExamples.found(1)], origin: StoreExamples.origin(), now: StoreExamples.start)
    for change in [
      "state = 'lost'", "state = 'leased'", "state = 'leased', leased_by = 'a'", "state = 'consumed', leased_by = 'a'",
      "leased_by = 'a'", "lease_expires = 1", "fx_prime = NULL",
    ] {
      #expect(throws: DatabaseError.self, "\(change)") {
        try store.database.write { try $0.execute(sql: "UPDATE queue SET \(change)") }
      }
    }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a small file system (root)"))
  func oneErrorOnAFullDiskAndNothingHalfWritten() throws {
    let disk = try #require(SmallDisk(kibibytes: 512))
    defer { withExtendedLifetime(disk) {} }
    let path = disk.path + "/store.sqlite"
    let store = try SQLiteStore(path: path)
    var stored = 0
    var failure: StorageError?
    while failure == nil, stored < 100_000 {
      do throws(StorageError) {
        _ = try store.record(
          VerificationRecord(
            certificate: StoreExamples.certificate(seconds: stored),
            found: (stored..<stored + 3).map { StoreExamples.found($0) }), now: StoreExamples.start)
        stored += 3
      } catch {
        failure = error
      }
    }
    #expect(failure?.code == .noSpace)
    #expect(
      failure?.message
        == "cannot use the store \(path): no space is left on the file system; free some and run the command again")
    #expect(stored > 0)
    // What was acknowledged is there, and nothing else.
    #expect(try store.queueEntries(QueueFilter()).count == stored)
    #expect(try store.certificates(CertificateFilter()).count == stored / 3)
    #expect(try store.integrityProblems() == [])
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a small file system (root)"))
  func oneErrorWhenThereIsNoRoomForANewStore() throws {
    let disk = try #require(SmallDisk(kibibytes: 32))
    defer { withExtendedLifetime(disk) {} }
    #expect(error(opening: disk.path + "/store.sqlite")?.code == .noSpace)
    // Not a store, not a foreign file: once there is room, the same path works.
    try AtomicFile.write(try BoundedFile.read(disk.path + "/store.sqlite", maximumBytes: 1 << 20), to: path)
    #expect(try SQLiteStore(path: path).integrityProblems() == [])
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a small file system (root)"))
  func oneErrorOnAReadOnlyFileSystem() throws {
    let disk = try #require(SmallDisk(kibibytes: 1024))
    defer { withExtendedLifetime(disk) {} }
    do { _ = try SQLiteStore(path: disk.path + "/store.sqlite") }
    try #require(disk.makeReadOnly())
    for name in ["store.sqlite", "new.sqlite", "deep/new.sqlite"] {
      let error = error(opening: disk.path + "/" + name)
      #expect(error?.code == .readOnly)
      #expect(
        error?.message.hasSuffix("the file system is mounted read-only; choose a place that can be written") == true)
    }
  }

  @Test(.enabled(if: getuid() != 0, "root may write everywhere")) func oneErrorInADirectoryWithoutPermission() throws {
    chmod(directory.path, 0o555)
    defer { chmod(directory.path, 0o755) }
    #expect(error(opening: path)?.code == .readOnly)
  }
}
