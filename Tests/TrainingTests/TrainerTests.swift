import Foundation
import Networks
import Testing

@testable import Training

@Suite struct TrainerTests {
  private func data(_ count: Int, seed: UInt64, noise: Double = 0.6) throws -> TrainingData {
    var generator = RandomGenerator(seed: seed)
    return try SyntheticData.rows(count, noise: noise, using: &generator)
  }

  private func trainer(_ configuration: TrainingConfiguration) throws -> Trainer {
    try Trainer(
      configuration: configuration, domain: SyntheticData.domain, monotone: SyntheticData.monotone,
      bounds: [BoundTerm(output: 1, lower: -10, upper: 20)])
  }

  private func digest(_ result: TrainingResult) -> String { ExactNetwork(result.network).digest }

  @Test func equalSeedsGiveEqualNetworksAndOtherSeedsOthers() throws {
    var configuration = SyntheticData.configuration
    configuration.epochs = 20
    configuration.minimumEpochs = 0
    configuration.fineTuningEpochs = 4
    let rows = try data(40, seed: 1)
    let first = try trainer(configuration).train(rows, validation: data(10, seed: 2))
    let second = try trainer(configuration).train(rows, validation: data(10, seed: 2))
    #expect(digest(first) == digest(second))
    #expect(first.history == second.history)
    configuration.seed = 2
    #expect(try digest(trainer(configuration).train(rows, validation: data(10, seed: 2))) != digest(first))
  }

  /// Stops in the middle of each phase and at its border.
  @Test(arguments: [1, 7, 20, 23])
  func resumedRunEndsLikeAnUninterruptedOne(stop: Int) throws {
    var configuration = SyntheticData.configuration
    configuration.epochs = 20
    configuration.minimumEpochs = 5
    configuration.fineTuningEpochs = 6
    let trainer = try trainer(configuration)
    let rows = try data(40, seed: 1)
    let pairs = [
      CounterexamplePair(x: [0.1, 0.2, 0.3, 0.4, 0.5], xPrime: [0.1, 0.2, 0.6, 0.4, 0.5], output: 0, sign: 1)
    ]
    let whole = try trainer.train(rows, counterexamples: pairs)
    #expect(!whole.wasInterrupted)
    #expect(whole.checkpoint == nil)

    let part = try trainer.train(rows, counterexamples: pairs) { $0.epoch < stop }
    #expect(part.wasInterrupted)
    #expect(part.history.count == stop)
    let stored = try JSONEncoder().encode(try #require(part.checkpoint))
    let checkpoint = try JSONDecoder().decode(TrainerCheckpoint.self, from: stored)
    #expect(checkpoint == part.checkpoint)
    let rest = try trainer.train(rows, counterexamples: pairs, resuming: checkpoint)
    #expect(digest(rest) == digest(whole))
    #expect(rest.history == whole.history)
  }

  @Test func interruptedRunKeepsItsBestEpochOnTheGrid() throws {
    let result = try trainer(SyntheticData.configuration).train(data(40, seed: 1)) { _ in false }
    #expect(result.end == .interrupted)
    #expect(result.history.map(\.epoch) == [1])
    #expect(result.network.hiddenWidths == [8, 8])
    #expect(result.checkpoint?.epoch == 1)
  }

  @Test func checkpointOfOtherDataOrSettingsIsRefused() throws {
    let rows = try data(40, seed: 1)
    let part = try trainer(SyntheticData.configuration).train(rows) { _ in false }
    var other = SyntheticData.configuration
    other.l1 *= 2
    #expect(throws: TrainingError.self) { try trainer(other).train(rows, resuming: part.checkpoint) }
    #expect(throws: TrainingError.self) {
      try trainer(SyntheticData.configuration).train(data(40, seed: 9), resuming: part.checkpoint)
    }
  }

  @Test func patienceEndsTheFirstPhaseEarly() throws {
    var configuration = SyntheticData.configuration
    configuration.minimumEpochs = 0
    configuration.patience = 1
    configuration.learningRate = 0.5
    let result = try trainer(configuration).train(data(30, seed: 1), validation: data(10, seed: 2))
    #expect(result.end == .patience)
    let main = result.history.filter { $0.phase == .training }
    #expect(main.count < configuration.epochs)
    #expect(result.history.count == main.count + configuration.fineTuningEpochs)
  }

