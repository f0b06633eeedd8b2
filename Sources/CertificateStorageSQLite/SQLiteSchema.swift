import GRDB

/// The tables of the store and how they came to be.
enum SQLiteSchema {
  /// `vPLs`: marks the file as ours (SQLite file format, §1.3.15).
  static let applicationID: Int32 = 0x7650_4C73

  /// The schema's version is how many of these have run; it is kept in `user_version`. Never change one that was
  /// released; append.
  static let migrations = [
    """
    CREATE TABLE models (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      version TEXT NOT NULL,
      network_digest TEXT NOT NULL,
      recorded_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX models_by_name ON models (name, version);

    CREATE TABLE model_files (
      model_id TEXT NOT NULL REFERENCES models (id),
      name TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      PRIMARY KEY (model_id, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE certificates (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      model_id TEXT NOT NULL REFERENCES models (id),
      specification TEXT NOT NULL,
      specification_digest TEXT NOT NULL,
      holds INTEGER NOT NULL,
      violated INTEGER NOT NULL,
      unknown INTEGER NOT NULL,
      finished_at INTEGER NOT NULL,
      recorded_at INTEGER NOT NULL,
      content BLOB NOT NULL
    ) STRICT;
    CREATE INDEX certificates_by_model ON certificates (model_id);

    CREATE TABLE queue (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      application TEXT NOT NULL,
      model_version TEXT NOT NULL,
      network_digest TEXT NOT NULL,
      specification_digest TEXT NOT NULL,
      property TEXT NOT NULL,
      query INTEGER NOT NULL,
      x TEXT NOT NULL,
      x_prime TEXT,
      fx TEXT NOT NULL,
      fx_prime TEXT,
      magnitude TEXT NOT NULL,
      engineering TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'consumed', 'dropped')),
      leased_by TEXT,
      lease_expires INTEGER,
      consumed_by TEXT,
      lease_count INTEGER NOT NULL DEFAULT 0,
      created_at INTEGER NOT NULL,
      changed_at INTEGER NOT NULL,
      CHECK ((x_prime IS NULL) = (fx_prime IS NULL)),
      CHECK ((state = 'leased') = (lease_expires IS NOT NULL)),
      CHECK ((state IN ('leased', 'consumed')) = (leased_by IS NOT NULL)),
      CHECK (state <> 'consumed' OR consumed_by IS NOT NULL)
    ) STRICT;
    CREATE INDEX queue_by_state ON queue (application, state, sequence);

    CREATE TABLE queue_findings (
      entry_id TEXT NOT NULL REFERENCES queue (id),
      network_digest TEXT NOT NULL,
      model_version TEXT NOT NULL,
      found_at INTEGER NOT NULL,
      PRIMARY KEY (entry_id, network_digest)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE loop_states (
      application TEXT PRIMARY KEY,
      content BLOB NOT NULL,
      saved_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE certificates ADD COLUMN issued INTEGER NOT NULL DEFAULT 0 CHECK (issued IN (0, 1));
    ALTER TABLE certificates ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX models_by_network ON models (network_digest);

    CREATE TABLE revocations (
      certificate_id TEXT PRIMARY KEY REFERENCES certificates (id),
      cause TEXT NOT NULL CHECK (cause IN ('operator', 'counterexample')),
      reason TEXT NOT NULL,
      revoked_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE log_entries (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      certificate_id TEXT NOT NULL REFERENCES certificates (id),
      kind TEXT NOT NULL,
      content BLOB NOT NULL
    ) STRICT;
    CREATE INDEX log_entries_by_certificate ON log_entries (certificate_id, kind);

    CREATE TABLE log_places (
      entry INTEGER NOT NULL REFERENCES log_entries (sequence),
      origin TEXT NOT NULL,
      log_index INTEGER NOT NULL,
      PRIMARY KEY (entry, origin)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE log_positions (
      origin TEXT PRIMARY KEY,
      size INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
  ]

  /// Refuses a database that is not ours or that a later version wrote, and brings an older or empty one up to date.
  static func prepare(_ database: Database, path: String) throws {
    // Looked at before anything is written: a foreign file must stay as it is, journal mode included.
    try check(database, path: path)
    let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
    guard mode == "wal" else {
      throw SQLiteFailure.unavailable(
        path, "the file system does not support SQLite's write-ahead log; choose a local disk")
    }
    try database.inTransaction(.immediate) {
      try check(database, path: path)
      let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      guard version < migrations.count else { return .commit }
      for migration in migrations[version...] { try database.execute(sql: migration) }
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      try database.execute(sql: "PRAGMA user_version = \(migrations.count)")
      return .commit
    }
  }

  private static func check(_ database: Database, path: String) throws {
    let identity = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if identity == applicationID {
      guard version <= migrations.count else { throw SQLiteFailure.newerSchema(path, version: version) }
      guard version > 0 else { throw SQLiteFailure.corrupt(path, "its schema version is \(version)") }
    } else if identity != 0 || version != 0 || tables != 0 {
      throw SQLiteFailure.foreign(path)
    }
  }
}
