public import BigInt

/// An exact rational number in lowest terms with a positive denominator.
///
/// Every verdict is decided in this type or in integers derived from it; a binary floating-point number enters only
/// through ``init(exactly:)``, which reads it as the dyadic rational that it is, and leaves only through
/// ``approximation``, for people to read.
public struct Rational: Sendable, Hashable {
  /// The numerator; carries the sign.
  public let numerator: BigInt
  /// The denominator, always positive and coprime to the numerator.
  public let denominator: BigInt

  public static let zero = Rational(BigInt(0))
  public static let one = Rational(BigInt(1))

  public init(_ value: BigInt) {
    numerator = value
    denominator = 1
  }

  public init(_ value: Int) { self.init(BigInt(value)) }

  /// The quotient `numerator / denominator`, reduced.
  /// - Precondition: `denominator` is not zero.
  public init(_ numerator: BigInt, _ denominator: BigInt) {
    precondition(!denominator.isZero, "a rational number needs a denominator other than zero")
    guard !numerator.isZero else {
      self.numerator = 0
      self.denominator = 1
      return
    }
    // Powers of two go first, by shifts: most numbers here are dyadic, and the general divisor is slow.
    let twos = min(numerator.trailingZeroBitCount, denominator.trailingZeroBitCount)
    var n = twos == 0 ? numerator : numerator >> twos
    var d = twos == 0 ? denominator : denominator >> twos
    if d.sign == .minus {
      n = -n
      d = -d
    }
    let oddPart = d.trailingZeroBitCount == 0 ? d : d >> d.trailingZeroBitCount
    if oddPart != 1 {
      let divisor = n.greatestCommonDivisor(with: oddPart)
      if divisor != 1 {
        n /= divisor
        d /= divisor
      }
    }
    self.numerator = n
    self.denominator = d
  }

  /// The quotient of two integers, reduced.
  /// - Precondition: `denominator` is not zero.
  public init(_ numerator: Int, _ denominator: Int) { self.init(BigInt(numerator), BigInt(denominator)) }

  private init(reducedNumerator: BigInt, denominator: BigInt) {
    self.numerator = reducedNumerator
    self.denominator = denominator
  }

  /// The exact value of a finite binary64 number; nil for infinities and NaN.
  public init?(exactly value: Double) {
    guard let dyadic = Dyadic(exactly: value) else { return nil }
    self = dyadic.rational
  }

  public var isZero: Bool { numerator.isZero }
  public var isNegative: Bool { numerator.sign == .minus && !numerator.isZero }
  public var isPositive: Bool { numerator.sign == .plus && !numerator.isZero }
  public var isInteger: Bool { denominator == 1 }
  /// −1, 0 or 1.
  public var signum: Int { isZero ? 0 : (numerator.sign == .minus ? -1 : 1) }
  public var magnitude: Rational { isNegative ? -self : self }

  /// The reciprocal.
  /// - Precondition: the number is not zero.
  public var reciprocal: Rational { Rational(denominator, numerator) }

  /// The greatest integer not above the number.
  public var floor: BigInt {
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
    return remainder.sign == .minus && !remainder.isZero ? quotient - 1 : quotient
  }

  /// The least integer not below the number.
  public var ceiling: BigInt { -((-self).floor) }

  /// ⌊self · 2^`bits`⌋.
  public func scaledFloor(bits: Int) -> BigInt { scaled(bits: bits).floor }

  /// ⌈self · 2^`bits`⌉.
  public func scaledCeiling(bits: Int) -> BigInt { scaled(bits: bits).ceiling }

  /// The number times 2^`bits`, exactly.
  public func scaled(bits: Int) -> Rational {
    bits >= 0 ? Rational(numerator << bits, denominator) : Rational(numerator, denominator << (-bits))
  }

  /// The exponent e with 2^e ≤ |self| < 2^(e+1).
  /// - Precondition: the number is not zero.
  public var binaryExponent: Int {
    precondition(!isZero)
    let size = numerator.magnitude
    var exponent = size.bitWidth - denominator.magnitude.bitWidth
    let reaches =
      exponent >= 0
      ? size >= denominator.magnitude << exponent : size << (-exponent) >= denominator.magnitude
    if !reaches { exponent -= 1 }
    return exponent
  }

