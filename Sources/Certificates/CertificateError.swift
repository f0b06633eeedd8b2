/// What is wrong with a certificate, with a file that should hold one, or with writing one.
public struct CertificateError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// The bytes are not the canonical encoding of a JSON value.
    public static let notCanonical = Code(description: "not-canonical")
    /// Canonical JSON, but not a certificate: a field is missing, unknown, of the wrong type or out of range.
    public static let malformed = Code(description: "malformed")
    /// A certificate of a format that this version does not read.
    public static let unsupported = Code(description: "unsupported")
    /// A stated bound on size or count was passed.
    public static let tooLarge = Code(description: "too-large")
    /// The file or directory does not exist.
    public static let missing = Code(description: "missing")
    /// The file or directory exists already and is immutable.
    public static let exists = Code(description: "exists")
    /// The file system refuses: permission, read-only, or a path that is no file.
    public static let file = Code(description: "file")
    /// The file system is full.
    public static let noSpace = Code(description: "no-space")
    /// A name that cannot be the name of a file beside a model.
    public static let name = Code(description: "name")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
