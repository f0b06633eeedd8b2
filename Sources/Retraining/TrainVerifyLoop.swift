public import CertificateStorage
public import Certificates
public import Evidence
internal import Networks
public import Specifications
public import Training
public import Verification
internal import ExactArithmetic
internal import Telemetry
internal import Foundation
internal import Glibc
internal import Synchronization

/// Settings of one run of the loop.
public struct LoopOptions: Sendable {
  public var configuration: TrainingConfiguration
  /// Try every shape and publish, of those that are proved, the one with the least error on the validation rows. Asks
  /// for ``untilProven``.
  public var choosesShape: Bool
  /// Train, verify, retrain until everything is proved; otherwise train once.
  public var untilProven: Bool
  /// Take pending counterexamples from the queue (always done with ``untilProven``).
  public var usesQueue: Bool
  /// The most rounds of training; after the last one only repair is tried.
  public var maximumRounds: Int
  /// Wall-clock seconds for the whole run.
  public var budgetSeconds: Double
  /// The most seconds for one property in one round.
  public var propertySeconds: Double
  public var threads: Int
  /// The directory that holds one directory per application.
  public var models: String
  /// The most a repair may change an output, as a share of the output's spread (standard deviation on the training
  /// rows), before more training is preferred while rounds are left.
  public var repairShare: Double
  /// Also train the unverified network that the scores stand beside.
  public var trainsUnverified = true
  /// Who signs and logs the certificate of the finished version.
  public var issuer = Issuer()

  public init(
    configuration: TrainingConfiguration = TrainingConfiguration(), choosesShape: Bool = false,
    untilProven: Bool = true, usesQueue: Bool = true, maximumRounds: Int = 8, budgetSeconds: Double = 900,
    propertySeconds: Double = 10, threads: Int = 2, models: String = "models", repairShare: Double = 0.02
  ) {
    precondition(untilProven || !choosesShape)
    self.configuration = configuration
    self.choosesShape = choosesShape
    self.untilProven = untilProven
    self.usesQueue = usesQueue
    self.maximumRounds = maximumRounds
    self.budgetSeconds = budgetSeconds
    self.propertySeconds = propertySeconds
    self.threads = threads
    self.models = models
    self.repairShare = repairShare
  }
}

/// What the loop tells while it runs. May come from several threads.
public enum LoopEvent: Sendable {
  case resumed(rounds: Int, seconds: Double)
  case shapeStarted(TrainingConfiguration.Shape)
  /// Nil as error: not proved within its budget.
  case shapeFinished(TrainingConfiguration.Shape, validationError: Double?)
  case shapeSkipped(TrainingConfiguration.Shape, reason: String)
  case roundStarted(label: String, pairs: Int)
  case epoch(label: String, EpochRecord, of: Int)
  case trained(label: String, bestEpoch: Int, seconds: Double, zeroWeightShare: Double)
  case verification(label: String, VerificationEvent)
  case verified(label: String, holds: Int, violated: Int, open: Int, queue: QueueCounts)
  case repairing(property: String)
  case repaired(property: String, slope: Double, greatestChange: Double)
  case published(path: String)
}

/// How a run ended.
public struct LoopOutcome: Sendable {
  public enum End: Sendable, Hashable {
    /// Published with a certificate in which every property holds.
    case proven
    /// Published without verification, as asked for.
    case trained
    /// The budget or the rounds ended first; nothing was published, the state is kept.
    case notProven
    /// Stopped by the user; the state is kept.
    case interrupted
  }

  public var end: End
  /// The directory of the new version.
  public var path: String?
  public var report: VersionReport
  /// Results of the last verification.
  public var results: [PropertyResult]
}

