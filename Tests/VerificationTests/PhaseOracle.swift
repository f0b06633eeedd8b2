import ExactArithmetic
import Networks
import Specifications
import TestHelpers

/// Brute force by phase enumeration, in exact rationals and without any code of the engine, for networks with at most
/// two inputs that move (any number of others may be fixed by the box).
///
/// The box is cut by one neuron after the other. A piece is a point, a segment or a convex polygon given by its
/// vertices; pieces without interior are dropped. On each piece every output is one affine form.
struct PhaseOracle {
  /// Σ coefficients[k]·(k-th moving input) + constant.
  struct Form {
    var coefficients: [Rational]
    var constant: Rational

    func value(at point: [Rational]) -> Rational {
      zip(coefficients, point).reduce(constant) { $0 + $1.0 * $1.1 }
    }

    mutating func add(_ other: Form, times factor: Rational) {
      guard !factor.isZero else { return }
      for k in coefficients.indices { coefficients[k] += factor * other.coefficients[k] }
      constant += factor * other.constant
    }
  }

  struct Piece {
    var vertices: [[Rational]]
    var outputs: [Form]
  }

  /// The inputs with an interval of positive width.
  let moving: [Int]
  private(set) var pieces: [Piece] = []
  /// The inputs in terms of the moving ones.
  let inputForms: [Form]

  /// - Parameter constraints: cut the box before any neuron does; what they leave must have an interior.
  init(_ network: Network, box: [ClosedRange<Rational>], constraints: [LinearInequality] = []) throws {
    let moving = box.indices.filter { box[$0].lowerBound < box[$0].upperBound }
    self.moving = moving
    precondition(moving.count <= 2)
    let zero = Form(coefficients: Array(repeating: .zero, count: moving.count), constant: .zero)
    let inputs = box.indices.map { i in
      var form = zero
      if let k = moving.firstIndex(of: i) { form.coefficients[k] = .one } else { form.constant = box[i].lowerBound }
      return form
    }
    inputForms = inputs
    var corners: [[Rational]] = [[]]
    for (k, i) in moving.enumerated() {
      let low = corners.map { $0 + [box[i].lowerBound] }
      let high = corners.map { $0 + [box[i].upperBound] }
      // The second axis is walked back, so that the corners go around.
      corners = low + (k == 0 ? high : high.reversed())
    }
    for constraint in constraints {
      var form = zero
      form.constant = constraint.form.constant
      for (coefficient, input) in zip(constraint.form.coefficients, inputs) { form.add(input, times: coefficient) }
      corners = Self.clip(corners, form, sign: 1)
    }
    var open = [Piece(vertices: corners, outputs: inputs)].filter { Self.hasInterior($0.vertices) }
    for layer in network.layers {
      var next: [Piece] = []
      for piece in open {
        var parts = [Piece(vertices: piece.vertices, outputs: [])]
        for j in 0..<layer.outputCount {
          var form = zero
          form.constant = try exact(layer.biases[j])
          for i in 0..<layer.inputCount {
            form.add(piece.outputs[i], times: try exact(layer.weight(neuron: j, input: i)))
          }
          parts = parts.flatMap { part in
            guard layer.isRectified else { return [Piece(vertices: part.vertices, outputs: part.outputs + [form])] }
            return [
              Piece(vertices: Self.clip(part.vertices, form, sign: 1), outputs: part.outputs + [form]),
              Piece(vertices: Self.clip(part.vertices, form, sign: -1), outputs: part.outputs + [zero]),
            ].filter { Self.hasInterior($0.vertices) }
          }
        }
        next += parts
      }
      open = next
    }
    pieces = open
  }

  /// The part of a convex piece where sign · form ≥ 0 (Sutherland and Hodgman, CACM 17(1), 1974).
  static func clip(_ vertices: [[Rational]], _ form: Form, sign: Int) -> [[Rational]] {
    var result: [[Rational]] = []
    let values = vertices.map { form.value(at: $0) * Rational(sign) }
    for k in vertices.indices {
      if !values[k].isNegative { result.append(vertices[k]) }
      let after = (k + 1) % vertices.count
      // A segment has one edge, not two.
      if vertices.count == 2, k == 1 { continue }
      if values[k].signum * values[after].signum < 0 {
        let share = values[k] / (values[k] - values[after])
        result.append(zip(vertices[k], vertices[after]).map { $0 + share * ($1 - $0) })
      }
    }
    return result
  }

  private static func hasInterior(_ vertices: [[Rational]]) -> Bool {
    guard let first = vertices.first else { return false }
    switch first.count {
    case 0: return true
    case 1: return vertices.contains { $0 != first }
    default:
      var area = Rational.zero
      for k in vertices.indices {
        let a = vertices[k]
        let b = vertices[(k + 1) % vertices.count]
        area += a[0] * b[1] - a[1] * b[0]
      }
      return !area.isZero
    }
  }

  /// The least of sign · ∂output/∂feature; nil for a feature that does not move.
  func leastSlope(output: Int, feature: Int, sign: Int) -> Rational? {
    guard let k = moving.firstIndex(of: feature) else { return nil }
    return pieces.map { $0.outputs[output].coefficients[k] * Rational(sign) }.min()
  }

  /// The least of Σ weights[k]·f_k + Σ inputs[i]·x_i.
  func leastValue(_ weights: [Rational], inputs: [Rational] = []) -> Rational? {
    pieces.flatMap { piece in
      piece.vertices.map { vertex in
        zip(weights + inputs, piece.outputs + inputForms).reduce(Rational.zero) { $0 + $1.0 * $1.1.value(at: vertex) }
      }
    }.min()
  }

  func holds(_ query: Query) -> Bool {
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      leastSlope(output: output, feature: feature, sign: direction.sign).map { $0 >= minimumSlope } ?? true
    case .nonnegative(let outputs, let inputs, let constant):
      leastValue(outputs, inputs: inputs).map { !($0 + constant).isNegative } ?? true
    }
  }
}
