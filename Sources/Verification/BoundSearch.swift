internal import ProofChecking

/// Real-valued multipliers of one cell; ``rounded`` gives what the leaf routine reads.
struct Multipliers {
  var alpha: [Double]
  var kappa: [Double]
  var beta: [Double]

  /// The multipliers a byte (and, for β, a fixed-point number) can hold.
  var rounded: LeafMultipliers {
    var result = LeafMultipliers(neuronCount: alpha.count)
    for g in alpha.indices {
      result.alpha[g] = UInt8(max(0, min(255, (alpha[g] * 255).rounded())))
      result.kappa[g] = UInt8(max(0, min(255, (kappa[g] * 255).rounded())))
      result.beta[g] = Int64(max(0, min(4096, beta[g])) * Double(FixedPointProblem.one))
    }
    return result
  }
}

/// Searches, in binary64, for multipliers that make the any-multiplier bound of a cell large.
///
/// The bounds follow ``LeafEvaluator`` step by step, so that what looks closed here is nearly always accepted there.
/// The ascent is Adam (Kingma and Ba, ICLR 2015) on the concave dual in (α, κ, β); its gradient comes from one forward
/// pass at the minimiser of the linear bound, as in β-CROWN (Wang et al., NeurIPS 2021).
final class BoundSearch {
  let problem: FloatProblem
  private let neurons: Int

  // Bounds per hidden neuron in the cell last bounded.
  let zLow, zHigh, dLow, dHigh, hLow, hHigh, yLow, yHigh: UnsafeMutablePointer<Double>
  /// As ``LeafEvaluator/phases``.
  private(set) var phase: [Int8]
  private let low, high: UnsafeMutablePointer<Double>

  // The backward pass.
  private let mz, md, sumH, sumY: UnsafeMutablePointer<Double>
  /// The coefficients on the inputs of the last backward pass.
  let slope: UnsafeMutablePointer<Double>
  private let onH, onY, rest0, rest1: UnsafeMutablePointer<Double>

  // The forward pass at the minimiser, and its gradients.
  private let h, y, z, d: UnsafeMutablePointer<Double>
  private let gradient: [UnsafeMutablePointer<Double>]
  private let first: [UnsafeMutablePointer<Double>]
  private let second: [UnsafeMutablePointer<Double>]
  /// How much the relaxation undercuts each phase of each unstable neuron at the minimiser: (inactive, active).
  let gapInactive, gapActive: UnsafeMutablePointer<Double>
  /// The minimiser of the last linear bound.
  let minimiser: UnsafeMutablePointer<Double>

  private let owned: [UnsafeMutablePointer<Double>]

  init(_ problem: FloatProblem) {
    self.problem = problem
    neurons = problem.neuronCount
    let width = problem.stride
    var all: [UnsafeMutablePointer<Double>] = []
    func take(_ count: Int) -> UnsafeMutablePointer<Double> {
      let memory = FloatProblem.allocate(count)
      all.append(memory)
      return memory
    }
    let count = FloatProblem.padded(neurons)
    zLow = take(count)
    zHigh = take(count)
    dLow = take(count)
    dHigh = take(count)
    hLow = take(count)
    hHigh = take(count)
    yLow = take(count)
    yHigh = take(count)
    low = take(width)
    high = take(width)
    mz = take(width)
    md = take(width)
    sumH = take(width)
    sumY = take(width)
    slope = take(width)
    onH = take(count)
    onY = take(count)
    rest0 = take(count)
    rest1 = take(count)
    h = take(width)
    y = take(width)
    z = take(width)
    d = take(width)
    gradient = [take(count), take(count), take(count)]
    first = [take(count), take(count), take(count)]
    second = [take(count), take(count), take(count)]
    gapInactive = take(count)
    gapActive = take(count)
    minimiser = take(width)
    phase = Array(repeating: 0, count: neurons)
    owned = all
  }

  deinit { for memory in owned { memory.deallocate() } }

  var unstableCount: Int { phase.reduce(0) { $0 + ($1 == 0 ? 1 : 0) } }

  // MARK: Bounds of the hidden neurons

  /// Bounds every hidden neuron in `cell`. Returns false when the cell has no generic point.
  func load(_ cell: Cell) -> Bool {
    let unit = 1 / Double(FixedPointProblem.one)
    for i in 0..<problem.inputCount {
      low[i] = Double(cell.lower[i]) * unit
      high[i] = Double(cell.upper[i]) * unit
    }
    for (index, layer) in problem.layers.dropLast().enumerated() {
      intervals(index, layer)
      for j in 0..<layer.outputCount where !tighten(index, layer, j, cell.premises[layer.offset + j]) { return false }
    }
    return true
  }

