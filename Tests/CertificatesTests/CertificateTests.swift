import CertificateStorage
import Certificates
import ExactArithmetic
import TestHelpers
import Testing

@Suite struct CertificateTests {
  let directory = TemporaryDirectory()

  static let certificate = StoreExamples.certificate()

  /// The certificate's text after replacing `old`, which must occur, by `new`.
  static func changed(_ old: String, _ new: String) throws -> [UInt8] {
    var text = String(decoding: try certificate.encoded(), as: UTF8.self)
    let range = try #require(text.firstRange(of: old), "\(old) does not occur in \(text)")
    text.replaceSubrange(range, with: new)
    return Array(text.utf8)
  }

  static func refusal(_ bytes: [UInt8]) -> CertificateError? {
    #expect(throws: CertificateError.self) { try UncheckedCertificate(bytes: bytes, file: "nginx.intoto.json") }
  }

  @Test func isCanonicalJSONWithEveryFieldPresent() throws {
    let digest = StoreExamples.digest
    let text = String(decoding: try Self.certificate.encoded(), as: UTF8.self)
    #expect(
      text == #"{"checker":{"name":"vpals-check","version":"0.1.0"},"data":null,"#
        + #""expiresAt":"2027-01-01T00:00:00Z","finishedAt":"2026-01-01T00:00:00Z","format":"vpals-certificate/v1","model":{"files":[{"bytes":1000,"#
        + #""name":"model.onnx","sha256":"\#(digest("model v0001"))"},{"bytes":20,"name":"training.json","#
        + #""sha256":"\#(digest("training v0001"))"}],"name":"nginx","#
        + #""networkDigest":"\#(digest("network nginx v0001"))","version":"v0001"},"#
        + #""properties":[{"audit":{"confirmed":0,"leaves":0},"counterexample":{"drop":"1/8","fx":"5/2","#
        + #""fxPrime":"19/8","query":0,"x":["7","1/3"],"#
        + #""xPrime":["7169/1024","1/3"]},"cpuMilliseconds":11,"engine":"auto","id":"p99-rises","leaves":3,"#
        + #""lowerBound":"-1/3","milliseconds":12,"proof":null,"provedShare":"0.75","#
        + #""queryDigests":["\#(digest("query"))"],"reason":null,"solverLeaves":1,"#
        + #""statement":"p99 never falls when psi_cpu_some rises","verdict":"violated"},"#
        + #"{"audit":{"confirmed":0,"leaves":0},"counterexample":null,"cpuMilliseconds":2,"engine":"auto","#
        + #""id":"p99-sane","leaves":1,"lowerBound":null,"#
        + #""milliseconds":2,"proof":null,"provedShare":"1","queryDigests":["\#(digest("query 2"))"],"reason":null,"#
        + #""solverLeaves":0,"statement":"0 ms <= p99 <= 60 s","verdict":"holds"}],"#
        + #""semantics":{"arithmetic":"real"},"solver":{"name":"z3","version":"4.8.12"},"#
        + #""specification":{"digest":"\#(digest("spec nginx"))","features":[],"name":"nginx","outputs":[],"#
        + #""sha256":"\#(digest("file nginx"))"},"#
        + #""startedAt":"2026-01-01T00:00:00Z","verifier":{"name":"vpals","version":"0.1.0"}}"#)
  }

  @Test func readsWhatItWrites() throws {
    let bytes = try Self.certificate.encoded()
    let read = try UncheckedCertificate(bytes: bytes, file: "a")
    #expect(read.claims == Self.certificate)
    #expect(read.sha256 == SHA256Digest.of(bytes))
    #expect(!read.claims.claimsAllHold)
  }

  /// A year, unless the issuer says otherwise; 2026 is no leap year.
  @Test func countsForAYear() throws {
    #expect(Self.certificate.expiresAt.description == "2027-01-01T00:00:00Z")
  }

  @Test(arguments: [
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("2025-12-31T23:59:59Z", "2025-12-31T23:59:59Z"),
    ("2036-01-01T00:00:00Z", "2036-01-01T00:00:00Z"),
  ])
  func refusesAnExpiryThatIsNoneOrTooLate(text: String, shown: String) throws {
    let bytes = try Self.changed(#""expiresAt":"2027-01-01T00:00:00Z""#, #""expiresAt":"\#(text)""#)
    let error = Self.refusal(bytes)
    #expect(
      error?.message
        == "nginx.intoto.json: $.expiresAt is \(shown); expected a time after finishedAt, 2026-01-01T00:00:00Z, by at most "
        + "3650 days; run `vpals verify` again to write a new certificate")
  }

