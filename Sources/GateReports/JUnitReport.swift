internal import Gating

/// The report as JUnit XML: a suite for each version, in it a case for its files and one for each property.
enum JUnitReport {
  private struct Case {
    enum Outcome {
      case passed
      case failed([Refusal])
      case skipped(String)
    }

    let name: String
    let milliseconds: Int
    let outcome: Outcome
  }

  /// Writes piece by piece: a run may have millions of cases.
  static func write(_ run: GateRun, to output: (String) -> Void) {
    var tests = 0
    var failures = 0
    var skipped = 0
    for finding in run.findings {
      let counts = counts(cases(finding))
      tests += counts.tests
      failures += counts.failures
      skipped += counts.skipped
    }
    output("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    output(
      "<testsuites name=\"vpals gate\" tests=\"\(tests)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\" "
        + "time=\"\(seconds(run.milliseconds))\">\n")
    for finding in run.findings {
      let cases = cases(finding)
      let counts = counts(cases)
      output(
        "  <testsuite name=\"\(escaped(PlainText.oneLine(finding.name)))\" tests=\"\(counts.tests)\" failures=\"\(counts.failures)\" "
          + "errors=\"0\" skipped=\"\(counts.skipped)\" time=\"\(seconds(finding.milliseconds))\" "
          + "timestamp=\"\("\(run.startedAt)".prefix(19))\">\n")
      for one in cases { output(text(one, suite: PlainText.oneLine(finding.name))) }
      output("  </testsuite>\n")
    }
    output("</testsuites>\n")
  }

  private static func cases(_ finding: GateFinding) -> [Case] {
    let subjects = Set(finding.verdicts.map(\.subject))
    let ofFiles = finding.refusals.filter { $0.subject.map { !subjects.contains($0) } ?? true }
    let checks = finding.verdicts.reduce(0) { $0 + $1.milliseconds }
    let files = Case(
      name: "files", milliseconds: max(0, finding.milliseconds - checks), outcome: outcome(ofFiles, else: .passed))
    let names = Set(finding.specificationPaths).count
    return [files]
      + finding.verdicts.map { verdict in
        let subject = verdict.subject
        let isUnjudged = verdict.state == .notJudged
        return Case(
          name: names > 1 ? "\(subject.specification): \(subject.property)" : subject.property,
          milliseconds: verdict.milliseconds,
          outcome: outcome(
            finding.refusals.filter { $0.subject == subject },
            else: isUnjudged
              ? .skipped("not judged: what was found in the files, or an exemption from it, comes first") : .passed))
      }
  }

  private static func outcome(_ refusals: [Refusal], else other: Case.Outcome) -> Case.Outcome {
    let standing = refusals.filter { $0.exemption == nil }
    if !standing.isEmpty { return .failed(standing) }
    let exempt = refusals.map { "EXEMPT \($0.rule.rawValue) \($0.rule.name): \($0.fullReason)" }
    return exempt.isEmpty ? other : .skipped(exempt.joined(separator: "; "))
  }

  private static func counts(_ cases: [Case]) -> (tests: Int, failures: Int, skipped: Int) {
    var counts = (tests: cases.count, failures: 0, skipped: 0)
    for one in cases {
      switch one.outcome {
      case .passed: break
      case .failed: counts.failures += 1
      case .skipped: counts.skipped += 1
      }
    }
    return counts
  }

  private static func text(_ one: Case, suite: String) -> String {
    let head =
      "    <testcase classname=\"\(escaped(suite))\" name=\"\(escaped(one.name))\" time=\"\(seconds(one.milliseconds))\""
    switch one.outcome {
    case .passed: return head + "/>\n"
    case .skipped(let message):
      return head + ">\n      <skipped message=\"\(escaped(message))\"/>\n    </testcase>\n"
    case .failed(let refusals):
      // Readers look at the first failure of a case only, so there is one, the worst, and its text has all.
      let sorted = refusals.enumerated().sorted {
        ($0.element.rule.rank, $0.offset) < ($1.element.rule.rank, $1.offset)
      }
      .map(\.element)
      let lines = sorted.flatMap { refusal in
        let place = refusal.location
        let suffix = place.line.map { ":\($0)" + (place.column.map { ":\($0)" } ?? "") } ?? ""
        return [
          "\(refusal.rule.rawValue) \(refusal.rule.name)  \(PlainText.oneLine(place.file))\(suffix): \(refusal.fullReason)"
        ] + refusal.detailLines.map { "  \($0)" } + ["  next: \(refusal.nextCommand)"]
      }
      return head + ">\n      <failure type=\"\(sorted[0].rule.rawValue) \(sorted[0].rule.name)\" "
        + "message=\"\(escaped(sorted[0].fullReason))\">\(escaped(lines.joined(separator: "\n"), keepsLines: true))"
        + "</failure>\n    </testcase>\n"
    }
  }

  private static func seconds(_ milliseconds: Int) -> String {
    let digits = String(milliseconds % 1000)
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }

  /// Text for XML 1.0: what it has no form for becomes U+FFFD.
  private static func escaped(_ text: String, keepsLines: Bool = false) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      case "\n" where keepsLines: result.append(scalar)
      default:
        let isAllowed =
          scalar.properties.generalCategory != .control && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.append(isAllowed ? scalar : "\u{FFFD}")
      }
    }
    return String(result)
  }
}
