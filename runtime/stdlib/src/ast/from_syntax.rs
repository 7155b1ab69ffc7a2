//! From the compiler's tree to [`Node`]s. The two differ where the compiler's keeps closer to the text: `elif`, adjacent strings, decorators.

use super::asdl::Kind;
use super::tree::{Item, Node};
use limpid_bytecode::Constant;
use limpid_compiler::ast::{
    self, Arguments, BoolOp, CmpOp, Comprehension, ConversionFlag, ElifElseClause, ExceptHandler, Expr, ExprContext, FStringPart,
    Identifier, InterpolatedElement, InterpolatedStringElement, InterpolatedStringFormatSpec, Mod, Number, Operator, Parameter,
    ParameterWithDefault, Parameters, Pattern, Singleton, Stmt, TypeParam, TypeParams, UnaryOp,
};
use limpid_compiler::text_size::{Ranged, TextRange, TextSize};
use limpid_compiler::{Mode, SyntaxError, SyntaxTree};
use limpid_vm::exc;
use limpid_vm::object::Raised;
use limpid_vm::thread::Thread;

/// Why a tree cannot be converted.
pub(super) enum Failure {
    /// It is nested too deeply.
    Raised(Raised),
    /// A literal is not allowed.
    Syntax(SyntaxError),
}

impl From<Raised> for Failure {
    fn from(raised: Raised) -> Failure {
        Failure::Raised(raised)
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// The root of a program.
pub(super) fn program(t: &Thread, tree: &SyntaxTree, mode: Mode) -> Result<Node> {
    let reader = Reader { t, tree };
    Ok(match tree.program() {
        Mod::Expression(expression) => bare(Kind::Expression, vec![reader.expr(&expression.body)?]),
        Mod::Module(module) => {
            let body = reader.body(&module.body)?;
            match mode {
                Mode::Single => bare(Kind::Interactive, vec![body]),
                _ => bare(Kind::Module, vec![body, Item::List(vec![])]),
            }
        }
    })
}

/// A node that has no place.
fn bare(kind: Kind, fields: Vec<Item>) -> Node {
    Node { kind, fields, place: [0; 4] }
}

fn single(kind: Kind) -> Item {
    bare(kind, vec![]).into()
}

struct Reader<'a> {
    t: &'a Thread,
    tree: &'a SyntaxTree,
}

/// A piece of an f-string or t-string.
enum Piece<'a> {
    Text(Vec<u8>, TextRange),
    Field(&'a InterpolatedElement),
}

impl Reader<'_> {
    fn place(&self, range: TextRange) -> [i32; 4] {
        let (line, column) = self.tree.position(range.start());
        let (end_line, end_column) = self.tree.position(range.end());
        [line, column, end_line, end_column]
    }

    fn node(&self, kind: Kind, range: TextRange, fields: Vec<Item>) -> Item {
        Node { kind, fields, place: self.place(range) }.into()
    }

    fn list<T>(&self, items: &[T], read: impl Fn(&Self, &T) -> Result<Item>) -> Result<Item> {
        Ok(Item::List(items.iter().map(|item| read(self, item)).collect::<Result<_>>()?))
    }

    fn body(&self, body: &[Stmt]) -> Result<Item> {
        self.list(body, Reader::stmt)
    }

    fn exprs(&self, exprs: &[Expr]) -> Result<Item> {
        self.list(exprs, Reader::expr)
    }

    fn optional(&self, expr: Option<&Expr>) -> Result<Item> {
        expr.map_or(Ok(Item::None), |expr| self.expr(expr))
    }

    fn name(&self, name: &Identifier) -> Item {
        name.as_str().into()
    }

    fn optional_name(&self, name: Option<&Identifier>) -> Item {
        name.map_or(Item::None, |name| self.name(name))
    }

    // ---- statements ----

