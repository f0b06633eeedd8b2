/// The two transcendental functions that training needs, from additions, multiplications and divisions alone.
///
/// A C library's versions differ in the last bit between releases and between processors, and one bit is enough for
/// another network; these do not. Relative error below 2^−45, ample for a loss.
enum ElementaryFunctions {
  /// e^x for |x| ≤ 64: e^x = 2^k · e^r with |r| ≤ ln 2 / 2, and the Taylor polynomial of degree 13 for e^r.
  static func exponential(_ x: Double) -> Double {
    let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
    let r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33
    var sum = 1.0
    var n = 13.0
    while n >= 1 {
      sum = 1 + sum * r / n
      n -= 1
    }
    return Double(sign: .plus, exponent: Int(k), significand: sum)
  }

  static func hyperbolicTangent(_ x: Double) -> Double {
    if x > 20 { return 1 }
    if x < -20 { return -1 }
    return 1 - 2 / (exponential(2 * x) + 1)
  }
}
