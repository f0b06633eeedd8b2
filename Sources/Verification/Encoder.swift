internal import ExactArithmetic
internal import Networks
internal import SolverProcess
internal import Specifications

/// Exact encodings of "the claim fails somewhere" as linear real arithmetic with phases as disjunctions.
///
/// - ``Form/derivative``: one copy of the network and its one-sided derivative D⁺ along the feature. f is
///   non-decreasing along e on a convex set exactly when D⁺f(x; e) ≥ 0 at every x from which e leads to another point
///   of the set; a neuron with z = 0 passes max(0, dz). In a polytope these are the x that are not on the upper face
///   of the box and at which every constraint that falls along e holds strictly. No interior is needed.
/// - ``Form/pair``: two copies at x and x′ = x + t·e, t > 0, as in the definition. The reference.
/// - ``Form/value``: one copy, for claims on the value.
///
/// An encoding is a ``Formula``: it can be asked of a solver process, or written to a file for another solver.
struct Encoder {
  enum Form: Sendable, Hashable {
    case derivative
    case pair
    case value
  }

  /// What a phase split says of a neuron's pre-activation.
  enum Premise: Sendable, Hashable {
    case none
    /// The half-space z ≥ 0, or z ≤ 0.
    case active
    case inactive
    /// A premise on a form that is identically zero. It says nothing: were it taken as strict, the cells on both of its
    /// sides would be empty, and with them a part of the domain.
    case identicallyZero
  }

  let network: ExactNetwork
  /// Without a relation.
  let query: Query
  /// The part of the region that is encoded: a box within it.
  let box: [ClosedRange<Rational>]
  /// Phases that hold on the whole box, from sound bounds: 1 active, −1 inactive, 0 unknown. One per hidden neuron.
  let phases: [Int8]
  /// One per hidden neuron.
  let premises: [Premise]

  /// The whole region of the query.
  init(network: ExactNetwork, query: Query, phases: [Int8]) {
    self.init(
      network: network, query: query, box: query.region, phases: phases,
      premises: Array(repeating: .none, count: phases.count))
  }

  /// A part of the region. For the pair form no premise is allowed: its two points may lie on two sides of one.
  init(network: ExactNetwork, query: Query, box: [ClosedRange<Rational>], phases: [Int8], premises: [Premise]) {
    precondition(phases.count == network.hiddenNeuronCount && premises.count == phases.count)
    self.network = network
    self.query = query
    self.box = box
    self.phases = phases
    self.premises = premises
  }

  /// The encoded question.
  struct Encoding {
    var formula = Formula()
    /// The first point.
    var inputs: [RealVariable] = []
    /// The feature's value in the second copy.
    var moved: RealVariable?
  }

  /// The conditions under which the box has a point (or pair) at which the claim fails.
  ///
  /// For the derivative the upper face of the box belongs to the neighbour, and so does a point of a premise's
  /// boundary unless the feature leads from there into the premise's side: D⁺ at a point is the slope to its right.
  func encode(_ form: Form) -> Encoding {
    var encoding = Encoding()
    var inputs: [AffineTerm] = []
    for (i, interval) in box.enumerated() {
      let x = encoding.formula.variable("x\(i)")
      encoding.formula.require(x >= interval.lowerBound)
      encoding.formula.require(x <= interval.upperBound)
      inputs.append(x)
      encoding.inputs.append(RealVariable("x\(i)"))
    }
    for constraint in query.constraints { encoding.formula.require(value(of: constraint, inputs) >= .zero) }
    switch (form, query.claim) {
    case (.value, .nonnegative(let outputs, let linear, let constant)):
      let values = outputTerms(hidden(inputs, "h", &encoding.formula))
      let terms = (Array(zip(outputs, values)) + Array(zip(linear, inputs))).filter { !$0.0.isZero }
      encoding.formula.require(AffineTerm(sum: terms, constant: constant) < .zero)
    case (.pair, .monotone(let output, let feature, let direction, let minimumSlope)):
      precondition(premises.allSatisfy { $0 == .none })
      var second = inputs
      second[feature] = encoding.formula.variable("moved")
      encoding.moved = RealVariable("moved")
      encoding.formula.require(second[feature] > inputs[feature])
      encoding.formula.require(second[feature] <= box[feature].upperBound)
      for constraint in query.constraints { encoding.formula.require(value(of: constraint, second) >= .zero) }
      let before = outputTerms(hidden(inputs, "h", &encoding.formula))[output]
      let after = outputTerms(hidden(second, "g", &encoding.formula))[output]
      let sign = Rational(direction.sign)
      // sign · (after − before) < minimumSlope · (moved − x)
      let difference = AffineTerm(sum: [
        (sign, after), (-sign, before), (-minimumSlope, second[feature]), (minimumSlope, inputs[feature]),
      ])
      encoding.formula.require(difference < .zero)
    case (.derivative, .monotone(let output, let feature, let direction, let minimumSlope)):
      encoding.formula.require(inputs[feature] < box[feature].upperBound)
      for constraint in query.constraints where constraint.form.coefficients[feature].isNegative {
        encoding.formula.require(value(of: constraint, inputs) > .zero)
      }
      let slope = derivative(inputs, output: output, feature: feature, &encoding.formula)
      encoding.formula.require(Rational(direction.sign) * slope < minimumSlope)
    default:
      preconditionFailure("the form of an encoding follows from its claim")
    }
    return encoding
  }

