//! `map`

use super::parallel::{Parallel, strict_argument};
use super::{REDUCE_DOC, SET_STATE_DOC, itself};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::call;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, Type, TypeDef, ValueList, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a map object.
#[repr(C)]
pub struct Map {
    header: Header,
    function: Slot,
    parallel: Parallel,
}

crate::layout!(Map, builtin::MAP, Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let strict = if super::has_own_init(class, builtin::MAP) { false } else { strict_argument(t, "map", args)? };
    let [function, iterables @ ..] = args.pos() else { raise!(t, TypeError, "map() must have at least two arguments.") };
    if iterables.is_empty() {
        raise!(t, TypeError, "map() must have at least two arguments.")
    }
    let parallel = Parallel::new(t, iterables, strict)?;
    let fields = Map { header: header_of::<Map>(), function: Slot::new(*function), parallel };
    Ok(t.alloc_instance(class, fields).value())
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<Map>(v);
    let function = this.function.get();
    this.parallel.next(t, "map", |items| call::call(t, function, items))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Map>(a[0]);
    let mut args = ValueList::from_slice(t, &[this.function.get()]);
    this.parallel.iterators().as_slice().iter().for_each(|iterator| args.push(t, *iterator));
    let args = Tuple::from_slice(t, args.as_slice()).value();
    let class = a[0].class().value();
    let parts = [class, args, Value::TRUE];
    Ok(Tuple::from_slice(t, if this.parallel.is_strict() { &parts } else { &parts[..2] }).value())
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Map>(a[0]);
    this.parallel.set_strict(t, this, a[1])?;
    Ok(Value::NONE)
}

/// The type `map`.
pub static MAP_DEF: TypeDef = TypeDef {
    doc: "map(function, iterable, /, *iterables, strict=False)\n--\n\nMake an iterator that computes the function using arguments \
          from\neach of the iterables.  Stops when the shortest iterable is exhausted.\n\nIf strict is true and one of the arguments is \
          exhausted before the others,\nraise a ValueError.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<Map>("map")
};
