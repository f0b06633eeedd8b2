/// A place in a specification file: lines and columns count from 1, columns in Unicode scalars.
public struct Place: Sendable, Hashable, CustomStringConvertible {
  public let line: Int
  public let column: Int
  /// The number of scalars that the place covers on its line, at least 1.
  public let length: Int

  public init(line: Int, column: Int, length: Int = 1) {
    self.line = line
    self.column = column
    self.length = max(1, length)
  }

  /// `line:column`.
  public var description: String { "\(line):\(column)" }
}

/// One thing wrong with a specification: the place, the problem, the fix.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  /// The kinds of problem. A code keeps its meaning for ever; more may come.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// The file cannot be read.
    public static let file = Code(description: "E001")
    /// The file or a part of it is larger than the language allows.
    public static let tooLarge = Code(description: "E002")
    /// Bytes that are not UTF-8, or a character that a specification must not contain.
    public static let character = Code(description: "E003")
    /// Not YAML.
    public static let yaml = Code(description: "E004")
    /// YAML that the language leaves out: anchors, aliases, tags, directives, several documents.
    public static let construct = Code(description: "E005")
    /// A key written twice.
    public static let duplicateKey = Code(description: "E006")
    /// A mapping, list or text where another one belongs.
    public static let shape = Code(description: "E007")
    /// A required key is missing.
    public static let missingKey = Code(description: "E008")
    /// A key that does not exist.
    public static let unknownKey = Code(description: "E009")
    /// Planned, but not supported in this version.
    public static let notSupported = Code(description: "E010")
    /// Another version of the language.
    public static let version = Code(description: "E011")
    /// A name that is not declared, or of the wrong kind.
    public static let unknownName = Code(description: "E012")
    /// A malformed number, range or expression.
    public static let syntax = Code(description: "E013")
    /// Units that do not fit together.
    public static let unitMismatch = Code(description: "E014")
    /// A number that needs a unit.
    public static let missingUnit = Code(description: "E015")
    /// Not a unit, or a misspelt one.
    public static let unknownUnit = Code(description: "E016")
    /// A malformed name, column or identifier.
    public static let identifier = Code(description: "E017")
    /// A name, column or identifier used twice.
    public static let duplicateName = Code(description: "E018")
    /// Input or output indices that are not 0, 1, 2, …
    public static let index = Code(description: "E019")
    /// A domain without numbers in it.
    public static let emptyDomain = Code(description: "E020")
    /// A logarithmic scale over numbers that are not positive.
    public static let logarithm = Code(description: "E021")
    /// A feature with one value only, in a property about its growth.
    public static let constantFeature = Code(description: "E022")
    /// `<` or `>`.
    public static let strict = Code(description: "E023")
    /// Bounds that no number satisfies, or preconditions that no point does.
    public static let impossible = Code(description: "E024")
    /// A property of no kind, or of several.
    public static let propertyKind = Code(description: "E025")
    /// An expression of a form that has no meaning here.
    public static let form = Code(description: "E026")
    /// The specification and the network have different numbers of inputs or outputs.
    public static let arity = Code(description: "E027")
    /// Numbers on different scales, or sums of numbers on a logarithmic scale, in one expression.
    public static let scale = Code(description: "E028")
    /// A bound that is true of every network.
    public static let trivial = Code(description: "W001")
    /// Properties that together leave next to no network.
    public static let contradiction = Code(description: "W002")
    /// A property that no row of the data, or hardly any, has to do with.
    public static let uncovered = Code(description: "W003")
    /// The data do not fit the specification.
    public static let data = Code(description: "W004")
  }

  public let code: Code
  public let message: String
  /// The file as the user named it.
  public let path: String
  /// Where; nil when the file as a whole is meant.
  public let place: Place?
  /// The text of the line at ``place``.
  public let sourceLine: String
  /// A remark beside the caret.
  public let note: String?
  /// What to do.
  public let fix: String?

  public var isWarning: Bool { code.description.hasPrefix("W") }

  /// `path:line:column: error[E014]: …`, the line, a caret, and the fix. Lines are not ended by a newline.
  public var description: String {
    let kind = isWarning ? "warning" : "error"
    var text = path
    if let place { text += ":\(place)" }
    text += ": \(kind)[\(code)]: \(message)"
    if let place {
      // The indentation is dropped, but for the part behind the place.
      let blank = min(place.column - 1, sourceLine.unicodeScalars.prefix { $0 == " " || $0 == "\t" }.count)
      let shown = sourceLine.unicodeScalars.dropFirst(blank).prefix(Self.maximumShownLength)
      let indent = place.column - 1 - blank
      if indent <= shown.count, !shown.isEmpty {
        // A tab stays a tab so that the caret stands under its character whatever the tab's width.
        let padding = String(String.UnicodeScalarView(shown.prefix(indent).map { $0 == "\t" ? "\t" : " " }))
        let carets = String(repeating: "^", count: max(1, min(place.length, shown.count - indent)))
        text += "\n   \(String(String.UnicodeScalarView(shown)))\n   \(padding)\(carets)"
        if let note { text += " \(note)" }
      } else if let note {
        text += "\n   note: \(note)"
      }
    }
    if let fix { text += "\n   fix: \(fix)" }
    return text
  }

  /// The longest part of a line that a diagnostic repeats.
  static let maximumShownLength = 400
}

/// Everything that is wrong with a specification, in the order of the file.
public struct SpecificationError: Error, Hashable, CustomStringConvertible {
  /// At least one, at most ``maximumDiagnostics``.
  public let diagnostics: [Diagnostic]
  /// How many more there were.
  public let omittedCount: Int

  /// The most diagnostics that one error carries.
  public static let maximumDiagnostics = 50

  package init(_ diagnostics: [Diagnostic]) {
    self.diagnostics = Array(diagnostics.prefix(Self.maximumDiagnostics))
    omittedCount = max(0, diagnostics.count - Self.maximumDiagnostics)
  }

  public var description: String {
    var text = diagnostics.map(\.description).joined(separator: "\n")
    if omittedCount > 0 { text += "\n… and \(omittedCount) more" }
    return text
  }
}
