internal import Certificates
internal import Gating
internal import Specifications

/// The report for programs; `schemas/vpals-gate-report-v1.schema.json` describes it.
enum JSONReport {
  static let format = "vpals-gate-report/v1"

  /// Writes version by version: a run may have ten thousand.
  static func write(_ run: GateRun, to output: (String) -> Void) {
    let envelope = CanonicalJSON.encode(envelope(run))
    // Inside texts the signs of a member are escaped, so this is the empty list.
    let mark = Array("\"versions\":[]".utf8)
    let at = (envelope.firstRange(of: mark)?.upperBound ?? envelope.count) - 1
    output(String(decoding: envelope[..<at], as: UTF8.self))
    for (index, finding) in run.findings.enumerated() {
      output((index > 0 ? "," : "") + String(decoding: CanonicalJSON.encode(version(finding)), as: UTF8.self))
    }
    output(String(decoding: envelope[at...], as: UTF8.self) + "\n")
  }

  private static func envelope(_ run: GateRun) -> JSONValue {
    .object([
      "format": .string(format), "passes": .boolean(run.passes), "policy": .optional(run.policyPath),
      "proofs": .string(run.checksProofs ? "checked" : "trusted"), "startedAt": .string("\(run.startedAt)"),
      "milliseconds": .integer(run.milliseconds), "warnings": .array(run.warnings.map(warning)),
      "versions": .array([]),
    ])
  }

  private static func warning(_ warning: GateWarning) -> JSONValue {
    .object([
      "message": .string(warning.message), "file": .string(warning.file), "line": .integer(warning.place.line),
      "column": .integer(warning.place.column),
    ])
  }

  private static func version(_ finding: GateFinding) -> JSONValue {
    .object([
      "application": .string(finding.application), "version": .string(finding.version), "path": .string(finding.path),
      "specification": .optional(finding.specificationPaths.first),
      "specifications": .strings(finding.specificationPaths), "passes": .boolean(finding.passes),
      "properties": .integer(finding.proven), "milliseconds": .integer(finding.milliseconds),
      "verdicts": .array(finding.verdicts.map(verdict)), "refusals": .array(finding.refusals.map(refusal)),
    ])
  }

  private static func subject(_ subject: Refusal.Subject) -> [String: JSONValue] {
    [
      "property": .string(subject.property), "specification": .string(subject.file), "line": .integer(subject.line),
      "column": .integer(subject.column),
    ]
  }

  private static func verdict(_ verdict: GateFinding.Verdict) -> JSONValue {
    var members = subject(verdict.subject)
    members["state"] = .string(verdict.state.rawValue)
    members["milliseconds"] = .integer(verdict.milliseconds)
    return .object(members)
  }

  private static func refusal(_ refusal: Refusal) -> JSONValue {
    var members = refusal.subject.map(subject) ?? [:]
    members["rule"] = .string(refusal.rule.rawValue)
    members["name"] = .string(refusal.rule.name)
    members["file"] = .string(refusal.file)
    members["reason"] = .string(refusal.reason)
    members["next"] = .string(refusal.nextCommand)
    if !refusal.details.isEmpty { members["details"] = .strings(refusal.details) }
    if let exemption = refusal.exemption {
      members["exemption"] = .object([
        "owner": .string(exemption.owner), "reason": .string(exemption.reason), "expires": .string(exemption.expires),
      ])
    }
    return .object(members)
  }
}
