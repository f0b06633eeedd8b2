internal import ExactArithmetic
internal import Networks
internal import SMT
internal import Specifications

/// Exact encodings of "the claim fails somewhere" as linear real arithmetic with phases as disjunctions.
///
/// - ``Form/derivative``: one copy of the network and its one-sided derivative D⁺ along the feature. f is
///   non-decreasing along e on a convex set exactly when D⁺f(x; e) ≥ 0 at every x from which e leads to another point
///   of the set; a neuron with z = 0 passes max(0, dz). In a polytope these are the x that are not on the upper face
///   of the box and at which every constraint that falls along e holds strictly. No interior is needed.
/// - ``Form/pair``: two copies at x and x′ = x + t·e, t > 0, as in the definition. The reference.
/// - ``Form/value``: one copy, for claims on the value.
struct Encoder {
  enum Form: Sendable, Hashable {
    case derivative
    case pair
    case value
  }

  let network: ExactNetwork
  /// Without a relation.
  let query: Query
  /// Phases that hold on the whole region, from sound bounds: 1 active, −1 inactive, 0 unknown. One per hidden neuron.
  let phases: [Int8]

  /// The encoded question.
  struct Encoding {
    let inputs: [RealTerm]
    /// The feature's value in the second copy.
    let moved: RealTerm?
  }

  /// Asserts in `solver` that the region has a point (or pair) at which the claim fails.
  func encode(_ form: Form, in solver: Solver) throws(SMTError) -> Encoding {
    let context = solver.context
    var inputs: [RealTerm] = []
    for (i, interval) in query.region.enumerated() {
      let x = try context.realVariable("x\(i)")
      try solver.assert(x >= interval.lowerBound)
      try solver.assert(x <= interval.upperBound)
      inputs.append(x)
    }
    for constraint in query.constraints { try solver.assert(try self.value(of: constraint, inputs, context) >= .zero) }
    switch (form, query.claim) {
    case (.value, .nonnegative(let outputs, let linear, let constant)):
      let values = try outputTerms(try hidden(inputs, "h", in: solver), in: context)
      let terms = (Array(zip(outputs, values)) + Array(zip(linear, inputs))).filter { !$0.0.isZero }
      let sum = try context.sum(of: terms, constant: constant)
      try solver.assert(sum < .zero)
      return Encoding(inputs: inputs, moved: nil)
    case (.pair, .monotone(let output, let feature, let direction, let minimumSlope)):
      var second = inputs
      second[feature] = try context.realVariable("moved")
      try solver.assert(second[feature] > inputs[feature])
      try solver.assert(second[feature] <= query.region[feature].upperBound)
      for constraint in query.constraints {
        try solver.assert(try self.value(of: constraint, second, context) >= .zero)
      }
      let before = try outputTerms(try hidden(inputs, "h", in: solver), in: context)[output]
      let after = try outputTerms(try hidden(second, "g", in: solver), in: context)[output]
      let sign = Rational(direction.sign)
      // sign · (after − before) < minimumSlope · (moved − x)
      let difference = try context.sum(of: [
        (sign, after), (-sign, before), (-minimumSlope, second[feature]), (minimumSlope, inputs[feature]),
      ])
      try solver.assert(difference < .zero)
      return Encoding(inputs: inputs, moved: second[feature])
    case (.derivative, .monotone(let output, let feature, let direction, let minimumSlope)):
      try solver.assert(inputs[feature] < query.region[feature].upperBound)
      for constraint in query.constraints where constraint.form.coefficients[feature].isNegative {
        try solver.assert(try self.value(of: constraint, inputs, context) > .zero)
      }
      let slope = try derivative(inputs, output: output, feature: feature, in: solver)
      let violation = try Rational(direction.sign) * slope < minimumSlope
      try solver.assert(violation)
      return Encoding(inputs: inputs, moved: nil)
    default:
      preconditionFailure("the form of an encoding follows from its claim")
    }
  }

