internal import Certificates
internal import ExactArithmetic
internal import Foundation
internal import Specifications

extension GatePolicyReader {
  // MARK: Specifications

  mutating func specifications(_ entry: SyntaxNode.Entry) -> [GatePolicy.SpecificationRule] {
    var rules: [GatePolicy.SpecificationRule] = []
    for element in list(entry, maximum: GatePolicy.maximumRules) {
      let fields = fields(
        element, of: "an entry of 'specifications'", at: element.place, allowed: ["models", "all-of"],
        required: ["models", "all-of"])
      let models = pattern(fields["models"])
      var names: [String] = []
      if let entry = fields["all-of"] {
        for node in list(entry, maximum: GatePolicy.maximumNames) {
          guard let name = text(node, key: "all-of", emptyAt: node.place) else { continue }
          guard Self.isSpecificationName(name) else {
            report(
              .identifier, node.place, "'\(Name.clipped(name))' is no name of a specification",
              fix: "write the file's name without directory and .yaml; {application} stands for the application")
            continue
          }
          guard !names.contains(name) else {
            report(.duplicateName, node.place, "'\(Name.clipped(name))' stands here twice", fix: "keep one of them")
            continue
          }
          names.append(name)
        }
      }
      if let models, !names.isEmpty { rules.append(GatePolicy.SpecificationRule(models: models, allOf: names)) }
    }
    return rules
  }

  private static func isSpecificationName(_ text: String) -> Bool {
    let name = text.replacing("{application}", with: "a")
    return FileName.isValid(name) && name.first != "." && !name.hasSuffix(".yaml")
      && !name.unicodeScalars.contains { "{}*?\\".unicodeScalars.contains($0) }
  }

  private mutating func pattern(_ entry: SyntaxNode.Entry?) -> ModelPattern? {
    guard let entry, let text = text(entry) else { return nil }
    guard let pattern = ModelPattern(text) else {
      report(
        .syntax, entry.value.place, "'\(Name.clipped(text))' is no pattern of models",
        fix: "write APPLICATION or APPLICATION/VERSION, with * for any characters and ? for one")
      return nil
    }
    return pattern
  }

  // MARK: Numbers

  mutating func minimumInside(_ entry: SyntaxNode.Entry) -> Rational? {
    let fields = fields(
      entry.value, of: "'data'", at: entry.place, allowed: ["minimum-inside"], required: ["minimum-inside"])
    guard let entry = fields["minimum-inside"], let text = text(entry) else { return nil }
    guard let share = Self.decimal(text), share <= .one else {
      report(
        .syntax, entry.value.place, "'minimum-inside' is '\(Name.clipped(text))'",
        fix: "write a decimal between 0 and 1, such as 0.95")
      return nil
    }
    return share
  }

