internal import CLeafBound

/// The routine that accepts a leaf: lower bounds of a claim over up to eight cells at once, in integers alone.
///
/// All bounds are computed here from the problem and the cells; the multipliers are proposals. For an unstable neuron
/// with z ∈ [l, u], l < 0 < u, derivative dz ∈ [L, U] along the claim's feature, backward coefficients λh on relu(z)
/// and λy on phase·dz, and **any** numbers p, m,
///
///     λh·relu(z) + λy·phase·dz ≥ p·z + m·dz + min(r0 − p·l, r0, r1, r1 + (λh − p)·u)
///     r0 = min(−m·L, −m·U),  r1 = min((λy − m)·L, (λy − m)·U)
///
/// (the inactive phase gives the first two terms, the active one the last two). Composed from the output to the input
/// this is a linear function of t, minimised over the box in closed form. A premise z ≥ 0 (z ≤ 0) enters with a
/// multiplier β ≥ 0: infeasible cells close by large β, Farkas' lemma being the special case. A part of λy may be
/// relaxed per edge of the layer below instead, with ranges of its own for each product.
///
/// The derivative is the one at *generic* points, where every pre-activation is non-zero or identically zero nearby.
/// They are dense, so a continuous piecewise linear function whose derivative is non-negative at each of them is
/// non-decreasing (integrate along almost every line, then use continuity).
///
/// The arithmetic is that of `CLeafBound` (`leaf_bound.inc`), where the ranges are argued; `docs/proof-format.md`
/// defines it to the last bit. An evaluator owns its memory and belongs to one thread.
public final class LeafEvaluator {
  /// Cells per batch.
  public static let lanes = Int(LB_LANES)

  /// What a cell's bound says.
  public enum Outcome: Sendable, Hashable {
    /// The scaled claim is at least this, in units of 2⁻⁴⁰.
    case bound(Int64)
    /// No generic point lies in the cell.
    case empty
    /// A number left its range; nothing is known.
    case outOfRange
  }

  /// Bounds of z and dz of every hidden neuron that hold in a cell, in units of 2⁻³⁰.
  public struct Bounds: Sendable, Hashable {
    public var zLow: [Int64]
    public var zHigh: [Int64]
    public var dLow: [Int64]
    public var dHigh: [Int64]

    fileprivate init(neuronCount: Int) {
      zLow = Array(repeating: 0, count: neuronCount)
      zHigh = zLow
      dLow = zLow
      dHigh = zLow
    }
  }

  public let problem: FixedPointProblem
  private let native: NativeProblem
  private let memory: UnsafeMutablePointer<Int64>
  private var batch = LBBatch()

  public convenience init(problem: FixedPointProblem) { self.init(problem, NativeProblem(problem)) }

  /// An evaluator of the same problem, for the same thread or another, which shares what never changes.
  public convenience init(like other: LeafEvaluator) { self.init(other.problem, other.native) }

  private init(_ problem: FixedPointProblem, _ native: NativeProblem) {
    self.problem = problem
    self.native = native
    let n = problem.inputCount
    let g = problem.neuronCount
    let b = g + problem.constraints.outputCount
    let widest = max(n, problem.layers.map { max($0.inputCount, $0.outputCount) }.max() ?? 1)
    // Every array below is a number of rows of eight lanes; the counts are those that leaf_bound.h states.
    let rows = 3 * n + 16 * g + b + 8 * widest + 8 * g + 4 + 64
    memory = UnsafeMutableRawPointer.allocate(byteCount: rows * 64, alignment: 64)
      .initializeMemory(as: Int64.self, repeating: 0, count: rows * Self.lanes)
    var next = memory
    func take(_ rows: Int) -> UnsafeMutablePointer<Int64> {
      defer { next += rows * Self.lanes }
      return next
    }
    batch.boxLow = take(n)
    batch.boxHigh = take(n)
    batch.premise = take(g)
    batch.given = take(1)
    batch.alpha = take(g)
    batch.kappa = take(g)
    batch.omega = take(g)
    batch.active = take(g)
    batch.slope = take(g)
    batch.beta = take(b)
    batch.zLow = take(g)
    batch.zHigh = take(g)
    batch.dLow = take(g)
    batch.dHigh = take(g)
    batch.hLow = take(g)
    batch.hHigh = take(g)
    batch.yLow = take(g)
    batch.yHigh = take(g)
    batch.reciprocal = take(8 * g)
    batch.scratch = take(8 * widest)
    batch.bound = take(1)
    batch.form = take(n)
    batch.empty = take(1)
    batch.overflow = take(1)
    precondition(next <= memory + rows * Self.lanes)
  }

