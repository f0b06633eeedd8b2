import Foundation
import Networks
import TestHelpers
import Testing

/// Input that `vpals verify` must turn down: one clear error, exit code 2, nothing left behind.
@Suite struct FailureTests {
  let workspace = Workspace()
  static let directory = "models/nginx/v0001"

  init() throws { try workspace.add("nginx", try Workspace.good()) }

  /// Verifies and expects the one error; the model's directory must be as it was.
  private func expectError(
    _ parts: String..., in workspace: Workspace? = nil, arguments: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let workspace = workspace ?? self.workspace
    let before = workspace.names(in: Self.directory)
    let outcome = try Program("vpals", ["verify", Self.directory] + arguments, in: workspace.path).outcome()
    #expect(outcome.status == 2, sourceLocation: sourceLocation)
    #expect(outcome.output == "", sourceLocation: sourceLocation)
    // Progress may come before.
    let errors = outcome.error.split(separator: "\n").filter { $0.hasPrefix("error: ") }
    #expect(errors.count == 1, "\(outcome.error)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(outcome.error.contains(part), "\(outcome.error)", sourceLocation: sourceLocation)
    }
    #expect(workspace.names(in: Self.directory) == before, sourceLocation: sourceLocation)
  }

  // MARK: The model

  @Test func truncatedModel() throws {
    let bytes = try workspace.bytes("\(Self.directory)/model.onnx")
    for count in [0, 1, bytes.count / 3, bytes.count / 2, bytes.count - 1] {
      try workspace.write(Array(bytes[..<count]), to: "\(Self.directory)/model.onnx")
      try expectError("models/nginx/v0001/model.onnx")
    }
    #expect(!workspace.names(in: "").contains(".vpals"))
  }

  @Test func weightThatIsNoNumber() throws {
    var bytes = try workspace.bytes("\(Self.directory)/model.onnx")
    // The weight 4 in little-endian binary64.
    let four: [UInt8] = [0, 0, 0, 0, 0, 0, 0x10, 0x40]
    let place = try #require((0...(bytes.count - 8)).first { Array(bytes[$0..<($0 + 8)]) == four })
    bytes.replaceSubrange(place..<(place + 8), with: [0, 0, 0, 0, 0, 0, 0xF8, 0x7F])
    try workspace.write(bytes, to: "\(Self.directory)/model.onnx")
    try expectError("models/nginx/v0001/model.onnx", "nan")
  }

  @Test func missingModel() throws {
    try FileManager.default.removeItem(atPath: workspace.file("\(Self.directory)/model.onnx"))
    try expectError("models/nginx/v0001 holds no model.onnx; name a version's directory")
  }

  @Test func applicationInsteadOfVersion() throws {
    let outcome = try workspace.vpals("verify", "models/nginx")
    #expect(outcome.status == 2)
    #expect(
      outcome.error == """
        error: models/nginx holds versions, but no model.onnx; name one of them
        next: vpals verify models/nginx/v0001

        """)
  }

  // MARK: The specification

  @Test func otherNumberOfInputs() throws {
    try workspace.write(
      Workspace.specification.replacingOccurrences(
        of: "  cores:", with: "  clients: {unit: connections, domain: 1..64}\n  cores:"), to: "specs/nginx.yaml")
    try expectError("the network has 2 inputs, but the specification declares 3 features")
    #expect(!workspace.names(in: "").contains(".vpals"))
  }

  @Test func unknownFeature() throws {
    try workspace.write(
      Workspace.specification.replacingOccurrences(of: "in: pressure", with: "in: presure"), to: "specs/nginx.yaml")
    try expectError("specs/nginx.yaml:10:", "error[E012]", "presure", "pressure")
  }

  @Test func missingSpecification() throws {
    try FileManager.default.removeItem(atPath: workspace.file("specs/nginx.yaml"))
    try expectError(
      "no --spec was given and specs/nginx.yaml does not exist here",
      "next: vpals verify models/nginx/v0001 --spec FILE")
    try expectError("other.yaml", "does not exist", arguments: ["--spec", "other.yaml"])
  }

  @Test func unknownProperty() throws {
    try expectError(
      "specs/nginx.yaml has no property 'rises'; it has rises-with-pressure, sane", arguments: ["--property", "rises"])
  }

  // MARK: The store and the disk

  @Test(arguments: ["postgres://host/base", "mysql:x", "sqlite:", "plain.sqlite"])
  func storeThatIsNotSupported(store: String) throws {
    try expectError("--store \(store): ", arguments: ["--store", store])
  }

  @Test func storeThatIsAnotherFile() throws {
    try workspace.write("Not a database, but long enough to look like one to a careless reader.", to: "notes.txt")
    try expectError("notes.txt", arguments: ["--store", "sqlite:notes.txt"])
    #expect(try workspace.bytes("notes.txt").count == 70)
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func readOnlyDirectory() throws {
    let disk = try #require(SmallDisk(kibibytes: 1024))
    let other = Workspace(at: disk.path)
    try other.add("nginx", try Workspace.good())
    #expect(disk.makeReadOnly())
    try expectError(
      "cannot write a certificate into models/nginx/v0001: the file system is mounted read-only", in: other)
    #expect(other.names(in: "") == ["models", "specs"])
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func readOnlyStore() throws {
    let disk = try #require(SmallDisk(kibibytes: 1024))
    #expect(disk.makeReadOnly())
    try expectError(disk.path, "read-only", arguments: ["--store", "sqlite:\(disk.path)/store.sqlite"])
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func fullDisk() throws {
    let disk = try #require(SmallDisk(kibibytes: 64))
    let other = Workspace(at: disk.path)
    try other.add("nginx", try Workspace.good())
    try fill(disk.path)
    let store = "sqlite:\(workspace.file("store.sqlite"))"
    try expectError("no space is left", in: other, arguments: ["--store", store])
    // What was found is in the store nevertheless.
    let listed = try workspace.vpals("certificates", "list", "--format", "json", "--store", store)
    #expect(listed.output.contains("\"application\":\"nginx\""))
  }

  @Test(.enabled(if: SmallDisk.isAvailable)) func storeOnAFullDisk() throws {
    let disk = try #require(SmallDisk(kibibytes: 64))
    try fill(disk.path)
    try expectError("no space is left", arguments: ["--store", "sqlite:\(disk.path)/store.sqlite"])
  }

  /// Writes until nothing more fits.
  private func fill(_ path: String) throws {
    let file = open("\(path)/filler", O_WRONLY | O_CREAT, 0o644)
    defer { close(file) }
    let block = [UInt8](repeating: 0x78, count: 1024)
    // Twice what the disk holds, and one byte less at a time at the end.
    for _ in 0..<128 where write(file, block, block.count) < block.count { break }
    for _ in 0..<block.count where write(file, block, 1) < 1 { break }
  }
}
