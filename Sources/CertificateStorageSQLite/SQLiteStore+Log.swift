public import CertificateStorage
import Certificates
public import FoundationEssentials
import GRDB
import TransparencyLog

extension SQLiteStore {
  public func revoke(certificate id: String, reason: String, now: Date) throws(StorageError) -> String {
    try StoreBounds.check(reason: reason)
    let stored = try certificate(id: id)
    let time = Timestamp(now)
    return try change { database in
      let name = CertificateEvents.Name(stored.certificate)
      guard
        let row = try Row.fetchOne(
          database,
          sql: """
            SELECT issued, revoked_at FROM certificates LEFT JOIN revocations ON certificate_id = id WHERE id = ?
            """, arguments: [name.id])
      else { throw SQLiteFailure.corrupt(path, "certificate \(name.id) has gone") }
      let fields = SQLiteFields(row: row, path: path)
      guard try fields("issued") else {
        throw StorageError(
          .invalid,
          "certificate \(name.id.prefix(12)) is of a candidate that was never written beside a model; there is nothing to "
            + "revoke")
      }
      if let earlier: Int = try fields[optional: "revoked_at"] {
        throw StorageError(
          .invalid,
          "certificate \(name.id.prefix(12)) is revoked already, since \(Timestamp(milliseconds: earlier))")
      }
      try revoke(name, Revocation(cause: .operator, reason: reason, revokedAt: time), in: database)
      return name.id
    }
  }

  /// Revokes a certificate and lets the log know.
  private func revoke(_ name: CertificateEvents.Name, _ revocation: Revocation, in database: Database) throws {
    try database.execute(
      sql: "INSERT INTO revocations (certificate_id, cause, reason, revoked_at) VALUES (?, ?, ?, ?)",
      arguments: [name.id, revocation.cause.rawValue, revocation.reason, revocation.revokedAt.milliseconds])
    try add(CertificateEvents.revoked(name, revocation), of: name.id, in: database)
  }

  /// Revokes every issued certificate of the network that a counterexample was found in, when it claims the property to
  /// hold. Which property is meant, the meaning of its queries decides: the specification may have another digest since.
  ///
  /// - Parameter certificate: That the counterexamples come with; nil when they come alone, then they refute
  ///   certificates for the specification of `origin`.
  func revoke(
    refutedBy entries: [NewEntry], origin: QueueOrigin, certificate: Certificate?, at time: Timestamp,
    in database: Database
  ) throws {
    guard !entries.isEmpty else { return }
    let ids = try String.fetchAll(
      database,
      sql: """
        SELECT certificates.id FROM certificates JOIN models ON models.id = model_id
        LEFT JOIN revocations ON certificate_id = certificates.id
        WHERE models.network_digest = ? AND issued AND holds > 0 AND revoked_at IS NULL ORDER BY sequence
        """, arguments: [origin.networkDigest])
    for id in ids {
      guard
        let row = try Row.fetchOne(
          database,
          sql: """
            SELECT content, models.name, models.version, specification
            FROM certificates JOIN models ON models.id = model_id WHERE certificates.id = ?
            """, arguments: [id])
      else { continue }
      let fields = SQLiteFields(row: row, path: path)
      let content: Data = try fields("content")
      // What an earlier version wrote and this one cannot read proves nothing here.
      guard let claims = try? UncheckedCertificate(bytes: Array(content), file: "certificate \(id)").claims else {
        continue
      }
      let refuting = entries.first { entry in
        claims.properties.contains { record in
          guard record.outcome == .holds, record.id == entry.found.property else { return false }
          if claims.specification.digest == origin.specificationDigest { return true }
          let own = certificate?.properties.first { $0.id == record.id }?.queryDigests
          return own == record.queryDigests
        }
      }
      guard let refuting else { continue }
      let directory: String = "\(try fields("name") as String)/\(try fields("version") as String)"
      let name = CertificateEvents.Name(
        id: id, path: "\(directory)/\(try fields("specification") as String).intoto.json")
      try add(
        CertificateEvents.counterexample(to: name, property: refuting.found.property, entry: refuting.id, at: time),
        of: id, in: database)
      let reason = "counterexample \(refuting.id.prefix(12)) to \(refuting.found.property)"
      try revoke(name, Revocation(cause: .counterexample, reason: reason, revokedAt: time), in: database)
    }
  }

