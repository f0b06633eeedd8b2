/// What can go wrong around a verification, apart from verdicts.
public struct VerificationError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable {
    let name: String
    /// Network and specification do not fit together.
    public static let mismatch = Code(name: "mismatch")
    /// Two methods gave contradictory answers. Never silenced: one of them is wrong.
    public static let disagreement = Code(name: "disagreement")
    /// A temporary file could not be written.
    public static let storage = Code(name: "storage")
    /// There is no solver to ask.
    public static let solver = Code(name: "solver")
  }

  public let code: Code
  public let message: String
  /// What a disagreement can be studied with: an SMT-LIB script whose comments say what the other side claims.
  public let evidence: String?

  public init(_ code: Code, _ message: String, evidence: String? = nil) {
    self.code = code
    self.message = message
    self.evidence = evidence
  }

  public var description: String { message }
}