/// The train–verify–retrain loop of one application.
///
///     train ─► verify ─► all hold ─────────────────────────────► publish with certificate
///       ▲         │ violated: pairs to the queue
///       │         ├─ the lack of slope is a sliver, or no round is left ─► certified repair ─► verify
///       └─────────┘ otherwise: train on with the pairs of the queue
///
/// Where the shape is to be chosen, the loop runs once for each, the signed shape first and with half of the time, and the
/// proved network with the least error on the validation rows is published. Candidates are named vNNNN-rK and live in the store; a directory appears under `models` only for the finished
/// version, in one rename. Everything that a round yields is in the store before the next one starts.
public final class TrainVerifyLoop {
  private let application: String
  private let specification: Specification
  private let data: PreparedData
  private let dataDigest: String
  private let store: any Store
  private let options: LoopOptions
  private let stop: StopSignal
  private let onEvent: @Sendable (LoopEvent) -> Void

  private let started = ContinuousClock.now
  private let owner: String
  private var state: LoopState
  private let earlierSeconds: Double
  private var lastRenewal = ContinuousClock.now
  private var leased: [QueueEntry] = []

  static let leaseDuration = Duration.seconds(120)
  static let maximumPairs = 2000

  /// - Throws: ``StorageError``, `CertificateError` when the data file cannot be read, `TrainingError` when the
  ///   specification cannot have the shape that is asked for.
  public init(
    application: String, specification: Specification, data: PreparedData, store: any Store, options: LoopOptions,
    stop: StopSignal, onEvent: @escaping @Sendable (LoopEvent) -> Void = { _ in }
  ) throws {
    self.application = application
    self.specification = specification
    self.data = data
    self.store = store
    self.options = options
    self.stop = stop
    self.onEvent = onEvent
    dataDigest = try SHA256Digest.ofFile(data.path).sha256
    shape = options.configuration.shape
    if shape == .signed, !options.choosesShape,
      let obstacle = specification.obstacleToSignedShape(hidden: options.configuration.hidden)
    {
      throw TrainingError(.configuration, obstacle)
    }
    owner = "train-\(getpid())-\(UUID().uuidString)"
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let settings = String(decoding: try encoder.encode(options.configuration), as: UTF8.self)
    let fingerprint = SHA256Digest.of(
      Array(
        "\(application)\n\(dataDigest)\n\(specification.digest)\n\(settings)\n\(options.untilProven)"
          .utf8) + Array(options.choosesShape ? "\nauto".utf8 : "".utf8))
    if let bytes = try store.loopState(application: application),
      let saved = LoopState.decoded(bytes, fingerprint: fingerprint)
    {
      state = saved
    } else {
      state = LoopState(fingerprint: fingerprint)
    }
    earlierSeconds = state.seconds
    deadline = options.budgetSeconds
  }

  /// The shape that is being trained.
  private var shape: TrainingConfiguration.Shape
  /// Seconds of this run after which the current shape's rounds end.
  private var deadline: Double

  private var configuration: TrainingConfiguration {
    var configuration = options.configuration
    configuration.shape = shape
    return configuration
  }

  private var seconds: Double {
    let elapsed = ContinuousClock.now - started
    return earlierSeconds + Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
  }

  /// The budget of this run; time of earlier, stopped runs does not count against it.
  private var isOutOfTime: Bool { remainingSeconds <= 0 }

  /// A network of which every property is proved.
  private struct Proven {
    var network: Network
    var results: [PropertyResult]
    var repairs: [VersionReport.RepairRecord] = []
    var repairCost: Double?
  }

  /// How the rounds of one shape end.
  private enum Search {
    case proven(Proven)
    case trained(Network)
    case notProven([PropertyResult])
    case interrupted([PropertyResult])
  }

  /// Runs until proven, trained, out of budget or stopped.
  public func run() throws -> LoopOutcome {
    if !state.rounds.isEmpty || state.checkpoint != nil || !state.attempts.isEmpty {
      onEvent(
        .resumed(rounds: state.attempts.reduce(state.rounds.count) { $0 + $1.rounds.count }, seconds: state.seconds))
    }
    let version = AtomicDirectory.nextVersion(in: "\(options.models)/\(application)")
    defer { releaseLeases() }
    if options.choosesShape { return try choose(version) }
    switch try search(version) {
    case .proven(let proven): return try publish(version, proven)
    case .trained(let network):
      return try publish(version, network, results: nil, repairs: [], repairCost: nil)
    case .notProven(let results): return try ended(.notProven, version, results)
    case .interrupted(let results): return try ended(.interrupted, version, results)
    }
  }

