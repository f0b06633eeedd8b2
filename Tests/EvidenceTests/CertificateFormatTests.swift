import CertificateStorage
import Certificates
import Evidence
import ExactArithmetic
import Foundation
import Signing
import TestHelpers
import Testing
import TransparencyLog

/// docs/certificate-format.md against what we write and read: its JSON Schema, and `check_certificate.py`, which was
/// written from the page alone.
@Suite struct CertificateFormatTests {
  let directory = TemporaryDirectory()

  static let applications = ["lucene", "mariadb", "mindspore", "nginx", "redis"]
  private static let root = PythonTools.root.path
  private static let schema = PythonTools.root.appending(path: "schemas/vpals-certificate-v1.schema.json")
  private static let script = PythonTools.root.appending(path: "Tests/Python/check_certificate.py").path
  /// A time at which all certificates here count.
  private static let now = "2026-12-01T00:00:00Z"

  // MARK: Certificates

  private static func record(
    _ id: String, _ outcome: PropertyRecord.Outcome, share: String, proof: PropertyRecord.ProofReference? = nil
  ) -> PropertyRecord {
    PropertyRecord(
      id: id, statement: "p99 \u{2265} 0 ms", outcome: outcome, engine: "auto", milliseconds: 12, cpuMilliseconds: 11,
      leaves: 3, solverLeaves: 1, provedShare: share, lowerBound: Rational(-1, 3),
      queryDigests: [StoreExamples.digest(id)], proof: proof, audit: LeafAudit(audited: 2, confirmed: 1))
  }

  private static let violated = record("p99-rises", .violated(StoreExamples.found(7).counterexample), share: "0.75")
  private static let undecided = record("p99-falls", .unknown(.timeout), share: "0")

  private static func certificate(
    _ properties: [PropertyRecord], files: [Certificate.Subject]? = nil, specification: String? = nil
  ) -> Certificate {
    let base = StoreExamples.certificate()
    return Certificate(
      model: Certificate.Model(
        name: base.model.name, version: base.model.version, files: files ?? base.model.files,
        networkDigest: base.model.networkDigest),
      specification: Certificate.Specification(
        name: base.specification.name, sha256: specification ?? base.specification.sha256,
        digest: base.specification.digest,
        features: [Certificate.Quantity(name: "cores", statement: "cores \u{2208} [0.5, 2] cores")],
        outputs: [Certificate.Quantity(name: "p99", statement: "p99 ms")]),
      properties: properties, arithmetic: base.arithmetic, verifier: base.verifier, solver: base.solver,
      data: Certificate.Coverage(
        sha256: StoreExamples.digest("data"), training: Certificate.Coverage.Share(rows: 4, inside: 3),
        heldOut: Certificate.Coverage.Share(rows: 0, inside: 0)),
      startedAt: base.startedAt, finishedAt: base.finishedAt)
  }

  /// A property of each verdict, and all that can be there.
  private static let full = certificate([
    violated,
    record(
      "p99-sane", .holds, share: "1",
      proof: PropertyRecord.ProofReference(
        path: "nginx.p99-sane.proof", sha256: StoreExamples.digest("proof"), bytes: 4)),
    undecided,
  ])

  private static func statement(_ certificate: Certificate) throws -> JSONValue {
    try CanonicalJSON.read(SignedCertificate.statement(of: certificate).encoded, file: "the statement")
  }

  private static let exact = JSONValue.object([
    "arithmetic": .string("binary64-exact"),
    "grid": .array([.object(["exponent": .integer(-2), "low": .string("-1/2"), "high": .string("3/4")])]),
  ])

  private static func bounded(_ arithmetic: String) -> JSONValue {
    .object([
      "arithmetic": .string(arithmetic), "errors": .strings(["0", "1/3"]), "properties": .strings(["p99-sane"]),
    ])
  }

