/// Four samples beside each other.
typealias Lanes = SIMD4<Double>

/// A matrix with one row per neuron and one column per sample; four columns make a block.
///
/// Samples lie along the lanes, so a layer is broadcasts, multiplications and additions: no sum runs across lanes, and
/// the order of every sum is fixed whatever the batch.
struct SampleMatrix: Sendable, Hashable {
  let rows: Int
  /// Blocks in a row, used or not.
  let stride: Int
  var values: [Lanes]

  init(rows: Int, columns: Int) {
    self.rows = rows
    stride = (columns + Lanes.scalarCount - 1) / Lanes.scalarCount
    values = Array(repeating: .zero, count: rows * stride)
  }

  subscript(row: Int, column: Int) -> Double {
    get { values[row * stride + column >> 2][column & 3] }
    set { values[row * stride + column >> 2][column & 3] = newValue }
  }

  /// Sets the first `blocks` blocks of every row to zero.
  mutating func clear(blocks: Int) {
    for row in 0..<rows {
      for block in 0..<blocks { values[row * stride + block] = .zero }
    }
  }
}

/// The inner loops of training, in multiplications and additions only: on x86-64 without FMA as a target a fused
/// operation would be a library call, and unfused binary64 gives the same bits on every machine.
enum Kernels {
  /// output[r][s] = biases[r] + Σ_d weight(r, d) · input[d][s], in the order of d, where
  /// weight(r, d) = weights[r·`rowStride` + d·`depthStride`]; negative results become zero when `rectified`.
  ///
  /// Swapping the two strides multiplies with the transpose. Rows are done four at a time, so that each block of
  /// samples is loaded once for four neurons.
  /// - Complexity: `rows` · `depth` · `blocks` multiplications of four lanes.
  static func product(
    weights: UnsafePointer<Double>, rowStride: Int, depthStride: Int, rows: Int, depth: Int,
    biases: UnsafePointer<Double>?, rectified: Bool,
    input: UnsafePointer<Lanes>, inputStride: Int,
    output: UnsafeMutablePointer<Lanes>, outputStride: Int, blocks: Int
  ) {
    var row = 0
    while row + 4 <= rows {
      let w0 = weights + row * rowStride
      let w1 = w0 + rowStride
      let w2 = w1 + rowStride
      let w3 = w2 + rowStride
      var b0 = Lanes.zero
      var b1 = Lanes.zero
      var b2 = Lanes.zero
      var b3 = Lanes.zero
      if let biases {
        b0 = Lanes(repeating: biases[row])
        b1 = Lanes(repeating: biases[row + 1])
        b2 = Lanes(repeating: biases[row + 2])
        b3 = Lanes(repeating: biases[row + 3])
      }
      let out = output + row * outputStride
      var block = 0
      while block < blocks {
        var a0 = b0
        var a1 = b1
        var a2 = b2
        var a3 = b3
        var d = 0
        while d < depth {
          let x = input[d * inputStride + block]
          let at = d * depthStride
          a0 += w0[at] * x
          a1 += w1[at] * x
          a2 += w2[at] * x
          a3 += w3[at] * x
          d += 1
        }
        if rectified {
          a0.replace(with: 0, where: a0 .< 0)
          a1.replace(with: 0, where: a1 .< 0)
          a2.replace(with: 0, where: a2 .< 0)
          a3.replace(with: 0, where: a3 .< 0)
        }
        out[block] = a0
        out[block + outputStride] = a1
        out[block + 2 * outputStride] = a2
        out[block + 3 * outputStride] = a3
        block += 1
      }
      row += 4
    }
    while row < rows {
      let w = weights + row * rowStride
      let b = Lanes(repeating: biases?[row] ?? 0)
      var block = 0
      while block < blocks {
        var a = b
        var d = 0
        while d < depth {
          a += w[d * depthStride] * input[d * inputStride + block]
          d += 1
        }
        if rectified { a.replace(with: 0, where: a .< 0) }
        output[row * outputStride + block] = a
        block += 1
      }
      row += 1
    }
  }

  /// result[r·`columns` + c] += Σ_s left[r][s] · right[c][s]: the gradient of a weight matrix.
  ///
  /// The four lanes are summed apart and joined at the end in a fixed order.
  /// - Complexity: `rows` · `columns` · `blocks` multiplications of four lanes.
  static func accumulateOuterProduct(
    left: UnsafePointer<Lanes>, leftStride: Int, rows: Int,
    right: UnsafePointer<Lanes>, rightStride: Int, columns: Int,
    blocks: Int, result: UnsafeMutablePointer<Double>
  ) {
    var row = 0
    while row < rows {
      let l = left + row * leftStride
      let target = result + row * columns
      var column = 0
      while column + 4 <= columns {
        let r0 = right + column * rightStride
        let r1 = r0 + rightStride
        let r2 = r1 + rightStride
        let r3 = r2 + rightStride
        var a0 = Lanes.zero
        var a1 = Lanes.zero
        var a2 = Lanes.zero
        var a3 = Lanes.zero
        var block = 0
        while block < blocks {
          let x = l[block]
          a0 += x * r0[block]
          a1 += x * r1[block]
          a2 += x * r2[block]
          a3 += x * r3[block]
          block += 1
        }
        target[column] += joined(a0)
        target[column + 1] += joined(a1)
        target[column + 2] += joined(a2)
        target[column + 3] += joined(a3)
        column += 4
      }
      while column < columns {
        let r = right + column * rightStride
        var a = Lanes.zero
        var block = 0
        while block < blocks {
          a += l[block] * r[block]
          block += 1
        }
        target[column] += joined(a)
        column += 1
      }
      row += 1
    }
  }

  /// result[r] += Σ_s values[r][s]: the gradient of biases.
  static func accumulateRowSums(
    values: UnsafePointer<Lanes>, stride: Int, rows: Int, blocks: Int, result: UnsafeMutablePointer<Double>
  ) {
    for row in 0..<rows {
      var sum = Lanes.zero
      for block in 0..<blocks { sum += values[row * stride + block] }
      result[row] += joined(sum)
    }
  }

  /// Sets to zero what belongs to an inactive neuron, one whose value after the ReLU is zero.
  static func mask(
    _ values: UnsafeMutablePointer<Lanes>, stride: Int, activations: UnsafePointer<Lanes>, activationStride: Int,
    rows: Int, blocks: Int
  ) {
    var row = 0
    while row < rows {
      var block = 0
      while block < blocks {
        values[row * stride + block].replace(with: 0, where: activations[row * activationStride + block] .<= 0)
        block += 1
      }
      row += 1
    }
  }

  /// The sum of the lanes, in a fixed order.
  static func joined(_ lanes: Lanes) -> Double { (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) }
}
