//! `_thread.lock` and `_thread.RLock`.

use super::{SLICE, Waited};
use crate::args::{FnDef, GetSet, receiver};
use crate::object::{R, Ref, ValueExt, header_of};
use crate::protocol::{number, truth};
use crate::raw_lock::RawLock;
use crate::root::TypeCell;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, Tuple, TypeDef, flag, int};
use limpid_heap::{Header, Value, is_alone};
use limpid_probes as probes;
use limpid_pystats::live::LIVE;
use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest time a lock can be waited for, in seconds.
pub const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// The layout of a lock.
#[repr(C)]
pub struct Lock {
    header: Header,
    raw: RawLock,
}

impl Lock {
    /// Where it has a word of 32 bits, ...
    pub const WORD: usize = offset_of!(Lock, raw);
    /// ... which is this while the lock is free, ...
    pub const FREE: u32 = RawLock::FREE;
    /// ... and this while somebody has it and nobody waits for it.
    pub const TAKEN: u32 = RawLock::TAKEN;
}

/// The class `lock`.
pub static LOCK: TypeCell = TypeCell::new();
layout!(Lock, LOCK.get(), Leaf);

/// Takes a lock of Python's if it is free.
#[inline(always)]
fn take(raw: &RawLock) -> bool {
    raw.try_lock_if_alone(is_alone())
}

/// Gives a lock of Python's back. False: it was not locked.
#[inline(always)]
fn give_back(raw: &RawLock) -> bool {
    raw.unlock_if_alone(is_alone())
}

/// Waits for a lock, at most for `timeout`; looks at signals meanwhile.
fn acquire_raw(t: &Thread, raw: &RawLock, blocking: bool, timeout: Option<Duration>) -> R<bool> {
    if take(raw) {
        return Ok(true);
    }
    if !blocking {
        return Ok(false);
    }
    let began = Instant::now();
    let acquired = wait_for(t, raw, timeout.map(|d| began + d));
    let ns = began.elapsed().as_nanos() as u64;
    LIVE.lock_waits.add(1);
    LIVE.lock_wait_time.add(ns);
    if probes::lock__wait__done::enabled() {
        probes::lock__wait__done::fire(ns);
    }
    acquired
}

/// Waits in slices, between which signals are looked at.
fn wait_for(t: &Thread, raw: &RawLock, deadline: Option<Instant>) -> R<bool> {
    let mut waited = Waited::begin();
    let mut waiter = raw.waiter();
    loop {
        let slice = match deadline {
            None => SLICE,
            Some(d) => match d.checked_duration_since(Instant::now()) {
                Some(left) => left.min(SLICE),
                None => return Ok(waiter.give_up()),
            },
        };
        if t.blocking(|| waiter.wait(slice)) {
            return Ok(true);
        }
        waited.next_slice(t)?;
    }
}

/// The arguments of `acquire`: whether to block, and for how long.
fn timeout_of(t: &Thread, blocking: Value, timeout: Value) -> R<(bool, Option<Duration>)> {
    let blocking = if blocking.is_null() { true } else { truth::truth(t, blocking)? };
    let seconds = if timeout.is_null() { -1.0 } else { number::as_float(t, timeout)? };
    if seconds.is_nan() {
        raise!(t, ValueError, "Invalid value NaN (not a number)");
    }
    if !blocking && seconds != -1.0 {
        raise!(t, ValueError, "can't specify a timeout for a non-blocking call");
    }
    if seconds < 0.0 && seconds != -1.0 {
        raise!(t, ValueError, "timeout value must be a non-negative number");
    }
    if seconds > TIMEOUT_MAX {
        raise!(t, OverflowError, "timeout value is too large");
    }
    Ok((blocking, (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds))))
}

/// A new lock.
pub fn new_lock(t: &Thread) -> Value {
    t.alloc(Lock { header: header_of::<Lock>(), raw: RawLock::new() }).value()
}

fn lock_acquire(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<Lock>(a[0]);
    if a[1].is_null() && a[2].is_null() && take(&lock.raw) {
        return Ok(Value::TRUE);
    }
    let (blocking, timeout) = timeout_of(t, a[1], a[2])?;
    Ok(Value::bool(acquire_raw(t, &lock.raw, blocking, timeout)?))
}

fn lock_enter(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<Lock>(a[0]);
    if take(&lock.raw) { Ok(Value::TRUE) } else { Ok(Value::bool(acquire_raw(t, &lock.raw, true, None)?)) }
}

