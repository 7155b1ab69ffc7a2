//! Iterators that leave items out: `compress`, `dropwhile`, `filterfalse`, `islice`, `takewhile`

use super::{class_of, unnamed};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, Signature, receiver};
use limpid_vm::object::{R, Slot, header_of};
use limpid_vm::protocol::{call, iter, number, truth::truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::{TypeDef, builtin, flag};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The layout of `compress`.
#[repr(C)]
pub struct Compress {
    header: Header,
    data: Slot,
    selectors: Slot,
}

/// `itertools.compress`
pub static COMPRESS: TypeCell = TypeCell::new();
layout!(Compress, COMPRESS.get(), Slots);

fn compress_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("data, selectors");
    args.bind(t, "compress", &SIGNATURE, |a| {
        let (data, selectors) = (iter::get_iter(t, a[0])?, iter::get_iter(t, a[1])?);
        let fields = Compress { header: header_of::<Compress>(), data: Slot::new(data), selectors: Slot::new(selectors) };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn compress_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Compress>(v);
    loop {
        let item = iter::next(t, this.data.get())?;
        if item.is_null() {
            return Ok(item);
        }
        let selector = iter::next(t, this.selectors.get())?;
        if selector.is_null() {
            return Ok(selector);
        }
        if truth(t, selector)? {
            return Ok(item);
        }
        t.poll()?;
    }
}

/// `itertools.compress`
pub static COMPRESS_DEF: TypeDef = TypeDef {
    doc: "compress(data, selectors)\n--\n\nReturn data elements corresponding to true selector elements.\n\nForms a shorter iterator from selected \
          data elements using the selectors to\nchoose the data elements.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(compress_new), iter: Some(itself), next: Some(compress_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Compress>("itertools.compress")
};

macro_rules! by_predicate {
    ($layout:ident, $cell:ident, $def:ident, $name:literal, $qualified:literal, $next:ident, $doc:literal) => {
        #[doc = concat!("The layout of `", $name, "`.")]
        #[repr(C)]
        pub struct $layout {
            header: Header,
            predicate: Slot,
            iterator: Slot,
            /// Has the predicate's answer changed, so that it is not asked any more?
            done: Slot,
        }

        #[doc = concat!("`itertools.", $name, "`")]
        pub static $cell: TypeCell = TypeCell::new();
        layout!($layout, $cell.get(), Slots);

        #[doc = concat!("`itertools.", $name, "`")]
        pub static $def: TypeDef = TypeDef {
            doc: $doc,
            flags: flag::BASE_TYPE,
            slots: SlotTable {
                new: Some(|t, class, args| {
                    static SIGNATURE: Signature = Signature::parse("predicate, iterable, /");
                    unnamed(class, args, &$cell).bind(t, $name, &SIGNATURE, |a| {
                        let iterator = iter::get_iter(t, a[1])?;
                        let fields = $layout {
                            header: header_of::<$layout>(),
                            predicate: Slot::new(a[0]),
                            iterator: Slot::new(iterator),
                            done: Slot::new(Value::FALSE),
                        };
                        Ok(t.alloc_instance(class_of(class), fields).value())
                    })
                }),
                iter: Some(itself),
                next: Some($next),
                ..SlotTable::EMPTY
            },
            ..TypeDef::of::<$layout>($qualified)
        };
    };
}

by_predicate!(
    DropWhile,
    DROP_WHILE,
    DROP_WHILE_DEF,
    "dropwhile",
    "itertools.dropwhile",
    drop_while_next,
    "dropwhile(predicate, iterable, /)\n--\n\nDrop items from the iterable while predicate(item) is true.\n\nAfterwards, return every element until the iterable is exhausted."
);
by_predicate!(
    TakeWhile,
    TAKE_WHILE,
    TAKE_WHILE_DEF,
    "takewhile",
    "itertools.takewhile",
    take_while_next,
    "takewhile(predicate, iterable, /)\n--\n\nReturn successive entries from an iterable as long as the predicate evaluates to true for each entry."
);
by_predicate!(
    FilterFalse,
    FILTER_FALSE,
    FILTER_FALSE_DEF,
    "filterfalse",
    "itertools.filterfalse",
    filter_false_next,
    "filterfalse(function, iterable, /)\n--\n\nReturn those items of iterable for which function(item) is false.\n\nIf function is None, return the items that are false."
);

fn drop_while_next(t: &Thread, v: Value) -> R {
    let this = receiver::<DropWhile>(v);
    loop {
        let item = iter::next(t, this.iterator.get())?;
        if item.is_null() || this.done.get() == Value::TRUE {
            return Ok(item);
        }
        if !truth(t, call::call(t, this.predicate.get(), &[item])?)? {
            this.done.set(t, this, Value::TRUE);
            return Ok(item);
        }
        t.poll()?;
    }
}

fn take_while_next(t: &Thread, v: Value) -> R {
    let this = receiver::<TakeWhile>(v);
    if this.done.get() == Value::TRUE {
        return Ok(Value::NULL);
    }
    let item = iter::next(t, this.iterator.get())?;
    if item.is_null() || truth(t, call::call(t, this.predicate.get(), &[item])?)? {
        return Ok(item);
    }
    this.done.set(t, this, Value::TRUE);
    Ok(Value::NULL)
}

fn filter_false_next(t: &Thread, v: Value) -> R {
    let this = receiver::<FilterFalse>(v);
    let predicate = this.predicate.get();
    let plain = predicate.is_none() || predicate == builtin::BOOL.value();
    loop {
        let item = iter::next(t, this.iterator.get())?;
        if item.is_null() {
            return Ok(item);
        }
        let answer = if plain { item } else { call::call(t, predicate, &[item])? };
        if !truth(t, answer)? {
            return Ok(item);
        }
        t.poll()?;
    }
}

/// The layout of `islice`.
#[repr(C)]
pub struct Islice {
    header: Header,
    /// NULL at the end.
    iterator: Slot,
    /// The index of the next item to return.
    next: AtomicI64,
    /// Where to end; negative: with the iterator.
    stop: i64,
    step: i64,
    /// How many items were taken.
    taken: AtomicI64,
}

/// `itertools.islice`
pub static ISLICE: TypeCell = TypeCell::new();
// The numbers may be any.
layout!(Islice, ISLICE.get(), Mixed);

/// An argument that is None or a number that is not negative.
fn bound(t: &Thread, v: Value, what: &str, default: i64) -> R<i64> {
    if v.is_none() {
        return Ok(default);
    }
    let n = if number::is_index(v) {
        match number::index_isize(t, v) {
            Ok(n) => n as i64,
            Err(raised) => {
                if !t.exception_is(limpid_vm::exc::OverflowError) {
                    return Err(raised);
                }
                t.take_exception();
                -1
            }
        }
    } else {
        -1
    };
    if n < 0 {
        raise!(t, ValueError, "{what} for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    }
    Ok(n)
}

fn islice_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let args = unnamed(class, args, &ISLICE);
    args.no_keywords(t, "islice")?;
    let (iterable, start, stop, step) = match *args.pos() {
        [iterable, stop] => (iterable, Value::NONE, stop, Value::NONE),
        [iterable, start, stop] => (iterable, start, stop, Value::NONE),
        [iterable, start, stop, step] => (iterable, start, stop, step),
        ref other => {
            let (few, n) = if other.len() < 2 { ("at least", 2) } else { ("at most", 4) };
            raise!(t, TypeError, "islice expected {few} {n} arguments, got {}", other.len())
        }
    };
    let only_stop = args.pos().len() == 2;
    let stop = bound(t, stop, if only_stop { "Stop argument" } else { "Indices" }, -1)?;
    let start = bound(t, start, "Indices", 0)?;
    let step = if step.is_none() {
        1
    } else {
        match number::is_index(step).then(|| number::index_clamped(t, step)).transpose()? {
            Some(n) if n >= 1 => n as i64,
            _ => raise!(t, ValueError, "Step for islice() must be a positive integer or None."),
        }
    };
    let iterator = iter::get_iter(t, iterable)?;
    let fields = Islice {
        header: header_of::<Islice>(),
        iterator: Slot::new(iterator),
        next: AtomicI64::new(start),
        stop,
        step,
        taken: AtomicI64::new(0),
    };
    Ok(t.alloc_instance(class_of(class), fields).value())
}

fn islice_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Islice>(v);
    let Some(iterator) = this.iterator.opt() else { return Ok(Value::NULL) };
    let end = || {
        this.iterator.set(t, this, Value::NULL);
        Ok(Value::NULL)
    };
    let next = this.next.load(Relaxed);
    while this.taken.load(Relaxed) < next {
        if iter::next(t, iterator)?.is_null() {
            return end();
        }
        this.taken.fetch_add(1, Relaxed);
        t.poll()?;
    }
    if this.stop >= 0 && this.taken.load(Relaxed) >= this.stop {
        return end();
    }
    let item = iter::next(t, iterator)?;
    if item.is_null() {
        return end();
    }
    this.taken.fetch_add(1, Relaxed);
    let following = match next.checked_add(this.step) {
        Some(n) if this.stop < 0 || n <= this.stop => n,
        _ => this.stop,
    };
    // Without an end, no iterator gets as far as the largest number.
    this.next.store(if following < 0 { i64::MAX } else { following }, Relaxed);
    Ok(item)
}

/// `itertools.islice`
pub static ISLICE_DEF: TypeDef = TypeDef {
    doc: "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nReturn an iterator whose next() \
          method returns selected values from an\niterable.  If start is specified, will skip all preceding elements;\notherwise, start defaults to \
          zero.  Step defaults to one.  If\nspecified as another value, step determines how many values are\nskipped between successive calls.  \
          Works like a slice() on a list\nbut returns an iterator.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(islice_new), iter: Some(itself), next: Some(islice_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Islice>("itertools.islice")
};
