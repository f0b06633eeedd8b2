import Certificates
import Foundation
import Networks
import Signing
import Testing

/// `vpals verify`, `vpals-check` and `vpals gate` on models of other programs: with external data, and in NNet.
@Suite struct ImportedModelTests {
  let workspace = Workspace()
  private static let data = "torch_plain.onnx.data"
  private static let specification = """
    spec: vpals/v1
    features: {a: {domain: 0..1}, b: {domain: 0..1}, c: {domain: 0..1}, d: {domain: 0..1}, e: {domain: 0..1}, f: {domain: 0..1}}
    outputs: {y: {}}
    properties: [{id: bounded, always: -1000 <= y <= 1000}]

    """

  private static let exports = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("NetworksTests/Fixtures/exports")

  private func export(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: Self.exports.appendingPathComponent(name)))
  }

  @Test func theCertificateBindsExternalData() throws {
    try workspace.write(try export("torch_plain.onnx"), to: "models/torch/v0001/model.onnx")
    try workspace.write(try export(Self.data), to: "models/torch/v0001/\(Self.data)")
    try workspace.write(Self.specification, to: "specs/torch.yaml")
    #expect(try workspace.vpals("verify", "models/torch/v0001").status == 0)
    let certificate = try UncheckedCertificate(contentsOf: workspace.file("models/torch/v0001/torch.intoto.json"))
    #expect(
      try certificate.claims.model.files
        == ["model.onnx", Self.data].map { name in
          let bytes = try workspace.bytes("models/torch/v0001/\(name)")
          return Certificate.Subject(name: name, sha256: SHA256Digest.of(bytes), bytes: bytes.count)
        })
    func check() throws -> Outcome {
      try workspace.check(
        "models/torch/v0001/torch.intoto.json", "--model", "models/torch/v0001/model.onnx", "--spec",
        "specs/torch.yaml")
    }
    let checked = try check()
    #expect(checked.status == 0, "\(checked.output)")
    #expect(checked.lines.last == "valid")
    #expect(checked.lines.contains("data file      \(Self.data)  sha256:\(SHA256Digest.of(try export(Self.data)))"))
    #expect(try workspace.vpals("gate").status == 0)

    var bytes = try export(Self.data)
    bytes[3] ^= 0x80
    try workspace.write(bytes, to: "models/torch/v0001/\(Self.data)")
    let changed = try check()
    #expect(changed.status == 1)
    #expect(
      changed.lines.filter { $0.hasPrefix("invalid: ") }.prefix(2) == [
        "invalid: models/torch/v0001/model.onnx is not the network that the certificate speaks of",
        "invalid: the bytes of \(Self.data) are not those that the certificate speaks of",
      ])
    let gate = try workspace.vpals("gate")
    #expect(gate.status == 1)
    #expect(gate.output.contains("the file has changed since it was verified"), "\(gate.output)")

    try FileManager.default.removeItem(atPath: workspace.file("models/torch/v0001/\(Self.data)"))
    let missing = try check()
    #expect(missing.status == 2)
    #expect(
      missing.error.hasSuffix(
        "the data file \"\(Self.data)\" does not exist beside the model; copy it there\n"), "\(missing.error)")
    let verified = try workspace.vpals("verify", "models/torch/v0001")
    #expect(verified.status == 2)
    #expect(verified.error.hasPrefix("error: models/torch/v0001/model.onnx: tensor "), "\(verified.error)")
    #expect(try workspace.vpals("gate").status == 1)
  }

  /// The digest of a network does not depend on how it was exported, so what was proved of one file is known of another.
  @Test func anotherExportIsTheSameNetwork() throws {
    try workspace.write(Self.specification, to: "specs/torch.yaml")
    var digests: Set<String> = []
    for name in ["torch_plain", "torchscript_plain", "torch_plain_double"] {
      try workspace.write(try export("\(name).onnx"), to: "\(name)/\(name).onnx")
      if name == "torch_plain" { try workspace.write(try export(Self.data), to: "\(name)/\(Self.data)") }
      #expect(try workspace.vpals("verify", "\(name)/\(name).onnx", "--spec", "specs/torch.yaml").status == 0)
      let certificate = try UncheckedCertificate(contentsOf: workspace.file("\(name)/torch.intoto.json"))
      digests.insert(certificate.claims.model.networkDigest)
    }
    #expect(digests.count == 1)
  }

  @Test func doesNotOverwriteTheModel() throws {
    let model = try Workspace.good().onnx(name: "small", producerVersion: "test")
    try workspace.write(Workspace.specification, to: "rules.yaml")
    for name in ["rules.sane.proof", "rules.sane.search", "rules.intoto.json"] {
      try workspace.write(model, to: "nets/\(name)")
      let outcome = try workspace.vpals("verify", "nets/\(name)", "--spec", "rules.yaml")
      #expect(outcome.status == 2)
      #expect(
        outcome.error
          == "error: nets/\(name) has the name of a file that vpals verify writes; rename the model or its data file\n")
      #expect(try workspace.bytes("nets/\(name)") == model)
    }
  }

  /// SQLite removes such files as its own.
  @Test func doesNotLoseAModelThatHasTheNameOfAFileOfTheStore() throws {
    let model = try Workspace.good().onnx(name: "small", producerVersion: "test")
    try workspace.write(Workspace.specification, to: "rules.yaml")
    for name in ["s.sqlite-journal", "s.sqlite-wal", "s.sqlite-shm", "s.sqlite"] {
      try workspace.write(model, to: name)
      let outcome = try workspace.vpals("verify", name, "--spec", "rules.yaml", "--store", "sqlite:./s.sqlite")
      #expect(outcome.status == 2)
      #expect(outcome.error.contains("\(name) has the name of a file that vpals verify writes"))
      #expect(try workspace.bytes(name) == model)
      try FileManager.default.removeItem(atPath: workspace.file(name))
    }
  }

  @Test func verifiesAnNNetFile() throws {
    let text = """
      // Neural Network File Format by Kyle Julian, Stanford 2016
      2,2,1,2,
      2,1,1,
      0,
      0,0,
      100,2,
      50,1,7,
      100,2,3,
      4,-2,
      1,
      3,
      2,

      """
    try workspace.write(text, to: "nets/small.nnet")
    try workspace.write(Workspace.specification, to: "rules.yaml")
    let verified = try workspace.vpals("verify", "nets/small.nnet", "--spec", "rules.yaml")
    #expect(verified.status == 0, "\(verified.error)")
    #expect(
      verified.error.split(separator: "\n").contains(
        "note: nets/small.nnet: the network takes normalised inputs (x - mean) / range and gives normalised outputs y with "
          + "output = y * range + mean: specifications speak of these, and the means and ranges in the file are no part of "
          + "what is proved"), "\(verified.error)")
    let certificate = try UncheckedCertificate(contentsOf: workspace.file("nets/rules.intoto.json"))
    #expect(certificate.claims.model.name == "small")
    #expect(certificate.claims.model.files.map(\.name) == ["small.nnet"])
    // The same function as the ONNX file of other tests.
    #expect("sha256:\(certificate.claims.model.networkDigest)" == ExactNetwork(try Workspace.good()).digest)
    let checked = try workspace.check(
      "nets/rules.intoto.json", "--model", "nets/small.nnet", "--spec", "rules.yaml")
    #expect(checked.status == 0, "\(checked.output)")
    #expect(checked.lines.contains { $0.hasPrefix("note           the network takes normalised inputs") })
    #expect(checked.lines.last == "valid")
    try workspace.write(text.replacingOccurrences(of: "4,-2,", with: "4,-3,"), to: "nets/small.nnet")
    let changed = try workspace.check(
      "nets/rules.intoto.json", "--model", "nets/small.nnet", "--spec", "rules.yaml")
    #expect(changed.status == 1)
    try workspace.write("4,-2", to: "nets/small.nnet")
    let broken = try workspace.vpals("verify", "nets/small.nnet", "--spec", "rules.yaml")
    #expect(broken.status == 2)
    #expect(
      broken.error
        == "error: nets/small.nnet: line 1: the numbers of layers, inputs and outputs, and the greatest width: 4 numbers "
        + "are needed, but there are 2; is this an NNet file?\n")
  }
}
