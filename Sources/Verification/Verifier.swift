public import Certificates
public import ExactArithmetic
internal import Foundation
internal import Glibc
public import Networks
internal import ProofChecking
internal import SolverProcess
public import Specifications

/// Which machinery decides.
public enum Engine: String, Sendable, Hashable, CaseIterable {
  /// Falsification, then branch and bound, Z3 for what is left.
  case auto
  /// The whole query to Z3 in one piece.
  case smt
}

/// Which cells are halved along an input, and which by the phase of a neuron.
public enum SplitChoice: String, Sendable, Hashable, CaseIterable {
  /// Searches of both kinds take turns.
  case turns
  /// The same, but first a search in which both kinds are tried at some of the cells, and the others follow what their
  /// ancestors learned.
  case lookAhead = "look-ahead"
  /// Inputs alone.
  case inputs
  /// Whichever promises more.
  case mixed

  /// The kinds of search and the cells that each may take.
  var stages: [(SplitMode, Int)] {
    switch self {
    case .turns:
      [
        (.mixed, 2_000), (.inputs, 8_000), (.mixed, 8_000), (.inputs, 600_000), (.mixed, 600_000),
        (.inputs, BranchAndBound.maximumCells),
      ]
    case .lookAhead:
      [
        (.lookAhead, 200), (.mixed, 200), (.lookAhead, 4_000), (.inputs, 12_000), (.mixed, 8_000), (.inputs, 600_000),
        (.mixed, 600_000),
        (.inputs, BranchAndBound.maximumCells),
      ]
    case .inputs: [(.inputs, BranchAndBound.maximumCells)]
    case .mixed: [(.mixed, BranchAndBound.maximumCells)]
    }
  }
}

/// How hard to try.
public struct VerificationOptions: Sendable {
  public var engine: Engine
  /// Points sampled by the falsifier per query.
  public var samples: Int
  /// The most counterexamples per query and run, and the most known pairs reported beside them; new ones differ by a
  /// tenth of the box or more in some feature.
  public var maximumCounterexamples: Int
  /// Seed of the falsifier: same seed, same run.
  public var seed: UInt64
  /// Which splits to prefer.
  public var splitChoice = SplitChoice.lookAhead
  /// Whether the searches for the properties of a specification share bounds: proofs do not depend on it.
  public var sharesBounds = true
  /// Whether a search that ends undecided leaves its tree behind, to go on from.
  public var savesSearches = false
  /// Where proofs are written before they are kept.
  public var scratchDirectory = FileManager.default.temporaryDirectory.path

  public init(engine: Engine = .auto, samples: Int = 6144, maximumCounterexamples: Int = 8, seed: UInt64 = 1) {
    self.engine = engine
    self.samples = samples
    self.maximumCounterexamples = maximumCounterexamples
    self.seed = seed
  }
}

/// A pair (or point) known from before, tried first.
public struct KnownPair: Sendable, Hashable {
  public let query: Int
  public let x: [Rational]
  public let xPrime: [Rational]?

  public init(query: Int, x: [Rational], xPrime: [Rational]?) {
    self.query = query
    self.x = x
    self.xPrime = xPrime
  }
}

/// Decides properties of one network.
///
/// Blocking: runs on the caller's thread and belongs on one of its own, never on the cooperative pool. Different
/// properties may be decided by different threads at once.
public struct Verifier: Sendable {
  public let network: ExactNetwork
  public let options: VerificationOptions
  /// Where other threads may help.
  let pool: WorkPool
  /// Bounds that the properties which this verifier decides share.
  let bounds: SharedBounds?

  public init(
    network: ExactNetwork, options: VerificationOptions = VerificationOptions(), pool: WorkPool = WorkPool()
  ) {
    self.init(
      network: network, options: options, pool: pool, bounds: options.sharesBounds ? SharedBounds() : nil)
  }

  init(network: ExactNetwork, options: VerificationOptions, pool: WorkPool, bounds: SharedBounds?) {
    self.network = network
    self.options = options
    self.pool = pool
    self.bounds = bounds
  }

  /// What the libz3 of the solver processes calls itself.
  /// - Throws: ``VerificationError`` with code `solver` when there is no solver to ask.
  public static func solverVersion() throws(VerificationError) -> String {
    do {
      return try SolverPool.shared.version()
    } catch {
      throw VerificationError(.solver, "\(error)")
    }
  }

