/// The dyadic grid on which trained numbers end.
struct SnappingGrid: Sendable, Hashable {
  let weightBits: Int
  let biasBits: Int

  /// The nearest multiples of 2^−`weightBits` and 2^−`biasBits`, ties to even.
  func snapped(_ parameters: [Double], isWeight: [Bool]) -> [Double] {
    let weightUnit = Double(sign: .plus, exponent: weightBits, significand: 1)
    let biasUnit = Double(sign: .plus, exponent: biasBits, significand: 1)
    return zip(parameters, isWeight).map { value, isWeight in
      let unit = isWeight ? weightUnit : biasUnit
      // Adding zero turns a negative zero into zero.
      return (value * unit).rounded(.toNearestOrEven) / unit + 0
    }
  }

  /// `parameters` with every weight smaller than `threshold` replaced by zero.
  static func pruned(_ parameters: [Double], isWeight: [Bool], below threshold: Double) -> [Double] {
    zip(parameters, isWeight).map { $1 && $0.magnitude < threshold ? 0 : $0 }
  }
}
