//! The end of the runtime, in CPython's order: threads, exit functions, output, then what is left of the objects.

use crate::streams;
use limpid_heap::Value;
use limpid_vm::modules::thread;
use limpid_vm::protocol::call;
use limpid_vm::thread::Thread;
use limpid_vm::{error_report, exc, finalization, interpreter, names, runtime, stats, warnings};
use std::sync::atomic::Ordering;

/// The exit status of a program whose output could not be written.
pub const LOST_OUTPUT: i32 = 120;

/// Ends the runtime. False if something that the program has printed is lost.
pub fn finish(t: &Thread) -> bool {
    join_threads(t);
    limpid_stdlib::atexit::run(t);
    end_other_interpreters(t);
    let flushed = streams::flush_at_exit(t);
    t.interpreter().finalizing.store(true, Ordering::Release);
    finalize_what_is_left(t);
    if t.interpreter().counts.load(Ordering::Acquire) {
        write_statistics(t);
    }
    flushed & streams::flush_at_exit(t)
}

/// The end of an interpreter besides the main one, as a program notices it.
pub(crate) fn finish_another(t: &Thread) {
    join_threads(t);
    limpid_stdlib::atexit::run(t);
    streams::flush_at_exit(t);
    if t.interpreter().counts.load(Ordering::Acquire) {
        write_statistics(t);
    }
}

/// Ends the interpreters that the program has left, the newest first, but for those in which a thread still runs.
fn end_other_interpreters(t: &Thread) {
    let others: Vec<_> = interpreter::all(t).into_iter().filter(|other| !other.is_main()).collect();
    if others.is_empty() {
        return;
    }
    if warnings::warn(t, exc::RuntimeWarning, "remaining subinterpreters; close them with Interpreter.close()", 0).is_err() {
        error_report::unraisable_without_object(t, "Exception ignored on ending subinterpreters");
    }
    for other in others.iter().rev() {
        let mut is_idle = true;
        other.each_thread(t, |_| is_idle = false);
        if is_idle {
            interpreter::end(t, other);
        }
    }
}

/// Runs the finalizers of all objects, but for the standard streams, which are needed to the end.
fn finalize_what_is_left(t: &Thread) {
    finalization::run(t);
    streams::each_part(t, limpid_heap::unregister_finalizer);
    limpid_heap::finalize_all(&t.mutator);
    finalization::run(t);
}

/// Leaves what was counted where `pystats report` looks for it, or in the folder that the environment names.
fn write_statistics(t: &Thread) {
    if let Err((place, error)) = stats::write_as_told(t, None) {
        eprintln!("limpid: the statistics cannot be written to {}: {error}", place.display());
    }
}

fn imported(t: &Thread, name: Value) -> Option<Value> {
    runtime::modules(t).get(t, name).ok().flatten()
}

/// Waits for the threads that are not daemons; Ctrl-C ends the wait.
fn join_threads(t: &Thread) {
    let outcome = match imported(t, names::threading) {
        Some(threading) => call::call_method(t, threading, names::_shutdown, &[]).map(drop),
        None => thread::shutdown(t),
    };
    if outcome.is_err() {
        error_report::unraisable_without_object(t, "Exception ignored on threading shutdown");
    }
}
