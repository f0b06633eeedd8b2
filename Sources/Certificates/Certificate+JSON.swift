import ExactArithmetic

extension Certificate {
  /// The certificate as JSON. Every field is always present, what is not known is null; only `semantics` has other
  /// fields for each arithmetic.
  public var json: JSONValue {
    .object([
      "format": .string(Self.format),
      "model": .object([
        "name": .string(model.name),
        "version": .string(model.version),
        "files": .array(model.files.map(\.json)),
        "networkDigest": .string(model.networkDigest),
      ]),
      "specification": .object([
        "name": .string(specification.name),
        "sha256": .string(specification.sha256),
        "digest": .string(specification.digest),
        "features": .array(specification.features.map(\.json)),
        "outputs": .array(specification.outputs.map(\.json)),
      ]),
      "properties": .array(properties.map(\.json)),
      "semantics": arithmetic.json,
      "verifier": verifier.json,
      "solver": solver.json,
      "checker": checker.json,
      "data": data?.json ?? .null,
      "startedAt": .string(startedAt.description),
      "finishedAt": .string(finishedAt.description),
      "expiresAt": .string(expiresAt.description),
    ])
  }

  init(_ fields: JSONFields) throws(CertificateError) {
    let object = try fields.object([
      "format", "model", "specification", "properties", "semantics", "verifier", "solver", "checker", "data",
      "startedAt", "finishedAt", "expiresAt",
    ])
    let model = try object("model").object(["name", "version", "files", "networkDigest"])
    let specification = try object("specification").object([
      "name", "sha256", "digest", "features", "outputs",
    ])
    self.init(
      model: Model(
        name: try model("name").name(), version: try model("version").name(),
        files: try Subject.list(try model("files")), networkDigest: try model("networkDigest").digest()),
      specification: Specification(
        name: try specification("name").name(), sha256: try specification("sha256").digest(),
        digest: try specification("digest").digest(), features: try Quantity.list(try specification("features")),
        outputs: try Quantity.list(try specification("outputs"))),
      properties: try PropertyRecord.list(try object("properties")),
      arithmetic: try Arithmetic(try object("semantics")),
      verifier: try Tool(try object("verifier")),
      solver: try Tool(try object("solver")),
      checker: try Tool(try object("checker")),
      data: try object("data").optional { fields throws(CertificateError) in try Coverage(fields) },
      startedAt: try object("startedAt").timestamp(),
      finishedAt: try object("finishedAt").timestamp(),
      expiresAt: try object("expiresAt").timestamp())
    guard startedAt <= finishedAt else {
      throw try object("finishedAt").failure("is \(finishedAt), before startedAt, \(startedAt)")
    }
    guard finishedAt < expiresAt,
      expiresAt <= finishedAt.advanced(by: .seconds(Self.maximumValidityDays * 86_400))
    else {
      throw try object("expiresAt").failure(
        "is \(expiresAt); expected a time after finishedAt, \(finishedAt), by at most \(Self.maximumValidityDays) days")
    }
  }
}

extension Certificate.Subject {
  /// As an element of `model.files`.
  public var json: JSONValue {
    .object(["name": .string(name), "sha256": .string(sha256), "bytes": .integer(bytes)])
  }

  static func list(_ fields: JSONFields) throws(CertificateError) -> [Self] {
    let elements = try fields.array(1...Certificate.maximumFiles)
    var subjects: [Self] = []
    for element in elements {
      let object = try element.object(["name", "sha256", "bytes"])
      let name = try object("name").fileName()
      if let previous = subjects.last, previous.name >= name {
        throw try object("name").failure("is \"\(name)\", doubled or not in sorted order")
      }
      subjects.append(
        Self(name: name, sha256: try object("sha256").digest(), bytes: try object("bytes").count()))
    }
    return subjects
  }
}

extension Certificate.Quantity {
  var json: JSONValue { .object(["name": .string(name), "statement": .string(statement)]) }

