import BigInt
import ExactArithmetic
import Foundation
import Synchronization
import Testing

@testable import SMT

/// Counts signals, as a check that ignores them would receive them.
private final class Counter: Sendable {
  let value = Atomic(0)
  func add() { value.add(1, ordering: .relaxed) }
  var count: Int { value.load(ordering: .relaxed) }
}

@Suite(.timeLimit(.minutes(2))) struct InterrupterStateTests {
  @Test func aRequestBeforeTheCheckKeepsItFromStarting() {
    let interrupter = Interrupter()
    interrupter.interrupt()
    #expect(interrupter.isRequested)
    #expect(!interrupter.begin { Issue.record("an idle check was signalled") })
    #expect(interrupter.phase == .idle)
    #expect(!interrupter.begin {})
    interrupter.reset()
    #expect(!interrupter.isRequested)
    #expect(interrupter.begin {})
    #expect(interrupter.end() == nil)
  }

  @Test func theSignalIsRepeatedUntilTheCheckReturnsAndNeverAfter() async throws {
    let interrupter = Interrupter()
    let first = Counter()
    #expect(interrupter.begin { first.add() })
    interrupter.interrupt()
    while first.count < 5 { try await Task.sleep(for: .milliseconds(1)) }
    #expect(interrupter.end() == .requested)
    let atEnd = first.count
    // The next check is not signalled by what was planned for the first one.
    interrupter.reset()
    let second = Counter()
    #expect(interrupter.begin { second.add() })
    try await Task.sleep(for: .milliseconds(20))
    #expect(first.count == atEnd)
    #expect(second.count == 0)
    #expect(interrupter.end() == nil)
  }

  @Test func resetStopsTheRepetition() async throws {
    let interrupter = Interrupter()
    let counter = Counter()
    #expect(interrupter.begin { counter.add() })
    interrupter.interrupt()
    interrupter.reset()
    let atReset = counter.count
    try await Task.sleep(for: .milliseconds(20))
    #expect(counter.count == atReset)
    #expect(interrupter.end() == .requested)
  }

  @Test func aTimeoutIsSignalledUntilTheCheckReturnsAndEndsWithIt() async throws {
    let interrupter = Interrupter()
    let counter = Counter()
    #expect(interrupter.begin(timeoutMilliseconds: 5) { counter.add() })
    while counter.count < 5 { try await Task.sleep(for: .milliseconds(1)) }
    #expect(interrupter.end() == .timedOut)
    #expect(!interrupter.isRequested)
    let atEnd = counter.count
    #expect(interrupter.begin(timeoutMilliseconds: 60_000) { Issue.record("signalled before its deadline") })
    try await Task.sleep(for: .milliseconds(20))
    #expect(interrupter.end() == nil)
    #expect(counter.count == atEnd)
  }

  @Test func aClosedInterrupterIgnoresRequests() {
    let interrupter = Interrupter()
    interrupter.close()
    interrupter.interrupt()
    #expect(interrupter.phase == .closed)
    #expect(!interrupter.isRequested)
  }
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct InterruptionTests {
  /// Far beyond the test, so that a lost interruption shows as a wrong reason and not as a hang.
  static let backstop = SolverBudget(timeoutMilliseconds: 60_000)

  @Test(arguments: Solver.Logic.allCases)
  func interruptionBeforeTheCheckIsNotLost(logic: Solver.Logic) async throws {
    let names = try await onThread {
      let context = try SolverContext()
      let solver = try Solver(context, logic: logic, budget: Self.backstop)
      for formula in try crowding(endless, in: context) { try solver.assert(formula) }
      context.interrupter.interrupt()
      let first = try solver.check().name
      let second = try solver.check().name
      context.interrupter.reset()
      return [first, second, try solver.check(assuming: [context.realVariable("p1") < 0]).name]
    }
    #expect(names == ["interrupted", "interrupted", "unsatisfiable"])
  }

  @Test(arguments: Solver.Logic.allCases)
  func interruptionDuringTheCheckStopsItAndTheContextGoesOn(logic: Solver.Logic) async throws {
    let handle = Mutex<Interrupter?>(nil)
    async let outcome = onThread {
      let context = try SolverContext()
      let x = try context.realVariable("x")
      let easy = try Solver(context, logic: logic)
      try easy.assert(x == Rational(22, 7))
      let model = try #require(try easy.check().model)
      let solver = try Solver(context, logic: logic, budget: Self.backstop)
      for formula in try crowding(endless, in: context) { try solver.assert(formula) }
      handle.withLock { $0 = context.interrupter }
      let first = try solver.check().name
      // A model from before the interruption can be read, and both solvers work again.
      let value = try model.value(of: x)
      context.interrupter.reset()
      let second = try solver.check(assuming: [context.realVariable("p1") < 0]).name
      return ([first, second, try easy.check().name], value)
    }
    while handle.withLock({ $0?.phase }) != .running { try await Task.sleep(for: .milliseconds(1)) }
    handle.withLock { $0 }?.interrupt()
    let (names, value) = try await outcome
    #expect(names == ["interrupted", "unsatisfiable", "satisfiable"])
    #expect(value == Rational(22, 7))
  }

  @Test func interruptionAfterTheCheckLeavesItsModelReadable() async throws {
    let (name, value) = try await onThread {
      let context = try SolverContext()
      let x = try context.realVariable("x")
      let solver = try Solver(context)
      try solver.assert(x == Rational(22, 7))
      let model = try #require(try solver.check().model)
      for _ in 0..<10 { context.interrupter.interrupt() }
      return (try solver.check().name, try model.value(of: x))
    }
    #expect(name == "interrupted")
    #expect(value == Rational(22, 7))
  }

  @Test func interruptionOfAnOptimizerLeavesTheContextUsable() async throws {
    let handle = Mutex<Interrupter?>(nil)
    async let outcome = onThread {
      let context = try SolverContext()
      let x = try context.realVariable("x")
      let easy = try Solver(context)
      try easy.assert(x == Rational(22, 7))
      let model = try #require(try easy.check().model)
      let optimizer = try Optimizer(context, budget: Self.backstop)
      for formula in try crowding(endless, in: context) { try optimizer.assert(formula) }
      try optimizer.maximise(context.realVariable("p0"))
      handle.withLock { $0 = context.interrupter }
      return (try optimizer.check().name, try model.value(of: x))
    }
    while handle.withLock({ $0?.phase }) != .running { try await Task.sleep(for: .milliseconds(1)) }
    handle.withLock { $0 }?.interrupt()
    let (name, value) = try await outcome
    #expect(name == "interrupted")
    #expect(value == Rational(22, 7))
  }

  @Test func anInterrupterOutlivesItsContext() throws {
    var interrupter: Interrupter?
    do { interrupter = try SolverContext().interrupter }
    let kept = try #require(interrupter)
    kept.interrupt()
    #expect(kept.phase == .closed)
  }

  @Test func interruptionsAtAnyMomentGiveTheAnswerOrInterruptedAndNothingElse() async throws {
    let seed: UInt64 = 20
    let handle = Mutex<Interrupter?>(nil)
    let isDone = Atomic(false)
    let rounds = 150
    let sender = Task.detached {
      try await onThread {
        var generator = SplitMix(seed: seed)
        while !isDone.load(ordering: .acquiring) {
          handle.withLock { $0 }?.interrupt()
          usleep(UInt32.random(in: 0..<4000, using: &generator))
        }
      }
    }
    let names = try await onThread {
      let context = try SolverContext()
      let x = try context.realVariable("x")
      let formulas = try crowding(5, in: context)
      handle.withLock { $0 = context.interrupter }
      var names: [String: Int] = [:]
      for round in 0..<rounds {
        let solver = try Solver(context, logic: round.isMultiple(of: 2) ? .simple : .linearRealArithmetic)
        for formula in formulas { try solver.assert(formula) }
        context.interrupter.reset()
        names[try solver.check().name, default: 0] += 1
        // A satisfiable check beside the storm gives the exact model or says that it was interrupted.
        try solver.push()
        let easy = try Solver(context)
        try easy.assert(3 * x == 1)
        context.interrupter.reset()
        switch try easy.check() {
        case .satisfiable(let model): #expect(try model.value(of: x) == Rational(1, 3))
        case .unsatisfiable: Issue.record("round \(round): 3·x = 1 has a solution")
        case .unknown(let reason): #expect(reason == "interrupted")
        }
      }
      return names
    }
    isDone.store(true, ordering: .releasing)
    try await sender.value
    #expect(Set(names.keys).isSubset(of: ["unsatisfiable", "interrupted"]), "seed \(seed): \(names)")
    #expect(names.values.reduce(0, +) == rounds)
  }
}
