//! What `*list[int]` goes through: one item, the alias with a star.

use super::builtin_function;
use crate::args::{FnDef, receiver};
use crate::names;
use crate::object::{R, Slot, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, TypeDef, builtin, flag, generic_alias};
use limpid_heap::{Header, Value};

/// The layout of such an iterator.
#[repr(C)]
pub struct UnpackedAliasIterator {
    header: Header,
    /// The alias without a star; NULL at the end.
    alias: Slot,
}

crate::layout!(UnpackedAliasIterator, builtin::GENERIC_ALIAS_ITERATOR, Slots);

/// `iter(alias)`
pub fn unpacked_alias_iterator(t: &Thread, alias: Value) -> Value {
    t.alloc(UnpackedAliasIterator { header: header_of::<UnpackedAliasIterator>(), alias: Slot::new(alias) }).value()
}

fn next(t: &Thread, v: Value) -> R {
    Ok(receiver::<UnpackedAliasIterator>(v).alias.take().map_or(Value::NULL, |alias| generic_alias::starred(t, alias)))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let iterated = receiver::<UnpackedAliasIterator>(a[0]).alias.opt().unwrap_or(t.empty_tuple());
    let args = Tuple::from_slice(t, &[iterated]).value();
    Ok(Tuple::from_slice(t, &[builtin_function(t, names::iter)?, args]).value())
}

/// `generic_alias_iterator`
pub static GENERIC_ALIAS_ITERATOR_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(|_, v| Ok(v)), next: Some(next), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce)],
    ..TypeDef::of::<UnpackedAliasIterator>("generic_alias_iterator")
};
