internal import BigInt
internal import CZ3
public import ExactArithmetic

/// A satisfying assignment. Variables that the assertions leave free have a value too (model completion).
///
/// It stays valid after the solver has changed or is gone.
@safe public final class Model {
  /// The longest number that is read from a model, in decimal digits of numerator and denominator together.
  public static let maximumDigits = 1_000_000

  private let context: SolverContext
  private let pointer: Z3_model

  init(retaining pointer: Z3_model, context: SolverContext) {
    unsafe Z3_model_inc_ref(context.pointer, pointer)
    unsafe self.pointer = pointer
    self.context = context
  }

  deinit { unsafe Z3_model_dec_ref(context.pointer, pointer) }

  /// The exact value of `term`.
  /// - Throws: ``SMTError/Code/notRational`` for an irrational value, which nonlinear assertions can force;
  ///   ``SMTError/Code/foreignTerm`` for a term of another context.
  public func value(of term: RealTerm) throws(SMTError) -> Rational {
    let value = try evaluate(term.handle)
    let ast = unsafe value.ast
    guard unsafe Z3_get_ast_kind(context.pointer, ast) == Z3_NUMERAL_AST else {
      throw SMTError(.notRational, "the model's value of a term is not a rational number; only linear terms are read")
    }
    let text = try unsafe context.call { context in
      unsafe Z3_get_numeral_string(context, ast).map { unsafe String(cString: $0) }
    }
    withExtendedLifetime(value) {}
    guard text.utf8.count <= Self.maximumDigits else {
      throw SMTError(
        .limit, "a value of the model has \(text.utf8.count) digits; at most \(Self.maximumDigits) are read")
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let numerator = BigInt(String(parts[0])),
      let denominator = parts.count == 2 ? BigInt(String(parts[1])) : 1, !denominator.isZero
    else { throw SMTError(.notRational, "the model's value '\(text.prefix(80))' is not a rational number") }
    return Rational(numerator, denominator)
  }

  /// The truth value of `term`.
  /// - Throws: ``SMTError/Code/foreignTerm`` for a term of another context.
  public func value(of term: BoolTerm) throws(SMTError) -> Bool {
    let value = try evaluate(term.handle)
    let ast = unsafe value.ast
    let truth = try unsafe context.call { context in unsafe Z3_get_bool_value(context, ast) }
    withExtendedLifetime(value) {}
    if truth == Z3_L_TRUE { return true }
    if truth == Z3_L_FALSE { return false }
    throw SMTError(.solver, "the model does not decide a formula")
  }

  private func evaluate(_ handle: TermHandle) throws(SMTError) -> TermHandle {
    let ast = try unsafe context.require(handle)
    return try unsafe context.term { context in
      var value: Z3_ast?
      return unsafe Z3_model_eval(context, pointer, ast, true, &value) ? value : nil
    }
  }
}

@available(*, unavailable)
extension Model: Sendable {}
