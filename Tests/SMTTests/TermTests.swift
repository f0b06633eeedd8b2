import BigInt
import ExactArithmetic
import SMT
import Testing

@Suite struct TermTests {
  let context: SolverContext
  let x: RealTerm
  let p: BoolTerm
  let q: BoolTerm

  init() throws {
    context = try SolverContext()
    x = try context.realVariable("x")
    p = try context.boolVariable("p")
    q = try context.boolVariable("q")
  }

  private func model(_ formulas: BoolTerm...) throws -> Model? {
    let solver = try Solver(context, logic: .simple)
    for formula in formulas { try solver.assert(formula) }
    return try solver.check().model
  }

  @Test func reportsTheLinkedVersion() {
    #expect(SolverContext.solverVersion == "4.8.12.0")
  }

  @Test(arguments: [3, 70, 300, 3000])
  func rationalsOfAnySizeCrossExactlyInBothDirections(bits: Int) throws {
    var generator = SplitMix(seed: UInt64(bits))
    for round in 0..<(bits > 1000 ? 2 : 20) {
      let value = generator.rational(bits: bits)
      let model = try #require(try model(x == value))
      #expect(try model.value(of: x) == value, "bits \(bits), round \(round)")
      #expect(try model.value(of: context.constant(value)) == value)
    }
  }

  @Test func extremeIntegersAreNotNarrowed() throws {
    let values = [Int.min, Int(Int32.min) - 1, -1, 0, 1, Int(Int32.max) + 1, Int(UInt32.max) + 1, Int.max]
    for value in values.map({ Rational($0) }) {
      let model = try #require(try model(x == value))
      #expect(try model.value(of: x) == value)
    }
  }

  @Test func arithmeticAgreesWithExactArithmetic() throws {
    for seed in UInt64(0)..<20 {
      var generator = SplitMix(seed: seed)
      let values = (0..<6).map { _ in generator.rational(bits: 40) }
      // Zero, one and minus one take paths of their own.
      let factors = [generator.rational(bits: 90), 0, 1, -1, generator.rational(bits: 20), Rational(1, 3)]
      let constant: Rational = seed.isMultiple(of: 2) ? 0 : generator.rational(bits: 60)
      let terms = try values.indices.map { try context.realVariable("y\($0)") }
      let solver = try Solver(context)
      for (term, value) in zip(terms, values) { try solver.assert(term == value) }
      let model = try #require(try solver.check().model)
      let sum = try context.sum(of: Array(zip(factors, terms)), constant: constant)
      let expected = LinearForm(coefficients: factors, constant: constant).value(at: values)
      #expect(try model.value(of: sum) == expected, "seed \(seed)")
      #expect(try model.value(of: terms[0] + terms[1]) == values[0] + values[1])
      #expect(try model.value(of: terms[0] - terms[1]) == values[0] - values[1])
      #expect(try model.value(of: terms[0] + factors[5]) == values[0] + factors[5])
      #expect(try model.value(of: terms[0] - factors[5]) == values[0] - factors[5])
      #expect(try model.value(of: -terms[0]) == -values[0])
    }
  }

  @Test func sumsOfNoneOrOneTermKeepTheirValue() throws {
    let model = try #require(try model(x == 7))
    #expect(try model.value(of: context.sum(of: [])) == 0)
    #expect(try model.value(of: context.sum(of: [], constant: Rational(5, 2))) == Rational(5, 2))
    #expect(try model.value(of: context.sum(of: [(0, x)])) == 0)
    #expect(try model.value(of: context.sum(of: [(1, x)])) == 7)
    #expect(try model.value(of: context.sum(of: [(2, x), (3, x)])) == 35)
  }

  @Test func comparisonsAgreeWithTheOrderOfTheRationals() throws {
    let y = try context.realVariable("y")
    let values: [Rational] = [-1, 0, Rational(1, 3), 1]
    for a in values {
      for b in values {
        let model = try #require(try model(x == a, y == b))
        #expect(try model.value(of: x < y) == (a < b))
        #expect(try model.value(of: x <= y) == (a <= b))
        #expect(try model.value(of: x > y) == (a > b))
        #expect(try model.value(of: x >= y) == (a >= b))
        #expect(try model.value(of: x == y) == (a == b))
        #expect(try model.value(of: x < b) == (a < b))
        #expect(try model.value(of: x <= b) == (a <= b))
        #expect(try model.value(of: x > b) == (a > b))
        #expect(try model.value(of: x >= b) == (a >= b))
        #expect(try model.value(of: x == b) == (a == b))
      }
    }
  }

