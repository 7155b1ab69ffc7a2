//! From [`Node`]s that have been [validated](super::validate) to the compiler's tree.

use super::asdl::Kind;
use super::tree::{Item, Node};
use limpid_bytecode::Constant;
use limpid_compiler::TreeSource;
use limpid_compiler::ast::{
    self, Alias, Arguments, AtomicNodeIndex, BoolOp, BytesLiteral, BytesLiteralFlags, BytesLiteralValue, CmpOp, Comprehension,
    ConversionFlag, Decorator, DictItem, ElifElseClause, ExceptHandler, ExceptHandlerExceptHandler, Expr, ExprContext, FString,
    FStringFlags, FStringValue, Identifier, Int, InterpolatedElement, InterpolatedStringElement, InterpolatedStringElements,
    InterpolatedStringFormatSpec, InterpolatedStringLiteralElement, Keyword, MatchCase, Mod, Number, Operator, Parameter,
    ParameterWithDefault, Parameters, Pattern, PatternArguments, PatternKeyword, Singleton, Stmt, StringLiteral, StringLiteralFlags,
    StringLiteralValue, TString, TStringFlags, TStringValue, TypeParam, TypeParams, UnaryOp, WithItem,
};
use limpid_compiler::text_size::{Ranged, TextRange};
use limpid_vm::object::R;
use limpid_vm::thread::Thread;

#[allow(clippy::declare_interior_mutable_const, reason = "each node gets one of its own")]
const INDEX: AtomicNodeIndex = AtomicNodeIndex::NONE;

/// The root of a program, and where its nodes are.
pub(super) fn program(t: &Thread, root: &Node) -> R<(Mod, TreeSource)> {
    let mut writer = Writer { t, source: TreeSource::default() };
    // What no node has a place for is nowhere.
    let nowhere = TextRange::empty(writer.source.add_position(-1, -1));
    let program = match root.kind {
        Kind::Expression => {
            let body = writer.boxed(root, "body")?;
            Mod::Expression(ast::ModExpression { node_index: INDEX, range: nowhere, body })
        }
        _ => Mod::Module(ast::ModModule { node_index: INDEX, range: nowhere, body: writer.stmts(root, "body")? }),
    };
    Ok((program, writer.source))
}

struct Writer<'a> {
    t: &'a Thread,
    source: TreeSource,
}

type Body = ast::Suite;

