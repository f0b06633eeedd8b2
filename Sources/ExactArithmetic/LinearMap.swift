/// A linear map u ↦ x of rational vectors with dyadic entries, stored row by row without zeros.
public struct LinearMap: Sendable, Hashable {
  /// `factor` · u[`column`].
  public struct Term: Sendable, Hashable {
    public let column: Int
    public let factor: Dyadic

    public init(column: Int, factor: Dyadic = .one) {
      self.column = column
      self.factor = factor
    }
  }

  /// The number of coordinates of u.
  public let columnCount: Int
  /// For each coordinate of x the terms that add up to it, columns ascending.
  public let rows: [[Term]]

  /// - Precondition: in each row the columns ascend strictly and are below `columnCount`, and no factor is zero.
  public init(columnCount: Int, rows: [[Term]]) {
    for row in rows {
      precondition(row.allSatisfy { (0..<columnCount).contains($0.column) && !$0.factor.isZero })
      precondition(zip(row, row.dropFirst()).allSatisfy { $0.column < $1.column })
    }
    self.columnCount = columnCount
    self.rows = rows
  }

  /// x at u.
  /// - Precondition: `u` has one number per column.
  public func value(at u: [Rational]) -> [Rational] {
    precondition(u.count == columnCount)
    return rows.map { row in row.reduce(Rational.zero) { $0 + $1.factor.rational * u[$1.column] } }
  }

  /// The form on u that `form` is on x: form ∘ map.
  /// - Precondition: `form` has one variable per row.
  public func pulledBack(_ form: LinearForm) -> LinearForm {
    precondition(form.coefficients.count == rows.count)
    var result = LinearForm(variables: columnCount)
    result.constant = form.constant
    for (coefficient, row) in zip(form.coefficients, rows) where !coefficient.isZero {
      for term in row { result.coefficients[term.column] += coefficient * term.factor.rational }
    }
    return result
  }
}
