internal import BigInt
internal import CZ3
internal import ExactArithmetic

extension Solver {
  /// The most nodes of a proof that are looked at.
  static let maximumProofNodes = 1_000_000

  /// After an unsatisfiable check of `assertions`, all of them linear inequalities: multipliers ≥ 0 with which they add
  /// up to a contradiction (Farkas' lemma), by number of the assertion; nil when the proof shows none.
  ///
  /// They are read from the last arithmetic lemma of libz3's proof. libz3 rewrites inequalities, so each premise of the
  /// lemma is matched with the assertion of which it is a positive multiple. Nothing is checked here.
  /// - Precondition: the context produces proofs.
  func refutationMultipliers(of assertions: [BoolTerm]) throws(SMTError) -> [Int: Rational]? {
    let proof = try proof()
    var rows: [CanonicalRow: (place: Int, scale: Rational)] = [:]
    for (place, assertion) in assertions.enumerated() {
      guard let row = LinearRow(assertion.handle, negated: false) else { return nil }
      guard let (canonical, scale) = row.canonical else { continue }
      if rows[canonical] == nil { rows[canonical] = (place, scale) }
    }
    for lemma in proof.descendants(limit: Self.maximumProofNodes) {
      guard let coefficients = lemma.farkasCoefficients else { continue }
      let literals = lemma.hypotheses
      guard literals.count == coefficients.count else { continue }
      var multipliers: [Int: Rational] = [:]
      var isComplete = true
      for (literal, coefficient) in zip(literals, coefficients) where !coefficient.isZero {
        guard let row = LinearRow(literal.term, negated: literal.isNegated), let (canonical, scale) = row.canonical,
          let match = rows[canonical]
        else {
          isComplete = false
          break
        }
        // premise = scale · canonical and assertion = match.scale · canonical.
        multipliers[match.place, default: .zero] += coefficient.magnitude * scale / match.scale
      }
      if isComplete, !multipliers.isEmpty { return multipliers }
    }
    return nil
  }
}

/// Σ coefficients · atom + constant, ≥ 0 or > 0. Atoms are known by libz3's numbers.
private struct LinearRow {
  var coefficients: [UInt32: Rational] = [:]
  var constant = Rational.zero
  var isStrict = false

  /// Nil when `term` (or its negation) is no linear inequality.
  init?(_ term: TermHandle, negated: Bool) {
    var term = term
    var negated = negated
    while term.kind == Z3_OP_NOT {
      guard let inner = term.argument(0) else { return nil }
      term = inner
      negated.toggle()
    }
    guard let left = term.argument(0), let right = term.argument(1) else { return nil }
    let isLess: Bool
    switch term.kind {
    case Z3_OP_LE: (isLess, isStrict) = (true, false)
    case Z3_OP_LT: (isLess, isStrict) = (true, true)
    case Z3_OP_GE: (isLess, isStrict) = (false, false)
    case Z3_OP_GT: (isLess, isStrict) = (false, true)
    default: return nil
    }
    if negated { isStrict.toggle() }
    let sign = Rational(isLess != negated ? -1 : 1)
    guard add(left, sign), add(right, -sign) else { return nil }
    coefficients = coefficients.filter { !$0.value.isZero }
  }

  private mutating func add(_ term: TermHandle, _ factor: Rational) -> Bool {
    if let number = term.numeral {
      constant += factor * number
      return true
    }
    switch term.kind {
    case Z3_OP_ADD: return term.arguments.allSatisfy { add($0, factor) }
    case Z3_OP_SUB:
      let arguments = term.arguments
      return arguments.enumerated().allSatisfy { add($1, $0 == 0 ? factor : -factor) }
    case Z3_OP_UMINUS: return term.arguments.allSatisfy { add($0, -factor) }
    case Z3_OP_MUL:
      let arguments = term.arguments
      guard arguments.count == 2, let number = arguments[0].numeral else { return false }
      return add(arguments[1], factor * number)
    case Z3_OP_UNINTERPRETED:
      coefficients[term.number, default: .zero] += factor
      return true
    default: return false
    }
  }

  /// The row divided by the magnitude of its first coefficient, and that magnitude; nil for a constant row.
  var canonical: (CanonicalRow, Rational)? {
    guard let first = coefficients.keys.min(), let scale = coefficients[first]?.magnitude else { return nil }
    return (
      CanonicalRow(
        coefficients: coefficients.mapValues { $0 / scale }, constant: constant / scale, isStrict: isStrict), scale
    )
  }
}

private struct CanonicalRow: Hashable {
  let coefficients: [UInt32: Rational]
  let constant: Rational
  let isStrict: Bool
}

extension TermHandle {
  /// libz3's number of the term, unique while it lives.
  fileprivate var number: UInt32 { unsafe Z3_get_ast_id(context.pointer, ast) }

