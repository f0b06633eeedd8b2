/// The parts of the objective, each already multiplied by its weight.
public struct LossTerms: Codable, Sendable, Hashable {
  /// Mean squared (or Huber) error in normalised units, over rows and outputs.
  public var data = 0.0
  /// Mean hinge on slopes of the wrong sign, the worst point's squares, and the lack of the slopes' bounds.
  public var monotonicity = 0.0
  public var counterexamples = 0.0
  public var bounds = 0.0
  public var l1 = 0.0
  public var stability = 0.0

  public var total: Double { data + monotonicity + counterexamples + bounds + l1 + stability }
}

/// The training objective and its gradient.
///
/// Slopes are trained by hand-written double backpropagation. With phases D fixed,
/// ∂f_k/∂x = W_Lᵏ D … D W₁ is multilinear in the weights. One backward pass gives b_l = ∂f_k/∂z_l and the slopes; the
/// hinges give v = ∂loss/∂(∂f_k/∂x), a direction per sample; one forward tangent pass t_l of v then gives the gradient
/// b_l·t_{l−1}ᵀ of every weight matrix, for all features at once. Biases have none, almost everywhere.
struct Objective: Sendable {
  /// A ``MonotoneTerm`` in normalised units; the threshold includes the margin.
  struct Slope: Sendable {
    let output: Int
    let feature: Int
    let sign: Double
    let threshold: Double
  }
  /// A ``BoundTerm`` in normalised units, narrowed by the margin.
  struct Range: Sendable {
    let output: Int
    let lower: Double?
    let upper: Double?
  }

  let shape: NetworkShape
  let configuration: TrainingConfiguration
  let slopes: [Slope]
  let ranges: [Range]
  /// The domain in normalised units.
  let low: [Double]
  let high: [Double]
  let isWeight: [Bool]

  init(
    shape: NetworkShape, configuration: TrainingConfiguration, normalisation: Normalisation,
    domain: [ClosedRange<Double>], monotone: [MonotoneTerm], bounds: [BoundTerm]
  ) {
    self.shape = shape
    self.configuration = configuration
    slopes = monotone.map { term in
      let factor = normalisation.inputs[term.feature].factor / normalisation.outputs[term.output].factor
      return Slope(
        output: term.output, feature: term.feature, sign: Double(term.sign),
        threshold: configuration.margin + term.minimumSlope * factor)
    }
    ranges = bounds.map { term in
      let scale = normalisation.outputs[term.output]
      return Range(
        output: term.output, lower: term.lower.map { scale.normalised($0) + configuration.boundMargin },
        upper: term.upper.map { scale.normalised($0) - configuration.boundMargin })
    }
    low = zip(normalisation.inputs, domain).map { $0.normalised($1.lowerBound) }
    high = zip(normalisation.inputs, domain).map { $0.normalised($1.upperBound) }
    isWeight = shape.weightMask
  }

  /// The objective on the workspace's samples; fills `gradient` unless that is nil.
  func evaluate(_ parameters: [Double], on work: inout Workspace, gradient: inout [Double]?) -> LossTerms {
    if gradient != nil { gradient = Array(repeating: 0, count: parameters.count) }
    var terms = LossTerms()
    forward(parameters, &work)
    work.outputDelta.clear(blocks: work.blocks)
    terms.data = dataLoss(&work)
    if configuration.bound > 0 { terms.bounds = rangeLoss(&work) }
    if configuration.counterexample > 0 { terms.counterexamples = differenceLoss(&work) }
    if gradient != nil { backward(parameters, &work, &gradient) }

    let usesTerms = configuration.monotonicity > 0 && !slopes.isEmpty
    let usesPairs = configuration.counterexample > 0 && !work.pairs.isEmpty
    if usesTerms || usesPairs {
      var seeded = Array(repeating: false, count: shape.outputCount)
      for k in 0..<shape.outputCount
      where slopes.contains(where: { $0.output == k }) || work.pairs.contains(where: { $0.output == k }) {
        computeSlopes(parameters, output: k, &work)
        work.seeds[k].clear(blocks: work.blocks)
      }
      if usesTerms { terms.monotonicity = slopeLoss(&work, &seeded) }
      if usesPairs { terms.counterexamples += directionLoss(&work, &seeded) }
      if gradient != nil {
        for k in 0..<shape.outputCount where seeded[k] { slopeGradient(parameters, output: k, &work, &gradient) }
      }
    }

    if configuration.l1 > 0 {
      var sum = 0.0
      for index in parameters.indices where isWeight[index] {
        let w = parameters[index]
        sum += w.magnitude
        if w != 0 { gradient?[index] += w > 0 ? configuration.l1 : -configuration.l1 }
      }
      terms.l1 = configuration.l1 * sum
    }
    if configuration.stability > 0 {
      let loss = StabilityLoss(shape: shape, low: low, high: high)
      terms.stability =
        configuration.stability * loss.evaluate(parameters, weight: configuration.stability, gradient: &gradient)
    }
    if let weight = configuration.slopeBound, weight > 0 {
      let loss = SlopeBoundLoss(shape: shape, slopes: slopes, low: low, high: high)
      terms.monotonicity += weight * loss.evaluate(parameters, weight: weight, gradient: &gradient)
    }
    return terms
  }

