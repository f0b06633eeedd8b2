public import ExactArithmetic

/// How the network's number stands for the engineer's number.
public enum Scale: String, Sendable, Hashable {
  /// They are the same.
  case linear
  /// The network's number is the binary logarithm of the engineer's number in the declared unit.
  case log2
}

/// An input or output of the network: a name, a unit and a scale.
public protocol Measure: Sendable {
  var name: String { get }
  /// The column of a data file that holds it.
  var column: String { get }
  /// Its position in the network's input or output, from 0.
  var index: Int { get }
  var unit: Unit { get }
  var scale: Scale { get }
  /// What it means, in the author's words.
  var about: String? { get }
}

/// An input of the network.
public struct Feature: Measure, Hashable {
  public let name: String
  public let column: String
  public let index: Int
  public let unit: Unit
  public let scale: Scale
  /// The declared range, in ``unit``; for a list of values, from the least to the greatest.
  public let domain: ClosedRange<Rational>
  /// The declared values, ascending, in ``unit``; nil for a range.
  public let values: [Rational]?
  /// The range in the network's own numbers: what is proved is proved for all of it.
  ///
  /// For ``Scale/linear`` this is ``domain``. For ``Scale/log2`` it encloses [log₂ low, log₂ high]: the ends are
  /// multiples of 2⁻⁴⁴, at most 2⁻⁴³ outside, and exact where the end is a power of two. So many bits keep the ends
  /// representable in binary64 while |log₂| < 512, and keep a binary64 logarithm of a number in ``domain`` inside.
  public let networkDomain: ClosedRange<Rational>
  public let about: String?

  /// Fractional bits of the ends of a logarithmic ``networkDomain``.
  static let logarithmBits = 44

  /// - Precondition: for `log2`, the domain is positive.
  init(
    name: String, column: String, index: Int, unit: Unit, scale: Scale, domain: ClosedRange<Rational>,
    values: [Rational]? = nil, about: String?
  ) {
    self.name = name
    self.column = column
    self.index = index
    self.unit = unit
    self.scale = scale
    self.domain = domain
    self.values = values
    self.about = about
    networkDomain = Self.networkInterval(domain, scale)
  }

  private static func networkInterval(_ domain: ClosedRange<Rational>, _ scale: Scale) -> ClosedRange<Rational> {
    switch scale {
    case .linear: return domain
    case .log2:
      let low = BinaryLogarithm.enclosure(of: domain.lowerBound, bits: logarithmBits).lowerBound
      let high = BinaryLogarithm.enclosure(of: domain.upperBound, bits: logarithmBits).upperBound
      return low...high
    }
  }

  /// A part of the domain in the network's own numbers, rounded as ``networkDomain`` is.
  /// - Precondition: for `log2`, the part is positive.
  func networkInterval(_ part: ClosedRange<Rational>) -> ClosedRange<Rational> { Self.networkInterval(part, scale) }

  /// Whether the engineer's number lies in the declared domain.
  public func admits(_ value: Rational) -> Bool { values?.contains(value) ?? domain.contains(value) }

  /// `name ∈ [low, high] unit`, or `name ∈ {1, 2, 4} unit`.
  public var statement: String {
    if let values {
      return "\(name) ∈ {\(values.map(DecimalText.exact).joined(separator: ", "))}\(unitSuffix)"
    }
    return "\(name) ∈ [\(DecimalText.exact(domain.lowerBound)), \(DecimalText.exact(domain.upperBound))]\(unitSuffix)"
  }
}

/// An output of the network.
public struct Output: Measure, Hashable {
  public let name: String
  public let column: String
  public let index: Int
  public let unit: Unit
  public let scale: Scale
  public let about: String?
}
