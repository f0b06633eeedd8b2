public import ExactArithmetic
internal import Foundation
internal import Specifications
internal import Verification

/// A slice as a figure: one SVG 1.1 document without references to anything outside it.
public struct SVGFigure: Sendable {
  /// The size in pixels, the plot's rectangle in it.
  static let width = 760.0
  static let plot = (left: 92.0, right: 736.0, height: 280.0)
  static let maximumTitleLines = 3
  static let titleColumns = 92
  static let captionColumns = 104

  private let slice: Slice
  private let title: String
  /// Lines beneath the figure.
  private let caption: [String]
  /// The exact numbers, for the description.
  private let exact: [String]
  private let rows: [Rational]
  private let headline: [String]
  /// Where the plot begins.
  private let top: Double

  /// - Parameters:
  ///   - title: The property in words.
  ///   - caption: What to read beneath the figure.
  ///   - exact: The counterexample in exact numbers, for `<desc>`.
  ///   - rows: Positions of measured rows on the slice's axis.
  public init(_ slice: Slice, title: String, caption: [String], exact: [String], rows: [Rational] = []) {
    self.slice = slice
    self.title = title
    self.caption = caption
    self.exact = exact
    self.rows = rows.filter(slice.window.contains)
    headline = Self.wrapped(title, Self.titleColumns, lines: Self.maximumTitleLines)
    top = 42 + Double(headline.count) * 18
  }