    fn stmt(&self, stmt: &Stmt) -> Result<Item> {
        self.t.check_stack(" during ast construction")?;
        let range = stmt.range();
        let type_comment = Item::None;
        let (kind, fields) = match stmt {
            Stmt::FunctionDef(node) => {
                let start = self.tree.definition_start(node.range, &node.decorator_list);
                let fields = vec![
                    self.name(&node.name),
                    self.parameters(Some(&node.parameters))?,
                    self.body(&node.body)?,
                    self.list(&node.decorator_list, |this, decorator| this.expr(&decorator.expression))?,
                    self.optional(node.returns.as_deref())?,
                    type_comment,
                    self.type_params(node.type_params.as_deref())?,
                ];
                let kind = if node.is_async { Kind::AsyncFunctionDef } else { Kind::FunctionDef };
                return Ok(self.node(kind, TextRange::new(start, range.end()), fields));
            }
            Stmt::ClassDef(node) => {
                let start = self.tree.definition_start(node.range, &node.decorator_list);
                let (bases, keywords) = self.arguments(node.arguments.as_deref())?;
                let fields = vec![
                    self.name(&node.name),
                    bases,
                    keywords,
                    self.body(&node.body)?,
                    self.list(&node.decorator_list, |this, decorator| this.expr(&decorator.expression))?,
                    self.type_params(node.type_params.as_deref())?,
                ];
                return Ok(self.node(Kind::ClassDef, TextRange::new(start, range.end()), fields));
            }
            Stmt::Return(node) => (Kind::Return, vec![self.optional(node.value.as_deref())?]),
            Stmt::Delete(node) => (Kind::Delete, vec![self.exprs(&node.targets)?]),
            Stmt::TypeAlias(node) => {
                (Kind::TypeAlias, vec![self.expr(&node.name)?, self.type_params(node.type_params.as_deref())?, self.expr(&node.value)?])
            }
            Stmt::Assign(node) => (Kind::Assign, vec![self.exprs(&node.targets)?, self.expr(&node.value)?, type_comment]),
            Stmt::AugAssign(node) => (Kind::AugAssign, vec![self.expr(&node.target)?, single(operator(node.op)), self.expr(&node.value)?]),
            Stmt::AnnAssign(node) => {
                let simple = Item::Int(node.simple.into());
                (
                    Kind::AnnAssign,
                    vec![self.expr(&node.target)?, self.expr(&node.annotation)?, self.optional(node.value.as_deref())?, simple],
                )
            }
            Stmt::For(node) => {
                let kind = if node.is_async { Kind::AsyncFor } else { Kind::For };
                let (target, iter) = (self.expr(&node.target)?, self.expr(&node.iter)?);
                (kind, vec![target, iter, self.body(&node.body)?, self.body(&node.orelse)?, type_comment])
            }
            Stmt::While(node) => (Kind::While, vec![self.expr(&node.test)?, self.body(&node.body)?, self.body(&node.orelse)?]),
            Stmt::If(node) => {
                let orelse = self.elif(&node.elif_else_clauses, range.end())?;
                (Kind::If, vec![self.expr(&node.test)?, self.body(&node.body)?, orelse])
            }
            Stmt::With(node) => {
                let items = self.list(&node.items, |this, item| {
                    let fields = vec![this.expr(&item.context_expr)?, this.optional(item.optional_vars.as_deref())?];
                    Ok(bare(Kind::WithItem, fields).into())
                })?;
                (if node.is_async { Kind::AsyncWith } else { Kind::With }, vec![items, self.body(&node.body)?, type_comment])
            }
            Stmt::Match(node) => {
                let cases = self.list(&node.cases, |this, case| {
                    let fields = vec![this.pattern(&case.pattern)?, this.optional(case.guard.as_deref())?, this.body(&case.body)?];
                    Ok(bare(Kind::MatchCase, fields).into())
                })?;
                (Kind::Match, vec![self.expr(&node.subject)?, cases])
            }
            Stmt::Raise(node) => (Kind::Raise, vec![self.optional(node.exc.as_deref())?, self.optional(node.cause.as_deref())?]),
            Stmt::Try(node) => {
                let handlers = self.list(&node.handlers, |this, ExceptHandler::ExceptHandler(handler)| {
                    let fields = vec![
                        this.optional(handler.type_.as_deref())?,
                        this.optional_name(handler.name.as_ref()),
                        this.body(&handler.body)?,
                    ];
                    Ok(this.node(Kind::ExceptHandler, handler.range, fields))
                })?;
                let kind = if node.is_star { Kind::TryStar } else { Kind::Try };
                (kind, vec![self.body(&node.body)?, handlers, self.body(&node.orelse)?, self.body(&node.finalbody)?])
            }
            Stmt::Assert(node) => (Kind::Assert, vec![self.expr(&node.test)?, self.optional(node.msg.as_deref())?]),
            Stmt::Import(node) => (Kind::Import, vec![self.aliases(&node.names)]),
            Stmt::ImportFrom(node) => {
                let module = self.optional_name(node.module.as_ref());
                (Kind::ImportFrom, vec![module, self.aliases(&node.names), Item::Int(node.level.into())])
            }
            Stmt::Global(node) => (Kind::Global, vec![self.list(&node.names, |this, name| Ok(this.name(name)))?]),
            Stmt::Nonlocal(node) => (Kind::Nonlocal, vec![self.list(&node.names, |this, name| Ok(this.name(name)))?]),
            Stmt::Expr(node) => (Kind::Expr, vec![self.expr(&node.value)?]),
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => (Kind::Pass, vec![]),
            Stmt::Break(_) => (Kind::Break, vec![]),
            Stmt::Continue(_) => (Kind::Continue, vec![]),
        };
        Ok(self.node(kind, range, fields))
    }

