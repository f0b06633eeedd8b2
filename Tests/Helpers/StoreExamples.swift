public import CertificateStorage
public import Certificates
public import ExactArithmetic
public import FoundationEssentials

/// Certificates and counterexamples that tests fill a store with.
public enum StoreExamples {
  /// 2026-01-01T00:00:00Z.
  public static let start = Date(timeIntervalSince1970: 1_767_225_600)

  public static func digest(_ text: String) -> String { SHA256Digest.of(Array(text.utf8)) }

  /// The counterexample number `number`: different numbers are different pairs.
  public static func found(_ number: Int, property: String = "p99-rises", drop: Rational = Rational(1, 8))
    -> FoundCounterexample
  {
    FoundCounterexample(
      property: property,
      counterexample: Counterexample(
        query: 0, x: [Rational(number), Rational(1, 3)],
        xPrime: [Rational(number) + Rational(1, 1024), Rational(1, 3)],
        fx: Rational(5, 2), fxPrime: Rational(5, 2) - drop, drop: drop),
      engineering: "pressure \(number) % to \(number).1 %: p99 falls from 5.7 ms to 5.2 ms")
  }

  public static func origin(_ application: String = "nginx", version: String = "v0001") -> QueueOrigin {
    QueueOrigin(certificate(application, version: version))
  }

  /// A certificate in which `p99-rises` is violated and `p99-sane` holds.
  public static func certificate(
    _ application: String = "nginx", version: String = "v0001", seconds: Int = 0
  ) -> Certificate {
    Certificate(
      model: Certificate.Model(
        name: application, version: version,
        files: [
          Certificate.Subject(name: "training.json", sha256: digest("training \(version)"), bytes: 20),
          Certificate.Subject(name: "model.onnx", sha256: digest("model \(version)"), bytes: 1000),
        ], networkDigest: digest("network \(application) \(version)")),
      specification: Certificate.Specification(
        name: application, sha256: digest("file \(application)"), digest: digest("spec \(application)")),
      properties: [
        PropertyRecord(
          id: "p99-rises", statement: "p99 never falls when psi_cpu_some rises",
          outcome: .violated(found(7).counterexample), engine: "auto", milliseconds: 12, cpuMilliseconds: 11, leaves: 3,
          solverLeaves: 1, provedShare: "0.75", lowerBound: Rational(-1, 3), queryDigests: [digest("query")]),
        PropertyRecord(
          id: "p99-sane", statement: "0 ms <= p99 <= 60 s", outcome: .holds, engine: "auto", milliseconds: 2,
          cpuMilliseconds: 2, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil,
          queryDigests: [digest("query 2")]),
      ],
      arithmetic: .real, verifier: .vpals(version: "0.1.0"), solver: .z3(version: "4.8.12"),
      startedAt: Timestamp(start), finishedAt: Timestamp(start).advanced(by: .seconds(seconds)))
  }
}
