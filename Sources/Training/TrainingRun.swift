/// A run in progress, driven epoch by epoch.
///
/// States: training → snapped → finished, or training again from another starting point. ``nextEpoch()`` ensures that the state between calls is a complete
/// ``checkpoint``; ``result()`` may be called in any of them.
public struct TrainingRun: Sendable {
  private let trainer: Trainer
  private let shape: NetworkShape
  /// What the signed shape allows; nil for the free one.
  private let structure: SignStructure?
  private let objective: Objective
  private let data: NormalisedData
  private let validation: NormalisedData?
  private let pairs: [NormalisedPair]
  private let isWeight: [Bool]
  private let grid: SnappingGrid
  private var work: Workspace
  private var probe: Workspace
  /// From which the run can be continued.
  public private(set) var checkpoint: TrainerCheckpoint

  private let starts: Int
  private var settings: TrainingConfiguration { trainer.configuration }

  init(
    trainer: Trainer, shape: NetworkShape, structure: SignStructure?, data: TrainingData,
    validation: TrainingData?, counterexamples: [CounterexamplePair], state: TrainerCheckpoint, isWarm: Bool
  ) {
    let settings = trainer.configuration
    let normalisation = state.normalisation
    self.trainer = trainer
    starts = isWarm ? 1 : settings.starts
    self.shape = shape
    self.structure = structure
    self.data = NormalisedData(data, normalisation: normalisation)
    let judging = validation.flatMap { $0.rowCount > 0 ? NormalisedData($0, normalisation: normalisation) : nil }
    self.validation = judging
    pairs = counterexamples.map { NormalisedPair($0, normalisation: normalisation) }
    isWeight = shape.weightMask
    grid = SnappingGrid(weightBits: settings.gridBits, biasBits: settings.biasBits)
    objective = Objective(
      shape: shape, configuration: settings, normalisation: normalisation, domain: trainer.domain,
      monotone: trainer.hinged, bounds: trainer.bounds)
    let usesPoints =
      (settings.monotonicity > 0 && !trainer.hinged.isEmpty) || (settings.bound > 0 && !trainer.bounds.isEmpty)
    work = Workspace(
      shape: shape, rows: min(settings.batchSize, data.rowCount),
      samples: usesPoints ? settings.sampledPointsPerStep : 0, pairs: min(settings.pairsPerStep, pairs.count))

    // Every epoch is judged on the same points.
    let rows = judging ?? self.data
    probe = Workspace(
      shape: shape, rows: rows.rowCount, samples: settings.probePoints, pairs: min(256, pairs.count))
    var generator = RandomGenerator(seed: settings.seed ^ 0x5DEE_CE66_D1CE_CAFE)
    probe.load(rows: Array(0..<rows.rowCount)[...], of: rows)
    probe.sample(
      settings.probePoints, low: objective.low, high: objective.high, faceShare: settings.faceShare,
      cornerShare: settings.cornerShare, using: &generator)
    probe.load(pairs: Array(pairs.prefix(probe.pairCapacity)))
    probe.seal()
    checkpoint = state
  }

  /// Whether every epoch was done.
  public var isFinished: Bool { isStartOver && checkpoint.startsDone + 1 >= starts }

  private var isStartOver: Bool {
    checkpoint.phase == .snapped && checkpoint.phaseEpoch >= settings.fineTuningEpochs
  }

  /// Does one epoch; nil when there is none left.
  /// - Throws: ``TrainingError`` with code `diverged` when the objective is no longer finite.
  public mutating func nextEpoch() throws(TrainingError) -> EpochRecord? {
    while true {
      if checkpoint.phase == .training, isMainPhaseOver { snap() }
      guard isStartOver else { break }
      if isFinished { return nil }
      startAgain()
    }

    var order = Array(0..<data.rowCount)
    checkpoint.generator.shuffle(&order)
    let steps = (data.rowCount + settings.batchSize - 1) / settings.batchSize
    var sum = 0.0
    var rate = 0.0
    for step in 0..<steps {
      let rows = order[(step * settings.batchSize)..<min((step + 1) * settings.batchSize, data.rowCount)]
      rate = learningRate(step: step, of: steps)
      sum += try descend(rows, rate: rate)
    }
    checkpoint.phaseEpoch += 1
    checkpoint.epoch += 1

    let effective = effectiveParameters
    let terms = judge(effective)
    guard terms.total.isFinite else { throw diverged }
    let score = score(terms)
    let record = EpochRecord(
      epoch: checkpoint.epoch, phase: checkpoint.phase, learningRate: rate, trainLoss: sum / Double(steps),
      validationLoss: validation == nil ? nil : terms.data, terms: terms,
      wrongSlopeShare: objective.wrongSlopeShare(effective, on: &probe), score: score)
    checkpoint.history.append(record)
    let mayKeep = checkpoint.phase == .snapped || checkpoint.phaseEpoch > settings.minimumEpochs
    if mayKeep, checkpoint.best.map({ score < $0.score }) ?? true {
      checkpoint.best = .init(epoch: checkpoint.epoch, score: score, terms: terms, parameters: checkpoint.parameters)
    }
    return record
  }

