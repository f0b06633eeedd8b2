import CertificateStorage
import Certificates
import Foundation
import Networks
import ProofChecking
import Retraining
import Specifications
import TestHelpers
import Testing
import Training
import Verification

/// Networks that are monotone by the signs of their weights, and the choice between them and free ones.
@Suite struct ShapeTests {
  private static var signed: LoopOptions {
    var options = LoopOptions.small
    options.configuration.shape = .signed
    return options
  }

  private static var auto: LoopOptions {
    var options = LoopOptions.small
    options.choosesShape = true
    return options
  }

  /// Also on rows that fall where the specification says that they rise.
  @Test(arguments: [Scene.rising, Scene.bumpy])
  func rootCellProvesASignedNetwork(csv: String) throws {
    let scene = try Scene(csv: csv)
    let outcome = try scene.run(Self.signed)
    try scene.expectProven(outcome)
    #expect(outcome.report.configuration.shape == .signed)
    #expect(outcome.report.shapes == nil)
    #expect(outcome.report.rounds.count == 1)
    #expect(outcome.report.repairs.isEmpty)
    #expect(outcome.report.counterexamplesFound == 0)
    let path = try #require(outcome.path)
    try expectRootCellToProve(
      ExactNetwork(try Network.read(path: "\(path)/model.onnx")), scene.specification)
  }

