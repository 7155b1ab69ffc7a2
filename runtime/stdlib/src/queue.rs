//! `_queue`: `SimpleQueue`.

use crate::exception_class::{self, ExceptionClass};
use crate::seconds::{self, Deadline, Rounding};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, Slot, header_of};
use limpid_vm::protocol::truth;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::sync::futex;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Type, TypeDef, ValueList, flag, generic_alias, int, type_};
use limpid_vm::{exc, layout, raise};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

/// `_queue`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.",
    init: |t, m| {
        exception_class::add(t, m, &EMPTY, &EMPTY_CLASS)?;
        m.dict().set_text(t, "SimpleQueue", type_::create_native(t, &SIMPLE_QUEUE_DEF, &SIMPLE_QUEUE)?.value())
    },
    ..ModuleDef::named("_queue")
};

/// `_queue.Empty`
pub static EMPTY: TypeCell = TypeCell::new();
static EMPTY_CLASS: ExceptionClass =
    ExceptionClass { name: "_queue.Empty", doc: "Exception raised by Queue.get(block=0)/get_nowait().", base: || exc::Exception };

/// The layout. The items change under the object's lock. Who waits has no lock, so that putting is safe in finalizers and signal handlers,
/// and in the child of a fork.
#[repr(C)]
pub struct SimpleQueue {
    header: Header,
    /// A value list.
    items: Slot,
    /// How many items at the start of the list are taken already.
    taken: AtomicUsize,
    /// How many items there are.
    count: AtomicUsize,
    /// How many have ever been put, which is what threads wait for.
    arrivals: AtomicU32,
    /// How many threads wait, or did when the process forked.
    waiting: AtomicU32,
}

/// `_queue.SimpleQueue`
pub static SIMPLE_QUEUE: TypeCell = TypeCell::new();
// The numbers are no values.
layout!(SimpleQueue, SIMPLE_QUEUE.get(), Mixed);

/// How long a wait goes on before signals are looked at.
const SLICE: Duration = Duration::from_millis(20);

impl SimpleQueue {
    fn items(&self) -> ValueList {
        ValueList::from_cell(self.items.get())
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    if class == SIMPLE_QUEUE.get().value() {
        if !args.pos().is_empty() {
            raise!(t, TypeError, "SimpleQueue() takes no positional arguments")
        }
        args.no_keywords(t, "SimpleQueue")?;
    }
    let items = ValueList::new(t);
    let fields = SimpleQueue {
        header: header_of::<SimpleQueue>(),
        items: Slot::new(items.cell()),
        taken: AtomicUsize::new(0),
        count: AtomicUsize::new(0),
        arrivals: AtomicU32::new(0),
        waiting: AtomicU32::new(0),
    };
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields).value())
}

fn put(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<SimpleQueue>(a[0]);
    {
        let _lock = t.lock(this);
        let mut items = this.items();
        items.push(t, a[1]);
        this.items.set(t, this, items.cell());
        this.count.fetch_add(1, Relaxed);
    }
    this.arrivals.fetch_add(1, SeqCst);
    // Whoever begins to wait later sees that something has arrived.
    if this.waiting.load(SeqCst) != 0 {
        futex::wake_one(&this.arrivals);
    }
    Ok(Value::NONE)
}

/// Takes the first item, if there is one.
fn take(t: &Thread, this: Ref<SimpleQueue>) -> Option<Value> {
    /// So many places of taken items are not worth a new list.
    const FEW: usize = 16;
    let _lock = t.lock(this);
    let items = this.items();
    let at = this.taken.load(Relaxed);
    if at >= items.len() {
        return None;
    }
    let item = items.get(at);
    items.set(t, at, Value::NONE);
    this.count.fetch_sub(1, Relaxed);
    this.taken.store(at + 1, Relaxed);
    if at >= FEW && at * 2 >= items.len() {
        let rest = ValueList::from_slice(t, &items.as_slice()[at + 1..]);
        this.items.set(t, this, rest.cell());
        this.taken.store(0, Relaxed);
    }
    Some(item)
}

fn get(t: &Thread, v: Value, wait: bool, timeout: Value) -> R {
    let this = receiver::<SimpleQueue>(v);
    let mut nanoseconds = None;
    if wait && !timeout.is_null() && !timeout.is_none() {
        let ns = seconds::nanoseconds(t, timeout, seconds::SECOND, Rounding::Timeout)?;
        if ns < 0 {
            raise!(t, ValueError, "'timeout' must be a non-negative number")
        }
        nanoseconds = Some(ns);
    }
    let deadline = Deadline::after(nanoseconds);
    loop {
        let seen = this.arrivals.load(SeqCst);
        if let Some(item) = take(t, this) {
            return Ok(item);
        }
        let left = deadline.left();
        if !wait || left == Some(0) {
            return Err(t.raise_with(EMPTY.get(), &[]));
        }
        let slice = left.map_or(SLICE, |left| SLICE.min(Duration::from_nanos(left as u64)));
        this.waiting.fetch_add(1, SeqCst);
        t.blocking(|| futex::wait(&this.arrivals, seen, slice));
        this.waiting.fetch_sub(1, SeqCst);
        t.poll()?;
    }
}

/// `_queue.SimpleQueue`
pub static SIMPLE_QUEUE_DEF: TypeDef = TypeDef {
    doc: "SimpleQueue()\n--\n\nSimple, unbounded, reentrant FIFO queue.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("empty", "self, /", |_, a| Ok(Value::bool(receiver::<SimpleQueue>(a[0]).count.load(Relaxed) == 0)))
            .doc("Return True if the queue is empty, False otherwise (not reliable!)."),
        FnDef::def("qsize", "self, /", |t, a| Ok(int::from_usize(t, receiver::<SimpleQueue>(a[0]).count.load(Relaxed))))
            .doc("Return the approximate size of the queue (not reliable!)."),
        FnDef::def("put", "self, item, block=True, timeout=None", put).doc(
            "Put the item on the queue.\n\nThe optional 'block' and 'timeout' arguments are ignored, as this method\nnever blocks.  They are \
             provided for compatibility with the Queue class.",
        ),
        FnDef::def("put_nowait", "self, item", put).doc(
            "Put an item into the queue without blocking.\n\nThis is exactly equivalent to `put(item)` and is only provided\nfor compatibility \
             with the Queue class.",
        ),
        FnDef::def("get", "self, block=True, timeout=None", |t, a| {
            let wait = a[1].is_null() || truth::truth(t, a[1])?;
            get(t, a[0], wait, a[2])
        })
        .doc(
            "Remove and return an item from the queue.\n\nIf optional args 'block' is true and 'timeout' is None (the default),\nblock if \
             necessary until an item is available. If 'timeout' is\na non-negative number, it blocks at most 'timeout' seconds and raises\nthe Empty \
             exception if no item was available within that time.\nOtherwise ('block' is false), return an item if one is immediately\navailable, \
             else raise the Empty exception ('timeout' is ignored\nin that case).",
        ),
        FnDef::def("get_nowait", "self, /", |t, a| get(t, a[0], false, Value::NULL)).doc(
            "Remove and return an item from the queue without blocking.\n\nOnly get an item if one is immediately available. Otherwise\nraise the \
             Empty exception.",
        ),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<SimpleQueue>("_queue.SimpleQueue")
};
