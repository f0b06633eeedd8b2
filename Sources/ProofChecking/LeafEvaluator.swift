/// The routine that accepts a leaf: a lower bound of a claim over a cell, in integers alone.
///
/// All bounds are computed here from the problem and the cell; the multipliers are proposals. For an unstable neuron
/// with z ∈ [l, u], l < 0 < u, derivative dz ∈ [L, U] along the claim's feature, backward coefficients λh on relu(z)
/// and λy on phase·dz, and **any** numbers p, m,
///
///     λh·relu(z) + λy·phase·dz ≥ p·z + m·dz + min(r0 − p·l, r0, r1, r1 + (λh − p)·u)
///     r0 = min(−m·L, −m·U),  r1 = min((λy − m)·L, (λy − m)·U)
///
/// (the inactive phase gives the first two terms, the active one the last two). Composed from the output to the input
/// this is a linear function of t, minimised over the box in closed form. A premise z ≥ 0 (z ≤ 0) enters with a
/// multiplier β ≥ 0: infeasible cells close by large β, Farkas' lemma being the special case.
///
/// The derivative is the one at *generic* points, where every pre-activation is non-zero or identically zero nearby.
/// They are dense, so a continuous piecewise linear function whose derivative is non-negative at each of them is
/// non-decreasing (integrate along almost every line, then use continuity).
///
/// Numbers are in units of 2⁻⁴⁰, bounds of sums in units of 2⁻⁸⁰. Checks keep every number below 2^53 in magnitude, so a
/// product is below 2^106, a sum over a layer of at most 2¹² neurons below 2^118, and a neuron's constant below 2^108;
/// a network has fewer than 2¹⁸ neurons, so no sum reaches 2^127 and none of the wrapping operations wraps.
public final class LeafEvaluator {
  /// What a leaf's bound says.
  public enum Outcome: Sendable, Hashable {
    /// The scaled claim is at least this, in units of 2⁻⁸⁰.
    case bound(Int128)
    /// No generic point lies in the cell.
    case empty
    /// A number left its range; nothing is known.
    case outOfRange
  }

  private enum Phase {
    static let inactive: Int8 = -1
    static let unstable: Int8 = 0
    static let active: Int8 = 1
    static let assumedActive: Int8 = 2
    static let assumedInactive: Int8 = -2
  }

  public let problem: FixedPointProblem
  private static var limit: Int64 { 1 << 53 }
  private static var shift: Int128 { 40 }

  /// Where a layer's numbers lie in `weights` and `biases`.
  private struct Shape {
    let inputCount: Int
    let outputCount: Int
    let offset: Int
    let weights: Int
    let biases: Int
    let isExact: Bool
  }

  // Scratch memory, allocated once. Every index below is bounded by a count of `problem`, which the allocations cover.
  private let layerCount: Int
  private let layers: UnsafeMutablePointer<Shape>
  private let weights, biases: UnsafeMutablePointer<Int64>
  // Bounds per hidden neuron: of z, of dz, of relu(z) and of phase·dz.
  private let zLow, zHigh, dLow, dHigh, hLow, hHigh, yLow, yHigh: UnsafeMutablePointer<Int64>
  private let phase: UnsafeMutablePointer<Int8>
  // The backward coefficients on (z, dz) of the current layer, and the sums for the layer below.
  private let mz, md: UnsafeMutablePointer<Int64>
  private let sumH, sumY: UnsafeMutablePointer<Int128>
  // The cell being evaluated.
  private let boxLow, boxHigh: UnsafeMutablePointer<Int64>
  private let premises: UnsafeMutablePointer<Int8>

