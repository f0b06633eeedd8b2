/// A network in the NNet text format (Kyle Julian, Stanford, 2016; the ACAS Xu networks are distributed in it).
///
/// Comment lines begin with `//`. Then, each on a line of its own, numbers separated by commas, with or without a comma
/// at the end:
///
/// 1. the number of layers, of inputs, of outputs, and the greatest width;
/// 2. the widths, from the inputs to the outputs;
/// 3. a flag that is not used, 0;
/// 4. the minima of the inputs; 5. their maxima;
/// 6. the means of the inputs and one of the outputs; 7. their ranges;
/// 8. for each layer, a row of weights for each neuron, then a bias for each neuron. ReLU follows all layers but the last.
///
/// **The network is the function between the first and the last layer**, from normalised inputs to normalised outputs,
/// as in the ONNX files of the same networks: a specification speaks of x′ = (x − mean) / range, and of y with
/// output = y · range + mean. Division by a range is not exact in general, so lines 4 to 7 are no part of the function;
/// they are checked to be numbers and kept here, and ``remarks`` says so where they are not the identity.
///
/// Numbers are decimals. Every program that evaluates these files reads them into binary64, so each weight is the
/// binary64 number nearest to its text (ties to even), and exactly that from then on.
public struct NNetModel: Sendable, Hashable {
  /// The longest text of a number, in bytes.
  public static let maximumNumberBytes = 64
  /// The most lines of comments.
  public static let maximumComments = 1000

  public let network: Network
  /// One per input, in the units of the file: evaluating programs clamp inputs to them.
  public let minima: [Double]
  public let maxima: [Double]
  /// One per input, and the last for all outputs.
  public let means: [Double]
  public let ranges: [Double]

  /// - Throws: ``NetworkError``; the message names the line, the problem and the fix.
  /// - Complexity: O(bytes); memory is proportional to the bytes.
  public init(bytes: [UInt8]) throws(NetworkError) {
    guard !bytes.isEmpty else { throw NetworkError(.malformed, "the file is empty; give an NNet file") }
    guard bytes.count <= StoredNetwork.maximumBytes else {
      throw NetworkError(
        .tooLarge, "the model has \(bytes.count) bytes; at most \(StoredNetwork.maximumBytes) are read")
    }
    var lines = NNetLines(bytes)
    let header = try lines.counts(4, "the numbers of layers, inputs and outputs, and the greatest width")
    guard (1...Network.maximumLayers).contains(header[0]) else {
      throw lines.failure(.tooLarge, "\(header[0]) layers; 1 to \(Network.maximumLayers) are supported")
    }
    let widths = try lines.counts(header[0] + 1, "the widths of the layers")
    for width in widths where !(1...Network.maximumWidth).contains(width) {
      throw lines.failure(.tooLarge, "a width of \(width); 1 to \(Network.maximumWidth) are supported")
    }
    guard widths[0] == header[1], widths[header[0]] == header[2], widths.allSatisfy({ $0 <= header[3] }) else {
      throw lines.failure(.shape, "the widths \(widths) are not those of the line before; the file is damaged")
    }
    let weightCount = zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    guard weightCount <= Network.maximumWeights else {
      throw lines.failure(.tooLarge, "\(weightCount) weights; at most \(Network.maximumWeights) are supported")
    }
    guard try lines.counts(1, "the unused flag") == [0] else {
      throw lines.failure(.unsupported, "the flag of symmetric networks is set; only 0 is supported")
    }
    minima = try lines.numbers(widths[0], "the minima of the inputs")
    maxima = try lines.numbers(widths[0], "the maxima of the inputs")
    means = try lines.numbers(widths[0] + 1, "the means of the inputs and the outputs")
    ranges = try lines.numbers(widths[0] + 1, "the ranges of the inputs and the outputs")
    var layers: [Layer] = []
    for (index, (inputs, outputs)) in zip(widths, widths.dropFirst()).enumerated() {
      var weights: [Double] = []
      var biases: [Double] = []
      for neuron in 0..<outputs {
        weights += try lines.numbers(inputs, "the weights of neuron \(neuron) of layer \(index)")
      }
      for neuron in 0..<outputs {
        biases += try lines.numbers(1, "the bias of neuron \(neuron) of layer \(index)")
      }
      layers.append(
        try Layer(
          inputCount: inputs, outputCount: outputs, weights: weights, biases: biases,
          isRectified: index + 1 < header[0]))
    }
    try lines.requireEnd()
    network = try Network(layers: layers)
  }

  /// Whether inputs and outputs of the network are the numbers of the file's units.
  public var isNormalised: Bool { means.contains { $0 != 0 } || ranges.contains { $0 != 1 } }