  /// The best network so far, pruned, snapped and folded.
  /// - Throws: ``TrainingError`` with code `inexact` when folding would round.
  public func result() throws(TrainingError) -> TrainingResult {
    var run = self
    let isOver =
      isFinished || (settings.fineTuningEpochs == 0 && isMainPhaseOver && checkpoint.startsDone + 1 >= starts)
    let interrupted = !isOver
    if run.checkpoint.phase == .training { run.snap() }
    let state = run.checkpoint
    // `snap` sets all three candidates of the current start.
    guard let champion = state.better else {
      throw TrainingError(.checkpoint, "the checkpoint is incomplete; start anew")
    }
    let (before, after, best) = (champion.beforeSnapping, champion.afterSnapping, champion.best)
    let model = TrainedModel(
      shape: shape, normalisation: state.normalisation,
      parameters: onGrid(best.parameters))
    return TrainingResult(
      network: try model.network(), model: model, configuration: settings, history: state.history,
      end: interrupted ? .interrupted : (state.endedByPatience ? .patience : .allEpochs), bestEpoch: best.epoch,
      zeroWeightShare: model.zeroWeightShare,
      snapping: SnappingReport(before: before.terms, snapped: after.terms, tuned: best.terms),
      checkpoint: interrupted ? checkpoint : nil)
  }

  // MARK: Steps

  private var isMainPhaseOver: Bool {
    guard checkpoint.phase == .training else { return true }
    if checkpoint.phaseEpoch >= settings.epochs { return true }
    guard settings.patience > 0, let best = checkpoint.best else { return false }
    return checkpoint.epoch - best.epoch >= settings.patience
  }

  /// The numbers of the forward pass.
  private var effectiveParameters: [Double] {
    switch checkpoint.phase {
    case .training: checkpoint.parameters
    case .snapped: onGrid(checkpoint.parameters)
    }
  }

  /// The nearest numbers on the grid. Rounding turns no sign round; that the structure is kept does not rest on it.
  private func onGrid(_ parameters: [Double]) -> [Double] {
    var snapped = grid.snapped(parameters, isWeight: isWeight)
    structure?.project(&snapped)
    return snapped
  }

  private func learningRate(step: Int, of steps: Int) -> Double {
    let isMain = checkpoint.phase == .training
    let epochs = isMain ? settings.epochs : settings.fineTuningEpochs
    let share = (Double(checkpoint.phaseEpoch * steps + step) + 0.5) / Double(epochs * steps)
    let peak = isMain ? settings.learningRate : settings.learningRate * settings.fineTuningRate
    if isMain, share < settings.warmUpShare { return peak * share / settings.warmUpShare }
    let start = isMain ? settings.warmUpShare : 0
    let t = start < 1 ? (share - start) / (1 - start) : 1
    switch settings.schedule {
    case .constant: return peak
    case .linear: return peak * (1 - t)
    case .smooth: return peak * (1 - t * t * (3 - 2 * t))
    }
  }

