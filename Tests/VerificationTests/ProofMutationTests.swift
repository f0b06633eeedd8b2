import Certificates
import ExactArithmetic
import ProofChecking
import Specifications
import TestHelpers
import Testing

@testable import Networks
@testable import Verification

/// Ten thousand mutants of proofs: what the checker accepts is a proof of a true statement, to the second checker as
/// well, and nothing makes it trap.
///
/// What is true is known from brute force (``PhaseOracle``). Half of the mutants claim what is false, most of it by
/// 2⁻⁴⁰ or less; their trees prove what is true of the same network, or are what a search had closed of the false claim.
struct ProofMutationTests {
  private struct Scene {
    let network: Network
    let query: Query
    let problem: FixedPointProblem
    let checker: ProofChecker
    let holds: Bool
    let proof: DissectedProof
    /// Whether the query is one that the second checker reads.
    var isPlain: Bool { query.canonicalText.hasPrefix("vpals-query/v1 ") && !query.canonicalText.contains(" inputs ") }
  }

  private static let mutantsPerStyle = 2500
  /// Plain Python takes milliseconds a leaf.
  private static let longestProof = 700
  private static let rejectedShare = 0.08

  /// A proof of one query with the bytes of a tree.
  private func proof(_ network: ExactNetwork, _ query: Query, tree: some Collection<UInt8>) -> [UInt8] {
    ProofFormat.header(networkDigest: ProofChecker.bytes(ofDigest: network.digest), queryCount: 1)
      + ProofChecker.bytes(ofDigest: query.digest) + tree
  }

  /// The tree of a search of at most `cells` cells.
  private func tree(_ network: ExactNetwork, _ query: Query, cells: Int) throws -> (verdict: Verdict, bytes: [UInt8]) {
    let (network, query) = try query.lowered(on: network)
    let problem = try FixedPointProblem(network: network, query: query)
    let outcome = try BranchAndBound(
      network: network, query: query, problem: problem, float: FloatProblem(problem),
      builder: CounterexampleBuilder(network: network, query: query, index: 0, isEnclosed: false), budget: Budget(),
      pool: WorkPool(), cellLimit: cells, progress: { _, _ in }
    ).run()
    var bytes: [UInt8] = []
    outcome.tree?.write { bytes += $0 }
    return (outcome.verdict, bytes)
  }

  /// Every claim about one random network that has a short proof, and false ones beside it.
  /// - Parameter isPlain: Otherwise about a part of the box, perhaps with inputs in a claim, of which only the first
  ///   checker and brute force know.
  private func scenes(_ style: WeightStyle, isPlain: Bool, _ dice: inout Dice) throws -> [Scene] {
    let isFixed = dice.chance(0.3)
    let network = try Network.random(
      inputs: isFixed ? 3 : 2, widths: dice.pick([[3], [6], [3, 2], [4, 4], [2, 3, 2]]), outputs: 2, style: style,
      &dice)
    var box = (0..<2).map { _ in
      let low = Rational(dice.integer(in: -9...5), 9)
      return low...(low + Rational(dice.integer(in: 1...12), 7))
    }
    if isFixed { box.append(Rational(1, 3)...Rational(1, 3)) }
    let exactNetwork = ExactNetwork(network)
    var constraints: [LinearInequality] = []
    var inputs: [Rational] = []
    if !isPlain {
      let factors = box.indices.map { _ in Rational(dice.integer(in: -4...4), 3) }
      let middle = zip(factors, box).reduce(Rational.zero) { $0 + $1.0 * ($1.1.lowerBound + $1.1.upperBound) / 2 }
      constraints.append(
        LinearInequality(coefficients: factors, constant: Rational(dice.integer(in: 0...2), 9) - middle))
      if dice.chance(0.5) { inputs = box.indices.map { _ in Rational(dice.integer(in: -2...2), 3) } }
    }
    let oracle = try PhaseOracle(network, box: box, constraints: constraints)
    guard !oracle.pieces.isEmpty else { return [] }
    let direction = dice.pick([Direction.nondecreasing, .nonincreasing])
    let feature = dice.below(2)
    let slope = try #require(oracle.leastSlope(output: 1, feature: feature, sign: direction.sign))
    let weights = [Rational(dice.integer(in: -2...2)), Rational(dice.integer(in: -3...3), 3)]
    let value = try #require(oracle.leastValue(weights, inputs: inputs))
    var result: [Scene] = []
    func rising(_ slope: Rational) -> Query {
      Query(
        region: box, constraints: constraints,
        claim: .monotone(output: 1, feature: feature, direction: direction, minimumSlope: slope))
    }
    func value(atLeast least: Rational) -> Query {
      Query(
        region: box, constraints: constraints, claim: .nonnegative(outputs: weights, inputs: inputs, constant: -least))
    }
    for (least, query) in [(slope, rising), (value, value(atLeast:))] {
      // What is known to hold exactly, and with room.
      for room in [Rational.zero, Rational(1, 16)] {
        let claim = query(least - room)
        let found = try tree(exactNetwork, claim, cells: 400)
        guard found.verdict == .holds, found.bytes.count <= Self.longestProof else { continue }
        for (query, bytes) in try [(claim, found.bytes)] + falseTrees(found.bytes, exactNetwork, query, least, &dice) {
          let lowered = try query.lowered(on: exactNetwork)
          let problem = try FixedPointProblem(network: lowered.network, query: lowered.query)
          result.append(
            Scene(
              network: network, query: query, problem: problem, checker: ProofChecker(network: exactNetwork),
              holds: oracle.holds(query),
              proof: try DissectedProof(proof(exactNetwork, query, tree: bytes), problem: problem)))
        }
      }
    }
    return result
  }

