import Certificates
import ExactArithmetic
import Specifications
import Verification

/// How answers are written for a caller.
struct AnswerForm {
  /// Whose words and habits.
  enum Caller: String {
    /// The VNN-LIB standard, chapter 5; VNN-COMP for queries of VNN-LIB 1.0.
    case standard
    /// Vehicle 0.28: `timeout`, and no word for `unknown`.
    case vehicle
  }

  let query: VNNLIBQuery
  let caller: Caller

  /// The lines for standard output; nil when the caller has no word for the answer.
  func lines(_ answer: SatisfiabilityAnswer) -> [String]? {
    switch (answer, caller) {
    case (.unsatisfiable, _): return ["unsat"]
    case (.unknown(.timeout), .standard): return ["timed-out"]
    case (.unknown(.timeout), .vehicle): return ["timeout"]
    case (.unknown, .standard): return ["unknown"]
    case (.unknown, .vehicle): return nil
    case (.satisfiable(let witness), _): return ["sat"] + (query.version == .one ? pairs(witness) : tensors(witness))
    }
  }

  func exitCode(_ answer: SatisfiabilityAnswer) -> Int32 {
    switch answer {
    case .satisfiable, .unsatisfiable: 0
    // Vehicle takes any other code for a failure.
    case .unknown(.timeout): caller == .vehicle ? 0 : 3
    case .unknown: 3
    }
  }

  /// Name, type and shape of each tensor in a line, then its elements.
  private func tensors(_ witness: Witness) -> [String] {
    query.networks.enumerated().flatMap { index, network in
      [(network.input, witness.inputs[index]), (network.output, witness.outputs[index])].flatMap { tensor, values in
        ["\(tensor.name) \(tensor.elementType) \(tensor.shapeText)"]
          + values.map(tensor == network.input ? Self.input : Self.output)
      }
    }
  }

  /// `((X_0 0.5)`, …: the counterexamples of VNN-COMP.
  private func pairs(_ witness: Witness) -> [String] {
    let inputs = witness.inputs[0].enumerated().map { "(X_\($0.offset) \(Self.input($0.element)))" }
    let outputs = witness.outputs[0].enumerated().map { "(Y_\($0.offset) \(Self.output($0.element)))" }
    var lines = (inputs + outputs).map { " " + $0 }
    lines[0] = "(" + lines[0].dropFirst()
    lines[lines.count - 1] += ")"
    return lines
  }

  /// The significant digits of a number that has no short decimal, and the longest decimal of an output that is
  /// written in full.
  static let digits = 40
  private static let longestOutput = 60

  /// Inputs are exact, but for those that no decimal is, such as 1/3.
  private static func input(_ value: Rational) -> String {
    DecimalText.terminating(value) ?? DecimalText.plain(value, digits: digits)
  }

  private static func output(_ value: Rational) -> String {
    guard let text = DecimalText.terminating(value), text.utf8.count <= longestOutput else {
      return DecimalText.plain(value, digits: digits)
    }
    return text
  }

  /// A line for each input that is written rounded.
  func roundedInputs(_ answer: SatisfiabilityAnswer) -> [String] {
    guard case .satisfiable(let witness) = answer else { return [] }
    return zip(query.networks, witness.inputs).flatMap { network, values in
      values.enumerated().compactMap { index, value in
        DecimalText.terminating(value) == nil
          ? "note: element \(index) of \(network.input.name) is \(value), written with \(Self.digits) digits" : nil
      }
    }
  }

  /// What an answer rests on, for people.
  static func grounds(of result: SatisfiabilityResult) -> [String] {
    switch result.answer {
    case .satisfiable: return ["sat: the values were replayed exactly against the query as it was read"]
    case .unknown(let reason):
      return ["undecided: \(reason); \(result.refuted.count) of \(result.caseCount) cases are refuted"]
    case .unsatisfiable:
      var counts = (empty: 0, proof: 0, solver: 0)
      var bytes = 0
      for ground in result.refuted.values {
        switch ground {
        case .empty: counts.empty += 1
        case .solver: counts.solver += 1
        case .proofs(let proofs):
          counts.proof += 1
          bytes += proofs.reduce(0) { $0 + $1.file.bytes }
        }
      }
      var parts: [String] = []
      if counts.proof > 0 { parts.append("\(counts.proof) by checked proofs (\(bytes) bytes)") }
      if counts.empty > 0 { parts.append("\(counts.empty) without inputs, by exact linear programming") }
      if counts.solver > 0 { parts.append("\(counts.solver) by Z3's answer to the whole case, without a proof") }
      if parts.isEmpty { parts.append("the formula is false as it stands") }
      return [
        "unsat: \(result.caseCount) case\(result.caseCount == 1 ? "" : "s"): " + parts.joined(separator: ", ")
      ]
    }
  }
}
