internal import CZ3

/// A formula over the variables of one ``SolverContext``.
///
/// Operators throw ``SMTError``: `.foreignTerm` when their operands come from two contexts, `.memory` when libz3 has
/// none left. For long conjunctions and disjunctions use ``SolverContext/all(of:)`` and ``SolverContext/any(of:)``.
public struct BoolTerm {
  let handle: TermHandle

  init(_ handle: TermHandle) { self.handle = handle }

  public static prefix func ! (term: BoolTerm) throws(SMTError) -> BoolTerm {
    let ast = unsafe term.handle.ast
    return BoolTerm(try unsafe term.handle.context.term { context in unsafe Z3_mk_not(context, ast) })
  }

  public static func && (left: BoolTerm, right: BoolTerm) throws(SMTError) -> BoolTerm {
    try left.handle.context.all(of: [left, right])
  }

  public static func || (left: BoolTerm, right: BoolTerm) throws(SMTError) -> BoolTerm {
    try left.handle.context.any(of: [left, right])
  }

  /// The formula that both have the same truth value: a term, not a comparison of the Swift values.
  public static func == (left: BoolTerm, right: BoolTerm) throws(SMTError) -> BoolTerm {
    BoolTerm(try unsafe left.handle.applied(to: right.handle) { context, a, b in unsafe Z3_mk_iff(context, a, b) })
  }

  public func implies(_ conclusion: BoolTerm) throws(SMTError) -> BoolTerm {
    BoolTerm(
      try unsafe handle.applied(to: conclusion.handle) { context, a, b in unsafe Z3_mk_implies(context, a, b) })
  }

  /// `first` where the formula holds, `second` where it does not.
  public func ite(_ first: RealTerm, _ second: RealTerm) throws(SMTError) -> RealTerm {
    RealTerm(try choice(first.handle, second.handle))
  }

  /// `first` where the formula holds, `second` where it does not.
  public func ite(_ first: BoolTerm, _ second: BoolTerm) throws(SMTError) -> BoolTerm {
    BoolTerm(try choice(first.handle, second.handle))
  }

  private func choice(_ first: TermHandle, _ second: TermHandle) throws(SMTError) -> TermHandle {
    let condition = unsafe handle.ast
    let context = handle.context
    _ = try unsafe context.require(first)
    return try unsafe first.applied(to: second) { context, a, b in unsafe Z3_mk_ite(context, condition, a, b) }
  }
}

@available(*, unavailable)
extension BoolTerm: Sendable {}

extension TermHandle {
  /// The AST that `body` makes of this one and `other`, both of one context.
  func applied(
    to other: TermHandle, _ body: (Z3_context, Z3_ast, Z3_ast) -> Z3_ast?
  ) throws(SMTError) -> TermHandle {
    let first = unsafe ast
    let second = try unsafe context.require(other)
    return try unsafe context.term { context in unsafe body(context, first, second) }
  }
}
