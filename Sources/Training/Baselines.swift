/// Predicts the same for every row: the median of each output's training rows.
public struct MedianBaseline: Sendable, Hashable {
  /// One per output.
  public let medians: [Double]

  /// - Throws: ``TrainingError`` when there are no rows.
  public init(_ data: TrainingData) throws(TrainingError) {
    guard data.rowCount > 0 else { throw TrainingError(.data, "a median needs at least one row") }
    medians = (0..<data.outputCount).map { output in
      let sorted = (0..<data.rowCount).map { data.targets[$0 * data.outputCount + output] }.sorted()
      return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
  }

  /// The prediction for any row.
  public func output() -> [Double] { medians }
}

/// Linear regression with a penalty on the standardised coefficients (Hoerl and Kennard, *Technometrics* 12, 1970).
///
/// Each output has a penalty of its own, chosen by cross-validation on contiguous blocks of the training rows. Rows are
/// taken to be in the order of time, so that neighbours are judged together.
public struct RidgeBaseline: Sendable, Hashable {
  /// The candidates: 2⁻¹² to 2³ times the number of rows.
  public static let penalties: [Double] = (-12...3).map { Double(sign: .plus, exponent: $0, significand: 1) }
  /// Blocks of the cross-validation.
  public static let blockCount = 5
  /// The most inputs; the normal equations are dense.
  public static let maximumInputs = 512

  /// The inputs that are used, in the order of ``coefficients``.
  public let features: [Int]
  /// One row per output, one number per feature in ``features``, per unit of the input.
  public let coefficients: [[Double]]
  /// One per output.
  public let intercepts: [Double]
  /// The penalty chosen for each output.
  public let chosenPenalties: [Double]

  /// Fits all inputs, or only those in `features` (a baseline of configuration alone, say).
  /// - Throws: ``TrainingError`` with fewer than 10 rows, more than ``maximumInputs`` inputs or a feature that is none.
  /// - Complexity: O(outputs × blocks × penalties × (rows × features² + features³)).
  public init(_ data: TrainingData, features: [Int]? = nil) throws(TrainingError) {
    let features = features ?? Array(0..<data.inputCount)
    guard data.rowCount >= 2 * Self.blockCount else {
      throw TrainingError(
        .data, "ridge regression needs at least \(2 * Self.blockCount) rows, but there are \(data.rowCount)")
    }
    guard !features.isEmpty, features.count <= Self.maximumInputs,
      features.allSatisfy({ (0..<data.inputCount).contains($0) })
    else {
      throw TrainingError(
        .data,
        "ridge regression needs 1 to \(Self.maximumInputs) features, each from 0 to \(data.inputCount - 1)")
    }
    let rows = (0..<data.rowCount).map { row in features.map { data.inputs[row * data.inputCount + $0] } }
    var fits: [RidgeFit] = []
    var penalties: [Double] = []
    for output in 0..<data.outputCount {
      let targets = (0..<data.rowCount).map { data.targets[$0 * data.outputCount + output] }
      let penalty = Self.choosePenalty(rows: rows, targets: targets)
      penalties.append(penalty)
      fits.append(RidgeFit(rows: rows[...], targets: targets[...], penalty: penalty))
    }
    self.features = features
    coefficients = fits.map(\.coefficients)
    intercepts = fits.map(\.intercept)
    chosenPenalties = penalties
  }

  /// The prediction for one row.
  /// - Precondition: `input` has one number per input of the data that were fitted.
  public func output(at input: [Double]) -> [Double] {
    zip(coefficients, intercepts).map { row, intercept in
      zip(row, features).reduce(intercept) { $0 + $1.0 * input[$1.1] }
    }
  }

