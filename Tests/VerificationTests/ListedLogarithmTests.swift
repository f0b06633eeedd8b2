import Certificates
import ExactArithmetic
import Networks
import Specifications
import TestHelpers
import Testing

@testable import Verification

/// Listed values on a logarithmic scale that are no powers of two: small intervals in the network's numbers, but one value.
@Suite struct ListedLogarithmTests {
  private static func specification(_ properties: String, features: String) throws -> Specification {
    try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n  y: {unit: ms}\nproperties:\n  - id: p\n"
        + properties.split(separator: "\n").map { "    \($0)\n" }.joined(), path: "t.yaml")
  }

  private static let features =
    "  a: {values: [1, 3], scale: log2}\n  r: {domain: 0..1}\n  s: {domain: 0..1}\n"

  /// y = a + r + s grows in everything, and the same value of `a` is the same number at both points.
  @Test(arguments: [
    "nondecreasing: {of: y, in: [a, r]}\nwhen: r + s <= 1.5",
    "nondecreasing: {of: y, in: [a, r]}",
    "nondecreasing: {of: y, in: [a, r]}\ntolerance: 1 us",
    "forall: [p, q]\nwhere: p.a <= q.a and p.r <= q.r and p.s == q.s\nthen: q.y >= p.y\nwhen: r + s <= 1.5",
    "forall: [p, q]\nwhere: q.a <= p.a and q.r <= p.r and p.s == q.s\nthen: p.y >= q.y\nwhen: r + s <= 1.5",
    "forall: [p, q]\nwhere: p.a <= q.a and p.r == q.r and p.s == q.s\nthen: q.y >= p.y\nfor-each: {a: [3]}",
    "forall: [p, q]\nwhere: q.a <= p.a and p.r == q.r and p.s == q.s\nthen: p.y >= q.y\nfor-each: {a: [3]}",
  ])
  func theSameValueIsTheSameNumber(property: String) throws {
    let network = try Network.of([([[1, 1, 1]], [0]), ([[1]], [0])])
    let specification = try Self.specification(property, features: Self.features)
    for engine in Engine.allCases {
      #expect(
        try PropertyKindTests.decide(network, specification.properties[0], engine: engine) == "holds", "\(engine)")
    }
  }

  @Test func growthInAFeatureThatForEachSetsIsRefused() throws {
    let features = "  a: {domain: 1..4, scale: log2}\n  r: {domain: 0..1}\n"
    do throws(SpecificationError) {
      _ = try Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n  y: {}\nproperties:\n  - id: p\n"
          + "    nondecreasing: {of: y, in: a}\n    for-each: {a: [3]}\n", path: "t.yaml")
      Issue.record("accepted")
    } catch {
      #expect(error.diagnostics.map(\.code) == [.constantFeature])
      #expect(error.diagnostics[0].message.contains("'for-each' sets 'a' to one value"))
    }
  }

  @Test func valuesThatCannotBeToldApartAreRefused() throws {
    do throws(SpecificationError) {
      _ = try Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n  a: {values: [3, 3.000000000000000000001], scale: log2}\noutputs:\n  y: {}\n"
          + "properties:\n  - {id: p, nondecreasing: {of: y, in: a}}\n", path: "t.yaml")
      Issue.record("accepted")
    } catch {
      #expect(error.diagnostics.map(\.code) == [.duplicateName])
    }
  }

  @Test func choicesOfAllPropertiesTogetherAreBounded() throws {
    let features = (0..<16).map { "  f\($0): {values: [0, 1]}\n" }.joined()
    let sum = (0..<16).map { "f\($0)" }.joined(separator: " + ")
    let properties = (0..<3).map { "  - {id: p\($0), always: y >= 0, when: \(sum) >= 31/2}\n" }.joined()
    do throws(SpecificationError) {
      _ = try Specification.parse(
        text: "spec: vpals/v1\nfeatures:\n\(features)outputs:\n  y: {}\nproperties:\n\(properties)", path: "t.yaml")
      Issue.record("accepted")
    } catch {
      #expect(error.diagnostics.map(\.code) == [.tooLarge])
    }
  }
}
