/// The shape of a value that depends on the features: at most one dimension counts the points of a batch, all others
/// are sizes whose product is the number of features of one point.
///
/// Elements are in row-major order, so a change of shape moves no number between the points exactly when the batch
/// stays one whole dimension with nothing but ones before it. Each function here keeps that, or refuses.
struct ONNXShape: Hashable, CustomStringConvertible {
  enum Dimension: Hashable {
    /// The points; their number when the file fixes it, which is then greater than one. One point needs no dimension.
    case batch(Int?)
    case size(Int)
  }

  /// The most dimensions of a value.
  static let maximumRank = 16

  private(set) var dimensions: [Dimension]

  /// - Precondition: the dimensions have at most one batch, of at most ``Network/maximumWeights`` points, with ones
  ///   before it, and positive sizes whose product is at most ``Network/maximumWidth``.
  init(_ dimensions: [Dimension]) { self.dimensions = dimensions }

  /// The number of features of one point.
  var featureCount: Int { sizes.reduce(1, *) }
  /// The dimensions of one point, the batch left out.
  private var sizes: [Int] { dimensions.compactMap { if case .size(let size) = $0 { size } else { nil } } }
  private var batchIndex: Int? { dimensions.firstIndex { if case .batch = $0 { true } else { false } } }

  /// `[N, 3]`; N stands for the batch.
  var description: String {
    let words = dimensions.map { dimension in
      switch dimension {
      case .batch: "N"
      case .size(let size): "\(size)"
      }
    }
    return "[" + words.joined(separator: ", ") + "]"
  }

  /// The number of columns when every point is one row: the last dimension holds all features.
  var columns: Int? {
    guard case .size(let columns)? = dimensions.last, columns == featureCount else { return nil }
    return columns
  }

  /// The number of features when there is one point, which stands in a column or in the only dimension.
  var column: Int? {
    guard batchIndex == nil, dimensions.count == 1 || (dimensions.count == 2 && dimensions[1] == .size(1)) else {
      return nil
    }
    return featureCount
  }

  /// With another number of columns.
  /// - Precondition: ``columns`` is not nil.
  func withColumns(_ count: Int) -> ONNXShape { ONNXShape(dimensions.dropLast() + [.size(count)]) }
  /// Without the columns, which a product with a vector sums up.
  var withoutColumns: ONNXShape { ONNXShape(dimensions.dropLast()) }
  /// With another number of rows in the one column.
  func withRows(_ count: Int) -> ONNXShape { ONNXShape([.size(count)] + dimensions.dropFirst()) }

  // MARK: Broadcasting

  /// The shape of this value combined, element by element, with a constant (ONNX, multidirectional broadcasting).
  /// Nil when the shapes do not fit, or when the constant differs between points or repeats features.
  func combined(with constant: [Int]) -> ONNXShape? {
    let missing = max(0, constant.count - dimensions.count)
    let own = Array(repeating: Dimension.size(1), count: missing) + dimensions
    let other = Array(repeating: 1, count: own.count - constant.count) + constant
    guard own.count <= Self.maximumRank, zip(own, other).allSatisfy({ $1 == 1 || $0 == .size($1) }) else { return nil }
    return ONNXShape(own)
  }

  /// One of `numbers`, which a constant of shape `constant` holds, for each feature of a point.
  /// - Precondition: ``combined(with:)`` is not nil, and the constant has as many numbers as its shape says.
  func spread(_ numbers: [Double], of constant: [Int]) -> [Double] {
    let missing = max(0, constant.count - dimensions.count)
    let own = Array(repeating: Dimension.size(1), count: missing) + dimensions
    let other = Array(repeating: 1, count: own.count - constant.count) + constant
    return (0..<featureCount).map { index in
      var rest = index
      var offset = 0
      var stride = 1
      for (dimension, extent) in zip(own, other).reversed() {
        guard case .size(let size) = dimension else { continue }
        if extent != 1 { offset += rest % size * stride }
        rest /= size
        stride *= extent
      }
      return numbers[offset]
    }
  }

  // MARK: Other shapes of the same numbers

  /// Reshape with the numbers of its second input; 0 copies a dimension unless `allowsZero`, −1 is what remains.
  func reshaped(to target: [Int64], allowsZero: Bool, node: String) throws(NetworkError) -> ONNXShape {
    func refusal(_ reason: String) -> NetworkError {
      NetworkError(
        .unsupported,
        "\(node): the shape \(target) \(reason) (the value has the shape \(self)); export with a reshape to [-1, n]")
    }
    guard target.count <= Self.maximumRank else {
      throw NetworkError(.tooLarge, "\(node): more than \(Self.maximumRank) dimensions; fewer are supported")
    }
    var result: [Dimension?] = []
    var known = 1
    for (index, number) in target.enumerated() {
      switch number {
      case -1:
        guard !result.contains(nil) else { throw refusal("has two dimensions of -1") }
        result.append(nil)
      case 0 where !allowsZero:
        guard index < dimensions.count else { throw refusal("copies a dimension that the value does not have") }
        result.append(dimensions[index])
        if case .size(let size) = dimensions[index] { known *= size }
        if case .batch(let count?) = dimensions[index] { known *= count }
      case 1...Int64(Network.maximumWeights):
        result.append(.size(Int(number)))
        known *= Int(number)
      default: throw refusal("has a dimension of \(number), which no value has")
      }
      // No number above is greater than maximumWeights, 2^22, so the next product fits.
      guard known <= 1 << 40 else { throw refusal("has more numbers than the value") }
    }
    return try placed(result, known: known, refusal)
  }

