public import ExactArithmetic

/// How one property was decided, as a certificate records it.
public struct PropertyRecord: Sendable, Hashable {
  /// A verdict with the one counterexample that a certificate keeps.
  public enum Outcome: Sendable, Hashable {
    case holds
    case violated(Counterexample)
    case unknown(UnknownReason)

    /// `holds`, `violated` or `unknown`.
    public var name: String {
      switch self {
      case .holds: "holds"
      case .violated: "violated"
      case .unknown: "unknown"
      }
    }
  }

  /// A file beside the certificate from which anyone can check the verdict again.
  public struct ProofReference: Sendable, Hashable {
    /// The file's name in the certificate's directory.
    public let path: String
    public let sha256: String
    public let bytes: Int

    public init(path: String, sha256: String, bytes: Int) {
      self.path = path
      self.sha256 = sha256
      self.bytes = bytes
    }
  }

  public let id: String
  /// The claim in words and units, for people.
  public let statement: String
  public let outcome: Outcome
  /// `auto` or `smt`.
  public let engine: String
  /// Wall-clock and processor time.
  public let milliseconds: Int
  public let cpuMilliseconds: Int
  public let leaves: Int
  public let solverLeaves: Int
  /// The proved share of the domain's volume, rounded down to six decimals: `1` exactly when the property holds.
  public let provedShare: String
  public let lowerBound: Rational?
  /// The canonical digests of the queries that the property lowers to, in order.
  public let queryDigests: [String]
  public let proof: ProofReference?
  /// Leaves of the proof that the solver was asked about again, and those of them that it confirmed.
  public let audit: LeafAudit

  public init(
    id: String, statement: String, outcome: Outcome, engine: String, milliseconds: Int, cpuMilliseconds: Int,
    leaves: Int, solverLeaves: Int, provedShare: String, lowerBound: Rational?, queryDigests: [String],
    proof: ProofReference? = nil, audit: LeafAudit = LeafAudit()
  ) {
    self.id = id
    self.statement = statement
    self.outcome = outcome
    self.engine = engine
    self.milliseconds = milliseconds
    self.cpuMilliseconds = cpuMilliseconds
    self.leaves = leaves
    self.solverLeaves = solverLeaves
    self.provedShare = provedShare
    self.lowerBound = lowerBound
    self.queryDigests = queryDigests
    self.proof = proof
    self.audit = audit
  }

  /// The record of a result: the first counterexample, times in whole milliseconds.
  /// - Precondition: a violated result has a counterexample.
  public init(_ result: PropertyResult, statement: String, queryDigests: [String], proof: ProofReference? = nil) {
    let outcome: Outcome
    switch result.verdict {
    case .holds: outcome = .holds
    case .violated(let counterexamples):
      precondition(!counterexamples.isEmpty, "a violated property has a counterexample")
      outcome = .violated(counterexamples[0])
    case .unknown(let reason): outcome = .unknown(reason)
    }
    self.init(
      id: result.id, statement: statement, outcome: outcome, engine: result.engine,
      milliseconds: Self.milliseconds(result.seconds), cpuMilliseconds: Self.milliseconds(result.cpuSeconds),
      leaves: result.leaves, solverLeaves: result.solverLeaves,
      provedShare: Self.share(result.provedShare, holds: outcome == .holds), lowerBound: result.lowerBound,
      queryDigests: queryDigests, proof: proof, audit: result.audit)
  }

  /// Rounded to the nearest; at least 0 and at most 2⁵³ − 1, also for infinities and NaN.
  static func milliseconds(_ seconds: Double) -> Int {
    let value = (seconds * 1000).rounded()
    return value > 0 ? Int(min(value, Double(CanonicalJSON.maximumInteger))) : 0
  }

  /// `1` when the property holds, otherwise at most `0.999999`.
  static func share(_ share: Double, holds: Bool) -> String {
    guard !holds else { return "1" }
    let value = (share * 1_000_000).rounded(.down)
    let millionths = value > 0 ? Int(min(value, 999_999)) : 0
    guard millionths > 0 else { return "0" }
    var digits = String(millionths)
    digits = String(repeating: "0", count: 6 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "0.\(digits)"
  }
}