  /// Trains, verifies and repairs in the current shape.
  private func search(_ version: String) throws -> Search {
    let name = options.choosesShape ? "\(version)-\(shape.rawValue)" : version
    var last: [PropertyResult] = []
    while true {
      let label = "\(name)-r\(state.rounds.count + 1)"
      guard let trained = try train(label) else { return .interrupted(last) }
      guard options.untilProven else {
        try recordRound(label, trained, results: [])
        return .trained(trained.network)
      }
      let results = try verify(trained.network, label)
      last = results
      if stop.isRequested { return .interrupted(results) }
      // A round is kept only when nothing of it is left to do: until then a stop or a kill, also one during the repair
      // or the publishing, repeats it from its finished training.
      if results.allSatisfy({ $0.verdict == .holds }) {
        try recordRound(label, trained, results: results)
        return .proven(Proven(network: trained.network, results: results))
      }
      var foundInRepaired = 0
      let isLast = state.rounds.count + 1 >= options.maximumRounds || isOutOfTime
      if let fixed = try repair(trained.network, results, force: isLast) {
        let cost = try cost(of: fixed.network, against: trained.network)
        let again = try verify(fixed.network, "\(label)-repaired", isRepaired: true)
        if stop.isRequested { return .interrupted(again) }
        foundInRepaired = Self.counterexampleCount(again)
        if again.allSatisfy({ $0.verdict == .holds }) {
          try recordRound(label, trained, results: results)
          return .proven(
            Proven(network: fixed.network, results: again, repairs: fixed.records, repairCost: cost))
        }
      }
      if stop.isRequested { return .interrupted(results) }
      try recordRound(label, trained, results: results)
      state.counterexamplesFound += foundInRepaired
      try save()
      if isLast { return .notProven(results) }
    }
  }

  // MARK: The choice of the shape

  /// Every shape in turn, then the best of the proved ones. What is over is in the store, so that a stopped run does not
  /// repeat it.
  private func choose(_ version: String) throws -> LoopOutcome {
    var networks: [TrainingConfiguration.Shape: Proven] = [:]
    var last: [PropertyResult] = []
    var shapes: [TrainingConfiguration.Shape] = [.signed, .free]
    if let obstacle = specification.obstacleToSignedShape(hidden: options.configuration.hidden) {
      onEvent(.shapeSkipped(.signed, reason: obstacle))
      shapes = [.free]
    }
    for (index, shape) in shapes.enumerated() where !state.attempts.contains(where: { $0.shape == shape }) {
      self.shape = shape
      let used = seconds - earlierSeconds
      deadline = used + (options.budgetSeconds - used) / Double(shapes.count - index)
      if isOutOfTime, state.attempts.contains(where: { $0.validationError != nil }) {
        onEvent(.shapeSkipped(shape, reason: "no time is left"))
        break
      }
      onEvent(.shapeStarted(shape))
      var proven: Proven?
      switch try search(version) {
      case .proven(let found):
        networks[shape] = found
        proven = found
      case .notProven(let results): last = results
      case .interrupted(let results): return try ended(.interrupted, version, results)
      case .trained: preconditionFailure("only what is verified can be chosen")
      }
      let error = proven.map { validationError(of: $0.network) }
      state.attempts.append(
        LoopState.Attempt(
          shape: shape, rounds: state.rounds, counterexamplesFound: state.counterexamplesFound, model: state.model,
          repairs: proven?.repairs ?? [], repairCost: proven?.repairCost, validationError: error))
      state.startShape()
      try save()
      onEvent(.shapeFinished(shape, validationError: error))
    }
    deadline = options.budgetSeconds
    let proved = state.attempts.filter { $0.validationError != nil }
    guard let best = proved.min(by: { $0.validationError ?? .infinity < $1.validationError ?? .infinity }) else {
      state.take(state.attempts.last)
      return try ended(.notProven, version, last)
    }
    shape = best.shape
    if let proven = networks[best.shape] {
      state.take(best)
      return try publish(version, proven)
    }
    // Proved before this run was stopped: verified again, for its proofs.
    guard let network = try best.model?.network().repaired(by: best.repairs.map(\.repair)) else {
      throw TrainingError(.checkpoint, "the stored state is incomplete; remove it and start anew")
    }
    let results = try verify(network, "\(version)-\(best.shape.rawValue)-again", isRepaired: true)
    if stop.isRequested { return try ended(.interrupted, version, results) }
    state.take(best)
    guard results.allSatisfy({ $0.verdict == .holds }) else { return try ended(.notProven, version, results) }
    return try publish(
      version,
      Proven(network: network, results: results, repairs: best.repairs, repairCost: best.repairCost))
  }

