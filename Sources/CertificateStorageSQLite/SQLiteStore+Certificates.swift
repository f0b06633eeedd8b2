public import CertificateStorage
import Certificates
public import FoundationEssentials
import GRDB

extension SQLiteStore {
  public func record(_ verification: VerificationRecord, now: Date) throws(StorageError) -> RecordOutcome {
    let certificate = verification.certificate
    let origin = QueueOrigin(certificate)
    try StoreBounds.check(origin)
    let properties = Set(certificate.properties.map(\.id))
    if let stray = verification.found.first(where: { !properties.contains($0.property) }) {
      throw StorageError(.invalid, "a counterexample of \(stray.property), which is no property of the certificate")
    }
    let unchecked: UncheckedCertificate
    do throws(CertificateError) {
      unchecked = try UncheckedCertificate(bytes: try certificate.encoded(), file: "the certificate")
    } catch {
      throw StorageError(.invalid, error.message)
    }
    let entries = try NewEntry.list(verification.found, application: origin.application)
    let time = Timestamp(now)
    return try revokingAlsoWhenFull(entries, origin: origin, certificate: certificate, at: time) { database in
      let isNew = try insert(unchecked, isIssued: verification.isIssued, at: time, in: database)
      if verification.isIssued, try isNew || markIssued(unchecked, in: database) {
        try logIssue(of: unchecked, superseding: verification.superseded, at: time, in: database)
      }
      let queue = try insert(entries, origin: origin, at: time, in: database)
      try revoke(refutedBy: entries, origin: origin, certificate: certificate, at: time, in: database)
      return RecordOutcome(certificateID: unchecked.sha256, isNewCertificate: isNew, queue: queue)
    }
  }

  /// - Returns: Whether the certificate is new.
  private func insert(
    _ certificate: UncheckedCertificate, isIssued: Bool, at time: Timestamp, in database: Database
  ) throws -> Bool {
    let claims = certificate.claims
    let modelID = Self.modelID(claims.model)
    try database.execute(
      sql: "INSERT INTO models (id, name, version, network_digest, recorded_at) VALUES (?, ?, ?, ?, ?) "
        + "ON CONFLICT (id) DO NOTHING",
      arguments: [modelID, claims.model.name, claims.model.version, claims.model.networkDigest, time.milliseconds])
    if database.changesCount > 0 {
      for file in claims.model.files {
        try database.execute(
          sql: "INSERT INTO model_files (model_id, name, sha256, bytes) VALUES (?, ?, ?, ?)",
          arguments: [modelID, file.name, file.sha256, file.bytes])
      }
    }
    func count(_ name: String) -> Int { claims.properties.count { $0.outcome.name == name } }
    try database.execute(
      sql: """
        INSERT INTO certificates (id, model_id, specification, specification_digest, holds, violated, unknown,
          finished_at, recorded_at, content, issued, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (id) DO NOTHING
        """,
      arguments: [
        certificate.sha256, modelID, claims.specification.name, claims.specification.digest, count("holds"),
        count("violated"), count("unknown"), claims.finishedAt.milliseconds, time.milliseconds,
        Data(certificate.bytes), isIssued, claims.expiresAt.milliseconds,
      ])
    return database.changesCount > 0
  }

  /// Marks a certificate as issued that was only remembered before.
  /// - Returns: Whether it was.
  private func markIssued(_ certificate: UncheckedCertificate, in database: Database) throws -> Bool {
    try database.execute(
      sql: "UPDATE certificates SET issued = 1 WHERE id = ? AND NOT issued", arguments: [certificate.sha256])
    return database.changesCount > 0
  }

  /// What the store calls a model version: by its name, network and files.
  static func modelID(_ model: Certificate.Model) -> String {
    SHA256Digest.of(
      CanonicalJSON.encode(
        .object([
          "name": .string(model.name), "version": .string(model.version),
          "networkDigest": .string(model.networkDigest), "files": .array(model.files.map(\.json)),
        ])))
  }

  /// The columns of `revocations` and `log_entries` that come with a certificate, and where its issue is logged: in the
  /// one log that has it.
  private static let joins = """
    LEFT JOIN revocations ON revocations.certificate_id = certificates.id
    LEFT JOIN log_entries ON log_entries.certificate_id = certificates.id AND log_entries.kind = 'certificate-issued'
    LEFT JOIN log_places ON log_places.entry = log_entries.sequence
    """

