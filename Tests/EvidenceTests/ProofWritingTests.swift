import CertificateStorageSQLite
import Certificates
import Evidence
import Foundation
import Signing
import Signing
import TestHelpers
import Testing

/// Certificates that are written together with their proofs.
@Suite struct ProofWritingTests {
  let directory = TemporaryDirectory()
  let store: SQLiteStore

  init() throws { store = try SQLiteStore(path: directory.path + "/store.sqlite") }

  /// A certificate with one proof of the given bytes, and the proof in a file of its own.
  private func made(_ bytes: [UInt8]) throws -> (Certificate, [String: ProofFile]) {
    let base = StoreExamples.certificate()
    let source = "\(directory.path)/source-\(SHA256Digest.of(bytes))"
    try Data(bytes).write(to: URL(filePath: source))
    let proof = ProofFile(
      path: source, sha256: SHA256Digest.of(bytes), bytes: bytes.count, checkSeconds: 0, isTemporary: true)
    let records = base.properties.map { record in
      record.outcome != .holds
        ? record
        : PropertyRecord(
          id: record.id, statement: record.statement, outcome: record.outcome, engine: record.engine, milliseconds: 1,
          cpuMilliseconds: 1, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil,
          queryDigests: record.queryDigests,
          proof: PropertyRecord.ProofReference(path: "a.proof", sha256: proof.sha256, bytes: proof.bytes))
    }
    let certificate = Certificate(
      model: base.model, specification: base.specification, properties: records, arithmetic: base.arithmetic,
      verifier: base.verifier, solver: base.solver, startedAt: base.startedAt, finishedAt: base.finishedAt)
    return (certificate, ["a.proof": proof])
  }

  private func issue(_ certificate: Certificate, _ proofs: [String: ProofFile], into version: String) throws -> String {
    try Issuer().issue(
      certificate, proofs: proofs, into: version, isVersion: true, store: store, now: certificate.finishedAt
    ).path
  }

  /// Whether the certificate in `version` names the proof that lies there.
  private func fits(_ version: String) throws -> Bool {
    let claims = try UncheckedCertificate(contentsOf: "\(version)/nginx.intoto.json").claims
    let digest = try SHA256Digest.ofFile("\(version)/a.proof").sha256
    return claims.properties.compactMap(\.proof).map(\.sha256) == [digest]
  }

  @Test func manyWritersLeaveACertificateWithItsOwnProof() throws {
    let version = "\(directory.path)/v0001"
    try FileManager.default.createDirectory(atPath: version, withIntermediateDirectories: false)
    let pairs = try (0..<4).map { try made(Array("proof \($0)".utf8)) }
    for round in 0..<25 {
      DispatchQueue.concurrentPerform(iterations: pairs.count) { index in
        let (certificate, proofs) = pairs[index]
        #expect(throws: Never.self) { try issue(certificate, proofs, into: version) }
      }
      #expect(try fits(version), "round \(round)")
      #expect(TemporaryDirectory.names(in: version) == ["a.proof", "nginx.intoto.json"])
    }
  }

  @Test func aProofThatChangedMeanwhileLeavesTheOldCertificate() throws {
    let version = "\(directory.path)/v0001"
    try FileManager.default.createDirectory(atPath: version, withIntermediateDirectories: false)
    let (old, oldProofs) = try made([1])
    #expect(
      try issue(old, oldProofs, into: version) == "\(version)/nginx.intoto.json")
    let (new, newProofs) = try made([2])
    let proof = try #require(newProofs["a.proof"])
    try Data([3]).write(to: URL(filePath: proof.path))
    let error = #expect(throws: CertificateError.self) { try issue(new, newProofs, into: version) }
    #expect(error?.message == "\(proof.path) has changed since its proof was checked")
    #expect(try fits(version))
  }

  @Test func aMissingDirectoryIsNamed() throws {
    let (certificate, proofs) = try made([1])
    let error = #expect(throws: CertificateError.self) {
      try issue(certificate, proofs, into: "\(directory.path)/none")
    }
    #expect(error?.code == .missing)
    #expect(
      error?.message
        == "cannot write \(directory.path)/none/nginx.intoto.json: there is no such file or directory; check the path"
    )
  }
}
