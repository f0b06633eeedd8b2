internal import ExactArithmetic
public import Networks
public import Specifications

/// A property's negation for one network as SMT-LIB 2 text in the logic QF_LRA: `sat` means that the property is
/// violated, and the model is a counterexample; `unsat` means that it holds.
///
/// It is written from the exact network and the queries alone, without the encoder that ``Verification`` gives to Z3:
/// a second reading of the same property. All numbers are exact.
///
/// A ReLU is written as three constraints, h ≥ 0, h ≥ z, and h ≤ 0 or h ≤ z: the convex ones help a solver before it
/// decides the phase (Ehlers, *Formal Verification of Piece-Wise Linear Feed-Forward Neural Networks*, ATVA 2017, §3;
/// measured in `docs/exports.md`).
public struct SMTLIBExport: Sendable {
  /// How a monotone claim is written. Other claims have one form.
  public enum Encoding: String, Sendable, Hashable, CaseIterable {
    /// One copy of the network and its one-sided derivative D⁺ along the feature: f satisfies the claim on a convex set
    /// exactly when D⁺f is at least the slope at every point of it from which a step along the feature stays inside.
    case slope
    /// Two copies at x and x′ = x + t·e, t > 0, as in the definition.
    case pair
  }

  /// An answer that is known.
  public enum Status: String, Sendable, Hashable, CaseIterable {
    case sat
    case unsat
  }

  private let specification: Specification
  private let property: Property
  private let network: ExactNetwork
  private let status: Status?
  private let body: Body

  fileprivate enum Body: Sendable {
    case points(PropertyNegation)
    case slopes([SlopeCase])
  }

  /// A monotone query.
  fileprivate struct SlopeCase: Sendable {
    let index: Int
    let query: Query
    let output: Int
    let feature: Int
    let sign: Rational
    let minimumSlope: Rational
  }

  /// - Parameters:
  ///   - query: One of the property's queries, from 0; nil for the whole property.
  ///   - status: The answer if it is known, for `(set-info :status …)`.
  /// - Throws: ``ExportError``: `mismatch` when the network has other numbers of inputs or outputs; `vacuous`.
  public init(
    _ property: Property, of specification: Specification, network: ExactNetwork, query: Int? = nil,
    encoding: Encoding = .slope, status: Status? = nil
  ) throws(ExportError) {
    let (n, m) = (specification.features.count, specification.outputs.count)
    guard network.inputCount == n, network.outputCount == m else {
      throw ExportError(
        .mismatch,
        "the network has \(network.inputCount) inputs and \(network.outputCount) outputs, but the specification declares "
          + "\(n) and \(m); export the network that it was written for")
    }
    let negation = try PropertyNegation(of: property, query: query, outputCount: m)
    let slopes = negation.cases.compactMap { SlopeCase($0.query, property.queries[$0.query]) }
    body = encoding == .slope && slopes.count == negation.cases.count ? .slopes(slopes) : .points(negation)
    self.specification = specification
    self.property = property
    self.network = network
    self.status = status
  }

  /// Writes the file.
  /// - Complexity: O(weights) terms for each point, and for each feature of a slope; nothing is kept of them.
  public func write(to stream: inout some TextOutputStream) {
    switch body {
    case .points(let negation): write(negation, to: &stream)
    case .slopes(let cases): write(cases, to: &stream)
    }
    stream.write("(check-sat)\n; after sat: (get-model)\n(exit)\n")
  }

  /// The whole file.
  public var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  // MARK: Points

