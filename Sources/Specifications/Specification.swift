public import ExactArithmetic
internal import Foundation

/// What must hold of a network, as read from a specification file: its inputs with their domain, its outputs, and the
/// properties. `docs/specification-language.md` describes the language.
public struct Specification: Sendable, Hashable {
  /// The file's name without directory and `.yaml`.
  public let name: String
  /// The file as the user named it.
  public let path: String
  /// In the order of the network's inputs.
  public let features: [Feature]
  /// In the order of the network's outputs.
  public let outputs: [Output]
  /// In the order of the file.
  public let properties: [Property]
  /// `sha256:` and the SHA-256 of the file's bytes.
  public let fileDigest: String
  /// What is probably not meant.
  public let warnings: [Diagnostic]

  /// Bounds of the language.
  public static let maximumFileBytes = SourceText.maximumBytes
  public static let maximumFeatures = 512
  public static let maximumOutputs = 64
  public static let maximumProperties = 1024
  /// The most values in the list of a feature, and the most queries of all properties together.
  public static let maximumValues = 64
  public static let maximumQueries = 8192

  /// Reads a specification from its text.
  /// - Parameter path: the file's name, for messages and ``name``.
  /// - Throws: ``SpecificationError`` with as many problems as can be told apart.
  public static func parse(_ bytes: some Sequence<UInt8>, path: String) throws(SpecificationError) -> Specification {
    let bytes = Array(bytes)
    let source = try SourceText(bytes: bytes, path: path)
    let root = try SyntaxReader(source: source).read()
    var reader = SpecificationReader(source: source)
    return try reader.read(root, fileDigest: Digest.sha256(bytes))
  }

  /// Reads a specification from its text.
  public static func parse(text: String, path: String) throws(SpecificationError) -> Specification {
    try parse(Array(text.utf8), path: path)
  }

  /// Reads a specification file.
  /// - Throws: ``SpecificationError``, also when the file cannot be read.
  public static func read(path: String) throws(SpecificationError) -> Specification {
    try parse(bytes(path: path), path: path)
  }

  /// The bytes of a regular file, one more than `maximum` at most: that of specifications, or of another language.
  /// - Throws: ``SpecificationError`` when the file cannot be read.
  public static func bytes(path: String, maximum: Int = maximumFileBytes) throws(SpecificationError) -> [UInt8] {
    func failure(_ message: String) -> SpecificationError {
      SpecificationError([
        Diagnostic(
          code: .file, message: message, path: path, place: nil, sourceLine: "", note: nil,
          fix: "name a readable specification file")
      ])
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw failure("the file does not exist")
    }
    guard !isDirectory.boolValue else { throw failure("this is a directory") }
    // Opening a named pipe would wait for a writer, reading a device might never end.
    let kind =
      try? FileManager.default.attributesOfItem(
        atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)[.type] as? FileAttributeType
    guard kind == .typeRegular else { throw failure("this is not a regular file") }
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      // One byte more than allowed tells a file that is too large from one that just fits.
      return Array(try handle.read(upToCount: maximum + 1) ?? Data())
    } catch {
      throw failure("the file cannot be read: \(error.localizedDescription)")
    }
  }

  /// The domain in the network's own numbers: one interval per input.
  public var region: [ClosedRange<Rational>] { features.map(\.networkDomain) }

  /// The meaning of the file, one fact a line: comments, layout, `about` texts and other spellings of the same numbers
  /// leave it unchanged. Rationals are in lowest terms.
  public var canonicalText: String {
    let region = region
    var text = "vpals-specification/v1 \(features.count) \(outputs.count) \(properties.count)\n"
    for feature in features {
      text += "feature \(feature.canonicalText) "
      text += "\(feature.networkDomain.lowerBound) \(feature.networkDomain.upperBound)"
      if let values = feature.values { text += " values " + values.map(\.description).joined(separator: " ") }
      text += "\n"
    }
    for output in outputs { text += "output \(output.canonicalText)\n" }
    for property in properties {
      text += "property \(property.id) \(property.queries.count)\n"
      for query in property.queries {
        // The features' lines say what the domain is; a query with another one brings it along.
        let isPlain = query.region == region && query.constraints.isEmpty && query.relation == nil
        text += isPlain ? query.claim.canonicalText + "\n" : query.canonicalText
      }
    }
    return text
  }

  /// `sha256:` and the SHA-256 of ``canonicalText``.
  public var digest: String { Digest.sha256(canonicalText.utf8) }

  /// Checks that a network has as many inputs and outputs as this specification declares.
  /// - Throws: ``SpecificationError`` that names both numbers.
  public func checkArity(inputCount: Int, outputCount: Int) throws(SpecificationError) {
    func count(_ n: Int, _ what: String) -> String { "\(n) \(what)\(n == 1 ? "" : "s")" }
    var diagnostics: [Diagnostic] = []
    func compare(_ actual: Int, _ declared: Int, _ part: String, _ what: String) {
      guard actual != declared else { return }
      diagnostics.append(
        Diagnostic(
          code: .arity,
          message: "the network has \(count(actual, part)), but the specification declares \(count(declared, what))",
          path: path, place: nil, sourceLine: "", note: nil,
          fix: "declare every \(part) of the network, in its order, or verify the network this file was written for"))
    }
    compare(inputCount, features.count, "input", "feature")
    compare(outputCount, outputs.count, "output", "output")
    if !diagnostics.isEmpty { throw SpecificationError(diagnostics) }
  }
}

extension Measure {
  /// All of it that carries meaning, but for a feature's domain.
  var canonicalText: String { "\(index) \(name) column \(column) unit \(unit) scale \(scale.rawValue)" }
}

extension Specification {
  /// Something wrong with this file that its reader could not know.
  public func problem(
    _ code: Diagnostic.Code, line: Int?, column: Int = 1, _ message: String, fix: String? = nil
  ) -> Diagnostic {
    Diagnostic(
      code: code, message: message, path: path, place: line.map { Place(line: $0, column: column) }, sourceLine: "",
      note: nil, fix: fix)
  }
}