  public init(problem: FixedPointProblem) {
    self.problem = problem
    func allocate<Number: ExpressibleByIntegerLiteral>(_ count: Int) -> UnsafeMutablePointer<Number> {
      let memory = UnsafeMutablePointer<Number>.allocate(capacity: max(1, count))
      memory.initialize(repeating: 0, count: max(1, count))
      return memory
    }
    layerCount = problem.layers.count
    layers = UnsafeMutablePointer<Shape>.allocate(capacity: layerCount)
    weights = allocate(problem.layers.reduce(0) { $0 + $1.weights.count })
    biases = allocate(problem.layers.reduce(0) { $0 + $1.biases.count })
    var weight = 0
    var bias = 0
    for (index, layer) in problem.layers.enumerated() {
      (layers + index).initialize(
        to: Shape(
          inputCount: layer.inputCount, outputCount: layer.outputCount, offset: layer.offset, weights: weight,
          biases: bias, isExact: layer.isExact))
      for value in layer.weights {
        weights[weight] = value
        weight += 1
      }
      for value in layer.biases {
        biases[bias] = value
        bias += 1
      }
    }
    let neurons = problem.neuronCount
    zLow = allocate(neurons)
    zHigh = allocate(neurons)
    dLow = allocate(neurons)
    dHigh = allocate(neurons)
    hLow = allocate(neurons)
    hHigh = allocate(neurons)
    yLow = allocate(neurons)
    yHigh = allocate(neurons)
    phase = allocate(neurons)
    premises = allocate(neurons)
    let width = problem.layers.reduce(problem.inputCount) { max($0, $1.outputCount, $1.inputCount) }
    mz = allocate(width)
    md = allocate(width)
    sumH = allocate(width)
    sumY = allocate(width)
    boxLow = allocate(problem.inputCount)
    boxHigh = allocate(problem.inputCount)
  }

  deinit {
    layers.deallocate()
    for memory in [weights, biases, zLow, zHigh, dLow, dHigh, hLow, hHigh, yLow, yHigh, mz, md, boxLow, boxHigh] {
      memory.deallocate()
    }
    phase.deallocate()
    premises.deallocate()
    sumH.deallocate()
    sumY.deallocate()
  }

  /// Whether the claim is proved on `cell` by the bound that `multipliers` give (default multipliers when nil).
  /// - Throws: ``CheckFailure``.
  public func check(_ cell: Cell, multipliers: LeafMultipliers?) throws(CheckFailure) {
    guard isWellFormed(cell, multipliers) else { throw .cell }
    switch evaluate(cell, multipliers: multipliers) {
    case .empty: return
    case .outOfRange: throw .outOfRange
    case .bound(let bound):
      guard bound >= Int128(problem.threshold) &<< Self.shift else { throw .boundTooLow }
    }
  }

  private func isWellFormed(_ cell: Cell, _ multipliers: LeafMultipliers?) -> Bool {
    guard cell.lower.count == problem.inputCount, cell.upper.count == problem.inputCount,
      cell.premises.count == problem.neuronCount
    else { return false }
    for i in cell.lower.indices
    where cell.lower[i] < 0 || cell.upper[i] > FixedPointProblem.one || cell.lower[i] > cell.upper[i] {
      return false
    }
    guard cell.premises.allSatisfy({ (-1...1).contains($0) }) else { return false }
    guard let multipliers else { return true }
    return multipliers.alpha.count == problem.neuronCount && multipliers.kappa.count == problem.neuronCount
      && multipliers.beta.count == problem.neuronCount
      && multipliers.beta.allSatisfy { $0 >= 0 && $0 < Self.limit }
  }

  /// The lower bound of the scaled claim over a well-formed cell.
  /// - Complexity: for w neurons a layer and k layers O(k²·w³) products, from one backward pass per neuron that is
  ///   not stable; no allocation.
  public func evaluate(_ cell: Cell, multipliers: LeafMultipliers?) -> Outcome {
    guard isWellFormed(cell, multipliers) else { return .outOfRange }
    for i in cell.lower.indices {
      boxLow[i] = cell.lower[i]
      boxHigh[i] = cell.upper[i]
    }
    for g in cell.premises.indices { premises[g] = cell.premises[g] }
    for index in 0..<(layerCount - 1) {
      if let outcome = boundLayer(index) { return outcome }
    }
    let last = layerCount - 1
    mz[0] = problem.feature == nil ? FixedPointProblem.one : 0
    md[0] = problem.feature == nil ? 0 : FixedPointProblem.one
    guard let bound = backward(from: last, derivative: problem.feature != nil, multipliers) else {
      return .outOfRange
    }
    return .bound(bound)
  }

