/// The ReLU-stability loss of Xiao et al. (*Training for Faster Adversarial Robustness Verification via Inducing ReLU
/// Stability*, ICLR 2019, §4.2): −mean tanh(1 + l·u) summed over the hidden layers, where l ≤ z ≤ u are interval bounds
/// of the pre-activations over a box.
///
/// It falls when bounds of one neuron get equal signs, and each such neuron is one split less in a proof.
struct StabilityLoss: Sendable {
  let shape: NetworkShape
  let low: [Double]
  let high: [Double]

  /// The loss; adds `weight` times its gradient to `gradient` unless that is nil.
  /// - Complexity: O(parameters).
  func evaluate(_ parameters: [Double], weight: Double, gradient: inout [Double]?) -> Double {
    var centres: [[Double]] = []
    var radii: [[Double]] = []
    var lows: [[Double]] = []
    var highs: [[Double]] = []
    var low = self.low
    var high = self.high
    var loss = 0.0
    for l in 0..<shape.hiddenCount {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let (start, biases) = (shape.weights(of: l), shape.biases(of: l))
      let centre = zip(low, high).map { ($0 + $1) / 2 }
      let radius = zip(low, high).map { ($1 - $0) / 2 }
      var below = [Double](repeating: 0, count: outs)
      var above = below
      for j in 0..<outs {
        var middle = parameters[biases + j]
        var reach = 0.0
        for i in 0..<ins {
          let w = parameters[start + j * ins + i]
          middle += w * centre[i]
          reach += w.magnitude * radius[i]
        }
        below[j] = middle - reach
        above[j] = middle + reach
        loss -= ElementaryFunctions.hyperbolicTangent(1 + below[j] * above[j]) / Double(outs)
      }
      centres.append(centre)
      radii.append(radius)
      lows.append(below)
      highs.append(above)
      low = below.map { $0 < 0 ? 0 : $0 }
      high = above.map { $0 < 0 ? 0 : $0 }
    }
    guard gradient != nil else { return loss }

    var lowDelta = [Double](repeating: 0, count: shape.widths[shape.hiddenCount])
    var highDelta = lowDelta
    for l in stride(from: shape.hiddenCount - 1, through: 0, by: -1) {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let (start, biases) = (shape.weights(of: l), shape.biases(of: l))
      var nextLow = [Double](repeating: 0, count: ins)
      var nextHigh = nextLow
      for j in 0..<outs {
        let t = ElementaryFunctions.hyperbolicTangent(1 + lows[l][j] * highs[l][j])
        let slope = -weight * (1 - t * t) / Double(outs)
        let toLow = slope * highs[l][j] + (lows[l][j] > 0 ? lowDelta[j] : 0)
        let toHigh = slope * lows[l][j] + (highs[l][j] > 0 ? highDelta[j] : 0)
        let middle = toLow + toHigh
        let reach = toHigh - toLow
        gradient?[biases + j] += middle
        for i in 0..<ins {
          let at = start + j * ins + i
          let w = parameters[at]
          let sign: Double = w > 0 ? 1 : (w < 0 ? -1 : 0)
          gradient?[at] += middle * centres[l][i] + reach * sign * radii[l][i]
          nextLow[i] += (middle * w - reach * w.magnitude) / 2
          nextHigh[i] += (middle * w + reach * w.magnitude) / 2
        }
      }
      lowDelta = nextLow
      highDelta = nextHigh
    }
    return loss
  }
}
