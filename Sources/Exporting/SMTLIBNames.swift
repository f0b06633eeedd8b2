internal import ExactArithmetic
internal import Specifications

/// The symbols of an exported file.
///
/// A feature or output keeps its name; at one of two points it is written as in a specification, `x.cores`. Names of a
/// specification have letters, digits and `_` only and begin with no digit, so that everything else (`h1.3`, the
/// post-activation of the third neuron of the first hidden layer) can be told from them by its dot and digit.
struct SMTLIBNames {
  /// One list per point.
  let inputs: [[String]]
  let outputs: [[String]]
  /// What symbols of neurons begin with, one per point.
  let prefixes: [String]

  /// - Parameter points: The names of the points.
  init(features: [String], outputs: [String], points: [String]) {
    let prefixes = points.count == 1 ? [""] : points.map { $0 + "." }
    func names(_ own: [String], _ kind: String) -> [[String]] {
      prefixes.map { prefix in
        own.map { name in
          // A word that cannot be declared gets its kind behind it: `|let feature|`.
          let isTaken = prefix.isEmpty && SMTLIBSyntax.taken.contains(name)
          return SMTLIBSyntax.symbol(isTaken ? "\(name) \(kind)" : prefix + name)
        }
      }
    }
    self.prefixes = prefixes
    inputs = names(features, "feature")
    self.outputs = names(outputs, "output")
  }

  /// The pre-activation of a neuron; layers and neurons count from 1.
  func pre(_ point: Int, _ layer: Int, _ neuron: Int) -> String { neuronName("z", point, layer, neuron) }
  /// Its post-activation.
  func post(_ point: Int, _ layer: Int, _ neuron: Int) -> String { neuronName("h", point, layer, neuron) }

  /// The derivative of a pre-activation along a feature.
  func preSlope(_ feature: String, _ layer: Int, _ neuron: Int) -> String {
    SMTLIBSyntax.symbol("dz\(layer + 1).\(neuron + 1)/\(feature)")
  }

  func postSlope(_ feature: String, _ layer: Int, _ neuron: Int) -> String {
    SMTLIBSyntax.symbol("dh\(layer + 1).\(neuron + 1)/\(feature)")
  }

  func outputSlope(_ output: String, _ feature: String) -> String { SMTLIBSyntax.symbol("d.\(output)/\(feature)") }

  private func neuronName(_ letter: String, _ point: Int, _ layer: Int, _ neuron: Int) -> String {
    SMTLIBSyntax.symbol("\(prefixes[point])\(letter)\(layer + 1).\(neuron + 1)")
  }
}
