internal import ExactArithmetic

/// The affine maps between engineer's units and the normalised units in which training computes:
/// normalised = (number − centre) / 2^exponent, for each input and each output.
///
/// Scales are powers of two and centres have few bits, so that the maps can be folded into a network's first and last
/// layer without rounding (``TrainedModel/network()``).
public struct Normalisation: Codable, Sendable, Hashable {
  /// One affine map.
  public struct Scale: Codable, Sendable, Hashable {
    public let centre: Double
    /// The scale is 2^`exponent`.
    public let exponent: Int

    public init(centre: Double, exponent: Int) {
      self.centre = centre
      self.exponent = exponent
    }

    public var factor: Double { Double(sign: .plus, exponent: exponent, significand: 1) }
    func normalised(_ value: Double) -> Double { (value - centre) / factor }
  }

  public let inputs: [Scale]
  public let outputs: [Scale]

  public init(inputs: [Scale], outputs: [Scale]) {
    self.inputs = inputs
    self.outputs = outputs
  }

  /// Fits the maps to the training rows and the domain.
  init(data: TrainingData, domain: [ClosedRange<Double>], configuration: TrainingConfiguration) {
    inputs = (0..<data.inputCount).map { i in
      let column = data.inputColumn(i)
      let half = domain[i].upperBound / 2 - domain[i].lowerBound / 2
      switch configuration.inputScale {
      case .domain:
        return Self.scale(
          centre: domain[i].lowerBound + half, reaching: half, centreBits: configuration.centreBits)
      case .spread:
        let (mean, deviation) = Self.moments(of: column)
        return Self.scale(
          centre: mean, reaching: max(deviation, half / 4), centreBits: configuration.centreBits)
      }
    }
    outputs = (0..<data.outputCount).map { k in
      let (mean, deviation) = Self.moments(of: data.targetColumn(k))
      return Self.scale(centre: mean, reaching: deviation, centreBits: configuration.centreBits)
    }
  }

  /// The least power of two that is not below `size`, and the centre rounded to a 2^`centreBits`-th of it.
  private static func scale(centre: Double, reaching size: Double, centreBits: Int) -> Scale {
    var exponent = 0
    if size > 0, size.isFinite {
      exponent = Int(size.exponent)
      if size.significand > 1 { exponent += 1 }
    }
    exponent = min(max(exponent, -200), 200)
    let unit = Double(sign: .plus, exponent: exponent - centreBits, significand: 1)
    let rounded = (centre / unit).rounded(.toNearestOrEven) * unit
    return Scale(centre: rounded.isFinite ? rounded : 0, exponent: exponent)
  }

  /// Mean and standard deviation; the latter is zero when it is lost in the rounding of the mean.
  private static func moments(of values: [Double]) -> (mean: Double, deviation: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0) { $0 + $1 / count }
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / count }
    let deviation = variance.squareRoot()
    // Of equal numbers rounding leaves a deviation; as a scale it would need centres of more bits than binary64 has.
    return (mean, deviation > 0x1p-40 * abs(mean) ? deviation : 0)
  }
}
