internal import Foundation
internal import SwiftProtobuf

/// A text from a file as it may appear in a message: quoted, on one line, control characters escaped, at most 60
/// characters of it.
func quoted(_ text: String) -> String {
  let short = text.prefix(60)
  return short.count == text.count ? String(short).debugDescription : String(short).debugDescription + "…"
}

/// A constant tensor of an ONNX model whose shape, type and length were found to agree; its numbers are not decoded yet.
struct ONNXConstant {
  enum Element: String {
    case float, double, int64, bool

    /// The name in the standard.
    var name: String { rawValue.uppercased() }
    var bytes: Int {
      switch self {
      case .bool: 1
      case .float: 4
      case .double, .int64: 8
      }
    }
  }

  /// How messages call it.
  let place: String
  /// The type of its numbers in the graph: another one than in the file after a Cast that changes none of them.
  private(set) var element: Element
  let shape: [Int]
  /// The number of elements, the product of `shape`.
  let count: Int
  private let stored: Element
  private let tensor: Onnx_TensorProto
  /// The bytes of the numbers, in the tensor itself or a part of a data file; empty where a typed field has them.
  private let raw: Data

  /// Checks the tensor's header and the length of its data. Nothing is allocated by its dimensions.
  /// - Parameter data: Where external data is, if it is read.
  init(_ tensor: Onnx_TensorProto, place: String, data: ONNXDataFiles? = nil) throws(NetworkError) {
    self.place = place
    self.tensor = tensor
    guard tensor.unknownFields.data.isEmpty else { throw ONNXReader.unknownField(place) }
    guard !tensor.hasSegment else {
      throw NetworkError(.unsupported, "\(place) is a segment of a tensor; save the model with whole tensors")
    }
    var shape: [Int] = []
    var count = 1
    for dimension in tensor.dims {
      // 2^31 is far above every bound of a network, and the check below keeps the product from overflowing.
      guard dimension > 0, dimension < 1 << 31 else {
        throw NetworkError(
          .shape, "\(place) has a dimension of \(dimension); every dimension must be positive and below 2^31")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(dimension))
      guard !overflow, product <= Network.maximumWeights else {
        throw NetworkError(
          .tooLarge, "\(place) has more than \(Network.maximumWeights) values, the most that are supported")
      }
      count = product
      shape.append(Int(dimension))
    }
    let typed: Int
    switch Onnx_TensorProto.DataType(rawValue: Int(tensor.dataType)) {
    case .float: (stored, typed) = (.float, tensor.floatData.count)
    case .double: (stored, typed) = (.double, tensor.doubleData.count)
    case .int64: (stored, typed) = (.int64, tensor.int64Data.count)
    case .bool: (stored, typed) = (.bool, tensor.int32Data.count)
    default:
      throw NetworkError(
        .unsupported,
        "\(place) is of type \(ONNXReader.typeName(tensor.dataType)); only FLOAT and DOUBLE tensors are supported")
    }
    let lengths = [
      tensor.floatData.count, tensor.doubleData.count, tensor.int32Data.count, tensor.int64Data.count,
      tensor.uint64Data.count, tensor.stringData.count,
    ]
    guard lengths.reduce(0, +) == typed, tensor.rawData.isEmpty || typed == 0 else {
      throw NetworkError(
        .malformed, "\(place) holds values in more than one field or in one of another type; save the model again")
    }
    raw = try Self.raw(tensor, isTyped: typed > 0, place: place, data: data)
    guard raw.count.isMultiple(of: stored.bytes) else {
      throw NetworkError(
        .shape,
        "\(place) has \(raw.count) bytes of raw data, not a multiple of \(stored.bytes); the file is damaged")
    }
    let found = raw.isEmpty ? typed : raw.count / stored.bytes
    guard found == count else {
      throw NetworkError(
        .shape, "\(place) has the shape \(shape) of \(count) values, but holds \(found); the file is damaged")
    }
    element = stored
    self.shape = shape
    self.count = count
  }

  private static func raw(
    _ tensor: Onnx_TensorProto, isTyped: Bool, place: String, data: ONNXDataFiles?
  ) throws(NetworkError) -> Data {
    guard tensor.dataLocation == .external else {
      guard tensor.externalData.isEmpty else {
        throw NetworkError(
          .malformed, "\(place) names external data, but is not stored there (data_location); save the model again")
      }
      return tensor.rawData
    }
    guard let data else {
      throw NetworkError(
        .unsupported, "\(place) is stored outside the file (external data); save the model with its weights inline")
    }
    guard !isTyped, tensor.rawData.isEmpty else {
      throw NetworkError(.malformed, "\(place) is stored outside the file and in it; save the model again")
    }
    return try data.bytes(try ONNXDataRange(tensor.externalData, place: place), place: place)
  }

