internal import Gating
internal import Specifications

/// The report for people.
enum TextReport {
  static func lines(_ run: GateRun) -> [String] {
    let names = run.findings.map { PlainText.oneLine($0.name) }
    let width = names.map(\.count).max() ?? 0
    var lines: [String] = []
    for (finding, name) in zip(run.findings, names) {
      let padded = name + String(repeating: " ", count: width - name.count)
      if finding.passes { lines.append("PASS \(padded)  \(holding(finding))") }
      for refusal in finding.refusals {
        let word = refusal.exemption == nil ? "FAIL" : "EXEMPT"
        lines.append(
          "\(word) \(padded)  \(refusal.rule.rawValue) \(refusal.rule.name)  \(place(refusal)): \(refusal.fullReason)")
        lines += refusal.details.map { "  \(PlainText.oneLine($0))" }
        if refusal.exemption == nil { lines.append("  next: \(refusal.nextCommand)") }
      }
    }
    for warning in run.warnings {
      lines.append(
        "warning: \(PlainText.oneLine(warning.file)):\(warning.place): \(PlainText.oneLine(warning.message))")
    }
    if !run.checksProofs { lines.append("proofs were not checked again") }
    lines.append("gate: \(summary(run))")
    return lines
  }

  /// `2 of 3 properties hold, 1 refusal is exempt`.
  static func holding(_ finding: GateFinding) -> String {
    let total = PlainText.counted(finding.verdicts.count, "property holds", "properties hold")
    let exempt = finding.exempt.count
    return "\(finding.proven) of \(total)"
      + (exempt == 0 ? "" : ", \(PlainText.counted(exempt, "refusal is exempt", "refusals are exempt"))")
  }

  /// `refused, 1 of 2 versions fails`.
  static func summary(_ run: GateRun) -> String {
    let count = run.findings.count
    let failing = run.findings.count { !$0.passes }
    let total = PlainText.counted(count, "version")
    let exempt = run.findings.reduce(0) { $0 + $1.exempt.count }
    let note =
      exempt == 0 ? "" : "; \(PlainText.counted(exempt, "refusal is exempt", "refusals are exempt"))"
    return
      (failing == 0
      ? "\(count) of \(total) \(count == 1 ? "passes" : "pass")"
      : "refused, \(failing) of \(total) \(failing == 1 ? "fails" : "fail")") + note
  }

  /// Where people have to look: at the proof that is wrong, else at the property, else at the file.
  private static func place(_ refusal: Refusal) -> String {
    let location = refusal.rule == .proofUnchecked ? (file: refusal.file, line: nil, column: nil) : refusal.location
    let file = PlainText.oneLine(location.file)
    guard let line = location.line, let column = location.column else { return file }
    return "\(file):\(line):\(column)"
  }
}
