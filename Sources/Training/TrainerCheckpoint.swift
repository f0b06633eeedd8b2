/// The whole state of a run between two epochs. A run continued from it, with the same data and settings, ends with
/// the same network as one that was never interrupted.
public struct TrainerCheckpoint: Codable, Sendable, Hashable {
  /// The weights of one epoch and how they were judged.
  struct Candidate: Codable, Sendable, Hashable {
    var epoch: Int
    var score: Double
    var terms: LossTerms
    var parameters: [Double]
  }

  /// The three candidates of one start that is over.
  struct Champion: Codable, Sendable, Hashable {
    var best: Candidate
    var beforeSnapping: Candidate
    var afterSnapping: Candidate
  }

  /// Of settings and data, so that a checkpoint is not continued with others.
  let fingerprint: UInt64
  let normalisation: Normalisation
  /// Epochs done, over both phases.
  public internal(set) var epoch = 0
  public internal(set) var phase = TrainingPhase.training
  /// Starts that are over, and the best of them.
  var startsDone = 0
  var champion: Champion?
  /// Epochs done in this phase.
  var phaseEpoch = 0
  /// Real weights; in the snapped phase those that are rounded in each forward pass.
  var parameters: [Double]
  /// Which numbers pruning left alone.
  var kept: [Bool]
  var optimiser: Adam
  var generator: RandomGenerator
  /// Counterexample pairs taken so far.
  var pairCursor = 0
  /// The best epoch of this phase.
  var best: Candidate?
  /// The best epoch of the first phase and its snapped form, once that is over.
  var beforeSnapping: Candidate?
  var afterSnapping: Candidate?
  var endedByPatience = false
  public internal(set) var history: [EpochRecord] = []
}

/// The 64-bit FNV-1a hash (RFC 9923) of numbers, to tell runs apart; no protection against intent.
struct Fingerprint {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      value = (value ^ ((number >> UInt64(shift)) & 0xFF)) &* 0x100_0000_01B3
    }
  }
  mutating func add(_ number: Int) { add(UInt64(bitPattern: Int64(number))) }
  mutating func add(_ numbers: [Double]) {
    add(numbers.count)
    for number in numbers { add(number.bitPattern) }
  }
}
