public import Certificates

/// What our logs record: one canonical JSON object an entry. To the tree it is opaque bytes.
///
/// ```json
/// {"subject":[{"digest":{"sha256":"…"},"name":"web/v0007/model.onnx"}],"time":"2026-05-01T12:00:00Z","type":"certificate-issued"}
/// ```
///
/// Subjects have the form of in-toto's ResourceDescriptor; `annotations`, a map of texts, is there only when it has
/// members.
public struct LogEntry: Sendable, Hashable {
  /// The most subjects and the most annotations of an entry.
  public static let maximumMembers = 256
  /// The most bytes of a name or an annotation's text.
  public static let maximumTextBytes = 4096

  /// What happened. Others than the constants are read and kept: 1 to 64 small letters, digits and hyphens.
  public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: String
    public var description: String { rawValue }

    public init?(rawValue: String) {
      let isValid =
        (1...64).contains(rawValue.utf8.count)
        && rawValue.utf8.allSatisfy {
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || $0 == UInt8(ascii: "-")
        }
      guard isValid else { return nil }
      self.rawValue = rawValue
    }

    private init(constant: String) { rawValue = constant }

    public static let certificateIssued = Kind(constant: "certificate-issued")
    public static let certificateRevoked = Kind(constant: "certificate-revoked")
    /// The first subject is the new certificate, the second the one that it replaces.
    public static let certificateSuperseded = Kind(constant: "certificate-superseded")
    public static let counterexampleFound = Kind(constant: "counterexample-found")
    public static let keyAdded = Kind(constant: "key-added")
    public static let keyRetired = Kind(constant: "key-retired")
  }

  /// A thing that the entry is about, bound by its digest.
  public struct Subject: Sendable, Hashable {
    public let name: String
    /// 64 lowercase hexadecimal digits.
    public let sha256: String

    public init(name: String, sha256: String) {
      self.name = name
      self.sha256 = sha256
    }
  }

  public let kind: Kind
  public let time: Timestamp
  /// At least one.
  public let subjects: [Subject]
  public let annotations: [String: String]

  public init(kind: Kind, time: Timestamp, subjects: [Subject], annotations: [String: String] = [:]) {
    self.kind = kind
    self.time = time
    self.subjects = subjects
    self.annotations = annotations
  }

  /// The bytes that are logged.
  /// - Throws: ``LogError``: `.malformedEntry` when a subject or a text is outside the bounds that reading has;
  ///   `.tooLarge` above ``EntryBundle/maximumEntryBytes``.
  public func encoded() throws(LogError) -> [UInt8] {
    var members: [String: JSONValue] = [
      "type": .string(kind.rawValue), "time": .string(time.description),
      "subject": .array(
        subjects.map { .object(["name": .string($0.name), "digest": .object(["sha256": .string($0.sha256)])]) }),
    ]
    if !annotations.isEmpty { members["annotations"] = .object(annotations.mapValues(JSONValue.string)) }
    let bytes = CanonicalJSON.encode(.object(members))
    guard bytes.count <= EntryBundle.maximumEntryBytes else {
      throw LogError(
        .tooLarge,
        "an entry of \(bytes.count) bytes; at most \(EntryBundle.maximumEntryBytes) can be logged: name fewer subjects")
    }
    // What is written is what is read.
    _ = try LogEntry(parsing: bytes, place: "the new entry")
    return bytes
  }

  /// Reads an entry.
  /// - Parameter place: Where the bytes are from, for messages.
  /// - Throws: ``LogError``, `.malformedEntry`.
  public init(parsing bytes: [UInt8], place: String) throws(LogError) {
    guard bytes.count <= EntryBundle.maximumEntryBytes else {
      throw LogError(.malformedEntry, "\(place): more than \(EntryBundle.maximumEntryBytes) bytes")
    }
    let value: JSONValue
    do throws(CertificateError) {
      value = try CanonicalJSON.read(bytes, file: place)
    } catch {
      throw LogError(.malformedEntry, error.message)
    }
    let reader = Reader(place: place)
    let members = try reader.object(value, at: "$", ["type", "time", "subject"], optional: ["annotations"])
    let typeText = try reader.text(members["type"], at: "$.type")
    guard let kind = Kind(rawValue: typeText) else {
      throw reader.failure("$.type is \(quoted(typeText.utf8)); expected a type such as certificate-issued")
    }
    let timeText = try reader.text(members["time"], at: "$.time")
    guard let time = Timestamp(text: timeText) else {
      throw reader.failure("$.time is \(quoted(timeText.utf8)); expected a time in UTC like 2026-05-01T12:00:00Z")
    }
    guard case .array(let values)? = members["subject"], (1...Self.maximumMembers).contains(values.count) else {
      throw reader.failure("$.subject is no array of 1 to \(Self.maximumMembers) subjects")
    }
    var subjects: [Subject] = []
    for (index, value) in values.enumerated() {
      let path = "$.subject[\(index)]"
      let subject = try reader.object(value, at: path, ["name", "digest"])
      let digest = try reader.object(subject["digest"], at: path + ".digest", ["sha256"])
      let sha256 = try reader.text(digest["sha256"], at: path + ".digest.sha256")
      guard SHA256Digest.isValid(sha256) else {
        throw reader.failure("\(path).digest.sha256 is no digest; expected 64 lowercase hexadecimal digits")
      }
      subjects.append(Subject(name: try reader.text(subject["name"], at: path + ".name"), sha256: sha256))
    }
    var annotations: [String: String] = [:]
    if let value = members["annotations"] {
      guard case .object(let texts) = value, (1...Self.maximumMembers).contains(texts.count) else {
        throw reader.failure("$.annotations is no object of 1 to \(Self.maximumMembers) texts")
      }
      for (name, text) in texts { annotations[name] = try reader.text(text, at: "$.annotations") }
    }
    self.init(kind: kind, time: time, subjects: subjects, annotations: annotations)
  }

  /// Typed access to JSON values.
  private struct Reader {
    let place: String

    func failure(_ problem: String) -> LogError {
      LogError(.malformedEntry, "\(place): \(problem); read it with the version that wrote it")
    }

    func object(_ value: JSONValue?, at path: String, _ names: Set<String>, optional: Set<String> = [])
      throws(LogError) -> [String: JSONValue]
    {
      guard case .object(let members)? = value else { throw failure("\(path) is no object") }
      for name in names.sorted() where members[name] == nil { throw failure("\(path) lacks the field \"\(name)\"") }
      for name in members.keys.sorted() where !names.contains(name) && !optional.contains(name) {
        throw failure("\(path) has an unknown field \(quoted(name.utf8))")
      }
      return members
    }

    func text(_ value: JSONValue?, at path: String) throws(LogError) -> String {
      guard case .string(let text)? = value, text.utf8.count <= LogEntry.maximumTextBytes else {
        throw failure("\(path) is no text of at most \(LogEntry.maximumTextBytes) bytes")
      }
      return text
    }
  }
}
