import Foundation
import TestHelpers
import Testing

/// Input and places that `vpals-train` must turn down: exit code 2, one clear error, nothing half-written.
@Suite struct TrainFailureTests {
  let place: TrainingPlace
  static let arguments = ["--until-proven"] + TrainingPlace.small

  init() throws { place = try TrainingPlace() }

  private func expectError(
    _ parts: String..., application: String = "demo", arguments: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try Program("vpals-train", [application] + Self.arguments + arguments, in: place.workspace.path)
      .outcome()
    #expect(outcome.status == 2, "\(outcome.output)\(outcome.error)", sourceLocation: sourceLocation)
    #expect(outcome.error.hasPrefix("error: "), "\(outcome.error)", sourceLocation: sourceLocation)
    #expect(
      outcome.error.components(separatedBy: "error: ").count == 2, "\(outcome.error)", sourceLocation: sourceLocation)
    for part in parts { #expect(outcome.error.contains(part), "\(outcome.error)", sourceLocation: sourceLocation) }
    #expect(place.versions == [], sourceLocation: sourceLocation)
  }

  private func writeRows(_ text: String) throws { try place.workspace.write(text, to: "models/demo/data.csv") }

  // MARK: The rows

  @Test func emptyFile() throws {
    try writeRows("")
    try expectError("models/demo/data.csv: the file is empty")
    #expect(!place.workspace.names(in: "").contains(".vpals"))
  }

  @Test func headerWithoutRows() throws {
    try writeRows("t,pressure,cores,p99_ms\n")
    try expectError("models/demo/data.csv: the file has a header but no rows")
  }

  @Test func missingFile() throws {
    try FileManager.default.removeItem(atPath: place.workspace.file("models/demo/data.csv"))
    try expectError("models/demo/data.csv")
    try expectError("elsewhere.csv", arguments: ["--data", "elsewhere.csv"])
  }

  @Test func missingColumn() throws {
    try writeRows(TrainingPlace.rising.replacingOccurrences(of: "pressure", with: "presure"))
    try expectError("models/demo/data.csv:1: there is no column “pressure”; did you mean “presure”?")
  }

  @Test func textInANumberColumn() throws {
    var lines = TrainingPlace.rising.split(separator: "\n").map(String.init)
    lines[7] = "24,high,1,3"
    try writeRows(lines.joined(separator: "\n") + "\n")
    try expectError("models/demo/data.csv:8:4: “pressure” is “high”, which is not a number")
  }

  @Test func outputWithoutALogarithm() throws {
    var lines = TrainingPlace.rising.split(separator: "\n").map(String.init)
    lines[7] = "24,0.5,1,0"
    try place.workspace.write(
      TrainingPlace.specification.replacingOccurrences(of: "column: p99_ms", with: "column: latency"),
      to: "specs/demo.yaml")
    lines[0] = "t,pressure,cores,latency"
    try writeRows(lines.joined(separator: "\n") + "\n")
    try expectError("models/demo/data.csv:8: column 'latency' is 0.0, which has no logarithm")
  }

  @Test func tooFewRows() throws {
    try writeRows(TrainingPlace.rising.split(separator: "\n").prefix(8).joined(separator: "\n") + "\n")
    try expectError("7 of 7 rows are left after filtering")
  }

  // MARK: The specification and the arguments

  @Test func unknownApplication() throws {
    try expectError("specs/dmo.yaml", "does not exist", application: "dmo")
    #expect(!FileManager.default.fileExists(atPath: place.workspace.file("models/dmo")))
  }

  @Test func specificationWithErrors() throws {
    try place.workspace.write(
      TrainingPlace.specification.replacingOccurrences(of: "in: pressure", with: "in: presure"), to: "specs/demo.yaml")
    let outcome = try place.run(Self.arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.error.hasPrefix("error: the specification has errors\nspecs/demo.yaml:9:"))
    #expect(outcome.error.hasSuffix("\nnext: vpals spec check specs/demo.yaml\n"))
    #expect(place.versions == [])
  }

