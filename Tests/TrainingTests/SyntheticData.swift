@testable import Training

/// A function of five inputs in 0...1 with known directions: output 0 rises in inputs 0, 1 and 2 (weakly), output 1
/// falls in input 0.
enum SyntheticData {
  static let domain = [ClosedRange<Double>](repeating: 0...1, count: 5)
  static let monotone = [
    MonotoneTerm(output: 0, feature: 0, sign: 1), MonotoneTerm(output: 0, feature: 1, sign: 1),
    MonotoneTerm(output: 0, feature: 2, sign: 1), MonotoneTerm(output: 1, feature: 0, sign: -1),
  ]

  static func value(_ x: [Double]) -> [Double] {
    [2 * x[0] + x[1] * x[1] + 0.2 * x[2] + x[0] * x[3] + 0.5 * x[4], 5 - 3 * x[0] * x[0] + x[4]]
  }

  static func rows(
    _ count: Int, noise: Double = 0.6, using generator: inout RandomGenerator
  ) throws -> TrainingData {
    var inputs: [Double] = []
    var targets: [Double] = []
    for _ in 0..<count {
      let x = (0..<5).map { _ in generator.unit() }
      inputs += x
      targets += value(x).map { $0 + noise * (generator.unit() - 0.5) }
    }
    return try TrainingData(inputCount: 5, outputCount: 2, inputs: inputs, targets: targets)
  }

  /// A short run that still learns. What the tests' figures rest on is written out, so that they stay put when a
  /// default changes.
  static var configuration: TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.hidden = [8, 8]
    configuration.starts = 1
    configuration.epochs = 120
    configuration.minimumEpochs = 40
    configuration.sampledPointsPerStep = 32
    configuration.probePoints = 64
    configuration.fineTuningEpochs = 15
    configuration.learningRate = 0.01
    configuration.batchSize = 32
    configuration.l1 = 1e-3
    configuration.stability = 5e-3
    configuration.weightDecay = 1e-3
    configuration.monotonicity = 3
    configuration.worstPoint = 0.5
    configuration.margin = 0.03
    configuration.counterexample = 10
    configuration.bound = 1
    return configuration
  }

  /// The same without the terms that ask for a property.
  static var free: TrainingConfiguration {
    var free = configuration
    free.monotonicity = 0
    free.counterexample = 0
    free.bound = 0
    return free
  }
}
