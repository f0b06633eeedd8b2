import Certificates
import ExactArithmetic
import Networks
import Specifications
import Synchronization
import TestHelpers
import Testing

@testable import Verification

/// Several properties of one network, in the engineer's terms.
struct SessionTests {
  private func specification(_ inputs: Int, _ properties: [String]) throws -> Specification {
    let features = (0..<inputs).map { "  x\($0): {index: \($0), unit: fraction, domain: 0..1}" }
    return try Specification.parse(
      text: """
        spec: vpals/v1
        features:
        \(features.joined(separator: "\n"))
        outputs:
          y: {index: 0, unit: ms, scale: linear}
        properties:
        \(properties.joined(separator: "\n"))
        """, path: "session.yaml")
  }

  private func rises(_ id: String, _ feature: String) -> String {
    "  - {id: \(id), nondecreasing: {of: y, in: \(feature)}}"
  }

  /// Slope in x0 that changes sign at x0 = 1/2, positive in x1, negative in x2.
  private func network() throws -> Network {
    try .of([([[1, 0, 0], [1, 0, 0], [0, 1, -1]], [1, -0.5, 2]), ([[1, -3, 1]], [0])])
  }

  private func mixed() throws -> Specification {
    try specification(
      3,
      [
        rises("bent", "x0"), rises("up", "x1"), rises("down", "x2"), rises("joint", "[x0, x1, x2]"),
        "  - {id: bounded, always: y <= 5 ms}", "  - {id: broken, always: y >= 3 ms}",
      ])
  }

  /// What of a result does not depend on the clock.
  private struct Answer: Hashable {
    let id: String
    let verdict: Verdict
    let leaves: Int
    let provedShare: Double
    let lowerBound: Rational?

    init(_ result: PropertyResult) {
      id = result.id
      verdict = result.verdict
      leaves = result.leaves
      provedShare = result.provedShare
      lowerBound = result.lowerBound
    }
  }

  @Test func resultsDoNotDependOnThreads() throws {
    let network = try network()
    let specification = try mixed()
    let runs = try [1, 2, 5].map { threads in
      try VerificationSession(network: ExactNetwork(network), specification: specification, threads: threads)
        .run(budget: Budget()).map(Answer.init)
    }
    #expect(runs[0].map(\.id) == specification.properties.map(\.id))
    #expect(runs[0].map(\.verdict.name) == ["violated", "holds", "violated", "violated", "holds", "violated"])
    #expect(runs[1] == runs[0])
    #expect(runs[2] == runs[0])
    for (answer, property) in zip(runs[0], specification.properties) {
      if case .violated(let found) = answer.verdict {
        for counterexample in found {
          #expect(try flaw(in: counterexample, network, property.queries[counterexample.query]) == nil)
        }
        #expect(answer.provedShare < 1)
        #expect(answer.lowerBound == nil)
      } else {
        #expect(answer.provedShare == 1)
      }
    }
  }

  @Test func propertiesOfARandomNetworkGetTheSameAnswersOnThreads() throws {
    var dice = Dice(seed: 77)
    let network = try Network.random(inputs: 4, widths: [8, 8], style: .nearlyMonotone, &dice)
    let specification = try specification(4, (0..<4).map { rises("p\($0)", "x\($0)") })
    let runs = try [1, 3].map { threads in
      try VerificationSession(network: ExactNetwork(network), specification: specification, threads: threads)
        .run(budget: Budget()).map(Answer.init)
    }
    #expect(runs[0] == runs[1], "seed 77")
  }

  @Test func solverEngineGivesTheSameVerdicts() throws {
    let session = try VerificationSession(
      network: ExactNetwork(try network()), specification: try mixed(), options: VerificationOptions(engine: .smt))
    let names = try session.run(budget: Budget()).map(\.verdict.name)
    #expect(names == ["violated", "holds", "violated", "violated", "holds", "violated"])
  }

