//! `_multiprocessing`: semaphores that processes share.

use crate::constants;
use crate::fs;
use crate::seconds::{self, Rounding, SECOND};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{number, truth::truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Dict, Module, Str, Type, TypeDef, flag, int, type_};
use limpid_vm::{layout, raise};
use std::ffi::{CStr, CString};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// `_multiprocessing`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[FnDef::def("sem_unlink", "name, /", |t, a| {
        let name = name_of(t, a[0], "sem_unlink")?;
        // SAFETY: a NUL-terminated name.
        if unsafe { libc::sem_unlink(name.as_ptr()) } < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        Ok(Value::NONE)
    })],
    init,
    ..ModuleDef::named("_multiprocessing")
};

/// The layout of a `SemLock`.
#[repr(C)]
struct SemLock {
    header: Header,
    /// The address of the C library's semaphore.
    handle: AtomicU64,
    /// The thread that holds it, and how often the threads of this process have acquired it.
    owner: AtomicU64,
    count: AtomicI64,
    max: i64,
    kind: i64,
    /// The name as a C string of our own, or null.
    name: AtomicU64,
}

static SEM_LOCK: TypeCell = TypeCell::new();
layout!(SemLock, SEM_LOCK.get(), Leaf);

/// A lock that its holder may acquire again. Other kinds are semaphores.
const RECURSIVE_MUTEX: i64 = 0;
const SEMAPHORE: i64 = 1;

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = type_::create_native(t, &SEM_LOCK_DEF, &SEM_LOCK)?;
    class.dict().set_text(t, "SEM_VALUE_MAX", Value::int(i32::MAX as i64))?;
    m.dict().set_text(t, "SemLock", class.value())?;
    let flags = Dict::new(t);
    flags.set_text(t, "HAVE_SEM_OPEN", Value::int(1))?;
    flags.set_text(t, "HAVE_SEM_TIMEDWAIT", Value::int(1))?;
    m.dict().set_text(t, "flags", flags.value())?;
    constants::add_one(t, m, "RECURSIVE_MUTEX", RECURSIVE_MUTEX)?;
    constants::add_one(t, m, "SEMAPHORE", SEMAPHORE)
}

fn name_of(t: &Thread, v: Value, function: &str) -> R<CString> {
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "{function}() argument must be str, not {}", v.class().display_name()) };
    match CString::new(fs::encode(t, s)?) {
        Ok(name) => Ok(name),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

fn allocate(t: &Thread, class: Value, handle: u64, kind: i64, max: i64, name: Option<CString>) -> Value {
    let lock = SemLock {
        header: header_of::<SemLock>(),
        handle: AtomicU64::new(handle),
        owner: AtomicU64::new(0),
        count: AtomicI64::new(0),
        max,
        kind,
        name: AtomicU64::new(name.map_or(0, |n| n.into_raw() as u64)),
    };
    // SAFETY: callers pass a class.
    let lock = t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, lock);
    // SAFETY: the function gives back exactly what the object owns.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(lock.ptr().cast()), drop_lock) };
    lock.value()
}

unsafe fn drop_lock(p: *mut u8) {
    // SAFETY: registered for these objects only; the cell is dead, and what it refers to its own.
    unsafe {
        let lock = &*(p as *const SemLock);
        libc::sem_close(lock.handle.load(Relaxed) as *mut libc::sem_t);
        let name = lock.name.load(Relaxed) as *mut libc::c_char;
        if !name.is_null() {
            drop(CString::from_raw(name));
        }
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("kind, value, maxvalue, name, unlink");
    args.bind(t, "SemLock", &SIGNATURE, |a| {
        let (kind, value, max) = (number::index_i32(t, a[0])?, number::index_i32(t, a[1])?, number::index_i32(t, a[2])?);
        let name = name_of(t, a[3], "SemLock")?;
        let unlink = truth(t, a[4])?;
        if kind as i64 != RECURSIVE_MUTEX && kind as i64 != SEMAPHORE {
            raise!(t, ValueError, "unrecognized kind")
        }
        // SAFETY: a NUL-terminated name.
        let handle = unsafe { libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, 0o600, value as libc::c_uint) };
        if handle == libc::SEM_FAILED {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        // SAFETY: a NUL-terminated name.
        if unlink && unsafe { libc::sem_unlink(name.as_ptr()) } < 0 {
            let e = io::Error::last_os_error();
            // SAFETY: opened above.
            unsafe { libc::sem_close(handle) };
            return Err(raise_os_error(t, &e));
        }
        Ok(allocate(t, class, handle as u64, kind as i64, max as i64, (!unlink).then_some(name)))
    })
}

fn rebuild(t: &Thread, a: &[Value]) -> R {
    let (handle, kind, max) = (int::to_u64(t, a[1])?, number::index_i32(t, a[2])?, number::index_i32(t, a[3])?);
    let name = if a[4].is_none() { None } else { Some(name_of(t, a[4], "_rebuild")?) };
    let handle = match &name {
        Some(name) => {
            // SAFETY: a NUL-terminated name.
            let handle = unsafe { libc::sem_open(name.as_ptr(), 0) };
            if handle == libc::SEM_FAILED {
                return Err(raise_os_error(t, &io::Error::last_os_error()));
            }
            handle as u64
        }
        None => handle,
    };
    Ok(allocate(t, a[0], handle, kind as i64, max as i64, name))
}

fn lock(v: Value) -> Ref<SemLock> {
    receiver::<SemLock>(v)
}

fn handle(l: Ref<SemLock>) -> *mut libc::sem_t {
    l.handle.load(Relaxed) as *mut libc::sem_t
}

fn is_mine(t: &Thread, l: Ref<SemLock>) -> bool {
    l.count.load(Acquire) > 0 && l.owner.load(Relaxed) == t.ident.get()
}

fn acquire(t: &Thread, a: &[Value]) -> R {
    let l = lock(a[0]);
    let blocking = a[1].is_null() || truth(t, a[1])?;
    if l.kind == RECURSIVE_MUTEX && is_mine(t, l) {
        l.count.fetch_add(1, Relaxed);
        return Ok(Value::TRUE);
    }
    let timeout = match a[2] {
        v if v.is_null() || v.is_none() => None,
        v => Some(seconds::nanoseconds(t, v, SECOND, Rounding::Timeout)?.max(0)),
    };
    // The C library wants the time of day.
    let deadline = timeout.map(|n| {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: room for the result.
        unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut now) };
        let nanos = now.tv_nsec + n % SECOND;
        libc::timespec { tv_sec: now.tv_sec + n / SECOND + nanos / SECOND, tv_nsec: nanos % SECOND }
    });
    let semaphore = handle(l) as usize;
    loop {
        let wait = || {
            let semaphore = semaphore as *mut libc::sem_t;
            // SAFETY: an open semaphore, and a time.
            let result = unsafe {
                // Without a wait where that is possible.
                match (libc::sem_trywait(semaphore), blocking, &deadline) {
                    (0, _, _) => 0,
                    (_, false, _) => -1,
                    (_, true, None) => libc::sem_wait(semaphore),
                    (_, true, Some(deadline)) => libc::sem_timedwait(semaphore, deadline),
                }
            };
            if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        match t.blocking(wait) {
            Ok(()) => break,
            Err(e) => match e.raw_os_error() {
                Some(libc::EAGAIN | libc::ETIMEDOUT) => return Ok(Value::FALSE),
                Some(libc::EINTR) => t.poll()?,
                _ => return Err(raise_os_error(t, &e)),
            },
        }
    }
    l.owner.store(t.ident.get(), Relaxed);
    l.count.fetch_add(1, Release);
    Ok(Value::TRUE)
}

