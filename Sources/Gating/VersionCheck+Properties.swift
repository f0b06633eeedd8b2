internal import Certificates
internal import Networks
internal import ProofChecking
internal import Specifications

extension VersionCheck {
  /// The verdict of each property, in the specification's order; refusals are noted.
  mutating func judgeProperties(
    _ claims: Certificate, _ specification: Specifications.Specification, _ subjects: [Refusal.Subject],
    _ network: ExactNetwork, _ certificatePath: String
  ) throws(Refused) -> [GateFinding.Verdict] {
    let verify = verify(specification.path)
    guard specification.digest == "sha256:\(claims.specification.digest)",
      specification.properties.map(\.id) == claims.properties.map(\.id)
    else {
      throw Refused(
        .specificationChanged, certificatePath, "the certificate speaks of other properties than \(specification.path)",
        next: verify)
    }
    let clock = ContinuousClock()
    var verdicts: [GateFinding.Verdict] = []
    for (index, (property, record)) in zip(specification.properties, claims.properties).enumerated() {
      let start = clock.now
      let subject = subjects[index]
      func refusal(
        _ rule: Refusal.Rule, _ reason: String, next: [String], details: [String] = []
      ) -> Refusal {
        Refusal(rule, file: certificatePath, reason: reason, next: next, subject: subject, details: details)
      }
      var found: [Refusal] = []
      if property.queries.map(\.digest) != record.queryDigests.map({ "sha256:\($0)" }) {
        found.append(
          refusal(
            .specificationChanged, "property '\(property.id)' was verified with another meaning", next: verify))
      } else {
        switch record.outcome {
        case .holds:
          if let refusal = proofRefusal(property, record, subject, claims.arithmetic, network, certificatePath) {
            found.append(refusal)
          }
          if !policy.arithmetic.isMet(by: claims.arithmetic, property: property.id) {
            found.append(
              refusal(
                .arithmeticTooWeak,
                "property '\(property.id)' is proved in the arithmetic '\(Self.level(claims.arithmetic, property.id))'; "
                  + "the policy asks for '\(policy.arithmetic.rawValue)'", next: verify))
          }
        case .violated(let counterexample):
          found.append(
            refusal(
              .violated, "property '\(property.id)' is violated: \(property.statement)",
              next: [
                "vpals", "explain", certificatePath, "--property", property.id, "--spec", specification.path,
              ],
              details: CounterexampleText.lines(counterexample, to: property, of: specification, network: network)))
        case .unknown(let reason):
          found.append(
            refusal(
              .undecided, "property '\(property.id)' is undecided (\(reason))",
              next: verify + ["--resume", "--timeout", "1h"]))
        }
      }
      refusals += found
      verdicts.append(
        GateFinding.Verdict(
          subject: subject, state: found.isEmpty ? .proven : .refused,
          milliseconds: Gate.milliseconds(clock.now - start)))
    }
    return verdicts
  }

  /// What a certificate says of one property: of those that no margin saves, only what holds of real numbers.
  private static func level(_ arithmetic: Certificate.Arithmetic, _ id: String) -> String {
    guard case .bounded(_, _, let properties) = arithmetic, !properties.contains(id) else {
      return arithmetic.description
    }
    return Certificate.Arithmetic.real.description
  }

  /// Checks the proof of a property again; when the policy trusts proofs, only that there is said to be one.
  private func proofRefusal(
    _ property: Property, _ record: PropertyRecord, _ subject: Refusal.Subject, _ arithmetic: Certificate.Arithmetic,
    _ network: ExactNetwork, _ certificatePath: String
  ) -> Refusal? {
    let verify = verify(subject.file)
    func refusal(_ file: String, _ reason: String) -> Refusal {
      Refusal(.proofUnchecked, file: file, reason: reason, next: verify, subject: subject)
    }
    guard let reference = record.proof else {
      return refusal(certificatePath, "property '\(property.id)' is claimed to hold without a proof")
    }
    guard let queries = arithmetic.provenQueries(of: property) else {
      return refusal(
        certificatePath, "property '\(property.id)' cannot have been proved with a margin for rounding")
    }
    guard policy.proofs == .check else { return nil }
    let proofPath = "\(path)/\(reference.path)"
    do throws(ProofFailure) {
      let summary = try ProofChecker(network: network).check(file: proofPath, queries: queries)
      guard summary.digest != reference.sha256 || summary.bytes != reference.bytes else { return nil }
      return refusal(proofPath, "this is not the proof that the certificate names")
    } catch {
      return refusal(proofPath, "the proof of property '\(property.id)' is not valid: \(error)")
    }
  }
}
