//! Weak references and proxies.
//!
//! The collector clears a weak reference's word when the referent has died and puts those with callbacks into a queue
//! ([`run_callback`]). Which weak references an object has is kept in a table beside the heap, keyed by the object's address: it holds
//! plain addresses, so it keeps nothing alive. A weak reference leaves the table when it dies itself ([`limpid_heap::register_drop`]) or
//! when its callback has run; until then an entry may be stale, which is seen by its cleared word. The table's locks are never held
//! across a safepoint.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::object::{Layout, R, Ref, Slot, ValueExt};
use crate::protocol::{attr, call, compare, hash};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Str, Type, TypeDef, ValueList, builtin, flag, generic_alias, int};
use crate::{error_report, names};
use limpid_heap::{Header, Tracer, Value};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub mod proxy;

pub use proxy::{WEAK_CALLABLE_PROXY_DEF, WEAK_PROXY_DEF, new_proxy};

/// The collector's number for weak references: it looks at all words but `referent`.
pub const WEAKREF_KIND: u8 = 10;

/// The layout of weak references and proxies.
#[repr(C)]
pub struct WeakRef {
    header: Header,
    /// What to call when the referent has died, or NULL.
    callback: Slot,
    /// The referent's hash, an int, once it was asked for.
    hash: Slot,
    /// The referent; the collector clears it.
    referent: AtomicU64,
    /// The referent's address for the table, kept when the word above is cleared. Odd, so that it never looks like a cell.
    key: AtomicUsize,
}

// SAFETY: the tracer below looks at everything but `referent`, and `key` is odd.
unsafe impl Layout for WeakRef {
    const KIND: u8 = WEAKREF_KIND;
    const SLOTS: u8 = 0;
    fn class() -> Ref<Type> {
        builtin::WEAKREF
    }
}

/// Tells the collector how weak references are traced.
pub(crate) fn register_tracer() {
    limpid_heap::register_tracer(WEAKREF_KIND, trace);
}

/// Traces all words of a weak reference or an instance of a subclass, but for the referent and the key.
unsafe fn trace(cell: *const Header, tracer: &mut Tracer) {
    let base = cell as *const AtomicU64;
    let words = limpid_heap::cell_size(Value::cell(cell)) / size_of::<u64>();
    let referent = std::mem::offset_of!(WeakRef, referent) / size_of::<u64>();
    let key = std::mem::offset_of!(WeakRef, key) / size_of::<u64>();
    for i in (1..words).filter(|i| *i != referent && *i != key) {
        // SAFETY: within the cell.
        tracer.slot(unsafe { &*base.add(i) });
    }
}

/// `weakref.ref`
pub static WEAKREF_DEF: TypeDef = TypeDef {
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        init: Some(init),
        call: Some(|t, r, args| {
            args.no_keywords(t, "weakref")?;
            match args.pos().len() {
                0 => Ok(receiver::<WeakRef>(r).get().unwrap_or(Value::NONE)),
                n => raise!(t, TypeError, "weakref expected 0 arguments, got {n}"),
            }
        }),
        hash: Some(hash_of),
        repr: Some(repr),
        richcompare: Some(rich_compare),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585")
    ],
    getset: &[GetSet::getter("__callback__", |_, r| Ok(receiver::<WeakRef>(r).callback.opt().unwrap_or(Value::NONE)))],
    ..TypeDef::of::<WeakRef>("weakref.ReferenceType")
};

impl WeakRef {
    /// The referent, if it is alive.
    #[inline]
    pub fn get(&self) -> Option<Value> {
        Value::from_bits(self.referent.load(Ordering::Acquire)).non_null()
    }

