import ExactArithmetic
import Networks
import Specifications

/// Brute force for satisfiability queries: the linear pieces of the networks' product by ``PhaseOracle``, and on each
/// the half-planes of every conjunction, clipped in exact rationals. No code of the lowering or the engine.
struct FormulaOracle {
  private let oracle: PhaseOracle
  /// The variables of the query as forms of the inputs of the product, by piece.
  private let variables: [[PhaseOracle.Form]]

  /// - Parameters:
  ///   - networks: One per declaration. All have the same number of hidden layers.
  ///   - boxes: For each the box of its inputs; two inputs in all have an interval of positive width.
  init(_ networks: [Network], boxes: [[ClosedRange<Rational>]]) throws {
    let box = boxes.flatMap { $0 }
    let oracle = try PhaseOracle(Self.product(networks), box: box)
    self.oracle = oracle
    variables = oracle.pieces.map { piece in
      var forms: [PhaseOracle.Form] = []
      var input = 0
      var output = 0
      for network in networks {
        forms += oracle.inputForms[input..<(input + network.inputCount)]
        forms += piece.outputs[output..<(output + network.outputCount)]
        input += network.inputCount
        output += network.outputCount
      }
      return forms
    }
  }

  /// Block-diagonal layers: the networks side by side, each with its own inputs.
  private static func product(_ networks: [Network]) throws -> Network {
    let layers = try networks[0].layers.indices.map { index in
      let blocks = networks.map { $0.layers[index] }
      let columns = blocks.reduce(0) { $0 + $1.inputCount }
      var weights: [Double] = []
      var offset = 0
      for block in blocks {
        for row in 0..<block.outputCount {
          var line = [Double](repeating: 0, count: columns)
          for input in 0..<block.inputCount { line[offset + input] = block.weight(neuron: row, input: input) }
          weights += line
        }
        offset += block.inputCount
      }
      return try Layer(
        inputCount: columns, outputCount: blocks.reduce(0) { $0 + $1.outputCount }, weights: weights,
        biases: blocks.flatMap(\.biases), isRectified: blocks[0].isRectified)
    }
    return try Network(layers: layers)
  }

  /// Whether the formula holds somewhere in the box.
  func isSatisfiable(_ formula: LinearFormula) -> Bool {
    let conjunctions = Self.conjunctions(formula)
    return zip(oracle.pieces, variables).contains { piece, forms in
      conjunctions.contains { Self.isSatisfiable($0, piece.vertices, forms) }
    }
  }

  /// A convex piece, closed under all atoms; then every strict atom needs one vertex where it is positive, and the
  /// middle of those vertices satisfies all.
  private static func isSatisfiable(
    _ atoms: [LinearAtom], _ vertices: [[Rational]], _ variables: [PhaseOracle.Form]
  ) -> Bool {
    var rest = vertices
    var strict: [PhaseOracle.Form] = []
    for atom in atoms {
      var form = PhaseOracle.Form(
        coefficients: Array(repeating: .zero, count: vertices[0].count), constant: atom.form.constant)
      for term in atom.form.terms { form.add(variables[term.variable], times: term.coefficient) }
      rest = PhaseOracle.clip(rest, form, sign: 1)
      if rest.isEmpty { return false }
      if atom.isStrict { strict.append(form) }
    }
    return strict.allSatisfy { form in rest.contains { form.value(at: $0).isPositive } }
  }

  private static func conjunctions(_ formula: LinearFormula) -> [[LinearAtom]] {
    switch formula {
    case .atom(let atom): return [[atom]]
    case .any(let parts): return parts.flatMap(conjunctions)
    case .all(let parts):
      return parts.map(conjunctions).reduce([[]]) { all, next in all.flatMap { first in next.map { first + $0 } } }
    }
  }

  /// The greatest value of one variable.
  func greatest(_ variable: Int) -> Rational? {
    zip(oracle.pieces, variables).flatMap { piece, forms in piece.vertices.map { forms[variable].value(at: $0) } }.max()
  }
}