  /// The phase of each hidden neuron in the cell last evaluated (unless that was empty or out of range): 1 and −1 for
  /// neurons that are active or inactive throughout, 2 and −2 for those that a premise makes so, 0 for unstable ones.
  public var phases: [Int8] { (0..<problem.neuronCount).map { phase[$0] } }

  /// Bounds of one hidden layer. Returns an outcome only when it ends the evaluation.
  private func boundLayer(_ index: Int) -> Outcome? {
    let layer = layers[index]
    let offset = layer.offset
    let n = layer.inputCount
    let slack: Int128 = layer.isExact ? 0 : 1
    for j in 0..<layer.outputCount {
      let g = offset + j
      var low = Int128(biases[layer.biases + j]) &<< Self.shift
      var high = low
      var dl: Int128 = 0
      var dh: Int128 = 0
      var reach = Int128(0)
      var reachD = Int128(0)
      let row = weights + layer.weights + j * n
      if index == 0 {
        for i in 0..<n {
          let w = Int128(row[i])
          let a = w &* Int128(boxLow[i])
          let b = w &* Int128(boxHigh[i])
          low &+= w > 0 ? a : b
          high &+= w > 0 ? b : a
          reach &+= Int128(boxHigh[i])
        }
        if let feature = problem.feature {
          dl = Int128(row[feature]) &<< Self.shift
          dh = dl
          reachD = Int128(FixedPointProblem.one)
        }
      } else {
        let below = layers[index - 1].offset
        for i in 0..<n {
          let w = Int128(row[i])
          let a = w &* Int128(hLow[below + i])
          let b = w &* Int128(hHigh[below + i])
          low &+= w > 0 ? a : b
          high &+= w > 0 ? b : a
          reach &+= Int128(hHigh[below + i])
          let c = w &* Int128(yLow[below + i])
          let d = w &* Int128(yHigh[below + i])
          dl &+= w > 0 ? c : d
          dh &+= w > 0 ? d : c
          reachD &+= Int128(max(-yLow[below + i], yHigh[below + i]))
        }
      }
      // A rounded weight is off by at most half a unit, a rounded bias too; a unit of each is charged.
      let loss = slack &* (reach &+ (1 &<< Self.shift))
      let lossD = slack &* reachD
      guard let zl = floorUnits(low &- loss), let zh = ceilUnits(high &+ loss), let l = floorUnits(dl &- lossD),
        let h = ceilUnits(dh &+ lossD)
      else { return .outOfRange }
      zLow[g] = zl
      zHigh[g] = zh
      dLow[g] = l
      dHigh[g] = h
    }
    for j in 0..<layer.outputCount {
      if let outcome = tighten(index, j) { return outcome }
    }
    return nil
  }