  /// The kind of an application; nil for other terms.
  fileprivate var kind: Z3_decl_kind? {
    guard let declaration = unsafe declaration else { return nil }
    return unsafe Z3_get_decl_kind(context.pointer, declaration)
  }

  private var declaration: Z3_func_decl? {
    guard unsafe Z3_get_ast_kind(context.pointer, ast) == Z3_APP_AST,
      let application = unsafe Z3_to_app(context.pointer, ast)
    else { return nil }
    return unsafe Z3_get_app_decl(context.pointer, application)
  }

  fileprivate func argument(_ index: UInt32) -> TermHandle? {
    guard unsafe Z3_get_ast_kind(context.pointer, ast) == Z3_APP_AST,
      let application = unsafe Z3_to_app(context.pointer, ast),
      unsafe Z3_get_app_num_args(context.pointer, application) > index,
      let argument = unsafe Z3_get_app_arg(context.pointer, application, index)
    else { return nil }
    unsafe Z3_inc_ref(context.pointer, argument)
    return unsafe TermHandle(retained: argument, context: context)
  }

  fileprivate var arguments: [TermHandle] {
    var result: [TermHandle] = []
    while let next = argument(UInt32(result.count)) { result.append(next) }
    return result
  }

  /// The value of a number, or of a quotient of two: libz3 keeps `(/ 1.0 3.0)` as it was written.
  fileprivate var numeral: Rational? {
    if unsafe Z3_get_ast_kind(context.pointer, ast) == Z3_NUMERAL_AST {
      guard let text = unsafe Z3_get_numeral_string(context.pointer, ast).map({ unsafe String(cString: $0) }) else {
        return nil
      }
      return Rational(z3: text)
    }
    switch kind {
    case Z3_OP_DIV:
      guard let above = argument(0)?.numeral, let below = argument(1)?.numeral, !below.isZero else { return nil }
      return above / below
    case Z3_OP_UMINUS: return argument(0)?.numeral.map { -$0 }
    default: return nil
    }
  }

  /// The nodes of a proof, those nearest to its conclusion first; each once, at most `limit`.
  fileprivate func descendants(limit: Int) -> [TermHandle] {
    var seen: Set<UInt32> = [number]
    var nodes = [self]
    var next = 0
    while next < nodes.count, nodes.count < limit {
      for argument in nodes[next].arguments where seen.insert(argument.number).inserted { nodes.append(argument) }
      next += 1
    }
    return nodes
  }

  /// The numbers of an arithmetic lemma that is justified by Farkas' lemma; nil for every other proof step.
  fileprivate var farkasCoefficients: [Rational]? {
    guard kind == Z3_OP_PR_TH_LEMMA, let declaration = unsafe declaration else { return nil }
    var words: [String] = []
    var numbers: [Rational] = []
    for index in 0..<(unsafe Z3_get_decl_num_parameters(context.pointer, declaration)) {
      let parameter = unsafe Z3_get_decl_parameter_kind(context.pointer, declaration, index)
      if parameter == Z3_PARAMETER_SYMBOL {
        let symbol = unsafe Z3_get_decl_symbol_parameter(context.pointer, declaration, index)
        guard let text = unsafe Z3_get_symbol_string(context.pointer, symbol) else { return nil }
        words.append(unsafe String(cString: text))
      } else if parameter == Z3_PARAMETER_RATIONAL {
        let text = unsafe Z3_get_decl_rational_parameter(context.pointer, declaration, index)
        guard let number = unsafe text.map({ unsafe String(cString: $0) }).flatMap(Rational.init(z3:)) else {
          return nil
        }
        numbers.append(number)
      } else if parameter == Z3_PARAMETER_INT {
        numbers.append(Rational(Int(unsafe Z3_get_decl_int_parameter(context.pointer, declaration, index))))
      }
    }
    return words == ["arith", "farkas"] ? numbers : nil
  }

  /// What a lemma shows to be contradictory: the conclusions of its premises, then the negated literals of its own.
  fileprivate var hypotheses: [(term: TermHandle, isNegated: Bool)] {
    var arguments = arguments
    // The last argument of a proof step is its conclusion.
    guard let conclusion = arguments.popLast() else { return [] }
    var result: [(term: TermHandle, isNegated: Bool)] = []
    for premise in arguments {
      guard let fact = premise.arguments.last else { return [] }
      result.append((fact, false))
    }
    switch conclusion.kind {
    case Z3_OP_FALSE: break
    case Z3_OP_OR: result += conclusion.arguments.map { ($0, true) }
    default: result.append((conclusion, true))
    }
    return result
  }
}

extension Rational {
  /// A number as libz3 prints it: `n` or `n/d`.
  init?(z3 text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let numerator = BigInt(String(parts[0])),
      let denominator = parts.count == 2 ? BigInt(String(parts[1])) : 1, !denominator.isZero
    else { return nil }
    self.init(numerator, denominator)
  }
}
