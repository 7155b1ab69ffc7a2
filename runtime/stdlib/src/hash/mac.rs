//! HMAC objects: `_hashlib.HMAC` and `_hmac.HMAC`, two types with one layout.

use super::hasher::Mac;
use super::object::{data, hexadecimal};
use crate::owned;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet};
use limpid_vm::layout;
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, Type, TypeDef, flag, int};
use parking_lot::Mutex;

/// The layout.
#[repr(C)]
pub struct Hmac {
    header: Header,
    state: Mutex<Mac>,
}

/// `_hashlib.HMAC`
pub static HMAC: TypeCell = TypeCell::new();
/// `_hmac.HMAC`
pub static BUILTIN_HMAC: TypeCell = TypeCell::new();
layout!(Hmac, HMAC.get(), Leaf);

/// An object of one of the types.
pub(super) fn make(t: &Thread, class: Ref<Type>, mac: Mac) -> Value {
    owned::dropped(t, t.alloc_cell(Hmac { header: class.instance_header(), state: Mutex::new(mac) })).value()
}

/// Runs `f` on the state.
fn with<T>(t: &Thread, v: Value, f: impl FnOnce(&mut Mac) -> T) -> T {
    // SAFETY: descriptors have checked the receiver, and both types whose methods come here have this layout.
    let this = unsafe { Ref::<Hmac>::from_value(v) };
    f(&mut owned::lock(t, &this.state))
}

fn name(t: &Thread, v: Value) -> String {
    format!("hmac-{}", with(t, v, |m| m.algorithm.name))
}

/// `_hashlib.HMAC`
pub static HMAC_DEF: TypeDef = definition("_hashlib.HMAC");
/// `_hmac.HMAC`
pub static BUILTIN_HMAC_DEF: TypeDef = definition("_hmac.HMAC");

const fn definition(qualified: &'static str) -> TypeDef {
    TypeDef {
        doc: "The object used to calculate HMAC of a message.",
        flags: flag::DISALLOW_INSTANTIATION,
        slots: SlotTable {
            repr: Some(|t, v| {
                let algorithm = with(t, v, |m| m.algorithm.name);
                Ok(Str::new(t, &format!("<{algorithm} HMAC object @ {:#x}>", v.bits())).value())
            }),
            ..SlotTable::EMPTY
        },
        methods: METHODS,
        getset: ATTRIBUTES,
        ..TypeDef::of::<Hmac>(qualified)
    }
}

const METHODS: &[FnDef] = &[
    FnDef::def("update", "self, msg", |t, a| {
        let bytes = data(t, a[1])?;
        with(t, a[0], |m| t.blocking(|| m.update(bytes.as_slice())));
        Ok(Value::NONE)
    })
    .doc("Update the HMAC object with msg."),
    FnDef::def("copy", "self, /", |t, a| Ok(make(t, a[0].class(), with(t, a[0], |m| m.clone())))).doc("Return a copy of the HMAC object."),
    FnDef::def("digest", "self, /", |t, a| Ok(Bytes::from_slice(t, &with(t, a[0], |m| m.digest()))?.value()))
        .doc("Return the digest of the bytes passed to the update() method so far."),
    FnDef::def("hexdigest", "self, /", |t, a| hexadecimal(t, &with(t, a[0], |m| m.digest())))
        .doc("Return hexadecimal digest of the bytes passed to the update() method so far."),
];

const ATTRIBUTES: &[GetSet] = &[
    GetSet::getter("digest_size", |t, v| Ok(int::from_usize(t, with(t, v, |m| m.algorithm.size)))),
    GetSet::getter("block_size", |t, v| Ok(int::from_usize(t, with(t, v, |m| m.algorithm.block)))),
    GetSet::getter("name", |t, v| Ok(Str::new(t, &name(t, v)).value())),
];
