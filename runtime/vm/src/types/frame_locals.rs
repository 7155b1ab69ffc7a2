//! `FrameLocalsProxy`: the write-through view that `frame.f_locals` of a function is (PEP 667).

use crate::args::{FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{iter, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::frame::FrameObject;
use crate::types::{Cell, Dict, Str, TypeDef, builtin, flag};
use limpid_bytecode::LocalKind;
use limpid_heap::{Header, Value};

/// The layout of a proxy.
#[repr(C)]
pub struct FrameLocals {
    header: Header,
    frame: Slot,
}

layout!(FrameLocals, builtin::FRAME_LOCALS_PROXY, Slots);

/// The view of a frame's variables.
pub fn new(t: &Thread, frame: Ref<FrameObject>) -> Value {
    frame.expose(t);
    t.alloc(FrameLocals { header: header_of::<FrameLocals>(), frame: Slot::new(frame.value()) }).value()
}

fn frame_of(v: Value) -> Ref<FrameObject> {
    // SAFETY: the field refers to a frame object.
    unsafe { Ref::from_value(receiver::<FrameLocals>(v).frame.get()) }
}

/// The local slot with a name.
fn index_of(frame: Ref<FrameObject>, key: Value) -> Option<usize> {
    let key = key.downcast::<Str>()?;
    (0..frame.code().nlocalsplus as usize).find(|&i| {
        frame.code().local_kind(i) & LocalKind::HIDDEN == 0 && frame.code().local_name(i).downcast::<Str>().is_some_and(|n| n.equals(&key))
    })
}

fn extra(frame: Ref<FrameObject>) -> Option<Ref<Dict>> {
    frame.extra_locals.opt().and_then(|e| e.exact::<Dict>())
}

fn lookup(t: &Thread, v: Value, key: Value) -> R<Option<Value>> {
    let frame = frame_of(v);
    if let Some(found) = index_of(frame, key).and_then(|i| frame.variable(t, i)) {
        return Ok(Some(found));
    }
    match extra(frame) {
        Some(d) => d.get(t, key),
        None => Ok(None),
    }
}

fn getitem(t: &Thread, v: Value, key: Value) -> R {
    match lookup(t, v, key)? {
        Some(found) => Ok(found),
        None => Err(crate::exc::raise_key_error(t, key)),
    }
}

fn setitem(t: &Thread, v: Value, key: Value, to: Value) -> R<()> {
    let frame = frame_of(v);
    if let Some(i) = index_of(frame, key) {
        if to.is_null() {
            raise!(t, ValueError, "cannot remove local variables from FrameLocalsProxy");
        }
        let kind = frame.code().local_kind(i);
        if kind & (LocalKind::CELL | LocalKind::FREE) != 0
            && let Some(cell) = frame.local(t, i).non_null().and_then(|c| c.exact::<Cell>())
        {
            cell.content.set(t, cell, to);
        } else {
            frame.set_local(t, i, to);
        }
        return Ok(());
    }
    if to.is_null() {
        let removed = match extra(frame) {
            Some(d) => d.remove(t, key)?,
            None => None,
        };
        return match removed {
            Some(_) => Ok(()),
            None => Err(crate::exc::raise_key_error(t, key)),
        };
    }
    let d = match extra(frame) {
        Some(d) => d,
        None => {
            let d = Dict::new(t);
            frame.extra_locals.set(t, frame, d.value());
            d
        }
    };
    d.set_item(t, key, to)
}

fn as_dict(t: &Thread, v: Value) -> R<Ref<Dict>> {
    // SAFETY: the locals of a function are a new dict.
    Ok(unsafe { Ref::from_value(frame_of(v).locals(t)?) })
}

fn contains(t: &Thread, v: Value, key: Value) -> R<bool> {
    Ok(lookup(t, v, key)?.is_some())
}

fn update(t: &Thread, a: &[Value]) -> R {
    let d = Dict::new(t);
    d.update_from(t, a[1])?;
    for (k, v) in d.iter() {
        setitem(t, a[0], k, v)?;
    }
    Ok(Value::NONE)
}

fn get(t: &Thread, a: &[Value]) -> R {
    let default = a[2].non_null().unwrap_or(Value::NONE);
    Ok(lookup(t, a[0], a[1])?.unwrap_or(default))
}

fn set_default(t: &Thread, a: &[Value]) -> R {
    match lookup(t, a[0], a[1])? {
        Some(v) => Ok(v),
        None => {
            let default = a[2].non_null().unwrap_or(Value::NONE);
            setitem(t, a[0], a[1], default)?;
            Ok(default)
        }
    }
}

fn pop(t: &Thread, a: &[Value]) -> R {
    if index_of(frame_of(a[0]), a[1]).is_some() {
        raise!(t, ValueError, "cannot remove local variables from FrameLocalsProxy");
    }
    match lookup(t, a[0], a[1])? {
        Some(v) => setitem(t, a[0], a[1], Value::NULL).map(|()| v),
        None => a[2].non_null().ok_or_else(|| crate::exc::raise_key_error(t, a[1])),
    }
}

/// A method of the same name of the dict that the view stands for.
fn forward(t: &Thread, a: &[Value], method: &str) -> R {
    let d = as_dict(t, a[0])?;
    crate::protocol::call::call_method_text(t, d.value(), method, &a[1..])
}

/// `FrameLocalsProxy`
pub static FRAME_LOCALS_PROXY_DEF: TypeDef = TypeDef {
    flags: flag::MAPPING | flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        repr: Some(|t, v| Ok(text::repr(t, as_dict(t, v)?.value())?.value())),
        len: Some(|t, v| Ok(as_dict(t, v)?.len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(contains),
        iter: Some(|t, v| iter::get_iter(t, as_dict(t, v)?.value())),
        richcompare: Some(|t, a, b, op| {
            let b = if b.exact::<FrameLocals>().is_some() { as_dict(t, b)?.value() } else { b };
            crate::protocol::compare::rich_compare(t, as_dict(t, a)?.value(), b, op)
        }),
        or: Some(|t, a, b| {
            let side = |v: Value| -> R { if v.exact::<FrameLocals>().is_some() { Ok(as_dict(t, v)?.value()) } else { Ok(v) } };
            crate::protocol::number::binary(t, limpid_bytecode::BinaryOperator::Or, side(a)?, side(b)?)
        }),
        ior: Some(|t, a, b| update(t, &[a, b]).map(|_| a)),
        hash: Some(|t, _| raise!(t, TypeError, "unhashable type: 'FrameLocalsProxy'")),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("keys", "self, /", |t, a| forward(t, a, "keys")),
        FnDef::def("values", "self, /", |t, a| forward(t, a, "values")),
        FnDef::def("items", "self, /", |t, a| forward(t, a, "items")),
        FnDef::def("copy", "self, /", |t, a| Ok(as_dict(t, a[0])?.value())),
        FnDef::def("get", "self, key, default=None, /", get),
        FnDef::def("update", "self, other, /", update),
        FnDef::def("setdefault", "self, key, default=None, /", set_default),
        FnDef::def("pop", "self, key, default=None, /", pop),
        FnDef::def("__reversed__", "self, /", |t, a| forward(t, a, "__reversed__")),
    ],
    ..TypeDef::of::<FrameLocals>("FrameLocalsProxy")
};