  public var text: String {
    let notes = caption.flatMap { Self.wrapped($0, Self.captionColumns, lines: 4) }
    let bottom = top + Self.plot.height
    let captionTop = bottom + 84
    let height = captionTop + Double(notes.count) * 18 + 12
    var lines: [String] = []
    lines.append(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.number(Self.width)) \(Self.number(height))\" "
        + "width=\"\(Self.number(Self.width))\" height=\"\(Self.number(height))\" role=\"img\" "
        + "aria-labelledby=\"title desc\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">")
    lines.append("<title id=\"title\">\(Self.escaped(title))</title>")
    lines.append("<desc id=\"desc\">\(Self.escaped((caption + exact).joined(separator: "\n")))</desc>")
    lines.append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")
    for (index, line) in headline.enumerated() {
      lines.append(
        text(
          line, x: 16, y: 24 + Double(index) * 18, anchor: "start", attributes: "font-size=\"14\" font-weight=\"bold\"")
      )
    }
    lines += axes(bottom)
    lines += measured(bottom)
    lines += limits
    lines += curve
    lines += pair
    lines += legend(bottom + 62)
    for (index, line) in notes.enumerated() {
      lines.append(text(line, x: 16, y: captionTop + 6 + Double(index) * 18, anchor: "start"))
    }
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Coordinates

  private var range: ClosedRange<Rational> {
    // Room above and below for the points' names.
    let values = slice.valueRange
    let room = (values.upperBound - values.lowerBound) / 8
    return (values.lowerBound - room)...(values.upperBound + room)
  }

  private func x(_ position: Rational) -> Double {
    let width = slice.window.upperBound - slice.window.lowerBound
    let share = width.isPositive ? ((position - slice.window.lowerBound) / width).approximation : 0.5
    return Self.plot.left + share * (Self.plot.right - Self.plot.left)
  }

  private func y(_ value: Rational) -> Double {
    let share = (range.upperBound - value) / (range.upperBound - range.lowerBound)
    return top + share.approximation * Self.plot.height
  }

  // MARK: Axes

  private func axes(_ bottom: Double) -> [String] {
    var lines: [String] = []
    let (left, right) = (Self.plot.left, Self.plot.right)
    for tick in AxisTicks(range, scale: slice.ordinate.scale, count: 6).ticks {
      let y = y(tick.position)
      lines.append(line(left, y, right, y, "stroke=\"#e4e4e4\""))
      lines.append(line(left - 5, y, left, y, "stroke=\"#333333\""))
      lines.append(text(tick.label, x: left - 9, y: y + 4, anchor: "end"))
    }
    for tick in AxisTicks(slice.window, scale: slice.axis.scale, count: 7).ticks {
      let x = x(tick.position)
      lines.append(line(x, bottom, x, bottom + 5, "stroke=\"#333333\""))
      lines.append(text(tick.label, x: x, y: bottom + 20, anchor: "middle"))
    }
    lines.append(
      "<rect x=\"\(Self.number(left))\" y=\"\(Self.number(top))\" width=\"\(Self.number(right - left))\" "
        + "height=\"\(Self.number(Self.plot.height))\" fill=\"none\" stroke=\"#333333\"/>")
    let under = slice.axis.title(slice.points) + (slice.partText.map { "; \($0)" } ?? "")
    lines.append(text(Self.clipped(under, 100), x: (left + right) / 2, y: bottom + 40, anchor: "middle"))
    lines.append(text(Self.clipped(slice.ordinate.title, 100), x: left, y: top - 9, anchor: "start"))
    return lines
  }

  // MARK: Data

  private func measured(_ bottom: Double) -> [String] {
    rows.map { row in
      let x = x(row)
      return line(x, bottom - 9, x, bottom, "class=\"row\" stroke=\"#2e7d32\" stroke-width=\"2\"")
    }
  }

  private var limits: [String] {
    slice.limits.map { limit in
      line(
        x(limit.from.position), y(limit.from.value), x(limit.to.position), y(limit.to.value),
        "class=\"limit\" stroke=\"#555555\" stroke-width=\"1.5\" stroke-dasharray=\"2 4\"")
    }
  }

  private var curve: [String] {
    var lines = [polyline(slice.curve.vertices, "class=\"curve\" stroke=\"#1f5a99\" stroke-width=\"2\"")]
    for violation in slice.violations {
      let ends = [violation.lowerBound, violation.upperBound].compactMap { position in
        slice.curve.value(at: position).map { ExactSlice.Vertex(position: position, value: $0) }
      }
      guard let first = ends.first, let last = ends.last else { continue }
      let inner = slice.curve.vertices.filter { $0.position > first.position && $0.position < last.position }
      lines.append(
        polyline(
          [first] + inner + [last],
          "class=\"violation\" stroke=\"#c62828\" stroke-width=\"4\" stroke-dasharray=\"9 4\""))
    }
    return lines
  }

  private func polyline(_ vertices: [ExactSlice.Vertex], _ attributes: String) -> String {
    let points = vertices.map { "\(Self.number(x($0.position))),\(Self.number(y($0.value)))" }
    return "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" \(attributes)/>"
  }

  private var pair: [String] {
    slice.points.enumerated().flatMap { index, point -> [String] in
      let (x, y) = (x(point.position), y(point.value))
      let fill = index == 0 ? "#c62828" : "#ffffff"
      let circle =
        "<circle class=\"point\" cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"5\" fill=\"\(fill)\" "
        + "stroke=\"#c62828\" stroke-width=\"2\" data-position=\"\(point.position)\" data-value=\"\(point.value)\"/>"
      var (dx, dy) = namePlace(index)
      // Turned inwards at the frame.
      if x + dx * 24 < Self.plot.left { dx = 1 }
      if x + dx * 24 > Self.plot.right { dx = -1 }
      if y + dy * 24 < top { dy = 1 }
      let anchor = dx == 0 ? "middle" : dx < 0 ? "end" : "start"
      let name = text(
        point.name, x: x + dx * 9, y: dy < 0 ? y - 11 : y + 21, anchor: anchor,
        attributes: "font-weight=\"bold\" fill=\"#c62828\" stroke=\"#ffffff\" stroke-width=\"4\" "
          + "stroke-linejoin=\"round\" paint-order=\"stroke\"")
      return [circle, name]
    }
  }

  /// Where the name of a point is out of the curve's way: right (1), left (−1) or on it (0), and above (−1) or below (1).
  private func namePlace(_ index: Int) -> (dx: Double, dy: Double) {
    let point = slice.points[index]
    let step = (slice.window.upperBound - slice.window.lowerBound) / 40
    let before = slice.curve.value(at: max(slice.window.lowerBound, point.position - step)) ?? point.value
    let after = slice.curve.value(at: min(slice.window.upperBound, point.position + step)) ?? point.value
    if before <= point.value, after <= point.value { return (0, -1) }
    if before >= point.value, after >= point.value { return (0, 1) }
    // Two near points take different sides of the curve.
    return before > after ? (index == 0 ? (1, -1) : (-1, 1)) : (index == 0 ? (1, 1) : (-1, -1))
  }

  private func legend(_ y: Double) -> [String] {
    var lines: [String] = []
    var x = Self.plot.left
    func add(_ name: String, _ mark: (Double) -> String) {
      lines.append(mark(x))
      lines.append(text(name, x: x + 34, y: y + 4, anchor: "start"))
      // About seven pixels a character at this size.
      x += 34 + Double(name.count) * 7 + 20
    }
    add("network") { line($0, y, $0 + 28, y, "stroke=\"#1f5a99\" stroke-width=\"2\"") }
    add("violation") {
      line($0, y, $0 + 28, y, "stroke=\"#c62828\" stroke-width=\"4\" stroke-dasharray=\"9 4\"")
    }
    for limit in slice.limits {
      add(limit.name) {
        line($0, y, $0 + 28, y, "stroke=\"#555555\" stroke-width=\"1.5\" stroke-dasharray=\"2 4\"")
      }
    }
    if !rows.isEmpty {
      add("nearest measured rows") { line($0 + 14, y - 5, $0 + 14, y + 4, "stroke=\"#2e7d32\" stroke-width=\"2\"") }
    }
    return lines
  }

  // MARK: Elements

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ attributes: String) -> String {
    "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\" "
      + "\(attributes)/>"
  }

  private func text(_ text: String, x: Double, y: Double, anchor: String, attributes: String = "") -> String {
    "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\""
      + (attributes.isEmpty ? "" : " \(attributes)") + ">\(Self.escaped(text))</text>"
  }

  /// Two digits behind the point are finer than a pixel.
  private static func number(_ value: Double) -> String {
    let hundredths = (min(max(value, -1e6), 1e6) * 100).rounded()
    let text = String(format: "%.2f", hundredths / 100)
    return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
  }

  /// A text that XML 1.0 accepts between tags and in attributes: characters that it forbids become U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      case "\t", "\n": result.append(scalar)
      default:
        let isForbidden =
          scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE
        result.append(isForbidden ? "\u{FFFD}" : scalar)
      }
    }
    return String(result)
  }

  private static func clipped(_ text: String, _ count: Int) -> String {
    text.count <= count ? text : text.prefix(count - 1) + "…"
  }

  /// At most so many lines, broken at blanks; the last ends in an ellipsis when there is more.
  static func wrapped(_ text: String, _ columns: Int, lines maximum: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      if !line.isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { lines.append(line) }
    let isCut = lines.count > maximum
    lines = lines.prefix(maximum).map { clipped($0, columns) }
    if isCut, let last = lines.popLast() { lines.append(clipped(last, columns - 2) + " …") }
    return lines
  }
}
