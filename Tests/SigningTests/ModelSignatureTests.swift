import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

/// A model directory that is signed.
struct SignedModel {
  let directory = TemporaryDirectory()
  let signer = Signer()
  var path: String { directory.file("v0001") }

  init() throws {
    try directory.write([UInt8](0...255), to: "v0001/model.onnx")
    try directory.write("weights", to: "v0001/model.onnx.data")
    try directory.write("{}", to: "v0001/training.json")
    try directory.write("hidden", to: "v0001/.hidden")
    // Sorted by components, d before d.txt, although "." precedes "/".
    try directory.write("1", to: "v0001/d/e/f")
    try directory.write("2", to: "v0001/d.txt")
    try directory.write("é", to: "v0001/\u{E9}.txt")
    try directory.write("", to: "v0001/.github/workflow")
    _ = try ModelSignature.write(into: path, with: signer.key, at: Signer.start)
    try directory.write(signer.key.publicKey.pem, to: "k.pub.pem")
  }

  static let files = [".hidden", "d/e/f", "d.txt", "model.onnx", "model.onnx.data", "training.json", "\u{E9}.txt"]

  func refusal(trust: TrustFile? = nil) -> SigningError.Code? {
    SigningTests.refusal { () throws(SigningError) in
      try ModelSignature(of: path, trust: trust ?? signer.trust, now: Signer.now)
    }
  }

  func change(_ body: (inout Document) throws -> Void) throws {
    var document = try Document(try directory.read("v0001/model.sig"))
    try body(&document)
    try directory.write(try document.bytes, to: "v0001/model.sig")
  }

  func move(_ old: String, _ new: String) throws {
    try FileManager.default.moveItem(atPath: "\(path)/\(old)", toPath: "\(path)/\(new)")
  }

  /// What can be done to a directory or its signature, and how we and model_signing refuse it.
  struct Tampering: Sendable {
    let name: String
    let code: SigningError.Code
    /// A part of model_signing's message; nil where it does not notice.
    let message: String?
    let change: @Sendable (SignedModel) throws -> Void

    init(
      _ name: String, _ code: SigningError.Code, _ message: String?,
      _ change: @escaping @Sendable (SignedModel) throws -> Void
    ) {
      self.name = name
      self.code = code
      self.message = message
      self.change = change
    }
  }

