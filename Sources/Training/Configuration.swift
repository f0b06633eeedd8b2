/// Every number that a training run depends on besides its data. The defaults are the train-for-proof recipe.
///
/// Weights of loss terms, margins and grids are in normalised units (see ``Normalisation``).
public struct TrainingConfiguration: Codable, Sendable, Hashable {
  /// How the learning rate falls after warming up.
  public enum Schedule: String, Codable, Sendable {
    /// It does not.
    case constant
    /// Along a straight line to zero.
    case linear
    /// Along 1 − t²(3 − 2t), within 1 % of a half cosine.
    case smooth
  }

  /// What decides which epoch is kept.
  public enum Selection: String, Codable, Sendable {
    /// The error on the validation rows alone.
    case validation
    /// The whole objective, with the validation rows' error in place of the training rows'.
    case objective
  }

  /// What an input's power of two must reach.
  public enum InputScale: String, Codable, Sendable {
    /// Half the width of the domain.
    case domain
    /// The standard deviation of the training rows, and at least a quarter of half the domain's width.
    case spread
  }

  /// What the weights may be.
  public enum Shape: String, Codable, Sendable, CaseIterable {
    /// Anything; the loss terms ask for monotonicity, and the verifier finds out.
    case free
    /// Of the signs that make the network monotone by its structure; see `SignStructure`.
    case signed
  }

  public var shape = Shape.free
  /// Widths of the hidden layers.
  public var hidden: [Int] = [16, 16]
  public var seed: UInt64 = 1
  /// Starts from different random weights, of which the best by score is kept. A warm start is the only one.
  public var starts = 3
  /// Epochs of each start, before snapping.
  public var epochs = 600
  /// Epochs without improvement after which training ends early; 0 for never.
  public var patience = 0
  /// Epochs before the first that may be kept, so that the regularisers have had time to act.
  public var minimumEpochs = 500
  public var selection = Selection.objective
  public var batchSize = 16

  /// The largest learning rate of Adam.
  public var learningRate = 0.01
  public var schedule = Schedule.smooth
  /// The share of all steps during which the learning rate rises from zero along a straight line.
  public var warmUpShare = 0.05
  public var adamBeta1 = 0.9
  public var adamBeta2 = 0.99
  /// Longer gradients are shortened to this length.
  public var maximumGradientNorm = 5.0

  /// Beyond this size of an error its loss grows linearly (Huber); nil for squares throughout.
  public var huberThreshold: Double?
  /// Weight of Σ|w|.
  public var l1 = 3e-3
  /// Weight of the ReLU-stability loss (Xiao et al., *Training for Faster Adversarial Robustness Verification*,
  /// ICLR 2019, §4.2).
  public var stability = 2e-3
  /// Decoupled weight decay per unit of learning rate.
  public var weightDecay = 1e-3

  /// Weight of the mean hinge on slopes of the wrong sign.
  public var monotonicity = 2.0
  /// Weight of the worst point's squared hinges, as a multiple of ``monotonicity``.
  public var worstPoint = 4.0
  /// The slope that the hinges ask for beyond the wanted one.
  public var margin = 0.02
  /// Weight of the lack of interval bounds of the wanted slopes over the whole domain (`SlopeBoundLoss`); nil for none.
  public var slopeBound: Double?
  /// Points of the domain drawn in each step.
  public var sampledPointsPerStep = 64
  /// Shares of the drawn points on faces and at corners of the domain; the others are uniform.
  public var faceShare = 0.25
  public var cornerShare = 0.25

  /// Weight of the hinges on counterexample pairs.
  public var counterexample = 10.0
  /// Pairs taken in each step, in turn.
  public var pairsPerStep = 16

  /// Weight of the hinges of ``BoundTerm``s.
  public var bound = 5.0
  /// The distance that outputs keep from their bounds.
  public var boundMargin = 0.05

  public var inputScale = InputScale.spread
  /// Centres are multiples of 2^−`centreBits` of their scale.
  public var centreBits = 6
  /// Weights smaller than this become zero before snapping.
  public var pruneBelow = 0.008
  /// Weights are multiples of 2^−`gridBits`.
  public var gridBits = 8
  /// Biases are multiples of 2^−`biasBits`.
  public var biasBits = 14
  /// Epochs with snapped weights after the main ones.
  public var fineTuningEpochs = 60
  /// The learning rate of these epochs, as a multiple of ``learningRate``.
  public var fineTuningRate = 0.1
  /// Fixed points of the domain on which each epoch is judged.
  public var probePoints = 128

