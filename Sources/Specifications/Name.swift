/// What may be a name.
package enum Name {
  static let maximumLength = 64

  /// A letter or `_`, then letters, digits and `_`; ASCII, at most ``maximumLength`` characters.
  static func isIdentifier(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= maximumLength else { return false }
    return (isLetter(first) || first == UInt8(ascii: "_")) && text.utf8.allSatisfy { isWord($0) }
  }

  /// A lower-case letter or digit, then those and `-`, `_`, `.`; at most 128 characters.
  package static func isPropertyID(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 2 * maximumLength else { return false }
    func isPlain(_ byte: UInt8) -> Bool { isWord(byte) && !(0x41...0x5A).contains(byte) && byte != UInt8(ascii: "_") }
    return isPlain(first)
      && text.utf8.allSatisfy {
        isPlain($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
      }
  }

  static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }

  static func isWord(_ byte: UInt8) -> Bool {
    isLetter(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
  }

  /// A text short enough for a message.
  package static func clipped(_ text: String) -> String {
    text.unicodeScalars.count <= 40 ? text : SourceText.string(text.unicodeScalars.prefix(40)) + "…"
  }

  /// The candidate that `text` is probably a slip of, if any.
  package static func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
    guard text.utf8.count <= maximumLength else { return nil }
    let limit = max(1, text.utf8.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(Array(text.lowercased().utf8), Array(candidate.lowercased().utf8))
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// The number of insertions, deletions, substitutions and exchanges of neighbours between two texts (Damerau,
  /// *Communications of the ACM* 7(3), 1964), each part edited at most once.
  /// - Complexity: O(*a* × *b*).
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var value = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { value = min(value, rows[i - 1][j - 1] + 1) }
        row.append(value)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
