/// What is wrong with a file of measured rows: the place, the problem, the fix.
public struct DatasetError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// The file cannot be read.
    public static let file = Code(description: "file")
    /// A bound on size was passed.
    public static let tooLarge = Code(description: "too-large")
    /// The file has no header, or nothing but one.
    public static let empty = Code(description: "empty")
    /// Bytes that are not CSV (RFC 4180) or not UTF-8.
    public static let malformed = Code(description: "malformed")
    /// A row with fewer or more fields than the header.
    public static let rowLength = Code(description: "row-length")
    /// A column that was asked for does not exist.
    public static let missingColumn = Code(description: "missing-column")
    /// Two columns of one name, or one without a name.
    public static let duplicateColumn = Code(description: "duplicate-column")
    /// An empty field where a number is needed.
    public static let missingValue = Code(description: "missing-value")
    /// Text where a number is needed.
    public static let notANumber = Code(description: "not-a-number")
    /// NaN, an infinity, or a number beyond binary64.
    public static let notFinite = Code(description: "not-finite")
    /// Too few rows are left to learn from.
    public static let tooFewRows = Code(description: "too-few-rows")
  }

  public let code: Code
  /// The file, as it was named by the caller.
  public let path: String
  /// Counts from 1; nil when the whole file is meant.
  public let line: Int?
  /// Counts from 1, in Unicode scalars.
  public let column: Int?
  /// What is wrong.
  public let problem: String
  /// What to do about it.
  public let fix: String

  public init(_ code: Code, path: String, line: Int? = nil, column: Int? = nil, problem: String, fix: String) {
    self.code = code
    self.path = path
    self.line = line
    self.column = column
    self.problem = problem
    self.fix = fix
  }

  /// `file:line:column: problem; fix`.
  public var description: String {
    var place = path
    if let line { place += ":\(line)" }
    if let column { place += ":\(column)" }
    return "\(place): \(problem); \(fix)"
  }
}
