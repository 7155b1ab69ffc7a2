//! Ways to crash, for tests of the handlers.

use super::fatal;
use limpid_heap::Value;
use limpid_vm::object::R;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use std::hint::black_box;

/// Keeps the crash out of core files.
fn no_core_file() {
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a filled structure; the soft limit is lowered only.
    unsafe {
        let mut now = limit;
        if libc::getrlimit(libc::RLIMIT_CORE, &mut now) == 0 {
            now.rlim_cur = 0;
            libc::setrlimit(libc::RLIMIT_CORE, &now);
        }
    }
}

pub(super) fn read_null() -> R {
    no_core_file();
    // SAFETY: there is none: the fault is the purpose.
    let n = unsafe { black_box(std::ptr::without_provenance::<i32>(4)).read_volatile() };
    Ok(Value::int(n as i64))
}

pub(super) fn raise(signal: i32) -> R {
    no_core_file();
    // SAFETY: the signal's effect is the purpose. Twice, because the first may be handled.
    unsafe {
        libc::raise(signal);
        libc::raise(signal);
    }
    Ok(Value::NONE)
}

pub(super) fn fatal_error_in_thread(t: &Thread) -> R {
    no_core_file();
    let spawned = std::thread::Builder::new().spawn(|| {
        fatal::fatal_error("faulthandler_fatal_error_thread", "in new thread");
    });
    match spawned {
        Ok(thread) => {
            // It does not come back.
            let _ = t.blocking(|| thread.join());
            Ok(Value::NONE)
        }
        Err(_) => raise!(t, RuntimeError, "unable to start the thread"),
    }
}

/// The most stack that is tried.
const MOST: usize = 100 << 20;

#[inline(never)]
fn descend(lowest: usize, depth: &mut u64) -> usize {
    let buffer = [depth.wrapping_add(1) as u8; 4096];
    let here = black_box(&buffer).as_ptr() as usize;
    *depth += 1;
    if here <= lowest {
        return here;
    }
    let deeper = descend(lowest, depth);
    // Not a tail call.
    black_box(&buffer);
    deeper
}

pub(super) fn stack_overflow(t: &Thread) -> R {
    no_core_file();
    let start = 0u8;
    let here = black_box(&raw const start) as usize;
    let mut depth = 0;
    let end = descend(here.saturating_sub(MOST), &mut depth);
    raise!(
        t,
        RuntimeError,
        "unable to raise a stack overflow (allocated {} bytes on the stack, {depth} recursive calls)",
        here.saturating_sub(end)
    )
}