impl Writer<'_> {
    fn range_of(&mut self, [line, column, end_line, end_column]: [i32; 4]) -> TextRange {
        let start = self.source.add_position(line, column);
        TextRange::new(start, self.source.add_position(end_line, end_column))
    }

    fn range(&mut self, node: &Node) -> TextRange {
        self.range_of(node.place)
    }

    fn all<T, C: FromIterator<T>>(&mut self, node: &Node, field: &str, mut write: impl FnMut(&mut Self, &Node) -> R<T>) -> R<C> {
        node.nodes(field).map(|item| write(self, item)).collect()
    }

    fn stmts(&mut self, node: &Node, field: &str) -> R<Body> {
        self.all(node, field, Writer::stmt)
    }

    fn exprs<C: FromIterator<Expr>>(&mut self, node: &Node, field: &str) -> R<C> {
        self.all(node, field, Writer::expr)
    }

    fn boxed(&mut self, node: &Node, field: &str) -> R<Box<Expr>> {
        Ok(self.optional(node, field)?.unwrap_or_else(|| Box::new(Expr::NoneLiteral(ast::ExprNoneLiteral::default()))))
    }

    fn optional(&mut self, node: &Node, field: &str) -> R<Option<Box<Expr>>> {
        node.node(field).map(|expr| self.expr(expr).map(Box::new)).transpose()
    }

    fn identifier(&mut self, item: &Item, range: TextRange) -> Identifier {
        Identifier { id: item.text().unwrap_or_default().into(), range, node_index: INDEX }
    }

    fn name(&mut self, node: &Node, field: &str, range: TextRange) -> Identifier {
        self.identifier(node.get(field), range)
    }

    fn optional_name(&mut self, node: &Node, field: &str, range: TextRange) -> Option<Identifier> {
        match node.get(field) {
            Item::Text(_) => Some(self.name(node, field, range)),
            _ => None,
        }
    }

    // ---- statements ----

    fn stmt(&mut self, node: &Node) -> R<Stmt> {
        self.t.check_stack(" during compilation")?;
        let range = self.range(node);
        let node_index = INDEX;
        Ok(match node.kind {
            Kind::FunctionDef | Kind::AsyncFunctionDef => Stmt::FunctionDef(ast::StmtFunctionDef {
                node_index,
                range,
                is_async: node.kind == Kind::AsyncFunctionDef,
                decorator_list: self.all(node, "decorator_list", Writer::decorator)?,
                name: self.name(node, "name", range),
                type_params: self.type_params(node)?,
                parameters: Box::new(self.parameters(node)?.unwrap_or_default()),
                returns: self.optional(node, "returns")?,
                body: self.stmts(node, "body")?,
            }),
            Kind::ClassDef => Stmt::ClassDef(ast::StmtClassDef {
                node_index,
                range,
                decorator_list: self.all(node, "decorator_list", Writer::decorator)?,
                name: self.name(node, "name", range),
                type_params: self.type_params(node)?,
                arguments: match node.list("bases").is_empty() && node.list("keywords").is_empty() {
                    true => None,
                    false => Some(Box::new(self.arguments(node, "bases", range)?)),
                },
                body: self.stmts(node, "body")?,
            }),
            Kind::Return => Stmt::Return(ast::StmtReturn { node_index, range, value: self.optional(node, "value")? }),
            Kind::Delete => Stmt::Delete(ast::StmtDelete { node_index, range, targets: self.exprs(node, "targets")? }),
            Kind::Assign => Stmt::Assign(ast::StmtAssign {
                node_index,
                range,
                targets: self.exprs(node, "targets")?,
                value: self.boxed(node, "value")?,
            }),
            Kind::TypeAlias => Stmt::TypeAlias(ast::StmtTypeAlias {
                node_index,
                range,
                name: self.boxed(node, "name")?,
                type_params: self.type_params(node)?,
                value: self.boxed(node, "value")?,
            }),
            Kind::AugAssign => Stmt::AugAssign(ast::StmtAugAssign {
                node_index,
                range,
                target: self.boxed(node, "target")?,
                op: operator(node),
                value: self.boxed(node, "value")?,
            }),
            Kind::AnnAssign => Stmt::AnnAssign(ast::StmtAnnAssign {
                node_index,
                range,
                target: self.boxed(node, "target")?,
                annotation: self.boxed(node, "annotation")?,
                value: self.optional(node, "value")?,
                simple: node.int("simple") != 0,
            }),
            Kind::For | Kind::AsyncFor => Stmt::For(ast::StmtFor {
                node_index,
                range,
                is_async: node.kind == Kind::AsyncFor,
                target: self.boxed(node, "target")?,
                iter: self.boxed(node, "iter")?,
                body: self.stmts(node, "body")?,
                orelse: self.stmts(node, "orelse")?,
            }),
            Kind::While => Stmt::While(ast::StmtWhile {
                node_index,
                range,
                test: self.boxed(node, "test")?,
                body: self.stmts(node, "body")?,
                orelse: self.stmts(node, "orelse")?,
            }),
            Kind::If => {
                let (test, body) = (self.boxed(node, "test")?, self.stmts(node, "body")?);
                Stmt::If(ast::StmtIf { node_index, range, test, body, elif_else_clauses: self.clauses(node)? })
            }
            Kind::With | Kind::AsyncWith => Stmt::With(ast::StmtWith {
                node_index,
                range,
                is_async: node.kind == Kind::AsyncWith,
                items: self.all(node, "items", |this, item| {
                    let context_expr = *this.boxed(item, "context_expr")?;
                    let optional_vars = this.optional(item, "optional_vars")?;
                    Ok(WithItem { range: context_expr.range(), node_index: INDEX, context_expr, optional_vars })
                })?,
                body: self.stmts(node, "body")?,
            }),
            Kind::Match => Stmt::Match(ast::StmtMatch {
                node_index,
                range,
                subject: self.boxed(node, "subject")?,
                cases: self.all(node, "cases", Writer::case)?,
            }),
            Kind::Raise => {
                Stmt::Raise(ast::StmtRaise { node_index, range, exc: self.optional(node, "exc")?, cause: self.optional(node, "cause")? })
            }
            Kind::Try | Kind::TryStar => Stmt::Try(ast::StmtTry {
                node_index,
                range,
                body: self.stmts(node, "body")?,
                handlers: self.all(node, "handlers", Writer::handler)?,
                orelse: self.stmts(node, "orelse")?,
                finalbody: self.stmts(node, "finalbody")?,
                is_star: node.kind == Kind::TryStar,
            }),
            Kind::Assert => {
                Stmt::Assert(ast::StmtAssert { node_index, range, test: self.boxed(node, "test")?, msg: self.optional(node, "msg")? })
            }
            Kind::Import => {
                Stmt::Import(ast::StmtImport { node_index, range, names: self.all(node, "names", Writer::alias)?, is_lazy: false })
            }
            Kind::ImportFrom => Stmt::ImportFrom(ast::StmtImportFrom {
                node_index,
                range,
                module: self.optional_name(node, "module", range),
                names: self.all(node, "names", Writer::alias)?,
                level: node.int("level") as u32,
                is_lazy: false,
            }),
            Kind::Global => Stmt::Global(ast::StmtGlobal { node_index, range, names: self.names(node, range) }),
            Kind::Nonlocal => Stmt::Nonlocal(ast::StmtNonlocal { node_index, range, names: self.names(node, range) }),
            Kind::Expr => Stmt::Expr(ast::StmtExpr { node_index, range, value: self.boxed(node, "value")? }),
            Kind::Break => Stmt::Break(ast::StmtBreak { node_index, range }),
            Kind::Continue => Stmt::Continue(ast::StmtContinue { node_index, range }),
            _ => Stmt::Pass(ast::StmtPass { node_index, range }),
        })
    }

    /// The `elif`s and the `else` after an `if`.
    fn clauses(&mut self, node: &Node) -> R<Vec<ElifElseClause>> {
        let mut clauses = Vec::new();
        let mut node = node;
        while let [Item::Node(only)] = node.list("orelse")
            && only.kind == Kind::If
        {
            let range = self.range(only);
            let test = Some(*self.boxed(only, "test")?);
            clauses.push(ElifElseClause { range, node_index: INDEX, test, body: self.stmts(only, "body")? });
            node = only;
        }
        let body = self.stmts(node, "orelse")?;
        if let Some(range) = body.first().map(Ranged::range) {
            clauses.push(ElifElseClause { range, node_index: INDEX, test: None, body });
        }
        Ok(clauses)
    }

    fn names(&mut self, node: &Node, range: TextRange) -> Vec<Identifier> {
        node.list("names").iter().map(|name| self.identifier(name, range)).collect()
    }

    fn decorator(&mut self, node: &Node) -> R<Decorator> {
        let expression = self.expr(node)?;
        Ok(Decorator { range: expression.range(), node_index: INDEX, expression })
    }

    fn alias(&mut self, node: &Node) -> R<Alias> {
        let range = self.range(node);
        let (name, asname) = (self.name(node, "name", range), self.optional_name(node, "asname", range));
        Ok(Alias { range, node_index: INDEX, name, asname })
    }

    fn handler(&mut self, node: &Node) -> R<ExceptHandler> {
        let range = self.range(node);
        Ok(ExceptHandler::ExceptHandler(ExceptHandlerExceptHandler {
            range,
            node_index: INDEX,
            type_: self.optional(node, "type")?,
            name: self.optional_name(node, "name", range),
            body: self.stmts(node, "body")?,
        }))
    }

    fn case(&mut self, node: &Node) -> R<MatchCase> {
        let wildcard = ast::PatternMatchAs { node_index: INDEX, range: TextRange::default(), pattern: None, name: None };
        let pattern = match node.node("pattern") {
            Some(pattern) => self.pattern(pattern)?,
            None => Pattern::MatchAs(wildcard),
        };
        let guard = self.optional(node, "guard")?;
        Ok(MatchCase { range: pattern.range(), node_index: INDEX, pattern, guard, body: self.stmts(node, "body")? })
    }

    fn type_params(&mut self, node: &Node) -> R<Option<Box<TypeParams>>> {
        let type_params: Vec<TypeParam> = self.all(node, "type_params", |this, param| {
            let range = this.range(param);
            let node_index = INDEX;
            let name = this.name(param, "name", range);
            let default = this.optional(param, "default_value")?;
            Ok(match param.kind {
                Kind::ParamSpec => TypeParam::ParamSpec(ast::TypeParamParamSpec { node_index, range, name, default }),
                Kind::TypeVarTuple => TypeParam::TypeVarTuple(ast::TypeParamTypeVarTuple { node_index, range, name, default }),
                _ => {
                    let bound = this.optional(param, "bound")?;
                    TypeParam::TypeVar(ast::TypeParamTypeVar { node_index, range, name, bound, default })
                }
            })
        })?;
        let range = type_params.first().map(Ranged::range);
        Ok(range.map(|range| Box::new(TypeParams { range, node_index: INDEX, type_params })))
    }

    fn parameter(&mut self, node: &Node) -> R<Parameter> {
        let range = self.range(node);
        Ok(Parameter { range, node_index: INDEX, name: self.name(node, "arg", range), annotation: self.optional(node, "annotation")? })
    }

    /// The parameters of a function; None if there are none.
    fn parameters(&mut self, owner: &Node) -> R<Option<Parameters>> {
        let Some(node) = owner.node("args") else { return Ok(None) };
        let positional = node.list("posonlyargs").len() + node.list("args").len();
        let mut without_default = positional - node.list("defaults").len();
        let mut defaults = self.exprs::<Vec<Expr>>(node, "defaults")?.into_iter();
        let mut with_default = |this: &mut Self, arg: &Node| {
            let parameter = this.parameter(arg)?;
            let default = match without_default {
                0 => defaults.next().map(Box::new),
                _ => {
                    without_default -= 1;
                    None
                }
            };
            Ok(ParameterWithDefault { range: parameter.range, node_index: INDEX, parameter, default })
        };
        let posonlyargs = self.all(node, "posonlyargs", &mut with_default)?;
        let args = self.all(node, "args", &mut with_default)?;
        let vararg = node.node("vararg").map(|arg| self.parameter(arg).map(Box::new)).transpose()?;
        let mut keyword_defaults = node.list("kw_defaults").iter();
        let kwonlyargs = self.all(node, "kwonlyargs", |this, arg| {
            let parameter = this.parameter(arg)?;
            let default = keyword_defaults.next().and_then(Item::node).map(|expr| this.expr(expr).map(Box::new)).transpose()?;
            Ok(ParameterWithDefault { range: parameter.range, node_index: INDEX, parameter, default })
        })?;
        let kwarg = node.node("kwarg").map(|arg| self.parameter(arg).map(Box::new)).transpose()?;
        let parameters = Parameters { range: TextRange::default(), node_index: INDEX, posonlyargs, args, vararg, kwonlyargs, kwarg };
        Ok((!parameters.is_empty()).then_some(parameters))
    }

    fn arguments(&mut self, node: &Node, positional: &str, range: TextRange) -> R<Arguments> {
        let args: Vec<Expr> = self.exprs(node, positional)?;
        let keywords = self.all(node, "keywords", |this, keyword| {
            let range = this.range(keyword);
            let arg = this.optional_name(keyword, "arg", range);
            Ok(Keyword { range, node_index: INDEX, arg, value: *this.boxed(keyword, "value")? })
        })?;
        Ok(Arguments { range, node_index: INDEX, args: args.into(), keywords })
    }

    // ---- expressions ----

    fn expr(&mut self, node: &Node) -> R<Expr> {
        self.t.check_stack(" during compilation")?;
        let range = self.range(node);
        let node_index = INDEX;
        Ok(match node.kind {
            Kind::BoolOp => {
                let is_and = node.node("op").is_some_and(|op| op.kind == Kind::And);
                let op = if is_and { BoolOp::And } else { BoolOp::Or };
                Expr::BoolOp(ast::ExprBoolOp { node_index, range, op, values: self.exprs(node, "values")? })
            }
            Kind::NamedExpr => {
                Expr::Named(ast::ExprNamed { node_index, range, target: self.boxed(node, "target")?, value: self.boxed(node, "value")? })
            }
            Kind::BinOp => Expr::BinOp(ast::ExprBinOp {
                node_index,
                range,
                left: self.boxed(node, "left")?,
                op: operator(node),
                right: self.boxed(node, "right")?,
            }),
            Kind::UnaryOp => {
                let op = match node.node("op").map(|op| op.kind) {
                    Some(Kind::Invert) => UnaryOp::Invert,
                    Some(Kind::Not) => UnaryOp::Not,
                    Some(Kind::UAdd) => UnaryOp::UAdd,
                    _ => UnaryOp::USub,
                };
                Expr::UnaryOp(ast::ExprUnaryOp { node_index, range, op, operand: self.boxed(node, "operand")? })
            }
            Kind::Lambda => Expr::Lambda(ast::ExprLambda {
                node_index,
                range,
                parameters: self.parameters(node)?.map(Box::new),
                body: self.boxed(node, "body")?,
            }),
            Kind::IfExp => Expr::If(ast::ExprIf {
                node_index,
                range,
                test: self.boxed(node, "test")?,
                body: self.boxed(node, "body")?,
                orelse: self.boxed(node, "orelse")?,
            }),
            Kind::Dict => {
                let values: Vec<Expr> = self.exprs(node, "values")?;
                let mut items = Vec::with_capacity(values.len());
                for (key, value) in node.list("keys").iter().zip(values) {
                    items.push(DictItem { key: key.node().map(|key| self.expr(key)).transpose()?, value });
                }
                Expr::Dict(ast::ExprDict { node_index, range, items })
            }
            Kind::Set if node.list("elts").is_empty() => self.empty_set(range),
            Kind::Set => Expr::Set(ast::ExprSet { node_index, range, elts: self.exprs(node, "elts")? }),
            Kind::ListComp => {
                let (elt, generators) = (self.boxed(node, "elt")?, self.comprehensions(node)?);
                Expr::ListComp(ast::ExprListComp { node_index, range, elt, generators })
            }
            Kind::SetComp => {
                let (elt, generators) = (self.boxed(node, "elt")?, self.comprehensions(node)?);
                Expr::SetComp(ast::ExprSetComp { node_index, range, elt, generators })
            }
            Kind::DictComp => {
                let (key, value) = (Some(self.boxed(node, "key")?), self.boxed(node, "value")?);
                Expr::DictComp(ast::ExprDictComp { node_index, range, key, value, generators: self.comprehensions(node)? })
            }
            Kind::GeneratorExp => {
                let (elt, generators) = (self.boxed(node, "elt")?, self.comprehensions(node)?);
                Expr::Generator(ast::ExprGenerator { node_index, range, elt, generators, parenthesized: true })
            }
            Kind::Await => Expr::Await(ast::ExprAwait { node_index, range, value: self.boxed(node, "value")? }),
            Kind::Yield => Expr::Yield(ast::ExprYield { node_index, range, value: self.optional(node, "value")? }),
            Kind::YieldFrom => Expr::YieldFrom(ast::ExprYieldFrom { node_index, range, value: self.boxed(node, "value")? }),
            Kind::Compare => {
                let comparators: Vec<Expr> = self.exprs(node, "comparators")?;
                Expr::Compare(ast::ExprCompare {
                    node_index,
                    range,
                    left: self.boxed(node, "left")?,
                    ops: node.nodes("ops").map(|op| comparison(op.kind)).collect(),
                    comparators: comparators.into(),
                })
            }
            Kind::Call => Expr::Call(ast::ExprCall {
                node_index,
                range_start: range.start(),
                func: self.boxed(node, "func")?,
                arguments: self.arguments(node, "args", range)?,
            }),
            Kind::JoinedStr | Kind::FormattedValue => self.f_string(node, range)?,
            Kind::TemplateStr | Kind::Interpolation => {
                let mut elements = Vec::new();
                self.elements(node, &mut elements)?;
                let string = TString { range, node_index: INDEX, elements: elements.into(), flags: TStringFlags::empty() };
                Expr::TString(ast::ExprTString { node_index, range, value: TStringValue::single(string) })
            }
            Kind::Attribute => {
                let value = self.boxed(node, "value")?;
                // The name is the last thing in it.
                let [_, _, line, column] = node.place;
                let length = node.text("attr").map_or(0, |name| name.len() as i32);
                let range_of_name = self.range_of([line, column - length, line, column]);
                let attr = self.name(node, "attr", range_of_name);
                Expr::Attribute(ast::ExprAttribute { node_index, range, value, attr, ctx: context(node) })
            }
            Kind::Subscript => Expr::Subscript(ast::ExprSubscript {
                node_index,
                range,
                value: self.boxed(node, "value")?,
                slice: self.boxed(node, "slice")?,
                ctx: context(node),
            }),
            Kind::Starred => Expr::Starred(ast::ExprStarred { node_index, range, value: self.boxed(node, "value")?, ctx: context(node) }),
            Kind::Name => {
                let id = node.text("id").unwrap_or_default().into();
                Expr::Name(ast::ExprName { node_index, range, id, ctx: context(node) })
            }
            Kind::List => Expr::List(ast::ExprList { node_index, range, elts: self.exprs(node, "elts")?, ctx: context(node) }),
            Kind::Tuple => {
                Expr::Tuple(ast::ExprTuple { node_index, range, elts: self.exprs(node, "elts")?, ctx: context(node), parenthesized: true })
            }
            Kind::Slice => Expr::Slice(ast::ExprSlice {
                node_index,
                range,
                lower: self.optional(node, "lower")?,
                upper: self.optional(node, "upper")?,
                step: self.optional(node, "step")?,
            }),
            _ => match node.get("value") {
                Item::Constant(value) => self.constant(value, node.place),
                _ => Expr::NoneLiteral(ast::ExprNoneLiteral { node_index, range }),
            },
        })
    }

    /// `{*()}`: a set without elements, which has no literal.
    fn empty_set(&mut self, range: TextRange) -> Expr {
        let node_index = INDEX;
        let nothing = ast::ExprTuple { node_index: INDEX, range, elts: vec![], ctx: ExprContext::Load, parenthesized: true };
        let starred = ast::ExprStarred { node_index: INDEX, range, value: Box::new(Expr::Tuple(nothing)), ctx: ExprContext::Load };
        Expr::Set(ast::ExprSet { node_index, range, elts: vec![Expr::Starred(starred)] })
    }

    fn comprehensions(&mut self, node: &Node) -> R<Vec<Comprehension>> {
        self.all(node, "generators", |this, one| {
            let target = *this.boxed(one, "target")?;
            let iter = *this.boxed(one, "iter")?;
            let range = TextRange::new(target.start(), iter.end());
            Ok(Comprehension { range, node_index: INDEX, target, iter, ifs: this.exprs(one, "ifs")?, is_async: one.int("is_async") != 0 })
        })
    }

    fn constant(&mut self, value: &Constant, place: [i32; 4]) -> Expr {
        let range = self.range_of(place);
        let node_index = INDEX;
        let number = |value: Number| Expr::NumberLiteral(ast::ExprNumberLiteral { node_index: INDEX, range, value });
        let negated =
            |value: Expr| Expr::UnaryOp(ast::ExprUnaryOp { node_index: INDEX, range, op: UnaryOp::USub, operand: Box::new(value) });
        match value {
            Constant::Bool(value) => Expr::BooleanLiteral(ast::ExprBooleanLiteral { node_index, range, value: *value }),
            Constant::Ellipsis => Expr::EllipsisLiteral(ast::ExprEllipsisLiteral { node_index, range }),
            Constant::Int(i) => {
                let magnitude = number(Number::Int(Int::from(i.unsigned_abs())));
                if *i < 0 { negated(magnitude) } else { magnitude }
            }
            Constant::BigInt { negative, digits } => {
                let mut text = String::from("0x");
                for (i, digit) in digits.iter().rev().enumerate() {
                    text += &if i == 0 { format!("{digit:x}") } else { format!("{digit:016x}") };
                }
                let magnitude = number(Number::Int(Int::from_str_radix(&text[2..], 16, &text).unwrap_or(Int::ZERO)));
                if *negative { negated(magnitude) } else { magnitude }
            }
            Constant::Float(f) => number(Number::Float(*f)),
            Constant::Complex(real, imag) => number(Number::Complex { real: *real, imag: *imag }),
            Constant::Str(text) => {
                if str::from_utf8(text).is_err() {
                    self.source.set_text(range.start(), text);
                }
                let value = String::from_utf8_lossy(text).into();
                let literal = StringLiteral { range, node_index: INDEX, value, flags: StringLiteralFlags::empty() };
                Expr::StringLiteral(ast::ExprStringLiteral { node_index, range, value: StringLiteralValue::single(literal) })
            }
            Constant::Bytes(bytes) => {
                let literal = BytesLiteral { range, node_index: INDEX, value: bytes.clone(), flags: BytesLiteralFlags::empty() };
                Expr::BytesLiteral(ast::ExprBytesLiteral { node_index, range, value: BytesLiteralValue::single(literal) })
            }
            Constant::Tuple(items) => self.constant_tuple(items, place),
            Constant::FrozenSet(items) => {
                let id = "frozenset".into();
                let func = Box::new(Expr::Name(ast::ExprName { node_index: INDEX, range, id, ctx: ExprContext::Load }));
                let args = Box::new([self.constant_tuple(items, place)]);
                let arguments = Arguments { range, node_index: INDEX, args, keywords: Default::default() };
                Expr::Call(ast::ExprCall { node_index, range_start: range.start(), func, arguments })
            }
            Constant::None | Constant::Slice(_) | Constant::Code(_) => Expr::NoneLiteral(ast::ExprNoneLiteral { node_index, range }),
        }
    }

    fn constant_tuple(&mut self, items: &[Constant], place: [i32; 4]) -> Expr {
        let elts = items.iter().map(|item| self.constant(item, place)).collect();
        let range = self.range_of(place);
        Expr::Tuple(ast::ExprTuple { node_index: INDEX, range, elts, ctx: ExprContext::Load, parenthesized: true })
    }

    // ---- f-strings and t-strings ----

    fn f_string(&mut self, node: &Node, range: TextRange) -> R<Expr> {
        let mut elements = Vec::new();
        self.elements(node, &mut elements)?;
        let string = FString { range, node_index: INDEX, elements: elements.into(), flags: FStringFlags::empty() };
        Ok(Expr::FString(ast::ExprFString { node_index: INDEX, range, value: FStringValue::single(string) }))
    }

    /// The parts that a string consists of: text, and fields for everything else.
    fn elements(&mut self, node: &Node, elements: &mut Vec<InterpolatedStringElement>) -> R<()> {
        self.t.check_stack(" during compilation")?;
        match node.kind {
            Kind::JoinedStr | Kind::TemplateStr => node.nodes("values").try_for_each(|part| self.elements(part, elements)),
            Kind::Constant if matches!(node.get("value"), Item::Constant(Constant::Str(_))) => {
                let Item::Constant(Constant::Str(text)) = node.get("value") else { return Ok(()) };
                let range = self.range(node);
                if str::from_utf8(text).is_err() {
                    self.source.set_text(range.start(), text);
                }
                let value = String::from_utf8_lossy(text).into();
                elements.push(InterpolatedStringElement::Literal(InterpolatedStringLiteralElement { range, node_index: INDEX, value }));
                Ok(())
            }
            Kind::FormattedValue | Kind::Interpolation => {
                let range = self.range(node);
                if node.kind == Kind::Interpolation
                    && let Item::Constant(Constant::Str(text)) = node.get("str")
                {
                    self.source.set_text(range.start(), text);
                }
                let conversion = match u8::try_from(node.int("conversion")).unwrap_or_default() {
                    b's' => ConversionFlag::Str,
                    b'r' => ConversionFlag::Repr,
                    b'a' => ConversionFlag::Ascii,
                    _ => ConversionFlag::None,
                };
                let format_spec = node.node("format_spec").map(|spec| self.format_spec(spec).map(Box::new)).transpose()?;
                let expression = self.boxed(node, "value")?;
                elements.push(field(range, expression, conversion, format_spec));
                Ok(())
            }
            _ => {
                let range = self.range(node);
                let expression = Box::new(self.expr(node)?);
                elements.push(field(range, expression, ConversionFlag::None, None));
                Ok(())
            }
        }
    }

    fn format_spec(&mut self, node: &Node) -> R<InterpolatedStringFormatSpec> {
        let mut elements = Vec::new();
        self.elements(node, &mut elements)?;
        Ok(InterpolatedStringFormatSpec {
            range: self.range(node),
            node_index: INDEX,
            elements: InterpolatedStringElements::from(elements),
        })
    }

    // ---- patterns ----

    fn pattern(&mut self, node: &Node) -> R<Pattern> {
        self.t.check_stack(" during compilation")?;
        let range = self.range(node);
        let node_index = INDEX;
        Ok(match node.kind {
            Kind::MatchValue => Pattern::MatchValue(ast::PatternMatchValue { node_index, range, value: self.boxed(node, "value")? }),
            Kind::MatchSingleton => {
                let value = match node.get("value") {
                    Item::Constant(Constant::Bool(true)) => Singleton::True,
                    Item::Constant(Constant::Bool(false)) => Singleton::False,
                    _ => Singleton::None,
                };
                Pattern::MatchSingleton(ast::PatternMatchSingleton { node_index, range, value })
            }
            Kind::MatchSequence => {
                let patterns = self.all(node, "patterns", Writer::pattern)?;
                Pattern::MatchSequence(ast::PatternMatchSequence { node_index, range, patterns })
            }
            Kind::MatchMapping => Pattern::MatchMapping(ast::PatternMatchMapping {
                node_index,
                range,
                keys: self.exprs(node, "keys")?,
                patterns: self.all(node, "patterns", Writer::pattern)?,
                rest: self.optional_name(node, "rest", range),
            }),
            Kind::MatchClass => {
                let values: Vec<Pattern> = self.all(node, "kwd_patterns", Writer::pattern)?;
                let mut keywords = Vec::with_capacity(values.len());
                for (attr, pattern) in node.list("kwd_attrs").iter().zip(values) {
                    let attr = self.identifier(attr, pattern.range());
                    keywords.push(PatternKeyword { range: pattern.range(), node_index: INDEX, attr, pattern });
                }
                let patterns = self.all(node, "patterns", Writer::pattern)?;
                let arguments = PatternArguments { range, node_index: INDEX, patterns, keywords };
                Pattern::MatchClass(ast::PatternMatchClass { node_index, range, cls: self.boxed(node, "cls")?, arguments })
            }
            Kind::MatchStar => {
                Pattern::MatchStar(ast::PatternMatchStar { node_index, range, name: self.optional_name(node, "name", range) })
            }
            Kind::MatchOr => {
                let patterns = self.all(node, "patterns", Writer::pattern)?;
                Pattern::MatchOr(ast::PatternMatchOr { node_index, range, patterns })
            }
            _ => {
                let pattern = node.node("pattern").map(|pattern| self.pattern(pattern).map(Box::new)).transpose()?;
                Pattern::MatchAs(ast::PatternMatchAs { node_index, range, pattern, name: self.optional_name(node, "name", range) })
            }
        })
    }
}