  private static func record(_ attempt: LoopState.Attempt) -> VersionReport.ShapeAttempt {
    VersionReport.ShapeAttempt(
      shape: attempt.shape, proven: attempt.validationError != nil, rounds: attempt.rounds.count,
      validationError: attempt.validationError.map(rounded))
  }

  /// Root mean square error on the validation rows, each output in units of its spread on the training rows, over all.
  private func validationError(of network: Network) -> Double {
    let squares = Scoring(data: data).errors(of: network, on: data.validation).enumerated().map { output, error in
      let spread = spread(of: output)
      return spread > 0 ? (error / spread) * (error / spread) : 0
    }
    return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
  }

  private func publish(_ version: String, _ proven: Proven) throws -> LoopOutcome {
    try publish(
      version, proven.network, results: proven.results, repairs: proven.repairs, repairCost: proven.repairCost)
  }

  // MARK: Training

  /// One round of training. Returns nil when it was stopped (the checkpoint is then saved).
  private func train(_ label: String) throws -> TrainingResult? {
    let now = Date()
    if options.usesQueue || options.untilProven {
      leased = try store.lease(
        application: application, limit: Self.maximumPairs, owner: owner, duration: Self.leaseDuration, now: now)
    }
    lastRenewal = .now
    var pairs = try trainingPairs()
    if state.checkpoint != nil {
      // A stopped training goes on with the pairs that it started with.
      let wanted = Set(state.pairIDs)
      let kept = pairs.filter { wanted.contains($0.id) }
      if kept.count == wanted.count {
        // What was found since waits for the next round.
        let later = Set(pairs.map(\.id)).subtracting(wanted)
        let untouched = leased.map(\.id).filter(later.contains)
        _ = try store.release(untouched, owner: owner, now: now)
        leased.removeAll { later.contains($0.id) }
        pairs = kept
      } else {
        state.checkpoint = nil
      }
    }
    state.pairIDs = pairs.map(\.id)
    onEvent(.roundStarted(label: label, pairs: pairs.count))
    var configuration = configuration
    // Every second round starts anew, with the pairs in sight from the first step: a warm start keeps the corners that
    // an earlier training worked itself into.
    let warmStart = state.rounds.count % 2 == 1 ? state.model : nil
    if !state.rounds.isEmpty {
      if warmStart != nil { configuration = configuration.retraining }
      // Each round asks for a little more, so that the loop does not circle around the same slivers.
      configuration.margin *= pow(1.25, Double(state.rounds.count))
      configuration.seed &+= UInt64(state.rounds.count)
    }
    let trainer = try Trainer(
      configuration: configuration, domain: Self.domain(of: specification), monotone: specification.monotoneTerms,
      bounds: boundTerms)
    let begin = ContinuousClock.now
    let total = configuration.totalEpochs
    func start(_ checkpoint: TrainerCheckpoint?) throws(TrainingError) -> TrainingRun {
      try trainer.start(
        data.training, validation: data.validation, counterexamples: pairs.map(\.pair), warmStart: warmStart,
        resuming: checkpoint)
    }
    var run: TrainingRun
    do {
      run = try start(state.checkpoint)
    } catch {
      guard error.code == .checkpoint, state.checkpoint != nil else { throw error }
      run = try start(nil)
    }
    while !stop.isRequested, let record = try run.nextEpoch() {
      onEvent(.epoch(label: label, record, of: total))
      keepLeases()
    }
    // Also that of a finished training, until its round is recorded: a stop during verification then costs nothing.
    state.checkpoint = run.checkpoint
    guard run.isFinished else { return nil }
    try save()
    let result = try run.result()
    let elapsed = ContinuousClock.now - begin
    trainingSeconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    trainedPairs = pairs.count
    onEvent(
      .trained(
        label: label, bestEpoch: result.bestEpoch, seconds: trainingSeconds, zeroWeightShare: result.zeroWeightShare))
    return result
  }

