internal import BigInt

/// Rational enclosures of log₂ and 2^x, for features and outputs on a logarithmic scale.
///
/// Both work in integers with directed rounding; the enclosures are sound at every width, only their tightness
/// depends on it.
public enum BinaryLogarithm {
  /// Dyadic lower and upper bounds of log₂ `value`, at most 2^(1−`bits`) apart; equal when `value` is a power of two.
  ///
  /// The digits come from repeated squaring (Majithia and Levan, *IEEE Transactions on Computers* C-22, 1973), once
  /// with every step rounded down and once rounded up.
  /// - Precondition: `value` is positive and 1 ≤ `bits` ≤ 200.
  /// - Complexity: O(`bits`) multiplications of about 2·`bits` + 64 bits.
  public static func enclosure(of value: Rational, bits: Int = 60) -> ClosedRange<Rational> {
    precondition(value.isPositive && (1...200).contains(bits))
    let exponent = value.binaryExponent
    let mantissa = value.scaled(bits: -exponent)
    if mantissa == .one { return Rational(exponent)...Rational(exponent) }
    let width = bits + 64
    let low = digits(of: mantissa.scaledFloor(bits: width), bits: bits, width: width, roundUp: false)
    let high = digits(of: mantissa.scaledCeiling(bits: width), bits: bits, width: width, roundUp: true) + 1
    let unit = BigInt(1) << bits
    return (Rational(exponent) + Rational(low, unit))...(Rational(exponent) + Rational(high, unit))
  }

  /// The first `bits` binary digits of log₂(m / 2^width) for 1 ≤ m / 2^width ≤ 2.
  private static func digits(of start: BigInt, bits: Int, width: Int, roundUp: Bool) -> BigInt {
    let one = BigInt(1) << width
    let two = one << 1
    var m = start
    var result = BigInt(0)
    for _ in 0..<bits {
      var square = m * m
      if roundUp { square += one - 1 }
      m = square >> width
      result <<= 1
      if m >= two {
        result += 1
        if roundUp { m += 1 }
        // Rounding up can carry the mantissa to two exactly; the digits that follow are then all ones, and the unit
        // that the caller adds completes them.
        m >>= 1
      }
    }
    return result
  }

  /// Dyadic lower and upper bounds of 2^`exponent` with a relative width of about 2^−`bits`.
  ///
  /// The fractional part is taken apart into binary digits, and the square roots 2^(1/2), 2^(1/4), … of the digits
  /// that are one are multiplied with directed rounding.
  /// - Precondition: |`exponent`| ≤ 4096 and 1 ≤ `bits` ≤ 200.
  public static func power(_ exponent: Rational, bits: Int = 60) -> ClosedRange<Rational> {
    precondition(exponent.magnitude <= 4096 && (1...200).contains(bits))
    let whole = exponent.floor
    let fraction = exponent - Rational(whole)
    let shift = Int(whole)
    if fraction.isZero { return Rational.one.scaled(bits: shift)...Rational.one.scaled(bits: shift) }
    let width = bits + 32
    let one = BigInt(1) << width
    // 2^fraction lies between the products for the fraction's digits cut and for the cut plus one unit.
    let digitCount = bits + 8
    let cut = fraction.scaledFloor(bits: digitCount)
    var low = one
    var high = one
    var rootLow = one << 1
    var rootHigh = one << 1
    for position in stride(from: digitCount - 1, through: 0, by: -1) {
      rootLow = (rootLow << width).squareRoot()
      rootHigh = (rootHigh << width).squareRoot() + 1
      if (cut >> position) & 1 == 1 {
        low = (low * rootLow) >> width
        high = ((high * rootHigh) >> width) + 1
      }
    }
    // One more unit in the last digit multiplies by 2^(2^−digitCount) < 1 + 2^−digitCount.
    high += (high >> digitCount) + 1
    let unit = one
    return Rational(low, unit).scaled(bits: shift)...Rational(high, unit).scaled(bits: shift)
  }
}
