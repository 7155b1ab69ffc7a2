//! Cells: variables that inner functions share with the function around them.

use crate::args::{GetSet, receiver};
use crate::layout;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::compare;
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Str, TypeDef, builtin};
use limpid_heap::{Header, Value};

/// The layout of a cell.
#[repr(C)]
pub struct Cell {
    header: Header,
    /// The variable, NULL when it is unbound.
    pub content: Slot,
}

layout!(Cell, builtin::CELL, Slots);

impl Cell {
    /// A cell with this content, which may be NULL.
    #[inline]
    pub fn new(t: &Thread, content: Value) -> Ref<Cell> {
        t.alloc(Cell { header: header_of::<Cell>(), content: Slot::new(content) })
    }
}

fn content(t: &Thread, v: Value) -> R {
    match receiver::<Cell>(v).content.opt() {
        Some(content) => Ok(content),
        None => raise!(t, ValueError, "cell is empty"),
    }
}

fn set_content(t: &Thread, v: Value, to: Value) -> R<()> {
    let cell = receiver::<Cell>(v);
    cell.content.set(t, cell, to);
    Ok(())
}

fn repr(t: &Thread, v: Value) -> R {
    let text = match receiver::<Cell>(v).content.opt() {
        None => format!("<cell at {:#x}: empty>", v.bits()),
        Some(c) => format!("<cell at {:#x}: {} object at {:#x}>", v.bits(), c.class().display_name(), c.bits()),
    };
    Ok(Str::new(t, &text).value())
}

/// Empty cells come before all others.
fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(a), Some(b)) = (a.exact::<Cell>(), b.exact::<Cell>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match (a.content.opt(), b.content.opt()) {
        (Some(a), Some(b)) => compare::rich_compare(t, a, b, op),
        (a, b) => Ok(Value::bool(op.holds(a.is_some().cmp(&b.is_some())))),
    }
}

fn new(t: &Thread, _: Value, args: crate::args::Args<'_>) -> R {
    args.no_keywords(t, "cell")?;
    match args.pos() {
        [] => Ok(Cell::new(t, Value::NULL).value()),
        [v] => Ok(Cell::new(t, *v).value()),
        more => raise!(t, TypeError, "cell expected at most 1 argument, got {}", more.len()),
    }
}

/// `cell`
pub static CELL_DEF: TypeDef = TypeDef {
    doc: "cell([contents])\n--\n\nCreate a new cell object.",
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        richcompare: Some(richcompare),
        hash: Some(|t, _| raise!(t, TypeError, "unhashable type: 'cell'")),
        ..SlotTable::EMPTY
    },
    getset: &[GetSet::property("cell_contents", content, set_content)],
    ..TypeDef::of::<Cell>("cell")
};