  private var trainingSeconds = 0.0
  private var trainedPairs = 0

  /// Extends the leases well before they end. A lost lease is no reason to stop: the pairs are known anyway, and
  /// consuming them will be refused.
  private func keepLeases() {
    guard !leased.isEmpty, ContinuousClock.now - lastRenewal > .seconds(30) else { return }
    lastRenewal = .now
    try? store.renew(leased.map(\.id), owner: owner, duration: Self.leaseDuration, now: Date())
  }

  private func releaseLeases() {
    guard !leased.isEmpty else { return }
    _ = try? store.release(leased.map(\.id), owner: owner, now: Date())
    leased = []
  }

  /// All pairs of the queue that are not dropped, the latest first, at most ``maximumPairs``: also those that an
  /// earlier version was trained with, for a later one must not forget them.
  private func entries() throws -> [QueueEntry] {
    var all: [QueueEntry] = []
    var after = 0
    while all.count < 100_000 {
      let page = try store.queueEntries(
        QueueFilter(application: application, states: [.pending, .leased, .consumed], after: after))
      guard let end = page.last else { break }
      all += page
      after = end.sequence
    }
    return Array(all.suffix(Self.maximumPairs))
  }

  private func trainingPairs() throws -> [(id: String, pair: CounterexamplePair)] {
    guard options.usesQueue || options.untilProven else { return [] }
    return try entries().compactMap { entry in
      let example = entry.found.counterexample
      guard let property = specification.properties.first(where: { $0.id == entry.found.property }),
        example.x.count == specification.features.count
      else { return nil }
      if case .always(let output, _, _) = property.kind {
        return boundPair(example.x, output: output).map { (entry.id, $0) }
      }
      guard case .monotone(let direction, let output, _) = property.kind, let second = example.xPrime else {
        return nil
      }
      return (
        entry.id,
        CounterexamplePair(
          x: example.x.map(\.approximation), xPrime: second.map(\.approximation), output: output, sign: direction.sign)
      )
    }
  }

  /// The point of a violated bound, paired with a neighbour along a feature in which the output is to be monotone: the
  /// hinges of the bounds see both points in every step. Nil when the output is monotone in no feature.
  private func boundPair(_ point: [Rational], output: Int) -> CounterexamplePair? {
    guard let term = specification.monotoneTerms.first(where: { $0.output == output }) else { return nil }
    let x = point.map(\.approximation)
    let domain = Self.domain(of: specification)[term.feature]
    let step = (domain.upperBound - domain.lowerBound) / 64
    var low = x
    var high = x
    low[term.feature] = max(domain.lowerBound, x[term.feature] - step)
    high[term.feature] = min(domain.upperBound, x[term.feature] + step)
    return CounterexamplePair(x: low, xPrime: high, output: output, sign: term.sign)
  }

  /// The box in binary64, rounded inwards so that sampled points lie inside.
  static func domain(of specification: Specification) -> [ClosedRange<Double>] {
    specification.features.map { feature in
      let low = feature.networkDomain.lowerBound.approximation
      let high = feature.networkDomain.upperBound.approximation
      return min(low, high)...max(low, high)
    }
  }

