//! `zip`

use super::parallel::{Parallel, strict_argument};
use super::{REDUCE_DOC, SET_STATE_DOC, itself};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, ValueExt, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a zip object.
#[repr(C)]
pub struct Zip {
    header: Header,
    parallel: Parallel,
}

crate::layout!(Zip, builtin::ZIP, Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let strict = strict_argument(t, "zip", args)?;
    let parallel = Parallel::new(t, args.pos(), strict)?;
    let fields = Zip { header: header_of::<Zip>(), parallel };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

/// Does it yield pairs?
pub(super) fn is_of_two(v: Value) -> bool {
    receiver::<Zip>(v).parallel.iterators().len() == 2
}

/// The next items of two iterators; None at the end.
#[inline]
pub(super) fn next_pair(t: &Thread, v: Value) -> R<Option<(Value, Value)>> {
    receiver::<Zip>(v).parallel.next_pair(t, "zip")
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<Zip>(v);
    this.parallel.next(t, "zip", |items| Ok(Tuple::from_slice(t, items).value()))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Zip>(a[0]);
    let parts = [a[0].class().value(), this.parallel.iterators().value(), Value::TRUE];
    Ok(Tuple::from_slice(t, if this.parallel.is_strict() { &parts } else { &parts[..2] }).value())
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Zip>(a[0]);
    this.parallel.set_strict(t, this, a[1])?;
    Ok(Value::NONE)
}

/// The type `zip`.
pub static ZIP_DEF: TypeDef = TypeDef {
    doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().  The \
          i-th element in every tuple\ncomes from the i-th iterable argument to zip().  This continues until the\nshortest argument is \
          exhausted.\n\nIf strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.\n\n   >>> \
          list(zip('abcdefg', range(3), range(4)))\n   [('a', 0, 0), ('b', 1, 1), ('c', 2, 2)]",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<Zip>("zip")
};
