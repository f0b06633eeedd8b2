import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// Signed notes, keys and checkpoints.
@Suite struct NoteTests {
  // The keys and the note of the documentation of golang.org/x/mod/sumdb/note.
  static let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
  static let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
  static let text =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  static let note =
    text
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

  @Test func signsAndVerifiesTheNoteOfTheGoPackage() throws {
    let signer = try SignerKey(text: Self.secret, file: "key")
    let verifier = try VerifierKey(text: Self.known)
    #expect(signer.verifier == verifier)
    #expect(signer.secretText == Self.secret)
    #expect(verifier.description == Self.known)
    #expect(verifier.shortName == "PeterNeumann+c74f20a3")
    let note = try SignedNote(parsing: Array(Self.note.utf8), file: "note")
    #expect(note.text == Self.text)
    #expect(try note.verify(with: [verifier], file: "note") == [verifier])
    #expect(note.bytes == Array(Self.note.utf8))
    // Ed25519 signs one text in one way.
    #expect(try SignedNote(signing: Self.text, with: [signer]) == note)
  }

  @Test func printingAPrivateKeyDoesNotShowIt() throws {
    let signer = try SignerKey(text: Self.secret, file: "key")
    var dumped = ""
    dump(LogWriter(directory: "log", signers: [signer]), to: &dumped)
    for text in [dumped, "\(signer)", String(reflecting: signer), "\(LogWriter(directory: "log", signers: [signer]))"] {
      #expect(text.contains("PeterNeumann"))
      // The first bytes of the private key are 129, 10, 20, 2.
      let numbers = text.split { !$0.isNumber }.joined(separator: " ")
      #expect(!numbers.contains("129 10 20 2") && !text.contains("gQoU") && !text.contains("AYEKFALV"))
    }
  }

  @Test func readsTheExamplesOfTheSpecifications() throws {
    let poem = """
      Ognuno sta solo sul cuor della terra
      trafitto da un raggio di sole:

      ed è subito sera.

      — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=

      """
    let note = try SignedNote(parsing: Array(poem.utf8), file: "poem")
    #expect(note.text.hasSuffix("sole:\n\ned è subito sera.\n"))
    #expect(note.signatures.map(\.name) == ["quasimodo.example/salvatore"])
    #expect(note.signatures.map(\.keyID) == [0x367B_A04B])
    let checkpoint = try Checkpoint(
      parsing: "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", file: "sofa")
    #expect(checkpoint.origin == "example.com/behind-the-sofa")
    #expect(checkpoint.size == 20_852_163)
    #expect(checkpoint.root.base64 == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
  }

  @Test func otherSignaturesAreIgnoredAndWrongOnesOfKnownKeysAreNot() throws {
    let first = try SignerKey.generate(name: "example.com/log")
    let second = try SignerKey.generate(name: "example.com/log")
    let witness = try SignerKey.generate(name: "witness.example")
    let note = try SignedNote(signing: "text\n", with: [witness, first, second])
    let keys = [first.verifier, second.verifier]
    #expect(try note.verify(with: keys, file: "note") == keys)
    #expect(try note.verify(with: [second.verifier], file: "note") == [second.verifier])
    // A known name with another ID, and a known ID with another name, are other keys.
    let stranger = try SignerKey.generate(name: "example.com/log")
    #expect(Scene.refusal { _ = try note.verify(with: [stranger.verifier], file: "note") } == .unsigned)
    #expect(Scene.refusal { _ = try note.verify(with: [], file: "note") } == .unsigned)
    let renamed = String(decoding: note.bytes, as: UTF8.self).replacing("— example.com/log", with: "— example.com/lag")
    let other = try SignedNote(parsing: Array(renamed.utf8), file: "note")
    #expect(Scene.refusal { _ = try other.verify(with: keys, file: "note") } == .unsigned)
    #expect(try other.verify(with: keys + [witness.verifier], file: "note") == [witness.verifier])
    // One good signature does not save a wrong one of another known key.
    let changed = try SignedNote(
      parsing: Array("other\n\n".utf8) + Array(note.bytes.dropFirst(6)), file: "note")
    #expect(Scene.refusal { _ = try changed.verify(with: [first.verifier], file: "note") } == .badSignature)
    let mixed =
      try SignedNote(signing: "other\n", with: [first]).bytes + Array(note.bytes.split(separator: 10).last ?? []) + [10]
    let half = try SignedNote(parsing: mixed, file: "note")
    #expect(try half.verify(with: [first.verifier], file: "note") == [first.verifier])
    #expect(Scene.refusal { _ = try half.verify(with: keys, file: "note") } == .badSignature)
  }

