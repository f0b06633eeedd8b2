internal import Foundation

/// Trains a fully connected ReLU network for proof: see ``TrainingConfiguration`` for what the objective holds.
///
/// One thread; no clock, no hash order, no system randomness, and only IEEE 754 additions, multiplications, divisions
/// and square roots: equal settings and data give the same network, bit for bit, on every machine.
public struct Trainer: Sendable {
  /// The most terms and the most counterexamples of one run.
  public static let maximumTerms = 4096
  public static let maximumCounterexamples = 100_000

  public let configuration: TrainingConfiguration
  /// For each input its range, in the network's numbers.
  public let domain: [ClosedRange<Double>]
  public let monotone: [MonotoneTerm]
  public let bounds: [BoundTerm]

  /// - Throws: ``TrainingError`` when a setting is outside its range, a domain's end is not finite, or a term names a
  ///   feature that does not exist.
  public init(
    configuration: TrainingConfiguration = TrainingConfiguration(), domain: [ClosedRange<Double>],
    monotone: [MonotoneTerm] = [], bounds: [BoundTerm] = []
  ) throws(TrainingError) {
    try configuration.validate()
    guard !domain.isEmpty else {
      throw TrainingError(.data, "the domain has no feature; give one range for each input")
    }
    for (index, range) in domain.enumerated() where !(range.lowerBound.isFinite && range.upperBound.isFinite) {
      throw TrainingError(.data, "the domain of feature \(index) is \(range); both ends must be finite")
    }
    guard monotone.count <= Self.maximumTerms, bounds.count <= Self.maximumTerms else {
      throw TrainingError(.data, "more than \(Self.maximumTerms) terms; split the specification")
    }
    for (index, term) in monotone.enumerated() {
      guard domain.indices.contains(term.feature), term.sign.magnitude == 1, term.minimumSlope.isFinite else {
        throw TrainingError(
          .data,
          "monotonicity term \(index) names feature \(term.feature) of \(domain.count), sign \(term.sign) and slope "
            + "\(term.minimumSlope); the sign must be 1 or -1 and the slope finite")
      }
    }
    for (index, term) in bounds.enumerated()
    where !(term.lower?.isFinite ?? true) || !(term.upper?.isFinite ?? true) {
      throw TrainingError(.data, "bound term \(index) is not finite; leave out a side that has no bound")
    }
    self.configuration = configuration
    self.domain = domain
    self.monotone = monotone
    self.bounds = bounds
  }

  /// Trains to the end, or until `progress` answers false after an epoch; the best epoch so far is then kept, and the
  /// result holds a checkpoint.
  ///
  /// - Parameters:
  ///   - validation: Rows for choosing the epoch to keep; never trained on.
  ///   - counterexamples: Pairs to repair, in the network's numbers.
  ///   - warmStart: A model of an earlier run to start from; its normalisation is taken over.
  ///   - checkpoint: Of an interrupted run with the same settings and data.
  /// - Throws: ``TrainingError``.
  /// - Complexity: each step costs about (rows + sampled points + 3 · pairs) · weights · (3 + 3 · constrained outputs)
  ///   multiplications.
  public func train(
    _ data: TrainingData, validation: TrainingData? = nil, counterexamples: [CounterexamplePair] = [],
    warmStart: TrainedModel? = nil, resuming checkpoint: TrainerCheckpoint? = nil,
    progress: (EpochRecord) -> Bool = { _ in true }
  ) throws(TrainingError) -> TrainingResult {
    var run = try start(
      data, validation: validation, counterexamples: counterexamples, warmStart: warmStart, resuming: checkpoint)
    while let record = try run.nextEpoch() {
      if !progress(record) { break }
    }
    return try run.result()
  }

