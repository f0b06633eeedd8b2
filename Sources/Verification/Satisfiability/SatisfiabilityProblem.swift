public import Certificates
public import ExactArithmetic
public import Networks
public import Specifications

/// The question whether networks have inputs for which a formula over their inputs and outputs holds.
public struct SatisfiabilityProblem: Sendable {
  public let query: VNNLIBQuery
  /// One per declaration of ``query``.
  public let networks: [ExactNetwork]
  /// For each declaration the first one that stands for the same network.
  let origins: [Int]

  /// - Parameter networks: One per declaration, in order; those declared equal are the same.
  /// - Throws: ``VerificationError`` with code `mismatch` when a network has other numbers of inputs or outputs than its
  ///   declaration, or is not equal or isomorphic to another as declared.
  public init(query: VNNLIBQuery, networks: [ExactNetwork]) throws(VerificationError) {
    precondition(networks.count == query.networks.count)
    var origins: [Int] = []
    for (index, declaration) in query.networks.enumerated() {
      let network = networks[index]
      let title = declaration.name.isEmpty ? "the network" : "network '\(declaration.name)'"
      func fail(_ message: String) -> VerificationError { VerificationError(.mismatch, "\(query.path): \(message)") }
      func require(_ actual: Int, _ tensor: TensorDeclaration, _ what: String) throws(VerificationError) {
        guard actual != tensor.count else { return }
        throw fail(
          "\(tensor.name) of \(title) is declared with \(tensor.count) element\(tensor.count == 1 ? "" : "s") "
            + "\(tensor.shapeText), but the model has \(actual) \(what)\(actual == 1 ? "" : "s"); "
            + "declare its shape, or name the model that the query was written for")
      }
      try require(network.inputCount, declaration.input, "input")
      try require(network.outputCount, declaration.output, "output")
      switch declaration.equivalence {
      case .none: break
      case .equal(let other):
        guard networks[other] == network else {
          throw fail(
            "\(title) is declared equal to '\(query.networks[other].name)', but the models differ; "
              + "name one model for both")
        }
      case .isomorphic(let other):
        func widths(_ network: ExactNetwork) -> [Int] { network.layers.map(\.outputCount) }
        guard widths(networks[other]) == widths(network) else {
          throw fail(
            "\(title) is declared isomorphic to '\(query.networks[other].name)', but its layers have "
              + "\(widths(network)) neurons and those of the other \(widths(networks[other])); "
              + "leave isomorphic-to out, or name other models")
        }
      }
      origins.append(networks[..<index].firstIndex(of: network) ?? index)
    }
    self.query = query
    self.networks = networks
    self.origins = origins
  }

  /// The values of all variables at the given inputs, one list per declaration; nil when the formula fails there.
  ///
  /// The exact forward pass and the formula as it was read: nothing of what a search derived from it.
  public func witness(inputs: [[Rational]]) -> Witness? {
    precondition(inputs.count == networks.count)
    let outputs = zip(networks, inputs).map { $0.output(at: $1) }
    let values = zip(inputs, outputs).flatMap { $0 + $1 }
    return query.formula.holds(at: values) ? Witness(inputs: inputs, outputs: outputs) : nil
  }
}

/// Inputs for which a formula holds, with the outputs of the networks there, exactly; one list per declaration.
public struct Witness: Sendable, Hashable {
  public let inputs: [[Rational]]
  public let outputs: [[Rational]]
}

/// What is known about a satisfiability query.
public enum SatisfiabilityAnswer: Sendable, Hashable {
  /// The formula holds at the witness, as the exact forward pass confirms.
  case satisfiable(Witness)
  /// The formula holds nowhere.
  case unsatisfiable
  /// Neither was shown.
  case unknown(UnknownReason)
}

/// Why no point satisfies one case of a formula.
public enum CaseGround: Sendable, Hashable {
  /// Its conditions on inputs alone contradict each other, by exact linear programming.
  case empty
  /// Checked proofs; each refutes the case, or all together do.
  case proofs([CaseProof])
  /// Z3's answer to the whole case, exactly encoded. No proof.
  case solver

  /// `empty`, `proof` or `solver`.
  public var name: String {
    switch self {
    case .empty: "empty"
    case .proofs: "proof"
    case .solver: "solver"
    }
  }
}

/// A checked proof of a query about a network that was made of those of the problem.
public struct CaseProof: Sendable, Hashable {
  public let network: ExactNetwork
  public let query: Query
  public let file: ProofFile
}

/// How a satisfiability query was decided.
public struct SatisfiabilityResult: Sendable {
  public let answer: SatisfiabilityAnswer
  /// The cases that were refuted, by number, with the ground of each; all of them when the answer is `unsatisfiable`.
  public let refuted: [Int: CaseGround]
  /// The cases of the formula's disjunctive form.
  public let caseCount: Int
}