  /// Decides a property, which holds exactly when all its queries do.
  ///
  /// - Parameters:
  ///   - known: Pairs replayed before any search.
  ///   - start: A tree to start from; what cannot be read is ignored.
  ///   - progress: Called every few cells with the query, its proved share and its closed cells.
  /// - Throws: ``VerificationError`` on a mismatch or when two methods contradict each other.
  public func decide(
    _ property: Property, known: [KnownPair] = [], start advised: SearchStart? = nil, budget: Budget,
    progress: @escaping (Int, Double, Int) -> Void = { _, _, _ in }
  ) throws -> PropertyResult {
    let start = ContinuousClock.now
    let startCPU = Self.threadSeconds()
    let meter = SolverMeter()
    var budget = budget
    budget.meter = meter
    var violations: [Counterexample] = []
    var reason: UnknownReason?
    var leaves = 0
    var solverLeaves = 0
    var share = 0.0
    var bounds: [Rational?] = []
    var trees: [FoundTree] = []
    var stages: [Int] = []
    var helpers = 0.0
    let advice = advised.flatMap(SearchAdvice.init)
    for (index, query) in property.queries.enumerated() {
      let lowered: (network: ExactNetwork, query: Query)
      let refutation: Query
      do {
        lowered = try query.lowered(on: network)
        refutation = try property.refutations[index].lowered(on: network).query
      } catch {
        throw VerificationError(
          .mismatch, "property '\(property.id)' speaks of inputs or outputs that the network does not have")
      }
      let verifier = Verifier(network: lowered.network, options: options, pool: pool, bounds: self.bounds)
      let builder = CounterexampleBuilder(
        network: lowered.network, query: refutation, index: index, isEnclosed: property.refutations[index] != query,
        relation: query.relation, strict: property.strictDomains[index], outputCount: network.outputCount)
      let outcome = try verifier.decide(
        lowered.query, builder, known.filter { $0.query == index }, advice, budget
      ) { share, leaves in
        progress(index, share, leaves)
      }
      leaves += outcome.leaves
      solverLeaves += outcome.solverLeaves
      helpers += outcome.helpersSeconds
      if let tree = outcome.tree { trees.append(tree) }
      stages.append(outcome.stage)
      share += outcome.provedShare / Double(property.queries.count)
      bounds.append(outcome.lowerBound)
      switch outcome.verdict {
      case .holds: break
      case .violated(let found): violations += found
      case .unknown(let why): reason = reason ?? why
      }
    }
    var verdict = !violations.isEmpty ? Verdict.violated(violations) : reason.map { .unknown($0) } ?? .holds
    var proof: ProofFile?
    var saved: SavedSearch?
    var audit = LeafAudit()
    if verdict == .holds, options.engine == .auto {
      if trees.count == property.queries.count {
        let sample = LeafSample(capacity: Self.auditedLeaves, seed: options.seed)
        proof = try ProofWriting(network: network, property: property, directory: options.scratchDirectory).write(trees)
        {
          sample.offer($0, $1)
        }
        audit = try self.audit(
          property.queries, of: "property '\(property.id)'", sample,
          after: Self.threadSeconds() - startCPU + helpers, budget)
      } else {
        verdict = .unknown(.noProof)
      }
    } else if options.savesSearches, case .unknown = verdict, trees.count == property.queries.count {
      // Without it the answer stands, and the next run starts anew.
      saved = try? ProofWriting(network: network, property: property, directory: options.scratchDirectory)
        .save(trees, stages: stages)
    }
    let elapsed = ContinuousClock.now - start
    return PropertyResult(
      id: property.id, verdict: verdict,
      engine: options.engine.rawValue,
      seconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18,
      cpuSeconds: Self.threadSeconds() - startCPU + helpers + meter.seconds, leaves: leaves,
      solverLeaves: solverLeaves, provedShare: verdict == .holds ? 1 : min(share, 1.0.nextDown),
      lowerBound: bounds.contains(nil) ? nil : bounds.compactMap(\.self).min(), lowerBounds: bounds, proof: proof,
      saved: saved, audit: audit)
  }

  /// The most leaves of a property that Z3 looks at again, and the most time for one, in milliseconds. Of 41 proofs of
  /// small networks it confirmed 16 of 53 leaves with 75 ms as with 150, 18 with 400, and 14 with 40.
  static let auditedLeaves = 4
  static let auditMilliseconds = 75
  /// The most hidden neurons of a network whose leaves are given to Z3: of larger ones it decides none in that time.
  static let auditedNeurons = 512

  /// Z3's opinion on a sample of the leaves that bounds closed. At least one leaf is asked about; no further one once
  /// that took a twentieth of the search's time and 40 milliseconds.
  func audit(
    _ queries: [Query], of subject: String, _ sample: LeafSample, after seconds: Double, _ budget: Budget
  ) throws -> LeafAudit {
    var result = LeafAudit()
    guard network.hiddenNeuronCount <= Self.auditedNeurons else { return result }
    let start = ContinuousClock.now
    for (index, cell) in sample.elements {
      let spent = ContinuousClock.now - start
      let elapsed = Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
      if result.audited > 0, elapsed > max(0.04, 0.05 * seconds) { break }
      let lowered = try queries[index].lowered(on: network)
      let auditor = LeafAuditor(
        network: lowered.network, query: lowered.query, milliseconds: Self.auditMilliseconds)
      let report: LeafAuditor.Report
      do throws(VerificationError) {
        report = try auditor.audit([cell], budget: budget) { _ in "a leaf of the proof of \(subject)" }
      } catch {
        // Without a solver the proof stands, and the count says that there was no second opinion.
        guard error.code == .solver else { throw error }
        return result
      }
      result.audited += report.audited
      result.confirmed += report.confirmed
    }
    return result
  }

