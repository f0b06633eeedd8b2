internal import Gating

/// Text from files and names of files on its way into a report.
enum PlainText {
  /// `text` with every character replaced that would break a line, hide text or show it in another order, and with the
  /// older kind of workflow command of GitHub, `##[`, broken up.
  static func oneLine(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var signs = 0
    for scalar in text.unicodeScalars {
      if scalar == "[", signs >= 2 { result.append("\u{FFFD}") }
      result.append(isHostile(scalar) ? "\u{FFFD}" : scalar)
      signs = scalar == "#" ? signs + 1 : 0
    }
    return String(result)
  }

  /// `text` with some characters replaced. By Unicode scalars: what Swift calls a character may be a sign that needs
  /// replacing, with an accent on it.
  static func replacing(_ text: String, _ replacement: (Unicode.Scalar) -> String?) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if let new = replacement(scalar) {
        result.append(contentsOf: new.unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x200E, 0x200F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: scalar.properties.generalCategory == .control
    }
  }

  /// The words as one command line.
  static func commandLine(_ words: [String]) -> String { oneLine(words.map(quoted).joined(separator: " ")) }

  /// `text` as one word of a shell command: quoted only when it needs to be.
  private static func quoted(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [0x2D, 0x2E, 0x2F, 0x5F, 0x3A, 0x2C, 0x3D, 0x2B].contains(byte)
    }
    return plain && !text.isEmpty ? text : "'" + replacing(text) { $0 == "'" ? "'\\''" : nil } + "'"
  }

  /// `1 property`, `2 properties`.
  static func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
    "\(count) \(count == 1 ? one : many ?? one + "s")"
  }
}

extension Refusal {
  /// The next command, quoted for a shell.
  var nextCommand: String { PlainText.commandLine(next) }

  /// The file that a reader should look at, and the place in it.
  var location: (file: String, line: Int?, column: Int?) {
    subject.map { ($0.file, $0.line, $0.column) } ?? (file, nil, nil)
  }

  /// What follows the reason where the place is the property's: the details, and the file at fault.
  var detailLines: [String] {
    details.map(PlainText.oneLine) + (subject == nil ? [] : ["file: \(PlainText.oneLine(file))"])
  }

  /// The reason and, where it was let pass, by whom.
  var fullReason: String {
    let reason = PlainText.oneLine(reason)
    guard let exemption else { return reason }
    return "\(reason) (exempt until \(exemption.expires) by \(exemption.text))"
  }
}

extension GatePolicy.Exemption {
  /// `ops@example.com: retraining is under way`.
  var text: String { "\(PlainText.oneLine(owner)): \(PlainText.oneLine(reason))" }
}

/// A refusal with the version that it is of.
struct NamedRefusal {
  let finding: GateFinding
  let refusal: Refusal

  /// Those of a run, the worst rule first and otherwise in the run's order.
  static func worstFirst(_ run: GateRun, where isMeant: (Refusal) -> Bool = { _ in true }) -> [NamedRefusal] {
    let all = run.findings.flatMap { finding in
      finding.refusals.filter(isMeant).map { NamedRefusal(finding: finding, refusal: $0) }
    }
    let ranked = all.enumerated().sorted { left, right in
      (left.element.refusal.rule.rank, left.offset) < (right.element.refusal.rule.rank, right.offset)
    }
    return ranked.map(\.element)
  }
}