  static func list(_ fields: JSONFields) throws(CertificateError) -> [Self] {
    var quantities: [Self] = []
    for element in try fields.array(0...Certificate.maximumInputs) {
      let object = try element.object(["name", "statement"])
      quantities.append(Self(name: try object("name").name(), statement: try object("statement").text()))
    }
    return quantities
  }
}

extension Certificate.Coverage {
  var json: JSONValue {
    func share(_ share: Share) -> JSONValue {
      .object(["rows": .integer(share.rows), "inside": .integer(share.inside)])
    }
    return .object(["sha256": .string(sha256), "training": share(training), "heldOut": share(heldOut)])
  }

  init(_ fields: JSONFields) throws(CertificateError) {
    func share(_ fields: JSONFields) throws(CertificateError) -> Share {
      let object = try fields.object(["rows", "inside"])
      let (rows, inside) = (try object("rows").count(), try object("inside").count())
      guard inside <= rows else { throw try object("inside").failure("is more than there are rows") }
      return Share(rows: rows, inside: inside)
    }
    let object = try fields.object(["sha256", "training", "heldOut"])
    self.init(
      sha256: try object("sha256").digest(), training: try share(try object("training")),
      heldOut: try share(try object("heldOut")))
  }
}

extension Certificate.Tool {
  var json: JSONValue { .object(["name": .string(name), "version": .string(version)]) }

  init(_ fields: JSONFields) throws(CertificateError) {
    let object = try fields.object(["name", "version"])
    self.init(name: try object("name").name(), version: try object("version").name())
  }
}

extension PropertyRecord {
  var json: JSONValue {
    var reason: String?
    var counterexample = JSONValue.null
    switch outcome {
    case .holds: break
    case .violated(let example): counterexample = example.json
    case .unknown(let why): reason = why.description
    }
    return .object([
      "id": .string(id),
      "statement": .string(statement),
      "verdict": .string(outcome.name),
      "reason": .optional(reason),
      "engine": .string(engine),
      "milliseconds": .integer(milliseconds),
      "cpuMilliseconds": .integer(cpuMilliseconds),
      "leaves": .integer(leaves),
      "solverLeaves": .integer(solverLeaves),
      "provedShare": .string(provedShare),
      "lowerBound": .optional(lowerBound?.description),
      "counterexample": counterexample,
      "queryDigests": .strings(queryDigests),
      "proof": proof?.json ?? .null,
      "audit": .object(["leaves": .integer(audit.audited), "confirmed": .integer(audit.confirmed)]),
    ])
  }

  static func list(_ fields: JSONFields) throws(CertificateError) -> [Self] {
    let elements = try fields.array(1...Certificate.maximumProperties)
    var records: [Self] = []
    var seen: Set<String> = []
    for element in elements {
      let record = try Self(element)
      guard seen.insert(record.id).inserted else {
        throw element.failure("has the id \"\(record.id)\" of another property")
      }
      records.append(record)
    }
    return records
  }

