/// The points of a box that satisfy linear inequalities.
public struct Polytope: Sendable, Hashable {
  public let box: [ClosedRange<Rational>]
  /// Each over the coordinates of the box, none of them strict.
  public let constraints: [LinearInequality]

  /// - Precondition: every constraint has as many variables as the box, and none is strict.
  public init(box: [ClosedRange<Rational>], constraints: [LinearInequality]) {
    precondition(constraints.allSatisfy { $0.form.coefficients.count == box.count && !$0.isStrict })
    self.box = box
    self.constraints = constraints
  }

  /// Whether a point lies in the polytope; false for a point of another dimension.
  public func contains(_ point: [Rational]) -> Bool {
    point.count == box.count && zip(box, point).allSatisfy { $0.contains($1) }
      && constraints.allSatisfy { $0.holds(at: point) }
  }

  /// Whether all points near `point` that the box's fixed coordinates allow lie in the polytope: the point is inside
  /// every interval of positive width, and every constraint that is not constant on the box holds strictly there.
  ///
  /// A polytope with such a point is the closure of its interior, so that a continuous piecewise linear function is
  /// known on it by its linear pieces with interior.
  public func isInterior(_ point: [Rational]) -> Bool {
    guard contains(point) else { return false }
    for (interval, x) in zip(box, point) where interval.lowerBound < interval.upperBound {
      if x == interval.lowerBound || x == interval.upperBound { return false }
    }
    return constraints.allSatisfy { isConstant($0.form) || $0.form.value(at: point).isPositive }
  }

  private func isConstant(_ form: LinearForm) -> Bool {
    zip(form.coefficients, box).allSatisfy { $0.isZero || $1.lowerBound == $1.upperBound }
  }

  /// The positions along one axis at which the line through `point` is in the polytope; nil when there is none.
  /// The point's own position on the axis plays no part.
  /// - Precondition: `point` has one number per coordinate.
  public func interval(along axis: Int, through point: [Rational]) -> ClosedRange<Rational>? {
    precondition(point.count == box.count)
    for i in box.indices where i != axis && !box[i].contains(point[i]) { return nil }
    var low = box[axis].lowerBound
    var high = box[axis].upperBound
    var origin = point
    origin[axis] = .zero
    for constraint in constraints {
      let rest = constraint.form.value(at: origin)
      let slope = constraint.form.coefficients[axis]
      if slope.isPositive {
        low = max(low, -rest / slope)
      } else if slope.isNegative {
        high = min(high, -rest / slope)
      } else if rest.isNegative {
        return nil
      }
    }
    return low <= high ? low...high : nil
  }
}

extension Polytope {
  /// How much room there is.
  public enum Extent: Sendable, Hashable {
    /// No point at all.
    case empty
    /// Points, but none that ``Polytope/isInterior(_:)``; one of them is given.
    case flat([Rational])
    /// A point with ``Polytope/isInterior(_:)``.
    case solid([Rational])
    /// Not found out within the bounds of the search.
    case unknown
  }

  /// The work, in updates of tableau entries, that ``extent`` may take.
  public static let extentWork = 4_000_000

  /// ``extent(work:)`` with ``extentWork``.
  public var extent: Extent {
    var work = Self.extentWork
    return extent(work: &work)
  }

