/// Adam (Kingma and Ba, ICLR 2015, Algorithm 1) with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).
struct Adam: Codable, Sendable, Hashable {
  let beta1: Double
  let beta2: Double
  private(set) var first: [Double]
  private(set) var second: [Double]
  /// β₁ and β₂ to the number of steps taken, kept as products so that no power function is needed.
  private(set) var power1 = 1.0
  private(set) var power2 = 1.0

  init(parameterCount: Int, beta1: Double, beta2: Double) {
    self.beta1 = beta1
    self.beta2 = beta2
    first = Array(repeating: 0, count: parameterCount)
    second = first
  }

  /// One step against `gradient`; `decay` shrinks what `decayed` marks.
  mutating func step(
    _ parameters: inout [Double], gradient: [Double], rate: Double, decay: Double, decayed: [Bool]
  ) {
    precondition(parameters.count == first.count && gradient.count == first.count && decayed.count == first.count)
    power1 *= beta1
    power2 *= beta2
    let correction1 = 1 / (1 - power1)
    let correction2 = 1 / (1 - power2)
    for index in parameters.indices {
      let g = gradient[index]
      first[index] = beta1 * first[index] + (1 - beta1) * g
      second[index] = beta2 * second[index] + (1 - beta2) * (g * g)
      if decayed[index] { parameters[index] -= rate * decay * parameters[index] }
      parameters[index] -= rate * (first[index] * correction1) / ((second[index] * correction2).squareRoot() + 1e-8)
    }
  }
}
