public import ExactArithmetic

/// What is known about a property of a network.
public enum Verdict: Sendable, Hashable {
  /// True at every real point of the domain, for the stored weights, with no tolerance that the specification lacks.
  case holds
  /// False; at least one exact counterexample, each replayed by the exact forward pass.
  case violated([Counterexample])
  /// Neither was shown. Never folded into either answer.
  case unknown(UnknownReason)

  /// `holds`, `violated` or `unknown`, as in every file.
  public var name: String {
    switch self {
    case .holds: "holds"
    case .violated: "violated"
    case .unknown: "unknown"
    }
  }
}

/// Why a property stayed undecided.
public struct UnknownReason: Sendable, Hashable, CustomStringConvertible {
  public let description: String
  public init(description: String) { self.description = description }

  /// The time budget ended.
  public static let timeout = UnknownReason(description: "timeout")
  /// The user stopped the run.
  public static let interrupted = UnknownReason(description: "interrupted")
  /// The solver gave up; its own words follow.
  public static func solver(_ text: String) -> UnknownReason { UnknownReason(description: "solver: \(text)") }
  /// A stated bound on cells or depth was reached.
  public static let limit = UnknownReason(description: "limit")
}

/// An exact witness against a property, in the network's own numbers.
public struct Counterexample: Sendable, Hashable {
  /// The index of the violated query among the property's queries.
  public let query: Int
  /// The first point: one rational per input, in the domain.
  public let x: [Rational]
  /// The second point, in the domain as well; nil when the property speaks of one point only. For a monotone property
  /// it is equal to `x` but for larger values of its features, for a general relation it may differ anywhere.
  public let xPrime: [Rational]?
  /// The output at `x`, exactly. For a claim on none or several outputs at this point: their weighted sum.
  public let fx: Rational
  /// The output at `xPrime`, exactly.
  public let fxPrime: Rational?
  /// By how much the claim fails: always positive; in output units (log₂ of a factor for `scale: log2`).
  public let drop: Rational

  public init(query: Int, x: [Rational], xPrime: [Rational]?, fx: Rational, fxPrime: Rational?, drop: Rational) {
    self.query = query
    self.x = x
    self.xPrime = xPrime
    self.fx = fx
    self.fxPrime = fxPrime
    self.drop = drop
  }
}

/// How one property of a network was decided: what a certificate records and a report shows.
public struct PropertyResult: Sendable, Hashable {
  public let id: String
  public let verdict: Verdict
  /// `auto` or `smt`.
  public let engine: String
  /// Wall-clock seconds.
  public let seconds: Double
  /// Seconds of processor time of the deciding threads.
  public let cpuSeconds: Double
  /// Leaves of the split tree, over all queries of the property.
  public let leaves: Int
  /// Leaves that Z3 closed, among ``leaves``.
  public let solverLeaves: Int
  /// The proved share of the domain's volume, 0…1. Exactly 1 when the verdict is `holds`.
  public let provedShare: Double
  /// A certified lower bound of what the claim needs to be non-negative (for a monotone claim: of the slope per unit
  /// of the feature), where one is known.
  public let lowerBound: Rational?
  /// The same for each query.
  public let lowerBounds: [Rational?]
  /// The checked proof, for a property that holds.
  public let proof: ProofFile?
  /// What an undecided search can go on from.
  public let saved: SavedSearch?
  /// What Z3 said of a sample of the leaves that bounds closed.
  public let audit: LeafAudit

  public init(
    id: String, verdict: Verdict, engine: String, seconds: Double, cpuSeconds: Double, leaves: Int, solverLeaves: Int,
    provedShare: Double, lowerBound: Rational?, lowerBounds: [Rational?] = [], proof: ProofFile? = nil,
    saved: SavedSearch? = nil, audit: LeafAudit = LeafAudit()
  ) {
    self.id = id
    self.verdict = verdict
    self.engine = engine
    self.seconds = seconds
    self.cpuSeconds = cpuSeconds
    self.leaves = leaves
    self.solverLeaves = solverLeaves
    self.provedShare = provedShare
    self.lowerBound = lowerBound
    self.lowerBounds = lowerBounds
    self.proof = proof
    self.saved = saved
    self.audit = audit
  }
}

/// A second opinion on leaves of a proof: how many were given to the solver, whole and exactly, and of how many it
/// confirmed that the claim fails nowhere in them. The others it did not decide in its time; a contradiction is an error
/// and never a count.
public struct LeafAudit: Sendable, Hashable {
  public var audited: Int
  public var confirmed: Int

  public init(audited: Int = 0, confirmed: Int = 0) {
    self.audited = audited
    self.confirmed = confirmed
  }
}
