internal import ExactArithmetic
internal import Networks
internal import Specifications

/// One conjunction of a formula, rewritten over as few coordinates u as its equations between inputs allow.
///
/// An input that must equal another shares its coordinate. Conditions on inputs alone become bounds and linear
/// constraints, all closed; what is left are the atoms with outputs, and again those on inputs that were strict.
struct SatisfiabilityCase {
  /// A network at inputs that are coordinates of u.
  struct Copy: Hashable {
    /// The first declaration of the network.
    let network: Int
    /// The coordinate of each input.
    let columns: [Int]
  }

  /// What a coordinate lies in; a missing end is not bounded.
  struct Bounds: Hashable {
    var low: Rational?
    var high: Rational?
  }

  /// Σ inputs + Σ outputs + constant ≥ 0, or > 0 when strict. At least one variable.
  struct Atom: Hashable {
    /// Over u.
    var inputs: [Int: Rational] = [:]
    /// Over the outputs of all copies, one copy after the other.
    var outputs: [Int: Rational] = [:]
    var constant = Rational.zero
    var isStrict = false

    var isOnInputs: Bool { outputs.isEmpty }

    func value(at u: [Rational], outputs values: [Rational]) -> Rational {
      var sum = constant
      for (column, coefficient) in inputs { sum += coefficient * u[column] }
      for (output, coefficient) in outputs { sum += coefficient * values[output] }
      return sum
    }
  }

  /// For each declaration the coordinate of each input.
  let columns: [[Int]]
  private(set) var bounds: [Bounds]
  /// Over u, with two or more coordinates each, none implied by ``bounds``.
  private(set) var constraints: [LinearInequality] = []
  /// Those whose outputs ``atoms`` speak of.
  private(set) var copies: [Copy] = []
  private(set) var atoms: [Atom] = []
  /// Whether no u satisfies the conditions on inputs, as far as bounds show.
  private(set) var isEmpty = false
  /// Whether the case passes a bound of what is written down.
  private(set) var isTooLarge = false

  /// The most coefficients of constraints, which are dense.
  static let maximumEntries = 1 << 22
  /// The most turns of ``tighten(_:)``.
  private static let maximumTurns = 8

  init(_ atoms: [LinearAtom], of problem: SatisfiabilityProblem) {
    let declarations = problem.query.networks
    // For each variable: the declaration, and whether it is an input.
    var place: [(network: Int, index: Int, isInput: Bool)] = []
    for (network, declaration) in declarations.enumerated() {
      place += (0..<declaration.input.count).map { (network, $0, true) }
      place += (0..<declaration.output.count).map { (network, $0, false) }
    }
    var classes = Classes(count: place.count)
    var orders: Set<[Int]> = []
    for atom in atoms {
      guard let (small, large) = Self.order(atom), place[small].isInput, place[large].isInput else { continue }
      orders.insert([small, large])
      if orders.contains([large, small]) { classes.join(small, large) }
    }
    var columnOfClass: [Int: Int] = [:]
    columns = declarations.map { declaration in
      (0..<declaration.input.count).map { index in
        let root = classes.root(declaration.firstVariable + index)
        let column = columnOfClass[root] ?? columnOfClass.count
        columnOfClass[root] = column
        return column
      }
    }
    bounds = Array(repeating: Bounds(), count: columnOfClass.count)
    var numbers: [Copy: Int] = [:]
    var firstOutputs: [Int] = []
    var outputCount = 0
    var onInputs: Set<Atom> = []
    var onOutputs: Set<Atom> = []
    for atom in atoms {
      var sum = Atom(constant: atom.form.constant, isStrict: atom.isStrict)
      for term in atom.form.terms {
        let (network, index, isInput) = place[term.variable]
        if isInput {
          sum.inputs[columns[network][index], default: .zero] += term.coefficient
          continue
        }
        // Equal networks at equal inputs have equal outputs.
        let copy = Copy(network: problem.origins[network], columns: columns[network])
        let number = numbers[copy] ?? copies.count
        if number == copies.count {
          numbers[copy] = number
          copies.append(copy)
          firstOutputs.append(outputCount)
          outputCount += declarations[network].output.count
        }
        sum.outputs[firstOutputs[number] + index, default: .zero] += term.coefficient
      }
      sum.inputs = sum.inputs.filter { !$0.value.isZero }
      sum.outputs = sum.outputs.filter { !$0.value.isZero }
      if sum.inputs.isEmpty, sum.outputs.isEmpty {
        if sum.constant.isNegative || (sum.isStrict && sum.constant.isZero) { isEmpty = true }
      } else if sum.isOnInputs {
        if onInputs.insert(sum).inserted { restrict(by: sum) }
      } else if onOutputs.insert(sum).inserted {
        self.atoms.append(sum)
      }
    }
    let linear = onInputs.filter { $0.inputs.count > 1 }
    guard !isEmpty, linear.count * bounds.count <= Self.maximumEntries else {
      isTooLarge = !isEmpty
      return
    }
    tighten(linear)
    guard !isEmpty else { return }
    var known: Set<LinearInequality> = []
    // In the order of the text, so that a case is the same on each run.
    for atom in atoms {
      guard let atom = self.onInputs(atom, place), onInputs.remove(atom) != nil else { continue }
      let range = range(of: atom)
      if let high = range.high, high.isNegative || (atom.isStrict && high.isZero) {
        isEmpty = true
        return
      }
      let isImplied = range.low.map { $0.isPositive || (!atom.isStrict && $0.isZero) } ?? false
      if isImplied { continue }
      if atom.isStrict { self.atoms.append(atom) }
      if atom.inputs.count > 1, !(range.low.map { !$0.isNegative } ?? false) {
        var form = LinearForm(variables: bounds.count)
        form.constant = atom.constant
        for (column, coefficient) in atom.inputs { form.coefficients[column] = coefficient }
        let constraint = LinearInequality(form: form).primitive
        if known.insert(constraint).inserted { constraints.append(constraint) }
      }
    }
  }

