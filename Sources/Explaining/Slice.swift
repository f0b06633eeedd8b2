public import Certificates
public import ExactArithmetic
public import Networks
public import Specifications
public import Verification

/// What a figure of a counterexample shows: the exact function along one line through its points, and what is wrong
/// there. All numbers are the network's own; labels are in the engineer's units.
public struct Slice: Sendable {
  /// What the positions are.
  public enum Axis: Sendable {
    /// The numbers of one feature, the others as at x.
    case feature(Feature)
    /// Shares of the way from x to x′: 0 at x, 1 at x′.
    case way
  }

  /// What the values are.
  public struct Ordinate: Sendable {
    public let name: String
    public let unit: Unit
    public let scale: Scale
    /// Whether the values are differences: on a `log2` scale, logarithms of factors.
    public let isChange: Bool
  }

  /// One of the counterexample's points.
  public struct Point: Sendable {
    public let name: String
    public let position: Rational
    public let value: Rational
  }

  /// A straight line that says what the property allows.
  public struct Limit: Sendable {
    public let from: ExactSlice.Vertex
    public let to: ExactSlice.Vertex
    public let name: String
  }

  public let axis: Axis
  public let ordinate: Ordinate
  /// What is drawn of the line: all of the property's domain, or a part around the points when they are close together.
  public let window: ClosedRange<Rational>
  /// The domain along the line.
  public let domain: ClosedRange<Rational>
  public let curve: ExactSlice
  /// The intervals of positions in which the property fails.
  public let violations: [ClosedRange<Rational>]
  public let points: [Point]
  public let limits: [Limit]

  /// A part of the domain is drawn when the violation takes less than this share of it…
  static let smallestShare = Rational(1, 16)
  /// …with so many times its length on both sides.
  static let margin = Rational(4)

  /// - Precondition: the counterexample is one to `property` on `network` (``Replay``).
  public init(
    _ example: Counterexample, to property: Property, of specification: Specification, network: ExactNetwork
  ) {
    let query = property.refutations[example.query]
    let moved = example.xPrime.map { end in example.x.indices.filter { example.x[$0] != end[$0] } } ?? []
    if let end = example.xPrime, !moved.isEmpty {
      self.init(example, end, moved, property, query, specification, network)
    } else {
      self.init(example, property, query, specification, network)
    }
  }

  // MARK: Two points

  private init(
    _ example: Counterexample, _ end: [Rational], _ moved: [Int], _ property: Property, _ query: Query,
    _ specification: Specification, _ network: ExactNetwork
  ) {
    let m = network.outputCount
    let (index, weight) = Self.spokenOutput(query, outputCount: m)
    let start = example.x
    let direction: [Rational]
    let positions: (Rational, Rational)
    let box: [ClosedRange<Rational>]
    if case .monotone = query.claim { box = query.region } else { box = specification.region }
    if moved.count == 1 {
      axis = .feature(specification.features[moved[0]])
      direction = start.indices.map { $0 == moved[0] ? .one : .zero }
      positions = (start[moved[0]], end[moved[0]])
    } else {
      axis = .way
      direction = zip(start, end).map { $1 - $0 }
      positions = (.zero, .one)
    }
    // Position p is the point base + p · direction.
    var base = start
    if moved.count == 1 { base[moved[0]] = .zero }
    let constraints = query.relation == nil ? query.constraints : []
    let ends = min(positions.0, positions.1)...max(positions.0, positions.1)
    domain = Self.interval(base, direction, box, constraints, containing: ends)
    window = Self.window(around: ends, in: domain, isWay: moved.count > 1)
    let quantity = ExactSlice.Quantity(output: index, of: m, inputCount: start.count)
    curve = ExactSlice(of: quantity, network: network, from: base, along: direction, over: window)
    let output = specification.outputs[index]
    ordinate = Ordinate(name: output.name, unit: output.unit, scale: output.scale, isChange: false)
    violations = [ends]
    let values = [start, end].map { network.output(at: $0)[index] }
    let names = PropertyNames(property).points
    points = [
      Point(name: names[0], position: positions.0, value: values[0]),
      Point(name: names[1], position: positions.1, value: values[1]),
    ]
    // At x′ the output would have to be by so much better.
    let allowed = values[1] + example.drop / weight
    let from: Rational
    if case .monotone = query.claim { from = values[0] } else { from = allowed }
    limits = [
      Limit(
        from: ExactSlice.Vertex(position: positions.0, value: from),
        to: ExactSlice.Vertex(position: positions.1, value: allowed),
        name: weight.isPositive ? "least allowed" : "most allowed")
    ]
  }

