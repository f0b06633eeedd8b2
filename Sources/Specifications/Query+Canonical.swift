internal import Crypto
internal import ExactArithmetic
internal import Foundation

extension Claim {
  /// One line, equal exactly for equal claims; rationals as `n` or `n/d` in lowest terms.
  public var canonicalText: String {
    switch self {
    case .monotone(let output, let feature, let direction, let minimumSlope):
      "monotone output \(output) feature \(feature) \(direction.rawValue) slope \(minimumSlope)"
    case .nonnegative(let outputs, let constant):
      "nonnegative outputs \(outputs.map(\.description).joined(separator: " ")) constant \(constant)"
    }
  }
}

extension Query {
  /// The canonical bytes: a header line with the number of inputs, the ends of each input's interval, the claim.
  /// Equal exactly for equal queries.
  public var canonicalText: String {
    var text = "vpals-query/v1 \(region.count)\n"
    for interval in region { text += "\(interval.lowerBound) \(interval.upperBound)\n" }
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
