import Certificates
import ExactArithmetic
import Foundation
import Networks
import Specifications
import Synchronization
import TestHelpers
import Testing

@testable import ProofChecking
@testable import Verification

/// Searches that stop and go on, start from another network's proof, or run on several threads.
@Suite struct SavedSearchTests {
  /// A benchmark network that takes about three thousand leaves in two stages of the search.
  static let name = "n12_2x16_pen_s0"

  private let directory = TemporaryDirectory()
  private let network: ExactNetwork
  private let specification: Specification

  init() throws {
    network = try Self.network(Self.name)
    specification = try Self.specification(inputs: 12, properties: ["rises: nondecreasing: {of: y, in: x0}"])
  }

  static func network(_ name: String) throws -> ExactNetwork {
    let benchmarks = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Benchmarks/networks/\(name).onnx")
    return ExactNetwork(try Network(onnx: [UInt8](Data(contentsOf: benchmarks))))
  }

  static func specification(inputs: Int, properties: [String]) throws -> Specification {
    let features = (0..<inputs).map { "  x\($0): {index: \($0), unit: fraction, domain: 0..1}\n" }.joined()
    let list = properties.map { text in
      let parts = text.split(separator: ":", maxSplits: 1)
      return "  - id: \(parts[0])\n   \(parts[1])\n"
    }.joined()
    return try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n  y: {index: 0}\nproperties:\n\(list)", path: "s.yaml")
  }

  private var options: VerificationOptions {
    var options = VerificationOptions(samples: 64)
    options.savesSearches = true
    options.scratchDirectory = directory.path
    return options
  }

  /// Runs until `leaves` leaves are closed in the stage under way.
  private func run(
    _ network: ExactNetwork? = nil, start: SearchStart? = nil, until leaves: Int = .max, threads: Int = 1
  ) throws -> PropertyResult {
    let stop = StopSignal()
    let session = try VerificationSession(
      network: network ?? self.network, specification: specification, options: options, threads: threads)
    let results = try session.run(starts: start.map { ["rises": $0] } ?? [:], budget: Budget(stop: stop)) { event in
      if case .progress(_, _, _, let closed) = event, closed >= leaves { stop.request() }
    }
    return try #require(results.first)
  }

  private func kept(_ result: PropertyResult, as name: String) throws -> String {
    let path = "\(directory.path)/\(name)"
    try AtomicFile.copy(try #require(result.saved).path, to: path)
    return path
  }

  @Test(arguments: [2, 3]) func theProofIsTheSameForAnyNumberOfThreads(_ threads: Int) throws {
    let one = try run()
    let many = try run(threads: threads)
    #expect(one.verdict == .holds)
    #expect(many.verdict == .holds)
    #expect(one.leaves > 1000)
    #expect(try #require(one.proof).sha256 == many.proof?.sha256)
    #expect(one.leaves == many.leaves)
  }

  @Test func goesOnWhereItStopped() throws {
    let stopped = try run(until: 600)
    #expect(stopped.verdict == .unknown(.interrupted))
    #expect(stopped.provedShare > 0 && stopped.provedShare < 1)
    let bound = try #require(stopped.lowerBound)
    #expect(bound.isNegative)
    let path = try kept(stopped, as: "a.search")
    let closed = try SavedSearch.check(path, network: network, property: specification.properties[0])
    #expect(closed >= 600)
    // Nothing more is done than to read the tree when the run is stopped at once.
    let again = try run(start: .saved(path: path), until: 0)
    #expect(again.verdict == .unknown(.interrupted))
    #expect(again.leaves >= closed)
    #expect(again.provedShare >= stopped.provedShare)
    let second = try kept(again, as: "b.search")
    let result = try run(start: .saved(path: second))
    #expect(result.verdict == .holds)
    let proof = try #require(result.proof)
    // Read by the checker alone, from its file.
    let summary = try ProofChecker(network: network).check(
      file: proof.path, queries: specification.properties[0].queries)
    #expect(summary.leaves == result.leaves)
    #expect(result.leaves > closed)
  }

  /// A saved tree is no proof, and a proof with an open part neither.
  @Test func anOpenTreeIsNoProof() throws {
    let path = try kept(try run(until: 300), as: "a.search")
    let length = try #require(SavedSearch.header(of: path)).length
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect {
      _ = try ProofChecker(network: network).check(
        ProofSource(bytes: Array(bytes[length...])), queries: specification.properties[0].queries)
    } throws: { error in
      (error as? ProofFailure)?.cause.rule == "open"
    }
    #expect(
      (try? ProofChecker(network: network).check(file: path, queries: specification.properties[0].queries)) == nil)
  }

