import BigInt
import ExactArithmetic

/// Reproducible random numbers (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
struct RandomNumbers: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A rational whose parts have up to 80 bits, small ones as often as large ones; sometimes zero.
  mutating func rational() -> Rational {
    func part(_ generator: inout RandomNumbers) -> BigInt {
      BigInt(generator.next() >> UInt64.random(in: 0...63, using: &generator))
        << Int.random(in: 0...16, using: &generator)
    }
    let numerator = part(&self) * (Bool.random(using: &self) ? 1 : -1)
    return Rational(numerator, part(&self) + 1)
  }

  /// A finite binary64 number of any exponent.
  mutating func double() -> Double {
    while true {
      let value = Double(bitPattern: next())
      if value.isFinite { return value }
    }
  }
}