  private var boundTerms: [BoundTerm] {
    specification.properties.flatMap { property -> [BoundTerm] in
      guard case .always = property.kind, !property.isRestricted else { return [] }
      return property.refutations.compactMap { query in
        guard case .nonnegative(let weights, _, let constant) = query.claim,
          let output = weights.firstIndex(where: { !$0.isZero })
        else { return nil }
        let limit = (-constant / weights[output]).approximation
        return weights[output].isPositive
          ? BoundTerm(output: output, lower: limit, upper: nil) : BoundTerm(output: output, lower: nil, upper: limit)
      }
    }
  }

  // MARK: Verification

  private func verify(_ network: Network, _ label: String, isRepaired: Bool = false) throws -> [PropertyResult] {
    let exact = ExactNetwork(network)
    let session = try VerificationSession(network: exact, specification: specification, threads: options.threads)
    var known: [String: [KnownPair]] = [:]
    for entry in try entries() where entry.found.counterexample.x.count == specification.features.count {
      let example = entry.found.counterexample
      known[entry.found.property, default: []].append(
        KnownPair(query: example.query, x: example.x, xPrime: example.xPrime))
    }
    let startedAt = Timestamp(Date())
    let budget = Budget(
      seconds: max(5, min(options.propertySeconds * Double(specification.properties.count), remainingSeconds)),
      stop: stop)
    let results = try session.run(
      first: state.failed, known: known, budget: budget,
      propertySeconds: propertySeconds(afterRounds: state.rounds.count + (isRepaired ? 1 : 0))
    ) { [onEvent] event in onEvent(.verification(label: label, event)) }
    let bytes = try VersionPublisher.modelBytes(network, specification: specification)
    let certificate = Certificate(
      model: Certificate.Model(
        name: application, version: label, files: [VersionPublisher.subject(bytes)],
        networkDigest: exact.digest.hexadecimalPart),
      specification: specification, results: results,
      arithmetic: Certificate.Arithmetic(of: network, for: specification), startedAt: startedAt,
      finishedAt: Timestamp(Date()))
    let found = foundCounterexamples(results)
    _ = try store.record(VerificationRecord(certificate: certificate, found: found), now: Date())
    let counts = try store.queueCounts(application: application)
    onEvent(
      .verified(
        label: label, holds: results.count { $0.verdict == .holds },
        violated: results.count { if case .violated = $0.verdict { true } else { false } },
        open: results.count { if case .unknown = $0.verdict { true } else { false } }, queue: counts))
    state.failed = Set(results.filter { $0.verdict != .holds }.map(\.id))
    return results
  }

  /// Early rounds get less time per property: what they leave open is trained further anyway.
  private func propertySeconds(afterRounds rounds: Int) -> Double {
    options.propertySeconds * min(1, 0.25 * Double(1 << min(rounds, 2)))
  }

  private var remainingSeconds: Double { deadline - (seconds - earlierSeconds) }

  private func foundCounterexamples(_ results: [PropertyResult]) -> [FoundCounterexample] {
    zip(specification.properties, results).flatMap { property, result -> [FoundCounterexample] in
      guard case .violated(let examples) = result.verdict else { return [] }
      return examples.map { FoundCounterexample(property: property, counterexample: $0, specification: specification) }
    }
  }

  private static func counterexampleCount(_ results: [PropertyResult]) -> Int {
    results.reduce(0) { count, result in
      if case .violated(let examples) = result.verdict { count + examples.count } else { count }
    }
  }

