internal import ProofChecking
internal import Synchronization

/// Bounds of pre-activations that all properties of one specification share.
///
/// They depend on the hidden layers of the problem (the network on the domain's box, scaled) and on the cell, not on what
/// is claimed. So what one search computed for the whole domain and the first cells of its tree serves the others, and
/// its own later turns. Who computes them does not matter: the numbers are those that a search without this computes, to
/// the last bit, and so are proofs. The checker has no part in it.
///
/// A full table keeps what it has: at most ``maximumBytes`` in all.
final class SharedBounds: Sendable {
  /// The most memory, in bytes.
  static let maximumBytes = 16 << 20
  /// Cells of a smaller share of the domain are not kept: five splits make 63 cells.
  static let leastShare = 0x1p-5

  private struct Family {
    let layers: [FixedPointProblem.Layer]
    /// Lower bounds, then upper ones.
    var cells: [Cell: [Float]] = [:]
  }

  private struct State {
    var families: [Family] = []
    var bytes = 0
    var counts = Counts()
  }

  /// The problems with the same hidden layers.
  struct Handle: Sendable {
    fileprivate let family: Int
  }

  private let state = Mutex(State())

  /// How often bounds were taken from here and how often they were put here, in cells.
  struct Counts: Sendable, Hashable {
    var taken = 0
    var kept = 0
  }

  var counts: Counts { state.withLock { $0.counts } }

  /// The bounds in memory, in bytes.
  var byteCount: Int { state.withLock { $0.bytes } }

  /// - Complexity: a comparison of all weights with those of the first problem of each kind.
  func handle(_ problem: FixedPointProblem) -> Handle? {
    let layers = Array(problem.hiddenLayers)
    guard layers.count > 1 else { return nil }
    return state.withLock { state in
      if let known = state.families.firstIndex(where: { $0.layers == layers }) { return Handle(family: known) }
      guard state.families.count < 8 else { return nil }
      state.families.append(Family(layers: layers))
      return Handle(family: state.families.count - 1)
    }
  }

  /// The bounds of all of some cells, lower ones first; nil when one of them is not known.
  func bounds(_ handle: Handle, _ cells: [Cell]) -> [[Float]]? {
    state.withLock { state in
      let found = cells.compactMap { state.families[handle.family].cells[$0] }
      guard found.count == cells.count else { return nil }
      state.counts.taken += cells.count
      return found
    }
  }

  /// Keeps the bounds of a cell that is not empty, unless they are known or the table is full.
  func keep(_ handle: Handle, _ cell: Cell, _ values: [Float]) {
    // The cell's own numbers, and what a dictionary takes for an entry.
    let bytes = 4 * values.count + 16 * cell.lower.count + cell.premises.count + 128
    state.withLock { state in
      guard state.bytes + bytes <= Self.maximumBytes, state.families[handle.family].cells[cell] == nil else { return }
      state.families[handle.family].cells[cell] = values
      state.bytes += bytes
      state.counts.kept += 1
    }
  }
}
