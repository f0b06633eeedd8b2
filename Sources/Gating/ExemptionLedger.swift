internal import Certificates

/// The exemptions of a run: which count, which are over, and which were of use.
struct ExemptionLedger {
  private let policy: GatePolicy
  private let now: Timestamp
  private var used: Set<Int> = []

  init(policy: GatePolicy, now: Timestamp) {
    self.policy = policy
    self.now = now
  }

  /// The refusal with the first exemption that counts for it; with the end of one that counted, where none does.
  mutating func judge(_ refusal: Refusal, application: String, version: String) -> Refusal {
    var over: GatePolicy.Exemption?
    for (index, exemption) in policy.exemptions.enumerated()
    where exemption.covers(refusal, application: application, version: version) {
      used.insert(index)
      if now < exemption.end {
        var exempt = refusal
        exempt.exemption = exemption
        return exempt
      }
      over = over ?? exemption
    }
    guard let over else { return refusal }
    return refusal.with(reason: "\(refusal.reason) (the exemption by \(over.owner) expired on \(over.expires))")
  }

  /// Exemptions that are over, and those that no refusal of the run needed.
  var warnings: [GateWarning] {
    policy.exemptions.enumerated().compactMap { index, exemption in
      let message: String
      if exemption.end <= now {
        message =
          "the exemption of \(exemption.models) by \(exemption.owner) expired on \(exemption.expires); delete it"
      } else if !used.contains(index) {
        message = "the exemption of \(exemption.models) by \(exemption.owner) matches no refusal of this run"
      } else {
        return nil
      }
      return GateWarning(message: message, file: policy.path ?? GatePolicy.defaultPath, place: exemption.place)
    }
  }
}