  @Test func aSearchOfAnotherNetworkOrDamagedIsRefused() throws {
    let path = try kept(try run(until: 300), as: "a.search")
    let property = specification.properties[0]
    let other = try Self.network("n12_2x16_free_s0")
    #expect(throws: VerificationError.self) { try SavedSearch.check(path, network: other, property: property) }
    let falling = try Self.specification(inputs: 12, properties: ["rises: nonincreasing: {of: y, in: x0}"])
    #expect(throws: VerificationError.self) {
      try SavedSearch.check(path, network: network, property: falling.properties[0])
    }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let cut = "\(directory.path)/cut.search"
    try Data(bytes[..<(bytes.count / 2)]).write(to: URL(fileURLWithPath: cut))
    #expect(throws: VerificationError.self) { try SavedSearch.check(cut, network: network, property: property) }
    #expect(throws: VerificationError.self) {
      try SavedSearch.check("\(directory.path)/none.search", network: network, property: property)
    }
  }

  /// Whoever starts from bytes that are not what they say still decides rightly.
  @Test func damagedAdviceChangesNoVerdict() throws {
    let proof = try #require(try run().proof)
    let bytes = [UInt8](try proof.read())
    let seed: UInt64 = 20_261
    var dice = Dice(seed: seed)
    for trial in 0..<6 {
      var damaged = bytes
      for _ in 0...trial {
        damaged[50 + dice.below(damaged.count - 50)] = UInt8(dice.below(256))
      }
      if trial == 3 { damaged.removeLast(damaged.count / 3) }
      if trial == 4 { damaged = [] }
      let path = "\(directory.path)/damaged.proof"
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      let result = try run(start: .predecessor(path: path))
      #expect(result.verdict == .holds, "seed \(seed), trial \(trial)")
      _ = try ProofChecker(network: network).check(
        file: try #require(result.proof).path, queries: specification.properties[0].queries)
    }
  }

  /// The proof of a network is good advice for itself: every leaf that a bound closes is taken over as it is.
  @Test func aProofIsItsOwnPredecessor() throws {
    let first = try run()
    let proof = try #require(first.proof)
    let path = "\(directory.path)/first.proof"
    try AtomicFile.copy(proof.path, to: path)
    let second = try run(start: .predecessor(path: path))
    #expect(second.verdict == .holds)
    #expect(second.leaves == first.leaves)
    _ = try ProofChecker(network: network).check(
      file: try #require(second.proof).path, queries: specification.properties[0].queries)
  }

  @Test func aPredecessorOfAnotherShapeIsPassedOver() throws {
    let path = "\(directory.path)/first.proof"
    let proof = try #require(try run().proof)
    try AtomicFile.copy(proof.path, to: path)
    let other = try Self.network("n12_2x8_mono_s0")
    let result = try run(other, start: .predecessor(path: path))
    #expect(result.verdict == .holds)
    // A violated network stays violated, whatever it starts from.
    let free = try Self.network("n12_2x16_free_s0")
    let violated = try run(free, start: .predecessor(path: path))
    #expect(violated.verdict.name == (try run(free)).verdict.name)
  }

  /// What a run had no time to read of a predecessor's proof stays open, and it ends all the same.
  @Test func aPredecessorIsGivenUpWhenTheTimeIsOver() throws {
    let path = "\(directory.path)/first.proof"
    let proof = try #require(try run().proof)
    try AtomicFile.copy(proof.path, to: path)
    let stop = StopSignal()
    let verifier = Verifier(network: network, options: options)
    let result = try verifier.decide(
      specification.properties[0], start: .predecessor(path: path), budget: Budget(seconds: 0, stop: stop))
    #expect(result.verdict == .unknown(.timeout))
    #expect(try #require(result.lowerBound).isNegative)
    let saved = try kept(result, as: "given-up.search")
    #expect(try SavedSearch.check(saved, network: network, property: specification.properties[0]) >= 0)
  }

  /// What is certified of a network whose predecessor's proof does not fit, in no time, is not the claim itself.
  @Test func adviceThatDoesNotFitCertifiesNothing() throws {
    let path = "\(directory.path)/first.proof"
    let proof = try #require(try run().proof)
    try AtomicFile.copy(proof.path, to: path)
    // The same network upside down: what rose falls, everywhere.
    var layers = try Network(
      onnx: BoundedFile.read(
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
          .appending(path: "Benchmarks/networks/\(Self.name).onnx").path, maximumBytes: ONNXModel.maximumBytes)
    ).layers
    let last = layers.removeLast()
    layers.append(
      try Layer(
        inputCount: last.inputCount, outputCount: last.outputCount, weights: last.weights.map { -$0 },
        biases: last.biases, isRectified: false))
    let falling = ExactNetwork(try Network(layers: layers))
    let result = try Verifier(network: falling, options: options).decide(
      specification.properties[0], start: .predecessor(path: path), budget: Budget(seconds: 0, stop: StopSignal()))
    #expect(result.verdict == .unknown(.timeout))
    #expect(try #require(result.lowerBound).isNegative)
  }

  @Test func severalQueriesEachGoOnFromTheirTree() throws {
    let specification = try Self.specification(
      inputs: 12, properties: ["rises: nondecreasing: {of: y, in: [x0, x1, x2]}"])
    let property = specification.properties[0]
    let network = try Self.network("n12_2x16_mono_s0")
    #expect(property.queries.count == 3)
    let stop = StopSignal()
    let verifier = Verifier(network: network, options: options)
    let stopped = try verifier.decide(property, budget: Budget(stop: stop)) { query, _, leaves in
      if query == 1, leaves > 100 { stop.request() }
    }
    guard case .unknown = stopped.verdict else {
      #expect(stopped.verdict == .holds, "the second query took too few steps to be stopped")
      return
    }
    let path = try kept(stopped, as: "three.search")
    #expect(try SavedSearch.check(path, network: network, property: property) > 100)
    let result = try verifier.decide(property, start: .saved(path: path), budget: Budget())
    #expect(result.verdict == .holds)
    _ = try ProofChecker(network: network).check(file: try #require(result.proof).path, queries: property.queries)
  }
}

/// What an undecided property still allows, in the engineer's words.
@Suite struct RemainingGapTests {
  private func rational(_ text: String) -> Rational { Rational(text: text) ?? .zero }

  private func specification() throws -> Specification {
    try Specification.parse(
      text: """
        spec: vpals/v1
        features:
          pressure: {unit: percent, domain: 10..90}
          cores: {unit: cores, domain: 0..4}
        outputs:
          latency: {unit: ms}
        properties:
          - id: up
            nondecreasing: {of: latency, in: pressure}
          - id: down
            nonincreasing: {of: latency, in: cores}
          - id: sane
            always: latency >= 0 ms
        """, path: "gap.yaml")
  }

  @Test func monotoneClaimsComeWithARepair() throws {
    let specification = try specification()
    let gap = try #require(
      specification.gap(of: specification.properties[0], query: 0, lowerBound: rational("-1/8")))
    #expect(gap.shortfall == rational("1/8"))
    let repair = try #require(gap.repair)
    #expect(repair.slope == rational("1/8"))
    #expect(repair.lowerEnd == 10)
    #expect(repair.change == 10)
    #expect(
      gap.lines == [
        "certified so far: latency falls by at most 10 ms over the whole range of pressure",
        "repair: latency + 0.125 · (pressure − 10), in the network's numbers, satisfies it; that moves latency by at most 10 ms",
      ])
    let down = try #require(
      specification.gap(of: specification.properties[1], query: 0, lowerBound: rational("-3")))
    #expect(
      down.lines == [
        "certified so far: latency rises by at most 12 ms over the whole range of cores",
        "repair: latency − 3 · cores, in the network's numbers, satisfies it; that moves latency by at most 12 ms",
      ])
    #expect(specification.gap(of: specification.properties[0], query: 0, lowerBound: .zero) == nil)
  }

  @Test func valueClaimsSayByHowMuchTheyCanFail() throws {
    let specification = try specification()
    let gap = try #require(specification.gap(of: specification.properties[2], query: 0, lowerBound: -2))
    #expect(gap.repair == nil)
    #expect(gap.lines == ["certified so far: fails by at most 2 ms"])
    #expect(specification.gap(of: specification.properties[2], query: 5, lowerBound: -2) == nil)
  }

  /// What is printed is never less than what is certified.
  @Test(arguments: [
    ("-1/3", "0.3334", "26.7"), ("-2057146/10000000", "0.2058", "16.5"), ("-5", "5", "400"),
    ("-123456", "123500", "9880000"),
  ])
  func printedNumbersAreRoundedUp(bound: String, slope: String, change: String) throws {
    let specification = try specification()
    let gap = try #require(
      specification.gap(of: specification.properties[0], query: 0, lowerBound: rational(bound)))
    #expect(gap.lines[1].contains("latency + \(slope) · (pressure − 10)"))
    #expect(gap.lines[0].contains("by at most \(change) ms"))
  }

  /// The repair is right: with it the bound is what is claimed.
  @Test func theRepairRaisesTheSlopeByTheShortfall() throws {
    let specification = try specification()
    let bound = rational("-7/3")
    let repair = try #require(specification.gap(of: specification.properties[0], query: 0, lowerBound: bound)?.repair)
    #expect(bound + repair.slope == .zero)
  }
}
