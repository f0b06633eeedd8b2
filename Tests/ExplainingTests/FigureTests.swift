import Certificates
import ExactArithmetic
import Foundation
import FoundationXML
import Networks
import Specifications
import Telemetry
import TestHelpers
import Testing
import Verification

@testable import Explaining

/// Collects what an XML document has; nil when it is not well-formed.
private final class Document: NSObject, XMLParserDelegate {
  private(set) var elements: [(name: String, attributes: [String: String])] = []
  private(set) var text = ""

  init?(_ xml: String) {
    super.init()
    let parser = XMLParser(data: Data(xml.utf8))
    parser.delegate = self
    guard parser.parse() else { return nil }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    elements.append((name, attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}

/// What a terminal and a figure show of counterexamples of every kind, in `Golden/`.
///
/// With `VPALS_UPDATE_GOLDEN=1` in the environment the texts are written instead of compared; review the difference.
@Suite struct FigureTests {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let property: String
    let x: [String]
    var end: [String]?
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "monotone", property: "nondecreasing: {of: p99, in: psi}", x: ["1/4", "1"], end: ["3/4", "1"]),
    Case(
      name: "sliver", property: "nondecreasing: {of: p99, in: psi}", x: ["1/2", "1"], end: ["33/64", "1"]),
    Case(
      name: "joint", property: "nondecreasing: {of: p99, in: [psi, cores]}\n    tolerance: 1 percent",
      x: ["1/4", "1"], end: ["3/4", "5/4"]),
    Case(
      name: "rate", property: "rate: {of: p99, in: psi, min: 0 percent, max: 50 percent}", x: ["0", "1"],
      end: ["1/4", "1"]),
    Case(name: "bounds", property: "always: 1 ms <= p99 <= 12 ms", x: ["1/4", "1"]),
    Case(name: "linear", property: "always: 3 * p50 <= p99", x: ["3/4", "1"]),
    Case(
      name: "relation",
      property: "forall: [idle, busy]\n    where: [busy.psi >= idle.psi, busy.cores == 1 cores]\n"
        + "    then: idle.p99 <= 5/4 * busy.p99", x: ["1/4", "1"], end: ["3/4", "1"]),
    Case(
      name: "same",
      property: "forall: [a, b]\n    where: [a.psi == b.psi, a.cores == b.cores]\n    then: 3 * a.p50 <= b.p99",
      x: ["3/4", "1"], end: ["3/4", "1"]),
    Case(name: "narrow", property: "always: p99 <= 13.3 ms\n    when: cores <= 1 cores", x: ["1/4", "1"]),
  ]

  static func specification(_ property: String) throws -> Specification {
    try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  psi: {unit: fraction, domain: 0..1}\n  cores: {unit: cores, domain: 0.5..2}\n"
        + "outputs:\n  p50: {unit: ms, scale: log2}\n  p99: {unit: ms, scale: log2}\n"
        + "properties:\n  - id: p\n    \(property)\n", path: "t.yaml")
  }

  /// p99 = 3 + 3·psi − 6·relu(psi − 1/4) + 6·relu(psi − 3/4) − (cores − 1)/2, p50 = 3 + psi/2 − cores.
  static func network() throws -> ExactNetwork {
    ExactNetwork(
      try Network.of([
        ([[1, 0], [1, 0], [1, 0], [0, 1]], [0, -0.25, -0.75, 0]),
        ([[0.5, 0, 0, -1], [3, -6, 6, -0.5]], [3, 3.5]),
      ]))
  }