  /// A point as far from all walls as possible, by the simplex method (Dantzig; with the rule of Bland, *Mathematics of
  /// Operations Research* 2(2), 1977, against cycling) in exact rationals.
  ///
  /// With x = low + width · y, the greatest s is sought such that s ≤ yᵢ ≤ 1 − s and every constraint, divided by the
  /// sum of its scaled coefficients' magnitudes, is at least s. s > 0 gives an interior point, s < 0 means that there is
  /// no point. `flat` and `solid` are checked by evaluation before they are returned.
  ///
  /// - Parameter work: The most rational operations that the search may take, about; what it took is subtracted. The
  ///   answer is `unknown` when that is not enough.
  public func extent(work: inout Int) -> Extent {
    let variables = box.indices.filter { i in
      box[i].lowerBound < box[i].upperBound && constraints.contains { !$0.form.coefficients[i].isZero }
    }
    // Coordinates in no constraint stay in the middle, fixed ones where they are.
    var point = box.map { ($0.lowerBound + $0.upperBound) / 2 }
    var rows: [(coefficients: [Rational], constant: Rational)] = []
    for constraint in constraints {
      var constant = constraint.form.constant
      for (coefficient, interval) in zip(constraint.form.coefficients, box) where !coefficient.isZero {
        constant += coefficient * interval.lowerBound
      }
      let scaled = variables.map { constraint.form.coefficients[$0] * (box[$0].upperBound - box[$0].lowerBound) }
      let size = scaled.reduce(Rational.zero) { $0 + $1.magnitude }
      if size.isZero {
        if constant.isNegative { return .empty }
        continue
      }
      rows.append((scaled.map { $0 / size }, constant / size))
    }
    let n = variables.count
    // Every constraint was constant.
    if n == 0 { return .solid(point) }
    guard (2 * n + rows.count + 1) * (n + 2) <= work else { return .unknown }
    // With s = r − shift, y = 0 and r = 0 are feasible.
    let shift = rows.reduce(Rational.zero) { max($0, -$1.constant) }
    // One row per inequality: coefficients of y and r, and the right side; each inequality is ≤.
    var tableau: [[Rational]] = []
    for k in 0..<n {
      var low = [Rational](repeating: .zero, count: n + 2)
      var high = low
      low[k] = Rational(-1)
      high[k] = .one
      (low[n], low[n + 1]) = (.one, shift)
      (high[n], high[n + 1]) = (.one, .one + shift)
      tableau += [low, high]
    }
    for row in rows { tableau.append(row.coefficients.map { -$0 } + [.one, row.constant + shift]) }
    guard let solution = Self.maximise(variable: n, in: &tableau, variables: n + 1, work: &work) else {
      return .unknown
    }
    for (k, i) in variables.enumerated() {
      point[i] = box[i].lowerBound + (box[i].upperBound - box[i].lowerBound) * solution[k]
    }
    if (solution[n] - shift).isNegative { return .empty }
    if isInterior(point) { return .solid(point) }
    return contains(point) ? .flat(point) : .unknown
  }

  /// The variables' values at the greatest value of one of them, all being non-negative and the rows' left sides at most
  /// their right sides, which are non-negative; nil when `work` ran out or there is no greatest value.
  private static func maximise(
    variable: Int, in tableau: inout [[Rational]], variables: Int, work: inout Int
  ) -> [Rational]? {
    // Columns 0..<variables are the non-basic variables; names below `variables` are variables, others slacks.
    var names = Array(0..<variables)
    var basis = (0..<tableau.count).map { variables + $0 }
    var objective = [Rational](repeating: .zero, count: variables + 1)
    objective[variable] = .one
    let cost = (tableau.count + 1) * (variables + 1)
    while work >= cost {
      work -= cost
      let candidates = (0..<variables).filter { objective[$0].isPositive }
      guard let entering = candidates.min(by: { names[$0] < names[$1] }) else {
        var values = [Rational](repeating: .zero, count: variables)
        for (row, name) in basis.enumerated() where name < variables { values[name] = tableau[row][variables] }
        return values
      }
      var leaving: (row: Int, ratio: Rational)?
      for row in tableau.indices where tableau[row][entering].isPositive {
        let ratio = tableau[row][variables] / tableau[row][entering]
        if leaving.map({ ratio < $0.ratio || (ratio == $0.ratio && basis[row] < basis[$0.row]) }) ?? true {
          leaving = (row, ratio)
        }
      }
      guard let pivot = leaving?.row else { return nil }
      // The leaving variable takes the entering one's column.
      let inverse = tableau[pivot][entering].reciprocal
      for column in 0...variables where column != entering { tableau[pivot][column] *= inverse }
      tableau[pivot][entering] = inverse
      for row in tableau.indices where row != pivot && !tableau[row][entering].isZero {
        let factor = tableau[row][entering]
        for column in 0...variables where column != entering { tableau[row][column] -= factor * tableau[pivot][column] }
        tableau[row][entering] = -factor * inverse
      }
      let factor = objective[entering]
      for column in 0...variables where column != entering { objective[column] -= factor * tableau[pivot][column] }
      objective[entering] = -factor * inverse
      swap(&basis[pivot], &names[entering])
    }
    return nil
  }
}
