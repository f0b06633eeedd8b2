import ExactArithmetic
import Testing

@testable import Specifications

@Suite struct DecimalTextTests {
  @Test(arguments: [
    ("0", "0"), ("1/3", "0.333333"), ("-2/3", "-0.666667"), ("999999.5", "1000000"), ("0.9999996", "1"),
    ("123456789", "123457000"), ("1234567890", "1.23457e+9"), ("0.0000123", "0.0000123"), ("0.00000123", "1.23e-6"),
    ("-1e-30", "-1e-30"), ("0.4120", "0.412"), ("1e300", "1e+300"), ("250000", "250000"), ("0.1", "0.1"),
  ])
  func roundsToSixDigits(value: String, text: String) { #expect(DecimalText.rounded(rational(value)) == text) }

  @Test func agreesWithThousandsOfExactDecimals() throws {
    // Every n/1000 with at most six significant digits is written exactly and reads back.
    for n in stride(from: -999_999, through: 999_999, by: 1237) {
      let value = Rational(n) / 1000
      #expect(Rational(text: DecimalText.rounded(value)) == value)
      #expect(DecimalText.exact(value) == DecimalText.rounded(value))
    }
  }

  @Test func writesExactDecimalsOrFractions() {
    #expect(DecimalText.exact(rational("60000")) == "60000")
    #expect(DecimalText.exact(rational("-1/8")) == "-0.125")
    #expect(DecimalText.exact(rational("1/3")) == "1/3")
    #expect(DecimalText.exact(rational("1e-13")) == "1/10000000000000")
  }

  @Test func tellsNearNumbersApart() {
    let pair = DecimalText.pair(rational("0.41200001"), rational("0.41200002"), digits: 4)
    #expect(pair == ("0.41200001", "0.41200002"))
  }
}

@Suite struct CounterexampleTextTests {
  static func spec() throws -> Specification {
    try specification(
      features: """
          psi_cpu_some: {unit: fraction, domain: 0..1}
          cores: {unit: cores, domain: 0.5..2}
          ctxt: {unit: 1/s, domain: 1024..4096, scale: log2}

        """,
      outputs: "  p99: {unit: ms, scale: log2}\n  util: {unit: percent}\n",
      properties: """
          - id: up
            nondecreasing: {of: p99, in: psi_cpu_some}
          - id: down
            nonincreasing: {of: util, in: [cores, ctxt]}
          - id: sane
            always: 1 ms <= p99 <= 60 s
          - id: percent
            always: 0 percent <= util

        """)
  }

  @Test func showsNetworkNumbersInTheEngineersUnits() throws {
    let spec = try Self.spec()
    #expect(spec.outputs[0].engineering(10).text == "1024 ms")
    #expect(spec.outputs[0].engineering(rational("0.5")).text == "1.41421 ms")
    #expect(spec.outputs[0].engineering(5000).text == "2^5000 ms")
    #expect(spec.outputs[0].engineering(5000).value == nil)
    #expect(spec.outputs[1].engineering(rational("5/2")).text == "2.5 percent")
    #expect(spec.features[2].engineering(11).approximation == 2048)
  }

  @Test func describesDropsAsPercentOrAmount() throws {
    let spec = try Self.spec()
    #expect(spec.outputs[0].describeDrop(1) == "−50 %")
    #expect(spec.outputs[0].describeDrop(rational("0.045")) == "−3.07 %")
    #expect(spec.outputs[0].describeChange(1) == "+100 %")
    #expect(spec.outputs[0].describeDrop(rational("1e-20")) == "−6.93e-19 %")
    #expect(spec.outputs[0].describeDrop(40) == "÷2^40")
    #expect(spec.outputs[1].describeDrop(rational("6.5")) == "−6.5 percent")
  }

  @Test func describesViolationsOfMonotonicity() throws {
    let spec = try Self.spec()
    #expect(
      spec.describeCounterexample(
        to: spec.properties[0], query: 0, x: [rational("0.412"), rational("1.2"), 11],
        xPrime: [rational("0.43"), rational("1.2"), 11], fx: 8, fxPrime: 7, drop: 1)
        == [
          "psi_cpu_some 0.412 → 0.43 fraction: p99 256 → 128 ms (−50 %), should not fall",
          "at cores 1.2, ctxt 2048 1/s",
        ])
    #expect(
      spec.describeCounterexample(
        to: spec.properties[1], query: 1, x: [0, 1, 10], xPrime: [0, 1, 11], fx: 20, fxPrime: rational("20.00001"),
        drop: rational("0.00001"))
        == [
          "ctxt 1024 → 2048 1/s: util 20 → 20.00001 percent (+0.00001 percent), should not rise",
          "at psi_cpu_some 0 fraction, cores 1",
        ])
  }

  @Test func describesViolationsOfBounds() throws {
    let spec = try Self.spec()
    let x: [Rational] = [0, 1, 10]
    #expect(
      spec.describeCounterexample(
        to: spec.properties[2], query: 0, x: x, xPrime: nil, fx: -1, fxPrime: nil, drop: 1)
        == ["p99 0.5 ms, should be at least 1 ms (−50 %)", "at psi_cpu_some 0 fraction, cores 1, ctxt 1024 1/s"])
    #expect(
      spec.describeCounterexample(
        to: spec.properties[2], query: 1, x: x, xPrime: nil, fx: 16, fxPrime: nil, drop: rational("0.1273"))[0]
        == "p99 65536 ms, should be at most 60000 ms (+9.22 %)")
    #expect(
      spec.describeCounterexample(
        to: spec.properties[3], query: 0, x: x, xPrime: nil, fx: -2, fxPrime: nil, drop: 2)[0]
        == "util -2 percent, should be at least 0 percent (−2 percent)")
  }
}
