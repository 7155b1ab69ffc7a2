//! `count`, `cycle`, `repeat`

use super::{class_of, unnamed};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::object::{R, Slot, ValueExt, header_of};
use limpid_vm::protocol::{iter, number, text};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::{List, Str, TypeDef, flag, int};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

/// The layout of `count`.
#[repr(C)]
pub struct Count {
    header: Header,
    next: Slot,
    step: Slot,
}

/// `itertools.count`
pub static COUNT: TypeCell = TypeCell::new();
layout!(Count, COUNT.get(), Slots);

fn count_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("start=0, step=1");
    args.bind(t, "count", &SIGNATURE, |a| {
        let or = |v: Value, default: i64| v.non_null().unwrap_or(Value::int(default));
        let (start, step) = (or(a[0], 0), or(a[1], 1));
        if !number::is_number(start) || !number::is_number(step) {
            raise!(t, TypeError, "a number is required")
        }
        let fields = Count { header: header_of::<Count>(), next: Slot::new(start), step: Slot::new(step) };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn count_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Count>(v);
    loop {
        let now = this.next.get();
        let next = number::add(t, now, this.step.get())?;
        if this.next.compare_exchange(t, this, now, next).is_ok() {
            return Ok(now);
        }
    }
}

fn count_repr(t: &Thread, v: Value) -> R {
    let this = receiver::<Count>(v);
    let (next, step) = (text::repr(t, this.next.get())?, this.step.get());
    let name = v.class().name.get();
    let mut parts = limpid_vm::types::ValueList::from_slice(t, &[name, Str::new(t, "(").value(), next.value()]);
    if int::as_i64_opt(step) != Some(1) {
        parts.push(t, Str::new(t, ", ").value());
        parts.push(t, text::repr(t, step)?.value());
    }
    parts.push(t, Str::new(t, ")").value());
    Ok(Str::concat_all(t, parts.as_slice())?.value())
}

/// `itertools.count`
pub static COUNT_DEF: TypeDef = TypeDef {
    doc: "count(start=0, step=1)\n--\n\nReturn a count object whose .__next__() method returns consecutive values.\n\nEquivalent to:\n    def \
          count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(count_new), iter: Some(itself), next: Some(count_next), repr: Some(count_repr), ..SlotTable::EMPTY },
    ..TypeDef::of::<Count>("itertools.count")
};

/// The layout of `cycle`.
#[repr(C)]
pub struct Cycle {
    header: Header,
    /// NULL when it has ended.
    iterator: Slot,
    /// A list of the items so far.
    saved: Slot,
    index: AtomicUsize,
}

/// `itertools.cycle`
pub static CYCLE: TypeCell = TypeCell::new();
layout!(Cycle, CYCLE.get(), Slots);

fn cycle_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("iterable, /");
    unnamed(class, args, &CYCLE).bind(t, "cycle", &SIGNATURE, |a| {
        let iterator = iter::get_iter(t, a[0])?;
        let saved = List::new(t);
        let fields = Cycle {
            header: header_of::<Cycle>(),
            iterator: Slot::new(iterator),
            saved: Slot::new(saved.value()),
            index: AtomicUsize::new(0),
        };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn cycle_next(t: &Thread, v: Value) -> R {
    let this = receiver::<Cycle>(v);
    let Some(saved) = this.saved.get().exact::<List>() else { return Ok(Value::NULL) };
    if let Some(iterator) = this.iterator.opt() {
        let item = iter::next(t, iterator)?;
        if !item.is_null() {
            saved.append(t, item)?;
            return Ok(item);
        }
        this.iterator.set(t, this, Value::NULL);
    }
    let i = this.index.load(Relaxed);
    let i = if i < saved.len() { i } else { 0 };
    this.index.store(i + 1, Relaxed);
    Ok(saved.get(i).unwrap_or(Value::NULL))
}

/// `itertools.cycle`
pub static CYCLE_DEF: TypeDef = TypeDef {
    doc: "cycle(iterable, /)\n--\n\nReturn elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(cycle_new), iter: Some(itself), next: Some(cycle_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<Cycle>("itertools.cycle")
};

/// The layout of `repeat`.
#[repr(C)]
pub struct Repeat {
    header: Header,
    element: Slot,
    /// How many times are left; negative: there is no end.
    left: AtomicI64,
}

/// `itertools.repeat`
pub static REPEAT: TypeCell = TypeCell::new();
// The count may be any number.
layout!(Repeat, REPEAT.get(), Mixed);

fn repeat_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("object, times=None");
    args.bind(t, "repeat", &SIGNATURE, |a| {
        let left = if a[1].is_null() { -1 } else { number::index_isize(t, a[1])?.max(0) as i64 };
        let fields = Repeat { header: header_of::<Repeat>(), element: Slot::new(a[0]), left: AtomicI64::new(left) };
        Ok(t.alloc_instance(class_of(class), fields).value())
    })
}

fn repeat_next(_: &Thread, v: Value) -> R {
    let this = receiver::<Repeat>(v);
    let taken = this.left.fetch_update(Relaxed, Relaxed, |n| match n {
        0 => None,
        n if n < 0 => Some(n),
        n => Some(n - 1),
    });
    Ok(if taken.is_ok() { this.element.get() } else { Value::NULL })
}

fn repeat_repr(t: &Thread, v: Value) -> R {
    let this = receiver::<Repeat>(v);
    let element = text::repr(t, this.element.get())?;
    let left = this.left.load(Relaxed);
    let tail = if left < 0 { ")".to_owned() } else { format!(", {left})") };
    let parts = [v.class().name.get(), Str::new(t, "(").value(), element.value(), Str::new(t, &tail).value()];
    Ok(Str::concat_all(t, &parts)?.value())
}

fn repeat_hint(t: &Thread, a: &[Value]) -> R {
    match receiver::<Repeat>(a[0]).left.load(Relaxed) {
        n if n < 0 => raise!(t, TypeError, "len() of unsized object"),
        n => Ok(int::from_i64(t, n)),
    }
}

/// `itertools.repeat`
pub static REPEAT_DEF: TypeDef = TypeDef {
    doc: "repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of times.  If not specified, returns \
          the object\nendlessly.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(repeat_new), iter: Some(itself), next: Some(repeat_next), repr: Some(repeat_repr), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__length_hint__", "self, /", repeat_hint).doc("Private method returning an estimate of len(list(it)).")],
    ..TypeDef::of::<Repeat>("itertools.repeat")
};