fn field(
    range: TextRange,
    expression: Box<Expr>,
    conversion: ConversionFlag,
    format_spec: Option<Box<InterpolatedStringFormatSpec>>,
) -> InterpolatedStringElement {
    let element = InterpolatedElement { range, node_index: INDEX, expression, debug_text: None, conversion, format_spec };
    InterpolatedStringElement::Interpolation(element)
}

fn context(node: &Node) -> ExprContext {
    match node.node("ctx").map(|context| context.kind) {
        Some(Kind::Store) => ExprContext::Store,
        Some(Kind::Del) => ExprContext::Del,
        _ => ExprContext::Load,
    }
}

fn operator(node: &Node) -> Operator {
    match node.node("op").map(|op| op.kind) {
        Some(Kind::Sub) => Operator::Sub,
        Some(Kind::Mult) => Operator::Mult,
        Some(Kind::MatMult) => Operator::MatMult,
        Some(Kind::Div) => Operator::Div,
        Some(Kind::Mod) => Operator::Mod,
        Some(Kind::Pow) => Operator::Pow,
        Some(Kind::LShift) => Operator::LShift,
        Some(Kind::RShift) => Operator::RShift,
        Some(Kind::BitOr) => Operator::BitOr,
        Some(Kind::BitXor) => Operator::BitXor,
        Some(Kind::BitAnd) => Operator::BitAnd,
        Some(Kind::FloorDiv) => Operator::FloorDiv,
        _ => Operator::Add,
    }
}

fn comparison(kind: Kind) -> CmpOp {
    match kind {
        Kind::NotEq => CmpOp::NotEq,
        Kind::Lt => CmpOp::Lt,
        Kind::LtE => CmpOp::LtE,
        Kind::Gt => CmpOp::Gt,
        Kind::GtE => CmpOp::GtE,
        Kind::Is => CmpOp::Is,
        Kind::IsNot => CmpOp::IsNot,
        Kind::In => CmpOp::In,
        Kind::NotIn => CmpOp::NotIn,
        _ => CmpOp::Eq,
    }
}
