extension ONNXModel {
  /// The operators that are read, by their ONNX names.
  public static let operators = [
    "Add", "Constant", "Div", "Dropout", "Flatten", "Gemm", "Identity", "MatMul", "Mul", "Relu", "Sub",
  ]

  /// The operator sets that are read.
  public static var operatorSets: ClosedRange<Int> {
    Int(ONNXReader.operatorSets.lowerBound)...Int(ONNXReader.operatorSets.upperBound)
  }
}
