public import ExactArithmetic

/// `form` ≥ 0, or `form` > 0 when strict.
public struct LinearAtom: Sendable, Hashable {
  public let form: SparseForm
  public let isStrict: Bool

  public init(_ form: SparseForm, isStrict: Bool) {
    self.form = form
    self.isStrict = isStrict
  }

  public func holds(at values: [Rational]) -> Bool {
    let value = form.value(at: values)
    return isStrict ? value.isPositive : !value.isNegative
  }

  /// The atom that holds exactly where this one does not.
  public var negated: LinearAtom { LinearAtom(-form, isStrict: !isStrict) }
}

/// A quantifier-free formula of linear inequalities.
public indirect enum LinearFormula: Sendable, Hashable {
  case atom(LinearAtom)
  /// True when there are no parts.
  case all([LinearFormula])
  /// False when there are no parts.
  case any([LinearFormula])

  public func holds(at values: [Rational]) -> Bool {
    switch self {
    case .atom(let atom): atom.holds(at: values)
    case .all(let parts): parts.allSatisfy { $0.holds(at: values) }
    case .any(let parts): parts.contains { $0.holds(at: values) }
    }
  }

  public var negated: LinearFormula {
    switch self {
    case .atom(let atom): .atom(atom.negated)
    case .all(let parts): .any(parts.map(\.negated))
    case .any(let parts): .all(parts.map(\.negated))
    }
  }
}

/// A formula as a disjunction of conjunctions: it holds where every atom of ``common`` and every atom of one of
/// ``alternatives`` does.
public struct LinearCases: Sendable, Hashable {
  public let common: [LinearAtom]
  /// One entry per case; a single empty one when the formula is a conjunction, none when it is false.
  public let alternatives: [[LinearAtom]]

  /// The most cases, and the most atoms that are written down on the way to them.
  public static let maximumCases = 1 << 16
  public static let maximumAtoms = 1 << 21

  /// Nil when the bounds do not suffice.
  public init?(_ formula: LinearFormula) {
    var common: [LinearAtom] = []
    var choices: [[LinearFormula]] = []
    Self.split([formula], &common, &choices)
    // What is still to be met, and the atoms so far.
    var open: [(rest: ArraySlice<[LinearFormula]>, extra: [[LinearFormula]], atoms: [LinearAtom])] = [
      (choices[...], [], [])
    ]
    var alternatives: [[LinearAtom]] = []
    var size = 0
    var steps = 0
    while var entry = open.popLast() {
      steps += 1
      guard steps <= 4 * Self.maximumCases, size <= Self.maximumAtoms else { return nil }
      let choice: [LinearFormula]
      if let nested = entry.extra.popLast() {
        choice = nested
      } else if let next = entry.rest.popFirst() {
        choice = next
      } else {
        guard alternatives.count < Self.maximumCases else { return nil }
        alternatives.append(entry.atoms)
        continue
      }
      guard open.count + choice.count <= Self.maximumCases else { return nil }
      // Backwards, so that cases come in the order of the text.
      for part in choice.reversed() {
        var branch = entry
        Self.split([part], &branch.atoms, &branch.extra)
        size += branch.atoms.count + 1
        open.append(branch)
      }
    }
    self.common = common
    self.alternatives = alternatives
  }

  /// Sorts the parts of a conjunction into atoms and disjunctions. Recursion is as deep as the formula.
  private static func split(
    _ parts: [LinearFormula], _ atoms: inout [LinearAtom], _ choices: inout [[LinearFormula]]
  ) {
    for part in parts {
      switch part {
      case .atom(let atom): atoms.append(atom)
      case .all(let inner): split(inner, &atoms, &choices)
      case .any(let inner): inner.count == 1 ? split(inner, &atoms, &choices) : choices.append(inner)
      }
    }
  }
}