  deinit { memory.deallocate() }

  /// Puts a cell into a lane, with default multipliers when none are given.
  /// - Precondition: the cell, the multipliers and the bounds fit the problem, and every β code has an exponent of at
  ///   most ``LeafMultipliers/maximumBetaExponent``.
  public func load(_ lane: Int, _ cell: Cell, multipliers: LeafMultipliers?, known: Bounds? = nil) {
    let n = problem.inputCount
    let g = problem.neuronCount
    let w = Self.lanes
    precondition(
      (0..<w).contains(lane) && cell.lower.count == n && cell.upper.count == n && cell.premises.count == g)
    for i in 0..<n {
      batch.boxLow[i * w + lane] = cell.lower[i]
      batch.boxHigh[i * w + lane] = cell.upper[i]
    }
    for k in 0..<g { batch.premise[k * w + lane] = Int64(cell.premises[k]) }
    if let known {
      precondition(known.zLow.count == g && known.zHigh.count == g && known.dLow.count == g && known.dHigh.count == g)
      for k in 0..<g {
        batch.zLow[k * w + lane] = known.zLow[k]
        batch.zHigh[k * w + lane] = known.zHigh[k]
        batch.dLow[k * w + lane] = known.dLow[k]
        batch.dHigh[k * w + lane] = known.dHigh[k]
      }
    } else {
      for k in 0..<g {
        batch.zLow[k * w + lane] = -(1 << 30)
        batch.zHigh[k * w + lane] = 1 << 30
        let reach = problem.feature == nil ? 0 : problem.reach[k]
        batch.dLow[k * w + lane] = -reach
        batch.dHigh[k * w + lane] = reach
      }
    }
    batch.given[lane] = multipliers == nil ? 0 : -1
    guard let multipliers else { return }
    precondition(
      multipliers.present.count == g && multipliers.beta.count == g + problem.constraints.outputCount)
    let absent = LeafMultipliers.absent
    for k in 0..<g {
      let given = multipliers.present[k]
      batch.alpha[k * w + lane] = given ? LeafMultipliers.share(multipliers.alpha[k]) : absent.alpha
      batch.kappa[k * w + lane] = given ? LeafMultipliers.share(multipliers.kappa[k]) : absent.kappa
      batch.omega[k * w + lane] = given ? LeafMultipliers.share(multipliers.omega[k]) : absent.omega
      batch.active[k * w + lane] = given ? LeafMultipliers.share(multipliers.active[k]) : absent.active
      batch.slope[k * w + lane] = given ? LeafMultipliers.share(multipliers.slope[k]) : absent.slope
    }
    for k in multipliers.beta.indices { batch.beta[k * w + lane] = LeafMultipliers.betaValue(multipliers.beta[k]) }
  }

  /// Whether intervals alone bound the hidden neurons: cheap, and enough where the signs of weights show the claim.
  public var usesIntervals: Bool {
    get { batch.intervals != 0 }
    set { batch.intervals = newValue ? 1 : 0 }
  }

  /// Bounds the claim in every lane.
  /// - Complexity: for each neuron that is unstable in some lane, four backward passes; one for the claim.
  public func run() {
    withUnsafePointer(to: batch) { batch in
      withUnsafePointer(to: native.problem) { lb_evaluate($0, batch) }
    }
  }

