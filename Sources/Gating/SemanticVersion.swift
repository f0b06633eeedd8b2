/// A version by semver.org 2.0.0; build metadata is read and has no part in the order.
public struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Major, minor and patch.
  public let numbers: [Int]
  /// The identifiers behind `-`; a version with some comes before the same without.
  public let prerelease: [String]

  /// Nil unless `text` is a semantic version of at most 100 bytes.
  public init?(_ text: String) {
    guard text.utf8.count <= 100 else { return nil }
    let halves = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    if halves.count == 2, !Self.identifiers(halves[1], allowsLeadingZeros: true) { return nil }
    let parts = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let digits = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard digits.count == 3, digits.allSatisfy({ Self.isNumber($0) && $0.utf8.count <= 15 }) else { return nil }
    numbers = digits.compactMap { Int($0) }
    if parts.count == 2 {
      guard Self.identifiers(parts[1], allowsLeadingZeros: false) else { return nil }
      prerelease = parts[1].split(separator: ".").map(String.init)
    } else {
      prerelease = []
    }
  }

  public var description: String {
    numbers.map(String.init).joined(separator: ".")
      + (prerelease.isEmpty ? "" : "-" + prerelease.joined(separator: "."))
  }

  public static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
    if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
    if left.prerelease.isEmpty || right.prerelease.isEmpty {
      return !left.prerelease.isEmpty && right.prerelease.isEmpty
    }
    for (a, b) in zip(left.prerelease, right.prerelease) where a != b {
      switch (isNumber(a), isNumber(b)) {
      // Without leading zeros, the longer number is the greater.
      case (true, true): return (a.utf8.count, a) < (b.utf8.count, b)
      case (true, false): return true
      case (false, true): return false
      case (false, false): return Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8))
      }
    }
    return left.prerelease.count < right.prerelease.count
  }

  private static func isNumber(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } && (text.utf8.count == 1 || text.first != "0")
  }

  private static func identifiers(_ text: Substring, allowsLeadingZeros: Bool) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { identifier in
      let isDigits = identifier.utf8.allSatisfy { (0x30...0x39).contains($0) }
      return !identifier.isEmpty
        && identifier.utf8.allSatisfy {
          (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
        } && (!isDigits || allowsLeadingZeros || isNumber(identifier))
    }
  }
}
