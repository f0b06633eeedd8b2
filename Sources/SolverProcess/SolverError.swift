/// Why no solver process could be asked. What happens to one that was asked is an ``Answer/unknown(_:)``.
public struct SolverError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable {
    let name: String
    /// The executable is not there or may not be run.
    public static let missing = Code(name: "missing")
    /// What runs is no solver process of this version.
    public static let foreign = Code(name: "foreign")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
