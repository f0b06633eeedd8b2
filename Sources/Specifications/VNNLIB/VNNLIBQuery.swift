internal import Foundation

/// A tensor that a VNN-LIB query declares.
public struct TensorDeclaration: Sendable, Hashable {
  public let name: String
  /// As written: `real`, `Real`, `float32`, …
  public let elementType: String
  /// Empty for a scalar.
  public let shape: [Int]
  /// The product of ``shape``.
  public let count: Int

  /// `[1,2]`, without spaces.
  public var shapeText: String { "[\(shape.map(String.init).joined(separator: ","))]" }

  /// Whether the query speaks of real numbers here, as opposed to those of a processor.
  public var isReal: Bool { elementType.lowercased() == "real" }
}

/// A network that a VNN-LIB query declares.
public struct NetworkDeclaration: Sendable, Hashable {
  public enum Equivalence: Sendable, Hashable {
    /// A network of its own.
    case none
    /// The network declared at this place of ``VNNLIBQuery/networks``, once more.
    case equal(to: Int)
    /// A network of its own with the same layers as the one at this place.
    case isomorphic(to: Int)
  }

  /// Empty in VNN-LIB 1.0, which has no names.
  public let name: String
  public let equivalence: Equivalence
  public let input: TensorDeclaration
  public let output: TensorDeclaration
  /// The number of the first input among all variables of the query: inputs come first, then outputs, each in
  /// row-major order.
  public let firstVariable: Int

  public var firstOutput: Int { firstVariable + input.count }
  public var variableCount: Int { input.count + output.count }
}

/// A satisfiability query of VNN-LIB, versions 1.0 and 2.x (https://www.vnnlib.org): networks, and a formula over their
/// inputs and outputs. `docs/vnnlib.md` says what is read.
public struct VNNLIBQuery: Sendable, Hashable {
  public enum Version: Sendable, Hashable {
    /// `declare-const X_0 Real`.
    case one
    /// `vnnlib-version <2.…>`.
    case two
  }

  /// The file as the user named it.
  public let path: String
  public let version: Version
  /// At least one.
  public let networks: [NetworkDeclaration]
  /// The conjunction of all assertions, over the variables of all networks.
  public let formula: LinearFormula

  public var variableCount: Int { networks.reduce(0) { $0 + $1.variableCount } }

  /// Bounds of the language.
  public static let maximumFileBytes = 16 << 20
  public static let maximumNetworks = 16
  /// Of one tensor.
  public static let maximumElements = 1 << 16
  public static let maximumDimensions = 16
  public static let maximumComparisons = 1 << 18
  /// Of parentheses in each other.
  public static let maximumDepth = 256
  /// Of a number that is computed from literals, numerator and denominator each.
  public static let maximumNumberBits = 1 << 13

  /// Reads a query.
  /// - Parameter path: The file's name, for messages.
  /// - Throws: ``SpecificationError`` with the first problem.
  /// - Complexity: time and memory are bounded by a multiple of the number of bytes, whatever they are.
  public static func parse(_ bytes: some Sequence<UInt8>, path: String) throws(SpecificationError) -> VNNLIBQuery {
    var reader = try VNNLIBReader(bytes: Array(bytes), path: path)
    return try reader.read()
  }

  /// Reads a query from a regular file.
  /// - Throws: ``SpecificationError``, also when the file cannot be read.
  public static func read(path: String) throws(SpecificationError) -> VNNLIBQuery {
    try parse(try Specification.bytes(path: path, maximum: maximumFileBytes), path: path)
  }
}
