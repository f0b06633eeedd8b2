public import Certificates
internal import Foundation
public import Specifications

/// What is wrong with a policy file, in the order of the file.
public struct GatePolicyError: Error, Hashable, CustomStringConvertible {
  /// At least one.
  public let diagnostics: [Diagnostic]
  let message: String?

  init(_ diagnostics: [Diagnostic]) {
    self.diagnostics = Array(diagnostics.prefix(SpecificationError.maximumDiagnostics))
    message = nil
  }

  /// The file cannot be read.
  init(message: String) {
    diagnostics = []
    self.message = message
  }

  public var description: String { message ?? diagnostics.map(\.description).joined(separator: "\n") }
}

extension GatePolicy {
  /// Reads a policy from a file.
  /// - Parameter now: By which exemptions are too far ahead.
  /// - Throws: ``GatePolicyError``, also when the file cannot be read.
  public static func read(path: String, now: Timestamp) throws(GatePolicyError) -> GatePolicy {
    let bytes: [UInt8]
    do throws(CertificateError) {
      bytes = try BoundedFile.read(path, maximumBytes: maximumBytes)
    } catch {
      throw GatePolicyError(message: error.message)
    }
    return try parse(bytes, path: path, now: now)
  }

  /// The policy of a run: the file that is named, else `gate.yaml` of the working directory, else the default.
  public static func ofRun(named path: String?, now: Timestamp) throws(GatePolicyError) -> GatePolicy {
    if let path { return try read(path: path, now: now) }
    // A broken link is there, too: what cannot be read must not count as absent.
    let isThere = (try? FileManager.default.attributesOfItem(atPath: defaultPath)) != nil
    if isThere || FileManager.default.fileExists(atPath: defaultPath) { return try read(path: defaultPath, now: now) }
    // A name that is nearly right must not count as absent either.
    if let near = ["gate.yml", "Gate.yaml", "GATE.yaml"].first(where: { FileManager.default.fileExists(atPath: $0) }) {
      throw GatePolicyError(
        message: "\(near): the policy's name is \(defaultPath); rename it, or name it with --policy")
    }
    return GatePolicy()
  }

  /// Reads a policy from its text.
  /// - Parameter path: The file's name, for messages; files that the policy names are looked for beside it.
  public static func parse(_ bytes: [UInt8], path: String, now: Timestamp) throws(GatePolicyError) -> GatePolicy {
    guard bytes.count <= maximumBytes else {
      throw GatePolicyError(message: "\(path) has more than \(maximumBytes) bytes; use patterns instead of lists")
    }
    do throws(SpecificationError) {
      let source = try SourceText(bytes: bytes, path: path, kind: "a policy")
      let root = try SyntaxReader(source: source, beginning: "gate: vpals/v1").read()
      var reader = GatePolicyReader(source: source, path: path, now: now)
      let policy = reader.read(root)
      guard reader.diagnostics.isEmpty else {
        throw SpecificationError(reader.diagnostics)
      }
      return policy
    } catch {
      throw GatePolicyError(error.diagnostics)
    }
  }
}

/// Turns the syntax tree of a policy into a ``GatePolicy`` and collects every problem on the way.
struct GatePolicyReader {
  let source: SourceText
  let path: String
  let now: Timestamp
  var diagnostics: [Diagnostic] = []

  static let keys = [
    "gate", "specifications", "arithmetic", "signature", "trust", "log", "data", "proofs", "verifier", "exemptions",
  ]

  mutating func read(_ root: SyntaxNode) -> GatePolicy {
    var policy = GatePolicy()
    policy.path = path
    let fields = fields(root, of: "the policy", at: root.place, allowed: Self.keys, required: ["gate"])
    if let entry = fields["gate"], let text = text(entry), text != "vpals/v1" {
      report(
        .version, entry.value.place, "unknown version '\(Name.clipped(text))'",
        fix: "write 'gate: vpals/v1', the version that this program reads")
    }
    if let entry = fields["specifications"] { policy.specifications = specifications(entry) }
    policy.arithmetic = choice(fields["arithmetic"]) ?? policy.arithmetic
    policy.signature = choice(fields["signature"]) ?? policy.signature
    policy.proofs = choice(fields["proofs"]) ?? policy.proofs
    policy.trust = fields["trust"].flatMap { file($0) }
    if let entry = fields["log"] { policy.log = log(entry) }
    if let entry = fields["data"] { policy.minimumInside = minimumInside(entry) }
    if let entry = fields["verifier"] { policy.minimumVerifier = minimumVerifier(entry) }
    if let entry = fields["exemptions"] { policy.exemptions = exemptions(entry) }
    return policy
  }

