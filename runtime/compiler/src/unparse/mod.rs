//! Expressions as text, written the way CPython's compiler writes them: the annotations of `from __future__ import annotations`, and
//! values in error messages.

mod constants;

pub(crate) use constants::constant;

use limpid_bytecode::Constant;
use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, ConversionFlag, Expr, ExprCall, ExprDict, ExprFString, ExprSlice, FStringPart, InterpolatedElement,
    InterpolatedStringElement, Operator, ParameterWithDefault, Parameters, UnaryOp,
};

/// How tightly an operand must bind; looser expressions are put in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Comparison,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Arithmetic,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

impl Level {
    /// The next tighter one.
    fn tighter(self) -> Level {
        const ORDER: [Level; 16] = [
            Level::Tuple,
            Level::Test,
            Level::Or,
            Level::And,
            Level::Not,
            Level::Comparison,
            Level::BitOr,
            Level::BitXor,
            Level::BitAnd,
            Level::Shift,
            Level::Arithmetic,
            Level::Term,
            Level::Factor,
            Level::Power,
            Level::Await,
            Level::Atom,
        ];
        ORDER[(self as usize + 1).min(ORDER.len() - 1)]
    }
}

/// Gives the value of a literal; strings and big ints need the source text.
pub(crate) type Literals<'l> = &'l dyn Fn(&Expr) -> Option<Constant>;

/// The text of an expression.
pub(crate) fn unparse(expr: &Expr, literals: Literals) -> String {
    let mut writer = Writer { text: String::new(), literals };
    writer.expr(expr, Level::Test);
    writer.text
}

