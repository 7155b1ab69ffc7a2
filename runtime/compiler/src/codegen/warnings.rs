//! Code that is legal and certainly wrong.

use ruff_python_ast::{CmpOp, Expr, ExprCompare, ExprSubscript, Number};
use ruff_text_size::{Ranged, TextRange};

use super::Compiler;
use super::frames::FrameKind;

impl<'a> Compiler<'a> {
    pub(super) fn warn(&mut self, message: impl Into<String>, range: TextRange) {
        let warning = self.context.source.warning(range, message);
        // A `finally` clause is compiled more than once.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// A statement that leaves a `finally` clause drops the exception that is on its way.
    pub(super) fn check_leaves_finally(&mut self, what: &str, to_loop: bool, range: TextRange) {
        let frames = self.unit.frames.iter().rev();
        let left = frames.take_while(|frame| !(to_loop && frame.is_loop()));
        if left.into_iter().any(|frame| matches!(frame.kind, FrameKind::FinallyEnd)) {
            self.warn(format!("'{what}' in a 'finally' block"), range);
        }
    }

    /// `x is 1`
    pub(super) fn check_comparison(&mut self, node: &ExprCompare) {
        let mut left = &*node.left;
        for (op, right) in node.ops.iter().zip(&node.comparators) {
            if matches!(op, CmpOp::Is | CmpOp::IsNot)
                && let Some(name) = [left, right].into_iter().find_map(compared_by_value)
            {
                let message = if *op == CmpOp::Is {
                    format!("\"is\" with '{name}' literal. Did you mean \"==\"?")
                } else {
                    format!("\"is not\" with '{name}' literal. Did you mean \"!=\"?")
                };
                self.warn(message, node.range);
                return;
            }
            left = right;
        }
    }

    /// `"a" (b)`
    pub(super) fn check_callable(&mut self, callable: &Expr) {
        if let Some(name) = type_of_display(callable).filter(|name| *name != "function") {
            let message = format!("'{name}' object is not callable; perhaps you missed a comma?");
            self.warn(message, callable.range());
        }
    }

    /// `1 [b]`, `"a" ["b"]`
    pub(super) fn check_subscript(&mut self, node: &ExprSubscript) {
        let name = type_of_display(&node.value);
        match name {
            Some(
                name @ ("NoneType"
                | "bool"
                | "int"
                | "float"
                | "complex"
                | "ellipsis"
                | "set"
                | "generator"
                | "function"
                | "string.templatelib.Template"
                | "string.templatelib.Interpolation"),
            ) => {
                let message = format!("'{name}' object is not subscriptable; perhaps you missed a comma?");
                self.warn(message, node.range);
            }
            Some(container @ ("str" | "bytes" | "tuple" | "list")) => {
                if let Some(index) = type_of_display(&node.slice).filter(|name| !matches!(*name, "int" | "bool")) {
                    let message = format!("{container} indices must be integers or slices, not {index}; perhaps you missed a comma?");
                    self.warn(message, node.range);
                }
            }
            _ => {}
        }
    }
}

/// The type of a literal that `is` makes no sense with.
fn compared_by_value(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::BytesLiteral(_) => type_of_display(expr),
        Expr::Tuple(tuple) if tuple.elts.iter().all(|element| element.is_literal_expr()) => Some("tuple"),
        _ => None,
    }
}

/// The type of an expression, where its form tells.
fn type_of_display(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::NoneLiteral(_) => "NoneType",
        Expr::BooleanLiteral(_) => "bool",
        Expr::EllipsisLiteral(_) => "ellipsis",
        Expr::NumberLiteral(node) => match node.value {
            Number::Int(_) => "int",
            Number::Float(_) => "float",
            Number::Complex { .. } => "complex",
        },
        Expr::StringLiteral(_) | Expr::FString(_) => "str",
        Expr::TString(_) => "string.templatelib.Template",
        Expr::BytesLiteral(_) => "bytes",
        Expr::Tuple(_) => "tuple",
        Expr::List(_) | Expr::ListComp(_) => "list",
        Expr::Dict(_) | Expr::DictComp(_) => "dict",
        Expr::Set(_) | Expr::SetComp(_) => "set",
        Expr::Generator(_) => "generator",
        Expr::Lambda(_) => "function",
        _ => return None,
    })
}
