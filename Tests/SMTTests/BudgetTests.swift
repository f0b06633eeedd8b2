import BigInt
import ExactArithmetic
import Foundation
import Synchronization
import Testing

@testable import SMT

@Suite struct BudgetTests {
  @Test(arguments: Solver.Logic.allCases)
  func rlimitEndsInTheSameUnknownEachTime(logic: Solver.Logic) async throws {
    struct Outcome: Sendable, Equatable { var name: String, conflicts: Double?, count: Double? }
    let outcomes = try await onThread {
      try (0..<3).map { _ in
        let context = try SolverContext()
        let solver = try Solver(context, logic: logic, budget: SolverBudget(rlimit: 30_000))
        for formula in try crowding(endless, in: context) { try solver.assert(formula) }
        let name = try solver.check().name
        let statistics = try solver.statistics
        return Outcome(name: name, conflicts: statistics["conflicts"], count: statistics["rlimit count"])
      }
    }
    #expect(outcomes[0].name == CheckResult.rlimit)
    #expect(try #require(outcomes[0].count) > 1000)
    #expect(outcomes[1] == outcomes[0] && outcomes[2] == outcomes[0])
  }

  @Test(arguments: Solver.Logic.allCases)
  func timeoutEndsTheCheckAndTheSolverGoesOn(logic: Solver.Logic) async throws {
    let names = try await onThread {
      let context = try SolverContext()
      let solver = try Solver(context, logic: logic, budget: SolverBudget(timeoutMilliseconds: 50))
      for formula in try crowding(endless, in: context) { try solver.assert(formula) }
      let first = try solver.check().name
      try solver.set(budget: .unlimited)
      return [first, try solver.check(assuming: [context.realVariable("p0") < 0]).name]
    }
    #expect(names == [CheckResult.timeout, "unsatisfiable"])
  }

  @Test(arguments: Solver.Logic.allCases)
  func memoryBoundEndsTheCheck(logic: Solver.Logic) async throws {
    let names = try await onThread {
      let context = try SolverContext()
      let solver = try Solver(context, logic: logic, budget: SolverBudget(memoryMegabytes: 1))
      for formula in try crowding(6, in: context) { try solver.assert(formula) }
      let first = try solver.check().name
      let error = #expect(throws: SMTError.self) { try solver.set(budget: .unlimited) }
      #expect(error?.code == .budget)
      let larger = try Solver(context, logic: logic, budget: SolverBudget(memoryMegabytes: 100_000))
      for formula in try crowding(6, in: context) { try larger.assert(formula) }
      return [first, try larger.check().name]
    }
    #expect(names == [CheckResult.memory, "unsatisfiable"])
  }

  @Test func theOptimizerHonoursItsBudget() async throws {
    let names = try await onThread {
      try [SolverBudget(timeoutMilliseconds: 50), SolverBudget(rlimit: 30_000)].map { budget in
        let context = try SolverContext()
        let optimizer = try Optimizer(context, budget: budget)
        for formula in try crowding(endless, in: context) { try optimizer.assert(formula) }
        try optimizer.maximise(context.realVariable("p0"))
        return try optimizer.check().name
      }
    }
    #expect(names == [CheckResult.timeout, CheckResult.rlimit])
  }

  @Test(arguments: [
    SolverBudget(timeoutMilliseconds: 0), SolverBudget(timeoutMilliseconds: -1),
    SolverBudget(timeoutMilliseconds: Int(UInt32.max)), SolverBudget(timeoutMilliseconds: Int.max),
    SolverBudget(rlimit: 0), SolverBudget(rlimit: 1 << 32), SolverBudget(rlimit: UInt64.max),
    SolverBudget(memoryMegabytes: 0), SolverBudget(memoryMegabytes: 1 << 40),
  ])
  func refusesBudgetsThatLibz3WouldReadAsAnother(budget: SolverBudget) throws {
    let context = try SolverContext()
    #expect(throws: SMTError.self) { _ = try Solver(context, budget: budget) }
    #expect(throws: SMTError.self) { _ = try Optimizer(context, budget: budget) }
    let solver = try Solver(context, budget: SolverBudget(rlimit: 5000))
    let error = #expect(throws: SMTError.self) { try solver.set(budget: budget) }
    #expect(error?.code == .budget)
    #expect(solver.budget == SolverBudget(rlimit: 5000))
  }

  @Test func theOptimizerRefusesAMemoryBoundThatItCannotKeep() throws {
    let context = try SolverContext()
    let error = #expect(throws: SMTError.self) {
      _ = try Optimizer(context, budget: SolverBudget(memoryMegabytes: 100))
    }
    #expect(error?.code == .budget)
  }

  @Test func theCauseOfAnUnknownAnswerFollowsFromWhatWasAsked() {
    let none = SolverBudget.unlimited
    let both = SolverBudget(timeoutMilliseconds: 100, rlimit: 100)
    func cause(_ text: String, _ stop: Interrupter.Stop?, _ budget: SolverBudget) -> String? {
      SolverContext.cause(of: text, stop: stop, budget: budget)
    }
    #expect(cause("canceled", .requested, both) == "interrupted")
    #expect(cause("unknown", .requested, none) == "interrupted")
    #expect(cause("canceled", .timedOut, both) == "timeout")
    #expect(cause("canceled", nil, both) == "rlimit")
    #expect(cause("max. resource limit exceeded", nil, both) == "rlimit")
    #expect(cause("max. memory exceeded", .requested, both) == "memory")
    #expect(cause("libz3: out of memory", nil, none) == "memory")
    #expect(cause("canceled", nil, none) == nil)
    #expect(cause("(incomplete quantifiers)", nil, both) == nil)
  }

  @Test func aCheckLeavesTheSIGINTHandlerOfTheProcessAlone() async throws {
    @Sendable func handler() -> UInt {
      var action = sigaction()
      sigaction(SIGINT, nil, &action)
      return unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
    }
    /// The interrupter of the check, once there is one.
    final class Box: Sendable { let handle = Mutex<Interrupter?>(nil) }
    let before = handler()
    let box = Box()
    async let name = onThread { [endless] in
      let context = try SolverContext()
      let solver = try Solver(context, budget: SolverBudget(timeoutMilliseconds: 300))
      for formula in try crowding(endless, in: context) { try solver.assert(formula) }
      box.handle.withLock { $0 = context.interrupter }
      return try solver.check().name
    }
    // On a thread of its own: on the cooperative pool it might not get a turn while the check runs.
    async let observed = onThread {
      var seen: Set<UInt> = []
      var looks = 0
      while box.handle.withLock({ $0?.phase }) != .closed {
        if box.handle.withLock({ $0?.phase }) == .running {
          seen.insert(handler())
          looks += 1
        }
        usleep(1000)
      }
      return (seen, looks)
    }
    #expect(try await name == CheckResult.timeout)
    let (seen, looks) = try await observed
    #expect(looks > 0)
    #expect(seen == [before])
  }
}
