internal import ExactArithmetic
internal import BigInt
internal import Networks
internal import ProofChecking
internal import Specifications

/// Looks for multipliers that refute a violation in a cell with fixed phases, or for a violating point, by a small
/// primal simplex in binary64. Both are hints: ``PieceRule`` and exact replay decide.
///
/// The problem is min over μ ≥ 0, Σμ = 1 of max over the box of Σ μₖ·gₖ(t) − q(t), where gₖ ≥ 0 are the premises: below
/// zero the multipliers refute the cell, above zero the maximiser is a point of it (LP duality).
struct PieceSearch {
  let problem: FixedPointProblem

  enum Finding {
    case refutation(ProofFormat.Refutation)
    /// A point of the unit box at which no premise fails.
    case point([Double])
    case nothing
  }

  static let maximumPivots = 2000
  /// For claims on the value: multipliers up to this are tried.
  private static let weight = 4096.0

  /// - Parameter phases: As ``LeafEvaluator/phases(_:)``, without zeros.
  func search(_ cell: Cell, phases: [Int8]) -> Finding {
    let n = problem.inputCount
    var rows: [[Double]] = []
    var owners: [Int] = []
    var forms: [[Double]] = (0..<n).map { i in (0...n).map { $0 == i ? 1 : 0 } }
    for layer in problem.layers {
      let isLast = layer.offset == problem.neuronCount
      var next: [[Double]] = []
      for j in 0..<layer.outputCount {
        let phase = isLast ? 1 : phases[layer.offset + j]
        if phase == -1 {
          next.append([])
          continue
        }
        var form = [Double](repeating: 0, count: n + 1)
        form[n] = layer.bias(j)
        for i in 0..<layer.inputCount where !forms[i].isEmpty {
          let weight = layer.weight(j, i)
          if weight != 0 { for k in 0...n { form[k] += weight * forms[i][k] } }
        }
        if abs(phase) == 2 {
          rows.append(form.map { phase > 0 ? $0 : -$0 })
          owners.append(layer.offset + j)
        }
        next.append(phase > 0 ? form : [])
      }
      forms = next
    }
    for r in 0..<problem.constraints.outputCount {
      rows.append((0..<n).map { problem.constraints.weight(r, $0) } + [problem.constraints.bias(r)])
      owners.append(problem.neuronCount + r)
    }
    var target = [Double](repeating: 0, count: n + 1)
    if problem.feature == nil {
      // max −claim + Σ λ g < 0 with λ = weight · μ.
      target = forms[0]
      rows = rows.map { $0.map { $0 * Self.weight } }
      rows.append([Double](repeating: 0, count: n + 1))
      owners.append(-1)
    }
    guard !rows.isEmpty else { return .nothing }
    // Premises of very different sizes would drown each other.
    let scales = rows.map { row in
      problem.feature == nil ? 1 : 1 / max(1e-300, row.reduce(0) { max($0, abs($1)) })
    }
    for k in rows.indices { rows[k] = rows[k].map { $0 * scales[k] } }
    let low = cell.lower.map { Double($0) * 0x1p-30 }
    let width = (0..<n).map { Double(cell.upper[$0] - cell.lower[$0]) * 0x1p-30 }
    guard let solution = solve(rows, target: target, low: low, width: width) else { return .nothing }
    if solution.value > 0 {
      return .point((0..<n).map { low[$0] + width[$0] * max(0, min(1, solution.point[$0])) })
    }
    var multipliers: [ProofFormat.ExactMultiplier] = []
    for (k, owner) in owners.enumerated() where owner >= 0 && solution.weights[k] > 1e-12 {
      var value = solution.weights[k] * scales[k]
      if problem.feature == nil { value *= Self.weight }
      // A binary64 number is dyadic: nothing is rounded. The premise in the network's numbers is 2^-shift times ours,
      // and for claims on the value the claim is 2^-outputShift times ours.
      guard value.isNormal else { continue }
      let mantissa = BigInt(value.significandBitPattern | 1 << 52)
      var exponent = Int(value.exponent) - 52 + shift(of: owner)
      if problem.feature == nil { exponent -= problem.outputShift }
      multipliers.append(ProofFormat.ExactMultiplier(index: owner, value: mantissa, exponent: exponent))
    }
    let refutation = ProofFormat.Refutation(multipliers: multipliers)
    return multipliers.isEmpty && problem.feature != nil || !refutation.isEncodable ? .nothing : .refutation(refutation)
  }

