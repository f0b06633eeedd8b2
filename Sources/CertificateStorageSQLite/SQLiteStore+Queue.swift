public import CertificateStorage
import Certificates
import ExactArithmetic
public import FoundationEssentials
import GRDB

/// A counterexample with its identifier and the texts that the queue's columns hold.
struct NewEntry {
  let id: String
  let found: FoundCounterexample
  let x: String
  let xPrime: String?

  static func list(_ found: [FoundCounterexample], application: String) throws(StorageError) -> [NewEntry] {
    try StoreBounds.check(count: found.count, atMost: StoreBounds.batch, of: "counterexamples")
    var entries: [NewEntry] = []
    for item in found {
      try StoreBounds.check(item)
      entries.append(
        NewEntry(
          id: QueueEntry.id(application: application, found: item), found: item, x: text(item.counterexample.x),
          xPrime: item.counterexample.xPrime.map(text)))
    }
    return entries
  }

  /// A point as the canonical JSON of an array of exact numbers.
  private static func text(_ point: [Rational]) -> String {
    String(decoding: CanonicalJSON.encode(.strings(point.map(\.description))), as: UTF8.self)
  }
}

extension SQLiteStore {
  public func enqueue(_ found: [FoundCounterexample], origin: QueueOrigin, now: Date) throws(StorageError)
    -> [QueueOutcome]
  {
    try StoreBounds.check(origin)
    let entries = try NewEntry.list(found, application: origin.application)
    let time = Timestamp(now)
    return try revokingAlsoWhenFull(entries, origin: origin, certificate: nil, at: time) { database in
      let outcomes = try insert(entries, origin: origin, at: time, in: database)
      try revoke(refutedBy: entries, origin: origin, certificate: nil, at: time, in: database)
      return outcomes
    }
  }

  /// Applies the rules of `Store.record`.
  func insert(_ entries: [NewEntry], origin: QueueOrigin, at time: Timestamp, in database: Database) throws
    -> [QueueOutcome]
  {
    guard !entries.isEmpty else { return [] }
    var open =
      try Int.fetchOne(
        database,
        sql: "SELECT count(*) FROM queue WHERE application = ? AND state IN ('pending', 'leased')",
        arguments: [origin.application]) ?? 0
    var outcomes: [QueueOutcome] = []
    for entry in entries {
      let text = try String.fetchOne(database, sql: "SELECT state FROM queue WHERE id = ?", arguments: [entry.id])
      let state = try text.map { try self.state($0, of: entry.id) }
      if state == nil { try add(entry, origin: origin, at: time, in: database) }
      try database.execute(
        sql: "INSERT INTO queue_findings (entry_id, network_digest, model_version, found_at) VALUES (?, ?, ?, ?) "
          + "ON CONFLICT DO NOTHING",
        arguments: [entry.id, origin.networkDigest, origin.modelVersion, time.milliseconds])
      let isNewFinding = database.changesCount > 0
      let disposition: QueueOutcome.Disposition
      switch state {
      case nil: disposition = .added
      case .consumed where isNewFinding:
        try revive(entry, origin: origin, at: time, in: database)
        disposition = .revived
      case let known?: disposition = .known(known)
      }
      if disposition == .added || disposition == .revived { open += 1 }
      outcomes.append(QueueOutcome(id: entry.id, disposition: disposition))
    }
    guard open <= maximumOpenEntries else {
      throw StorageError(
        .limit,
        "the retraining queue of \(origin.application) would have \(open) open entries, more than "
          + "\(maximumOpenEntries); train with some or drop some (`vpals queue drop`)")
    }
    return outcomes
  }

  private func add(_ entry: NewEntry, origin: QueueOrigin, at time: Timestamp, in database: Database) throws {
    let example = entry.found.counterexample
    try database.execute(
      sql: """
        INSERT INTO queue (id, application, model_version, network_digest, specification_digest, property, query, x,
          x_prime, fx, fx_prime, magnitude, engineering, state, created_at, changed_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)
        """,
      arguments: [
        entry.id, origin.application, origin.modelVersion, origin.networkDigest, origin.specificationDigest,
        entry.found.property, example.query, entry.x, entry.xPrime, example.fx.description,
        example.fxPrime?.description, example.drop.description, entry.found.engineering, time.milliseconds,
        time.milliseconds,
      ])
  }

  private func revive(_ entry: NewEntry, origin: QueueOrigin, at time: Timestamp, in database: Database) throws {
    let example = entry.found.counterexample
    try database.execute(
      sql: """
        UPDATE queue SET model_version = ?, network_digest = ?, specification_digest = ?, query = ?, fx = ?,
          fx_prime = ?, magnitude = ?, engineering = ?, state = 'pending', leased_by = NULL, changed_at = ?
        WHERE id = ?
        """,
      arguments: [
        origin.modelVersion, origin.networkDigest, origin.specificationDigest, example.query, example.fx.description,
        example.fxPrime?.description, example.drop.description, entry.found.engineering, time.milliseconds, entry.id,
      ])
  }

