internal import BigInt
public import Certificates
internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import SolverProcess
internal import Specifications

/// What is known about one case.
enum CaseAnswer {
  case satisfiable(Witness)
  case refuted(CaseGround)
  case unknown(UnknownReason)
}

/// Decides one case of a formula.
///
/// 1. Bounds and exact linear programming: whether the conditions on inputs have a solution at all.
/// 2. Claims about the slope of one copy, when the case is about monotonicity.
/// 3. Bounds on the whole region, of each atom alone and of the maximum of all. Then a look for a witness, each atom alone
///    for a moment, and the maximum of all: a claim that the engine decides, with margins ε on atoms that are not strict.
///    Points that violate it are tried on the formula itself, with all of their linear piece.
/// 4. The whole case, exactly, by Z3.
struct CaseSolver {
  let problem: SatisfiabilityProblem
  let lowered: SatisfiabilityCase
  let options: VerificationOptions
  let pool: WorkPool
  /// For messages.
  let subject: String

  /// The margins that are tried, in bits below the size of an atom.
  static let marginBits = [20, 32, 44]
  /// The most atoms that are tried alone, and the share of the time, and the seconds, that each may take.
  private static let maximumSingles = 8
  private static let singleShare = 0.05
  private static let singleSeconds = 1.0
  /// The points sampled for one atom of several: what violates that claim does not satisfy the case.
  private static let singleSamples = 64
  /// Those sampled with a smaller margin than before.
  private static let closerSamples = 512
  /// The most time for a linear piece, in milliseconds.
  private static let pieceMilliseconds = 5_000

  func decide(_ budget: Budget) throws -> CaseAnswer {
    if lowered.isEmpty { return .refuted(.empty) }
    if lowered.isTooLarge { return .unknown(.tooManyConstraints) }
    guard let region = lowered.region else { return try whole(budget) }
    let polytope = Polytope(box: region, constraints: lowered.constraints)
    let extent: Polytope.Extent = lowered.constraints.isEmpty ? .solid(region.map(\.lowerBound)) : polytope.extent
    switch extent {
    case .empty: return .refuted(.empty)
    case .flat(let point), .solid(let point):
      if let witness = try satisfying(point) { return .satisfiable(witness) }
      // Any point satisfies a case without further atoms.
      if lowered.atoms.isEmpty { throw disagreement("a point of its domain") }
    case .unknown:
      if lowered.atoms.isEmpty { return try whole(budget) }
    }
    if options.engine == .smt { return try whole(budget) }
    if let monotone = MonotoneCase(lowered, region: region, of: problem),
      let answer = try decide(monotone, budget)
    {
      return answer
    }
    return try search(region, budget)
  }

  // MARK: Witnesses

  /// The witness at u, with coordinates as short as the formula allows; nil when it does not hold there.
  private func satisfying(_ u: [Rational]) throws -> Witness? {
    guard let witness = problem.witness(inputs: lowered.inputs(at: u)) else { return nil }
    for bits in [2, 4, 8, 12, 16, 20, 26, 32, 40, 52] {
      let short = zip(u, lowered.bounds).map { value, bounds -> Rational in
        let size = max(bounds.low?.magnitude ?? .zero, bounds.high?.magnitude ?? .zero, value.magnitude)
        guard !size.isZero else { return value }
        let shift = bits - size.binaryExponent
        var rounded = Rational((value.scaled(bits: shift) + Rational(1, 2)).floor).scaled(bits: -shift)
        if let low = bounds.low { rounded = max(rounded, low) }
        if let high = bounds.high { rounded = min(rounded, high) }
        return rounded
      }
      if short == u { return witness }
      if let found = problem.witness(inputs: lowered.inputs(at: short)) { return found }
    }
    return witness
  }

  /// A witness on the linear piece around u, by Z3 in exact linear arithmetic.
  private func piece(around u: [Rational], _ budget: Budget) throws -> Witness? {
    let encoder = CaseEncoder(problem: problem, lowered: lowered)
    let encoding = encoder.encode(encoder.phases(at: u))
    let answer = try budget.ask(
      Question(encoding.formula, values: encoding.inputs, method: .linear), milliseconds: Self.pieceMilliseconds)
    guard case .satisfiable(let point) = answer else { return nil }
    guard let witness = try satisfying(point) else { throw disagreement("a point of a linear piece") }
    return witness
  }

