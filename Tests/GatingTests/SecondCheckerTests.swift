import Certificates
import Foundation
import ProofChecking
import Specifications
import TestHelpers
import Testing

@testable import Networks

/// The second checker, in Python and written from `docs/proof-format.md` alone, gives the same answers as the first.
struct SecondCheckerTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  @Test func passesItsOwnTests() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "\(Self.root)/Tests/Python/test_check_proof.py"]
    let output = Pipe()
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(String(decoding: data, as: UTF8.self))")
  }

  private static func next(_ state: inout UInt64) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33)
  }

  /// Every certified model: each proof as it is, and seeded mutants of it (a bit, a byte, a cut, a swapped block). The
  /// checkers must agree on the answer, the rule and the node, so that an accepted mutant is a proof to both.
  @Test(arguments: ["lucene", "mariadb", "mindspore", "nginx", "redis"])
  func agreesOnProofsAndMutants(_ application: String) throws {
    let seed: UInt64 = 20_26
    var state = seed
    let version = "\(Self.root)/models/\(application)/v0001"
    let specification = try Specification.read(path: "\(Self.root)/specs/\(application).yaml")
    let bytes = try BoundedFile.read("\(version)/model.onnx", maximumBytes: ONNXModel.maximumBytes)
    let network = ExactNetwork(try Network(onnx: bytes))
    var accepted = 0
    var compared = 0
    for property in specification.properties where property.queries.count == 1 {
      let proof = try BoundedFile.read(
        "\(version)/\(ProofFile.name(specification: application, property: property.id))", maximumBytes: 1 << 24)
      // Plain Python takes milliseconds a leaf.
      guard proof.count <= 4096 else { continue }
      var proofs = [proof]
      for round in 0..<24 {
        var mutant = proof
        let at = 79 + Self.next(&state) % max(1, proof.count - 79)
        switch round % 6 {
        case 0, 1: mutant[min(at, proof.count - 1)] ^= 1 << UInt8(Self.next(&state) % 8)
        case 2: mutant[min(at, proof.count - 1)] = UInt8(Self.next(&state) % 256)
        case 3: mutant.removeLast(min(proof.count - 1, 1 + Self.next(&state) % 8))
        case 4: mutant.remove(at: min(at, proof.count - 1))
        default: mutant[Self.next(&state) % 79] ^= 1 << UInt8(Self.next(&state) % 8)
        }
        proofs.append(mutant)
      }
      let answers = try SecondChecker.answers(
        to: proofs.map {
          SecondChecker.Job(
            proof: $0, network: network.canonicalText, queries: [property.queries[0].canonicalText])
        })
      try #require(answers.count == proofs.count)
      for (k, candidate) in proofs.enumerated() {
        let note: Comment = "seed \(seed), \(application), \(property.id), mutant \(k)"
        do throws(ProofFailure) {
          _ = try ProofChecker(network: network).check(ProofSource(bytes: candidate), queries: property.queries)
          #expect(answers[k].valid, note)
          accepted += 1
        } catch {
          #expect(k > 0 && !answers[k].valid, note)
          #expect(answers[k].rule == error.cause.rule && answers[k].node == error.node, note)
        }
        compared += 1
      }
    }
    #expect(compared >= 50 && accepted >= 2, "compared \(compared), accepted \(accepted)")
  }
}
