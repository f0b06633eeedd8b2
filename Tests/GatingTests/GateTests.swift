import Certificates
import ExactArithmetic
import Foundation
import Gating
import Networks
import TestHelpers
import Testing

@Suite struct GateTests {
  let repository: Repository

  init() throws {
    repository = try Repository()
    try repository.add("nginx")
  }

  /// The refusals of the one version of nginx, without the properties that they are about.
  private func refusals() throws -> [Refusal] {
    let findings = try repository.gate()
    #expect(findings.map(\.application) == ["nginx"])
    return findings.flatMap(\.refusals).map {
      Refusal($0.rule, file: $0.file, reason: $0.reason, next: $0.next)
    }
  }

  private var model: String { "\(repository.path("nginx"))/model.onnx" }
  private var certificate: String { repository.certificatePath("nginx") }
  private var specification: String { repository.specificationPath("nginx") }
  private var verify: [String] { repository.verifyCommand("nginx") }

  // MARK: Passing

  @Test func passesWhatIsProven() throws {
    try repository.add("nginx", "v0002")
    try repository.add("redis")
    let findings = try repository.gate()
    #expect(findings.map { "\($0.application)/\($0.version)" } == ["nginx/v0001", "nginx/v0002", "redis/v0001"])
    #expect(findings.map(\.passes) == [true, true, true])
    #expect(findings.map(\.proven) == [3, 3, 3])
    #expect(findings[2].path == repository.path("redis"))
    #expect(findings[2].specificationPaths == [repository.specificationPath("redis")])
  }

  @Test func judgesOneVersionByItsDirectoryOrItsFile() throws {
    try repository.add("nginx", "v0002", network: Repository.bad)
    for path in [repository.path("nginx"), repository.path("nginx") + "/", model] {
      let findings = try repository.gate(path)
      #expect(findings.map(\.version) == ["v0001"])
      #expect(findings.map(\.passes) == [true])
    }
  }

  @Test func leavesUnfinishedVersionsOut() throws {
    for name in ["v0002.partial-77", ".hidden"] {
      let path = "\(repository.models)/nginx/\(name)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try repository.write("half", to: "\(path)/model.onnx")
    }
    #expect(try refusals() == [])
  }

  @Test func judgesWhatOnlyLooksUnfinished() throws {
    let path = "\(repository.models)/nginx/new.partial-x"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try repository.write("half", to: "\(path)/model.onnx")
    #expect(try repository.gate().map(\.passes) == [false, true])
  }

  // MARK: The model

