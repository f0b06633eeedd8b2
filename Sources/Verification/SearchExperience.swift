internal import Glibc
internal import ProofChecking

/// Which splits a search prefers.
enum SplitMode: Sendable, Hashable, CaseIterable {
  /// Input halves; phases only where few are open.
  case inputs
  /// Whichever promises more.
  case mixed
  /// Whichever gained more where both were tried, at some of the cells.
  case lookAhead
}

/// What a cell's ancestors learned: which kind of split gains more, and what more steps of ascent bring. It comes down the
/// tree alone, so that what becomes of a cell does not depend on what other threads do.
struct SearchExperience: Sendable {
  /// The logarithm of what a phase's promise must be multiplied by to compare with an input's.
  private(set) var lean: Float = 0
  /// The trials so far.
  private(set) var trials = 0
  /// The logarithm of what a round of ascent gains, divided by what the round before it gained. Cells that another round
  /// closes have no descendants to learn from it, so this is what to expect where it does not.
  private var fading: Float = Self.usualFading
  private var roundsSeen = 0
  /// A number that depends on the place in the tree.
  private var place: UInt64 = 1

  /// What was seen counts at most as much as this many trials or rounds, so that later ones still change what is expected.
  private static let memory = 6
  /// Cells of at most this depth try both kinds; below, a share of cells that falls as trials agree.
  private static let fullDepth = 5
  /// Rounds of ascent of a cell.
  private static let maximumRounds = 4

  /// Over four networks of two to four hidden layers, at cells that stay open: a factor of 0.43.
  private static let usualFading: Float = -0.84
  /// Where this many times the expected gain closes the gap, another round costs less than the halves of the cell.
  private static let hope: Float = 2

  /// Whether this cell tries both kinds.
  func isSampled(share: Double) -> Bool {
    if share >= Double(sign: .plus, exponent: -Self.fullDepth, significand: 1) { return true }
    return SplitMix64.mixed(place) & (trials < 8 ? 7 : trials < 12 ? 15 : 31) == 0
  }

  /// - Parameters:
  ///   - promised: The logarithm of a phase's promise divided by an input's.
  ///   - observed: The logarithm of the gains' ratio.
  func adding(promised: Float, observed: Float) -> SearchExperience {
    var result = self
    result.trials += 1
    result.lean += (observed - promised - lean) / Float(min(result.trials, Self.memory))
    return result
  }

  /// Whether another round of ascent is worth its steps: where it may close the cell, and at one of 32 cells to learn what
  /// rounds bring.
  /// - Parameters:
  ///   - gap: What the bound lacks, above zero.
  ///   - gain: What the last round gained.
  ///   - round: How many rounds there were.
  func isWorthAnotherRound(gap: Float, gain: Float, round: Int) -> Bool {
    guard gain > 0, round < Self.maximumRounds else { return false }
    if gap < Self.hope * exp(fading) * gain { return true }
    return round == 1 && SplitMix64.mixed(place ^ 0x5bd1) & 31 == 0
  }

  /// - Parameters:
  ///   - gain: What a round gained, and the one before it, which is above zero.
  func adding(gain: Float, before: Float) -> SearchExperience {
    var result = self
    result.roundsSeen += 1
    let observed = max(-3, min(1, log(max(gain, 1e-20) / before)))
    result.fading += (observed - fading) / Float(min(result.roundsSeen + 2, Self.memory))
    return result
  }

  /// That of a child.
  func child(_ number: UInt64) -> SearchExperience {
    var result = self
    result.place = SplitMix64.mixed(place &* 2 &+ number)
    return result
  }
}
