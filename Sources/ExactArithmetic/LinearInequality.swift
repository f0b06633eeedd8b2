internal import BigInt

/// A linear inequality `form` ≥ 0, or `form` > 0 when strict: Σ coefficients[i] · x[i] + constant ≥ 0.
public struct LinearInequality: Sendable, Hashable {
  public var form: LinearForm
  public var isStrict: Bool

  public init(form: LinearForm, isStrict: Bool = false) {
    self.form = form
    self.isStrict = isStrict
  }

  /// Σ coefficients[i] · x[i] + constant ≥ 0.
  public init(coefficients: [Rational], constant: Rational) {
    self.init(form: LinearForm(coefficients: coefficients, constant: constant))
  }

  public func holds(at point: [Rational]) -> Bool {
    let value = form.value(at: point)
    return isStrict ? value.isPositive : !value.isNegative
  }

  /// The same inequality, multiplied by the positive number that makes its coefficients integers without a common
  /// divisor. An inequality without coefficients is returned as it is.
  public var primitive: LinearInequality {
    var divisor = BigInt(0)
    var multiple = BigInt(1)
    for value in form.coefficients where !value.isZero {
      divisor = divisor.greatestCommonDivisor(with: value.numerator)
      multiple = multiple / multiple.greatestCommonDivisor(with: value.denominator) * value.denominator
    }
    guard !divisor.isZero else { return self }
    // A fraction in lowest terms: the numerators' divisor and the denominators' multiple do not interfere.
    let factor = Rational(multiple, divisor)
    return LinearInequality(
      form: LinearForm(coefficients: form.coefficients.map { $0 * factor }, constant: form.constant * factor),
      isStrict: isStrict)
  }
}