  private func decide(
    _ query: Query, _ builder: CounterexampleBuilder, _ known: [KnownPair], _ advice: SearchAdvice?, _ budget: Budget,
    _ progress: @escaping (Double, Int) -> Void
  ) throws -> QueryOutcome {
    let replayed = known.compactMap { builder.replay($0.x, $0.xPrime) }
    if !replayed.isEmpty {
      advice?.close()
      // An old pair refutes the property, but says little about how badly this network fails: a short search does.
      let found = options.engine == .auto ? try falsify(query, builder, budget) : []
      var all = Array(replayed.sorted { $0.drop > $1.drop }.prefix(options.maximumCounterexamples))
      for counterexample in found where !all.contains(where: { $0.x == counterexample.x }) {
        all.append(counterexample)
      }
      all.sort { $0.drop > $1.drop }
      return QueryOutcome(verdict: .violated(all))
    }
    switch options.engine {
    case .auto: return try searchAndProve(query, builder, budget, advice: advice, progress)
    case .smt: return try solveWhole(query, builder, budget)
    }
  }

  // MARK: Engines

  func searchAndProve(
    _ query: Query, _ builder: CounterexampleBuilder, _ budget: Budget, advice: SearchAdvice? = nil,
    _ progress: @escaping (Double, Int) -> Void
  ) throws -> QueryOutcome {
    let problem: FixedPointProblem
    do {
      problem = try FixedPointProblem(network: network, query: query)
    } catch .outOfRange, .unsupported {
      // Numbers too far apart for fixed point, or a query with constraints or inputs in its claim: Z3 has no such
      // limits.
      advice?.close()
      return try solveWhole(query, builder, budget)
    }
    let guided = advice?.next(problem, index: builder.index)
    defer { guided?.guide.skipRest() }
    // A network whose weights have the signs of what is claimed needs neither sampling nor search, whatever its size.
    if !budget.isInterrupted, let tree = BranchAndBound.provedByIntervals(problem) {
      let claimed: Rational
      switch query.claim {
      case .monotone(_, _, _, let minimumSlope): claimed = minimumSlope
      case .nonnegative: claimed = .zero
      }
      var outcome = QueryOutcome(verdict: .holds)
      outcome.leaves = 1
      outcome.provedShare = 1
      outcome.lowerBound = min(claimed, problem.unscaled(problem.threshold))
      outcome.tree = tree
      return outcome
    }
    let float = FloatProblem(problem)
    let falsifier = Falsifier(float)
    defer { falsifier.close() }
    let found = try falsify(falsifier, builder, budget)
    if !found.isEmpty {
      return QueryOutcome(verdict: .violated(found.sorted { $0.drop > $1.drop }))
    }
    var spent = 0.0
    // What a stage closed stays closed when the same kind of search has its next turn.
    var trees: [SplitMode: FoundTree] = [:]
    func run(_ mode: SplitMode, _ cellLimit: Int, _ stage: Int, _ guide: SearchGuide? = nil) throws -> QueryOutcome? {
      let search = BranchAndBound(
        network: network, query: query, problem: problem, float: float, builder: builder, budget: budget, pool: pool,
        mode: mode, cellLimit: cellLimit, guide: guide, bounds: bounds, progress: progress)
      var outcome = try search.run()
      spent += outcome.helpersSeconds
      if outcome.verdict == .unknown(.limit), cellLimit < BranchAndBound.maximumCells {
        // In the last part of the time another kind of search would only begin.
        if !budget.isOver, !budget.isForBounds {
          trees[mode] = outcome.tree
          return nil
        }
        // The limit is that of a turn: what ends the search is that no other turn comes.
        outcome.verdict = .unknown(budget.isInterrupted ? .interrupted : .timeout)
      }
      outcome.helpersSeconds = spent
      outcome.stage = stage
      return outcome
    }
    let stages = options.splitChoice.stages
    var first = 0
    var guide: SearchGuide?
    if let guided {
      if let stage = guided.stage {
        first = min(max(stage, 0), stages.count - 1)
        guide = guided.guide
      } else {
        // Which splits paid before will pay again; a tree that does not fit is given up once it has grown enough.
        let census = guided.census
        let mode: SplitMode = census.phaseSplits > census.inputSplits ? .mixed : .inputs
        let last = stages.lastIndex { $0.0 == mode } ?? stages.count - 1
        if let outcome = try run(mode, 20_000 + 6 * census.leaves, last, guided.guide) { return outcome }
        trees.removeAll()
      }
    }
    // Which splits pay differs by orders of magnitude between networks, and no cheap measure tells. So both kinds of
    // search take turns, each up to some times as many cells as before; the counts, unlike times, are the same in each run.
    for (stage, (mode, cellLimit)) in stages.enumerated().dropFirst(first) {
      let start = try guide ?? trees.removeValue(forKey: mode).map { try SearchGuide($0, problem: problem) }
      guide = nil
      if let outcome = try run(mode, cellLimit, stage, start) { return outcome }
    }
    return QueryOutcome(verdict: .unknown(.limit))
  }