  /// The output of the second point that a claim on two speaks of, and its weight there; of the first point when there
  /// is none.
  private static func spokenOutput(_ query: Query, outputCount m: Int) -> (index: Int, weight: Rational) {
    switch query.claim {
    case .monotone(let output, _, let direction, _): return (output, Rational(direction.sign))
    case .nonnegative(let outputs, _, _):
      let order = outputs.count == 2 * m ? Array(m..<(2 * m)) + Array(0..<m) : Array(outputs.indices)
      let k = order.first { !outputs[$0].isZero } ?? order[0]
      return (k % m, outputs[k].isZero ? .one : outputs[k])
    }
  }

  // MARK: One point

  private init(
    _ example: Counterexample, _ property: Property, _ query: Query, _ specification: Specification,
    _ network: ExactNetwork
  ) {
    let (n, m) = (network.inputCount, network.outputCount)
    guard let asked = query.points(outputCount: m) else { preconditionFailure("the query was replayed in its points") }
    // A relation at two equal points is a claim about one point.
    let isRelation = query.relation != nil
    func folded(_ numbers: [Rational], _ count: Int) -> [Rational] {
      (0..<count).map { i in stride(from: i, to: numbers.count, by: count).reduce(.zero) { $0 + numbers[$1] } }
    }
    let outputs = folded(asked.outputs, m)
    var inputs = [Rational](repeating: .zero, count: n)
    for term in asked.inputs.terms { inputs[term.variable % n] += term.coefficient }
    let constant = asked.inputs.constant
    let margin = ExactSlice.Quantity(
      outputs: outputs, inputs: inputs, constant: constant)
    let box = isRelation ? specification.region : query.region
    let slopes = ExactSlice.slopes(of: margin, network: network, at: example.x)
    var steepest = 0
    var greatest = Rational(-1)
    for (feature, interval) in box.enumerated() where interval.lowerBound < interval.upperBound {
      let change = slopes[feature].magnitude * (interval.upperBound - interval.lowerBound)
      if change > greatest { (steepest, greatest) = (feature, change) }
    }
    axis = .feature(specification.features[steepest])
    let position = example.x[steepest]
    let direction = (0..<n).map { $0 == steepest ? Rational.one : .zero }
    var base = example.x
    base[steepest] = .zero
    domain = Self.interval(
      base, direction, box, isRelation ? [] : query.constraints, containing: position...position)
    let whole = ExactSlice(of: margin, network: network, from: base, along: direction, over: domain)
    let failing = Self.negative(whole)
    let near = failing.first { $0.contains(position) } ?? position...position
    let window = Self.window(around: near, in: domain, isWay: false)
    violations = failing.compactMap { range in
      let low = max(range.lowerBound, window.lowerBound)
      let high = min(range.upperBound, window.upperBound)
      return low <= high ? low...high : nil
    }
    self.window = window
    let named = outputs.indices.filter { !outputs[$0].isZero }
    let name = PropertyNames(property).points[0]
    if case .always(let index, _, _) = property.kind, named == [index], margin.inputs.allSatisfy(\.isZero) {
      let output = specification.outputs[index]
      // margin = weight · output + constant
      curve = whole.restricted(to: window).mapped(
        factor: outputs[index].reciprocal, offset: -constant / outputs[index])
      ordinate = Ordinate(name: output.name, unit: output.unit, scale: output.scale, isChange: false)
      points = [Point(name: name, position: position, value: network.output(at: example.x)[index])]
      let bound = -constant / outputs[index]
      limits = [
        Self.level(bound, window, outputs[index].isPositive ? "least allowed" : "most allowed")
      ]
    } else {
      let claim = property.claim(ofQuery: example.query)
      curve = whole.restricted(to: window)
      ordinate = Ordinate(name: "margin of \(claim.text)", unit: claim.unit, scale: claim.scale, isChange: true)
      points = [Point(name: name, position: position, value: curve.value(at: position) ?? -example.drop)]
      limits = [Self.level(.zero, window, "least allowed")]
    }
  }