  /// Starts a run that the caller drives, epoch by epoch. Parameters and errors as for
  /// ``train(_:validation:counterexamples:warmStart:resuming:progress:)``.
  public func start(
    _ data: TrainingData, validation: TrainingData? = nil, counterexamples: [CounterexamplePair] = [],
    warmStart: TrainedModel? = nil, resuming checkpoint: TrainerCheckpoint? = nil
  ) throws(TrainingError) -> TrainingRun {
    try check(data, validation, counterexamples)
    let shape = NetworkShape(
      inputCount: data.inputCount, hidden: configuration.hidden, outputCount: data.outputCount)
    if let warmStart {
      guard warmStart.shape == shape, warmStart.parameters.count == shape.parameterCount,
        warmStart.parameters.allSatisfy(\.isFinite), warmStart.normalisation.inputs.count == shape.inputCount,
        warmStart.normalisation.outputs.count == shape.outputCount
      else {
        throw TrainingError(
          .checkpoint, "the model to start from has widths \(warmStart.shape.widths), but \(shape.widths) are wanted")
      }
    }
    let structure =
      configuration.shape == .signed ? try SignStructure(shape: shape, monotone: structural) : nil
    let fingerprint = try fingerprint(data, validation, counterexamples, warmStart)
    let state: TrainerCheckpoint
    if let checkpoint {
      guard checkpoint.fingerprint == fingerprint, checkpoint.parameters.count == shape.parameterCount,
        checkpoint.kept.count == shape.parameterCount, checkpoint.optimiser.first.count == shape.parameterCount,
        checkpoint.optimiser.second.count == shape.parameterCount,
        checkpoint.normalisation.inputs.count == shape.inputCount,
        checkpoint.normalisation.outputs.count == shape.outputCount,
        [checkpoint.best, checkpoint.beforeSnapping, checkpoint.afterSnapping]
          .allSatisfy({ ($0?.parameters.count ?? shape.parameterCount) == shape.parameterCount })
      else {
        throw TrainingError(
          .checkpoint, "the checkpoint belongs to other data or settings; start anew, or restore what it was made with")
      }
      state = checkpoint
    } else {
      var generator = RandomGenerator(seed: configuration.seed)
      var initial =
        structure?.initialParameters(using: &generator) ?? shape.initialParameters(using: &generator)
      if let warmStart {
        initial = warmStart.parameters
        structure?.project(&initial)
      }
      state = TrainerCheckpoint(
        fingerprint: fingerprint,
        normalisation: warmStart?.normalisation
          ?? Normalisation(data: data, domain: domain, configuration: configuration),
        parameters: initial, kept: Array(repeating: true, count: shape.parameterCount),
        optimiser: Adam(
          parameterCount: shape.parameterCount, beta1: configuration.adamBeta1, beta2: configuration.adamBeta2),
        generator: generator)
    }
    return TrainingRun(
      trainer: self, shape: shape, structure: structure, data: data, validation: validation,
      counterexamples: counterexamples, state: state, isWarm: warmStart != nil)
  }

  /// The directions that the signed shape has by itself; a wanted slope other than zero still needs the hinges.
  private var structural: [MonotoneTerm] { monotone.filter { $0.minimumSlope == 0 } }

  /// The terms that hinges have to ask for.
  var hinged: [MonotoneTerm] {
    switch configuration.shape {
    case .free: monotone
    case .signed: monotone.filter { $0.minimumSlope != 0 }
    }
  }

  private func check(
    _ data: TrainingData, _ validation: TrainingData?, _ counterexamples: [CounterexamplePair]
  ) throws(TrainingError) {
    guard data.inputCount == domain.count else {
      throw TrainingError(.data, "rows have \(data.inputCount) inputs, but the domain has \(domain.count) features")
    }
    guard data.rowCount > 0 else { throw TrainingError(.data, "there is no row to train on") }
    if let validation {
      guard validation.inputCount == data.inputCount, validation.outputCount == data.outputCount else {
        throw TrainingError(.data, "validation rows and training rows have different columns")
      }
    }
    let outputs = monotone.map(\.output) + bounds.map(\.output) + counterexamples.map(\.output)
    if let bad = outputs.first(where: { !(0..<data.outputCount).contains($0) }) {
      throw TrainingError(.data, "a term or counterexample names output \(bad), but there are \(data.outputCount)")
    }
    guard counterexamples.count <= Self.maximumCounterexamples else {
      throw TrainingError(
        .data, "\(counterexamples.count) counterexamples; at most \(Self.maximumCounterexamples) are supported")
    }
    for (index, pair) in counterexamples.enumerated() {
      guard pair.x.count == domain.count, pair.xPrime.count == domain.count, pair.sign.magnitude == 1,
        (pair.x + pair.xPrime).allSatisfy(\.isFinite), pair.x != pair.xPrime
      else {
        throw TrainingError(
          .data,
          "counterexample \(index) must be two different points of \(domain.count) finite numbers and a sign of 1 or -1"
        )
      }
    }
  }

  private func fingerprint(
    _ data: TrainingData, _ validation: TrainingData?, _ counterexamples: [CounterexamplePair], _ warm: TrainedModel?
  ) throws(TrainingError) -> UInt64 {
    var hash = Fingerprint()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let settings = try? encoder.encode(configuration) else {
      throw TrainingError(.configuration, "the settings hold a number that cannot be written")
    }
    for byte in settings { hash.add(UInt64(byte)) }
    for range in domain { hash.add([range.lowerBound, range.upperBound]) }
    for term in monotone {
      for number in [term.output, term.feature, term.sign] { hash.add(number) }
      hash.add([term.minimumSlope])
    }
    for term in bounds {
      hash.add(term.output)
      hash.add([term.lower ?? -.infinity, term.upper ?? .infinity])
    }
    for rows in [data, validation].compactMap({ $0 }) {
      hash.add(rows.inputs)
      hash.add(rows.targets)
    }
    for pair in counterexamples {
      hash.add(pair.output)
      hash.add(pair.sign)
      hash.add(pair.x)
      hash.add(pair.xPrime)
    }
    hash.add(warm?.parameters ?? [])
    return hash.value
  }
}