  /// The share of slopes on the workspace's columns that have the wrong sign, whatever the margin.
  func wrongSlopeShare(_ parameters: [Double], on work: inout Workspace) -> Double {
    guard !slopes.isEmpty, work.columnCount > 0 else { return 0 }
    forward(parameters, &work)
    for k in 0..<shape.outputCount where slopes.contains(where: { $0.output == k }) {
      computeSlopes(parameters, output: k, &work)
    }
    var wrong = 0
    for slope in slopes {
      let least = slope.threshold - configuration.margin
      for column in 0..<work.columnCount
      where slope.sign * work.slopes[slope.output][slope.feature, column] < least { wrong += 1 }
    }
    return Double(wrong) / Double(slopes.count * work.columnCount)
  }

  // MARK: Values

  private func forward(_ parameters: [Double], _ work: inout Workspace) {
    let blocks = work.blocks
    for l in 0..<shape.layerCount {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      parameters.withUnsafeBufferPointer { numbers in
        guard let base = numbers.baseAddress else { return }
        let (weights, biases) = (base + shape.weights(of: l), base + shape.biases(of: l))
        let source = l == 0 ? work.input : work.hidden[l - 1]
        if l + 1 < shape.layerCount {
          Kernels.product(
            weights: weights, rowStride: ins, depthStride: 1, rows: outs, depth: ins, biases: biases, rectified: true,
            input: source.values, inputStride: source.stride, output: &work.hidden[l].values,
            outputStride: source.stride, blocks: blocks)
        } else {
          Kernels.product(
            weights: weights, rowStride: ins, depthStride: 1, rows: outs, depth: ins, biases: biases, rectified: false,
            input: source.values, inputStride: source.stride, output: &work.output.values,
            outputStride: source.stride, blocks: blocks)
        }
      }
    }
  }

  private func dataLoss(_ work: inout Workspace) -> Double {
    guard work.rowCount > 0 else { return 0 }
    let share = 1 / Double(work.rowCount * shape.outputCount)
    var sum = 0.0
    for k in 0..<shape.outputCount {
      for column in 0..<work.rowCount {
        let error = work.output[k, column] - work.targets[k, column]
        if let limit = configuration.huberThreshold, error.magnitude > limit {
          sum += limit * (2 * error.magnitude - limit)
          work.outputDelta[k, column] += share * 2 * (error > 0 ? limit : -limit)
        } else {
          sum += error * error
          work.outputDelta[k, column] += share * 2 * error
        }
      }
    }
    return share * sum
  }

  private func rangeLoss(_ work: inout Workspace) -> Double {
    guard !ranges.isEmpty, work.columnCount > 0 else { return 0 }
    let share = configuration.bound / Double(work.columnCount * ranges.count)
    var sum = 0.0
    var worst = 0.0
    for range in ranges {
      // Bounds fail at few points; their mean alone would hardly be felt, so the worst point counts on its own too.
      var farthest: (column: Int, distance: Double, sign: Double)?
      for column in 0..<work.columnCount {
        let value = work.output[range.output, column]
        if let lower = range.lower, value < lower {
          sum += lower - value
          work.outputDelta[range.output, column] -= share
          if lower - value > farthest?.distance ?? 0 { farthest = (column, lower - value, -1) }
        }
        if let upper = range.upper, value > upper {
          sum += value - upper
          work.outputDelta[range.output, column] += share
          if value - upper > farthest?.distance ?? 0 { farthest = (column, value - upper, 1) }
        }
      }
      if let farthest {
        worst += farthest.distance
        work.outputDelta[range.output, farthest.column] += configuration.bound * farthest.sign
      }
    }
    return share * sum + configuration.bound * worst
  }

