import ExactArithmetic
import Testing

@testable import Networks

@Suite struct PredictorTests {
  /// The identity on the multiples of 1/4 in [−1, 2].
  static func identity(_ scales: [Predictor.InputScale]? = nil) throws -> Predictor {
    try Predictor(
      network: Network(layers: [affine([[1]], [0])]), grid: InputGrid(axes: [axis(-4, 8, exponent: -2)]),
      scales: scales)
  }

  @Test(arguments: [
    (0.3, 0.25), (0.375, 0.5), (0.625, 0.5), (0.125, 0), (-0.125, 0), (-0.375, -0.5), ((0.125).nextUp, 0.25),
    ((0.125).nextDown, 0), (1.9, 2), (2, 2), (2.001, 2), (-1, -1), (-1.2, -1), (1e300, 2), (.infinity, 2),
    (-.infinity, -1), (-.greatestFiniteMagnitude, -1), (.leastNonzeroMagnitude, 0), (-.leastNonzeroMagnitude, 0),
    (-0.0, 0),
  ])
  func roundsToTheNearestPointAndClamps(value: Double, point: Double) throws {
    let predictor = try Self.identity()
    #expect(try predictor.gridPoint(value, input: 0).bitPattern == point.bitPattern)
    #expect(try predictor.outputs(at: [value]).map(\.bitPattern) == [point.bitPattern])
  }

  @Test func refusesWhatIsNoNumberAndWhatDoesNotFit() throws {
    let predictor = try Self.identity()
    for value in [Double.nan, .signalingNaN, -.nan] {
      #expect(throws: NetworkError(.notFinite, "input 0 is not a number")) { try predictor.outputs(at: [value]) }
      #expect(throws: NetworkError(.notFinite, "input 0 is not a number")) {
        try Self.identity([.log2]).outputs(at: [value])
      }
    }
    #expect(throws: NetworkError(.shape, "2 numbers for a network of 1 inputs")) { try predictor.outputs(at: [0, 0]) }
    func code(_ weight: Double, _ axes: [InputGrid.Axis], _ scales: [Predictor.InputScale]? = nil) throws
      -> NetworkError.Code?
    {
      do {
        _ = try Predictor(
          network: Network(layers: [affine([[weight]], [0])]), grid: InputGrid(axes: axes), scales: scales)
        return nil
      } catch let error as NetworkError {
        return error.code
      }
    }
    #expect(try code(1, [axis(0, 1 << 52)]) == nil)
    #expect(try code(3, [axis(0, 1 << 52)]) == .inexact)
    #expect(try code(1, [axis(0, 1), axis(0, 1)]) == .shape)
    #expect(try code(1, [axis(0, 1)], [.log2, .log2]) == .shape)
    #expect(try code(1, [axis(0, 1, exponent: 0)], [.log2]) == nil)
    #expect(try code(1, [axis(0, 1, exponent: 1)], [.log2]) == .inexact)
    #expect(try code(1, [axis(0, 1, exponent: -51)], [.log2]) == nil)
    #expect(try code(1, [axis(0, 1, exponent: -52)], [.log2]) == .inexact)
  }

  // MARK: Logarithmic inputs

  @Test func mapsEveryNumberToTheNearestLogarithm() throws {
    let predictor = try Self.identity([.log2])
    func point(_ value: Double) throws -> Double { try predictor.gridPoint(value, input: 0) }
    // log₂ 0.5 = −1 is the lower end, log₂ 4 = 2 the upper.
    for value in [-Double.infinity, -1, -0.0, 0, .leastNonzeroMagnitude, 1e-300, 0.25, 0.5] {
      #expect(try point(value) == -1)
    }
    for value in [4, 4.1, 1e308, .infinity] { #expect(try point(value) == 2) }
    #expect(try point(1) == 0)
    #expect(try point(2) == 1)
    #expect(try point(3) == 1.5)  // log₂ 3 = 1.58
    #expect(try point(0.7) == -0.5)  // log₂ 0.7 = −0.51
  }

  /// With spacing 2⁻ˢ the threshold below m is 2^((2m − 1)/2^(s+1)), so v lies above it exactly when
  /// v^(2^(s+1)) > 2^(2m − 1): a comparison of integers, which shares nothing with the map's enclosures.
  @Test(arguments: [0, 1, 3, 5])
  func agreesWithPowersOfIntegersBesideEveryThreshold(bits: Int) throws {
    let map = try #require(LogarithmicGrid(exponent: -bits))
    let power = 1 << (bits + 1)
    /// Whether v > 2^((2m − 1)/power), by repeated squaring of the exact number.
    func isAbove(_ value: Double, _ multiple: Int) throws -> Bool {
      var raised = try #require(Dyadic(exactly: value))
      for _ in 0...bits { raised = raised * raised }
      return raised > Dyadic(1).scaled(bits: 2 * multiple - 1)
    }
    let range = -2 * power...2 * power
    var before = Int.min
    for multiple in stride(from: range.lowerBound, through: range.upperBound, by: max(1, power / 3)) {
      // Walk to the two neighbours of the threshold, by the integers.
      var below = map.threshold(multiple).approximation
      for _ in 0..<8 where try isAbove(below, multiple) { below = below.nextDown }
      for _ in 0..<8 where try !isAbove(below.nextUp, multiple) { below = below.nextUp }
      let isThreshold = try !isAbove(below, multiple) && isAbove(below.nextUp, multiple)
      #expect(isThreshold)
      #expect(map.multiple(nearestTo: below) == multiple - 1)
      #expect(map.multiple(nearestTo: below.nextUp) == multiple)
      #expect(before <= multiple - 1)
      before = multiple
    }
    #expect(map.multiple(nearestTo: .leastNonzeroMagnitude) == -1074 << bits)
    #expect(map.multiple(nearestTo: 0x1p1023) == 1023 << bits)
  }

  @Test func fineLogarithmicGridsAreMonotoneAndExactAtTheirThresholds() throws {
    let seed: UInt64 = 11
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    for exponent in [-24, -30, -40, -51] {
      let map = try #require(LogarithmicGrid(exponent: exponent))
      for _ in 0..<5 {
        let multiple = Int.random(in: -20 << -exponent...20 << -exponent, using: &generator)
        let enclosure = BinaryLogarithm.power(
          Rational(2 * multiple - 1).scaled(bits: exponent - 1), bits: 150)
        var values = [enclosure.lowerBound.approximation]
        for _ in 0..<3 { values = [values[0].nextDown] + values + [values[values.count - 1].nextUp] }
        let multiples = values.map(map.multiple(nearestTo:))
        #expect(multiples == multiples.sorted())
        for (value, found) in zip(values, multiples) {
          let exact = try #require(Rational(exactly: value))
          // Binary64 numbers are 2⁻⁵³ apart, thresholds at most 2⁻⁵² at the finest grid: the next one may lie between.
          if exact > enclosure.upperBound { #expect(found >= multiple) }
          if exact < enclosure.lowerBound { #expect(found < multiple) }
          if exponent > -45 { #expect(abs(found - multiple) <= 1) }
        }
      }
      // And far from any threshold.
      var numbers = (0..<20).map { _ in Double.random(in: 0...1, using: &generator) * 0x1p40 }
      numbers.sort()
      let multiples = numbers.map(map.multiple(nearestTo:))
      #expect(multiples == multiples.sorted())
    }
  }
}
