/// The generator xoshiro256** (Blackman and Vigna, *ACM Transactions on Mathematical Software* 47(4), 2021), seeded
/// through SplitMix64.
///
/// Everything random in training comes from one of these: equal seeds give equal numbers on every machine, and the
/// state can be stored and taken up again.
public struct RandomGenerator: RandomNumberGenerator, Codable, Sendable, Hashable {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  public init(seed: UInt64) {
    var state = seed
    func splitMix() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    s0 = splitMix()
    s1 = splitMix()
    s2 = splitMix()
    s3 = splitMix()
  }

  public mutating func next() -> UInt64 {
    let product = s1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << 45) | (s3 >> 19)
    return result
  }

  /// A multiple of 2^−53 in 0 ..< 1, all equally likely.
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number in 0 ..< `bound`, all equally likely (Lemire, *ACM Transactions on Modeling and Computer Simulation*
  /// 29(1), 2019). The rejection loop ends with probability above one half in each turn.
  /// - Precondition: `bound` is positive.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0)
    let range = UInt64(bound)
    let threshold = (0 &- range) % range
    while true {
      let (high, low) = next().multipliedFullWidth(by: range)
      if low >= threshold { return Int(high) }
    }
  }

  /// Fisher and Yates' shuffle, written out so that the order does not depend on the standard library's version.
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, integer(below: last + 1))
    }
  }
}
