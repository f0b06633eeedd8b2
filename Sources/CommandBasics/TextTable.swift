/// A table for terminals: columns as wide as their widest cell, numbers to the right.
public struct TextTable {
  private let header: [String]
  private let rightAligned: Set<Int>
  private var rows: [[String]] = []

  public init(_ header: [String], rightAligned: Set<Int> = []) {
    self.header = header
    self.rightAligned = rightAligned
  }

  /// - Precondition: one cell per column.
  public mutating func add(_ row: [String]) {
    precondition(row.count == header.count)
    rows.append(row)
  }

  public var lines: [String] {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      var text = ""
      for (column, cell) in cells.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        text += (column > 0 ? "  " : "") + (rightAligned.contains(column) ? padding + cell : cell + padding)
      }
      while text.last == " " { text.removeLast() }
      return text
    }
    return [line(header), widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")] + rows.map(line)
  }
}

/// `1.234` seconds and the like: three significant digits.
public func secondsText(_ seconds: Double) -> String {
  if seconds >= 100 { return "\(Int(seconds.rounded())) s" }
  if seconds >= 1 { return decimal(seconds, seconds >= 10 ? 1 : 2) + " s" }
  return decimal(seconds, 3) + " s"
}

/// A number with a fixed count of decimals, without depending on the locale.
public func decimal(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "–" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 9e15 else { return "\(value)" }
  let whole = Int(scaled)
  let sign = value < 0 && whole != 0 ? "-" : ""
  guard digits > 0 else { return sign + String(whole) }
  let text = String(whole)
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
}
