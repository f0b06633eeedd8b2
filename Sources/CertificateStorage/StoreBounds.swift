import Certificates
import ExactArithmetic

/// The bounds that every store keeps, and the checks that come with them.
public enum StoreBounds {
  /// The most counterexamples of one verification, identifiers of one call, and entries of one lease.
  public static let batch = 10_000
  /// The most rows of one list.
  public static let page = 10_000
  /// The most pending and leased entries of one application.
  public static let openEntries = 100_000
  /// The longest rendered counterexample, in bytes of UTF-8.
  public static let engineeringBytes = 16_384
  /// The largest state of a training loop, in bytes.
  public static let loopStateBytes = 16 << 20
  /// The longest lease.
  public static let lease = Duration.seconds(86_400)
  /// The shortest abbreviation of an identifier.
  public static let identifierPrefix = 4

  /// - Throws: ``StorageError`` `.invalid` unless `text` is one line of 1 to 200 bytes.
  public static func check(name text: String, as what: String) throws(StorageError) {
    guard !text.isEmpty, text.utf8.count <= Certificate.maximumNameBytes,
      !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
    else {
      throw StorageError(
        .invalid, "\(what) is \"\(text.prefix(40))\"; expected one line of 1 to \(Certificate.maximumNameBytes) bytes")
    }
  }

  /// - Throws: ``StorageError`` `.invalid` or `.limit` when the store cannot keep the counterexample.
  public static func check(_ found: FoundCounterexample) throws(StorageError) {
    try check(name: found.property, as: "the property of a counterexample")
    let example = found.counterexample
    guard (1...Certificate.maximumInputs).contains(example.x.count),
      example.xPrime.map({ $0.count == example.x.count }) ?? true, (example.xPrime == nil) == (example.fxPrime == nil),
      example.query >= 0, example.drop.isPositive
    else {
      throw StorageError(
        .invalid, "a counterexample of \(found.property) has points of different sizes or no positive drop")
    }
    guard found.engineering.utf8.count <= engineeringBytes else {
      throw StorageError(
        .limit, "the text of a counterexample of \(found.property) is longer than \(engineeringBytes) bytes")
    }
  }

  /// - Throws: ``StorageError`` `.invalid` or `.limit`.
  public static func check(_ origin: QueueOrigin) throws(StorageError) {
    try check(name: origin.application, as: "the application")
    try check(name: origin.modelVersion, as: "the model version")
    guard SHA256Digest.isValid(origin.networkDigest), SHA256Digest.isValid(origin.specificationDigest) else {
      throw StorageError(.invalid, "a network or specification digest is not 64 lowercase hexadecimal digits")
    }
  }

  /// - Throws: ``StorageError`` `.invalid` unless `reason` is one line that says something.
  public static func check(reason: String) throws(StorageError) {
    guard reason.contains(where: { !$0.isWhitespace }), reason.utf8.count <= Revocation.maximumReasonBytes,
      !reason.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
    else {
      throw StorageError(
        .invalid, "the reason of a revocation is one line of 1 to \(Revocation.maximumReasonBytes) bytes; write why")
    }
  }

  /// - Throws: ``StorageError`` `.limit`.
  public static func check(count: Int, atMost limit: Int, of what: String) throws(StorageError) {
    guard (0...limit).contains(count) else {
      throw StorageError(.limit, "\(count) \(what) in one call; expected 0 to \(limit)")
    }
  }

  /// - Throws: ``StorageError`` `.invalid` unless 0 < `duration` ≤ ``lease``.
  public static func check(lease duration: Duration) throws(StorageError) {
    guard duration >= .milliseconds(1), duration <= lease else {
      throw StorageError(.invalid, "a lease of \(duration); expected one between a millisecond and a day")
    }
  }

  /// - Throws: ``StorageError`` `.invalid` unless `prefix` is 4 to 64 lowercase hexadecimal digits.
  public static func check(identifier prefix: String) throws(StorageError) {
    let padded = prefix + String(repeating: "0", count: max(0, 64 - prefix.utf8.count))
    guard prefix.utf8.count >= identifierPrefix, SHA256Digest.isValid(padded) else {
      throw StorageError(
        .invalid, "\"\(prefix.prefix(70))\" is no identifier; expected \(identifierPrefix) to 64 hexadecimal digits")
    }
  }
}
