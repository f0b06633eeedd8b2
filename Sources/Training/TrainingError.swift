/// What is wrong with a training run or what it was given.
public struct TrainingError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// A hyper-parameter outside its range.
    public static let configuration = Code(description: "configuration")
    /// Rows, terms or counterexamples that do not fit together, or a number that is not finite.
    public static let data = Code(description: "data")
    /// The loss stopped being a finite number.
    public static let diverged = Code(description: "diverged")
    /// A folded weight or bias is not a binary64 number.
    public static let inexact = Code(description: "inexact")
    /// A checkpoint or a model to start from that belongs to another run.
    public static let checkpoint = Code(description: "checkpoint")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
