//! Unpacking and pattern matching.

use super::{attempt, slow_uops};
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, isinstance, iter, sequence};
use crate::thread::Thread;
use crate::types::{Dict, List, Str, Tuple, Type, ValueList, builtin, flag};
use crate::{exc, names};
use limpid_heap::Value;

slow_uops! {
    /// Unpacks any iterable.
    UNPACK_SEQUENCE_GENERIC = unpack_sequence;
    /// Unpacks into targets one of which is starred.
    UNPACK_STARRED = unpack_ex;
    /// Pushes the length of the subject.
    PUSH_LEN = push_len;
    /// Is the subject a mapping?
    IS_MAPPING = is_mapping;
    /// Is it a sequence?
    IS_SEQUENCE = is_sequence;
    /// The values of the keys of a mapping pattern.
    LOOK_UP_KEYS = look_up_keys;
    /// The attributes of a class pattern.
    LOOK_UP_ATTRIBUTES = look_up_attributes;
}

unsafe fn unpack_sequence(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    specialize::unpack_sequence(r, o);
    let v = r.peek(1);
    let n = o as usize;
    let items = if let Some(tuple) = plain_tuple(v) {
        if tuple.len() != n {
            return wrong_count(t, n, Some(tuple.len()), tuple.len() < n);
        }
        r.drop_n(1);
        for i in (0..n).rev() {
            r.push(tuple.get(i));
        }
        return Step::Next;
    } else if let Some(list) = v.exact::<List>() {
        let items = list.snapshot(t);
        if items.len() != n {
            return wrong_count(t, n, Some(items.len()), items.len() < n);
        }
        items
    } else {
        let iterator = attempt!(unpackable_iter(t, v));
        let mut items = ValueList::with_capacity(t, n + 1);
        loop {
            let next = attempt!(iter::next(t, iterator));
            if next.is_null() {
                break;
            }
            if items.len() == n {
                let known = v.downcast::<Dict>().map(|d| d.len());
                return wrong_count(t, n, known, false);
            }
            items.push(t, next);
        }
        if items.len() < n {
            return wrong_count(t, n, Some(items.len()), true);
        }
        items
    };
    r.drop_n(1);
    for i in (0..n).rev() {
        r.push(items.get(i));
    }
    Step::Next
}

/// A tuple, also one of a subclass that iterates as tuples do.
fn plain_tuple(v: Value) -> Option<Ref<Tuple>> {
    let iterates = |class: Ref<Type>| class.slots().iter.map(|f| f as usize);
    v.downcast::<Tuple>().filter(|_| iterates(v.class()) == iterates(builtin::TUPLE))
}

fn unpackable_iter(t: &Thread, v: Value) -> R {
    iter::get_iter(t, v).map_err(|e| {
        let slots = v.class().slots();
        if t.exception_is(exc::TypeError) && slots.iter.is_none() && slots.getitem.is_none() {
            t.take_exception();
            return err!(t, TypeError, "cannot unpack non-iterable {} object", v.class().display_name());
        }
        e
    })
}

fn wrong_count(t: &Thread, wanted: usize, got: Option<usize>, too_few: bool) -> Step {
    let message = match (too_few, got) {
        (true, Some(got)) => format!("not enough values to unpack (expected {wanted}, got {got})"),
        (_, Some(got)) => format!("too many values to unpack (expected {wanted}, got {got})"),
        (_, None) => format!("too many values to unpack (expected {wanted})"),
    };
    t.raise(exc::ValueError, &message);
    Step::Error
}

