public import Certificates
public import Specifications

/// What the gate says of one model version.
public struct GateFinding: Sendable, Hashable {
  /// A property that the version must satisfy.
  public struct Verdict: Sendable, Hashable {
    public enum State: String, Sendable, Hashable {
      case proven
      case refused
      /// Refused, but an exemption of the policy lets it pass.
      case exempt
      /// The files were refused before it came to the property.
      case notJudged = "not-judged"
    }

    public let subject: Refusal.Subject
    public var state: State
    /// The time that the check of its proof took.
    public let milliseconds: Int

    public init(subject: Refusal.Subject, state: State, milliseconds: Int = 0) {
      self.subject = subject
      self.state = state
      self.milliseconds = milliseconds
    }
  }

  public let application: String
  public let version: String
  /// The directory.
  public let path: String
  /// The files of the specifications that the version must satisfy, in the policy's order.
  public let specificationPaths: [String]
  /// The properties of all its specifications that could be read.
  public let verdicts: [Verdict]
  /// Why the version is refused; also those that an exemption lets pass.
  public let refusals: [Refusal]
  /// The time that the judgement took.
  public let milliseconds: Int

  public init(
    application: String, version: String, path: String, specificationPaths: [String], verdicts: [Verdict],
    refusals: [Refusal], milliseconds: Int = 0
  ) {
    self.application = application
    self.version = version
    self.path = path
    self.specificationPaths = specificationPaths
    self.verdicts = verdicts
    self.refusals = refusals
    self.milliseconds = milliseconds
  }

  /// `nginx/v0007`.
  public var name: String { "\(application)/\(version)" }
  /// How many properties are proved.
  public var proven: Int { verdicts.count { $0.state == .proven } }
  /// The refusals that count.
  public var standing: [Refusal] { refusals.filter { $0.exemption == nil } }
  /// The refusals that an exemption lets pass.
  public var exempt: [Refusal] { refusals.filter { $0.exemption != nil } }

  public var passes: Bool { standing.isEmpty }
}

/// What is odd about a policy, but refuses nothing.
public struct GateWarning: Sendable, Hashable {
  public let message: String
  public let file: String
  public let place: Place

  public init(message: String, file: String, place: Place) {
    self.message = message
    self.file = file
    self.place = place
  }
}

/// Everything that one run of the gate found.
public struct GateRun: Sendable, Hashable {
  /// Sorted by path; at least one.
  public let findings: [GateFinding]
  public let warnings: [GateWarning]
  /// The policy's file; nil when there is none.
  public let policyPath: String?
  /// Whether proofs were checked again.
  public let checksProofs: Bool
  /// Whether a log was read; without one, revocations are not known.
  public let readsLog: Bool
  public let startedAt: Timestamp
  public let milliseconds: Int

  public init(
    findings: [GateFinding], warnings: [GateWarning], policyPath: String?, checksProofs: Bool, readsLog: Bool = true,
    startedAt: Timestamp, milliseconds: Int
  ) {
    self.findings = findings
    self.warnings = warnings
    self.policyPath = policyPath
    self.checksProofs = checksProofs
    self.readsLog = readsLog
    self.startedAt = startedAt
    self.milliseconds = milliseconds
  }

  /// Whether every version passes; a run without versions passes nothing.
  public var passes: Bool { !findings.isEmpty && findings.allSatisfy(\.passes) }
}

/// Why the gate could not run at all.
public struct GateError: Error, Hashable, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}
