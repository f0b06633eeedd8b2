public import CertificateStorage
public import Certificates
public import Specifications

extension FoundCounterexample {
  /// A counterexample with its text in the engineer's units.
  public init(property: Property, counterexample: Counterexample, specification: Specification) {
    self.init(
      property: property.id, counterexample: counterexample,
      engineering: Self.lines(property, counterexample, specification).joined(separator: "\n"))
  }

  /// What happens, and where, in the engineer's units.
  public static func lines(_ property: Property, _ example: Counterexample, _ specification: Specification) -> [String]
  {
    specification.describeCounterexample(
      to: property, query: example.query, x: example.x, xPrime: example.xPrime, fx: example.fx,
      fxPrime: example.fxPrime, drop: example.drop)
  }
}
