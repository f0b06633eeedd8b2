public import Certificates

/// A verification summary whose signature was verified against a trust file.
public struct SignedSummary: Sendable, Hashable {
  public let summary: VerificationSummary
  /// The keys of the trust file whose signatures count; at least one.
  public let keyIDs: [String]

  /// Reads and verifies a signed summary, also another program's; `file` is its name in messages.
  ///
  /// The time of the statement is its `timeVerified`.
  /// - Throws: ``SigningError``: what ``DSSEEnvelope`` refuses, `.unsupported` for another predicate, `.malformed`.
  public init(bytes: [UInt8], trust: TrustFile, now: Timestamp, file: String) throws(SigningError) {
    let envelope = try DSSEEnvelope(bytes: bytes, file: file)
    var found: VerificationSummary?
    let verified = try envelope.verified(by: trust, for: .certificates, now: now, file: file) {
      payload throws(SigningError) in
      let summary = try VerificationSummary(payload: payload, file: file)
      found = summary
      return .claimed(summary.timeVerified)
    }
    guard let found else { preconditionFailure("a verified payload was read") }
    summary = found
    keyIDs = verified.keyIDs
  }
}
