import ArgumentParser
import CommandSupport
import Networks

/// What the standard asks solvers for (VNN-LIB 2, chapter 5, "The supports command").
enum Capability: String, EnumerableFlag, CaseIterable {
  case onnxOpsetVersions, onnxElementTypes, onnxOperators, onnxOperatorsUnsatProofs, vnnlibVersions
  case hiddenNodeTheories, multipleInputOutputTheories, multipleNetworkTheories, multipleNodeComparisonTheories
  case arithmeticComplexityTheories, optimisedDisjunctiveReasoning, serialiseAssignments, unsatProofs

  static func name(for value: Capability) -> NameSpecification {
    switch value {
    // The standard spells this one in two ways.
    case .multipleInputOutputTheories:
      [.customLong("multiple-input-output-theories"), .customLong("multiple-inputs-output-theories")]
    default: .long
    }
  }

  static func help(for value: Capability) -> ArgumentHelp? {
    switch value {
    case .onnxOpsetVersions: "The least and the greatest operator set."
    case .onnxElementTypes: "The element types of which answers are sound."
    case .onnxOperators: "The operators that are read."
    case .onnxOperatorsUnsatProofs: "The same; every proof covers them."
    case .vnnlibVersions: "The least and the greatest version of the language."
    case .hiddenNodeTheories: "NH: no hidden nodes."
    case .multipleInputOutputTheories: "SIO: one input and one output tensor per network."
    case .multipleNetworkTheories: "Several networks, equal, isomorphic or unrelated."
    case .multipleNodeComparisonTheories: "MNC: inputs and outputs in one comparison."
    case .arithmeticComplexityTheories: "Up to linear arithmetic."
    case .optimisedDisjunctiveReasoning: "false: disjunctions are taken case by case."
    case .serialiseAssignments: "false: values are printed."
    case .unsatProofs: "false: proofs (verify --proof) are not in the standard's format."
    }
  }

  var lines: [String] {
    switch self {
    case .onnxOpsetVersions:
      ["\(ONNXModel.operatorSets.lowerBound)", "\(ONNXModel.operatorSets.upperBound)"]
    case .onnxElementTypes: ["real"]
    case .onnxOperators, .onnxOperatorsUnsatProofs: ONNXModel.operators
    case .vnnlibVersions: ["1.0", "2.1"]
    case .hiddenNodeTheories: ["NH"]
    case .multipleInputOutputTheories: ["SIO"]
    case .multipleNetworkTheories: ["SNET", "MENET", "MINET", "MNET"]
    case .multipleNodeComparisonTheories: ["SNC", "MNC"]
    case .arithmeticComplexityTheories: ["BND", "OUTC", "LIN"]
    case .optimisedDisjunctiveReasoning, .serialiseAssignments, .unsatProofs: ["false"]
    }
  }
}

struct VNNLIBSupportsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "supports", abstract: "Says what can be decided, as the VNN-LIB standard asks.")

  @Flag
  var capabilities: [Capability] = []

  func validate() throws {
    guard !capabilities.isEmpty else { throw ValidationError("name a capability, such as --onnx-operators") }
  }

  func run() throws {
    for capability in capabilities {
      for line in capability.lines { printLine(line) }
    }
  }
}
