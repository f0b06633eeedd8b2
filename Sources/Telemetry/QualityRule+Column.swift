extension QualityRule.Condition {
  /// The column that the rule looks at.
  public var column: String {
    switch self {
    case .above(let column, _): column
    case .missingOrNotPositive(let column): column
    case .within(_, let column): column
    }
  }
}
