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
  enum Element {
    case float, double, bool
  }

  /// How messages call it.
  let place: String
  let element: Element
  let shape: [Int]
  /// The number of elements, the product of `shape`.
  let count: Int
  private let tensor: Onnx_TensorProto

  /// Checks the tensor's header and the length of its data. Nothing is allocated by its dimensions.
  init(_ tensor: Onnx_TensorProto, place: String) throws(NetworkError) {
    self.place = place
    self.tensor = tensor
    guard tensor.unknownFields.data.isEmpty else { throw ONNXReader.unknownField(place) }
    guard tensor.dataLocation == .default, tensor.externalData.isEmpty else {
      throw NetworkError(
        .unsupported, "\(place) is stored outside the file (external data); save the model with its weights inline")
    }
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
    let stored: Int
    switch Onnx_TensorProto.DataType(rawValue: Int(tensor.dataType)) {
    case .float:
      element = .float
      stored = try Self.stored(tensor, tensor.floatData.count, "float_data", bytesPerElement: 4, place: place)
    case .double:
      element = .double
      stored = try Self.stored(tensor, tensor.doubleData.count, "double_data", bytesPerElement: 8, place: place)
    case .bool:
      element = .bool
      stored = try Self.stored(tensor, tensor.int32Data.count, "int32_data", bytesPerElement: 1, place: place)
    default:
      throw NetworkError(
        .unsupported,
        "\(place) is of type \(ONNXReader.typeName(tensor.dataType)); only FLOAT and DOUBLE tensors are supported")
    }
    guard stored == count else {
      throw NetworkError(
        .shape, "\(place) has the shape \(shape) of \(count) values, but holds \(stored); the file is damaged")
    }
    self.shape = shape
    self.count = count
  }

  /// The number of elements in the one field that may hold them.
  private static func stored(
    _ tensor: Onnx_TensorProto, _ typed: Int, _ field: String, bytesPerElement: Int, place: String
  ) throws(NetworkError) -> Int {
    let lengths = [
      tensor.floatData.count, tensor.doubleData.count, tensor.int32Data.count, tensor.int64Data.count,
      tensor.uint64Data.count, tensor.stringData.count,
    ]
    let others = lengths.reduce(0, +) - typed
    guard others == 0, tensor.rawData.isEmpty || typed == 0 else {
      throw NetworkError(
        .malformed, "\(place) holds values in more than one field or in one of another type; save the model again")
    }
    guard !tensor.rawData.isEmpty else { return typed }
    guard tensor.rawData.count.isMultiple(of: bytesPerElement) else {
      throw NetworkError(
        .shape,
        "\(place) has \(tensor.rawData.count) bytes of raw data, not a multiple of \(bytesPerElement); the file is "
          + "damaged")
    }
    return tensor.rawData.count / bytesPerElement
  }

  /// A constant of one FLOAT value or a vector of them, from an attribute.
  static func floats(_ values: [Float], shape: [Int64], place: String) throws(NetworkError) -> ONNXConstant {
    var tensor = Onnx_TensorProto()
    tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    tensor.dims = shape
    tensor.floatData = values
    return try ONNXConstant(tensor, place: place)
  }

  /// The numbers in row-major order, exactly as stored.
  /// - Throws: ``NetworkError`` when one is not finite.
  func values() throws(NetworkError) -> [Double] {
    let values: [Double]
    switch element {
    case .float:
      values =
        tensor.rawData.isEmpty
        ? tensor.floatData.map(Double.init)
        : littleEndian(UInt32.self).map { Double(Float(bitPattern: $0)) }
    case .double:
      values = tensor.rawData.isEmpty ? tensor.doubleData : littleEndian(UInt64.self).map(Double.init(bitPattern:))
    case .bool:
      throw NetworkError(.unsupported, "\(place) is of type BOOL where numbers are needed")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw NetworkError(
        .notFinite, "value \(bad) of \(place) is \(values[bad]); every weight must be a finite number")
    }
    return values
  }

  /// Whether any element of a BOOL tensor is true.
  var isTrue: Bool { tensor.rawData.contains { $0 != 0 } || tensor.int32Data.contains { $0 != 0 } }

  private func littleEndian<Pattern: FixedWidthInteger>(_: Pattern.Type) -> [Pattern] {
    let size = MemoryLayout<Pattern>.size
    return tensor.rawData.withUnsafeBytes { bytes in
      (0..<count).map { Pattern(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Pattern.self)) }
    }
  }

  /// The numbers spread over a value of shape [batch] + `features`, by ONNX's multidirectional broadcasting: one
  /// number per feature.
  /// - Throws: ``NetworkError`` when the constant is not the same for every row of a batch or has another shape.
  func values(over features: [Int], node: String) throws(NetworkError) -> [Double] {
    // A leading dimension of one stands for the batch.
    let own = shape.count == features.count + 1 && shape.first == 1 ? Array(shape.dropFirst()) : shape
    let padded = Array(repeating: 1, count: max(0, features.count - own.count)) + own
    guard padded.count == features.count, zip(padded, features).allSatisfy({ $0 == 1 || $0 == $1 }) else {
      throw NetworkError(
        .shape,
        "\(node): \(place) of shape \(shape) does not fit features of shape \(features) (the batch comes before them)")
    }
    let numbers = try values()
    let total = features.reduce(1, *)
    return (0..<total).map { index in
      var rest = index
      var offset = 0
      var stride = 1
      for axis in features.indices.reversed() {
        let coordinate = rest % features[axis]
        rest /= features[axis]
        if padded[axis] != 1 { offset += coordinate * stride }
        stride *= padded[axis]
      }
      return numbers[offset]
    }
  }
}
