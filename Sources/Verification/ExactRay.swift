internal import ExactArithmetic
internal import Networks

/// A network along one axis, exactly: one-sided derivatives, breakpoints, and the steepest fall between two points.
struct ExactRay {
  let network: ExactNetwork
  /// Weight per output. The function looked at is Σ outputs[k]·f_k(x) + tilt·x[feature].
  let outputs: [Rational]
  let feature: Int
  let tilt: Rational

  /// The function at a point, exactly.
  func value(at point: [Rational]) -> Rational {
    zip(outputs, network.output(at: point)).reduce(tilt * point[feature]) { sum, term in
      term.0.isZero ? sum : sum + term.0 * term.1
    }
  }

  /// The state just to the right of a point: the value, and the slope until the next breakpoint.
  struct Piece {
    let start: Rational
    let value: Rational
    /// The one-sided derivative of the function along +e at `start`.
    let slope: Rational
    /// Where the linear piece ends; nil when it goes on for ever.
    let end: Rational?
  }

  /// The piece that starts at `point`: a neuron whose pre-activation is zero takes the phase it has just to the right.
  /// - Complexity: one exact forward pass.
  func piece(at point: [Rational]) -> Piece {
    let activations = network.preActivations(at: point)
    var tangent = [Dyadic](repeating: .zero, count: network.inputCount)
    tangent[feature] = .one
    var reach: Rational?
    for (index, layer) in network.layers.enumerated() {
      var next = [Dyadic](repeating: .zero, count: layer.outputCount)
      for i in 0..<layer.inputCount where !tangent[i].isZero {
        for j in 0..<layer.outputCount {
          let weight = layer.weight(neuron: j, input: i)
          if !weight.isZero { next[j] += weight * tangent[i] }
        }
      }
      guard index + 1 < network.layers.count else {
        let start = point[feature]
        var value = tilt * start
        var slope = tilt
        for k in outputs.indices where !outputs[k].isZero {
          value += outputs[k] * activations[index][k]
          slope += outputs[k] * next[k].rational
        }
        return Piece(start: start, value: value, slope: slope, end: reach.map { start + $0 })
      }
      for j in 0..<layer.outputCount {
        let z = activations[index][j]
        let active = z.isPositive || (z.isZero && !next[j].isNegative)
        // A sign change ahead: z and its derivative have opposite signs.
        if !next[j].isZero, z.isNegative != next[j].isNegative, !z.isZero {
          let distance = -z / next[j].rational
          if reach.map({ distance < $0 }) ?? true { reach = distance }
        }
        if !active { next[j] = .zero }
      }
      tangent = next
    }
    preconditionFailure("a network has an output layer")
  }

  /// The two points a < b on the line through `point` within `interval` with the greatest fall f(a) − f(b), exactly;
  /// nil when f does not fall anywhere, or when more than `maximumPieces` linear pieces were met before a fall.
  ///
  /// A continuous piecewise linear function takes its greatest fall between breakpoints or ends.
  /// - Complexity: one exact forward pass per linear piece.
  func steepestFall(through point: [Rational], within interval: ClosedRange<Rational>, maximumPieces: Int = 2048)
    -> (from: Rational, to: Rational, fall: Rational)?
  {
    var position = point
    position[feature] = interval.lowerBound
    var highest: (at: Rational, value: Rational)?
    var best: (from: Rational, to: Rational, fall: Rational)?
    for _ in 0..<maximumPieces {
      let piece = piece(at: position)
      if let top = highest, top.value > piece.value {
        let fall = top.value - piece.value
        if best.map({ fall > $0.fall }) ?? true { best = (top.at, piece.start, fall) }
      }
      if highest.map({ piece.value > $0.value }) ?? true { highest = (piece.start, piece.value) }
      if piece.start >= interval.upperBound { break }
      position[feature] = min(piece.end ?? interval.upperBound, interval.upperBound)
    }
    return best
  }
}
