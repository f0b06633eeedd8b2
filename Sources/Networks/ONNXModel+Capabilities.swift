extension ONNXModel {
  /// The operators that are read, by their names in the standard.
  public static let operators = ONNXOperator.allCases.map(\.name)

  /// The operator sets that are read.
  public static var operatorSets: ClosedRange<Int> {
    Int(ONNXReader.operatorSets.lowerBound)...Int(ONNXReader.operatorSets.upperBound)
  }
}