  @Test func keepsFeaturesOutputsAndData() throws {
    let base = Self.certificate
    let certificate = Certificate(
      model: base.model,
      specification: Certificate.Specification(
        name: "nginx", sha256: base.specification.sha256, digest: base.specification.digest,
        features: [Certificate.Quantity(name: "psi", statement: "psi ∈ [0, 1]")],
        outputs: [Certificate.Quantity(name: "p99", statement: "p99 ms")]),
      properties: base.properties, arithmetic: base.arithmetic, verifier: base.verifier, solver: base.solver,
      checker: Certificate.Tool(name: "other", version: "2"),
      data: Certificate.Coverage(
        sha256: StoreExamples.digest("data"), training: Certificate.Coverage.Share(rows: 90, inside: 80),
        heldOut: Certificate.Coverage.Share(rows: 10, inside: 10)), startedAt: base.startedAt,
      finishedAt: base.finishedAt, expiresAt: base.finishedAt.advanced(by: .seconds(3600)))
    let bytes = try certificate.encoded()
    #expect(try UncheckedCertificate(bytes: bytes, file: "a").claims == certificate)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(
      text.contains(
        #""data":{"heldOut":{"inside":10,"rows":10},"sha256":"\#(StoreExamples.digest("data"))","#
          + #""training":{"inside":80,"rows":90}}"#))
    let more = text.replacing(#""training":{"inside":80,"#, with: #""training":{"inside":91,"#)
    #expect(
      Self.refusal(Array(more.utf8))?.message.contains("$.data.training.inside is more than there are rows") == true)
  }

  @Test func keepsUndecidedPropertiesProofsAndPointsWithoutPartner() throws {
    let digest = StoreExamples.digest("query")
    let result = PropertyResult(
      id: "a", verdict: .unknown(.solver("smt tactic failed \"x\"\n")), engine: "smt", seconds: 1.2349,
      cpuSeconds: .nan,
      leaves: 9, solverLeaves: 9, provedShare: 0.999_999_9, lowerBound: nil)
    // The second point of a relation may differ in every coordinate, in both directions.
    let relational = PropertyResult(
      id: "d",
      verdict: .violated([
        Counterexample(
          query: 0, x: [Rational(1, 2), 3, -1], xPrime: [Rational(1, 3), 4, -1], fx: Rational(1), fxPrime: Rational(2),
          drop: Rational(1, 9))
      ]), engine: "smt", seconds: 0, cpuSeconds: 0, leaves: 0, solverLeaves: 0, provedShare: 0, lowerBound: nil)
    let one = Counterexample(
      query: 1, x: [Rational(1, 2)], xPrime: nil, fx: Rational(-3), fxPrime: nil, drop: Rational(3))
    let violated = PropertyResult(
      id: "b", verdict: .violated([one, StoreExamples.found(1).counterexample]), engine: "auto", seconds: 0,
      cpuSeconds: 0, leaves: 0, solverLeaves: 0, provedShare: 0, lowerBound: nil)
    let holds = PropertyResult(
      id: "c", verdict: .holds, engine: "auto", seconds: 0, cpuSeconds: 0, leaves: 1, solverLeaves: 0, provedShare: 1,
      lowerBound: Rational(1, 3))
    let proof = PropertyRecord.ProofReference(path: "nginx.c.proof", sha256: digest, bytes: 12)
    let records = [
      PropertyRecord(result, statement: "", queryDigests: []),
      PropertyRecord(violated, statement: "", queryDigests: [digest, digest]),
      PropertyRecord(holds, statement: "", queryDigests: [digest], proof: proof),
      PropertyRecord(relational, statement: "", queryDigests: [digest]),
    ]
    #expect(records[0].milliseconds == 1235)
    #expect(records[0].cpuMilliseconds == 0)
    #expect(records[0].provedShare == "0.999999")
    #expect(records[1].outcome == .violated(one))
    let base = Self.certificate
    let certificate = Certificate(
      model: base.model, specification: base.specification, properties: records, arithmetic: base.arithmetic,
      verifier: base.verifier, solver: base.solver, startedAt: base.startedAt, finishedAt: base.finishedAt)
    let read = try UncheckedCertificate(bytes: try certificate.encoded(), file: "a")
    #expect(read.claims == certificate)
  }

  @Test(arguments: [
    (0.5, "0.5"), (0, "0"), (1, "0.999999"), (0.123_456_789, "0.123456"), (1e-9, "0"), (.nan, "0"), (-1, "0"),
    (.infinity, "0.999999"), (0.1, "0.1"),
  ]) func roundsTheProvedShareDown(share: Double, text: String) {
    let result = PropertyResult(
      id: "a", verdict: .unknown(.timeout), engine: "auto", seconds: 0, cpuSeconds: 0, leaves: 0, solverLeaves: 0,
      provedShare: share, lowerBound: nil)
    #expect(PropertyRecord(result, statement: "", queryDigests: []).provedShare == text)
  }

  @Test(arguments: [
    (#""name":"z3""#, #""name":3"#, "$.solver.name is an integer; expected a string"),
    (#""leaves":3"#, #""leaves":"3""#, "$.properties[0].leaves is a string; expected an integer"),
    (#""leaves":3"#, #""leaves":-3"#, "$.properties[0].leaves is -3; expected 0 or more"),
    (#""leaves":3"#, #""leaves":0"#, "$.properties[0].solverLeaves is more than all leaves"),
    (#""semantics":{"arithmetic":"real"}"#, #""semantics":null"#, "$.semantics is null; expected an object"),
    (#""proof":null"#, #""proof":true"#, "$.properties[0].proof is a boolean; expected an object"),
    (
      #""arithmetic":"real""#, #""arithmetic":"float""#,
      "$.semantics.arithmetic is \"float\"; expected real or binary64-exact or binary32-bounded or binary64-bounded"
    ),
    (#""engine":"auto","#, "", "$.properties[0] lacks the field \"engine\""),
    (#""query":0"#, #""query":0,"value":1"#, "$.properties[0].counterexample has an unknown field \"value\""),
    (#""drop":"1/8""#, #""drop":"-1/8""#, "$.properties[0].counterexample.drop is -1/8; a violation is positive"),
    (
      #""drop":"1/8""#, #""drop":"2/16""#,
      "$.properties[0].counterexample.drop is no exact number in lowest terms (\"n\" or \"n/d\", at most 4096 characters)"
    ),
    (
      #""x":["7","#, #""x":["7.0","#,
      "$.properties[0].counterexample.x[0] is no exact number in lowest terms (\"n\" or \"n/d\", at most 4096 characters)"
    ),
    (
      #""x":["7","#, #""x":["# + "\"" + String(repeating: "7", count: 4097) + "\",",
      "$.properties[0].counterexample.x[0] is no exact number in lowest terms (\"n\" or \"n/d\", at most 4096 characters)"
    ),
    (
      #""x":["7","#, #""x":["#,
      "$.properties[0].counterexample.xPrime and fxPrime must both be null or both be given, for as many inputs as x"
    ),
    (
      #""fxPrime":"19/8""#, #""fxPrime":null"#,
      "$.properties[0].counterexample.xPrime and fxPrime must both be null or both be given, for as many inputs as x"
    ),
    (
      #""provedShare":"0.75""#, #""provedShare":"1""#,
      "$.properties[0].provedShare is \"1\"; expected a decimal number below 1 with at most six decimals, or 1 when the "
        + "property holds"
    ),
    (
      #""provedShare":"1""#, #""provedShare":"0.9""#,
      "$.properties[1].provedShare is \"0.9\"; expected a decimal number below 1 with at most six decimals, or 1 when "
        + "the property holds"
    ),
    (
      #""verdict":"violated""#, #""verdict":"holds""#,
      "$.properties[0].verdict does not fit: only `unknown` has a reason, only `violated` has a counterexample, and both "
        + "must have theirs"
    ),
    (
      #""verdict":"holds""#, #""verdict":"proved""#,
      "$.properties[1].verdict is \"proved\"; expected holds, violated or unknown"
    ),
    (#""id":"p99-sane""#, #""id":"p99-rises""#, "$.properties[1] has the id \"p99-rises\" of another property"),
    (
      #""name":"training.json""#, #""name":"../training.json""#,
      "$.model.files[1].name is \"../training.json\"; expected the name of a file in the certificate's directory"
    ),
    (
      #""name":"training.json""#, #""name":"model.onnx""#,
      "$.model.files[1].name is \"model.onnx\", doubled or not in sorted order"
    ),
    (
      #""startedAt":"2026-01-01T00:00:00Z""#, #""startedAt":"2026-01-01T00:00:01Z""#,
      "$.finishedAt is 2026-01-01T00:00:00Z, before startedAt, 2026-01-01T00:00:01Z"
    ),
    (
      #""startedAt":"2026-01-01T00:00:00Z""#, #""startedAt":"yesterday""#,
      "$.startedAt is \"yesterday\"; expected a time in UTC like 2026-05-01T12:00:00Z"
    ),
    (#""name":"z3""#, #""name":"""#, "$.solver.name is empty or has control characters; expected a name"),
  ]) func namesTheFieldThatIsWrong(old: String, new: String, problem: String) throws {
    let error = Self.refusal(try Self.changed(old, new))
    #expect(error?.code == .malformed)
    #expect(
      error?.message == "nginx.intoto.json: \(problem); run `vpals verify` again to write a new certificate")
  }

  @Test(arguments: [(3, 3), (3, 0), (1, 1), (0, 0)])
  func keepsTheAudit(audited: Int, confirmed: Int) throws {
    let audit = LeafAudit(audited: audited, confirmed: confirmed)
    let result = PropertyResult(
      id: "a", verdict: .holds, engine: "auto", seconds: 0, cpuSeconds: 0, leaves: 3, solverLeaves: 0, provedShare: 1,
      lowerBound: nil, audit: audit)
    let record = PropertyRecord(result, statement: "", queryDigests: [StoreExamples.digest("query")])
    let base = Self.certificate
    let certificate = Certificate(
      model: base.model, specification: base.specification, properties: [record], arithmetic: base.arithmetic,
      verifier: base.verifier, solver: base.solver, startedAt: base.startedAt, finishedAt: base.finishedAt)
    let bytes = try certificate.encoded()
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains(#""properties":[{"audit":{"confirmed":\#(confirmed),"leaves":\#(audited)},"#))
    let read = try UncheckedCertificate(bytes: bytes, file: "a")
    #expect(read.claims == certificate)
    #expect(read.claims.properties.map(\.audit) == [audit])
  }

  /// Of a property with three leaves.
  @Test(arguments: [
    (#"{"confirmed":1,"leaves":0}"#, " counts more than there are"),
    (#"{"confirmed":3,"leaves":2}"#, " counts more than there are"),
    (#"{"confirmed":0,"leaves":4}"#, " counts more than there are"),
    (#"{"confirmed":4,"leaves":4}"#, " counts more than there are"),
    (#"{"confirmed":-1,"leaves":0}"#, ".confirmed is -1; expected 0 or more"),
    (#"{"confirmed":0,"leaves":-1}"#, ".leaves is -1; expected 0 or more"),
    (#"{"confirmed":"0","leaves":0}"#, ".confirmed is a string; expected an integer"),
    (#"{"confirmed":0}"#, " lacks the field \"leaves\""),
    (#"{"leaves":0}"#, " lacks the field \"confirmed\""),
    (#"{"confirmed":0,"leaves":0,"undecided":0}"#, " has an unknown field \"undecided\""),
    ("null", " is null; expected an object"),
    ("true", " is a boolean; expected an object"),
  ]) func refusesAnAuditThatDoesNotFit(audit: String, problem: String) throws {
    let error = Self.refusal(try Self.changed(#""audit":{"confirmed":0,"leaves":0}"#, #""audit":\#(audit)"#))
    #expect(error?.code == .malformed)
    #expect(
      error?.message
        == "nginx.intoto.json: $.properties[0].audit\(problem); run `vpals verify` again to write a new "
        + "certificate")
  }

  @Test func refusesAPropertyWithoutAudit() throws {
    let error = Self.refusal(try Self.changed(#""audit":{"confirmed":0,"leaves":0},"#, ""))
    #expect(error?.code == .malformed)
    #expect(
      error?.message
        == "nginx.intoto.json: $.properties[0] lacks the field \"audit\"; run `vpals verify` again to write a new "
        + "certificate")
  }

  @Test func refusesHugeNumbersAndOtherNotations() throws {
    for number in ["9007199254740992", "1e400", "12.5", String(repeating: "1", count: 5000), "+1"] {
      let error = Self.refusal(try Self.changed(#""leaves":3"#, #""leaves":\#(number)"#))
      #expect(error?.code == .notCanonical)
      #expect(error?.message.hasPrefix("nginx.intoto.json: at $.properties[0].leaves (byte ") == true)
    }
  }

  @Test func refusesOtherFormatsByName() throws {
    let error = Self.refusal(try Self.changed("vpals-certificate/v1", "vpals-certificate/v2"))
    #expect(error?.code == .unsupported)
    #expect(
      error?.message
        == "nginx.intoto.json: $.format is \"vpals-certificate/v2\", but this version reads "
        + "\"vpals-certificate/v1\"; use a vpals that knows the format, or run `vpals verify` again to write a new "
        + "certificate")
    #expect(Self.refusal(Array(#"{"format":"x/v1"}"#.utf8))?.code == .unsupported)
    #expect(Self.refusal(Array("{}".utf8))?.code == .malformed)
    #expect(Self.refusal(Array("[]".utf8))?.code == .malformed)
    #expect(Self.refusal([])?.code == .notCanonical)
  }

  @Test func refusesEveryTruncation() throws {
    let bytes = try Self.certificate.encoded()
    for count in 0..<bytes.count { #expect(Self.refusal(Array(bytes[..<count]))?.code == .notCanonical) }
  }

  /// A flipped bit is refused, or it is inside a value and then another certificate with another digest.
  @Test(arguments: [UInt64(5)]) func everyFlippedBitIsRefusedOrSeenInTheDigest(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let bytes = try Self.certificate.encoded()
    let digest = SHA256Digest.of(bytes)
    var refused = 0
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      guard let read = try? UncheckedCertificate(bytes: changed, file: "a") else {
        refused += 1
        continue
      }
      #expect(read.sha256 != digest)
      #expect(read.claims != Self.certificate)
      #expect(try read.claims.encoded() == changed)
    }
    #expect(refused > bytes.count / 2)
  }

  @Test func isNotWrittenWhenItCouldNotBeRead() throws {
    let base = Self.certificate
    let bad = Certificate(
      model: base.model,
      specification: Certificate.Specification(name: "nginx", sha256: "abc", digest: base.specification.digest),
      properties: base.properties, arithmetic: base.arithmetic, verifier: base.verifier, solver: base.solver,
      startedAt: base.startedAt, finishedAt: base.finishedAt)
    let error = #expect(throws: CertificateError.self) { try bad.encoded() }
    #expect(
      error?.message
        == "the new certificate: $.specification.sha256 is no digest; expected 64 lowercase hexadecimal digits; run "
        + "`vpals verify` again to write a new certificate")
  }

  @Test func namesItsFileAfterTheSpecification() throws {
    #expect(try Certificate.fileName(specification: "redis-tail") == "redis-tail.intoto.json")
    #expect(try Certificate.fileName(specification: "redis-tail", .summary) == "redis-tail.vsa.json")
    #expect(try Certificate.fileName(specification: "redis-tail", .logProof) == "redis-tail.tlog-proof")
    for name in ["", ".", "..", ".hidden", "a/b", "../a", "a\nb", String(repeating: "n", count: 200)] {
      let error = #expect(throws: CertificateError.self) { try Certificate.fileName(specification: name) }
      #expect(error?.code == .name)
    }
  }

  @Test func namesTheFilesThatChanged() throws {
    let model: [UInt8] = [1, 2, 3]
    try AtomicFile.write(model, to: directory.path + "/model.onnx")
    try AtomicFile.write([4], to: directory.path + "/training.json")
    let base = Self.certificate
    let certificate = Certificate(
      model: Certificate.Model(
        name: "nginx", version: "v0001",
        files: [
          Certificate.Subject(name: "model.onnx", sha256: SHA256Digest.of(model), bytes: 3),
          Certificate.Subject(name: "training.json", sha256: SHA256Digest.of([4]), bytes: 1),
        ], networkDigest: base.model.networkDigest), specification: base.specification, properties: base.properties,
      arithmetic: base.arithmetic, verifier: base.verifier, solver: base.solver, startedAt: base.startedAt,
      finishedAt: base.finishedAt)
    let read = try UncheckedCertificate(bytes: try certificate.encoded(), file: "a")
    #expect(read.fileProblems(in: directory.path) == [])
    try AtomicFile.write([1, 2, 2], to: directory.path + "/model.onnx")
    #expect(
      read.fileProblems(in: directory.path).map(\.description) == [
        "\(directory.path)/model.onnx has changed since it was verified"
      ])
    #expect(
      read.fileProblems(in: directory.path + "/none").map(\.problem) == ["is missing", "is missing"])
  }
}
