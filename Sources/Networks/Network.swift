/// One affine layer, optionally rectified: y = W·x + b, or y = max(0, W·x + b) element by element.
///
/// The numbers are the stored binary64 values (binary32 values convert exactly); each is read as the dyadic rational
/// that it is.
public struct Layer: Sendable, Hashable {
  public let inputCount: Int
  public let outputCount: Int
  /// Row-major, `outputCount` × `inputCount`.
  public let weights: [Double]
  /// One per output.
  public let biases: [Double]
  public let isRectified: Bool

  /// - Throws: ``NetworkError`` when a count does not fit, a layer is empty, or a value is not finite.
  public init(inputCount: Int, outputCount: Int, weights: [Double], biases: [Double], isRectified: Bool)
    throws(NetworkError)
  {
    guard inputCount > 0, outputCount > 0 else {
      throw NetworkError(.shape, "a layer needs at least one input and one output")
    }
    guard weights.count == inputCount * outputCount, biases.count == outputCount else {
      throw NetworkError(
        .shape,
        "a layer of \(inputCount) inputs and \(outputCount) outputs needs \(inputCount * outputCount) weights and "
          + "\(outputCount) biases, but has \(weights.count) and \(biases.count)")
    }
    if let bad = weights.firstIndex(where: { !$0.isFinite }) {
      throw NetworkError(
        .notFinite,
        "the weight from input \(bad % inputCount) to neuron \(bad / inputCount) is \(weights[bad]); "
          + "every weight must be a finite number")
    }
    if let bad = biases.firstIndex(where: { !$0.isFinite }) {
      throw NetworkError(.notFinite, "the bias of neuron \(bad) is \(biases[bad]); every bias must be a finite number")
    }
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.weights = weights
    self.biases = biases
    self.isRectified = isRectified
  }

  /// The weight from input `input` to neuron `neuron`.
  public func weight(neuron: Int, input: Int) -> Double { weights[neuron * inputCount + input] }
}

/// A fully connected feed-forward ReLU network with normalisation inside: from engineer's units to engineer's units.
public struct Network: Sendable, Hashable {
  /// The most layers, neurons in a layer and weights in all that a network may have.
  public static let maximumLayers = 64
  public static let maximumWidth = 4096
  public static let maximumWeights = 4_000_000

  public let layers: [Layer]

  /// - Throws: ``NetworkError`` when the layers do not fit together, the last one is rectified, or a bound is passed.
  public init(layers: [Layer]) throws(NetworkError) {
    guard let last = layers.last else { throw NetworkError(.shape, "a network needs at least one layer") }
    guard layers.count <= Self.maximumLayers else {
      throw NetworkError(.tooLarge, "\(layers.count) layers; at most \(Self.maximumLayers) are supported")
    }
    guard !last.isRectified else {
      throw NetworkError(.unsupported, "the output layer is a ReLU; the output of a network must be affine")
    }
    for layer in layers where max(layer.inputCount, layer.outputCount) > Self.maximumWidth {
      throw NetworkError(
        .tooLarge,
        "a layer of \(layer.inputCount) inputs and \(layer.outputCount) outputs; at most \(Self.maximumWidth) each "
          + "are supported")
    }
    let weights = layers.reduce(0) { $0 + $1.weights.count }
    guard weights <= Self.maximumWeights else {
      throw NetworkError(.tooLarge, "\(weights) weights; at most \(Self.maximumWeights) are supported")
    }
    for (index, pair) in zip(layers, layers.dropFirst()).enumerated()
    where pair.0.outputCount != pair.1.inputCount {
      throw NetworkError(
        .shape,
        "layer \(index) has \(pair.0.outputCount) outputs, but layer \(index + 1) has \(pair.1.inputCount) inputs")
    }
    self.layers = layers
  }

  public var inputCount: Int { layers[0].inputCount }
  public var outputCount: Int { layers[layers.count - 1].outputCount }
  /// Widths of the rectified layers, in order.
  public var hiddenWidths: [Int] { layers.filter(\.isRectified).map(\.outputCount) }

  /// The binary64 forward pass, summed left to right; no output is a negative zero. For training metrics and hints,
  /// never for a verdict; exact where ``RoundingCondition`` says so, see ``Predictor``.
  /// - Precondition: `input` has one number per input.
  public func output(at input: [Double]) -> [Double] {
    precondition(input.count == inputCount)
    var values = input
    for layer in layers {
      var next = layer.biases
      for neuron in 0..<layer.outputCount {
        var sum = 0.0
        let row = neuron * layer.inputCount
        for i in 0..<layer.inputCount { sum += layer.weights[row + i] * values[i] }
        sum += layer.biases[neuron]
        next[neuron] = layer.isRectified && sum < 0 ? 0 : sum
      }
      values = next
    }
    return values
  }
}

/// What is wrong with a network or a file that should hold one.
public struct NetworkError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// Counts or dimensions that do not fit together.
    public static let shape = Code(description: "shape")
    /// An infinity or NaN among the weights.
    public static let notFinite = Code(description: "not-finite")
    /// A bound on size was passed.
    public static let tooLarge = Code(description: "too-large")
    /// Valid, but not something we read; the message names it.
    public static let unsupported = Code(description: "unsupported")
    /// The bytes are not what they should be.
    public static let malformed = Code(description: "malformed")
    /// Evaluation in binary64 might round.
    public static let inexact = Code(description: "inexact")
    /// The file cannot be read or written.
    public static let file = Code(description: "file")
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
