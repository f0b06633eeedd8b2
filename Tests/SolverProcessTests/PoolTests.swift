import ExactArithmetic
import Foundation
import Glibc
import Synchronization
import TestHelpers
import Testing

@testable import SolverProcess

/// `count` points of an interval of length `count` − 3/2 are pairwise at least 1 apart: unsatisfiable, and simplex with
/// case splits needs about `count`! steps to see it.
func crowding(_ count: Int) -> Formula {
  var formula = Formula()
  let points = (0..<count).map { formula.variable("p\($0)") }
  for (index, point) in points.enumerated() {
    formula.require(point >= 0)
    formula.require(point <= Rational(2 * count - 3, 2))
    for other in points[..<index] {
      formula.require(.any([point - other >= AffineTerm(1), other - point >= AffineTerm(1)]))
    }
  }
  return formula
}

/// A question that no test waits for.
func endless(_ limits: Question.Limits = Question.Limits()) -> Question { Question(crowding(16), limits: limits) }

/// low < x < high.
func between(_ low: Rational, _ high: Rational) -> Question {
  var formula = Formula()
  let x = formula.variable("x")
  formula.require(x > low)
  formula.require(x < high)
  return Question(formula, values: [RealVariable("x")])
}

func pool(_ fixture: String, memoryMegabytes: Int = 4096) -> SolverPool {
  let directory = (#filePath as NSString).deletingLastPathComponent
  var configuration = SolverPool.Configuration(executable: "\(directory)/Fixtures/\(fixture)")
  configuration.memoryMegabytes = memoryMegabytes
  return SolverPool(configuration)
}

/// Runs `body` on a thread of its own: asking blocks and must not be done on the cooperative pool.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result(catching: body)) }
    thread.start()
  }
}

/// Whether a process of this number runs; a dead one that nobody has reaped does not.
func isRunning(_ process: pid_t) -> Bool {
  guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
    let state = text.split(separator: ")").last?.split(separator: " ").first
  else { return false }
  return state != "Z" && state != "X"
}

/// Waits up to ten seconds for `condition`.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<2000 {
    if condition() { return true }
    usleep(5000)
  }
  return condition()
}

