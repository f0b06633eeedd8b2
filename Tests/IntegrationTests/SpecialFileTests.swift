import Foundation
import Glibc
import TestHelpers
import Testing

/// A pipe that nobody writes to, a directory, an endless device, or a link to one of them where a file is expected: one
/// clear message and no waiting.
@Suite struct SpecialFileTests {
  /// What stands in a file's place.
  enum Kind: String, CaseIterable {
    case pipe, directory, endless, linkToPipe, linkToItself, linkToNothing

    func make(_ path: String) throws {
      switch self {
      case .pipe: try #require(mkfifo(path, 0o644) == 0)
      case .directory: try #require(mkdir(path, 0o755) == 0)
      // Only root can make a device; a link to one is as endless.
      case .endless: try #require(symlink("/dev/zero", path) == 0)
      case .linkToPipe:
        try #require(mkfifo("\(path).pipe", 0o644) == 0)
        try #require(symlink("\(path).pipe", path) == 0)
      case .linkToItself: try #require(symlink(path, path) == 0)
      case .linkToNothing: try #require(symlink("\(path).nothing", path) == 0)
      }
    }

    /// Parts of messages, of which one must be there.
    var reasons: [String] {
      switch self {
      case .pipe, .endless, .linkToPipe: ["not a regular file"]
      case .directory: ["not a regular file", "is a directory"]
      case .linkToItself: ["too many symbolic links", "Too many levels of symbolic links", "does not exist"]
      case .linkToNothing: ["no such file", "No such file", "does not exist", "is missing", "there is no"]
      }
    }
  }

  let workspace = Workspace()
  static let version = "models/nginx/v0001"
  static let certificate = "\(version)/nginx.intoto.json"
  static let model = "\(version)/model.onnx"
  static let proof = "\(version)/nginx.sane.proof"
  static let specification = "specs/nginx.yaml"

  init() throws {
    try workspace.add("nginx", try Workspace.good())
    #expect(try workspace.vpals("verify", Self.version).status == 0)
  }

  private func replace(_ name: String, by kind: Kind) throws {
    try FileManager.default.removeItem(atPath: workspace.file(name))
    try kind.make(workspace.file(name))
  }

  /// Runs a program that must end; a minute is a thousand times what it takes.
  private func run(_ name: String, _ arguments: [String]) throws -> Outcome {
    let program = try Program(name, arguments, in: workspace.path)
    let ends = program.hasEnded(withinMilliseconds: 60_000)
    #expect(ends, "\(name) \(arguments) waits")
    if !ends { program.killNow() }
    return program.outcome()
  }

  private func check() throws -> Outcome {
    try run("vpals-check", [Self.certificate, "--model", Self.model, "--spec", Self.specification])
  }

  private func says(_ kind: Kind, _ text: some StringProtocol) -> Bool {
    kind.reasons.contains { text.contains($0) }
  }

  @Test(arguments: Kind.allCases) func asAProof(_ kind: Kind) throws {
    try replace(Self.proof, by: kind)
    let checked = try check()
    #expect(checked.status == 1)
    let problems = checked.lines.filter { $0.hasPrefix("invalid: ") }
    #expect(problems.count == 1 && says(kind, problems.first ?? ""), "\(checked.output)")
    let gate = try run("vpals", ["gate"])
    #expect(gate.status == 1)
    let refusals = gate.lines.filter { $0.hasPrefix("FAIL nginx/v0001  VP010 proof-unchecked  \(Self.proof): ") }
    #expect(refusals.count == 1 && says(kind, refusals.first ?? ""), "\(gate.output)")
  }

  @Test(arguments: Kind.allCases) func asACertificate(_ kind: Kind) throws {
    try replace(Self.certificate, by: kind)
    let checked = try check()
    #expect(checked.status == 2)
    #expect(checked.output == "")
    #expect(checked.error.hasPrefix("error: cannot read \(Self.certificate): "), "\(checked.error)")
    #expect(checked.error.count { $0 == "\n" } == 1 && says(kind, checked.error), "\(checked.error)")
    let gate = try run("vpals", ["gate"])
    #expect(gate.status == 1)
    let refusals = gate.lines.filter { $0.hasPrefix("FAIL nginx/v0001  ") }
    #expect(refusals.count == 1 && says(kind, refusals.first ?? ""), "\(gate.output)")
  }

