import Testing

@testable import Training

/// Every term of the objective against central differences in binary64.
@Suite struct GradientTests {
  static let terms = [
    "data", "huber", "l1", "stability", "monotonicity", "worst point", "counterexamples", "bounds",
    "slope bounds", "all",
  ]

  @Test(arguments: terms, [[5], [6, 5], [4, 6, 5]])
  func gradientOfEachTermMatchesCentralDifferences(term: String, hidden: [Int]) throws {
    var configuration = TrainingConfiguration()
    configuration.hidden = hidden
    configuration.l1 = ["l1", "all"].contains(term) ? 0.01 : 0
    configuration.stability = ["stability", "all"].contains(term) ? 0.5 : 0
    configuration.monotonicity = ["monotonicity", "worst point", "all"].contains(term) ? 2 : 0
    configuration.worstPoint = ["worst point", "all"].contains(term) ? 0.7 : 0
    configuration.counterexample = ["counterexamples", "all"].contains(term) ? 1.5 : 0
    configuration.bound = ["bounds", "all"].contains(term) ? 1 : 0
    configuration.slopeBound = ["slope bounds", "all"].contains(term) ? 0.8 : nil
    configuration.huberThreshold = term == "huber" ? 0.2 : nil
    configuration.margin = 0.3

    var generator = RandomGenerator(seed: 17)
    let data = try SyntheticData.rows(11, using: &generator)
    let normalisation = Normalisation(data: data, domain: SyntheticData.domain, configuration: configuration)
    let shape = NetworkShape(inputCount: 5, hidden: hidden, outputCount: 2)
    let objective = Objective(
      shape: shape, configuration: configuration, normalisation: normalisation, domain: SyntheticData.domain,
      monotone: SyntheticData.monotone, bounds: [BoundTerm(output: 0, lower: 1, upper: 2)])
    var parameters = shape.initialParameters(using: &generator)
    for index in parameters.indices where !shape.weightMask[index] { parameters[index] = generator.unit() - 0.3 }

    let pairs = (0..<3).map { index in
      let x = (0..<5).map { _ in generator.unit() }
      var xPrime = x
      xPrime[index] += 0.1
      if index == 2 { xPrime[0] += 0.05 }
      return NormalisedPair(
        CounterexamplePair(x: x, xPrime: xPrime, output: index % 2, sign: index == 1 ? -1 : 1),
        normalisation: normalisation)
    }
    var work = Workspace(shape: shape, rows: 11, samples: 10, pairs: 3)
    work.load(rows: Array(0..<11)[...], of: NormalisedData(data, normalisation: normalisation))
    work.sample(
      10, low: objective.low, high: objective.high, faceShare: 0.3, cornerShare: 0.3, using: &generator)
    work.load(pairs: pairs)
    work.seal()

    var computed: [Double]? = []
    let value = objective.evaluate(parameters, on: &work, gradient: &computed)
    let gradient = try #require(computed)
    switch term {
    case "l1": #expect(value.l1 > 0)
    case "stability": #expect(value.stability != 0)
    case "monotonicity", "worst point", "slope bounds": #expect(value.monotonicity > 0)
    case "counterexamples": #expect(value.counterexamples > 0)
    case "bounds": #expect(value.bounds > 0)
    default: #expect(value.data > 0)
    }

    func total(_ parameters: [Double]) -> Double {
      var none: [Double]?
      return objective.evaluate(parameters, on: &work, gradient: &none).total
    }
    let step = 1e-6
    for index in parameters.indices {
      var up = parameters
      var down = parameters
      up[index] += step
      down[index] -= step
      let difference = (total(up) - total(down)) / (2 * step)
      #expect(abs(difference - gradient[index]) < 1e-6 * max(1, abs(difference)), "parameter \(index)")
    }
  }

  @Test func paddingColumnsChangeNothing() throws {
    // 11 rows leave one lane of padding; the same rows in a larger workspace leave more memory behind them.
    var generator = RandomGenerator(seed: 4)
    let data = try SyntheticData.rows(11, using: &generator)
    let configuration = TrainingConfiguration()
    let normalisation = Normalisation(data: data, domain: SyntheticData.domain, configuration: configuration)
    let shape = NetworkShape(inputCount: 5, hidden: [6, 5], outputCount: 2)
    let objective = Objective(
      shape: shape, configuration: configuration, normalisation: normalisation, domain: SyntheticData.domain,
      monotone: SyntheticData.monotone, bounds: [])
    let parameters = shape.initialParameters(using: &generator)
    let normalised = NormalisedData(data, normalisation: normalisation)
    var results: [[Double]?] = []
    for capacity in [11, 40] {
      var work = Workspace(shape: shape, rows: capacity, samples: 30, pairs: 0)
      if capacity == 40 {
        work.sample(
          30, low: objective.low, high: objective.high, faceShare: 0, cornerShare: 0, using: &generator)
        work.seal()
      }
      work.load(rows: Array(0..<11)[...], of: normalised)
      work.seal()
      var gradient: [Double]? = []
      _ = objective.evaluate(parameters, on: &work, gradient: &gradient)
      results.append(gradient)
    }
    #expect(results[0] == results[1])
  }

  @Test func adamTakesTheFirstStepOfThePaper() {
    var adam = Adam(parameterCount: 2, beta1: 0.9, beta2: 0.99)
    var parameters = [1.0, 1.0]
    adam.step(&parameters, gradient: [0.5, -2], rate: 0.25, decay: 0.5, decayed: [true, false])
    // The first step has length `rate` whatever the gradient; decay takes rate · decay of the first number.
    #expect(abs(parameters[0] - (1 - 0.125 - 0.25)) < 1e-7)
    #expect(abs(parameters[1] - 1.25) < 1e-7)
  }
}
