/// Which signs the weights of a network may have, so that it is monotone by its structure.
///
/// Every neuron has a kind: along each feature its value rises, falls, does not move, or may do anything. A weight that
/// is not negative carries the kind of its source on, one that is not positive turns it round, and a neuron's weights
/// may have only the signs with which every source keeps what the neuron's own kind promises. ReLU is non-decreasing, so
/// by induction from the inputs (feature i rises along i and does not move along the others) every neuron and every
/// output keeps its promise, at every point and whatever the biases are. Biases and weights whose source promises
/// enough for both signs are free.
///
/// For one output this is the sign structure of Daniels and Velikova (*Monotone and Partially Monotone Neural Networks*,
/// IEEE Transactions on Neural Networks 21(6), 2010) with neurons of both signs in every layer, so that convex and
/// concave parts both occur (Runje and Shankaranarayana, *Constrained Monotonic Neural Networks*, ICML 2023). Outputs
/// with different directions get neurons of their own; a neuron also serves an output that promises less than it does.
struct SignStructure: Sendable, Hashable {
  /// What is promised about a value along one feature. No promise is the last.
  enum Course: Sendable, Hashable {
    case rises, falls, still, anything

    var reversed: Course {
      switch self {
      case .rises: .falls
      case .falls: .rises
      case .still, .anything: self
      }
    }
  }

  /// The signs that a number may have.
  enum Allowance: Sendable, Hashable {
    case free, nonnegative, nonpositive, zero

    /// The nearest allowed number.
    func projected(_ value: Double) -> Double {
      switch self {
      case .free: value
      case .nonnegative: value > 0 ? value : 0
      case .nonpositive: value < 0 ? value : 0
      case .zero: 0
      }
    }
  }

  /// Weights between hidden neurons that a new network starts with, of each neuron, on average. All of a layer's sources
  /// of one kind grow together, so more of them would multiply the values from layer to layer.
  static let initialSources = 8.0

  let shape: NetworkShape
  /// One for each number, in the order of ``NetworkShape``.
  let allowances: [Allowance]

  /// The structure that gives every output of `monotone` its directions.
  ///
  /// In each hidden layer the kinds take turns: for each set of directions (outputs whose sets differ by the sign of the
  /// whole share one) a rising and a falling neuron, and one without a promise for outputs without directions.
  /// - Throws: ``TrainingError`` when no output has a direction, an output is to rise and to fall in one feature, or a
  ///   hidden layer is too narrow for all kinds.
  init(shape: NetworkShape, monotone: [MonotoneTerm]) throws(TrainingError) {
    let outputs = try Self.outputKinds(
      inputCount: shape.inputCount, outputCount: shape.outputCount, monotone: monotone)
    let kinds = Self.hiddenKinds(outputs)
    for (layer, width) in shape.widths.dropFirst().dropLast().enumerated() where width < kinds.count {
      throw TrainingError(
        .configuration,
        "the signed shape needs \(kinds.count) neurons in every hidden layer (one rising and one falling for each "
          + "set of directions, one without for outputs that have none), but layer \(layer + 1) has \(width); widen it")
    }
    var layers: [[[Course]]] = [
      (0..<shape.inputCount).map { i in (0..<shape.inputCount).map { $0 == i ? .rises : .still } }
    ]
    for width in shape.widths.dropFirst().dropLast() { layers.append((0..<width).map { kinds[$0 % kinds.count] }) }
    layers.append(outputs)
    var allowances: [Allowance] = []
    for l in 0..<shape.layerCount {
      for target in layers[l + 1] {
        for source in layers[l] { allowances.append(Self.allowance(from: source, to: target)) }
      }
      allowances += Array(repeating: .free, count: shape.widths[l + 1])
    }
    self.shape = shape
    self.allowances = allowances
  }

