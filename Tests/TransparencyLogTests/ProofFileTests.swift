import Certificates
import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// Files `tlog-proof@v1`, entries, and bytes of nobody.
@Suite struct ProofFileTests {
  @Test func aProofIsReadAsItWasWritten() throws {
    let scene = try Scene(300)
    var log = try scene.reader()
    for index in [0, 1, 255, 256, 299] {
      let (proof, entry) = try log.proof(of: index)
      #expect(entry == Scene.entry(index))
      let text = String(decoding: proof.bytes, as: UTF8.self)
      #expect(text.hasPrefix("c2sp.org/tlog-proof@v1\nindex \(index)\n"))
      #expect(text.hasSuffix("\n\n" + String(decoding: try scene.bytes("checkpoint"), as: UTF8.self)))
      let read = try LogProof(parsing: proof.bytes, keys: [scene.key], file: "proof")
      #expect(read == proof)
      try read.verify(entry: entry)
      #expect(Scene.refusal { try read.verify(entry: entry + [0]) } == .notIncluded)
      #expect(Scene.refusal { try read.verify(entry: []) } == .notIncluded)
      let extra = try log.proof(of: index, extra: [0, 255, 10]).proof
      #expect(
        String(decoding: extra.bytes, as: UTF8.self).hasPrefix("c2sp.org/tlog-proof@v1\nextra AP8K\nindex \(index)\n"))
      #expect(try LogProof(parsing: extra.bytes, keys: [scene.key], file: "proof") == extra)
    }
    #expect(Scene.refusal { _ = try log.proof(of: 300) } == .noSuchEntry)
    #expect(Scene.refusal { _ = try log.proof(of: -1) } == .noSuchEntry)
  }

  @Test func proofsOfTheWrongFormAreRefused() throws {
    let scene = try Scene(5)
    var log = try scene.reader()
    let good = String(decoding: try log.proof(of: 3).proof.bytes, as: UTF8.self)
    func refusal(_ old: String, _ new: String) -> LogError.Code? {
      let text = good.replacing(old, with: new, maxReplacements: 1)
      #expect(text != good)
      return Scene.refusal {
        try LogProof(parsing: Array(text.utf8), keys: [scene.key], file: "proof").verify(entry: Scene.entry(3))
      }
    }
    #expect(refusal("@v1", "@v2") == .malformedProof)
    #expect(refusal("index 3", "index 03") == .malformedProof)
    #expect(refusal("index 3", "index -3") == .malformedProof)
    #expect(refusal("index 3", "index") == .malformedProof)
    #expect(refusal("index 3\n", "") == .malformedProof)
    #expect(refusal("index 3", "extra \nindex 3") == .malformedProof)
    #expect(refusal("index 3", "extra AA=\nindex 3") == .malformedProof)
    #expect(refusal("index 3", "extra AP8K\nextra AP8K\nindex 3") == .malformedProof)
    #expect(refusal("index 3\n", "index 3\nAAAA\n") == .malformedProof)
    #expect(
      refusal("index 3\n", "index 3\n" + String(repeating: TreeHash.empty.base64 + "\n", count: 60)) == .malformedProof)
    #expect(refusal("index 3\n", "index 3\n\(TreeHash.empty.base64)\n") == .notIncluded)
    #expect(refusal("index 3", "index 2") == .notIncluded)
    #expect(refusal("index 3", "index 5") == .notIncluded)
    #expect(refusal("index 3", "index 9007199254740991") == .notIncluded)
    #expect(refusal("index 3", "index 9007199254740992") == .malformedProof)
    #expect(refusal("\n\nexample.com/log\n5\n", "\n\nexample.com/log\n6\n") == .badSignature)
    #expect(refusal("\n\nexample.com/log\n", "\nexample.com/log\n") == .malformedProof)
    let stranger = try SignerKey.generate(name: Scene.origin).verifier
    #expect(Scene.refusal { _ = try LogProof(parsing: Array(good.utf8), keys: [stranger], file: "proof") } == .unsigned)
  }

  // MARK: Entries

  static let digest = String(repeating: "0f", count: 32)
  static let text =
    #"{"annotations":{"verdict":"holds"},"subject":[{"digest":{"sha256":""# + digest
    + #""},"name":"web/v0007"}],"time":"2026-05-01T12:00:00Z","type":"certificate-issued"}"#

  @Test func anEntryIsOneCanonicalObject() throws {
    let entry = try LogEntry(parsing: Array(Self.text.utf8), place: "entry")
    #expect(entry.kind == .certificateIssued)
    #expect(entry.time.description == "2026-05-01T12:00:00Z")
    #expect(entry.subjects == [LogEntry.Subject(name: "web/v0007", sha256: Self.digest)])
    #expect(entry.annotations == ["verdict": "holds"])
    #expect(try entry.encoded() == Array(Self.text.utf8))
    let plain = LogEntry(kind: .keyRetired, time: entry.time, subjects: entry.subjects)
    let again = try LogEntry(parsing: try plain.encoded(), place: "entry")
    #expect(again == plain)
    #expect(!String(decoding: try plain.encoded(), as: UTF8.self).contains("annotations"))
    let wrong = LogEntry(kind: .keyAdded, time: entry.time, subjects: [])
    #expect(Scene.refusal { _ = try wrong.encoded() } == .malformedEntry)
    let subject = LogEntry.Subject(name: String(repeating: "n", count: 4000), sha256: Self.digest)
    let large = LogEntry(kind: .keyAdded, time: entry.time, subjects: Array(repeating: subject, count: 20))
    #expect(Scene.refusal { _ = try large.encoded() } == .tooLarge)
  }

  @Test(arguments: [
    ("{", "[{"), ("\"type\"", "\"typ\""), ("certificate-issued", "Certificate"), ("certificate-issued", ""),
    ("12:00:00Z", "12:00:00+00:00"), ("12:00:00Z", "25:00:00Z"), (digest, digest.uppercased()), (digest, "0f"),
    ("\"sha256\"", "\"sha512\""), ("{\"verdict\":\"holds\"}", "{}"), ("\"holds\"", "1"), ("}]", "},{}]"),
    ("[{", "[]}{"), ("\"name\":\"web/v0007\"", "\"name\":7"), (",", ", "),
    ("{\"annotations\"", "{\"a\":1,\"annotations\""),
  ])
  func entriesOfAnotherFormAreRefused(old: String, new: String) {
    let text = Self.text.replacing(old, with: new, maxReplacements: 1)
    #expect(Scene.refusal { _ = try LogEntry(parsing: Array(text.utf8), place: "entry") } == .malformedEntry)
  }

  // MARK: Hostile bytes

  @Test func noBytesMakeAReaderTrap() throws {
    let seed: UInt64 = 4_711
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let scene = try Scene(70)
    var log = try scene.reader()
    let (proof, entry) = try log.proof(of: 42)
    let keys = [scene.key]
    let samples: [[UInt8]] = [
      proof.bytes, log.signed.bytes, Array(scene.key.description.utf8), Array(try scene.signer.secretText.utf8),
      try scene.bytes("tile/entries/000.p/70"), Array(Self.text.utf8), Array(NoteTests.note.utf8),
    ]
    var refused = 0
    for round in 0..<20_000 {
      var bytes = samples[round % samples.count]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1 where place < bytes.count: bytes.remove(at: place)
        case 2 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 3: bytes = Array(bytes[..<place])
        default: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      _ = EntryBundle.decode(bytes)
      let failures = [
        Scene.refusal { _ = try SignedNote(parsing: bytes, file: "n") },
        Scene.refusal { _ = try Checkpoint(parsing: text, file: "c") },
        Scene.refusal { _ = try VerifierKey(text: text) },
        Scene.refusal { _ = try SignerKey(text: text, file: "k") },
        Scene.refusal { _ = try LogEntry(parsing: bytes, place: "e") },
        Scene.refusal { _ = try SignedCheckpoint(verifying: bytes, keys: keys, file: "c") },
        Scene.refusal { try LogProof(parsing: bytes, keys: keys, file: "p").verify(entry: entry) },
      ]
      refused += failures.count { $0 != nil }
      // What still verifies says what was signed.
      if failures[5] == nil {
        let signed = try SignedCheckpoint(verifying: bytes, keys: keys, file: "c")
        #expect(signed.checkpoint == log.signed.checkpoint)
      }
      if failures[6] == nil {
        let read = try LogProof(parsing: bytes, keys: keys, file: "p")
        #expect(read.inclusion == proof.inclusion && read.signed.checkpoint == log.signed.checkpoint)
      }
    }
    #expect(refused > 100_000)
  }

  @Test func noRandomBytesInALogMakeAReaderTrap() throws {
    let seed: UInt64 = 815
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let scene = try Scene(300)
    for name in try scene.files() {
      let good = try scene.bytes(name)
      for length in [0, 1, 31, 32, 33, good.count, 8192, 10_000] {
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        try scene.write(bytes, name)
        #expect(scene.refusal()?.isRefusal == true, "\(name): \(length) bytes")
      }
      try scene.write(good, name)
    }
    // A tile that is a directory or a pipe is no tile, and is not waited for.
    #expect(unlink("\(scene.path)/tile/0/000") == 0 && mkfifo("\(scene.path)/tile/0/000", 0o600) == 0)
    #expect(scene.refusal() == .file)
  }
}
