public import ExactArithmetic

/// Several points of the network's domain, all linear images of one vector u: what a query ranges over when it speaks
/// of more than one point.
///
/// The product form of a network f over the maps A₁, …, Aₘ is u ↦ (f(A₁u), …, f(Aₘu)). A query with a relation is a
/// query about that function: its region, its constraints and the input part of its claim are about u, its outputs are
/// those of the copies, one copy after the other.
public struct Relation: Sendable, Hashable {
  /// A₁, …, Aₘ: for each copy, its inputs as functions of u.
  public let copies: [LinearMap]

  /// - Precondition: there is at least one copy; all have the same numbers of rows and columns.
  public init(copies: [LinearMap]) {
    precondition(!copies.isEmpty)
    precondition(
      copies.allSatisfy { $0.columnCount == copies[0].columnCount && $0.rows.count == copies[0].rows.count })
    self.copies = copies
  }

  /// The number of coordinates of u.
  public var dimension: Int { copies[0].columnCount }
  /// The number of inputs of the network.
  public var inputCount: Int { copies[0].rows.count }

  /// The points that u stands for.
  /// - Precondition: `u` has ``dimension`` numbers.
  public func points(at u: [Rational]) -> [[Rational]] { copies.map { $0.value(at: u) } }

  /// The u that stands for `points`; nil when there is none, or when it cannot be found by solving one row of the maps
  /// after the other, each for its only unknown. What is returned is exact: ``points(at:)`` gives `points`.
  public func parameters(of points: [[Rational]]) -> [Rational]? {
    guard points.count == copies.count, points.allSatisfy({ $0.count == inputCount }) else { return nil }
    var known = [Rational?](repeating: nil, count: dimension)
    let rows = zip(copies, points).flatMap { copy, point in zip(copy.rows, point) }
    // Each pass but the last finds a coordinate, so that the passes end.
    while true {
      var isChanged = false
      for (row, value) in rows {
        let unknown = row.filter { known[$0.column] == nil }
        guard unknown.count == 1 else { continue }
        var rest = value
        for term in row { if let u = known[term.column] { rest -= term.factor.rational * u } }
        known[unknown[0].column] = rest / unknown[0].factor.rational
        isChanged = true
      }
      if !isChanged { break }
    }
    let u = known.compactMap { $0 }
    guard u.count == dimension, self.points(at: u) == points else { return nil }
    return u
  }
}
