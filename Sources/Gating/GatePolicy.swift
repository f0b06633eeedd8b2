internal import Certificates
public import ExactArithmetic
internal import Networks
public import Specifications

/// What the gate asks of every model version: the file `gate.yaml`, which `docs/gate.md` describes.
public struct GatePolicy: Sendable, Hashable {
  /// The specifications that some versions must satisfy, all of them.
  public struct SpecificationRule: Sendable, Hashable {
    public let models: ModelPattern
    /// Names of files without `.yaml`, in which `{application}` stands for the version's application.
    public let allOf: [String]

    public init(models: ModelPattern, allOf: [String]) {
      self.models = models
      self.allOf = allOf
    }
  }

  public enum Requirement: String, Sendable, Hashable, CaseIterable {
    case required
    case optional
  }

  public enum Proofs: String, Sendable, Hashable, CaseIterable {
    /// Every proof is checked again.
    case check
    /// Certificates are believed.
    case trust
  }

  /// What a certificate must at least say of the numbers that a processor computes.
  public enum Arithmetic: String, Sendable, Hashable, CaseIterable {
    case real
    case binary32Bounded = "binary32-bounded"
    case binary64Bounded = "binary64-bounded"
    case binary64Exact = "binary64-exact"
  }

  /// The transparency log.
  public struct Log: Sendable, Hashable {
    public var inclusion = Requirement.optional
    /// The log's directory and a saved checkpoint of it; relative to the working directory, as opened.
    public var directory: String?
    public var checkpoint: String?

    public init() {}
  }

  /// Refusals that some people answer for, until a day.
  public struct Exemption: Sendable, Hashable {
    public let models: ModelPattern
    public let rules: [Refusal.Rule]
    /// The only property that is meant; nil for all.
    public let property: String?
    public let owner: String
    public let reason: String
    /// The last day, in UTC, as `2026-12-31`.
    public let expires: String
    /// The first moment at which it does not count any more.
    let end: Timestamp
    /// Where it stands in the policy.
    public let place: Place

    /// Whether the entry speaks of a refusal, whether or not its day is over.
    func covers(_ refusal: Refusal, application: String, version: String) -> Bool {
      refusal.mayBeExempted && rules.contains(refusal.rule)
        && (property == nil || property == refusal.subject?.property)
        && models.matches(application: application, version: version)
    }
  }

  /// In the order of the file; empty for `APPLICATION.yaml` alone.
  public var specifications: [SpecificationRule] = []
  public var arithmetic = Arithmetic.real
  public var signature = Requirement.required
  /// The trust file, relative to the working directory, as opened.
  public var trust: String?
  public var log = Log()
  /// The least share of the measured rows that must lie inside the domain.
  public var minimumInside: Rational?
  public var proofs = Proofs.check
  public var minimumVerifier: SemanticVersion?
  public var exemptions: [Exemption] = []
  /// Only the versions' own files, the specifications, the policy and the trust file are looked at: neither the log's
  /// directory nor a saved checkpoint. Revocations are then not known.
  public var isOffline = false
  /// The file that it was read from; nil for the default.
  public var path: String?

  /// What holds without a file.
  public init() {}

  /// The file that counts when none is named, in the working directory.
  public static let defaultPath = "gate.yaml"
  /// Bounds of the file.
  public static let maximumBytes = 64 << 10
  public static let maximumRules = 256
  public static let maximumNames = 64
  public static let maximumExemptions = 1000
  /// The longest owner and reason, in characters.
  public static let maximumText = 500
  /// The farthest day of an exemption.
  public static let maximumDays = 366

  /// The names of the specifications that a version must satisfy; empty when the policy names some, but none for it.
  func specificationNames(application: String, version: String) -> [String] {
    guard !specifications.isEmpty else { return [application] }
    var names: [String] = []
    for rule in specifications where rule.models.matches(application: application, version: version) {
      for template in rule.allOf {
        let name = template.replacing("{application}", with: application)
        if !names.contains(where: { $0.utf8.elementsEqual(name.utf8) }) { names.append(name) }
      }
    }
    return names
  }
}

extension GatePolicy.Arithmetic {
  /// Whether a certificate's arithmetic says all that this level asks for, for the property `id`.
  ///
  /// `real` asks for nothing. What is exact in binary64 also has its bounds there. Nothing that is proved of binary64
  /// speaks of binary32, nor the other way round.
  func isMet(by arithmetic: Certificate.Arithmetic, property id: String) -> Bool {
    switch (self, arithmetic) {
    case (.real, _): true
    case (.binary64Exact, .binary64Exact), (.binary64Bounded, .binary64Exact): true
    case (.binary64Bounded, .bounded(.binary64, _, let properties)),
      (.binary32Bounded, .bounded(.binary32, _, let properties)):
      properties.contains(id)
    default: false
    }
  }
}
