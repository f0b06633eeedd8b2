import ExactArithmetic
import Specifications
import TestHelpers

/// Seeded specifications of one property of any kind over a few features.
struct RandomProperty {
  /// Some of them cannot be declared in SMT-LIB as they are.
  static let names = ["let", "abs", "cores", "par", "x", "Real", "load_1", "ite", "_", "h1", "true", "psi"]

  let text: String
  let specification: Specification
  var property: Property { specification.properties[0] }

  init(_ kind: Int, inputs: Int, outputs: Int, _ dice: inout Dice) throws(SpecificationError) {
    var names = Self.names
    func name(_ dice: inout Dice) -> String { names.remove(at: dice.below(names.count)) }
    let isLogarithmic = dice.chance(0.25)
    var text = "spec: vpals/v1\nfeatures:\n"
    var features: [String] = []
    for _ in 0..<inputs {
      let own = name(&dice)
      features.append(own)
      let low = Rational(dice.integer(in: -6...2), 3)
      let high = low + Rational(dice.integer(in: 1...9), 4)
      text += "  \(own): {domain: \(low.decimalOrFraction)..\(high.decimalOrFraction)}\n"
    }
    text += "outputs:\n"
    var results: [String] = []
    for _ in 0..<outputs {
      let own = name(&dice)
      results.append(own)
      text += "  \(own): {scale: \(isLogarithmic ? "log2" : "linear")}\n"
    }
    let output = dice.pick(results)
    let feature = dice.pick(features)
    let direction = dice.pick(["nondecreasing", "nondecreasing", "nonincreasing"])
    let amount = isLogarithmic ? "\(dice.integer(in: 1...90)) percent" : "\(dice.integer(in: 1...30))/10"
    text += "properties:\n  - id: p\n"
    switch kind {
    case 0: text += "    \(direction): {of: \(output), in: \(feature)}\n"
    case 1: text += "    \(direction): {of: \(output), in: [\(features.joined(separator: ", "))]}\n"
    case 2:
      text += "    \(direction): {of: \(output), in: \(feature)}\n    tolerance: \(amount)\n"
    case 3:
      let bounds = dice.pick([
        "min: \(amount)", "max: \(amount)", isLogarithmic ? "min: 0 percent" : "min: -1/2, max: 3",
      ])
      text += "    rate: {of: \(output), in: \(feature), \(bounds)}\n"
    case 4:
      text +=
        isLogarithmic
        ? "    always: 1/\(dice.integer(in: 1...16)) <= \(output) <= \(dice.integer(in: 2...900))\n"
        : "    always: -\(dice.integer(in: 1...4)) <= \(output) <= \(dice.integer(in: 1...18))/3\n"
    case 5:
      let other = results.first { $0 != output } ?? output
      text +=
        isLogarithmic
        ? "    always: \(output) <= \(dice.integer(in: 1...90)) * \(other)\n"
        : "    always: \(output) <= 2 * \(other) \(dice.pick(["+", "-"])) \(dice.integer(in: 1...9))/4 - 1/3 * \(feature)\n"
    default:
      let others = features.filter { $0 != feature }.map { "y.\($0) == z.\($0)" }
      let order = dice.pick(["y.\(feature) <= z.\(feature)", "2 * y.\(feature) <= z.\(feature) + 1/2"])
      let claim =
        isLogarithmic
        ? "z.\(output) >= 9/10 * y.\(output)"
        : dice.pick([
          "z.\(output) >= y.\(output) - 1/4", "z.\(output) - y.\(output) <= 5 * z.\(feature) - 5 * y.\(feature) + 1",
        ])
      text += "    forall: [y, z]\n    where: [\((others + [order]).joined(separator: ", "))]\n    then: \(claim)\n"
    }
    if inputs > 1, dice.chance(0.4) {
      text += "    when: \(features[0]) + \(features[1]) <= \(dice.integer(in: 0...6))/3\n"
    }
    self.text = text
    specification = try Specification.parse(text: text, path: "random.yaml")
  }
}

extension Rational {
  fileprivate var decimalOrFraction: String { DecimalText.exact(self) }
}
