//! What `ast.parse(..., optimize=...)` does to a tree.

use super::asdl::Kind;
use super::tree::{Item, Node};
use limpid_bytecode::Constant;
use limpid_vm::object::R;
use limpid_vm::thread::Thread;

/// Replaces `__debug__` and the literals of patterns by their values, and drops documentation strings from level 2 on.
pub(super) fn optimize(t: &Thread, node: &mut Node, level: u32) -> R<()> {
    t.check_stack(" during compilation")?;
    if level >= 2 && matches!(node.kind, Kind::Module | Kind::FunctionDef | Kind::AsyncFunctionDef | Kind::ClassDef) {
        drop_docstring(node);
    }
    match node.kind {
        Kind::Name if node.text("id").as_deref() == Some("__debug__") && node.node("ctx").is_some_and(|c| c.kind == Kind::Load) => {
            *node = constant(Constant::Bool(level == 0), node.place);
            return Ok(());
        }
        Kind::MatchValue => fold_field(node, "value"),
        Kind::MatchMapping => {
            let keys = node.kind.field("keys");
            if let Item::List(keys) = &mut node.fields[keys] {
                keys.iter_mut().for_each(fold);
            }
        }
        _ => {}
    }
    for item in &mut node.fields {
        let items = match item {
            Item::List(items) => &mut items[..],
            item => std::slice::from_mut(item),
        };
        for item in items {
            if let Item::Node(node) = item {
                optimize(t, node, level)?;
            }
        }
    }
    Ok(())
}

fn constant(value: Constant, place: [i32; 4]) -> Node {
    Node { kind: Kind::Constant, fields: vec![Item::Constant(value), Item::None], place }
}

fn drop_docstring(node: &mut Node) {
    let body = node.kind.field("body");
    let Item::List(body) = &mut node.fields[body] else { return };
    let Some(first) = body.first().and_then(Item::node).filter(|first| first.kind == Kind::Expr) else { return };
    let is_text = |value: &Node| value.kind == Kind::Constant && matches!(value.get("value"), Item::Constant(Constant::Str(_)));
    if first.node("value").is_some_and(is_text) {
        let [line, column, ..] = first.place;
        let place = [line, column, line, column + "pass".len() as i32];
        body.remove(0);
        if body.is_empty() {
            body.push(Node { kind: Kind::Pass, fields: vec![], place }.into());
        }
    }
}

fn fold_field(node: &mut Node, field: &str) {
    let field = node.kind.field(field);
    fold(&mut node.fields[field]);
}

/// Makes `-1` and `1 + 2j` constants.
fn fold(item: &mut Item) {
    let Some(node) = item.node() else { return };
    if let Some(value) = value_of(node) {
        *item = constant(value, node.place).into();
    }
}

fn value_of(node: &Node) -> Option<Constant> {
    let operator = |field: &str| node.node(field).map(|op| op.kind);
    match node.kind {
        Kind::Constant => match node.get("value") {
            Item::Constant(value) => Some(value.clone()),
            _ => None,
        },
        Kind::UnaryOp if operator("op") == Some(Kind::USub) => Some(match value_of(node.node("operand")?)? {
            Constant::Int(i) => Constant::Int(i.checked_neg()?),
            Constant::BigInt { negative, digits } => Constant::BigInt { negative: !negative, digits },
            Constant::Float(f) => Constant::Float(-f),
            Constant::Complex(real, imag) => Constant::Complex(-real, -imag),
            _ => return None,
        }),
        Kind::BinOp => {
            let left = match value_of(node.node("left")?)? {
                Constant::Int(i) => i as f64,
                Constant::Float(f) => f,
                _ => return None,
            };
            let Constant::Complex(real, imag) = value_of(node.node("right")?)? else { return None };
            match operator("op")? {
                Kind::Add => Some(Constant::Complex(left + real, imag)),
                Kind::Sub => Some(Constant::Complex(left - real, -imag)),
                _ => None,
            }
        }
        _ => None,
    }
}