  private static func level(_ value: Rational, _ window: ClosedRange<Rational>, _ name: String) -> Limit {
    Limit(
      from: ExactSlice.Vertex(position: window.lowerBound, value: value),
      to: ExactSlice.Vertex(position: window.upperBound, value: value), name: name)
  }

  /// The intervals on which a slice is below zero, closed.
  private static func negative(_ slice: ExactSlice) -> [ClosedRange<Rational>] {
    var ranges: [ClosedRange<Rational>] = []
    func add(_ low: Rational, _ high: Rational) {
      if let last = ranges.last, last.upperBound >= low {
        ranges[ranges.count - 1] = last.lowerBound...max(high, last.upperBound)
      } else {
        ranges.append(low...high)
      }
    }
    if slice.vertices.count == 1, slice.vertices[0].value.isNegative {
      add(slice.vertices[0].position, slice.vertices[0].position)
    }
    for (a, b) in zip(slice.vertices, slice.vertices.dropFirst()) {
      guard a.value.isNegative || b.value.isNegative else { continue }
      var (low, high) = (a.position, b.position)
      if !a.value.isNegative { low += a.value / (a.value - b.value) * (b.position - a.position) }
      if !b.value.isNegative { high -= b.value / (b.value - a.value) * (b.position - a.position) }
      add(low, high)
    }
    return ranges
  }

  // MARK: Intervals

  /// The positions whose points lie in the box and meet the constraints. It contains `inner` in any case.
  private static func interval(
    _ base: [Rational], _ direction: [Rational], _ box: [ClosedRange<Rational>], _ constraints: [LinearInequality],
    containing inner: ClosedRange<Rational>
  ) -> ClosedRange<Rational> {
    var low: Rational?
    var high: Rational?
    // value + slope · position ≥ 0
    func limit(_ value: Rational, _ slope: Rational) {
      guard !slope.isZero else { return }
      let end = -value / slope
      if slope.isPositive {
        low = low.map { max($0, end) } ?? end
      } else {
        high = high.map { min($0, end) } ?? end
      }
    }
    for (i, interval) in box.enumerated() {
      limit(base[i] - interval.lowerBound, direction[i])
      limit(interval.upperBound - base[i], -direction[i])
    }
    for constraint in constraints {
      let slope = zip(constraint.form.coefficients, direction).reduce(Rational.zero) { $0 + $1.0 * $1.1 }
      limit(constraint.form.value(at: base), slope)
    }
    let start = min(low ?? inner.lowerBound, inner.lowerBound)
    return start...max(high ?? inner.upperBound, inner.upperBound)
  }

  private static func window(around inner: ClosedRange<Rational>, in domain: ClosedRange<Rational>, isWay: Bool)
    -> ClosedRange<Rational>
  {
    let length = inner.upperBound - inner.lowerBound
    let width = domain.upperBound - domain.lowerBound
    let room: Rational
    if isWay {
      room = length / 4
    } else if length.isPositive, length < width * smallestShare {
      room = length * margin
    } else {
      return domain
    }
    return max(domain.lowerBound, inner.lowerBound - room)...min(domain.upperBound, inner.upperBound + room)
  }
}

/// The names of a property's points.
struct PropertyNames {
  let points: [String]

  init(_ property: Property) {
    if case .relational(let names, _, _) = property.kind { points = names } else { points = ["x", "x′"] }
  }
}
