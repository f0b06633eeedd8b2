import BigInt
import ExactArithmetic
import Testing

@Suite struct RationalTests {
  @Test(arguments: [
    ("0", 0, 1), ("-0", 0, 1), ("12", 12, 1), ("+12", 12, 1), ("-12", -12, 1), ("007", 7, 1), ("3.25", 13, 4),
    ("-0.5", -1, 2), ("1e-3", 1, 1000), ("2.5E+6", 2_500_000, 1), ("1e0", 1, 1), ("-1.50e1", -15, 1), ("7/3", 7, 3),
    ("-6/4", -3, 2), ("0/9", 0, 1), ("0.1", 1, 10), ("0e400", 0, 1), ("1e00001", 10, 1),
  ])
  func readsEveryFormOfANumberExactly(text: String, numerator: Int, denominator: Int) throws {
    let value = try #require(Rational(text: text))
    #expect(value.numerator == BigInt(numerator))
    #expect(value.denominator == BigInt(denominator))
  }

  @Test(arguments: [
    "", " ", "-", "+", ".", "1.", ".5", "1.e3", "e3", "1e", "1e+", "1e1.5", "1e401", "1e-401", "1e000001", "--1", "+-1",
    "1 ", " 1", "1_000", "1,5", "0x10", "inf", "nan", "NaN", "1/0", "1/-2", "1/", "/2", "1/2/3", "1/2e3", "1.5/2",
    "1.2.3",
    "１", "1\u{0}", "1e\u{301}3", "٣", "1\n",
  ])
  func refusesEveryOtherText(text: String) {
    #expect(Rational(text: text) == nil)
  }

  @Test func refusesTextsBeyondItsBoundOnly() {
    let longest = String(repeating: "1", count: Rational.maximumTextLength)
    #expect(Rational(text: longest)?.numerator == BigInt(longest))
    #expect(Rational(text: longest + "1") == nil)
    #expect(Rational(text: "1e400")?.numerator == BigInt(10).power(400))
    #expect(Rational(text: "1e-400")?.denominator == BigInt(10).power(400))
  }

  @Test(arguments: [
    (-7, 2, -4, -3), (7, 2, 3, 4), (-6, 2, -3, -3), (6, 2, 3, 3), (-1, 3, -1, 0), (1, 3, 0, 1), (0, 5, 0, 0),
    (-1, 1, -1, -1),
  ])
  func floorAndCeilingAreTheNearestIntegers(numerator: Int, denominator: Int, floor: Int, ceiling: Int) {
    let value = Rational(numerator, denominator)
    #expect(value.floor == BigInt(floor))
    #expect(value.ceiling == BigInt(ceiling))
  }

  @Test func scalingByPowersOfTwoRoundsDownOrUp() {
    #expect(Rational(-1, 3).scaledFloor(bits: 4) == -6)
    #expect(Rational(-1, 3).scaledCeiling(bits: 4) == -5)
    #expect(Rational(100, 3).scaledFloor(bits: -3) == 4)
    #expect(Rational(100, 3).scaledCeiling(bits: -3) == 5)
    #expect(Rational(3, 8).scaled(bits: 3) == 3)
    #expect(Rational(3).scaled(bits: -3) == Rational(3, 8))
  }

  @Test func formIsReducedWithAPositiveDenominator() {
    #expect(Rational(6, -4).description == "-3/2")
    #expect(Rational(-6, -3).description == "2")
    #expect(Rational(0, -3).description == "0")
    #expect(Rational(0, -3) == 0 && Rational(0, -3).hashValue == Rational.zero.hashValue)
    #expect(-Rational.zero == .zero)
    #expect(Rational(-2, 3).reciprocal.description == "-3/2")
    #expect(Rational(-2, 3).signum == -1 && Rational.zero.signum == 0 && Rational(1, 9).signum == 1)
  }

  @Test(arguments: [
    (1, 1, 0), (2, 1, 1), (3, 1, 1), (4, 1, 2), (1, 2, -1), (3, 4, -1), (1, 3, -2), (-1, 3, -2), (-8, 1, 3), (7, 8, -1),
    (9, 8, 0),
  ])
  func binaryExponentBracketsTheMagnitude(numerator: Int, denominator: Int, exponent: Int) {
    #expect(Rational(numerator, denominator).binaryExponent == exponent)
  }