    /// A weak reference of a class: for `weakref.ref` and proxies without a callback the one that exists.
    fn create(t: &Thread, class: Ref<Type>, referent: Value, callback: Value) -> R<Ref<WeakRef>> {
        if !referent.is_cell() || !referent.class().has(flag::WEAK_REFERENCES) {
            raise!(t, TypeError, "cannot create weak reference to '{}' object", referent.class().display_name())
        }
        let shared = callback.is_null() && !class.has(flag::HEAP_TYPE);
        let key = referent.bits() as usize | 1;
        if shared && let Some(existing) = find_shared(key, class, referent) {
            return Ok(existing);
        }
        let header = if class == builtin::WEAKREF { crate::object::header_of::<WeakRef>() } else { class.instance_header() };
        let cell = t.mutator.alloc_any(class.instance_size(), header);
        // SAFETY: a new cell of a class with this layout, zeroed.
        let r = unsafe { Ref::<WeakRef>::from_ptr(cell.as_ptr() as *mut WeakRef) };
        r.key.store(key, Ordering::Relaxed);
        r.callback.set(t, r, callback);
        r.referent.store(referent.bits(), Ordering::Release);
        class.on_new_instance(t, r.value());
        limpid_heap::register_weak(&t.mutator, r.value(), &r.referent, referent);
        limpid_heap::register_drop(&t.mutator, cell, forget_dead);
        let mut shard = shard(key).lock();
        let list = shard.entry(key).or_default();
        // Another thread may have made a shared one meanwhile: there is one only.
        if shared && let Some(existing) = shared_in(list, class, referent) {
            return Ok(existing);
        }
        // The shared ones come first, a plain reference before a proxy; then the newest.
        let shares = |address: &&usize| is_shared(weakref_at(**address));
        let place = if shared && class == builtin::WEAKREF { 0 } else { list.iter().take_while(shares).count() };
        list.insert(place, r.ptr() as usize);
        Ok(r)
    }
}

/// A weak reference to an object, the one that exists if `callback` is NULL.
pub fn new_ref(t: &Thread, referent: Value, callback: Value) -> R {
    Ok(WeakRef::create(t, builtin::WEAKREF, referent, callback)?.value())
}

/// The referent of a weak reference, if it is alive.
pub fn referent(r: Value) -> Option<Value> {
    r.downcast::<WeakRef>()?.get()
}

// ---- the table ----

const SHARDS: usize = 32;
/// Addresses of weak references by their referents' addresses.
type Shard = Mutex<HashMap<usize, Vec<usize>>>;
static TABLE: std::sync::LazyLock<[Shard; SHARDS]> = std::sync::LazyLock::new(|| std::array::from_fn(|_| Shard::default()));

fn shard(key: usize) -> &'static Shard {
    &TABLE[(key >> 4) % SHARDS]
}

fn weakref_at(address: usize) -> Ref<WeakRef> {
    // SAFETY: the table holds addresses of live weak references: they leave it when they die.
    unsafe { Ref::from_ptr(address as *mut WeakRef) }
}

/// Is there one only of its class for a referent? Nothing could tell two of them apart.
fn is_shared(r: Ref<WeakRef>) -> bool {
    r.callback.get().is_null() && !r.value().class().has(flag::HEAP_TYPE)
}

fn shared_in(list: &[usize], class: Ref<Type>, referent: Value) -> Option<Ref<WeakRef>> {
    list.iter().map(|a| weakref_at(*a)).find(|r| r.get() == Some(referent) && r.callback.get().is_null() && r.value().class() == class)
}

fn find_shared(key: usize, class: Ref<Type>, referent: Value) -> Option<Ref<WeakRef>> {
    shared_in(shard(key).lock().get(&key)?, class, referent)
}

fn forget(key: usize, weakref: usize) {
    let mut shard = shard(key).lock();
    if let Some(list) = shard.get_mut(&key) {
        list.retain(|a| *a != weakref);
        if list.is_empty() {
            shard.remove(&key);
        }
    }
}

/// A weak reference has died.
unsafe fn forget_dead(cell: *mut u8) {
    // SAFETY: the cell is a weak reference whose memory is not used again yet.
    let key = unsafe { (*(cell as *const WeakRef)).key.load(Ordering::Relaxed) };
    forget(key, cell as usize);
}

/// The weak references and proxies to an object, those without callback first.
pub fn weakrefs_of(t: &Thread, referent: Value) -> ValueList {
    let key = referent.bits() as usize | 1;
    let count = shard(key).lock().get(&key).map_or(0, Vec::len);
    // Room is made before the lock is taken; weak references that come meanwhile are left out.
    let mut found = ValueList::with_capacity(t, count);
    let shard = shard(key).lock();
    for address in shard.get(&key).into_iter().flatten().take(count) {
        let r = weakref_at(*address);
        if r.get() == Some(referent) {
            found.push(t, r.value());
        }
    }
    found
}

