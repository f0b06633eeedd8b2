public import CertificateStorage
public import Certificates
public import Networks
public import Specifications
internal import ProofChecking
internal import Verification

/// Verdicts that the store already holds for one network and specification: what a stopped verification goes on from.
public enum StoredResults {
  /// The properties that an earlier session of this version of vPALs proved for exactly this network, by id.
  ///
  /// A result is taken over only when the network digest, the specification digest, the property's query digests and
  /// the verifier's version are the same, and its proof lies in `proofs` and is accepted again. Violations are not taken over: they are replayed from the queue anyway.
  public static func proven(
    of network: ExactNetwork, specification: Specification, application: String, store: any Store, proofs: String
  ) throws(StorageError) -> [String: PropertyResult] {
    let networkDigest = network.digest.hexadecimalPart
    let specificationDigest = specification.digest.hexadecimalPart
    var results: [String: PropertyResult] = [:]
    for summary in try store.certificates(CertificateFilter(application: application))
    where summary.networkDigest == networkDigest && summary.specificationDigest == specificationDigest
      && summary.holds > 0
    {
      let claims = try store.certificate(id: summary.id).certificate.claims
      guard claims.verifier == .vpals(version: VPALs.version) else { continue }
      for property in specification.properties where results[property.id] == nil {
        guard let record = claims.properties.first(where: { $0.id == property.id }), record.outcome == .holds,
          record.queryDigests == property.queries.map({ $0.digest.hexadecimalPart })
        else { continue }
        // Only what can still be shown is taken over.
        guard let reference = record.proof,
          let summary = try? ProofChecker(network: network).check(
            file: "\(proofs)/\(reference.path)", queries: property.queries), summary.digest == reference.sha256
        else { continue }
        results[property.id] = PropertyResult(
          id: record.id, verdict: .holds, engine: record.engine, seconds: Double(record.milliseconds) / 1000,
          cpuSeconds: Double(record.cpuMilliseconds) / 1000, leaves: record.leaves, solverLeaves: record.solverLeaves,
          provedShare: 1, lowerBound: record.lowerBound,
          proof: ProofFile(
            path: "\(proofs)/\(reference.path)", sha256: reference.sha256, bytes: reference.bytes, checkSeconds: 0,
            isTemporary: false))
      }
    }
    return results
  }
}