  /// False claims with trees: the one of a true claim, and what a search closes, with a leaf in every open place.
  private func falseTrees(
    _ honest: [UInt8], _ network: ExactNetwork, _ query: (Rational) -> Query, _ least: Rational, _ dice: inout Dice
  ) throws -> [(Query, [UInt8])] {
    let claim = query(least + Rational.one.scaled(bits: -dice.pick([80, 45, 40, 40, 30, 4])))
    let lowered = try claim.lowered(on: network)
    let problem = try FixedPointProblem(network: lowered.network, query: lowered.query)
    let found = try tree(network, claim, cells: 60)
    let open = try DissectedProof(proof(network, claim, tree: found.bytes), problem: problem)
    var closed = open.bytes
    for node in open.nodes where node.tag == ProofFormat.Tag.open { closed[node.start] = ProofFormat.Tag.leaf }
    guard closed.count <= Self.longestProof else { return [(claim, honest)] }
    return [(claim, honest), (claim, Array(closed[DissectedProof.headerBytes...]))]
  }

  @Test(arguments: WeightStyle.allCases)
  func acceptedMutantsAreProofsOfTrueStatements(_ style: WeightStyle) throws {
    let seed: UInt64 = 90_210 + UInt64(WeightStyle.allCases.firstIndex(of: style) ?? 0)
    var dice = Dice(seed: seed)
    var all: [Scene] = []
    var networks = 0
    while all.count < 60 {
      all += try scenes(style, isPlain: networks % 3 != 2, &dice)
      networks += 1
    }
    for (index, scene) in all.enumerated() {
      #expect((failure(scene, scene.proof.bytes) == nil) == scene.holds, "seed \(seed), scene \(index)")
      #expect(try !scene.holds || isTrueOfSamples(scene, &dice), "seed \(seed), scene \(index)")
    }
    var mutator = ProofMutator(seed: seed)
    var jobs: [SecondChecker.Job] = []
    var expected: [(note: String, failure: ProofFailure?)] = []
    var seen: Set<[UInt8]> = []
    var accepted: [String: Int] = [:]
    var ofFalse = 0
    var ofOther = 0
    var mutants = 0
    while mutants < Self.mutantsPerStyle {
      let index = dice.below(all.count)
      let scene = all[index]
      let foreign = dice.pick(all).proof
      guard let (kind, bytes) = mutator.mutate(scene.proof, foreign: foreign, scene.problem) else { continue }
      guard bytes != scene.proof.bytes else { continue }
      mutants += 1
      if !scene.holds { ofFalse += 1 }
      let note = "seed \(seed), scene \(index), mutant \(mutants), \(kind)"
      let failure = failure(scene, bytes)
      if failure == nil {
        accepted[kind.rawValue, default: 0] += 1
        #expect(scene.holds, "accepted, but false: \(note): \(scene.network.text) \(scene.query) \(bytes)")
      }
      if !scene.isPlain { ofOther += 1 }
      guard failure == nil || dice.chance(Self.rejectedShare), scene.isPlain, seen.insert(bytes).inserted else {
        continue
      }
      jobs.append(
        SecondChecker.Job(
          proof: bytes, network: scene.checker.network.canonicalText, queries: [scene.query.canonicalText]))
      expected.append((note, failure))
    }
    let answers = try SecondChecker.answers(to: jobs)
    for ((note, failure), answer) in zip(expected, answers) {
      #expect(answer.valid == (failure == nil), "\(note)")
      guard let failure else { continue }
      #expect(answer.rule == failure.cause.rule && answer.node == failure.node, "\(note): \(failure), \(answer)")
    }
    print(
      "proof mutants, \(style), seed \(seed): \(mutants), \(ofFalse) of false claims, \(ofOther) with constraints, accepted \(accepted), "
        + "\(answers.count) checked twice")
    // A checker that refuses everything would pass all of the above.
    #expect(accepted.values.reduce(0, +) > 50 && accepted.count >= 8, "\(accepted)")
    #expect(ofFalse > mutants / 3 && ofFalse < mutants * 5 / 6 && ofOther > mutants / 20)
  }

  /// Why the checker refuses the bytes; nil when it accepts them.
  private func failure(_ scene: Scene, _ bytes: [UInt8]) -> ProofFailure? {
    do throws(ProofFailure) {
      _ = try scene.checker.check(ProofSource(bytes: bytes), queries: [scene.query])
      return nil
    } catch {
      return error
    }
  }

  /// Whether the claim is true of many points, by the tests' own forward pass: values, and slopes between close points.
  private func isTrueOfSamples(_ scene: Scene, _ dice: inout Dice) throws -> Bool {
    for _ in 0..<40 {
      var point = scene.query.region.map { interval in
        interval.lowerBound + (interval.upperBound - interval.lowerBound) * Rational(dice.below(1 << 16), 1 << 16)
      }
      guard scene.query.polytope.contains(point) else { continue }
      let values = try exactOutputs(scene.network, at: point)
      switch scene.query.claim {
      case .nonnegative(let outputs, let inputs, let constant):
        if zip(outputs + inputs, values + point).reduce(constant, { $0 + $1.0 * $1.1 }).isNegative { return false }
      case .monotone(let output, let feature, let direction, let slope):
        let step = (scene.query.region[feature].upperBound - point[feature]).scaled(bits: -dice.integer(in: 0...30))
        point[feature] += step
        guard scene.query.polytope.contains(point) else { continue }
        let rise = (try exactOutputs(scene.network, at: point)[output] - values[output]) * Rational(direction.sign)
        if rise < slope * step { return false }
      }
    }
    return true
  }
}
