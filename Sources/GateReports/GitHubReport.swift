internal import Gating
internal import Specifications

/// Workflow commands for GitHub's annotations, and the summary of a step.
struct GitHubReport {
  /// GitHub shows ten annotations of each level a step and drops the others.
  static let maximumAnnotations = 10
  /// GitHub refuses a longer summary.
  static let maximumSummaryBytes = 1 << 20

  let run: GateRun
  let root: SourceRoot

  /// The annotations, and a line for the log.
  func lines() -> [String] { annotations() + ["gate: \(TextReport.summary(run))"] }

  /// One error for each refusal and one warning for each exemption and oddity of the policy, the worst first.
  func annotations() -> [String] {
    let standing = NamedRefusal.worstFirst(run) { $0.exemption == nil }.map { annotation("error", $0) }
    let exempt = NamedRefusal.worstFirst(run) { $0.exemption != nil }.map { annotation("warning", $0) }
    let warnings = run.warnings.map { warning in
      command(
        "warning", file: warning.file, line: warning.place.line, column: warning.place.column, title: "vpals gate",
        message: PlainText.oneLine(warning.message))
    }
    return bounded(standing, level: "error", "refusal") + bounded(exempt + warnings, level: "warning", "warning")
  }

  private func bounded(_ lines: [String], level: String, _ what: String) -> [String] {
    guard lines.count > Self.maximumAnnotations else { return lines }
    let shown = lines.prefix(Self.maximumAnnotations - 1)
    let more = PlainText.counted(lines.count - shown.count, "more \(what)")
    return shown + ["::\(level) title=vpals gate::and \(more), in the log and the summary of the step"]
  }

  private func annotation(_ level: String, _ named: NamedRefusal) -> String {
    let refusal = named.refusal
    let place = refusal.location
    let lines =
      ["\(PlainText.oneLine(named.finding.name)): \(refusal.fullReason)"]
      + refusal.detailLines + ["next: \(refusal.nextCommand)"]
    return command(
      level, file: place.file, line: place.line, column: place.column,
      title: "\(refusal.rule.rawValue) \(refusal.rule.name)", message: lines.joined(separator: "\n"))
  }

  private func command(
    _ level: String, file: String, line: Int?, column: Int?, title: String, message: String
  ) -> String {
    var properties = ["file=\(property(PlainText.oneLine(root.path(file).path)))", "line=\(line ?? 1)"]
    if let column { properties.append("col=\(column)") }
    properties.append("title=\(property(title))")
    return "::\(level) \(properties.joined(separator: ","))::\(data(message))"
  }

  private func data(_ text: String) -> String {
    PlainText.replacing(text) { ["%": "%25", "\r": "%0D", "\n": "%0A"][$0] }
  }

  private func property(_ text: String) -> String {
    PlainText.replacing(data(text)) { [":": "%3A", ",": "%2C"][$0] }
  }

  // MARK: The summary

  /// Markdown of at most `maximumBytes`: one row for each refusal, then one for each version that passes.
  func summary(maximumBytes: Int = maximumSummaryBytes) -> String {
    var text = "## vpals gate: \(run.passes ? "pass" : "refused")\n\n\(TextReport.summary(run))"
    if !run.checksProofs { text += "; proofs were not checked again" }
    text += "\n\n| | version | rule | place | reason |\n|---|---|---|---|---|\n"
    let refused = NamedRefusal.worstFirst(run) { $0.exemption == nil }.map { row("FAIL", $0) }
    let exempt = NamedRefusal.worstFirst(run) { $0.exemption != nil }.map { row("EXEMPT", $0) }
    let passing = run.findings.filter(\.passes).map { finding in
      "| PASS | \(cell(finding.name)) | | | \(TextReport.holding(finding)) |\n"
    }
    let warnings = run.warnings.map { warning in
      "| warning | | | \(cell("\(root.path(warning.file).path):\(warning.place)")) | \(cell(warning.message)) |\n"
    }
    let rows = refused + exempt + warnings + passing
    var count = 0
    // Room for the line that says what is missing.
    var left = maximumBytes - text.utf8.count - 100
    for row in rows {
      left -= row.utf8.count
      guard left >= 0 else { break }
      text += row
      count += 1
    }
    if count < rows.count { text += "\n\(PlainText.counted(rows.count - count, "row")) left out.\n" }
    return text.utf8.count <= maximumBytes ? text : ""
  }

  private func row(_ word: String, _ named: NamedRefusal) -> String {
    let refusal = named.refusal
    let place = refusal.location
    let suffix = place.line.map { ":\($0)" + (place.column.map { ":\($0)" } ?? "") } ?? ""
    let reason = ([refusal.fullReason] + refusal.detailLines + ["next: \(refusal.nextCommand)"]).map(cell)
    return "| \(word) | \(cell(named.finding.name)) | \(refusal.rule.rawValue) \(refusal.rule.name) | "
      + "\(cell(root.path(place.file).path + suffix)) | \(reason.joined(separator: "<br>")) |\n"
  }

  /// The text as itself: every character with a meaning in Markdown or HTML is written by its number.
  private func cell(_ text: String) -> String {
    var result = ""
    for scalar in PlainText.oneLine(text).unicodeScalars {
      let isPlain =
        !scalar.isASCII || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        || " /,'+=".unicodeScalars.contains(scalar)
      if isPlain { result.unicodeScalars.append(scalar) } else { result += "&#\(scalar.value);" }
    }
    return result
  }
}