  /// The hinge of each pair on its difference quotient.
  private func differenceLoss(_ work: inout Workspace) -> Double {
    guard !work.pairs.isEmpty else { return 0 }
    let share = configuration.counterexample / Double(work.pairs.count)
    var sum = 0.0
    for (index, pair) in work.pairs.enumerated() {
      let column = work.column(ofPair: index)
      let quotient = (work.output[pair.output, column + 1] - work.output[pair.output, column]) / pair.distance
      let missing = configuration.margin - pair.sign * quotient
      guard missing > 0 else { continue }
      sum += missing
      let delta = share * pair.sign / pair.distance
      work.outputDelta[pair.output, column + 1] -= delta
      work.outputDelta[pair.output, column] += delta
    }
    return share * sum
  }

  private func backward(_ parameters: [Double], _ work: inout Workspace, _ gradient: inout [Double]?) {
    let blocks = work.blocks
    for l in stride(from: shape.layerCount - 1, through: 0, by: -1) {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let source = l == 0 ? work.input : work.hidden[l - 1]
      let delta = l + 1 == shape.layerCount ? work.outputDelta : work.hiddenDelta[l]
      accumulate(left: delta, right: source, layer: l, blocks: blocks, into: &gradient)
      gradient?.withUnsafeMutableBufferPointer { numbers in
        guard let base = numbers.baseAddress else { return }
        Kernels.accumulateRowSums(
          values: delta.values, stride: delta.stride, rows: outs, blocks: blocks, result: base + shape.biases(of: l))
      }
      if l > 0 {
        transposedProduct(parameters, layer: l, input: delta, output: &work.hiddenDelta[l - 1], blocks: blocks)
        Kernels.mask(
          &work.hiddenDelta[l - 1].values, stride: source.stride, activations: source.values,
          activationStride: source.stride, rows: ins, blocks: blocks)
      }
    }
  }

  // MARK: Slopes

  /// Fills `work.back[k]` and `work.slopes[k]`.
  private func computeSlopes(_ parameters: [Double], output k: Int, _ work: inout Workspace) {
    let blocks = work.blocks
    let last = shape.hiddenCount - 1
    let row = shape.weights(of: last + 1) + k * shape.widths[last + 1]
    let stride = work.input.stride
    for j in 0..<shape.widths[last + 1] {
      let weight = Lanes(repeating: parameters[row + j])
      for block in 0..<blocks {
        var value = weight
        value.replace(with: 0, where: work.hidden[last].values[j * stride + block] .<= 0)
        work.back[k][last].values[j * stride + block] = value
      }
    }
    for l in Swift.stride(from: last, to: 0, by: -1) {
      let delta = work.back[k][l]
      transposedProduct(parameters, layer: l, input: delta, output: &work.back[k][l - 1], blocks: blocks)
      Kernels.mask(
        &work.back[k][l - 1].values, stride: stride, activations: work.hidden[l - 1].values,
        activationStride: stride, rows: shape.widths[l], blocks: blocks)
    }
    let first = work.back[k][0]
    transposedProduct(parameters, layer: 0, input: first, output: &work.slopes[k], blocks: blocks)
  }

  /// The mean hinge of all terms over all columns, and the worst column's sum of squared hinges.
  private func slopeLoss(_ work: inout Workspace, _ seeded: inout [Bool]) -> Double {
    let blocks = work.blocks
    let stride = work.input.stride
    let share = configuration.monotonicity / Double(work.columnCount * slopes.count)
    var sum = Lanes.zero
    for block in 0..<blocks { work.squares[block] = .zero }
    for slope in slopes {
      let threshold = Lanes(repeating: slope.threshold)
      let sign = Lanes(repeating: slope.sign)
      let step = Lanes(repeating: -share * slope.sign)
      let row = slope.feature * stride
      var any = Lanes.zero
      for block in 0..<blocks {
        var hinge = (threshold - sign * work.slopes[slope.output].values[row + block]) * work.valid[block]
        hinge.replace(with: 0, where: hinge .< 0)
        any += hinge
        work.squares[block] += hinge * hinge
        var seed = step
        seed.replace(with: 0, where: hinge .<= 0)
        work.seeds[slope.output].values[row + block] += seed
      }
      sum += any
      if Kernels.joined(any) > 0 { seeded[slope.output] = true }
    }
    var loss = share * Kernels.joined(sum)

    let weight = configuration.monotonicity * configuration.worstPoint
    if weight > 0 {
      var worst = 0
      var most = 0.0
      for column in 0..<work.columnCount {
        let square = work.squares[column >> 2][column & 3]
        if square > most {
          most = square
          worst = column
        }
      }
      if most > 0 {
        loss += weight * most
        for slope in slopes {
          let hinge = slope.threshold - slope.sign * work.slopes[slope.output][slope.feature, worst]
          if hinge > 0 { work.seeds[slope.output][slope.feature, worst] -= weight * 2 * hinge * slope.sign }
        }
      }
    }
    return loss
  }

