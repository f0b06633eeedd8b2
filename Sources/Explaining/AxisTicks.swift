internal import ExactArithmetic
internal import Foundation
internal import Specifications

/// Where an axis has its ticks: round numbers of the engineer's unit. For the eye alone: binary64.
struct AxisTicks {
  struct Tick {
    /// In the network's numbers.
    let position: Rational
    let label: String
  }

  let ticks: [Tick]

  /// - Parameters:
  ///   - range: In the network's numbers; on a logarithmic scale, logarithms.
  ///   - count: About how many.
  init(_ range: ClosedRange<Rational>, scale: Scale, count: Int) {
    let low = range.lowerBound.approximation
    let high = range.upperBound.approximation
    let isLogarithmic = scale == .log2 && abs(low) < 1000 && abs(high) < 1000
    let values = isLogarithmic ? Self.logarithmic(exp2(low), exp2(high), count) : Self.linear(low, high, count)
    let digits = Self.digits(values)
    let found = values.compactMap { value -> Tick? in
      guard value.isFinite, let number = Rational(exactly: value) else { return nil }
      guard let position = isLogarithmic ? Rational(exactly: log2(value)) : number, range.contains(position) else {
        return nil
      }
      // A logarithm that is too large to write stays one.
      let prefix = scale == .log2 && !isLogarithmic ? "2^" : ""
      return Tick(position: position, label: prefix + DecimalText.rounded(number, digits: digits))
    }
    // Numbers so close together that binary64 has no round ones between them: the ends.
    guard found.count < 2 else {
      ticks = found
      return
    }
    let ends = [range.lowerBound, range.upperBound]
    ticks = zip(ends, Labels.texts(ends, scale: scale)).map { Tick(position: $0, label: $1) }
  }

  /// Multiples of 1, 2 or 5 times a power of ten.
  private static func linear(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
    let width = high - low
    guard width > 0, width.isFinite, width > abs(high) * 1e-12 else { return [] }
    let raw = width / Double(count)
    let power = pow(10, floor(log10(raw)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw } ?? 10 * power
    let first = (low / step).rounded(.up)
    guard abs(first) < 1e15, step > 0 else { return [] }
    // At most `count` + 1 of them, as the step is at least a `count`-th of the width.
    return (0...(count + 1)).map { (first + Double($0)) * step }.filter { $0 <= high + step * 1e-9 }
  }

  /// 1, 2 and 5 times powers of ten, or powers alone when there are many; round numbers when there are few.
  private static func logarithmic(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
    guard low > 0, high.isFinite, high > low else { return [] }
    guard high / low > 6 else { return linear(low, high, count) }
    let (first, last) = (Int(floor(log10(low))), Int(ceil(log10(high))))
    let series = [[1.0, 2, 5], [1.0, 3], [1.0]].map { factors in
      (first...last).flatMap { exponent in factors.map { $0 * pow(10, Double(exponent)) } }
        .filter { $0 >= low && $0 <= high }
    }
    if let fitting = series.first(where: { $0.count <= count + 1 }) { return fitting }
    let powers = series[2]
    let stride = (powers.count + count - 1) / count
    return powers.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
  }

  /// Enough digits to tell the labels apart, and no rounding errors.
  private static func digits(_ values: [Double]) -> Int {
    let numbers = values.compactMap { Rational(exactly: $0) }
    for digits in 3...15 where Set(numbers.map { DecimalText.rounded($0, digits: digits) }).count == numbers.count {
      // One more than needed shows 0.125 as it is.
      let isClose = numbers.allSatisfy { number in
        guard let text = Rational(text: DecimalText.rounded(number, digits: digits)) else { return false }
        return (text - number).magnitude <= number.magnitude / 1_000_000_000
      }
      if isClose { return digits }
    }
    return 15
  }
}
