import Foundation
import Specifications
import TestHelpers
import Testing

@testable import Retraining

@Suite struct DataCoverageTests {
  private let directory = TemporaryDirectory()

  private func coverage(_ rows: [String], _ specification: Specification) throws -> DataCoverage {
    let path = "\(directory.path)/rows.csv"
    try Data((["psi,replicas,load,y"] + rows).joined(separator: "\n").utf8 + [10]).write(to: URL(filePath: path))
    return try DataCoverage(path: path, specification: specification)
  }

  private static let specification = Result {
    try Specification.parse(
      text: """
        spec: vpals/v1
        features:
          psi:      {unit: fraction, domain: 0.1..1}
          replicas: {values: [1, 2, 4]}
          load:     {unit: req/s, domain: 3..5000, scale: log2}
        outputs:
          y: {unit: ms}
        properties:
          - id: everywhere
            nondecreasing: {of: y, in: psi}
          - id: loaded
            nondecreasing: {of: y, in: psi}
            when: load >= 1000 req/s
          - id: never
            always: y >= 0 ms
            when: psi >= 95 percent and replicas == 4
          - id: pairs
            forall: [a, b]
            where: a.psi <= b.psi and a.replicas == b.replicas and a.load == b.load
            then: a.y <= b.y
          - id: between
            nonincreasing: {of: y, in: replicas}
            when: psi <= 1/2 fraction

        """, path: "app.yaml")
  }

  @Test func countsRowsInTheDomainAndAtEachProperty() throws {
    let specification = try Self.specification.get()
    let coverage = try coverage(
      [
        "0.1,1,3,1",  // on the ends, which binary64 holds only nearly
        "0.6,2,1000,1",  // on the precondition
        "0.99,1,2000,1", "0.5,3,100,1",  // not a listed number of replicas
        "0.05,1,100,1",  // outside
        "1,4,5000.5,1",  // outside
        "-0.5,1,100,1",  // outside
      ], specification)
    #expect(coverage.rowCount == 7 && coverage.insideDomain == 3)
    #expect(coverage.insideFeature == [5, 6, 6])
    #expect(coverage.touched == [3, 2, 0, 3, 1])
    #expect(coverage.share(3) == "3 of 7 rows (42.9 %)")
    let warnings = coverage.warnings(specification)
    #expect(warnings.map(\.code) == [.uncovered])
    #expect(
      warnings[0].description == "app.yaml:14:9: warning[W003]: 'never' speaks of no row of \(coverage.path): "
        + "3 of 7 rows (42.9 %) lie in the declared domain, none where this property applies\n"
        + "   fix: check its preconditions and the domains, or measure there")
  }

  @Test func aColumnInAnotherUnitIsNamed() throws {
    let specification = try Self.specification.get()
    let coverage = try coverage(["10,1,100,1", "60,2,100,1"], specification)
    let warnings = coverage.warnings(specification)
    #expect(warnings.map(\.code) == [.data] + Array(repeating: .uncovered, count: 5))
    #expect(warnings[0].message.contains("'psi' in the domain of 'psi'"))
    #expect(warnings[0].fix == "check the unit of the column: the domain is psi ∈ [0.1, 1] fraction")
  }

  @Test func rowsInACornerOfTheDomainAndOutputsWithoutColumnAreNamed() throws {
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  psi: {unit: fraction, domain: 0..100}\noutputs:\n  p99: {unit: ms}\n"
        + "properties:\n  - {id: p, nondecreasing: {of: p99, in: psi}}\n", path: "a.yaml")
    let path = "\(directory.path)/corner.csv"
    try Data("psi,p99_ms\n0.5,1\n0.25,2\n".utf8).write(to: URL(filePath: path))
    let warnings = try DataCoverage(path: path, specification: specification).warnings(specification)
    #expect(warnings.map(\.code) == [.data, .data])
    #expect(warnings[0].message == "the values of 'psi' in \(path) are at most 0.5, a fiftieth or less of the domain")
    #expect(warnings[1].message == "\(path) has no column 'p99', from which an output is read")
  }

  @Test func aMissingColumnIsAnError() throws {
    let specification = try Self.specification.get()
    let path = "\(directory.path)/other.csv"
    try Data("psi,load\n0.5,100\n".utf8).write(to: URL(filePath: path))
    #expect(throws: (any Error).self) { try DataCoverage(path: path, specification: specification) }
  }
}
