public import ExactArithmetic

/// A number as an engineer reads it.
public struct EngineeringValue: Sendable, Hashable, CustomStringConvertible {
  /// The number in the declared unit; exact for a linear scale, within a relative 2⁻⁶⁰ for a logarithmic one, nil
  /// when 2^x is beyond 2^±4096.
  public let value: Rational?
  /// About six significant digits and the unit.
  public let text: String

  /// A nearby binary64 number, for figures; NaN when ``value`` is nil.
  public var approximation: Double { value?.approximation ?? .nan }
  public var description: String { text }
}

extension Measure {
  /// ` ms`, or nothing for numbers without a unit.
  public var unitSuffix: String { unit.isNone ? "" : " \(unit)" }

  /// The engineer's number that one of the network's numbers stands for.
  public func engineering(_ networkValue: Rational) -> EngineeringValue {
    guard let value = inUnit(networkValue) else {
      return EngineeringValue(value: nil, text: "2^\(DecimalText.rounded(networkValue))\(unitSuffix)")
    }
    return EngineeringValue(value: value, text: DecimalText.rounded(value) + unitSuffix)
  }

  /// The number in the declared unit, nil when 2^x is too large or too small to write.
  func inUnit(_ networkValue: Rational) -> Rational? {
    switch scale {
    case .linear: networkValue
    case .log2:
      networkValue.magnitude <= 4096 ? BinaryLogarithm.power(networkValue, bits: 120).lowerBound : nil
    }
  }

  /// A change of the network's number as an engineer reads it: `−6.5 ms`, or `−3.1 %` for a logarithmic scale.
  public func describeChange(_ change: Rational) -> String {
    let sign = change.isNegative ? "−" : "+"
    switch scale {
    case .linear:
      return sign + DecimalText.rounded(change.magnitude, digits: 3) + unitSuffix
    case .log2:
      // Factors beyond 2^8 read better as such.
      guard change.magnitude <= 8 else {
        return (change.isNegative ? "÷" : "×") + "2^" + DecimalText.rounded(change.magnitude, digits: 3)
      }
      let factor = BinaryLogarithm.power(change, bits: 200).lowerBound
      return sign + DecimalText.rounded((factor - .one).magnitude * 100, digits: 3) + " %"
    }
  }

  /// By how much the number falls when the network's number falls by `drop`: `−6.5 ms`, or `−3.1 %` (the factor
  /// 2^−drop) for a logarithmic scale.
  public func describeDrop(_ drop: Rational) -> String { describeChange(-drop) }
}