  /// Runs `body` as ``change(_:)`` does. When the queue is full, nothing of it stays but what the counterexamples revoke:
  /// that no certificate that is known to be wrong may outlive its refutation for want of room.
  func revokingAlsoWhenFull<T>(
    _ entries: [NewEntry], origin: QueueOrigin, certificate: Certificate?, at time: Timestamp,
    _ body: (Database) throws -> T
  ) throws(StorageError) -> T {
    do throws(StorageError) {
      return try change(body)
    } catch {
      if error.code == .limit {
        try change { database in
          try revoke(refutedBy: entries, origin: origin, certificate: certificate, at: time, in: database)
        }
      }
      throw error
    }
  }

  /// Puts an issued certificate, and what it takes the place of, among the entries that wait for the log.
  func logIssue(
    of certificate: UncheckedCertificate, superseding old: String?, at time: Timestamp, in database: Database
  ) throws {
    let name = CertificateEvents.Name(certificate)
    try add(CertificateEvents.issued(certificate, at: time), of: name.id, in: database)
    guard let old, old != name.id else { return }
    let superseded = CertificateEvents.Name(id: old, path: name.path)
    try add(CertificateEvents.superseded(superseded, by: name, at: time), of: name.id, in: database)
  }

  private func add(_ entry: LogEntry, of certificate: String, in database: Database) throws {
    let bytes: [UInt8]
    do throws(LogError) {
      bytes = try entry.encoded()
    } catch {
      throw StorageError(.invalid, "an entry for the log cannot be written: \(error)")
    }
    try database.execute(
      sql: "INSERT INTO log_entries (certificate_id, kind, content) VALUES (?, ?, ?)",
      arguments: [certificate, entry.kind.rawValue, Data(bytes)])
  }

  public func publishLogEntries(
    to origin: String, limit: Int, _ publish: ([[UInt8]], Int) throws -> (indices: [Int], size: Int)
  ) throws -> Int {
    try StoreBounds.check(count: limit, atMost: StoreBounds.batch, of: "log entries")
    var failure: (any Error)?
    do {
      return try change { database in
        let rows = try Row.fetchAll(
          database,
          sql: """
            SELECT sequence, content FROM log_entries
            WHERE NOT EXISTS (SELECT 1 FROM log_places WHERE entry = sequence AND origin = ?)
              AND (kind IN ('certificate-revoked', 'counterexample-found')
                OR NOT EXISTS (SELECT 1 FROM log_places WHERE entry = sequence))
            ORDER BY sequence LIMIT ?
            """, arguments: [origin, limit]
        ).map { SQLiteFields(row: $0, path: path) }
        guard !rows.isEmpty else { return 0 }
        let sequences: [Int] = try rows.map { try $0("sequence") }
        let entries: [Data] = try rows.map { try $0("content") }
        let position =
          try Int.fetchOne(database, sql: "SELECT size FROM log_positions WHERE origin = ?", arguments: [origin]) ?? 0
        let published: (indices: [Int], size: Int)
        do {
          published = try publish(entries.map(Array.init), position)
        } catch {
          failure = error
          throw error
        }
        precondition(published.indices.count == rows.count, "each entry has a number in the log")
        for (sequence, index) in zip(sequences, published.indices) {
          try database.execute(
            sql: "INSERT INTO log_places (entry, origin, log_index) VALUES (?, ?, ?)",
            arguments: [sequence, origin, index])
        }
        try database.execute(
          sql:
            "INSERT INTO log_positions (origin, size) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size",
          arguments: [origin, published.size])
        return rows.count
      }
    } catch {
      throw failure ?? error
    }
  }
}
