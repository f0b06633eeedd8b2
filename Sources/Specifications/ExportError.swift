/// Why a property cannot be written in another language: the problem and what to do.
public struct ExportError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// The language has no words for it.
    public static let inexpressible = Code(description: "inexpressible")
    /// There is nothing to ask: the property holds of every network.
    public static let vacuous = Code(description: "vacuous")
    /// A query or network that the property does not fit.
    public static let mismatch = Code(description: "mismatch")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