  public func queueEntries(_ filter: QueueFilter) throws(StorageError) -> [QueueEntry] {
    try StoreBounds.check(count: filter.limit, atMost: StoreBounds.page, of: "rows")
    // Each `?` stands for one of at most four states.
    let states = filter.states.map(\.rawValue).sorted()
    let marks = states.map { _ in "?" }.joined(separator: ", ")
    var conditions = ["sequence > ?", "state IN (\(marks))"]
    var arguments: StatementArguments = [filter.after]
    arguments += StatementArguments(states)
    for (column, value) in [
      ("application", filter.application), ("property", filter.property), ("model_version", filter.modelVersion),
    ] {
      guard let value else { continue }
      conditions.append("\(column) = ?")
      arguments += [value]
    }
    arguments += [filter.limit]
    let sql = "SELECT * FROM queue WHERE \(conditions.joined(separator: " AND ")) ORDER BY sequence LIMIT ?"
    return try look {
      try Row.fetchAll($0, sql: sql, arguments: arguments).map { try entry(SQLiteFields(row: $0, path: path)) }
    }
  }

  public func queueEntry(id: String) throws(StorageError) -> QueueEntry {
    try StoreBounds.check(identifier: id)
    return try look { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT * FROM queue WHERE id >= ? AND id < ? LIMIT 2", arguments: [id, id + "g"])
      return try entry(try single(rows, id: id, what: "queue entry", list: "vpals queue list"))
    }
  }

  public func queueCounts(application: String?) throws(StorageError) -> QueueCounts {
    try look { database in
      let rows = try Row.fetchAll(
        database,
        sql: "SELECT state, count(*) AS number FROM queue WHERE (:name IS NULL OR application = :name) GROUP BY state",
        arguments: ["name": application])
      var counts: [QueueEntry.State: Int] = [:]
      for row in rows {
        let fields = SQLiteFields(row: row, path: path)
        counts[try state(try fields("state"), of: "?")] = try fields("number") as Int
      }
      return QueueCounts(
        pending: counts[.pending] ?? 0, leased: counts[.leased] ?? 0, consumed: counts[.consumed] ?? 0,
        dropped: counts[.dropped] ?? 0)
    }
  }

  /// The entry of a full row of `queue`.
  func entry(_ fields: SQLiteFields) throws -> QueueEntry {
    let id: String = try fields("id")
    let xPrime: String? = try fields[optional: "x_prime"]
    let fxPrime: String? = try fields[optional: "fx_prime"]
    let leaseExpires: Int? = try fields[optional: "lease_expires"]
    return QueueEntry(
      id: id, sequence: try fields("sequence"),
      origin: QueueOrigin(
        application: try fields("application"), modelVersion: try fields("model_version"),
        networkDigest: try fields("network_digest"), specificationDigest: try fields("specification_digest")),
      found: FoundCounterexample(
        property: try fields("property"),
        counterexample: Counterexample(
          query: try fields("query"), x: try point(try fields("x"), of: id),
          xPrime: try xPrime.map { try point($0, of: id) }, fx: try number(try fields("fx"), of: id),
          fxPrime: try fxPrime.map { try number($0, of: id) }, drop: try number(try fields("magnitude"), of: id)),
        engineering: try fields("engineering")),
      state: try state(try fields("state"), of: id), leasedBy: try fields[optional: "leased_by"],
      leaseExpires: leaseExpires.map(Timestamp.init(milliseconds:)), consumedBy: try fields[optional: "consumed_by"],
      leaseCount: try fields("lease_count"), createdAt: Timestamp(milliseconds: try fields("created_at")),
      changedAt: Timestamp(milliseconds: try fields("changed_at")))
  }

  private func state(_ text: String, of id: String) throws(StorageError) -> QueueEntry.State {
    guard let state = QueueEntry.State(rawValue: text) else {
      throw SQLiteFailure.corrupt(path, "queue entry \(id) is in the unknown state \"\(text)\"")
    }
    return state
  }

  private func number(_ text: String, of id: String) throws(StorageError) -> Rational {
    guard let number = Rational(text: text) else {
      throw SQLiteFailure.corrupt(path, "queue entry \(id) has a number that cannot be read")
    }
    return number
  }

  private func point(_ text: String, of id: String) throws(StorageError) -> [Rational] {
    guard let value = try? CanonicalJSON.read(Array(text.utf8), file: path), case .array(let elements) = value else {
      throw SQLiteFailure.corrupt(path, "queue entry \(id) has a point that cannot be read")
    }
    var numbers: [Rational] = []
    for element in elements {
      guard case .string(let text) = element else {
        throw SQLiteFailure.corrupt(path, "queue entry \(id) has a point that cannot be read")
      }
      numbers.append(try number(text, of: id))
    }
    return numbers
  }
}
