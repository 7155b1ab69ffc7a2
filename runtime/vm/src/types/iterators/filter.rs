//! `filter`

use super::{REDUCE_DOC, itself};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{call, iter, truth::truth};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, Type, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a filter object.
#[repr(C)]
pub struct Filter {
    header: Header,
    /// What decides; None and `bool` stand for the items' own truth.
    function: Slot,
    iterator: Slot,
}

crate::layout!(Filter, builtin::FILTER, Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    super::no_keywords(t, class, builtin::FILTER, args)?;
    let [function, iterable] = *args.pos() else { raise!(t, TypeError, "filter expected 2 arguments, got {}", args.pos().len()) };
    let iterator = iter::get_iter(t, iterable)?;
    let fields = Filter { header: header_of::<Filter>(), function: Slot::new(function), iterator: Slot::new(iterator) };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<Filter>(v);
    let (function, iterator) = (this.function.get(), this.iterator.get());
    let by_truth = function.is_none() || function == builtin::BOOL.value();
    let next = iter::next_function(t, iterator)?;
    t.check_stack("")?;
    loop {
        let item = next(t, iterator)?;
        if item.is_null() {
            return Ok(item);
        }
        let verdict = if by_truth { item } else { call::call(t, function, &[item])? };
        if truth(t, verdict)? {
            return Ok(item);
        }
        t.poll()?;
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Filter>(a[0]);
    let args = Tuple::from_slice(t, &[this.function.get(), this.iterator.get()]);
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value()]).value())
}

/// The type `filter`.
pub static FILTER_DEF: TypeDef = TypeDef {
    doc: "filter(function, iterable, /)\n--\n\nReturn an iterator yielding those items of iterable for which function(item)\nis true. \
          If function is None, return the items that are true.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC)],
    ..TypeDef::of::<Filter>("filter")
};
