extension Refusal.Rule {
  /// The word that stands beside the code; it stays, too.
  public var name: String {
    switch self {
    case .noCertificate: "no-certificate"
    case .violated: "violated"
    case .undecided: "undecided"
    case .modelChanged: "model-changed"
    case .specificationChanged: "specification-changed"
    case .badSignature: "bad-signature"
    case .notInLog: "not-in-log"
    case .expiredOrRevoked: "expired-or-revoked"
    case .verifierTooOld: "verifier-too-old"
    case .proofUnchecked: "proof-unchecked"
    case .certificateUnreadable: "certificate-unreadable"
    case .modelUnreadable: "model-unreadable"
    case .specificationUnreadable: "specification-unreadable"
    case .arithmeticTooWeak: "arithmetic-too-weak"
    case .dataOutsideDomain: "data-outside-domain"
    }
  }

  /// One sentence for lists of rules.
  public var summary: String {
    switch self {
    case .noCertificate: "A network has no certificate."
    case .violated: "A property does not hold."
    case .undecided: "A property was neither proved nor refuted."
    case .modelChanged: "The model is not the one that was verified."
    case .specificationChanged: "The specification is not the one that was verified."
    case .badSignature: "The certificate is not signed by a key that counts."
    case .notInLog: "The certificate is not in the transparency log."
    case .expiredOrRevoked: "The certificate has expired or was revoked."
    case .verifierTooOld: "The certificate was made by a verifier older than the policy asks for."
    case .proofUnchecked: "A proof is missing or wrong."
    case .certificateUnreadable: "The certificate cannot be read."
    case .modelUnreadable: "The model cannot be read."
    case .specificationUnreadable: "The specification cannot be read."
    case .arithmeticTooWeak: "The certificate says less of computed numbers than the policy asks for."
    case .dataOutsideDomain: "Too few of the measured rows lie in the domain that was verified."
    }
  }

  /// What the rule means.
  public var explanation: String {
    switch self {
    case .noCertificate:
      "Nothing is proved of this version for a specification that it must satisfy, or of a further network beside it."
    case .violated:
      "The certificate has an exact counterexample: inputs in the declared domain for which the network breaks the "
        + "property."
    case .undecided:
      "The verifier ran out of time or was stopped. Undecided is not proved, so the version is refused."
    case .modelChanged:
      "A file of the model is missing, has other bytes than the certificate speaks of, or is not spoken of at all."
    case .specificationChanged:
      "The specification was edited after the verification, or the certificate speaks of other properties."
    case .badSignature:
      "The signature is missing, wrong, or by a key that the trust file does not name, or not for this time."
    case .notInLog:
      "The policy asks for a proof of inclusion in the log, and there is none that fits the certificate and the "
        + "checkpoint."
    case .expiredOrRevoked:
      "The certificate's time is over, or the log says that it does not count any more."
    case .verifierTooOld:
      "The policy names the oldest version of vPALs whose certificates count, and this one is by an older one."
    case .proofUnchecked:
      "A property is claimed to hold, but its proof is missing, of other bytes, or not accepted by the checker."
    case .certificateUnreadable:
      "The file is damaged, of another format, or not in the canonical form."
    case .modelUnreadable:
      "The file is no ONNX network of the supported kind, or the directory cannot be listed."
    case .specificationUnreadable:
      "The file is missing or has errors, or the policy says of no specification that this version must satisfy it."
    case .arithmeticTooWeak:
      "The policy asks for a statement about the numbers that a processor computes, with all their rounding."
    case .dataOutsideDomain:
      "A proof speaks of the declared domain. When measured rows lie outside, it says nothing of them."
    }
  }

  /// What to do, for people; a refusal has the exact command.
  public var help: String {
    switch self {
    case .noCertificate, .undecided:
      "Run `vpals verify MODEL --spec FILE`, for what is undecided with a longer `--timeout`."
    case .violated: "Look at it with `vpals explain`, then retrain with `vpals-train APP --queue --until-proven`."
    case .modelChanged: "Restore the file from version control, or verify the new one with `vpals verify`."
    case .specificationChanged:
      "Run `vpals verify MODEL --spec FILE`, or train a new version for the new specification."
    case .badSignature: "Look at the keys with `vpals keys show`; sign by verifying again with a key that counts."
    case .notInLog: "Publish the certificate in the log and keep its inclusion proof beside it."
    case .expiredOrRevoked: "Verify the version again, or remove it from the tree."
    case .verifierTooOld: "Verify the version again with a newer vPALs."
    case .proofUnchecked: "Run `vpals verify MODEL --spec FILE`, which writes the proofs anew."
    case .certificateUnreadable: "Restore the file from version control, or run `vpals verify MODEL --spec FILE`."
    case .modelUnreadable: "Restore the file from version control, or train a new version."
    case .specificationUnreadable: "Run `vpals spec check FILE`."
    case .arithmeticTooWeak:
      "Train with snapping to a grid (the default of `vpals-train`), or lower `arithmetic` in the policy."
    case .dataOutsideDomain:
      "Widen the domains of the specification (`vpals spec check FILE --data ROWS` shows the rows) and verify again."
    }
  }

  /// Whether an exemption may let a refusal by this rule pass.
  ///
  /// Rules that judge what is known may be overruled by people. Those that find changed, forged or unreadable bytes may
  /// not: an exemption from them would let anything pass.
  public var mayBeExempted: Bool {
    switch self {
    case .noCertificate, .violated, .undecided, .notInLog, .expiredOrRevoked, .verifierTooOld, .arithmeticTooWeak,
      .dataOutsideDomain:
      true
    case .modelChanged, .specificationChanged, .badSignature, .proofUnchecked, .certificateUnreadable,
      .modelUnreadable, .specificationUnreadable:
      false
    }
  }

  /// All rules, the worst first: known to be wrong, perhaps forged, changed, unreadable, not known, too weak. Reports
  /// with little room keep this order.
  public static let worstFirst: [Refusal.Rule] = [
    .violated, .badSignature, .modelChanged, .specificationChanged, .proofUnchecked, .expiredOrRevoked, .notInLog,
    .certificateUnreadable, .modelUnreadable, .specificationUnreadable, .noCertificate, .undecided, .arithmeticTooWeak,
    .dataOutsideDomain, .verifierTooOld,
  ]

  /// The place in ``worstFirst``.
  public var rank: Int { Self.worstFirst.firstIndex(of: self) ?? Self.worstFirst.count }
}
