internal import BigInt
internal import ExactArithmetic

/// A number as sign and leading bits: |x| in [m, m + 1) · 2^e, or exactly m · 2^e. Enough to round x to any grid that
/// keeps at most 62 bits, without big integers in the inner loops.
struct Magnitude {
  let isNegative: Bool
  /// At most 62 bits.
  let m: UInt64
  var e: Int
  let isExact: Bool

  static let zero = Magnitude(isNegative: false, m: 0, e: 0, isExact: true)
  static let bits = 62

  init(isNegative: Bool, m: UInt64, e: Int, isExact: Bool) {
    self.isNegative = isNegative
    self.m = m
    self.e = e
    self.isExact = isExact
  }

  init(_ value: Dyadic) {
    let magnitude = value.mantissa.magnitude
    let excess = magnitude.bitWidth - Self.bits
    if excess <= 0 {
      self.init(isNegative: value.isNegative, m: UInt64(magnitude), e: value.exponent, isExact: true)
    } else {
      // An odd mantissa: the bits cut off are not all zero.
      self.init(
        isNegative: value.isNegative, m: UInt64(magnitude >> excess), e: value.exponent + excess, isExact: false)
    }
  }

  init(_ value: Rational) {
    if let dyadic = Dyadic(exactly: value) {
      self.init(dyadic)
      return
    }
    let magnitude = value.magnitude
    // 62 bits of the quotient: not dyadic, so never exact.
    let shift = Self.bits - 1 - (magnitude.numerator.bitWidth - magnitude.denominator.bitWidth)
    var m = magnitude.scaledFloor(bits: shift)
    var e = -shift
    while m.magnitude.bitWidth > Self.bits {
      m >>= 1
      e += 1
    }
    self.init(isNegative: value.isNegative, m: UInt64(m), e: e, isExact: false)
  }

  var isZero: Bool { m == 0 && isExact }

  /// The least E with |x| < 2^E; nil for zero.
  var top: Int? { m == 0 ? nil : 64 - m.leadingZeroBitCount + e }

  func scaled(bits: Int) -> Magnitude { Magnitude(isNegative: isNegative, m: m, e: e + bits, isExact: isExact) }

  /// ⌊x · 2^bits⌋ and whether that is exact; nil beyond 62 bits.
  func rounded(bits: Int) -> (low: Int64, isExact: Bool)? {
    guard m != 0 else { return (0, isExact) }
    let shift = e + bits
    let floor: UInt64
    let exact: Bool
    if shift >= 0 {
      guard 64 - m.leadingZeroBitCount + shift <= Self.bits else { return nil }
      floor = m << UInt64(shift)
      exact = isExact
    } else if shift <= -64 {
      floor = 0
      exact = false
    } else {
      floor = m >> UInt64(-shift)
      exact = isExact && floor << UInt64(-shift) == m
    }
    return (isNegative ? -Int64(floor) - (exact ? 0 : 1) : Int64(floor), exact)
  }
}
