import BigInt
import ExactArithmetic
import Testing

@Suite struct PolytopeTests {
  static func half(_ value: Int) -> Rational { Rational(value, 2) }

  @Test func intervalIsTheLineWithinThePolytope() {
    // x + y ≤ 1, 2x − y ≥ 0 in the box [0, 1] × [−1, 1].
    let polytope = Polytope(
      box: [0...1, -1...1],
      constraints: [
        LinearInequality(coefficients: [-1, -1], constant: 1), LinearInequality(coefficients: [2, -1], constant: 0),
      ])
    #expect(polytope.interval(along: 0, through: [9, Self.half(1)]) == Rational(1, 4)...Rational(1, 2))
    #expect(polytope.interval(along: 1, through: [Rational(1, 4), 9]) == -1...Self.half(1))
    #expect(polytope.interval(along: 0, through: [0, 1]) == nil)
    #expect(polytope.interval(along: 0, through: [0, Rational(2, 3)]) == Rational(1, 3)...Rational(1, 3))
    #expect(polytope.interval(along: 1, through: [2, 0]) == nil)
    // A constraint without the axis decides alone.
    let other = Polytope(box: [0...1, 0...1], constraints: [LinearInequality(coefficients: [0, 1], constant: -1)])
    #expect(other.interval(along: 0, through: [0, 1]) == 0...1)
    #expect(other.interval(along: 0, through: [0, Self.half(1)]) == nil)
  }

  @Test func interiorPointsAreStrictWhereTheBoxMoves() {
    let sum = LinearInequality(coefficients: [-1, -1, 0], constant: 1)
    let polytope = Polytope(box: [0...1, 0...1, 3...3], constraints: [sum])
    #expect(polytope.isInterior([Rational(1, 4), Rational(1, 4), 3]))
    #expect(!polytope.isInterior([Self.half(1), Self.half(1), 3]))
    #expect(polytope.contains([Self.half(1), Self.half(1), 3]))
    #expect(!polytope.isInterior([0, Rational(1, 4), 3]))
    #expect(!polytope.isInterior([Rational(1, 4), Rational(1, 4), 2]))
    #expect(!polytope.isInterior([Rational(1, 4), Rational(1, 4)]))
    // A constraint that the fixed coordinate alone decides need not be strict.
    let fixed = LinearInequality(coefficients: [0, 0, 1], constant: -3)
    #expect(Polytope(box: polytope.box, constraints: [fixed]).isInterior([Self.half(1), Self.half(1), 3]))
  }

  @Test func extentOfSmallPolytopes() {
    func extent(_ constraints: [([Rational], Rational)], box: [ClosedRange<Rational>] = [0...1, 0...1])
      -> Polytope.Extent
    {
      Polytope(box: box, constraints: constraints.map { LinearInequality(coefficients: $0.0, constant: $0.1) }).extent
    }
    #expect(extent([]) == .solid([Self.half(1), Self.half(1)]))
    #expect(extent([], box: [0...0, 2...4]) == .solid([0, 3]))
    #expect(extent([([1, 1], -3)]) == .empty)
    #expect(extent([([1, 1], -2)]) == .flat([1, 1]))
    #expect(extent([([1, 1], Rational(-199, 100))]) != .empty)
    // x = y, and x ≥ y + 1/2 with y ≥ x.
    guard case .flat(let diagonal) = extent([([1, -1], 0), ([-1, 1], 0)]) else {
      Issue.record("the diagonal is not flat")
      return
    }
    #expect(diagonal[0] == diagonal[1])
    #expect(extent([([1, -1], Self.half(-1)), ([-1, 1], 0)]) == .empty)
    // Constraints on fixed coordinates.
    #expect(extent([([0, 1], -3)], box: [0...1, 2...2]) == .empty)
    #expect(extent([([0, 1], -2)], box: [0...1, 2...2]) == .solid([Self.half(1), 2]))
    // Too large to be searched.
    let count = 400
    let wide = Polytope(
      box: Array(repeating: 0...1, count: count),
      constraints: [LinearInequality(coefficients: Array(repeating: 1, count: count), constant: -1)])
    #expect(wide.extent == .unknown)
  }

  /// In the plane every polytope's area is known from its clipped polygon.
  @Test func extentAgreesWithClippedPolygons() {
    var numbers = RandomNumbers(seed: 77)
    var seen: [String: Int] = [:]
    for round in 0..<400 {
      let box: [ClosedRange<Rational>] = [0...2, -1...1]
      let constraints = (0..<Int(numbers.next() % 5)).map { _ in
        LinearInequality(
          coefficients: [Rational(Int(numbers.next() % 7) - 3), Rational(Int(numbers.next() % 7) - 3)],
          constant: Rational(Int(numbers.next() % 9) - 4))
      }
      let polytope = Polytope(box: box, constraints: constraints)
      var vertices: [[Rational]] = [[0, -1], [2, -1], [2, 1], [0, 1]]
      for constraint in constraints { vertices = Self.clip(vertices, constraint.form) }
      var area = Rational.zero
      for k in vertices.indices {
        let (a, b) = (vertices[k], vertices[(k + 1) % vertices.count])
        area += a[0] * b[1] - a[1] * b[0]
      }
      switch polytope.extent {
      case .empty:
        #expect(vertices.isEmpty, "round \(round)")
        seen["empty", default: 0] += 1
      case .flat(let point):
        #expect(!vertices.isEmpty && area.isZero && polytope.contains(point), "round \(round)")
        seen["flat", default: 0] += 1
      case .solid(let point):
        #expect(area.isPositive && polytope.isInterior(point), "round \(round)")
        seen["solid", default: 0] += 1
      case .unknown: Issue.record("round \(round)")
      }
    }
    #expect(seen["empty", default: 0] > 50 && seen["solid", default: 0] > 50 && seen["flat", default: 0] > 5, "\(seen)")
  }

  private static func clip(_ vertices: [[Rational]], _ form: LinearForm) -> [[Rational]] {
    var result: [[Rational]] = []
    let values = vertices.map { form.value(at: $0) }
    for k in vertices.indices {
      if !values[k].isNegative { result.append(vertices[k]) }
      let after = (k + 1) % vertices.count
      if values[k].signum * values[after].signum < 0 {
        let share = values[k] / (values[k] - values[after])
        result.append(zip(vertices[k], vertices[after]).map { $0 + share * ($1 - $0) })
      }
    }
    return result
  }

  @Test func primitiveInequalitiesAreTheSameInequalities() {
    let inequality = LinearInequality(coefficients: [Rational(3, 10), 0, Rational(-9, 4)], constant: Rational(1, 7))
    #expect(
      inequality.primitive == LinearInequality(coefficients: [2, 0, -15], constant: Rational(20, 21)))
    let constant = LinearInequality(coefficients: [0], constant: 3)
    #expect(constant.primitive == constant)
  }

  @Test func mapsPullFormsBack() {
    let map = LinearMap(
      columnCount: 3,
      rows: [
        [.init(column: 0), .init(column: 2, factor: Dyadic(mantissa: -3, exponent: -1))], [], [.init(column: 1)],
      ])
    let u: [Rational] = [Rational(1, 3), 5, 2]
    #expect(map.value(at: u) == [Rational(1, 3) - 3, 0, 5])
    let form = LinearForm(coefficients: [2, 7, -1], constant: Rational(1, 2))
    #expect(map.pulledBack(form).value(at: u) == form.value(at: map.value(at: u)))
    #expect(map.pulledBack(form).coefficients == [2, -1, -3])
  }
}
