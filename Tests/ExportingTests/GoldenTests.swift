import ExactArithmetic
import Exporting
import Foundation
import Networks
import Specifications
import TestHelpers
import Testing

/// One exported text of each kind, in `Golden/`.
///
/// With `VPALS_UPDATE_GOLDEN=1` in the environment the texts are written instead of compared; review the difference.
@Suite struct GoldenTests {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")

  static let specification = """
    spec: vpals/v1
    features:
      cores: {unit: cores, domain: 1/3..2}
      clients: {unit: connections, domain: 1..48, scale: log2}
      psi: {unit: fraction, domain: 0..1}
    outputs:
      p50: {unit: ms, scale: log2}
      p99: {unit: ms, scale: log2}
    properties:
      - id: monotone
        nonincreasing: {of: p99, in: cores}
      - id: joint
        nondecreasing: {of: p99, in: [clients, psi]}
      - id: tolerant
        nondecreasing: {of: p99, in: psi}
        tolerance: 2 percent
      - id: rate
        rate: {of: p99, in: clients, min: 0 percent, max: 300 percent}
      - id: bounds
        always: 1/10 ms <= p99 <= 60 s
      - id: order
        always: p50 <= p99
      - id: relation
        forall: [idle, busy]
        where: [idle.cores == busy.cores, idle.clients == busy.clients, idle.psi <= 1/3 * busy.psi]
        then: idle.p50 <= busy.p99

    """

  static func parsed() throws -> Specification {
    try Specification.parse(text: specification, path: "specs/golden.yaml")
  }

  static func network() throws -> ExactNetwork {
    ExactNetwork(
      try Network.of([
        ([[1, 0.5, 0], [-0.25, 0, 2]], [0, 1]), ([[1, -1], [0, 0]], [0.125, 1]), ([[1, 0], [-2, 3]], [4, 0]),
      ]))
  }

  static let names = try? parsed().properties.map(\.id)

  static let files: [String] =
    (names ?? []).flatMap { ["\($0).slope.smt2", "\($0).pair.smt2", "\($0).2.vnnlib"] } + [
      "bounds.1.vnnlib", "order.1.vnnlib",
    ]

  @Test func thereIsAFileOfEveryKind() { #expect(Self.files.count == 23) }

  @Test(arguments: files) func textsAreAsRecorded(file: String) throws {
    let specification = try Self.parsed()
    let words = file.split(separator: ".")
    let property = try #require(specification.properties.first { $0.id == words[0] })
    let text =
      switch words[1] {
      case "1": try VNNLIBExport(property, of: specification, version: .one).text
      case "2": try VNNLIBExport(property, of: specification, version: .two).text
      case let encoding:
        try SMTLIBExport(
          property, of: specification, network: try Self.network(),
          encoding: try #require(SMTLIBExport.Encoding(rawValue: String(encoding)))
        ).text
      }
    let url = Self.directory.appending(path: file)
    if ProcessInfo.processInfo.environment["VPALS_UPDATE_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: url)
    } else {
      #expect(text == (try String(contentsOf: url, encoding: .utf8)))
    }
  }

  @Test func statusAndOneQueryAreWritten() throws {
    let specification = try Self.parsed()
    let property = specification.properties[3]
    let text = try SMTLIBExport(
      property, of: specification, network: try Self.network(), query: 1, status: .unsat
    ).text
    #expect(text.contains("(set-info :status unsat)\n"))
    #expect(text.contains("; Property rate, query 2 of specification golden, negated.\n"))
    #expect(
      text.hasSuffix(
        "; the claim fails\n(assert (< clients (/ 49125849681887 8796093022208)))\n(assert (> d.p99/clients 2))\n(check-sat)\n; after sat: (get-model)\n(exit)\n"
      ))
  }

  @Test func networksOfOtherShapesAreRefused() throws {
    let specification = try Self.parsed()
    let small = ExactNetwork(try Network.of([([[1]], [0])]))
    let error = #expect(throws: ExportError.self) {
      try SMTLIBExport(specification.properties[0], of: specification, network: small)
    }
    #expect(error?.code == .mismatch)
  }
}
