internal import BigInt
internal import ExactArithmetic
internal import Networks
internal import Specifications

/// The queries by which a bounded case is refuted: that at each point of its polytope some atom fails.
///
/// With v = −atom (− ε for an atom that is not strict) the atom fails where v ≥ 0. One atom alone gives a claim about
/// v; several give the maximum of theirs, computed by further ReLU layers, so that the claim is again about one network.
/// The queries are sufficient for any ε > 0.
///
/// All of it is over the coordinates v of ``TiedCoordinates``.
struct CaseQueries {
  private let coordinates: TiedCoordinates
  private var region: [ClosedRange<Rational>] { coordinates.region }
  private var constraints: [LinearInequality] { coordinates.constraints }
  /// Without a relation a network from v to the outputs of all copies; with one, that of each copy.
  let network: ExactNetwork
  let relation: Relation?
  /// From v to the outputs of all copies.
  let base: ExactNetwork
  /// For each atom a power of two at about the greatest magnitude that samples show.
  let scales: [Rational]
  let atoms: [SatisfiabilityCase.Atom]

  /// - Precondition: the case has atoms.
  init(_ lowered: SatisfiabilityCase, region box: [ClosedRange<Rational>], of problem: SatisfiabilityProblem) {
    let coordinates = TiedCoordinates(lowered, box: box)
    self.coordinates = coordinates
    let region = coordinates.region
    atoms = lowered.atoms.map(coordinates.pulledBack)
    let copies = lowered.copies
    let maps = copies.map { copy in
      LinearMap(columnCount: region.count, rows: copy.columns.map(coordinates.row))
    }
    if copies.isEmpty {
      // Strict conditions on inputs alone: a network without outputs is none, so one with a constant output.
      network = ExactNetwork.zero(inputCount: region.count)
      relation = nil
      base = network
    } else if copies.allSatisfy({ $0.network == copies[0].network }) {
      network = problem.networks[copies[0].network]
      let isItself = copies.count == 1 && coordinates.isIdentity && copies[0].columns == Array(0..<region.count)
      relation = isItself ? nil : Relation(copies: maps)
      base = isItself ? network : network.product(over: maps)
    } else {
      network = ExactNetwork.sideBySide(
        zip(copies, maps).map { (problem.networks[$0.network], $1) }, over: region)
      relation = nil
      base = network
    }
    scales = Self.scales(atoms, base, region)
  }

  /// Points of the box that show how large atoms are; nothing is decided by them.
  private static func scales(
    _ atoms: [SatisfiabilityCase.Atom], _ base: ExactNetwork, _ region: [ClosedRange<Rational>]
  ) -> [Rational] {
    var generator = SplitMix(seed: 1)
    let points = (0..<4).map { number in
      region.map { interval in
        let share = number == 0 ? Rational(1, 2) : Rational(Int(generator.next() >> 60), 15)
        return interval.lowerBound + (interval.upperBound - interval.lowerBound) * share
      }
    }
    let values = points.map { base.output(at: $0) }
    return atoms.map { atom in
      let most = zip(points, values).map { atom.value(at: $0, outputs: $1).magnitude }.max() ?? .zero
      return most.isZero ? .one : Rational.one.scaled(bits: most.binaryExponent + 1)
    }
  }

  /// Steele, Lea and Flood, *OOPSLA* 2014.
  private struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// The coordinates of the case at those of the queries.
  func u(at v: [Rational]) -> [Rational] { coordinates.u(at: v) }

  /// What an atom that is not strict must miss: 2^−`bits` of its scale.
  func margin(_ atom: Int, bits: Int) -> Rational {
    atoms[atom].isStrict ? .zero : scales[atom].scaled(bits: -bits)
  }

  /// That one atom fails everywhere.
  func query(atom index: Int, bits: Int) -> Query {
    let atom = atoms[index]
    var outputs = [Rational](repeating: .zero, count: base.outputCount)
    var inputs = [Rational](repeating: .zero, count: region.count)
    for (output, coefficient) in atom.outputs { outputs[output] = -coefficient }
    for (column, coefficient) in atom.inputs { inputs[column] = -coefficient }
    return Query(
      region: region, constraints: constraints, relation: relation,
      claim: .nonnegative(outputs: outputs, inputs: inputs, constant: -atom.constant - margin(index, bits: bits)))
  }

  /// That at each point one of several atoms fails, about a network that has their maximum as its output.
  func maximum(of indices: [Int], bits: Int) -> (network: ExactNetwork, query: Query) {
    let passed = Set(indices.flatMap { atoms[$0].inputs.keys }).sorted()
    let floors = passed.map { region[$0].lowerBound.floor }
    let extended = base.passing(passed, less: floors.map { Dyadic(mantissa: $0, exponent: 0) })
    var weights: [Dyadic] = []
    var biases: [Dyadic] = []
    for index in indices {
      let atom = atoms[index]
      var row = [Rational](repeating: .zero, count: extended.outputCount)
      var constant = -atom.constant - margin(index, bits: bits)
      for (output, coefficient) in atom.outputs { row[output] = -coefficient }
      for (place, column) in passed.enumerated() {
        guard let coefficient = atom.inputs[column] else { continue }
        row[base.outputCount + place] = -coefficient
        constant -= coefficient * Rational(floors[place])
      }
      // A positive factor makes all numbers dyadic and the atom about one in size: its sign is what counts.
      var multiple = BigInt(1)
      for number in row + [constant] {
        multiple = multiple / multiple.greatestCommonDivisor(with: number.denominator) * number.denominator
      }
      let factor = Rational(multiple).scaled(bits: -(scales[index] * Rational(multiple)).binaryExponent)
      func dyadic(_ number: Rational) -> Dyadic {
        guard let dyadic = Dyadic(exactly: number * factor) else {
          preconditionFailure("the factor makes every denominator a power of two")
        }
        return dyadic
      }
      weights += row.map(dyadic)
      biases.append(dyadic(constant))
    }
    let rows = ExactLayer(
      inputCount: extended.outputCount, outputCount: indices.count, weights: weights, biases: biases)
    return (
      extended.maximum(of: rows, over: region),
      Query(region: region, constraints: constraints, claim: .nonnegative(outputs: [.one], constant: .zero))
    )
  }
}
