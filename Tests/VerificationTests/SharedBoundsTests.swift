import Certificates
import ExactArithmetic
import Foundation
import Networks
import ProofChecking
import Specifications
import Testing

@testable import Verification

/// Bounds that properties share change no proof, and every way to choose splits ends in the same verdict.
struct SharedBoundsTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func network(_ name: String) throws -> ExactNetwork {
    let path = root.appending(path: "Benchmarks/networks/\(name).onnx").path
    return ExactNetwork(try Network(onnx: try BoundedFile.read(path, maximumBytes: ONNXModel.maximumBytes)))
  }

  /// Monotone in three features, and bounded: claims on slopes and on values over the same domain.
  private static func specification() throws -> Specification {
    try Specification.parse(
      text: """
        spec: vpals/v1
        features:
        \((0..<6).map { "  x\($0): {index: \($0), unit: fraction, domain: 0..1}" }.joined(separator: "\n"))
        outputs:
          y: {index: 0, unit: ms, scale: linear}
        properties:
        \((0..<3).map { "  - {id: m\($0), nondecreasing: {of: y, in: x\($0)}}" }.joined(separator: "\n"))
          - {id: bounded, always: y <= 1000 ms}
        """, path: "shared.yaml")
  }

  /// The bytes of the proofs, by property.
  private func proofs(_ results: [PropertyResult]) throws -> [String: [UInt8]] {
    var bytes: [String: [UInt8]] = [:]
    for result in results {
      #expect(result.verdict == .holds, "\(result.id): \(result.verdict)")
      let proof = try #require(result.proof)
      bytes[result.id] = [UInt8](try Data(contentsOf: URL(filePath: proof.path)))
      try FileManager.default.removeItem(atPath: proof.path)
    }
    return bytes
  }

  private func run(_ network: ExactNetwork, threads: Int, _ change: (inout VerificationOptions) -> Void = { _ in })
    throws -> [String: [UInt8]]
  {
    var options = VerificationOptions(samples: 64)
    change(&options)
    return try proofs(
      VerificationSession(
        network: network, specification: Self.specification(), options: options, threads: threads
      ).run(budget: Budget()))
  }

  @Test(arguments: ["n6_2x16_mono_s0", "n6_2x32_pen_s0"], SplitChoice.allCases)
  func proofsAreTheSameWithAndWithoutSharingForAnyNumberOfThreads(name: String, choice: SplitChoice) throws {
    // Phases are split well nowhere on the larger network, so that this search alone does not end soon.
    if name == "n6_2x32_pen_s0", choice == .mixed { return }
    let network = try Self.network(name)
    let alone = try run(network, threads: 1) {
      $0.sharesBounds = false
      $0.splitChoice = choice
    }
    #expect(alone.count == 4)
    for threads in [1, 2, 5] {
      let shared = try run(network, threads: threads) { $0.splitChoice = choice }
      #expect(shared == alone, "\(threads) threads")
    }
  }

  @Test func whatOneSearchComputesAnotherTakes() throws {
    let verifier = Verifier(network: try Self.network("n6_2x32_pen_s0"), options: VerificationOptions(samples: 64))
    let table = try #require(verifier.bounds)
    var taken = 0
    for property in try Self.specification().properties.prefix(3) {
      _ = try proofs([try verifier.decide(property, budget: Budget())])
      #expect(table.counts.kept > 0)
      #expect(table.counts.taken > taken, "\(property.id)")
      taken = table.counts.taken
    }
    #expect(table.byteCount > 0)
    var options = VerificationOptions()
    options.sharesBounds = false
    #expect(Verifier(network: verifier.network, options: options).bounds == nil)
  }

  /// What is taken gives the bound of every cell to the last bit, for another feature and for a claim on the value.
  @Test func boundsThatAreTakenAreThoseThatWouldBeComputed() throws {
    let network = try Self.network("n6_2x32_pen_s0")
    let box = Array(repeating: Rational(0)...Rational(1), count: 6)
    let queries = [Query.rising(box), .rising(box, feature: 2), .nonnegative(box, constant: 1)]
    let problems = try queries.map { try FixedPointProblem(network: network, query: $0) }
    var cells = [Cell(problem: problems[0])]
    for k in 0..<5 {
      let (low, high) = cells[k].halves(input: k)
      cells += [low, high.with(premise: k.isMultiple(of: 2) ? 1 : -1, neuron: 40 + k, in: problems[0])]
    }
    let first = BoundBatch(SearchProblem(problems[0]))
    for cell in cells {
      let warm = FloatMultipliers(problem: problems[0])
      for lane in 0..<BoundBatch.lanes { first.load(lane, cell, warm) }
      first.run(iterations: 2, rate: 0.1, target: .infinity)
      if first.isEmpty(0) { continue }
      let known = first.values(0)
      for problem in problems {
        let search = SearchProblem(problem)
        let (fresh, given) = (BoundBatch(search), BoundBatch(search))
        for batch in [fresh, given] {
          for lane in 0..<BoundBatch.lanes { batch.load(lane, cell, FloatMultipliers(problem: problem)) }
        }
        for lane in 0..<BoundBatch.lanes { given.load(lane, values: known) }
        given.known = .values
        for batch in [fresh, given] { batch.run(iterations: 2, rate: 0.1, target: .infinity) }
        #expect(given.values(0) == fresh.values(0))
        #expect(given.bound(0).bitPattern == fresh.bound(0).bitPattern)
        #expect(given.plain(0).bitPattern == fresh.plain(0).bitPattern)
        #expect(given.isEmpty(0) == fresh.isEmpty(0))
      }
    }
  }

  @Test func tableStaysWithinItsMemory() throws {
    let network = try Self.network("n6_2x32_pen_s0")
    let box = Array(repeating: Rational(0)...Rational(1), count: 6)
    let problem = try FixedPointProblem(network: network, query: .rising(box))
    let table = SharedBounds()
    let handle = try #require(table.handle(problem))
    let values = [Float](repeating: 0, count: 1 << 19)
    for k in 0..<20 {
      var cell = Cell(problem: problem)
      cell.upper[0] -= Int64(k)
      table.keep(handle, cell, values)
    }
    #expect(table.byteCount <= SharedBounds.maximumBytes)
    #expect(table.counts.kept == 7)
    #expect(table.bounds(handle, [Cell(problem: problem)]) != nil)
    var last = Cell(problem: problem)
    last.upper[0] -= 19
    #expect(table.bounds(handle, [Cell(problem: problem), last]) == nil)
    // Another claim on the same domain has the same bounds; another domain has others.
    let other = try FixedPointProblem(network: network, query: .rising(box, feature: 1))
    #expect(table.bounds(try #require(table.handle(other)), [Cell(problem: other)]) != nil)
    let part = try FixedPointProblem(
      network: network, query: .rising(Array(repeating: Rational(0)...Rational(1, 3), count: 6)))
    #expect(table.bounds(try #require(table.handle(part)), [Cell(problem: part)]) == nil)
  }

  @Test func experienceComesDownTheTreeAlone() {
    var experience = SearchExperience()
    #expect(experience.isSampled(share: 1))
    #expect(experience.isSampled(share: 0x1p-5))
    // A phase that promised as much as an input and gained e² times as much.
    experience = experience.adding(promised: 0, observed: 2)
    #expect(experience.lean == 2)
    experience = experience.adding(promised: 1, observed: 1)
    #expect(experience.lean == 1)
    let children = [experience.child(0), experience.child(1)]
    #expect(children.allSatisfy { $0.lean == 1 && $0.trials == 2 })
    // About an eighth of the small cells, whatever their ancestors.
    var sampled = 0
    var cell = SearchExperience()
    for k in 0..<4096 {
      cell = cell.child(UInt64(k & 1))
      sampled += cell.isSampled(share: 0x1p-9) ? 1 : 0
    }
    #expect((384...640).contains(sampled), "\(sampled)")
  }
}