  @Test(arguments: [0.0, 0.3, 0.6, 1.0], [0, 7])
  func refusesAModelWithOneBitFlipped(place: Double, bit: Int) throws {
    var bytes = try repository.bytes(model)
    bytes[Int(place * Double(bytes.count - 1))] ^= 1 << UInt8(bit)
    try repository.write(bytes, to: model)
    #expect(
      try refusals() == [
        Refusal(.modelChanged, file: model, reason: "the file has changed since it was verified", next: verify)
      ])
  }

  @Test func refusesAMissingModel() throws {
    try FileManager.default.removeItem(atPath: model)
    #expect(
      try refusals() == [Refusal(.modelChanged, file: model, reason: "the file is missing", next: verify)])
  }

  @Test func refusesAMissingFurtherFile() throws {
    let old = try repository.certificate("nginx").model.files
    let table = Certificate.Subject(name: "table.csv", sha256: SHA256Digest.of([1]), bytes: 1)
    try repository.forge("nginx", files: old + [table])
    let path = "\(repository.path("nginx"))/table.csv"
    #expect(
      try refusals() == [Refusal(.modelChanged, file: path, reason: "the file is missing", next: verify)])
    try repository.write([1], to: path)
    #expect(try refusals() == [])
  }

  @Test(arguments: ["second.onnx", "MODEL.ONNX", ".hidden.onnx"])
  func refusesASecondNetwork(name: String) throws {
    let path = "\(repository.path("nginx"))/\(name)"
    try repository.write(try repository.bytes(model), to: path)
    #expect(
      try refusals() == [
        Refusal(
          .noCertificate, file: path, reason: "a version has one network, model.onnx; nothing is proved of this one",
          next: ["mv", path, "ELSEWHERE"])
      ])
  }

  @Test func refusesACertificateThatDoesNotSpeakOfTheModel() throws {
    try repository.write([1], to: "\(repository.path("nginx"))/table.csv")
    try repository.forge(
      "nginx", files: [Certificate.Subject(name: "table.csv", sha256: SHA256Digest.of([1]), bytes: 1)])
    #expect(
      try refusals() == [
        Refusal(.modelChanged, file: model, reason: "the certificate does not speak of this file", next: verify)
      ])
  }

  @Test func refusesACertificateOfAnotherNetworkForTheSameBytes() throws {
    try repository.forge("nginx", networkDigest: SHA256Digest.of([1]))
    #expect(
      try refusals() == [
        Refusal(.modelChanged, file: model, reason: "the network is not the one that was verified", next: verify)
      ])
  }

  @Test func refusesAnArithmeticThatIsNotTrueOfTheModel() throws {
    func forge(_ exponent: Int) throws {
      let axes = [(0...1), (Rational(1, 2)...2)].map { InputGrid.Axis(exponent: exponent, inside: $0) }
      try repository.forge("nginx", arithmetic: .binary64Exact(InputGrid(axes: axes.compactMap(\.self))))
    }
    // 2·cores makes units of 2^(exponent + 1); in the last layer 2 + 3·r reaches 14: 4 − (exponent + 1) bits.
    try forge(-50)
    #expect(try refusals() == [])
    try forge(-51)
    #expect(
      try refusals() == [
        Refusal(
          .modelChanged, file: model,
          reason: "the certificate's binary64-exact is not true of this network: neuron 0 of layer 1 needs 54 bits on "
            + "the grid; binary64 has 53", next: verify)
      ])
  }

  @Test func refusesAModelThatCannotBeRead() throws {
    try repository.write("no network", to: model)
    try repository.forge(
      "nginx",
      files: [Certificate.Subject(name: "model.onnx", sha256: SHA256Digest.of(Array("no network".utf8)), bytes: 10)])
    let refusal = try #require(try refusals().first)
    #expect(refusal.rule == .modelUnreadable)
    #expect(refusal.file == model)
    #expect(refusal.reason.hasPrefix("the model cannot be read: "))
    #expect(refusal.next == repository.trainCommand("nginx"))
  }

  // MARK: The certificate

  @Test func refusesAMissingCertificate() throws {
    try FileManager.default.removeItem(atPath: certificate)
    #expect(
      try refusals() == [
        Refusal(
          .noCertificate, file: certificate,
          reason: "there is no certificate of this version for \(specification)", next: verify)
      ])
  }

  @Test func refusesEveryTruncatedCertificate() throws {
    let bytes = try repository.bytes(certificate)
    for count in stride(from: 0, to: bytes.count, by: 53) {
      try repository.write(Array(bytes[..<count]), to: certificate)
      let refusal = try #require(try refusals().first)
      #expect(refusal.rule == .certificateUnreadable, "\(count) bytes")
      #expect(refusal.file == certificate)
      #expect(refusal.reason.hasPrefix("the certificate cannot be read: "))
      #expect(refusal.next == verify)
    }
  }

  @Test func refusesACertificateThatNamesFilesElsewhere() throws {
    let bytes = try repository.bytes(certificate)
    for name in ["../model.onnx", "/etc/hostname", "..", "a/model.onnx"] {
      try repository.write(bytes, to: certificate)
      try repository.tamper(certificate, "\"model.onnx\"", "\"\(name)\"")
      let refusal = try #require(try refusals().first)
      #expect(refusal.rule == .certificateUnreadable, "\(name)")
      #expect(
        refusal.reason
          == "the certificate cannot be read: the certificate in \(certificate): $.model.files[0].name is \"\(name)\"; expected the name of a file in the "
          + "certificate's directory; run `vpals verify` again to write a new certificate")
    }
  }

  @Test func refusesTheCertificateOfAnotherApplication() throws {
    try repository.add("redis", network: [1, 3, 3, 2])
    try repository.write(try repository.bytes(repository.certificatePath("redis")), to: certificate)
    let findings = try repository.gate()
    #expect(findings.map(\.passes) == [false, true])
    #expect(
      findings[0].refusals == [
        Refusal(
          .modelChanged, file: certificate, reason: "the certificate speaks of redis/v0001, not of nginx/v0001",
          next: verify)
      ])
    // With the name put right, it is still of other bytes.
    try repository.forge("nginx", name: "nginx")
    #expect(
      try repository.gate()[0].refusals == [
        Refusal(.modelChanged, file: model, reason: "the file has changed since it was verified", next: verify)
      ])
  }

  @Test func refusesTheCertificateOfAnotherVersion() throws {
    try repository.add("nginx", "v0002", network: [1, 3, 3, 2])
    try repository.write(try repository.bytes(repository.certificatePath("nginx", "v0002")), to: certificate)
    #expect(
      try repository.gate().map { $0.refusals.map(\.reason) } == [
        ["the certificate speaks of nginx/v0002, not of nginx/v0001"], [],
      ])
  }

  @Test func refusesClaimsOnOtherProperties() throws {
    let records = try repository.certificate("nginx").properties
    let renamed = PropertyRecord(
      id: "other", statement: records[0].statement, outcome: .holds, engine: "auto", milliseconds: 0,
      cpuMilliseconds: 0, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil,
      queryDigests: records[0].queryDigests)
    for properties in [[records[0]], [records[0], records[2]], records.reversed(), [renamed] + records[1...]] {
      try repository.forge("nginx", properties: properties)
      #expect(
        try refusals() == [
          Refusal(
            .specificationChanged, file: certificate,
            reason: "the certificate speaks of other properties than \(specification)", next: verify)
        ])
    }
  }

  @Test func refusesPropertiesVerifiedWithAnotherMeaning() throws {
    var records = try repository.certificate("nginx").properties
    for digests in [[], records[0].queryDigests, records[2].queryDigests.reversed()] {
      records[2] = PropertyRecord(
        id: "sane", statement: records[2].statement, outcome: .holds, engine: "auto", milliseconds: 0,
        cpuMilliseconds: 0, leaves: 1, solverLeaves: 0, provedShare: "1", lowerBound: nil, queryDigests: digests)
      try repository.forge("nginx", properties: records)
      #expect(
        try refusals() == [
          Refusal(
            .specificationChanged, file: certificate, reason: "property 'sane' was verified with another meaning",
            next: verify)
        ])
    }
  }

  // MARK: The proofs

  /// A proof begins with its format, the network's digest, the number of queries and the first query's digest.
  private static let networkDigest = 14..<46
  private static let firstTree = 79

  private func proof(_ property: String) -> String { repository.proofPath("nginx", property) }

  private func expectRefused(
    _ property: String, file: String? = nil, _ problem: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(
      try refusals() == [
        Refusal(
          .proofUnchecked, file: file ?? proof(property),
          reason: "the proof of property '\(property)' is not valid: \(problem)", next: verify)
      ], sourceLocation: sourceLocation)
  }

  /// Writes a proof and makes the certificate name it.
  private func forge(_ property: String, proof bytes: [UInt8]) throws {
    try repository.write(bytes, to: proof(property))
    let records = try repository.certificate("nginx").properties.map { record in
      record.id == property
        ? Repository.record(
          record,
          proof: PropertyRecord.ProofReference(
            path: ProofFile.name(specification: "nginx", property: property), sha256: SHA256Digest.of(bytes),
            bytes: bytes.count))
        : record
    }
    try repository.forge("nginx", properties: records)
  }

  @Test func refusesAProofThatItCannotCheck() throws {
    var records = try repository.certificate("nginx").properties
    records[0] = Repository.record(
      records[0], proof: PropertyRecord.ProofReference(path: "nginx.p.proof", sha256: SHA256Digest.of([1]), bytes: 1))
    try repository.forge("nginx", properties: records)
    let path = "\(repository.path("nginx"))/nginx.p.proof"
    try expectRefused(
      "rises-with-pressure", file: path, "query 0, node 0, byte 0: unreadable: No such file or directory")
    try repository.write([1], to: path)
    try expectRefused("rises-with-pressure", file: path, "query 0, node 0, byte 1: format")
  }

  @Test(arguments: ["rises-with-pressure", "falls-with-cores", "sane"])
  func refusesAMissingProof(property: String) throws {
    try FileManager.default.removeItem(atPath: proof(property))
    try expectRefused(property, "query 0, node 0, byte 0: unreadable: No such file or directory")
  }

  @Test func namesEveryProofThatFails() throws {
    let properties = ["rises-with-pressure", "falls-with-cores", "sane"]
    for property in properties { try repository.write([], to: proof(property)) }
    let found = try refusals()
    #expect(found.map(\.rule) == [.proofUnchecked, .proofUnchecked, .proofUnchecked])
    #expect(found.map(\.file) == properties.map { proof($0) })
  }

  @Test(arguments: ["rises-with-pressure", "falls-with-cores", "sane"])
  func refusesATruncatedProof(property: String) throws {
    let bytes = try repository.bytes(proof(property))
    for count in [0, 1, 13, 14, 46, 47, 78, bytes.count - 1] {
      try repository.write(Array(bytes[..<count]), to: proof(property))
      let found = try refusals()
      #expect(found.map(\.rule) == [.proofUnchecked], "\(count) bytes")
      #expect(found.map(\.file) == [proof(property)], "\(count) bytes")
      #expect(found.first?.reason.hasSuffix(", byte \(count): truncated") == true, "\(count) bytes")
      // Also when the certificate names just these bytes.
      try forge(property, proof: Array(bytes[..<count]))
      #expect(try refusals() == found, "\(count) bytes")
    }
  }

  @Test func refusesAProofWithMoreBehindIt() throws {
    try forge("sane", proof: try repository.bytes(proof("sane")) + [0])
    let found = try refusals()
    #expect(found.map(\.rule) == [.proofUnchecked])
    #expect(found.map(\.file) == [proof("sane")])
    #expect(found.first?.reason.hasSuffix(": trailing") == true)
  }

  @Test(arguments: [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0, 3, 7])
  func refusesAProofWithOneBitFlipped(place: Double, bit: Int) throws {
    for property in ["rises-with-pressure", "falls-with-cores", "sane"] {
      let old = try repository.bytes(proof(property))
      var bytes = old
      bytes[Int(place * Double(bytes.count - 1))] ^= 1 << UInt8(bit)
      try repository.write(bytes, to: proof(property))
      let found = try refusals()
      #expect(found.map(\.rule) == [.proofUnchecked], "\(property)")
      #expect(found.map(\.file) == [proof(property)], "\(property)")
      #expect(found.map(\.next) == [verify], "\(property)")
      try repository.write(old, to: proof(property))
      #expect(try refusals() == [], "\(property)")
    }
  }

  /// Whether or not the certificate speaks of the very bytes.
  @Test func refusesTheProofOfAnotherProperty() throws {
    let falls = try repository.bytes(proof("falls-with-cores"))
    try repository.write(falls, to: proof("rises-with-pressure"))
    try expectRefused("rises-with-pressure", "query 0, node 0, byte 79: query")
    try forge("rises-with-pressure", proof: falls)
    try expectRefused("rises-with-pressure", "query 0, node 0, byte 79: query")
    // A bound on both sides is two queries.
    try forge("rises-with-pressure", proof: try repository.bytes(proof("sane")))
    try expectRefused("rises-with-pressure", "query 0, node 0, byte 47: query-count")
    // The certificate may also name the other property's own file.
    var records = try repository.certificate("nginx").properties
    records[0] = Repository.record(records[0], proof: records[1].proof)
    try repository.forge("nginx", properties: records)
    try expectRefused("rises-with-pressure", file: proof("falls-with-cores"), "query 0, node 0, byte 79: query")
  }

  @Test(arguments: ["rises-with-pressure", "falls-with-cores", "sane"])
  func refusesTheProofOfAnotherNetwork(property: String) throws {
    let other = try Repository()
    try other.add("nginx", network: [1, 3, 3, 2])
    let bytes = try other.bytes(other.proofPath("nginx", property))
    try repository.write(bytes, to: proof(property))
    try expectRefused(property, "query 0, node 0, byte 46: network")
    try forge(property, proof: bytes)
    try expectRefused(property, "query 0, node 0, byte 46: network")
  }

  @Test func refusesAProofThatTheCertificateDoesNotName() throws {
    let problem = Refusal(
      .proofUnchecked, file: proof("rises-with-pressure"), reason: "this is not the proof that the certificate names",
      next: verify)
    var records = try repository.certificate("nginx").properties
    let claimed = try #require(records[0].proof)
    records[0] = Repository.record(
      records[0],
      proof: PropertyRecord.ProofReference(path: claimed.path, sha256: SHA256Digest.of([1]), bytes: claimed.bytes))
    try repository.forge("nginx", properties: records)
    #expect(try refusals() == [problem])
    records[0] = Repository.record(records[0], proof: claimed)
    try repository.forge("nginx", properties: records)
    #expect(try refusals() == [])
    // Another proof, as good as the first: bounds that it finds again are said to hold for the whole tree.
    var bytes = try repository.bytes(proof("rises-with-pressure"))
    bytes.insert(contentsOf: [5, 2], at: Self.firstTree)
    try repository.write(bytes, to: proof("rises-with-pressure"))
    #expect(try refusals() == [problem])
    try forge("rises-with-pressure", proof: bytes)
    #expect(try refusals() == [])
  }

  @Test func refusesAVerdictWithoutProof() throws {
    var records = try repository.certificate("nginx").properties
    for index in [2, 0] {
      records[index] = Repository.record(records[index], proof: nil)
      try repository.forge("nginx", properties: records)
      #expect(
        try refusals()
          == records.filter { $0.proof == nil }.map {
            Refusal(
              .proofUnchecked, file: certificate, reason: "property '\($0.id)' is claimed to hold without a proof",
              next: verify)
          })
    }
  }

  /// The proofs of a good network, made to look as if they were of a bad one.
  @Test func refusesForgedProofsOfFalseClaims() throws {
    let good = try repository.certificate("nginx").properties
    let forgeries = ["rises-with-pressure", "falls-with-cores"]
    let proofs = try forgeries.map { try repository.bytes(proof($0)) }
    try repository.add("nginx", network: Repository.bad)
    let digest = try repository.bytes(proof("sane"))[Self.networkDigest]
    let records = try repository.certificate("nginx").properties
    try repository.forge("nginx", properties: [good[0], good[1], records[2]])
    for (property, proof) in zip(forgeries, proofs) {
      var bytes = proof
      bytes.replaceSubrange(Self.networkDigest, with: digest)
      try forge(property, proof: bytes)
    }
    let found = try refusals()
    #expect(found.map(\.rule) == [.proofUnchecked, .proofUnchecked])
    #expect(found.map(\.file) == forgeries.map { proof($0) })
    #expect(found.allSatisfy { !$0.reason.hasSuffix(": network") })
  }

  @Test func refusesAProofThatIsUndecidedInPart() throws {
    var bytes = try repository.bytes(proof("sane"))
    bytes[Self.firstTree] = 7
    try forge("sane", proof: bytes)
    try expectRefused("sane", "query 0, node 0, byte 80: open")
  }

  @Test func refusesACertificateThatNamesProofsElsewhere() throws {
    let bytes = try repository.bytes(certificate)
    for name in ["../nginx.sane.proof", "/etc/hostname", ".."] {
      try repository.write(bytes, to: certificate)
      try repository.tamper(certificate, "\"nginx.sane.proof\"", "\"\(name)\"")
      let refusal = try #require(try refusals().first)
      #expect(refusal.rule == .certificateUnreadable, "\(name)")
      #expect(
        refusal.reason
          == "the certificate cannot be read: the certificate in \(certificate): $.properties[2].proof.path is \"\(name)\"; expected the name of a file "
          + "in the certificate's directory; run `vpals verify` again to write a new certificate")
    }
  }

  // MARK: Verdicts

  @Test func refusesViolatedProperties() throws {
    try repository.add("nginx", network: Repository.bad)
    let found = try refusals()
    #expect(found.map(\.rule) == [.violated, .violated])
    #expect(found.map(\.file) == [certificate, certificate])
    #expect(
      found[0].reason
        == "property 'rises-with-pressure' is violated: for all x, x′ in the domain with x′ ≥ x in pressure and x′ = x "
        + "elsewhere: p99(x′) ≥ p99(x)")
    #expect(found[1].reason.hasPrefix("property 'falls-with-cores' is violated: "))
    #expect(
      found.map(\.next) == ["rises-with-pressure", "falls-with-cores"].map { repository.explainCommand("nginx", $0) })
  }

  @Test func refusesUndecidedProperties() throws {
    var records = try repository.certificate("nginx").properties
    for (index, reason) in [(0, UnknownReason.interrupted), (2, .solver("smt tactic failed\nto show goal"))] {
      let old = records[index]
      records[index] = PropertyRecord(
        id: old.id, statement: old.statement, outcome: .unknown(reason), engine: "auto", milliseconds: 0,
        cpuMilliseconds: 0, leaves: 1, solverLeaves: 0, provedShare: "0.5", lowerBound: nil,
        queryDigests: old.queryDigests)
    }
    try repository.forge("nginx", properties: records)
    let next = verify + ["--resume", "--timeout", "1h"]
    #expect(
      try refusals() == [
        Refusal(
          .undecided, file: certificate, reason: "property 'rises-with-pressure' is undecided (interrupted)",
          next: next),
        Refusal(
          .undecided, file: certificate,
          reason: "property 'sane' is undecided (solver: smt tactic failed to show goal)", next: next),
      ])
  }

  // MARK: The specification

  @Test(arguments: [
    ("100 ms", "101 ms"), ("# What", "# what"), ("0.5..2", "0.5..3"), ("nonincreasing", "nondecreasing"),
  ])
  func refusesASpecificationWithAChange(old: String, new: String) throws {
    try repository.write(
      Repository.specification.replacingOccurrences(of: old, with: new), to: specification)
    #expect(
      try refusals() == [
        Refusal(
          .specificationChanged, file: specification,
          reason: "the specification has changed since the model was verified", next: verify)
      ])
  }

  @Test func namesBothWhenModelAndSpecificationHaveChanged() throws {
    try repository.write(Repository.specification + "# more\n", to: specification)
    try repository.write(try repository.bytes(model) + [0], to: model)
    #expect(try refusals().map(\.rule) == [.modelChanged, .specificationChanged])
  }

  @Test func refusesAModelWithoutSpecification() throws {
    try FileManager.default.removeItem(atPath: specification)
    #expect(
      try refusals() == [
        Refusal(
          .specificationUnreadable, file: specification, reason: "there is no specification for nginx",
          next: ["vpals", "gate", repository.path("nginx"), "--specs", "DIRECTORY"])
      ])
  }

  @Test func refusesASpecificationWithErrorsByLine() throws {
    try repository.write(
      Repository.specification.replacingOccurrences(of: "in: cores", with: "in: core"), to: specification)
    let refusal = try #require(try refusals().first)
    #expect(refusal.rule == .specificationUnreadable)
    #expect(refusal.file == specification)
    #expect(refusal.reason.hasPrefix("the specification has errors: line 12: "))
    #expect(refusal.reason.hasSuffix("[E012]"))
    #expect(refusal.next == ["vpals", "spec", "check", specification])
  }

  @Test func doesNotWaitForANamedPipe() throws {
    try FileManager.default.removeItem(atPath: specification)
    #expect(mkfifo(specification, 0o644) == 0)
    #expect(
      try refusals() == [
        Refusal(
          .specificationUnreadable, file: specification, reason: "it is not a regular file; check the path",
          next: ["vpals", "spec", "check", specification])
      ])
  }

  @Test func keepsReasonsOnOneLine() {
    let refusal = Refusal(.violated, file: "f", reason: "one\nPASS two\r\u{1B}[2Kthree", next: [])
    #expect(refusal.reason == "one PASS two  [2Kthree")
  }
}
