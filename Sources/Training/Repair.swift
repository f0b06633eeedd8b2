public import ExactArithmetic
public import Networks

/// An addition of `sign` · `slope` · (x_`feature` − `lowerEnd`) to one output.
///
/// If a proof gives `sign` · ∂f/∂x ≥ −`slope` over a domain that lies above `lowerEnd`, the repaired output is monotone
/// in the feature by construction.
public struct Repair: Codable, Sendable, Hashable {
  public let output: Int
  public let feature: Int
  /// 1 to make the output non-decreasing, −1 for non-increasing.
  public let sign: Int
  /// Not negative.
  public let slope: Double
  /// At or below the lower end of the feature's domain, in the network's numbers.
  public let lowerEnd: Double

  public init(output: Int, feature: Int, sign: Int, slope: Double, lowerEnd: Double) {
    self.output = output
    self.feature = feature
    self.sign = sign
    self.slope = slope
    self.lowerEnd = lowerEnd
  }

  /// The least binary64 number of at most `bits` significant bits that is not below `bound`; zero when `bound` is not
  /// positive, nil beyond the range of binary64.
  /// - Precondition: 1 ≤ `bits` ≤ 52.
  public static func slope(covering bound: Rational, bits: Int = 12) -> Double? {
    bound.isPositive ? rounded(bound, bits: bits, up: true) : 0
  }

  /// The greatest binary64 number of at most `bits` significant bits that is not above `bound`; nil beyond the range of
  /// binary64.
  /// - Precondition: 1 ≤ `bits` ≤ 52.
  public static func lowerEnd(below bound: Rational, bits: Int = 24) -> Double? {
    bound.isZero ? 0 : rounded(bound, bits: bits, up: false)
  }

  private static func rounded(_ value: Rational, bits: Int, up: Bool) -> Double? {
    precondition((1...52).contains(bits) && !value.isZero)
    let unit = value.binaryExponent - bits + 1
    let scaled = value.scaled(bits: -unit)
    return Dyadic(mantissa: up ? scaled.ceiling : scaled.floor, exponent: unit).double
  }
}

extension Network {
  /// This network with every one of `repairs` added, exactly, wherever each x_`feature` ≥ `lowerEnd`.
  ///
  /// One neuron for each feature and lower end computes x − `lowerEnd` in the first layer and is passed through the
  /// others, where ReLU leaves it as it is; the last layer adds its multiples. The other outputs keep their values.
  /// - Throws: ``TrainingError`` when a repair does not fit the network, or a stored number would be rounded.
  public func repaired(by repairs: [Repair]) throws(TrainingError) -> Network {
    for repair in repairs {
      guard (0..<inputCount).contains(repair.feature), (0..<outputCount).contains(repair.output),
        repair.sign.magnitude == 1, repair.slope >= 0, repair.slope.isFinite, repair.lowerEnd.isFinite
      else {
        throw TrainingError(
          .data,
          "a repair of output \(repair.output) in feature \(repair.feature) with sign \(repair.sign), slope "
            + "\(repair.slope) and lower end \(repair.lowerEnd) does not fit a network of \(inputCount) inputs and "
            + "\(outputCount) outputs")
      }
    }
    let needed = repairs.filter { $0.slope > 0 }
    // In order of first appearance, so that equal repairs give equal networks.
    var channels: [(feature: Int, lowerEnd: Double)] = []
    for repair in needed
    where !channels.contains(where: { $0.feature == repair.feature && $0.lowerEnd == repair.lowerEnd }) {
      channels.append((repair.feature, repair.lowerEnd))
    }
    guard !channels.isEmpty else { return self }

    do {
      var changed: [Layer] = []
      for (index, layer) in layers.enumerated() {
        let isFirst = index == 0
        let isLast = index + 1 == layers.count
        let oldInputs = layer.inputCount
        let newInputs = isFirst ? oldInputs : oldInputs + channels.count
        var weights: [Double] = []
        for neuron in 0..<layer.outputCount {
          weights += layer.weights[(neuron * oldInputs)..<((neuron + 1) * oldInputs)]
          weights += [Double](repeating: 0, count: newInputs - oldInputs)
        }
        var biases = layer.biases
        if isLast {
          for repair in needed {
            let step = repair.sign < 0 ? -repair.slope : repair.slope
            if isFirst {
              try Self.add(step, to: &weights[repair.output * newInputs + repair.feature])
              try Self.add(step, times: -repair.lowerEnd, to: &biases[repair.output])
            } else if let channel = channels.firstIndex(where: {
              $0.feature == repair.feature && $0.lowerEnd == repair.lowerEnd
            }) {
              try Self.add(step, to: &weights[repair.output * newInputs + oldInputs + channel])
            }
          }
        } else {
          for (channel, (feature, lowerEnd)) in channels.enumerated() {
            var row = [Double](repeating: 0, count: newInputs)
            row[isFirst ? feature : oldInputs + channel] = 1
            weights += row
            biases.append(isFirst ? 0 - lowerEnd : 0)
          }
        }
        changed.append(
          try Layer(
            inputCount: newInputs, outputCount: isLast ? layer.outputCount : layer.outputCount + channels.count,
            weights: weights, biases: biases, isRectified: layer.isRectified))
      }
      return try Network(layers: changed)
    } catch let error as NetworkError {
      throw TrainingError(.data, error.message)
    } catch let error as TrainingError {
      throw error
    } catch {
      throw TrainingError(.data, "the repaired network cannot be built")
    }
  }

  private static func add(_ amount: Double, times factor: Double = 1, to number: inout Double) throws(TrainingError) {
    guard let amount = Dyadic(exactly: amount), let factor = Dyadic(exactly: factor),
      let old = Dyadic(exactly: number), let sum = (old + amount * factor).double
    else {
      throw TrainingError(.inexact, "a repaired weight does not fit binary64; use a slope with fewer bits")
    }
    number = sum
  }
}