  public init() {}

  /// The recipe without the terms that ask for a property: the unverified network to compare with.
  public static let free: TrainingConfiguration = {
    var configuration = TrainingConfiguration()
    configuration.monotonicity = 0
    configuration.counterexample = 0
    configuration.bound = 0
    return configuration
  }()

  /// Epochs of all starts and phases together.
  public var totalEpochs: Int { starts * (epochs + fineTuningEpochs) }

  /// A shorter and gentler run of the same kind, to continue from a trained model with new counterexamples.
  public var retraining: TrainingConfiguration {
    var configuration = self
    configuration.starts = 1
    configuration.epochs = max(1, epochs / 4)
    configuration.minimumEpochs = min(minimumEpochs / 4, configuration.epochs - 1)
    configuration.patience = patience / 4
    configuration.learningRate = learningRate / 4
    return configuration
  }

  /// - Throws: ``TrainingError`` naming the first setting outside its range.
  func validate() throws(TrainingError) {
    func check(_ holds: Bool, _ name: String, _ wanted: String) throws(TrainingError) {
      guard holds else { throw TrainingError(.configuration, "\(name) must be \(wanted)") }
    }
    try check((1...8).contains(hidden.count), "hidden", "1 to 8 widths")
    try check(hidden.allSatisfy { (1...1024).contains($0) }, "hidden", "widths from 1 to 1024")
    try check((1...1_000_000).contains(epochs), "epochs", "1 to 1,000,000")
    try check((1...1000).contains(starts), "starts", "1 to 1000")
    try check((0...1_000_000).contains(fineTuningEpochs), "fineTuningEpochs", "0 to 1,000,000")
    try check((0..<epochs).contains(minimumEpochs), "minimumEpochs", "at least 0 and below epochs (\(epochs))")
    try check(patience >= 0, "patience", "0 (never) or more")
    try check((1...65_536).contains(batchSize), "batchSize", "1 to 65,536")
    try check((0...65_536).contains(sampledPointsPerStep), "sampledPointsPerStep", "0 to 65,536")
    try check((0...65_536).contains(probePoints), "probePoints", "0 to 65,536")
    try check((0...4096).contains(pairsPerStep), "pairsPerStep", "0 to 4096")
    try check(learningRate > 0 && learningRate <= 1, "learningRate", "above 0 and at most 1")
    try check(fineTuningRate > 0 && fineTuningRate <= 1, "fineTuningRate", "above 0 and at most 1")
    try check((0...1).contains(warmUpShare), "warmUpShare", "0 to 1")
    try check(adamBeta1 >= 0 && adamBeta1 < 1, "adamBeta1", "at least 0 and below 1")
    try check(adamBeta2 >= 0 && adamBeta2 < 1, "adamBeta2", "at least 0 and below 1")
    try check(maximumGradientNorm > 0, "maximumGradientNorm", "positive")
    try check(huberThreshold.map { $0 > 0 } ?? true, "huberThreshold", "positive")
    let weights = [
      ("l1", l1), ("stability", stability), ("weightDecay", weightDecay), ("monotonicity", monotonicity),
      ("worstPoint", worstPoint), ("margin", margin), ("counterexample", counterexample), ("bound", bound),
      ("slopeBound", slopeBound ?? 0),
      ("boundMargin", boundMargin), ("pruneBelow", pruneBelow),
    ]
    for (name, weight) in weights { try check(weight >= 0 && weight <= 1e6, name, "0 to 1,000,000") }
    try check(
      faceShare >= 0 && cornerShare >= 0 && faceShare + cornerShare <= 1, "faceShare and cornerShare",
      "shares that sum to at most 1")
    try check((1...24).contains(gridBits), "gridBits", "1 to 24")
    try check((1...24).contains(biasBits), "biasBits", "1 to 24")
    try check((0...16).contains(centreBits), "centreBits", "0 to 16")
  }
}

extension KeyedDecodingContainer {
  /// Settings written before there were shapes are those of the free one.
  func decode(
    _ type: TrainingConfiguration.Shape.Type, forKey key: Key
  ) throws -> TrainingConfiguration.Shape { try decodeIfPresent(type, forKey: key) ?? .free }
}
