//! What `Pickler.memo` and `Unpickler.memo` are: views of the memos.

use super::pickler::{self, Pickler};
use super::unpickler::{self, Unpickler};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::layout;
use limpid_vm::object::{R, Slot, header_of};
use limpid_vm::protocol::hash::unhashable;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Tuple, TypeDef, builtin, flag};

/// The layout of both.
#[repr(C)]
pub struct Proxy<const PICKLING: bool> {
    header: Header,
    owner: Slot,
}

/// The memo of a pickler.
pub type PicklerMemo = Proxy<true>;
/// The memo of an unpickler.
pub type UnpicklerMemo = Proxy<false>;

/// `_pickle.PicklerMemoProxy`
pub static PICKLER_MEMO: TypeCell = TypeCell::new();
/// `_pickle.UnpicklerMemoProxy`
pub static UNPICKLER_MEMO: TypeCell = TypeCell::new();
layout!(PicklerMemo, PICKLER_MEMO.get(), Slots);
layout!(UnpicklerMemo, UNPICKLER_MEMO.get(), Slots);

impl<const PICKLING: bool> Proxy<PICKLING> {
    /// Whose memo it is.
    pub fn owner(&self) -> Value {
        self.owner.get()
    }
}

pub(super) fn of_pickler(t: &Thread, owner: Value) -> Value {
    t.alloc(PicklerMemo { header: header_of::<PicklerMemo>(), owner: Slot::new(owner) }).value()
}

pub(super) fn of_unpickler(t: &Thread, owner: Value) -> Value {
    t.alloc(UnpicklerMemo { header: header_of::<UnpicklerMemo>(), owner: Slot::new(owner) }).value()
}

/// The memo as a dict, with the class to make it again.
fn reduced(t: &Thread, copy: Value) -> R {
    Ok(Tuple::from_slice(t, &[builtin::DICT.value(), Tuple::from_slice(t, &[copy]).value()]).value())
}

fn pickler_copy(t: &Thread, a: &[Value]) -> R {
    pickler::memo_dict(t, receiver::<Pickler>(receiver::<PicklerMemo>(a[0]).owner.get()))
}

fn unpickler_copy(t: &Thread, a: &[Value]) -> R {
    unpickler::memo_dict(t, receiver::<Unpickler>(receiver::<UnpicklerMemo>(a[0]).owner.get()))
}

/// `_pickle.PicklerMemoProxy`
pub static PICKLER_MEMO_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { hash: Some(unhashable), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("clear", "self, /", |t, a| {
            pickler::clear(t, receiver(receiver::<PicklerMemo>(a[0]).owner.get()));
            Ok(Value::NONE)
        })
        .doc("Remove all items from memo."),
        FnDef::def("copy", "self, /", pickler_copy).doc("Copy the memo to a new object."),
        FnDef::def("__reduce__", "self, /", |t, a| reduced(t, pickler_copy(t, a)?)).doc("Implement pickle support."),
    ],
    ..TypeDef::of::<PicklerMemo>("_pickle.PicklerMemoProxy")
};

/// `_pickle.UnpicklerMemoProxy`
pub static UNPICKLER_MEMO_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { hash: Some(unhashable), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("clear", "self, /", |t, a| {
            unpickler::clear(t, receiver(receiver::<UnpicklerMemo>(a[0]).owner.get()));
            Ok(Value::NONE)
        })
        .doc("Remove all items from memo."),
        FnDef::def("copy", "self, /", unpickler_copy).doc("Copy the memo to a new object."),
        FnDef::def("__reduce__", "self, /", |t, a| reduced(t, unpickler_copy(t, a)?)).doc("Implement pickling support."),
    ],
    ..TypeDef::of::<UnpicklerMemo>("_pickle.UnpicklerMemoProxy")
};
