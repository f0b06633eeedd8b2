import BigInt
import ExactArithmetic
import Testing

@Suite struct DyadicTests {
  @Test(arguments: [
    (1.0, "1", 0), (-1.0, "-1", 0), (0.0, "0", 0), (-0.0, "0", 0), (6.0, "3", 1), (-0.75, "-3", -2),
    (0.1, "3602879701896397", -55), (Double.leastNonzeroMagnitude, "1", -1074),
    (-3 * Double.leastNonzeroMagnitude, "-3", -1074), (Double.leastNormalMagnitude, "1", -1022),
    (Double.leastNormalMagnitude.nextDown, "4503599627370495", -1074),
    (Double.greatestFiniteMagnitude, "9007199254740991", 971),
  ])
  func everyKindOfDoubleHasItsOddMantissa(value: Double, mantissa: String, exponent: Int) throws {
    let dyadic = try #require(Dyadic(exactly: value))
    #expect(dyadic.mantissa == BigInt(mantissa))
    #expect(dyadic.exponent == exponent)
    #expect(dyadic.double == value)
    #expect(dyadic.rational == Rational(exactly: value))
  }

  @Test func infinitiesAndNaNAreNoDyadics() {
    #expect(Dyadic(exactly: Double.infinity) == nil)
    #expect(Dyadic(exactly: -Double.infinity) == nil)
    #expect(Dyadic(exactly: Double.nan) == nil)
  }

  @Test func onlyNumbersThatBinary64HoldsConvertBack() {
    #expect(Dyadic(mantissa: (BigInt(1) << 53) + 1, exponent: 0).double == nil)
    #expect(Dyadic(mantissa: (BigInt(1) << 53) + 2, exponent: 0).double == 9_007_199_254_740_994)
    #expect(Dyadic(mantissa: 1, exponent: 1023).double == 0x1p1023)
    #expect(Dyadic(mantissa: 1, exponent: 1024).double == nil)
    #expect(Dyadic(mantissa: 3, exponent: 1023).double == nil)
    #expect(Dyadic(mantissa: 1, exponent: -1074).double == .leastNonzeroMagnitude)
    #expect(Dyadic(mantissa: 1, exponent: -1075).double == nil)
    #expect(Dyadic(mantissa: -((BigInt(1) << 53) - 1), exponent: 971).double == -.greatestFiniteMagnitude)
    #expect(Dyadic(mantissa: -((BigInt(1) << 53) - 1), exponent: 972).double == nil)
  }

  @Test func rationalsConvertOnlyWithAPowerOfTwoBelow() {
    #expect(Dyadic(exactly: Rational(-3, 8)) == Dyadic(mantissa: -3, exponent: -3))
    #expect(Dyadic(exactly: Rational(12)) == Dyadic(mantissa: 3, exponent: 2))
    #expect(Dyadic(exactly: Rational(1, 3)) == nil)
    #expect(Dyadic(exactly: Rational(1, 6)) == nil)
    #expect(Dyadic(exactly: .zero) == .zero)
  }

  @Test func equalNumbersAreEqualAndHashEqually() {
    #expect(Dyadic(mantissa: -12, exponent: 3) == Dyadic(mantissa: -3, exponent: 5))
    #expect(Set([Dyadic(mantissa: 8, exponent: -3), .one, Dyadic(1)]).count == 1)
    #expect(Dyadic(mantissa: 0, exponent: 17) == .zero)
    #expect(Dyadic(3) - Dyadic(3) == .zero)
    #expect(-Dyadic.zero == .zero)
    #expect(Dyadic(3).scaled(bits: -2).description == "3/4")
  }

  @Test(arguments: [UInt64(11), 12])
  func arithmeticAgreesWithRationals(seed: UInt64) throws {
    print("seed \(seed)")
    var random = RandomNumbers(seed: seed)
    for _ in 0..<150 {
      let (x, y) = (random.double(), random.double())
      let (a, b) = (try #require(Dyadic(exactly: x)), try #require(Dyadic(exactly: y)))
      #expect(a.double == x)
      #expect((a + b).rational == a.rational + b.rational)
      #expect((a - b).rational == a.rational - b.rational)
      #expect((a * b).rational == a.rational * b.rational)
      #expect((a < b) == (x < y))
      #expect(a + b - b == a)
      #expect(Dyadic(exactly: a.rational) == a)
      // Odd mantissas only.
      for value in [a + b, a * b] where !value.isZero { #expect(value.mantissa.trailingZeroBitCount == 0) }
    }
  }
}
