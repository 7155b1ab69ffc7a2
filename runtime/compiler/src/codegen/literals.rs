//! Literals as constants.

use dashu_int::IBig;
use limpid_bytecode::Constant;
use ruff_python_ast::{Expr, Int, Number, Stmt, StringLiteral};

use super::fold;
use super::{Compiler, Result};
use crate::text;

/// The most decimal digits of an int literal: reading them takes quadratic time.
const MAX_DIGITS: usize = 4300;

impl<'a> Compiler<'a> {
    /// The value of a literal; `None` for any other expression.
    pub(super) fn literal(&self, expr: &Expr) -> Result<Option<Constant>> {
        let constant = match expr {
            Expr::NoneLiteral(_) => Constant::None,
            Expr::EllipsisLiteral(_) => Constant::Ellipsis,
            Expr::BooleanLiteral(node) => Constant::Bool(node.value),
            Expr::NumberLiteral(node) => match &node.value {
                Number::Int(value) => int(value).map_err(|message| self.error(node.range, message))?,
                Number::Float(value) => Constant::Float(*value),
                Number::Complex { real, imag } => Constant::Complex(*real, *imag),
            },
            Expr::StringLiteral(node) => {
                let parts = node.value.iter().map(|part| self.string_literal(part));
                Constant::Str(parts.collect::<Vec<_>>().concat().into())
            }
            Expr::BytesLiteral(node) => Constant::Bytes(node.value.bytes().collect()),
            _ => return Ok(None),
        };
        Ok(Some(constant))
    }

    /// The text of one string literal.
    pub(super) fn string_literal(&self, node: &StringLiteral) -> Vec<u8> {
        self.context.source.string(node)
    }

    /// The documentation string a body begins with.
    pub(super) fn docstring(&self, statement: &Stmt) -> Constant {
        let Stmt::Expr(statement) = statement else {
            return Constant::None;
        };
        let Expr::StringLiteral(node) = &*statement.value else {
            return Constant::None;
        };
        let text: Vec<u8> = node.value.iter().flat_map(|part| self.string_literal(part)).collect();
        Constant::Str(text::clean_docstring(&text).into())
    }
}

/// The value of an int literal, or what is wrong with it.
pub(crate) fn int(value: &Int) -> std::result::Result<Constant, String> {
    if let Some(value) = value.as_i64() {
        return Ok(Constant::Int(value));
    }
    let text = value.to_string().replace('_', "");
    let (digits, radix) = match text.get(..2) {
        Some("0x" | "0X") => (&text[2..], 16),
        Some("0o" | "0O") => (&text[2..], 8),
        Some("0b" | "0B") => (&text[2..], 2),
        _ => (&text[..], 10),
    };
    if radix == 10 && digits.len() > MAX_DIGITS {
        return Err(format!(
            "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {} digits; use sys.set_int_max_str_digits() \
             to increase the limit - Consider hexadecimal for huge integer literals to avoid decimal conversion limits.",
            digits.len()
        ));
    }
    let value = IBig::from_str_radix(digits, radix).map_err(|_| "invalid number".to_owned())?;
    Ok(fold::int(value))
}
