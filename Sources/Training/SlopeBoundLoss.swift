/// A differentiable lower bound of every wanted slope over the whole domain: the hinge of its lack, averaged.
///
/// Interval arithmetic gives the phases that hold on the domain, then ranges of each neuron's derivative along the
/// feature: a neuron that is always active passes its range on, one that may be inactive the hull of its range and zero.
/// Where the bound at the output reaches the wanted slope, the root cell alone proves the property. Unlike hinges at
/// sampled points it sees every point, and unlike the signed shape it forbids no sign. (Compare interval bound
/// propagation: Gowal et al., *Scalable Verified Training for Provably Robust Image Classification*, ICCV 2019.)
struct SlopeBoundLoss: Sendable {
  let shape: NetworkShape
  let slopes: [Objective.Slope]
  let low: [Double]
  let high: [Double]

  private enum Phase { case active, inactive, open }

  /// Lower and upper ends of one layer's derivatives, and of what passes its ReLUs.
  private struct Ranges {
    var low: [Double]
    var high: [Double]
    var passedLow: [Double]
    var passedHigh: [Double]

    init(low: [Double], high: [Double], phases: [Phase]) {
      self.low = low
      self.high = high
      func passed(_ values: [Double], _ open: (Double) -> Double) -> [Double] {
        zip(values, phases).map { value, phase in
          switch phase {
          case .active: value
          case .inactive: 0
          case .open: open(value)
          }
        }
      }
      passedLow = passed(low) { min($0, 0) }
      passedHigh = passed(high) { max($0, 0) }
    }
  }

  /// The mean lack of the slopes; adds `weight` times its gradient to `gradient` unless that is nil.
  ///
  /// The phases count as constant, as they do almost everywhere.
  /// - Complexity: O(parameters) for each slope.
  func evaluate(_ parameters: [Double], weight: Double, gradient: inout [Double]?) -> Double {
    guard !slopes.isEmpty else { return 0 }
    let phases = phases(parameters)
    let share = 1 / Double(slopes.count)
    var loss = 0.0
    for slope in slopes {
      let ranges = ranges(parameters, along: slope.feature, phases)
      let width = shape.widths[shape.hiddenCount]
      let row = shape.weights(of: shape.hiddenCount) + slope.output * width
      let last = ranges[shape.hiddenCount - 1]
      var bound = 0.0
      for i in 0..<width {
        let w = slope.sign * parameters[row + i]
        bound += w * (w > 0 ? last.passedLow[i] : last.passedHigh[i])
      }
      guard bound < slope.threshold else { continue }
      loss += share * (slope.threshold - bound)
      guard gradient != nil else { continue }
      var toLow = [Double](repeating: 0, count: width)
      var toHigh = toLow
      let step = weight * share
      for i in 0..<width {
        let w = slope.sign * parameters[row + i]
        gradient?[row + i] -= step * slope.sign * (w > 0 ? last.passedLow[i] : last.passedHigh[i])
        if w > 0 { toLow[i] = -step * w } else { toHigh[i] = -step * w }
      }
      backward(parameters, slope.feature, phases, ranges, &toLow, &toHigh, &gradient)
    }
    return loss
  }

  private func phases(_ parameters: [Double]) -> [[Phase]] {
    var low = self.low
    var high = self.high
    return (0..<shape.hiddenCount).map { l in
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let (start, biases) = (shape.weights(of: l), shape.biases(of: l))
      var below = [Double](repeating: 0, count: outs)
      var above = below
      for j in 0..<outs {
        below[j] = parameters[biases + j]
        above[j] = below[j]
        for i in 0..<ins {
          let w = parameters[start + j * ins + i]
          below[j] += w * (w > 0 ? low[i] : high[i])
          above[j] += w * (w > 0 ? high[i] : low[i])
        }
      }
      low = below.map { max($0, 0) }
      high = above.map { max($0, 0) }
      return zip(below, above).map { $0 >= 0 ? .active : $1 <= 0 ? .inactive : .open }
    }
  }

  private func ranges(_ parameters: [Double], along feature: Int, _ phases: [[Phase]]) -> [Ranges] {
    var result: [Ranges] = []
    for l in 0..<shape.hiddenCount {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let start = shape.weights(of: l)
      guard let below = result.last else {
        let exact = (0..<outs).map { parameters[start + $0 * ins + feature] }
        result.append(Ranges(low: exact, high: exact, phases: phases[l]))
        continue
      }
      var low = [Double](repeating: 0, count: outs)
      var high = low
      for j in 0..<outs where phases[l][j] != .inactive {
        for i in 0..<ins {
          let w = parameters[start + j * ins + i]
          low[j] += w * (w > 0 ? below.passedLow[i] : below.passedHigh[i])
          high[j] += w * (w > 0 ? below.passedHigh[i] : below.passedLow[i])
        }
      }
      result.append(Ranges(low: low, high: high, phases: phases[l]))
    }
    return result
  }

  private func backward(
    _ parameters: [Double], _ feature: Int, _ phases: [[Phase]], _ ranges: [Ranges], _ toLow: inout [Double],
    _ toHigh: inout [Double], _ gradient: inout [Double]?
  ) {
    for l in stride(from: shape.hiddenCount - 1, through: 0, by: -1) {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let start = shape.weights(of: l)
      var nextLow = [Double](repeating: 0, count: ins)
      var nextHigh = nextLow
      for j in 0..<outs where phases[l][j] != .inactive {
        let isActive = phases[l][j] == .active
        let a = isActive || ranges[l].low[j] < 0 ? toLow[j] : 0
        let b = isActive || ranges[l].high[j] > 0 ? toHigh[j] : 0
        guard a != 0 || b != 0 else { continue }
        guard l > 0 else {
          gradient?[start + j * ins + feature] += a + b
          continue
        }
        let below = ranges[l - 1]
        for i in 0..<ins {
          let at = start + j * ins + i
          let w = parameters[at]
          if w > 0 {
            gradient?[at] += a * below.passedLow[i] + b * below.passedHigh[i]
            nextLow[i] += a * w
            nextHigh[i] += b * w
          } else {
            gradient?[at] += a * below.passedHigh[i] + b * below.passedLow[i]
            nextHigh[i] += a * w
            nextLow[i] += b * w
          }
        }
      }
      toLow = nextLow
      toHigh = nextHigh
    }
  }
}
