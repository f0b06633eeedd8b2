import Certificates
import Dispatch
import ExactArithmetic
import Foundation
import Networks
import ProofChecking
import SolverProcess
import Specifications
import Synchronization
import TestHelpers
import Testing

@testable import Verification

extension SolverPool {
  /// A pool of a program that is no solver, from the tests of the pool.
  static func fixture(_ name: String) -> SolverPool {
    let tests = ((#filePath as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    return SolverPool(Configuration(executable: "\(tests)/SolverProcessTests/Fixtures/\(name)"))
  }
}

/// What becomes of a verification whose solver fails.
struct SolverFailureTests {
  /// Two queries that Z3 alone decides in some tens of milliseconds, and one of each engine that asks it for cells and
  /// pairs: what they say undisturbed.
  private struct Case {
    let network: Network
    let query: Query
    let method: Method
    let verdict: String
  }

  private static func cases() throws -> [Case] {
    var dice = Dice(seed: 31)
    let network = try Network.random(inputs: 3, widths: [6, 6], style: .dyadic, &dice)
    let region: [ClosedRange<Rational>] = [0...1, -1...1, 0...1]
    let p = [1.0, 0.5]
    let sliver = try Network.of([([p, p, p], [8, -0.25, -0.25 - 0x1p-41]), ([[1, -2, 2]], [0])])
    // Falling where two neurons are active that never are together, by a hair that only exact arithmetic sees.
    let apart = try Network.of([
      ([p, p, p.map { -$0 }], [8, -0x1p-5, 0x1p-5 - 0x1p-57]), ([[1, -1, 1]], [0]),
    ])
    let square: [ClosedRange<Rational>] = [0...1, 0...1]
    return [
      Case(network: network, query: .rising(region, slope: -100), method: .oneCopy, verdict: "holds"),
      Case(network: network, query: .nonnegative(region, constant: 100), method: .oneCopy, verdict: "holds"),
      Case(network: network, query: .rising(region, slope: 1), method: .oneCopy, verdict: "violated"),
      Case(network: sliver, query: .rising(square), method: .branchAndBound, verdict: "violated"),
      Case(network: apart, query: .rising(square), method: .branchAndBound, verdict: "holds"),
    ]
  }

  /// SIGKILL to the solver process at a random moment of a run, a hundred times: the verdict of an undisturbed run, or
  /// unknown for the reason that the process was killed.
  @Test(.timeLimit(.minutes(10))) func killsChangeNoVerdict() throws {
    let cases = try Self.cases()
    let pool = SolverPool()
    var lengths: [Duration] = []
    for scene in cases {
      let start = ContinuousClock.now
      #expect(try decide(scene.network, scene.query, scene.method, budget: Budget(solvers: pool)) == scene.verdict)
      lengths.append(ContinuousClock.now - start)
    }
    let seed: UInt64 = 77
    var dice = Dice(seed: seed)
    var kills = 0
    var answers: [String: Int] = [:]
    for round in 0..<2000 where kills < 100 {
      let index = round % cases.count
      let scene = cases[index]
      let isOver = Mutex(false)
      let killed = Mutex(0)
      // Some milliseconds more than the run takes: a process is started anew after each kill.
      let range = lengths[index] + .milliseconds(20)
      let delay = range * dice.unit()
      let killer = Thread {
        let moment = ContinuousClock.now + delay
        while ContinuousClock.now < moment { usleep(200) }
        while !isOver.withLock({ $0 }) {
          if let process = pool.processes.first {
            kill(process, SIGKILL)
            killed.withLock { $0 += 1 }
            return
          }
          usleep(200)
        }
      }
      killer.start()
      let answer = try decide(scene.network, scene.query, scene.method, budget: Budget(solvers: pool))
      isOver.withLock { $0 = true }
      while !killer.isFinished { usleep(200) }
      kills += killed.withLock { $0 }
      answers[answer, default: 0] += 1
      let isKilled = answer.contains("the solver process was ended by signal 9")
      #expect(answer == scene.verdict || isKilled, "seed \(seed), round \(round), case \(index)")
    }
    #expect(kills >= 100, "\(answers)")
    #expect(answers.keys.contains { $0.contains("signal 9") } && answers.keys.contains("holds"), "\(answers)")
    for scene in cases {
      #expect(try decide(scene.network, scene.query, scene.method, budget: Budget(solvers: pool)) == scene.verdict)
    }
  }

  /// Every solver process is killed a few milliseconds after it appears, all through a session: each property has its
  /// undisturbed verdict, with a proof that the checker accepts, or is unknown because of the kill.
  @Test(.timeLimit(.minutes(10))) func killsAllThroughASessionChangeNoVerdict() throws {
    let cases = try Self.cases()
    let network = ExactNetwork(cases[4].network)
    let specification = try Specification.parse(
      text: """
        spec: vpals/v1
        features: {a: {domain: 0..1}, b: {domain: 0..1}}
        outputs: {y: {}}
        properties:
          - {id: rises, nondecreasing: {of: y, in: a}}
          - {id: rises-too, nondecreasing: {of: y, in: b}}
          - {id: falls, nonincreasing: {of: y, in: a}}
          - {id: corner, nondecreasing: {of: y, in: a}, when: a + b <= 1}
          - {id: sane, always: 0 <= y <= 20}
        """, path: "killed.yaml")
    let undisturbed = try VerificationSession(network: network, specification: specification)
      .run(budget: Budget(solvers: SolverPool())).map(\.verdict)
    #expect(undisturbed.map(\.name) == ["holds", "holds", "violated", "holds", "holds"])
    let seed: UInt64 = 78
    var dice = Dice(seed: seed)
    let kills = Mutex(0)
    var answers: [String: Int] = [:]
    for round in 0..<12 {
      let pool = SolverPool()
      let isOver = Mutex(false)
      let lives = (0..<64).map { _ in dice.integer(in: 0...30) }
      let killer = Thread {
        var index = 0
        while !isOver.withLock({ $0 }) {
          if let process = pool.processes.first {
            usleep(UInt32(lives[index % lives.count]) * 1000)
            index += 1
            guard pool.processes.contains(process) else { continue }
            kill(process, SIGKILL)
            kills.withLock { $0 += 1 }
          }
          usleep(200)
        }
      }
      killer.start()
      defer {
        isOver.withLock { $0 = true }
        while !killer.isFinished { usleep(200) }
      }
      let results = try VerificationSession(network: network, specification: specification)
        .run(budget: Budget(solvers: pool))
      for (index, result) in results.enumerated() {
        let note: Comment = "seed \(seed), round \(round), \(result.id): \(result.verdict)"
        answers[result.verdict.name, default: 0] += 1
        if case .unknown(let reason) = result.verdict {
          #expect(reason.description.contains("the solver process was ended by signal 9"), note)
        } else {
          #expect(result.verdict.name == undisturbed[index].name, note)
        }
        guard result.verdict == .holds else { continue }
        let bytes = try #require(result.proof, note).read()
        _ = try ProofChecker(network: network).check(
          ProofSource(bytes: bytes), queries: specification.properties[index].queries)
      }
    }
    #expect(kills.withLock { $0 } >= 12, "\(answers)")
    #expect(answers["holds", default: 0] > 0, "\(answers)")
  }

  @Test(arguments: ["hangs", "writes-garbage", "dies-at-once", "dies-when-asked", "truncates", "answers-another"])
  func aBrokenSolverNeverDecides(_ fixture: String) throws {
    for (index, scene) in try Self.cases().enumerated() {
      let budget = Budget(seconds: 2, solvers: .fixture(fixture))
      let answer = try decide(scene.network, scene.query, scene.method, budget: budget)
      // What branch and bound decides without Z3 is checked or replayed exactly, so it stands.
      let isOwn = scene.method == .branchAndBound && answer == scene.verdict
      #expect(isOwn || answer == "timeout" || answer.hasPrefix("solver: "), "case \(index): \(answer)")
    }
  }

  /// What bounds decide alone is decided without any solver; the rest of the run is not lost.
  @Test func aBrokenSolverCostsOnlyItsOwnQuestions() throws {
    let network = try Network.of([([[1, 2], [1, 1]], [8, -0.5]), ([[1, 1]], [0])])
    let query = Query.rising([0...1, 0...1])
    let budget = Budget(seconds: 30, solvers: .fixture("dies-at-once"))
    #expect(try decide(network, query, .branchAndBound, budget: budget) == "holds")
  }

  @Test func aMissingSolverIsOneClearError() throws {
    let scene = try Self.cases()[0]
    let pool = SolverPool(SolverPool.Configuration(executable: "/nonexistent/vpals-solver"))
    let error = #expect(throws: VerificationError.self) {
      try decide(scene.network, scene.query, .oneCopy, budget: Budget(solvers: pool))
    }
    #expect(error?.code == .solver)
    #expect(error?.message.contains("/nonexistent/vpals-solver") == true)
    #expect(error?.message.contains("VPALS_SOLVER") == true)
  }

  /// The processor time of a property is that of all processes that worked for it.
  @Test func processorTimeCountsTheSolver() throws {
    var dice = Dice(seed: 3)
    let network = try Network.random(inputs: 10, widths: [32, 32], style: .single, &dice)
    let query = Query.rising((0..<10).map { _ in -1...1 }, slope: -30)
    let meter = SolverMeter()
    var budget = Budget(seconds: 1)
    budget.meter = meter
    #expect(try decide(network, query, .oneCopy, budget: budget.limited(toSeconds: 0.9)) == "timeout")
    #expect(meter.seconds > 0.05 && meter.seconds < 10)
  }

  /// The stop signal reaches a question that is being answered.
  @Test func stoppingEndsAQuestionAtOnce() throws {
    var dice = Dice(seed: 3)
    let network = try Network.random(inputs: 10, widths: [32, 32], style: .single, &dice)
    let query = Query.rising((0..<10).map { _ in -1...1 }, slope: -30)
    let stop = StopSignal()
    let requested = Mutex<ContinuousClock.Instant?>(nil)
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(500)) {
      requested.withLock { $0 = .now }
      stop.request()
    }
    let answer = try decide(network, query, .oneCopy, budget: Budget(stop: stop, solvers: SolverPool()))
    let end = ContinuousClock.now
    #expect(answer == UnknownReason.interrupted.description)
    // 0.1 s on a quiet machine; the bound leaves room for a busy one.
    #expect(end - (try #require(requested.withLock { $0 })) < .seconds(1))
  }
}
