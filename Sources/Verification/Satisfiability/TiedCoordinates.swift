internal import ExactArithmetic
internal import Networks
internal import Specifications

/// A change of coordinates u = M·v for a case with several copies: where conditions bound the difference of an input's
/// values at two copies, the second value is the first one plus a coordinate of that range.
///
/// Bounds then see small differences, which they would not find behind constraints on two coordinates.
struct TiedCoordinates {
  /// The box of v.
  let region: [ClosedRange<Rational>]
  /// Over v; with ``region`` they say the same as those of the case over u.
  let constraints: [LinearInequality]
  /// For a coordinate whose v is a difference, the coordinate that it is added to; that one is no difference itself.
  private let bases: [Int: Int]

  /// - Parameter box: The case's box of u.
  init(_ lowered: SatisfiabilityCase, box: [ClosedRange<Rational>]) {
    let partners = Self.partners(lowered.copies)
    var bases: [Int: Int] = [:]
    var isBase: Set<Int> = []
    var differences: [Int: SatisfiabilityCase.Bounds] = [:]
    var rest: [LinearInequality] = []
    for constraint in lowered.constraints {
      guard let (first, second) = Self.difference(constraint, box.count), partners.contains([first, second]),
        bases[first] == nil, !isBase.contains(second), bases[second] == nil || bases[second] == first
      else {
        rest.append(constraint)
        continue
      }
      bases[second] = first
      isBase.insert(first)
      // c · (u_second − u_first) + constant ≥ 0
      let factor = constraint.form.coefficients[second]
      let end = -constraint.form.constant / factor
      var bounds = differences[second] ?? SatisfiabilityCase.Bounds()
      if factor.isPositive {
        bounds.low = bounds.low.map { max($0, end) } ?? end
      } else {
        bounds.high = bounds.high.map { min($0, end) } ?? end
      }
      differences[second] = bounds
    }
    var region = box
    var ends: [LinearForm] = []
    for (second, first) in bases.sorted(by: { $0.key < $1.key }) {
      let widest = (box[second].lowerBound - box[first].upperBound)...(box[second].upperBound - box[first].lowerBound)
      let bounds = differences[second] ?? SatisfiabilityCase.Bounds()
      let low = max(widest.lowerBound, bounds.low ?? widest.lowerBound)
      let high = min(widest.upperBound, bounds.high ?? widest.upperBound)
      guard low <= high else {
        // The polytope is empty, which the caller's linear program may not have found; as it was is right, too.
        self.region = box
        constraints = lowered.constraints
        self.bases = [:]
        return
      }
      region[second] = low...high
      // The second value stays in its own interval.
      var sum = LinearForm(variables: box.count)
      sum.coefficients[first] = .one
      sum.coefficients[second] = .one
      var below = sum
      below.constant = -box[second].lowerBound
      var above = LinearForm(variables: box.count)
      above.add(sum, times: Rational(-1))
      above.constant = box[second].upperBound
      ends += [below, above]
    }
    self.bases = bases
    self.region = region
    let pulled = rest.map { Self.pulledBack($0.form, bases) } + ends
    constraints = pulled.filter { $0.range(over: region).lowerBound.isNegative }
      .map { LinearInequality(form: $0).primitive }
  }

  /// The pairs of different coordinates that are the same input of two copies.
  private static func partners(_ copies: [SatisfiabilityCase.Copy]) -> Set<[Int]> {
    var pairs: Set<[Int]> = []
    for (number, copy) in copies.enumerated() {
      for other in copies[..<number] {
        for (first, second) in zip(other.columns, copy.columns) where first != second {
          pairs.insert([min(first, second), max(first, second)])
        }
      }
    }
    return pairs
  }

  /// The coordinates of a constraint on one difference.
  private static func difference(_ constraint: LinearInequality, _ count: Int) -> (first: Int, second: Int)? {
    let named = (0..<count).filter { !constraint.form.coefficients[$0].isZero }
    guard named.count == 2,
      (constraint.form.coefficients[named[0]] + constraint.form.coefficients[named[1]]).isZero
    else { return nil }
    return (named[0], named[1])
  }

  private static func pulledBack(_ form: LinearForm, _ bases: [Int: Int]) -> LinearForm {
    var result = form
    for (second, first) in bases { result.coefficients[first] += form.coefficients[second] }
    return result
  }

  /// The row of M for a coordinate of u.
  func row(_ column: Int) -> [LinearMap.Term] {
    guard let base = bases[column] else { return [LinearMap.Term(column: column)] }
    return [min(base, column), max(base, column)].map { LinearMap.Term(column: $0) }
  }

  /// An atom over u as one over v.
  func pulledBack(_ atom: SatisfiabilityCase.Atom) -> SatisfiabilityCase.Atom {
    var result = atom
    for (column, coefficient) in atom.inputs {
      if let base = bases[column] { result.inputs[base, default: .zero] += coefficient }
    }
    result.inputs = result.inputs.filter { !$0.value.isZero }
    return result
  }

  /// Whether u and v are the same.
  var isIdentity: Bool { bases.isEmpty }

  func u(at v: [Rational]) -> [Rational] {
    var u = v
    for (column, base) in bases { u[column] = v[base] + v[column] }
    return u
  }
}
