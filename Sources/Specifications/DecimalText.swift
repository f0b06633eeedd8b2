internal import BigInt
public import ExactArithmetic

/// Numbers for people, rounded and written in exact arithmetic.
public enum DecimalText {
  /// The number as a decimal if twelve digits behind the point suffice, else as `n/d`.
  public static func exact(_ value: Rational) -> String {
    let scaled = value * Rational(1_000_000_000_000)
    guard scaled.isInteger else { return value.description }
    return pointed(digits: scaled.magnitude.description, exponent: -12, isNegative: value.isNegative)
  }

  /// The number rounded to `digits` significant digits, half away from zero: `0.412`, `205.9`, `6e+10`.
  /// - Precondition: 1 ≤ `digits` ≤ 30.
  public static func rounded(_ value: Rational, digits: Int = 6) -> String {
    precondition((1...30).contains(digits))
    guard !value.isZero else { return "0" }
    var exponent = decimalExponent(of: value.magnitude)
    var mantissa = "\((value.magnitude * power(digits - 1 - exponent) + .one / 2).floor)"
    // Rounding up can carry into one more digit, which is then a zero.
    if mantissa.utf8.count > digits {
      mantissa.removeLast()
      exponent += 1
    }
    guard (-5..<9).contains(exponent) else {
      let number = pointed(digits: mantissa, exponent: 1 - digits, isNegative: value.isNegative)
      return number + (exponent < 0 ? "e-" : "e+") + String(abs(exponent))
    }
    return pointed(digits: mantissa, exponent: exponent + 1 - digits, isNegative: value.isNegative)
  }

  /// The most digits behind the point that ``terminating(_:)`` writes.
  public static let maximumPlaces = 1200

  /// The number as a decimal without an exponent, exactly; nil when it has none of at most ``maximumPlaces`` places.
  public static func terminating(_ value: Rational) -> String? {
    // The denominator is 2^twos · 5^fives or there is no such decimal.
    var rest = value.denominator
    let twos = rest.trailingZeroBitCount
    guard twos <= maximumPlaces else { return nil }
    rest >>= twos
    var fives = 0
    while rest > 1 {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 5)
      guard remainder.isZero, fives < maximumPlaces else { return nil }
      rest = quotient
      fives += 1
    }
    let places = max(twos, fives)
    return pointed(
      digits: (value.magnitude * power(places)).description, exponent: -places, isNegative: value.isNegative)
  }

  /// The number rounded to `digits` significant digits, half away from zero, as a decimal without an exponent.
  /// - Precondition: 1 ≤ `digits` ≤ 100.
  public static func plain(_ value: Rational, digits: Int) -> String {
    precondition((1...100).contains(digits))
    guard !value.isZero else { return "0" }
    let exponent = decimalExponent(of: value.magnitude)
    let mantissa = (value.magnitude * power(digits - 1 - exponent) + .one / 2).floor
    return pointed(digits: "\(mantissa)", exponent: exponent + 1 - digits, isNegative: value.isNegative)
  }

  /// Two numbers with as few digits, from `digits` to 24, as tell them apart.
  static func pair(_ first: Rational, _ second: Rational, digits: Int) -> (String, String) {
    var count = digits
    while count < 24, first != second, rounded(first, digits: count) == rounded(second, digits: count) { count += 1 }
    return (rounded(first, digits: count), rounded(second, digits: count))
  }

  /// The exponent e with 10^e ≤ `value` < 10^(e+1).
  /// - Precondition: `value` is positive.
  private static func decimalExponent(of value: Rational) -> Int {
    // 0.30103 is log₁₀ 2 to five digits; the estimate is off by at most a few for the exponents that occur, and the
    // loops make it exact.
    var exponent = value.binaryExponent * 30103 / 100_000
    while power(exponent) > value { exponent -= 1 }
    while power(exponent + 1) <= value { exponent += 1 }
    return exponent
  }

  private static func power(_ exponent: Int) -> Rational {
    var result = Rational.one
    var square = Rational(10)
    var rest = exponent.magnitude
    while rest > 0 {
      if rest & 1 == 1 { result = result * square }
      square = square * square
      rest >>= 1
    }
    return exponent < 0 ? result.reciprocal : result
  }

  /// digits · 10^exponent without needless zeros.
  private static func pointed(digits: String, exponent: Int, isNegative: Bool) -> String {
    var text = digits
    if exponent >= 0 {
      text += String(repeating: "0", count: exponent)
    } else {
      let places = -exponent
      if text.count <= places { text = String(repeating: "0", count: places + 1 - text.count) + text }
      let whole = text.dropLast(places)
      var fraction = text.suffix(places)
      while fraction.last == "0" { fraction.removeLast() }
      text = fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
    }
    return (isNegative ? "-" : "") + text
  }
}