  /// A nearby binary64 number, correct to about 60 bits before its own rounding. For display and for heuristics;
  /// never a ground for a verdict. Values beyond the range of binary64 become infinite or zero.
  public var approximation: Double {
    guard !isZero else { return 0 }
    let exponent = binaryExponent
    let mantissa = scaled(bits: 62 - exponent).floor
    return Double(sign: .plus, exponent: exponent - 62, significand: Double(Int64(mantissa)))
  }

  public static prefix func - (value: Rational) -> Rational {
    Rational(reducedNumerator: -value.numerator, denominator: value.denominator)
  }

  public static func + (left: Rational, right: Rational) -> Rational {
    if left.denominator == right.denominator {
      return Rational(left.numerator + right.numerator, left.denominator)
    }
    return Rational(
      left.numerator * right.denominator + right.numerator * left.denominator, left.denominator * right.denominator)
  }

  public static func - (left: Rational, right: Rational) -> Rational { left + (-right) }

  public static func * (left: Rational, right: Rational) -> Rational {
    Rational(left.numerator * right.numerator, left.denominator * right.denominator)
  }

  /// - Precondition: `right` is not zero.
  public static func / (left: Rational, right: Rational) -> Rational { left * right.reciprocal }

  public static func += (left: inout Rational, right: Rational) { left = left + right }
  public static func -= (left: inout Rational, right: Rational) { left = left - right }
  public static func *= (left: inout Rational, right: Rational) { left = left * right }
}

extension Rational: Comparable {
  public static func < (left: Rational, right: Rational) -> Bool {
    left.numerator * right.denominator < right.numerator * left.denominator
  }
}

extension Rational: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self.init(value) }
}

extension Rational: CustomStringConvertible {
  /// `"n"` for an integer, `"n/d"` otherwise: the form of every rational in our files.
  public var description: String { isInteger ? "\(numerator)" : "\(numerator)/\(denominator)" }
}

extension Rational {
  /// The longest text that ``init(text:)`` reads, in characters.
  public static let maximumTextLength = 4096
  /// The largest magnitude of a decimal exponent that ``init(text:)`` reads.
  public static let maximumDecimalExponent = 400

  /// Reads `-12`, `3.25`, `1e-3`, `2.5E+6` and `7/3` exactly. Nothing else is a number: no spaces, no `inf`, no
  /// hexadecimal. Returns nil on any other text, a zero denominator, a text of more than ``maximumTextLength``
  /// characters or a decimal exponent beyond ±``maximumDecimalExponent``.
  public init?(text: some StringProtocol) {
    guard text.utf8.count <= Self.maximumTextLength else { return nil }
    if let slash = text.firstIndex(of: "/") {
      guard let numerator = Self.integer(text[..<slash], signed: true),
        let denominator = Self.integer(text[text.index(after: slash)...], signed: false), !denominator.isZero
      else { return nil }
      self.init(numerator, denominator)
      return
    }
    var rest = Substring(text)
    var negative = false
    if let first = rest.first, first == "-" || first == "+" {
      negative = first == "-"
      rest = rest.dropFirst()
    }
    var exponent = 0
    if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      let digits = rest[rest.index(after: mark)...]
      guard digits.utf8.count <= 5, let value = Self.integer(digits, signed: true) else { return nil }
      exponent = Int(value)
      guard abs(exponent) <= Self.maximumDecimalExponent else { return nil }
      rest = rest[..<mark]
    }
    let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty else { return nil }
    let fraction = parts.count == 2 ? parts[1] : ""
    guard parts.count == 1 || !fraction.isEmpty, let digits = Self.integer(whole + fraction, signed: false) else {
      return nil
    }
    exponent -= fraction.utf8.count
    let magnitude =
      exponent >= 0
      ? Rational(digits * BigInt(10).power(exponent)) : Rational(digits, BigInt(10).power(-exponent))
    self = negative ? -magnitude : magnitude
  }

  private static func integer(_ text: some StringProtocol, signed: Bool) -> BigInt? {
    var digits = Substring(text)
    var negative = false
    if signed, let first = digits.first, first == "-" || first == "+" {
      negative = first == "-"
      digits = digits.dropFirst()
    }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let value = BigInt(String(digits))
    else { return nil }
    return negative ? -value : value
  }
}
