import Foundation
import Gating
import TestHelpers
import Testing

@Suite struct ModelTreeTests {
  let repository: Repository

  init() throws {
    repository = try Repository()
    try repository.add("nginx")
  }

  private func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
  }

  private func failure(_ path: String? = nil) -> String? {
    do throws(GateError) {
      _ = try Gate(specifications: repository.specs).run(path: path ?? repository.models)
      return nil
    } catch {
      return error.description
    }
  }

  // MARK: Nothing to judge

  @Test func cannotRunOnAnEmptyDirectory() throws {
    let empty = TemporaryDirectory()
    #expect(
      failure(empty.path)
        == "\(empty.path) holds no model.onnx; a gate that checks nothing passes nothing. Name the directory that holds "
        + "the models")
  }

  @Test func cannotRunOnWhatIsMissing() {
    let path = "\(repository.models)/mariadb"
    #expect(failure(path) == "\(path) does not exist; name the directory that holds the models")
  }

  @Test func cannotRunOnAFileThatIsNoModel() {
    let path = repository.specificationPath("nginx")
    #expect(failure(path) == "\(path) is neither a directory nor an ONNX file; name the directory of the models")
  }

  @Test func cannotRunWithoutSpecifications() {
    let gate = Gate(specifications: repository.specs + "/none")
    #expect(throws: GateError.self) { try gate.run(path: repository.models) }
  }

  @Test func cannotRunBelowItsDepth() throws {
    var path = repository.models
    for level in 1...Gate.maximumDepth { path += "/d\(level)" }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    #expect(failure() == nil)
    try FileManager.default.createDirectory(atPath: path + "/more", withIntermediateDirectories: true)
    #expect(
      failure()
        == "\(path)/more lies more than 8 directories below \(repository.models); gate a part of the tree")
  }

  @Test func cannotRunOnADirectoryThatItMayNotList() throws {
    let path = "\(repository.models)/secret"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    #expect(chmod(path, 0) == 0)
    defer { chmod(path, 0o755) }
    // Permissions do not bind the superuser; so this thread looks at files as another user.
    for directory in [repository.directory.path, repository.models] { #expect(chmod(directory, 0o755) == 0) }
    let isRoot = getuid() == 0
    if isRoot { setFileSystemUser(65_534) }
    defer { if isRoot { setFileSystemUser(0) } }
    #expect(failure() == "\(path) cannot be listed; check its permissions")
  }

  private func setFileSystemUser(_ user: uid_t) {
    typealias Call = @convention(c) (uid_t) -> Int32
    guard let symbol = dlsym(nil, "setfsuid") else {
      Issue.record("there is no setfsuid")
      return
    }
    _ = unsafeBitCast(symbol, to: Call.self)(user)
  }

  // MARK: Links

  @Test func judgesALinkedVersionOnceUnderItsOwnName() throws {
    try link("\(repository.models)/nginx/latest", to: "v0001")
    let findings = try repository.gate()
    #expect(findings.map(\.version) == ["v0001"])
    #expect(findings.map(\.passes) == [true])
    #expect(try repository.gate("\(repository.models)/nginx/latest").map(\.version) == ["v0001"])
  }

  @Test func judgesAVersionThatALinkBringsIn() throws {
    let outside = try Repository()
    try outside.add("nginx", "v0002", network: Repository.bad)
    try link(repository.path("nginx", "v0002"), to: outside.path("nginx", "v0002"))
    #expect(try repository.gate().map(\.passes) == [true, false])
  }

  @Test func followsLinksToFilesAndComparesWhatTheyLeadTo() throws {
    let model = "\(repository.path("nginx"))/model.onnx"
    let moved = "\(repository.directory.path)/blob"
    try FileManager.default.moveItem(atPath: model, toPath: moved)
    try link(model, to: moved)
    #expect(try repository.gate().map(\.passes) == [true])
    try repository.write(try repository.bytes(moved) + [0], to: moved)
    #expect(try repository.gate().flatMap(\.refusals).map(\.rule) == [.modelChanged])
    try FileManager.default.removeItem(atPath: moved)
    #expect(try repository.gate().flatMap(\.refusals).map(\.reason) == ["the file is missing"])
  }

  @Test func endsInSpiteOfLoops() throws {
    try link("\(repository.models)/nginx/loop", to: "..")
    try link("\(repository.models)/nginx/v0001/self", to: ".")
    try link("\(repository.models)/nginx/nowhere", to: "nowhere")
    #expect(try repository.gate().map(\.version) == ["v0001"])
  }

  // A version that is certified for one application proves nothing for another.

  @Test func judgesALinkedVersionUnderTheNameOfTheLink() throws {
    try repository.add("redis")
    try link(repository.path("nginx", "v0002"), to: "../redis/v0001")
    let findings = try repository.gate()
    #expect(findings.map { "\($0.application)/\($0.version)" } == ["nginx/v0001", "nginx/v0002", "redis/v0001"])
    #expect(findings.map(\.passes) == [true, false, true])
  }

  @Test func judgesALinkedApplicationUnderTheNameOfTheLink() throws {
    try link("\(repository.models)/redis", to: "nginx")
    let findings = try repository.gate()
    #expect(findings.map { "\($0.application)/\($0.version)" } == ["nginx/v0001", "redis/v0001"])
    #expect(findings.map(\.passes) == [true, false])
  }
}
