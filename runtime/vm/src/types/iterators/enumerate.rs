//! `enumerate`

use super::{REDUCE_DOC, itself};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{iter, number};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, Tuple, Type, TypeDef, builtin, flag, generic_alias};
use limpid_heap::{Header, Value};

/// The layout of an enumerate object.
#[repr(C)]
pub struct Enumerate {
    header: Header,
    iterator: Slot,
    /// The next count, an int.
    count: Slot,
}

crate::layout!(Enumerate, builtin::ENUMERATE, Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let (iterable, start) = arguments(t, args)?;
    let count = match start {
        Some(start) => number::index_exact(t, start)?,
        None => Value::int(0),
    };
    let iterator = iter::get_iter(t, iterable)?;
    let fields = Enumerate { header: header_of::<Enumerate>(), iterator: Slot::new(iterator), count: Slot::new(count) };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

/// `iterable` and `start`, with the messages that this constructor has for itself.
fn arguments(t: &Thread, args: Args<'_>) -> R<(Value, Option<Value>)> {
    let given = args.all().len();
    if given > 2 {
        raise!(t, TypeError, "enumerate() takes at most 2 arguments ({given} given)")
    }
    let (mut iterable, mut start) = (args.pos().first().copied(), args.pos().get(1).copied());
    for (name, value) in args.keywords() {
        match name.downcast::<Str>() {
            Some(s) if s.eq_str("iterable") && iterable.is_none() => iterable = Some(value),
            Some(s) if s.eq_str("start") && start.is_none() => start = Some(value),
            s => {
                let name = s.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                raise!(t, TypeError, "'{name}' is an invalid keyword argument for enumerate()")
            }
        }
    }
    match iterable {
        Some(iterable) => Ok((iterable, start)),
        None => raise!(t, TypeError, "enumerate() missing required argument 'iterable'"),
    }
}

/// The next count and item; None at the end.
#[inline]
pub(super) fn next_pair(t: &Thread, v: Value) -> R<Option<(Value, Value)>> {
    let this = receiver::<Enumerate>(v);
    let item = iter::next(t, this.iterator.get())?;
    if item.is_null() {
        return Ok(None);
    }
    let count = this.count.get();
    let following = if count.is_int() && count.as_int() < Value::INT_MAX {
        Value::int(count.as_int() + 1)
    } else {
        number::add(t, count, Value::int(1))?
    };
    this.count.set(t, this, following);
    Ok(Some((count, item)))
}

/// Does the next pair come without Python code, and is nothing lost if there is none?
pub(super) fn is_plain(v: Value) -> bool {
    let this = receiver::<Enumerate>(v);
    this.count.get().is_int() && this.count.get().as_int() < Value::INT_MAX && super::is_plain(this.iterator.get())
}

fn next(t: &Thread, v: Value) -> R {
    Ok(match next_pair(t, v)? {
        Some((count, item)) => Tuple::from_slice(t, &[count, item]).value(),
        None => Value::NULL,
    })
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Enumerate>(a[0]);
    let args = Tuple::from_slice(t, &[this.iterator.get(), this.count.get()]);
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value()]).value())
}

/// The type `enumerate`.
pub static ENUMERATE_DEF: TypeDef = TypeDef {
    doc: "enumerate(iterable, start=0)\n--\n\nReturn an enumerate object.\n\n  iterable\n    an object supporting iteration\n\nThe \
          enumerate object yields pairs containing a count (from start, which\ndefaults to zero) and a value yielded by the iterable \
          argument.\n\nenumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<Enumerate>("enumerate")
};
