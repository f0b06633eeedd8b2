/// Why a model version is refused.
public struct Refusal: Sendable, Hashable {
  /// The rules, with codes that keep their meaning for ever. VP006 to VP009 belong to signatures and the log.
  public enum Rule: String, Sendable, Hashable, CaseIterable {
    case noCertificate = "VP001"
    case violated = "VP002"
    case undecided = "VP003"
    case modelChanged = "VP004"
    case specificationChanged = "VP005"
    case proofUnchecked = "VP010"
    case certificateUnreadable = "VP011"
    case modelUnreadable = "VP012"
    case specificationUnreadable = "VP013"

    public var name: String {
      switch self {
      case .noCertificate: "no-certificate"
      case .violated: "violated"
      case .undecided: "undecided"
      case .modelChanged: "model-changed"
      case .specificationChanged: "specification-changed"
      case .proofUnchecked: "proof-unchecked"
      case .certificateUnreadable: "certificate-unreadable"
      case .modelUnreadable: "model-unreadable"
      case .specificationUnreadable: "specification-unreadable"
      }
    }
  }

  public let rule: Rule
  /// The file at fault.
  public let file: String
  /// One line.
  public let reason: String
  /// The command to run next, word by word, not yet quoted for a shell.
  public let next: [String]

  public init(_ rule: Rule, file: String, reason: String, next: [String]) {
    self.rule = rule
    self.file = file
    // Reasons repeat text of hostile files: a line break in one must not look like another line of the report.
    self.reason = String(
      String.UnicodeScalarView(reason.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    self.next = next
  }
}
