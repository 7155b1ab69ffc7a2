//! `iter(function, sentinel)`: calls the function until it returns the sentinel.

use super::{REDUCE_DOC, builtin_function, itself};
use crate::args::{FnDef, receiver};
use crate::exc;
use crate::names;
use crate::object::{R, Slot, header_of};
use crate::protocol::{call, compare};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, TypeDef, builtin};
use limpid_heap::{Header, Value};

/// The layout of such an iterator.
#[repr(C)]
pub struct CallableIterator {
    header: Header,
    /// The function; NULL at the end.
    function: Slot,
    sentinel: Slot,
}

crate::layout!(CallableIterator, builtin::CALLABLE_ITERATOR, Slots);

/// `iter(function, sentinel)`
pub fn callable_iterator(t: &Thread, function: Value, sentinel: Value) -> Value {
    let header = header_of::<CallableIterator>();
    t.alloc(CallableIterator { header, function: Slot::new(function), sentinel: Slot::new(sentinel) }).value()
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<CallableIterator>(v);
    let Some(function) = this.function.opt() else { return Ok(Value::NULL) };
    match call::call(t, function, &[]) {
        Ok(item) => {
            // The call may have exhausted this very iterator.
            if this.function.opt().is_some() && !compare::values_equal(t, this.sentinel.get(), item)? {
                return Ok(item);
            }
        }
        Err(_) => t.catch(exc::StopIteration)?,
    }
    this.function.set(t, this, Value::NULL);
    Ok(Value::NULL)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<CallableIterator>(a[0]);
    let iter = builtin_function(t, names::iter)?;
    let args = match this.function.opt() {
        Some(function) => Tuple::from_slice(t, &[function, this.sentinel.get()]),
        None => Tuple::from_slice(t, &[t.empty_tuple()]),
    };
    Ok(Tuple::from_slice(t, &[iter, args.value()]).value())
}

/// The type `callable_iterator`.
pub static CALLABLE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC)],
    ..TypeDef::of::<CallableIterator>("callable_iterator")
};
