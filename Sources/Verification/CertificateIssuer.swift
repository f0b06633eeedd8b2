public import Certificates
public import Specifications

extension Certificate {
  /// The certificate of one session.
  ///
  /// Without a solver, which bounds alone may not have needed, its version is `unavailable`.
  ///
  /// - Parameters:
  ///   - results: One per property of the specification, in its order.
  ///   - model: The model version; see ``Certificate/Model``.
  ///   - arithmetic: What is known of the network's evaluation; see ``Certificate/Arithmetic/init(of:over:)``.
  public init(
    model: Model, specification: Specifications.Specification, results: [PropertyResult],
    arithmetic: Arithmetic = .real, data: Coverage? = nil, startedAt: Timestamp, finishedAt: Timestamp,
    expiresAt: Timestamp? = nil
  ) {
    let records = zip(specification.properties, results).map { property, result in
      PropertyRecord(
        result, statement: property.statement, queryDigests: property.queries.map { $0.digest.hexadecimalPart },
        proof: result.proof.map { proof in
          PropertyRecord.ProofReference(
            path: ProofFile.name(specification: specification.name, property: property.id), sha256: proof.sha256,
            bytes: proof.bytes)
        })
    }
    self.init(
      model: model,
      specification: Certificate.Specification(
        name: specification.name, sha256: specification.fileDigest.hexadecimalPart,
        digest: specification.digest.hexadecimalPart, features: specification.certificateFeatures,
        outputs: specification.certificateOutputs),
      properties: records, arithmetic: arithmetic, verifier: .vpals(version: VPALs.version),
      solver: .z3(version: (try? Verifier.solverVersion()) ?? "unavailable"), data: data, startedAt: startedAt,
      finishedAt: finishedAt, expiresAt: expiresAt)
  }
}

extension String {
  /// A digest without its `sha256:` prefix, as certificates write it.
  public var hexadecimalPart: String { hasPrefix("sha256:") ? String(dropFirst(7)) : self }
}