  @Test(arguments: [
    ["--rounds", "0"], ["--threads", "0"], ["--epochs", "0"], ["--study", "0"], ["--hidden", "4,,4"],
    ["--hidden", "0"], ["--budget", "soon"], ["--unconstrained"], ["--no-such-option"],
    ["--shape", "round"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let outcome = try place.run(Self.arguments + arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.error.hasPrefix("error: "))
    #expect(place.workspace.names(in: "") == ["gate.yaml", "models", "naive.json", "small.json", "specs"])
  }

  @Test(arguments: [
    (
      ["--shape", "auto"], "error: --shape auto compares what is proved; it goes with --until-proven or --study"
    ),
    (
      ["--unconstrained", "--shape", "signed"],
      "error: --unconstrained trains a free network; it does not go with --shape signed"
    ),
  ])
  func shapesThatDoNotGoWithTheRest(arguments: [String], message: String) throws {
    let outcome = try place.run(TrainingPlace.small + arguments)
    #expect(outcome.status == 2)
    #expect(outcome.error.hasPrefix(message), "\(outcome.error)")
  }

  @Test func contradictionThatNoSignedNetworkCanKeep() throws {
    try place.workspace.write(
      TrainingPlace.specification + "  - {id: other, nonincreasing: {of: p99, in: pressure}}\n", to: "specs/demo.yaml")
    try expectError(
      "properties 'pressure' and 'other' want 'p99' both to rise and to fall in 'pressure'",
      arguments: ["--shape", "signed"])
  }

  @Test(arguments: [
    ("{\"l11\": 1}", "'l11' is no setting"), ("[1]", "is no JSON object"), ("{\"l1\": ", "cannot be read as settings"),
    ("{\"l1\": \"much\"}", "cannot be read as settings"), ("{\"l1\": -1}", "l1 must be 0 to 1,000,000"),
  ])
  func wrongSettings(text: String, message: String) throws {
    try place.workspace.write(text, to: "bad.json")
    try expectError(message, arguments: ["--settings", "bad.json"])
  }

  @Test(arguments: ["postgres://host/base", "plain.sqlite"])
  func storeThatIsNotSupported(store: String) throws {
    try expectError("--store \(store): ", arguments: ["--store", store])
  }

  // MARK: The disk

  @Test(.enabled(if: SmallDisk.isAvailable)) func readOnlyModels() throws {
    let disk = try #require(SmallDisk(kibibytes: 64))
    #expect(disk.makeReadOnly())
    try expectError(
      "\(disk.path)/models/demo", arguments: ["--models", "\(disk.path)/models", "--data", "models/demo/data.csv"])
    #expect(TemporaryDirectory.names(in: disk.path) == [])
    // It is known before any work.
    #expect(!place.workspace.names(in: "").contains(".vpals"))
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func readOnlyDirectoryOfTheApplication() throws {
    let disk = try #require(SmallDisk(kibibytes: 64))
    try FileManager.default.createDirectory(atPath: "\(disk.path)/demo", withIntermediateDirectories: true)
    #expect(disk.makeReadOnly())
    try expectError("\(disk.path)/demo cannot be written", "read-only", arguments: ["--models", disk.path])
    #expect(TemporaryDirectory.names(in: "\(disk.path)/demo") == [])
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func fullDiskKeepsTheWorkForLater() throws {
    let disk = try #require(SmallDisk(kibibytes: 64))
    try FileManager.default.createDirectory(atPath: "\(disk.path)/demo", withIntermediateDirectories: true)
    try fill(disk.path)
    try expectError("no space is left", arguments: ["--models", disk.path])
    #expect(TemporaryDirectory.names(in: "\(disk.path)/demo") == [])
    #expect(try place.storeProblems() == [])

    try FileManager.default.removeItem(atPath: "\(disk.path)/filler")
    let later = try place.run(Self.arguments + ["--models", disk.path])
    #expect(later.status == 0, "\(later.error)")
    #expect(!later.output.contains(": epoch "))
    let other = try TrainingPlace()
    #expect(try other.run(Self.arguments).status == 0)
    let report = try JSONDecoder().decode(
      TrainingPlace.Report.self, from: Data(contentsOf: URL(fileURLWithPath: "\(disk.path)/demo/v0001/training.json")))
    #expect(try report == other.report())
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func storeOnAReadOnlyDisk() throws {
    let disk = try #require(SmallDisk(kibibytes: 1024))
    #expect(disk.makeReadOnly())
    try expectError(disk.path, "read-only", arguments: ["--store", "sqlite:\(disk.path)/store.sqlite"])
  }

  @Test(.enabled(if: SmallDisk.isAvailable), arguments: [16, 128, 256, 320])
  func storeOnAFullDisk(kibibytes: Int) throws {
    let disk = try #require(SmallDisk(kibibytes: 4096))
    // What is left is too little for the store, or for what the run keeps in it.
    try fill(disk.path, leaving: kibibytes, of: 4096)
    let outcome = try place.run(
      ["--until-proven"] + TrainingPlace.long + ["--store", "sqlite:\(disk.path)/store.sqlite"])
    #expect(outcome.status == 2, "\(outcome.output)\(outcome.error)")
    #expect(outcome.error.contains("no space is left"), "\(outcome.error)")
    #expect(outcome.error.components(separatedBy: "error: ").count == 2, "\(outcome.error)")
    #expect(place.versions == [])
  }

  /// Writes until nothing more fits, or `leaving` of the disk's kibibytes are left.
  private func fill(_ path: String, leaving: Int = 0, of kibibytes: Int = 64) throws {
    let file = open("\(path)/filler", O_WRONLY | O_CREAT, 0o644)
    defer { close(file) }
    let block = [UInt8](repeating: 0x78, count: 1024)
    // At most twice what the disk holds, and one byte less at a time at the end.
    for _ in 0..<(leaving > 0 ? kibibytes - leaving : 2 * kibibytes) where write(file, block, 1024) < 1024 { break }
    if leaving == 0 { for _ in 0..<1024 where write(file, block, 1) < 1 { break } }
  }
}
