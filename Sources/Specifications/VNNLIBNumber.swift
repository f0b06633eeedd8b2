internal import BigInt
internal import ExactArithmetic

/// Numbers of VNN-LIB: decimals with a point, without exponent and division (VNN-LIB 2.0, grammar; its parser takes
/// `1` for an integer and refuses to compare it with a real).
enum VNNLIBNumber {
  /// The most digits behind the point; numbers that need more are cleared like those that no decimal can write.
  static let maximumPlaces = 200

  /// The exact decimal, `-0.5` or `3.0`; nil when there is none with at most ``maximumPlaces`` digits behind the point.
  static func exact(_ value: Rational) -> String? {
    guard let places = places(of: value.denominator) else { return nil }
    return decimal(value.numerator * (BigInt(10).power(places) / value.denominator), places: places)
  }

  /// The greatest decimal of so many places that is not above `value`.
  static func below(_ value: Rational, places: Int) -> String {
    decimal((value * Rational(BigInt(10).power(places))).floor, places: places)
  }

  /// The least decimal of so many places that is not below `value`.
  static func above(_ value: Rational, places: Int) -> String {
    decimal((value * Rational(BigInt(10).power(places))).ceiling, places: places)
  }

  /// The least positive integer by which `values` must be multiplied so that each becomes a decimal.
  static func clearing(_ values: [Rational]) -> Rational {
    var factor = BigInt(1)
    for value in values where places(of: value.denominator) == nil {
      // The part of the denominator that no power of ten has; all of it when the decimal would be too long.
      var part = value.denominator
      while part % 2 == 0 { part /= 2 }
      while part % 5 == 0 { part /= 5 }
      if part == 1 { part = value.denominator }
      factor = factor / factor.greatestCommonDivisor(with: part) * part
      // What is left may still be too long.
      if places(of: (value * Rational(factor)).denominator) == nil {
        factor = factor / factor.greatestCommonDivisor(with: value.denominator) * value.denominator
      }
    }
    return Rational(factor)
  }

  /// How many digits behind the point 1/`denominator` needs.
  private static func places(of denominator: BigInt) -> Int? {
    var rest = denominator
    let twos = rest.trailingZeroBitCount
    rest >>= twos
    var fives = 0
    // Beyond the bound it does not matter by how much.
    while rest % 5 == 0, fives <= maximumPlaces {
      rest /= 5
      fives += 1
    }
    let places = max(twos, fives)
    return rest == 1 && places <= maximumPlaces ? places : nil
  }

  /// mantissa / 10^places with at least one digit on both sides of the point and no needless zeros.
  private static func decimal(_ mantissa: BigInt, places: Int) -> String {
    var digits = mantissa.magnitude.description
    if digits.utf8.count <= places { digits = String(repeating: "0", count: places + 1 - digits.utf8.count) + digits }
    let whole = digits.dropLast(places)
    var fraction = digits.suffix(places)
    while fraction.last == "0" { fraction.removeLast() }
    let sign = mantissa.sign == .minus && !mantissa.isZero ? "-" : ""
    return "\(sign)\(whole).\(fraction.isEmpty ? "0" : fraction)"
  }
}
