public import Certificates

/// A payload that a key of the trust file signed. Only verification makes one.
public struct VerifiedEnvelope: Sendable, Hashable {
  public let payload: [UInt8]
  /// The keys of the trust file whose signatures count, in the envelope's order; at least one.
  public let keyIDs: [String]
}

extension DSSEEnvelope {
  /// Verifies the signatures against a trust file, which is the only source of keys.
  ///
  /// Signatures by keys that the file does not know, or knows for another purpose, do not count; a signature that names
  /// a key for this purpose and is not by it refuses the whole envelope. One good signature by a key that the file
  /// admits is enough.
  ///
  /// - Parameters:
  ///   - purpose: What the keys must be trusted for.
  ///   - now: The present.
  ///   - timeOf: When the statement says that it was made, read from the payload. Asked for only after a signature was
  ///     found good.
  /// - Throws: ``SigningError``: `.unsigned`, `.badSignature`, `.unknownKey`, `.wrongPurpose`, `.keyNotYetValid`, `.keyExpired`,
  ///   `.keyRetired`, `.keyRevoked`, `.notYetMade`, or what `timeOf` throws.
  public func verified(
    by trust: TrustFile, for purpose: TrustedKey.Purpose, now: Timestamp, file: String,
    timeOf: ([UInt8]) throws(SigningError) -> StatementTime
  ) throws(SigningError) -> VerifiedEnvelope {
    guard !signatures.isEmpty else {
      throw SigningError(
        .unsigned, "\(file): nobody signed it; make a key with `vpals keys init` and verify the model again")
    }
    let message = Self.preAuthenticationEncoding(type: Self.payloadType, payload: payload)
    var candidates: [TrustedKey] = []
    var refusals: [SigningError] = []
    for signature in signatures {
      guard let key = trust.key(id: signature.keyID) else {
        refusals.append(
          SigningError(
            .unknownKey,
            "\(file): signed by the key \(signature.keyID), which the trust file does not know; if that key is yours, "
              + "add it to the trust file"))
        continue
      }
      guard key.purpose == purpose else {
        refusals.append(
          SigningError(
            .wrongPurpose,
            "\(file): signed by the key \(key.id), which is trusted for \(key.purpose.rawValue), not "
              + "\(purpose.rawValue); sign with another key"))
        continue
      }
      guard key.publicKey.isValid(signature.bytes, for: message) else {
        throw SigningError(
          .badSignature,
          "\(file): the signature by the key \(key.id) is not good: the payload, its type or the signature was changed "
            + "after signing, or another key signed; restore the file, or sign anew")
      }
      candidates.append(key)
    }
    var accepted: [String] = []
    if !candidates.isEmpty {
      let time = try timeOf(payload)
      for key in candidates {
        if let refusal = key.refusal(of: time, now: now) {
          refusals.append(SigningError(refusal.code, "\(file): \(refusal.message)"))
        } else {
          accepted.append(key.id)
        }
      }
    }
    guard !accepted.isEmpty else {
      // There is at least one signature, and each that was not accepted left a refusal. A key that is known says more
      // than one that is not.
      throw refusals.first { $0.code != .unknownKey } ?? refusals[0]
    }
    return VerifiedEnvelope(payload: payload, keyIDs: accepted)
  }
}
