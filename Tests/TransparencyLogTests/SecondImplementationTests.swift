import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// `Tests/Python/check_log.py`, written from the specifications alone, judges what we write, and we what it writes.
@Suite(
  .enabled(
    if: PythonTools.mayRun("python3"), "needs a Python with cryptography: run `make deps`, or set VPALS_PYTHON"))
struct SecondImplementationTests {
  /// What the script prints, and its exit status: 0 valid, 1 invalid.
  private func check(_ arguments: String...) throws -> (status: Int, lines: [String]) {
    let python = try #require(PythonTools.program("python3"), "in CI it must be there: run `make deps`")
    let script = PythonTools.root.appending(path: "Tests/Python/check_log.py").path
    let child = try #require(ChildProcess(python, [script] + arguments))
    let lines = child.rest()
    let status = child.wait()
    try #require(status <= 1, "check_log.py could not run: is cryptography installed? run `make deps`")
    return (status, lines)
  }

  @Test(arguments: [0, 1, 2, 255, 256, 257, 1000])
  func verifiesOurLogs(size: Int) throws {
    let scene = try Scene(size)
    let root = try scene.reader().signed.root.base64
    let found = try check("log", scene.path, "\(scene.key)")
    #expect(found.status == 0)
    #expect(found.lines == ["valid: \(size) \(root)"])
  }

  @Test func verifiesALogOfThreeLevelsThatGrew() throws {
    let scene = try Scene(100)
    let saved = "\(scene.directory.path)/saved"
    try Data(try scene.bytes("checkpoint")).write(to: URL(filePath: saved))
    try scene.append(100..<65_536)
    try scene.append(65_536..<65_537)
    let root = try scene.reader().signed.root.base64
    #expect(try check("log", scene.path, "\(scene.key)", "--since", saved).lines == ["valid: 65537 \(root)"])
  }

  @Test func refusesWhatWeRefuse() throws {
    let changes: [(name: String, change: (inout [UInt8]) -> Void)] = [
      ("checkpoint", { $0[16] ^= 1 }), ("checkpoint", { $0[$0.count - 20] ^= 1 }), ("tile/0/000", { $0[77] ^= 4 }),
      ("tile/0/001.p/44", { $0[0] ^= 128 }), ("tile/1/000.p/1", { $0[31] ^= 1 }),
      ("tile/entries/000", { $0[300] ^= 1 }),
      ("tile/entries/001.p/44", { $0.removeLast() }), ("tile/entries/001.p/44", { $0.append(0) }),
      ("tile/0/001.p/44", { $0.removeLast(32) }), ("tile/1/000.p/1", { $0 = [] }),
    ]
    let scene = try Scene(300)
    for (name, change) in changes {
      let good = try scene.bytes(name)
      var bytes = good
      change(&bytes)
      try scene.write(bytes, name)
      let found = try check("log", scene.path, "\(scene.key)")
      #expect(found.status == 1 && found.lines.first?.hasPrefix("invalid: ") == true, "\(name): \(found.lines)")
      #expect(scene.refusal()?.isRefusal == true)
      try scene.write(good, name)
    }
    let stranger = try SignerKey.generate(name: Scene.origin).verifier
    #expect(try check("log", scene.path, "\(stranger)").status == 1)
    let saved = "\(scene.directory.path)/saved"
    let text = Checkpoint(origin: Scene.origin, size: 20, root: .leaf([])).text
    try Data(try SignedNote(signing: text, with: [scene.signer]).bytes).write(to: URL(filePath: saved))
    #expect(try check("log", scene.path, "\(scene.key)", "--since", saved).lines == ["invalid: fork"])
    let longer = Checkpoint(origin: Scene.origin, size: 301, root: .leaf([])).text
    try Data(try SignedNote(signing: longer, with: [scene.signer]).bytes).write(to: URL(filePath: saved))
    #expect(try check("log", scene.path, "\(scene.key)", "--since", saved).lines == ["invalid: rollback"])
  }

  private struct Line: Encodable {
    var first: Int
    var second: Int
    var from: String
    var root: String
    var path: [String]
  }

  /// The answer of each line that the script gives, for lines of which every other one was tampered with.
  private func judge(_ kind: String, _ lines: [Line]) throws -> [String] {
    let directory = TemporaryDirectory()
    var data = Data()
    for line in lines { data += try JSONEncoder().encode(line) + [10] }
    try data.write(to: URL(filePath: "\(directory.path)/lines"))
    return try check(kind, "\(directory.path)/lines").lines
  }