    /// What follows an `if`: an `elif` is an `if` of its own.
    fn elif(&self, clauses: &[ElifElseClause], end: TextSize) -> Result<Item> {
        self.t.check_stack(" during ast construction")?;
        let Some((first, rest)) = clauses.split_first() else { return Ok(Item::List(vec![])) };
        let body = self.body(&first.body)?;
        let Some(test) = &first.test else { return Ok(body) };
        let fields = vec![self.expr(test)?, body, self.elif(rest, end)?];
        Ok(Item::List(vec![self.node(Kind::If, TextRange::new(first.range.start(), end), fields)]))
    }

    fn aliases(&self, names: &[ast::Alias]) -> Item {
        let alias = |alias: &ast::Alias| {
            let fields = vec![self.name(&alias.name), self.optional_name(alias.asname.as_ref())];
            self.node(Kind::Alias, alias.range, fields)
        };
        Item::List(names.iter().map(alias).collect())
    }

    fn type_params(&self, params: Option<&TypeParams>) -> Result<Item> {
        self.list(params.map_or(&[], |params| &params.type_params), |this, param| {
            let (kind, fields) = match param {
                TypeParam::TypeVar(node) => {
                    let (bound, default) = (this.optional(node.bound.as_deref())?, this.optional(node.default.as_deref())?);
                    (Kind::TypeVar, vec![this.name(&node.name), bound, default])
                }
                TypeParam::ParamSpec(node) => (Kind::ParamSpec, vec![this.name(&node.name), this.optional(node.default.as_deref())?]),
                TypeParam::TypeVarTuple(node) => (Kind::TypeVarTuple, vec![this.name(&node.name), this.optional(node.default.as_deref())?]),
            };
            Ok(this.node(kind, param.range(), fields))
        })
    }

    fn parameter(&self, parameter: &Parameter) -> Result<Item> {
        let fields = vec![self.name(&parameter.name), self.optional(parameter.annotation.as_deref())?, Item::None];
        // The stars before a name are not part of it.
        let range = TextRange::new(parameter.name.range.start(), parameter.range.end());
        Ok(self.node(Kind::Arg, range, fields))
    }

