internal import CZ3
public import ExactArithmetic

/// One libz3 context: the owner of terms, solvers and models.
///
/// libz3 allows one thread at a time in a context, `deinit` included, so neither the context nor anything made from
/// it is `Sendable`; only the ``interrupter`` and plain values (rationals, strings) leave the thread. A check blocks
/// its thread: never run one on the cooperative pool of Swift concurrency.
@safe public final class SolverContext {
  /// The longest name of a variable, in UTF-8 bytes.
  public static let maximumNameLength = 4096

  /// The version of the linked libz3, such as `4.8.12.0`.
  public static var solverVersion: String {
    // The text is a constant of the library; no context and no shared buffer is involved.
    unsafe String(cString: Z3_get_full_version())
  }

  /// Stops the running check of this context, or the next one, from any thread.
  public let interrupter = Interrupter()

  /// Valid until `deinit`, which runs only when no term, model or solver holds the context any more.
  let pointer: Z3_context
  private let realSort: Z3_sort
  private let boolSort: Z3_sort

  /// - Parameter producesProofs: Whether refutations carry a proof; it is fixed for the life of the context.
  /// - Throws: ``SMTError`` when libz3 cannot create a context.
  public init(producesProofs: Bool = false) throws(SMTError) {
    guard let config = unsafe Z3_mk_config() else {
      throw SMTError(.memory, "libz3 did not create a configuration; is the machine out of memory?")
    }
    if producesProofs { unsafe Z3_set_param_value(config, "proof", "true") }
    let created = unsafe Z3_mk_context_rc(config)
    unsafe Z3_del_config(config)
    guard let context = unsafe created else {
      throw SMTError(.memory, "libz3 did not create a context; is the machine out of memory?")
    }
    // Before anything can fail: the handler that libz3 installs by default ends the process.
    unsafe Z3_set_error_handler(context, nil)
    // The sorts are ASTs: each is retained before the next call.
    let real = unsafe Z3_mk_real_sort(context)
    if let real = unsafe real { unsafe Z3_inc_ref(context, Z3_sort_to_ast(context, real)) }
    let bool = unsafe Z3_mk_bool_sort(context)
    guard let real = unsafe real, let bool = unsafe bool else {
      unsafe Z3_del_context(context)
      throw SMTError(.memory, "libz3 did not create its sorts; is the machine out of memory?")
    }
    unsafe Z3_inc_ref(context, Z3_sort_to_ast(context, bool))
    unsafe pointer = context
    unsafe realSort = real
    unsafe boolSort = bool
  }

  deinit {
    // No signal is sent after this line, so none can reach a deleted context.
    interrupter.close()
    unsafe Z3_dec_ref(pointer, Z3_sort_to_ast(pointer, realSort))
    unsafe Z3_dec_ref(pointer, Z3_sort_to_ast(pointer, boolSort))
    unsafe Z3_del_context(pointer)
  }

  // MARK: Terms

  /// The real variable of this name; the same name always gives the same variable.
  /// - Throws: ``SMTError/Code/limit`` for an empty name, one with a NUL, or one above ``maximumNameLength``.
  public func realVariable(_ name: String) throws(SMTError) -> RealTerm {
    RealTerm(try unsafe variable(name, sort: realSort))
  }

  /// The Boolean variable of this name; independent of a real variable of the same name.
  /// - Throws: ``SMTError/Code/limit`` for an empty name, one with a NUL, or one above ``maximumNameLength``.
  public func boolVariable(_ name: String) throws(SMTError) -> BoolTerm {
    BoolTerm(try unsafe variable(name, sort: boolSort))
  }

  /// The number `value`, exactly.
  public func constant(_ value: Rational) throws(SMTError) -> RealTerm {
    // "n/d" in decimal is libz3's only entry without a width; the reduced form has no zero denominator.
    let text = value.description
    return RealTerm(try unsafe term { context in unsafe Z3_mk_numeral(context, text, realSort) })
  }

  /// `true` or `false`.
  public func constant(_ value: Bool) throws(SMTError) -> BoolTerm {
    BoolTerm(try unsafe term { context in value ? unsafe Z3_mk_true(context) : unsafe Z3_mk_false(context) })
  }

  /// Σ coefficient · term + `constant`, as one flat sum; terms with coefficient zero are left out.
  /// - Complexity: O(*terms*) libz3 calls.
  public func sum(of terms: [(Rational, RealTerm)], constant: Rational = .zero) throws(SMTError) -> RealTerm {
    var summands: [RealTerm] = []
    summands.reserveCapacity(terms.count + 1)
    for (coefficient, term) in terms {
      // Checked for every term, so that a coefficient of zero does not hide a mistake.
      _ = try unsafe require(term.handle)
      if !coefficient.isZero { summands.append(try coefficient * term) }
    }
    if !constant.isZero || summands.isEmpty { summands.append(try self.constant(constant)) }
    if summands.count == 1 { return summands[0] }
    return RealTerm(
      try unsafe term(of: summands.map(\.handle)) { context, count, list in unsafe Z3_mk_add(context, count, list) })
  }