  /// The hinge of each pair on the slope along its direction, at both ends and in the middle.
  private func directionLoss(_ work: inout Workspace, _ seeded: inout [Bool]) -> Double {
    let share = configuration.counterexample / Double(3 * work.pairs.count)
    var sum = 0.0
    for (index, pair) in work.pairs.enumerated() {
      for point in 0..<3 {
        let column = work.column(ofPair: index) + point
        var slope = 0.0
        for i in 0..<shape.inputCount { slope += pair.direction[i] * work.slopes[pair.output][i, column] }
        let missing = configuration.margin - pair.sign * slope
        guard missing > 0 else { continue }
        sum += missing
        seeded[pair.output] = true
        for i in 0..<shape.inputCount {
          work.seeds[pair.output][i, column] -= share * pair.sign * pair.direction[i]
        }
      }
    }
    return share * sum
  }

  /// Adds the gradient of Σ seeds·slopes: a forward tangent pass along the seeds.
  private func slopeGradient(
    _ parameters: [Double], output k: Int, _ work: inout Workspace, _ gradient: inout [Double]?
  ) {
    let blocks = work.blocks
    for l in 0..<shape.hiddenCount {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      let source = l == 0 ? work.seeds[k] : work.tangent[l - 1]
      accumulate(left: work.back[k][l], right: source, layer: l, blocks: blocks, into: &gradient)
      parameters.withUnsafeBufferPointer { numbers in
        guard let base = numbers.baseAddress else { return }
        Kernels.product(
          weights: base + shape.weights(of: l), rowStride: ins, depthStride: 1, rows: outs, depth: ins, biases: nil,
          rectified: false, input: source.values, inputStride: source.stride, output: &work.tangent[l].values,
          outputStride: source.stride, blocks: blocks)
      }
      Kernels.mask(
        &work.tangent[l].values, stride: source.stride, activations: work.hidden[l].values,
        activationStride: source.stride, rows: outs, blocks: blocks)
    }
    let last = work.tangent[shape.hiddenCount - 1]
    let row = shape.weights(of: shape.hiddenCount) + k * last.rows
    gradient?.withUnsafeMutableBufferPointer { numbers in
      guard let base = numbers.baseAddress else { return }
      Kernels.accumulateRowSums(
        values: last.values, stride: last.stride, rows: last.rows, blocks: blocks, result: base + row)
    }
  }

  // MARK: Products

  private func transposedProduct(
    _ parameters: [Double], layer l: Int, input: SampleMatrix, output: inout SampleMatrix, blocks: Int
  ) {
    let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
    parameters.withUnsafeBufferPointer { numbers in
      guard let base = numbers.baseAddress else { return }
      Kernels.product(
        weights: base + shape.weights(of: l), rowStride: 1, depthStride: ins, rows: ins, depth: outs, biases: nil,
        rectified: false, input: input.values, inputStride: input.stride, output: &output.values,
        outputStride: input.stride, blocks: blocks)
    }
  }

  private func accumulate(
    left: SampleMatrix, right: SampleMatrix, layer l: Int, blocks: Int, into gradient: inout [Double]?
  ) {
    gradient?.withUnsafeMutableBufferPointer { numbers in
      guard let base = numbers.baseAddress else { return }
      Kernels.accumulateOuterProduct(
        left: left.values, leftStride: left.stride, rows: left.rows,
        right: right.values, rightStride: right.stride, columns: right.rows,
        blocks: blocks, result: base + shape.weights(of: l))
    }
  }
}
