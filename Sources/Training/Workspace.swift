/// The samples of one step and every intermediate matrix, allocated once for the largest step.
///
/// Columns, in this order: rows of data; points drawn from the domain; for each counterexample pair its two points and
/// the point between them. Columns after these up to a full block are padding.
struct Workspace: Sendable {
  let shape: NetworkShape
  let rowCapacity: Int
  let sampleCapacity: Int
  let pairCapacity: Int

  private(set) var rowCount = 0
  private(set) var sampleCount = 0
  private(set) var pairs: [NormalisedPair] = []

  var input: SampleMatrix
  var targets: SampleMatrix
  /// One where a column holds a row, a drawn point or a pair's point; zero in the padding.
  var valid: [Lanes]

  /// After the ReLU.
  var hidden: [SampleMatrix]
  var output: SampleMatrix
  var outputDelta: SampleMatrix
  var hiddenDelta: [SampleMatrix]

  /// ∂f_k/∂z_l for each output k and hidden layer l.
  var back: [[SampleMatrix]]
  /// ∂f_k/∂x for each output k.
  var slopes: [SampleMatrix]
  /// ∂loss/∂(∂f_k/∂x) for each output k.
  var seeds: [SampleMatrix]
  var tangent: [SampleMatrix]
  /// Σ of squared hinges at each column.
  var squares: [Lanes]

  init(shape: NetworkShape, rows: Int, samples: Int, pairs: Int) {
    self.shape = shape
    rowCapacity = rows
    sampleCapacity = samples
    pairCapacity = pairs
    let columns = rows + samples + 3 * pairs
    let hiddenWidths = shape.widths.dropFirst().dropLast()
    let hiddenMatrices = hiddenWidths.map { SampleMatrix(rows: $0, columns: columns) }
    input = SampleMatrix(rows: shape.inputCount, columns: columns)
    targets = SampleMatrix(rows: shape.outputCount, columns: rows)
    valid = Array(repeating: .zero, count: input.stride)
    hidden = hiddenMatrices
    output = SampleMatrix(rows: shape.outputCount, columns: columns)
    outputDelta = output
    hiddenDelta = hiddenMatrices
    back = Array(repeating: hiddenMatrices, count: shape.outputCount)
    slopes = Array(repeating: input, count: shape.outputCount)
    seeds = slopes
    tangent = hiddenMatrices
    squares = valid
  }

  var columnCount: Int { rowCount + sampleCount + 3 * pairs.count }
  /// Blocks in use, the last one perhaps padded.
  var blocks: Int { (columnCount + Lanes.scalarCount - 1) / Lanes.scalarCount }
  /// The column of a pair's first point.
  func column(ofPair pair: Int) -> Int { rowCount + sampleCount + 3 * pair }

  /// Takes up rows of `data` and forgets the points and pairs of the step before.
  /// - Precondition: at most `rowCapacity` indices.
  mutating func load(rows: ArraySlice<Int>, of data: NormalisedData) {
    precondition(rows.count <= rowCapacity)
    rowCount = rows.count
    sampleCount = 0
    pairs = []
    for (column, row) in rows.enumerated() {
      for i in 0..<shape.inputCount { input[i, column] = data.inputs[row * shape.inputCount + i] }
      for k in 0..<shape.outputCount { targets[k, column] = data.targets[row * shape.outputCount + k] }
    }
  }

  /// Draws `count` points of the box: on faces, at corners, and uniform.
  mutating func sample(
    _ count: Int, low: [Double], high: [Double], faceShare: Double, cornerShare: Double,
    using generator: inout RandomGenerator
  ) {
    precondition(count <= sampleCapacity && pairs.isEmpty)
    let corners = Int((cornerShare * Double(count)).rounded())
    let faces = Int((faceShare * Double(count)).rounded())
    for point in 0..<count {
      let column = rowCount + point
      for i in low.indices {
        var t = generator.unit()
        if point < corners {
          t = t < 0.5 ? 0 : 1
        } else if point < corners + faces {
          // Three in eight coordinates end on a face.
          t = min(max(t * 1.6 - 0.3, 0), 1)
        }
        input[i, column] = low[i] + t * (high[i] - low[i])
      }
    }
    sampleCount = count
  }

  /// Takes up counterexample pairs.
  mutating func load(pairs: [NormalisedPair]) {
    precondition(pairs.count <= pairCapacity)
    self.pairs = pairs
    for (index, pair) in pairs.enumerated() {
      let column = column(ofPair: index)
      for i in 0..<shape.inputCount {
        input[i, column] = pair.x[i]
        input[i, column + 1] = pair.xPrime[i]
        input[i, column + 2] = pair.x[i] / 2 + pair.xPrime[i] / 2
      }
    }
  }

  /// Marks the columns in use and zeroes the padding. Call after loading.
  mutating func seal() {
    let columns = columnCount
    for block in 0..<blocks {
      for lane in 0..<Lanes.scalarCount {
        let column = block * Lanes.scalarCount + lane
        valid[block][lane] = column < columns ? 1 : 0
        if column >= columns {
          for i in 0..<shape.inputCount { input[i, column] = 0 }
        }
      }
    }
  }
}

/// Rows in normalised units.
struct NormalisedData: Sendable {
  let rowCount: Int
  let inputs: [Double]
  let targets: [Double]

  init(_ data: TrainingData, normalisation: Normalisation) {
    rowCount = data.rowCount
    inputs = data.inputs.enumerated().map { normalisation.inputs[$0.offset % data.inputCount].normalised($0.element) }
    targets = data.targets.enumerated().map {
      normalisation.outputs[$0.offset % data.outputCount].normalised($0.element)
    }
  }
}

/// A counterexample pair in normalised units.
struct NormalisedPair: Sendable {
  let x: [Double]
  let xPrime: [Double]
  /// (x′ − x) / ‖x′ − x‖₂.
  let direction: [Double]
  let distance: Double
  let output: Int
  let sign: Double

  init(_ pair: CounterexamplePair, normalisation: Normalisation) {
    x = zip(normalisation.inputs, pair.x).map { $0.normalised($1) }
    xPrime = zip(normalisation.inputs, pair.xPrime).map { $0.normalised($1) }
    // Differences are taken before centring, where a short one is still exact.
    let difference = pair.x.indices.map { (pair.xPrime[$0] - pair.x[$0]) / normalisation.inputs[$0].factor }
    let distance = difference.reduce(0) { $0 + $1 * $1 }.squareRoot()
    self.distance = distance
    direction = difference.map { $0 / distance }
    output = pair.output
    sign = pair.sign < 0 ? -1 : 1
  }
}
