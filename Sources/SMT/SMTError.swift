/// What went wrong between us and libz3. An undecided problem is not an error: see ``CheckResult/unknown(_:)``.
public struct SMTError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// libz3 refused a call; the message is its own.
    public static let solver = Code(description: "solver")
    /// libz3 could not allocate memory.
    public static let memory = Code(description: "memory")
    /// A text that libz3 cannot parse.
    public static let parse = Code(description: "parse")
    /// Terms, models or solvers of two contexts were mixed.
    public static let foreignTerm = Code(description: "foreign-term")
    /// A value of a model that is not a rational number.
    public static let notRational = Code(description: "not-rational")
    /// A budget that libz3 cannot represent.
    public static let budget = Code(description: "budget")
    /// A name, text or number beyond a stated bound.
    public static let limit = Code(description: "limit")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
