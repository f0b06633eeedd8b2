internal import ExactArithmetic
internal import Networks
internal import ProofChecking
internal import Specifications

/// What can be said of a network on a cell without any solver and without the integer routine: exact interval bounds
/// of every pre-activation, and which pre-activations are identically zero.
///
/// The audit of a leaf must not rest on what accepted the leaf. So this is written anew, in rationals.
struct CellForms {
  /// 1 and −1 for hidden neurons that intervals show to be active or inactive on the whole box, 0 for the others.
  private(set) var phases: [Int8] = []
  /// One per hidden neuron: whether its pre-activation is zero at every point of the cell.
  private(set) var isIdenticallyZero: [Bool] = []

  /// An affine form in unknowns: the inputs, and what rectified neurons of open phase give. Two neurons whose
  /// pre-activations are the same form give the same unknown, so that duplicates cancel.
  private struct Form: Hashable {
    var coefficients: [Int: Rational] = [:]
    var constant = Rational.zero

    mutating func add(_ other: Form, times factor: Rational) {
      constant += factor * other.constant
      for (unknown, coefficient) in other.coefficients {
        let sum = coefficients[unknown, default: .zero] + factor * coefficient
        coefficients[unknown] = sum.isZero ? nil : sum
      }
    }
  }

  /// - Complexity: for w neurons a layer O(w²) rational operations a layer for the bounds and up to O(w³) for the forms.
  init(network: ExactNetwork, box: [ClosedRange<Rational>], premises: [Int8]) {
    var forms = box.enumerated().map { i, interval in
      // An input that the box fixes is a number.
      interval.lowerBound == interval.upperBound
        ? Form(constant: interval.lowerBound) : Form(coefficients: [i: .one])
    }
    var ranges = box
    var unknowns: [Form: Int] = [:]
    var g = 0
    for layer in network.hiddenLayers {
      var nextForms: [Form] = []
      var nextRanges: [ClosedRange<Rational>] = []
      for j in 0..<layer.outputCount {
        var form = Form(constant: layer.biases[j].rational)
        var (low, high) = (form.constant, form.constant)
        for i in 0..<layer.inputCount {
          let weight = layer.weight(neuron: j, input: i).rational
          if weight.isZero { continue }
          form.add(forms[i], times: weight)
          let ends = (weight * ranges[i].lowerBound, weight * ranges[i].upperBound)
          low += min(ends.0, ends.1)
          high += max(ends.0, ends.1)
        }
        let isZero = form.coefficients.isEmpty && form.constant.isZero
        let phase: Int8 = isZero || !high.isPositive ? -1 : !low.isNegative ? 1 : 0
        phases.append(phase)
        isIdenticallyZero.append(isZero)
        switch phase != 0 ? phase : premises[g] {
        case 1: nextForms.append(form)
        case -1: nextForms.append(Form())
        default:
          // Beyond the numbers of the inputs.
          let unknown = unknowns[form] ?? box.count + unknowns.count
          unknowns[form] = unknown
          nextForms.append(Form(coefficients: [unknown: .one]))
        }
        // A premise holds in the cell, so the range of what the neuron gives may use it.
        let isOff = phase == -1 || premises[g] == -1
        nextRanges.append(isOff ? .zero ... .zero : max(low, .zero)...max(high, .zero))
        g += 1
      }
      forms = nextForms
      ranges = nextRanges
    }
  }
}