  private func write(_ negation: PropertyNegation, to stream: inout some TextOutputStream) {
    let names = SMTLIBNames(
      features: specification.features.map(\.name), outputs: specification.outputs.map(\.name),
      points: negation.pointNames)
    writeHeader(
      indices: negation.cases.map(\.query),
      form: negation.pointCount == 1
        ? "one copy of the network at one point" : "two copies of the network at two points",
      names: names, points: negation.pointCount == 1 ? [""] : negation.pointNames.map { " at \($0)" }, slopes: [],
      to: &stream)
    for point in 0..<negation.pointCount {
      for name in names.inputs[point] { stream.write("(declare-const \(name) Real)\n") }
    }
    let variables = names.inputs.flatMap { $0 } + names.outputs.flatMap { $0 }
    func text(_ form: SparseForm, _ sign: PointQuery.Condition.Sign) -> String {
      Self.text(LinearRow(form, sign), variables)
    }
    let outputCount = negation.cases[0].outputs.count
    func text(_ condition: PointQuery.Condition) -> String {
      text(condition.form, condition.sign)
    }
    for condition in negation.common { stream.write("(assert \(text(condition)))\n") }
    let used = (0..<outputCount).filter { k in negation.cases.contains { !$0.outputs[k].isZero } }
    for point in 0..<negation.pointCount {
      let values = writeHidden(point, names, to: &stream)
      for k in used where k / negation.outputCount == point {
        writeOutput(k % negation.outputCount, of: values, as: variables[variables.count - outputCount + k], to: &stream)
      }
    }
    let cases = negation.cases.map { alternative in
      alternative.conditions.map(text) + [
        text(alternative.failure(inputCount: negation.pointCount * negation.inputCount), .positive)
      ]
    }
    stream.write("; the claim fails\n")
    if cases.count == 1 {
      for part in cases[0] { stream.write("(assert \(part))\n") }
    } else {
      let parts = cases.map { $0.count == 1 ? $0[0] : "(and \($0.joined(separator: " ")))" }
      stream.write("(assert (or\n  \(parts.joined(separator: "\n  "))))\n")
    }
  }

  /// The post-activations of the last hidden layer.
  private func writeHidden(_ point: Int, _ names: SMTLIBNames, to stream: inout some TextOutputStream) -> [String] {
    var values = names.inputs[point]
    for (index, layer) in network.hiddenLayers.enumerated() {
      var next: [String] = []
      for neuron in 0..<layer.outputCount {
        let z = names.pre(point, index, neuron)
        let h = names.post(point, index, neuron)
        stream.write("(declare-const \(z) Real)\n(declare-const \(h) Real)\n")
        stream.write("(assert (= \(z) \(affine(layer, neuron, values))))\n")
        stream.write("(assert (>= \(h) 0))\n(assert (>= \(h) \(z)))\n(assert (or (<= \(h) 0) (<= \(h) \(z))))\n")
        next.append(h)
      }
      values = next
    }
    return values
  }

  private func writeOutput(
    _ output: Int, of values: [String], as name: String, to stream: inout some TextOutputStream
  ) {
    stream.write("(declare-const \(name) Real)\n")
    stream.write("(assert (= \(name) \(affine(network.layers[network.layers.count - 1], output, values))))\n")
  }

  // MARK: Slopes