  private func tampered(_ line: Line, _ round: Int) throws -> Line {
    var line = line
    func flipped(_ base64: String) throws -> String {
      var bytes = Array(try #require(Data(base64Encoded: base64)))
      bytes[round % 32] ^= 1 << UInt8(round / 32 % 8)
      return Data(bytes).base64EncodedString()
    }
    if line.path.isEmpty {
      line.path = [line.root]
    } else {
      let place = round % line.path.count
      line.path[place] = try flipped(line.path[place])
    }
    return line
  }

  @Test func agreesOnEveryProofOfSmallTrees() throws {
    var tree = tree(70)
    var inclusions: [Line] = []
    var consistencies: [Line] = []
    for size in 1...70 {
      let root = try tree.root(size: size).base64
      for index in 0..<size {
        let proof = try tree.inclusionProof(index: index, size: size)
        let line = Line(
          first: index, second: size, from: Data(Scene.entry(index)).base64EncodedString(), root: root,
          path: proof.path.map(\.base64))
        inclusions += [line, try tampered(line, index + size)]
      }
      for first in 1...size {
        let proof = try tree.consistencyProof(from: first, to: size)
        let line = Line(
          first: first, second: size, from: try tree.root(size: first).base64, root: root,
          path: proof.path.map(\.base64))
        consistencies += [line, try tampered(line, first + size)]
      }
    }
    let expected = (0..<inclusions.count).map { $0 % 2 == 0 ? "valid" : "invalid" }
    #expect(inclusions.count == 4970 && consistencies.count == 4970)
    #expect(try judge("inclusion", inclusions) == expected)
    #expect(try judge("consistency", consistencies) == expected)
  }

  @Test func verifiesOurProofFilesAndRefusesChangedOnes() throws {
    let scene = try Scene(300)
    var log = try scene.reader()
    let (proof, entry) = try log.proof(of: 130, extra: [1, 2, 3])
    let (proofPath, entryPath) = ("\(scene.directory.path)/proof", "\(scene.directory.path)/entry")
    try Data(entry).write(to: URL(filePath: entryPath))
    try Data(proof.bytes).write(to: URL(filePath: proofPath))
    #expect(try check("proof", proofPath, entryPath, "\(scene.key)").lines == ["valid: 130 of 300"])
    let text = String(decoding: proof.bytes, as: UTF8.self)
    for (old, new) in [("index 130", "index 131"), ("300\n", "301\n"), ("@v1", "@v2"), ("index 130", "index 0130")] {
      try Data(text.replacing(old, with: new, maxReplacements: 1).utf8).write(to: URL(filePath: proofPath))
      #expect(try check("proof", proofPath, entryPath, "\(scene.key)").status == 1, "\(new)")
    }
    try Data(proof.bytes).write(to: URL(filePath: proofPath))
    try Data(entry + [0]).write(to: URL(filePath: entryPath))
    #expect(try check("proof", proofPath, entryPath, "\(scene.key)").status == 1)
  }

  @Test(arguments: [1, 256, 300])
  func weVerifyWhatItWrites(size: Int) throws {
    let directory = TemporaryDirectory()
    let made = try check("make", directory.path, "\(size)")
    #expect(made.status == 0)
    let key = try VerifierKey(text: try #require(made.lines.first))
    var log = try LogReader(directory: directory.path + "/log", keys: [key])
    #expect(log.size == size)
    try log.verifyAll { index, entry in #expect(entry == Array("entry \(index)".utf8)) }
    let bytes = Array(try Data(contentsOf: URL(filePath: directory.path + "/proof")))
    let proof = try LogProof(parsing: bytes, keys: [key], file: "proof")
    #expect(proof.inclusion.index == size / 2)
    try proof.verify(entry: Scene.entry(size / 2))
    #expect(proof.bytes == bytes)
    // Its private key signs in our hands too.
    let signer = try SignerKey(text: try #require(made.lines.last), file: "key")
    _ = try LogWriter(directory: directory.path + "/log", signers: [signer]).append([Scene.entry(size)])
    #expect(try check("log", directory.path + "/log", "\(key)").lines.first?.hasPrefix("valid: \(size + 1) ") == true)
  }
}