/// `__enter__` and `acquire` without arguments, of both kinds of locks, if that needs no waiting; NULL if it does.
pub fn acquire_now(t: &Thread, a: &[Value]) -> R {
    let taken = match (a[0].exact::<Lock>(), a[0].downcast::<RLock>()) {
        (Some(lock), _) => take(&lock.raw),
        (_, Some(lock)) => lock.take(t),
        _ => false,
    };
    Ok(if taken { Value::TRUE } else { Value::NULL })
}

fn lock_release(t: &Thread, a: &[Value]) -> R {
    if give_back(&receiver::<Lock>(a[0]).raw) { Ok(Value::NONE) } else { raise!(t, RuntimeError, "release unlocked lock") }
}

fn lock_repr(t: &Thread, v: Value) -> R {
    let state = if receiver::<Lock>(v).raw.is_locked() { "locked" } else { "unlocked" };
    Ok(Str::new(t, &format!("<{state} _thread.lock object at {:#x}>", v.bits())).value())
}

fn lock_at_fork(_: &Thread, a: &[Value]) -> R {
    receiver::<Lock>(a[0]).raw.reset();
    Ok(Value::NONE)
}

/// `_thread.lock`
pub static LOCK_DEF: TypeDef = TypeDef {
    doc: "lock()\n--\n\nA lock object is a synchronization primitive.",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(|t, _, args| {
            args.no_keywords(t, "lock")?;
            match args.pos().len() {
                0 => Ok(new_lock(t)),
                n => raise!(t, TypeError, "lock expected 0 arguments, got {n}"),
            }
        }),
        repr: Some(lock_repr),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("acquire", "self, blocking=True, timeout=-1", lock_acquire),
        FnDef::def("acquire_lock", "self, blocking=True, timeout=-1", lock_acquire),
        FnDef::def("release", "self, /", lock_release),
        FnDef::def("release_lock", "self, /", lock_release),
        FnDef::def("locked", "self, /", |_, a| Ok(Value::bool(receiver::<Lock>(a[0]).raw.is_locked()))),
        FnDef::def("locked_lock", "self, /", |_, a| Ok(Value::bool(receiver::<Lock>(a[0]).raw.is_locked()))),
        FnDef::def("__enter__", "self, /", lock_enter),
        FnDef::positional("__exit__", "self, /, *args", lock_release),
        FnDef::def("_at_fork_reinit", "self, /", lock_at_fork),
    ],
    ..TypeDef::of::<Lock>("_thread.lock")
};

/// The layout of a reentrant lock.
#[repr(C)]
pub struct RLock {
    header: Header,
    owner: AtomicU64,
    count: AtomicU64,
    raw: RawLock,
}

/// The class `RLock`.
pub static RLOCK: TypeCell = TypeCell::new();
layout!(RLock, RLOCK.get(), Leaf);

