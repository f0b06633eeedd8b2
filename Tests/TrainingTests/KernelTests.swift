import Foundation
import Testing

@testable import Training

@Suite struct KernelTests {
  /// Every remainder of rows modulo four, and several blocks.
  @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9], [1, 3, 4, 6])
  func productEqualsScalarLoopsBitForBit(rows: Int, depth: Int) {
    var generator = RandomGenerator(seed: UInt64(rows * 100 + depth))
    let columns = 10
    let weights = (0..<rows * depth).map { _ in generator.unit() - 0.5 }
    let biases = (0..<rows).map { _ in generator.unit() - 0.5 }
    let input = random(rows: depth, columns: columns, &generator)
    for (rowStride, depthStride) in [(depth, 1), (1, rows)] {
      for rectified in [false, true] {
        var output = SampleMatrix(rows: rows, columns: columns)
        Kernels.product(
          weights: weights, rowStride: rowStride, depthStride: depthStride, rows: rows, depth: depth, biases: biases,
          rectified: rectified, input: input.values, inputStride: input.stride, output: &output.values,
          outputStride: output.stride, blocks: output.stride)
        for row in 0..<rows {
          for column in 0..<columns {
            var sum = biases[row]
            for d in 0..<depth { sum += weights[row * rowStride + d * depthStride] * input[d, column] }
            #expect(output[row, column] == (rectified && sum < 0 ? 0 : sum))
          }
        }
      }
    }
  }

  @Test(arguments: [1, 3, 5], [1, 2, 4, 7, 9])
  func outerProductAddsTheScalarSums(rows: Int, columns: Int) {
    var generator = RandomGenerator(seed: UInt64(rows * 100 + columns))
    let samples = 12
    let left = random(rows: rows, columns: samples, &generator)
    let right = random(rows: columns, columns: samples, &generator)
    var result = [Double](repeating: 7, count: rows * columns)
    Kernels.accumulateOuterProduct(
      left: left.values, leftStride: left.stride, rows: rows, right: right.values, rightStride: right.stride,
      columns: columns, blocks: left.stride, result: &result)
    for r in 0..<rows {
      for c in 0..<columns {
        let sum = (0..<samples).reduce(7.0) { $0 + left[r, $1] * right[c, $1] }
        #expect(abs(result[r * columns + c] - sum) < 1e-13)
      }
    }
  }

  @Test func maskClearsWhatInactiveNeuronsHold() {
    var values = SampleMatrix(rows: 1, columns: 4)
    var activations = values
    for column in 0..<4 { values[0, column] = 5 }
    activations[0, 1] = 0.25
    activations[0, 3] = 2
    Kernels.mask(
      &values.values, stride: 1, activations: activations.values, activationStride: 1, rows: 1, blocks: 1)
    #expect((0..<4).map { values[0, $0] } == [0, 5, 0, 5])
  }

  @Test func elementaryFunctionsAgreeWithTheLibrary() {
    for step in -640...640 {
      let x = Double(step) / 10
      #expect(abs(ElementaryFunctions.exponential(x) / exp(x) - 1) < 0x1p-45)
      #expect(abs(ElementaryFunctions.hyperbolicTangent(x) - tanh(x)) < 0x1p-45)
    }
  }

  private func random(rows: Int, columns: Int, _ generator: inout RandomGenerator) -> SampleMatrix {
    var matrix = SampleMatrix(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns { matrix[row, column] = generator.unit() - 0.5 }
    }
    return matrix
  }
}

@Suite struct RandomGeneratorTests {
  /// The first outputs of the authors' reference code for the state 1, 2, 3, 4.
  @Test func givesTheReferenceSequence() throws {
    var generator = try JSONDecoder().decode(RandomGenerator.self, from: Data(#"{"s0":1,"s1":2,"s2":3,"s3":4}"#.utf8))
    #expect((0..<4).map { _ in generator.next() } == [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240])
  }

  @Test func continuesFromItsEncodedState() throws {
    var generator = RandomGenerator(seed: 3)
    _ = generator.next()
    var copy = try JSONDecoder().decode(RandomGenerator.self, from: JSONEncoder().encode(generator))
    #expect((0..<8).map { _ in copy.next() } == (0..<8).map { _ in generator.next() })
  }

  @Test func integersStayBelowTheirBoundAndShufflesArePermutations() {
    var generator = RandomGenerator(seed: 9)
    var seen = Set<Int>()
    for _ in 0..<200 { seen.insert(generator.integer(below: 7)) }
    #expect(seen == Set(0..<7))
    var elements = Array(0..<50)
    generator.shuffle(&elements)
    #expect(elements != Array(0..<50))
    #expect(elements.sorted() == Array(0..<50))
  }
}
