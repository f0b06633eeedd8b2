import BigInt
import ExactArithmetic
import Testing

@testable import Networks

@Suite struct CompositionTests {
  private struct Dice {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    mutating func below(_ count: Int) -> Int { Int(next() >> 11) % count }
    mutating func dyadic() -> Dyadic { Dyadic(below(513) - 256).scaled(bits: -6) }
  }

  private func layer(_ inputs: Int, _ outputs: Int, _ dice: inout Dice) -> ExactLayer {
    ExactLayer(
      inputCount: inputs, outputCount: outputs, weights: (0..<(inputs * outputs)).map { _ in dice.dyadic() },
      biases: (0..<outputs).map { _ in dice.dyadic() })
  }

  private func network(_ widths: [Int], _ dice: inout Dice) -> ExactNetwork {
    ExactNetwork(layers: zip(widths, widths.dropFirst()).map { layer($0, $1, &dice) })
  }

  private func points(_ region: [ClosedRange<Rational>], _ dice: inout Dice) -> [[Rational]] {
    // Corners and points between.
    (0..<20).map { number in
      region.map { interval in
        let share = number < 8 ? Rational(dice.below(2)) : Rational(dice.below(97), 96)
        return interval.lowerBound + (interval.upperBound - interval.lowerBound) * share
      }
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 8])
  func theMaximumNetworkIsTheMaximumOnItsBox(members: Int) {
    for seed in 0..<8 as Range<UInt64> {
      var dice = Dice(state: seed * 100 + UInt64(members))
      let widths = [[3, 2], [3, 4, 2], [3, 5, 4, 2]][Int(seed % 3)]
      let network = network(widths, &dice)
      let rows = layer(2, members, &dice)
      let region = [Rational(-1, 3)...Rational(7, 5), Rational(2)...2, Rational(-1)...Rational(1, 1 << 20)]
      let maximum = network.maximum(of: rows, over: region)
      #expect(maximum.outputCount == 1 && maximum.inputCount == 3)
      // One further layer per halving.
      let turns = members == 1 ? 0 : Int.bitWidth - (members - 1).leadingZeroBitCount
      #expect(maximum.layers.count == network.layers.count + turns)
      for point in points(region, &dice) {
        let values = network.output(at: point)
        let expected = (0..<members).map { member in
          (0..<2).reduce(rows.biases[member].rational) {
            $0 + rows.weight(neuron: member, input: $1).rational * values[$1]
          }
        }.max()
        #expect(maximum.output(at: point) == [expected], "seed \(seed), \(members) members at \(point)")
      }
    }
  }

  @Test func networksSideBySideComputeEachItsOwn() {
    for seed in 0..<12 as Range<UInt64> {
      var dice = Dice(state: seed)
      let first = network([2, 3, 2], &dice)
      let second = network([1, 4, 3, 2, 1], &dice)
      let third = network([2, 2], &dice)
      let region = [Rational(-2)...Rational(1, 3), Rational(0)...3, Rational(5)...5]
      func map(_ columns: [Int]) -> LinearMap {
        LinearMap(columnCount: 3, rows: columns.map { [LinearMap.Term(column: $0)] })
      }
      let all = ExactNetwork.sideBySide(
        [(first, map([0, 1])), (second, map([1])), (third, map([2, 0]))], over: region)
      #expect(all.outputCount == 5 && all.layers.count == 4)
      for u in points(region, &dice) {
        let expected = first.output(at: [u[0], u[1]]) + second.output(at: [u[1]]) + third.output(at: [u[2], u[0]])
        #expect(all.output(at: u) == expected, "seed \(seed) at \(u)")
      }
    }
  }

  @Test func rangesEncloseWhatTheyAreRoundedFrom() {
    for seed in 0..<200 as Range<UInt64> {
      var dice = Dice(state: seed)
      let low = Rational(dice.below(2_000_001) - 1_000_000, dice.below(1000) + 1)
      let high = low + Rational(dice.below(1000), dice.below(1000) + 1)
      let range = DyadicRange(low...high)
      #expect(range.low.rational <= low && range.high.rational >= high)
      #expect(low - range.low.rational <= low.magnitude.scaled(bits: -60))
      // What is subtracted to keep a neuron active lies clearly below.
      let size = max(low.magnitude, high.magnitude)
      #expect(range.offset.rational <= low - size.scaled(bits: -6) || size.isZero)
      let wide = Dyadic(mantissa: 3, exponent: 200) + Dyadic(mantissa: -1, exponent: 0)
      let rounded = DyadicRange(rounding: -wide, wide)
      #expect(rounded.low <= -wide && rounded.high >= wide && rounded.high.mantissa.magnitude.bitWidth <= 65)
    }
  }
}