  init(_ fields: JSONFields) throws(CertificateError) {
    let object = try fields.object([
      "id", "statement", "verdict", "reason", "engine", "milliseconds", "cpuMilliseconds", "leaves", "solverLeaves",
      "provedShare", "lowerBound", "counterexample", "queryDigests", "proof",
      "audit",
    ])
    let reason = try object("reason").optional { fields throws(CertificateError) in try fields.text() }
    let counterexample = try object("counterexample").optional { fields throws(CertificateError) in
      try Counterexample(fields)
    }
    let outcome: Outcome
    switch (try object("verdict").text(), reason, counterexample) {
    case ("holds", nil, nil): outcome = .holds
    case ("violated", nil, let example?): outcome = .violated(example)
    case ("unknown", let why?, nil): outcome = .unknown(UnknownReason(description: why))
    case ("holds", _, _), ("violated", _, _), ("unknown", _, _):
      throw try object("verdict").failure(
        "does not fit: only `unknown` has a reason, only `violated` has a counterexample, and both must have theirs")
    case (let other, _, _):
      throw try object("verdict").failure("is \"\(other)\"; expected holds, violated or unknown")
    }
    let leaves = try object("leaves").count()
    let solverLeaves = try object("solverLeaves").count()
    guard solverLeaves <= leaves else { throw try object("solverLeaves").failure("is more than all leaves") }
    let share = try object("provedShare").text()
    let decimals = share.hasPrefix("0.") ? share.utf8.dropFirst(2) : share.utf8.dropFirst(share.utf8.count)
    let isBelowOne =
      share == "0"
      || (1...6).contains(decimals.count) && decimals.last != UInt8(ascii: "0")
        && decimals.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard outcome == .holds ? share == "1" : isBelowOne else {
      throw try object("provedShare").failure(
        "is \"\(share)\"; expected a decimal number below 1 with at most six decimals, or 1 when the property holds")
    }
    let counts = try object("audit").object(["leaves", "confirmed"])
    let audit = LeafAudit(audited: try counts("leaves").count(), confirmed: try counts("confirmed").count())
    guard audit.confirmed <= audit.audited, audit.audited <= leaves else {
      throw try object("audit").failure("counts more than there are")
    }
    var digests: [String] = []
    for element in try object("queryDigests").array(0...Certificate.maximumQueries) {
      digests.append(try element.digest())
    }
    self.init(
      id: try object("id").name(), statement: try object("statement").text(), outcome: outcome,
      engine: try object("engine").name(), milliseconds: try object("milliseconds").count(),
      cpuMilliseconds: try object("cpuMilliseconds").count(), leaves: leaves, solverLeaves: solverLeaves,
      provedShare: share,
      lowerBound: try object("lowerBound").optional { fields throws(CertificateError) in try fields.rational() },
      queryDigests: digests,
      proof: try object("proof").optional { fields throws(CertificateError) in try ProofReference(fields) },
      audit: audit)
  }
}

extension PropertyRecord.ProofReference {
  var json: JSONValue {
    .object(["path": .string(path), "sha256": .string(sha256), "bytes": .integer(bytes)])
  }

  init(_ fields: JSONFields) throws(CertificateError) {
    let object = try fields.object(["path", "sha256", "bytes"])
    self.init(
      path: try object("path").fileName(), sha256: try object("sha256").digest(), bytes: try object("bytes").count())
  }
}

extension Counterexample {
  /// The exact numbers as text: `{"query","x","xPrime","fx","fxPrime","drop"}`.
  public var json: JSONValue {
    .object([
      "query": .integer(query),
      "x": .strings(x.map(\.description)),
      "xPrime": xPrime.map { .strings($0.map(\.description)) } ?? .null,
      "fx": .string(fx.description),
      "fxPrime": .optional(fxPrime?.description),
      "drop": .string(drop.description),
    ])
  }

  init(_ fields: JSONFields) throws(CertificateError) {
    let object = try fields.object(["query", "x", "xPrime", "fx", "fxPrime", "drop"])
    let x = try object("x").rationals()
    let xPrime = try object("xPrime").optional { fields throws(CertificateError) in try fields.rationals() }
    let fxPrime = try object("fxPrime").optional { fields throws(CertificateError) in try fields.rational() }
    guard (xPrime == nil) == (fxPrime == nil), xPrime.map({ $0.count == x.count }) ?? true else {
      throw try object("xPrime").failure("and fxPrime must both be null or both be given, for as many inputs as x")
    }
    let drop = try object("drop").rational()
    guard drop.isPositive else { throw try object("drop").failure("is \(drop); a violation is positive") }
    self.init(
      query: try object("query").count(), x: x, xPrime: xPrime, fx: try object("fx").rational(), fxPrime: fxPrime,
      drop: drop)
  }
}
