import BigInt
import ExactArithmetic
import Foundation
import SMT
import Testing

@Suite struct LifetimeTests {
  @Test func termsAreBuiltAndFreedByTheThousand() throws {
    weak var freed: SolverContext?
    do {
      let context = try SolverContext()
      freed = context
      for round in 0..<2 {
        let variables = try (0..<100).map { try context.realVariable("x\($0)") }
        var formulas: [BoolTerm] = []
        for index in 0..<10_000 {
          let term = try context.sum(
            of: [(Rational(BigInt(index + 2), 7), variables[index % 100]), (-3, variables[(index + 1) % 100])])
          formulas.append(try term <= Rational(index + round))
        }
        let solver = try Solver(context)
        try solver.assert(context.all(of: formulas))
        for variable in variables { try solver.assert(variable == 1) }
        // (index + 2)/7 − 3 ≤ index + round holds for each index at x = 1.
        #expect(try solver.check().name == "satisfiable")
      }
    }
    #expect(freed == nil)
  }

  @Test func termsKeepTheirContextAlive() throws {
    weak var freed: SolverContext?
    var term: RealTerm?
    do {
      let context = try SolverContext()
      freed = context
      term = try 2 * context.realVariable("x") + 1
    }
    let context = try #require(freed)
    let solver = try Solver(context)
    try solver.assert(#require(term) == 4)
    #expect(try solver.check().model?.value(of: context.realVariable("x")) == Rational(3, 2))
  }

  @Test func unnamedIntermediateResultsSurviveTheNextCall() throws {
    let context = try SolverContext()
    let x = try context.realVariable("x")
    let solver = try Solver(context)
    for index in 1...300 {
      try solver.assert(
        (Rational(index) * x + Rational(BigInt(index), 3)) - (Rational(1, BigInt(index)) * x - 7) <= Rational(index) * x
          + 5_000
          && !(x + Rational(index) < x))
    }
    #expect(try solver.check().name == "satisfiable")
  }

  @Test func contextsAreMadeAndDeletedManyTimes() throws {
    for index in 0..<200 {
      let context = try SolverContext()
      let x = try context.realVariable("x")
      let solver = try Solver(context, logic: index.isMultiple(of: 2) ? .simple : .linearRealArithmetic)
      try solver.assert(7 * x == Rational(index))
      #expect(try solver.check().model?.value(of: x) == Rational(index) / 7)
    }
  }

  @Test func twoThreadsWithTwoContextsAnswerAsOne() async throws {
    /// Answers and model values of forty random systems.
    @Sendable func answers(seed: UInt64) throws -> [[String]] {
      var generator = SplitMix(seed: seed)
      return try (0..<40).map { _ in
        let context = try SolverContext()
        let variables = try (0..<4).map { try context.realVariable("x\($0)") }
        let solver = try Solver(context)
        for _ in 0..<8 {
          let row = variables.map { (generator.rational(bits: 8), $0) }
          try solver.assert(context.sum(of: row, constant: generator.rational(bits: 8)) <= 0)
        }
        let result = try solver.check()
        return try [result.name] + variables.map { try result.model?.value(of: $0).description ?? "-" }
      }
    }
    let alone = try await onThread { try (1...2).map { try answers(seed: $0) } }
    async let first = onThread { try answers(seed: 1) }
    async let second = onThread { try answers(seed: 2) }
    #expect(try await [first, second] == alone)
    #expect(Set(alone.joined().map { $0[0] }) == ["satisfiable", "unsatisfiable"], "seeds 1 and 2 should show both")
  }
}