struct Writer<'l> {
    text: String,
    literals: Literals<'l>,
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes something in parentheses if it binds too loosely.
    fn bracketed(&mut self, brackets: bool, write: impl FnOnce(&mut Self)) {
        if brackets {
            self.push("(");
        }
        write(self);
        if brackets {
            self.push(")");
        }
    }

    fn list<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>, level: Level) {
        for (index, expr) in exprs.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.expr(expr, level);
        }
    }

    fn expr(&mut self, expr: &Expr, level: Level) {
        crate::nesting::with_stack(|| self.expr_inner(expr, level));
    }

    fn expr_inner(&mut self, expr: &Expr, level: Level) {
        match expr {
            Expr::BoolOp(node) => {
                let (own, operator) = match node.op {
                    BoolOp::And => (Level::And, " and "),
                    BoolOp::Or => (Level::Or, " or "),
                };
                self.bracketed(level > own, |this| {
                    for (index, value) in node.values.iter().enumerate() {
                        if index > 0 {
                            this.push(operator);
                        }
                        this.expr(value, own.tighter());
                    }
                });
            }
            Expr::Named(node) => self.bracketed(level > Level::Tuple, |this| {
                this.expr(&node.target, Level::Atom);
                this.push(" := ");
                this.expr(&node.value, Level::Atom);
            }),
            Expr::BinOp(node) => {
                let (own, operator) = binary(node.op);
                let (left, right) = if node.op == Operator::Pow { (own.tighter(), own) } else { (own, own.tighter()) };
                self.bracketed(level > own, |this| {
                    this.expr(&node.left, left);
                    this.push(operator);
                    this.expr(&node.right, right);
                });
            }
            Expr::UnaryOp(node) => {
                let (own, operator) = match node.op {
                    UnaryOp::Invert => (Level::Factor, "~"),
                    UnaryOp::Not => (Level::Not, "not "),
                    UnaryOp::UAdd => (Level::Factor, "+"),
                    UnaryOp::USub => (Level::Factor, "-"),
                };
                self.bracketed(level > own, |this| {
                    this.push(operator);
                    this.expr(&node.operand, own);
                });
            }
            Expr::Lambda(node) => self.bracketed(level > Level::Test, |this| {
                this.push("lambda");
                if let Some(parameters) = &node.parameters {
                    // `lambda*args: x` is how the original spells it.
                    if !(parameters.posonlyargs.is_empty() && parameters.args.is_empty()) {
                        this.push(" ");
                    }
                    this.parameters(parameters);
                }
                this.push(": ");
                this.expr(&node.body, Level::Test);
            }),
            Expr::If(node) => self.bracketed(level > Level::Test, |this| {
                this.expr(&node.body, Level::Test.tighter());
                this.push(" if ");
                this.expr(&node.test, Level::Test.tighter());
                this.push(" else ");
                this.expr(&node.orelse, Level::Test);
            }),
            Expr::Dict(node) => self.dict(node),
            Expr::Set(node) => {
                self.push("{");
                self.list(&node.elts, Level::Test);
                self.push("}");
            }
            Expr::ListComp(node) => self.comprehension("[", None, &node.elt, &node.generators, "]"),
            Expr::SetComp(node) => self.comprehension("{", None, &node.elt, &node.generators, "}"),
            Expr::DictComp(node) => {
                self.comprehension("{", node.key.as_deref(), &node.value, &node.generators, "}");
            }
            Expr::Generator(node) => self.comprehension("(", None, &node.elt, &node.generators, ")"),
            Expr::Await(node) => self.bracketed(level > Level::Await, |this| {
                this.push("await ");
                this.expr(&node.value, Level::Atom);
            }),
            Expr::Yield(node) => {
                self.push("(yield");
                if let Some(value) = &node.value {
                    self.push(" ");
                    self.expr(value, Level::Test);
                }
                self.push(")");
            }
            Expr::YieldFrom(node) => {
                self.push("(yield from ");
                self.expr(&node.value, Level::Test);
                self.push(")");
            }
            Expr::Compare(node) => self.bracketed(level > Level::Comparison, |this| {
                this.expr(&node.left, Level::Comparison.tighter());
                for (op, operand) in node.ops.iter().zip(&node.comparators) {
                    this.push(comparison(*op));
                    this.expr(operand, Level::Comparison.tighter());
                }
            }),
            Expr::Call(node) => self.call(node),
            Expr::FString(node) => self.f_string(node),
            Expr::TString(node) => {
                let mut body = String::new();
                for string in node.value.iter() {
                    self.elements(&string.elements, &mut body);
                }
                self.push("t");
                self.push(&constants::str_repr(body.as_bytes()));
            }
            Expr::Attribute(node) => {
                self.expr(&node.value, Level::Atom);
                // 1 .real
                let is_int = node.value.as_number_literal_expr().is_some_and(|number| number.value.is_int());
                self.push(if is_int { " ." } else { "." });
                self.push(&node.attr);
            }
            Expr::Subscript(node) => {
                self.expr(&node.value, Level::Atom);
                self.push("[");
                self.expr(&node.slice, Level::Tuple);
                self.push("]");
            }
            Expr::Starred(node) => {
                self.push("*");
                self.expr(&node.value, Level::BitOr);
            }
            Expr::Name(node) => self.push(&node.id),
            Expr::List(node) => {
                self.push("[");
                self.list(&node.elts, Level::Test);
                self.push("]");
            }
            Expr::Tuple(node) if node.elts.is_empty() => self.push("()"),
            Expr::Tuple(node) => self.bracketed(level > Level::Tuple, |this| {
                this.list(&node.elts, Level::Test);
                if node.elts.len() == 1 {
                    this.push(",");
                }
            }),
            Expr::Slice(node) => self.slice(node),
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => {
                if expr.as_string_literal_expr().is_some_and(|string| string.value.is_unicode()) {
                    self.push("u");
                }
                if let Some(value) = (self.literals)(expr) {
                    self.push(&constant(&value));
                }
            }
        }
    }

    fn dict(&mut self, node: &ExprDict) {
        self.push("{");
        for (index, item) in node.items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            match &item.key {
                Some(key) => {
                    self.expr(key, Level::Test);
                    self.push(": ");
                    self.expr(&item.value, Level::Test);
                }
                None => {
                    self.push("**");
                    self.expr(&item.value, Level::BitOr);
                }
            }
        }
        self.push("}");
    }

    fn comprehension(&mut self, open: &str, key: Option<&Expr>, element: &Expr, generators: &[Comprehension], close: &str) {
        self.push(open);
        if let Some(key) = key {
            self.expr(key, Level::Test);
            self.push(": ");
        }
        self.expr(element, Level::Test);
        for generator in generators {
            self.push(if generator.is_async { " async for " } else { " for " });
            self.expr(&generator.target, Level::Tuple);
            self.push(" in ");
            self.expr(&generator.iter, Level::Test.tighter());
            for condition in &generator.ifs {
                self.push(" if ");
                self.expr(condition, Level::Test.tighter());
            }
        }
        self.push(close);
    }

    fn call(&mut self, node: &ExprCall) {
        self.expr(&node.func, Level::Atom);
        let (args, keywords) = (&node.arguments.args, &node.arguments.keywords);
        if let ([only @ Expr::Generator(_)], []) = (&args[..], &keywords[..]) {
            return self.expr(only, Level::Test);
        }
        self.push("(");
        self.list(args, Level::Test);
        for (index, keyword) in keywords.iter().enumerate() {
            if index + args.len() > 0 {
                self.push(", ");
            }
            match &keyword.arg {
                Some(name) => {
                    self.push(name);
                    self.push("=");
                }
                None => self.push("**"),
            }
            self.expr(&keyword.value, Level::Test);
        }
        self.push(")");
    }

    fn slice(&mut self, node: &ExprSlice) {
        let part = |this: &mut Self, part: &Option<Box<Expr>>| {
            if let Some(part) = part {
                this.expr(part, Level::Test);
            }
        };
        part(self, &node.lower);
        self.push(":");
        part(self, &node.upper);
        if node.step.is_some() {
            self.push(":");
            part(self, &node.step);
        }
    }

    fn parameters(&mut self, parameters: &Parameters) {
        let mut first = true;
        let mut separate = |this: &mut Self| {
            if !std::mem::replace(&mut first, false) {
                this.push(", ");
            }
        };
        let plain = |this: &mut Self, parameter: &ParameterWithDefault| {
            this.push(parameter.name());
            if let Some(default) = parameter.default() {
                this.push("=");
                this.expr(default, Level::Test);
            }
        };
        for parameter in &parameters.posonlyargs {
            separate(self);
            plain(self, parameter);
        }
        if !parameters.posonlyargs.is_empty() {
            self.push(", /");
        }
        for parameter in &parameters.args {
            separate(self);
            plain(self, parameter);
        }
        if parameters.vararg.is_some() || !parameters.kwonlyargs.is_empty() {
            separate(self);
            self.push("*");
            if let Some(vararg) = &parameters.vararg {
                self.push(&vararg.name);
            }
        }
        for parameter in &parameters.kwonlyargs {
            separate(self);
            plain(self, parameter);
        }
        if let Some(kwarg) = &parameters.kwarg {
            separate(self);
            self.push("**");
            self.push(&kwarg.name);
        }
    }

    fn f_string(&mut self, node: &ExprFString) {
        let mut body = String::new();
        for part in &node.value {
            match part {
                FStringPart::Literal(literal) => push_literal(literal.as_str(), &mut body),
                FStringPart::FString(string) => self.elements(&string.elements, &mut body),
            }
        }
        self.push("f");
        self.push(&constants::str_repr(body.as_bytes()));
    }

    /// Appends the inside of an f-string to `body`.
    fn elements<'e>(&self, elements: impl IntoIterator<Item = &'e InterpolatedStringElement>, body: &mut String) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => push_literal(&literal.value, body),
                InterpolatedStringElement::Interpolation(element) => self.interpolation(element, body),
            }
        }
    }

    fn interpolation(&self, element: &InterpolatedElement, body: &mut String) {
        if let Some(debug) = &element.debug_text {
            push_literal(debug.as_str(), body);
        }
        let mut inner = Writer { text: String::new(), literals: self.literals };
        inner.expr(&element.expression, Level::Test.tighter());
        // Two braces would be one.
        body.push_str(if inner.text.starts_with('{') { "{ " } else { "{" });
        body.push_str(&inner.text);
        let shows_repr = element.debug_text.is_some() && element.format_spec.is_none();
        body.push_str(match element.conversion {
            ConversionFlag::None if shows_repr => "!r",
            ConversionFlag::None => "",
            ConversionFlag::Str => "!s",
            ConversionFlag::Repr => "!r",
            ConversionFlag::Ascii => "!a",
        });
        if let Some(spec) = &element.format_spec {
            body.push(':');
            self.elements(&spec.elements, body);
        }
        body.push('}');
    }
}

