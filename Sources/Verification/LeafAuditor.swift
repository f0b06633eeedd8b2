internal import Certificates
internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import SolverProcess
internal import Specifications

/// The second opinion on leaves that bounds have closed: each is given to Z3 whole — network, property and cell, exactly
/// — and must come back without a solution.
///
/// Nothing of the bounds is used: phases are disjunctions unless intervals in rationals fix them (``CellForms``). The
/// claim of a leaf speaks of the generic points of its cell; see ``Encoder/encode(_:)`` for the points on a boundary that
/// follow from it by continuity.
struct LeafAuditor {
  let network: ExactNetwork
  let query: Query
  /// The longest one leaf may take, in milliseconds.
  var milliseconds = 5_000

  /// How an audit went. What contradicts a leaf is not counted but thrown.
  struct Report: Sendable, Hashable {
    /// Leaves that were given to Z3.
    var audited = 0
    /// Those of which Z3 said that the claim fails nowhere.
    var confirmed = 0
    /// Those that Z3 did not decide.
    var undecided: Int { audited - confirmed }
    /// Why the first of them was not decided.
    var reason: UnknownReason?
  }

  /// Audits cells until all are done or the budget is over.
  ///
  /// - Parameter claim: Says in words which leaf of how many a cell is, for the evidence; called for a disagreement only.
  /// - Throws: ``VerificationError`` with code `disagreement` when Z3 finds a point of a cell and exact evaluation
  ///   confirms that the claim fails there, or when it does not confirm what Z3 found; its `evidence` is a script that
  ///   says what both sides claim. With code `solver` when there is no solver to ask.
  func audit(
    _ cells: [Cell], budget: Budget, claim: (Int) -> String = { "cell \($0) of the audit" }
  ) throws(VerificationError) -> Report {
    var report = Report()
    for (index, cell) in cells.enumerated() {
      if budget.isOver { break }
      report.audited += 1
      if let reason = try audit(cell, budget: budget, claim: { claim(index) }) {
        report.reason = report.reason ?? reason
      } else {
        report.confirmed += 1
      }
    }
    return report
  }

  /// The encoding of "the claim fails in this cell".
  func encoding(of cell: Cell) -> Encoder.Encoding {
    let box = cell.box(in: query.region)
    let forms = CellForms(network: network, box: box, premises: cell.premises)
    let premises = zip(cell.premises, forms.isIdenticallyZero).map { premise, isZero -> Encoder.Premise in
      premise == 0 ? .none : isZero ? .identicallyZero : premise > 0 ? .active : .inactive
    }
    let encoder = Encoder(network: network, query: query, box: box, phases: forms.phases, premises: premises)
    switch query.claim {
    case .monotone: return encoder.encode(.derivative)
    case .nonnegative: return encoder.encode(.value)
    }
  }

  /// Nil when Z3 confirms the leaf, otherwise why it does not decide.
  private func audit(_ cell: Cell, budget: Budget, claim: () -> String) throws(VerificationError) -> UnknownReason? {
    // No two points of the domain differ in a fixed feature.
    if case .monotone(_, let feature, _, _) = query.claim,
      query.region[feature].lowerBound == query.region[feature].upperBound
    {
      return nil
    }
    let encoding = encoding(of: cell)
    let question = Question(encoding.formula, values: encoding.inputs, method: .general)
    switch try budget.ask(question, milliseconds: milliseconds) {
    case .unsatisfiable: return nil
    case .unknown(let text): return budget.reason(for: text)
    case .satisfiable(let point):
      let isReal = isViolated(at: point)
      let what =
        isReal
        ? "bounds have closed a cell, but Z3 finds the point \(point) of it, where exact evaluation confirms that the "
          + "claim fails"
        : "Z3 gives \(point) as a point at which the claim fails, but exact evaluation does not confirm it"
      let comment = """
        \(what)
        closed by bounds: \(claim())
        cell, lower corner in units of 2^-30 of the domain: \(cell.lower)
        cell, upper corner: \(cell.upper)
        cell, premises: \(cell.premises)
        network: \(network.digest)
        query: \(query.canonicalText.split(separator: "\n").joined(separator: "; "))
        """
      throw VerificationError(
        .disagreement, what + "; please report this with the model and the specification",
        evidence: encoding.formula.script(comment: comment))
    }
  }

  /// Whether the claim fails at (to the right of) an exact point.
  func isViolated(at point: [Rational]) -> Bool {
    guard query.polytope.contains(point) else { return false }
    switch query.claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      guard let reach = query.polytope.interval(along: feature, through: point), point[feature] < reach.upperBound
      else {
        return false
      }
      var outputs = [Rational](repeating: .zero, count: network.outputCount)
      outputs[output] = Rational(direction.sign)
      return ExactRay(network: network, outputs: outputs, feature: feature, tilt: -minimumSlope).piece(at: point).slope
        .isNegative
    case .nonnegative(let outputs, let inputs, let constant):
      let value = zip(outputs, network.output(at: point)).reduce(constant) { $0 + $1.0 * $1.1 }
      return zip(inputs, point).reduce(value) { $0 + $1.0 * $1.1 }.isNegative
    }
  }
}

/// A sample of a stream whose length need not be known: each element is in it with the same probability (Vitter,
/// "Random sampling with a reservoir", ACM TOMS 11, 1985, algorithm R). Same seed and stream, same sample.
struct ReservoirSample<Element> {
  let capacity: Int
  private(set) var elements: [Element] = []
  /// The elements offered so far.
  private(set) var count = 0
  private var generator: SplitMix64

  init(capacity: Int, seed: UInt64) {
    precondition(capacity >= 0)
    self.capacity = capacity
    generator = SplitMix64(seed: seed)
  }

  /// Offers an element, which is made only when it is taken.
  mutating func offer(_ element: @autoclosure () -> Element) {
    count += 1
    if elements.count < capacity {
      elements.append(element())
    } else if capacity > 0 {
      let place = Int.random(in: 0..<count, using: &generator)
      if place < capacity { elements[place] = element() }
    }
  }
}

extension ReservoirSample: Sendable where Element: Sendable {}

/// A ``ReservoirSample`` of leaves that a closure can fill: the query's index and the cell.
final class LeafSample {
  private var sample: ReservoirSample<(Int, Cell)>

  init(capacity: Int, seed: UInt64) { sample = ReservoirSample(capacity: capacity, seed: seed) }

  func offer(_ query: Int, _ cell: Cell) { sample.offer((query, cell)) }

  var elements: [(Int, Cell)] { sample.elements }
}
