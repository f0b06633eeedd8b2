internal import Foundation

/// The text of a specification or a policy, split into lines, without characters that could show one thing and mean another.
package struct SourceText {
  /// The largest file that is read, in bytes.
  static let maximumBytes = 1 << 20

  let path: String
  /// The text without a byte order mark.
  let text: String
  /// The scalars of each line, without line ends. Never empty.
  let lines: [[Unicode.Scalar]]

  /// - Parameter kind: What the file is, for messages.
  /// - Throws: ``SpecificationError`` when the bytes are too many, not UTF-8, or contain a control character, a line
  ///   separator other than LF and CR LF, or a character that reverses the direction of text.
  package init(bytes: [UInt8], path: String, kind: String = "a specification") throws(SpecificationError) {
    guard bytes.count <= Self.maximumBytes else { throw Self.tooLarge(path: path) }
    var lines: [[Unicode.Scalar]] = [[]]
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var afterReturn = false
    var isFirst = true
    func problem(_ message: String, _ fix: String) -> SpecificationError {
      let line = lines[lines.count - 1]
      return SpecificationError([
        Diagnostic(
          code: .character, message: message, path: path, place: Place(line: lines.count, column: line.count + 1),
          sourceLine: Self.string(line), note: nil, fix: fix)
      ])
    }
    reading: while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: break reading
      case .error: throw problem("the bytes here are not UTF-8 text", "save the file as UTF-8")
      case .scalarValue(let scalar):
        defer { isFirst = false }
        if isFirst, scalar == "\u{FEFF}" { continue }
        if afterReturn, scalar != "\n" {
          throw problem("a carriage return without a line feed", "end lines with LF or CR LF")
        }
        afterReturn = scalar == "\r"
        if scalar == "\n" {
          lines.append([])
        } else if scalar != "\r" {
          guard Self.isAllowed(scalar) else {
            let code = String(scalar.value, radix: 16, uppercase: true)
            let name = "U+" + String(repeating: "0", count: max(0, 4 - code.count)) + code
            throw problem("the character \(name) is not allowed in \(kind)", "delete it")
          }
          lines[lines.count - 1].append(scalar)
        }
      }
    }
    if afterReturn { throw problem("a carriage return without a line feed", "end lines with LF or CR LF") }
    self.path = path
    self.lines = lines
    text = lines.map(Self.string).joined(separator: "\n")
  }

  static func tooLarge(path: String) -> SpecificationError {
    SpecificationError([
      Diagnostic(
        code: .tooLarge, message: "the file is larger than \(maximumBytes) bytes", path: path, place: nil,
        sourceLine: "", note: nil, fix: "split the specification")
    ])
  }

  /// Text and tabs. Line ends are handled apart; U+0085, U+2028 and U+2029 would end lines in YAML but not in editors;
  /// bidirectional controls would show the text in another order than it is read.
  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09: true
    case 0x00...0x1F, 0x7F...0x9F: false
    case 0x200E, 0x200F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFFE, 0xFFFF: false
    default: true
    }
  }

  static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// The place at a line and column that YAML reported, moved into the file: marks at the end of the file may lie one
  /// line behind it.
  func place(line: Int, column: Int, length: Int = 1) -> Place {
    let line = min(max(1, line), lines.count)
    let column = min(max(1, column), lines[line - 1].count + 1)
    return Place(line: line, column: column, length: length)
  }

  /// The scalar at a place, nil at the end of a line.
  func scalar(at place: Place) -> Unicode.Scalar? {
    let line = lines[place.line - 1]
    return place.column <= line.count ? line[place.column - 1] : nil
  }

  /// Whether the line holds `scalars` at `column`.
  func holds(_ scalars: [Unicode.Scalar], line: Int, column: Int) -> Bool {
    let source = lines[line - 1]
    guard column >= 1, column - 1 + scalars.count <= source.count else { return false }
    return source[(column - 1)..<(column - 1 + scalars.count)].elementsEqual(scalars)
  }

  package func diagnostic(
    _ code: Diagnostic.Code, at place: Place, _ message: String, note: String? = nil, fix: String? = nil
  ) -> Diagnostic {
    Diagnostic(
      code: code, message: message, path: path, place: place, sourceLine: Self.string(lines[place.line - 1]),
      note: note, fix: fix)
  }
}
