internal import FoundationEssentials
internal import Training

/// What a stopped or killed loop needs to go on, kept in the store after every round and on every stop.
struct LoopState: Codable {
  /// One shape that was tried to its end.
  struct Attempt: Codable {
    var shape: TrainingConfiguration.Shape
    var rounds: [VersionReport.Round]
    var counterexamplesFound: Int
    /// The last round's, before repair.
    var model: TrainedModel?
    var repairs: [VersionReport.RepairRecord]
    var repairCost: Double?
    /// Nil when it was not proved.
    var validationError: Double?
  }

  /// The most bytes a checkpoint may add; a larger one is left out and its round starts over.
  static let maximumCheckpointBytes = 12 << 20

  /// Of data, specification and settings: a state of another run is not continued.
  var fingerprint: String
  /// Shapes whose rounds are over, where several are tried.
  var attempts: [Attempt] = []
  /// Rounds of the current shape that are finished.
  var rounds: [VersionReport.Round] = []
  var counterexamplesFound = 0
  /// The model of the last finished round.
  var model: TrainedModel?
  /// Of a training that was stopped.
  var checkpoint: TrainerCheckpoint?
  /// Entries of the queue that the stopped training works with.
  var pairIDs: [String] = []
  /// Properties that failed in the last round: verified first in the next.
  var failed: Set<String> = []
  /// Seconds spent so far.
  var seconds = 0.0

  init(fingerprint: String) { self.fingerprint = fingerprint }

  /// Forgets the rounds of a shape, for those of the next.
  mutating func startShape() {
    rounds = []
    counterexamplesFound = 0
    model = nil
    checkpoint = nil
    pairIDs = []
    failed = []
  }

  /// Makes the rounds of `attempt` those that are reported.
  mutating func take(_ attempt: Attempt?) {
    guard let attempt else { return }
    rounds = attempt.rounds
    counterexamplesFound = attempt.counterexamplesFound
    model = attempt.model
  }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var bytes = [UInt8](try encoder.encode(self))
    if bytes.count > Self.maximumCheckpointBytes, checkpoint != nil {
      var smaller = self
      smaller.checkpoint = nil
      bytes = [UInt8](try encoder.encode(smaller))
    }
    return bytes
  }

  /// The state in `bytes`, or nil when they are damaged or of another run.
  static func decoded(_ bytes: [UInt8], fingerprint: String) -> LoopState? {
    guard let state = try? JSONDecoder().decode(LoopState.self, from: Data(bytes)), state.fingerprint == fingerprint
    else { return nil }
    return state
  }
}
