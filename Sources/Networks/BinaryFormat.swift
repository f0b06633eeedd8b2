internal import BigInt
internal import ExactArithmetic

/// A binary floating-point format of IEEE 754-2019, §3.3, with rounding to nearest.
public enum BinaryFormat: String, Sendable, Hashable, CaseIterable {
  case binary32
  case binary64

  /// Bits of the significand, the hidden one included.
  public var precision: Int { self == .binary32 ? 24 : 53 }
  /// 2^`leastExponent` is the least positive normal number.
  public var leastExponent: Int { self == .binary32 ? -126 : -1022 }
  /// 2^`greatestExponent` is the greatest power of two.
  public var greatestExponent: Int { self == .binary32 ? 127 : 1023 }

  /// The unit roundoff u = 2^−precision.
  var unitRoundoff: Dyadic { Dyadic(mantissa: 1, exponent: -precision) }
  var leastNormal: Dyadic { Dyadic(mantissa: 1, exponent: leastExponent) }
  var greatestFinite: Dyadic {
    Dyadic(mantissa: (BigInt(1) << precision) - 1, exponent: greatestExponent - precision + 1)
  }

  /// The number of this format that a stored number becomes; nil when it overflows.
  /// - Precondition: `value` is finite.
  func nearest(_ value: Double) -> Double? {
    switch self {
    case .binary64: return value
    case .binary32:
      let rounded = Float(value)
      return rounded.isFinite ? Double(rounded) : nil
    }
  }
}

extension Dyadic {
  var magnitude: Dyadic { isNegative ? -self : self }

  /// The exponent e of the least power of two 2^e that is not below |self|.
  /// - Precondition: the number is not zero.
  var ceilingExponent: Int {
    let width = mantissa.magnitude.bitWidth
    // Mantissas are odd, so only 1 is a power of two.
    return exponent + (width == 1 ? 0 : width)
  }

  /// Whether the number is a multiple of 2^`unit`.
  func isMultiple(ofPower unit: Int) -> Bool { isZero || exponent >= unit }

  /// The number with at most `bits` significant bits, not closer to zero (`outwards`) or not farther from it.
  func shortened(bits: Int, outwards: Bool) -> Dyadic {
    let width = mantissa.magnitude.bitWidth
    guard width > bits else { return self }
    let shift = width - bits
    // On the magnitude, so that the shift cuts towards zero whatever the sign.
    var cut = BigInt(mantissa.magnitude >> shift)
    if outwards { cut += 1 }
    return Dyadic(mantissa: isNegative ? -cut : cut, exponent: exponent + shift)
  }
}