  private func intervals(_ index: Int, _ layer: FloatProblem.Layer) {
    let n = layer.inputCount
    let (lowH, highH, lowY, highY) =
      index == 0
      ? (low, high, low, high)
      : {
        let below = problem.layers[index - 1].offset
        return (hLow + below, hHigh + below, yLow + below, yHigh + below)
      }()
    for j in 0..<layer.outputCount {
      let row = layer.weights + j * layer.inputStride
      var zl = layer.biases[j]
      var zh = zl
      var dl = 0.0
      var dh = 0.0
      for i in 0..<n {
        let w = row[i]
        let a = w * lowH[i]
        let b = w * highH[i]
        zl += min(a, b)
        zh += max(a, b)
        if index > 0 {
          let c = w * lowY[i]
          let e = w * highY[i]
          dl += min(c, e)
          dh += max(c, e)
        }
      }
      if index == 0, let feature = problem.feature {
        dl = row[feature]
        dh = dl
      }
      let g = layer.offset + j
      zLow[g] = zl
      zHigh[g] = zh
      dLow[g] = dl
      dHigh[g] = dh
    }
  }

  private func tighten(_ index: Int, _ layer: FloatProblem.Layer, _ j: Int, _ premise: Int8) -> Bool {
    let g = layer.offset + j
    if index > 0, premise != 0 || (zLow[g] < 0 && zHigh[g] > 0) {
      if premise >= 0 { zHigh[g] = min(zHigh[g], -single(index, layer, j, value: -1, slope: 0)) }
      if premise <= 0 { zLow[g] = max(zLow[g], single(index, layer, j, value: 1, slope: 0)) }
    }
    if premise > 0 {
      if zHigh[g] < 0 { return false }
      zLow[g] = max(zLow[g], 0)
      phase[g] = 2
    } else if premise < 0 {
      if zLow[g] > 0 { return false }
      zHigh[g] = min(zHigh[g], 0)
      phase[g] = -2
    } else {
      phase[g] = zLow[g] >= 0 ? 1 : zHigh[g] <= 0 ? -1 : 0
    }
    if zLow[g] > zHigh[g] {
      // A crossing by rounding alone is no evidence; the leaf routine decides about real ones.
      if zLow[g] > zHigh[g] + 1e-9 { return false }
      zHigh[g] = zLow[g]
    }
    if index > 0, phase[g] == 0, problem.feature != nil {
      dLow[g] = max(dLow[g], single(index, layer, j, value: 0, slope: 1))
      dHigh[g] = min(dHigh[g], -single(index, layer, j, value: 0, slope: -1))
      if dLow[g] > dHigh[g] {
        if dLow[g] > dHigh[g] + 1e-9 { return false }
        dHigh[g] = dLow[g]
      }
    }
    switch phase[g] {
    case 1, 2:
      hLow[g] = zLow[g]
      hHigh[g] = zHigh[g]
      yLow[g] = dLow[g]
      yHigh[g] = dHigh[g]
    case 0:
      hLow[g] = 0
      hHigh[g] = zHigh[g]
      yLow[g] = min(0, dLow[g])
      yHigh[g] = max(0, dHigh[g])
    default:
      hLow[g] = 0
      hHigh[g] = 0
      yLow[g] = 0
      yHigh[g] = 0
    }
    return true
  }

  private func single(_ index: Int, _ layer: FloatProblem.Layer, _ j: Int, value: Double, slope: Double) -> Double {
    for k in 0..<layer.outputCount {
      mz[k] = 0
      md[k] = 0
    }
    mz[j] = value
    md[j] = slope
    return backward(from: index, derivative: slope != 0, nil, record: false)
  }

  // MARK: The bound of the claim

  /// The claim's lower bound, minus the threshold, with `multipliers` (default ones when nil) in the loaded cell.
  func bound(_ multipliers: Multipliers?) -> Double {
    mz[0] = problem.feature == nil ? 1 : 0
    md[0] = problem.feature == nil ? 0 : 1
    let value = backward(
      from: problem.layers.count - 1, derivative: problem.feature != nil, multipliers, record: true)
    return value - problem.threshold
  }

