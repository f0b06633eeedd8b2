internal import BigInt
public import ExactArithmetic
public import Networks

/// A linear form of a network's outputs and inputs along a line, exactly: a piecewise linear function of one position,
/// by its vertices.
public struct ExactSlice: Sendable, Hashable {
  /// What is looked at: Σ outputs[k]·f_k(x) + Σ inputs[i]·x_i + constant.
  public struct Quantity: Sendable, Hashable {
    public let outputs: [Rational]
    public let inputs: [Rational]
    public let constant: Rational

    public init(outputs: [Rational], inputs: [Rational], constant: Rational) {
      self.outputs = outputs
      self.inputs = inputs
      self.constant = constant
    }

    /// Output `index` of `outputCount`.
    public init(output index: Int, of outputCount: Int, inputCount: Int) {
      self.init(
        outputs: (0..<outputCount).map { $0 == index ? .one : .zero },
        inputs: Array(repeating: .zero, count: inputCount), constant: .zero)
    }
  }

  public struct Vertex: Sendable, Hashable {
    public let position: Rational
    public let value: Rational

    public init(position: Rational, value: Rational) {
      self.position = position
      self.value = value
    }
  }

  /// Positions ascend strictly; the first and last are the interval's ends, unless ``isComplete`` is false.
  public let vertices: [Vertex]
  /// False when there were more linear pieces than allowed: the vertices then end early.
  public let isComplete: Bool

  public static let maximumPieces = 4096

  /// The quantity at start + t·direction for t in `interval`.
  ///
  /// With D the common denominator of both vectors, the line is the image of (1/D, t/D) under a matrix of integers; the
  /// network after that matrix is one of two inputs, along whose second one ``ExactRay`` goes.
  /// - Precondition: the vectors have one number per input, and the quantity fits the network.
  /// - Complexity: one exact forward pass per linear piece, of which at most `maximumPieces` are looked at.
  public init(
    of quantity: Quantity, network: ExactNetwork, from start: [Rational], along direction: [Rational],
    over interval: ClosedRange<Rational>, maximumPieces: Int = Self.maximumPieces
  ) {
    precondition(start.count == network.inputCount && direction.count == start.count)
    precondition(quantity.outputs.count == network.outputCount && quantity.inputs.count == start.count)
    var denominator = BigInt(1)
    for x in start + direction {
      denominator = denominator / denominator.greatestCommonDivisor(with: x.denominator) * x.denominator
    }
    let scale = Rational(denominator)
    let rows = zip(start, direction).map { x, d in
      [x, d].enumerated().compactMap { column, value -> LinearMap.Term? in
        value.isZero
          ? nil
          : LinearMap.Term(column: column, factor: Dyadic(mantissa: (value * scale).numerator, exponent: 0))
      }
    }
    let line = network.product(over: [LinearMap(columnCount: 2, rows: rows)])
    var tilt = Rational.zero
    var offset = quantity.constant
    for (weight, (x, d)) in zip(quantity.inputs, zip(start, direction)) where !weight.isZero {
      tilt += weight * d
      offset += weight * x
    }
    let ray = ExactRay(network: line, outputs: quantity.outputs, feature: 1, tilt: tilt * scale)
    var vertices: [Vertex] = []
    var last: Rational?
    var position = interval.lowerBound
    var isComplete = false
    for _ in 0..<maximumPieces {
      let piece = ray.piece(at: [scale.reciprocal, position / scale])
      // A neuron that changes its phase without effect makes no vertex.
      if piece.slope != last || position >= interval.upperBound {
        vertices.append(Vertex(position: position, value: piece.value + offset))
      }
      last = piece.slope
      if position >= interval.upperBound {
        isComplete = true
        break
      }
      position = min(piece.end.map { $0 * scale } ?? interval.upperBound, interval.upperBound)
    }
    self.vertices = vertices
    self.isComplete = isComplete
  }

  private init(vertices: [Vertex], isComplete: Bool) {
    self.vertices = vertices
    self.isComplete = isComplete
  }

  /// The slice of factor · quantity + offset.
  public func mapped(factor: Rational, offset: Rational) -> ExactSlice {
    ExactSlice(
      vertices: vertices.map { Vertex(position: $0.position, value: factor * $0.value + offset) },
      isComplete: isComplete)
  }

  /// The part over `interval`, as far as there are vertices.
  public func restricted(to interval: ClosedRange<Rational>) -> ExactSlice {
    var part = vertices.filter { interval.contains($0.position) }
    for (end, isFirst) in [(interval.lowerBound, true), (interval.upperBound, false)]
    where !part.contains(where: { $0.position == end }) {
      guard let value = value(at: end) else { continue }
      part.insert(Vertex(position: end, value: value), at: isFirst ? 0 : part.count)
    }
    return ExactSlice(vertices: part, isComplete: isComplete)
  }

  /// The value at a position, nil beside the vertices.
  public func value(at position: Rational) -> Rational? {
    guard let first = vertices.first, let last = vertices.last, position >= first.position, position <= last.position
    else { return nil }
    // The first vertex at or beyond the position.
    var low = 0
    var high = vertices.count - 1
    while low < high {
      let middle = (low + high) / 2
      if vertices[middle].position >= position { high = middle } else { low = middle + 1 }
    }
    let right = vertices[low]
    guard right.position != position else { return right.value }
    let left = vertices[low - 1]
    let share = (position - left.position) / (right.position - left.position)
    return left.value + share * (right.value - left.value)
  }

  /// The one-sided derivatives of the quantity at `point`, upwards along each input.
  /// - Complexity: one exact forward pass per input.
  public static func slopes(of quantity: Quantity, network: ExactNetwork, at point: [Rational]) -> [Rational] {
    point.indices.map { feature in
      ExactRay(network: network, outputs: quantity.outputs, feature: feature, tilt: quantity.inputs[feature])
        .piece(at: point).slope
    }
  }
}
