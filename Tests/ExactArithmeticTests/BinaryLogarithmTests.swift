import BigInt
import ExactArithmetic
import Testing

@Suite struct BinaryLogarithmTests {
  @Test(arguments: [-1030, -1, 0, 1, 7, 1030])
  func powersOfTwoAreExact(exponent: Int) {
    let value = Rational.one.scaled(bits: exponent)
    #expect(BinaryLogarithm.enclosure(of: value) == Rational(exponent)...Rational(exponent))
    #expect(BinaryLogarithm.power(Rational(exponent)) == value...value)
  }

  /// log₂ 10 and √2 to fifty decimals (OEIS A020862, A002193), each cut and cut plus one unit.
  @Test(arguments: [1, 8, 30, 60, 120, 150])
  func knownConstantsAreEnclosed(bits: Int) throws {
    let ten = BinaryLogarithm.enclosure(of: 10, bits: bits)
    #expect(ten.lowerBound <= (try #require(Rational(text: "3.32192809488736234787031942948939017586483139302459"))))
    #expect(ten.upperBound >= (try #require(Rational(text: "3.32192809488736234787031942948939017586483139302458"))))
    let root = BinaryLogarithm.power(Rational(1, 2), bits: bits)
    #expect(root.lowerBound <= (try #require(Rational(text: "1.41421356237309504880168872420969807856967187537695"))))
    #expect(root.upperBound >= (try #require(Rational(text: "1.41421356237309504880168872420969807856967187537694"))))
  }

  @Test func squaresOfRootsEncloseWhatTheyAreRootsOf() {
    for exponent in [Rational(1, 2), Rational(-7, 2), Rational(31, 2)] {
      for bits in [1, 10, 60, 200] {
        let root = BinaryLogarithm.power(exponent, bits: bits)
        let truth = Rational.one.scaled(bits: Int((exponent * 2).numerator))
        #expect(root.lowerBound * root.lowerBound <= truth && truth <= root.upperBound * root.upperBound)
      }
    }
    // 2^(1/3) and 2^(2/7): no binary digit string that ends.
    let third = BinaryLogarithm.power(Rational(1, 3))
    #expect(compare(third.lowerBound, 3, 1) <= 0 && compare(third.upperBound, 3, 1) >= 0)
    let sevenths = BinaryLogarithm.power(Rational(2, 7))
    #expect(compare(sevenths.lowerBound, 7, 2) <= 0 && compare(sevenths.upperBound, 7, 2) >= 0)
  }

  /// 2^(p/q) is checked by its q-th power, and log₂ of a rational by comparing powers: both in exact arithmetic, with
  /// no use of the functions under test.
  @Test(arguments: [UInt64(21), 22])
  func powersEncloseTheTruthAndAreTight(seed: UInt64) {
    print("seed \(seed)")
    var random = RandomNumbers(seed: seed)
    for _ in 0..<60 {
      let q = Int.random(in: 2...12, using: &random)
      let p = Int.random(in: -200...200, using: &random)
      let bits = Int.random(in: 1...100, using: &random)
      let found = BinaryLogarithm.power(Rational(p, q), bits: bits)
      #expect(compare(found.lowerBound, q, p) <= 0, "p \(p) q \(q) bits \(bits)")
      #expect(compare(found.upperBound, q, p) >= 0, "p \(p) q \(q) bits \(bits)")
      #expect(
        found.upperBound - found.lowerBound <= found.lowerBound.scaled(bits: 1 - bits), "p \(p) q \(q) bits \(bits)")
    }
  }

  @Test(arguments: [UInt64(31), 32])
  func logarithmsEncloseTheTruthAndAreTight(seed: UInt64) {
    print("seed \(seed)")
    var random = RandomNumbers(seed: seed)
    for _ in 0..<60 {
      let value = random.rational().magnitude + Rational(1, 1 << 20)
      // With few bits the bounds are n/2^bits, and 2^n ≤ value^(2^bits) is decided exactly.
      let bits = Int.random(in: 1...7, using: &random)
      let found = BinaryLogarithm.enclosure(of: value, bits: bits)
      let (low, high) = (found.lowerBound.scaled(bits: bits), found.upperBound.scaled(bits: bits))
      #expect(low.isInteger && high.isInteger)
      #expect(compare(value, 1 << bits, Int(low.numerator)) >= 0)
      #expect(compare(value, 1 << bits, Int(high.numerator)) <= 0)
      #expect(found.upperBound - found.lowerBound <= Rational.one.scaled(bits: 1 - bits))
    }
  }

  @Test(arguments: [UInt64(41), 42])
  func powersOfLogarithmsReturnToTheValue(seed: UInt64) {
    print("seed \(seed)")
    var random = RandomNumbers(seed: seed)
    for _ in 0..<60 {
      let value = random.rational().magnitude + Rational(1, 1 << 20)
      let bits = Int.random(in: 1...120, using: &random)
      let found = BinaryLogarithm.enclosure(of: value, bits: bits)
      #expect(BinaryLogarithm.power(found.lowerBound, bits: bits).lowerBound <= value)
      #expect(value <= BinaryLogarithm.power(found.upperBound, bits: bits).upperBound)
      #expect(found.upperBound - found.lowerBound <= Rational.one.scaled(bits: 1 - bits))
      // A finer enclosure never contradicts a coarser one.
      let fine = BinaryLogarithm.enclosure(of: value, bits: bits + 40)
      #expect(found.lowerBound <= fine.upperBound && fine.lowerBound <= found.upperBound)
    }
  }

  @Test func numbersNextToPowersOfTwoAreEnclosed() {
    let small = Rational.one.scaled(bits: -300)
    for value in [1 + small, 1 - small, 2 - small, 2 + small] {
      for bits in [1, 60, 200] {
        let found = BinaryLogarithm.enclosure(of: value, bits: bits)
        let nearest = value < Rational(3, 2) ? Rational.zero : .one
        let isAbove = value > Rational.one.scaled(bits: Int(nearest.numerator))
        #expect(isAbove ? found.upperBound > nearest : found.lowerBound < nearest)
        #expect(found.contains(nearest))
      }
    }
  }

  /// −1, 0 or 1: how value^`power` compares with 2^`exponent`, in integers.
  private func compare(_ value: Rational, _ power: Int, _ exponent: Int) -> Int {
    let left = value.numerator.power(power) << max(0, -exponent)
    let right = value.denominator.power(power) << max(0, exponent)
    return left < right ? -1 : (left == right ? 0 : 1)
  }
}