  @Test func connectivesFollowTheirTruthTables() throws {
    for a in [false, true] {
      for b in [false, true] {
        let model = try #require(try model(p == context.constant(a), q == context.constant(b)))
        #expect(try model.value(of: p) == a)
        #expect(try model.value(of: !p) == !a)
        #expect(try model.value(of: p && q) == (a && b))
        #expect(try model.value(of: p || q) == (a || b))
        #expect(try model.value(of: p.implies(q)) == (!a || b))
        #expect(try model.value(of: p == q) == (a == b))
        #expect(try model.value(of: p.ite(q, !q)) == (a ? b : !b))
        #expect(try model.value(of: p.ite(context.constant(3), context.constant(4))) == (a ? 3 : 4))
        #expect(try model.value(of: context.all(of: [p, q, p])) == (a && b))
        #expect(try model.value(of: context.any(of: [p, q, p])) == (a || b))
      }
    }
    let empty = try #require(try model())
    #expect(try empty.value(of: context.all(of: [])))
    #expect(try !empty.value(of: context.any(of: [])))
  }

  @Test func equalNamesAreOneVariableAndSortsAreApart() throws {
    #expect(try model(x == 1, context.realVariable("x") == 2) == nil)
    let model = try #require(try model(context.realVariable("p") == 5, !p))
    #expect(try model.value(of: context.realVariable("p")) == 5)
    #expect(try !model.value(of: p))
  }

  @Test(arguments: ["", "a\0b", String(repeating: "n", count: SolverContext.maximumNameLength + 1)])
  func refusesNamesThatLibz3WouldCutOrThatAreTooLong(name: String) {
    let error = #expect(throws: SMTError.self) { _ = try context.realVariable(name) }
    #expect(error?.code == .limit)
  }

  @Test(arguments: ["x y", "|bar|", "ψ-λ", "(assert false)", "x;y\n"])
  func everyOtherNameIsAVariable(name: String) throws {
    let variable = try context.realVariable(name)
    let model = try #require(try model(variable == 3))
    #expect(try model.value(of: variable) == 3)
  }

  @Test func refusesTermsOfAnotherContextEverywhere() throws {
    let other = try SolverContext()
    let foreign = try other.realVariable("x")
    let foreignBool = try other.boolVariable("p")
    let solver = try Solver(context)
    let optimizer = try Optimizer(context)
    let model = try #require(try model(x == 1))
    let uses: [() throws -> Void] = [
      { _ = try x + foreign }, { _ = try foreign + x }, { _ = try x - foreign }, { _ = try x <= foreign },
      { _ = try x < foreign }, { _ = try x >= foreign }, { _ = try x > foreign }, { _ = try x == foreign },
      { _ = try p && foreignBool }, { _ = try p || foreignBool }, { _ = try p == foreignBool },
      { _ = try p.implies(foreignBool) }, { _ = try p.ite(foreign, x) }, { _ = try p.ite(x, foreign) },
      { _ = try foreignBool.ite(x, x) }, { _ = try p.ite(foreignBool, p) },
      { _ = try context.sum(of: [(1, x), (2, foreign)]) }, { _ = try context.sum(of: [(0, foreign)]) },
      { _ = try context.sum(of: [(1, foreign)]) }, { _ = try context.all(of: [p, foreignBool]) },
      { _ = try context.any(of: [foreignBool]) }, { try solver.assert(foreignBool) },
      { _ = try solver.check(assuming: [p, foreignBool]) }, { try optimizer.assert(foreignBool) },
      { try optimizer.maximise(foreign) }, { _ = try model.value(of: foreign) },
      { _ = try model.value(of: foreignBool) },
    ]
    for (index, use) in uses.enumerated() {
      let error = #expect(throws: SMTError.self, "use \(index)") { try use() }
      #expect(error?.code == .foreignTerm, "use \(index)")
    }
    #expect(try solver.check().name == "satisfiable")
  }
}