impl RLock {
    /// Takes it if it is free or this thread's already.
    #[inline]
    fn take(&self, t: &Thread) -> bool {
        let me = t.ident.get();
        if self.owner.load(Ordering::Relaxed) == me {
            // Only the owner writes the count.
            self.count.store(self.count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
            return true;
        }
        if !take(&self.raw) {
            return false;
        }
        self.own(me);
        true
    }

    /// Is this thread's from now on, once.
    fn own(&self, me: u64) {
        self.owner.store(me, Ordering::Relaxed);
        self.count.store(1, Ordering::Relaxed);
    }
}

fn rlock_acquire(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<RLock>(a[0]);
    if a[1].is_null() && a[2].is_null() && lock.take(t) {
        return Ok(Value::TRUE);
    }
    let (blocking, timeout) = timeout_of(t, a[1], a[2])?;
    if lock.take(t) {
        return Ok(Value::TRUE);
    }
    let acquired = acquire_raw(t, &lock.raw, blocking, timeout)?;
    if acquired {
        lock.own(t.ident.get());
    }
    Ok(Value::bool(acquired))
}

fn rlock_enter(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<RLock>(a[0]);
    if lock.take(t) { Ok(Value::TRUE) } else { rlock_acquire(t, &[a[0], Value::NULL, Value::NULL]) }
}

fn rlock_release(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<RLock>(a[0]);
    if lock.owner.load(Ordering::Relaxed) != t.ident.get() {
        raise!(t, RuntimeError, "cannot release un-acquired lock");
    }
    let left = lock.count.load(Ordering::Relaxed).wrapping_sub(1);
    lock.count.store(left, Ordering::Relaxed);
    if left == 0 {
        lock.owner.store(0, Ordering::Relaxed);
        give_back(&lock.raw);
    }
    Ok(Value::NONE)
}

/// Gives it up completely, for a condition's wait: how often it was held, and by whom.
fn rlock_release_save(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<RLock>(a[0]);
    let count = lock.count.load(Ordering::Relaxed);
    if count == 0 {
        raise!(t, RuntimeError, "cannot release un-acquired lock");
    }
    let owner = lock.owner.swap(0, Ordering::Relaxed);
    lock.count.store(0, Ordering::Relaxed);
    lock.raw.unlock();
    Ok(Tuple::from_slice(t, &[Value::int(count as i64), int::from_u64(t, owner)]).value())
}

fn rlock_acquire_restore(t: &Thread, a: &[Value]) -> R {
    let lock = receiver::<RLock>(a[0]);
    let Some(state) = a[1].downcast::<Tuple>().filter(|s| s.len() == 2) else {
        raise!(t, TypeError, "_acquire_restore() argument 1 must be a 2-tuple");
    };
    let count = int::to_i64(t, state.get(0))?;
    let owner = int::to_u64(t, state.get(1))?;
    acquire_raw(t, &lock.raw, true, None)?;
    lock.owner.store(owner, Ordering::Relaxed);
    lock.count.store(count as u64, Ordering::Relaxed);
    Ok(Value::NONE)
}

fn rlock_repr(t: &Thread, v: Value) -> R {
    let lock = receiver::<RLock>(v);
    let count = lock.count.load(Ordering::Relaxed);
    let state = if count > 0 { "locked" } else { "unlocked" };
    let text = format!(
        "<{state} {} object owner={} count={count} at {:#x}>",
        v.class().display_name(),
        lock.owner.load(Ordering::Relaxed),
        v.bits()
    );
    Ok(Str::new(t, &text).value())
}

fn rlock_at_fork(_: &Thread, a: &[Value]) -> R {
    let lock = receiver::<RLock>(a[0]);
    lock.owner.store(0, Ordering::Relaxed);
    lock.count.store(0, Ordering::Relaxed);
    lock.raw.reset();
    Ok(Value::NONE)
}

fn held_here(t: &Thread, v: Value) -> Ref<RLock> {
    debug_assert!(t.ident.get() != 0);
    receiver::<RLock>(v)
}

/// `_thread.RLock`
pub static RLOCK_DEF: TypeDef = TypeDef {
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(|t, class, _| {
            // SAFETY: `__new__` is called with a class.
            let class = unsafe { Ref::from_value(class) };
            let (owner, count) = (AtomicU64::new(0), AtomicU64::new(0));
            Ok(t.alloc_instance(class, RLock { header: header_of::<RLock>(), owner, count, raw: RawLock::new() }).value())
        }),
        repr: Some(rlock_repr),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("acquire", "self, blocking=True, timeout=-1", rlock_acquire),
        FnDef::def("release", "self, /", rlock_release),
        FnDef::def("locked", "self, /", |_, a| Ok(Value::bool(receiver::<RLock>(a[0]).count.load(Ordering::Relaxed) > 0))),
        FnDef::def("__enter__", "self, /", rlock_enter),
        FnDef::positional("__exit__", "self, /, *args", rlock_release),
        FnDef::def("_is_owned", "self, /", |t, a| Ok(Value::bool(held_here(t, a[0]).owner.load(Ordering::Relaxed) == t.ident.get()))),
        FnDef::def("_recursion_count", "self, /", |t, a| {
            let lock = held_here(t, a[0]);
            let own = lock.owner.load(Ordering::Relaxed) == t.ident.get();
            Ok(Value::int(if own { lock.count.load(Ordering::Relaxed) as i64 } else { 0 }))
        }),
        FnDef::def("_release_save", "self, /", rlock_release_save),
        FnDef::def("_acquire_restore", "self, state, /", rlock_acquire_restore),
        FnDef::def("_at_fork_reinit", "self, /", rlock_at_fork),
    ],
    getset: &[] as &[GetSet],
    ..TypeDef::of::<RLock>("_thread.RLock")
};