@Suite(.timeLimit(.minutes(5))) struct PoolTests {
  private let pool = SolverPool()

  @Test(arguments: Question.Method.allCases)
  func answersAreExact(method: Question.Method) async throws {
    let pool = pool
    try await onThread {
      for bits in [1, 40, 1000] {
        let low = Rational(1, 3)
        var narrow = between(low, low + Rational.one.scaled(bits: -bits))
        narrow.method = method
        guard case .satisfiable(let values) = try pool.ask(narrow) else {
          Issue.record("an open interval has a point")
          continue
        }
        #expect(values.count == 1 && low < values[0] && values[0] < low + Rational.one.scaled(bits: -bits))
        var empty = between(low, low)
        empty.method = method
        #expect(try pool.ask(empty) == .unsatisfiable(multipliers: nil))
      }
      #expect(pool.processes.count == 1)
    }
  }

  /// Questions see nothing of each other, though one process answers them all.
  @Test func questionsAreIndependent() async throws {
    let pool = pool
    try await onThread {
      for round in 0..<20 {
        let low = Rational(round)
        guard case .satisfiable(let values) = try pool.ask(between(low, low + 1)) else {
          Issue.record("round \(round)")
          return
        }
        #expect(low < values[0] && values[0] < low + 1)
      }
    }
  }

  @Test func constantAndRepeatedConditionsAreCounted() async throws {
    let pool = pool
    try await onThread {
      var formula = Formula()
      let x = formula.variable("x")
      for condition in [.yes, x >= 1, x >= 1, AffineTerm(0) <= AffineTerm(1), .all([.yes, x <= 2])] {
        formula.require(condition)
      }
      guard case .satisfiable(let values) = try pool.ask(Question(formula, values: [RealVariable("x")])) else {
        Issue.record("1 ≤ x ≤ 2 has a solution")
        return
      }
      #expect(1...2 ~= values[0])
      formula.require(.no)
      #expect(try pool.ask(Question(formula)) == .unsatisfiable(multipliers: nil))
    }
  }

  @Test func aTextThatLibz3CannotReadIsUnknown() async throws {
    let pool = pool
    try await onThread {
      for text in ["(assert (> y 1.0))\n", "(assert", "(declare-const x Real)\n(assert (> x 1.0))\n(assert (> x 2.0))"]
      {
        let question = Question(
          text: text, conditionCount: 1, values: [], method: .linear, limits: Question.Limits(), goal: nil,
          wantsMultipliers: false)
        guard case .unknown(let reason) = try pool.ask(question) else {
          Issue.record("'\(text)' was answered")
          continue
        }
        #expect(reason.hasPrefix("libz3: "))
      }
      #expect(pool.processes.count == 1)
    }
  }

  @Test func goalsAreReachedUpToTheirCapAndNeverChangeTheVerdict() async throws {
    let pool = pool
    try await onThread {
      for (cap, expected) in [(nil, Rational(7, 3)), (Rational(2), Rational(2)), (Rational(5), Rational(7, 3))] {
        var formula = Formula()
        let x = formula.variable("x")
        let y = formula.variable("y")
        formula.require(x >= 0)
        formula.require(y >= 0)
        formula.require(3 * x + y <= 7)
        formula.require(x + y <= 5)
        var better = formula
        let goal = better.bounded(x, cap: cap, name: "goal")
        let question = Question(formula, values: [RealVariable("x")], goal: Question.Goal(goal, in: better))
        guard case .satisfiable(let values) = try pool.ask(question) else {
          Issue.record("zero is a solution")
          continue
        }
        if cap == Rational(2) { #expect(values[0] >= expected) } else { #expect(values == [expected]) }
        var contradiction = formula
        contradiction.require(x < 0)
        #expect(
          try pool.ask(Question(contradiction, goal: Question.Goal(goal, in: better)))
            == .unsatisfiable(multipliers: nil))
      }
      // A goal without end still leaves a solution.
      var ray = Formula()
      let x = ray.variable("x")
      ray.require(x > 3)
      let question = Question(ray, values: [RealVariable("x")], goal: Question.Goal(RealVariable("x"), in: ray))
      guard case .satisfiable(let values) = try pool.ask(question) else {
        Issue.record("4 is a solution")
        return
      }
      #expect(values[0] > 3)
    }
  }

  /// Random systems of rows that are infeasible by construction: every one has multipliers that refute it exactly.
  @Test func multipliersAddUpToAContradiction() async throws {
    let pool = pool
    try await onThread {
      var generator = SeededGenerator(seed: 11)
      func number() -> Rational {
        Rational(Int.random(in: -9...9, using: &generator), Int.random(in: 1...6, using: &generator))
      }
      for round in 0..<40 {
        let count = 1 + round % 4
        var rows = (0..<(count + 2)).map { _ in
          LinearForm(coefficients: (0..<count).map { _ in number() }, constant: number())
        }
        // The last row is a negative combination of the others, and a little less.
        var last = LinearForm(variables: count)
        for row in rows { last.add(row, times: -Rational(Int.random(in: 0...4, using: &generator), 3)) }
        let isStrict = round.isMultiple(of: 3)
        if !isStrict { last.constant -= Rational(1, 100) }
        rows.append(last)
        var formula = Formula()
        let variables = (0..<count).map { formula.variable("x\($0)") }
        for row in rows {
          let sum = AffineTerm(sum: Array(zip(row.coefficients, variables)), constant: row.constant)
          // Written in every way that there is.
          switch (isStrict, round % 2) {
          case (true, 0): formula.require(sum > 0)
          case (true, _): formula.require(AffineTerm(0) < sum)
          case (false, 0): formula.require(sum >= 0)
          case (false, _): formula.require(AffineTerm(-row.constant) <= sum - AffineTerm(row.constant))
          }
        }
        guard case .unsatisfiable(let found) = try pool.ask(Question(formula, wantsMultipliers: true)) else {
          Issue.record("seed 11, round \(round): not refuted")
          continue
        }
        // A row that is contradictory by itself is one that libz3 rewrites to `false`; there is no lemma then.
        if rows.contains(where: { $0.coefficients.allSatisfy(\.isZero) }) { continue }
        let multipliers = try #require(found, "seed 11, round \(round)")
        var sum = LinearForm(variables: count)
        for (place, value) in multipliers {
          #expect(value.isPositive)
          sum.add(rows[place], times: value)
        }
        #expect(sum.coefficients.allSatisfy { $0.isZero }, "seed 11, round \(round)")
        #expect(sum.constant.isNegative || (isStrict && sum.constant.isZero), "seed 11, round \(round)")
      }
    }
  }

  @Test func multipliersAreNotInventedForDisjunctions() async throws {
    let pool = pool
    try await onThread {
      var question = Question(crowding(3))
      question.wantsMultipliers = true
      let answer = try pool.ask(question)
      #expect(answer == .unsatisfiable(multipliers: nil))
    }
  }

  // MARK: Limits

  @Test(arguments: Question.Method.allCases)
  func limitsEndTheQuestionAndNotTheProcess(method: Question.Method) async throws {
    let pool = pool
    try await onThread {
      var question = endless(Question.Limits(milliseconds: 60))
      question.method = method
      #expect(try pool.ask(question) == .unknown(Answer.timeout))
      question.limits = Question.Limits(work: 30_000)
      #expect(try pool.ask(question) == .unknown(Answer.work))
      question = Question(crowding(6), method: method, limits: Question.Limits(memoryMegabytes: 1))
      #expect(try pool.ask(question) == .unknown(Answer.memory))
      guard case .satisfiable = try pool.ask(between(0, 1)) else {
        Issue.record("the process answers no more")
        return
      }
      #expect(pool.processes.count == 1)
    }
  }

  /// The bound on the address space is met by whatever libz3 does not count; the process may even die of it.
  @Test func theAddressSpaceIsBounded() async throws {
    var configuration = SolverPool.Configuration()
    configuration.memoryMegabytes = 600
    let small = SolverPool(configuration)
    try await onThread {
      guard case .satisfiable = try small.ask(between(0, 1)) else {
        Issue.record("a small question fits")
        return
      }
      let process = try #require(small.processes.first)
      let limits = try String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8)
      let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max address space") })
      #expect(line.contains(" \(600 << 20) "))
      // A text of some forty megabytes, whose terms take many times as much.
      var formula = Formula()
      let variables = (0..<3000).map { formula.variable("x\($0)") }
      for round in 0..<400 {
        formula.require(
          AffineTerm(sum: variables.enumerated().map { (Rational($0.offset + 7 * round + 1), $0.element) }) >= 1)
      }
      guard case .unknown = try small.ask(Question(formula, limits: Question.Limits(milliseconds: 60_000))) else {
        Issue.record("the question fits into 600 MiB")
        return
      }
      guard case .satisfiable = try small.ask(between(0, 1)) else {
        Issue.record("the pool answers no more")
        return
      }
    }
  }

  @Test func theProcessorTimeOfAnAnswerIsKnown() async throws {
    let pool = pool
    try await onThread {
      var total = Duration.zero
      let answer = try pool.ask(endless(Question.Limits(milliseconds: 400))) { total += $0 }
      #expect(answer == .unknown(Answer.timeout))
      #expect(total > .milliseconds(20) && total < .seconds(5))
    }
  }

  @Test func cancellationEndsTheWaitAtOnce() async throws {
    let pool = pool
    for _ in 0..<5 {
      let cancellation = Cancellation()
      async let answered = onThread {
        let answer = try pool.ask(endless(), cancellation: cancellation)
        return (answer, ContinuousClock.now)
      }
      while pool.processes.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
      try await Task.sleep(for: .milliseconds(150))
      let process = try #require(pool.processes.first)
      let requested = ContinuousClock.now
      cancellation.request()
      let (answer, end) = try await answered
      #expect(answer == .unknown(Answer.interrupted))
      // 0.1 s on a quiet machine; the bound leaves room for a busy one.
      #expect(end - requested < .seconds(1))
      #expect(eventually { !isRunning(process) })
      #expect(pool.processes.isEmpty)
    }
  }

  @Test func nothingIsStartedAfterACancellation() async throws {
    let pool = pool
    try await onThread {
      let cancellation = Cancellation()
      cancellation.request()
      let answer = try pool.ask(between(0, 1), cancellation: cancellation)
      #expect(answer == .unknown(Answer.interrupted))
      #expect(pool.processes.isEmpty)
    }
  }

  /// A request that came too late for its own question does not touch the next one.
  @Test func anOldCancellationDoesNotReachTheNextQuestion() async throws {
    let pool = pool
    try await onThread {
      for _ in 0..<20 {
        let cancellation = Cancellation()
        let thread = Thread { cancellation.request() }
        thread.start()
        _ = try pool.ask(between(0, 1), cancellation: cancellation)
        guard case .satisfiable = try pool.ask(between(0, 1)) else {
          Issue.record("a question of another cancellation was stopped")
          return
        }
      }
    }
  }

  // MARK: Processes

  @Test func threadsAskSideBySide() async throws {
    let pool = pool
    let answers = try await onThread {
      let answers = Mutex<[Answer]>([])
      DispatchQueue.concurrentPerform(iterations: 4) { index in
        for round in 0..<5 {
          let low = Rational(100 * index + round)
          guard let answer = try? pool.ask(between(low, low + 1)) else { continue }
          if case .satisfiable(let values) = answer { #expect(low < values[0] && values[0] < low + 1) }
          answers.withLock { $0.append(answer) }
        }
      }
      return answers.withLock { $0 }
    }
    #expect(answers.count == 20)
    #expect((1...4).contains(pool.processes.count))
  }

  @Test func aProcessIsReplacedAfterSoManyQuestions() async throws {
    var configuration = SolverPool.Configuration()
    configuration.questionsPerProcess = 3
    let pool = SolverPool(configuration)
    let processes = try await onThread {
      var processes: Set<pid_t> = []
      for _ in 0..<7 {
        // The number is known before the question, for the third one ends the process.
        _ = try pool.ask(between(0, 1))
        processes.formUnion(pool.processes)
      }
      return processes
    }
    #expect(processes.count == 3)
    #expect(eventually { processes.filter { isRunning($0) }.count == 1 })
  }

  @Test func anIdleProcessThatWasKilledIsReplaced() async throws {
    let pool = pool
    try await onThread {
      for _ in 0..<5 {
        guard case .satisfiable = try pool.ask(between(0, 1)) else {
          Issue.record("a killed idle process cost an answer")
          return
        }
        let process = try #require(pool.processes.first)
        kill(process, SIGKILL)
        #expect(eventually { !isRunning(process) })
      }
    }
  }

  @Test func aProcessThatIsKilledAtWorkIsUnknown() async throws {
    let pool = pool
    async let answered = onThread { try pool.ask(endless()) }
    while pool.processes.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    try await Task.sleep(for: .milliseconds(150))
    kill(try #require(pool.processes.first), SIGKILL)
    #expect(try await answered == .unknown("the solver process was ended by signal 9"))
    #expect(pool.processes.isEmpty)
  }

  /// SIGINT goes to every process of a terminal's foreground group; what it means the parent decides.
  @Test func sigintIsIgnored() async throws {
    let pool = pool
    async let answered = onThread { try pool.ask(endless(Question.Limits(milliseconds: 500))) }
    while pool.processes.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    try await Task.sleep(for: .milliseconds(200))
    let process = try #require(pool.processes.first)
    #expect(getpgid(process) == process)
    kill(process, SIGINT)
    #expect(try await answered == .unknown(Answer.timeout))
    #expect(isRunning(process))
  }

  @Test func processesEndWithTheirPool() async throws {
    var pool: SolverPool? = SolverPool()
    let kept = try #require(pool)
    _ = try await onThread { try kept.ask(between(0, 1)) }
    let process = try #require(kept.processes.first)
    #expect(isRunning(process))
    _ = consume kept
    pool = nil
    #expect(eventually { !isRunning(process) })
  }

  @Test func theVersionIsTheLibrarysOwn() async throws {
    let pool = pool
    let version = try await onThread { try pool.version() }
    #expect(version.hasPrefix("4."))
    #expect(pool.processes.count == 1)
  }

  // MARK: Programs that are no solver

  @Test(arguments: [
    ("hangs", Answer.timeout), ("deaf", Answer.timeout),
    ("writes-garbage", "the solver process answered what is no answer"),
    ("dies-at-once", "the solver process ended with status 7"),
    ("dies-when-asked", "the solver process was ended by signal 6"),
    ("truncates", "the solver process ended with status 0"),
    ("answers-another", "the solver process answered what is no answer"),
    ("answers-twice", "the solver process answered what is no answer"),
    ("claims-values", "the solver process answered what is no answer"),
    ("announces-too-much", "the solver process answered what is no answer"),
  ])
  func whateverAProcessDoesIsUnknown(fixture: String, reason: String) async throws {
    let pool = SolverProcessTests.pool(fixture)
    let answers = try await onThread {
      // More than a socket takes unread, where nobody reads.
      var question = fixture == "deaf" ? Question(crowding(100)) : between(0, 1)
      question.limits.milliseconds = 300
      return try (0..<2).map { _ in try pool.ask(question) }
    }
    for answer in answers {
      guard case .unknown(let text) = answer else {
        Issue.record("\(fixture) was believed: \(answer)")
        continue
      }
      #expect(text.hasPrefix(reason), "\(fixture)")
    }
    #expect(pool.processes.isEmpty)
  }

  /// The fixture's own child holds the output open; it has to go as well.
  @Test(arguments: ["hangs", "never-greets"])
  func aProcessThatHangsIsKilledWithItsChildren(fixture: String) async throws {
    let pool = SolverProcessTests.pool(fixture)
    let cancellation = Cancellation()
    async let answered = onThread { try pool.ask(endless(), cancellation: cancellation) }
    while pool.processes.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    let process = try #require(pool.processes.first)
    var children: [pid_t] = []
    #expect(
      eventually {
        let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
        children = (text ?? "").split(separator: " ").compactMap { pid_t($0) }
        return !children.isEmpty
      })
    cancellation.request()
    #expect(try await answered == .unknown(Answer.interrupted))
    for child in children { #expect(eventually { !isRunning(child) }) }
  }

  @Test func anotherProgramIsAnErrorWithTheFix() async throws {
    let pool = SolverProcessTests.pool("another-program")
    try await onThread {
      let error = #expect(throws: SolverError.self) { try pool.ask(between(0, 1)) }
      #expect(error?.code == .foreign)
      #expect(error?.message.contains("set VPALS_SOLVER to it") == true)
      #expect(throws: SolverError.self) { try pool.version() }
    }
  }

  @Test func aMissingProgramIsAnErrorWithTheFix() async throws {
    for path in ["/nonexistent/vpals-solver", "/etc/passwd"] {
      let pool = SolverPool(SolverPool.Configuration(executable: path))
      try await onThread {
        let error = #expect(throws: SolverError.self) { try pool.ask(between(0, 1)) }
        #expect(error?.code == .missing)
        #expect(error?.message.hasPrefix("the solver program '\(path)' cannot be run: ") == true)
        #expect(
          error?.message.hasSuffix("put vpals-solver beside this program, or set VPALS_SOLVER to its path") == true)
      }
    }
  }

  @Test func theProgramLiesBesideTheRunningOne() {
    #expect(SolverPool.standardExecutable == ChildProcess.built("vpals-solver"))
  }
}
