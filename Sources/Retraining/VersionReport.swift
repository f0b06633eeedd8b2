public import Training

/// Everything about how a version came about: the content of `training.json`.
///
/// With the data file, the specification and this record the run can be repeated to the same network digest.
public struct VersionReport: Codable, Sendable, Hashable {
  public static let format = "vpals-training/v1"

  public struct Data: Codable, Sendable, Hashable {
    public var sha256: String
    public var rows: Int
    public var kept: Int
    /// Rows left out, per quality rule.
    public var dropped: [String: Int]
    public var training: Int
    public var validation: Int
    public var heldOut: Int
    /// Share of the kept rows inside the declared domain.
    public var insideDomain: Double
  }

  public struct PropertyOutcome: Codable, Sendable, Hashable {
    public var property: String
    public var verdict: String
    public var seconds: Double
    public var leaves: Int
    public var counterexamples: Int
    /// The greatest drop among them, in output units.
    public var worstDrop: Double?
  }

  /// One pass of training and verification.
  public struct Round: Codable, Sendable, Hashable {
    public var label: String
    public var networkDigest: String
    public var epochs: Int
    public var bestEpoch: Int
    public var end: TrainingEnd
    /// Per epoch, in normalised units, rounded to six digits.
    public var trainLoss: [Double]
    public var validationLoss: [Double]
    public var zeroWeightShare: Double
    /// Pairs from the queue that this round trained with.
    public var pairs: Int
    public var trainingSeconds: Double
    /// Verification ran after this epoch, counted over all rounds.
    public var verifiedAtEpoch: Int
    public var verification: [PropertyOutcome]
  }

  /// A certified repair: `slope` · (feature − `lowerEnd`) was added to an output.
  public struct RepairRecord: Codable, Sendable, Hashable {
    public var property: String
    public var repair: Repair
    /// The most the repair changes the output anywhere in the domain, in output units.
    public var greatestChange: Double
  }

  /// One shape that was tried where several were, with all its rounds.
  public struct ShapeAttempt: Codable, Sendable, Hashable {
    public var shape: TrainingConfiguration.Shape
    public var proven: Bool
    public var rounds: Int
    /// As ``VersionReport/validationError``; nil when it was not proved.
    public var validationError: Double?
  }

  /// Accuracy of one predictor on the held-out rows, per output in the specification's order.
  public struct Scores: Codable, Sendable, Hashable {
    public var name: String
    public var outputs: [Accuracy]
  }

  public var format = Self.format
  public var application: String
  public var version: String
  public var specificationDigest: String
  public var outputs: [String]
  public var data: Data
  public var configuration: TrainingConfiguration
  /// The shapes that were compared; nil when only one was asked for.
  public var shapes: [ShapeAttempt]?
  public var rounds: [Round]
  public var repairs: [RepairRecord]
  /// How much the repairs changed the error on the validation rows, relative.
  public var repairCost: Double?
  public var counterexamplesFound: Int
  /// Root mean square error on the validation rows, each output in units of its spread on the training rows, over all
  /// outputs: what shapes and settings are compared by. Nil without a network.
  public var validationError: Double?
  public var networkDigest: String
  public var proven: Bool
  public var propertyCount: Int
  public var propertiesProven: Int
  /// Held-out rows: this network, the unverified network of the same shape and seed, and the baselines.
  public var scores: [Scores]
  public var seconds: Double

  /// The scores of a predictor by name: `network`, `unverified`, `median`, `ridge-configuration` or `ridge`.
  public func scores(of name: String) -> [Accuracy]? { scores.first { $0.name == name }?.outputs }
}