/// Unpacks a tuple of two.
#[inline(always)]
pub fn UNPACK_PAIR(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if v.shape() != builtin::shapes::TUPLE {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a tuple's.
    let tuple = unsafe { Ref::<Tuple>::from_value(v) };
    if tuple.len() != 2 {
        return Flow::Deopt;
    }
    // SAFETY: two items.
    let (a, b) = unsafe { (*tuple.as_slice().as_ptr(), *tuple.as_slice().as_ptr().add(1)) };
    r.poke(1, b);
    r.push(a);
    Flow::Next
}

/// Unpacks a tuple of the right length.
#[inline(always)]
pub fn UNPACK_TUPLE(r: &mut Regs, o: u32) -> Flow {
    let v = r.peek(1);
    if v.shape() != builtin::shapes::TUPLE {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a tuple's.
    let tuple = unsafe { Ref::<Tuple>::from_value(v) };
    if tuple.len() != o as usize {
        return Flow::Deopt;
    }
    r.drop_n(1);
    let mut i = o as usize;
    while i > 0 {
        i -= 1;
        // SAFETY: in range.
        let item = unsafe { *tuple.as_slice().as_ptr().add(i) };
        r.push(item);
    }
    Flow::Next
}

/// Unpacks a list of the right length.
#[inline(always)]
pub fn UNPACK_LIST(r: &mut Regs, o: u32) -> Flow {
    let v = r.peek(1);
    if v.shape() != builtin::shapes::LIST {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a list's.
    let list = unsafe { Ref::<List>::from_value(v) };
    let n = o as usize;
    let Some(storage) = list.storage() else { return Flow::Deopt };
    if list.len() != n || n > storage.capacity() {
        return Flow::Deopt;
    }
    let mut i = 0;
    while i < n {
        // Another thread may be shrinking the list: a place that is empty by now sends us the general way.
        let Some(item) = storage.slot(n - 1 - i).and_then(|s| s.opt()) else { return Flow::Deopt };
        // SAFETY: the frame has room for the targets; the list itself is overwritten by the first item only at the end.
        unsafe { *r.sp.add(i) = item };
        i += 1;
    }
    let mut i = 0;
    while i < n {
        // SAFETY: as above.
        let item = unsafe { *r.sp.add(i) };
        // SAFETY: one place lower.
        unsafe { *r.sp.sub(1).add(i) = item };
        i += 1;
    }
    // SAFETY: the list is replaced by `n` items.
    r.sp = unsafe { r.sp.sub(1).add(n) };
    Flow::Next
}

unsafe fn unpack_ex(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let (before, after) = ((o & 0xFF) as usize, (o >> 8) as usize);
    let iterator = attempt!(unpackable_iter(t, r.peek(1)));
    let items = attempt!(iter::collect(t, iterator));
    let n = items.len();
    if n < before + after {
        t.raise(exc::ValueError, &format!("not enough values to unpack (expected at least {}, got {n})", before + after));
        return Step::Error;
    }
    let middle = attempt!(List::from_slice(t, &items.as_slice()[before..n - after]));
    r.drop_n(1);
    for i in (n - after..n).rev() {
        r.push(items.get(i));
    }
    r.push(middle.value());
    for i in (0..before).rev() {
        r.push(items.get(i));
    }
    Step::Next
}

unsafe fn push_len(r: &mut Regs, _: u32) -> Step {
    let n = attempt!(sequence::len(r.t(), r.peek(1)));
    r.push(Value::int(n as i64));
    Step::Next
}

unsafe fn is_mapping(r: &mut Regs, _: u32) -> Step {
    let b = r.peek(1).class().has(flag::MAPPING);
    r.push(Value::bool(b));
    Step::Next
}

unsafe fn is_sequence(r: &mut Regs, _: u32) -> Step {
    let b = r.peek(1).class().has(flag::SEQUENCE);
    r.push(Value::bool(b));
    Step::Next
}

unsafe fn look_up_keys(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let v = attempt!(match_keys(t, r.peek(2), r.peek(1)));
    r.push(v);
    Step::Next
}

fn match_keys(t: &Thread, subject: Value, keys: Value) -> R {
    // SAFETY: the compiler has put a tuple there.
    let keys = unsafe { Ref::<Tuple>::from_value(keys) };
    let mut values = ValueList::with_capacity(t, keys.len());
    let seen = Dict::new(t);
    // An object that nobody else has.
    let default = Dict::new(t).value();
    let get = if keys.is_empty() { Value::NONE } else { attr::get_attr(t, subject, names::get)? };
    for &key in keys.as_slice() {
        if seen.contains(t, key)? {
            let text = crate::protocol::text::repr(t, key)?;
            raise!(t, ValueError, "mapping pattern checks duplicate key ({})", text.to_string_lossy());
        }
        seen.set_item(t, key, Value::NONE)?;
        let v = match subject.exact::<Dict>() {
            Some(d) => d.get(t, key)?.unwrap_or(default),
            None => call::call(t, get, &[key, default])?,
        };
        if v == default {
            return Ok(Value::NONE);
        }
        values.push(t, v);
    }
    Ok(Tuple::from_slice(t, values.as_slice()).value())
}

unsafe fn look_up_attributes(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let v = attempt!(match_class(t, r.peek(3), r.peek(2), o as usize, r.peek(1)));
    r.drop_n(2);
    r.poke(1, v);
    Step::Next
}

fn match_class(t: &Thread, subject: Value, class: Value, positional: usize, keywords: Value) -> R {
    let Some(class) = class.downcast::<Type>() else {
        raise!(t, TypeError, "called match pattern must be a class");
    };
    if !isinstance::is_instance(t, subject, class.value())? {
        return Ok(Value::NONE);
    }
    let mut values = ValueList::with_capacity(t, positional + 2);
    let seen = Dict::new(t);
    let attribute = |name: Value| -> R<Option<Value>> {
        if seen.contains(t, name)? {
            let text = crate::protocol::text::repr(t, name)?;
            raise!(t, TypeError, "{}() got multiple sub-patterns for attribute {}", class.display_name(), text.to_string_lossy());
        }
        seen.set_item(t, name, Value::NONE)?;
        attr::get_attr_opt(t, subject, name)
    };
    if positional > 0 {
        let mut match_self = false;
        let args = match attr::get_attr_opt(t, class.value(), names::__match_args__)? {
            Some(args) => match args.exact::<Tuple>() {
                Some(args) => args,
                None => {
                    raise!(t, TypeError, "{}.__match_args__ must be a tuple (got {})", class.display_name(), args.class().display_name())
                }
            },
            None => {
                match_self = class.has(flag::MATCH_SELF);
                Tuple::from_slice(t, &[])
            }
        };
        let allowed = if match_self { 1 } else { args.len() };
        if allowed < positional {
            let s = if allowed == 1 { "" } else { "s" };
            raise!(t, TypeError, "{}() accepts {allowed} positional sub-pattern{s} ({positional} given)", class.display_name());
        }
        if match_self {
            values.push(t, subject);
        } else {
            for &name in &args.as_slice()[..positional] {
                if name.exact::<Str>().is_none() {
                    raise!(t, TypeError, "__match_args__ elements must be strings (got {})", name.class().display_name());
                }
                match attribute(name)? {
                    Some(v) => values.push(t, v),
                    None => return Ok(Value::NONE),
                }
            }
        }
    }
    // SAFETY: the compiler has put a tuple there.
    for &name in unsafe { Ref::<Tuple>::from_value(keywords) }.as_slice() {
        match attribute(name)? {
            Some(v) => values.push(t, v),
            None => return Ok(Value::NONE),
        }
    }
    Ok(Tuple::from_slice(t, values.as_slice()).value())
}