/// `__weakref__`: one of an object's weak references, or None.
pub fn first(t: &Thread, referent: Value) -> Value {
    weakrefs_of(t, referent).iter().next().unwrap_or(Value::NONE)
}

/// The referent of a weak reference has died: calls its callback, if it has one.
pub fn run_callback(t: &Thread, weakref: Value) {
    let Some(r) = as_weakref(weakref) else { return };
    forget(r.key.load(Ordering::Relaxed), r.ptr() as usize);
    let Some(callback) = r.callback.opt() else { return };
    r.callback.set(t, r, Value::NULL);
    let saved = t.take_exception();
    if call::call(t, callback, &[weakref]).is_err() && !crate::breaker::pass_on_interrupt(t) {
        error_report::unraisable_with_message(t, "Exception ignored while calling weakref callback", callback);
    }
    if !saved.is_null() {
        t.raise_value(saved);
    }
}

/// The callback that [`run_callback`] would call.
pub(crate) fn callback_of(weakref: Value) -> Option<Value> {
    as_weakref(weakref)?.callback.opt()
}

fn as_weakref(v: Value) -> Option<Ref<WeakRef>> {
    let is = [builtin::WEAKREF, builtin::WEAK_PROXY, builtin::WEAK_CALLABLE_PROXY].iter().any(|class| v.is_instance(*class));
    // SAFETY: the three classes have this layout.
    is.then(|| unsafe { Ref::from_value(v) })
}

// ---- weakref.ref ----

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if class == builtin::WEAKREF {
        args.no_keywords(t, "ref")?;
    }
    let (referent, callback) = unpack(t, "__new__", args.pos())?;
    Ok(WeakRef::create(t, class, referent, callback)?.value())
}

/// The referent and the callback (or NULL) that `ref` and `proxy` take.
fn unpack(t: &Thread, function: &str, args: &[Value]) -> R<(Value, Value)> {
    match args {
        [referent] => Ok((*referent, Value::NULL)),
        [referent, callback] if callback.is_none() => Ok((*referent, Value::NULL)),
        [referent, callback] => Ok((*referent, *callback)),
        [] => raise!(t, TypeError, "{function} expected at least 1 argument, got 0"),
        many => raise!(t, TypeError, "{function} expected at most 2 arguments, got {}", many.len()),
    }
}

fn init(t: &Thread, r: Value, args: Args<'_>) -> R<()> {
    if r.class() == builtin::WEAKREF {
        args.no_keywords(t, "ref")?;
    }
    unpack(t, "__init__", args.pos()).map(|_| ())
}

fn hash_of(t: &Thread, r: Value) -> R<i64> {
    let r = receiver::<WeakRef>(r);
    if let Some(h) = r.hash.opt() {
        return int::to_i64(t, h);
    }
    let Some(referent) = r.get() else { raise!(t, TypeError, "weak object has gone away") };
    t.check_stack("")?;
    let h = hash::hash_value(t, referent)?;
    r.hash.set(t, r, int::from_i64(t, h));
    Ok(h)
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (Some(x), Some(y)) = (a.downcast::<WeakRef>(), b.downcast::<WeakRef>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match (x.get(), y.get()) {
        (Some(x), Some(y)) => compare::rich_compare(t, x, y, op),
        _ => Ok(Value::bool((a == b) == (op == Compare::Eq))),
    }
}

fn repr(t: &Thread, r: Value) -> R {
    let address = r.bits();
    let Some(referent) = receiver::<WeakRef>(r).get() else {
        return Ok(Str::new(t, &format!("<weakref at {address:#x}; dead>")).value());
    };
    let mut text = format!("<weakref at {address:#x}; to '{}' at {:#x}", referent.class().display_name(), referent.bits());
    if let Some(name) = attr::lookup_special(t, referent, names::__name__)?.and_then(|n| n.downcast::<Str>()) {
        text += &format!(" ({})", name.to_string_lossy());
    }
    Ok(Str::new(t, &(text + ">")).value())
}