  /// The conjunction; `true` when there are no terms.
  public func all(of terms: [BoolTerm]) throws(SMTError) -> BoolTerm {
    if terms.isEmpty { return try constant(true) }
    return BoolTerm(
      try unsafe term(of: terms.map(\.handle)) { context, count, list in unsafe Z3_mk_and(context, count, list) })
  }

  /// The disjunction; `false` when there are no terms.
  public func any(of terms: [BoolTerm]) throws(SMTError) -> BoolTerm {
    if terms.isEmpty { return try constant(false) }
    return BoolTerm(
      try unsafe term(of: terms.map(\.handle)) { context, count, list in unsafe Z3_mk_or(context, count, list) })
  }

  /// The assertions of an SMT-LIB 2 text, in order. Names denote the variables of this context. The text is trusted, for
  /// SMT-LIB has commands that write files.
  /// - Throws: ``SMTError/Code/parse`` with line and column; ``SMTError/Code/limit`` above
  ///   ``Solver/maximumTextLength``.
  public func conditions(smtlib text: String) throws(SMTError) -> [BoolTerm] {
    guard text.utf8.count <= Solver.maximumTextLength, !text.utf8.contains(0) else {
      throw SMTError(
        .limit,
        "an SMT-LIB text has \(text.utf8.count) bytes; at most \(Solver.maximumTextLength) without NUL are read")
    }
    let vector = try unsafe call { context in
      unsafe Z3_parse_smtlib2_string(context, text, 0, nil, nil, 0, nil, nil)
    }
    unsafe Z3_ast_vector_inc_ref(pointer, vector)
    defer { unsafe Z3_ast_vector_dec_ref(pointer, vector) }
    var result: [BoolTerm] = []
    for index in 0..<(try unsafe call { context in unsafe Z3_ast_vector_size(context, vector) }) {
      result.append(BoolTerm(try unsafe term { context in unsafe Z3_ast_vector_get(context, vector, index) }))
    }
    return result
  }

  private func variable(_ name: String, sort: Z3_sort) throws(SMTError) -> TermHandle {
    guard !name.isEmpty, name.utf8.count <= Self.maximumNameLength, !name.utf8.contains(0) else {
      throw SMTError(
        .limit,
        "a variable's name has \(name.utf8.count) bytes; it needs 1 to \(Self.maximumNameLength), none of them NUL")
    }
    // A symbol is not reference-counted: it lives as long as the process.
    return try unsafe term { context in unsafe Z3_mk_const(context, Z3_mk_string_symbol(context, name), sort) }
  }

  // MARK: Calls

  /// Makes one call of libz3 and reads its error code at once, because the next call clears it. Nil is a failure.
  /// Strings must be copied inside `body`: libz3 reuses their buffer.
  func call<Value>(_ body: (Z3_context) -> Value?) throws(SMTError) -> Value {
    let value = unsafe body(pointer)
    let code = unsafe Z3_get_error_code(pointer)
    if code == Z3_OK, let value { return value }
    throw error(code)
  }

  /// One call that makes an AST, which is retained before any other call.
  func term(_ body: (Z3_context) -> Z3_ast?) throws(SMTError) -> TermHandle {
    let ast = try unsafe call(body)
    unsafe Z3_inc_ref(pointer, ast)
    return unsafe TermHandle(retained: ast, context: self)
  }

  /// One call that makes an AST from a list of ASTs of this context.
  func term(
    of arguments: [TermHandle], _ body: (Z3_context, UInt32, UnsafePointer<Z3_ast?>?) -> Z3_ast?
  ) throws(SMTError) -> TermHandle {
    var list: [Z3_ast?] = unsafe []
    unsafe list.reserveCapacity(arguments.count)
    for argument in arguments { unsafe list.append(try require(argument)) }
    guard let count = UInt32(exactly: arguments.count) else {
      throw SMTError(.limit, "\(arguments.count) arguments; a term may have at most \(UInt32.max)")
    }
    let result = try unsafe term { context in
      unsafe list.withUnsafeBufferPointer { buffer in unsafe body(context, count, buffer.baseAddress) }
    }
    // The handles own the references behind `list`.
    withExtendedLifetime(arguments) {}
    return result
  }

  /// The AST behind `handle`, if it belongs here: libz3 does not check, and would corrupt its memory.
  func require(_ handle: TermHandle) throws(SMTError) -> Z3_ast {
    guard handle.context === self else {
      throw SMTError(.foreignTerm, "a term was used with a context that did not make it; build it in this context")
    }
    return unsafe handle.ast
  }

  private func error(_ code: Z3_error_code) -> SMTError {
    if code == Z3_OK { return SMTError(.solver, "libz3 returned no result and no reason") }
    let text = unsafe Z3_get_error_msg(pointer, code).map { unsafe String(cString: $0) } ?? "no message"
    if code == Z3_MEMOUT_FAIL { return SMTError(.memory, "libz3: \(text)") }
    if code == Z3_PARSER_ERROR { return SMTError(.parse, "libz3: \(text)") }
    return SMTError(.solver, "libz3: \(text)")
  }
}

@available(*, unavailable)
extension SolverContext: Sendable {}
