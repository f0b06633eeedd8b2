import Foundation
import Testing

@testable import Specifications

@Suite struct FormatterTests {
  @Test(arguments: [
    ("0 ms<=p99<=60   s", "0 ms <= p99 <= 60 s"), ("5 .. 95  percent", "5..95 percent"), ("0..1", "0..1"),
    ("-1  ms", "-1 ms"), ("2*( p50-p99 )/4<3 ms", "2 * (p50 - p99) / 4 < 3 ms"), ("5 1 / s", "5 1/s"),
    ("x.a<=y.a  and  -x.b==2*y.b", "x.a <= y.a and -x.b == 2 * y.b"), ("512 MiB..8 GiB", "512 MiB..8 GiB"),
    ("-2..-1", "-2..-1"), ("a - -1 ms >= 7/3 req / min", "a - -1 ms >= 7/3 req/min"),
    ("p50/2 <= p99", "p50 / 2 <= p99"),
    ("-(a) <= (-a)", "-(a) <= (-a)"), ("all", "all"), ("1e-3 ms", "1e-3 ms"),
  ])
  func expressionsHaveSingleSpaces(text: String, expected: String) {
    #expect(SpecificationFormatter.canonical(text) == expected)
    #expect(SpecificationFormatter.canonical(expected) == expected)
  }

  @Test func whatIsNoExpressionStays() {
    #expect(SpecificationFormatter.canonical("p99 <= 60 %") == nil)
  }

  @Test func aFileKeepsCommentsOrderAndMeaning() throws {
    let text = """


      # Latency,   as measured.
      spec: vpals/v1\u{20}\u{20}


      features: # the "inputs"
        b: { index: 1, domain: 0 .. 1, about: "a  {  b }  c" }   # second
        a: {index: 0, domain: -1..  1, about: it's [ so ]}
      outputs: { y: { unit: ms } }
      properties:
        - id: p
          nondecreasing: {of: y, in: [ a,b ]}
          when: [ a+b<=1.5, "a>=-1/2" ]
        - {id: q, always: y>=0 ms}

      """
    let expected = """
      # Latency,   as measured.
      spec: vpals/v1

      features: # the "inputs"
        b: {index: 1, domain: 0..1, about: "a  {  b }  c"}   # second
        a: {index: 0, domain: -1..1, about: it's [so]}
      outputs: {y: {unit: ms}}
      properties:
        - id: p
          nondecreasing: {of: y, in: [a,b]}
          when: [a + b <= 1.5, "a >= -1/2"]
        - {id: q, always: y >= 0 ms}

      """
    let bytes = Array(text.replacingOccurrences(of: "[ so ]", with: "so").utf8)
    let formatted = try SpecificationFormatter.formatted(bytes, path: "t.yaml")
    #expect(formatted == expected.replacingOccurrences(of: "[so]", with: "so"))
    let before = try Specification.parse(bytes, path: "t.yaml")
    let after = try Specification.parse(text: formatted, path: "t.yaml")
    #expect(before.digest == after.digest && before.features[0].about == "it's so")
  }

  /// Every valid golden file with spaces thrown in at random keeps its meaning, and its layout is the end of it.
  @Test func layoutsConverge() throws {
    var count = 0
    for name in GoldenTests.names {
      let bytes = try Array(Data(contentsOf: GoldenTests.directory.appending(path: "\(name).yaml")))
      guard let original = try? Specification.parse(bytes, path: "\(name).yaml") else {
        #expect(throws: SpecificationError.self) {
          try SpecificationFormatter.formatted(bytes, path: "\(name).yaml")
        }
        continue
      }
      for seed in 1...2 as ClosedRange<UInt64> {
        var random = SplitMix64(state: seed)
        var spaced: [UInt8] = []
        for byte in bytes {
          spaced.append(byte)
          if byte == UInt8(ascii: " "), Int.random(in: 0..<4, using: &random) == 0, spaced.dropLast().last != 0x0A,
            spaced.dropLast().last != UInt8(ascii: " "), spaced.dropLast().last != UInt8(ascii: "-")
          {
            spaced.append(byte)
          }
          if byte == 0x0A, Int.random(in: 0..<6, using: &random) == 0 { spaced.append(0x0A) }
        }
        guard let parsed = try? Specification.parse(spaced, path: "t.yaml"), parsed.digest == original.digest else {
          continue
        }
        count += 1
        let once = try SpecificationFormatter.formatted(spaced, path: "t.yaml")
        #expect(try Specification.parse(text: once, path: "t.yaml").digest == original.digest, "\(name), seed \(seed)")
        #expect(try SpecificationFormatter.formatted(Array(once.utf8), path: "t.yaml") == once, "\(name), seed \(seed)")
      }
    }
    #expect(count > 12)
  }
}
