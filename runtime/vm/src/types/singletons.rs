//! The types of `None`, `...` and `NotImplemented`. Their one value each is not a heap cell.

use crate::args::{Args, FnDef};
use crate::object::{R, Ref};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::str::intern;
use crate::types::{Type, TypeDef};
use limpid_heap::{Header, Value};

/// The layout that instances would have.
#[repr(C)]
struct Nothing(Header);

crate::layout!(Nothing, crate::types::builtin::NONE_TYPE, Leaf);

/// NoneType.
pub static NONE_TYPE_DEF: TypeDef = TypeDef {
    doc: "The type of the None singleton.",
    slots: SlotTable {
        new: Some(|t, class, args| the_one(t, class, args, Value::NONE)),
        repr: Some(|t, _| Ok(intern(t, "None"))),
        bool: Some(|_, _| Ok(false)),
        hash: Some(|_, _| Ok(NONE_HASH)),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<Nothing>("NoneType")
};

/// The type of `...`.
pub static ELLIPSIS_TYPE_DEF: TypeDef = TypeDef {
    doc: "The type of the Ellipsis singleton.",
    slots: SlotTable {
        new: Some(|t, class, args| the_one(t, class, args, Value::ELLIPSIS)),
        repr: Some(|t, _| Ok(intern(t, "Ellipsis"))),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", |t, _| Ok(intern(t, "Ellipsis")))],
    ..TypeDef::of::<Nothing>("ellipsis")
};

/// The type of `NotImplemented`.
pub static NOT_IMPLEMENTED_TYPE_DEF: TypeDef = TypeDef {
    doc: "The type of the NotImplemented singleton.",
    slots: SlotTable {
        new: Some(|t, class, args| the_one(t, class, args, Value::NOT_IMPLEMENTED)),
        repr: Some(|t, _| Ok(intern(t, "NotImplemented"))),
        bool: Some(|t, _| raise!(t, TypeError, "NotImplemented should not be used in a boolean context")),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", |t, _| Ok(intern(t, "NotImplemented")))],
    ..TypeDef::of::<Nothing>("NotImplementedType")
};

/// `hash(None)`, the same in every run.
const NONE_HASH: i64 = 0xFCA8_6420;

fn the_one(t: &Thread, class: Value, args: Args<'_>, value: Value) -> R {
    if !args.is_empty() {
        // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
        let class = unsafe { Ref::<Type>::from_value(class) };
        raise!(t, TypeError, "{} takes no arguments", class.display_name())
    }
    Ok(value)
}