    fn parameters(&self, parameters: Option<&Parameters>) -> Result<Item> {
        let empty = Parameters::default();
        let parameters = parameters.unwrap_or(&empty);
        let all = |of: &[ParameterWithDefault]| self.list(of, |this, one| this.parameter(&one.parameter));
        let optional = |of: Option<&Parameter>| of.map_or(Ok(Item::None), |parameter| self.parameter(parameter));
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let defaults: Result<Vec<Item>> = positional.filter_map(|one| one.default.as_deref()).map(|expr| self.expr(expr)).collect();
        let fields = vec![
            all(&parameters.posonlyargs)?,
            all(&parameters.args)?,
            optional(parameters.vararg.as_deref())?,
            all(&parameters.kwonlyargs)?,
            self.list(&parameters.kwonlyargs, |this, one| this.optional(one.default.as_deref()))?,
            optional(parameters.kwarg.as_deref())?,
            Item::List(defaults?),
        ];
        Ok(bare(Kind::Arguments, fields).into())
    }

    /// Arguments of a call or bases of a class, and keywords.
    fn arguments(&self, arguments: Option<&Arguments>) -> Result<(Item, Item)> {
        let Some(arguments) = arguments else { return Ok((Item::List(vec![]), Item::List(vec![]))) };
        let args = self.list(&arguments.args, |this, arg| match arg {
            // The parentheses of the call are its own.
            Expr::Generator(node) if !node.parenthesized => this.generator(node, arguments.range),
            _ => this.expr(arg),
        })?;
        let keywords = self.list(&arguments.keywords, |this, keyword| {
            let fields = vec![this.optional_name(keyword.arg.as_ref()), this.expr(&keyword.value)?];
            Ok(this.node(Kind::Keyword, keyword.range, fields))
        })?;
        Ok((args, keywords))
    }

    // ---- expressions ----

