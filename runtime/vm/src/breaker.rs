//! What a thread does when its eval breaker is set: the requests of other threads, of signals and of the collector.

use crate::object::{R, ValueExt};
use crate::protocol::call;
use crate::thread::{Thread, request};
use limpid_heap::{COLLECT, MEMORY, STOP, Value};
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

fn take(t: &Thread, bit: u32) -> bool {
    t.mutator.eval_breaker.fetch_and(!bit, AcqRel) & bit != 0
}

/// Does what is asked of this thread.
#[cold]
#[inline(never)]
pub fn handle(t: &Thread) -> R<()> {
    if t.mutator.eval_breaker.load(Relaxed) & STOP != 0 {
        t.mutator.safepoint();
    }
    if take(t, request::TABLE) {
        t.table.set(crate::interp::dispatch::usual_table(t).cast());
    }
    if take(t, request::STATISTICS) {
        crate::stats::fulfil_wish(t);
    }
    if take(t, request::EXIT) {
        crate::runtime::leave_daemon(t);
    }
    if take(t, request::REMOTE_SCRIPT) {
        crate::modules::sys::remote::run_script(t);
    }
    if take(t, request::FINALIZERS) {
        crate::finalization::run(t);
    }
    if take(t, COLLECT) {
        t.mutator.collect_as_asked();
    }
    if take(t, MEMORY) {
        let raised = crate::exc::raise_memory_error(t);
        // One for all that did not fit, this one included.
        take(t, MEMORY);
        return Err(raised);
    }
    if take(t, request::SIGNAL)
        && let Some(handler) = t.runtime().signal_handler.get()
    {
        handler(t).inspect_err(|_| t.interrupt.set(t.exception().bits()))?;
    }
    if take(t, request::ASYNC_EXCEPTION) {
        // Taken at once: another may be sent at this moment.
        let e = Value::from_bits(t.async_exception.word().swap(0, AcqRel));
        if !e.is_null() {
            let e = if e.is_instance(crate::types::builtin::TYPE) { call::call(t, e, &[])? } else { e };
            return Err(t.raise_value(e));
        }
    }
    Ok(())
}

/// Sends an exception to another thread: it raises it at its next poll. NULL takes it back.
pub fn send_exception(target: &Thread, exception: Value) {
    debug_assert!(exception.is_null() || exception.is_cell());
    target.async_exception.word().store(exception.bits(), std::sync::atomic::Ordering::Release);
    target.mutator.eval_breaker.fetch_or(request::ASYNC_EXCEPTION, AcqRel);
}

/// What a signal's handler has raised in code that cannot raise, as a finalizer, is raised where the thread goes on. False: the current
/// exception is another one.
pub fn pass_on_interrupt(t: &Thread) -> bool {
    let is_interrupt = t.exception().bits() == t.interrupt.get();
    if is_interrupt {
        send_exception(t, t.take_exception());
    }
    is_interrupt
}