  /// The penalty with the least squared error over the blocks; of equals the smallest.
  private static func choosePenalty(rows: [[Double]], targets: [Double]) -> Double {
    var best = (penalty: penalties[0], error: Double.infinity)
    for penalty in penalties {
      var error = 0.0
      for block in blocks(of: rows.count) {
        let fit = RidgeFit(
          rows: rows[..<block.lowerBound] + rows[block.upperBound...],
          targets: targets[..<block.lowerBound] + targets[block.upperBound...], penalty: penalty)
        for row in block {
          let residual = targets[row] - fit.output(at: rows[row])
          error += residual * residual
        }
      }
      if error < best.error { best = (penalty, error) }
    }
    return best.penalty
  }

  /// Contiguous ranges whose lengths differ by at most one.
  static func blocks(of count: Int) -> [Range<Int>] {
    (0..<blockCount).map { (count * $0 / blockCount)..<(count * ($0 + 1) / blockCount) }
  }
}

/// One ridge regression with a given penalty.
struct RidgeFit {
  let coefficients: [Double]
  let intercept: Double

  /// Minimises Σ(y − ŷ)² + `penalty` · n · |standardised coefficients|².
  /// - Precondition: as many rows as targets, at least one, and a positive penalty.
  init(rows: ArraySlice<[Double]>, targets: ArraySlice<Double>, penalty: Double) {
    precondition(rows.count == targets.count && penalty > 0)
    guard let width = rows.first?.count else { preconditionFailure("a regression needs a row") }
    let count = Double(rows.count)
    let columns = (0..<width).map { column in rows.map { $0[column] } }
    let means = columns.map(Metrics.mean)
    // A column that never changes gets the scale 1 and, its standardised numbers being zero, the coefficient 0.
    let scales = zip(columns, means).map { column, mean in
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
      return variance > 0 ? variance.squareRoot() : 1
    }
    let standardised = rows.map { row in row.indices.map { (row[$0] - means[$0]) / scales[$0] } }
    let targetMean = Metrics.mean(Array(targets))

    var matrix = Array(repeating: Array(repeating: 0.0, count: width), count: width)
    var right = Array(repeating: 0.0, count: width)
    for (row, target) in zip(standardised, targets) {
      for i in 0..<width {
        right[i] += row[i] * (target - targetMean)
        for j in 0...i { matrix[i][j] += row[i] * row[j] }
      }
    }
    for i in 0..<width { matrix[i][i] += penalty * count }
    let solution = Cholesky(lowerTriangleOf: matrix).solve(right)
    coefficients = zip(solution, scales).map { $0 / $1 }
    intercept = zip(coefficients, means).reduce(targetMean) { $0 - $1.0 * $1.1 }
  }

  func output(at row: [Double]) -> Double { zip(coefficients, row).reduce(intercept) { $0 + $1.0 * $1.1 } }
}

/// The factor L of a symmetric positive definite matrix A = L·Lᵀ.
struct Cholesky {
  private let lower: [[Double]]

  /// - Precondition: the matrix is square and positive definite. Normal equations with a positive penalty are: every
  ///   eigenvalue is at least the penalty times the number of rows, far above rounding for standardised columns.
  init(lowerTriangleOf matrix: [[Double]]) {
    var lower = matrix
    for i in matrix.indices {
      precondition(matrix[i].count == matrix.count)
      for j in 0...i {
        var sum = matrix[i][j]
        for k in 0..<j { sum -= lower[i][k] * lower[j][k] }
        if i == j {
          precondition(sum > 0, "the matrix is not positive definite")
          lower[i][i] = sum.squareRoot()
        } else {
          lower[i][j] = sum / lower[j][j]
        }
      }
    }
    self.lower = lower
  }

  /// The x with A·x = `right`.
  func solve(_ right: [Double]) -> [Double] {
    precondition(right.count == lower.count)
    var x = right
    for i in x.indices {
      for k in 0..<i { x[i] -= lower[i][k] * x[k] }
      x[i] /= lower[i][i]
    }
    for i in x.indices.reversed() {
      for k in (i + 1)..<x.count { x[i] -= lower[k][i] * x[k] }
      x[i] /= lower[i][i]
    }
    return x
  }
}
