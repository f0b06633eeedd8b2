public import CertificateStorage
import Certificates
import GRDB
import Glibc

/// The store in one SQLite file, through GRDB: write-ahead log, `synchronous = FULL`, foreign keys on.
///
/// Every change runs in an immediate transaction and waits up to ``busySeconds`` for other processes; what a call has
/// returned survives a kill and, as far as the disk keeps its word, a loss of power.
public final class SQLiteStore: Store {
  /// How long a call waits for another process's transaction.
  public static let busySeconds = 10

  public let path: String
  let maximumOpenEntries: Int
  let database: DatabaseQueue

  /// Opens the store at `path`; creates it, and the directories above it, when there is none.
  ///
  /// - Parameter maximumOpenEntries: The most pending and leased entries of one application.
  /// - Throws: ``StorageError``: `.foreign`, `.newerSchema`, `.noSpace`, `.readOnly`, `.unavailable`, `.busy`,
  ///   `.corrupt`. A file of another program is left as it is.
  public init(path: String, maximumOpenEntries: Int = StoreBounds.openEntries) throws(StorageError) {
    self.path = path
    self.maximumOpenEntries = maximumOpenEntries
    let directory = Self.directory(of: path)
    try Self.createDirectories(directory, for: path)
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw SQLiteFailure.unavailable(path, "it is not a regular file; check the path")
    }
    if let failure = SQLiteFailure.obstacle(path) { throw SQLiteFailure.system(path, failure) }
    // Two processes that both make a new file into a store would meet in SQLite's change of the journal mode, which
    // does not wait; so one after the other.
    guard let lock = FileDescriptor(path: directory, flags: O_RDONLY | O_DIRECTORY),
      lock.lock(waitingUpTo: Self.busySeconds)
    else { throw SQLiteFailure.system(path, .last) }
    defer { withExtendedLifetime(lock) {} }

    var configuration = Configuration()
    configuration.label = "vpals-store"
    configuration.busyMode = .timeout(Double(Self.busySeconds))
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = FULL")
      try database.execute(sql: "PRAGMA trusted_schema = OFF")
    }
    do {
      database = try DatabaseQueue(path: path, configuration: configuration)
      try database.writeWithoutTransaction { try SQLiteSchema.prepare($0, path: path) }
    } catch {
      throw SQLiteFailure.map(error, path: path)
    }
  }

  /// Runs `body` in an immediate transaction; on an error nothing of it stays.
  func change<T>(_ body: (Database) throws -> T) throws(StorageError) -> T {
    do {
      return try database.writeWithoutTransaction { database in
        var result: T?
        try database.inTransaction(.immediate) {
          result = try body(database)
          return .commit
        }
        guard let result else { throw SQLiteFailure.unavailable(path, "a transaction ended without a result") }
        return result
      }
    } catch {
      throw SQLiteFailure.map(error, path: path)
    }
  }

  /// Runs `body` on one snapshot of the store.
  func look<T>(_ body: (Database) throws -> T) throws(StorageError) -> T {
    do {
      return try database.read(body)
    } catch {
      throw SQLiteFailure.map(error, path: path)
    }
  }

  public func integrityProblems() throws(StorageError) -> [String] {
    try look { database in
      let structure = try String.fetchAll(database, sql: "PRAGMA integrity_check(100)").filter { $0 != "ok" }
      let references = try Row.fetchAll(database, sql: "SELECT * FROM pragma_foreign_key_check LIMIT 100").map {
        "a row of \($0["table"] as String? ?? "?") refers to a missing row of \($0["parent"] as String? ?? "?")"
      }
      return structure + references
    }
  }

  /// The directory part of a path, `.` when there is none.
  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func createDirectories(_ directory: String, for path: String) throws(StorageError) {
    var status = stat()
    if stat(directory, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw SQLiteFailure.system(path, SystemFailure(errorNumber: ENOTDIR))
      }
      return
    }
    let parent = Self.directory(of: directory)
    if parent != directory { try createDirectories(parent, for: path) }
    // Another process may have made it in between.
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw SQLiteFailure.system(path, .last) }
  }
}
