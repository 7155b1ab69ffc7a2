//! What `except*` clauses do: take the matching part out of the exception being handled, and at the end put together what was not
//! handled and what was raised anew.

use super::group::{Matcher, given_exception_matches};
use super::{Exception, ExceptionGroup};
use crate::exc;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::call::call_method_text;
use crate::thread::Thread;
use crate::types::{List, Tuple, ValueList};
use limpid_heap::Value;

/// The part of an exception that `except* class` handles, and the rest; None for an empty part. A bare exception that matches comes in
/// a group of its own, with the traceback `traceback` (or None).
pub fn match_group(t: &Thread, e: Value, class: Value, traceback: Value) -> R<(Value, Value)> {
    if e.is_none() {
        return Ok((Value::NONE, Value::NONE));
    }
    let is_group = e.is_instance(exc::BaseExceptionGroup);
    if given_exception_matches(e, class) {
        if is_group {
            return Ok((e, Value::NONE));
        }
        let wrapped = ExceptionGroup::create(t, "", Tuple::from_slice(t, &[e]).value())?;
        Exception::set_traceback(t, wrapped, traceback);
        return Ok((wrapped, Value::NONE));
    }
    if !is_group {
        return Ok((Value::NONE, e));
    }
    let pair = call_method_text(t, e, "split", &[class])?;
    let name = e.class().display_name();
    let Some(parts) = pair.exact::<Tuple>() else {
        raise!(t, TypeError, "{name}.split must return a tuple, not {}", pair.class().display_name())
    };
    match parts.as_slice() {
        [matched, rest, ..] => Ok((*matched, *rest)),
        short => raise!(t, TypeError, "{name}.split must return a 2-tuple, got tuple of size {}", short.len()),
    }
}

/// What a `try` statement with `except*` clauses raises at its end: `raised` holds, for each clause, what its body raised, and the
/// unhandled rest (None entries count for nothing). Exceptions that come from `original` unchanged keep their place in its structure.
pub fn prep_reraise_star(t: &Thread, original: Value, raised: Ref<List>) -> R {
    let entries = raised.snapshot(t);
    if entries.is_empty() {
        return Ok(Value::NONE);
    }
    if !original.is_instance(exc::BaseExceptionGroup) {
        // A bare exception: only one clause can have run.
        return Ok(entries.get(0));
    }
    let (mut new, mut reraised) = (ValueList::new(t), ValueList::new(t));
    for e in entries.iter().filter(|e| !e.is_none()) {
        if comes_from(e, original) { collect_leaves(t, e, &mut reraised)? } else { new.push(t, e) }
    }
    let unhandled = Matcher::Identity(reraised).split(t, original, false)?.0;
    if new.is_empty() {
        return Ok(unhandled);
    }
    if !unhandled.is_none() {
        new.push(t, unhandled);
    }
    if new.len() == 1 {
        return Ok(new.get(0));
    }
    ExceptionGroup::create(t, "", List::from_slice(t, new.as_slice())?.value())
}

/// Is an exception a part of the original, i.e. was it raised again without being changed?
fn comes_from(e: Value, original: Value) -> bool {
    let (Some(a), Some(b)) = (e.downcast::<Exception>(), original.downcast::<Exception>()) else { return false };
    a.traceback.get() == b.traceback.get() && a.cause.get() == b.cause.get() && a.context.get() == b.context.get()
}

fn collect_leaves(t: &Thread, e: Value, leaves: &mut ValueList) -> R<()> {
    let Some(group) = e.downcast::<ExceptionGroup>() else {
        leaves.push(t, e);
        return Ok(());
    };
    t.check_stack("")?;
    group.exceptions().as_slice().iter().try_for_each(|inner| collect_leaves(t, *inner, leaves))
}