  /// One step of Adam. In the snapped phase the gradient is taken at the rounded numbers and applied to the real ones
  /// (the straight-through estimator; Bengio, Léonard and Courville 2013).
  private mutating func descend(_ rows: ArraySlice<Int>, rate: Double) throws(TrainingError) -> Double {
    work.load(rows: rows, of: data)
    work.sample(
      work.sampleCapacity, low: objective.low, high: objective.high, faceShare: settings.faceShare,
      cornerShare: settings.cornerShare, using: &checkpoint.generator)
    if work.pairCapacity > 0 {
      let start = checkpoint.pairCursor
      work.load(pairs: (0..<work.pairCapacity).map { pairs[(start + $0) % pairs.count] })
      checkpoint.pairCursor = (start + work.pairCapacity) % pairs.count
    }
    work.seal()
    var computed: [Double]? = []
    let terms = objective.evaluate(effectiveParameters, on: &work, gradient: &computed)
    guard var gradient = computed else { return terms.data }
    var square = 0.0
    for index in gradient.indices {
      if !checkpoint.kept[index]
        || structure?.blocks(gradient[index], at: index, of: checkpoint.parameters[index]) ?? false
      {
        gradient[index] = 0
      }
      square += gradient[index] * gradient[index]
    }
    guard square.isFinite, terms.total.isFinite else { throw diverged }
    let norm = square.squareRoot()
    if norm > settings.maximumGradientNorm {
      let factor = settings.maximumGradientNorm / norm
      for index in gradient.indices { gradient[index] *= factor }
    }
    checkpoint.optimiser.step(
      &checkpoint.parameters, gradient: gradient, rate: rate, decay: settings.weightDecay, decayed: isWeight)
    structure?.project(&checkpoint.parameters)
    return terms.data
  }

  private mutating func judge(_ parameters: [Double]) -> LossTerms {
    var none: [Double]?
    return objective.evaluate(parameters, on: &probe, gradient: &none)
  }

  private func score(_ terms: LossTerms) -> Double {
    switch settings.selection {
    case .validation: terms.data
    case .objective: terms.total
    }
  }

  private var diverged: TrainingError {
    TrainingError(
      .diverged,
      "the loss is no longer a finite number in epoch \(checkpoint.epoch + 1); lower learningRate "
        + "(\(settings.learningRate)) or maximumGradientNorm (\(settings.maximumGradientNorm))")
  }

  /// Keeps the best start so far and begins the next, from other random weights.
  private mutating func startAgain() {
    checkpoint.champion = checkpoint.better
    checkpoint.startsDone += 1
    checkpoint.parameters =
      structure?.initialParameters(using: &checkpoint.generator)
      ?? shape.initialParameters(using: &checkpoint.generator)
    checkpoint.kept = Array(repeating: true, count: shape.parameterCount)
    checkpoint.optimiser = Adam(
      parameterCount: shape.parameterCount, beta1: settings.adamBeta1, beta2: settings.adamBeta2)
    checkpoint.phase = .training
    checkpoint.phaseEpoch = 0
    checkpoint.best = nil
    checkpoint.beforeSnapping = nil
    checkpoint.afterSnapping = nil
    checkpoint.endedByPatience = false
  }

  /// Ends the first phase: takes its best epoch, prunes and snaps it, and makes that the first candidate of the second.
  private mutating func snap() {
    let current = checkpoint.parameters
    checkpoint.endedByPatience = isMainPhaseOver && checkpoint.phaseEpoch < settings.epochs
    let best =
      checkpoint.best
      ?? {
        let terms = judge(current)
        return .init(epoch: checkpoint.epoch, score: score(terms), terms: terms, parameters: current)
      }()
    let pruned = SnappingGrid.pruned(best.parameters, isWeight: isWeight, below: settings.pruneBelow)
    let terms = judge(onGrid(pruned))
    checkpoint.beforeSnapping = best
    let candidate = TrainerCheckpoint.Candidate(
      epoch: best.epoch, score: score(terms), terms: terms, parameters: pruned)
    checkpoint.afterSnapping = candidate
    checkpoint.best = candidate
    checkpoint.phase = .snapped
    checkpoint.phaseEpoch = 0
    checkpoint.parameters = pruned
    checkpoint.kept = zip(pruned, isWeight).map { !$1 || $0 != 0 }
    checkpoint.optimiser = Adam(
      parameterCount: shape.parameterCount, beta1: settings.adamBeta1, beta2: settings.adamBeta2)
  }
}

extension TrainerCheckpoint {
  /// The better of the best earlier start and the current one, by score; nil before the first is snapped.
  fileprivate var better: Champion? {
    guard let best, let beforeSnapping, let afterSnapping else { return champion }
    if let champion, champion.best.score <= best.score { return champion }
    return Champion(best: best, beforeSnapping: beforeSnapping, afterSnapping: afterSnapping)
  }
}
