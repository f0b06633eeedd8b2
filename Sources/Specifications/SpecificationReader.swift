internal import ExactArithmetic

/// Turns the syntax tree into a ``Specification`` and collects every problem on the way.
struct SpecificationReader {
  let source: SourceText
  var diagnostics: [Diagnostic] = []
  var warnings: [Diagnostic] = []
  /// What is left for finding out whether domains have points and an interior, in all properties together.
  var extentWork = 2 * Polytope.extentWork
  /// What was found out: properties often share their preconditions.
  var extents: [Polytope: Polytope.Extent] = [:]
  /// What is left of ``maximumCoefficients``.
  var coefficients = maximumCoefficients

  /// The case of `for-each` that is being read, for messages: ` for replicas = 1`.
  var caseText = ""
  /// What is left of ``maximumChoicesOfFile``.
  var choicesLeft = maximumChoicesOfFile
  /// What is left of ``Specification/maximumQueries``.
  var queriesLeft = Specification.maximumQueries

  /// The most numbers in the constraints of all properties together.
  static let maximumCoefficients = 1_000_000
  /// The most choices from lists of values that are looked at for all properties together.
  static let maximumChoicesOfFile = 131_072
  static let maximumAboutLength = 2000
  static let maximumKeys = 64

  init(source: SourceText) { self.source = source }

  mutating func read(_ root: SyntaxNode, fileDigest: String) throws(SpecificationError) -> Specification {
    let fields = fields(
      root, of: "the specification", at: root.place, allowed: ["spec", "features", "outputs", "assume", "properties"],
      required: ["spec", "features", "outputs", "properties"],
      planned: ["network", "semantics", "constants"])
    if let version = fields["spec"], let (text, _) = text(version, what: "the version"), text != "vpals/v1" {
      report(
        .version, version.value.place, "unknown version '\(Name.clipped(text))'",
        fix: "write 'spec: vpals/v1', the version that this program reads")
    }
    let features = features(fields["features"])
    let outputs = outputs(fields["outputs"], features: features)
    var declarations = Declarations(features: features, outputs: outputs, isSound: diagnostics.isEmpty)
    declarations.assumed = conditions(
      fields["assume"], in: Scope(features: features, outputs: outputs, allowsOutputs: false, what: "'assume'"))
    let properties = properties(fields["properties"], declarations)
    if !diagnostics.isEmpty {
      throw SpecificationError(diagnostics.sorted { Self.position($0) < Self.position($1) })
    }
    return Specification(
      name: Self.stem(of: source.path), path: source.path, features: features.map(\.measure),
      outputs: outputs.map(\.measure), properties: properties, fileDigest: fileDigest, warnings: warnings)
  }

  private static func position(_ diagnostic: Diagnostic) -> (Int, Int) {
    (diagnostic.place?.line ?? 0, diagnostic.place?.column ?? 0)
  }

  private static func stem(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    for suffix in [".yaml", ".yml"] where file.hasSuffix(suffix) && file.count > suffix.count {
      return String(file.dropLast(suffix.count))
    }
    return file
  }

  mutating func report(
    _ code: Diagnostic.Code, _ place: Place, _ message: String, note: String? = nil, fix: String? = nil
  ) {
    diagnostics.append(source.diagnostic(code, at: place, message, note: note, fix: fix))
  }

  // MARK: - Mappings, texts and lists

  /// The entries of a mapping by key; unknown and missing keys are reported. Keys in `elsewhere` belong to the property
  /// that the mapping is a part of.
  mutating func fields(
    _ node: SyntaxNode, of what: String, at place: Place, allowed: [String], required: [String],
    planned: [String] = [], elsewhere: [String] = []
  ) -> [String: SyntaxNode.Entry] {
    guard case .mapping(let entries) = node.content else {
      report(
        .shape, node.place, "\(what) must be a mapping, not \(node.kind)",
        fix: "write its keys as 'key: value': \(allowed.joined(separator: ", "))")
      return [:]
    }
    guard entries.count <= Self.maximumKeys else {
      report(
        .tooLarge, place, "\(what) has \(entries.count) keys", fix: "known keys: \(allowed.joined(separator: ", "))")
      return [:]
    }
    var result: [String: SyntaxNode.Entry] = [:]
    var meant: Set<String> = []
    for entry in entries {
      if allowed.contains(entry.key) {
        result[entry.key] = entry
      } else if planned.contains(entry.key) {
        report(
          .notSupported, entry.place, "'\(entry.key)' is not supported yet in this version", fix: "delete it")
      } else if elsewhere.contains(entry.key) {
        report(
          .unknownKey, entry.place, "'\(entry.key)' does not belong in \(what)",
          fix: "write it beside \(what), as a key of the property")
      } else {
        if let key = Name.nearest(to: entry.key, among: allowed) { meant.insert(key) }
        report(
          .unknownKey, entry.place,
          "unknown key '\(Name.clipped(entry.key))' in \(what)" + suggestion(for: entry.key, among: allowed),
          fix: "known keys: \(allowed.joined(separator: ", "))")
      }
    }
    for key in required where result[key] == nil && !meant.contains(key) {
      report(.missingKey, place, "\(what) needs the key '\(key)'", fix: Self.example[key].map { "add '\($0)'" })
    }
    return result
  }

