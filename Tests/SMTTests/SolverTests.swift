import BigInt
import ExactArithmetic
import Foundation
import SMT
import Testing

@Suite struct SolverTests {
  @Test(arguments: Solver.Logic.allCases)
  func decidesWhatIntervalsDecide(logic: Solver.Logic) throws {
    // Every conjunction of up to three bounds ±x ≤ c or ±x < c with c in {−1, 0, 1}.
    struct Bound { var upper: Bool, strict: Bool, value: Int }
    let bounds = [false, true].flatMap { upper in
      [false, true].flatMap { strict in [-1, 0, 1].map { Bound(upper: upper, strict: strict, value: $0) } }
    }
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let formulas = try bounds.map { bound in
      let value = Rational(bound.value)
      if bound.upper { return bound.strict ? try x < value : try x <= value }
      return bound.strict ? try x > value : try x >= value
    }
    func holds(_ bound: Bound, _ value: Rational) -> Bool {
      let c = Rational(bound.value)
      if bound.upper { return bound.strict ? value < c : value <= c }
      return bound.strict ? value > c : value >= c
    }
    // The answer depends only on the order, so these points represent all.
    let points = (-4...4).map { Rational(BigInt($0), 2) }
    let solver = try Solver(context, logic: logic)
    for a in bounds.indices {
      for b in a..<bounds.count {
        for c in b..<bounds.count {
          try solver.push()
          for index in [a, b, c] { try solver.assert(formulas[index]) }
          let expected = points.contains { point in [a, b, c].allSatisfy { holds(bounds[$0], point) } }
          let result = try solver.check()
          #expect(result.name == (expected ? "satisfiable" : "unsatisfiable"), "bounds \(a) \(b) \(c)")
          if let model = result.model {
            let value = try model.value(of: x)
            #expect([a, b, c].allSatisfy { holds(bounds[$0], value) }, "x = \(value) for bounds \(a) \(b) \(c)")
          }
          try solver.pop()
        }
      }
    }
  }

