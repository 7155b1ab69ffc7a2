//! Raising, catching, `with`.

use super::{attempt, slow_uops};
use crate::exc;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::trace;
use crate::object::{R, Raised, ValueExt};
use crate::protocol::call;
use crate::thread::Thread;
use crate::types::{Exception, Tuple, Type};
use limpid_heap::Value;

slow_uops! {
    /// `raise`, `raise x`, `raise x from y`
    RAISE = raise_varargs;
    /// Raises the exception on top again, with its old place.
    RAISE_AGAIN = reraise;
    /// `except x:`
    MATCH_EXCEPTION = check_exc_match;
    /// `except* x:`
    MATCH_GROUP = check_eg_match;
    /// Calls the exit function of a `with` block that an exception leaves.
    CALL_EXIT_WITH_EXCEPTION = with_except_start;
}

unsafe fn raise_varargs(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let cause = if o == 2 { r.peek(1) } else { Value::NULL };
    let exception = if o >= 1 { r.peek(o as usize) } else { Value::NULL };
    raise(t, exception, cause);
    trace::raised(t, r.frame(), r.pc);
    Step::Error
}

fn raise(t: &Thread, exception: Value, cause: Value) -> Raised {
    if exception.is_null() {
        let handled = t.handled_exception();
        if handled.is_none() {
            return err!(t, RuntimeError, "No active exception to reraise");
        }
        t.reraising.set(true);
        let raised = t.raise_value(handled);
        // The place that matters is where it was raised first.
        Exception::mark_reraised(t, handled);
        return raised;
    }
    let e = match to_exception(t, exception, "exceptions must derive from BaseException") {
        Ok(e) => e,
        Err(raised) => return raised,
    };
    if !cause.is_null() {
        let cause = if cause.is_none() {
            Value::NONE
        } else {
            match to_exception(t, cause, "exception causes must derive from BaseException") {
                Ok(c) => c,
                Err(raised) => return raised,
            }
        };
        Exception::set_cause(t, e, cause);
    }
    Exception::attach_context(t, e);
    t.raise_value(e)
}

/// An exception instance from what `raise` was given: an instance, or a class that is called.
fn to_exception(t: &Thread, v: Value, message: &str) -> R {
    if let Some(class) = v.downcast::<Type>().filter(|c| c.is_subtype(exc::BaseException)) {
        let e = call::call(t, class.value(), &[])?;
        if !e.is_instance(exc::BaseException) {
            raise!(
                t,
                TypeError,
                "calling {} should have returned an instance of BaseException, not {}",
                crate::protocol::text::repr(t, v)?.to_string_lossy(),
                crate::protocol::text::repr(t, e.class().value())?.to_string_lossy()
            );
        }
        return Ok(e);
    }
    if v.is_instance(exc::BaseException) {
        return Ok(v);
    }
    raise!(t, TypeError, "{message}")
}

unsafe fn reraise(r: &mut Regs, o: u32) -> Step {
    let e = r.peek(1);
    let t = r.t();
    // The saved position under it is not gone to: its place is in the traceback already, and the handler to find is that of this instruction.
    // But the frame stands there for those who look at it.
    let origin = r.peek(o as usize + 1);
    t.reraised_at.set(if o > 0 && origin.is_int() { Some(origin.as_int() as usize) } else { None });
    t.raise_value(e);
    t.reraising.set(true);
    Exception::mark_reraised(t, e);
    Step::Error
}

/// Makes the exception on top the handled one; the one before goes under it.
#[inline(always)]
pub fn PUSH_HANDLED(r: &mut Regs, _o: u32) -> Flow {
    let e = r.pop();
    // SAFETY: the thread's chain consists of live states.
    let state = unsafe { &*r.t().handled.get() };
    let before = state.value.replace(e);
    r.push(before);
    r.push(e);
    Flow::Next
}

/// The handled exception is the one that was before.
#[inline(always)]
pub fn POP_HANDLED(r: &mut Regs, _o: u32) -> Flow {
    let before = r.pop();
    // SAFETY: as above.
    unsafe { &*r.t().handled.get() }.value.set(before);
    Flow::Next
}

unsafe fn check_exc_match(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let b = attempt!(matches(t, r.peek(2), r.peek(1)));
    r.poke(1, Value::bool(b));
    Step::Next
}

/// Does `except class:` catch `e`?
fn matches(t: &Thread, e: Value, class: Value) -> R<bool> {
    let one = |c: Value| -> R<bool> {
        match c.downcast::<Type>().filter(|c| c.is_subtype(exc::BaseException)) {
            Some(c) => Ok(e.is_instance(c)),
            None => raise!(t, TypeError, "catching classes that do not inherit from BaseException is not allowed"),
        }
    };
    match class.downcast::<Tuple>() {
        Some(classes) => {
            let mut found = false;
            for &c in classes.as_slice() {
                found |= one(c)?;
            }
            Ok(found)
        }
        None => one(class),
    }
}

unsafe fn check_eg_match(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let (rest, matched) = attempt!(exc::group_match(t, r.peek(2), r.peek(1)));
    r.poke(2, rest);
    r.poke(1, matched);
    if !matched.is_none() {
        // SAFETY: the thread's chain consists of live states.
        unsafe { &*t.handled.get() }.value.set(matched);
    }
    Step::Next
}

unsafe fn with_except_start(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let e = r.peek(1);
    let (function, receiver) = (r.peek(5), r.peek(4));
    let traceback = Exception::traceback(e);
    let args = [receiver, e.class().value(), e, traceback];
    let args = if receiver.is_null() { &args[1..] } else { &args[..] };
    let v = attempt!(call::call(t, function, args));
    r.push(v);
    Step::Next
}
