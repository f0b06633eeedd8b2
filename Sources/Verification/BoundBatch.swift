internal import CBoundSearch
internal import ProofChecking

/// The multipliers of a cell in binary32, in one array that a cell's children share.
struct FloatMultipliers {
  /// α, κ, ω, `active` and `slope` of every neuron, then β of every neuron and constraint.
  var values: [Float]

  init(problem: FixedPointProblem) {
    let g = problem.neuronCount
    values = Array(repeating: 0.5, count: 5 * g) + Array(repeating: 0, count: g + problem.constraints.outputCount)
  }

  /// What a proof says, with the values of ``init(problem:)`` for neurons of which it says nothing.
  init(_ source: LeafMultipliers, problem: FixedPointProblem) {
    self.init(problem: problem)
    let g = problem.neuronCount
    for k in 0..<g where source.present[k] {
      for (row, share) in [source.alpha, source.kappa, source.omega, source.active, source.slope].enumerated() {
        values[row * g + k] = Float(share[k]) / 15
      }
    }
    for k in source.beta.indices { values[5 * g + k] = Float(LeafMultipliers.betaValue(source.beta[k])) * 0x1p-24 }
  }

  /// As a proof can hold them, for every neuron.
  func rounded(premises: [Int8], shape: MultiplierShape) -> LeafMultipliers {
    let g = shape.neuronCount
    var result = LeafMultipliers(neuronCount: g, constraintCount: shape.constraintCount)
    func sixteenths(_ row: Int, _ k: Int) -> UInt8 { UInt8(max(0, min(15, (values[row * g + k] * 15).rounded()))) }
    for k in 0..<g {
      result.present[k] = true
      result.alpha[k] = sixteenths(0, k)
      if shape.hasDerivativeShares[k] {
        result.kappa[k] = sixteenths(1, k)
        result.omega[k] = sixteenths(2, k)
        result.active[k] = sixteenths(3, k)
      }
      if shape.hasSlope[k] { result.slope[k] = sixteenths(4, k) }
    }
    for k in result.beta.indices where k >= g || premises[k] != 0 {
      result.beta[k] = LeafMultipliers.betaCode(Int64(max(0, min(31, values[5 * g + k])) * 0x1p24))
    }
    return result
  }
}

/// Sixteen cells in the memory of `CBoundSearch`. Belongs to one thread.
final class BoundBatch {
  static let lanes = Int(BS_LANES)

  let problem: SearchProblem
  private var batch = BSBatch()
  private let memory: UnsafeMutablePointer<Float>
  private let neurons: Int
  private let inputs: Int
  private let betas: Int
  /// Rows of a lane, scratch not counted.
  private let rows: Int
  private let parameters: [UnsafeMutablePointer<Float>]

  init(_ problem: SearchProblem) {
    self.problem = problem
    inputs = problem.source.inputCount
    neurons = problem.source.neuronCount
    betas = neurons + problem.source.constraints.outputCount
    let n = inputs
    let g = neurons
    let scratch = Int(bs_scratch_rows(problem.native))
    rows = 4 * n + 12 * g + betas + 4
    let count = (rows + scratch) * Self.lanes
    let all = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
      .initializeMemory(as: Float.self, repeating: 0, count: count)
    memory = all
    var next = all
    func take(_ rows: Int) -> UnsafeMutablePointer<Float> {
      defer { next += rows * Self.lanes }
      return next
    }
    batch.boxLow = take(n)
    batch.boxHigh = take(n)
    batch.premise = take(g)
    batch.zLow = take(g)
    batch.zHigh = take(g)
    batch.dLow = take(g)
    batch.dHigh = take(g)
    batch.alpha = take(g)
    batch.kappa = take(g)
    batch.omega = take(g)
    batch.active = take(g)
    batch.slope = take(g)
    batch.beta = take(betas)
    batch.bound = take(1)
    batch.start = take(1)
    batch.plain = take(1)
    batch.form = take(n)
    batch.minimiser = take(n)
    batch.empty = take(1)
    batch.gap = take(g)
    batch.gapLeast = take(g)
    batch.scratch = take(scratch)
    precondition(next <= all + count)
    parameters = [batch.alpha, batch.kappa, batch.omega, batch.active, batch.slope]
  }

  deinit { memory.deallocate() }

  func load(_ lane: Int, _ cell: Cell, _ warm: FloatMultipliers) {
    let w = Self.lanes
    for i in 0..<inputs {
      batch.boxLow[i * w + lane] = Float(cell.lower[i]) * 0x1p-30
      batch.boxHigh[i * w + lane] = Float(cell.upper[i]) * 0x1p-30
    }
    for k in 0..<neurons {
      let at = k * w + lane
      batch.premise[at] = Float(cell.premises[k])
      batch.zLow[at] = -1
      batch.zHigh[at] = 1
      batch.dLow[at] = -1
      batch.dHigh[at] = 1
    }
    warm.values.withUnsafeBufferPointer { values in
      var next = 0
      for pointer in parameters {
        for k in 0..<neurons { pointer[k * w + lane] = values[next + k] }
        next += neurons
      }
      for k in 0..<betas { batch.beta[k * w + lane] = values[next + k] }
    }
  }