  private func backward(from start: Int, derivative: Bool, _ multipliers: Multipliers?, record: Bool) -> Double {
    var constant = 0.0
    var index = start
    while true {
      let layer = problem.layers[index]
      let stride = layer.inputStride
      for i in 0..<stride {
        sumH[i] = 0
        sumY[i] = 0
      }
      for j in 0..<layer.outputCount {
        let row = layer.weights + j * stride
        if mz[j] != 0 {
          constant += mz[j] * layer.biases[j]
          addScaled(mz[j], row, stride, to: sumH)
        }
        if derivative, md[j] != 0 {
          if index == 0, let feature = problem.feature {
            constant += md[j] * row[feature]
          } else {
            addScaled(md[j], row, stride, to: sumY)
          }
        }
      }
      if index == 0 {
        for i in 0..<problem.inputCount {
          let a = sumH[i]
          constant += min(a * low[i], a * high[i])
          if record { slope[i] = a }
        }
        return constant
      }
      let offset = problem.layers[index - 1].offset
      for i in 0..<layer.inputCount {
        let g = offset + i
        let a = sumH[i]
        let b = derivative ? sumY[i] : 0
        if record {
          onH[g] = a
          onY[g] = b
        }
        switch phase[g] {
        case 1:
          mz[i] = a
          md[i] = b
        case 2:
          mz[i] = a - (multipliers?.beta[g] ?? 0)
          md[i] = b
        case -2:
          mz[i] = multipliers?.beta[g] ?? 0
          md[i] = 0
        case -1:
          mz[i] = 0
          md[i] = 0
        default:
          constant += relax(g, i, a, b, derivative, multipliers, record: record)
        }
      }
      index -= 1
    }
  }

  /// The any-multiplier bound of one unstable neuron: sets the coefficients on (z, dz), returns the constant.
  @inline(__always)
  private func relax(
    _ g: Int, _ i: Int, _ a: Double, _ b: Double, _ derivative: Bool, _ multipliers: Multipliers?, record: Bool
  ) -> Double {
    let l = zLow[g]
    let u = zHigh[g]
    var m = 0.0
    var r0 = 0.0
    var r1 = 0.0
    if derivative {
      m = (multipliers?.kappa[g] ?? defaultKappa(g, b)) * b
      let kept = b - m
      r0 = -max(m * dHigh[g], m * dLow[g])
      r1 = min(kept * dLow[g], kept * dHigh[g])
    }
    if record {
      rest0[g] = r0
      rest1[g] = r1
    }
    let activeEnd = r1 + a * u
    let least = min(r0, r1)
    let chord = (activeEnd - r0) / (u - l)
    var p = chord
    if least < r0 - chord * l {
      let share = multipliers?.alpha[g] ?? (u > -l ? 1 : 0)
      p = (1 - share) * ((r0 - least) / l) + share * ((activeEnd - least) / u)
    }
    mz[i] = p
    md[i] = m
    return min(r0 - p * l, r0, r1, r1 + (a - p) * u)
  }

  @inline(__always)
  private func defaultKappa(_ g: Int, _ b: Double) -> Double {
    let l = dLow[g]
    let u = dHigh[g]
    if l >= 0 { return b >= 0 ? 0 : 1 }
    if u <= 0 { return b >= 0 ? 1 : 0 }
    return b >= 0 ? -l / (u - l) : u / (u - l)
  }

  /// The default multipliers of the loaded cell, as explicit numbers to start the ascent from.
  func defaultMultipliers() -> Multipliers {
    _ = bound(nil)
    var result = Multipliers(
      alpha: Array(repeating: 0, count: neurons), kappa: Array(repeating: 0, count: neurons),
      beta: Array(repeating: 0, count: neurons))
    for g in 0..<neurons {
      result.alpha[g] = zHigh[g] > -zLow[g] ? 1 : 0
      result.kappa[g] = defaultKappa(g, onY[g])
    }
    return result
  }

  // MARK: Ascent

