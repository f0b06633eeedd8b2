internal import ExactArithmetic
internal import Networks
internal import Specifications

/// A case that says "an output falls (rises) along features by more than τ ≥ 0": two equal copies whose inputs agree but
/// for those features, which are ordered. It is refuted by claims about the slope of one copy.
struct MonotoneCase {
  /// One claim per feature; together they refute the case.
  let queries: [Query]
  let network: ExactNetwork
  /// Whether copy `larger[k]` of the case is the one at which feature k of ``queries`` is larger.
  private let larger: [Int]
  private let copies: [SatisfiabilityCase.Copy]
  private let columnCount: Int

  /// Nil when the case is of another form.
  init?(_ lowered: SatisfiabilityCase, region: [ClosedRange<Rational>], of problem: SatisfiabilityProblem) {
    guard lowered.copies.count == 2, lowered.copies[0].network == lowered.copies[1].network,
      let atom = lowered.atoms.first(where: { !$0.outputs.isEmpty }), atom.inputs.isEmpty, atom.outputs.count == 2
    else { return nil }
    let network = problem.networks[lowered.copies[0].network]
    let columns = lowered.copies.map(\.columns)
    let all = columns.map { Set($0) }
    // No coordinate serves two inputs of one copy, or different inputs of both, and none is unused.
    guard all[0].count == network.inputCount, all[1].count == network.inputCount,
      all[0].union(all[1]).count == region.count
    else { return nil }
    let features = columns[0].indices.filter { columns[0][$0] != columns[1][$0] }
    // Other atoms may say that the two values of the only feature that moves differ: an output that falls says so anyway.
    let others = lowered.atoms.filter { $0 != atom }
    guard lowered.atoms.count - others.count == 1, others.isEmpty || features.count == 1,
      others.allSatisfy({ other in
        other.outputs.isEmpty && other.isStrict && other.constant.isZero && other.inputs.count == 2
          && Set(other.inputs.keys) == [columns[0][features[0]], columns[1][features[0]]]
          && other.inputs.values.reduce(Rational.zero, +).isZero
      })
    else { return nil }
    guard !features.isEmpty,
      features.allSatisfy({ !all[1].contains(columns[0][$0]) && !all[0].contains(columns[1][$0]) })
    else { return nil }
    // c · (f_o at copy `high` − f_o at the other) − c·τ, with c > 0
    let outputs = atom.outputs.sorted { $0.key < $1.key }
    let count = network.outputCount
    guard outputs[0].key < count, outputs[1].key == outputs[0].key + count,
      (outputs[0].value + outputs[1].value).isZero, !atom.constant.isPositive
    else { return nil }
    let output = outputs[0].key
    let high = outputs[0].value.isPositive ? 0 : 1
    let tolerance = -atom.constant / outputs[high].value
    // Without a tolerance the two points of a pair may be the same.
    guard atom.isStrict || tolerance.isPositive else { return nil }

    var larger: [Int: Int] = [:]
    var rest: [[LinearInequality]] = [[], []]
    for constraint in lowered.constraints {
      let named = region.indices.filter { !constraint.form.coefficients[$0].isZero }
      let feature = features.first { named == [columns[0][$0], columns[1][$0]].sorted() }
      if let feature, constraint.form.constant.isZero,
        (constraint.form.coefficients[named[0]] + constraint.form.coefficients[named[1]]).isZero
      {
        let copy = constraint.form.coefficients[columns[0][feature]].isPositive ? 0 : 1
        guard larger[feature] == nil else { return nil }
        larger[feature] = copy
        continue
      }
      // A condition on one point has to hold of both.
      let isAbout = (0...1).map { copy in named.allSatisfy { all[copy].contains($0) } }
      guard isAbout[0] || isAbout[1] else { return nil }
      for copy in 0...1 where isAbout[copy] {
        rest[copy].append(
          LinearInequality(
            coefficients: columns[copy].map { constraint.form.coefficients[$0] }, constant: constraint.form.constant))
      }
    }
    guard larger.count == features.count, Set(rest[0]) == Set(rest[1]),
      features.allSatisfy({ region[columns[0][$0]] == region[columns[1][$0]] })
    else { return nil }
    let domain = columns[0].map { region[$0] }
    if features.count > 1, !rest[0].isEmpty {
      // Steps in several features are made of steps in one only where there is room.
      guard case .solid = Polytope(box: domain, constraints: rest[0]).extent else { return nil }
      // And only from corner to corner of a box does the tolerance add up.
      guard tolerance.isZero else { return nil }
    }
    // Constraints between features that move together could keep the corner of a step outside; the derivative form
    // needs no corner when there is room, so nothing more is asked for.
    var queries: [Query] = []
    for feature in features {
      let copy = larger[feature] ?? 0
      // The case: f is larger at copy `high` by more than τ. Where that copy's feature is the larger one, f must not rise.
      let direction: Direction = copy == high ? .nonincreasing : .nondecreasing
      let width = domain[feature].upperBound - domain[feature].lowerBound
      var slope = Rational.zero
      if tolerance.isPositive, !width.isZero {
        slope = -tolerance / (Rational(features.count) * width)
        // The difference must stay below τ, not only reach it.
        if !atom.isStrict { slope *= .one - Rational.one.scaled(bits: -20) }
      }
      queries.append(
        Query(
          region: domain, constraints: rest[0],
          claim: .monotone(output: output, feature: feature, direction: direction, minimumSlope: slope)))
    }
    self.network = network
    self.queries = queries
    self.larger = features.map { larger[$0] ?? 0 }
    copies = lowered.copies
    columnCount = region.count
  }

  /// The u of a pair that fails query `index`: `xPrime` has the larger value of its feature.
  func point(_ index: Int, x: [Rational], xPrime: [Rational]) -> [Rational] {
    var u = [Rational](repeating: .zero, count: columnCount)
    for (copy, entry) in copies.enumerated() {
      for (column, value) in zip(entry.columns, copy == larger[index] ? xPrime : x) { u[column] = value }
    }
    return u
  }
}