  /// The result of a lane.
  public func outcome(_ lane: Int) -> Outcome {
    if batch.empty[lane] != 0 { return .empty }
    if batch.overflow[lane] != 0 { return .outOfRange }
    return .bound(batch.bound[lane])
  }

  /// Whether the result of a lane closes its cell.
  public func isClosed(_ lane: Int) -> Bool {
    switch outcome(lane) {
    case .empty: true
    case .outOfRange: false
    case .bound(let bound): bound >= problem.threshold
    }
  }

  /// The coefficients of the linear bound of a lane, one per input, in units of 2⁻²⁴.
  public func form(_ lane: Int) -> [Int64] { (0..<problem.inputCount).map { batch.form[$0 * Self.lanes + lane] } }

  /// The bounds of a lane's hidden neurons.
  public func bounds(_ lane: Int) -> Bounds {
    var result = Bounds(neuronCount: problem.neuronCount)
    for k in 0..<problem.neuronCount {
      result.zLow[k] = batch.zLow[k * Self.lanes + lane]
      result.zHigh[k] = batch.zHigh[k * Self.lanes + lane]
      result.dLow[k] = batch.dLow[k * Self.lanes + lane]
      result.dHigh[k] = batch.dHigh[k * Self.lanes + lane]
    }
    return result
  }

  /// The phase of each hidden neuron in a lane's cell (unless that is empty): 1 and −1 for neurons that are active or
  /// inactive throughout, 2 and −2 for those that a premise makes so, 0 for unstable ones.
  public func phases(_ lane: Int) -> [Int8] {
    (0..<problem.neuronCount).map { k in
      let at = k * Self.lanes + lane
      if batch.premise[at] != 0 { return batch.premise[at] > 0 ? 2 : -2 }
      return batch.zLow[at] >= 0 ? 1 : batch.zHigh[at] <= 0 ? -1 : 0
    }
  }

  /// The result of one cell alone.
  public func evaluate(_ cell: Cell, multipliers: LeafMultipliers?, known: Bounds? = nil) -> Outcome {
    load(0, cell, multipliers: multipliers, known: known)
    run()
    return outcome(0)
  }

  /// The result of one cell with bounds from intervals alone and the multipliers of neurons without proposals.
  public func evaluateByIntervals(_ cell: Cell, known: Bounds? = nil) -> Outcome {
    usesIntervals = true
    defer { usesIntervals = false }
    let absent = LeafMultipliers(
      neuronCount: problem.neuronCount, constraintCount: problem.constraints.outputCount)
    return evaluate(cell, multipliers: absent, known: known)
  }

  /// Which instructions the routine uses: `baseline`, `avx2` or `avx512`. All give the same integers.
  public static var variant: String { String(cString: lb_variant()) }

  /// Makes every evaluator of the process use a variant, for tests; nil for the machine's best. False when the machine
  /// lacks it.
  public static func select(variant: String?) -> Bool { lb_select(variant) != 0 }
}

/// A problem in the memory layout of `CLeafBound`; read-only once made.
private final class NativeProblem {
  var problem = LBProblem()
  private var freed: [() -> Void] = []

  init(_ source: FixedPointProblem) {
    let layers = source.layers.map(layer)
    let rows = UnsafeMutablePointer<LBLayer>.allocate(capacity: layers.count)
    rows.initialize(from: layers, count: layers.count)
    let constraint = UnsafeMutablePointer<LBLayer>.allocate(capacity: 1)
    constraint.initialize(to: layer(source.constraints))
    freed.append {
      rows.deallocate()
      constraint.deallocate()
    }
    problem.inputs = Int32(source.inputCount)
    problem.hidden = Int32(layers.count - 1)
    problem.neurons = Int32(source.neuronCount)
    problem.widest = Int32(
      max(source.inputCount, source.layers.map { max($0.inputCount, $0.outputCount) }.max() ?? 1))
    problem.constraints = Int32(source.constraints.outputCount)
    problem.derivative = source.feature == nil ? 0 : 1
    problem.layer = UnsafePointer(rows)
    problem.constraint = UnsafePointer(constraint)
    problem.slopeLow = copied(source.slopeLow)
    problem.slopeHigh = copied(source.slopeHigh)
  }