  /// Improves `multipliers` in the loaded cell until the bound reaches `target` or `iterations` steps are done.
  /// Leaves the best multipliers, and the minimiser and gaps of the last step. Returns the best bound.
  func ascend(_ multipliers: inout Multipliers, iterations: Int, rate: Double, target: Double) -> Double {
    var best = -Double.infinity
    var kept = multipliers
    for memory in first + second { memory.update(repeating: 0, count: FloatProblem.padded(neurons)) }
    var decay1 = 1.0
    var decay2 = 1.0
    var rate = rate
    for iteration in 0...iterations {
      let value = bound(multipliers)
      if value > best {
        best = value
        kept = multipliers
      }
      differentiate(multipliers)
      if best >= target || iteration == iterations { break }
      decay1 *= 0.9
      decay2 *= 0.99
      let correction1 = 1 / (1 - decay1)
      let correction2 = 1 / (1 - decay2)
      for part in 0..<3 {
        let g = gradient[part]
        let m = first[part]
        let v = second[part]
        for k in 0..<neurons where phase[k] != 1 && phase[k] != -1 {
          m[k] = 0.9 * m[k] + 0.1 * g[k]
          v[k] = 0.99 * v[k] + 0.01 * g[k] * g[k]
          let step = rate * m[k] * correction1 / ((v[k] * correction2).squareRoot() + 1e-12)
          switch part {
          case 0: multipliers.alpha[k] = max(0, min(1, multipliers.alpha[k] + step))
          case 1: multipliers.kappa[k] = max(0, min(1, multipliers.kappa[k] + step))
          default: multipliers.beta[k] = max(0, multipliers.beta[k] + step)
          }
        }
      }
      rate *= 0.97
    }
    multipliers = kept
    return best
  }

  /// The forward pass at the minimiser of the last recorded bound: gradients of the bound in (α, κ, β) and, per
  /// unstable neuron, how far the relaxation lies below each phase.
  private func differentiate(_ multipliers: Multipliers) {
    for i in 0..<problem.inputCount {
      minimiser[i] = slope[i] > 0 ? low[i] : high[i]
      h[i] = minimiser[i]
    }
    for (index, layer) in problem.layers.dropLast().enumerated() {
      for j in 0..<layer.outputStride {
        z[j] = layer.biases[j]
        d[j] = 0
      }
      for i in 0..<layer.inputCount {
        let column = layer.columns + i * layer.outputStride
        if h[i] != 0 { addScaled(h[i], column, layer.outputStride, to: z) }
        if index > 0, y[i] != 0 { addScaled(y[i], column, layer.outputStride, to: d) }
      }
      if index == 0, let feature = problem.feature {
        addScaled(1, layer.columns + feature * layer.outputStride, layer.outputStride, to: d)
      }
      for j in 0..<layer.outputCount { differentiate(layer.offset + j, j, multipliers) }
    }
  }

  @inline(__always)
  private func differentiate(_ g: Int, _ j: Int, _ multipliers: Multipliers) {
    let value = z[j]
    let derivative = d[j]
    gradient[0][g] = 0
    gradient[1][g] = 0
    gradient[2][g] = 0
    gapInactive[g] = 0
    gapActive[g] = 0
    switch phase[g] {
    case 1:
      h[j] = value
      y[j] = derivative
    case 2:
      h[j] = value
      y[j] = derivative
      gradient[2][g] = -value
    case -2:
      h[j] = 0
      y[j] = 0
      gradient[2][g] = value
    case -1:
      h[j] = 0
      y[j] = 0
    default:
      let l = zLow[g]
      let u = zHigh[g]
      let share = multipliers.alpha[g]
      let r0 = rest0[g]
      let r1 = rest1[g]
      let activeEnd = r1 + onH[g] * u
      let least = min(r0, r1)
      var onActive: Double
      var onInactive: Double
      var post: Double
      if least < r0 - (activeEnd - r0) * l / (u - l) {
        gradient[0][g] = ((activeEnd - least) / u - (r0 - least) / l) * value
        post = share * value
        if r0 <= r1 {
          onActive = share * value / u
          onInactive = 1 - onActive
        } else {
          onInactive = (1 - share) * value / l
          onActive = 1 - onInactive
        }
      } else {
        onActive = (value - l) / (u - l)
        onInactive = 1 - onActive
        post = onActive * u
      }
      var moved = 0.0
      if problem.feature != nil {
        let worstInactive = onY[g] >= 0 ? dHigh[g] : dLow[g]
        let worstActive = onY[g] >= 0 ? dLow[g] : dHigh[g]
        let gain = derivative - onInactive * worstInactive - onActive * worstActive
        gradient[1][g] = onY[g] * gain
        moved = onActive * worstActive + multipliers.kappa[g] * gain
      }
      h[j] = post
      y[j] = moved
      let relaxed = onH[g] * post + onY[g] * moved
      gapInactive[g] = -relaxed
      gapActive[g] = onY[g] * derivative + onH[g] * value - relaxed
    }
  }
}
