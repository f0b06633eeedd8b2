import Testing

@testable import Networks

@Suite struct ONNXShapeTests {
  /// `nil` stands for the batch.
  private func shape(_ dimensions: [Int?], batch: Int? = nil) -> ONNXShape {
    ONNXShape(dimensions.map { $0.map { .size($0) } ?? .batch(batch) })
  }

  private func reshaped(_ value: ONNXShape, _ target: [Int64], allowsZero: Bool = false) -> ONNXShape? {
    try? value.reshaped(to: target, allowsZero: allowsZero, node: "node")
  }

  @Test func reshapesThatKeepThePointsApart() {
    let value = shape([nil, 2, 3])
    #expect(reshaped(value, [-1, 6]) == shape([nil, 6]))
    #expect(reshaped(value, [0, -1]) == shape([nil, 6]))
    #expect(reshaped(value, [0, 3, 2]) == shape([nil, 3, 2]))
    #expect(reshaped(value, [1, -1, 6]) == shape([1, nil, 6]))
    #expect(reshaped(value, [0, 0, -1, 1]) == shape([nil, 2, 3, 1]))
    #expect(reshaped(shape([nil, 1]), [-1]) == shape([nil]))
    let fixed = shape([nil, 6], batch: 4)
    #expect(reshaped(fixed, [4, 6]) == fixed)
    #expect(reshaped(fixed, [-1, 2, 3]) == shape([nil, 2, 3], batch: 4))
    #expect(reshaped(fixed, [0, -1]) == fixed)
    #expect(reshaped(fixed, [1, 4, -1]) == shape([1, nil, 6], batch: 4))
    let one = shape([1, 6])
    #expect(reshaped(one, [6]) == shape([6]))
    #expect(reshaped(one, [-1, 3]) == shape([2, 3]))
    #expect(reshaped(one, [0, 0]) == one)
    #expect(reshaped(shape([1]), []) == shape([]))
  }

  @Test func reshapesThatMixPointsOrDoNotFit() {
    let value = shape([nil, 6])
    for target: [Int64] in [
      [-1, 3], [-1], [6, -1], [3, 2], [1, 6], [0, 3], [0, 4], [-1, -1], [0, 0, 0], [2, 0, 3], [-2, 6],
    ] {
      #expect(reshaped(value, target) == nil, "\(target)")
    }
    #expect(reshaped(value, [0, -1], allowsZero: true) == nil)
    let fixed = shape([nil, 6], batch: 4)
    for target: [Int64] in [[6, 4], [2, 12], [24], [4, 5], [2, 2, 6], [3, -1], [1, 24]] {
      #expect(reshaped(fixed, target) == nil, "\(target)")
    }
    #expect(reshaped(shape([1, 6]), [5]) == nil)
    #expect(reshaped(shape([1, 6]), [4, -1]) == nil)
    // Products that do not fit an Int.
    #expect(reshaped(shape([1, 6]), Array(repeating: 4_000_000, count: 16)) == nil)
    #expect(reshaped(shape([1, 6]), [.max]) == nil)
    #expect(reshaped(shape([1, 6]), Array(repeating: 1, count: 17)) == nil)
  }

  @Test func flattening() {
    #expect(shape([nil, 2, 3]).flattened(axis: 1) == shape([nil, 6]))
    #expect(shape([nil, 2, 3]).flattened(axis: -2) == shape([nil, 6]))
    #expect(shape([nil, 2, 3]).flattened(axis: 2) == nil)
    #expect(shape([nil, 2, 3]).flattened(axis: 0) == nil)
    #expect(shape([nil, 2, 3]).flattened(axis: 4) == nil)
    #expect(shape([nil, 2, 3]).flattened(axis: .min) == nil)
    #expect(shape([nil, 1]).flattened(axis: 0) == shape([1, nil]))
    #expect(shape([1, 2, 3]).flattened(axis: 2) == shape([2, 3]))
    #expect(shape([6]).flattened(axis: 0) == shape([1, 6]))
  }