  /// Finds the batch among the dimensions of a new shape; `known` is the product of all that are not nil.
  private func placed(
    _ dimensions: [Dimension?], known: Int, _ refusal: (String) -> NetworkError
  ) throws(NetworkError) -> ONNXShape {
    var result = dimensions
    let features = featureCount
    let hole = result.firstIndex { $0 == nil }
    switch batchIndex.map({ self.dimensions[$0] }) {
    case .batch(nil):
      // The number of points is not known, so either it was copied or -1 stands for it alone.
      let isCopied = result.contains(.batch(nil))
      if let hole, isCopied {
        guard features.isMultiple(of: known) else { throw refusal("does not fit") }
        result[hole] = .size(features / known)
      } else if let hole {
        guard known == features else { throw refusal("does not keep the points of the batch apart") }
        result[hole] = .batch(nil)
      } else {
        guard isCopied else { throw refusal("fixes the size of the batch") }
        guard known == features else { throw refusal("does not fit") }
      }
    case .batch(let count?):
      // At most maximumWidth · maximumWeights.
      let total = features * count
      if let hole {
        guard total.isMultiple(of: known) else { throw refusal("does not fit") }
        result[hole] = .size(total / known)
      } else if known != total {
        throw refusal("does not fit")
      }
      guard !result.contains(.batch(count)) else { break }
      guard let first = result.firstIndex(where: { $0 != .size(1) }), result[first] == .size(count) else {
        throw refusal("does not keep the points of the batch apart")
      }
      result[first] = .batch(count)
    default:
      if let hole {
        guard features.isMultiple(of: known) else { throw refusal("does not fit") }
        result[hole] = .size(features / known)
      } else if known != features {
        throw refusal("does not fit")
      }
    }
    let shape = ONNXShape(result.compactMap(\.self))
    guard shape.featureCount == features, shape.keepsPointsApart else {
      throw refusal("does not keep the points of the batch apart")
    }
    return shape
  }

  private var keepsPointsApart: Bool {
    guard let batchIndex else { return true }
    return dimensions[..<batchIndex].allSatisfy { $0 == .size(1) }
  }

  /// Flatten: the dimensions before `axis` become one, those from there on another. Nil when the points would not stay
  /// one dimension.
  func flattened(axis: Int64) -> ONNXShape? {
    let rank = Int64(dimensions.count)
    guard (-rank...rank).contains(axis) else { return nil }
    let cut = Int(axis < 0 ? axis + rank : axis)
    func merged(_ part: ArraySlice<Dimension>) -> Dimension? {
      let sizes = ONNXShape(Array(part)).featureCount
      guard let batch = part.first(where: { if case .batch = $0 { true } else { false } }) else { return .size(sizes) }
      return sizes == 1 ? batch : nil
    }
    guard let first = merged(dimensions[..<cut]), let second = merged(dimensions[cut...]) else { return nil }
    let shape = ONNXShape([first, second])
    return shape.keepsPointsApart ? shape : nil
  }

  /// Without the dimensions of one at `axes`; without any dimension of one when there are no axes.
  func squeezed(axes: [Int64]?, node: String) throws(NetworkError) -> ONNXShape {
    guard let axes else {
      if batchIndex.map({ dimensions[$0] }) == .batch(nil) {
        throw NetworkError(
          .unsupported, "\(node) without axes removes the batch when it is one point; name the axes when exporting")
      }
      return ONNXShape(dimensions.filter { $0 != .size(1) })
    }
    let indices = try resolved(axes, rank: dimensions.count, node: node)
    for index in indices where dimensions[index] != .size(1) {
      throw NetworkError(
        .unsupported,
        "\(node): dimension \(index) of the shape \(self) is not one; only dimensions of size 1 can be removed")
    }
    return ONNXShape(dimensions.indices.filter { !indices.contains($0) }.map { dimensions[$0] })
  }

  /// With dimensions of one at `axes` of the result.
  func unsqueezed(axes: [Int64], node: String) throws(NetworkError) -> ONNXShape {
    let rank = dimensions.count + axes.count
    guard rank <= Self.maximumRank else {
      throw NetworkError(.tooLarge, "\(node): more than \(Self.maximumRank) dimensions; fewer are supported")
    }
    let indices = try resolved(axes, rank: rank, node: node)
    var rest = dimensions[...]
    return ONNXShape((0..<rank).map { indices.contains($0) ? .size(1) : rest.removeFirst() })
  }

  private func resolved(_ axes: [Int64], rank: Int, node: String) throws(NetworkError) -> Set<Int> {
    var indices: Set<Int> = []
    for axis in axes {
      guard (-Int64(rank)..<Int64(rank)).contains(axis),
        indices.insert(Int(axis < 0 ? axis + Int64(rank) : axis)).inserted
      else {
        throw NetworkError(
          .malformed, "\(node): axis \(axis) of a shape of \(rank) dimensions is out of range or twice")
      }
    }
    return indices
  }
}
