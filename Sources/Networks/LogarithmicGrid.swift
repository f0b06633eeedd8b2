internal import BigInt
internal import ExactArithmetic

/// Maps an engineer's number v to the multiple of 2^`exponent` that is nearest to log₂ v.
///
/// The map is a table of thresholds, computed on demand: T(m) is a rational lower bound of 2^((m − ½)·2^`exponent`),
/// less than 2⁻¹⁹⁰ of it below, and v is mapped to the greatest m with T(m) ≤ v. Thresholds rise with m, so the map is
/// monotone by construction. It is the exact rounding of log₂ v unless v lies between T(m) and the power itself; the
/// power is irrational (m − ½ is no multiple of 2^−`exponent` for `exponent` ≤ 0), so there are no ties.
struct LogarithmicGrid: Sendable, Hashable {
  /// The spacing of the logarithm is 2^`exponent`.
  let exponent: Int

  /// Spacings from 2⁻⁵¹, so that every multiple up to log₂ of the greatest number fits 64 bits, to 1, above which
  /// thresholds would be integers and have ties.
  static let exponents = -51...0

  /// Fractional bits of the enclosures of thresholds.
  static let thresholdBits = 200

  init?(exponent: Int) {
    guard Self.exponents.contains(exponent) else { return nil }
    self.exponent = exponent
  }

  /// T(m).
  /// - Precondition: |m·2^`exponent`| ≤ 2048.
  func threshold(_ multiple: Int) -> Rational {
    let half = Rational(2 * multiple - 1).scaled(bits: exponent - 1)
    return BinaryLogarithm.power(half, bits: Self.thresholdBits).lowerBound
  }

  /// The greatest m with T(m) ≤ `value`.
  ///
  /// An enclosure of log₂ `value` of 2^(`exponent` − 15) leaves one m or two neighbours; only between two is a threshold
  /// needed. Where it leaves one, log₂ `value` is at least one unit of the enclosure below the next threshold's
  /// logarithm, which is far more than the threshold's own error: the answer is the same.
  /// - Precondition: `value` is positive and finite.
  func multiple(nearestTo value: Double) -> Int {
    guard let exact = Rational(exactly: value), exact.isPositive else {
      preconditionFailure("only positive numbers have a logarithm")
    }
    let logarithm = BinaryLogarithm.enclosure(of: exact, bits: 16 - exponent)
    let half = Rational(1, 2)
    // |log₂| ≤ 1074 and at most 51 fractional bits: 62 bits.
    let least = Int((logarithm.lowerBound.scaled(bits: -exponent) + half).floor)
    let greatest = Int((logarithm.upperBound.scaled(bits: -exponent) + half).floor)
    return least == greatest || exact < threshold(greatest) ? least : greatest
  }
}