  @Test func dimensionsOfOneComeAndGo() throws {
    #expect(try shape([1, nil, 1, 6]).squeezed(axes: [0, -2], node: "node") == shape([nil, 6]))
    #expect(try shape([1, 6]).squeezed(axes: nil, node: "node") == shape([6]))
    #expect(throws: NetworkError.self) { try shape([nil, 6]).squeezed(axes: nil, node: "node") }
    #expect(throws: NetworkError.self) { try shape([nil, 6]).squeezed(axes: [0], node: "node") }
    #expect(throws: NetworkError.self) { try shape([nil, 6]).squeezed(axes: [1], node: "node") }
    #expect(throws: NetworkError.self) { try shape([1, 6]).squeezed(axes: [0, -2], node: "node") }
    #expect(throws: NetworkError.self) { try shape([1, 6]).squeezed(axes: [.min], node: "node") }
    #expect(try shape([nil, 6]).unsqueezed(axes: [0, -1], node: "node") == shape([1, nil, 6, 1]))
    #expect(throws: NetworkError.self) { try shape([nil, 6]).unsqueezed(axes: [3], node: "node") }
    #expect(throws: NetworkError.self) {
      try shape([nil, 6]).unsqueezed(axes: (0..<15).map { $0 }, node: "node")
    }
  }

  @Test func constantsSpreadOverFeatures() throws {
    let value = shape([nil, 2, 3])
    #expect(value.combined(with: [2, 1]) == value)
    #expect(value.spread([10, 20], of: [2, 1]) == [10, 10, 10, 20, 20, 20])
    #expect(value.spread([1, 2, 3], of: [3]) == [1, 2, 3, 1, 2, 3])
    #expect(value.spread([7], of: []) == [7, 7, 7, 7, 7, 7])
    #expect(value.combined(with: [1, 1, 2, 3]) == shape([1, nil, 2, 3]))
    #expect(value.combined(with: [2]) == nil)
    #expect(value.combined(with: [4, 2, 3]) == nil)
    #expect(shape([nil, 2], batch: 4).combined(with: [4, 2]) == nil)
    #expect(shape([nil, 1]).combined(with: [2]) == nil)
  }

  /// Against all small shapes: what is accepted moves no number of any batch.
  @Test func acceptedReshapesKeepEveryRow() throws {
    var accepted = 0
    for batch in [2, 3] {
      for features in [[1], [2], [3], [4], [2, 2], [2, 3]] {
        for isFixed in [false, true] {
          let value = shape([nil] + features.map { $0 }, batch: isFixed ? batch : nil)
          let width = value.featureCount
          for first in -1...6 {
            for second in -1...6 {
              for target in [[Int64(first)], [Int64(first), Int64(second)], [Int64(first), Int64(second), 2]] {
                guard let result = reshaped(value, target) else { continue }
                accepted += 1
                // Row-major order: the point of element e is e / width, so the batch must be the first dimension that
                // is not one, and all after it one point.
                let index = try #require(result.dimensions.firstIndex { if case .batch = $0 { true } else { false } })
                #expect(result.dimensions[..<index].allSatisfy { $0 == .size(1) })
                #expect(result.featureCount == width)
                // What ONNX computes for this batch has the same dimensions.
                let sizes = result.dimensions.map { if case .size(let size) = $0 { size } else { batch } }
                var resolved = target.enumerated().map { offset, number in
                  number == 0 ? ([batch] + features)[offset] : Int(number)
                }
                if let hole = resolved.firstIndex(of: -1) {
                  resolved[hole] = batch * width / resolved.filter { $0 != -1 }.reduce(1, *)
                }
                #expect(resolved == sizes, "\(value) to \(target)")
              }
            }
          }
        }
      }
    }
    #expect(accepted > 100)
  }
}