  /// What who uses the network must know.
  var remarks: [String] {
    guard isNormalised else { return [] }
    return [
      "the network takes normalised inputs (x - mean) / range and gives normalised outputs y with output = y * range + "
        + "mean: specifications speak of these, and the means and ranges in the file are no part of what is proved"
    ]
  }
}

/// The lines of an NNet file, one after the other.
private struct NNetLines {
  private let bytes: [UInt8]
  private var position = 0
  /// Of the line that was read last, from one.
  private var line = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func failure(_ code: NetworkError.Code, _ problem: String) -> NetworkError {
    NetworkError(code, "line \(line): \(problem)")
  }

  /// The next line that is neither empty nor a comment; nil at the end.
  private mutating func next() throws(NetworkError) -> ArraySlice<UInt8>? {
    var comments = 0
    while position < bytes.count {
      line += 1
      let end = bytes[position...].firstIndex(of: 0x0a) ?? bytes.count
      let text = Self.trimmed(bytes[position..<end])
      position = end + 1
      if text.isEmpty { continue }
      guard text.starts(with: "//".utf8) else { return text }
      comments += 1
      guard comments <= NNetModel.maximumComments else {
        throw failure(.tooLarge, "more than \(NNetModel.maximumComments) lines of comments; remove some")
      }
    }
    return nil
  }

  private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
    let start = text.firstIndex { !isSpace($0) } ?? text.endIndex
    let end = text.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
    return text[start..<end]
  }

  /// The texts of the next line, which must have `count` of them.
  private mutating func texts(_ count: Int, _ what: String) throws(NetworkError) -> [ArraySlice<UInt8>] {
    guard let text = try next() else {
      throw NetworkError(.malformed, "the file ends where \(what) should be; it is truncated or no NNet file")
    }
    var texts: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    for index in text.indices where text[index] == UInt8(ascii: ",") {
      texts.append(Self.trimmed(text[start..<index]))
      start = index + 1
      // One more than wanted is enough to know.
      if texts.count > count { break }
    }
    if texts.count <= count {
      let last = Self.trimmed(text[start...])
      if !last.isEmpty { texts.append(last) }
    }
    guard texts.count == count else {
      let found = texts.count > count ? "more than \(count)" : "\(texts.count)"
      throw failure(.malformed, "\(what): \(count) numbers are needed, but there are \(found); is this an NNet file?")
    }
    return texts
  }

  /// The next line as counts below 10⁹.
  mutating func counts(_ count: Int, _ what: String) throws(NetworkError) -> [Int] {
    var counts: [Int] = []
    for text in try texts(count, what) {
      guard (1...9).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw failure(.malformed, "\(what): \(Self.word(text)) is no number of anything; is this an NNet file?")
      }
      counts.append(text.reduce(0) { $0 * 10 + Int($1 - 0x30) })
    }
    return counts
  }

  /// The next line as decimal numbers, each the nearest of binary64.
  mutating func numbers(_ count: Int, _ what: String) throws(NetworkError) -> [Double] {
    var numbers: [Double] = []
    numbers.reserveCapacity(count)
    for text in try texts(count, what) {
      guard text.count <= NNetModel.maximumNumberBytes, Self.isDecimal(text),
        let number = Double(String(decoding: text, as: UTF8.self))
      else {
        throw failure(
          .malformed,
          "\(what): \(Self.word(text)) is no decimal number of at most \(NNetModel.maximumNumberBytes) characters")
      }
      guard number.isFinite else {
        throw failure(.notFinite, "\(what): \(Self.word(text)) is beyond binary64; every number must be finite")
      }
      numbers.append(number)
    }
    return numbers
  }

  mutating func requireEnd() throws(NetworkError) {
    guard let text = try next() else { return }
    throw failure(.malformed, "\(Self.word(text)) stands behind the last bias; the file is damaged")
  }

  /// `-1.5e-3`, `.5` and `7.` are; `inf`, `nan` and hexadecimal numbers, which conversion would take, are not.
  private static func isDecimal(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func isSign(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") }
    func digits() -> Int {
      let count = rest.prefix { (0x30...0x39).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    if isSign(rest.first) { rest = rest.dropFirst() }
    var count = digits()
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      count += digits()
    }
    guard count > 0 else { return false }
    guard let mark = rest.first else { return true }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    rest = rest.dropFirst()
    if isSign(rest.first) { rest = rest.dropFirst() }
    return digits() > 0 && rest.isEmpty
  }

  private static func word(_ text: ArraySlice<UInt8>) -> String {
    quoted(String(decoding: text.prefix(80), as: UTF8.self))
  }
}