  /// The power of two by which our row of a premise or constraint exceeds the network's.
  private func shift(of owner: Int) -> Int {
    owner < problem.neuronCount ? problem.neuronShifts[owner] : problem.constraintShifts[owner - problem.neuronCount]
  }

  /// Minimises Σ μₖ·cₖ + Σ vᵢ subject to vᵢ ≥ width·(Σ μₖ·aₖᵢ − qᵢ), v ≥ 0, μ ≥ 0, Σμ = 1, where cₖ is the value at the
  /// lower corner. The start, μ = e₀, is feasible.
  private func solve(_ rows: [[Double]], target: [Double], low: [Double], width: [Double]) -> (
    value: Double, weights: [Double], point: [Double]
  )? {
    let n = low.count
    let m = rows.count
    // Columns: μ (m), v (n), surplus s (n): v − s = width·(Σ μ a − q). Rows: n of those, then Σμ = 1.
    let columns = m + 2 * n
    func value(_ form: [Double]) -> Double { zip(form, low).reduce(form[n]) { $0 + $1.0 * $1.1 } }
    let base = value(target)
    var cost = [Double](repeating: 0, count: columns)
    for k in 0..<m { cost[k] = value(rows[k]) - base }
    for i in 0..<n { cost[m + i] = 1 }
    var table = [[Double]](repeating: [Double](repeating: 0, count: columns + 1), count: n + 1)
    for i in 0..<n {
      for k in 0..<m { table[i][k] = -width[i] * (rows[k][i] - target[i]) }
      table[i][m + i] = 1
      table[i][m + n + i] = -1
    }
    for k in 0..<m { table[n][k] = 1 }
    table[n][columns] = 1
    var basis = [Int](repeating: 0, count: n + 1)
    // μ₀ into the basis, then per row v or s, whichever is non-negative.
    basis[n] = 0
    for i in 0..<n {
      let factor = table[i][0]
      for c in 0...columns { table[i][c] -= factor * table[n][c] }
      if table[i][columns] >= 0 {
        basis[i] = m + i
      } else {
        for c in 0...columns { table[i][c] = -table[i][c] }
        basis[i] = m + n + i
      }
    }
    var reduced = cost + [0]
    for (r, b) in basis.enumerated() where cost[b] != 0 {
      for c in 0...columns { reduced[c] -= cost[b] * table[r][c] }
    }
    for pivot in 0..<Self.maximumPivots {
      // Dantzig's rule at first, Bland's later, which cannot cycle.
      var entering = -1
      var most = -1e-11
      for c in 0..<columns where reduced[c] < most {
        entering = c
        if pivot > Self.maximumPivots / 2 { break }
        most = reduced[c]
      }
      if entering < 0 { break }
      var leaving = -1
      var least = Double.infinity
      for r in 0...n where table[r][entering] > 1e-11 {
        let ratio = table[r][columns] / table[r][entering]
        if ratio < least || (ratio == least && leaving >= 0 && basis[r] < basis[leaving]) {
          least = ratio
          leaving = r
        }
      }
      guard leaving >= 0 else { return nil }
      let scale = 1 / table[leaving][entering]
      for c in 0...columns { table[leaving][c] *= scale }
      for r in 0...n where r != leaving && table[r][entering] != 0 {
        let factor = table[r][entering]
        for c in 0...columns { table[r][c] -= factor * table[leaving][c] }
      }
      let factor = reduced[entering]
      for c in 0...columns { reduced[c] -= factor * table[leaving][c] }
      basis[leaving] = entering
    }
    var weights = [Double](repeating: 0, count: m)
    for (r, b) in basis.enumerated() where b < m { weights[b] = max(0, table[r][columns]) }
    // The dual value of row i is the reduced cost of its surplus: the share of the width at the maximiser.
    let point = (0..<n).map { reduced[m + n + $0] }
    return (-reduced[columns], weights, point)
  }
}