  private final class Log: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func note(_ line: String) { lines.withLock { $0.append(line) } }
  }

  @Test func namedPropertiesComeFirstAndResultsKeepTheOrderOfTheFile() throws {
    let session = try VerificationSession(network: ExactNetwork(try network()), specification: try mixed())
    let log = Log()
    let results = try session.run(first: ["down", "broken"], budget: Budget()) { event in
      if case .started(let property) = event { log.note(property) }
    }
    #expect(log.all == ["down", "broken", "bent", "up", "joint", "bounded"])
    #expect(results.map(\.id) == ["bent", "up", "down", "joint", "bounded", "broken"])
  }

  @Test func decidedPropertiesAreTakenOver() throws {
    let session = try VerificationSession(network: ExactNetwork(try network()), specification: try mixed())
    let earlier = PropertyResult(
      id: "bent", verdict: .unknown(.timeout), engine: "auto", seconds: 1, cpuSeconds: 1, leaves: 3, solverLeaves: 0,
      provedShare: 0.5, lowerBound: nil)
    let log = Log()
    let results = try session.run(decided: ["bent": earlier], budget: Budget()) { event in
      if case .started(let property) = event { log.note(property) }
    }
    #expect(results[0] == earlier)
    #expect(!log.all.contains("bent"))
    #expect(results.count == 6)
  }

  @Test(arguments: Engine.allCases)
  func knownPairsThatStillFailAreReported(_ engine: Engine) throws {
    let network = try network()
    let specification = try specification(3, [rises("bent", "x0")])
    let x = [Rational(5, 9), Rational(1, 3), Rational(1, 7)]
    let xPrime = [Rational(6, 9), Rational(1, 3), Rational(1, 7)]
    func run(_ known: [KnownPair]) throws -> PropertyResult {
      let session = try VerificationSession(
        network: ExactNetwork(network), specification: specification, options: VerificationOptions(engine: engine))
      return try #require(try session.run(known: ["bent": known], budget: Budget()).first)
    }
    let result = try run([KnownPair(query: 0, x: x, xPrime: xPrime)])
    guard case .violated(let found) = result.verdict else {
      Issue.record("not violated")
      return
    }
    let reported = try #require(found.first { $0.x == x })
    #expect(reported.xPrime == xPrime)
    #expect(reported.drop == Rational(2, 9))
    switch engine {
    // A short search finds worse ones, which come first.
    case .auto: #expect(found.count > 1 && found[0].drop == 1)
    case .smt: #expect(found.count == 1)
    }
    #expect(found.map(\.drop) == found.map(\.drop).sorted(by: >))

    // Pairs that are no violation of this network are passed over, and the search goes on.
    let harmless: [KnownPair] = [
      KnownPair(query: 0, x: [0, 0, 0], xPrime: [Rational(1, 2), 0, 0]),
      KnownPair(query: 0, x: xPrime, xPrime: x),
      KnownPair(query: 0, x: x, xPrime: x),
      KnownPair(query: 0, x: x, xPrime: nil),
      KnownPair(query: 0, x: [], xPrime: []),
      KnownPair(query: 0, x: x, xPrime: [Rational(6, 9), Rational(1, 3)]),
      KnownPair(query: 0, x: x, xPrime: [2, Rational(1, 3), Rational(1, 7)]),
      KnownPair(query: 0, x: x, xPrime: [Rational(6, 9), Rational(1, 2), Rational(1, 7)]),
      KnownPair(query: 1, x: x, xPrime: xPrime),
      KnownPair(query: -1, x: x, xPrime: xPrime),
    ]
    guard case .violated(let others) = try run(harmless).verdict else {
      Issue.record("not violated")
      return
    }
    for counterexample in others {
      #expect(!harmless.contains { $0.x == counterexample.x && $0.xPrime == counterexample.xPrime })
      #expect(try flaw(in: counterexample, network, specification.properties[0].queries[0]) == nil)
    }
  }

  @Test func counterexamplesOfOneRunAreDiverse() throws {
    let network = try Network.of([([[1, 0], [0, 1]], [1, 1]), ([[-1, 1]], [0])])
    let specification = try specification(2, [rises("falls", "x0")])
    let session = try VerificationSession(network: ExactNetwork(network), specification: specification)
    guard case .violated(let found) = try session.run(budget: Budget())[0].verdict else {
      Issue.record("not violated")
      return
    }
    #expect(found.count > 1 && found.count <= 8)
    #expect(Set(found.map(\.x)).count == found.count)
  }

  @Test func networksThatDoNotFitAreRefused() throws {
    let specification = try specification(2, [rises("falls", "x0")])
    let network = ExactNetwork(try network())
    #expect(throws: VerificationError.self) {
      try VerificationSession(network: network, specification: specification)
    }
    let wide = try mixed()
    let narrow = ExactNetwork(try Network.of([([[1]], [0]), ([[1]], [0])]))
    for engine in Engine.allCases {
      let verifier = Verifier(network: narrow, options: VerificationOptions(engine: engine))
      for property in wide.properties {
        let error = #expect(throws: VerificationError.self) { try verifier.decide(property, budget: Budget()) }
        #expect(error?.code == .mismatch)
        #expect(error?.message.contains("'\(property.id)'") == true)
      }
    }
  }
}
