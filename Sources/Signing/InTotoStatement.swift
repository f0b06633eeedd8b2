public import Certificates

/// An in-toto attestation Statement v1: something is said (the predicate) about files (the subjects).
public struct InTotoStatement: Sendable, Hashable {
  /// The value of `_type`.
  public static let type = "https://in-toto.io/Statement/v1"
  /// The most subjects.
  public static let maximumSubjects = Certificate.maximumFiles + 1

  /// A file by name and SHA-256 (64 hexadecimal digits).
  public struct Subject: Sendable, Hashable {
    public let name: String
    public let sha256: String

    public init(name: String, sha256: String) {
      self.name = name
      self.sha256 = sha256
    }
  }

  /// At least one.
  public let subjects: [Subject]
  public let predicateType: String
  /// An object that is not empty; stock validators refuse an empty one.
  public let predicate: JSONValue

  public init(subjects: [Subject], predicateType: String, predicate: JSONValue) {
    self.subjects = subjects
    self.predicateType = predicateType
    self.predicate = predicate
  }

  /// The payload of an envelope: canonical JSON.
  public var encoded: [UInt8] {
    CanonicalJSON.encode(
      .object([
        "_type": .string(Self.type),
        "subject": .array(
          subjects.map { .object(["name": .string($0.name), "digest": .object(["sha256": .string($0.sha256)])]) }),
        "predicateType": .string(predicateType),
        "predicate": predicate,
      ]))
  }

  /// Reads a payload, which other programs may have written; members that in-toto does not name are passed over, as it
  /// asks for. `file` is its name in messages.
  /// - Throws: ``SigningError``: `.notJSON`, `.duplicateMember`, `.trailingBytes`, `.tooLarge`, `.malformed`,
  ///   `.unsupported` for another version or predicate type than `predicateType`.
  init(payload: [UInt8], predicateType expected: String, file: String) throws(SigningError) {
    let value = try StrictJSON.read(payload, file: file, maximumBytes: DSSEEnvelope.maximumPayloadBytes)
    let fields = Fields(value, file: file)
    for (name, wanted) in [("_type", Self.type), ("predicateType", expected)] {
      let field = try fields.member(name)
      guard try field.text() == wanted else {
        throw field.failure("is \"\(try field.text().prefix(100))\"; expected \"\(wanted)\"", code: .unsupported)
      }
    }
    predicateType = expected
    predicate = try fields.member("predicate").value
    var subjects: [Subject] = []
    for element in try fields.member("subject").array(1...Self.maximumSubjects) {
      subjects.append(
        Subject(
          name: try element.member("name").text(),
          sha256: try element.member("digest").member("sha256").digest()))
    }
    self.subjects = subjects
  }
}