fn value_of(t: &Thread, l: Ref<SemLock>) -> R<i32> {
    let mut n = 0;
    // SAFETY: an open semaphore and room for the result.
    if unsafe { libc::sem_getvalue(handle(l), &mut n) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(n.max(0))
}

fn release(t: &Thread, a: &[Value]) -> R {
    let l = lock(a[0]);
    if l.kind == RECURSIVE_MUTEX {
        if !is_mine(t, l) {
            raise!(t, AssertionError, "attempt to release recursive lock not owned by thread")
        }
        if l.count.load(Relaxed) > 1 {
            l.count.fetch_sub(1, Relaxed);
            return Ok(Value::NONE);
        }
    } else if value_of(t, l)? as i64 >= l.max {
        raise!(t, ValueError, "semaphore or lock released too many times")
    }
    l.count.fetch_sub(1, Release);
    // SAFETY: an open semaphore.
    if unsafe { libc::sem_post(handle(l)) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Value::NONE)
}

static SEM_LOCK_DEF: TypeDef = TypeDef {
    doc: "SemLock(kind, value, maxvalue, name, unlink)\n--\n\nSemaphore/Mutex type",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("acquire", "self, block=True, timeout=None", acquire).doc("Acquire the semaphore/lock."),
        FnDef::def("release", "self, /", release).doc("Release the semaphore/lock."),
        FnDef::def("__enter__", "self, /", |t, a| acquire(t, &[a[0], Value::NULL, Value::NULL])).doc("Enter the semaphore/lock."),
        FnDef::def("__exit__", "self, exc_type=None, exc_value=None, exc_tb=None, /", |t, a| release(t, &a[..1]))
            .doc("Exit the semaphore/lock."),
        FnDef::def("_count", "self, /", |t, a| Ok(int::from_i64(t, lock(a[0]).count.load(Acquire))))
            .doc("Num of `acquire()`s minus num of `release()`s for this process."),
        FnDef::def("_is_mine", "self, /", |t, a| Ok(Value::bool(is_mine(t, lock(a[0]))))).doc("Whether the lock is owned by this thread."),
        FnDef::def("_get_value", "self, /", |t, a| Ok(Value::int(value_of(t, lock(a[0]))? as i64))).doc("Get the value of the semaphore."),
        FnDef::def("_is_zero", "self, /", |t, a| Ok(Value::bool(value_of(t, lock(a[0]))? == 0)))
            .doc("Return whether semaphore has value zero."),
        FnDef::def("_after_fork", "self, /", |_, a| {
            lock(a[0]).count.store(0, Relaxed);
            Ok(Value::NONE)
        })
        .doc("Rezero the net acquisition count after fork()."),
        FnDef::class_def("_rebuild", "cls, handle, kind, maxvalue, name, /", rebuild),
    ],
    getset: &[
        GetSet::getter("handle", |t, v| Ok(int::from_u64(t, lock(v).handle.load(Relaxed)))).member(),
        GetSet::getter("kind", |t, v| Ok(int::from_i64(t, lock(v).kind))).member(),
        GetSet::getter("maxvalue", |t, v| Ok(int::from_i64(t, lock(v).max))).member(),
        GetSet::getter("name", |t, v| {
            let name = lock(v).name.load(Relaxed) as *const libc::c_char;
            if name.is_null() {
                return Ok(Value::NONE);
            }
            // SAFETY: a string of the object, NUL-terminated.
            fs::to_value(t, unsafe { CStr::from_ptr(name) }.to_bytes(), false)
        })
        .member(),
    ],
    ..TypeDef::of::<SemLock>("_multiprocessing.SemLock")
};
