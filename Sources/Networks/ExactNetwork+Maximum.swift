public import ExactArithmetic

extension ExactNetwork {
  /// x ↦ max over j of Σ weights[j, k]·f_k(x) + biases[j], on a box: a network with one output.
  ///
  /// max(a, b) = a + relu(b − a), pair by pair; a itself passes as relu(a − l) + l with a lower bound l of a, found by
  /// interval arithmetic. Outside the box the function is another one.
  /// - Parameter rows: One row per member of the maximum.
  /// - Precondition: `rows` reads this network's outputs; `region` has one interval per input.
  public func maximum(of rows: ExactLayer, over region: [ClosedRange<Rational>]) -> ExactNetwork {
    precondition(rows.inputCount == outputCount && region.count == inputCount)
    var result = Array(hiddenLayers)
    var values = rows.composed(after: layers[layers.count - 1])
    var ranges = values.ranges(over: lastHiddenRanges(over: region))
    // Each turn halves the number of members.
    while values.outputCount > 1 {
      let pairs = values.outputCount / 2
      let isOdd = values.outputCount % 2 == 1
      var neurons = LayerRows(columns: values.inputCount)
      // The next values as functions of the neurons of this layer.
      var next = LayerRows(columns: 2 * pairs + (isOdd ? 1 : 0))
      var nextRanges: [DyadicRange] = []
      for pair in 0..<pairs {
        let (a, b) = (2 * pair, 2 * pair + 1)
        let offset = ranges[a].offset
        neurons.append(values.row(a), values.biases[a] - offset)
        neurons.append(
          zip(values.row(b), values.row(a)).map { $0 - $1 }, values.biases[b] - values.biases[a])
        next.append(ones: [a, b], offset)
        nextRanges.append(ranges[a].maximum(ranges[b]))
      }
      if isOdd {
        let last = values.outputCount - 1
        let offset = ranges[last].offset
        neurons.append(values.row(last), values.biases[last] - offset)
        next.append(ones: [last], offset)
        nextRanges.append(ranges[last])
      }
      result.append(neurons.layer)
      values = next.layer
      ranges = nextRanges
    }
    return ExactNetwork(layers: result + [values])
  }
}

extension ExactLayer {
  fileprivate func row(_ neuron: Int) -> ArraySlice<Dyadic> {
    weights[(neuron * inputCount)..<((neuron + 1) * inputCount)]
  }
}

/// A layer under construction, row by row.
struct LayerRows {
  let columns: Int
  private var weights: [Dyadic] = []
  private var biases: [Dyadic] = []

  init(columns: Int) { self.columns = columns }

  mutating func append(_ row: some Collection<Dyadic>, _ bias: Dyadic) {
    precondition(row.count == columns)
    weights += row
    biases.append(bias)
  }

  /// A row with the weight one in some columns and zero elsewhere.
  mutating func append(ones: [Int], _ bias: Dyadic) {
    var row = [Dyadic](repeating: .zero, count: columns)
    for column in ones { row[column] = .one }
    append(row, bias)
  }

  var layer: ExactLayer {
    ExactLayer(inputCount: columns, outputCount: biases.count, weights: weights, biases: biases)
  }
}