  private func disagreement(_ what: String) -> VerificationError {
    VerificationError(
      .disagreement,
      "\(subject): the solver gave \(what) as a solution, but exact evaluation does not confirm it; please report this "
        + "with the models and the query")
  }

  // MARK: Engines

  /// The whole case by Z3.
  private func whole(_ budget: Budget) throws -> CaseAnswer {
    guard !budget.isOver else { return .unknown(budget.isInterrupted ? .interrupted : .timeout) }
    let encoder = CaseEncoder(problem: problem, lowered: lowered)
    let encoding = encoder.encode(encoder.knownPhases())
    switch try budget.ask(Question(encoding.formula, values: encoding.inputs, method: .general)) {
    case .unsatisfiable: return .refuted(.solver)
    case .unknown(let text): return .unknown(budget.reason(for: text))
    case .satisfiable(let point):
      guard let witness = try satisfying(point) else { throw disagreement("\(point)") }
      return .satisfiable(witness)
    }
  }

  private enum SearchAnswer {
    case proved(CaseGround)
    /// Points at which the claim fails; pairs for a monotone claim.
    case violated([Counterexample])
    case unknown(UnknownReason)
  }

  /// Decides one query by the engine, and writes and checks the proof.
  /// - Parameter samples: The most points that are sampled first.
  private func engine(
    _ network: ExactNetwork, _ query: Query, samples: Int = .max, _ budget: Budget
  ) throws -> SearchAnswer {
    let (base, plain) = try lowered(query, on: network)
    var options = options
    options.samples = min(options.samples, samples)
    let verifier = Verifier(network: base, options: options, pool: pool)
    let start = Verifier.threadSeconds()
    let outcome = try verifier.searchAndProve(plain, builder(base, plain), budget) { _, _ in }
    switch outcome.verdict {
    case .unknown(let reason): return .unknown(reason)
    case .violated(let found): return .violated(found)
    case .holds:
      guard let tree = outcome.tree else { return .proved(.solver) }
      let seconds = Verifier.threadSeconds() - start + outcome.helpersSeconds
      return .proved(.proofs([try proof(tree, network, query, after: seconds, budget)]))
    }
  }

  /// The proof that bounds on the whole region are, when they suffice: without sampling and search.
  private func proofAtRoot(_ network: ExactNetwork, _ query: Query, _ budget: Budget) throws -> CaseProof? {
    let (base, plain) = try lowered(query, on: network)
    guard !budget.isOver, let problem = try? FixedPointProblem(network: base, query: plain),
      let tree = BranchAndBound.provedAtRoot(problem)
    else { return nil }
    return try proof(tree, network, query, after: 0, budget)
  }

  /// Writes a proof, has it checked, and asks Z3 about some of its leaves.
  private func proof(
    _ tree: FoundTree, _ network: ExactNetwork, _ query: Query, after seconds: Double, _ budget: Budget
  ) throws -> CaseProof {
    let sample = LeafSample(capacity: Verifier.auditedLeaves, seed: options.seed)
    let file = try ProofWriting(
      network: network, queries: [query], subject: subject, directory: options.scratchDirectory
    ).write([tree]) { sample.offer($0, $1) }
    _ = try Verifier(network: network, options: options).audit([query], of: subject, sample, after: seconds, budget)
    return CaseProof(network: network, query: query, file: file)
  }

  private func lowered(_ query: Query, on network: ExactNetwork) throws -> (network: ExactNetwork, query: Query) {
    do {
      return try query.lowered(on: network)
    } catch {
      throw VerificationError(.mismatch, "\(subject) does not fit its network: \(error)")
    }
  }

  private func builder(_ network: ExactNetwork, _ query: Query) -> CounterexampleBuilder {
    CounterexampleBuilder(network: network, query: query, index: 0, isEnclosed: false)
  }