fn push_literal(text: &str, body: &mut String) {
    body.push_str(&text.replace('{', "{{").replace('}', "}}"));
}

fn binary(operator: Operator) -> (Level, &'static str) {
    match operator {
        Operator::Add => (Level::Arithmetic, " + "),
        Operator::Sub => (Level::Arithmetic, " - "),
        Operator::Mult => (Level::Term, " * "),
        Operator::MatMult => (Level::Term, " @ "),
        Operator::Div => (Level::Term, " / "),
        Operator::Mod => (Level::Term, " % "),
        Operator::FloorDiv => (Level::Term, " // "),
        Operator::LShift => (Level::Shift, " << "),
        Operator::RShift => (Level::Shift, " >> "),
        Operator::BitOr => (Level::BitOr, " | "),
        Operator::BitXor => (Level::BitXor, " ^ "),
        Operator::BitAnd => (Level::BitAnd, " & "),
        Operator::Pow => (Level::Power, " ** "),
    }
}

fn comparison(operator: CmpOp) -> &'static str {
    match operator {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        let parsed = ruff_python_parser::parse_expression(source).expect("valid");
        let literal = |expr: &Expr| match expr {
            Expr::StringLiteral(node) => Some(Constant::Str(node.value.to_str().as_bytes().into())),
            Expr::NumberLiteral(node) => match &node.value {
                ruff_python_ast::Number::Int(value) => value.as_i64().map(Constant::Int),
                ruff_python_ast::Number::Float(value) => Some(Constant::Float(*value)),
                ruff_python_ast::Number::Complex { real, imag } => Some(Constant::Complex(*real, *imag)),
            },
            Expr::NoneLiteral(_) => Some(Constant::None),
            Expr::EllipsisLiteral(_) => Some(Constant::Ellipsis),
            _ => None,
        };
        unparse(parsed.expr(), &literal)
    }

    #[test]
    fn text_is_the_same_where_it_is_written_plainly() {
        for source in [
            "a + b * c ** (-d)",
            "(a + b) * c",
            "a ** b ** c",
            "(a ** b) ** c",
            "-x ** y",
            "not a and (b or c)",
            "lambda a, /, b=1, *c, d=2, **e: a",
            "lambda*, a: a",
            "lambda: 0",
            "(a if b else c) if d else e",
            "a if b else lambda: c",
            "[x for x in y if z if w for q in r]",
            "{a: b for a, b in c}",
            "f(x for x in y)",
            "f(a, *b, c=d, **e)",
            "a[b, c:d, ::e]",
            "x.y[...].z",
            "1 .real",
            "{1: 2, **a | b}",
            "a < b <= c is not d not in e",
            "(yield a)",
            "'a\\n\"b'",
            "dict[str, int] | None",
            "tuple[()]",
            "tuple[int, *Ts]",
            "f'a{b!r:>{c}}{{d'",
        ] {
            assert_eq!(text(source), source);
        }
    }

    #[test]
    fn spelling_is_normalized() {
        for (source, expected) in [
            ("( a+b )", "a + b"),
            ("\"it's\"", "\"it's\""),
            ("'''x'''", "'x'"),
            ("a[(b, c)]", "a[b, c]"),
            ("((yield))", "(yield)"),
            ("1e300 * 1E-7", "1e+300 * 1e-07"),
            ("f'{x=}'", "f'x={x!r}'"),
            ("f'{ {1} }'", "f'{ {1}}'"),
        ] {
            assert_eq!(text(source), expected);
        }
    }
}