  /// What ``run(iterations:rate:target:)`` takes as it is.
  enum Known: Int32 {
    case nothing
    /// The bounds of z that were loaded.
    case values
    /// All bounds and the best multipliers, of lanes that were bounded before.
    case everything
  }

  var known: Known {
    get { Known(rawValue: batch.known) ?? .nothing }
    set { batch.known = newValue.rawValue }
  }

  /// Copies a lane of another batch of the same problem, or of this one.
  func copy(_ lane: Int, from other: BoundBatch, _ source: Int) {
    let w = Self.lanes
    for row in 0..<rows { memory[row * w + lane] = other.memory[row * w + source] }
  }

  /// Puts bounds of z, as ``values(_:)`` gave them, into a lane that is loaded.
  func load(_ lane: Int, values: [Float]) {
    for k in 0..<neurons {
      batch.zLow[k * Self.lanes + lane] = values[k]
      batch.zHigh[k * Self.lanes + lane] = values[neurons + k]
    }
  }

  /// The bounds of z of a lane, lower ones first.
  func values(_ lane: Int) -> [Float] {
    (0..<neurons).map { batch.zLow[$0 * Self.lanes + lane] }
      + (0..<neurons).map { batch.zHigh[$0 * Self.lanes + lane] }
  }

  func run(iterations: Int, rate: Float, target: Float) {
    withUnsafePointer(to: batch) { bs_evaluate(problem.native, $0, Int32(iterations), rate, target) }
  }

  func bound(_ lane: Int) -> Float { batch.bound[lane] }
  /// The bound before the first step.
  func start(_ lane: Int) -> Float { batch.start[lane] }
  func plain(_ lane: Int) -> Float { batch.plain[lane] }
  func isEmpty(_ lane: Int) -> Bool { batch.empty[lane] != 0 }
  func form(_ lane: Int, _ input: Int) -> Float { batch.form[input * Self.lanes + lane] }
  func minimiser(_ lane: Int) -> [Double] { (0..<inputs).map { Double(batch.minimiser[$0 * Self.lanes + lane]) } }
  func gap(_ lane: Int, _ neuron: Int) -> Float { batch.gap[neuron * Self.lanes + lane] }
  func gapLeast(_ lane: Int, _ neuron: Int) -> Float { batch.gapLeast[neuron * Self.lanes + lane] }
  func width(_ lane: Int, _ neuron: Int) -> Float {
    batch.zHigh[neuron * Self.lanes + lane] - batch.zLow[neuron * Self.lanes + lane]
  }
  func isUnstable(_ lane: Int, _ neuron: Int) -> Bool {
    batch.zLow[neuron * Self.lanes + lane] < 0 && batch.zHigh[neuron * Self.lanes + lane] > 0
  }

  /// The best multipliers of a lane, to start its children from.
  func multipliers(_ lane: Int) -> FloatMultipliers {
    let w = Self.lanes
    var result = FloatMultipliers(problem: problem.source)
    result.values.withUnsafeMutableBufferPointer { values in
      var next = 0
      for pointer in parameters {
        for k in 0..<neurons { values[next + k] = pointer[k * w + lane] }
        next += neurons
      }
      for k in 0..<betas { values[next + k] = batch.beta[k * w + lane] }
    }
    return result
  }

  /// The best multipliers of a lane as a proof can hold them.
  func rounded(_ lane: Int, _ cell: Cell, shape: MultiplierShape) -> LeafMultipliers {
    let w = Self.lanes
    var result = LeafMultipliers(neuronCount: neurons, constraintCount: shape.constraintCount)
    func sixteenths(_ pointer: UnsafeMutablePointer<Float>, _ at: Int) -> UInt8 {
      UInt8(max(0, min(15, (pointer[at] * 15).rounded())))
    }
    for k in 0..<neurons {
      let at = k * w + lane
      // Where in its range the derivative of an active neuron lies decides which edges above it pass their part on.
      let isActive = batch.zLow[at] >= 0 && batch.dLow[at] < batch.dHigh[at]
      guard isUnstable(lane, k) || isActive && shape.hasSlope[k] else { continue }
      result.present[k] = true
      result.alpha[k] = sixteenths(batch.alpha, at)
      if shape.hasDerivativeShares[k] {
        result.kappa[k] = sixteenths(batch.kappa, at)
        result.omega[k] = sixteenths(batch.omega, at)
        result.active[k] = sixteenths(batch.active, at)
      }
      if shape.hasSlope[k] { result.slope[k] = sixteenths(batch.slope, at) }
    }
    for k in 0..<betas where k >= neurons || cell.premises[k] != 0 {
      let value = max(0, min(31, batch.beta[k * w + lane]))
      result.beta[k] = LeafMultipliers.betaCode(Int64(value * 0x1p24))
    }
    return result
  }
}