  private func write(_ cases: [SlopeCase], to stream: inout some TextOutputStream) {
    let names = SMTLIBNames(
      features: specification.features.map(\.name), outputs: specification.outputs.map(\.name), points: ["x"])
    var pairs: [(output: Int, feature: Int)] = []
    for one in cases where !pairs.contains(where: { $0 == (one.output, one.feature) }) {
      pairs.append((one.output, one.feature))
    }
    func slope(_ output: Int, _ feature: Int) -> String {
      names.outputSlope(specification.outputs[output].name, specification.features[feature].name)
    }
    writeHeader(
      indices: cases.map(\.index),
      form:
        "one copy of the network and its one-sided derivative along the feature: on a convex set, f(x + t·e) - f(x) "
        + ">= m·t for all t > 0 exactly when the derivative to the right is at least m at every x from which a step "
        + "along e stays inside",
      names: names, points: [""],
      slopes: pairs.map { (slope($0.output, $0.feature), $0.output, $0.feature) }, to: &stream)
    let inputs = names.inputs[0]
    for name in inputs { stream.write("(declare-const \(name) Real)\n") }
    // The queries of a property have one region and one set of constraints; should they not, each brings its own.
    let first = cases[0].query
    let isShared = cases.allSatisfy { $0.query.region == first.region && $0.query.constraints == first.constraints }
    func domain(_ query: Query) -> [String] {
      zip(inputs, query.region).map { name, interval in
        interval.lowerBound == interval.upperBound
          ? "(= \(name) \(SMTLIBSyntax.number(interval.lowerBound)))"
          : "(and (<= \(SMTLIBSyntax.number(interval.lowerBound)) \(name)) (<= \(name) "
            + "\(SMTLIBSyntax.number(interval.upperBound))))"
      } + query.constraints.map { Self.text(LinearRow(SparseForm($0.form), .nonnegative), inputs) }
    }
    if isShared { for part in domain(first) { stream.write("(assert \(part))\n") } }
    let values = writeHidden(0, names, to: &stream)
    for output in Set(pairs.map(\.output)).sorted() {
      writeOutput(output, of: values, as: names.outputs[0][output], to: &stream)
    }
    for feature in Set(pairs.map(\.feature)).sorted() {
      writeSlopes(
        along: feature, outputs: pairs.filter { $0.feature == feature }.map { ($0.output, slope($0.output, feature)) },
        names, to: &stream)
    }
    let texts = cases.map { one -> [String] in
      var parts = isShared ? [] : domain(one.query)
      // Where no step leads on, nothing is claimed.
      parts.append("(< \(inputs[one.feature]) \(SMTLIBSyntax.number(one.query.region[one.feature].upperBound)))")
      for constraint in one.query.constraints where constraint.form.coefficients[one.feature].isNegative {
        parts.append(Self.text(LinearRow(SparseForm(constraint.form), .positive), inputs))
      }
      let name = slope(one.output, one.feature)
      parts.append(
        one.sign.isNegative
          ? "(> \(name) \(SMTLIBSyntax.number(-one.minimumSlope)))"
          : "(< \(name) \(SMTLIBSyntax.number(one.minimumSlope)))")
      return parts
    }
    stream.write("; the claim fails\n")
    if texts.count == 1 {
      for part in texts[0] { stream.write("(assert \(part))\n") }
    } else {
      stream.write("(assert (or\n  \(texts.map { "(and \($0.joined(separator: " ")))" }.joined(separator: "\n  "))))\n")
    }
  }

  /// The derivative to the right: an active neuron passes it, one at z = 0 passes what is positive of it.
  private func writeSlopes(
    along feature: Int, outputs: [(output: Int, name: String)], _ names: SMTLIBNames,
    to stream: inout some TextOutputStream
  ) {
    let own = specification.features[feature].name
    // Nil for what is zero everywhere.
    var values: [String?] = (0..<network.inputCount).map { $0 == feature ? "1" : nil }
    for (index, layer) in network.hiddenLayers.enumerated() {
      var next: [String?] = []
      for neuron in 0..<layer.outputCount {
        guard let terms = linear(layer, neuron, values) else {
          next.append(nil)
          continue
        }
        let dz = names.preSlope(own, index, neuron)
        let dh = names.postSlope(own, index, neuron)
        let z = names.pre(0, index, neuron)
        stream.write("(declare-const \(dz) Real)\n(declare-const \(dh) Real)\n(assert (= \(dz) \(terms)))\n")
        stream.write("(assert (= \(dh) (ite (or (> \(z) 0) (and (= \(z) 0) (> \(dz) 0))) \(dz) 0)))\n")
        next.append(dh)
      }
      values = next
    }
    for (output, name) in outputs {
      let terms = linear(network.layers[network.layers.count - 1], output, values) ?? "0"
      stream.write("(declare-const \(name) Real)\n(assert (= \(name) \(terms)))\n")
    }
  }

  // MARK: Terms

