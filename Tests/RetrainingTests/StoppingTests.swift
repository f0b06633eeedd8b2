import CertificateStorage
import Certificates
import Glibc
import Retraining
import Synchronization
import TestHelpers
import Testing
import Training
import Verification

/// A run that is stopped and repeated with the same settings ends as one that was left alone.
@Suite struct StoppingTests {
  /// Stops at the first event that `isTheEnd` picks out, then runs again.
  private func stopAndGoOn(
    _ options: LoopOptions, csv: String, sourceLocation: SourceLocation = #_sourceLocation,
    at isTheEnd: @escaping @Sendable (LoopEvent) -> Bool
  ) throws -> (scene: Scene, second: LoopOutcome, log: EventLog) {
    let scene = try Scene(csv: csv)
    let stop = StopSignal()
    let first = try scene.run(options, stop: stop) { if isTheEnd($0) { stop.request() } }
    #expect(first.end == .interrupted, sourceLocation: sourceLocation)
    #expect(first.path == nil, sourceLocation: sourceLocation)
    #expect(scene.versions == [], sourceLocation: sourceLocation)
    #expect(try scene.entries([.leased]).isEmpty, sourceLocation: sourceLocation)
    let log = EventLog()
    let second = try scene.run(options, onEvent: log.note)
    #expect(log.wasResumed, sourceLocation: sourceLocation)
    try scene.expectProven(second, sourceLocation: sourceLocation)
    return (scene, second, log)
  }

  private func expectSame(_ report: VersionReport, _ wanted: VersionReport) {
    #expect(report.networkDigest == wanted.networkDigest)
    #expect(report.rounds.map(\.networkDigest) == wanted.rounds.map(\.networkDigest))
    #expect(report.rounds.map(\.pairs) == wanted.rounds.map(\.pairs))
    #expect(report.rounds.map(\.trainLoss) == wanted.rounds.map(\.trainLoss))
    #expect(report.repairs == wanted.repairs)
    #expect(report.counterexamplesFound == wanted.counterexamplesFound)
    #expect(report.scores == wanted.scores)
  }

  @Test(arguments: [1, 60, 61, 70])
  func stopDuringTraining(epoch: Int) throws {
    let wanted = try Scene.undisturbed.get()
    let (scene, second, log) = try stopAndGoOn(.small, csv: Scene.rising) { event in
      if case .epoch(_, let record, _) = event { record.epoch == epoch } else { false }
    }
    expectSame(second.report, wanted)
    // Nothing is trained twice.
    #expect(log.epochCount == wanted.rounds.reduce(0) { $0 + $1.epochs } - epoch)
    #expect(scene.versions == ["v0001"])
  }

  @Test(arguments: [70, 71, 100])
  func stopDuringALaterStart(epoch: Int) throws {
    var options = LoopOptions.small
    options.configuration.starts = 2
    let wanted = try Scene().run(options).report
    let count = Atomic(0)
    let (_, second, log) = try stopAndGoOn(options, csv: Scene.rising) { event in
      guard case .epoch = event else { return false }
      return count.add(1, ordering: .relaxed).newValue == epoch
    }
    expectSame(second.report, wanted)
    #expect(log.epochCount == wanted.rounds.reduce(0) { $0 + $1.epochs } - epoch)
  }

  @Test func stopDuringTheSecondTraining() throws {
    let wanted = try Scene.undisturbedNaive.get()
    #expect(wanted.rounds.count == 2)
    let (_, second, log) = try stopAndGoOn(.naive, csv: Scene.bumpy) { event in
      if case .epoch("v0001-r2", let record, _) = event { record.epoch == 5 } else { false }
    }
    expectSame(second.report, wanted)
    #expect(log.rounds == ["v0001-r2: \(wanted.rounds[1].pairs)"])
  }

