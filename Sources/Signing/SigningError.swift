internal import Certificates

/// What is wrong with a key, a signed artifact, a trust file, or a directory that a signature speaks of.
public struct SigningError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure, each a stable word; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// The bytes are not JSON, or JSON outside of the subset that is read (a number that is no integer).
    public static let notJSON = Code(description: "not-json")
    /// An object has two members of one name: readers disagree on which one counts.
    public static let duplicateMember = Code(description: "duplicate-member")
    /// Bytes follow the value.
    public static let trailingBytes = Code(description: "trailing-bytes")
    /// A stated bound on size, count or nesting was passed.
    public static let tooLarge = Code(description: "too-large")
    /// A text is not the one base64 encoding (RFC 4648, §4, padded, without white space) of its bytes.
    public static let notBase64 = Code(description: "not-base64")
    /// A field is missing, of the wrong type or out of range.
    public static let malformed = Code(description: "malformed")
    /// A payload that should be canonical JSON (RFC 8785) is not.
    public static let notCanonical = Code(description: "not-canonical")
    /// A format, algorithm, curve or predicate type that is not read here.
    public static let unsupported = Code(description: "unsupported")
    /// The envelope's payload is of another type than in-toto.
    public static let payloadType = Code(description: "payload-type")
    /// An envelope without signatures.
    public static let unsigned = Code(description: "unsigned")
    /// A signature does not say by which key it is.
    public static let noKeyID = Code(description: "no-keyid")
    /// No signature is by a key of the trust file.
    public static let unknownKey = Code(description: "unknown-key")
    /// The key is trusted, but for something else.
    public static let wrongPurpose = Code(description: "wrong-purpose")
    /// A signature that claims to be by a trusted key is not.
    public static let badSignature = Code(description: "bad-signature")
    /// The key's validity has not begun.
    public static let keyNotYetValid = Code(description: "key-not-yet-valid")
    /// The key's validity has ended.
    public static let keyExpired = Code(description: "key-expired")
    /// The key was retired before the statement was made.
    public static let keyRetired = Code(description: "key-retired")
    /// The key was revoked.
    public static let keyRevoked = Code(description: "key-revoked")
    /// The statement claims to be of the future.
    public static let notYetMade = Code(description: "not-yet-made")
    /// The bundle's hint names another key than its signature.
    public static let hintMismatch = Code(description: "hint-mismatch")
    /// The subjects, or their digest, are not those of the predicate.
    public static let subjectMismatch = Code(description: "subject-mismatch")
    /// A file has other bytes than were signed.
    public static let fileChanged = Code(description: "file-changed")
    /// A file is there that was not signed.
    public static let fileAdded = Code(description: "file-added")
    /// A signed file is not there.
    public static let fileMissing = Code(description: "file-missing")
    /// A signed file is there under another name only.
    public static let fileRenamed = Code(description: "file-renamed")
    /// A symbolic link, a special file or a name that cannot be signed.
    public static let unsignable = Code(description: "unsignable")
    /// Others can read or replace a private key.
    public static let permissions = Code(description: "permissions")
    /// A private or public key cannot be read as one.
    public static let key = Code(description: "key")
    /// There is no signing key at all.
    public static let noKey = Code(description: "no-key")
    /// The state of the keys does not allow what was asked for.
    public static let refused = Code(description: "refused")
    /// It exists already and is not written over.
    public static let exists = Code(description: "exists")
    /// The file or directory does not exist.
    public static let missing = Code(description: "missing")
    /// The file system refuses.
    public static let file = Code(description: "file")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}

extension SigningError {
  /// The same failure of a file in our codes.
  init(_ error: CertificateError) {
    let code: Code =
      switch error.code {
      case .missing: .missing
      case .exists: .exists
      case .tooLarge: .tooLarge
      case .notCanonical: .notCanonical
      case .malformed: .malformed
      case .unsupported: .unsupported
      default: .file
      }
    self.init(code, error.message)
  }

  /// Runs `body` and passes its failure on in our codes.
  static func translating<T>(_ body: () throws(CertificateError) -> T) throws(SigningError) -> T {
    do throws(CertificateError) {
      return try body()
    } catch {
      throw SigningError(error)
    }
  }
}
