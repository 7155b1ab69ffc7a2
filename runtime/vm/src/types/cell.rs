//! `cell`: a variable that functions share.

use crate::args::{Args, GetSet, Signature, receiver};
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
    /// The variable's value, NULL while it is unbound.
    pub content: Slot,
}

crate::layout!(Cell, builtin::CELL, Slots);

/// `types.CellType`
pub static CELL_DEF: TypeDef = TypeDef {
    doc: "cell([contents])\n--\n\nCreate a new cell object.\n\n  contents\n    the contents of the cell. If not specified, the cell will be empty,\n    \
        and \n    further attempts to access its cell_contents attribute will\n    raise a ValueError.",
    slots: SlotTable { repr: Some(repr), new: Some(new), richcompare: Some(richcompare), ..SlotTable::EMPTY },
    getset: &[GetSet::property("cell_contents", get_contents, |t, c, v| {
        receiver::<Cell>(c).set(t, v);
        Ok(())
    })],
    ..TypeDef::of::<Cell>("cell")
};

impl Cell {
    /// A cell with this content, which may be NULL.
    #[inline]
    pub fn new(t: &Thread, content: Value) -> Ref<Cell> {
        t.alloc(Cell { header: header_of::<Cell>(), content: Slot::new(content) })
    }

    /// The variable's value, NULL while it is unbound.
    #[inline(always)]
    pub fn get(&self) -> Value {
        self.content.get()
    }
}

impl Ref<Cell> {
    /// Replaces the variable's value; NULL unbinds it.
    #[inline(always)]
    pub fn set(self, t: &Thread, v: Value) {
        self.content.set(t, self, v);
    }
}

const NEW: Signature = Signature::parse("contents=None, /");

fn new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "cell")?;
    args.bind(t, "cell", &NEW, |a| Ok(Cell::new(t, a[0]).value()))
}

fn get_contents(t: &Thread, c: Value) -> R {
    match receiver::<Cell>(c).content.opt() {
        Some(v) => Ok(v),
        None => raise!(t, ValueError, "cell is empty"),
    }
}

fn repr(t: &Thread, c: Value) -> R {
    let text = match receiver::<Cell>(c).content.opt() {
        None => format!("<cell at {:#x}: empty>", c.bits()),
        Some(v) => format!("<cell at {:#x}: {} object at {:#x}>", c.bits(), v.class().display_name(), v.bits()),
    };
    Ok(Str::new(t, &text).value())
}

/// Cells compare by their contents; an empty one is less than any other.
fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<Cell>(), b.exact::<Cell>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match (x.content.opt(), y.content.opt()) {
        (Some(x), Some(y)) => compare::rich_compare(t, x, y, op),
        (x, y) => Ok(Value::bool(op.holds(x.is_some().cmp(&y.is_some())))),
    }
}
