internal import CZ3

/// One counted reference to an AST, released with the last Swift reference to it.
///
/// It holds its context strongly: libz3 frees every AST with the context, so the context must go last.
@safe final class TermHandle {
  let context: SolverContext
  let ast: Z3_ast

  /// Takes over a reference that the caller has counted with `Z3_inc_ref`.
  init(retained ast: Z3_ast, context: SolverContext) {
    unsafe self.ast = ast
    self.context = context
  }

  deinit { unsafe Z3_dec_ref(context.pointer, ast) }
}

@available(*, unavailable)
extension TermHandle: Sendable {}