  /// The signs that a weight may have when its source has kind `source` and its neuron kind `target`.
  static func allowance(from source: [Course], to target: [Course]) -> Allowance {
    func keeps(_ promise: (Course) -> Course) -> Bool {
      zip(source, target).allSatisfy { $1 == .anything || $0 == .still || promise($0) == $1 }
    }
    switch (keeps { $0 }, keeps(\.reversed)) {
    case (true, true): return .free
    case (true, false): return .nonnegative
    case (false, true): return .nonpositive
    case (false, false): return .zero
    }
  }

  private static func outputKinds(
    inputCount: Int, outputCount: Int, monotone: [MonotoneTerm]
  ) throws(TrainingError) -> [[Course]] {
    guard !monotone.isEmpty else {
      throw TrainingError(.configuration, "the signed shape needs an output with a direction; use the free one")
    }
    var kinds = Array(repeating: [Course](repeating: .anything, count: inputCount), count: outputCount)
    for term in monotone {
      let course = term.sign < 0 ? Course.falls : .rises
      guard kinds[term.output][term.feature] != course.reversed else {
        throw TrainingError(
          .data,
          "output \(term.output) is to rise and to fall in feature \(term.feature): the signed shape cannot do both")
      }
      kinds[term.output][term.feature] = course
    }
    return kinds
  }

  /// Each different output kind and its reverse, in order of first appearance.
  private static func hiddenKinds(_ outputs: [[Course]]) -> [[Course]] {
    var kinds: [[Course]] = []
    for output in outputs where !kinds.contains(output) {
      kinds.append(output)
      let reversed = output.map(\.reversed)
      if reversed != output { kinds.append(reversed) }
    }
    return kinds
  }

  /// The nearest numbers with allowed signs.
  func project(_ parameters: inout [Double]) {
    for index in parameters.indices { parameters[index] = allowances[index].projected(parameters[index]) }
  }

  /// Whether a step against `gradient` from the number `value` at `index` would be undone by the projection.
  func blocks(_ gradient: Double, at index: Int, of value: Double) -> Bool {
    switch allowances[index] {
    case .free: false
    case .nonnegative: value <= 0 && gradient > 0
    case .nonpositive: value >= 0 && gradient < 0
    case .zero: true
    }
  }

  /// Whether every number has an allowed sign.
  func admits(_ parameters: [Double]) -> Bool {
    zip(parameters, allowances).allSatisfy { $1.projected($0) == $0 }
  }

  /// Random weights to start from, of the sizes of ``NetworkShape/initialParameters(using:)``: with allowed signs, and of
  /// the weights between hidden neurons and to outputs only a few, larger ones.
  func initialParameters(using generator: inout RandomGenerator) -> [Double] {
    var parameters = shape.initialParameters(using: &generator)
    for l in 0..<shape.layerCount {
      let (ins, outs) = (shape.widths[l], shape.widths[l + 1])
      for j in 0..<outs {
        let row = (shape.weights(of: l) + j * ins)..<(shape.weights(of: l) + (j + 1) * ins)
        let possible = Double(row.count { allowances[$0] != .zero })
        let kept = l == 0 ? possible : min(possible, Self.initialSources)
        guard kept > 0 else { continue }
        let gain = (Double(ins) / kept).squareRoot()
        for index in row {
          let isKept = generator.unit() * possible < kept
          let size = isKept ? parameters[index] * gain : 0
          switch allowances[index] {
          case .free: parameters[index] = size
          case .nonnegative: parameters[index] = size.magnitude
          case .nonpositive: parameters[index] = 0 - size.magnitude
          case .zero: parameters[index] = 0
          }
        }
      }
    }
    return parameters
  }
}

/// What can be known of the signed shape before training.
public enum SignedShape {
  /// Why a network of these widths cannot be monotone in these directions by its structure; nil when it can.
  public static func obstacle(
    inputCount: Int, hidden: [Int], outputCount: Int, monotone: [MonotoneTerm]
  ) -> TrainingError? {
    do {
      let shape = NetworkShape(inputCount: inputCount, hidden: hidden, outputCount: outputCount)
      _ = try SignStructure(shape: shape, monotone: monotone)
      return nil
    } catch { return error }
  }
}
