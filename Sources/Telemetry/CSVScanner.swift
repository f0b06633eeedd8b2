// Why not SwiftCSV 0.10.0: it reports neither lines nor columns, so an error could not name its place; it accepts a
// quote that is never closed, strips blanks before fields, loses an empty last field at the end of a file without a
// final newline, and fills short rows with empty text instead of refusing them.

/// One pass over the bytes of a comma-separated file by RFC 4180, one field at a time.
///
/// Records end with LF or CRLF, the last one also with the end of the file. A field is either quoted as a whole, with
/// quotes in it doubled, or has no quote at all. The scanner allocates nothing and each byte is looked at once.
struct CSVScanner {
  private static let quote = UInt8(ascii: "\"")
  private static let comma = UInt8(ascii: ",")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  /// The place of one field: its content between the quotes, if any, and where its record stands.
  struct Field {
    /// The content's bytes; quotes inside a quoted field are still doubled.
    let content: Range<Int>
    let isQuoted: Bool
    /// The byte at which the field starts, its quote included.
    let start: Int
    /// Counts from 1.
    let line: Int
    /// The first byte of that line.
    let lineStart: Int
    let endsRecord: Bool
  }

  /// What makes bytes not CSV.
  struct Problem: Error {
    let position: Int
    let line: Int
    let lineStart: Int
    let problem: String
    let fix: String
  }

  private let bytes: [UInt8]
  private(set) var position: Int
  private var line = 1
  private var lineStart: Int

  /// - Parameter start: The first byte of the first record, behind a byte order mark.
  init(_ bytes: [UInt8], from start: Int) {
    self.bytes = bytes
    position = start
    lineStart = start
  }

  /// Whether another record follows. Meaningful between records only.
  var isAtEnd: Bool { position >= bytes.count }

  /// Skips whole records, to one known to start at `position`.
  mutating func seek(to position: Int, line: Int) {
    self.position = position
    self.line = line
    lineStart = position
  }

  /// The line of the next record. Meaningful between records only.
  var nextLine: Int { line }

  /// Reads the next field.
  mutating func next() throws(Problem) -> Field {
    position < bytes.count && bytes[position] == Self.quote ? try quoted() : try plain()
  }

  private mutating func plain() throws(Problem) -> Field {
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case Self.comma, Self.lineFeed:
        return finish(content: start..<position, isQuoted: false, start: start, line: line, lineStart: lineStart)
      case Self.carriageReturn:
        guard position + 1 < bytes.count, bytes[position + 1] == Self.lineFeed else {
          throw problem(
            at: position, "a carriage return stands without a line feed", "end lines with LF or CRLF")
        }
        return finish(content: start..<position, isQuoted: false, start: start, line: line, lineStart: lineStart)
      case Self.quote:
        throw problem(
          at: position, "a quote stands inside a field that does not start with one",
          "put the whole field in quotes and double the quotes in it")
      default:
        position += 1
      }
    }
    return finish(content: start..<position, isQuoted: false, start: start, line: line, lineStart: lineStart)
  }

  private mutating func quoted() throws(Problem) -> Field {
    let start = position
    let (startLine, startLineStart) = (line, lineStart)
    position += 1
    while position < bytes.count {
      if bytes[position] == Self.lineFeed {
        position += 1
        line += 1
        lineStart = position
      } else if bytes[position] != Self.quote {
        position += 1
      } else if position + 1 < bytes.count, bytes[position + 1] == Self.quote {
        position += 2
      } else {
        let content = (start + 1)..<position
        position += 1
        guard isAtFieldEnd else {
          throw problem(
            at: position, "text follows the closing quote of a field",
            "put a comma or a line end behind the quote, or double a quote that belongs to the field")
        }
        return finish(content: content, isQuoted: true, start: start, line: startLine, lineStart: startLineStart)
      }
    }
    throw Problem(
      position: start, line: startLine, lineStart: startLineStart,
      problem: "the quote that opens this field is never closed", fix: "close it, or remove it")
  }

  private var isAtFieldEnd: Bool {
    guard position < bytes.count else { return true }
    let byte = bytes[position]
    return byte == Self.comma || byte == Self.lineFeed
      || (byte == Self.carriageReturn && position + 1 < bytes.count && bytes[position + 1] == Self.lineFeed)
  }

  /// Steps over what ends a field. Invariant: ``isAtFieldEnd``.
  private mutating func finish(
    content: Range<Int>, isQuoted: Bool, start: Int, line fieldLine: Int, lineStart fieldLineStart: Int
  ) -> Field {
    var endsRecord = true
    if position < bytes.count {
      if bytes[position] == Self.comma {
        endsRecord = false
        position += 1
      } else {
        position += bytes[position] == Self.carriageReturn ? 2 : 1
        line += 1
        lineStart = position
      }
    }
    return Field(
      content: content, isQuoted: isQuoted, start: start, line: fieldLine, lineStart: fieldLineStart,
      endsRecord: endsRecord)
  }

  private func problem(at position: Int, _ problem: String, _ fix: String) -> Problem {
    Problem(position: position, line: line, lineStart: lineStart, problem: problem, fix: fix)
  }
}
