public import BigInt

/// A dyadic rational, mantissa · 2^exponent, with an odd mantissa (or zero with exponent 0).
///
/// Sums and products of dyadics need no greatest common divisor, which makes them the type of exact forward passes:
/// every finite binary32 or binary64 number is one (IEEE 754-2019, §3.3).
public struct Dyadic: Sendable, Hashable {
  public let mantissa: BigInt
  public let exponent: Int

  public static let zero = Dyadic(mantissa: 0, exponent: 0)
  public static let one = Dyadic(mantissa: 1, exponent: 0)

  /// mantissa · 2^exponent, normalised.
  public init(mantissa: BigInt, exponent: Int) {
    guard !mantissa.isZero else {
      self.mantissa = 0
      self.exponent = 0
      return
    }
    let shift = mantissa.trailingZeroBitCount
    self.mantissa = shift == 0 ? mantissa : mantissa >> shift
    self.exponent = exponent + shift
  }

  public init(_ value: Int) { self.init(mantissa: BigInt(value), exponent: 0) }

  /// The exact value of a finite binary64 number; nil for infinities and NaN. Both zeros become zero.
  public init?(exactly value: Double) {
    guard value.isFinite else { return nil }
    guard value != 0 else {
      self = .zero
      return
    }
    let bits = value.significandBitPattern
    let biased = Int(value.exponentBitPattern)
    let significand = biased == 0 ? bits : bits | (1 << 52)
    let exponent = (biased == 0 ? 1 : biased) - 1075
    let mantissa = BigInt(significand)
    self.init(mantissa: value.sign == .minus ? -mantissa : mantissa, exponent: exponent)
  }

  /// The number as a dyadic if its denominator is a power of two, nil otherwise.
  public init?(exactly value: Rational) {
    let shift = value.denominator.trailingZeroBitCount
    guard value.denominator == BigInt(1) << shift else { return nil }
    self.init(mantissa: value.numerator, exponent: -shift)
  }

  public var isZero: Bool { mantissa.isZero }
  public var isNegative: Bool { mantissa.sign == .minus && !mantissa.isZero }

  public var rational: Rational {
    exponent >= 0 ? Rational(mantissa << exponent) : Rational(mantissa, BigInt(1) << (-exponent))
  }

  /// The number as binary64 if that is exact, nil otherwise.
  public var double: Double? {
    guard !isZero else { return 0 }
    guard mantissa.magnitude.bitWidth <= 53 else { return nil }
    let top = exponent + mantissa.magnitude.bitWidth
    guard top <= 1024, exponent >= -1074 else { return nil }
    return Double(sign: .plus, exponent: exponent, significand: Double(Int64(mantissa)))
  }

  /// A nearby binary64 number, for display and heuristics.
  public var approximation: Double { double ?? rational.approximation }

  /// The number times 2^`bits`.
  public func scaled(bits: Int) -> Dyadic {
    isZero ? self : Dyadic(mantissa: mantissa, exponent: exponent + bits)
  }

  public static prefix func - (value: Dyadic) -> Dyadic {
    Dyadic(mantissa: -value.mantissa, exponent: value.exponent)
  }

  public static func + (left: Dyadic, right: Dyadic) -> Dyadic {
    if left.isZero { return right }
    if right.isZero { return left }
    if left.exponent <= right.exponent {
      return Dyadic(
        mantissa: left.mantissa + (right.mantissa << (right.exponent - left.exponent)), exponent: left.exponent)
    }
    return right + left
  }

  public static func - (left: Dyadic, right: Dyadic) -> Dyadic { left + (-right) }

  public static func * (left: Dyadic, right: Dyadic) -> Dyadic {
    if left.isZero || right.isZero { return .zero }
    return Dyadic(mantissa: left.mantissa * right.mantissa, exponent: left.exponent + right.exponent)
  }

  public static func += (left: inout Dyadic, right: Dyadic) { left = left + right }
}

extension Dyadic: Comparable {
  public static func < (left: Dyadic, right: Dyadic) -> Bool { (left - right).isNegative }
}

extension Dyadic: CustomStringConvertible {
  public var description: String { rational.description }
}
