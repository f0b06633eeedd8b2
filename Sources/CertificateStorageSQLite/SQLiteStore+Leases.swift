public import CertificateStorage
import Certificates
public import FoundationEssentials
import GRDB

extension SQLiteStore {
  public func lease(application: String, limit: Int, owner: String, duration: Duration, now: Date)
    throws(StorageError) -> [QueueEntry]
  {
    try StoreBounds.check(name: owner, as: "the owner of a lease")
    try StoreBounds.check(count: limit, atMost: StoreBounds.batch, of: "leased entries")
    try StoreBounds.check(lease: duration)
    let time = Timestamp(now)
    return try change { database in
      try database.execute(
        sql: """
          UPDATE queue SET state = 'pending', leased_by = NULL, lease_expires = NULL, changed_at = :now
          WHERE application = :application AND state = 'leased' AND lease_expires <= :now
          """,
        arguments: ["application": application, "now": time.milliseconds])
      let ids = try String.fetchAll(
        database,
        sql: "SELECT id FROM queue WHERE application = ? AND state = 'pending' ORDER BY sequence LIMIT ?",
        arguments: [application, limit])
      return try ids.map { id in
        try database.execute(
          sql: """
            UPDATE queue SET state = 'leased', leased_by = ?, lease_expires = ?, lease_count = lease_count + 1,
              changed_at = ? WHERE id = ?
            """,
          arguments: [owner, time.advanced(by: duration).milliseconds, time.milliseconds, id])
        return try entry(try row(id, in: database))
      }
    }
  }

  public func renew(_ ids: [String], owner: String, duration: Duration, now: Date) throws(StorageError) {
    try StoreBounds.check(count: ids.count, atMost: StoreBounds.batch, of: "entries")
    try StoreBounds.check(lease: duration)
    try change { database in
      for id in ids {
        try requireLease(try row(id, in: database), owner: owner)
        try database.execute(
          sql: "UPDATE queue SET lease_expires = ? WHERE id = ?",
          arguments: [Timestamp(now).advanced(by: duration).milliseconds, id])
      }
    }
  }

  public func consume(_ ids: [String], owner: String, version: String, now: Date) throws(StorageError) {
    try StoreBounds.check(count: ids.count, atMost: StoreBounds.batch, of: "entries")
    try StoreBounds.check(name: version, as: "the consuming version")
    try change { database in
      for id in ids {
        let fields = try row(id, in: database)
        let state: String = try fields("state")
        let holder: String? = try fields[optional: "leased_by"]
        let consumedBy: String? = try fields[optional: "consumed_by"]
        // The answer to the same call was lost; in the second case the pair was found in the new version meanwhile.
        let isRepeated = consumedBy == version && (state == "consumed" && holder == owner || state == "pending")
        if isRepeated { continue }
        try requireLease(fields, owner: owner)
        // A verification of the new version may be recorded before its training is: what it found during the lease
        // must not count as cured.
        let foundAgain =
          try Bool.fetchOne(
            database,
            sql:
              "SELECT EXISTS (SELECT * FROM queue_findings WHERE entry_id = ? AND model_version = ? AND found_at >= ?)",
            arguments: [id, version, try fields("changed_at") as Int]) ?? false
        try database.execute(
          sql: """
            UPDATE queue SET state = :state, leased_by = :owner, lease_expires = NULL, consumed_by = :version,
              changed_at = :now WHERE id = :id
            """,
          arguments: [
            "state": foundAgain ? "pending" : "consumed", "owner": foundAgain ? nil : owner, "version": version,
            "now": Timestamp(now).milliseconds, "id": id,
          ])
      }
    }
  }

  public func release(_ ids: [String], owner: String, now: Date) throws(StorageError) -> Int {
    try StoreBounds.check(count: ids.count, atMost: StoreBounds.batch, of: "entries")
    return try change { database in
      try ids.reduce(0) { count, id in
        try database.execute(
          sql: """
            UPDATE queue SET state = 'pending', leased_by = NULL, lease_expires = NULL, changed_at = ?
            WHERE id = ? AND state = 'leased' AND leased_by = ?
            """,
          arguments: [Timestamp(now).milliseconds, id, owner])
        return count + database.changesCount
      }
    }
  }

  public func requeue(_ ids: [String], now: Date) throws(StorageError) -> Int {
    try move(ids, to: .pending, now: now)
  }

  public func drop(_ ids: [String], now: Date) throws(StorageError) -> Int {
    try move(ids, to: .dropped, now: now)
  }

  private func move(_ ids: [String], to state: QueueEntry.State, now: Date) throws(StorageError) -> Int {
    try StoreBounds.check(count: ids.count, atMost: StoreBounds.batch, of: "entries")
    return try change { database in
      try ids.reduce(0) { count, id in
        _ = try row(id, in: database)
        try database.execute(
          sql: """
            UPDATE queue SET state = :state, leased_by = NULL, lease_expires = NULL, changed_at = :now
            WHERE id = :id AND state <> :state
            """,
          arguments: ["state": state.rawValue, "now": Timestamp(now).milliseconds, "id": id])
        return count + database.changesCount
      }
    }
  }

  private func row(_ id: String, in database: Database) throws -> SQLiteFields {
    let rows = try Row.fetchAll(database, sql: "SELECT * FROM queue WHERE id = ?", arguments: [id])
    return try single(rows, id: id, what: "queue entry", list: "vpals queue list")
  }

  private func requireLease(_ fields: SQLiteFields, owner: String) throws(StorageError) {
    let state: String = try fields("state")
    let holder: String? = try fields[optional: "leased_by"]
    guard state == "leased", holder == owner else {
      let now = state == "leased" ? "leased by \(holder ?? "nobody")" : state
      throw StorageError(
        .leaseLost,
        "\(owner) no longer holds the queue entry \(try fields("id") as String): it is \(now); lease entries again and repeat "
          + "the training")
    }
  }
}
