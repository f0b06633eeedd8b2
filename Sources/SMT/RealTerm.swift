internal import CZ3
public import ExactArithmetic

/// A linear expression over the real variables of one ``SolverContext``.
///
/// Operators throw ``SMTError``: `.foreignTerm` when their operands come from two contexts, `.memory` when libz3 has
/// none left. For long sums use ``SolverContext/sum(of:constant:)``, which builds one flat node.
public struct RealTerm {
  let handle: TermHandle

  init(_ handle: TermHandle) { self.handle = handle }

  public static func + (left: RealTerm, right: RealTerm) throws(SMTError) -> RealTerm {
    RealTerm(
      try unsafe left.combined(with: right) { context, count, list in unsafe Z3_mk_add(context, count, list) })
  }

  public static func - (left: RealTerm, right: RealTerm) throws(SMTError) -> RealTerm {
    RealTerm(
      try unsafe left.combined(with: right) { context, count, list in unsafe Z3_mk_sub(context, count, list) })
  }

  public static func + (left: RealTerm, right: Rational) throws(SMTError) -> RealTerm {
    try left + left.handle.context.constant(right)
  }

  public static func - (left: RealTerm, right: Rational) throws(SMTError) -> RealTerm { try left + (-right) }

  /// The term `factor` times; a factor of one gives the term itself.
  public static func * (factor: Rational, term: RealTerm) throws(SMTError) -> RealTerm {
    if factor == .one { return term }
    return RealTerm(
      try unsafe term.handle.context.constant(factor).combined(with: term) { context, count, list in
        unsafe Z3_mk_mul(context, count, list)
      })
  }

  public static prefix func - (term: RealTerm) throws(SMTError) -> RealTerm { try Rational(-1) * term }

  public static func <= (left: RealTerm, right: RealTerm) throws(SMTError) -> BoolTerm {
    BoolTerm(try unsafe left.compared(with: right) { context, a, b in unsafe Z3_mk_le(context, a, b) })
  }

  public static func < (left: RealTerm, right: RealTerm) throws(SMTError) -> BoolTerm {
    BoolTerm(try unsafe left.compared(with: right) { context, a, b in unsafe Z3_mk_lt(context, a, b) })
  }

  public static func >= (left: RealTerm, right: RealTerm) throws(SMTError) -> BoolTerm { try right <= left }

  public static func > (left: RealTerm, right: RealTerm) throws(SMTError) -> BoolTerm { try right < left }

  /// The formula that both are equal: a term, not a comparison of the Swift values.
  public static func == (left: RealTerm, right: RealTerm) throws(SMTError) -> BoolTerm {
    BoolTerm(try unsafe left.compared(with: right) { context, a, b in unsafe Z3_mk_eq(context, a, b) })
  }

  public static func <= (left: RealTerm, right: Rational) throws(SMTError) -> BoolTerm {
    try left <= left.handle.context.constant(right)
  }

  public static func < (left: RealTerm, right: Rational) throws(SMTError) -> BoolTerm {
    try left < left.handle.context.constant(right)
  }

  public static func >= (left: RealTerm, right: Rational) throws(SMTError) -> BoolTerm {
    try left >= left.handle.context.constant(right)
  }

  public static func > (left: RealTerm, right: Rational) throws(SMTError) -> BoolTerm {
    try left > left.handle.context.constant(right)
  }

  public static func == (left: RealTerm, right: Rational) throws(SMTError) -> BoolTerm {
    try left == left.handle.context.constant(right)
  }

  private func combined(
    with other: RealTerm, _ body: (Z3_context, UInt32, UnsafePointer<Z3_ast?>?) -> Z3_ast?
  ) throws(SMTError) -> TermHandle {
    try unsafe handle.context.term(of: [handle, other.handle], body)
  }

  private func compared(
    with other: RealTerm, _ body: (Z3_context, Z3_ast, Z3_ast) -> Z3_ast?
  ) throws(SMTError) -> TermHandle {
    try unsafe handle.applied(to: other.handle, body)
  }
}

@available(*, unavailable)
extension RealTerm: Sendable {}