  private static func explanation(_ test: Case, measured: Bool = true) throws -> Explanation {
    let specification = try specification(test.property)
    func numbers(_ texts: [String]) throws -> [Rational] { try texts.map { try #require(Rational(text: $0)) } }
    let network = try network()
    let replay = Replay(
      specification.properties[0], network: network, x: try numbers(test.x), xPrime: try test.end.map(numbers),
      drop: nil)
    guard case .violated(let example) = replay else { throw Failure(description: "\(test.name): \(replay)") }
    let rows = try MeasuredRows(
      csv: Bundle.data, application: "app", specification: specification)
    return Explanation(
      example, to: specification.properties[0], of: specification, network: network,
      measured: measured ? rows : nil)
  }

  private struct Failure: Error, CustomStringConvertible { let description: String }

  private enum Bundle {
    static let data = FigureTests.directory.appending(path: "data.csv").path
  }

  private func compare(_ text: String, _ file: String) throws {
    let url = Self.directory.appending(path: file)
    if ProcessInfo.processInfo.environment["VPALS_UPDATE_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: url)
    } else {
      #expect(text == (try String(contentsOf: url, encoding: .utf8)))
    }
  }

  @Test(arguments: cases) func sketchesAreAsRecorded(test: Case) throws {
    let explanation = try Self.explanation(test)
    let lines = explanation.lines.map { $0.replacing(Bundle.data, with: "data.csv") } + [""] + explanation.sketch
    try compare(lines.joined(separator: "\n") + "\n", "\(test.name).txt")
    #expect(explanation.sketch.allSatisfy { $0.count <= TerminalSketch.width })
    // Nothing that colours, moves the cursor or rings.
    #expect(explanation.sketch.joined().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
    #expect(explanation.sketch.joined().contains("█") && explanation.sketch.joined().contains("●"))
  }

  @Test(arguments: cases) func figuresAreWellFormedAndExact(test: Case) throws {
    let explanation = try Self.explanation(test)
    let document = try #require(Document(explanation.figure))
    #expect(document.elements.first?.name == "svg")
    let points = document.elements.filter { $0.attributes["class"] == "point" }
    #expect(points.count == (test.end == nil || test.name == "same" ? 1 : 2))
    #expect(points.count == explanation.slice.points.count)
    for (point, expected) in zip(points, explanation.slice.points) {
      #expect(point.attributes["data-position"] == expected.position.description)
      #expect(point.attributes["data-value"] == expected.value.description)
    }
    #expect(document.elements.contains { $0.attributes["class"] == "violation" })
    #expect(document.elements.contains { $0.attributes["class"] == "curve" })
    // The title in words, and the exact pair for those who listen.
    #expect(document.text.contains(explanation.property.statement))
    #expect(document.text.contains("(\(test.x.joined(separator: ", ")))"))
    // Nothing beyond the document.
    let links = document.elements.flatMap(\.attributes.keys).filter { $0.contains("href") || $0.hasPrefix("on") }
    #expect(links.isEmpty && !explanation.figure.contains("url("))
    // Nothing outside the picture.
    for element in document.elements {
      for name in ["x", "x1", "x2", "cx"] {
        if let number = element.attributes[name].flatMap(Double.init) {
          #expect((0...SVGFigure.width).contains(number))
        }
      }
    }
  }

  @Test func theFigureIsAsRecorded() throws {
    try compare(try Self.explanation(Self.cases[0], measured: false).figure, "monotone.svg")
  }

  @Test func hostileTextIsEscaped() throws {
    let slice = try Self.explanation(Self.cases[0]).slice
    let hostile = "<script>alert(1)</script>&\"'\u{0}\u{1B}[31m]]>\u{FFFE} <!-- \u{85}"
    let figure = SVGFigure(slice, title: hostile, caption: [hostile], exact: [hostile]).text
    let document = try #require(Document(figure))
    #expect(!document.elements.contains { $0.name == "script" })
    #expect(document.text.contains("<script>alert(1)</script>&\"'\u{FFFD}\u{FFFD}[31m]]>\u{FFFD} <!-- \u{FFFD}"))
    #expect(!figure.contains("<script") && !figure.unicodeScalars.contains("\u{1B}"))
  }

  @Test func longTitlesEndInAnEllipsis() {
    let lines = SVGFigure.wrapped(String(repeating: "word ", count: 200), 20, lines: 3)
    #expect(lines.count == 3 && lines.allSatisfy { $0.count <= 20 } && lines[2].hasSuffix("…"))
    #expect(
      SVGFigure.wrapped(String(repeating: "x", count: 50), 20, lines: 3) == [String(repeating: "x", count: 19) + "…"])
    #expect(SVGFigure.wrapped("", 20, lines: 3) == [])
  }

  /// A line without length, a constant function, and values far from each other's scale.
  @Test func degenerateSlicesAreDrawn() throws {
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 4..4}\noutputs:\n  f: {scale: log2}\n"
        + "properties:\n  - id: p\n    always: f <= 1\n", path: "t.yaml")
    for bias in [1.0, 5000, 1e-300] {
      let network = ExactNetwork(try Network.of([([[0]], [bias])]))
      let replay = Replay(specification.properties[0], network: network, x: [4], xPrime: nil, drop: nil)
      guard case .violated(let example) = replay else {
        Issue.record("\(bias) is not violated")
        continue
      }
      let explanation = Explanation(
        example, to: specification.properties[0], of: specification, network: network, measured: nil)
      #expect(explanation.sketch.joined().contains("●"))
      #expect(explanation.sketch.allSatisfy { $0.count <= TerminalSketch.width })
      #expect(Document(explanation.figure) != nil)
    }
  }
}