    fn expr(&self, expr: &Expr) -> Result<Item> {
        self.t.check_stack(" during ast construction")?;
        let range = expr.range();
        let (kind, fields) = match expr {
            Expr::BoolOp(node) => {
                let op = if node.op == BoolOp::And { Kind::And } else { Kind::Or };
                (Kind::BoolOp, vec![single(op), self.exprs(&node.values)?])
            }
            Expr::Named(node) => (Kind::NamedExpr, vec![self.expr(&node.target)?, self.expr(&node.value)?]),
            Expr::BinOp(node) => (Kind::BinOp, vec![self.expr(&node.left)?, single(operator(node.op)), self.expr(&node.right)?]),
            Expr::UnaryOp(node) => {
                let op = match node.op {
                    UnaryOp::Invert => Kind::Invert,
                    UnaryOp::Not => Kind::Not,
                    UnaryOp::UAdd => Kind::UAdd,
                    UnaryOp::USub => Kind::USub,
                };
                (Kind::UnaryOp, vec![single(op), self.expr(&node.operand)?])
            }
            Expr::Lambda(node) => (Kind::Lambda, vec![self.parameters(node.parameters.as_deref())?, self.expr(&node.body)?]),
            Expr::If(node) => (Kind::IfExp, vec![self.expr(&node.test)?, self.expr(&node.body)?, self.expr(&node.orelse)?]),
            Expr::Dict(node) => {
                let keys = self.list(&node.items, |this, item| this.optional(item.key.as_ref()))?;
                (Kind::Dict, vec![keys, self.list(&node.items, |this, item| this.expr(&item.value))?])
            }
            Expr::Set(node) => (Kind::Set, vec![self.exprs(&node.elts)?]),
            Expr::ListComp(node) => (Kind::ListComp, vec![self.expr(&node.elt)?, self.comprehensions(&node.generators)?]),
            Expr::SetComp(node) => (Kind::SetComp, vec![self.expr(&node.elt)?, self.comprehensions(&node.generators)?]),
            Expr::DictComp(node) => {
                let key = self.optional(node.key.as_deref())?;
                (Kind::DictComp, vec![key, self.expr(&node.value)?, self.comprehensions(&node.generators)?])
            }
            Expr::Generator(node) => return self.generator(node, range),
            Expr::Await(node) => (Kind::Await, vec![self.expr(&node.value)?]),
            Expr::Yield(node) => (Kind::Yield, vec![self.optional(node.value.as_deref())?]),
            Expr::YieldFrom(node) => (Kind::YieldFrom, vec![self.expr(&node.value)?]),
            Expr::Compare(node) => {
                let ops = Item::List(node.ops.iter().map(|op| single(comparison(*op))).collect());
                (Kind::Compare, vec![self.expr(&node.left)?, ops, self.exprs(&node.comparators)?])
            }
            Expr::Call(node) => {
                let (args, keywords) = self.arguments(Some(&node.arguments))?;
                (Kind::Call, vec![self.expr(&node.func)?, args, keywords])
            }
            Expr::FString(node) => {
                let mut pieces = Vec::new();
                for part in node.value.iter() {
                    match part {
                        FStringPart::Literal(literal) => push_text(&mut pieces, self.tree.string(literal), literal.range),
                        FStringPart::FString(string) => {
                            self.elements(&mut pieces, &string.elements, string.flags.prefix().is_raw(), false);
                        }
                    }
                }
                (Kind::JoinedStr, vec![self.pieces(pieces, false)?])
            }
            Expr::TString(node) => {
                let mut pieces = Vec::new();
                for string in node.value.iter() {
                    self.elements(&mut pieces, &string.elements, string.flags.prefix().is_raw(), false);
                }
                (Kind::TemplateStr, vec![self.pieces(pieces, true)?])
            }
            Expr::StringLiteral(node) => {
                let text: Vec<u8> = node.value.iter().flat_map(|part| self.tree.string(part)).collect();
                let is_u = node.value.iter().next().is_some_and(|part| part.flags.prefix().is_unicode());
                let prefix = if is_u { "u".into() } else { Item::None };
                (Kind::Constant, vec![Item::Constant(Constant::Str(text.into())), prefix])
            }
            Expr::BytesLiteral(node) => constant(Constant::Bytes(node.value.bytes().collect())),
            Expr::NumberLiteral(node) => constant(match &node.value {
                Number::Int(value) => self.tree.int(value, node.range).map_err(Failure::Syntax)?,
                Number::Float(value) => Constant::Float(*value),
                Number::Complex { real, imag } => Constant::Complex(*real, *imag),
            }),
            Expr::BooleanLiteral(node) => constant(Constant::Bool(node.value)),
            Expr::NoneLiteral(_) => constant(Constant::None),
            Expr::EllipsisLiteral(_) => constant(Constant::Ellipsis),
            Expr::Attribute(node) => (Kind::Attribute, vec![self.expr(&node.value)?, self.name(&node.attr), context(node.ctx)]),
            Expr::Subscript(node) => (Kind::Subscript, vec![self.expr(&node.value)?, self.expr(&node.slice)?, context(node.ctx)]),
            Expr::Starred(node) => (Kind::Starred, vec![self.expr(&node.value)?, context(node.ctx)]),
            // Other spellings of keywords that are equal when normalized.
            Expr::Name(node) if matches!(node.id.as_str(), "None" | "True" | "False") => {
                return Err(raised_for_constant(self.t, node.id.as_str()).into());
            }
            Expr::Name(node) => (Kind::Name, vec![node.id.as_str().into(), context(node.ctx)]),
            Expr::List(node) => (Kind::List, vec![self.exprs(&node.elts)?, context(node.ctx)]),
            Expr::Tuple(node) => (Kind::Tuple, vec![self.exprs(&node.elts)?, context(node.ctx)]),
            Expr::Slice(node) => {
                let (lower, upper) = (self.optional(node.lower.as_deref())?, self.optional(node.upper.as_deref())?);
                (Kind::Slice, vec![lower, upper, self.optional(node.step.as_deref())?])
            }
            Expr::IpyEscapeCommand(_) => constant(Constant::None),
        };
        Ok(self.node(kind, range, fields))
    }

