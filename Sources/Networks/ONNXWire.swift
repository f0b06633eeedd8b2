/// A look at the protobuf wire format of an ONNX model before anything is decoded.
///
/// A decoder makes up to a hundred bytes in memory of two bytes in a file (an empty message). Only the numbers of
/// tensors may be long, and they do not grow; so everything else, the structure, gets a small bound of its own, and
/// memory stays proportional to the bytes of the file.
enum ONNXWire {
  /// The most bytes that a file may have beside the numbers of its tensors.
  static let maximumStructureBytes = 1 << 20

  /// The messages on the way from the model to the numbers of a tensor.
  private enum Message: String {
    case model, graph, node, attribute, tensor

    /// The message type in field `number`, if it is on the way.
    func child(_ number: UInt64) -> Message? {
      switch (self, number) {
      case (.model, 7): .graph
      case (.graph, 1): .node
      case (.graph, 5): .tensor
      case (.node, 5): .attribute
      case (.attribute, 5): .tensor
      default: nil
      }
    }

    /// Whether field `number` holds numbers: float_data, raw_data or double_data.
    func isPayload(_ number: UInt64) -> Bool { self == .tensor && (number == 4 || number == 9 || number == 10) }
  }

  /// Checks that fields end where messages end, and that the structure keeps its bound. Returns the structure's bytes.
  /// - Complexity: O(fields); recursion five deep at most, no allocation.
  static func check(_ bytes: [UInt8]) throws(NetworkError) -> Int {
    let structure = try walk(bytes, 0..<bytes.count, .model)
    guard structure <= maximumStructureBytes else {
      throw NetworkError(
        .tooLarge,
        "the model has \(structure) bytes beside its weights; at most \(maximumStructureBytes) are supported (store "
          + "weights as raw_data)")
    }
    return structure
  }

  private static func walk(_ bytes: [UInt8], _ range: Range<Int>, _ message: Message) throws(NetworkError) -> Int {
    var position = range.lowerBound
    var structure = 0
    while position < range.upperBound {
      let start = position
      let tag = try varint(bytes, &position, range.upperBound, message)
      let number = tag >> 3
      let end: Int
      switch tag & 7 {
      case 0:
        _ = try varint(bytes, &position, range.upperBound, message)
        end = position
      case 1: end = position + 8
      case 5: end = position + 4
      case 2:
        let length = try varint(bytes, &position, range.upperBound, message)
        guard length <= UInt64(range.upperBound - position) else { throw truncated(start, message) }
        end = position + Int(length)
      default:
        throw NetworkError(
          .malformed,
          "byte \(start): a \(message.rawValue) cannot have a field of wire type \(tag & 7); this is no ONNX file")
      }
      guard end <= range.upperBound else { throw truncated(start, message) }
      if tag & 7 == 2, let child = message.child(number) {
        structure += position - start + (try walk(bytes, position..<end, child))
      } else if message.isPayload(number) {
        structure += position - start
      } else {
        structure += end - start
      }
      position = end
    }
    return structure
  }

  private static func varint(
    _ bytes: [UInt8], _ position: inout Int, _ end: Int, _ message: Message
  ) throws(NetworkError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard position < end else { throw truncated(start, message) }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw NetworkError(.malformed, "byte \(start): a number of more than ten bytes; this is no ONNX file")
  }

  private static func truncated(_ position: Int, _ message: Message) -> NetworkError {
    NetworkError(
      .malformed,
      "byte \(position): the \(message.rawValue) ends inside a field; the file is truncated or no ONNX file")
  }
}
