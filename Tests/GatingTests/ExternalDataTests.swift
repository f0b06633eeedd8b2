import Certificates
import Foundation
import Gating
import Networks
import Specifications
import TestHelpers
import Testing
import Verification

/// A version whose weights lie in a file beside the model, as PyTorch exports it.
@Suite struct ExternalDataTests {
  let repository: Repository
  private static let data = "torch_plain.onnx.data"

  private static let specification = """
    spec: vpals/v1
    features: {a: {domain: 0..1}, b: {domain: 0..1}, c: {domain: 0..1}, d: {domain: 0..1}, e: {domain: 0..1}, f: {domain: 0..1}}
    outputs: {y: {}}
    properties: [{id: bounded, always: -1000 <= y <= 1000}]

    """

  private var path: String { repository.path("torch") }
  private var dataPath: String { "\(path)/\(Self.data)" }

  init() throws {
    repository = try Repository()
    try FileManager.default.createDirectory(
      atPath: repository.path("torch"), withIntermediateDirectories: true)
    let exports = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("NetworksTests/Fixtures/exports").path
    try FileManager.default.copyItem(atPath: "\(exports)/torch_plain.onnx", toPath: "\(path)/model.onnx")
    try FileManager.default.copyItem(atPath: "\(exports)/\(Self.data)", toPath: dataPath)
    try repository.write(Self.specification, to: repository.specificationPath("torch"))
    let read = try StoredNetwork.read(path: "\(path)/model.onnx")
    let specification = try Specifications.Specification.read(path: repository.specificationPath("torch"))
    let exact = ExactNetwork(read.network)
    let results = try VerificationSession(network: exact, specification: specification).run(budget: Budget())
    for result in results {
      let proof = try #require(result.proof)
      try repository.write(try proof.read(), to: repository.proofPath("torch", result.id))
    }
    let certificate = Certificate(
      model: Certificate.Model(
        name: "torch", version: "v0001", files: read.files.map(Certificate.Subject.init),
        networkDigest: exact.digest.hexadecimalPart),
      specification: specification, results: results, startedAt: Repository.now,
      finishedAt: Repository.now)
    _ = try certificate.write(into: path)
  }

  private func refusals() throws -> [Refusal] { try repository.gate().flatMap(\.refusals) }

  private func refusal(_ file: String, _ reason: String) -> Refusal {
    Refusal(.modelChanged, file: file, reason: reason, next: repository.verifyCommand("torch"))
  }

  @Test func passesWithItsDataFile() throws {
    #expect(try repository.certificate("torch").model.files.map(\.name) == ["model.onnx", Self.data])
    let findings = try repository.gate()
    #expect(findings.map(\.passes) == [true])
    #expect(findings.map(\.proven) == [1])
  }

  @Test func refusesAChangedDataFile() throws {
    var bytes = try repository.bytes(dataPath)
    // The sign of a weight.
    bytes[3] ^= 0x80
    try repository.write(bytes, to: dataPath)
    #expect(try refusals() == [refusal(dataPath, "the file has changed since it was verified")])
  }

  @Test func refusesAMissingDataFile() throws {
    try FileManager.default.removeItem(atPath: dataPath)
    #expect(try refusals() == [refusal(dataPath, "the file is missing")])
  }

  /// A certificate without the file with the weights would leave them free.
  @Test func refusesACertificateThatDoesNotBindTheDataFile() throws {
    let files = try repository.certificate("torch").model.files
    try repository.forge("torch", files: files.filter { $0.name != Self.data })
    #expect(
      try refusals() == [
        refusal(dataPath, "the certificate does not speak of this file, which holds weights of model.onnx")
      ])
  }

  @Test func refusesALinkInPlaceOfTheDataFile() throws {
    try FileManager.default.moveItem(atPath: dataPath, toPath: "\(path)/real")
    try FileManager.default.createSymbolicLink(atPath: dataPath, withDestinationPath: "real")
    let refusals = try refusals()
    #expect(refusals.map(\.rule) == [.modelUnreadable])
    #expect(
      refusals.first?.reason.hasSuffix("is a symbolic link; put the file itself beside the model") == true,
      "\(refusals)")
  }

  @Test func refusesAnNNetFileBesideTheModel() throws {
    try repository.write("2,1,1,1", to: "\(path)/other.nnet")
    #expect(
      try refusals() == [
        Refusal(
          .noCertificate, file: "\(path)/other.nnet",
          reason: "a version has one network, model.onnx; nothing is proved of this one",
          next: ["mv", "\(path)/other.nnet", "ELSEWHERE"])
      ])
  }
}
