internal import BigInt
internal import ExactArithmetic

/// Symbols and numbers of SMT-LIB 2.6 (Barrett, Fontaine, Tinelli, *The SMT-LIB Standard*, §3.1).
enum SMTLIBSyntax {
  /// Words that cannot be declared: the reserved words of §3.1, command names, and the symbols of the theories Core,
  /// Ints and Reals. Solvers differ in what they accept of them, quoted or not.
  static let taken: Set<String> = [
    "BINARY", "DECIMAL", "HEXADECIMAL", "NUMERAL", "STRING", "_", "as", "exists", "forall", "let", "match", "par",
    "assert", "check", "declare", "define", "echo", "exit", "get", "include", "pop", "push", "reset", "set", "simplify",
    "Bool", "Int", "Real", "Array", "String", "RegLan", "RoundingMode",
    "true", "false", "not", "and", "or", "xor", "distinct", "ite", "div", "mod", "abs", "to_real", "to_int", "is_int",
    "lambda", "select", "store", "exp", "pi", "sin", "cos", "tan", "sqrt", "divisible", "implies", "iff", "if",
  ]

  /// A name as a symbol: as it is when it is a simple symbol, otherwise between bars.
  /// - Precondition: `name` is of printable ASCII characters without `|` and `\`.
  static func symbol(_ name: String) -> String {
    func isSimple(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "~!@$%^&*_-+=<>.?/".utf8.contains(byte)
      }
    }
    precondition(name.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x7C && $0 != 0x5C })
    let isPlain =
      !taken.contains(name) && !name.isEmpty && name.utf8.allSatisfy(isSimple)
      && name.utf8.first.map { !(0x30...0x39).contains($0) } == true
    return isPlain ? name : "|\(name)|"
  }

  /// A rational as a term: `3`, `(- 3)`, `(/ 1 2)`, `(- (/ 1 2))`.
  static func number(_ value: Rational) -> String {
    let size = value.magnitude
    let text = size.isInteger ? "\(size.numerator)" : "(/ \(size.numerator) \(size.denominator))"
    return value.isNegative ? "(- \(text))" : text
  }

  /// coefficient · variable, where the variable may be the number 1.
  static func product(_ coefficient: Rational, _ variable: String) -> String {
    if variable == "1" { return number(coefficient) }
    if coefficient == .one { return variable }
    return coefficient == -.one ? "(- \(variable))" : "(* \(number(coefficient)) \(variable))"
  }

  /// The sum of terms, 0 without one.
  static func sum(_ terms: [String]) -> String {
    switch terms.count {
    case 0: "0"
    case 1: terms[0]
    default: "(+ \(terms.joined(separator: " ")))"
    }
  }
}
