//! The declaration of types whose own has not arrived.

use crate::object::Slot;
use crate::slots::SlotTable;
use crate::types::TypeDef;
use limpid_heap::Kind;

/// An object without content.
pub(crate) static DEF: TypeDef = TypeDef {
    name: "pending",
    doc: "",
    base: None,
    flags: 0,
    size: size_of::<Slot>() * 2,
    kind: Kind::Leaf as u8,
    value_slots: 0,
    slots: SlotTable::EMPTY,
    methods: &[],
    getset: &[],
    has_dict: false,
};
