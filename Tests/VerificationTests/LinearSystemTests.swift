import ExactArithmetic
import SolverProcess
import TestHelpers
import Testing

@testable import Verification

struct LinearSystemTests {
  private static let goals: [LinearSystem.Goal?] = [
    nil, .room(input: 0), .value(LinearForm(coefficients: [1, 1], constant: 0)),
  ]

  private func solve(_ system: LinearSystem) throws -> LinearSystem.Outcome {
    try system.solve(milliseconds: 20_000, wantsMultipliers: true, budget: Budget())
  }

  /// x < y < x + 2⁻⁶⁰ on a box far from zero: rounding to twenty bits cannot decide this, the exact rows can.
  @Test(arguments: [false, true], 0..<3)
  func decidesWhatRoundingCannot(_ isEmpty: Bool, _ goal: Int) throws {
    let far = Rational(1).scaled(bits: 35)
    let box: [ClosedRange<Rational>] = [far...(far + 1), far...(far + 3)]
    let width = Rational.one.scaled(bits: -60)
    let rows = [
      LinearInequality(form: LinearForm(coefficients: [-1, 1], constant: 0), isStrict: true),
      LinearInequality(form: LinearForm(coefficients: [1, -1], constant: isEmpty ? -width : width), isStrict: true),
    ]
    let system = LinearSystem(box: box, rows: rows, excludesFaces: true, goal: Self.goals[goal])
    switch try solve(system) {
    case .point(let point):
      #expect(!isEmpty)
      #expect(system.admits(point))
    case .infeasible(let bySolver, let multipliers):
      #expect(isEmpty && bySolver)
      #expect(system.isRefuted(by: try #require(multipliers)))
    case .unknown(let reason): Issue.record("\(reason)")
    }
  }

  /// Rows that a known point meets, some by very little: never infeasible, and the point that comes meets them all.
  @Test func findsAPointWhereThereIsOne() throws {
    var dice = Dice(seed: 5)
    for round in 0..<60 {
      let count = dice.integer(in: 1...5)
      let box = (0..<count).map { _ in
        let low = Rational(dice.integer(in: -20...20), 7)
        return low...(low + Rational(dice.integer(in: 0...9), 5))
      }
      let inside = box.map { $0.lowerBound + ($0.upperBound - $0.lowerBound) * Rational(dice.integer(in: 1...8), 9) }
      let isStrict = dice.chance(0.5)
      let rows = (0..<dice.integer(in: 1...9)).map { _ in
        var form = LinearForm(
          coefficients: (0..<count).map { _ in Rational(dice.integer(in: -999...999), 331) }, constant: 0)
        form.constant = -form.value(at: inside) + (isStrict ? dice.pick([Rational.one.scaled(bits: -50), 1]) : 0)
        return LinearInequality(form: form, isStrict: isStrict)
      }
      let goal: LinearSystem.Goal? = dice.pick([nil, .room(input: 0), .value(rows[0].form)])
      let system = LinearSystem(box: box, rows: rows, excludesFaces: dice.chance(0.5), goal: goal)
      try #require(system.admits(inside))
      guard case .point(let point) = try solve(system) else {
        Issue.record("seed 5, round \(round): no point")
        continue
      }
      #expect(system.admits(point), "seed 5, round \(round)")
    }
  }

  /// Rows of which a positive combination is negative on the box: always infeasible, with multipliers that show it.
  @Test func refutesWithMultipliers() throws {
    var dice = Dice(seed: 6)
    var bySolver = 0
    for round in 0..<60 {
      let count = dice.integer(in: 1...5)
      let box = (0..<count).map { _ in
        let low = Rational(dice.integer(in: -20...20), 7)
        return low...(low + Rational(dice.integer(in: 10...90)))
      }
      var sum = LinearForm(variables: count)
      var rows: [LinearInequality] = []
      for _ in 0..<dice.integer(in: 1...6) {
        let form = LinearForm(
          coefficients: (0..<count).map { _ in Rational(dice.integer(in: -99...99), 31) },
          constant: Rational(dice.integer(in: -99...99), 31))
        rows.append(LinearInequality(form: form, isStrict: true))
        sum.add(form, times: Rational(dice.integer(in: 1...9), 4))
      }
      var last = LinearForm(variables: count)
      last.add(sum, times: -1)
      last.constant -= dice.pick([Rational.one.scaled(bits: -45), 0, 1])
      rows.append(LinearInequality(form: last, isStrict: dice.chance(0.5)))
      let system = LinearSystem(box: box, rows: rows, excludesFaces: dice.chance(0.5))
      guard case .infeasible(let solver, let multipliers) = try solve(system) else {
        Issue.record("seed 6, round \(round): not refuted")
        continue
      }
      if solver { bySolver += 1 }
      #expect(system.isRefuted(by: try #require(multipliers, "seed 6, round \(round)")), "seed 6, round \(round)")
    }
    #expect(bySolver > 20)
  }

  @Test func multipliersAreCheckedAndNotBelieved() {
    let row = LinearInequality(form: LinearForm(coefficients: [1], constant: -1), isStrict: true)
    let other = LinearInequality(form: LinearForm(coefficients: [-1], constant: 0), isStrict: false)
    let system = LinearSystem(box: [-2...2], rows: [row, other])
    #expect(system.isRefuted(by: [1, 1]))
    #expect(!system.isRefuted(by: [1, 0]))
    #expect(!system.isRefuted(by: [0, 0]))
    #expect(!system.isRefuted(by: [1]))
    #expect(!system.isRefuted(by: [-1, -1]))
    // x − 1 ≥ 0 and 1 − x ≥ 0 have a common point unless one of them is strict.
    let closed = LinearInequality(form: row.form, isStrict: false)
    let opposite = LinearInequality(form: LinearForm(coefficients: [-1], constant: 1), isStrict: false)
    #expect(!LinearSystem(box: [-2...2], rows: [closed, opposite]).isRefuted(by: [1, 1]))
    #expect(LinearSystem(box: [-2...2], rows: [row, opposite]).isRefuted(by: [1, 1]))
  }

  @Test func facesAreExcludedOnlyWhenAskedFor() throws {
    let row = LinearInequality(form: LinearForm(coefficients: [1, 0], constant: -1), isStrict: false)
    let box: [ClosedRange<Rational>] = [0...1, 3...3]
    guard case .point(let point) = try solve(LinearSystem(box: box, rows: [row])) else {
      Issue.record("the upper face meets the row")
      return
    }
    #expect(point == [1, 3])
    guard case .infeasible = try solve(LinearSystem(box: box, rows: [row], excludesFaces: true)) else {
      Issue.record("only the upper face meets the row")
      return
    }
  }

  /// The point has at least half of the way up that the best one has, though strict rows exclude that one.
  @Test func goalsGiveRoom() throws {
    let rows = [LinearInequality(form: LinearForm(coefficients: [-1, 1], constant: 1), isStrict: true)]
    let system = LinearSystem(box: [0...4, -1...3], rows: rows, excludesFaces: true, goal: .room(input: 0))
    guard case .point(let point) = try solve(system) else {
      Issue.record("the rows have a point")
      return
    }
    #expect(system.admits(point))
    #expect(min(4, point[1] + 1) - point[0] >= 2)
  }
}
