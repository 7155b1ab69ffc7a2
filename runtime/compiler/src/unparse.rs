//! Expressions as text, the way `ast.unparse` writes them: the annotations of `from __future__ import annotations`.

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use crate::source::Source;

/// The text of an expression.
pub(crate) fn unparse(expr: &Expr, source: &Source) -> String {
    source.slice(expr.range()).to_owned()
}
