import Certificates
import Foundation
import TestHelpers
import Testing

@Suite struct TrainCommandTests {
  struct JSON: Decodable {
    struct Report: Decodable {
      struct Round: Decodable { let label: String }

      let application: String
      let version: String
      let networkDigest: String
      let proven: Bool
      let propertyCount: Int
      let propertiesProven: Int
      let rounds: [Round]
    }

    let end: String
    let path: String?
    let report: Report
    let queuePending: Int

    init(_ outcome: Outcome) throws { self = try JSONDecoder().decode(Self.self, from: Data(outcome.output.utf8)) }
  }

  @Test func trainsProvesAndNamesTheNextCommand() throws {
    let place = try TrainingPlace()
    let outcome = try place.run(["--until-proven"] + TrainingPlace.small)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.error == "")
    #expect(outcome.lines.first == "demo: 60 of 60 rows, 2 features, hidden 4,4, seed 1, 3 properties")
    #expect(outcome.lines.contains { $0.hasPrefix("v0001-r1: epoch ") })
    #expect(outcome.lines.contains("published models/demo/v0001"))
    #expect(outcome.lines.contains { $0.hasPrefix("proven: 3 of 3 properties, ") })
    #expect(outcome.lines.contains { $0.hasPrefix("held out, p99: R² ") })
    #expect(
      outcome.lines.last
        == "next: vpals keys init && vpals verify models/demo/v0001 --spec specs/demo.yaml  # the gate asks for a signature"
    )
    #expect(place.versions == ["v0001"])
    #expect(try place.workspace.vpals("gate", "models").status == 0)
    try place.expectOnlyWholeVersions("after the first run")
    let checked = try place.workspace.check(
      "models/demo/v0001/demo.intoto.json", "--model", "models/demo/v0001/model.onnx", "--spec", "specs/demo.yaml")
    #expect(checked.status == 0, "\(checked.output)\(checked.error)")
    #expect(checked.lines.last == "valid")
    #expect(try place.storeProblems() == [])

    let second = try place.run(["--until-proven", "--format", "json"] + TrainingPlace.small)
    #expect(second.status == 0)
    #expect(second.error == "")
    #expect(second.lines.count == 1)
    let json = try JSON(second)
    #expect(json.end == "proven")
    #expect(json.path == "models/demo/v0002")
    #expect(json.report.version == "v0002")
    #expect(json.report.proven && json.report.propertiesProven == 3 && json.report.propertyCount == 3)
    #expect(json.report.rounds.first?.label == "v0002-r1")
    #expect(json.queuePending == 0)
    #expect(try json.report.networkDigest == place.report("v0002").networkDigest)
  }

  @Test func plainTrainingNamesTheVerification() throws {
    let place = try TrainingPlace()
    let outcome = try place.run(TrainingPlace.small)
    #expect(outcome.status == 0)
    #expect(outcome.lines.last == "next: vpals verify models/demo/v0001 --spec specs/demo.yaml")
    #expect(place.workspace.names(in: "models/demo/v0001") == ["model.onnx", "training.json"])
    // No certificate, no pass; the named command decides.
    #expect(try place.workspace.vpals("gate").status == 1)
    #expect(
      [0, 1].contains(try place.workspace.vpals("verify", "models/demo/v0001", "--spec", "specs/demo.yaml").status))
  }

  @Test func budgetThatEndsIsExitOne() throws {
    let place = try TrainingPlace(csv: TrainingPlace.rising)
    try place.workspace.write(
      TrainingPlace.specification.replacingOccurrences(
        of: "0.000001 ms <= p99 <= 100000 s", with: "p99 <= 0.000001 ms"),
      to: "specs/demo.yaml")
    let outcome = try place.run(["--until-proven"] + TrainingPlace.small + ["--rounds", "1"])
    #expect(outcome.status == 1, "\(outcome.output)\(outcome.error)")
    #expect(outcome.lines.contains { $0.hasPrefix("not proven within the budget: ") })
    #expect(outcome.lines.last?.hasPrefix("next: vpals-train demo --until-proven ") == true)
    #expect(place.versions == [])
    let json = try JSON(
      try place.run(["--until-proven", "--format", "json", "--seed", "2"] + TrainingPlace.small + ["--rounds", "1"]))
    #expect(json.end == "not-proven")
    #expect(json.path == nil)
  }

  @Test func studyWritesNoVersion() throws {
    let place = try TrainingPlace()
    let outcome = try place.run(["--study", "2", "--format", "json"] + TrainingPlace.small)
    #expect(outcome.status == 0, "\(outcome.error)")
    struct Result: Decodable {
      struct Row: Decodable {
        let seed: UInt64
        let proven: Bool
        let verified: [Double]
        let unverified: [Double]
      }

      let application: String
      let outputs: [String]
      let rows: [Row]
    }
    let result = try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8))
    #expect(result.application == "demo")
    #expect(result.outputs == ["p99"])
    #expect(result.rows.map(\.seed) == [1, 2])
    #expect(result.rows.allSatisfy { $0.proven && $0.verified.count == 1 && $0.unverified.count == 1 })
    #expect(place.versions == [])
    #expect(!place.workspace.names(in: "").contains(".vpals"))
  }

  @Test func helpAndVersion() throws {
    let place = try TrainingPlace()
    let help = try place.run(["--help"])
    #expect(help.status == 0)
    #expect(help.error == "")
    for word in ["--until-proven", "--budget", "--store", "Exit code: 0 done, 1 not proven", "models/APP/vNNNN/"] {
      #expect(help.output.contains(word), "\(word)")
    }
    #expect(try place.run(["--version"]).output.hasPrefix("vpals-train "))
    #expect(place.workspace.names(in: "") == ["gate.yaml", "models", "naive.json", "small.json", "specs"])
  }
}

