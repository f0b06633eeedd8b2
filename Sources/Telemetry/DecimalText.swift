/// What counts as a number in a field: an optional sign, digits with an optional point, an optional exponent.
///
/// `Double.init(_: String)` alone would also take hexadecimal numbers, “nan” and “infinity”.
enum DecimalText {
  static func isDecimal(_ text: String) -> Bool {
    var bytes = text.utf8[...]
    func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    func dropSign() {
      if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
    }
    func dropDigits() -> Int {
      let rest = bytes.drop(while: isDigit)
      defer { bytes = rest }
      return bytes.count - rest.count
    }
    dropSign()
    var digits = dropDigits()
    if bytes.first == UInt8(ascii: ".") {
      bytes = bytes.dropFirst()
      digits += dropDigits()
    }
    guard digits > 0 else { return false }
    if bytes.first == UInt8(ascii: "e") || bytes.first == UInt8(ascii: "E") {
      bytes = bytes.dropFirst()
      dropSign()
      guard dropDigits() > 0 else { return false }
    }
    return bytes.isEmpty
  }

  /// Whether the text is one of the usual names of NaN and the infinities.
  static func isNotFinite(_ text: String) -> Bool {
    let name = text.drop { $0 == "-" || $0 == "+" }.lowercased()
    return ["nan", "inf", "infinity"].contains(name)
  }
}
