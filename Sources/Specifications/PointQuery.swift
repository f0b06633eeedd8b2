public import ExactArithmetic

/// The negation of a query, written in the coordinates of its points instead of those of a ``Relation``: what a
/// reader of another language needs, who knows only networks and their inputs and outputs.
///
/// The query fails exactly when there are points that meet all ``conditions`` and at which Σ ``outputs``·f + ``inputs``
/// is negative. Points lie one after the other in every list of coordinates: coordinate p·n + i is input i of point p,
/// output p·m + k is output k there.
public struct PointQuery: Sendable, Hashable {
  /// What is asked of a linear form of the points' coordinates.
  public struct Condition: Sendable, Hashable {
    public enum Sign: Sendable, Hashable {
      /// The form is zero, at least zero, or above zero.
      case zero
      case nonnegative
      case positive
    }

    public let form: SparseForm
    public let sign: Sign
  }

  public let pointCount: Int
  /// n, the inputs of one point.
  public let inputCount: Int
  public let conditions: [Condition]
  /// One coefficient per output of each point.
  public let outputs: [Rational]
  /// The claim's part without outputs, its constant included.
  public let inputs: SparseForm
}

extension Query {
  /// This query's negation in the coordinates of its points.
  ///
  /// - A claim on values at one point has that point; one with a ``Relation`` has a point for each copy.
  /// - A monotone claim has two: x, and x′ = x + t·e with t > 0, by its definition.
  ///
  /// Every coordinate of a relation's vector u is found from the points by solving one row of the maps after the other
  /// (``Relation/parameters(of:)``); the rows that are left over become equations.
  /// - Returns: Nil when the coordinates of u cannot be found that way. Those of a ``Specification`` can.
  /// - Precondition: the claim fits a network of `outputCount` outputs.
  public func points(outputCount: Int) -> PointQuery? {
    switch claim {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      return pair(output, feature, Rational(direction.sign), minimumSlope, outputCount: outputCount)
    case .nonnegative(let outputs, let inputs, let constant):
      let form = SparseForm(LinearForm(coefficients: inputs, constant: constant))
      guard let relation else {
        return PointQuery(
          pointCount: 1, inputCount: region.count, conditions: conditions { $0 }, outputs: outputs, inputs: form)
      }
      guard let solved = relation.solved() else { return nil }
      func inPoints(_ form: SparseForm) -> SparseForm {
        SparseForm(
          sum: form.terms.map { ($0.coefficient, solved.coordinates[$0.variable]) }, constant: form.constant)
      }
      return PointQuery(
        pointCount: relation.copies.count, inputCount: relation.inputCount,
        conditions: conditions(inPoints) + solved.equations.map { PointQuery.Condition(form: $0, sign: .zero) },
        outputs: outputs, inputs: inPoints(form))
    }
  }

  /// The region and the constraints, after `transform`.
  private func conditions(_ transform: (SparseForm) -> SparseForm) -> [PointQuery.Condition] {
    var result: [PointQuery.Condition] = []
    for (index, interval) in region.enumerated() {
      let low = SparseForm(
        [SparseForm.Term(variable: index, coefficient: .one)], constant: -interval.lowerBound)
      let high = SparseForm([SparseForm.Term(variable: index, coefficient: -.one)], constant: interval.upperBound)
      if interval.lowerBound == interval.upperBound {
        result.append(PointQuery.Condition(form: transform(low), sign: .zero))
      } else {
        result.append(PointQuery.Condition(form: transform(low), sign: .nonnegative))
        result.append(PointQuery.Condition(form: transform(high), sign: .nonnegative))
      }
    }
    return result
      + constraints.map { PointQuery.Condition(form: transform(SparseForm($0.form)), sign: .nonnegative) }
  }

  private func pair(_ output: Int, _ feature: Int, _ sign: Rational, _ minimumSlope: Rational, outputCount: Int)
    -> PointQuery
  {
    let n = region.count
    func difference(_ i: Int) -> SparseForm {
      SparseForm(
        sum: [(-.one, .variable(i)), (.one, .variable(n + i))], constant: .zero)
    }
    func moved(_ form: SparseForm) -> SparseForm {
      SparseForm(sum: form.terms.map { ($0.coefficient, .variable(n + $0.variable)) }, constant: form.constant)
    }
    var conditions = conditions { $0 } + self.conditions(moved)
    for i in 0..<n where i != feature {
      conditions.append(PointQuery.Condition(form: difference(i), sign: .zero))
    }
    conditions.append(PointQuery.Condition(form: difference(feature), sign: .positive))
    var outputs = [Rational](repeating: .zero, count: 2 * outputCount)
    outputs[output] = -sign
    outputs[outputCount + output] = sign
    return PointQuery(
      pointCount: 2, inputCount: n, conditions: conditions, outputs: outputs,
      inputs: SparseForm(sum: [(-minimumSlope, difference(feature))], constant: .zero))
  }
}

extension Relation {
  /// Each coordinate of u as a form of the points' coordinates, and the forms that are zero for every u: the rows that
  /// were not needed to find it. Nil when solving row by row does not find all of u.
  fileprivate func solved() -> (coordinates: [SparseForm], equations: [SparseForm])? {
    var known = [SparseForm?](repeating: nil, count: dimension)
    var rows = copies.flatMap(\.rows).enumerated().map { (point: $0.offset, terms: $0.element) }
    /// The point's coordinate less what is known of its row.
    func rest(_ row: (point: Int, terms: [LinearMap.Term])) -> SparseForm {
      var parts: [(Rational, SparseForm)] = [(.one, .variable(row.point))]
      for term in row.terms { if let u = known[term.column] { parts.append((-term.factor.rational, u)) } }
      return SparseForm(sum: parts, constant: .zero)
    }
    // Each pass but the last finds a coordinate, so that the passes end.
    var isChanged = true
    while isChanged {
      isChanged = false
      var left: [(point: Int, terms: [LinearMap.Term])] = []
      for row in rows {
        let unknown = row.terms.filter { known[$0.column] == nil }
        guard unknown.count == 1 else {
          left.append(row)
          continue
        }
        known[unknown[0].column] = SparseForm(
          sum: [(unknown[0].factor.rational.reciprocal, rest(row))], constant: .zero)
        isChanged = true
      }
      rows = left
    }
    let coordinates = known.compactMap { $0 }
    guard coordinates.count == dimension else { return nil }
    return (coordinates, rows.map(rest))
  }
}