  public func certificates(_ filter: CertificateFilter) throws(StorageError) -> [CertificateSummary] {
    try StoreBounds.check(count: filter.limit, atMost: StoreBounds.page, of: "rows")
    return try look { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT certificates.*, models.name, models.version, models.network_digest, cause, reason, revoked_at,
            log_index
          FROM certificates JOIN models ON models.id = model_id \(Self.joins)
          WHERE (:name IS NULL OR models.name = :name) AND (:version IS NULL OR models.version = :version)
            AND (:specification IS NULL OR specification = :specification) AND (issued OR NOT :issued)
            AND (:state IS NULL OR :state = CASE WHEN cause IS NOT NULL THEN 'revoked'
              WHEN expires_at <= :now THEN 'expired' ELSE 'valid' END)
            AND (:verdict IS NULL OR :verdict = CASE WHEN violated > 0 THEN 'violated'
              WHEN unknown > 0 THEN 'undecided' ELSE 'holds' END)
          ORDER BY certificates.sequence DESC LIMIT :limit
          """,
        arguments: [
          "name": filter.application, "version": filter.modelVersion, "specification": filter.specification,
          "issued": filter.issuedOnly, "state": filter.state?.rawValue, "now": filter.now.milliseconds,
          "verdict": filter.verdict?.rawValue, "limit": filter.limit,
        ]
      ).map { row in
        let fields = SQLiteFields(row: row, path: path)
        return CertificateSummary(
          id: try fields("id"), application: try fields("name"), modelVersion: try fields("version"),
          specification: try fields("specification"), networkDigest: try fields("network_digest"),
          specificationDigest: try fields("specification_digest"), holds: try fields("holds"),
          violated: try fields("violated"), unknown: try fields("unknown"),
          finishedAt: Timestamp(milliseconds: try fields("finished_at")),
          expiresAt: Timestamp(milliseconds: try fields("expires_at")),
          recordedAt: Timestamp(milliseconds: try fields("recorded_at")), isIssued: try fields("issued"),
          revocation: try revocation(fields), logIndex: try fields[optional: "log_index"])
      }
    }
  }

  public func certificate(id: String) throws(StorageError) -> StoredCertificate {
    try StoreBounds.check(identifier: id)
    return try look { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT certificates.*, cause, reason, revoked_at, origin, log_index, log_entries.content AS entry
          FROM certificates \(Self.joins) WHERE certificates.id >= ? AND certificates.id < ? LIMIT 2
          """,
        arguments: [id, id + "g"])
      let fields = try single(rows, id: id, what: "certificate", list: "vpals certificates list")
      let content: Data = try fields("content")
      let identifier: String = try fields("id")
      do {
        let certificate = try UncheckedCertificate(
          bytes: Array(content), file: "certificate \(identifier) in \(path)")
        guard certificate.sha256 == identifier else {
          throw SQLiteFailure.corrupt(path, "certificate \(identifier) has another digest")
        }
        var logged: LoggedEntry?
        if let origin: String = try fields[optional: "origin"] {
          let entry: Data = try fields("entry")
          logged = LoggedEntry(origin: origin, index: try fields("log_index"), bytes: Array(entry))
        }
        return StoredCertificate(
          certificate: certificate, recordedAt: Timestamp(milliseconds: try fields("recorded_at")),
          isIssued: try fields("issued"), revocation: try revocation(fields), logged: logged)
      } catch let error as CertificateError {
        throw SQLiteFailure.corrupt(path, error.message)
      }
    }
  }

  public func models(application: String?) throws(StorageError) -> [ModelVersion] {
    try look { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT models.*, (SELECT count(*) FROM certificates WHERE model_id = models.id) AS certificate_count
          FROM models WHERE (:name IS NULL OR name = :name) ORDER BY recorded_at DESC, models.rowid DESC LIMIT :limit
          """,
        arguments: ["name": application, "limit": StoreBounds.page])
      return try rows.map { row in
        let fields = SQLiteFields(row: row, path: path)
        let id: String = try fields("id")
        let files = try Row.fetchAll(
          database, sql: "SELECT name, sha256, bytes FROM model_files WHERE model_id = ? ORDER BY name", arguments: [id]
        ).map { row in
          let fields = SQLiteFields(row: row, path: path)
          return Certificate.Subject(
            name: try fields("name"), sha256: try fields("sha256"), bytes: try fields("bytes"))
        }
        return ModelVersion(
          model: Certificate.Model(
            name: try fields("name"), version: try fields("version"), files: files,
            networkDigest: try fields("network_digest")), certificateCount: try fields("certificate_count"),
          recordedAt: Timestamp(milliseconds: try fields("recorded_at")))
      }
    }
  }

  /// The revocation in a row that `revocations` is joined to.
  private func revocation(_ fields: SQLiteFields) throws(StorageError) -> Revocation? {
    guard let text: String = try fields[optional: "cause"] else { return nil }
    guard let cause = Revocation.Cause(rawValue: text) else {
      throw SQLiteFailure.corrupt(path, "a revocation has the unknown cause \"\(text)\"")
    }
    return Revocation(
      cause: cause, reason: try fields("reason"), revokedAt: Timestamp(milliseconds: try fields("revoked_at")))
  }

  /// The only row of a search by identifier.
  func single(_ rows: [Row], id: String, what: String, list: String) throws(StorageError) -> SQLiteFields {
    guard let row = rows.first else {
      throw StorageError(.notFound, "no \(what) \(id) in the store \(path); `\(list)` shows what is there")
    }
    guard rows.count == 1 else {
      throw StorageError(.ambiguous, "several identifiers in the store \(path) begin with \(id); give more digits")
    }
    return SQLiteFields(row: row, path: path)
  }
}