  /// Statements as we would write them, of every kind.
  private static func good() throws -> [JSONValue] {
    let base = try statement(full)
    var all = [base, base.setting("predicate.data", .null)]
    all.append(try statement(StoreExamples.certificate()))
    all.append(try statement(certificate([undecided])))
    for arithmetic in [exact, bounded("binary32-bounded"), bounded("binary64-bounded")] {
      all.append(base.setting("predicate.semantics", arithmetic))
    }
    return all
  }

  // MARK: Judges

  private struct Report: Decodable {
    struct Problem: Decodable {
      let filename: String
    }
    let errors: [Problem]
    let parse_errors: [Problem]?
  }

  /// Whether the schema accepts each of the payloads.
  private func schemaAccepts(_ payloads: [[UInt8]]) throws -> [Bool] {
    let program = try #require(PythonTools.program("check-jsonschema"), "run `make deps`")
    let scratch = TemporaryDirectory()
    var names: [String] = []
    for (index, payload) in payloads.enumerated() {
      let name = "\(scratch.path)/\(index).json"
      try Data(payload).write(to: URL(filePath: name))
      names.append(name)
    }
    let child = try #require(
      ChildProcess(program, ["--output-format", "json", "--schemafile", Self.schema.path] + names))
    let text = child.rest().joined(separator: "\n")
    let status = child.wait()
    let report = try JSONDecoder().decode(Report.self, from: Data(text.utf8))
    #expect((report.parse_errors ?? []).isEmpty)
    let refused = Set(report.errors.map(\.filename))
    #expect(status == (refused.isEmpty ? 0 : 1))
    return names.map { !refused.contains($0) }
  }

  private func schemaAccepts(_ statements: [JSONValue]) throws -> [Bool] {
    try schemaAccepts(statements.map { CanonicalJSON.encode($0) })
  }

  private static func envelope(_ payload: [UInt8]) throws -> [UInt8] {
    try DSSEEnvelope(signing: payload, with: []).encoded
  }

  private func weRead(_ statement: JSONValue) throws -> Bool {
    let bytes = try Self.envelope(CanonicalJSON.encode(statement))
    return (try? CertificateFile(bytes: bytes, file: "the certificate")) != nil
  }

  /// What the second reader says, which is one line, and its exit status.
  private struct Answer: Equatable {
    let status: Int
    let line: String

    static func invalid(_ reason: String) -> Answer { Answer(status: 1, line: "invalid: \(reason)") }
    var isInvalid: Bool { status == 1 && line.hasPrefix("invalid: ") }
  }

  private func check(
    _ file: String, in directory: String, specification: String, now: String = Self.now, _ more: [String] = [],
    python: [String] = ["/usr/bin/env", "python3"]
  ) throws -> Answer {
    let arguments =
      ["-B", Self.script, file, "--directory", directory, "--spec", specification, "--now", now] + more
    let child = try #require(ChildProcess(python[0], Array(python.dropFirst()) + arguments))
    let lines = child.rest()
    let status = child.wait()
    try #require(lines.count == 1, "\(lines)")
    return Answer(status: status, line: lines[0])
  }

  // MARK: The schema

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaAcceptsWhatWeWrite() throws {
    let good = try Self.good()
    for statement in good { #expect(try weRead(statement)) }
    let published = try Self.applications.map { name in
      try CertificateFile(contentsOf: "\(Self.root)/models/\(name)/v0001/\(name).intoto.json").envelope.payload
    }
    let payloads = good.map { CanonicalJSON.encode($0) } + published
    #expect(try schemaAccepts(payloads) == payloads.map { _ in true })
  }

  /// Every member of every object is asked for, has one type, and has no other beside it.
  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaIsAsStrictAsTheReader() throws {
    let base = try Self.statement(Self.full)
    var changed: [(name: String, statement: JSONValue)] = []
    for semantics in [Self.exact, Self.bounded("binary64-bounded")] {
      let statement = base.setting("predicate.semantics", semantics)
      for path in statement.memberPaths {
        let place = path.joined(separator: ".")
        let neighbour = (path.dropLast() + ["extra"]).joined(separator: ".")
        changed.append(("\(place) is missing", statement.setting(place, nil)))
        changed.append(("\(place) is a boolean", statement.setting(place, .boolean(true))))
        changed.append(("\(place) has an unknown neighbour", statement.setting(neighbour, .null)))
      }
    }
    #expect(changed.count > 400)
    let accepted = try schemaAccepts(changed.map(\.statement))
    for (change, isAccepted) in zip(changed, accepted) {
      #expect(!isAccepted, "\(change.name)")
      #expect(try !weRead(change.statement), "\(change.name)")
    }
  }

  /// Places in the statement of ``full`` on the grid ``exact``, and what must not stand there.
  private static let wrong: [(place: String, value: JSONValue)] = [
    ("_type", .string("https://in-toto.io/Statement/v0.1")),
    ("predicateType", .string("urn:vpals:certificate:v2")),
    ("subject", .array([])),
    ("subject.0.digest.sha256", .string("00")),
    ("predicate.format", .string("vpals-certificate/v2")),
    ("predicate.model.name", .string("two\nlines")),
    ("predicate.model.name", .string("")),
    ("predicate.model.name", .string(String(repeating: "x", count: 201))),
    ("predicate.model.networkDigest", .string(String(repeating: "A", count: 64))),
    ("predicate.model.files", .array([])),
    ("predicate.model.files.0.name", .string("a/b")),
    ("predicate.model.files.0.name", .string("..")),
    ("predicate.model.files.0.sha256", .string(String(repeating: "a", count: 63))),
    ("predicate.model.files.0.bytes", .integer(-1)),
    ("predicate.properties", .array([])),
    ("predicate.properties.0.verdict", .string("proven")),
    ("predicate.properties.0.verdict", .string("holds")),
    ("predicate.properties.0.counterexample", .null),
    ("predicate.properties.1.reason", .string("timeout")),
    ("predicate.properties.2.reason", .null),
    ("predicate.properties.0.provedShare", .string("1")),
    ("predicate.properties.0.provedShare", .string("0.50")),
    ("predicate.properties.0.provedShare", .string("0.1234567")),
    ("predicate.properties.1.provedShare", .string("0.5")),
    ("predicate.properties.0.leaves", .integer(-1)),
    ("predicate.properties.0.milliseconds", .string("12")),
    ("predicate.properties.0.lowerBound", .string("0.5")),
    ("predicate.properties.0.lowerBound", .string("2/1")),
    ("predicate.properties.0.lowerBound", .string("-0")),
    ("predicate.properties.0.queryDigests.0", .string("sha256:00")),
    ("predicate.properties.0.counterexample.drop", .string("0")),
    ("predicate.properties.0.counterexample.drop", .string("-1/8")),
    ("predicate.properties.0.counterexample.x", .array([])),
    ("predicate.properties.1.proof.path", .string("../x.proof")),
    ("predicate.properties.1.proof.bytes", .integer(-1)),
    ("predicate.startedAt", .string("2026-01-01")),
    ("predicate.expiresAt", .string("2027-01-01T00:00:00.000Z")),
    ("predicate.expiresAt", .string("2027-01-01T00:00:00+00:00")),
    ("predicate.semantics.arithmetic", .string("binary128-exact")),
    ("predicate.semantics.grid.0.exponent", .integer(972)),
    ("predicate.data", .array([])),
  ]

  /// The same for what no schema can know.
  private static let beyondTheSchema: [(place: String, value: JSONValue)] = [
    ("subject.0.name", .string("other.onnx")),
    ("predicate.model.files.1.name", .string("model.onnx")),
    ("predicate.model.files.1.name", .string("a.json")),
    ("predicate.properties.1.id", .string("p99-rises")),
    ("predicate.properties.0.lowerBound", .string("2/4")),
    ("predicate.properties.0.solverLeaves", .integer(4)),
    ("predicate.properties.0.audit.confirmed", .integer(3)),
    ("predicate.properties.0.audit.leaves", .integer(4)),
    ("predicate.properties.0.counterexample.xPrime", .null),
    ("predicate.properties.0.counterexample.xPrime", .strings(["8"])),
    ("predicate.data.training.inside", .integer(5)),
    ("predicate.startedAt", .string("2025-02-29T00:00:00Z")),
    ("predicate.startedAt", .string("2026-01-01T00:00:00.001Z")),
    ("predicate.expiresAt", .string("2026-01-01T00:00:00Z")),
    ("predicate.expiresAt", .string("2035-12-30T00:00:00.001Z")),
    ("predicate.semantics.grid.0.low", .string("1")),
    ("predicate.semantics.grid.0.low", .string("1/8")),
    ("predicate.semantics.grid.0.low", .string("1/3")),
  ]

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaRefusesWrongValues() throws {
    let base = try Self.statement(Self.full).setting("predicate.semantics", Self.exact)
    let all = Self.wrong + Self.beyondTheSchema
    let accepted = try schemaAccepts(all.map { base.setting($0.place, $0.value) })
    for (index, (change, isAccepted)) in zip(all, accepted).enumerated() {
      #expect(isAccepted == (index >= Self.wrong.count), "\(change)")
    }
  }

  /// Both readers, which share no code, refuse the same.
  @Test func bothReadersRefuseWrongValues() throws {
    let base = try Self.statement(Self.full).setting("predicate.semantics", Self.exact)
    let file = "\(directory.path)/nginx.intoto.json"
    func secondReader(_ statement: JSONValue) throws -> Answer {
      try Data(try Self.envelope(CanonicalJSON.encode(statement))).write(to: URL(filePath: file))
      return try check(file, in: directory.path, specification: "\(Self.root)/specs/nginx.yaml")
    }
    // Read to the end: what is missing is the model.
    let missing = Answer.invalid("\(directory.path)/model.onnx: No such file or directory")
    #expect(try weRead(base))
    #expect(try secondReader(base) == missing)
    for change in Self.wrong + Self.beyondTheSchema {
      let changed = base.setting(change.place, change.value)
      #expect(try !weRead(changed), "\(change)")
      let found = try secondReader(changed)
      #expect(found.isInvalid && found != missing, "\(change): \(found)")
    }
  }

  @Test func theSchemaListsEveryFieldWithADescription() throws {
    var listed: Set<String> = []
    func visit(_ schema: Any?) {
      guard let schema = schema as? [String: Any] else { return }
      for (name, field) in schema["properties"] as? [String: Any] ?? [:] {
        listed.insert(name)
        #expect((field as? [String: Any])?["description"] is String, "\(name) has no description")
        visit(field)
      }
      visit(schema["items"])
      for choice in schema["oneOf"] as? [Any] ?? [] { visit(choice) }
      for (_, definition) in schema["definitions"] as? [String: Any] ?? [:] { visit(definition) }
    }
    visit(try JSONSerialization.jsonObject(with: Data(contentsOf: Self.schema)))
    let written = try Set(Self.good().flatMap { $0.memberPaths.compactMap(\.last) })
    #expect(listed == written)
  }

  // MARK: The second reader

  /// A copy of an application's version.
  private func copy(_ application: String) throws -> String {
    let path = "\(directory.path)/v0001"
    try FileManager.default.copyItem(atPath: "\(Self.root)/models/\(application)/v0001", toPath: path)
    return path
  }

  private func checkNginx(in path: String, now: String = Self.now, _ more: String...) throws -> Answer {
    try check(
      "\(path)/nginx.intoto.json", in: path, specification: "\(Self.root)/specs/nginx.yaml", now: now, more)
  }

  @Test(arguments: CertificateFormatTests.applications)
  func theSecondReaderAcceptsPublishedCertificates(application: String) throws {
    let path = "\(Self.root)/models/\(application)/v0001"
    let file = try CertificateFile(contentsOf: "\(path)/\(application).intoto.json")
    let found = try check(
      file.file, in: path, specification: "\(Self.root)/specs/\(application).yaml", ["--log-proof"])
    #expect(found.status == 0)
    #expect(found.line.hasPrefix("valid: \(application)/v0001 for \(application): "))
    #expect(found.line.contains("; certificate \(file.certificate.sha256), payload \(file.payloadSHA256); "))
    #expect(found.line.contains(" of the log vpals/models"))
  }

  /// Flips a bit in the middle of a file.
  private func flip(_ path: String) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    bytes[bytes.count / 2] ^= 1
    try Data(bytes).write(to: URL(filePath: path))
  }

  @Test func theSecondReaderRefusesChangedFiles() throws {
    let path = try copy("nginx")
    #expect(try checkNginx(in: path).status == 0)
    for name in ["model.onnx", "training.json", "nginx.p99-sane.proof"] {
      let file = "\(path)/\(name)"
      let good = try Data(contentsOf: URL(filePath: file))
      try flip(file)
      #expect(try checkNginx(in: path) == .invalid("\(file) is not the file that the certificate speaks of"))
      try Data([UInt8](good) + [0]).write(to: URL(filePath: file))
      #expect(try checkNginx(in: path) == .invalid("\(file) has \(good.count + 1) bytes, not \(good.count)"))
      try FileManager.default.removeItem(atPath: file)
      #expect(try checkNginx(in: path) == .invalid("\(file): No such file or directory"))
      try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
      #expect(try checkNginx(in: path).status == 1)
      try FileManager.default.removeItem(atPath: file)
      try good.write(to: URL(filePath: file))
    }
    #expect(try checkNginx(in: path).status == 0)
  }

  @Test func theSecondReaderRefusesAnotherSpecificationAndAnotherTime() throws {
    let path = "\(Self.root)/models/nginx/v0001"
    let file = try CertificateFile(contentsOf: "\(path)/nginx.intoto.json")
    let redis = "\(Self.root)/specs/redis.yaml"
    #expect(
      try check(file.file, in: path, specification: redis)
        == .invalid("\(redis) is not the file that the certificate speaks of"))
    #expect(try check(file.file, in: path, specification: "none").status == 2)
    let claims = file.certificate.claims
    func status(_ time: Timestamp, _ milliseconds: Int) throws -> Int {
      try checkNginx(in: path, now: "\(time.advanced(by: .milliseconds(milliseconds)))").status
    }
    #expect(try status(claims.expiresAt, -1) == 0)
    #expect(try status(claims.expiresAt, 0) == 1)
    #expect(try status(claims.finishedAt, -300_000) == 0)
    #expect(try status(claims.finishedAt, -300_001) == 1)
    #expect(
      try checkNginx(in: path, now: "\(claims.expiresAt)")
        == .invalid("the certificate expired at \(claims.expiresAt)"))
  }

  @Test func theSecondReaderRefusesAnotherLogProof() throws {
    let path = try copy("nginx")
    let redis = "\(Self.root)/models/redis/v0001/redis.tlog-proof"
    #expect(
      try checkNginx(in: path, "--log-proof", redis)
        == .invalid("\(redis): the log's entry is of another certificate"))
    let own = "\(path)/nginx.tlog-proof"
    let text = try String(contentsOf: URL(filePath: own), encoding: .utf8)
    var lines = text.components(separatedBy: "\n")
    // The entry of the other certificate with the path of this one.
    let others = try String(contentsOf: URL(filePath: redis), encoding: .utf8).components(separatedBy: "\n")
    lines[1] = others[1]
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: own))
    #expect(try checkNginx(in: path, "--log-proof") == .invalid("\(own): the path leads to another root"))
    // The proof beside another certificate of the same model.
    try Data(text.utf8).write(to: URL(filePath: own))
    let file = try CertificateFile(contentsOf: "\(path)/nginx.intoto.json")
    let statement = try CanonicalJSON.read(file.envelope.payload, file: "the payload")
      .setting("predicate.expiresAt", .string("2027-06-01T00:00:00Z"))
    try Data(try Self.envelope(CanonicalJSON.encode(statement))).write(to: URL(filePath: file.file))
    #expect(try checkNginx(in: path).status == 0)
    #expect(try checkNginx(in: path, "--log-proof").status == 1)
    try FileManager.default.removeItem(atPath: own)
    #expect(try checkNginx(in: path, "--log-proof").status == 2)
  }

  @Test func theSecondReaderRefusesOtherFormsOfTheSame() throws {
    let path = try copy("nginx")
    let file = try CertificateFile(contentsOf: "\(path)/nginx.intoto.json")
    let payload = file.envelope.payload
    let statement = try CanonicalJSON.read(payload, file: "the payload")
    guard case .object(let members) = statement, case .array(let subjects)? = members["subject"] else {
      Issue.record("no statement")
      return
    }
    func result(_ payload: [UInt8]) throws -> Answer {
      try Data(try Self.envelope(payload)).write(to: URL(filePath: file.file))
      return try checkNginx(in: path)
    }
    let unsigned = try result(payload)
    #expect(unsigned.status == 0 && unsigned.line.hasSuffix("; signatures: 0, not verified"), "\(unsigned)")
    let text = String(decoding: payload, as: UTF8.self)
    let changed: [(String, [UInt8])] = [
      ("a space", Array(text.replacing(":{", with: ": {", maxReplacements: 1).utf8)),
      ("a newline at the end", payload + [10]),
      ("another escape", Array(text.replacing("\u{2032}", with: "\\u2032").utf8)),
      ("a slash with an escape", Array(text.replacing("https://", with: "https:\\/\\/").utf8)),
      ("a member twice", Array(text.replacing("{\"_type\":", with: "{\"_type\":\"x\",\"_type\":").utf8)),
      ("a fraction", Array(text.replacing("\"exponent\":-25", with: "\"exponent\":-25.0").utf8)),
      ("another member", CanonicalJSON.encode(statement.setting("note", .string("x")))),
      ("a doubled subject", CanonicalJSON.encode(statement.setting("subject", .array(subjects + subjects.prefix(1))))),
      ("another order of subjects", CanonicalJSON.encode(statement.setting("subject", .array(subjects.reversed())))),
      ("a missing subject", CanonicalJSON.encode(statement.setting("subject", .array(Array(subjects.dropFirst()))))),
    ]
    for (name, bytes) in changed {
      #expect(bytes != payload, "\(name)")
      let found = try result(bytes)
      #expect(found.isInvalid, "\(name): \(found)")
      let envelope = try Self.envelope(bytes)
      #expect(throws: SigningError.self, "\(name)") { try CertificateFile(bytes: envelope, file: "c") }
    }
    let signed = String(decoding: file.envelope.encoded, as: UTF8.self)
    for (old, new) in [
      ("vnd.in-toto+json", "json"), ("{\"payload\":\"", "{\"payload\":\"\",\"payload\":\""),
      ("{\"payload\":\"", "{\"payload\":\" "), ("\"keyid\":", "\"key\":"), ("}]}", "}]}}"),
    ] {
      let bytes = Array(signed.replacing(old, with: new).utf8)
      #expect(bytes != file.envelope.encoded)
      try Data(bytes).write(to: URL(filePath: file.file))
      #expect(try checkNginx(in: path).isInvalid, "\(new)")
      #expect(throws: SigningError.self, "\(new)") { try CertificateFile(bytes: bytes, file: "c") }
    }
  }

  /// What the issuer writes of a certificate in which not all holds, and its entry in the log.
  @Test(arguments: [("violated", true), ("undecided", false)])
  func theSecondReaderFindsWhatWasIssuedInTheLog(name: String, isViolated: Bool) throws {
    let scene = try Scene()
    let specification = "\(scene.directory.path)/nginx.yaml"
    try Data(name.utf8).write(to: URL(filePath: specification))
    let model = try SHA256Digest.ofFile("\(scene.version)/model.onnx")
    let certificate = Self.certificate(
      [Self.undecided] + (isViolated ? [Self.violated] : []),
      files: [Certificate.Subject(name: "model.onnx", sha256: model.sha256, bytes: model.bytes)],
      specification: StoreExamples.digest(name))
    let issued = try scene.issue(certificate)
    #expect(try scene.entries()[0].annotations["verdict"] == name)
    let found = try check(issued.path, in: scene.version, specification: specification, ["--log-proof"])
    #expect(found.status == 0, "\(found.line)")
    #expect(found.line.contains(" 0 of \(isViolated ? 2 : 1) properties are claimed to hold"))
    #expect(found.line.contains("; certificate \(issued.outcome.certificateID), "))
    #expect(found.line.hasSuffix("; signatures: 1, not verified; entry 0 of the log example.com/models"))
  }

  @Test(
    .enabled(
      if: PythonTools.mayRun("python3"), "needs a Python with cryptography: run `make deps`, or set VPALS_PYTHON"))
  func theSecondReaderVerifiesTheLogsKey() throws {
    let python = try #require(PythonTools.program("python3"), "run `make deps`")
    let path = "\(Self.root)/models/nginx/v0001"
    func found(_ key: String) throws -> Answer {
      try check(
        "\(path)/nginx.intoto.json", in: path, specification: "\(Self.root)/specs/nginx.yaml",
        ["--log-proof", "--vkey", key], python: [python])
    }
    let key = try String(contentsOf: URL(filePath: "\(Self.root)/log.vkey"), encoding: .utf8)
      .trimmingCharacters(in: .newlines)
    let own = try found(key)
    #expect(own.status == 0 && own.line.hasSuffix(" of the log vpals/models, whose key signed that"), "\(own)")
    let other = try Scene().logKey
    #expect(try found("\(other)") == .invalid("\(path)/nginx.tlog-proof: not signed by the key"))
  }
}

