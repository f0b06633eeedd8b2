public import Certificates
public import TransparencyLog
internal import Networks
internal import Signing

/// The entries that the log has of a certificate's life. All begin with the certificate's identifier.
public enum CertificateEvents {
  /// A certificate in an entry: `nginx/v0001/nginx.intoto.json` and its identifier, the digest of its predicate.
  public struct Name: Sendable, Hashable {
    public let id: String
    public let path: String

    public init(id: String, path: String) {
      self.id = id
      self.path = path
    }

    public init(_ certificate: UncheckedCertificate) {
      let claims = certificate.claims
      self.init(
        id: certificate.sha256,
        path: "\(claims.model.name)/\(claims.model.version)/\(claims.specification.name).intoto.json")
    }

    var subject: LogEntry.Subject { LogEntry.Subject(name: "\(path)#predicate", sha256: id) }
  }

  /// The most bytes of the names of a model's files in one entry, the network first: an entry is small, and the
  /// certificate has them all.
  static let maximumNameBytes = 20_000

  /// - Returns: `certificate-issued`, about the certificate, its payload (whose digest stock tools compute), the
  ///   specification and the model's files.
  public static func issued(_ certificate: UncheckedCertificate, at time: Timestamp) -> LogEntry {
    let claims = certificate.claims
    let name = Name(certificate)
    let directory = "\(claims.model.name)/\(claims.model.version)"
    let payload = SHA256Digest.of(SignedCertificate.statement(of: claims).encoded)
    let verdict =
      claims.claimsAllHold
      ? "holds"
      : claims.properties.contains { if case .violated = $0.outcome { true } else { false } } ? "violated" : "undecided"
    return LogEntry(
      kind: .certificateIssued, time: time,
      subjects: [
        name.subject, LogEntry.Subject(name: "\(name.path)#payload", sha256: payload),
        LogEntry.Subject(name: "\(claims.specification.name).yaml", sha256: claims.specification.sha256),
      ]
        + files(of: claims.model, in: directory),
      annotations: ["verdict": verdict, "expiresAt": "\(claims.expiresAt)"])
  }

  private static func files(of model: Certificate.Model, in directory: String) -> [LogEntry.Subject] {
    let networks = model.files.filter { StoredNetwork.isModel($0.name) }
    var rest = maximumNameBytes
    var subjects: [LogEntry.Subject] = []
    for file in networks + model.files.filter({ !StoredNetwork.isModel($0.name) }) {
      let name = "\(directory)/\(file.name)"
      rest -= name.utf8.count + 100
      guard rest >= 0, subjects.count < LogEntry.maximumMembers - 3 else { break }
      subjects.append(LogEntry.Subject(name: name, sha256: file.sha256))
    }
    return subjects
  }

  public static func superseded(_ old: Name, by new: Name, at time: Timestamp) -> LogEntry {
    LogEntry(kind: .certificateSuperseded, time: time, subjects: [new.subject, old.subject])
  }

  public static func revoked(_ name: Name, _ revocation: Revocation) -> LogEntry {
    LogEntry(
      kind: .certificateRevoked, time: revocation.revokedAt, subjects: [name.subject],
      annotations: ["cause": revocation.cause.rawValue, "reason": revocation.reason])
  }

  /// A counterexample to a property that the certificate claims to hold; `entry` is its identifier in the queue.
  public static func counterexample(
    to name: Name, property: String, entry: String, at time: Timestamp
  ) -> LogEntry {
    LogEntry(
      kind: .counterexampleFound, time: time,
      subjects: [name.subject, LogEntry.Subject(name: "counterexample", sha256: entry)],
      annotations: ["property": property])
  }
}
