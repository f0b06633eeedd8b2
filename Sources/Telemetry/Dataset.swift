/// Measured rows from a comma-separated file with a header, read as RFC 4180 (quoted fields, LF or CRLF, an optional
/// byte order mark, UTF-8).
///
/// The structure is checked once, when the file is read; the text of a field becomes a number only when its column is
/// asked for, so that columns of text and columns that nobody uses cost nothing and cannot fail.
public struct Dataset: Sendable, Hashable {
  /// The largest file, the most rows and the most columns that are accepted.
  public static let maximumBytes = 256 << 20
  public static let maximumRows = 1_000_000
  public static let maximumColumns = 4096
  /// The longest name of a column, in bytes.
  public static let maximumNameBytes = 256

  /// The file, as it was named by the caller.
  public let path: String
  /// The names in the header, in order.
  public let columns: [String]
  /// Rows without the header.
  public var rowCount: Int { rowStarts.count }

  private let bytes: [UInt8]
  /// The first byte and the line of each row.
  private let rowStarts: [Int]
  private let rowLines: [Int]
  private let indices: [String: Int]

  /// Reads a file.
  /// - Throws: ``DatasetError`` when the file cannot be read, passes a bound, is not CSV, has no rows, or has rows of
  ///   different lengths.
  /// - Complexity: O(bytes).
  public static func read(csv path: String) throws(DatasetError) -> Dataset {
    try Dataset(csv: try FileReader.bytes(path: path, maximum: maximumBytes), path: path)
  }

  /// Reads the bytes of a file; `path` is only for messages.
  public init(csv bytes: [UInt8], path: String) throws(DatasetError) {
    func failure(_ code: DatasetError.Code, line: Int? = nil, column: Int? = nil, _ problem: String, _ fix: String)
      -> DatasetError
    {
      DatasetError(code, path: path, line: line, column: column, problem: problem, fix: fix)
    }
    guard bytes.count <= Self.maximumBytes else {
      throw failure(.tooLarge, "the file is larger than \(Self.maximumBytes) bytes", "split it, or keep fewer rows")
    }
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard bytes.count > start else {
      throw failure(.empty, "the file is empty", "give a header of column names and at least one row")
    }
    try Self.checkUTF8(bytes, path: path)

    var scanner = CSVScanner(bytes, from: start)
    var names: [String] = []
    var indices: [String: Int] = [:]
    var header: CSVScanner.Field
    repeat {
      header = try Self.next(&scanner, bytes: bytes, path: path)
      let place = (line: header.line, column: Self.scalarColumn(of: header.start, from: header.lineStart, in: bytes))
      let name = Self.text(of: header, in: bytes)
      guard !name.isEmpty else {
        throw failure(
          .duplicateColumn, line: place.line, column: place.column, "column \(names.count + 1) has no name",
          "name it, or remove a comma too many")
      }
      guard name.utf8.count <= Self.maximumNameBytes else {
        throw failure(
          .tooLarge, line: place.line, column: place.column,
          "the name of column \(names.count + 1) is longer than \(Self.maximumNameBytes) bytes", "shorten it")
      }
      if let first = indices[name] {
        throw failure(
          .duplicateColumn, line: place.line, column: place.column,
          "columns \(first + 1) and \(names.count + 1) are both named “\(name)”", "rename or remove one of them")
      }
      guard names.count < Self.maximumColumns else {
        throw failure(
          .tooLarge, line: place.line, column: place.column, "there are more than \(Self.maximumColumns) columns",
          "keep only those that are used")
      }
      indices[name] = names.count
      names.append(name)
    } while !header.endsRecord

    var rowStarts: [Int] = []
    var rowLines: [Int] = []
    while !scanner.isAtEnd {
      let (rowStart, rowLine) = (scanner.position, scanner.nextLine)
      guard rowStarts.count < Self.maximumRows else {
        throw failure(.tooLarge, line: rowLine, "there are more than \(Self.maximumRows) rows", "keep fewer rows")
      }
      var count = 0
      var field: CSVScanner.Field
      repeat {
        field = try Self.next(&scanner, bytes: bytes, path: path)
        count += 1
        if count == names.count + 1 {
          throw failure(
            .rowLength, line: field.line,
            column: Self.scalarColumn(of: field.start, from: field.lineStart, in: bytes),
            "the row has more fields than the header's \(names.count)",
            "remove what is too much, or put a field that contains a comma in quotes")
        }
      } while !field.endsRecord
      guard count == names.count else {
        let isBlank = count == 1 && field.content.isEmpty && !field.isQuoted
        throw failure(
          .rowLength, line: rowLine,
          isBlank
            ? "the line is blank"
            : "the row has \(count) fields, but the header has \(names.count); “\(names[count])” is the first missing",
          isBlank ? "remove it" : "complete the row or remove it")
      }
      rowStarts.append(rowStart)
      rowLines.append(rowLine)
    }
    guard !rowStarts.isEmpty else {
      throw failure(.empty, "the file has a header but no rows", "add measured rows, for example by collecting some")
    }
    self.path = path
    self.columns = names
    self.bytes = bytes
    self.rowStarts = rowStarts
    self.rowLines = rowLines
    self.indices = indices
  }

  /// Whether the header has this column.
  public func hasColumn(_ name: String) -> Bool { indices[name] != nil }

  /// The line of the file on which a row starts, counting from 1.
  /// - Precondition: `row` is a row, counting from 0 without the header.
  public func line(ofRow row: Int) -> Int { rowLines[row] }

  /// A column of numbers, one per row.
  /// - Throws: ``DatasetError`` when the column does not exist, or a field is empty, not a decimal number, or not
  ///   finite.
  /// - Complexity: O(bytes).
  public func column(_ name: String) throws(DatasetError) -> [Double] {
    try column(name, rows: Array(0..<rowCount))
  }

