/// One node of a proof as it is written, before anything is checked of it.
public enum ProofRecord: Sendable, Hashable {
  /// A leaf that default multipliers close.
  case leaf
  /// A leaf that the multipliers in force close.
  case multipliedLeaf
  case inputSplit(Int)
  case phaseSplit(Int)
  case multipliers(LeafMultipliers)
  /// A bounds record and its flags.
  case bounds(Int)
  /// A leaf with fixed phases.
  case piece(ProofFormat.Refutation)
  /// An undecided part, in saved trees only.
  case open
  /// A leaf that intervals and the signs of weights close.
  case intervalLeaf

  /// Reads the next node.
  ///
  /// - Parameter premises: Those of the node's cell, which say whose β a multiplier record holds.
  /// - Throws: the rule that the bytes break. Whether a split is possible in its cell is not looked at.
  init(from source: ProofSource, shape: MultiplierShape, premises: [Int8]) throws(ProofFailure.Cause) {
    let tag = try source.byte()
    switch tag {
    case ProofFormat.Tag.leaf: self = .leaf
    case ProofFormat.Tag.multipliedLeaf: self = .multipliedLeaf
    case ProofFormat.Tag.inputSplit: self = .inputSplit(try source.number())
    case ProofFormat.Tag.phaseSplit: self = .phaseSplit(try source.number())
    case ProofFormat.Tag.multipliers:
      self = .multipliers(try LeafMultipliers(from: source, shape: shape, premises: premises))
    case ProofFormat.Tag.bounds: self = .bounds(try source.number())
    case ProofFormat.Tag.piece:
      self = .piece(
        try ProofFormat.refutation(
          from: source, isDerivative: shape.isDerivative, count: shape.neuronCount + shape.constraintCount))
    case ProofFormat.Tag.open: self = .open
    case ProofFormat.Tag.intervalLeaf: self = .intervalLeaf
    default: throw .tag(tag)
    }
  }
}

/// Reads the trees of a proof node by node and checks nothing but their form: what a search takes as advice.
public final class ProofReader {
  private let source: ProofSource
  private let queryCount: Int
  private var queriesRead = 0

  /// Reads the header.
  /// - Throws: ``ProofFailure``.
  public init(_ source: ProofSource) throws(ProofFailure) {
    self.source = source
    do throws(ProofFailure.Cause) {
      for byte in ProofFormat.magic where try source.byte() != byte { throw ProofFailure.Cause.format }
      _ = try source.bytes(32)
      queryCount = try source.number()
    } catch {
      throw ProofFailure(query: 0, node: 0, offset: source.offset, cause: error)
    }
  }

  /// Goes on to the next query's tree, whose last node must have been read.
  public func nextQuery() throws(ProofFailure) {
    do throws(ProofFailure.Cause) {
      guard queriesRead < queryCount else { throw .queryCount }
      _ = try source.bytes(32)
    } catch {
      throw ProofFailure(query: queriesRead, node: 0, offset: source.offset, cause: error)
    }
    queriesRead += 1
  }

  /// The next node of the tree.
  public func record(shape: MultiplierShape, premises: [Int8]) throws(ProofFailure) -> ProofRecord {
    do throws(ProofFailure.Cause) {
      return try ProofRecord(from: source, shape: shape, premises: premises)
    } catch {
      throw ProofFailure(query: queriesRead - 1, node: 0, offset: source.offset, cause: error)
    }
  }
}
