import Specifications
import Testing

@Suite struct ExplanationTests {
  private static func explain(_ property: String) throws -> PropertyExplanation {
    let specification = try Specification.parse(
      text: """
        spec: vpals/v1
        features:
          psi:      {unit: percent, domain: 0..100}
          cores:    {unit: cores, domain: 0.5..2}
          replicas: {values: [1, 2, 4]}
          load:     {unit: req/s, domain: 1..5000, scale: log2}
        outputs:
          p50: {unit: ms}
          p99: {unit: ms, scale: log2}
        properties:
          - id: p
        \(property.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))

        """, path: "t.yaml")
    return specification.explanation(of: specification.properties[0])
  }

  @Test(arguments: [
    ("nondecreasing: {of: p50, in: psi}", "When psi grows and all else stays the same, p50 never falls."),
    (
      "nonincreasing: {of: p99, in: [cores, replicas]}",
      "When cores or replicas grows, or several of them, and all else stays the same, p99 never rises."
    ),
    (
      "nondecreasing: {of: p50, in: replicas}\ntolerance: 0.5 ms",
      "When replicas grows along its values 1, 2, 4 and all else stays the same, p50 never falls by more than 0.5 ms in all."
    ),
    (
      "nondecreasing: {of: p99, in: psi}\ntolerance: 2 percent",
      "When psi grows and all else stays the same, p99 never falls by more than 2 percent in all."
    ),
    (
      "rate: {of: p50, in: psi, per: 10 percent, min: -1 us, max: 4 ms}",
      "For each 10 percent that psi grows while all else stays the same, p50 falls by at most 0.001 ms and rises by at most "
        + "4 ms."
    ),
    (
      "rate: {of: p99, in: load, min: 0 percent, max: 100 percent}",
      "For each doubling of load while all else stays the same, p99 never falls and rises by at most 100 percent."
    ),
    ("always: 0 ms <= p50 <= 1 s", "p50 always lies between 0 ms and 1000 ms."),
    ("always: p99 <= 1 s", "p99 is never above 1000 ms."),
    ("always: 2 * p50 <= 7 ms + p50", "At every point, 2·p50 ≤ 7 ms + p50."),
    (
      "forall: [a, b]\nwhere: a.psi < b.psi and a.replicas == b.replicas\nthen: a.p50 <= b.p50 + 1 ms",
      "For any two points a and b with a.psi < b.psi and a.replicas = b.replicas, a.p50 ≤ b.p50 + 1 ms."
    ),
  ])
  func propertiesInPlainEnglish(property: String, words: String) throws {
    #expect(try Self.explain(property).words == words)
  }

  @Test func placesAndQueries() throws {
    let plain = try Self.explain("nondecreasing: {of: p50, in: psi}")
    #expect(plain.place == "everywhere in the declared domain")
    #expect(plain.queries == "3 queries about one copy of the network")
    let restricted = try Self.explain(
      "nondecreasing: {of: p50, in: psi, over: 5..95 percent}\nwhen: cores >= 1 cores and replicas == 2")
    #expect(restricted.place == "where cores ≥ 1 cores and replicas = 2 and 5 ≤ psi ≤ 95 percent")
    #expect(restricted.queries == "1 query about one copy of the network")
    #expect(try Self.explain("always: p99 >= 0 ms").queries == "nothing: it is true of every network")
  }
}
