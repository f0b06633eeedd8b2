import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// Every way to change a log is refused, by its name.
@Suite struct TamperingTests {
  private func changed(_ count: Int, _ name: String, _ change: (inout [[UInt8]]) -> Void) throws -> LogError.Code? {
    let scene = try Scene(count)
    var entries = try #require(EntryBundle.decode(try scene.bytes(name)))
    change(&entries)
    try scene.write(EntryBundle.encode(entries), name)
    return scene.refusal()
  }

  @Test(arguments: ["tile/entries/000", "tile/entries/001.p/44"])
  func entriesThatWereDeletedReorderedOrAltered(name: String) throws {
    #expect(try changed(300, name) { $0.remove(at: 17) } == .entryDeleted)
    #expect(try changed(300, name) { $0.removeLast() } == .entryDeleted)
    #expect(try changed(300, name) { $0.swapAt(3, 4) } == .entriesReordered)
    #expect(try changed(300, name) { $0.reverse() } == .entriesReordered)
    #expect(try changed(300, name) { $0[5][0] ^= 1 } == .entryAltered)
    #expect(try changed(300, name) { $0[5] = $0[6] } == .entryAltered)
    #expect(try changed(300, name) { $0[43] = [] } == .entryAltered)
    #expect(try changed(300, name) { $0.append([1]) } == .malformedTile)
    #expect(try changed(300, name) { _ in } == nil)
  }