/// Signals.
@Suite struct TrainInterruptTests {
  private func undisturbed(_ arguments: [String], csv: String = TrainingPlace.rising) throws -> TrainingPlace.Report {
    let place = try TrainingPlace(csv: csv)
    #expect(try place.run(arguments).status == 0)
    return try place.report()
  }

  @Test func interruptedTrainingGoesOnWhereItWas() throws {
    let arguments = ["--until-proven"] + TrainingPlace.long
    let wanted = try undisturbed(arguments)
    let place = try TrainingPlace()
    // The second and third line: the training has begun, and a quarter is done.
    for (lines, isFirst) in [(2, true), (3, false)] {
      let program = try place.start(arguments)
      #expect(program.waitForOutput(lines: lines))
      program.interrupt()
      let stopped = try #require(program.outcomeOrNil(), "the program does not end")
      #expect(stopped.status == 1, "\(stopped.output)\(stopped.error)")
      #expect(stopped.error == "stopping; what is finished is kept (once more to end at once)\n")
      #expect(stopped.output.contains("going on after 0 finished rounds") == !isFirst)
      #expect(stopped.lines.contains("stopped; 0 finished rounds are kept, 0 counterexamples wait in the queue"))
      #expect(stopped.lines.last == "next: vpals-train demo " + arguments.joined(separator: " "))
      #expect(place.versions == [])
      #expect(try place.storeProblems() == [])
    }
    let last = try place.run(arguments)
    #expect(last.status == 0)
    #expect(last.output.contains("going on after 0 finished rounds"))
    #expect(place.versions == ["v0001"])
    #expect(try place.report() == wanted)
    try place.expectOnlyWholeVersions("after the last run")
  }

  @Test func interruptionInJSON() throws {
    let place = try TrainingPlace()
    let program = try place.start(["--until-proven", "--format", "json"] + TrainingPlace.long)
    // Quiet: the store appears before the training begins.
    for _ in 0..<60_000 where place.workspace.names(in: ".vpals").isEmpty { usleep(10_000) }
    usleep(100_000)
    program.interrupt()
    let outcome = try #require(program.outcomeOrNil(), "the program does not end")
    #expect(outcome.status == 1)
    #expect(try TrainCommandTests.JSON(outcome).end == "interrupted")
  }

  @Test(arguments: [1, 2] as [UInt64])
  func killedRunsLeaveNothingHalf(seed: UInt64) throws {
    let arguments = ["--until-proven"] + TrainingPlace.naive
    let place = try TrainingPlace(csv: TrainingPlace.bumpy)
    var generator = SeededGenerator(seed: seed)
    var killed = 0
    for round in 0..<8 {
      let lines = Int.random(in: 1...16, using: &generator)
      let note = "seed \(seed), round \(round), killed after \(lines) lines"
      let program = try place.start(arguments)
      _ = program.waitForOutput(lines: lines)
      program.killNow()
      let status = try #require(program.outcomeOrNil(), "\(note)").status
      #expect([0, 128 + 9].contains(status), "\(note)")
      if status != 0 { killed += 1 }
      if place.workspace.names(in: ".vpals").contains("store.sqlite") {
        #expect(try place.storeProblems() == [], "\(note)")
      }
      try place.expectOnlyWholeVersions(note)
    }
    #expect(killed >= 3, "seed \(seed)")
    let before = place.versions.filter { !$0.contains(".partial-") }
    let last = try place.run(arguments)
    #expect(last.status == 0, "\(last.output)\(last.error)")
    #expect(place.versions.count == before.count + 1)
    #expect(place.versions.allSatisfy { !$0.contains(".partial-") })
    try place.expectOnlyWholeVersions("seed \(seed), after the last run")
    #expect(try place.storeProblems() == [])
  }
}