    fn generator(&self, node: &ast::ExprGenerator, range: TextRange) -> Result<Item> {
        let fields = vec![self.expr(&node.elt)?, self.comprehensions(&node.generators)?];
        Ok(self.node(Kind::GeneratorExp, range, fields))
    }

    fn comprehensions(&self, generators: &[Comprehension]) -> Result<Item> {
        self.list(generators, |this, one| {
            let fields = vec![this.expr(&one.target)?, this.expr(&one.iter)?, this.exprs(&one.ifs)?, Item::Int(one.is_async.into())];
            Ok(bare(Kind::Comprehension, fields).into())
        })
    }

    // ---- f-strings and t-strings ----

    fn elements<'a>(
        &self,
        pieces: &mut Vec<Piece<'a>>,
        elements: impl IntoIterator<Item = &'a InterpolatedStringElement>,
        raw: bool,
        in_spec: bool,
    ) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    push_text(pieces, self.tree.string_piece(literal, raw && !in_spec), literal.range);
                }
                InterpolatedStringElement::Interpolation(element) => {
                    if let (Some(debug), Some(text)) = (&element.debug_text, self.tree.debug_text(element)) {
                        // From behind the brace to the end of the text that is shown.
                        let start = element.range.start() + TextSize::from(1);
                        let range = TextRange::at(start, TextSize::from(debug.as_str().len() as u32));
                        push_text(pieces, text.into_bytes(), range);
                    }
                    pieces.push(Piece::Field(element));
                }
            }
        }
    }

    fn pieces(&self, pieces: Vec<Piece<'_>>, is_template: bool) -> Result<Item> {
        let piece = |piece| match piece {
            Piece::Text(text, range) => {
                let (kind, fields) = constant(Constant::Str(text.into()));
                Ok(self.node(kind, range, fields))
            }
            Piece::Field(element) => self.field(element, is_template),
        };
        Ok(Item::List(pieces.into_iter().map(piece).collect::<Result<_>>()?))
    }

    fn field(&self, element: &InterpolatedElement, is_template: bool) -> Result<Item> {
        let conversion = match element.conversion {
            // f"{x=}" without a format shows the repr.
            ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => ConversionFlag::Repr as i8,
            conversion => conversion as i8,
        };
        let spec = element.format_spec.as_ref().map_or(Ok(Item::None), |spec| self.format_spec(spec))?;
        let mut fields = vec![self.expr(&element.expression)?, Item::Int(conversion.into()), spec];
        if is_template {
            let text = self.tree.interpolation_text(element);
            fields.insert(1, Item::Constant(Constant::Str(text.into_bytes().into())));
        }
        let kind = if is_template { Kind::Interpolation } else { Kind::FormattedValue };
        Ok(self.node(kind, element.range, fields))
    }

    fn format_spec(&self, spec: &InterpolatedStringFormatSpec) -> Result<Item> {
        let mut pieces = Vec::new();
        self.elements(&mut pieces, &spec.elements, false, true);
        // It begins with its colon.
        let range = TextRange::new(spec.range.start() - TextSize::from(1), spec.range.end());
        Ok(self.node(Kind::JoinedStr, range, vec![self.pieces(pieces, false)?]))
    }

    // ---- patterns ----

    fn pattern(&self, pattern: &Pattern) -> Result<Item> {
        self.t.check_stack(" during ast construction")?;
        let patterns = |of: &[Pattern]| self.list(of, Reader::pattern);
        let (kind, fields) = match pattern {
            Pattern::MatchValue(node) => (Kind::MatchValue, vec![self.expr(&node.value)?]),
            Pattern::MatchSingleton(node) => {
                let value = match node.value {
                    Singleton::None => Constant::None,
                    Singleton::True => Constant::Bool(true),
                    Singleton::False => Constant::Bool(false),
                };
                (Kind::MatchSingleton, vec![Item::Constant(value)])
            }
            Pattern::MatchSequence(node) => (Kind::MatchSequence, vec![patterns(&node.patterns)?]),
            Pattern::MatchMapping(node) => {
                let rest = self.optional_name(node.rest.as_ref());
                (Kind::MatchMapping, vec![self.exprs(&node.keys)?, patterns(&node.patterns)?, rest])
            }
            Pattern::MatchClass(node) => {
                let keywords = &node.arguments.keywords;
                let attributes = self.list(keywords, |this, keyword| Ok(this.name(&keyword.attr)))?;
                let values = self.list(keywords, |this, keyword| this.pattern(&keyword.pattern))?;
                (Kind::MatchClass, vec![self.expr(&node.cls)?, patterns(&node.arguments.patterns)?, attributes, values])
            }
            Pattern::MatchStar(node) => (Kind::MatchStar, vec![self.optional_name(node.name.as_ref())]),
            Pattern::MatchAs(node) => {
                let inner = node.pattern.as_deref().map_or(Ok(Item::None), |pattern| self.pattern(pattern))?;
                (Kind::MatchAs, vec![inner, self.optional_name(node.name.as_ref())])
            }
            Pattern::MatchOr(node) => (Kind::MatchOr, vec![patterns(&node.patterns)?]),
        };
        Ok(self.node(kind, pattern.range(), fields))
    }
}

