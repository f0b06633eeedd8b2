public import ExactArithmetic
internal import Specifications
internal import Verification

/// A slice as text: plain characters, no colour, at most 80 columns.
public struct TerminalSketch: Sendable {
  public static let width = 80
  /// Rows of the plot.
  static let height = 15
  /// The longest label of the value axis.
  static let maximumLabel = 16

  private let slice: Slice
  /// Positions of measured rows to be marked on the axis.
  private let rows: [Rational]

  /// - Parameter rows: Positions on the slice's axis; those outside its window are left out.
  public init(_ slice: Slice, rows: [Rational] = []) {
    self.slice = slice
    self.rows = rows.filter(slice.window.contains)
  }

  public var lines: [String] {
    let range = slice.valueRange
    let labelled = [0, (Self.height - 1) / 2, Self.height - 1]
    let values = labelled.map { row in
      range.upperBound - (range.upperBound - range.lowerBound) * Rational(row, Self.height - 1)
    }
    let labels = Labels.texts(values, scale: slice.ordinate.scale).map { String($0.prefix(Self.maximumLabel)) }
    let margin = (labels.map(\.count).max() ?? 0) + 1
    let columns = Self.width - margin - 2
    var grid = [[Character]](repeating: Array(repeating: " ", count: columns), count: Self.height)
    draw(&grid, columns, range)
    var lines = [String(repeating: " ", count: margin) + " " + clipped(slice.ordinate.title, Self.width - margin - 1)]
    for (row, cells) in grid.enumerated() {
      let label = labelled.firstIndex(of: row).map { labels[$0] } ?? ""
      let edge: Character = label.isEmpty ? "│" : "┤"
      lines.append(trimmed(padded(label, margin - 1) + " \(edge)" + String(cells)))
    }
    lines += axis(columns, margin)
    lines.append(legend)
    return lines
  }

  // MARK: Plot

  private func column(_ position: Rational, _ columns: Int) -> Int {
    let width = slice.window.upperBound - slice.window.lowerBound
    guard width.isPositive else { return columns / 2 }
    let share = (position - slice.window.lowerBound) / width * Rational(columns - 1) + Rational(1, 2)
    return min(max(Int(share.floor), 0), columns - 1)
  }

  private func row(_ value: Rational, _ range: ClosedRange<Rational>) -> Int {
    let share = (range.upperBound - value) / (range.upperBound - range.lowerBound) * Rational(Self.height - 1)
    return min(max(Int((share + Rational(1, 2)).floor), 0), Self.height - 1)
  }

  /// The positions that a column stands for.
  private func interval(_ column: Int, _ columns: Int) -> ClosedRange<Rational> {
    let width = slice.window.upperBound - slice.window.lowerBound
    let step = width / Rational(columns - 1)
    let middle = slice.window.lowerBound + step * Rational(column)
    let low = max(slice.window.lowerBound, middle - step / 2)
    return low...max(low, min(slice.window.upperBound, middle + step / 2))
  }

  private func draw(_ grid: inout [[Character]], _ columns: Int, _ range: ClosedRange<Rational>) {
    for limit in slice.limits {
      let ends = (column(limit.from.position, columns), column(limit.to.position, columns))
      for column in min(ends.0, ends.1)...max(ends.0, ends.1) {
        let share = ends.0 == ends.1 ? .zero : Rational(column - ends.0) / Rational(ends.1 - ends.0)
        grid[row(limit.from.value + share * (limit.to.value - limit.from.value), range)][column] = "╌"
      }
    }
    var next = 0
    let vertices = slice.curve.vertices
    for column in 0..<columns {
      let interval = interval(column, columns)
      var values = [interval.lowerBound, interval.upperBound].compactMap { slice.curve.value(at: $0) }
      // The vertices within the column; both lists ascend.
      while next < vertices.count, vertices[next].position < interval.lowerBound { next += 1 }
      var index = next
      while index < vertices.count, vertices[index].position <= interval.upperBound {
        values.append(vertices[index].value)
        index += 1
      }
      guard let first = values.first else { continue }
      let middle = (interval.lowerBound + interval.upperBound) / 2
      let mark: Character = slice.isViolating(middle) ? "█" : "·"
      let low = row(values.reduce(first, max), range)
      for cell in low...row(values.reduce(first, min), range) { grid[cell][column] = mark }
    }
    for (index, point) in slice.points.enumerated() {
      grid[row(point.value, range)][column(point.position, columns)] = index == 0 ? "●" : "○"
    }
  }

  // MARK: Axis

  private func axis(_ columns: Int, _ margin: Int) -> [String] {
    var line = [Character](repeating: "─", count: columns)
    for row in rows { line[column(row, columns)] = "┴" }
    let space = String(repeating: " ", count: margin)
    var marks = [Character](repeating: " ", count: columns + 1)
    var free = 0
    for (index, point) in slice.points.sorted(by: { $0.position < $1.position }).enumerated() {
      // Two names side by side when the points share a column.
      let start = min(max(column(point.position, columns), free), columns - point.name.count + index)
      for (offset, character) in point.name.enumerated() where start + offset < marks.count {
        marks[start + offset] = character
      }
      free = start + point.name.count + 1
    }
    let ends = Labels.texts([slice.window.lowerBound, slice.window.upperBound], scale: slice.axis.scale)
    let room = columns - ends[0].count - ends[1].count - 2
    let title = clipped(slice.axis.title(slice.points), max(0, room))
    let left = max(0, (columns - title.count) / 2 - ends[0].count)
    let right = max(1, columns - ends[0].count - left - title.count - ends[1].count)
    var lines = [space + "└" + String(line), trimmed(space + " " + String(marks))]
    lines.append(
      trimmed(
        space + " " + ends[0] + String(repeating: " ", count: left) + title + String(repeating: " ", count: right)
          + ends[1]))
    if let part = slice.partText { lines.append(space + " " + clipped(part, columns)) }
    return lines.map { String($0.prefix(Self.width)) }
  }

  private var legend: String {
    var parts = slice.points.enumerated().map { "\($0.offset == 0 ? "●" : "○") \($0.element.name)" }
    parts.append("█ violation")
    for name in slice.limits.map(\.name) { parts.append("╌ \(name)") }
    if !rows.isEmpty { parts.append("┴ measured rows") }
    if !slice.curve.isComplete { parts.append("the curve ends early: more than \(ExactSlice.maximumPieces) pieces") }
    return clipped(parts.joined(separator: "   "), Self.width)
  }

  // MARK: Text

  private func clipped(_ text: String, _ count: Int) -> String {
    text.count <= count ? text : text.prefix(max(0, count - 1)) + "…"
  }

  private func padded(_ text: String, _ count: Int) -> String {
    String(repeating: " ", count: max(0, count - text.count)) + text
  }

  private func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }
}