  private func value(of constraint: LinearInequality, _ inputs: [AffineTerm]) -> AffineTerm {
    AffineTerm(
      sum: zip(constraint.form.coefficients, inputs).filter { !$0.0.isZero }.map { ($0.0, $0.1) },
      constant: constraint.form.constant)
  }

  /// The post-activations of the last hidden layer at `inputs`; nil for neurons that are zero throughout.
  private func hidden(_ inputs: [AffineTerm], _ prefix: String, _ formula: inout Formula) -> [AffineTerm?] {
    var values: [AffineTerm?] = inputs
    var g = 0
    for layer in network.hiddenLayers {
      var next: [AffineTerm?] = []
      for j in 0..<layer.outputCount {
        defer { g += 1 }
        guard phases[g] != -1 || premises[g] != .none else {
          next.append(nil)
          continue
        }
        let h = formula.variable("\(prefix)\(g)")
        let z = affine(layer, j, values)
        let active = Condition.all([z >= .zero, .equal(h, z)])
        let inactive = Condition.all([z <= .zero, .equal(h, AffineTerm(.zero))])
        switch premises[g] {
        case .active: formula.require(active)
        case .inactive: formula.require(inactive)
        case .none where phases[g] == 1: formula.require(.equal(h, z))
        case .none, .identicallyZero: formula.require(.any([active, inactive]))
        }
        next.append(h)
      }
      values = next
    }
    return values
  }

  /// The one-sided derivative D⁺ of one output along the feature.
  private func derivative(_ inputs: [AffineTerm], output: Int, feature: Int, _ formula: inout Formula) -> AffineTerm {
    var values: [AffineTerm?] = inputs
    var slopes: [AffineTerm?] = inputs.indices.map { $0 == feature ? AffineTerm(.one) : nil }
    var g = 0
    for layer in network.hiddenLayers {
      var nextValues: [AffineTerm?] = []
      var nextSlopes: [AffineTerm?] = []
      for j in 0..<layer.outputCount {
        defer { g += 1 }
        guard phases[g] != -1 || premises[g] != .none else {
          nextValues.append(nil)
          nextSlopes.append(nil)
          continue
        }
        let h = formula.variable("h\(g)")
        let y = formula.variable("y\(g)")
        let z = affine(layer, j, values)
        let dz = affine(layer, j, slopes, bias: false)
        let zero = AffineTerm(.zero)
        let passes: [Condition] = [.equal(h, z), .equal(y, dz)]
        let stops: [Condition] = [.equal(h, zero), .equal(y, zero)]
        let active = Condition.all([z > .zero] + passes)
        let inactive = Condition.all([z < .zero] + stops)
        switch premises[g] {
        case .active: formula.require(.any([active, .all([.equal(z, zero), dz > .zero] + passes)]))
        case .inactive: formula.require(.any([inactive, .all([.equal(z, zero), dz < .zero] + stops)]))
        case .none where phases[g] == 1:
          for condition in passes { formula.require(condition) }
        case .none, .identicallyZero:
          let rising = Condition.all([.equal(z, zero), .equal(h, zero), dz >= .zero, .equal(y, dz)])
          let falling = Condition.all([.equal(z, zero), .equal(h, zero), dz <= .zero, .equal(y, zero)])
          formula.require(.any([active, inactive, rising, falling]))
        }
        nextValues.append(h)
        nextSlopes.append(y)
      }
      values = nextValues
      slopes = nextSlopes
    }
    let last = network.layers[network.layers.count - 1]
    return affine(last, output, slopes, bias: false)
  }

  private func outputTerms(_ values: [AffineTerm?]) -> [AffineTerm] {
    let last = network.layers[network.layers.count - 1]
    return (0..<last.outputCount).map { affine(last, $0, values) }
  }

  private func affine(_ layer: ExactLayer, _ neuron: Int, _ values: [AffineTerm?], bias: Bool = true) -> AffineTerm {
    var terms: [(Rational, AffineTerm)] = []
    for i in 0..<layer.inputCount {
      let weight = layer.weight(neuron: neuron, input: i)
      if let value = values[i], !weight.isZero { terms.append((weight.rational, value)) }
    }
    return AffineTerm(sum: terms, constant: bias ? layer.biases[neuron].rational : .zero)
  }
}
