import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

/// What programs say of our artifacts that share no code with us: `model_signing`, securesystemslib and
/// in-toto-attestation, from PyPI.
@Suite(.enabled(if: PythonTools.mayRun("model_signing"), "needs the PyPI packages: run `make deps`"))
struct StockToolTests {
  private func modelSigning(_ model: SignedModel, _ arguments: String...) throws -> StockTool.Outcome {
    let program = try #require(PythonTools.program("model_signing"), "run `make deps`")
    return try StockTool.run(
      program,
      [
        "verify", "key", model.path, "--signature", "\(model.path)/model.sig", "--public_key",
        model.directory.file("k.pub.pem"),
      ]
        + arguments)
  }

  @Test func modelSigningAcceptsOurs() throws {
    let outcome = try modelSigning(try SignedModel())
    #expect(outcome.status == 0)
    // No warning about the hint either.
    #expect(outcome.text == "Verification succeeded\n")
  }

  @Test(arguments: SignedModel.tamperings.indices) func modelSigningRefusesWhatWasTamperedWith(index: Int) throws {
    let tampering = SignedModel.tamperings[index]
    let model = try SignedModel()
    try tampering.change(model)
    let outcome = try modelSigning(model)
    if let message = tampering.message {
      #expect(outcome.status == 1, "\(tampering.name)")
      #expect(outcome.text.contains(message), "\(tampering.name)")
    } else {
      #expect(outcome.status == 0, "\(tampering.name)")
    }
  }

