/// Why a model version is refused.
public struct Refusal: Sendable, Hashable {
  /// The rules, with codes that keep their meaning for ever.
  public enum Rule: String, Sendable, Hashable, CaseIterable {
    case noCertificate = "VP001"
    case violated = "VP002"
    case undecided = "VP003"
    case modelChanged = "VP004"
    case specificationChanged = "VP005"
    case badSignature = "VP006"
    case notInLog = "VP007"
    case expiredOrRevoked = "VP008"
    case verifierTooOld = "VP009"
    case proofUnchecked = "VP010"
    case certificateUnreadable = "VP011"
    case modelUnreadable = "VP012"
    case specificationUnreadable = "VP013"
    case arithmeticTooWeak = "VP014"
    case dataOutsideDomain = "VP015"
  }

  /// A property of a specification, and where its `id` stands.
  public struct Subject: Sendable, Hashable {
    public let property: String
    /// The specification's name and file.
    public let specification: String
    public let file: String
    /// From 1.
    public let line: Int
    public let column: Int

    public init(property: String, specification: String, file: String, line: Int, column: Int) {
      self.property = property
      self.specification = specification
      self.file = file
      self.line = line
      self.column = column
    }
  }

  public let rule: Rule
  /// The file at fault.
  public let file: String
  /// One line.
  public let reason: String
  /// The command to run next, word by word, not yet quoted for a shell.
  public let next: [String]
  /// The property that the refusal is about; nil when it is about files.
  public let subject: Subject?
  /// What a person wants to know beyond the reason, one line each: a counterexample in units.
  public let details: [String]
  /// Whether an exemption of the policy could let it pass: never where bytes were changed or forged.
  public let mayBeExempted: Bool
  /// The exemption that lets the version pass all the same.
  public internal(set) var exemption: GatePolicy.Exemption?

  /// - Parameter isFinal: Whether no exemption counts, although the rule has some; for a certificate that was revoked.
  public init(
    _ rule: Rule, file: String, reason: String, next: [String], subject: Subject? = nil, details: [String] = [],
    isFinal: Bool = false
  ) {
    self.rule = rule
    self.file = file
    self.reason = Self.oneLine(reason)
    self.next = next
    self.subject = subject
    self.details = details.map(Self.oneLine)
    mayBeExempted = rule.mayBeExempted && !isFinal
  }

  /// The same refusal with another reason.
  func with(reason: String) -> Refusal {
    Refusal(
      rule, file: file, reason: reason, next: next, subject: subject, details: details,
      isFinal: !mayBeExempted)
  }

  /// Reasons repeat text of hostile files: a line break in one must not look like another line of the report.
  private static func oneLine(_ text: String) -> String {
    String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }
}