  /// `, did you mean 'x'?`; nothing once more problems are known than are shown.
  func suggestion(for text: String, among candidates: some Sequence<String>) -> String {
    guard diagnostics.count < SpecificationError.maximumDiagnostics else { return "" }
    // Words for a direction are close to each other in spelling and opposite in meaning: only the meaning counts.
    let word = text.lowercased()
    // A word that denies a direction means the other one.
    let isDenied = word.hasPrefix("non") || word.hasPrefix("not") || word.hasPrefix("never")
    for (key, words) in isDenied ? Self.deniedWords : Self.directionWords
    where candidates.contains(key) && words.contains(where: { word.contains($0) }) {
      return ", did you mean '\(key)'?"
    }
    guard let name = Name.nearest(to: text, among: candidates) else { return "" }
    return ", did you mean '\(name)'?"
  }

  static let deniedWords = [
    ("nondecreasing", ["decreas", "dec", "fall"]), ("nonincreasing", ["increas", "inc", "rise", "rising", "grow"]),
  ]

  static let directionWords = [
    ("nonincreasing", ["decreas", "fall", "noninc", "non-inc", "nonrising", "antitone"]),
    ("nondecreasing", ["increas", "rise", "rising", "grow", "nondec", "non-dec", "monoton"]),
  ]

  static let example = [
    "spec": "spec: vpals/v1", "features": "features:", "outputs": "outputs:", "properties": "properties:",
    "unit": "unit: ms (or fraction, MiB, cores, 1/s, none, …)", "domain": "domain: 0..1", "id": "id: a-short-name",
    "of": "of: the name of an output", "in": "in: the name of a feature, or a list of names",
  ]

  mutating func text(_ entry: SyntaxNode.Entry, what: String) -> (String, start: Place?)? {
    text(entry.value, what: what, emptyAt: entry.place)
  }

  mutating func text(_ node: SyntaxNode, what: String, emptyAt place: Place) -> (String, start: Place?)? {
    guard case .text(let text, let start) = node.content else {
      report(
        .shape, node.place, "\(what) must be a text, not \(node.kind)",
        fix: what == "'domain'"
          ? "write a range as in 0..1, or 'values' for a list"
          : Self.example[String(what.filter { $0 != "'" })].map { "write \($0)" })
      return nil
    }
    guard !text.isEmpty else {
      report(.shape, place, "\(what) is empty", fix: "write it behind the colon, or delete the key")
      return nil
    }
    return (text, start)
  }

  mutating func about(_ entry: SyntaxNode.Entry?) -> String? {
    guard let entry, let (text, _) = text(entry, what: "'about'") else { return nil }
    if text.unicodeScalars.count > Self.maximumAboutLength {
      report(.tooLarge, entry.place, "'about' is longer than \(Self.maximumAboutLength) characters")
    }
    return text
  }

  /// A text and where it begins, when it stands on one line as it is meant.
  mutating func expression(_ entry: SyntaxNode.Entry, what: String) -> (text: String, start: Place)? {
    guard let (text, start) = text(entry, what: what) else { return nil }
    guard let start else {
      report(
        .syntax, entry.value.place, "\(what) must stand on one line, without escapes",
        fix: ["assume", "when", "where", "then", "always"].contains(entry.key)
          ? "write it behind the colon; where it is long, as a list: [FIRST, SECOND]" : "write it behind the colon")
      return nil
    }
    return (text, start)
  }

  mutating func report(_ problem: ExpressionProblem, from start: Place) {
    report(problem.code, place(problem.span, from: start), problem.message, fix: problem.fix)
  }

  func place(_ span: Span, from start: Place) -> Place {
    source.place(line: start.line, column: start.column + span.offset, length: span.length)
  }
}