  private func value(of constraint: LinearInequality, _ inputs: [RealTerm], _ context: SolverContext) throws(SMTError)
    -> RealTerm
  {
    let terms = zip(constraint.form.coefficients, inputs).filter { !$0.0.isZero }
    return try context.sum(of: terms, constant: constraint.form.constant)
  }

  /// The post-activations of the last hidden layer at `inputs`; nil for neurons that are zero throughout.
  private func hidden(_ inputs: [RealTerm], _ prefix: String, in solver: Solver) throws(SMTError) -> [RealTerm?] {
    let context = solver.context
    var values: [RealTerm?] = inputs
    var g = 0
    for layer in network.hiddenLayers {
      var next: [RealTerm?] = []
      for j in 0..<layer.outputCount {
        defer { g += 1 }
        guard phases[g] != -1 else {
          next.append(nil)
          continue
        }
        let h = try context.realVariable("\(prefix)\(g)")
        let z = try affine(layer, j, values, in: context)
        if phases[g] == 1 {
          try solver.assert(h == z)
        } else {
          let active = try context.all(of: [z >= .zero, h == z])
          let inactive = try context.all(of: [z <= .zero, h == .zero])
          try solver.assert(active || inactive)
        }
        next.append(h)
      }
      values = next
    }
    return values
  }

  /// The one-sided derivative D⁺ of one output along the feature.
  private func derivative(_ inputs: [RealTerm], output: Int, feature: Int, in solver: Solver) throws(SMTError)
    -> RealTerm
  {
    let context = solver.context
    let one = try context.constant(Rational.one)
    var values: [RealTerm?] = inputs
    var slopes: [RealTerm?] = inputs.indices.map { $0 == feature ? one : nil }
    var g = 0
    for layer in network.hiddenLayers {
      var nextValues: [RealTerm?] = []
      var nextSlopes: [RealTerm?] = []
      for j in 0..<layer.outputCount {
        defer { g += 1 }
        guard phases[g] != -1 else {
          nextValues.append(nil)
          nextSlopes.append(nil)
          continue
        }
        let h = try context.realVariable("h\(g)")
        let y = try context.realVariable("y\(g)")
        let z = try affine(layer, j, values, in: context)
        let dz = try affine(layer, j, slopes, bias: false, in: context)
        if phases[g] == 1 {
          try solver.assert(h == z)
          try solver.assert(y == dz)
        } else {
          let active = try context.all(of: [z > .zero, h == z, y == dz])
          let inactive = try context.all(of: [z < .zero, h == .zero, y == .zero])
          let rising = try context.all(of: [z == .zero, h == .zero, dz >= .zero, y == dz])
          let falling = try context.all(of: [z == .zero, h == .zero, dz <= .zero, y == .zero])
          try solver.assert(try context.any(of: [active, inactive, rising, falling]))
        }
        nextValues.append(h)
        nextSlopes.append(y)
      }
      values = nextValues
      slopes = nextSlopes
    }
    let last = network.layers[network.layers.count - 1]
    return try affine(last, output, slopes, bias: false, in: context)
  }

  private func outputTerms(_ values: [RealTerm?], in context: SolverContext) throws(SMTError) -> [RealTerm] {
    let last = network.layers[network.layers.count - 1]
    var outputs: [RealTerm] = []
    for k in 0..<last.outputCount { outputs.append(try affine(last, k, values, in: context)) }
    return outputs
  }

  private func affine(
    _ layer: ExactLayer, _ neuron: Int, _ values: [RealTerm?], bias: Bool = true, in context: SolverContext
  ) throws(SMTError) -> RealTerm {
    var terms: [(Rational, RealTerm)] = []
    for i in 0..<layer.inputCount {
      let weight = layer.weight(neuron: neuron, input: i)
      if let value = values[i], !weight.isZero { terms.append((weight.rational, value)) }
    }
    return try context.sum(of: terms, constant: bias ? layer.biases[neuron].rational : .zero)
  }
}
