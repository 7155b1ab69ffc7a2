//! `reversed`, for sequences that have no `__reversed__` of their own.

use super::{HINT_DOC, REDUCE_DOC, SET_STATE_DOC, itself};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, iter, sequence};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, Type, TypeDef, builtin, flag, int};
use crate::{exc, names};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout of a reversed object.
#[repr(C)]
pub struct Reversed {
    header: Header,
    /// The sequence; NULL at the end.
    sequence: Slot,
    /// One more than the index of the next item.
    position: AtomicUsize,
}

crate::layout!(Reversed, builtin::REVERSED, Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    super::no_keywords(t, class, builtin::REVERSED, args)?;
    let [sequence] = *args.pos() else { raise!(t, TypeError, "reversed expected 1 argument, got {}", args.pos().len()) };
    let not_reversible = || err!(t, TypeError, "'{}' object is not reversible", sequence.class().display_name());
    if let Some(method) = attr::lookup_special(t, sequence, names::__reversed__)? {
        return if method.is_none() { Err(not_reversible()) } else { call::call(t, method, &[]) };
    }
    if !iter::is_sequence(sequence) {
        return Err(not_reversible());
    }
    let len = sequence::len(t, sequence)?;
    let fields = Reversed { header: header_of::<Reversed>(), sequence: Slot::new(sequence), position: AtomicUsize::new(len) };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<Reversed>(v);
    let Some(sequence) = this.sequence.opt() else { return Ok(Value::NULL) };
    if let Some(i) = this.position.load(Relaxed).checked_sub(1) {
        match sequence::item(t, sequence, int::from_usize(t, i)) {
            Ok(item) => {
                this.position.store(i, Relaxed);
                return Ok(item);
            }
            Err(raised) if !t.exception_is(exc::IndexError) && !t.exception_is(exc::StopIteration) => return Err(raised),
            Err(_) => drop(t.take_exception()),
        }
    }
    this.sequence.set(t, this, Value::NULL);
    Ok(Value::NULL)
}

fn hint(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Reversed>(a[0]);
    let Some(sequence) = this.sequence.opt() else { return Ok(Value::int(0)) };
    let len = sequence::len(t, sequence)?;
    let left = this.position.load(Relaxed);
    Ok(int::from_usize(t, if left <= len { left } else { 0 }))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Reversed>(a[0]);
    let class = a[0].class().value();
    Ok(match this.sequence.opt() {
        Some(sequence) => {
            let args = Tuple::from_slice(t, &[sequence]);
            let index = int::from_i64(t, this.position.load(Relaxed) as i64 - 1);
            Tuple::from_slice(t, &[class, args.value(), index]).value()
        }
        None => {
            let args = Tuple::from_slice(t, &[t.empty_tuple()]);
            Tuple::from_slice(t, &[class, args.value()]).value()
        }
    })
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Reversed>(a[0]);
    let index = int::to_i64(t, a[1])?;
    if let Some(sequence) = this.sequence.opt() {
        let len = sequence::len(t, sequence)? as i64;
        this.position.store((index.clamp(-1, len - 1) + 1) as usize, Relaxed);
    }
    Ok(Value::NONE)
}

/// The type `reversed`.
pub static REVERSED_DEF: TypeDef = TypeDef {
    doc: "reversed(object, /)\n--\n\nReturn a reverse iterator over the values of the given sequence.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", hint).doc(HINT_DOC),
        FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<Reversed>("reversed")
};
