internal import ExactArithmetic

/// A feature or an output at one of a property's points.
struct Atom: Hashable {
  /// 0 for the only point, or for the first of two.
  let point: Int
  let isOutput: Bool
  /// In the network's order.
  let index: Int
}

/// Σ coefficient · atom + constant ≥ 0 in the network's own numbers, the constant within an interval (a single number
/// unless a logarithm made it irrational).
struct Inequality: Hashable {
  var coefficients: [Atom: Rational]
  var constant: ClosedRange<Rational>
  /// What the left side is measured in.
  var unit: Unit
  var scale: Scale
  /// The comparison as mathematics, in the engineer's units.
  var text: String
  /// Whether equality does not satisfy it; in preconditions only.
  var isStrict = false

  /// The inequality at another point.
  func moved(toPoint point: Int) -> Inequality {
    var result = self
    result.coefficients = [:]
    for (atom, coefficient) in coefficients {
      result.coefficients[Atom(point: point, isOutput: atom.isOutput, index: atom.index)] = coefficient
    }
    return result
  }

  /// The constant of a precondition: the upper end, for a logarithm rounded up to a multiple of 2⁻⁴⁴, like the ends of
  /// a logarithmic domain. What satisfies the widened precondition counts as satisfying it, in proofs and in
  /// counterexamples alike.
  var widenedConstant: Rational {
    guard scale == .log2 else { return constant.upperBound }
    let bits = Feature.logarithmBits
    return Rational(constant.upperBound.scaledCeiling(bits: bits)).scaled(bits: -bits)
  }
}

/// What a property's points range over, in the network's own numbers: a box for each, and inequalities between
/// features.
struct Domain: Hashable {
  /// One box per point.
  var boxes: [[ClosedRange<Rational>]]
  /// Over features only, with two or more of them each; for one point or between two. Strict ones are meant as if they
  /// were not: what holds of a polytope's closure holds of the polytope.
  var inequalities: [Inequality] = []
  /// The strict preconditions, of one feature or more, which counterexamples must satisfy.
  var strict: [Inequality] = []

  /// Takes a precondition in: one with a single feature narrows that feature's interval, any other is kept, unless every
  /// point of the boxes satisfies it.
  /// - Returns: False when no point of the boxes satisfies it.
  mutating func restrict(by inequality: Inequality) -> Bool {
    if inequality.isStrict { strict.append(inequality) }
    let constant = inequality.widenedConstant
    if inequality.coefficients.count == 1, let (atom, coefficient) = inequality.coefficients.first {
      let interval = boxes[atom.point][atom.index]
      let end = -constant / coefficient
      let low = coefficient.isPositive ? max(interval.lowerBound, end) : interval.lowerBound
      let high = coefficient.isPositive ? interval.upperBound : min(interval.upperBound, end)
      guard low <= high else { return false }
      boxes[atom.point][atom.index] = low...high
      return true
    }
    inequalities.append(inequality)
    return !range(of: inequality).upperBound.isNegative
  }

  /// The range of an inequality's left side over the boxes.
  private func range(of inequality: Inequality) -> ClosedRange<Rational> {
    var low = inequality.widenedConstant
    var high = low
    for (atom, coefficient) in inequality.coefficients {
      let interval = boxes[atom.point][atom.index]
      low += coefficient * (coefficient.isPositive ? interval.lowerBound : interval.upperBound)
      high += coefficient * (coefficient.isPositive ? interval.upperBound : interval.lowerBound)
    }
    return low...high
  }

  /// The inequalities that some point of the boxes fails.
  var binding: [Inequality] { inequalities.filter { range(of: $0).lowerBound.isNegative } }

  /// The pairs of points of a domain with one point.
  var squared: Domain {
    func both(_ inequalities: [Inequality]) -> [Inequality] { inequalities + inequalities.map { $0.moved(toPoint: 1) } }
    return Domain(boxes: [boxes[0], boxes[0]], inequalities: both(inequalities), strict: both(strict))
  }

  /// The pairs of a domain with two points of which the second is at least the first in the features `moved`, and equal
  /// to it elsewhere; but nothing is said of the features `fixed`, whose values the boxes hold.
  func ordered(_ moved: [Int], but fixed: [Int] = []) -> Domain {
    var result = self
    for feature in boxes[0].indices where !fixed.contains(feature) {
      let first = Atom(point: 0, isOutput: false, index: feature)
      let second = Atom(point: 1, isOutput: false, index: feature)
      for (larger, smaller) in [(second, first)] + (moved.contains(feature) ? [] : [(first, second)]) {
        result.inequalities.append(
          Inequality(
            coefficients: [larger: 1, smaller: -1], constant: .zero ... .zero, unit: .none, scale: .linear, text: ""))
      }
    }
    return result
  }

  /// The pairs of a domain with two points that are equal in the given features.
  func equal(in features: [Int]) -> Domain {
    features.isEmpty ? self : ordered([], but: boxes[0].indices.filter { !features.contains($0) })
  }

  /// The strict preconditions of a domain with one point, on that point.
  var strictConstraints: [LinearInequality] {
    precondition(boxes.count == 1)
    return strict.map { inequality in
      var form = LinearForm(variables: boxes[0].count)
      form.constant = inequality.widenedConstant
      for (atom, coefficient) in inequality.coefficients { form.coefficients[atom.index] += coefficient }
      return LinearInequality(form: form, isStrict: true)
    }
  }

  /// The inequalities between features of a single point, as constraints on its box.
  /// - Precondition: there is one point.
  var constraints: [LinearInequality] {
    precondition(boxes.count == 1)
    return binding.map { inequality in
      var form = LinearForm(variables: boxes[0].count)
      form.constant = inequality.widenedConstant
      for (atom, coefficient) in inequality.coefficients { form.coefficients[atom.index] += coefficient }
      return LinearInequality(form: form).primitive
    }
  }

