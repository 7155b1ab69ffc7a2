//! What must hold of a tree besides the types of its fields: contexts, numbers of parts, places.

use super::asdl::{Kind, Places};
use super::tree::{Item, Node};
use limpid_bytecode::Constant;
use limpid_vm::object::R;
use limpid_vm::raise;
use limpid_vm::thread::Thread;

/// Checks a tree; ValueError (in a few cases TypeError) says what is wrong.
pub(super) fn validate(t: &Thread, root: &Node) -> R<()> {
    let v = Validator { t };
    match root.kind {
        Kind::Expression => v.field(root, "body", Kind::Load),
        Kind::FunctionType => {
            v.exprs(root.list("argtypes"), Kind::Load, false)?;
            v.field(root, "returns", Kind::Load)
        }
        _ => v.stmts(root.list("body")),
    }
}

struct Validator<'a> {
    t: &'a Thread,
}

impl Validator<'_> {
    fn fail<T>(&self, message: &str) -> R<T> {
        raise!(self.t, ValueError, "{message}")
    }

    fn place(&self, node: &Node) -> R<()> {
        if node.kind.class().places == Places::None {
            return Ok(());
        }
        let [line, column, end_line, end_column] = node.place;
        if line > end_line {
            return self.fail(&format!("AST node line range ({line}, {end_line}) is not valid"));
        }
        if line < 0 && end_line != line || column < 0 && column != end_column {
            return self.fail(&format!("AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"));
        }
        if line == end_line && column > end_column {
            return self.fail(&format!("line {line}, column {column}-{end_column} is not a valid range"));
        }
        Ok(())
    }

    fn name(&self, item: &Item) -> R<()> {
        match item.text().as_deref() {
            Some(name @ ("None" | "True" | "False")) => self.fail(&format!("identifier field can't represent '{name}' constant")),
            _ => Ok(()),
        }
    }

    fn nonempty(&self, owner: &Node, field: &str) -> R<()> {
        match owner.list(field) {
            [] => self.fail(&format!("empty {field} on {}", owner.kind.name())),
            _ => Ok(()),
        }
    }

    /// The expression in a field, if there is one.
    fn field(&self, node: &Node, field: &str, context: Kind) -> R<()> {
        node.node(field).map_or(Ok(()), |expr| self.expr(expr, context))
    }

    fn fields(&self, node: &Node, fields: &[&str]) -> R<()> {
        fields.iter().try_for_each(|field| self.field(node, field, Kind::Load))
    }

    fn exprs(&self, items: &[Item], context: Kind, none_allowed: bool) -> R<()> {
        items.iter().try_for_each(|item| match item.node() {
            Some(expr) => self.expr(expr, context),
            None if none_allowed => Ok(()),
            None => self.fail("None disallowed in expression list"),
        })
    }

    // ---- statements ----

    fn stmts(&self, items: &[Item]) -> R<()> {
        items.iter().try_for_each(|item| match item.node() {
            Some(stmt) => self.stmt(stmt),
            None => self.fail("None disallowed in statement list"),
        })
    }

    fn body(&self, owner: &Node) -> R<()> {
        self.nonempty(owner, "body")?;
        self.stmts(owner.list("body"))
    }

    fn stmt(&self, node: &Node) -> R<()> {
        self.t.check_stack(" during compilation")?;
        self.place(node)?;
        match node.kind {
            Kind::FunctionDef | Kind::AsyncFunctionDef => {
                self.name(node.get("name"))?;
                self.body(node)?;
                self.type_params(node)?;
                self.arguments(node)?;
                self.exprs(node.list("decorator_list"), Kind::Load, false)?;
                self.field(node, "returns", Kind::Load)
            }
            Kind::ClassDef => {
                self.name(node.get("name"))?;
                self.body(node)?;
                self.type_params(node)?;
                self.exprs(node.list("bases"), Kind::Load, false)?;
                self.keywords(node)?;
                self.exprs(node.list("decorator_list"), Kind::Load, false)
            }
            Kind::Delete => {
                self.nonempty(node, "targets")?;
                self.exprs(node.list("targets"), Kind::Del, false)
            }
            Kind::Assign => {
                self.nonempty(node, "targets")?;
                self.exprs(node.list("targets"), Kind::Store, false)?;
                self.field(node, "value", Kind::Load)
            }
            Kind::AugAssign => {
                self.field(node, "target", Kind::Store)?;
                self.field(node, "value", Kind::Load)
            }
            Kind::AnnAssign => {
                if node.int("simple") != 0 && node.node("target").is_some_and(|target| target.kind != Kind::Name) {
                    raise!(self.t, TypeError, "AnnAssign with simple non-Name target")
                }
                self.field(node, "target", Kind::Store)?;
                self.fields(node, &["value", "annotation"])
            }
            Kind::TypeAlias => {
                if node.node("name").is_some_and(|name| name.kind != Kind::Name) {
                    raise!(self.t, TypeError, "TypeAlias with non-Name name")
                }
                self.field(node, "name", Kind::Store)?;
                self.type_params(node)?;
                self.field(node, "value", Kind::Load)
            }
            Kind::For | Kind::AsyncFor => {
                self.field(node, "target", Kind::Store)?;
                self.field(node, "iter", Kind::Load)?;
                self.body(node)?;
                self.stmts(node.list("orelse"))
            }
            Kind::While | Kind::If => {
                self.field(node, "test", Kind::Load)?;
                self.body(node)?;
                self.stmts(node.list("orelse"))
            }
            Kind::With | Kind::AsyncWith => {
                self.nonempty(node, "items")?;
                for item in node.nodes("items") {
                    self.field(item, "context_expr", Kind::Load)?;
                    self.field(item, "optional_vars", Kind::Store)?;
                }
                self.body(node)
            }
            Kind::Match => {
                self.field(node, "subject", Kind::Load)?;
                self.nonempty(node, "cases")?;
                node.nodes("cases").try_for_each(|case| {
                    case.node("pattern").map_or(Ok(()), |pattern| self.pattern(pattern, false))?;
                    self.field(case, "guard", Kind::Load)?;
                    self.body(case)
                })
            }
            Kind::Raise => {
                if node.node("exc").is_none() && node.node("cause").is_some() {
                    return self.fail("Raise with cause but no exception");
                }
                self.fields(node, &["exc", "cause"])
            }
            Kind::Try | Kind::TryStar => self.try_(node),
            Kind::Import | Kind::ImportFrom => {
                if node.kind == Kind::ImportFrom && node.int("level") < 0 {
                    return self.fail("Negative ImportFrom level");
                }
                self.nonempty(node, "names")?;
                for alias in node.nodes("names") {
                    self.name(alias.get("name"))?;
                    self.name(alias.get("asname"))?;
                }
                Ok(())
            }
            Kind::Global | Kind::Nonlocal => self.nonempty(node, "names"),
            Kind::Assert => self.fields(node, &["test", "msg"]),
            Kind::Return | Kind::Expr => self.field(node, "value", Kind::Load),
            _ => Ok(()),
        }
    }

    fn try_(&self, node: &Node) -> R<()> {
        self.body(node)?;
        let name = node.kind.name();
        if node.list("handlers").is_empty() && node.list("finalbody").is_empty() {
            return self.fail(&format!("{name} has neither except handlers nor finalbody"));
        }
        if node.list("handlers").is_empty() && !node.list("orelse").is_empty() {
            return self.fail(&format!("{name} has orelse but no except handlers"));
        }
        for handler in node.nodes("handlers") {
            self.place(handler)?;
            self.name(handler.get("name"))?;
            self.field(handler, "type", Kind::Load)?;
            self.body(handler)?;
        }
        self.stmts(node.list("finalbody"))?;
        self.stmts(node.list("orelse"))
    }

    fn type_params(&self, node: &Node) -> R<()> {
        for param in node.nodes("type_params") {
            self.place(param)?;
            self.name(param.get("name"))?;
            if param.kind == Kind::TypeVar {
                self.field(param, "bound", Kind::Load)?;
            }
            self.field(param, "default_value", Kind::Load)?;
        }
        Ok(())
    }

    fn arguments(&self, owner: &Node) -> R<()> {
        let Some(node) = owner.node("args") else { return Ok(()) };
        let arg = |arg: &Node| {
            self.place(arg)?;
            self.field(arg, "annotation", Kind::Load)
        };
        node.nodes("posonlyargs").try_for_each(arg)?;
        node.nodes("args").try_for_each(arg)?;
        node.node("vararg").map_or(Ok(()), arg)?;
        node.nodes("kwonlyargs").try_for_each(arg)?;
        node.node("kwarg").map_or(Ok(()), arg)?;
        if node.list("defaults").len() > node.list("posonlyargs").len() + node.list("args").len() {
            return self.fail("more positional defaults than args on arguments");
        }
        if node.list("kw_defaults").len() != node.list("kwonlyargs").len() {
            return self.fail("length of kwonlyargs is not the same as kw_defaults on arguments");
        }
        self.exprs(node.list("defaults"), Kind::Load, false)?;
        self.exprs(node.list("kw_defaults"), Kind::Load, true)
    }

    fn keywords(&self, node: &Node) -> R<()> {
        node.nodes("keywords").try_for_each(|keyword| self.field(keyword, "value", Kind::Load))
    }

    // ---- expressions ----

    fn expr(&self, node: &Node, context: Kind) -> R<()> {
        self.t.check_stack(" during compilation")?;
        self.place(node)?;
        let own = match node.kind {
            Kind::Attribute | Kind::Subscript | Kind::Starred | Kind::Name | Kind::List | Kind::Tuple => {
                node.node("ctx").map_or(Kind::Load, |context| context.kind)
            }
            _ if context == Kind::Load => context,
            _ => return self.fail(&format!("expression which can't be assigned to in {} context", context.name())),
        };
        if own != context {
            return self.fail(&format!("expression must have {} context but has {} instead", context.name(), own.name()));
        }
        match node.kind {
            Kind::BoolOp => {
                if node.list("values").len() < 2 {
                    return self.fail("BoolOp with less than 2 values");
                }
                self.exprs(node.list("values"), Kind::Load, false)
            }
            Kind::NamedExpr => {
                if node.node("target").is_some_and(|target| target.kind != Kind::Name) {
                    raise!(self.t, TypeError, "NamedExpr target must be a Name")
                }
                self.field(node, "value", Kind::Load)
            }
            Kind::Lambda => {
                self.arguments(node)?;
                self.field(node, "body", Kind::Load)
            }
            Kind::Dict => {
                if node.list("keys").len() != node.list("values").len() {
                    return self.fail("Dict doesn't have the same number of keys as values");
                }
                self.exprs(node.list("keys"), Kind::Load, true)?;
                self.exprs(node.list("values"), Kind::Load, false)
            }
            Kind::Set => self.exprs(node.list("elts"), Kind::Load, false),
            Kind::List | Kind::Tuple => self.exprs(node.list("elts"), context, false),
            Kind::Starred => self.field(node, "value", context),
            Kind::JoinedStr | Kind::TemplateStr => self.exprs(node.list("values"), Kind::Load, false),
            Kind::ListComp | Kind::SetComp | Kind::GeneratorExp => {
                self.comprehensions(node)?;
                self.field(node, "elt", Kind::Load)
            }
            Kind::DictComp => {
                self.comprehensions(node)?;
                self.fields(node, &["key", "value"])
            }
            Kind::Compare => {
                if node.list("comparators").is_empty() {
                    return self.fail("Compare with no comparators");
                }
                if node.list("comparators").len() != node.list("ops").len() {
                    return self.fail("Compare has a different number of comparators and operands");
                }
                self.exprs(node.list("comparators"), Kind::Load, false)?;
                self.field(node, "left", Kind::Load)
            }
            Kind::Call => {
                self.field(node, "func", Kind::Load)?;
                self.exprs(node.list("args"), Kind::Load, false)?;
                self.keywords(node)
            }
            Kind::Name => self.name(node.get("id")),
            Kind::Constant => Ok(()),
            // Nothing but expressions.
            _ => {
                let class = node.kind.class();
                class
                    .fields
                    .iter()
                    .filter(|field| field.name != "ctx" && field.name != "op")
                    .try_for_each(|field| node.node(field.name).map_or(Ok(()), |expr| self.expr(expr, Kind::Load)))
            }
        }
    }

    fn comprehensions(&self, node: &Node) -> R<()> {
        if node.list("generators").is_empty() {
            return self.fail("comprehension with no generators");
        }
        node.nodes("generators").try_for_each(|one| {
            self.field(one, "target", Kind::Store)?;
            self.field(one, "iter", Kind::Load)?;
            self.exprs(one.list("ifs"), Kind::Load, false)
        })
    }

    // ---- patterns ----

    fn patterns(&self, items: &[Item], star_allowed: bool) -> R<()> {
        items.iter().filter_map(Item::node).try_for_each(|pattern| self.pattern(pattern, star_allowed))
    }

    fn capture(&self, item: &Item) -> R<()> {
        if item.text().as_deref() == Some("_") {
            return self.fail("can't capture name '_' in patterns");
        }
        self.name(item)
    }

    fn pattern(&self, node: &Node, star_allowed: bool) -> R<()> {
        self.t.check_stack(" during compilation")?;
        self.place(node)?;
        match node.kind {
            Kind::MatchValue => node.node("value").map_or(Ok(()), |value| self.matched_value(value)),
            Kind::MatchSingleton => match node.get("value") {
                Item::Constant(Constant::None | Constant::Bool(_)) => Ok(()),
                _ => self.fail("MatchSingleton can only contain True, False and None"),
            },
            Kind::MatchSequence => self.patterns(node.list("patterns"), true),
            Kind::MatchMapping => {
                if node.list("keys").len() != node.list("patterns").len() {
                    return self.fail("MatchMapping doesn't have the same number of keys as patterns");
                }
                self.capture(node.get("rest"))?;
                for key in node.nodes("keys") {
                    let is_singleton =
                        key.kind == Kind::Constant && matches!(key.get("value"), Item::Constant(Constant::None | Constant::Bool(_)));
                    if !is_singleton {
                        self.matched_value(key)?;
                    }
                }
                self.patterns(node.list("patterns"), false)
            }
            Kind::MatchClass => {
                if node.list("kwd_attrs").len() != node.list("kwd_patterns").len() {
                    return self.fail("MatchClass doesn't have the same number of keyword attributes as patterns");
                }
                self.field(node, "cls", Kind::Load)?;
                let mut class = node.node("cls");
                while let Some(outer) = class.filter(|class| class.kind == Kind::Attribute) {
                    class = outer.node("value");
                }
                if class.is_none_or(|class| class.kind != Kind::Name) {
                    return self.fail("MatchClass cls field can only contain Name or Attribute nodes.");
                }
                node.list("kwd_attrs").iter().try_for_each(|name| self.name(name))?;
                self.patterns(node.list("patterns"), false)?;
                self.patterns(node.list("kwd_patterns"), false)
            }
            Kind::MatchStar if !star_allowed => self.fail("can't use MatchStar here"),
            Kind::MatchStar => self.capture(node.get("name")),
            Kind::MatchAs => {
                self.capture(node.get("name"))?;
                match (node.node("pattern"), node.get("name")) {
                    (None, _) => Ok(()),
                    (Some(_), Item::None) => self.fail("MatchAs must specify a target name if a pattern is given"),
                    (Some(pattern), _) => self.pattern(pattern, false),
                }
            }
            _ => {
                if node.list("patterns").len() < 2 {
                    return self.fail("MatchOr requires at least 2 patterns");
                }
                self.patterns(node.list("patterns"), false)
            }
        }
    }

    fn matched_value(&self, value: &Node) -> R<()> {
        self.expr(value, Kind::Load)?;
        let constant = |node: &Node| match node.get("value") {
            Item::Constant(constant) if node.kind == Kind::Constant => Some(constant.clone()),
            _ => None,
        };
        let is_real = |node: &Node| matches!(constant(node), Some(Constant::Int(_) | Constant::BigInt { .. } | Constant::Float(_)));
        let is_negative = |node: &Node, of: &dyn Fn(&Node) -> bool| {
            node.kind == Kind::UnaryOp && node.node("op").is_some_and(|op| op.kind == Kind::USub) && node.node("operand").is_some_and(of)
        };
        let is_imaginary = |node: &Node| matches!(constant(node), Some(Constant::Complex(..)));
        let is_literal = match value.kind {
            Kind::Constant => {
                let fits = is_real(value)
                    || matches!(value.get("value"), Item::Constant(Constant::Complex(..) | Constant::Str(_) | Constant::Bytes(_)));
                if !fits {
                    return self.fail("unexpected constant inside of a literal pattern");
                }
                true
            }
            Kind::Attribute | Kind::JoinedStr | Kind::TemplateStr => true,
            Kind::UnaryOp => is_negative(value, &|node| is_real(node) || is_imaginary(node)),
            Kind::BinOp => {
                let left = value.node("left").is_some_and(|left| is_real(left) || is_negative(left, &is_real));
                let right = value.node("right").is_some_and(is_imaginary);
                left && right && value.node("op").is_some_and(|op| matches!(op.kind, Kind::Add | Kind::Sub))
            }
            _ => false,
        };
        if is_literal { Ok(()) } else { self.fail("patterns may only match literals and attribute lookups") }
    }
}
