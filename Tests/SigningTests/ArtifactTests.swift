import Certificates
import ExactArithmetic
import Foundation
import Networks
import Testing
import TestHelpers

@testable import Signing

@Suite struct ArtifactTests {
  let signer = Signer()

  private func read(_ bytes: [UInt8]) throws(SigningError) -> SignedCertificate {
    try SignedCertificate(bytes: bytes, trust: signer.trust, now: Signer.now, file: "nginx.intoto.json")
  }

  private func resigned(_ statement: InTotoStatement) throws -> [UInt8] {
    try DSSEEnvelope(signing: statement.encoded, with: [signer.key]).encoded
  }

  // MARK: Certificates

  @Test func aCertificateSurvivesSigning() throws {
    let certificate = Signer.certificate
    let signed = try read(try SignedCertificate.sign(certificate, with: [signer.key]))
    #expect(signed.certificate.claims == certificate)
    #expect(signed.certificate.bytes == (try certificate.encoded()))
    #expect(signed.keyIDs == [signer.key.publicKey.id])
  }

  @Test func theStatementIsInTotosAndNamesEveryFile() throws {
    let certificate = Signer.certificate
    var document = try Document(SignedCertificate.statement(of: certificate).encoded)
    #expect(document.members["_type"] as? String == "https://in-toto.io/Statement/v1")
    #expect(document.members["predicateType"] as? String == "urn:vpals:certificate:v1")
    let subjects = try #require(document.members["subject"] as? [[String: Any]])
    #expect(subjects.map { $0["name"] as? String } == ["model.onnx", "training.json", "nginx.yaml"])
    #expect(
      subjects.map { ($0["digest"] as? [String: String])?["sha256"] } == [
        certificate.model.files[0].sha256, certificate.model.files[1].sha256, certificate.specification.sha256,
      ])
    document.members = document.members["predicate"] as? [String: Any] ?? [:]
    #expect(document.members["format"] as? String == "vpals-certificate/v1")
  }

  @Test func refusesStatementsThatAreNotOfTheCertificate() throws {
    let statement = SignedCertificate.statement(of: Signer.certificate)
    func code(
      subjects: [InTotoStatement.Subject]? = nil, type: String? = nil, predicate: JSONValue? = nil
    ) throws -> SigningError.Code? {
      let bytes = try resigned(
        InTotoStatement(
          subjects: subjects ?? statement.subjects, predicateType: type ?? statement.predicateType,
          predicate: predicate ?? statement.predicate))
      return refusal { () throws(SigningError) in try read(bytes) }
    }
    #expect(try code() == nil)
    #expect(try code(subjects: Array(statement.subjects.dropLast())) == .subjectMismatch)
    #expect(try code(subjects: [statement.subjects[0]]) == .subjectMismatch)
    #expect(
      try code(subjects: statement.subjects + [.init(name: "x", sha256: StoreExamples.digest("x"))]) == .subjectMismatch
    )
    #expect(try code(subjects: []) == .malformed)
    #expect(try code(subjects: statement.subjects.reversed()) == .notCanonical)
    #expect(try code(subjects: [.init(name: "x", sha256: "00")]) == .malformed)
    #expect(try code(type: "https://slsa.dev/provenance/v1") == .unsupported)
    #expect(try code(predicate: .object([:])) == .malformed)
    #expect(try code(predicate: .null) == .malformed)
    // The same meaning in other bytes.
    let spaced = Array(
      String(decoding: statement.encoded, as: UTF8.self).replacing("{\"_type\"", with: "{ \"_type\"").utf8)
    let bytes = try DSSEEnvelope(signing: spaced, with: [signer.key]).encoded
    #expect(refusal { () throws(SigningError) in try read(bytes) } == .notCanonical)
    let trailing = try DSSEEnvelope(signing: statement.encoded + [0x20, 0x7B], with: [signer.key]).encoded
    #expect(refusal { () throws(SigningError) in try read(trailing) } == .trailingBytes)
  }

  @Test func oneKindOfStatementIsNotTakenForAnother() throws {
    let signed = try SignedCertificate.sign(Signer.certificate, with: [signer.key])
    let summary = VerificationSummary(
      of: Signer.certificate, areProofsChecked: true, signedCertificate: signed, timeVerified: Signer.start)
    let bytes = try summary.signed(with: [signer.key])
    #expect(refusal { () throws(SigningError) in try read(bytes) } == .unsupported)
    #expect(
      refusal { () throws(SigningError) in
        try SignedSummary(bytes: signed, trust: signer.trust, now: Signer.now, file: "v")
      } == .unsupported)
  }

  // MARK: Summaries

  @Test func aSummarySaysWhatWasProvedAndSurvivesSigning() throws {
    let certificate = Signer.certificate
    let summary = VerificationSummary(
      of: certificate, areProofsChecked: true, signedCertificate: [1, 2, 3], timeVerified: Signer.start)
    #expect(summary.hasPassed)
    #expect(summary.levels == ["VPALS_PROVEN_REAL", "VPALS_PROOF_CHECKED"])
    let payload = String(decoding: summary.statement.encoded, as: UTF8.self)
    #expect(
      payload == """
        {"_type":"https://in-toto.io/Statement/v1","predicate":{"inputAttestations":[{"digest":{"sha256":"\
        039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"}}],"policy":{"digest":{"sha256":"\
        \(certificate.specification.sha256)"},"uri":"urn:vpals:specification:nginx"},"resourceUri":\
        "urn:vpals:model:nginx:v0001","timeVerified":"2026-01-01T00:00:00Z","verificationResult":"PASSED",\
        "verifiedLevels":["VPALS_PROVEN_REAL","VPALS_PROOF_CHECKED"],"verifier":{"id":"urn:vpals:verifier"}},\
        "predicateType":"https://slsa.dev/verification_summary/v1","subject":[{"digest":{"sha256":"\
        \(certificate.model.files[0].sha256)"},"name":"model.onnx"},{"digest":{"sha256":"\
        \(certificate.model.files[1].sha256)"},"name":"training.json"}]}
        """)
    let bytes = try summary.signed(with: [signer.key])
    let read = try SignedSummary(bytes: bytes, trust: signer.trust, now: Signer.now, file: "v")
    #expect(read.summary == summary)
    #expect(read.keyIDs == [signer.key.publicKey.id])
    let past = Signer.time("2026-01-01T00:00:00Z")
    #expect(
      refusal { () throws(SigningError) in
        try SignedSummary(bytes: bytes, trust: TrustFile(), now: past, file: "v")
      } == .unknownKey)
  }

  @Test func nothingPassesThatIsNotProvedAndChecked() {
    for (certificate, areProofsChecked) in [
      (StoreExamples.certificate(), true), (Signer.certificate, false), (StoreExamples.certificate(), false),
    ] {
      let summary = VerificationSummary(
        of: certificate, areProofsChecked: areProofsChecked, signedCertificate: [], timeVerified: Signer.start)
      #expect(!summary.hasPassed)
      #expect(summary.levels == ["FAILED"])
    }
  }

  @Test func levelsNameTheArithmetic() {
    func levels(_ arithmetic: Certificate.Arithmetic) -> [String] {
      let c = Signer.certificate
      let certificate = Certificate(
        model: c.model, specification: c.specification, properties: c.properties, arithmetic: arithmetic,
        verifier: c.verifier, solver: c.solver, startedAt: c.startedAt, finishedAt: c.finishedAt)
      return VerificationSummary(
        of: certificate, areProofsChecked: true, signedCertificate: [], timeVerified: Signer.start
      ).levels
    }
    let ids = Signer.certificate.properties.map(\.id)
    let (real, checked) = ("VPALS_PROVEN_REAL", "VPALS_PROOF_CHECKED")
    #expect(levels(.bounded(.binary32, errors: [1], properties: ids)) == [real, "VPALS_PROVEN_FP32", checked])
    #expect(levels(.bounded(.binary64, errors: [1], properties: ids)) == [real, "VPALS_PROVEN_FP64", checked])
    // Only some of the properties were proved with the margin.
    #expect(levels(.bounded(.binary32, errors: [1], properties: [])) == [real, checked])
  }

  @Test func namesInURIsAreEscaped() {
    let c = Signer.certificate
    let certificate = Certificate(
      model: Certificate.Model(
        name: "a b:ü", version: "v1", files: c.model.files, networkDigest: c.model.networkDigest),
      specification: c.specification, properties: c.properties, arithmetic: .real, verifier: c.verifier,
      solver: c.solver, startedAt: c.startedAt, finishedAt: c.finishedAt)
    #expect(
      VerificationSummary(
        of: certificate, areProofsChecked: true, signedCertificate: [], timeVerified: Signer.start
      ).resourceURI == "urn:vpals:model:a%20b%3A%C3%BC:v1")
  }
}
