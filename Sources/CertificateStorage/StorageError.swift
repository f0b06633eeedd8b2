/// Why a store refused or failed.
public struct StorageError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// The text does not name a store that is supported.
    public static let location = Code(description: "location")
    /// No certificate, entry or version of that name.
    public static let notFound = Code(description: "not-found")
    /// The abbreviation of an identifier fits several.
    public static let ambiguous = Code(description: "ambiguous")
    /// A value that the store does not keep: empty, too long, or not fitting the rest.
    public static let invalid = Code(description: "invalid")
    /// A stated bound was passed.
    public static let limit = Code(description: "limit")
    /// The lease ended and the entry was given to somebody else, taken back, consumed or dropped.
    public static let leaseLost = Code(description: "lease-lost")
    /// The file is a database of another program, or no database.
    public static let foreign = Code(description: "foreign")
    /// The store was written by a later version of vPALs.
    public static let newerSchema = Code(description: "newer-schema")
    /// The store's content is damaged.
    public static let corrupt = Code(description: "corrupt")
    /// Other processes kept the store locked for too long.
    public static let busy = Code(description: "busy")
    /// No space is left where the store lies.
    public static let noSpace = Code(description: "no-space")
    /// The store cannot be written: permission or a read-only file system.
    public static let readOnly = Code(description: "read-only")
    /// The store cannot be reached: a path that is no file, an input or output error.
    public static let unavailable = Code(description: "unavailable")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
