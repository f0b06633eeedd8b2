internal import Crypto
internal import ExactArithmetic
internal import Foundation

extension Claim {
  /// One line, equal exactly for equal claims; rationals as `n` or `n/d` in lowest terms.
  public var canonicalText: String {
    switch normalised {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      return "monotone output \(output) feature \(feature) \(direction.rawValue) slope \(minimumSlope)"
    case .nonnegative(let outputs, let inputs, let constant):
      func list(_ numbers: [Rational]) -> String { numbers.map(\.description).joined(separator: " ") }
      let linear = inputs.isEmpty ? "" : " inputs \(list(inputs))"
      return "nonnegative outputs \(list(outputs))\(linear) constant \(constant)"
    }
  }
}

extension Query {
  /// The canonical bytes: equal exactly for equal queries.
  ///
  /// A query over a box about the network itself: the header `vpals-query/v1` with the number of inputs, the ends of
  /// each input's interval a line, the claim. Every other query: the header `vpals-query/v2` with the numbers of inputs,
  /// constraints and copies (0 without a relation), the intervals, each constraint's coefficients and constant a line,
  /// for each copy a line with its number of rows and each row as `column:factor` a line, the claim.
  public var canonicalText: String {
    let isPlain = constraints.isEmpty && relation == nil
    var text = "vpals-query/v1 \(region.count)\n"
    if !isPlain { text = "vpals-query/v2 \(region.count) \(constraints.count) \(relation?.copies.count ?? 0)\n" }
    for interval in region { text += "\(interval.lowerBound) \(interval.upperBound)\n" }
    for constraint in constraints {
      let coefficients = constraint.form.coefficients.map(\.description).joined(separator: " ")
      text += "constraint \(coefficients) constant \(constraint.form.constant)\n"
    }
    for copy in relation?.copies ?? [] {
      text += "copy \(copy.rows.count)\n"
      for row in copy.rows {
        text += "row" + row.map { " \($0.column):\($0.factor.rational)" }.joined() + "\n"
      }
    }
    return text + claim.canonicalText + "\n"
  }

  /// `sha256:` and the hexadecimal SHA-256 (FIPS 180-4) of ``canonicalText``.
  public var digest: String { Digest.sha256(canonicalText.utf8) }
}

enum Digest {
  static func sha256(_ bytes: some Sequence<UInt8>) -> String {
    "sha256:"
      + SHA256.hash(data: Data(bytes)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
