import CertificateStorage
import Certificates
import ExactArithmetic
import Foundation
import Networks
import Retraining
import Specifications
import Synchronization
import TestHelpers
import Testing
import Training
import Verification

@Suite struct LoopTests {
  @Test func publishesAProvenVersionWithItsCertificate() throws {
    let scene = try Scene()
    let log = EventLog()
    let outcome = try scene.run(onEvent: log.note)
    try scene.expectProven(outcome)
    #expect(scene.versions == ["v0001"])
    let report = outcome.report
    #expect(report.version == "v0001")
    #expect(report.data.rows == 60)
    let sizes: [Int] = [report.data.training, report.data.validation, report.data.heldOut]
    #expect(sizes == [39, 9, 12])
    #expect(report.scores.map(\.name) == ["network", "unverified", "median", "ridge-configuration", "ridge"])
    #expect(report.scores.allSatisfy { $0.outputs.map(\.rowCount) == [12] })
    #expect(log.rounds.first == "v0001-r1: 0")
    #expect(!log.wasResumed)
    #expect(try scene.store.loopState(application: Scene.application) == nil)
    guard case .published(let path) = try #require(log.all.last) else {
      Issue.record("the last event is not the publishing")
      return
    }
    #expect(path == outcome.path)
    // The network learned something: the rows rise by 3 from one end to the other, with little noise.
    #expect(try #require(report.scores(of: "network")?[0].rSquared) > 0.5)
  }

  @Test func sameSeedGivesTheSameNetwork() throws {
    let digest = try Scene.undisturbed.get().networkDigest
    #expect(try Scene().run().report.networkDigest == digest)
    var other = LoopOptions.small
    other.configuration.seed = 2
    #expect(try Scene().run(other).report.networkDigest != digest)
    // Neither does it matter how many threads verify.
    var one = LoopOptions.small
    one.threads = 1
    #expect(try Scene().run(one).report.networkDigest == digest)
  }

  @Test func secondRunMakesTheNextVersion() throws {
    let scene = try Scene()
    let first = try scene.run()
    let found = try scene.entries().count
    let second = try scene.run()
    try scene.expectProven(second)
    #expect(scene.versions == ["v0001", "v0002"])
    // It does not forget what the first one was shown.
    #expect(first.end == .proven)
    #expect(second.report.rounds.first?.pairs == found)
  }

  @Test func trainingWithoutProofPublishesNoCertificate() throws {
    let scene = try Scene()
    var options = LoopOptions.small
    options.untilProven = false
    let outcome = try scene.run(options)
    #expect(outcome.end == .trained)
    #expect(outcome.results.isEmpty)
    #expect(outcome.report.proven == false)
    #expect(TemporaryDirectory.names(in: try #require(outcome.path)) == ["model.onnx", "training.json"])
    #expect(try scene.store.certificates(CertificateFilter()).isEmpty)
    #expect(try scene.store.loopState(application: Scene.application) == nil)
    let network = ExactNetwork(try Network.read(path: "\(try #require(outcome.path))/model.onnx"))
    #expect(network.digest == outcome.report.networkDigest)
  }

  @Test func heldOutRowsDoNotInfluenceTheNetwork() throws {
    let plain = try Scene(csv: Scene.csv { 1 + 3 * $0 - $1 }).run().report
    let changed = try Scene(csv: Scene.csv(heldOutFactor: 3) { 1 + 3 * $0 - $1 }).run().report
    #expect(changed.data.sha256 != plain.data.sha256)
    #expect(changed.networkDigest == plain.networkDigest)
    #expect(changed.rounds.map(\.networkDigest) == plain.rounds.map(\.networkDigest))
    for (a, b) in zip(changed.scores, plain.scores) {
      #expect(a.outputs[0].meanAbsolutePercentageError != b.outputs[0].meanAbsolutePercentageError)
    }
  }

  // MARK: The queue

  @Test func counterexamplesOfARoundAreConsumedByTheNext() throws {
    let scene = try Scene(csv: Scene.bumpy)
    let found = Mutex<[QueueEntry]>([])
    let leased = Mutex<[QueueEntry]>([])
    let log = EventLog()
    let outcome = try scene.run(.naive) { [store = scene.store] event in
      log.note(event)
      let all = (try? store.queueEntries(QueueFilter(application: Scene.application))) ?? []
      switch event {
      case .verified("v0001-r1", _, _, _, _): found.withLock { $0 = all }
      case .roundStarted("v0001-r2", _): leased.withLock { $0 = all }
      default: break
      }
    }
    let first = found.withLock { $0 }
    #expect(!first.isEmpty)
    #expect(first.allSatisfy { $0.state == .pending && $0.origin.modelVersion == "v0001-r1" })
    #expect(log.rounds == ["v0001-r1: 0", "v0001-r2: \(first.count)"])
    #expect(leased.withLock { $0.map(\.state) } == first.map { _ in .leased })
    let after = try scene.entries().filter { entry in first.contains { $0.id == entry.id } }
    #expect(after.map(\.consumedBy) == first.map { _ in "v0001-r2" })
    #expect(try scene.store.queueCounts(application: Scene.application).leased == 0)
    #expect(outcome.report.rounds[0].verification.reduce(0) { $0 + $1.counterexamples } == first.count)
    #expect(outcome.report.rounds.map(\.pairs) == [0, first.count])
    try scene.expectProven(outcome)
  }

  @Test func pendingCounterexamplesAreTrainedWithAndConsumed() throws {
    let scene = try Scene()
    let x = [Rational(1, 4), Rational(1)]
    let found = FoundCounterexample(
      property: "pressure",
      counterexample: Counterexample(
        query: 0, x: x, xPrime: [Rational(1, 2), Rational(1)], fx: Rational(2), fxPrime: Rational(1), drop: Rational(1)),
      engineering: "pressure 0.25 to 0.5: p99 falls from 4 ms to 2 ms")
    let origin = QueueOrigin(
      application: Scene.application, modelVersion: "v0000", networkDigest: String(repeating: "0", count: 64),
      specificationDigest: scene.specification.digest.hexadecimalPart)
    _ = try scene.store.enqueue([found], origin: origin, now: Date())
    let log = EventLog()
    let outcome = try scene.run(onEvent: log.note)
    try scene.expectProven(outcome)
    #expect(log.rounds.first == "v0001-r1: 1")
    let entry = try #require(try scene.entries().first)
    #expect(entry.state == .consumed)
    #expect(entry.consumedBy == "v0001-r1")
    #expect(outcome.report.rounds.first?.pairs == 1)
  }

  @Test func queueIsLeftAloneWhenItIsNotAskedFor() throws {
    let scene = try Scene()
    let found = FoundCounterexample(
      property: "pressure",
      counterexample: Counterexample(
        query: 0, x: [.zero, Rational(1)], xPrime: [Rational(1, 2), Rational(1)], fx: Rational(2),
        fxPrime: Rational(1), drop: Rational(1)), engineering: "pressure 0 to 0.5: p99 falls from 4 ms to 2 ms")
    let origin = QueueOrigin(
      application: Scene.application, modelVersion: "v0000", networkDigest: String(repeating: "0", count: 64),
      specificationDigest: scene.specification.digest.hexadecimalPart)
    _ = try scene.store.enqueue([found], origin: origin, now: Date())
    var options = LoopOptions.small
    options.untilProven = false
    options.usesQueue = false
    #expect(try scene.run(options).report.rounds.map(\.pairs) == [0])
    #expect(try scene.entries().map(\.state) == [.pending])
    options.usesQueue = true
    #expect(try scene.run(options).report.rounds.map(\.pairs) == [1])
    #expect(try scene.entries().map(\.state) == [.consumed])
  }

  // MARK: Hard cases

  @Test(arguments: [1, 2] as [UInt64])
  func specificationAgainstTheDataEndsProvenOrPublishesNothing(seed: UInt64) throws {
    let scene = try Scene(specification: Scene.text("nonincreasing"))
    var options = LoopOptions.small
    options.configuration.seed = seed
    let outcome = try scene.run(options)
    #expect(outcome.report.rounds.count <= options.maximumRounds)
    if outcome.end == .proven {
      try scene.expectProven(outcome)
    } else {
      #expect(outcome.end == .notProven)
      #expect(scene.versions == [])
      #expect(try scene.store.loopState(application: Scene.application) != nil)
    }
  }

  @Test func repairIsReportedAsItIsInTheNetwork() throws {
    let scene = try Scene(csv: Scene.bumpy)
    var options = LoopOptions.naive
    options.maximumRounds = 1
    let outcome = try scene.run(options)
    try scene.expectProven(outcome)
    #expect(outcome.report.rounds.count == 1)
    #expect(!outcome.report.repairs.isEmpty)
    #expect(outcome.report.networkDigest != outcome.report.rounds[0].networkDigest)
    for record in outcome.report.repairs {
      #expect(record.repair.slope > 0)
      #expect(record.greatestChange >= record.repair.slope)
    }
    #expect(outcome.report.repairCost != nil)
  }

  @Test func boundThatCannotHoldIsNotProven() throws {
    let text = Scene.specification.replacingOccurrences(
      of: "always: 0.000001 ms <= p99 <= 100000 s", with: "always: 90 s <= p99 <= 100 s")
    let scene = try Scene(specification: text)
    var options = LoopOptions.small
    options.configuration.bound = 0
    options.maximumRounds = 2
    let outcome = try scene.run(options)
    #expect(outcome.end == .notProven)
    #expect(outcome.path == nil)
    #expect(outcome.report.rounds.count == 2)
    #expect(scene.versions == [])
    #expect(try scene.entries([.leased]).isEmpty)
    // The certificates of the candidates say so.
    let summaries = try scene.store.certificates(CertificateFilter(application: Scene.application))
    #expect(summaries.count == 2 && summaries.allSatisfy { $0.violated >= 1 })
  }

  @Test func linearOutputWithGreatErrorsIsPublished() throws {
    let csv = Scene.csv { 14 + 3 * $0 - $1 }
    let text = Scene.specification.replacingOccurrences(of: "scale: log2, column", with: "column")
    let scene = try Scene(csv: csv, specification: text)
    let outcome = try scene.run()
    try scene.expectProven(outcome)
    let errors = outcome.report.scores.map { $0.outputs[0].meanAbsolutePercentageError }
    // Rows lie between 2¹² and 2¹⁷ ms, errors are thousands of ms: shares are of the order of 1.
    #expect(errors.allSatisfy { $0 > 0 && $0 < 16 }, "\(errors)")
  }

  @Test func featureThatNeverVariesIsNoObstacle() throws {
    var lines = Scene.rising.split(separator: "\n").map(String.init)
    for index in lines.indices.dropFirst() {
      var fields = lines[index].split(separator: ",").map(String.init)
      fields[2] = "1"
      lines[index] = fields.joined(separator: ",")
    }
    let scene = try Scene(csv: lines.joined(separator: "\n") + "\n")
    try scene.expectProven(try scene.run())
  }

  @Test(arguments: [true, false])
  func runsAtTheSameTimeMakeDifferentVersions(areEqual: Bool) throws {
    let scene = try Scene(csv: Scene.bumpy)
    let waiting = Atomic(0)
    let outcomes = Mutex<[Result<LoopOutcome, any Error>]>([])
    let end = DispatchSemaphore(value: 0)
    for number in 0..<2 {
      let thread = Thread {
        var options = LoopOptions.naive
        options.configuration.seed = areEqual ? 1 : UInt64(number) + 1
        let result = Result {
          // Both have chosen their version's name before either goes on.
          try scene.run(options) { event in
            guard case .roundStarted(let label, _) = event, label.hasSuffix("-r1") else { return }
            waiting.add(1, ordering: .sequentiallyConsistent)
            for _ in 0..<60_000 where waiting.load(ordering: .sequentiallyConsistent) < 2 {
              Thread.sleep(forTimeInterval: 0.001)
            }
          }
        }
        outcomes.withLock { $0.append(result) }
        end.signal()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    for _ in 0..<2 { end.wait() }
    let finished = try outcomes.withLock { try $0.map { try $0.get() } }
    #expect(scene.versions == ["v0001", "v0002"])
    #expect(Set(finished.map(\.report.version)) == ["v0001", "v0002"])
    for outcome in finished { try scene.expectProven(outcome) }
    #expect(try scene.entries([.leased]).isEmpty)
    #expect(try scene.entries([.dropped]).isEmpty)
  }
}
