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

  /// The basis at which the simplex ended: the neurons (or constraints, or −1 for the claim alone) with a multiplier, and
  /// the inputs in which the combined form has the coefficient zero.
  struct Basis {
    let owners: [Int]
    let tight: [Int]
  }

  /// - Parameter phases: As ``LeafEvaluator/phases(_:)``, without zeros.
  func search(_ cell: Cell, phases: [Int8]) -> (finding: Finding, basis: Basis?) {
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
    guard !rows.isEmpty else { return (.nothing, nil) }
    // Premises of very different sizes would drown each other.
    let scales = rows.map { row in
      problem.feature == nil ? 1 : 1 / max(1e-300, row.reduce(0) { max($0, abs($1)) })
    }
    for k in rows.indices { rows[k] = rows[k].map { $0 * scales[k] } }
    let low = cell.lower.map { Double($0) * 0x1p-30 }
    let width = (0..<n).map { Double(cell.upper[$0] - cell.lower[$0]) * 0x1p-30 }
    guard let solution = solve(rows, target: target, low: low, width: width) else { return (.nothing, nil) }
    let basis = Basis(owners: solution.basics.map { owners[$0] }, tight: solution.tight)
    if solution.value > 0 {
      return (.point((0..<n).map { low[$0] + width[$0] * max(0, min(1, solution.point[$0])) }), basis)
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
    let isUsable = !(multipliers.isEmpty && problem.feature != nil) && refutation.isEncodable
    return (isUsable ? .refutation(refutation) : .nothing, basis)
  }

  /// The power of two by which our row of a premise or constraint exceeds the network's.
  private func shift(of owner: Int) -> Int {
    owner < problem.neuronCount ? problem.neuronShifts[owner] : problem.constraintShifts[owner - problem.neuronCount]
  }

  /// Minimises Σ μₖ·cₖ + Σ vᵢ subject to vᵢ ≥ width·(Σ μₖ·aₖᵢ − qᵢ), v ≥ 0, μ ≥ 0, Σμ = 1, where cₖ is the value at the
  /// lower corner. The start, μ = e₀, is feasible.
  private func solve(_ rows: [[Double]], target: [Double], low: [Double], width: [Double]) -> (
    value: Double, weights: [Double], point: [Double], basics: [Int], tight: [Int]
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
    let held = Set(basis)
    let tight = (0..<n).filter { width[$0] > 0 && !held.contains(m + $0) && !held.contains(m + n + $0) }
    return (-reduced[columns], weights, point, basis.filter { $0 < m }.sorted(), tight)
  }

  /// The exact multipliers of a basis: where the refutation is tight, those of binary64 miss it by a rounding.
  ///
  /// They make the combined form exactly zero in the tight inputs, which leaves one solution up to a factor.
  /// - Complexity: one exact backward pass per multiplier, and elimination with rationals.
  func exactRefutation(_ basis: Basis, _ cell: Cell, phases: [Int8], rule: PieceRule) -> ProofFormat.Refutation? {
    let owners = basis.owners.filter { $0 >= 0 }
    var forms = owners.map { owner -> LinearForm in
      if owner >= problem.neuronCount { return rule.query.constraints[owner - problem.neuronCount].form }
      let form = rule.form(of: owner, phases: phases)
      var signed = LinearForm(variables: problem.inputCount)
      signed.add(
        LinearForm(coefficients: form.coefficients.map(\.rational), constant: form.constant.rational),
        times: phases[owner] > 0 ? .one : Rational(-1))
      return signed
    }
    // For claims on the value, the claim is one more column with the opposite sign, unless the premises alone suffice.
    let hasClaim = problem.feature == nil && basis.owners.contains(-1)
    let claim = rule.claimForm(phases: phases)
    if hasClaim {
      var negative = LinearForm(variables: problem.inputCount)
      negative.add(claim, times: Rational(-1))
      forms.append(negative)
    }
    // A degenerate basis leaves several solutions; one without negative numbers, and with the claim, is wanted.
    let candidates = Self.kernel(basis.tight.map { i in forms.map { $0.coefficients[i] } }, count: forms.count)
      .map { vector in vector.contains(where: \.isPositive) ? vector : vector.map { -$0 } }
    guard
      var values = candidates.first(where: { vector in
        !vector.contains(where: \.isNegative) && (!hasClaim || !vector[vector.count - 1].isZero)
      })
    else { return nil }
    if problem.feature == nil, !hasClaim {
      // The premises alone are contradictory: so much of them outweighs the claim.
      var sum = LinearForm(variables: problem.inputCount)
      for (form, value) in zip(forms, values) { sum.add(form, times: value) }
      let box = cell.box(in: problem.region)
      let gap = -sum.range(over: box).upperBound
      guard gap.isPositive else { return nil }
      let factor = Rational((max(.zero, -claim.range(over: box).lowerBound) / gap).floor + 1)
      values = values.map { $0 * factor } + [.one]
    }
    var denominator = BigInt(1)
    for value in values {
      denominator = denominator / denominator.greatestCommonDivisor(with: value.denominator) * value.denominator
    }
    let whole = values.map { $0.numerator * (denominator / $0.denominator) }
    var result = ProofFormat.Refutation()
    if problem.feature == nil {
      guard let last = whole.last, last > 0 else { return nil }
      result.claim = last
    }
    result.multipliers = zip(owners, whole).filter { $0.1 > 0 }.sorted { $0.0 < $1.0 }.map {
      ProofFormat.ExactMultiplier(index: $0.0, value: $0.1)
    }
    return result
  }

  /// Vectors that span what all rows map to zero.
  private static func kernel(_ matrix: [[Rational]], count: Int) -> [[Rational]] {
    var rows = matrix
    var pivots: [Int] = []
    for column in 0..<count {
      guard let at = rows.indices.first(where: { $0 >= pivots.count && !rows[$0][column].isZero }) else { continue }
      rows.swapAt(at, pivots.count)
      let r = pivots.count
      let scale = Rational.one / rows[r][column]
      rows[r] = rows[r].map { $0 * scale }
      for other in rows.indices where other != r && !rows[other][column].isZero {
        let factor = rows[other][column]
        for c in 0..<count { rows[other][c] -= factor * rows[r][c] }
      }
      pivots.append(column)
    }
    let free = (0..<count).filter { !pivots.contains($0) }
    return free.map { column in
      var vector = [Rational](repeating: .zero, count: count)
      vector[column] = .one
      for (r, pivot) in pivots.enumerated() { vector[pivot] = -rows[r][column] }
      return vector
    }
  }
}