  /// The counterexamples that sampling leads to; none when the numbers are too far apart for fixed point.
  func falsify(_ query: Query, _ builder: CounterexampleBuilder, _ budget: Budget) throws -> [Counterexample] {
    guard let problem = try? FixedPointProblem(network: network, query: query) else { return [] }
    let falsifier = Falsifier(FloatProblem(problem))
    defer { falsifier.close() }
    return try falsify(falsifier, builder, budget)
  }

  private func falsify(_ falsifier: Falsifier, _ builder: CounterexampleBuilder, _ budget: Budget) throws
    -> [Counterexample]
  {
    let seed = options.seed &* 1_000_003 &+ UInt64(builder.index)
    let hints = falsifier.search(
      samples: options.samples, count: options.maximumCounterexamples, seed: seed, shouldStop: { budget.isOver })
    var found: [Counterexample] = []
    for hint in hints where !budget.isOver {
      if let counterexample = try builder.counterexample(near: hint.point, budget: budget),
        !found.contains(where: { $0.x == counterexample.x })
      {
        found.append(counterexample)
      }
    }
    return found
  }

  /// The pure solver path: interval bounds fix phases where they can, everything else is Z3's.
  private func solveWhole(_ query: Query, _ builder: CounterexampleBuilder, _ budget: Budget) throws -> QueryOutcome {
    let form: Encoder.Form =
      switch query.claim {
      case .monotone: .derivative
      case .nonnegative: .value
      }
    var outcome = QueryOutcome(verdict: .holds)
    switch try solve(query, form, budget) {
    case .holds:
      outcome.leaves = 1
      outcome.solverLeaves = 1
      outcome.provedShare = 1
    case .violated(let point):
      guard let found = try builder.counterexample(at: point, budget: budget) else {
        if builder.isEnclosed {
          outcome.verdict = .unknown(.enclosure)
          return outcome
        }
        throw VerificationError(
          .disagreement,
          "the solver gave \(point) as a violating point, but exact evaluation finds no violation through it; "
            + "please report this with the model and the specification")
      }
      outcome.verdict = .violated([found])
    case .unknown(let reason):
      outcome.verdict = .unknown(reason)
    }
    return outcome
  }

  enum SolverAnswer: Sendable, Hashable {
    case holds
    /// The first point of a violating pair, or the violating point.
    case violated([Rational])
    case unknown(UnknownReason)
  }

  /// One query in one piece by Z3, in the given encoding.
  func solve(_ query: Query, _ form: Encoder.Form, _ budget: Budget) throws -> SolverAnswer {
    var phases = [Int8](repeating: 0, count: network.hiddenNeuronCount)
    // Phases are fixed on the whole box, whatever the constraints and the claim's inputs.
    var relaxed = query.claim
    if case .nonnegative(let outputs, _, let constant) = relaxed {
      relaxed = .nonnegative(outputs: outputs, constant: constant)
    }
    if let problem = try? FixedPointProblem(network: network, query: Query(region: query.region, claim: relaxed)) {
      let evaluator = LeafEvaluator(problem: problem)
      if case .bound = evaluator.evaluate(Cell(problem: problem), multipliers: nil) { phases = evaluator.phases(0) }
    }
    guard !budget.isOver else { return .unknown(budget.isInterrupted ? .interrupted : .timeout) }
    let encoding = Encoder(network: network, query: query, phases: phases).encode(form)
    let question = Question(encoding.formula, values: encoding.inputs, method: .general)
    switch try budget.ask(question) {
    case .unsatisfiable: return .holds
    case .unknown(let text): return .unknown(budget.reason(for: text))
    case .satisfiable(let point): return .violated(point)
    }
  }

  static func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension UnknownReason {
  /// The solver found no violation, but left nothing that can be checked.
  public static let noProof = UnknownReason(
    description: "the solver finds no violation, but its answer is not a proof that can be checked")
  /// A value fell between the two sides of the enclosure of an irrational bound.
  public static let enclosure = UnknownReason(description: "a value lies within the enclosure of a logarithmic bound")
}