  @Test func snappedNumbersLieOnTheirGridsAndPruningHolds() throws {
    var configuration = SyntheticData.configuration
    configuration.pruneBelow = 0.05
    configuration.fineTuningEpochs = 10
    let result = try trainer(configuration).train(data(60, seed: 3), validation: data(20, seed: 4))
    let mask = result.model.shape.weightMask
    for (value, isWeight) in zip(result.model.parameters, mask) {
      let scaled = value * (isWeight ? 256 : 16384)
      #expect(scaled == scaled.rounded())
    }
    #expect(result.zeroWeightShare > 0.05)
    let zeros = zip(result.model.parameters, mask).count(where: { $0 == 0 && $1 })
    #expect(result.zeroWeightShare == Double(zeros) / Double(mask.count(where: \.self)))
    // The starting candidate of fine-tuning is the snapped network, so tuning never ends above it.
    #expect(result.snapping.tuned.total <= result.snapping.snapped.total)
    #expect(result.snapping.tuned.data < result.snapping.before.data + 0.02)
  }

  @Test func prunedWeightsStayZeroWhileFineTuning() throws {
    var configuration = SyntheticData.configuration
    configuration.epochs = 20
    configuration.minimumEpochs = 0
    configuration.pruneBelow = 0.2
    configuration.fineTuningRate = 1
    var run = try trainer(configuration).start(data(40, seed: 3))
    while try run.nextEpoch() != nil {}
    let pruned = try #require(run.checkpoint.afterSnapping).parameters
    let mask = NetworkShape(inputCount: 5, hidden: [8, 8], outputCount: 2).weightMask
    let zeros = pruned.indices.filter { mask[$0] && pruned[$0] == 0 }
    #expect(zeros.count > 30)
    #expect(zeros.allSatisfy { run.checkpoint.parameters[$0] == 0 })
    #expect(run.checkpoint.parameters != pruned)
  }

  @Test func recipeLearnsAndHasFewerWrongSlopesThanFreeTraining() throws {
    let rows = try data(60, seed: 5, noise: 1.6)
    let validation = try data(25, seed: 6, noise: 1.6)
    let fresh = try data(500, seed: 7, noise: 0)
    let recipe = try trainer(SyntheticData.configuration).train(rows, validation: validation)
    let free = try trainer(SyntheticData.free).train(rows, validation: validation)
    let explained = determination(recipe.network, on: fresh)
    #expect(explained[0] > 0.85)
    #expect(explained[1] > 0.85)
    let (wrong, wrongFree) = (wrongSteps(recipe.network).count, wrongSteps(free.network).count)
    #expect(wrongFree > 20)
    #expect(wrong * 10 < wrongFree)
  }

  @Test func counterexamplePairsAreRepaired() throws {
    let rows = try data(60, seed: 5, noise: 1.6)
    var settings = SyntheticData.free
    let free = try trainer(settings).train(rows)
    let pairs = Array(wrongSteps(free.network).prefix(40))
    try #require(pairs.count >= 10)
    // Only the pairs speak for monotonicity here.
    settings.counterexample = SyntheticData.configuration.counterexample
    let repaired = try trainer(settings).train(rows, counterexamples: pairs, warmStart: free.model)
    for pair in pairs {
      let (before, after) = (repaired.network.output(at: pair.x), repaired.network.output(at: pair.xPrime))
      #expect(Double(pair.sign) * (after[pair.output] - before[pair.output]) >= 0)
    }
  }

  @Test func outputsAreDrivenIntoTheirBounds() throws {
    var settings = SyntheticData.configuration
    settings.bound = 20
    let trainer = try Trainer(
      configuration: settings, domain: SyntheticData.domain, bounds: [BoundTerm(output: 0, lower: nil, upper: 2)])
    let result = try trainer.train(data(40, seed: 5, noise: 0))
    var generator = RandomGenerator(seed: 1)
    var above = 0
    for _ in 0..<500 where result.network.output(at: (0..<5).map { _ in generator.unit() })[0] > 2 { above += 1 }
    // A third of the measured rows lie above 2.
    #expect(above <= 25)
  }

  @Test func freeTrainingIsTheRecipeWithoutPropertyTerms() {
    var expected = TrainingConfiguration()
    expected.monotonicity = 0
    expected.counterexample = 0
    expected.bound = 0
    #expect(TrainingConfiguration.free == expected)
  }

