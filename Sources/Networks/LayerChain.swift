internal import ExactArithmetic

/// Layers under construction, appended one operator at a time, without ever rounding.
struct LayerChain {
  private(set) var layers: [Layer] = []
  /// The number of features after the last layer.
  private(set) var width: Int
  private var weightCount = 0

  /// - Precondition: 1 ≤ `width` ≤ ``Network/maximumWidth``.
  init(width: Int) {
    self.width = width
  }

  /// Whether an affine layer ends the chain, so that the next operator may still change it.
  private var openLayer: Layer? {
    guard let last = layers.last, !last.isRectified else { return nil }
    return last
  }

  /// Checks the bounds of ``Network`` for one more layer, before anything of its size is allocated.
  func requireRoom(outputs: Int, node: String) throws(NetworkError) {
    // Widths up to 2^31 come from tensors, so the product fits.
    guard outputs <= Network.maximumWidth, layers.count < Network.maximumLayers,
      weightCount + width * outputs <= Network.maximumWeights
    else {
      throw NetworkError(
        .tooLarge,
        "\(node): the network gets too large; at most \(Network.maximumLayers) layers, \(Network.maximumWidth) neurons "
          + "each and \(Network.maximumWeights) weights are supported")
    }
  }

  /// Appends y = W·x + b; `weights` row-major, one row per output.
  mutating func append(weights: [Double], biases: [Double], node: String) throws(NetworkError) {
    try requireRoom(outputs: biases.count, node: node)
    let layer = try Layer(
      inputCount: width, outputCount: biases.count, weights: weights, biases: biases, isRectified: false)
    layers.append(layer)
    weightCount += weights.count
    width = biases.count
  }

  /// Appends y[i] = factors[i]·x[i] + shifts[i].
  mutating func append(factors: [Double], shifts: [Double], node: String) throws(NetworkError) {
    try requireRoom(outputs: width, node: node)
    var weights = [Double](repeating: 0, count: width * width)
    for (index, factor) in factors.enumerated() { weights[index * width + index] = factor }
    try append(weights: weights, biases: shifts, node: node)
  }

  /// Appends y = x + shifts; into the layer before where its biases are zero, which is exact.
  mutating func shift(by shifts: [Double], node: String) throws(NetworkError) {
    guard let open = openLayer, open.biases.allSatisfy({ $0 == 0 }) else {
      return try append(factors: Array(repeating: 1, count: width), shifts: shifts, node: node)
    }
    try replaceLast(weights: open.weights, biases: shifts, isRectified: false)
  }

  /// Appends y[i] = x[i] / divisors[i]: as a factor where the reciprocal is exact, otherwise by dividing the numbers
  /// of the affine layer before where every quotient is exact. Returns false when neither is.
  /// - Precondition: no divisor is zero.
  mutating func divide(by divisors: [Double], node: String) throws(NetworkError) -> Bool {
    let reciprocals = divisors.compactMap { exactQuotient(1, $0) }
    if reciprocals.count == divisors.count {
      try append(factors: reciprocals, shifts: Array(repeating: 0, count: width), node: node)
      return true
    }
    guard let open = openLayer else { return false }
    var weights: [Double] = []
    var biases: [Double] = []
    for (neuron, divisor) in divisors.enumerated() {
      for input in 0..<open.inputCount {
        guard let quotient = exactQuotient(open.weight(neuron: neuron, input: input), divisor) else { return false }
        weights.append(quotient)
      }
      guard let quotient = exactQuotient(open.biases[neuron], divisor) else { return false }
      biases.append(quotient)
    }
    try replaceLast(weights: weights, biases: biases, isRectified: false)
    return true
  }

  /// Appends y = max(0, x). A second ReLU in a row changes nothing.
  mutating func rectify(node: String) throws(NetworkError) {
    if let last = layers.last, last.isRectified { return }
    if openLayer == nil {
      let (ones, zeros) = (Array(repeating: 1.0, count: width), Array(repeating: 0.0, count: width))
      try append(factors: ones, shifts: zeros, node: node)
    }
    guard let open = openLayer else { return }
    try replaceLast(weights: open.weights, biases: open.biases, isRectified: true)
  }

  private mutating func replaceLast(weights: [Double], biases: [Double], isRectified: Bool) throws(NetworkError) {
    guard let last = layers.last else { return }
    layers[layers.count - 1] = try Layer(
      inputCount: last.inputCount, outputCount: last.outputCount, weights: weights, biases: biases,
      isRectified: isRectified)
  }

  /// The network. A ReLU at the end gets an identity layer after it, since the output of a ``Network`` is affine.
  func network() throws(NetworkError) -> Network {
    guard !layers.isEmpty else {
      throw NetworkError(.unsupported, "the graph has no layer: its output is its input")
    }
    var chain = self
    if openLayer == nil {
      let (ones, zeros) = (Array(repeating: 1.0, count: width), Array(repeating: 0.0, count: width))
      try chain.append(factors: ones, shifts: zeros, node: "the output")
    }
    return try Network(layers: chain.layers)
  }
}

/// left · right if that is a binary64 number, nil otherwise.
func exactProduct(_ left: Double, _ right: Double) -> Double? {
  let product = left * right
  // The rounding error of a product is itself a binary64 number unless it underflows, and fma computes it exactly
  // (Muller et al., Handbook of Floating-Point Arithmetic, §4.4).
  if product.isFinite, product.magnitude > 0x1p-900 {
    return (-product).addingProduct(left, right) == 0 ? product : nil
  }
  guard let left = Dyadic(exactly: left), let right = Dyadic(exactly: right) else { return nil }
  return (left * right).double
}

/// dividend / divisor if that is a binary64 number, nil otherwise.
func exactQuotient(_ dividend: Double, _ divisor: Double) -> Double? {
  let quotient = dividend / divisor
  // q = a/b exactly when q·b − a is zero, which fma decides unless the difference underflows.
  if quotient.isFinite, dividend.magnitude > 0x1p-900, quotient.magnitude > 0x1p-900 {
    return (-dividend).addingProduct(quotient, divisor) == 0 ? quotient : nil
  }
  guard divisor != 0, let top = Rational(exactly: dividend), let bottom = Rational(exactly: divisor) else { return nil }
  return Dyadic(exactly: top / bottom)?.double
}