extension JSONValue {
  /// The value with another one at `place`, names and numbers of elements with dots between them; without what is there
  /// when `new` is nil.
  fileprivate func setting(_ place: String, _ new: JSONValue?) -> JSONValue {
    let path = place.split(separator: ".").map(String.init)
    return setting(path[...], new)
  }

  fileprivate func setting(_ path: ArraySlice<String>, _ new: JSONValue?) -> JSONValue {
    guard let first = path.first else { return new ?? self }
    let rest = path.dropFirst()
    switch self {
    case .object(var members):
      members[first] = rest.isEmpty ? new : members[first]?.setting(rest, new)
      return .object(members)
    case .array(var elements):
      guard let index = Int(first), elements.indices.contains(index) else { return self }
      if let value = rest.isEmpty ? new : elements[index].setting(rest, new) {
        elements[index] = value
      } else {
        elements.remove(at: index)
      }
      return .array(elements)
    case .null, .boolean, .integer, .string: return self
    }
  }

  /// The paths of the members of every object in it.
  fileprivate var memberPaths: [[String]] {
    switch self {
    case .object(let members):
      return members.flatMap { name, value in [[name]] + value.memberPaths.map { [name] + $0 } }
    case .array(let elements):
      return elements.enumerated().flatMap { index, value in value.memberPaths.map { ["\(index)"] + $0 } }
    case .null, .boolean, .integer, .string: return []
    }
  }
}