  @Test func badSettingsAndDataAreNamed() throws {
    var settings = TrainingConfiguration()
    settings.learningRate = 0
    #expect(throws: TrainingError(.configuration, "learningRate must be above 0 and at most 1")) {
      try Trainer(configuration: settings, domain: [0...1])
    }
    #expect(throws: TrainingError(.data, "row 1, input 0 is nan; every number must be finite")) {
      try TrainingData(inputCount: 1, outputCount: 1, inputs: [0, .nan], targets: [0, 0])
    }
    #expect(throws: TrainingError(.data, "there is no row to train on")) {
      try Trainer(domain: [0...1]).train(TrainingData(inputCount: 1, outputCount: 1, inputs: [], targets: []))
    }
    #expect(throws: TrainingError.self) {
      try Trainer(domain: [0...1], monotone: [MonotoneTerm(output: 0, feature: 1, sign: 1)])
    }
    #expect(throws: TrainingError(.data, "a term or counterexample names output 1, but there are 1")) {
      try Trainer(domain: [0...1], monotone: [MonotoneTerm(output: 1, feature: 0, sign: 1)])
        .train(TrainingData(inputCount: 1, outputCount: 1, inputs: [0.5], targets: [1]))
    }
    #expect(throws: TrainingError.self) {
      try Trainer(domain: [0...1]).train(
        TrainingData(inputCount: 1, outputCount: 1, inputs: [0.5], targets: [1]),
        counterexamples: [CounterexamplePair(x: [0.5], xPrime: [0.5], output: 0, sign: 1)])
    }
  }

  @Test func oneRowAndConstantColumnsAreNoObstacle() throws {
    var settings = SyntheticData.configuration
    settings.epochs = 5
    settings.minimumEpochs = 0
    settings.fineTuningEpochs = 2
    let result = try Trainer(configuration: settings, domain: [3...3, 0...1]).train(
      TrainingData(inputCount: 2, outputCount: 1, inputs: [3, 0.5], targets: [7]))
    #expect(result.history.count == 7)
    #expect(result.network.output(at: [3, 0.5])[0].isFinite)
  }

  // MARK: Measures

  /// R² of each output.
  private func determination(_ network: Network, on rows: TrainingData) -> [Double] {
    (0..<rows.outputCount).map { k in
      let targets = rows.targetColumn(k)
      let mean = targets.reduce(0, +) / Double(targets.count)
      var residual = 0.0
      var total = 0.0
      for row in 0..<rows.rowCount {
        let x = Array(rows.inputs[(row * rows.inputCount)..<((row + 1) * rows.inputCount)])
        let error = network.output(at: x)[k] - targets[row]
        residual += error * error
        total += (targets[row] - mean) * (targets[row] - mean)
      }
      return 1 - residual / total
    }
  }

  /// Steps of 0.01 in a wanted direction, of 2000 each, on which the output goes the wrong way.
  private func wrongSteps(_ network: Network) -> [CounterexamplePair] {
    var generator = RandomGenerator(seed: 99)
    var pairs: [CounterexamplePair] = []
    for term in SyntheticData.monotone {
      for _ in 0..<2000 {
        var x = (0..<5).map { _ in generator.unit() }
        x[term.feature] *= 0.99
        var xPrime = x
        xPrime[term.feature] += 0.01
        let rise = network.output(at: xPrime)[term.output] - network.output(at: x)[term.output]
        if Double(term.sign) * rise < -1e-9 {
          pairs.append(CounterexamplePair(x: x, xPrime: xPrime, output: term.output, sign: term.sign))
        }
      }
    }
    return pairs
  }

  @Test func severalStartsKeepTheBestOne() throws {
    var generator = RandomGenerator(seed: 77)
    let data = try SyntheticData.rows(40, using: &generator)
    var configuration = SyntheticData.configuration
    configuration.epochs = 30
    configuration.minimumEpochs = 10
    configuration.fineTuningEpochs = 5
    let one = try Trainer(configuration: configuration, domain: SyntheticData.domain).train(data)
    configuration.starts = 3
    let three = try Trainer(configuration: configuration, domain: SyntheticData.domain).train(data)
    #expect(three.history.count == 105)
    #expect(Array(three.history.prefix(35)) == one.history)
    #expect(three.snapping.tuned.total <= one.snapping.tuned.total)
    let ends = [35, 70, 105].map { end in three.history[(end - 5)..<end].map(\.score).min() ?? .infinity }
    #expect(three.snapping.tuned.total <= (ends.min() ?? .infinity))
    let warm = try Trainer(configuration: configuration, domain: SyntheticData.domain)
      .train(data, warmStart: three.model)
    #expect(warm.history.count == 35)
  }

  @Test(arguments: [1, 2, 3, 5, 30, 150, 503, 600])
  func retrainingSettingsAreValidForAnyCountOfEpochs(epochs: Int) throws {
    var configuration = TrainingConfiguration()
    configuration.epochs = epochs
    configuration.minimumEpochs = min(configuration.minimumEpochs, epochs - 1)
    #expect(throws: Never.self) { try configuration.retraining.validate() }
    #expect(throws: Never.self) { try configuration.retraining.retraining.validate() }
  }
}
