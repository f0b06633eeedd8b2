/// The operators that are read. The reader dispatches on exactly these, so the list cannot say another thing than what
/// is read.
public enum ONNXOperator: String, Sendable, Hashable, CaseIterable {
  case add = "Add"
  case batchNormalization = "BatchNormalization"
  case cast = "Cast"
  case constant = "Constant"
  case divide = "Div"
  case dropout = "Dropout"
  case flatten = "Flatten"
  case gemm = "Gemm"
  case identity = "Identity"
  case matMul = "MatMul"
  case multiply = "Mul"
  case relu = "Relu"
  case reshape = "Reshape"
  case squeeze = "Squeeze"
  case subtract = "Sub"
  case unsqueeze = "Unsqueeze"
  case scaler = "Scaler"

  /// The operator set that defines it, as the standard names it: `ai.onnx` is the default one, which files write as an
  /// empty text.
  public var domain: String { self == .scaler ? Self.machineLearning : "ai.onnx" }

  /// The name in the standard: `Gemm`; `ai.onnx.ml.Scaler` outside the default operator set.
  public var name: String { self == .scaler ? "\(domain).\(rawValue)" : rawValue }

  /// The operator of that domain and type; nil when it is not read.
  init?(domain: String, type: String) {
    guard let known = Self(rawValue: type), known.domain == (domain.isEmpty ? "ai.onnx" : domain) else { return nil }
    self = known
  }

  static let machineLearning = "ai.onnx.ml"

  /// All names in a sentence.
  static let list =
    allCases.dropLast().map(\.name).joined(separator: ", ") + " and \(allCases[allCases.count - 1].name)"
}