  /// A constant of one FLOAT value or a vector of them, from an attribute.
  static func floats(_ values: [Float], shape: [Int64], place: String) throws(NetworkError) -> ONNXConstant {
    var tensor = Onnx_TensorProto()
    tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    tensor.dims = shape
    tensor.floatData = values
    return try ONNXConstant(tensor, place: place)
  }

  /// A constant of one INT64 value or a vector of them, from an attribute.
  static func integers(_ values: [Int64], shape: [Int64], place: String) throws(NetworkError) -> ONNXConstant {
    var tensor = Onnx_TensorProto()
    tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
    tensor.dims = shape
    tensor.int64Data = values
    return try ONNXConstant(tensor, place: place)
  }

  /// The numbers in row-major order, exactly as stored.
  /// - Throws: ``NetworkError`` when one is not finite, or an INT64 that binary64 does not hold.
  func values() throws(NetworkError) -> [Double] {
    var values: [Double] = []
    switch stored {
    case .float:
      values =
        raw.isEmpty
        ? tensor.floatData.map(Double.init)
        : littleEndian(UInt32.self).map { Double(Float(bitPattern: $0)) }
    case .double:
      values = raw.isEmpty ? tensor.doubleData : littleEndian(UInt64.self).map(Double.init(bitPattern:))
    case .int64:
      for (index, integer) in storedIntegers.enumerated() {
        guard let value = Double(exactly: integer) else {
          throw NetworkError(
            .unsupported, "value \(index) of \(place) is \(integer), which DOUBLE does not hold exactly")
        }
        values.append(value)
      }
    case .bool:
      throw NetworkError(.unsupported, "\(place) is of type BOOL where numbers are needed")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw NetworkError(
        .notFinite, "value \(bad) of \(place) is \(values[bad]); every weight must be a finite number")
    }
    return values
  }

  /// The numbers of a short INT64 vector: a shape, or axes.
  func integers(node: String) throws(NetworkError) -> [Int64] {
    guard element == .int64, stored == .int64, shape.count <= 1, count <= ONNXShape.maximumRank else {
      throw NetworkError(
        .malformed,
        "\(node): \(place) of type \(element.name) and shape \(shape) is no vector of at most "
          + "\(ONNXShape.maximumRank) INT64 values")
    }
    return storedIntegers
  }

  private var storedIntegers: [Int64] { raw.isEmpty ? tensor.int64Data : littleEndian(Int64.self) }

  /// Whether any element of a BOOL tensor is true.
  var isTrue: Bool { raw.contains { $0 != 0 } || tensor.int32Data.contains { $0 != 0 } }

  /// The same numbers as another type.
  /// - Throws: ``NetworkError`` when that type does not hold one of them exactly.
  /// - Complexity: decodes the numbers and forgets them; nothing of their size is kept.
  func cast(to type: Element, node: String) throws(NetworkError) -> ONNXConstant {
    var result = self
    result.element = type
    for (index, value) in try values().enumerated() {
      let isHeld =
        switch type {
        case .double: true
        case .float: Float(exactly: value) != nil
        case .int64: Int64(exactly: value) != nil
        case .bool: false
        }
      guard isHeld else {
        throw NetworkError(
          .unsupported,
          "\(node): value \(index) of \(place) is \(value), which \(type.name) does not hold exactly; store the constant "
            + "in the type that is computed with")
      }
    }
    return result
  }

  private func littleEndian<Pattern: FixedWidthInteger>(_: Pattern.Type) -> [Pattern] {
    let size = MemoryLayout<Pattern>.size
    return raw.withUnsafeBytes { bytes in
      (0..<count).map { Pattern(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Pattern.self)) }
    }
  }

  /// One number for each feature of a value of shape `value`, by ONNX's multidirectional broadcasting.
  /// - Parameter shape: Taken for the constant's own shape; it has as many elements.
  /// - Throws: ``NetworkError`` when the constant is not the same for every point of a batch or has another shape.
  func values(
    over value: ONNXShape, as shape: [Int]? = nil, node: String
  ) throws(NetworkError) -> (numbers: [Double], result: ONNXShape) {
    let own = shape ?? self.shape
    guard let result = value.combined(with: own) else {
      throw NetworkError(
        .shape,
        "\(node): \(place) of shape \(self.shape) does not fit a value of shape \(value) (it must have one number, or one "
          + "for each feature and the same for every point of the batch N)")
    }
    return (value.spread(try values(), of: own), result)
  }
}