  /// Puts a finished round into the state, and marks the pairs that it was trained with as consumed.
  private func recordRound(_ label: String, _ trained: TrainingResult, results: [PropertyResult]) throws {
    let digest = ExactNetwork(trained.network).digest
    let epochs = trained.history.count
    state.rounds.append(
      VersionReport.Round(
        label: label, networkDigest: digest, epochs: epochs, bestEpoch: trained.bestEpoch, end: trained.end,
        trainLoss: trained.history.map { Self.rounded($0.trainLoss) },
        validationLoss: trained.history.compactMap { $0.validationLoss.map(Self.rounded) },
        zeroWeightShare: trained.zeroWeightShare, pairs: trainedPairs, trainingSeconds: trainingSeconds,
        verifiedAtEpoch: state.rounds.reduce(epochs) { $0 + $1.epochs },
        verification: results.map { result in
          var count = 0
          var worst: Double?
          if case .violated(let examples) = result.verdict {
            count = examples.count
            worst = examples.map(\.drop).max()?.approximation
          }
          return VersionReport.PropertyOutcome(
            property: result.id, verdict: result.verdict.name, seconds: Self.rounded(result.seconds),
            leaves: result.leaves, counterexamples: count, worstDrop: worst)
        }))
    state.counterexamplesFound += Self.counterexampleCount(results)
    state.model = trained.model
    state.checkpoint = nil
    state.pairIDs = []
    if !leased.isEmpty {
      do {
        try store.consume(leased.map(\.id), owner: owner, version: label, now: Date())
      } catch {
        // When another run took them over, it answers for them.
        guard error.code == .leaseLost else { throw error }
      }
      leased = []
    }
  }

  private func save() throws {
    state.seconds = seconds
    try store.saveLoopState(application: application, try state.encoded(), now: Date())
  }

  static func rounded(_ value: Double) -> Double {
    guard value.isFinite, value != 0 else { return value }
    let scale = pow(10, 5 - floor(log10(abs(value))))
    return (value * scale).rounded() / scale
  }

  // MARK: Repair

  /// The network with a certified repair for every query that fails, or nil when a failure is no lack of slope, when a
  /// bound is not proved in time, or when a repair is too large and more training is possible (`force` is false).
  private func repair(_ network: Network, _ results: [PropertyResult], force: Bool) throws -> (
    network: Network, records: [VersionReport.RepairRecord]
  )? {
    let exact = ExactNetwork(network)
    let verifier = Verifier(network: exact)
    var records: [VersionReport.RepairRecord] = []
    for (property, result) in zip(specification.properties, results) where result.verdict != .holds {
      guard case .monotone(let direction, let output, let features) = property.kind,
        property.queries.allSatisfy({ $0.relation == nil && $0.constraints.isEmpty })
      else { return nil }
      onEvent(.repairing(property: property.id))
      for (query, feature) in zip(property.queries, features) {
        let budget = Budget(seconds: max(5, min(6 * options.propertySeconds, remainingSeconds)), stop: stop)
        // An eighth of what a repair may change: too little to matter, enough to be proved quickly.
        let interval = query.region[feature]
        let small =
          (Rational(exactly: options.repairShare * spread(of: output) / 8) ?? .zero)
          / (interval.upperBound - interval.lowerBound)
        guard
          let bound = try verifier.certifiedSlope(
            of: query, slack: small, trialSeconds: options.propertySeconds / 2, budget: budget),
          let slope = Repair.slope(covering: -bound),
          let lowerEnd = Repair.lowerEnd(below: query.region[feature].lowerBound)
        else { return nil }
        if slope == 0 { continue }
        let width = query.region[feature].upperBound.approximation - lowerEnd
        let greatest = slope * width
        if !force, greatest > options.repairShare * spread(of: output) { return nil }
        onEvent(.repaired(property: property.id, slope: slope, greatestChange: greatest))
        let repair = Repair(
          output: output, feature: feature, sign: direction.sign, slope: slope, lowerEnd: lowerEnd)
        // Two properties may speak of the same slope: one repair, the larger, serves both.
        if let same = records.firstIndex(where: {
          $0.repair.output == output && $0.repair.feature == feature && $0.repair.sign == direction.sign
        }) {
          if records[same].repair.slope >= slope { continue }
          records.remove(at: same)
        }
        records.append(VersionReport.RepairRecord(property: property.id, repair: repair, greatestChange: greatest))
      }
    }
    guard !records.isEmpty else { return nil }
    return (try network.repaired(by: records.map(\.repair)), records)
  }

