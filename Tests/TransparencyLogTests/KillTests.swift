import Foundation
import Glibc
import TestHelpers
import Testing
import TransparencyLog

/// Kills writers at random moments (SIGKILL) and lets several write at once. The program is `store-exerciser`.
@Suite struct KillTests {
  @Test func aKilledWriterLeavesALogThatVerifies() throws {
    let seed: UInt64 = 20_261_128
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let scene = try Scene()
    var saved = [try scene.reader().signed]
    var cut = 0
    for round in 1...40 {
      let child = try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["log", scene.path]))
      var acknowledged = saved[saved.count - 1].size
      func read(_ line: String) throws {
        let words = line.split(separator: " ")
        try #require(words.count == 2 && words[0] == "size", "round \(round): \(line)")
        acknowledged = try #require(Int(words[1]))
      }
      for _ in 0..<Int.random(in: 0..<4, using: &random) {
        try read(try #require(child.line(), "round \(round): the exerciser ended by itself"))
      }
      // In every other round when the next bundle appears; and then a little further, wherever that is.
      if round % 2 == 0 {
        let before = TemporaryDirectory.names(in: scene.path + "/tile/entries")
        for _ in 0..<10_000_000 {
          guard TemporaryDirectory.names(in: scene.path + "/tile/entries") == before else { break }
          sched_yield()
        }
      }
      var spin = UInt64(0)
      for _ in 0..<Int.random(in: 0..<400_000, using: &random) { spin &+= random.next() }
      child.killNow()
      for line in child.rest() { try read(line) }
      #expect(child.wait() == 128 + 9)

      var log = try scene.reader()
      #expect(log.size >= acknowledged, "round \(round) (\(spin)): what was acknowledged is gone")
      #expect(log.size <= acknowledged + 2000, "round \(round): at most one commit without word of it")
      for checkpoint in saved { try log.verifyExtends(checkpoint, file: "saved") }
      var wrong = 0
      try log.verifyAll { index, entry in if entry != Scene.entry(index) { wrong += 1 } }
      #expect(wrong == 0)
      saved.append(log.signed)
      // Files beyond the checkpoint: the commit was cut.
      let names = try scene.files()
      let hasMore = names.contains { $0.hasPrefix("tile/entries/") && first(of: $0) + width(of: $0) > log.size }
      if hasMore || names.contains(where: { $0.contains(".tmp-") }) { cut += 1 }
    }
    print("\(cut) of 40 commits were cut, \(saved[saved.count - 1].size) entries")
    #expect(cut >= 3, "some were killed inside a commit")
    // The next commit writes over what they left.
    try scene.append(saved[saved.count - 1].size..<saved[saved.count - 1].size + 1)
    #expect(scene.refusal(since: saved[1]) == nil)
  }

  /// The number of the first entry of `tile/entries/x001/234.p/5`.
  private func first(of name: String) -> Int {
    let digits = name.dropFirst("tile/entries/".count).split(separator: ".")[0].filter(\.isNumber)
    return (Int(digits) ?? 0) * 256
  }

  private func width(of name: String) -> Int {
    name.contains(".p/") ? name.split(separator: "/").last.flatMap { Int($0) } ?? 0 : 256
  }

  @Test func aKilledInitIsFinishedByTheNextOne() throws {
    let seed: UInt64 = 5
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let directory = TemporaryDirectory()
    var states: [String: Int] = [:]
    for round in 0..<60 {
      let path = "\(directory.path)/\(round)/log"
      let child = try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["init", path]))
      // As soon as the directory, the key or the checkpoint is there, and then a little further.
      for _ in 0..<10_000_000 {
        guard !FileManager.default.fileExists(atPath: path + ["", ".key", "/checkpoint"][round % 3]) else { break }
        sched_yield()
      }
      var spin = UInt64(0)
      for _ in 0..<Int.random(in: 0..<100_000, using: &random) { spin &+= random.next() }
      child.killNow()
      let printed = child.rest().first
      _ = child.wait()
      let left = [".key", "/checkpoint", ".vkey"].filter { FileManager.default.fileExists(atPath: path + $0) }
      states[left.last ?? "none", default: 0] += 1
      let key =
        left.contains(".vkey")
        ? try LogFiles.readPublicKey(path + ".vkey") : try LogFiles.create(path, origin: "example.com/log")
      #expect(printed == nil || printed == "\(key)")
      let signer = try LogFiles.readSecretKey(path)
      #expect(signer.verifier == key)
      #expect(try LogWriter(directory: path, signers: [signer]).append([[1]]).first == 0, "round \(round) (\(spin))")
    }
    print("the last file that was there: \(states)")
    #expect(states.count >= 3, "killed at different moments")
  }

  @Test func writersAtOnceTakeTurns() throws {
    let scene = try Scene(250)
    let names = ["first", "second", "third"]
    let children = try names.map {
      try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["append", scene.path, $0, "20"]))
    }
    var expected: [Int: String] = [:]
    var places: [String: [Int]] = [:]
    for child in children {
      for line in child.rest() {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        let place = try #require(Int(words[0]), "\(line)")
        #expect(expected.updateValue(words[1], forKey: place) == nil, "two entries in one place")
        places[String(words[1].split(separator: " ")[0]), default: []].append(place)
      }
      #expect(child.wait() == 0)
    }
    #expect(expected.keys.sorted() == Array(250..<310))
    #expect(names.allSatisfy { places[$0]?.count == 20 && places[$0] == places[$0]?.sorted() })
    var log = try scene.reader()
    try log.verifyAll { index, entry in
      #expect(index < 250 || String(decoding: entry, as: UTF8.self) == expected[index])
    }
    #expect(log.size == 310)
  }

  @Test func readersNeedNoLockWhileAWriterAppends() throws {
    let scene = try Scene()
    let child = try #require(ChildProcess(ChildProcess.built("store-exerciser"), ["append", scene.path, "a", "600"]))
    var sizes: Set<Int> = []
    var saved = try scene.reader().signed
    // Until the writer has passed its second full tile, at whose end partial ones are removed.
    for _ in 0..<100_000 where saved.size < 600 {
      var log = try scene.reader()
      try log.verifyExtends(saved, file: "saved")
      try log.verifyAll()
      saved = log.signed
      sizes.insert(log.size)
    }
    #expect(child.rest().count == 600)
    #expect(child.wait() == 0)
    #expect(sizes.count > 10, "the log was read while it grew")
    #expect(saved.size == 600)
  }

  @Test func aWriterThatWaitsInVainSaysSo() throws {
    let scene = try Scene(1)
    let writer = LogWriter(directory: scene.path, signers: [try scene.signer], lockSeconds: 0)
    let other = open(scene.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    #expect(flock(other, LOCK_EX) == 0)
    #expect(Scene.refusal { _ = try writer.append([[1]]) } == .busy)
    // Readers need no lock.
    #expect(scene.refusal() == nil)
    close(other)
    #expect(try writer.append([[1]]).first == 1)
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a tmpfs"))
  func aFullDiskLeavesTheLogAsItWas() throws {
    let disk = try #require(SmallDisk(kibibytes: 256))
    let path = disk.path + "/log"
    let key = try LogFiles.create(path, origin: "example.com/log")
    let writer = LogWriter(directory: path, signers: [try LogFiles.readSecretKey(path)])
    _ = try writer.append([[1], [2]])
    let before = try LogReader(directory: path, keys: [key]).signed
    let large = (0..<300).map { _ in [UInt8](repeating: 3, count: 2000) }
    #expect(Scene.refusal { _ = try writer.append(large) } == .noSpace)
    var log = try LogReader(directory: path, keys: [key])
    try log.verifyAll()
    #expect(log.signed == before)
    #expect(disk.makeReadOnly())
    #expect(Scene.refusal { _ = try writer.append([[4]]) } == .file)
  }
}
