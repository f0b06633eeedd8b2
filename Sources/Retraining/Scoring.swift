public import Networks
public import Training

/// Accuracy on the held-out rows, beside what it must be compared with.
public struct Scoring: Sendable {
  let data: PreparedData

  public init(data: PreparedData) { self.data = data }

  /// The scores of `network`, of the unverified network of the same shape, recipe and seed, and of three baselines
  /// (medians, ridge on the configuration alone, ridge on all features) fitted to training and validation rows.
  public func scores(
    of network: Network, configuration: TrainingConfiguration, besideUnverified: Bool = true
  ) throws -> [VersionReport.Scores] {
    let visible = try data.visible
    let median = try MedianBaseline(visible)
    let ridge = try RidgeBaseline(visible)
    var scores = [
      VersionReport.Scores(name: "network", outputs: accuracy { network.output(at: $0) })
    ]
    if besideUnverified {
      scores.append(
        VersionReport.Scores(name: "unverified", outputs: accuracy(of: try unverified(configuration))))
    }
    scores.append(VersionReport.Scores(name: "median", outputs: accuracy { _ in median.output() }))
    if !data.configurationFeatures.isEmpty {
      let small = try RidgeBaseline(visible, features: data.configurationFeatures)
      scores.append(VersionReport.Scores(name: "ridge-configuration", outputs: accuracy { small.output(at: $0) }))
    }
    scores.append(VersionReport.Scores(name: "ridge", outputs: accuracy { ridge.output(at: $0) }))
    return scores
  }

  /// The network that the same recipe gives without any term that asks for a property.
  public func unverified(_ configuration: TrainingConfiguration) throws -> Network {
    var free = configuration
    free.monotonicity = 0
    free.counterexample = 0
    free.bound = 0
    free.shape = .free
    free.slopeBound = nil
    let domain = (0..<data.training.inputCount).map { column in
      let values = (0..<data.training.rowCount).map { data.training.inputs[$0 * data.training.inputCount + column] }
      return (values.min() ?? 0)...(values.max() ?? 1)
    }
    return try Trainer(configuration: free, domain: domain).train(data.training, validation: data.validation).network
  }

  static func network(at path: String) throws -> Network { try Network.read(path: path) }

  /// Root mean square error on the held-out rows, per output, on the network's scale.
  func errors(of network: Network, on rows: TrainingData? = nil) -> [Double] {
    let rows = rows ?? data.heldOut
    var sums = [Double](repeating: 0, count: rows.outputCount)
    for row in 0..<rows.rowCount {
      let output = network.output(at: Array(rows.inputs[(row * rows.inputCount)..<((row + 1) * rows.inputCount)]))
      for k in sums.indices {
        let difference = output[k] - rows.targets[row * rows.outputCount + k]
        sums[k] += difference * difference
      }
    }
    return sums.map { ($0 / Double(max(1, rows.rowCount))).squareRoot() }
  }

  func accuracy(of network: Network) -> [Accuracy] { accuracy { network.output(at: $0) } }

  private func accuracy(_ predict: ([Double]) -> [Double]) -> [Accuracy] {
    let rows = data.heldOut
    let predictions = (0..<rows.rowCount).map { row in
      predict(Array(rows.inputs[(row * rows.inputCount)..<((row + 1) * rows.inputCount)]))
    }
    return (0..<rows.outputCount).map { k in
      Accuracy(
        measured: (0..<rows.rowCount).map { rows.targets[$0 * rows.outputCount + k] },
        predicted: predictions.map { $0[k] }, isLogarithmic: data.isLogarithmic[k])
    }
  }
}