  @Test(arguments: ["v0001-r1", "v0001-r2", "v0001-r2-repaired"])
  func stopDuringVerification(label: String) throws {
    let wanted = try Scene.undisturbedNaive.get()
    #expect(wanted.rounds.count == 2 && !wanted.repairs.isEmpty)
    var options = LoopOptions.naive
    options.threads = 1
    let (scene, second, log) = try stopAndGoOn(options, csv: Scene.bumpy) { event in
      if case .verification(label, .finished) = event { true } else { false }
    }
    expectSame(second.report, wanted)
    #expect(log.epochCount == (label == "v0001-r1" ? wanted.rounds[1].epochs : 0))
    // What was decided before the stop is not proved again, and what was found waits for the right round.
    #expect(try scene.entries([.leased]).isEmpty)
  }

  @Test(arguments: [false, true])
  func stopDuringTheRepair(isFinal: Bool) throws {
    let wanted = try Scene.undisturbedNaive.get()
    // In the first round the repair is tried and found too large; in the second it is made.
    let (_, second, log) = try stopAndGoOn(.naive, csv: Scene.bumpy) { event in
      switch event {
      case .repairing: !isFinal
      case .repaired: isFinal
      default: false
      }
    }
    expectSame(second.report, wanted)
    #expect(log.epochCount == (isFinal ? 0 : wanted.rounds[1].epochs))
  }

  @Test func stopBeforeTheStart() throws {
    let scene = try Scene()
    let stop = StopSignal()
    stop.request()
    #expect(try scene.run(stop: stop).end == .interrupted)
    #expect(scene.versions == [])
    #expect(try scene.run().report.networkDigest == (try Scene.undisturbed.get().networkDigest))
  }

  @Test func stateOfOtherSettingsIsNotContinued() throws {
    let scene = try Scene()
    let stop = StopSignal()
    #expect(
      try scene.run(stop: stop) { if case .epoch(_, let record, _) = $0, record.epoch == 9 { stop.request() } }.end
        == .interrupted)
    var other = LoopOptions.small
    other.configuration.seed = 5
    let log = EventLog()
    let outcome = try scene.run(other, onEvent: log.note)
    #expect(!log.wasResumed)
    try scene.expectProven(outcome)
    #expect(outcome.report.networkDigest == (try Scene().run(other).report.networkDigest))
  }

  @Test func damagedStateIsNotContinued() throws {
    let scene = try Scene()
    try scene.store.saveLoopState(
      application: Scene.application, Array("{\"rounds\": 3".utf8), now: StoreExamples.start)
    let log = EventLog()
    let outcome = try scene.run(onEvent: log.note)
    #expect(!log.wasResumed)
    try scene.expectProven(outcome)
    #expect(outcome.report.networkDigest == (try Scene.undisturbed.get().networkDigest))
  }

  @Test func failedPublishingIsRepeatedWithoutTraining() throws {
    let wanted = try Scene.undisturbed.get()
    let scene = try Scene()
    // A file takes the place of the application's directory.
    let log = EventLog()
    #expect(throws: (any Error).self) {
      try scene.run { [path = scene.models] event in
        log.note(event)
        if case .verified = event { rename("\(path)/demo", "\(path)/away") }
      }
    }
    #expect(log.epochCount > 0)
    rename("\(scene.models)/away", "\(scene.models)/demo")
    let again = EventLog()
    let outcome = try scene.run(onEvent: again.note)
    #expect(again.epochCount == 0)
    try scene.expectProven(outcome)
    expectSame(outcome.report, wanted)
  }

  @Test func publishingLeavesTheStateOfAnotherRunAlone() throws {
    let scene = try Scene()
    let stop = StopSignal()
    var other = LoopOptions.small
    other.configuration.seed = 5
    let interrupted = other
    // The other run starts and stops while this one verifies.
    let outcome = try scene.run { event in
      guard case .verification(_, .finished(let result)) = event, result.id == "sane", !stop.isRequested else { return }
      _ = try? scene.run(interrupted, stop: stop) {
        if case .epoch(_, let record, _) = $0, record.epoch == 9 { stop.request() }
      }
    }
    try scene.expectProven(outcome)
    #expect(stop.isRequested)
    let log = EventLog()
    try scene.expectProven(try scene.run(other, onEvent: log.note))
    #expect(log.wasResumed)
  }
}