  @Test(arguments: [
    "", "\n", "\n\n", "text\n", "text\n\n", "text\n\n\n", "\n— n AAAAAAA=\n", "text\n\n— n AAAAAAA",
    "text\n\n- n AAAAAAA=\n",
    "text\n\n—  AAAAAAA=\n", "text\n\n— n  AAAAAAA=\n", "text\n\n— n AAAAAAA=\n\n", "text\n\n— a+b AAAAAAA=\n",
    "text\n\n— n AAAAAA==\n", "text\n\n— n AAAAAAB=\n", "text\n\n— n AAAAAAA\n", "te\txt\n\n— n AAAAAAA=\n",
    "text\r\n\r\n— n AAAAAAA=\r\n", "text\n\n— n\u{A0}m AAAAAAA=\n", "text\n\n— n AAAAAAA= \n", "text\n— n AAAAAAA=\n",
  ])
  func whatIsNoNoteIsRefused(text: String) throws {
    #expect(Scene.refusal { _ = try SignedNote(parsing: Array(text.utf8), file: "note") } == .malformedNote)
  }

  @Test func readsSixteenSignaturesAndRefusesMoreThanAHundred() throws {
    let line = "— n AAAAAAA=\n"
    func read(_ count: Int) throws -> Int {
      try SignedNote(parsing: Array(("text\n\n" + String(repeating: line, count: count)).utf8), file: "note").signatures
        .count
    }
    #expect(try read(16) == 16)
    #expect(try read(100) == 100)
    #expect(Scene.refusal { _ = try read(101) } == .malformedNote)
    let long = [UInt8](repeating: 0x61, count: SignedNote.maximumBytes) + Array("\n\n\(line)".utf8)
    #expect(Scene.refusal { _ = try SignedNote(parsing: long, file: "note") } == .malformedNote)
    #expect(
      Scene.refusal { _ = try SignedNote(parsing: [0xFF, 10, 10] + Array(line.utf8), file: "n") } == .malformedNote)
  }

  @Test(arguments: [
    "", "a", "a\n1\n", "a\n1\n\(root)", "\n1\n\(root)\n", "a\n01\n\(root)\n", "a\n-1\n\(root)\n", "a\n+1\n\(root)\n",
    "a\n 1\n\(root)\n", "a\n9007199254740992\n\(root)\n", "a\n99999999999999999999999999\n\(root)\n", "a\n\n\(root)\n",
    "a\n1\n\(root)\n\n", "a\n1\n\(root)\n\nx\n", "a\n1\nAAAA\n", "a\n1\n\(root)=\n", "a\n0\n\(root)\n",
    "a\n٣\n\(root)\n",
  ])
  func whatIsNoCheckpointIsRefused(text: String) throws {
    #expect(Scene.refusal { _ = try Checkpoint(parsing: text, file: "checkpoint") } == .malformedCheckpoint)
  }

  static let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

  @Test func keepsExtensionLines() throws {
    let text = "a b+c\n9007199254740991\n\(Self.root)\none\ntwo\n"
    let checkpoint = try Checkpoint(parsing: text, file: "checkpoint")
    #expect(checkpoint.size == TreeBounds.maximumSize)
    #expect(checkpoint.extensionLines == ["one", "two"])
    #expect(checkpoint.text == text)
  }

  @Test func aKeyOfAnotherLogIsNotEnough() throws {
    let key = try SignerKey.generate(name: "example.com/log")
    let witness = try SignerKey.generate(name: "witness.example")
    let text = "example.com/log\n1\n\(Self.root)\n"
    func refusal(_ text: String, _ signers: [SignerKey], _ keys: [VerifierKey]) throws -> LogError.Code? {
      let bytes = try SignedNote(signing: text, with: signers).bytes
      return Scene.refusal { _ = try SignedCheckpoint(verifying: bytes, keys: keys, file: "checkpoint") }
    }
    #expect(try refusal(text, [key], [key.verifier]) == nil)
    #expect(try refusal(text, [witness, key], [witness.verifier, key.verifier]) == nil)
    #expect(try refusal(text, [witness, key], [witness.verifier]) == .wrongOrigin)
    #expect(try refusal("example.com/lag\n1\n\(Self.root)\n", [key], [key.verifier]) == .wrongOrigin)
    #expect(try refusal("no checkpoint\n", [key], [key.verifier]) == .malformedCheckpoint)
  }

  @Test(arguments: [
    "", "PeterNeumann", "PeterNeumann+c74f20a3", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+AhpcmQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
    "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    " PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", secret,
  ])
  func whatIsNoPublicKeyIsRefused(text: String) {
    #expect(Scene.refusal { _ = try VerifierKey(text: text) } == .malformedKey)
    #expect(Scene.refusal { _ = try SignerKey(text: "PRIVATE+KEY+" + text, file: "key") } == .malformedKey)
  }

  @Test(arguments: ["", " ", "a b", "a+b", "a\tb", "a\u{2003}b", "a\nb", "a\u{7F}", String(repeating: "a", count: 201)])
  func aNameThatNoKeyCanHaveIsRefused(name: String) {
    #expect(Scene.refusal { _ = try SignerKey.generate(name: name) } == .malformedKey)
  }
}
