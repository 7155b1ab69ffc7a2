//! `'%s: %r' % (a, b)` as an f-string.

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::{Expr, ExprBinOp, Operator};

use super::{Compiler, Result};
use crate::ir::Location;

/// The most digits of a width or precision.
const MAX_DIGITS: usize = 3;

/// A piece of a format.
#[derive(PartialEq, Eq, Debug)]
enum Piece {
    Text(Vec<u8>),
    /// The conversion (1 str, 2 repr, 3 ascii) and the format specification.
    Value(u32, String),
}

/// Takes a format apart; `None` if it has anything but plain strings in it.
fn pieces(format: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        if let Some(after) = rest.strip_prefix(b"%") {
            text.push(b'%');
            rest = after;
            continue;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        let mut left = false;
        while let Some((flag, after)) = rest.split_first().filter(|(flag, _)| b"-+ #0".contains(flag)) {
            left |= *flag == b'-';
            rest = after;
        }
        let mut spec = String::new();
        let width = digits(&mut rest)?;
        if !width.is_empty() {
            let width: u32 = width.parse().ok()?;
            spec = if !left && width > 0 { format!(">{width}") } else { width.to_string() };
        }
        if let Some(after) = rest.strip_prefix(b".") {
            rest = after;
            let precision: u32 = digits(&mut rest)?.parse().unwrap_or(0);
            spec.push_str(&format!(".{precision}"));
        }
        let (kind, after) = rest.split_first()?;
        rest = after;
        let conversion = match kind {
            b's' => 1,
            b'r' => 2,
            b'a' => 3,
            _ => return None,
        };
        pieces.push(Piece::Value(conversion, spec));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Some(pieces)
}

/// Reads a number; `None` if it is too long.
fn digits<'t>(rest: &mut &'t [u8]) -> Option<&'t str> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    (count <= MAX_DIGITS).then(|| std::str::from_utf8(digits).unwrap_or_default())
}

impl<'a> Compiler<'a> {
    /// Compiles the operation as an f-string, if it can be one.
    pub(super) fn percent_format(&mut self, node: &'a ExprBinOp, location: Location) -> Result<bool> {
        let (Operator::Mod, Expr::StringLiteral(_), Expr::Tuple(values)) = (node.op, &*node.left, &*node.right) else {
            return Ok(false);
        };
        let Some(Constant::Str(format)) = self.literal(&node.left)? else {
            return Ok(false);
        };
        let Some(pieces) = pieces(&format) else {
            return Ok(false);
        };
        let wanted = pieces.iter().filter(|piece| matches!(piece, Piece::Value(..))).count();
        if wanted != values.elts.len() || values.elts.iter().any(Expr::is_starred_expr) || pieces.len() > super::expressions::MANY {
            return Ok(false);
        }
        let count = pieces.len();
        let mut values = values.elts.iter();
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.load_const(Constant::Str(text.into()), location),
                Piece::Value(conversion, spec) => {
                    let value = values.next().expect("they have been counted");
                    let location = self.location(value);
                    self.expr(value)?;
                    self.emit_arg(Opcode::CONVERT_VALUE, conversion, location);
                    if spec.is_empty() {
                        self.emit(Opcode::FORMAT_SIMPLE, location);
                    } else {
                        self.load_const(Constant::Str(spec.into_bytes().into()), location);
                        self.emit(Opcode::FORMAT_WITH_SPEC, location);
                    }
                }
            }
        }
        match count {
            0 => self.load_const(Constant::Str([].into()), location),
            1 => {}
            count => self.emit_arg(Opcode::BUILD_STRING, count as u32, location),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_formats_are_taken_apart() {
        let text = |text: &str| Piece::Text(text.as_bytes().to_vec());
        let value = |conversion, spec: &str| Piece::Value(conversion, spec.to_owned());
        assert_eq!(pieces(b"a%sb%%c%r"), Some(vec![text("a"), value(1, ""), text("b%c"), value(2, "")]));
        assert_eq!(pieces(b"%5s%-5a%.3s%10.2r"), Some(vec![value(1, ">5"), value(3, "5"), value(1, ".3"), value(2, ">10.2")]));
        for format in ["%d", "%", "%(a)s", "%*s", "%1000s", "%5", "%.f", "%ls"] {
            assert_eq!(pieces(format.as_bytes()), None, "{format}");
        }
    }
}