  /// The points of a domain with one point.
  var polytope: Polytope { Polytope(box: boxes[0], constraints: constraints) }
}

/// Two points of a domain as functions of one vector u (``Relation``), with as few coordinates and constraints as the
/// domain allows:
/// - features that are equal at both points share a coordinate;
/// - a feature that is at least as large at one point as at the other is the other's plus a coordinate t ≥ 0;
/// - any other feature has a coordinate at each point.
struct PairSpace {
  let region: [ClosedRange<Rational>]
  let constraints: [LinearInequality]
  /// The strict preconditions, on u.
  let strictConstraints: [LinearInequality]
  let relation: Relation

  /// How a feature's two values hang together.
  private enum Link: Hashable {
    case equal
    /// The value at point 1 − `base` is the value at `base` plus t.
    case rising(base: Int)
    case free
  }

  /// Nil when the boxes show that the domain has no pair of points.
  /// - Precondition: `domain` has two points.
  init?(_ domain: Domain) {
    precondition(domain.boxes.count == 2)
    let count = domain.boxes[0].count
    var links = [Link](repeating: .free, count: count)
    var rest: [Inequality] = []
    for inequality in domain.inequalities {
      guard let (feature, larger) = Self.order(inequality) else {
        rest.append(inequality)
        continue
      }
      switch links[feature] {
      case .free: links[feature] = .rising(base: 1 - larger)
      case .rising(let base) where base == larger: links[feature] = .equal
      case .rising, .equal: break
      }
    }
    var region: [ClosedRange<Rational>] = []
    var rows: [[[LinearMap.Term]]] = [[], []]
    var steps: [(base: Int, feature: Int)] = []
    for feature in 0..<count {
      let boxes = domain.boxes.map { $0[feature] }
      let column = region.count
      switch links[feature] {
      case .equal:
        let low = max(boxes[0].lowerBound, boxes[1].lowerBound)
        let high = min(boxes[0].upperBound, boxes[1].upperBound)
        guard low <= high else { return nil }
        region.append(low...high)
        for point in 0...1 { rows[point].append([LinearMap.Term(column: column)]) }
      case .free:
        region += boxes
        for point in 0...1 { rows[point].append([LinearMap.Term(column: column + point)]) }
      case .rising(let base):
        let (from, to) = (boxes[base], boxes[1 - base])
        guard from.lowerBound <= to.upperBound else { return nil }
        region.append(from)
        region.append(.zero...(to.upperBound - from.lowerBound))
        rows[base].append([LinearMap.Term(column: column)])
        rows[1 - base].append([LinearMap.Term(column: column), LinearMap.Term(column: column + 1)])
        steps.append((base, feature))
      }
    }
    self.region = region
    let columns = region.count
    let maps = rows.map { LinearMap(columnCount: columns, rows: $0) }
    relation = Relation(copies: maps)
    var constraints: [LinearInequality] = []
    /// A constraint that the region does not imply, once: a precondition on shared coordinates comes for both points.
    func add(_ form: LinearForm) {
      let constraint = LinearInequality(form: form).primitive
      if form.range(over: region).lowerBound.isNegative, !constraints.contains(constraint) {
        constraints.append(constraint)
      }
    }
    for (base, feature) in steps {
      // The moved value stays in its own interval.
      let value = Self.form([Atom(point: 1 - base, isOutput: false, index: feature): 1], .zero, maps)
      let interval = domain.boxes[1 - base][feature]
      var below = value
      below.constant -= interval.lowerBound
      var above = LinearForm(variables: columns)
      above.add(value, times: Rational(-1))
      above.constant += interval.upperBound
      add(below)
      add(above)
    }
    for inequality in rest { add(Self.form(inequality.coefficients, inequality.widenedConstant, maps)) }
    self.constraints = constraints
    strictConstraints = domain.strict.map {
      LinearInequality(form: Self.form($0.coefficients, $0.widenedConstant, maps), isStrict: true)
    }
  }

  /// The feature and the point at which an inequality says it is at least as large as at the other; nil when it says
  /// something else.
  static func order(_ inequality: Inequality) -> (feature: Int, larger: Int)? {
    let atoms = Array(inequality.coefficients)
    guard atoms.count == 2, inequality.widenedConstant.isZero, atoms[0].key.index == atoms[1].key.index,
      atoms[0].key.point != atoms[1].key.point, (atoms[0].value + atoms[1].value).isZero
    else { return nil }
    return (atoms[0].key.index, atoms[0].value.isPositive ? atoms[0].key.point : atoms[1].key.point)
  }

  /// A form on u: Σ coefficient · feature + constant.
  private static func form(_ coefficients: [Atom: Rational], _ constant: Rational, _ maps: [LinearMap]) -> LinearForm {
    var result = LinearForm(variables: maps[0].columnCount)
    result.constant = constant
    for (atom, coefficient) in coefficients where !atom.isOutput {
      for term in maps[atom.point].rows[atom.index] {
        result.coefficients[term.column] += coefficient * term.factor.rational
      }
    }
    return result
  }

  /// The query that `coefficients` · (features and outputs at the points) + `constant` ≥ 0.
  func query(_ coefficients: [Atom: Rational], constant: Rational, outputCount: Int) -> Query {
    var outputs = [Rational](repeating: .zero, count: 2 * outputCount)
    for (atom, coefficient) in coefficients where atom.isOutput {
      outputs[atom.point * outputCount + atom.index] += coefficient
    }
    let inputs = Self.form(coefficients, .zero, relation.copies).coefficients
    return Query(
      region: region, constraints: constraints, relation: relation,
      claim: .nonnegative(outputs: outputs, inputs: inputs, constant: constant))
  }
}