  /// An atom of inputs alone over u; nil for any other.
  private func onInputs(_ atom: LinearAtom, _ place: [(network: Int, index: Int, isInput: Bool)]) -> Atom? {
    var sum = Atom(constant: atom.form.constant, isStrict: atom.isStrict)
    for term in atom.form.terms {
      let (network, index, isInput) = place[term.variable]
      guard isInput else { return nil }
      sum.inputs[columns[network][index], default: .zero] += term.coefficient
    }
    sum.inputs = sum.inputs.filter { !$0.value.isZero }
    return sum.inputs.isEmpty ? nil : sum
  }

  /// The variables of an atom that says small ≤ large.
  private static func order(_ atom: LinearAtom) -> (small: Int, large: Int)? {
    let terms = atom.form.terms
    guard !atom.isStrict, terms.count == 2, atom.form.constant.isZero,
      (terms[0].coefficient + terms[1].coefficient).isZero
    else { return nil }
    return terms[0].coefficient.isPositive
      ? (terms[1].variable, terms[0].variable) : (terms[0].variable, terms[1].variable)
  }

  // MARK: Bounds

  /// Takes an atom with one coordinate into the bounds.
  private mutating func restrict(by atom: Atom) {
    guard atom.inputs.count == 1, let (column, coefficient) = atom.inputs.first else { return }
    bound(column, isLow: coefficient.isPositive, by: -atom.constant / coefficient)
  }

  private mutating func bound(_ column: Int, isLow: Bool, by end: Rational) {
    if isLow {
      bounds[column].low = bounds[column].low.map { max($0, end) } ?? end
    } else {
      bounds[column].high = bounds[column].high.map { min($0, end) } ?? end
    }
    if let low = bounds[column].low, let high = bounds[column].high, low > high { isEmpty = true }
  }

  /// Finds bounds of coordinates that have none from atoms with several: what the other coordinates leave.
  private mutating func tighten(_ atoms: Set<Atom>) {
    for _ in 0..<Self.maximumTurns {
      var isChanged = false
      for atom in atoms {
        for (column, coefficient) in atom.inputs {
          let isLow = coefficient.isPositive
          guard (isLow ? bounds[column].low : bounds[column].high) == nil else { continue }
          // coefficient · u ≥ −(the greatest that the rest can be)
          var rest = atom
          rest.inputs[column] = nil
          guard let most = range(of: rest).high else { continue }
          bound(column, isLow: isLow, by: -most / coefficient)
          isChanged = true
          if isEmpty { return }
        }
      }
      if !isChanged { return }
    }
  }

  /// The ends of an atom's left side over the bounds; outputs count for nothing.
  private func range(of atom: Atom) -> Bounds {
    var low: Rational? = atom.constant
    var high: Rational? = atom.constant
    for (column, coefficient) in atom.inputs {
      let ends = coefficient.isPositive ? bounds[column] : Bounds(low: bounds[column].high, high: bounds[column].low)
      low = low.flatMap { sum in ends.low.map { sum + coefficient * $0 } }
      high = high.flatMap { sum in ends.high.map { sum + coefficient * $0 } }
    }
    return Bounds(low: low, high: high)
  }

  /// The box of u; nil when a coordinate is not bounded.
  var region: [ClosedRange<Rational>]? {
    var region: [ClosedRange<Rational>] = []
    for bounds in bounds {
      guard let low = bounds.low, let high = bounds.high, low <= high else { return nil }
      region.append(low...high)
    }
    return region
  }

  /// The inputs of all declarations at u.
  func inputs(at u: [Rational]) -> [[Rational]] { columns.map { $0.map { u[$0] } } }

  /// A partition of variables.
  private struct Classes {
    private var parents: [Int]

    init(count: Int) { parents = Array(0..<count) }

    /// The least variable of the class.
    mutating func root(_ variable: Int) -> Int {
      var root = variable
      while parents[root] != root {
        parents[root] = parents[parents[root]]
        root = parents[root]
      }
      return root
    }

    mutating func join(_ first: Int, _ second: Int) {
      let (a, b) = (root(first), root(second))
      parents[max(a, b)] = min(a, b)
    }
  }
}