fn raised_for_constant(t: &Thread, name: &str) -> Raised {
    t.raise(exc::ValueError, &format!("identifier field can't represent '{name}' constant"))
}

/// Adds text, to the text before if there is any.
fn push_text(pieces: &mut Vec<Piece<'_>>, text: Vec<u8>, range: TextRange) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(before, before_range)) => {
            before.extend(text);
            *before_range = TextRange::new(before_range.start(), range.end());
        }
        _ => pieces.push(Piece::Text(text, range)),
    }
}

fn constant(value: Constant) -> (Kind, Vec<Item>) {
    (Kind::Constant, vec![Item::Constant(value), Item::None])
}

fn context(context: ExprContext) -> Item {
    single(match context {
        ExprContext::Store => Kind::Store,
        ExprContext::Del => Kind::Del,
        ExprContext::Load | ExprContext::Invalid => Kind::Load,
    })
}

fn operator(operator: Operator) -> Kind {
    match operator {
        Operator::Add => Kind::Add,
        Operator::Sub => Kind::Sub,
        Operator::Mult => Kind::Mult,
        Operator::MatMult => Kind::MatMult,
        Operator::Div => Kind::Div,
        Operator::Mod => Kind::Mod,
        Operator::Pow => Kind::Pow,
        Operator::LShift => Kind::LShift,
        Operator::RShift => Kind::RShift,
        Operator::BitOr => Kind::BitOr,
        Operator::BitXor => Kind::BitXor,
        Operator::BitAnd => Kind::BitAnd,
        Operator::FloorDiv => Kind::FloorDiv,
    }
}

fn comparison(op: CmpOp) -> Kind {
    match op {
        CmpOp::Eq => Kind::Eq,
        CmpOp::NotEq => Kind::NotEq,
        CmpOp::Lt => Kind::Lt,
        CmpOp::LtE => Kind::LtE,
        CmpOp::Gt => Kind::Gt,
        CmpOp::GtE => Kind::GtE,
        CmpOp::Is => Kind::Is,
        CmpOp::IsNot => Kind::IsNot,
        CmpOp::In => Kind::In,
        CmpOp::NotIn => Kind::NotIn,
    }
}
