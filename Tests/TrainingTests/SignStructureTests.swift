import ExactArithmetic
import Foundation
import Networks
import Testing

@testable import Training

@Suite struct SignStructureTests {
  private typealias Course = SignStructure.Course
  private typealias Allowance = SignStructure.Allowance

  // MARK: The rule

  /// Every pair of promises along one feature.
  @Test func allowancesAlongOneFeature() {
    let all: [Course] = [.rises, .falls, .still, .anything]
    let expected: [[Allowance]] = [
      [.nonnegative, .nonpositive, .zero, .free], [.nonpositive, .nonnegative, .zero, .free],
      [.free, .free, .free, .free], [.zero, .zero, .zero, .free],
    ]
    for (source, row) in zip(all, expected) {
      #expect(all.map { SignStructure.allowance(from: [source], to: [$0]) } == row)
    }
  }

  @Test func allowancesAlongSeveralFeaturesMustAllAgree() {
    func allowance(_ source: [Course], _ target: [Course]) -> Allowance {
      SignStructure.allowance(from: source, to: target)
    }
    #expect(allowance([.rises, .falls], [.rises, .falls]) == .nonnegative)
    #expect(allowance([.rises, .falls], [.falls, .rises]) == .nonpositive)
    #expect(allowance([.rises, .falls], [.rises, .rises]) == .zero)
    #expect(allowance([.rises, .falls], [.rises, .anything]) == .nonnegative)
    #expect(allowance([.rises, .anything], [.rises, .falls]) == .zero)
    #expect(allowance([.still, .falls], [.rises, .rises]) == .nonpositive)
    #expect(allowance([.still, .still], [.rises, .falls]) == .free)
  }

  /// Two inputs, of which the output falls in the first; two neurons, the first of the output's own kind.
  @Test func smallNetworkInFull() throws {
    let shape = NetworkShape(inputCount: 2, hidden: [2, 2], outputCount: 1)
    let structure = try SignStructure(shape: shape, monotone: [MonotoneTerm(output: 0, feature: 0, sign: -1)])
    let expected: [Allowance] = [
      .nonpositive, .free, .nonnegative, .free, .free, .free,
      .nonnegative, .nonpositive, .nonpositive, .nonnegative, .free, .free,
      .nonnegative, .nonpositive, .free,
    ]
    #expect(structure.allowances == expected)
    var parameters = [Double](repeating: -1, count: 15)
    #expect(!structure.admits(parameters))
    structure.project(&parameters)
    #expect(parameters == [-1, -1, 0, -1, -1, -1, 0, -1, -1, 0, -1, -1, 0, -1, -1])
    #expect(structure.admits(parameters))
  }

