//! The wrapper that `lru_cache` puts around a function.
//!
//! Results are in a dict by key. If their number is bounded, the dict holds [`Link`]s, which also form a ring from the result used
//! longest ago to the one used last; `ring` is the link that joins both ends. The ring changes under the wrapper's lock, under which no
//! Python code runs; a link that was taken out of it has no neighbours.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, hash, number, truth};
use limpid_vm::root::{Root, TypeCell};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Method, Tuple, Type, TypeDef, ValueList, builtin, flag, int, object};
use limpid_vm::{exc, layout, names, raise};
use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout. The numbers are small, [`Wrapper::UNBOUNDED`] too is no address.
#[repr(C)]
pub struct Wrapper {
    header: Header,
    function: Slot,
    /// What `cache_info` makes its result with.
    info_class: Slot,
    /// The results by key.
    cache: Slot,
    /// The ring's link without a result.
    ring: Slot,
    hits: AtomicUsize,
    misses: AtomicUsize,
    max_size: AtomicUsize,
    /// Do arguments of different types make different keys?
    typed: Slot,
    /// Attributes.
    dict: Slot,
}

/// `functools._lru_cache_wrapper`
pub static WRAPPER: TypeCell = TypeCell::new();
layout!(Wrapper, WRAPPER.get(), Slots);

/// A result and its place in the order of use.
#[repr(C)]
pub struct Link {
    header: Header,
    /// The result used before.
    older: Slot,
    /// The result used after.
    newer: Slot,
    key: Slot,
    /// The key's hash, an int.
    hash: Slot,
    result: Slot,
}

/// `functools._lru_list_elem`
pub static LINK: TypeCell = TypeCell::new();
layout!(Link, LINK.get(), Slots);

/// `functools._lru_list_elem`
pub static LINK_DEF: TypeDef = TypeDef::of::<Link>("functools._lru_list_elem");

/// What separates the positional from the keyword arguments in a key.
static KEYWORD_MARK: Root = Root::new();

impl Wrapper {
    const UNBOUNDED: usize = usize::MAX;

    fn cache(&self) -> Ref<Dict> {
        // SAFETY: the slot always holds a dict.
        unsafe { Ref::from_value(self.cache.get()) }
    }
}

// ---- the ring, with the lock held ----

fn link_in(slot: &Slot) -> Ref<Link> {
    // SAFETY: the slots of the ring hold links.
    unsafe { Ref::from_value(slot.get()) }
}

fn is_linked(link: Ref<Link>) -> bool {
    !link.older.get().is_null()
}

fn unlink(t: &Thread, link: Ref<Link>) {
    let (older, newer) = (link_in(&link.older), link_in(&link.newer));
    older.newer.set(t, older, newer.value());
    newer.older.set(t, newer, older.value());
    link.older.set(t, link, Value::NULL);
    link.newer.set(t, link, Value::NULL);
}

/// Puts a link at the end of what was used last.
fn link_last(t: &Thread, this: Ref<Wrapper>, link: Ref<Link>) {
    let ring = link_in(&this.ring);
    let last = link_in(&ring.older);
    last.newer.set(t, last, link.value());
    link.older.set(t, link, last.value());
    link.newer.set(t, link, ring.value());
    ring.older.set(t, ring, link.value());
}

/// Takes what was used longest ago out of the ring.
fn unlink_oldest(t: &Thread, this: Ref<Wrapper>) -> Option<Ref<Link>> {
    let oldest = link_in(&link_in(&this.ring).newer);
    if oldest.value() == this.ring.get() {
        return None;
    }
    unlink(t, oldest);
    Some(oldest)
}

/// Empties the ring.
fn reset(t: &Thread, this: Ref<Wrapper>) {
    let ring = link_in(&this.ring);
    ring.older.set(t, ring, ring.value());
    ring.newer.set(t, ring, ring.value());
}

// ---- making one ----

fn new_link(t: &Thread, key: Value, hash: i64, result: Value) -> Ref<Link> {
    let hash = int::from_i64(t, hash);
    t.alloc(Link {
        header: header_of::<Link>(),
        older: Slot::NULL,
        newer: Slot::NULL,
        key: Slot::new(key),
        hash: Slot::new(hash),
        result: Slot::new(result),
    })
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("user_function, maxsize, typed, cache_info_type");
    args.bind(t, "lru_cache", &SIGNATURE, |a| {
        if !call::is_callable(a[0]) {
            raise!(t, TypeError, "the first argument must be callable")
        }
        let max_size = if a[1].is_none() {
            Wrapper::UNBOUNDED
        } else if number::is_index(a[1]) {
            number::index_isize_or(t, a[1], exc::OverflowError)?.max(0) as usize
        } else {
            raise!(t, TypeError, "maxsize should be integer or None")
        };
        let typed = truth::truth(t, a[2])?;
        if KEYWORD_MARK.get().is_null() {
            KEYWORD_MARK.set(object::new_plain(t));
        }
        let (cache, ring) = (Dict::new(t), new_link(t, Value::NULL, 0, Value::NULL));
        let fields = Wrapper {
            header: header_of::<Wrapper>(),
            function: Slot::new(a[0]),
            info_class: Slot::new(a[3]),
            cache: Slot::new(cache.value()),
            ring: Slot::new(ring.value()),
            hits: AtomicUsize::new(0),
            misses: AtomicUsize::new(0),
            max_size: AtomicUsize::new(max_size),
            typed: Slot::new(Value::bool(typed)),
            dict: Slot::NULL,
        };
        // SAFETY: the receiver of `__new__` is a class.
        let made = t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields);
        reset(t, made);
        Ok(made.value())
    })
}

// ---- calling ----