  deinit { for free in freed { free() } }

  private func layer(_ layer: FixedPointProblem.Layer) -> LBLayer {
    // Whichever list is shorter: the weights that are on the grid, or those that are not.
    let slackCount = layer.slack.reduce(0) { $0 + Int($1) }
    let complement = 2 * slackCount > layer.slack.count
    var starts: [Int32] = [0]
    var listed: [Int32] = []
    for i in 0..<layer.inputCount {
      for j in 0..<layer.outputCount where (layer.slack[j * layer.inputCount + i] == 0) == complement {
        listed.append(Int32(j))
      }
      starts.append(Int32(listed.count))
    }
    // Rows by the signs of their weights, and as coefficients: what `backward` starts from.
    let (n, count) = (layer.inputCount, layer.outputCount)
    var order: [Int32] = []
    var parts: [Int32] = []
    for j in 0..<count {
      // 0 where low ≥ 0, 1 where low < 0, 2 where the weight is zero.
      func kind(_ i: Int) -> Int {
        let low = layer.low[j * n + i]
        return low < 0 ? 1 : low == 0 && layer.slack[j * n + i] == 0 ? 2 : 0
      }
      for wanted in 0..<3 {
        for i in 0..<n where kind(i) == wanted { order.append(Int32(i)) }
        if wanted < 2 { parts.append(Int32(order.count - j * n)) }
      }
    }
    var coefficients: [[Int64]] = Array(repeating: [], count: 6)
    var isInRange = true
    let limit = Int64(1) << 30
    for k in coefficients.indices { coefficients[k].reserveCapacity(order.count) }
    for k in 0..<2 {
      for place in order.indices {
        let at = place / n * n + Int(order[place])
        let (low, high) = (Int64(layer.low[at]) << 24, (Int64(layer.low[at]) + Int64(layer.slack[at])) << 24)
        let (least, most) = k == 0 ? (low, high) : (-high, -low)
        let down = least >> Int64(layer.shift)
        let up = -((-most) >> Int64(layer.shift))
        let unit = Int64(layer.shift) - 16
        let rest = (most - (down << Int64(layer.shift)) + ((1 << unit) - 1)) >> unit
        isInRange = isInRange && abs(down) < limit && abs(up) < limit && rest >= 0 && rest < limit
        coefficients[k].append(down)
        coefficients[2 + k].append(up)
        coefficients[4 + k].append(rest)
      }
    }
    let rows = coefficients.map { isInRange ? Optional(copied($0)) : nil }
    return LBLayer(
      inputs: Int32(layer.inputCount), outputs: Int32(layer.outputCount), offset: Int32(layer.offset),
      shift: Int32(layer.shift), exact: layer.isExact ? 1 : 0, low: copied(layer.low.map(Int64.init)),
      slack: copied(layer.slack),
      listedStart: copied(starts), listed: copied(listed), complement: complement ? 1 : 0,
      biasLow: copied(layer.biasLow), biasHigh: copied(layer.biasHigh), order: copied(order), parts: copied(parts),
      down: (rows[0], rows[1]), up: (rows[2], rows[3]), rest: (rows[4], rows[5]))
  }

  private func copied<Number>(_ values: [Number]) -> UnsafePointer<Number> {
    let memory = UnsafeMutablePointer<Number>.allocate(capacity: max(1, values.count))
    memory.initialize(from: values, count: values.count)
    freed.append { memory.deallocate() }
    return UnsafePointer(memory)
  }
}
