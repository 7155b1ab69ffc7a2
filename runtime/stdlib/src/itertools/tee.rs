//! `tee`: iterators that share what one iterator gives, through a linked list of items.

use limpid_heap::{Header, Kind, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of, plain_header};
use limpid_vm::protocol::{iter, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::{Tuple, TypeDef, ValueList, flag};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicBool, Ordering};

/// An item and what follows it. Not an object of its own.
#[repr(C)]
struct Node {
    header: Header,
    iterator: Slot,
    /// The item; NULL until the iterator was asked for it.
    item: Slot,
    /// The next node; stored before `item`.
    next: Slot,
    /// The iterator is being asked.
    asking: AtomicBool,
}

/// The layout of an iterator.
#[repr(C)]
pub struct Tee {
    header: Header,
    /// The node of its next item.
    node: Slot,
}

/// `itertools._tee`
pub static TEE: TypeCell = TypeCell::new();
layout!(Tee, TEE.get(), Slots);

fn node(t: &Thread, iterator: Value) -> Value {
    let node = Node {
        header: plain_header(Kind::Mixed),
        iterator: Slot::new(iterator),
        item: Slot::NULL,
        next: Slot::NULL,
        asking: AtomicBool::new(false),
    };
    t.alloc_cell(node).value()
}

/// An iterator at the same place if `iterable` is one of these, a new one over it otherwise.
fn from_iterable(t: &Thread, iterable: Value) -> R<Ref<Tee>> {
    let iterator = iter::get_iter(t, iterable)?;
    let first = match iterator.exact::<Tee>() {
        Some(other) => other.node.get(),
        None => node(t, iterator),
    };
    Ok(t.alloc(Tee { header: header_of::<Tee>(), node: Slot::new(first) }))
}

fn copy(t: &Thread, tee: Ref<Tee>) -> Value {
    t.alloc(Tee { header: header_of::<Tee>(), node: Slot::new(tee.node.get()) }).value()
}

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("iterable, /");
    args.bind(t, "_tee", &SIGNATURE, |a| Ok(from_iterable(t, a[0])?.value()))
}

/// `itertools.tee`
pub(super) fn tee(t: &Thread, a: &[Value]) -> R {
    let n = if a[1].is_null() { 2 } else { number::index_isize(t, a[1])? };
    if n < 0 {
        raise!(t, ValueError, "n must be >= 0")
    }
    if n == 0 {
        return Ok(t.empty_tuple());
    }
    let first = from_iterable(t, a[0])?;
    let mut all = ValueList::from_slice(t, &[first.value()]);
    for _ in 1..n {
        all.push(t, copy(t, first));
    }
    Ok(Tuple::try_from_slice(t, all.as_slice())?.value())
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<Tee>(v);
    // SAFETY: the field is a node.
    let at = unsafe { Ref::<Node>::from_value(this.node.get()) };
    if at.item.get().is_null() {
        if at.asking.swap(true, Ordering::AcqRel) {
            raise!(t, RuntimeError, "cannot re-enter the tee iterator")
        }
        // Somebody else may have asked meanwhile.
        let item = if at.item.get().is_null() { iter::next(t, at.iterator.get()) } else { Ok(Value::NULL) };
        if let Ok(item) = item
            && !item.is_null()
        {
            at.next.set(t, at, node(t, at.iterator.get()));
            at.item.set(t, at, item);
        }
        at.asking.store(false, Ordering::Release);
        item?;
    }
    let item = at.item.get();
    if !item.is_null() {
        this.node.set(t, this, at.next.get());
    }
    Ok(item)
}

/// `itertools._tee`
pub static TEE_DEF: TypeDef = TypeDef {
    doc: "Iterator wrapped to make it copyable.",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__copy__", "self, /", |t, a| Ok(copy(t, receiver::<Tee>(a[0])))).doc("Returns an independent iterator.")],
    ..TypeDef::of::<Tee>("itertools._tee")
};