  /// Untrained and dense: how large or deep a network is does not matter.
  @Test(arguments: [[64, 64, 64], [128, 128, 128, 128]])
  func rootCellProvesLargeSignedNetworks(hidden: [Int]) throws {
    var generator = SeededGenerator(seed: 3)
    func number() -> Double { Double(generator.next() >> 54) / 1024 }
    let rows = (0..<4).map { _ in (0..<6).map { _ in number() } }
    var configuration = TrainingConfiguration()
    configuration.shape = .signed
    configuration.hidden = hidden
    configuration.starts = 1
    configuration.epochs = 1
    configuration.minimumEpochs = 0
    configuration.fineTuningEpochs = 0
    configuration.stability = 0
    configuration.probePoints = 0
    let data = try TrainingData(
      inputCount: 6, outputCount: 1, inputs: rows.flatMap { $0 }, targets: rows.map { $0.reduce(0, +) })
    let result = try Trainer(
      configuration: configuration, domain: Array(repeating: 0...1, count: 6),
      monotone: [0, 2, 3].map { MonotoneTerm(output: 0, feature: $0, sign: $0 == 2 ? -1 : 1) }
    ).train(data)
    let features = (0..<6).map { "  x\($0): {index: \($0), unit: share, domain: 0..1}\n" }.joined()
    let specification = try Specifications.Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n  y: {index: 0, unit: ms}\nproperties:\n"
        + "  - {id: a, nondecreasing: {of: y, in: x0}}\n  - {id: b, nonincreasing: {of: y, in: x2}}\n"
        + "  - {id: c, nondecreasing: {of: y, in: x3}}\n", path: "large.yaml")
    try expectRootCellToProve(ExactNetwork(result.network), specification)
  }

  /// The trusted routine closes the root cell of every query without any multiplier: no search has to be relied on.
  private func expectRootCellToProve(_ network: ExactNetwork, _ specification: Specifications.Specification) throws {
    for property in specification.properties {
      guard case .monotone = property.kind else { continue }
      for query in property.queries {
        let problem = try FixedPointProblem(network: network, query: query)
        let evaluator = LeafEvaluator(problem: problem)
        let none = LeafMultipliers(neuronCount: problem.neuronCount, constraintCount: 0)
        guard case .bound(let bound) = evaluator.evaluate(Cell(problem: problem), multipliers: none) else {
          Issue.record("\(property.id): no bound")
          continue
        }
        #expect(bound >= problem.threshold, "\(property.id)")
      }
    }
  }

  // MARK: The choice

  @Test func autoPublishesTheBetterOfTheProvedShapes() throws {
    let scene = try Scene()
    let log = EventLog()
    let outcome = try scene.run(Self.auto, onEvent: log.note)
    try scene.expectProven(outcome)
    #expect(scene.versions == ["v0001"])
    let shapes = try #require(outcome.report.shapes)
    #expect(shapes.map(\.shape) == [.signed, .free])
    #expect(shapes.map(\.proven) == [true, true])
    let errors = try shapes.map { try #require($0.validationError) }
    #expect(outcome.report.configuration.shape == (errors[0] <= errors[1] ? .signed : .free))
    // Each is what it would be alone.
    let alone = try [Scene().run(Self.signed), Scene().run(.small)].map(\.report)
    #expect(outcome.report.networkDigest == (errors[0] <= errors[1] ? alone[0] : alone[1]).networkDigest)
    #expect(shapes.map(\.rounds) == alone.map(\.rounds.count))
    #expect(log.rounds.first == "v0001-signed-r1: 0")
    #expect(log.rounds.contains { $0.hasPrefix("v0001-free-r1: ") })
    #expect(try scene.store.loopState(application: Scene.application) == nil)
  }

  /// Rows that fall inside the range pull a free network that knows of properties by counterexamples alone from them:
  /// without a proof it is not chosen, however well it fits.
  @Test func autoTakesOnlyWhatIsProved() throws {
    let scene = try Scene(csv: Scene.bumpy)
    var options = LoopOptions.naive
    options.choosesShape = true
    options.maximumRounds = 1
    options.propertySeconds = 0
    let outcome = try scene.run(options)
    let shapes = try #require(outcome.report.shapes)
    #expect(shapes.map(\.shape) == [.signed, .free])
    if outcome.end == .proven {
      let chosen = try #require(shapes.first { $0.shape == outcome.report.configuration.shape })
      #expect(chosen.proven)
      let least = shapes.compactMap(\.validationError).min()
      #expect(chosen.validationError == least)
    } else {
      #expect(shapes.map(\.proven) == [false, false])
    }
  }

  @Test(arguments: [5, 70, 75, 140])
  func stoppedChoiceGoesOnWhereItWas(epoch: Int) throws {
    let wanted = try Scene().run(Self.auto).report
    let scene = try Scene()
    let stop = StopSignal()
    let count = EventLog()
    let first = try scene.run(Self.auto, stop: stop) { event in
      count.note(event)
      if count.epochCount == epoch { stop.request() }
    }
    #expect(first.end == .interrupted)
    #expect(scene.versions == [])
    let log = EventLog()
    let second = try scene.run(Self.auto, onEvent: log.note)
    #expect(log.wasResumed)
    try scene.expectProven(second)
    #expect(second.report.networkDigest == wanted.networkDigest)
    #expect(second.report.shapes == wanted.shapes)
    #expect(second.report.rounds.map(\.networkDigest) == wanted.rounds.map(\.networkDigest))
  }

  // MARK: Refusals

  private static func specification(_ properties: String) -> String {
    Scene.text("nondecreasing").components(separatedBy: "properties:\n")[0] + "properties:\n" + properties
  }

  private static let contradiction = specification(
    """
      - {id: up, nondecreasing: {of: p99, in: [pressure, cores]}}
      - {id: down, nonincreasing: {of: p99, in: cores}}

    """)

  private static let contradictionText =
    "properties 'up' and 'down' want 'p99' both to rise and to fall in 'cores', which the signed shape cannot do; "
    + "remove one of them, or use --shape free"

  @Test func contradictingPropertiesAreNamedBeforeAnyWork() throws {
    let scene = try Scene(specification: Self.contradiction)
    #expect(throws: TrainingError(.configuration, Self.contradictionText)) { try scene.loop(Self.signed) }
    #expect(throws: Never.self) { try scene.loop(.small) }
  }

  @Test func autoLeavesOutAShapeThatCannotBe() throws {
    let scene = try Scene(specification: Self.contradiction)
    let log = EventLog()
    var options = Self.auto
    options.maximumRounds = 1
    let outcome = try scene.run(options, onEvent: log.note)
    #expect(outcome.report.shapes?.map(\.shape) == [.free])
    let reasons = log.all.compactMap { event in
      if case .shapeSkipped(.signed, let reason) = event { reason } else { nil }
    }
    #expect(reasons == [Self.contradictionText])
  }

  @Test(arguments: [
    "  - {id: sane, always: 0.000001 ms <= p99 <= 100000 s}\n",
    "  - {id: some, nondecreasing: {of: p99, in: pressure}, tolerance: 2 percent}\n",
  ])
  func specificationWithoutADirectionIsRefused(properties: String) throws {
    let scene = try Scene(specification: Self.specification(properties))
    let message =
      "the signed shape needs a property that is monotone on the whole domain and without tolerance, but there is "
      + "none; use --shape free"
    #expect(throws: TrainingError(.configuration, message)) { try scene.loop(Self.signed) }
  }

  @Test func layerThatIsTooNarrowIsRefused() throws {
    let scene = try Scene()
    var options = Self.signed
    options.configuration.hidden = [4, 1]
    #expect {
      try scene.loop(options)
    } throws: { error in
      (error as? TrainingError)?.message.contains("needs 2 neurons in every hidden layer") == true
        && (error as? TrainingError)?.message.contains("layer 2 has 1") == true
    }
  }
}