  /// The standard deviation of an output on the training rows.
  private func spread(of output: Int) -> Double {
    let m = data.training.outputCount
    let values = (0..<data.training.rowCount).map { data.training.targets[$0 * m + output] }
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count))).squareRoot()
  }

  /// Relative change of the root mean square error on the validation rows.
  private func cost(of repaired: Network, against original: Network) throws -> Double? {
    let before = Self.squaredError(of: original, on: data.validation)
    let after = Self.squaredError(of: repaired, on: data.validation)
    return before > 0 ? (after / before).squareRoot() - 1 : nil
  }

  static func squaredError(of network: Network, on rows: TrainingData) -> Double {
    var sum = 0.0
    for row in 0..<rows.rowCount {
      let input = Array(rows.inputs[(row * rows.inputCount)..<((row + 1) * rows.inputCount)])
      for (k, value) in network.output(at: input).enumerated() {
        let difference = value - rows.targets[row * rows.outputCount + k]
        sum += difference * difference
      }
    }
    return sum
  }

  // MARK: Ends

  private func ended(_ end: LoopOutcome.End, _ version: String, _ results: [PropertyResult]) throws -> LoopOutcome {
    try save()
    let report = try report(version, network: nil, results: results, repairs: [], repairCost: nil)
    return LoopOutcome(end: end, path: nil, report: report, results: results)
  }

  private func publish(
    _ version: String, _ network: Network, results: [PropertyResult]?, repairs: [VersionReport.RepairRecord],
    repairCost: Double?
  ) throws -> LoopOutcome {
    var report = try report(version, network: network, results: results ?? [], repairs: repairs, repairCost: repairCost)
    let publisher = VersionPublisher(
      application: application, specification: specification, models: options.models, store: store,
      issuer: options.issuer, data: data.coverage(sha256: dataDigest))
    let path = try publisher.publish(network: network, report: &report, results: results)
    // Another run of this application may have kept its own meanwhile.
    if let bytes = try store.loopState(application: application),
      LoopState.decoded(bytes, fingerprint: state.fingerprint) != nil
    {
      try store.removeLoopState(application: application)
    }
    onEvent(.published(path: path))
    return LoopOutcome(end: results == nil ? .trained : .proven, path: path, report: report, results: results ?? [])
  }

  private func report(
    _ version: String, network: Network?, results: [PropertyResult], repairs: [VersionReport.RepairRecord],
    repairCost: Double?
  ) throws -> VersionReport {
    let scores =
      try network.map {
        try Scoring(data: data).scores(of: $0, configuration: configuration, besideUnverified: options.trainsUnverified)
      } ?? []
    return VersionReport(
      application: application, version: version, specificationDigest: specification.digest,
      outputs: specification.outputs.map(\.name),
      data: VersionReport.Data(
        sha256: dataDigest, rows: data.filter.rowCount, kept: data.filter.kept.count,
        dropped: Dictionary(uniqueKeysWithValues: data.filter.entries.map { ($0.rule.id, $0.rows.count) }),
        training: data.split.training.count, validation: data.split.validation.count,
        heldOut: data.split.heldOut.count, insideDomain: Self.rounded(data.insideDomain)),
      configuration: configuration, shapes: options.choosesShape ? state.attempts.map(Self.record) : nil,
      rounds: state.rounds, repairs: repairs, repairCost: repairCost,
      counterexamplesFound: state.counterexamplesFound,
      validationError: network.map { Self.rounded(validationError(of: $0)) },
      networkDigest: network.map { ExactNetwork($0).digest } ?? "",
      proven: !results.isEmpty && results.allSatisfy { $0.verdict == .holds },
      propertyCount: specification.properties.count,
      propertiesProven: results.count { $0.verdict == .holds }, scores: scores, seconds: Self.rounded(seconds))
  }
}