  /// A number such as `0.95`, exactly; nil for any other text.
  private static func decimal(_ text: String) -> Rational? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), text.utf8.count <= 18,
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let digits = Int(parts.joined())
    else { return nil }
    var scale = 1
    for _ in 0..<(parts.count == 2 ? parts[1].utf8.count : 0) { scale *= 10 }
    return Rational(digits, scale)
  }

  mutating func minimumVerifier(_ entry: SyntaxNode.Entry) -> SemanticVersion? {
    let fields = fields(entry.value, of: "'verifier'", at: entry.place, allowed: ["minimum"], required: ["minimum"])
    guard let entry = fields["minimum"], let text = text(entry) else { return nil }
    guard let version = SemanticVersion(text) else {
      report(
        .syntax, entry.value.place, "'\(Name.clipped(text))' is no version",
        fix: "write major, minor and patch, such as 0.9.0")
      return nil
    }
    return version
  }

  // MARK: Exemptions

  private static let exemptionKeys = ["models", "rules", "property", "owner", "reason", "expires"]

  mutating func exemptions(_ entry: SyntaxNode.Entry) -> [GatePolicy.Exemption] {
    list(entry, maximum: GatePolicy.maximumExemptions).compactMap { exemption($0) }
  }

  private mutating func exemption(_ node: SyntaxNode) -> GatePolicy.Exemption? {
    let fields = fields(
      node, of: "an exemption", at: node.place, allowed: Self.exemptionKeys,
      required: Self.exemptionKeys.filter { $0 != "property" })
    let models = pattern(fields["models"])
    let rules = fields["rules"].map { ruleList($0) } ?? []
    var property: String?
    if let entry = fields["property"], let text = text(entry) {
      if Name.isPropertyID(text) {
        property = text
      } else {
        report(
          .identifier, entry.value.place, "'\(Name.clipped(text))' is no identifier of a property",
          fix: "write the property's id")
      }
    }
    let owner = sentence(fields["owner"])
    let reason = sentence(fields["reason"])
    let expires = fields["expires"].flatMap { day($0) }
    guard let models, !rules.isEmpty, let owner, let reason, let expires, fields["property"] == nil || property != nil
    else { return nil }
    return GatePolicy.Exemption(
      models: models, rules: rules, property: property, owner: owner, reason: reason, expires: expires.text,
      end: expires.end, place: node.place)
  }

  private mutating func ruleList(_ entry: SyntaxNode.Entry) -> [Refusal.Rule] {
    var rules: [Refusal.Rule] = []
    let codes = Refusal.Rule.allCases.filter(\.mayBeExempted).map(\.rawValue)
    for node in list(entry, maximum: Refusal.Rule.allCases.count) {
      guard let text = text(node, key: "rules", emptyAt: node.place) else { continue }
      guard let rule = Refusal.Rule(rawValue: text) else {
        let named = Refusal.Rule.allCases.first { $0.name == text || $0.rawValue == text.uppercased() }
        report(
          .syntax, node.place, "'\(Name.clipped(text))' is no rule",
          fix: named.map { "write \($0.rawValue)" } ?? "write some of \(codes.joined(separator: ", "))")
        continue
      }
      guard rule.mayBeExempted else {
        report(
          .syntax, node.place, "nothing is exempt from \(rule.rawValue), \(rule.name)",
          fix: "only these rules have exemptions: \(codes.joined(separator: ", "))")
        continue
      }
      guard !rules.contains(rule) else {
        report(.duplicateName, node.place, "\(text) stands here twice", fix: "keep one of them")
        continue
      }
      rules.append(rule)
    }
    return rules
  }

  /// A text of one line that says something.
  private mutating func sentence(_ entry: SyntaxNode.Entry?) -> String? {
    guard let entry, let text = text(entry) else { return nil }
    let scalars = text.unicodeScalars
    guard scalars.count <= GatePolicy.maximumText,
      !scalars.contains(where: { $0.properties.generalCategory == .control }),
      scalars.contains(where: \.properties.isAlphabetic)
    else {
      report(
        .syntax, entry.value.place,
        "'\(entry.key)' must be one line of at most \(GatePolicy.maximumText) characters, some of them letters",
        fix: "write who answers for it, and why")
      return nil
    }
    return text
  }

  /// A day and the moment at which it is over in UTC.
  private mutating func day(_ entry: SyntaxNode.Entry) -> (text: String, end: Timestamp)? {
    guard let text = text(entry) else { return nil }
    guard let start = Timestamp(text: "\(text)T00:00:00Z") else {
      report(
        .syntax, entry.value.place, "'\(Name.clipped(text))' is no day of the calendar", fix: "write it as 2026-12-31")
      return nil
    }
    let end = start.advanced(by: .seconds(86_400))
    guard end <= now.advanced(by: .seconds(86_400 * (GatePolicy.maximumDays + 1))) else {
      report(
        .syntax, entry.value.place, "the exemption would count for more than \(GatePolicy.maximumDays) days",
        fix: "name a day at most a year ahead, and look at it again then")
      return nil
    }
    return (text, end)
  }
}