  @Test(arguments: Solver.Logic.allCases, [1, 20, 200, 1000])
  func modelsOfStrictInequalitiesAreInteriorHoweverNarrow(logic: Solver.Logic, bits: Int) throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let solver = try Solver(context, logic: logic)
    let low = Rational(1, 3)
    let high = low + Rational.one.scaled(bits: -bits)
    try solver.assert(x > low)
    try solver.assert(x < high)
    let value = try #require(try solver.check().model).value(of: x)
    #expect(low < value && value < high)
    try solver.assert(x + x == Rational(2, 3))
    #expect(try solver.check().name == "unsatisfiable")
  }

  @Test(arguments: Solver.Logic.allCases)
  func popForgetsAndAssumptionsDoNotStay(logic: Solver.Logic) throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let solver = try Solver(context, logic: logic)
    try solver.assert(x >= 0)
    try solver.push()
    try solver.assert(x < 0)
    #expect(try solver.check().name == "unsatisfiable")
    try solver.pop()
    #expect(try solver.check().name == "satisfiable")
    #expect(try solver.check(assuming: [x < 0]).name == "unsatisfiable")
    #expect(try solver.check(assuming: [x > 5, x < 6 || x < 0]).model?.value(of: x) ?? 0 > 5)
    #expect(try solver.check(assuming: [!(x >= 0) || x < -1]).name == "unsatisfiable")
    #expect(try solver.check().name == "satisfiable")
  }

  @Test func popWithoutPushIsAnErrorNotACrash() throws {
    let context = try SolverContext()
    let solver = try Solver(context)
    let error = #expect(throws: SMTError.self) { try solver.pop() }
    #expect(error == SMTError(.solver, "libz3: index out of bounds"))
    #expect(try solver.check().name == "satisfiable")
  }

  @Test(arguments: Solver.Logic.allCases)
  func modelsOutliveTheirSolverAndCompleteFreeVariables(logic: Solver.Logic) throws {
    var model: Model?
    var x: RealTerm?
    var free: RealTerm?
    var unknown: BoolTerm?
    do {
      let context = try SolverContext()
      let solver = try Solver(context, logic: logic)
      let variable = try context.realVariable("x")
      try solver.assert(2 * variable == Rational(1, 3))
      model = try solver.check().model
      try solver.assert(variable == 9)
      #expect(try solver.check().name == "unsatisfiable")
      (x, free, unknown) = (variable, try context.realVariable("free"), try context.boolVariable("unknown"))
    }
    let kept = try #require(model)
    #expect(try kept.value(of: #require(x)) == Rational(1, 6))
    // A free variable has one value, the same each time.
    let value = try kept.value(of: #require(free))
    #expect(try kept.value(of: #require(free)) == value)
    let truth = try kept.value(of: #require(unknown))
    #expect(try kept.value(of: #require(unknown)) == truth)
  }

  @Test func textsOfOneBufferAreCopied() throws {
    let context = try SolverContext()
    let solver = try Solver(context)
    try solver.assert(context.realVariable("first") > 1)
    let text = try solver.smtlib
    try solver.assert(context.realVariable("second") > 2)
    #expect(text.contains("first") && !text.contains("second"))
    #expect(try solver.smtlib.contains("second"))
  }

  @Test func printedAssertionsReadBackMeanTheSame() throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let y = try context.realVariable("a strange name")
    let solver = try Solver(context)
    try solver.assert(3 * x + y == Rational(22, 7))
    try solver.assert(y >= Rational(-1, 3) || context.boolVariable("b"))
    let text = try solver.smtlib
    let copy = try SolverContext()
    let reader = try Solver(copy)
    try reader.assert(smtlib: text)
    #expect(try reader.smtlib == text)
    try reader.assert(copy.realVariable("a strange name") == 0)
    #expect(try reader.check().model?.value(of: copy.realVariable("x")) == Rational(22, 21))
  }

  @Test(arguments: ["(assert (> zz 0.0))", "(declare-const x Real)(assert (> x 0.0", "garbage"])
  func textThatDoesNotParseIsAnErrorWithAPlace(text: String) throws {
    let solver = try Solver(try SolverContext())
    let error = #expect(throws: SMTError.self) { try solver.assert(smtlib: text) }
    #expect(error?.code == .parse)
    #expect(error?.message.contains("line 1 column") == true)
    #expect(try solver.check().name == "satisfiable")
  }

  @Test func textWithANulIsRefusedNotCut() throws {
    let solver = try Solver(try SolverContext())
    let error = #expect(throws: SMTError.self) { try solver.assert(smtlib: "(assert true)\0(assert false)") }
    #expect(error?.code == .limit)
  }

  @Test func irrationalValuesAreRefusedNotRounded() throws {
    let context = try SolverContext()
    let solver = try Solver(context, logic: .simple)
    try solver.assert(smtlib: "(declare-const y Real)(assert (= (* y y) 2.0))(assert (> y 0.0))")
    let model = try #require(try solver.check().model)
    let y = try context.realVariable("y")
    let error = #expect(throws: SMTError.self) { _ = try model.value(of: y) }
    #expect(error?.code == .notRational)
    #expect(try model.value(of: y < Rational(3, 2)))
  }

  @Test func otherReasonsOfAnUnknownAnswerKeepTheirText() throws {
    let context = try SolverContext()
    let solver = try Solver(context, logic: .simple, budget: SolverBudget(timeoutMilliseconds: 60_000))
    try solver.assert(smtlib: "(declare-const x Real)(declare-const y Real)(assert (= (^ x y) 7.0))")
    try solver.assert(context.realVariable("x") > 2 && context.realVariable("y") > Rational(3, 2))
    #expect(try solver.check().name == "(incomplete (theory arithmetic))")
  }

  @Test func conflictsOfLinearSystemsAreFoundInSums() throws {
    // Σ i·xᵢ ≥ 1 with every xᵢ ≤ 0 has no solution; with x₄₉₉ free it has.
    let context = try SolverContext()
    let variables = try (0..<500).map { try context.realVariable("x\($0)") }
    let sum = try context.sum(of: variables.enumerated().map { (Rational($0.offset), $0.element) }, constant: -1)
    let solver = try Solver(context)
    try solver.assert(sum >= 0)
    for variable in variables.dropLast() { try solver.assert(variable <= 0) }
    try solver.push()
    try solver.assert(variables[499] <= 0)
    #expect(try solver.check().name == "unsatisfiable")
    try solver.pop()
    let model = try #require(try solver.check().model)
    let values = try variables.map { try model.value(of: $0) }
    #expect(values.enumerated().reduce(Rational(-1)) { $0 + Rational($1.offset) * $1.element } >= 0)
    #expect(values.dropLast().allSatisfy { $0 <= 0 })
  }
}

@Suite struct OptimizerTests {
  @Test func findsTheVertexOfALinearProgramme() throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let y = try context.realVariable("y")
    let optimizer = try Optimizer(context)
    for formula in [try x >= 0, try y >= 0, try 3 * x + y <= 5, try x + 2 * y <= 4] { try optimizer.assert(formula) }
    try optimizer.maximise(x + y)
    let model = try #require(try optimizer.check().model)
    #expect(try model.value(of: x) == Rational(6, 5))
    #expect(try model.value(of: y) == Rational(7, 5))
  }

  @Test func laterObjectivesBreakTies() throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let y = try context.realVariable("y")
    let optimizer = try Optimizer(context)
    try optimizer.assert(x + y <= 1 && x >= 0 && y >= 0)
    try optimizer.maximise(x + y)
    try optimizer.maximise(-x)
    let model = try #require(try optimizer.check().model)
    #expect(try model.value(of: x) == 0)
    #expect(try model.value(of: y) == 1)
  }

  @Test func anUnattainedOptimumStillGivesAModel() throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let strict = try Optimizer(context)
    try strict.assert(x > 0 && x < 1)
    try strict.maximise(x)
    let value = try #require(try strict.check().model).value(of: x)
    #expect(0 < value && value < 1)
    let unbounded = try Optimizer(context)
    try unbounded.assert(x > 5)
    try unbounded.maximise(x)
    #expect(try #require(try unbounded.check().model).value(of: x) > 5)
  }

  @Test func contradictionsAreUnsatisfiable() throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let optimizer = try Optimizer(context)
    try optimizer.assert(x > 0 && x < 0)
    try optimizer.maximise(x)
    #expect(try optimizer.check().name == "unsatisfiable")
  }
}