  /// Our order of files and root digest are those that model_signing writes.
  @Test func modelSigningSerialisesTheSame() throws {
    let model = try SignedModel()
    try model.directory.write(model.signer.key.pem, to: "k.pem", mode: 0o600)
    let program = try #require(PythonTools.program("model_signing"), "run `make deps`")
    let theirs = model.directory.file("theirs.sig")
    let outcome = try StockTool.run(
      program,
      [
        "sign", "key", model.path, "--signature", theirs, "--private_key", model.directory.file("k.pem"),
        "--ignore-paths", "\(model.path)/model.sig",
      ])
    #expect(outcome.status == 0, "\(outcome.text)")
    func statement(_ name: String) throws -> Document {
      let bundle = try Document(try model.directory.read(name))
      let envelope = try #require(bundle.members["dsseEnvelope"] as? [String: Any])
      let text = try #require(envelope["payload"] as? String)
      return try Document([UInt8](try #require(Data(base64Encoded: text))))
    }
    let (a, b) = (try statement("v0001/model.sig"), try statement("theirs.sig"))
    func resources(_ document: Document) throws -> [[String: String]] {
      try #require((document.members["predicate"] as? [String: Any])?["resources"] as? [[String: String]])
    }
    #expect(try resources(a).map { $0["name"] } == SignedModel.files)
    #expect(try resources(a) == resources(b))
    #expect((a.members["subject"] as? [NSDictionary]) == (b.members["subject"] as? [NSDictionary]))
    // What model_signing signs has no keyid, so nothing says which key of the trust file it is by.
    let bytes = try model.directory.read("theirs.sig")
    #expect(
      refusal { () throws(SigningError) in
        try ModelSignature(bytes: bytes, of: model.path, trust: model.signer.trust, now: Signer.now, file: "s")
      } == .noKeyID)
  }

  private struct Listing: Decodable {
    let names: [String]
    let digest: String
  }

  /// Trees of random names: Python's order of paths and ours, and the verdict of model_signing's library.
  @Test func modelSigningAgreesOnRandomTrees() throws {
    let python = try #require(PythonTools.program("python"), "run `make deps`")
    let words = [
      "a", "b", "A", "a.b", "a-b", "a b", ".a", "ä", "a\u{308}", "é", "\u{FFFD}", "😀", "a:1:2", "..a", "~", "0",
    ]
    let directory = TemporaryDirectory()
    let key = PrivateKey()
    try directory.write(key.publicKey.pem, to: "k.pub.pem")
    var manifests: [ModelManifest] = []
    for seed in UInt64(1)...8 {
      var generator = SeededGenerator(seed: seed)
      for _ in 0..<40 {
        let depth = Int.random(in: 1...4, using: &generator)
        let parts = (0..<depth).map { _ in words.randomElement(using: &generator) ?? "a" }
        let content = [UInt8.random(in: 0...255, using: &generator)]
        // A name that is a directory already, or below a file, is left out.
        try? directory.write(content, to: "\(seed)/" + parts.joined(separator: "/"))
      }
      let path = directory.file("\(seed)")
      _ = try ModelSignature.write(into: path, with: key, at: Signer.start)
      let trust = TrustFile(keys: [Signer.entry(key.publicKey)])
      manifests.append(try ModelSignature(of: path, trust: trust, now: Signer.now).manifest)
      #expect(manifests.last?.files.count ?? 0 >= 10, "seed \(seed)")
    }
    let program = """
      import json, pathlib
      from model_signing import hashing, verifying
      from model_signing._signing.signing import Payload
      for seed in range(1, 9):
          model = pathlib.Path(str(seed))
          config = verifying.Config().use_elliptic_key_verifier(public_key="k.pub.pem")
          config.verify(model, model / "model.sig")
          manifest = hashing.Config().set_ignored_paths(paths=["model.sig"]).hash(model)
          subject = Payload(manifest).statement.pb.subject[0]
          names = [resource.identifier for resource in manifest.resource_descriptors()]
          print(json.dumps({"names": names, "digest": subject.digest["sha256"]}))
      """
    let outcome = try StockTool.run(python, ["-c", program], in: directory.path)
    #expect(outcome.status == 0, "\(outcome.text)")
    let listings = try outcome.text.split(separator: "\n").map {
      try JSONDecoder().decode(Listing.self, from: Data($0.utf8))
    }
    try #require(listings.count == manifests.count)
    for (seed, (listing, manifest)) in zip(listings, manifests).enumerated() {
      #expect(listing.names == manifest.files.map(\.path), "seed \(seed + 1)")
      #expect(listing.digest == manifest.rootDigest, "seed \(seed + 1)")
    }
  }

  private struct Answer: Decodable {
    let accepted: Bool
    let reason: String?
  }

  /// What securesystemslib and in-toto-attestation say of each envelope.
  private func answers(_ envelopes: [[UInt8]], key: PublicKey) throws -> [Answer] {
    let python = try #require(PythonTools.program("python"), "run `make deps`")
    let directory = TemporaryDirectory()
    try directory.write(key.pem, to: "k.pub.pem")
    var names: [String] = []
    for (index, envelope) in envelopes.enumerated() {
      names.append(directory.file("\(index).json"))
      try directory.write(envelope, to: "\(index).json")
    }
    let script = PythonTools.root.appending(path: "Tests/Python/signing_agree.py").path
    let outcome = try StockTool.run(python, [script, directory.file("k.pub.pem")] + names)
    #expect(outcome.status == 0, "\(outcome.text)")
    return try outcome.text.split(separator: "\n").map { try JSONDecoder().decode(Answer.self, from: Data($0.utf8)) }
  }

  @Test func librariesAcceptOursAndRefuseWhatWasTamperedWith() throws {
    let signer = Signer()
    let other = PrivateKey()
    let certificate = try SignedCertificate.sign(Signer.certificate, with: [signer.key])
    let violated = try SignedCertificate.sign(StoreExamples.certificate(), with: [signer.key])
    let passed = try VerificationSummary(
      of: Signer.certificate, areProofsChecked: true, signedCertificate: certificate, timeVerified: Signer.start
    ).signed(with: [signer.key])
    let failed = try VerificationSummary(
      of: Signer.certificate, areProofsChecked: false, signedCertificate: certificate, timeVerified: Signer.start
    ).signed(with: [signer.key])
    let good = [
      certificate, violated, passed, failed, try SignedCertificate.sign(Signer.certificate, with: [other, signer.key]),
    ]
    var bad: [(name: String, bytes: [UInt8])] = []
    for envelope in [certificate, passed] {
      for (name, _, change) in EnvelopeTests.tampered where name != "too many signatures" {
        var document = try Document(envelope)
        change(&document)
        bad.append((name, try document.bytes))
      }
    }
    bad.append(("another key", try SignedCertificate.sign(Signer.certificate, with: [other])))
    let answers = try answers(good + bad.map(\.bytes), key: signer.key.publicKey)
    try #require(answers.count == good.count + bad.count)
    for answer in answers.prefix(good.count) { #expect(answer.accepted, "\(answer.reason ?? "")") }
    for (answer, (name, bytes)) in zip(answers.dropFirst(good.count), bad) {
      #expect(!answer.accepted, "\(name)")
      #expect(
        refusal { () throws(SigningError) in
          try SignedCertificate(bytes: bytes, trust: signer.trust, now: Signer.now, file: "c")
        } != nil, "\(name)")
    }
  }

  @Test func weReadWhatSecuresystemslibSigns() throws {
    let python = try #require(PythonTools.program("python"), "run `make deps`")
    let signer = Signer()
    let directory = TemporaryDirectory()
    try directory.write(signer.key.pem, to: "k.pem", mode: 0o600)
    try directory.write(SignedCertificate.statement(of: Signer.certificate).encoded, to: "payload")
    let program = """
      import hashlib, json, sys
      from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
      from securesystemslib.dsse import Envelope
      from securesystemslib.signer import CryptoSigner, SSlibKey
      private = load_pem_private_key(open("k.pem", "rb").read(), None)
      der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
      key = SSlibKey.from_crypto(private.public_key(), keyid=hashlib.sha256(der).hexdigest())
      envelope = Envelope(open("payload", "rb").read(), "application/vnd.in-toto+json", {})
      envelope.sign(CryptoSigner(private, key))
      print(json.dumps(envelope.to_dict(), indent=2))
      """
    let outcome = try StockTool.run(python, ["-c", program], in: directory.path)
    #expect(outcome.status == 0, "\(outcome.text)")
    let signed = try SignedCertificate(
      bytes: Array(outcome.text.utf8), trust: signer.trust, now: Signer.now, file: "theirs")
    #expect(signed.certificate.claims == Signer.certificate)
  }
}