  /// The numbers of a column in some rows only; fields of other rows are not looked at.
  /// - Precondition: each of `rows` is a row, counting from 0 without the header.
  public func column(_ name: String, rows: [Int]) throws(DatasetError) -> [Double] {
    var numbers: [Double] = []
    numbers.reserveCapacity(rows.count)
    let index = try self.index(of: name)
    for row in rows {
      let field = field(index, ofRow: row)
      guard let number = try number(in: field, column: name) else {
        throw failure(
          .missingValue, at: field, "“\(name)” is empty, but a number is needed",
          "fill it in, or remove the row")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// A column of numbers of which some are missing: nil for an empty field.
  /// - Throws: ``DatasetError`` as ``column(_:)``, but not for empty fields.
  public func optionalColumn(_ name: String) throws(DatasetError) -> [Double?] {
    let index = try self.index(of: name)
    var numbers: [Double?] = []
    numbers.reserveCapacity(rowCount)
    for row in 0..<rowCount { numbers.append(try number(in: field(index, ofRow: row), column: name)) }
    return numbers
  }

  /// A column as text, one field per row.
  /// - Throws: ``DatasetError`` when the column does not exist.
  public func text(_ name: String) throws(DatasetError) -> [String] {
    let index = try self.index(of: name)
    return (0..<rowCount).map { Self.text(of: field(index, ofRow: $0), in: bytes) }
  }

  // MARK: Fields

  private func index(of name: String) throws(DatasetError) -> Int {
    if let index = indices[name] { return index }
    let fix =
      NameSuggestion.nearest(to: name, among: columns).map { "did you mean “\($0)”?" }
      ?? "the columns are \(columns.prefix(8).joined(separator: ", "))\(columns.count > 8 ? ", …" : "")"
    throw DatasetError(
      .missingColumn, path: path, line: 1, problem: "there is no column “\(name)”", fix: fix)
  }

  private func field(_ index: Int, ofRow row: Int) -> CSVScanner.Field {
    var scanner = CSVScanner(bytes, from: rowStarts[row])
    scanner.seek(to: rowStarts[row], line: rowLines[row])
    // `init` scanned these very bytes without a problem and found a field at `index`, so neither can fail now.
    for _ in 0..<index { _ = try? scanner.next() }
    guard let field = try? scanner.next() else { preconditionFailure("row \(row) has changed since it was read") }
    return field
  }

  /// The number in a field, nil when it is empty.
  private func number(in field: CSVScanner.Field, column: String) throws(DatasetError) -> Double? {
    if field.content.isEmpty { return nil }
    let text = Self.text(of: field, in: bytes)
    let shown = Self.shortened(text)
    guard DecimalText.isDecimal(text) else {
      if DecimalText.isNotFinite(text) {
        throw failure(
          .notFinite, at: field, "“\(column)” is \(shown), but every number must be finite",
          "correct it, empty it if it was not measured, or remove the row")
      }
      throw failure(
        .notANumber, at: field, "“\(column)” is “\(shown)”, which is not a number",
        "write a decimal number such as 0.25 or 1e-3, without blanks or units")
    }
    guard let number = Double(text), number.isFinite else {
      throw failure(
        .notFinite, at: field, "“\(column)” is \(shown), which is beyond binary64", "correct it, or remove the row")
    }
    return number
  }

  private func failure(_ code: DatasetError.Code, at field: CSVScanner.Field, _ problem: String, _ fix: String)
    -> DatasetError
  {
    DatasetError(
      code, path: path, line: field.line,
      column: Self.scalarColumn(of: field.start, from: field.lineStart, in: bytes), problem: problem, fix: fix)
  }

  // MARK: Bytes

  private static func next(_ scanner: inout CSVScanner, bytes: [UInt8], path: String) throws(DatasetError)
    -> CSVScanner.Field
  {
    do {
      return try scanner.next()
    } catch {
      throw DatasetError(
        .malformed, path: path, line: error.line,
        column: scalarColumn(of: error.position, from: error.lineStart, in: bytes), problem: error.problem,
        fix: error.fix)
    }
  }

  private static func text(of field: CSVScanner.Field, in bytes: [UInt8]) -> String {
    let text = String(decoding: bytes[field.content], as: UTF8.self)
    guard field.isQuoted, text.contains("\"") else { return text }
    var unquoted = ""
    var isSecond = false
    for scalar in text.unicodeScalars {
      isSecond = scalar == "\"" && !isSecond
      // Of two quotes the first stays.
      if scalar != "\"" || isSecond { unquoted.unicodeScalars.append(scalar) }
    }
    return unquoted
  }

  /// At most 40 characters of a field, for a message.
  private static func shortened(_ text: String) -> String {
    let oneLine = String(text.map { $0.isNewline ? " " : $0 })
    return oneLine.count > 40 ? oneLine.prefix(40) + "…" : oneLine
  }

  /// The place of a byte on its line, counting Unicode scalars from 1.
  private static func scalarColumn(of position: Int, from lineStart: Int, in bytes: [UInt8]) -> Int {
    1 + bytes[lineStart..<position].count { $0 & 0xC0 != 0x80 }
  }

  private static func checkUTF8(_ bytes: [UInt8], path: String) throws(DatasetError) {
    guard String(validating: bytes, as: UTF8.self) == nil else { return }
    // The first line that is not UTF-8 names the place; a line feed is never part of a longer sequence.
    var line = 1
    for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: part, as: UTF8.self) == nil { break }
      line += 1
    }
    throw DatasetError(
      .malformed, path: path, line: line, problem: "the line is not UTF-8", fix: "save the file as UTF-8")
  }
}
