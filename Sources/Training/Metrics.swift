internal import Foundation

/// How well predictions of one output fit measured rows.
///
/// Both are given on the network's scale: log₂ of the engineer's number where latencies and rates are learned, the
/// number itself otherwise.
public struct Accuracy: Codable, Sendable, Hashable {
  /// Rows that were compared.
  public let rowCount: Int
  /// 1 − Σ(y − ŷ)² / Σ(y − ȳ)² on the network's scale; nil when all y are equal.
  public let rSquared: Double?
  /// Mean absolute error relative to the measured number on the engineer's scale: mean of |2^ŷ − 2^y| / 2^y, or of
  /// |ŷ − y| / |y| over the rows with y ≠ 0 (zero when there are none). 0.25 means 25 %.
  public let meanAbsolutePercentageError: Double
  /// Spearman's rank correlation, ties at their mean rank; nil when all y or all ŷ are equal.
  public let rankCorrelation: Double?

  /// - Precondition: `measured` and `predicted` have the same count, at least one, and finite numbers.
  public init(measured: [Double], predicted: [Double], isLogarithmic: Bool = true) {
    precondition(measured.count == predicted.count && !measured.isEmpty)
    rowCount = measured.count
    rSquared = Metrics.rSquared(measured: measured, predicted: predicted)
    meanAbsolutePercentageError =
      isLogarithmic
      ? Metrics.meanAbsolutePercentageError(measured: measured, predicted: predicted)
      : Metrics.linearMeanAbsolutePercentageError(measured: measured, predicted: predicted)
    rankCorrelation = Metrics.rankCorrelation(measured, predicted)
  }
}

/// The figures of ``Accuracy``, one by one.
enum Metrics {
  static func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }

  static func rSquared(measured: [Double], predicted: [Double]) -> Double? {
    let mean = mean(measured)
    let total = measured.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard total > 0 else { return nil }
    let residual = zip(measured, predicted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return 1 - residual / total
  }

  static func meanAbsolutePercentageError(measured: [Double], predicted: [Double]) -> Double {
    // |2^ŷ − 2^y| / 2^y = |2^(ŷ − y) − 1|, which cannot divide by zero.
    // Beyond 2^512 an error says nothing more, and their mean must stay a finite number.
    mean(zip(measured, predicted).map { abs(exp2(min($1 - $0, 512)) - 1) })
  }

  static func linearMeanAbsolutePercentageError(measured: [Double], predicted: [Double]) -> Double {
    let shares = zip(measured, predicted).filter { $0.0 != 0 }.map { min(abs(($1 - $0) / $0), 0x1p512) }
    return shares.isEmpty ? 0 : mean(shares)
  }

  static func rankCorrelation(_ a: [Double], _ b: [Double]) -> Double? {
    let (a, b) = (ranks(a), ranks(b))
    let (meanA, meanB) = (mean(a), mean(b))
    var (product, squareA, squareB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - meanA) * (y - meanB)
      squareA += (x - meanA) * (x - meanA)
      squareB += (y - meanB) * (y - meanB)
    }
    guard squareA > 0, squareB > 0 else { return nil }
    return product / (squareA.squareRoot() * squareB.squareRoot())
  }

  /// 1 for the least number; equal numbers share the mean of their ranks.
  /// - Complexity: O(n log n).
  static func ranks(_ numbers: [Double]) -> [Double] {
    let order = numbers.indices.sorted { numbers[$0] < numbers[$1] }
    var ranks = Array(repeating: 0.0, count: numbers.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, numbers[order[end]] == numbers[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }
}