  static let tamperings = [
    Tampering("file changed", .fileChanged, "Hash mismatch for 'model.onnx.data'") {
      try $0.directory.write("Weights", to: "v0001/model.onnx.data")
    },
    Tampering("file added", .fileAdded, "Extra files found in model 'v0001': d/e/new") {
      try $0.directory.write("x", to: "v0001/d/e/new")
    },
    Tampering("file removed", .fileMissing, "Missing files in model 'v0001': training.json") {
      try FileManager.default.removeItem(atPath: "\($0.path)/training.json")
    },
    Tampering("file renamed", .fileRenamed, "Extra files found in model 'v0001': old.onnx") {
      try $0.move("model.onnx", "old.onnx")
    },
    Tampering("file renamed to another Unicode form", .fileRenamed, "Extra files found in model 'v0001': e\u{301}.txt")
    {
      try $0.move("\u{E9}.txt", "e\u{301}.txt")
    },
    Tampering("file replaced by a link", .unsignable, "is a symlink") {
      try $0.directory.write("weights", to: "outside")
      try FileManager.default.removeItem(atPath: "\($0.path)/model.onnx.data")
      try FileManager.default.createSymbolicLink(
        atPath: "\($0.path)/model.onnx.data", withDestinationPath: $0.directory.file("outside"))
    },
    Tampering("payload bit", .badSignature, "Verification failed") { try $0.change { $0.flipPayload() } },
    Tampering("signature bit", .badSignature, "Verification failed") { try $0.change { $0.flipSignature() } },
    Tampering("payloadType", .payloadType, "Expected DSSE payload application/vnd.in-toto+json") {
      try $0.change { $0.set("payloadType", "application/json") }
    },
    // model_signing does not look at it; docs/signing.md says so.
    Tampering("keyid", .unknownKey, nil) {
      try $0.change { $0.setSignature("keyid", String(repeating: "0", count: 64)) }
    },
    Tampering("hint", .hintMismatch, "Key mismatch") {
      try $0.change {
        $0.members["verificationMaterial"] = [
          "publicKey": ["hint": PrivateKey().publicKey.modelSigningHint], "tlogEntries": [Any](),
        ]
      }
    },
    Tampering("media type", .unsupported, "1 validation error for Bundle") {
      try $0.change { $0.members["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.2+json" }
    },
    Tampering("another key", .unknownKey, "Key mismatch") {
      _ = try ModelSignature.write(into: $0.path, with: PrivateKey(), at: Signer.start)
    },
  ]
}

@Suite struct ModelSignatureTests {
  @Test func verifiesItsOwn() throws {
    let model = try SignedModel()
    let signature = try ModelSignature(of: model.path, trust: model.signer.trust, now: Signer.now)
    #expect(signature.manifest.files.map(\.path) == SignedModel.files)
    #expect(signature.manifest.name == "v0001")
    #expect(signature.signedAt == Signer.start)
    #expect(signature.keyIDs == [model.signer.key.publicKey.id])
    // SHA-256 of "weights".
    #expect(
      signature.manifest.files[4].sha256 == SHA256Digest.of(Array("weights".utf8)))
    // What git keeps is left out, and the directory's name does not matter.
    try model.directory.write("other", to: "v0001/.github/workflow")
    #expect(model.refusal() == nil)
    try FileManager.default.moveItem(atPath: model.path, toPath: model.directory.file("v0002"))
    #expect(
      try ModelSignature(of: model.directory.file("v0002/"), trust: model.signer.trust, now: Signer.now) == signature)
  }

  @Test(arguments: SignedModel.tamperings.indices) func refusesWhatWasTamperedWith(index: Int) throws {
    let model = try SignedModel()
    let tampering = SignedModel.tamperings[index]
    try tampering.change(model)
    #expect(model.refusal() == tampering.code, "\(tampering.name)")
  }

  @Test func refusesOtherBundles() throws {
    let changes: [(SigningError.Code, @Sendable (inout Document) -> Void)] = [
      (.malformed, { $0.members["messageSignature"] = [String: Any]() }),
      (.malformed, { $0.members["dsseEnvelope"] = nil }),
      (.unsupported, { $0.members["verificationMaterial"] = ["certificate": ["rawBytes": ""]] }),
      (.malformed, { $0.members["verificationMaterial"] = ["publicKey": [String: Any]()] }),
      (
        .malformed,
        {
          $0.members["verificationMaterial"] = [
            "publicKey": ["hint": String(repeating: "0", count: 64), "rawBytes": "AAAA"]
          ]
        }
      ),
      (
        .unsupported,
        {
          $0.members["verificationMaterial"] = [
            "publicKey": ["hint": String(repeating: "0", count: 64)], "tlogEntries": [["logIndex": "1"]],
          ]
        }
      ),
    ]
    for (code, change) in changes {
      let model = try SignedModel()
      try model.change(change)
      #expect(model.refusal() == code)
    }
    let model = try SignedModel()
    try FileManager.default.removeItem(atPath: "\(model.path)/model.sig")
    #expect(model.refusal() == .missing)
  }

  /// Statements that a trusted key signed but that say less than all files.
  @Test func refusesPredicatesThatLeaveThingsOut() throws {
    let model = try SignedModel()
    let bytes = try ModelSignature.sign(model.path, with: model.signer.key, at: Signer.start)
    var trust = model.signer.trust
    func code(_ change: (inout [String: Any], inout [String: Any]) -> Void) throws -> SigningError.Code? {
      var bundle = try Document(bytes)
      let envelope = try #require(bundle.members["dsseEnvelope"] as? [String: Any])
      let text = try #require(envelope["payload"] as? String)
      let payload = try #require(Data(base64Encoded: text))
      var statement = try Document([UInt8](payload))
      var predicate = try #require(statement.members["predicate"] as? [String: Any])
      var serialization = try #require(predicate["serialization"] as? [String: Any])
      change(&predicate, &serialization)
      predicate["serialization"] = serialization
      statement.members["predicate"] = predicate
      let signed = try DSSEEnvelope(signing: try statement.bytes, with: [model.signer.key])
      bundle.members["dsseEnvelope"] = try Document(signed.encoded).members
      let changed = try bundle.bytes
      return refusal { () throws(SigningError) in
        try ModelSignature(bytes: changed, of: model.path, trust: trust, now: Signer.now, file: "s")
      }
    }
    #expect(try code { _, _ in } == nil)
    #expect(try code { predicate, _ in predicate["more"] = 1 } == nil)
    #expect(try code { _, serialization in serialization["ignore_paths"] = nil } == nil)
    #expect(try code { _, serialization in serialization["ignore_paths"] = ["model.onnx"] } == .unsupported)
    #expect(try code { _, serialization in serialization["method"] = "shards" } == .unsupported)
    #expect(try code { _, serialization in serialization["hash_type"] = "blake3" } == .unsupported)
    #expect(try code { _, serialization in serialization["allow_symlinks"] = true } == .unsupported)
    #expect(
      try code { predicate, _ in
        predicate["resources"] = (predicate["resources"] as? [Any] ?? []).dropLast().map { $0 }
      } == .subjectMismatch)
    #expect(
      try code { predicate, _ in
        let resources = predicate["resources"] as? [Any] ?? []
        predicate["resources"] = resources + [resources[0]]
      } == .duplicateMember)
    #expect(try code { predicate, _ in predicate["signedAt"] = "yesterday" } == .malformed)
    #expect(try code { predicate, _ in predicate["signedAt"] = "2026-07-01T00:00:00Z" } == .notYetMade)
    // Without a time, an active key's signature counts, a retired one's does not.
    #expect(try code { predicate, _ in predicate["signedAt"] = nil } == nil)
    trust = TrustFile(keys: [Signer.entry(model.signer.key.publicKey, state: .retired(Signer.now))])
    #expect(try code { _, _ in } == nil)
    #expect(try code { predicate, _ in predicate["signedAt"] = nil } == .keyRetired)
  }

  @Test func refusesWhatCannotBeSigned() throws {
    let key = PrivateKey()
    func code(_ prepare: (TemporaryDirectory) throws -> Void) throws -> SigningError.Code? {
      let directory = TemporaryDirectory()
      try prepare(directory)
      return refusal { () throws(SigningError) in try ModelSignature.sign(directory.path, with: key, at: Signer.start) }
    }
    #expect(try code { _ in } == .missing)
    #expect(try code { try $0.write("x", to: "model.sig") } == .missing)
    #expect(try code { try $0.write("x", to: "a\nb") } == .unsignable)
    #expect(try code { mkfifo($0.file("pipe"), 0o600) } == .unsignable)
    // A name that is not UTF-8.
    #expect(try code { creat($0.path.utf8.map(CChar.init) + [0x2F, -1, 0], 0o600) } == .unsignable)
    #expect(
      try code { try $0.write("x", to: Array(repeating: "d", count: 34).joined(separator: "/")) } == .tooLarge)
    #expect(
      refusal { () throws(SigningError) in try ModelSignature.sign("/nonexistent", with: key, at: Signer.start) }
        == .missing)
  }
}