  private mutating func log(_ entry: SyntaxNode.Entry) -> GatePolicy.Log {
    var log = GatePolicy.Log()
    let fields = fields(
      entry.value, of: "'log'", at: entry.place, allowed: ["inclusion", "directory", "checkpoint"],
      required: ["inclusion"])
    log.inclusion = choice(fields["inclusion"]) ?? log.inclusion
    log.directory = fields["directory"].flatMap { file($0) }
    log.checkpoint = fields["checkpoint"].flatMap { file($0) }
    return log
  }

  // MARK: Mappings, texts and lists

  /// The entries of a mapping by key; unknown and missing keys are reported.
  mutating func fields(
    _ node: SyntaxNode, of what: String, at place: Place, allowed: [String], required: [String]
  ) -> [String: SyntaxNode.Entry] {
    let known = "known keys: \(allowed.joined(separator: ", "))"
    guard case .mapping(let entries) = node.content else {
      report(.shape, node.place, "\(what) must be a mapping, not \(node.kind)", fix: known)
      return [:]
    }
    var result: [String: SyntaxNode.Entry] = [:]
    var meant: Set<String> = []
    for entry in entries {
      guard !allowed.contains(entry.key) else {
        result[entry.key] = entry
        continue
      }
      let nearest = Name.nearest(to: entry.key, among: allowed)
      if let nearest { meant.insert(nearest) }
      report(
        .unknownKey, entry.place,
        "unknown key '\(Name.clipped(entry.key))' in \(what)" + (nearest.map { ", did you mean '\($0)'?" } ?? ""),
        fix: known)
    }
    for key in required where result[key] == nil && !meant.contains(key) {
      report(
        .missingKey, place, "\(what) needs the key '\(key)'",
        fix: key == "gate" ? "begin the file with 'gate: vpals/v1'" : "add '\(key): …'")
    }
    return result
  }

  /// The elements of a list that has between one and `maximum`.
  mutating func list(_ entry: SyntaxNode.Entry, maximum: Int) -> [SyntaxNode] {
    guard case .list(let elements) = entry.value.content else {
      report(
        .shape, entry.value.place, "'\(entry.key)' must be a list, not \(entry.value.kind)",
        fix: "write [FIRST, SECOND]")
      return []
    }
    guard (1...maximum).contains(elements.count) else {
      report(
        elements.isEmpty ? .shape : .tooLarge, entry.place,
        "'\(entry.key)' has \(elements.count) entries; expected 1 to \(maximum)",
        fix: elements.isEmpty ? "delete the key" : "use patterns instead of lists")
      return []
    }
    return elements
  }

  mutating func text(_ entry: SyntaxNode.Entry) -> String? { text(entry.value, key: entry.key, emptyAt: entry.place) }

  mutating func text(_ node: SyntaxNode, key: String, emptyAt place: Place) -> String? {
    guard case .text(let text, _) = node.content else {
      report(.shape, node.place, "'\(key)' must be a text, not \(node.kind)", fix: "write it behind the colon")
      return nil
    }
    guard !text.isEmpty else {
      report(.shape, place, "'\(key)' is empty", fix: "write it behind the colon, or delete the key")
      return nil
    }
    return text
  }

  /// One of the words of `T`.
  private mutating func choice<T: RawRepresentable & CaseIterable>(_ entry: SyntaxNode.Entry?) -> T?
  where T.RawValue == String {
    guard let entry, let text = text(entry) else { return nil }
    if let value = T(rawValue: text) { return value }
    let words = T.allCases.map(\.rawValue)
    report(
      .syntax, entry.value.place,
      "'\(entry.key)' is '\(Name.clipped(text))'"
        + (Name.nearest(to: text, among: words).map { ", did you mean '\($0)'?" } ?? ""),
      fix: "write \(words.dropLast().joined(separator: ", ")) or \(words.last ?? "")")
    return nil
  }

  /// A path, relative to the policy's directory.
  private mutating func file(_ entry: SyntaxNode.Entry) -> String? {
    guard let text = text(entry) else { return nil }
    guard text.utf8.count <= 4096, !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      report(.syntax, entry.value.place, "'\(entry.key)' is no path", fix: "write the path of a file")
      return nil
    }
    if text.hasPrefix("/") || !path.contains("/") { return text }
    let directory = FilePath.parent(of: path)
    return directory == "/" ? "/\(text)" : "\(directory)/\(text)"
  }

  mutating func report(_ code: Diagnostic.Code, _ place: Place, _ message: String, fix: String? = nil) {
    diagnostics.append(source.diagnostic(code, at: place, message, fix: fix))
  }
}