  /// Output 0 rises in both features; output 1 falls in the first and has no direction in the second. What serves
  /// output 0 also serves output 1, turned round, but not the other way.
  @Test func outputsWithDifferentDirectionsShareWhatPromisesMore() throws {
    let shape = NetworkShape(inputCount: 2, hidden: [4], outputCount: 2)
    let structure = try SignStructure(
      shape: shape,
      monotone: [
        MonotoneTerm(output: 0, feature: 0, sign: 1), MonotoneTerm(output: 0, feature: 1, sign: 1),
        MonotoneTerm(output: 1, feature: 0, sign: -1),
      ])
    #expect(
      structure.allowances == [
        .nonnegative, .nonnegative, .nonpositive, .nonpositive, .nonpositive, .free, .nonnegative, .free,
        .free, .free, .free, .free,
        .nonnegative, .nonpositive, .zero, .zero, .nonpositive, .nonnegative, .nonnegative, .nonpositive,
        .free, .free,
      ])
  }

  @Test func outputsThatDifferByTheSignOfTheWholeShareTheirNeurons() throws {
    let shape = NetworkShape(inputCount: 1, hidden: [2], outputCount: 2)
    let structure = try SignStructure(
      shape: shape,
      monotone: [MonotoneTerm(output: 0, feature: 0, sign: 1), MonotoneTerm(output: 1, feature: 0, sign: -1)])
    #expect(
      structure.allowances == [
        .nonnegative, .nonpositive, .free, .free, .nonnegative, .nonpositive, .nonpositive, .nonnegative, .free, .free,
      ])
  }

  @Test func outputWithoutDirectionsUsesEveryNeuron() throws {
    let shape = NetworkShape(inputCount: 1, hidden: [3], outputCount: 2)
    let structure = try SignStructure(shape: shape, monotone: [MonotoneTerm(output: 0, feature: 0, sign: 1)])
    #expect(structure.allowances.prefix(3) == [.nonnegative, .nonpositive, .free])
    #expect(structure.allowances.suffix(8).prefix(6) == [.nonnegative, .nonpositive, .zero, .free, .free, .free])
  }

  // MARK: What it gives

  /// Random numbers of any sign, projected and rounded to the grid, make a network whose exact outputs never go the wrong
  /// way.
  @Test(arguments: 0..<40)
  func projectedNetworksAreMonotoneExactly(seed: Int) throws {
    var generator = RandomGenerator(seed: UInt64(seed))
    let hidden = (0..<(1 + generator.integer(below: 3))).map { _ in 4 + generator.integer(below: 5) }
    let shape = NetworkShape(inputCount: 3, hidden: hidden, outputCount: 2)
    let directions = (0..<2).map { k in (0..<3).map { _ in k == 0 ? 1 : generator.integer(below: 3) - 1 } }
    let terms = directions.enumerated().flatMap { k, row in
      row.enumerated().filter { $0.element != 0 }.map { MonotoneTerm(output: k, feature: $0.offset, sign: $0.element) }
    }
    let structure = try SignStructure(shape: shape, monotone: terms)
    var parameters = (0..<shape.parameterCount).map { _ in 4 * generator.unit() - 2 }
    structure.project(&parameters)
    parameters = SnappingGrid(weightBits: 8, biasBits: 14).snapped(parameters, isWeight: shape.weightMask)
    #expect(structure.admits(parameters))
    let network = ExactNetwork(
      try TrainedModel(
        shape: shape,
        normalisation: Normalisation(
          inputs: Array(repeating: .init(centre: 0.25, exponent: -2), count: 3),
          outputs: Array(repeating: .init(centre: 3, exponent: 1), count: 2)), parameters: parameters
      ).network())
    func point() -> [Rational] { (0..<3).map { _ in Rational(generator.integer(below: 1001)) / Rational(1000) } }
    for _ in 0..<20 {
      let x = point()
      for term in terms {
        var xPrime = x
        xPrime[term.feature] = xPrime[term.feature] + Rational(1) / Rational(10)
        let rise = network.output(at: xPrime)[term.output] - network.output(at: x)[term.output]
        #expect(Rational(term.sign) * rise >= .zero, "seed \(seed), output \(term.output), feature \(term.feature)")
      }
    }
  }

  /// One step in each epoch, so that the numbers are looked at after every step of both phases and of every start.
  @Test func signsHoldAfterEveryStep() throws {
    var configuration = SyntheticData.configuration
    configuration.shape = .signed
    configuration.starts = 2
    configuration.epochs = 40
    configuration.minimumEpochs = 10
    configuration.fineTuningEpochs = 15
    configuration.fineTuningRate = 1
    configuration.learningRate = 0.05
    configuration.batchSize = 64
    var generator = RandomGenerator(seed: 5)
    let rows = try SyntheticData.rows(50, using: &generator)
    let trainer = try Trainer(
      configuration: configuration, domain: SyntheticData.domain, monotone: SyntheticData.monotone)
    let shape = NetworkShape(inputCount: 5, hidden: [8, 8], outputCount: 2)
    let structure = try SignStructure(shape: shape, monotone: SyntheticData.monotone)
    var run = try trainer.start(rows)
    #expect(structure.admits(run.checkpoint.parameters))
    var steps = 0
    while let record = try run.nextEpoch() {
      steps += 1
      #expect(structure.admits(run.checkpoint.parameters), "epoch \(record.epoch)")
      #expect(record.wrongSlopeShare == 0)
      // What an interruption here would give is on the grid and keeps the signs too.
      #expect(structure.admits(try run.result().model.parameters), "epoch \(record.epoch)")
    }
    #expect(steps == 110)
    let result = try run.result()
    #expect(structure.admits(result.model.parameters))
    #expect(result.model.parameters.contains { $0 < 0 } && result.model.parameters.contains { $0 > 0 })
  }

  @Test func signedNetworkLearns() throws {
    var configuration = SyntheticData.configuration
    configuration.shape = .signed
    var generator = RandomGenerator(seed: 5)
    let rows = try SyntheticData.rows(80, noise: 0.2, using: &generator)
    let fresh = try SyntheticData.rows(300, noise: 0, using: &generator)
    let result = try Trainer(
      configuration: configuration, domain: SyntheticData.domain, monotone: SyntheticData.monotone
    ).train(rows)
    for k in 0..<2 {
      let predicted = (0..<fresh.rowCount).map {
        result.network.output(at: Array(fresh.inputs[($0 * 5)..<($0 * 5 + 5)]))[k]
      }
      let rSquared = try #require(Metrics.rSquared(measured: fresh.targetColumn(k), predicted: predicted))
      #expect(rSquared > 0.9, "output \(k)")
    }
  }

  @Test func resumedSignedRunEndsLikeAnUninterruptedOne() throws {
    var configuration = SyntheticData.configuration
    configuration.shape = .signed
    configuration.epochs = 20
    configuration.minimumEpochs = 5
    configuration.fineTuningEpochs = 6
    var generator = RandomGenerator(seed: 5)
    let rows = try SyntheticData.rows(40, using: &generator)
    let trainer = try Trainer(
      configuration: configuration, domain: SyntheticData.domain, monotone: SyntheticData.monotone)
    let whole = try trainer.train(rows)
    let part = try trainer.train(rows) { $0.epoch < 22 }
    let rest = try trainer.train(rows, resuming: part.checkpoint)
    #expect(ExactNetwork(rest.network).digest == ExactNetwork(whole.network).digest)
    configuration.shape = .free
    let free = try Trainer(
      configuration: configuration, domain: SyntheticData.domain, monotone: SyntheticData.monotone)
    #expect(throws: TrainingError.self) { try free.train(rows, resuming: part.checkpoint) }
  }

  @Test func freeModelToStartFromIsProjected() throws {
    var configuration = SyntheticData.free
    configuration.epochs = 10
    configuration.minimumEpochs = 0
    configuration.fineTuningEpochs = 2
    var generator = RandomGenerator(seed: 5)
    let rows = try SyntheticData.rows(40, using: &generator)
    let free = try Trainer(configuration: configuration, domain: SyntheticData.domain).train(rows)
    configuration.shape = .signed
    let run = try Trainer(
      configuration: configuration, domain: SyntheticData.domain, monotone: SyntheticData.monotone
    ).start(rows, warmStart: free.model)
    let structure = try SignStructure(shape: free.model.shape, monotone: SyntheticData.monotone)
    #expect(!structure.admits(free.model.parameters))
    var projected = free.model.parameters
    structure.project(&projected)
    #expect(run.checkpoint.parameters == projected)
  }

  @Test func startingNumbersKeepTheSignsAndFewSources() throws {
    let shape = NetworkShape(inputCount: 4, hidden: [64, 64], outputCount: 1)
    let structure = try SignStructure(shape: shape, monotone: [MonotoneTerm(output: 0, feature: 1, sign: 1)])
    var generator = RandomGenerator(seed: 1)
    let parameters = structure.initialParameters(using: &generator)
    #expect(structure.admits(parameters))
    let first = parameters[0..<(4 * 64)]
    #expect(first.allSatisfy { $0 != 0 })
    let second = parameters[shape.weights(of: 1)..<shape.biases(of: 1)].count { $0 != 0 }
    // 8 of 64 on average; the standard deviation over 64 neurons is about 21.
    #expect((400...624).contains(second))
  }

  // MARK: Refusals and files

  @Test func whatCannotBeSignedIsNamed() throws {
    let shape = NetworkShape(inputCount: 3, hidden: [8, 3], outputCount: 2)
    #expect(
      throws: TrainingError(
        .configuration, "the signed shape needs an output with a direction; use the free one")
    ) { try SignStructure(shape: shape, monotone: []) }
    #expect(
      throws: TrainingError(
        .data, "output 1 is to rise and to fall in feature 2: the signed shape cannot do both")
    ) {
      try SignStructure(
        shape: shape,
        monotone: [MonotoneTerm(output: 1, feature: 2, sign: 1), MonotoneTerm(output: 1, feature: 2, sign: -1)])
    }
    #expect(
      throws: TrainingError(
        .configuration,
        "the signed shape needs 4 neurons in every hidden layer (one rising and one falling for each set of "
          + "directions, one without for outputs that have none), but layer 2 has 3; widen it")
    ) {
      try SignStructure(
        shape: shape,
        monotone: [MonotoneTerm(output: 0, feature: 0, sign: 1), MonotoneTerm(output: 1, feature: 2, sign: 1)])
    }
    let terms = [MonotoneTerm(output: 0, feature: 0, sign: 1)]
    #expect(SignedShape.obstacle(inputCount: 3, hidden: [8, 3], outputCount: 2, monotone: terms) == nil)
    #expect(
      SignedShape.obstacle(inputCount: 3, hidden: [8, 2], outputCount: 2, monotone: terms)?.code == .configuration)
  }

  /// Only directions are a matter of signs; a wanted slope is still asked for by hinges.
  @Test func onlySlopesOtherThanZeroKeepTheirHinges() throws {
    var configuration = TrainingConfiguration()
    let terms = [
      MonotoneTerm(output: 0, feature: 0, sign: 1), MonotoneTerm(output: 0, feature: 1, sign: 1, minimumSlope: 0.5),
    ]
    #expect(try Trainer(configuration: configuration, domain: [0...1, 0...1], monotone: terms).hinged == terms)
    configuration.shape = .signed
    #expect(try Trainer(configuration: configuration, domain: [0...1, 0...1], monotone: terms).hinged == [terms[1]])
  }

  @Test func settingsWithoutAShapeAreFree() throws {
    var configuration = TrainingConfiguration()
    configuration.shape = .signed
    let encoded = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(TrainingConfiguration.self, from: encoded) == configuration)
    var object = try #require(JSONSerialization.jsonObject(with: encoded) as? [String: Any])
    #expect(object["shape"] as? String == "signed")
    object["shape"] = nil
    let old = try JSONDecoder().decode(
      TrainingConfiguration.self, from: JSONSerialization.data(withJSONObject: object))
    #expect(old == TrainingConfiguration())
    object["shape"] = "round"
    let wrong = try JSONSerialization.data(withJSONObject: object)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(TrainingConfiguration.self, from: wrong) }
  }
}