  /// Nil when the claims about slopes, which are stronger than needed, decide nothing.
  private func decide(_ monotone: MonotoneCase, _ budget: Budget) throws -> CaseAnswer? {
    var proofs: [CaseProof] = []
    var isBySolver = false
    for (index, query) in monotone.queries.enumerated() {
      switch try engine(monotone.network, query, budget) {
      case .proved(.proofs(let found)): proofs += found
      case .proved: isBySolver = true
      case .violated(let found):
        for pair in found {
          guard let xPrime = pair.xPrime else { continue }
          if let witness = try satisfying(monotone.point(index, x: pair.x, xPrime: xPrime)) {
            return .satisfiable(witness)
          }
        }
        return nil
      case .unknown(let reason):
        // The form with two copies is much harder than this one.
        return budget.isOver ? .unknown(reason) : nil
      }
    }
    return .refuted(isBySolver ? .solver : .proofs(proofs))
  }

  private func search(_ region: [ClosedRange<Rational>], _ budget: Budget) throws -> CaseAnswer {
    let queries = CaseQueries(lowered, region: region, of: problem)
    let all = Array(lowered.atoms.indices)
    // Without the strict conditions on inputs more points satisfy the case, and it is smaller.
    let open = all.filter { !lowered.atoms[$0].isOnInputs }
    var rounds = Self.marginBits.map { (atoms: all, bits: $0) }
    if open.count < all.count, !open.isEmpty { rounds.insert((open, Self.marginBits[0]), at: 0) }
    for atom in open.prefix(Self.maximumSingles) {
      let query = queries.query(atom: atom, bits: Self.marginBits[0])
      if let proof = try proofAtRoot(queries.network, query, budget) { return .refuted(.proofs([proof])) }
    }
    var isSampled = false
    if open.count <= Self.maximumSingles, open.count > 1 {
      isSampled = true
      if let answer = try singles(queries, open, budget) { return answer }
    }
    var reason: UnknownReason?
    for (number, round) in rounds.enumerated() where !budget.isOver {
      // Without a margin all rounds with these atoms are the same.
      let hasMargin = round.atoms.contains { !lowered.atoms[$0].isStrict }
      if number > 0, !hasMargin, rounds[number - 1].atoms.count == round.atoms.count { continue }
      let (network, query) =
        round.atoms.count == 1
        ? (queries.network, queries.query(atom: round.atoms[0], bits: round.bits))
        : queries.maximum(of: round.atoms, bits: round.bits)
      let samples = number > 0 ? Self.closerSamples : isSampled ? 0 : Int.max
      switch try engine(network, query, samples: samples, budget) {
      case .proved(let ground): return .refuted(ground)
      case .violated(let found):
        if let witness = try witness(among: found, queries, budget) { return .satisfiable(witness) }
      case .unknown(let why): reason = why
      }
      // What stopped this claim stops closer ones, too.
      if reason != nil { break }
    }
    let answer = try whole(budget)
    if case .unknown = answer, let reason, !budget.isOver { return .unknown(reason) }
    return answer
  }

  private func witness(among found: [Counterexample], _ queries: CaseQueries, _ budget: Budget) throws -> Witness? {
    let points = found.map { queries.u(at: $0.x) }
    for point in points { if let witness = try satisfying(point) { return witness } }
    for point in points where !budget.isOver {
      if let witness = try piece(around: point, budget) { return witness }
    }
    return nil
  }

  /// A look for a witness, then each atom alone for a moment: often one suffices, and its claim is about fewer neurons.
  private func singles(_ queries: CaseQueries, _ atoms: [Int], _ budget: Budget) throws -> CaseAnswer? {
    let bits = Self.marginBits[0]
    let (network, query) = queries.maximum(of: atoms, bits: bits)
    if let proof = try proofAtRoot(network, query, budget) { return .refuted(.proofs([proof])) }
    let verifier = Verifier(network: network, options: options, pool: pool)
    let found = try verifier.falsify(query, builder(network, query), budget)
    if let witness = try witness(among: found, queries, budget) { return .satisfiable(witness) }
    if !found.isEmpty { return nil }
    for atom in atoms where !budget.isOver {
      let left = budget.remainingMilliseconds.map { Double($0) / 1000 * Self.singleShare } ?? Self.singleSeconds
      let share = budget.limited(toSeconds: min(left, Self.singleSeconds))
      let answer = try engine(
        queries.network, queries.query(atom: atom, bits: bits), samples: Self.singleSamples, share)
      if case .proved(let ground) = answer { return .refuted(ground) }
    }
    return nil
  }
}

extension UnknownReason {
  /// The dense form of a case would be too large.
  public static let tooManyConstraints = UnknownReason(
    description: "too many linear constraints over too many inputs")
}