  /// Backward bounds for a neuron that intervals leave unstable or that has a premise, then its phase and ranges.
  private func tighten(_ index: Int, _ j: Int) -> Outcome? {
    let layer = layers[index]
    let g = layer.offset + j
    let premise = premises[g]
    if index > 0, premise != 0 || (zLow[g] < 0 && zHigh[g] > 0) {
      if premise >= 0 {
        guard let bound = single(index, j, value: -FixedPointProblem.one, slope: 0), let high = ceilUnits(-bound)
        else { return .outOfRange }
        zHigh[g] = min(zHigh[g], high)
      }
      if premise <= 0 {
        guard let bound = single(index, j, value: FixedPointProblem.one, slope: 0), let low = floorUnits(bound)
        else { return .outOfRange }
        zLow[g] = max(zLow[g], low)
      }
    }
    if premise > 0 {
      if zHigh[g] < 0 { return .empty }
      zLow[g] = max(zLow[g], 0)
      phase[g] = Phase.assumedActive
    } else if premise < 0 {
      if zLow[g] > 0 { return .empty }
      zHigh[g] = min(zHigh[g], 0)
      phase[g] = Phase.assumedInactive
    } else {
      phase[g] = zLow[g] >= 0 ? Phase.active : zHigh[g] <= 0 ? Phase.inactive : Phase.unstable
    }
    if zLow[g] > zHigh[g] { return .empty }
    if index > 0, phase[g] == Phase.unstable, problem.feature != nil {
      guard let low = single(index, j, value: 0, slope: FixedPointProblem.one).flatMap(floorUnits),
        let high = single(index, j, value: 0, slope: -FixedPointProblem.one).flatMap({ ceilUnits(-$0) })
      else { return .outOfRange }
      dLow[g] = max(dLow[g], low)
      dHigh[g] = min(dHigh[g], high)
      if dLow[g] > dHigh[g] { return .empty }
    }
    switch phase[g] {
    case Phase.active, Phase.assumedActive:
      hLow[g] = zLow[g]
      hHigh[g] = zHigh[g]
      yLow[g] = dLow[g]
      yHigh[g] = dHigh[g]
    case Phase.unstable:
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
    return nil
  }

  /// A lower bound of value·z + slope·dz of one neuron, with default multipliers, in units of 2⁻⁸⁰.
  private func single(_ index: Int, _ j: Int, value: Int64, slope: Int64) -> Int128? {
    for k in 0..<layers[index].outputCount {
      mz[k] = 0
      md[k] = 0
    }
    mz[j] = value
    md[j] = slope
    return backward(from: index, derivative: slope != 0, nil)
  }

  /// The backward pass from the coefficients `mz`, `md` on (z, dz) of layer `start` down to the box.
  /// Returns nil when a coefficient leaves its range.
  private func backward(from start: Int, derivative: Bool, _ multipliers: LeafMultipliers?) -> Int128? {
    var constant: Int128 = 0
    var index = start
    while true {
      let layer = layers[index]
      let n = layer.inputCount
      for i in 0..<n {
        sumH[i] = 0
        sumY[i] = 0
      }
      var weightOnH: Int128 = 0
      var weightOnY: Int128 = 0
      for j in 0..<layer.outputCount {
        let row = weights + layer.weights + j * n
        let z = mz[j]
        if z != 0 {
          constant &+= Int128(z) &* Int128(biases[layer.biases + j])
          weightOnH &+= Int128(z.magnitude)
          for i in 0..<n { sumH[i] &+= Int128(z) &* Int128(row[i]) }
        }
        let d = derivative ? md[j] : 0
        if d != 0 {
          weightOnY &+= Int128(d.magnitude)
          if index == 0, let feature = problem.feature {
            constant &+= Int128(d) &* Int128(row[feature])
          } else {
            for i in 0..<n { sumY[i] &+= Int128(d) &* Int128(row[i]) }
          }
        }
      }
      let errorH = layer.isExact ? 0 : weightOnH
      let errorY = layer.isExact ? 0 : weightOnY
      constant &-= errorH
      if index == 0 {
        constant &-= errorY
        for i in 0..<n {
          guard let a = coefficient(sumH[i], errorH, boxLow[i], boxHigh[i], &constant) else { return nil }
          constant &+= Int128(a) &* Int128(a > 0 ? boxLow[i] : boxHigh[i])
        }
        return constant
      }
      let offset = layers[index - 1].offset
      for i in 0..<n {
        let g = offset + i
        let phase = self.phase[g]
        if phase == Phase.inactive {
          mz[i] = 0
          md[i] = 0
          continue
        }
        if phase == Phase.assumedInactive {
          mz[i] = multipliers?.beta[g] ?? 0
          md[i] = 0
          continue
        }
        guard let onH = coefficient(sumH[i], errorH, hLow[g], hHigh[g], &constant) else { return nil }
        var onY: Int64 = 0
        if derivative {
          guard let value = coefficient(sumY[i], errorY, yLow[g], yHigh[g], &constant) else { return nil }
          onY = value
        }
        switch phase {
        case Phase.active:
          mz[i] = onH
          md[i] = onY
        case Phase.assumedActive:
          let reduced = onH - (multipliers?.beta[g] ?? 0)
          guard reduced.magnitude < UInt64(Self.limit) else { return nil }
          mz[i] = reduced
          md[i] = onY
        default:
          relax(g, i, onH, onY, derivative, multipliers, &constant)
        }
      }
      index -= 1
    }
  }

  /// Rounds a coefficient in units of 2⁻⁸⁰ to 2⁻⁴⁰ and charges the rest, and `error` for rounded weights, over the
  /// range of what it multiplies.
  @inline(__always)
  private func coefficient(_ sum: Int128, _ error: Int128, _ low: Int64, _ high: Int64, _ constant: inout Int128)
    -> Int64?
  {
    let half = Int128(1) << (Self.shift - 1)
    let rounded = (sum &+ half) &>> Self.shift
    guard rounded.magnitude < UInt128(Self.limit) else { return nil }
    let rest = sum &- (rounded &<< Self.shift)
    if rest != 0 || error != 0 {
      let reach = Int128(max(low.magnitude, high.magnitude))
      let loss = (rest > 0 ? rest &* Int128(low) : rest &* Int128(high)) &- error &* reach
      constant &+= loss &>> Self.shift
    }
    return Int64(rounded)
  }

  /// The any-multiplier bound of one unstable neuron: sets the coefficients on (z, dz) and adds the constant.
  @inline(__always)
  private func relax(
    _ g: Int, _ i: Int, _ onH: Int64, _ onY: Int64, _ derivative: Bool, _ multipliers: LeafMultipliers?,
    _ constant: inout Int128
  ) {
    let l = Int128(zLow[g])
    let u = Int128(zHigh[g])
    let h = Int128(onH)
    var m: Int64 = 0
    var r0: Int128 = 0
    var r1: Int128 = 0
    if derivative {
      let y = Int128(onY)
      let low = Int128(dLow[g])
      let high = Int128(dHigh[g])
      if let multipliers {
        m = Int64((y &* LeafMultipliers.share(multipliers.kappa[g])) >> 8)
      } else if low >= 0 {
        m = onY >= 0 ? 0 : onY
      } else if high <= 0 {
        m = onY >= 0 ? onY : 0
      } else {
        // The hull of {0, dz}: the coefficient that makes both phases equally bad.
        m = Int64((y &* (onY >= 0 ? -low : high)) / (high &- low))
      }
      let passed = Int128(m)
      let kept = y &- passed
      r0 = -(passed >= 0 ? passed &* high : passed &* low)
      r1 = kept >= 0 ? kept &* low : kept &* high
    }
    let activeEnd = r1 &+ h &* u
    let least = min(r0, r1)
    let chord = (activeEnd &- r0) / (u &- l)
    let p: Int128
    if least < r0 &- chord &* l {
      let share: Int128 = multipliers.map { LeafMultipliers.share($0.alpha[g]) } ?? (u > -l ? 256 : 0)
      let left = clamped((r0 &- least) / l)
      let right = clamped((activeEnd &- least) / u)
      p = ((256 &- share) &* left &+ share &* right) >> 8
    } else {
      p = clamped(chord)
    }
    constant &+= min(min(r0 &- p &* l, r0), min(r1, r1 &+ (h &- p) &* u))
    mz[i] = Int64(p)
    md[i] = m
  }

  /// Proposals of any size are sound; these stay below 2^55.
  @inline(__always)
  private func clamped(_ value: Int128) -> Int128 {
    let limit = Int128(Self.limit) >> 1
    return max(-limit, min(limit, value))
  }

  /// ⌊value⌋ from units of 2⁻⁸⁰ to 2⁻⁴⁰, or nil beyond the range.
  @inline(__always)
  private func floorUnits(_ value: Int128) -> Int64? {
    let result = value &>> Self.shift
    return result.magnitude < UInt128(Self.limit) ? Int64(result) : nil
  }

  /// ⌈value⌉ from units of 2⁻⁸⁰ to 2⁻⁴⁰, or nil beyond the range.
  @inline(__always)
  private func ceilUnits(_ value: Int128) -> Int64? { floorUnits(-value).map { -$0 } }
}
