internal import Certificates
internal import Gating
internal import Specifications

/// The report as SARIF 2.1.0 (OASIS, 2020), within what GitHub's code scanning takes.
///
/// Refusals are results; properties that hold are not. Code scanning makes an alert of every result, whatever its
/// `kind`.
struct SARIFReport {
  /// The most results of one run, and the most bytes of the file, at GitHub.
  static let maximumResults = 25_000
  static let maximumBytes = 10_000_000

  let run: GateRun
  let root: SourceRoot
  /// The version of vPALs.
  let toolVersion: String
  var resultLimit = maximumResults
  var byteLimit = maximumBytes

  func text() -> String {
    let all = NamedRefusal.worstFirst(run)
    var results: [[UInt8]] = []
    // What stands around the results has a bounded size as well.
    var bytes = CanonicalJSON.encode(envelope(notifications: notifications(omitted: all.count))).count
    for named in all.prefix(resultLimit) {
      let result = CanonicalJSON.encode(result(named))
      guard bytes + result.count + 1 <= byteLimit else { break }
      bytes += result.count + 1
      results.append(result)
    }
    let text = CanonicalJSON.encode(envelope(notifications: notifications(omitted: all.count - results.count)))
    // Objects are written in the order of names, so the empty list stands where the results belong.
    let mark = Array("\"results\":[]".utf8)
    guard let at = text.firstRange(of: mark)?.upperBound else { return String(decoding: text, as: UTF8.self) }
    let inside = results.joined(separator: [UInt8(ascii: ",")])
    return String(decoding: text[..<(at - 1)] + inside + text[(at - 1)...], as: UTF8.self)
  }

  private func envelope(notifications: [JSONValue]) -> JSONValue {
    let invocation: JSONValue = .object([
      "executionSuccessful": .boolean(true), "exitCode": .integer(run.passes ? 0 : 1),
      "startTimeUtc": .string("\(run.startedAt)"),
      "endTimeUtc": .string("\(run.startedAt.advanced(by: .milliseconds(run.milliseconds)))"),
      "toolExecutionNotifications": .array(notifications),
    ])
    let driver: JSONValue = .object([
      "name": .string("vpals"), "semanticVersion": .string(toolVersion),
      "rules": .array(Refusal.Rule.allCases.map(rule)),
    ])
    return .object([
      "$schema": .string("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"),
      "version": .string("2.1.0"),
      "runs": .array([
        .object([
          "tool": .object(["driver": driver]), "invocations": .array([invocation]),
          "automationDetails": .object(["id": .string("vpals-gate/")]), "columnKind": .string("unicodeCodePoints"),
          "originalUriBaseIds": .object([
            "%SRCROOT%": .object(["description": message("the directory in which the gate ran")])
          ]), "results": .array([]),
        ])
      ]),
    ])
  }

  private func message(_ text: String) -> JSONValue { .object(["text": .string(text)]) }

  private func rule(_ rule: Refusal.Rule) -> JSONValue {
    let exemption =
      rule.mayBeExempted ? "An exemption in `gate.yaml` can let it pass." : "No exemption lets it pass."
    return .object([
      "id": .string(rule.rawValue), "name": .string(rule.name), "shortDescription": message(rule.summary),
      "fullDescription": message(rule.explanation),
      "defaultConfiguration": .object(["level": .string("error")]),
      "help": .object([
        "text": .string("\(rule.explanation) \(rule.help) \(exemption)".replacing("`", with: "")),
        "markdown": .string("\(rule.explanation)\n\n\(rule.help)\n\n\(exemption)"),
      ]),
      "properties": .object([
        "tags": .strings(["vpals", "verification"]), "precision": .string("very-high"),
        "problem.severity": .string("error"),
      ]),
    ])
  }

  private func notifications(omitted: Int) -> [JSONValue] {
    var notifications: [JSONValue] = run.warnings.map { warning in
      .object([
        "level": .string("warning"), "message": message(PlainText.oneLine(warning.message)),
        "locations": .array([location(warning.file, line: warning.place.line, column: warning.place.column)]),
      ])
    }
    if omitted > 0 {
      notifications.append(
        .object([
          "level": .string("warning"),
          "message": message(
            "\(PlainText.counted(omitted, "refusal is", "refusals are")) left out of this file, which holds the worst; "
              + "use the format json for all"),
        ]))
    }
    return notifications
  }

  private func result(_ named: NamedRefusal) -> JSONValue {
    let refusal = named.refusal
    let place = refusal.location
    let details = refusal.detailLines.map { "\n\($0)" }.joined()
    var members: [String: JSONValue] = [
      "ruleId": .string(refusal.rule.rawValue),
      "ruleIndex": .integer(Refusal.Rule.allCases.firstIndex(of: refusal.rule) ?? 0), "level": .string("error"),
      "kind": .string("fail"),
      "message": message(
        "\(PlainText.oneLine(named.finding.name)): \(PlainText.oneLine(refusal.reason))\(details)\n"
          + "next: \(refusal.nextCommand)"),
      "locations": .array([location(place.file, line: place.line, column: place.column)]),
      "partialFingerprints": .object(["vpalsRefusal/v1": .string(fingerprint(named))]),
    ]
    if refusal.subject != nil {
      members["relatedLocations"] = .array([location(refusal.file, line: nil, column: nil)])
    }
    if let exemption = refusal.exemption {
      members["suppressions"] = .array([
        .object([
          "kind": .string("external"), "status": .string("accepted"),
          "justification": .string("\(exemption.text) (until \(exemption.expires))"),
        ])
      ])
    }
    return .object(members)
  }

  /// Of the model, the property or else the file, and the rule: what stays when lines move and words change.
  private func fingerprint(_ named: NamedRefusal) -> String {
    let refusal = named.refusal
    let about =
      refusal.subject.map { "property\0\($0.specification)\0\($0.property)" } ?? "file\0\(root.path(refusal.file).path)"
    return SHA256Digest.of(Array("\(named.finding.name)\0\(about)\0\(refusal.rule.rawValue)".utf8))
  }

  private func location(_ file: String, line: Int?, column: Int?) -> JSONValue {
    let (uri, isInside) = root.uri(file)
    var artifact: [String: JSONValue] = ["uri": .string(uri)]
    if isInside { artifact["uriBaseId"] = .string("%SRCROOT%") }
    // Code scanning shows only results with a line.
    var region: [String: JSONValue] = ["startLine": .integer(line ?? 1)]
    if let column { region["startColumn"] = .integer(column) }
    return .object([
      "physicalLocation": .object(["artifactLocation": .object(artifact), "region": .object(region)])
    ])
  }
}