  @Test func tilesThatWereRemovedCutOrAltered() throws {
    for name in ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"] {
      let scene = try Scene(300)
      let good = try scene.bytes(name)
      #expect(unlink("\(scene.path)/\(name)") == 0)
      #expect(scene.refusal() == .truncated, "\(name)")
      for bytes in [Array(good.dropLast()), good + [0], []] {
        try scene.write(bytes, name)
        #expect(
          scene.refusal() == (bytes.isEmpty && name.contains("entries") ? .entryDeleted : .malformedTile), "\(name)")
      }
      try scene.write(good, name)
      #expect(scene.refusal() == nil)
    }
    let scene = try Scene(300)
    var tile = try scene.bytes("tile/0/000")
    tile[32 * 100] ^= 1
    try scene.write(tile, "tile/0/000")
    #expect(scene.refusal() == .tileAltered)
    let second = try Scene(300)
    var edge = try second.bytes("tile/1/000.p/1")
    edge[31] ^= 0x80
    try second.write(edge, "tile/1/000.p/1")
    #expect(second.refusal() == .rootMismatch)
  }

  @Test func anEntryAndItsLeafChangedTogether() throws {
    // In a full tile, the tile above says otherwise; at the edge, the root.
    for (index, expected) in [(7, LogError.Code.tileAltered), (290, .rootMismatch)] {
      let scene = try Scene(300)
      let suffix = index < 256 ? "000" : "001.p/44"
      var entries = try #require(EntryBundle.decode(try scene.bytes("tile/entries/\(suffix)")))
      entries[index % 256] = [1, 2, 3]
      try scene.write(EntryBundle.encode(entries), "tile/entries/\(suffix)")
      try scene.write(entries.flatMap { TreeHash.leaf($0).bytes }, "tile/0/\(suffix)")
      #expect(scene.refusal() == expected)
    }
  }

  @Test func aPartialTileMayBeGoneOnceTheFullOneIsThere() throws {
    let scene = try Scene(300)
    let old = try scene.bytes("checkpoint")
    try scene.append(300..<600)
    #expect(!(try scene.files()).contains("tile/0/001.p/44"))
    // A reader that had opened the earlier checkpoint goes on.
    try scene.write(old, "checkpoint")
    #expect(scene.refusal() == nil)
    #expect(try scene.reader().size == 300)
  }

  // MARK: Against a checkpoint that was saved elsewhere

  @Test func aLogThatOnlyGrewExtendsEveryEarlierCheckpoint() throws {
    let scene = try Scene()
    var saved = [try scene.reader().signed]
    for (from, to) in [(0, 1), (1, 3), (3, 200), (200, 256), (256, 257), (257, 700)] {
      saved.append(try scene.append(from..<to))
    }
    for checkpoint in saved { #expect(scene.refusal(since: checkpoint) == nil) }
  }

  @Test func aLogThatWasRolledBack() throws {
    for (early, late) in [(0, 1), (5, 8), (256, 300), (300, 301)] {
      let scene = try Scene(early)
      let old = try scene.bytes("checkpoint")
      let saved = try scene.append(early..<late)
      #expect(scene.refusal(since: saved) == nil)
      try scene.write(old, "checkpoint")
      #expect(scene.refusal() == nil, "alone, it is a log of \(early)")
      #expect(scene.refusal(since: saved) == .rollback)
    }
  }

  @Test func aLogWithAnotherHistory() throws {
    // The log's key signs a second history: another entry, one fewer, two in another order.
    let histories: [(inout [[UInt8]]) -> Void] = [
      { $0[4] = [9] }, { $0.remove(at: 4) }, { $0.swapAt(4, 5) }, { $0.removeLast() },
    ]
    for change in histories {
      for more in [0, 5, 400] {
        let scene = try Scene(300)
        let saved = try scene.reader().signed
        let signer = try scene.signer
        var entries = (0..<300).map(Scene.entry)
        change(&entries)
        let fork = try Scene()
        // The forked log, under the same key.
        let empty = Checkpoint(origin: Scene.origin, size: 0, root: .empty)
        try fork.write(try SignedNote(signing: empty.text, with: [signer]).bytes, "checkpoint")
        while entries.count < 300 { entries.append([0]) }
        entries += (0..<more).map { [1, UInt8($0 % 256)] }
        _ = try LogWriter(directory: fork.path, signers: [signer]).append(entries)
        var log = try LogReader(directory: fork.path, keys: [scene.key])
        try log.verifyAll()
        #expect(Scene.refusal { try log.verifyExtends(saved, file: "saved") } == .fork)
      }
    }
  }

  @Test func aCheckpointOfAnotherLog() throws {
    let scene = try Scene(3)
    let other = try SignerKey.generate(name: "example.com/other")
    let text = Checkpoint(origin: "example.com/other", size: 3, root: try scene.reader().signed.root).text
    let saved = try SignedCheckpoint(
      verifying: try SignedNote(signing: text, with: [other]).bytes, keys: [other.verifier], file: "saved")
    #expect(scene.refusal(since: saved) == .wrongOrigin)
  }

  @Test func aSizeThatTheTilesDoNotHave() throws {
    let scene = try Scene(300)
    let root = try scene.reader().signed.root
    try scene.sign(size: 301, root: root)
    #expect(scene.refusal() == .truncated)
    try scene.sign(size: TreeBounds.maximumSize, root: root)
    #expect(scene.refusal() == .truncated)
    try scene.sign(size: 556, root: root)
    #expect(scene.refusal() == .truncated)
    // The first 44 hashes are in the full tile, and have another root.
    try scene.sign(size: 44, root: root)
    #expect(scene.refusal() == .rootMismatch)
  }

  // MARK: Single bytes

  @Test func anyByteOfAnyFileMatters() throws {
    let seed: UInt64 = 20_261_127
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let scene = try Scene(300)
    let files = try scene.files()
    #expect(files.count == 6)
    for round in 0..<600 {
      let name = files[round % files.count]
      let good = try scene.bytes(name)
      var bytes = good
      let place = Int.random(in: 0..<bytes.count, using: &random)
      bytes[place] ^= UInt8.random(in: 1...255, using: &random)
      try scene.write(bytes, name)
      #expect(scene.refusal()?.isRefusal == true, "\(name), byte \(place): \(good[place]) → \(bytes[place])")
      try scene.write(good, name)
    }
    #expect(scene.refusal() == nil)
  }
}
