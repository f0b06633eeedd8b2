/// An affine function Σ coefficients[i] · x[i] + constant of a fixed number of variables, in exact rationals.
public struct LinearForm: Sendable, Hashable {
  public var coefficients: [Rational]
  public var constant: Rational

  public init(coefficients: [Rational], constant: Rational) {
    self.coefficients = coefficients
    self.constant = constant
  }

  /// The form that is zero in `variables` variables.
  public init(variables: Int) {
    self.init(coefficients: Array(repeating: .zero, count: variables), constant: .zero)
  }

  /// Whether the form is zero at every point.
  public var isIdenticallyZero: Bool { constant.isZero && coefficients.allSatisfy(\.isZero) }

  /// The value at `point`.
  /// - Precondition: `point` has one number per variable.
  public func value(at point: [Rational]) -> Rational {
    precondition(point.count == coefficients.count)
    var sum = constant
    for (coefficient, x) in zip(coefficients, point) where !coefficient.isZero { sum += coefficient * x }
    return sum
  }

  /// Adds `factor` times `other`.
  /// - Precondition: both have the same variables.
  public mutating func add(_ other: LinearForm, times factor: Rational) {
    precondition(other.coefficients.count == coefficients.count)
    for i in coefficients.indices { coefficients[i] += factor * other.coefficients[i] }
    constant += factor * other.constant
  }

  /// The least and greatest value over a box.
  /// - Complexity: O(variables) rational operations.
  public func range(over box: [ClosedRange<Rational>]) -> ClosedRange<Rational> {
    precondition(box.count == coefficients.count)
    var low = constant
    var high = constant
    for (coefficient, interval) in zip(coefficients, box) where !coefficient.isZero {
      let ends = (coefficient * interval.lowerBound, coefficient * interval.upperBound)
      low += min(ends.0, ends.1)
      high += max(ends.0, ends.1)
    }
    return low...high
  }
}