  @Test(arguments: [UInt64(1), 2])
  func fieldLawsHoldOnRandomNumbers(seed: UInt64) {
    print("seed \(seed)")
    var random = RandomNumbers(seed: seed)
    for _ in 0..<300 {
      let (a, b, c) = (random.rational(), random.rational(), random.rational())
      #expect((a + b) + c == a + (b + c))
      #expect(a * (b + c) == a * b + a * c)
      #expect(a - b == -(b - a))
      #expect(a + b - b == a)
      if !b.isZero { #expect(a / b * b == a) }
      #expect((a < b) == (b - a).isPositive)
      #expect(Rational(a.floor) <= a && a < Rational(a.floor) + 1)
      #expect(Rational(a.ceiling) >= a && a > Rational(a.ceiling) - 1)
      #expect(a.description.split(separator: "/").count <= 2 && Rational(text: a.description) == a)
      if !a.isZero {
        let unit = Rational.one.scaled(bits: a.binaryExponent)
        #expect(unit <= a.magnitude && a.magnitude < unit + unit)
      }
    }
  }

  @Test func approximationIsTheNearestNumberOfExactOnes() {
    for value in [
      1, -1, 0.1, -0.1, 1e300, .leastNonzeroMagnitude, -0x1.8p-1030, .greatestFiniteMagnitude, 0x1.fffffffffffffp-1022,
      0,
    ] {
      #expect(Rational(exactly: value)?.approximation == value)
    }
    #expect(Rational(1, 3).approximation == 1.0 / 3)
    #expect(Rational(-2, 3).approximation == -2.0 / 3)
    #expect(Rational.one.scaled(bits: 5000).approximation == .infinity)
    #expect((-Rational.one).scaled(bits: 5000).approximation == -.infinity)
    #expect(Rational.one.scaled(bits: -5000).approximation == 0)
  }

  @Test(arguments: [UInt64(3)])
  func approximationIsWithinOneUnitOfRandomNumbers(seed: UInt64) throws {
    print("seed \(seed)")
    var random = RandomNumbers(seed: seed)
    for _ in 0..<300 {
      let value = random.rational()
      let low = try #require(Rational(exactly: value.approximation.nextDown))
      let high = try #require(Rational(exactly: value.approximation.nextUp))
      #expect(low < value && value < high)
    }
  }

  @Test func infinitiesAndNaNAreNoRationals() {
    #expect(Rational(exactly: .infinity) == nil)
    #expect(Rational(exactly: -.infinity) == nil)
    #expect(Rational(exactly: .nan) == nil)
    #expect(Rational(exactly: -0.0) == .zero)
  }
}

@Suite struct LinearFormTests {
  @Test func rangeOverABoxIsAttainedAtItsCorners() {
    let form = LinearForm(coefficients: [2, Rational(-1, 3), 0], constant: 1)
    #expect(form.range(over: [-1...2, 0...3, 0...100]) == (-2)...5)
    #expect(form.value(at: [-1, 3, 7]) == -2)
    #expect(form.value(at: [2, 0, 7]) == 5)
  }

  @Test func sumsCancelToTheZeroForm() {
    var form = LinearForm(coefficients: [2, 4], constant: -6)
    form.add(LinearForm(coefficients: [1, 2], constant: -3), times: -2)
    #expect(form.isIdenticallyZero)
    #expect(form == LinearForm(variables: 2))
  }

  @Test func strictInequalitiesExcludeTheBoundary() {
    let form = LinearForm(coefficients: [1], constant: -1)
    #expect(LinearInequality(form: form, isStrict: false).holds(at: [1]))
    #expect(!LinearInequality(form: form, isStrict: true).holds(at: [1]))
    #expect(LinearInequality(form: form, isStrict: true).holds(at: [Rational(3, 2)]))
    #expect(!LinearInequality(form: form, isStrict: false).holds(at: [Rational(1, 2)]))
  }
}