/// The key for a call's arguments.
fn make_key(t: &Thread, args: Args<'_>, typed: bool) -> Value {
    let (pos, count) = (args.pos(), args.keyword_count());
    if count == 0 && !typed {
        // The hash of these is kept or cheap, and no key that is a tuple equals them.
        if let [only] = pos
            && (only.class() == builtin::STR || only.class() == builtin::INT)
        {
            return *only;
        }
        return Tuple::from_slice(t, pos).value();
    }
    let mut parts = ValueList::with_capacity(t, pos.len() + count * 3 + 1);
    pos.iter().for_each(|v| parts.push(t, *v));
    if count > 0 {
        parts.push(t, KEYWORD_MARK.get());
        for (name, v) in args.keywords() {
            parts.push(t, name);
            parts.push(t, v);
        }
    }
    if typed {
        args.all().iter().for_each(|v| parts.push(t, v.class().value()));
    }
    Tuple::from_slice(t, parts.as_slice()).value()
}

fn call_wrapper(t: &Thread, v: Value, args: Args<'_>) -> R {
    let this = receiver::<Wrapper>(v);
    let compute = || call::call_args(t, this.function.get(), args);
    let max_size = this.max_size.load(Relaxed);
    if max_size == 0 {
        this.misses.fetch_add(1, Relaxed);
        return compute();
    }
    let key = make_key(t, args, this.typed.get() == Value::TRUE);
    let hash = hash::hash_value(t, key)?;
    let found = this.cache().get_hashed(t, key, hash)?;
    if max_size == Wrapper::UNBOUNDED {
        if let Some(result) = found {
            this.hits.fetch_add(1, Relaxed);
            return Ok(result);
        }
        this.misses.fetch_add(1, Relaxed);
        let result = compute()?;
        this.cache().set_hashed(t, key, hash, result)?;
        return Ok(result);
    }
    if let Some(link) = found {
        // SAFETY: the values of a bounded cache are links.
        return Ok(use_again(t, this, unsafe { Ref::from_value(link) }));
    }
    this.misses.fetch_add(1, Relaxed);
    let result = compute()?;
    remember(t, this, max_size, key, hash, result)?;
    Ok(result)
}

/// The result in a link, which is now the one used last.
fn use_again(t: &Thread, this: Ref<Wrapper>, link: Ref<Link>) -> Value {
    let _lock = t.lock(this);
    if is_linked(link) {
        unlink(t, link);
        link_last(t, this, link);
    }
    this.hits.fetch_add(1, Relaxed);
    link.result.get()
}

/// Keeps a result, in place of the one used longest ago if there are enough.
fn remember(t: &Thread, this: Ref<Wrapper>, max_size: usize, key: Value, hash: i64, result: Value) -> R<()> {
    // The function may have been called with the same arguments meanwhile, by itself or by another thread.
    if this.cache().get_hashed(t, key, hash)?.is_some() {
        return Ok(());
    }
    while this.cache().len() >= max_size {
        let oldest = {
            let _lock = t.lock(this);
            unlink_oldest(t, this)
        };
        let Some(oldest) = oldest else { break };
        this.cache().remove_hashed(t, oldest.key.get(), int::to_i64(t, oldest.hash.get())?)?;
    }
    let link = new_link(t, key, hash, result);
    if this.cache().set_default_hashed(t, key, hash, link.value())? == link.value() {
        let _lock = t.lock(this);
        link_last(t, this, link);
    }
    Ok(())
}

// ---- methods ----

fn cache_info(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Wrapper>(a[0]);
    let max_size = match this.max_size.load(Relaxed) {
        Wrapper::UNBOUNDED => Value::NONE,
        n => int::from_usize(t, n),
    };
    let [hits, misses] = [&this.hits, &this.misses].map(|n| int::from_usize(t, n.load(Relaxed)));
    call::call(t, this.info_class.get(), &[hits, misses, max_size, int::from_usize(t, this.cache().len())])
}

fn cache_clear(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Wrapper>(a[0]);
    let empty = Dict::new(t);
    let _lock = t.lock(this);
    reset(t, this);
    this.cache.set(t, this, empty.value());
    this.hits.store(0, Relaxed);
    this.misses.store(0, Relaxed);
    Ok(Value::NONE)
}

fn bind(t: &Thread, v: Value, object: Value, _: Value) -> R {
    Ok(if object.is_null() || object.is_none() { v } else { Method::bind(t, v, object) })
}

/// `functools._lru_cache_wrapper`
pub static WRAPPER_DEF: TypeDef = TypeDef {
    doc: "Create a cached callable that wraps another function.\n\nuser_function:      the function being cached\n\nmaxsize:  0         for no \
          caching\n          None      for unlimited cache size\n          n         for a bounded cache\n\ntyped:    False     cache f(3) and \
          f(3.0) as identical calls\n          True      cache f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with \
          the fields:\n                        hits misses currsize maxsize\n",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES | flag::METHOD_DESCRIPTOR,
    slots: SlotTable { new: Some(new), call: Some(call_wrapper), descr_get: Some(bind), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("cache_info", "self, /", cache_info).doc("Report cache statistics"),
        FnDef::def("cache_clear", "self, /", cache_clear).doc("Clear the cache and cache statistics"),
        FnDef::def("__reduce__", "self, /", |t, a| attr::get_attr(t, a[0], names::__qualname__)),
        FnDef::def("__copy__", "self, /", |_, a| Ok(a[0])),
        FnDef::def("__deepcopy__", "self, memo, /", |_, a| Ok(a[0])),
    ],
    dict_offset: offset_of!(Wrapper, dict),
    ..TypeDef::of::<Wrapper>("functools._lru_cache_wrapper")
};