  private func affine(_ layer: ExactLayer, _ neuron: Int, _ values: [String]) -> String {
    var terms: [String] = []
    for (i, value) in values.enumerated() {
      let weight = layer.weight(neuron: neuron, input: i)
      if !weight.isZero { terms.append(SMTLIBSyntax.product(weight.rational, value)) }
    }
    let bias = layer.biases[neuron]
    if !bias.isZero { terms.append(SMTLIBSyntax.number(bias.rational)) }
    return SMTLIBSyntax.sum(terms)
  }

  /// Nil when there is no term.
  private func linear(_ layer: ExactLayer, _ neuron: Int, _ values: [String?]) -> String? {
    var terms: [String] = []
    for (i, value) in values.enumerated() {
      let weight = layer.weight(neuron: neuron, input: i)
      if let value, !weight.isZero { terms.append(SMTLIBSyntax.product(weight.rational, value)) }
    }
    return terms.isEmpty ? nil : SMTLIBSyntax.sum(terms)
  }

  private static func text(_ row: LinearRow, _ names: [String]) -> String {
    let terms = row.left.map { term in
      term.coefficient.isZero ? "0" : SMTLIBSyntax.product(term.coefficient, names[term.variable])
    }
    let right =
      switch row.right {
      case .number(let number): SMTLIBSyntax.number(number)
      case .variable(let variable): names[variable]
      }
    return "(\(row.comparison.rawValue) \(SMTLIBSyntax.sum(terms)) \(right))"
  }

  // MARK: Header

  private func writeHeader(
    indices: [Int], form: String, names: SMTLIBNames, points: [String],
    slopes: [(name: String, output: Int, feature: Int)], to stream: inout some TextOutputStream
  ) {
    func add(_ text: String, indent: String = "") {
      for line in CommentText.lines(text, indent: indent) { stream.write(line + "\n") }
    }
    let one = indices.count < property.queries.count ? "query \(indices[0] + 1)" : nil
    let what = one.map { "\($0) of the property" } ?? "the property"
    add("Property \(property.id)\(one.map { ", \($0)" } ?? "") of specification \(specification.name), negated.")
    add(property.statement)
    add(
      "sat: violated\(slopes.isEmpty ? ", the model is a counterexample" : ""). unsat: \(what) holds.")
    if property.isRounded {
      add(
        "Bounds on a log2 scale are irrational: they are rounded so that unsat implies the property. A model that misses "
          + "it by less than 2^-119 per logarithm decides nothing.")
    }
    if specification.features.contains(where: { $0.scale == .log2 }) {
      add("The ends of a log2 domain are multiples of 2^-44 that enclose the logarithms; what lies between counts.")
    }
    add("Encoding: \(form).")
    add("Network \(network.digest),")
    add("specification \(specification.digest).")
    for index in indices { add("Query \(index + 1): \(property.queries[index].digest).") }
    add("Variables (z and h are pre- and post-activations, layers and neurons count from 1):")
    for (point, text) in points.enumerated() {
      for feature in specification.features {
        add("\(names.inputs[point][feature.index]): \(feature.numberText)\(text)", indent: "  ")
      }
      for output in specification.outputs {
        add("\(names.outputs[point][output.index]): \(output.numberText)\(text)", indent: "  ")
      }
    }
    for slope in slopes {
      add(
        "\(slope.name): derivative of \(specification.outputs[slope.output].numberText) along "
          + "\(specification.features[slope.feature].numberText)", indent: "  ")
    }
    stream.write("(set-option :produce-models true)\n(set-info :smt-lib-version 2.6)\n(set-logic QF_LRA)\n")
    if let status { stream.write("(set-info :status \(status.rawValue))\n") }
  }
}

extension SMTLIBExport.SlopeCase {
  /// Nil for a query that is not monotone.
  fileprivate init?(_ index: Int, _ query: Query) {
    guard case .monotone(let output, let feature, let direction, let minimumSlope) = query.claim else { return nil }
    self.init(
      index: index, query: query, output: output, feature: feature, sign: Rational(direction.sign),
      minimumSlope: minimumSlope)
  }
}
