/// Which versions an entry of the policy speaks of: `APPLICATION` or `APPLICATION/VERSION`, in which `*` stands for any
/// characters but `/` and `?` for one.
public struct ModelPattern: Sendable, Hashable, CustomStringConvertible {
  public let description: String
  private let application: [Unicode.Scalar]
  private let version: [Unicode.Scalar]?

  static let maximumLength = 200

  /// Nil when the text is empty, longer than 200 characters, has a control character, more than one `/` or nothing on
  /// one side of it, or a character that other languages of patterns know: `[`, `]`, `{`, `}`, `!`, `\`.
  public init?(_ text: String) {
    let scalars = Array(text.unicodeScalars)
    guard scalars.count <= Self.maximumLength,
      !scalars.contains(where: { "[]{}!\\".unicodeScalars.contains($0) || $0.properties.generalCategory == .control })
    else { return nil }
    let parts = scalars.split(separator: "/", omittingEmptySubsequences: false).map(Array.init)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    description = text
    application = parts[0]
    version = parts.count == 2 ? parts[1] : nil
  }

  /// Every version of every application.
  public static let all: ModelPattern = {
    guard let pattern = ModelPattern("*") else { preconditionFailure("a star is a pattern") }
    return pattern
  }()

  public func matches(application: String, version: String) -> Bool {
    Self.matches(self.application, Array(application.unicodeScalars))
      && (self.version.map { Self.matches($0, Array(version.unicodeScalars)) } ?? true)
  }

  /// - Complexity: O(pattern · text): a mismatch goes back to the last star only.
  private static func matches(_ pattern: [Unicode.Scalar], _ text: [Unicode.Scalar]) -> Bool {
    var (p, t) = (0, 0)
    var star: (pattern: Int, text: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        star = (p, t)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        (p, t) = (last.pattern + 1, last.text + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}
