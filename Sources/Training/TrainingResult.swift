public import Networks

/// What one epoch did.
public struct EpochRecord: Codable, Sendable, Hashable {
  /// Counted from 1 over both phases.
  public let epoch: Int
  public let phase: TrainingPhase
  /// At the epoch's last step.
  public let learningRate: Double
  /// Mean over the epoch's steps of the error on the rows, in normalised units.
  public let trainLoss: Double
  /// Error on the validation rows at the end of the epoch, in normalised units; nil without such rows.
  public let validationLoss: Double?
  /// The objective at the end of the epoch, on the validation rows (the training rows when there are none), the fixed
  /// probe points and the first counterexamples.
  public let terms: LossTerms
  /// The share of wanted slopes at the probe points that have the wrong sign.
  public let wrongSlopeShare: Double
  /// What the kept epoch is chosen by; smaller is better.
  public let score: Double
}

/// The two parts of a run.
public enum TrainingPhase: String, Codable, Sendable {
  /// With free real weights.
  case training
  /// With pruned weights rounded to the grid in every forward pass.
  case snapped
}

/// How a run came to its end.
public enum TrainingEnd: String, Codable, Sendable {
  case allEpochs = "all-epochs"
  case patience
  /// The progress closure asked to stop; the best epoch so far was kept.
  case interrupted
}

/// A trained network and how it came about.
public struct TrainingResult: Sendable {
  /// From engineer's units to engineer's units, weights on the grid, normalisation folded in exactly.
  public let network: Network
  /// The same in normalised units; a later run can start from it.
  public let model: TrainedModel
  public let configuration: TrainingConfiguration
  public let history: [EpochRecord]
  public let end: TrainingEnd
  /// The epoch whose weights were kept; 0 when these are the starting weights.
  public let bestEpoch: Int
  /// The share of weights that are zero.
  public let zeroWeightShare: Double
  /// The kept weights judged like an epoch (validation rows or else training rows): before pruning and snapping, right
  /// after, and after fine-tuning.
  public let snapping: SnappingReport
  /// From which an interrupted run can go on; nil when the run was complete.
  public let checkpoint: TrainerCheckpoint?

  public var wasInterrupted: Bool { end == .interrupted }
}

/// What pruning and snapping cost.
public struct SnappingReport: Codable, Sendable, Hashable {
  public let before: LossTerms
  public let snapped: LossTerms
  public let tuned: LossTerms
}
