import Certificates
import ExactArithmetic
import Explaining
import Foundation
import Specifications
import Telemetry
import TestHelpers
import Testing

struct MeasuredRowsTests {
  static func specification() throws -> Specification {
    try Specification.parse(
      text: """
        spec: vpals/v1
        features:
          psi: {unit: fraction, domain: 0..1}
          clients: {unit: connections, domain: 1..16, scale: log2, column: n}
        outputs:
          p99: {unit: ms, column: tail_ms}
          free: {}
        properties:
          - id: p
            nondecreasing: {of: p99, in: psi}

        """, path: "t.yaml")
  }

  private func rows(_ csv: String) throws -> MeasuredRows {
    let directory = TemporaryDirectory()
    let path = "\(directory.path)/data.csv"
    try Data(csv.utf8).write(to: URL(fileURLWithPath: path))
    return try MeasuredRows(csv: path, application: "app", specification: Self.specification())
  }

  /// psi 0.5, clients 4 (log₂ 2 of 4): the first row is 0.25 off in psi, the second 1 of 4 doublings in clients, the
  /// third is beyond the domain, where it is clamped, and the last is left out by a quality rule.
  @Test func distancesAreInWidthsOfTheDomain() throws {
    let rows = try rows("n,psi,tail_ms,other_cpu_cores\n4,0.125,3,0\n8,0.5,4.5,0\n400,0.5,,0\n4,0.5,7,0.5\n")
    #expect(rows.rows.map(\.number) == [1, 2, 3])
    #expect(rows.rows[2].inputs == [0.5, 4] && rows.rows[2].measured == [0.5, 400])
    #expect(rows.rows.map(\.outputs) == [[3, nil], [4.5, nil], [nil, nil]])
    let nearest = rows.nearest(to: [[Rational(1, 2), 2]], count: 3)
    #expect(nearest.map(\.row.number) == [2, 1, 3])
    #expect(nearest.map(\.distance) == [0.25, 0.375, 0.5])
    #expect(nearest.map(\.feature) == [1, 0, 1])
    // The nearer of two points counts; of two rows as near, the earlier.
    let pair = rows.nearest(to: [[1, 0], [Rational(1, 8), 2]], count: 1)
    #expect(pair.map(\.row.number) == [1] && pair.map(\.point) == [1] && pair.map(\.distance) == [0])
    #expect(rows.nearest(to: [[Rational(5, 16), Rational(5, 2)]], count: 2).map(\.row.number) == [1, 2])
  }

  @Test func wordsNameRowLineAndFeature() throws {
    let specification = try Self.specification()
    let rows = try rows("n,psi,tail_ms\n4,0.125,3\n8,0.5,4.5\n")
    let example = Counterexample(
      query: 0, x: [Rational(1, 2), 2], xPrime: [Rational(3, 4), 2], fx: 1, fxPrime: 0, drop: 1)
    let lines = specification.describeNearest(to: example, of: specification.properties[0], in: rows)
    #expect(
      lines == [
        "nearest measured row: 2 (line 3 of \(rows.path)), 0.25 of a domain's width away from x, most in clients "
          + "(8 connections there)",
        "measured there: p99 4.5 ms at psi 0.5 fraction, clients 8 connections",
      ])
    let exact = Counterexample(
      query: 0, x: [0, 0], xPrime: [Rational(1, 8), 2], fx: 1, fxPrime: 0, drop: 1)
    #expect(
      specification.describeNearest(to: exact, of: specification.properties[0], in: rows)[0]
        == "nearest measured row: 1 (line 2 of \(rows.path)), the very point of x′")
  }

  @Test func filesWithoutTheColumnsAreRefused() {
    #expect(throws: DatasetError.self) { try rows("psi,tail_ms\n0.5,3\n") }
    #expect(throws: DatasetError.self) { try rows("n,psi,tail_ms\n4,x,3\n") }
    #expect(throws: DatasetError.self) { try rows("") }
  }
}