  @Test(arguments: Kind.allCases) func asAModel(_ kind: Kind) throws {
    try replace(Self.model, by: kind)
    let checked = try check()
    #expect(checked.status == 2)
    #expect(checked.output == "")
    #expect(checked.error.hasPrefix("error: cannot read \(Self.model): "), "\(checked.error)")
    #expect(checked.error.count { $0 == "\n" } == 1 && says(kind, checked.error), "\(checked.error)")
    let gate = try run("vpals", ["gate"])
    #expect(gate.status == 1)
    let refusals = gate.lines.filter { $0.hasPrefix("FAIL nginx/v0001  ") }
    #expect(refusals.count == 1, "\(gate.output)")
    let before = workspace.names(in: Self.version)
    for name in [Self.version, Self.model] {
      let verified = try run("vpals", ["verify", name, "--spec", Self.specification])
      #expect(verified.status == 2)
      #expect(verified.output == "")
      let errors = verified.error.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      // A link to nothing is a version without a model, a directory in the place of the model one without any.
      let isAbsent = errors.first?.contains("holds no model.onnx") == true
      #expect(errors.count == 1 && (isAbsent || says(kind, errors[0])), "\(verified.error)")
    }
    #expect(workspace.names(in: Self.version) == before)
  }

  @Test(arguments: Kind.allCases) func asASpecification(_ kind: Kind) throws {
    try replace(Self.specification, by: kind)
    let checked = try check()
    #expect(checked.status == 2)
    #expect(checked.output == "")
    #expect(checked.error.contains(Self.specification) && says(kind, checked.error), "\(checked.error)")
    let gate = try run("vpals", ["gate"])
    #expect(gate.status == 1)
    #expect(gate.lines.count { $0.hasPrefix("FAIL nginx/v0001  ") } == 1, "\(gate.output)")
    let verified = try run("vpals", ["verify", Self.version, "--spec", Self.specification])
    #expect(verified.status == 2)
    #expect(verified.output == "")
    #expect(verified.error.contains(Self.specification) && says(kind, verified.error), "\(verified.error)")
  }

  /// Named on the command line itself.
  @Test(arguments: ["/dev/zero", "/dev/null", "/"]) func asArguments(_ path: String) throws {
    for arguments in [
      [path, "--model", Self.model, "--spec", Self.specification],
      [Self.certificate, "--model", path, "--spec", Self.specification],
      [Self.certificate, "--model", Self.model, "--spec", path],
    ] {
      let outcome = try run("vpals-check", arguments)
      #expect(outcome.status == 2)
      #expect(outcome.output == "")
      #expect(!outcome.error.isEmpty)
    }
    let verified = try run("vpals", ["verify", path, "--spec", Self.specification])
    #expect(verified.status == 2)
    #expect(verified.error.hasPrefix("error: "), "\(verified.error)")
    let gate = try run("vpals", ["gate", path == "/" ? Self.specification : path])
    #expect(gate.status == 2)
    #expect(gate.error.hasPrefix("error: "), "\(gate.error)")
  }

  /// A link to a regular file is that file: its bytes are what the certificate binds.
  @Test func linksToRegularFilesAreFollowed() throws {
    for name in [Self.proof, Self.certificate, Self.model] {
      try FileManager.default.moveItem(atPath: workspace.file(name), toPath: workspace.file("moved"))
      try #require(rename(workspace.file("moved"), workspace.file(name) + ".real") == 0)
      try #require(symlink(workspace.file(name) + ".real", workspace.file(name)) == 0)
    }
    let checked = try check()
    #expect(checked.status == 0, "\(checked.output)")
    #expect(checked.lines.last == "valid")
  }
}
