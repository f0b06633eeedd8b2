/// Comments of exported files: ASCII alone, since not every reader takes more.
public enum CommentText {
  /// `text` as lines of at most about 100 characters that begin with `; `, broken at blanks.
  public static func lines(_ text: String, indent: String = "") -> [String] {
    let words = ascii(text).split(separator: " ")
    var lines: [String] = []
    var line = ""
    for word in words {
      if !line.isEmpty, line.count + word.count >= 100 {
        lines.append("; \(indent)\(line)")
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    lines.append(line.isEmpty ? ";" : "; \(indent)\(line)")
    return lines
  }

  /// Signs of mathematics in the usual spelling, blanks for control characters, `?` for what is left.
  static func ascii(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\u{2032}", "\u{2019}": result += "'"
      case "\u{2264}": result += "<="
      case "\u{2265}": result += ">="
      case "\u{00B7}": result += "*"
      case "\u{2212}", "\u{2013}": result += "-"
      case "\u{2192}": result += "->"
      case "\u{2208}": result += "in"
      default:
        switch scalar.value {
        case 0x20..<0x7F: result.unicodeScalars.append(scalar)
        case 0..<0x20, 0x7F..<0xA0: result += " "
        default: result += "?"
        }
      }
    }
    return result
  }
}

extension Measure {
  /// What the network's number is: `p99 in ms`, or `log2 of p99 in ms`.
  public var numberText: String {
    (scale == .log2 ? "log2 of \(name)" : name) + (unit.isNone ? "" : " in \(unit)")
  }
}
