import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// The layout of a log on the disk.
@Suite struct TileTests {
  @Test func pathsAreThoseOfTheSpecification() {
    #expect(Tile(.hashes(level: 0), index: 1_234_067).path == "tile/0/x001/x234/067")
    #expect(Tile(.hashes(level: 0), index: 0).path == "tile/0/000")
    #expect(Tile(.hashes(level: 6), index: 999, width: 255).path == "tile/6/999.p/255")
    #expect(Tile(.entries, index: 1000, width: 1).path == "tile/entries/x001/000.p/1")
    #expect(Tile(.entries, index: 1 << 45).path == "tile/entries/x035/x184/x372/x088/832")
  }

  @Test func bundlesOfEntries() {
    let entries: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 65_535)]
    let bytes = EntryBundle.encode(entries)
    #expect(bytes.count == 65_542)
    #expect(Array(bytes.prefix(7)) == [0, 0, 0, 1, 1, 255, 255])
    #expect(EntryBundle.decode(bytes) == entries)
    #expect(EntryBundle.decode([]) == [])
    for count in [1, 3, 4, 6, 65_541] { #expect(EntryBundle.decode(Array(bytes.prefix(count))) == nil) }
    #expect(EntryBundle.decode([UInt8](repeating: 0, count: 512))?.count == 256)
    #expect(EntryBundle.decode([UInt8](repeating: 0, count: 514)) == nil)
  }

  /// The files of a log of `size` entries that was written in one commit.
  private func expectedFiles(_ size: Int) -> [String] {
    var files = ["checkpoint"]
    func add(_ kind: Tile.Kind, _ count: Int) {
      files += (0..<count / 256).map { Tile(kind, index: $0).path }
      if count % 256 > 0 { files.append(Tile(kind, index: count / 256, width: count % 256).path) }
    }
    add(.entries, size)
    var (level, count) = (0, size)
    while count > 0 {
      add(.hashes(level: level), count)
      level += 1
      count /= 256
    }
    return files.sorted()
  }

  @Test(arguments: [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000])
  func aLogOfOneCommitHasExactlyItsTiles(size: Int) throws {
    let scene = try Scene(size)
    #expect(try scene.files() == expectedFiles(size))
    var log = try scene.reader()
    #expect(log.size == size)
    #expect(log.signed.origin == Scene.origin)
    var tree = tree(size)
    #expect(log.signed.root == (try tree.root(size: size)))
    var found: [[UInt8]] = []
    try log.verifyAll { index, entry in
      #expect(index == found.count)
      found.append(entry)
    }
    #expect(found == (0..<size).map(Scene.entry))
  }

  /// Bytes that the second implementation made, with the key of ``NoteTests``.
  @Test func aKnownLogToTheByte() throws {
    let directory = TemporaryDirectory()
    let signer = try SignerKey(text: NoteTests.secret, file: "key")
    let empty = Checkpoint(origin: "PeterNeumann", size: 0, root: .empty)
    try Data(try SignedNote(signing: empty.text, with: [signer]).bytes).write(
      to: URL(filePath: directory.path + "/checkpoint"))
    let signed = try LogWriter(directory: directory.path, signers: [signer]).append((0..<3).map(Scene.entry)).signed
    let checkpoint =
      "PeterNeumann\n3\nlPvQ3YNvUDAWkubQ6t5yjuGexSv/8WBu2AfIV11aqhk=\n\n— PeterNeumann "
      + "x08goyJdSaRw+oxXXIKHabXm0x1k8jdQppWCIJ2h0QyisAh0SzXg+HmiAqs12V9PPSGllmnhu0yJHMIBQYs9vnmbMQw=\n"
    func file(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: "\(directory.path)/\(name)")) }
    #expect(try file("checkpoint") == Data(checkpoint.utf8))
    #expect(signed.bytes == Array(checkpoint.utf8))
    #expect(
      try file("tile/0/000.p/3").base64EncodedString()
        == "dziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwEt+zbG9mysNhQpz0bfhoq4JC06ZEHxCZyPs/mOxdEIpFfHn08xrgKcXUvTCwc8J8lN"
        + "+TQ4srRpfh4e71vAOUpB")
    #expect(try file("tile/entries/000.p/3") == Data("\0\u{7}entry 0\0\u{7}entry 1\0\u{7}entry 2".utf8))
    #expect(try Scene.files(below: directory.path) == ["checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"])
    var log = try LogReader(directory: directory.path, keys: [signer.verifier])
    let proof =
      "c2sp.org/tlog-proof@v1\nindex 1\ndziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwE=\n"
      + "V8efTzGuApxdS9MLBzwnyU35NDiytGl+Hh7vW8A5SkE=\n\n" + checkpoint
    #expect(try log.proof(of: 1).proof.bytes == Array(proof.utf8))
  }

  @Test func oneAtATimeIsTheSameLogAndFullTilesReplacePartialOnes() throws {
    let scene = try Scene(250)
    var saved = [try scene.reader().signed]
    for number in 250..<260 { saved.append(try scene.append(number..<number + 1)) }
    var log = try scene.reader()
    #expect(log.signed.root == (try Scene(260).reader().signed.root))
    for checkpoint in saved { try log.verifyExtends(checkpoint, file: "saved") }
    let files = try scene.files()
    #expect(!files.contains { $0.hasPrefix("tile/0/000.p") || $0.hasPrefix("tile/entries/000.p") })
    // Those that an earlier checkpoint needs are kept until the tile is full.
    #expect(files.filter { $0.hasPrefix("tile/0/001.p") } == (1...4).map { "tile/0/001.p/\($0)" })
  }

  /// 2¹⁶ entries fill the second level; the third begins. 70 000 is the example of the specification.
  @Test func levelsBeginAtTheirSizes() throws {
    let scene = try Scene()
    var tree = tree(70_000)
    for (from, to) in [(0, 65_279), (65_279, 65_535), (65_535, 65_536), (65_536, 65_537), (65_537, 70_000)] {
      try scene.append(from..<to)
      var log = try scene.reader()
      #expect(log.signed.root == (try tree.root(size: to)))
      let files = Set(try scene.files())
      #expect(files.isSuperset(of: expectedFiles(to)), "\(to)")
      let proof = try log.consistencyProof(from: from, to: to)
      #expect(proof == (try tree.consistencyProof(from: from, to: to)))
      for index in [0, 255, 256, to / 2, to - 1] {
        #expect(try log.inclusionProof(index: index, size: to) == (try tree.inclusionProof(index: index, size: to)))
        #expect(try log.entry(index) == Scene.entry(index))
      }
    }
    let files = try scene.files()
    #expect(files.count { $0.hasPrefix("tile/0/") && !$0.contains(".p/") } == 273)
    #expect(files.contains("tile/0/273.p/112"))
    #expect(files.filter { $0.hasPrefix("tile/1/") }.contains("tile/1/001.p/17"))
    #expect(files.contains("tile/1/000") && files.contains("tile/2/000.p/1"))
    var count = 0
    var log = try scene.reader()
    try log.verifyAll { index, entry in if entry == Scene.entry(index) { count += 1 } }
    #expect(count == 70_000)
  }

  @Test func proofsOfALogAreThoseOfTheTree() throws {
    let scene = try Scene(600)
    var log = try scene.reader()
    var tree = tree(600)
    for size in [1, 2, 255, 256, 257, 300, 512, 599, 600] {
      for index in stride(from: 0, to: size, by: 13) {
        #expect(try log.inclusionProof(index: index, size: size) == (try tree.inclusionProof(index: index, size: size)))
      }
      #expect(try log.consistencyProof(from: size, to: 600) == (try tree.consistencyProof(from: size, to: 600)))
    }
  }

  @Test func nothingIsAppendedToALogThatIsWrong() throws {
    let scene = try Scene(300)
    let writer = LogWriter(directory: scene.path, signers: [try scene.signer])
    let before = try scene.bytes("checkpoint")
    #expect(try writer.append([]).first == 300)
    func refusal(_ name: String, _ change: (inout [UInt8]) -> Void) throws -> LogError.Code? {
      let good = try scene.bytes(name)
      var bytes = good
      change(&bytes)
      try scene.write(bytes, name)
      defer { try? scene.write(good, name) }
      return Scene.refusal { _ = try writer.append([[1]]) }
    }
    #expect(try refusal("tile/0/001.p/44") { $0[40] ^= 1 } == .rootMismatch)
    #expect(try refusal("tile/entries/001.p/44") { $0[40] ^= 1 } == .entryAltered)
    #expect(try refusal("tile/entries/001.p/44") { $0.removeLast() } == .malformedTile)
    #expect(try refusal("checkpoint") { $0[3] ^= 1 } == .badSignature)
    let other = LogWriter(directory: scene.path, signers: [try SignerKey.generate(name: Scene.origin)])
    #expect(Scene.refusal { _ = try other.append([[1]]) } == .unsigned)
    #expect(Scene.refusal { _ = try writer.append([[UInt8](repeating: 0, count: 65_536)]) } == .tooLarge)
    #expect(try scene.bytes("checkpoint") == before)
    #expect(scene.refusal() == nil)
  }

  @Test func aKeyIsReplacedByTwoSignatures() throws {
    let scene = try Scene(3)
    let old = try scene.signer
    let new = try SignerKey.generate(name: Scene.origin)
    let both = try LogWriter(directory: scene.path, signers: [old, new]).append([[1]]).signed
    #expect(both.note.signatures.count == 2)
    _ = try LogWriter(directory: scene.path, signers: [new]).append([[2]])
    var log = try LogReader(directory: scene.path, keys: [new.verifier])
    try log.verifyAll()
    try log.verifyExtends(both, file: "saved")
    #expect(log.size == 5)
    #expect(scene.refusal() == .unsigned)
  }

  @Test func theKeysAreMadeOnceAndTheSecretOneIsForItsOwner() throws {
    let scene = try Scene()
    let secret = LogFiles.secretKeyPath(scene.path + "/")
    var status = stat()
    #expect(stat(secret, &status) == 0 && status.st_mode & 0o7777 == 0o600)
    #expect(try LogFiles.readPublicKey(scene.path + ".vkey") == scene.key)
    #expect(Scene.refusal { _ = try LogFiles.create(scene.path, origin: Scene.origin) } == .exists)
    #expect(chmod(secret, 0o640) == 0)
    #expect(Scene.refusal { _ = try scene.append(0..<1) } == .exposedKey)
    #expect(chmod(secret, 0o600) == 0)
    // What a killed init left is finished with the same key, under the same name alone.
    #expect(unlink(scene.path + ".vkey") == 0)
    #expect(Scene.refusal { _ = try LogFiles.create(scene.path, origin: "example.com/lag") } == .exists)
    #expect(try LogFiles.create(scene.path, origin: Scene.origin) == scene.key)
    try scene.append(0..<3)
    // A log without its checkpoint is not begun anew.
    #expect(unlink(scene.path + ".vkey") == 0 && unlink(scene.path + "/checkpoint") == 0)
    #expect(Scene.refusal { _ = try LogFiles.create(scene.path, origin: Scene.origin) } == .exists)
    #expect(Scene.refusal { _ = try LogFiles.create(scene.directory.path + "/b", origin: "a b") } == .malformedKey)
    #expect(TemporaryDirectory.names(in: scene.directory.path) == ["log", "log.key"])
  }
}
