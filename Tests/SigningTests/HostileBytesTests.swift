import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

/// Damaged files are refused or mean what they meant, and never trap. The seed is in the name of each case.
@Suite struct HostileBytesTests {
  /// `VPALS_HOSTILE_ROUNDS` asks for more.
  static let rounds = Int(ProcessInfo.processInfo.environment["VPALS_HOSTILE_ROUNDS"] ?? "") ?? 2000

  /// One to three random edits: a byte flipped, replaced, removed or doubled, a piece cut or repeated.
  private func damaged(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      guard !bytes.isEmpty else { return bytes }
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      let end = min(bytes.count, place + Int.random(in: 1...40, using: &generator))
      switch Int.random(in: 0..<7, using: &generator) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 2: bytes.remove(at: place)
      case 3: bytes.removeSubrange(place..<end)
      case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 5: bytes.removeSubrange(place...)
      default: bytes[place] = Array("{}[]\",:\\u0123456789-.e".utf8).randomElement(using: &generator) ?? 0
      }
    }
    return bytes
  }

  @Test(arguments: [1, 2]) func envelopesKeepTheirMeaningOrAreRefused(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let signer = Signer()
    let payload = Array("{\"a\":[1,2,3]}".utf8)
    let bytes = try DSSEEnvelope(signing: payload, with: [signer.key]).encoded
    var accepted = 0
    for _ in 0..<Self.rounds {
      let changed = damaged(bytes, &generator)
      do throws(SigningError) {
        let verified = try DSSEEnvelope(bytes: changed, file: "e").verified(
          by: signer.trust, for: .certificates, now: Signer.now, file: "e"
        ) { (_: [UInt8]) throws(SigningError) in .unknown }
        accepted += 1
        #expect(verified.payload == payload, "seed \(seed)")
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
    // Only edits of white space or of the last newline keep the meaning.
    #expect(accepted < Self.rounds / 10, "seed \(seed)")
  }

  @Test(arguments: [3, 4]) func signedPayloadsOfAnyShapeAreRefused(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let signer = Signer()
    let model = try SignedModel()
    let certificate = SignedCertificate.statement(of: Signer.certificate).encoded
    let summary = VerificationSummary(
      of: Signer.certificate, areProofsChecked: true, signedCertificate: [], timeVerified: Signer.start
    ).statement.encoded
    for _ in 0..<(Self.rounds / 7) {
      // A trusted signer with damaged statements: readers of statements must hold out, too.
      for payload in [certificate, summary] {
        let envelope = try DSSEEnvelope(signing: damaged(payload, &generator), with: [signer.key]).encoded
        _ = refusal { () throws(SigningError) in
          try SignedSummary(bytes: envelope, trust: signer.trust, now: Signer.now, file: "v")
        }
        if let read = try? SignedCertificate(bytes: envelope, trust: signer.trust, now: Signer.now, file: "c") {
          // Whatever is accepted says the same of its certificate and its subjects.
          let statement = SignedCertificate.statement(of: read.certificate.claims)
          #expect(try DSSEEnvelope(bytes: envelope, file: "c").payload == statement.encoded, "seed \(seed)")
        }
      }
      let bundle = damaged(try model.directory.read("v0001/model.sig"), &generator)
      if let read = try? ModelSignature(
        bytes: bundle, of: model.path, trust: model.signer.trust, now: Signer.now, file: "s")
      {
        #expect(read.manifest.files.map(\.path) == SignedModel.files, "seed \(seed)")
      }
    }
  }

  @Test(arguments: [5, 6]) func trustFilesAndKeysAreRefusedOrSurvive(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let key = PrivateKey()
    let trust = TrustFile(keys: [
      Signer.entry(key.publicKey), Signer.entry(PrivateKey().publicKey, state: .revoked(Signer.now, reason: "lost")),
    ])
    for _ in 0..<Self.rounds {
      if let read = try? TrustFile(bytes: damaged(trust.encoded, &generator), file: "t") {
        #expect(try TrustFile(bytes: read.encoded, file: "t") == read, "seed \(seed)")
      }
      let der = damaged(key.publicKey.der, &generator)
      if let read = try? PublicKey(der: der, source: "k") { #expect(read.der == der, "seed \(seed)") }
      let pem = String(decoding: damaged(Array(key.pem.utf8), &generator), as: UTF8.self)
      if let read = try? PrivateKey(pem: pem, source: "k") {
        #expect(try PrivateKey(pem: read.pem, source: "k").publicKey == read.publicKey, "seed \(seed)")
      }
    }
  }

  @Test(arguments: [7]) func damagedSignaturesAreNotGood(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let key = PrivateKey()
    let message = Array("message".utf8)
    let signature = try key.signature(for: message)
    for _ in 0..<Self.rounds {
      let changed = damaged(signature, &generator)
      #expect(changed == signature || !key.publicKey.isValid(changed, for: message), "seed \(seed): \(changed)")
    }
    for length in 0...100 {
      let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(!key.publicKey.isValid(noise, for: message), "seed \(seed): \(noise)")
    }
  }
}
