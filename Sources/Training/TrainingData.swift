/// Measured rows in the network's numbers: what is declared on a logarithmic scale is already a logarithm.
public struct TrainingData: Sendable, Hashable {
  /// The most rows that are accepted.
  public static let maximumRows = 1_000_000

  public let inputCount: Int
  public let outputCount: Int
  public let rowCount: Int
  /// Row-major, `rowCount` × `inputCount`.
  public let inputs: [Double]
  /// Row-major, `rowCount` × `outputCount`.
  public let targets: [Double]

  /// - Throws: ``TrainingError`` when the counts do not fit or a number is not finite.
  public init(inputCount: Int, outputCount: Int, inputs: [Double], targets: [Double]) throws(TrainingError) {
    guard inputCount > 0, outputCount > 0, inputs.count % inputCount == 0, targets.count % outputCount == 0,
      inputs.count / inputCount == targets.count / outputCount
    else {
      throw TrainingError(
        .data,
        "\(inputs.count) input numbers and \(targets.count) targets do not make rows of \(inputCount) inputs and "
          + "\(outputCount) outputs")
    }
    guard inputs.count / inputCount <= Self.maximumRows else {
      throw TrainingError(.data, "\(inputs.count / inputCount) rows; at most \(Self.maximumRows) are supported")
    }
    if let bad = inputs.firstIndex(where: { !$0.isFinite }) {
      throw TrainingError(
        .data, "row \(bad / inputCount), input \(bad % inputCount) is \(inputs[bad]); every number must be finite")
    }
    if let bad = targets.firstIndex(where: { !$0.isFinite }) {
      throw TrainingError(
        .data, "row \(bad / outputCount), target \(bad % outputCount) is \(targets[bad]); every number must be finite")
    }
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.rowCount = inputs.count / inputCount
    self.inputs = inputs
    self.targets = targets
  }

  /// The input `column` of every row.
  func inputColumn(_ column: Int) -> [Double] { (0..<rowCount).map { inputs[$0 * inputCount + column] } }

  /// The target `column` of every row.
  func targetColumn(_ column: Int) -> [Double] { (0..<rowCount).map { targets[$0 * outputCount + column] } }
}

/// A wanted direction: `sign` · ∂f_`output`/∂x_`feature` ≥ `minimumSlope`, in the network's units.
public struct MonotoneTerm: Codable, Sendable, Hashable {
  public let output: Int
  public let feature: Int
  /// 1 for non-decreasing, −1 for non-increasing.
  public let sign: Int
  /// Zero for monotonicity; another number for one side of a rate.
  public let minimumSlope: Double

  public init(output: Int, feature: Int, sign: Int, minimumSlope: Double = 0) {
    self.output = output
    self.feature = feature
    self.sign = sign
    self.minimumSlope = minimumSlope
  }
}

/// A wanted range of one output over the whole domain, in the network's units.
public struct BoundTerm: Codable, Sendable, Hashable {
  public let output: Int
  public let lower: Double?
  public let upper: Double?

  public init(output: Int, lower: Double?, upper: Double?) {
    self.output = output
    self.lower = lower
    self.upper = upper
  }
}

/// A pair that a verified property forbids: `sign` · (f_`output`(x′) − f_`output`(x)) ≥ 0 was wanted and is violated.
/// One feature may differ between the points, or several.
public struct CounterexamplePair: Codable, Sendable, Hashable {
  public let x: [Double]
  public let xPrime: [Double]
  public let output: Int
  /// 1 when the output must not fall from x to x′, −1 when it must not rise.
  public let sign: Int

  public init(x: [Double], xPrime: [Double], output: Int, sign: Int) {
    self.x = x
    self.xPrime = xPrime
    self.output = output
    self.sign = sign
  }
}
