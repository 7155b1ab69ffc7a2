//! Making containers, strings, functions.

use super::{attempt, attempt_here, slow_uops};
use crate::interp::regs::{Flow, Regs, Step};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{iter, text};
use crate::thread::Thread;
use crate::types::{Code, Dict, Function, List, Str, Tuple, builtin, set};
use crate::{exc, interp};
use limpid_heap::Value;

slow_uops! {
    /// A set of the top values.
    NEW_SET = new_set;
    /// A dict of the top pairs.
    NEW_MAP = new_map;
    /// The strings on top, one after the other.
    NEW_STRING = new_string;
    /// An interpolation of a t-string.
    NEW_INTERPOLATION = new_interpolation;
    /// A t-string.
    NEW_TEMPLATE = new_template;
    /// Adds to the set below, in a comprehension.
    ADD_TO_SET = add_to_set;
    /// Adds to the dict below, in a comprehension.
    ADD_TO_MAP = add_to_map;
    /// `[*x]`
    EXTEND_LIST = extend_list;
    /// `{*x}`
    UPDATE_SET = update_set;
    /// `{**x}`
    UPDATE_DICT = update_dict;
    /// `f(**x)`
    MERGE_KEYWORDS = merge_keywords;
    /// `!s`, `!r`, `!a`
    CONVERT = convert;
    /// `f"{x:spec}"`
    FORMAT_SPEC = format_spec;
    /// Sets a field of the function on top.
    SET_FUNCTION_FIELD = set_function_field;
}

/// A tuple of the top values.
#[inline(always)]
pub fn NEW_TUPLE(r: &mut Regs, o: u32) -> Flow {
    r.save();
    let v = if o == 0 { r.t().empty_tuple() } else { attempt_here!(Tuple::try_from_slice(r.t(), r.top_slice(o as usize))).value() };
    r.drop_n(o as usize);
    r.push(v);
    Flow::Next
}

/// A list of the top values.
#[inline(always)]
pub fn NEW_LIST(r: &mut Regs, o: u32) -> Flow {
    r.save();
    let list = attempt_here!(List::from_slice(r.t(), r.top_slice(o as usize)));
    r.drop_n(o as usize);
    r.push(list.value());
    Flow::Next
}

unsafe fn new_set(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let s = set::new_set(t);
    for &v in r.top_slice(o as usize) {
        attempt!(set::add_value(t, s, v));
    }
    r.drop_n(o as usize);
    r.push(s);
    Step::Next
}

unsafe fn new_map(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let dict = attempt!(Dict::with_capacity(t, o as usize));
    for pair in r.top_slice(2 * o as usize).chunks_exact(2) {
        attempt!(dict.set_item(t, pair[0], pair[1]));
    }
    r.drop_n(2 * o as usize);
    r.push(dict.value());
    Step::Next
}

unsafe fn new_string(r: &mut Regs, o: u32) -> Step {
    let s = attempt!(Str::concat_all(r.t(), r.top_slice(o as usize)));
    r.drop_n(o as usize);
    r.push(s.value());
    Step::Next
}

/// A slice.
#[inline(always)]
pub fn NEW_SLICE(r: &mut Regs, o: u32) -> Flow {
    r.save();
    let step = if o == 3 { r.pop() } else { Value::NONE };
    let (stop, start) = (r.pop(), r.pop());
    let v = crate::types::slice::new(r.t(), start, stop, step);
    r.push(v);
    Flow::Next
}

unsafe fn new_interpolation(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let n = 2 + (o & 1) as usize;
    let parts = r.top_slice(n);
    let conversion = match o >> 2 {
        1 => Str::new(t, "s").value(),
        2 => Str::new(t, "r").value(),
        3 => Str::new(t, "a").value(),
        _ => Value::NONE,
    };
    let spec = if n == 3 { parts[2] } else { crate::names::empty };
    let v = crate::types::template::new_interpolation(t, parts[0], parts[1], conversion, spec);
    r.drop_n(n);
    r.push(v);
    Step::Next
}

unsafe fn new_template(r: &mut Regs, _: u32) -> Step {
    let v = crate::types::template::new_template(r.t(), r.peek(2), r.peek(1));
    r.drop_n(1);
    r.poke(1, v);
    Step::Next
}

/// Appends to the list below, in a comprehension.
#[inline(always)]
pub fn APPEND_TO_LIST(r: &mut Regs, o: u32) -> Flow {
    r.save();
    // SAFETY: the compiler has put a list there.
    let list = unsafe { Ref::<List>::from_value(r.peek(o as usize + 1)) };
    attempt_here!(list.append(r.t(), r.peek(1)));
    r.drop_n(1);
    Flow::Next
}

/// Adds to what should be a set: a program may have put something else in the place of `__conditional_annotations__`.
fn add_checked(t: &Thread, target: Value, v: Value) -> R<bool> {
    if target.class() != builtin::SET {
        raise!(t, TypeError, "'{}' object is not a set", target.class().display_name())
    }
    set::add_value(t, target, v)
}

unsafe fn add_to_set(r: &mut Regs, o: u32) -> Step {
    attempt!(add_checked(r.t(), r.peek(o as usize + 1), r.peek(1)));
    r.drop_n(1);
    Step::Next
}

unsafe fn add_to_map(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the compiler has put a dict there.
    let dict = unsafe { Ref::<Dict>::from_value(r.peek(o as usize + 2)) };
    attempt!(dict.set_item(r.t(), r.peek(2), r.peek(1)));
    r.drop_n(2);
    Step::Next
}

unsafe fn extend_list(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let v = r.peek(1);
    // SAFETY: the compiler has put a list there.
    let list = unsafe { Ref::<List>::from_value(r.peek(o as usize + 1)) };
    if crate::types::list::extend(t, list, v).is_err() {
        let iterable = v.class().slots().iter.is_some() || v.class().slots().getitem.is_some();
        if t.exception_is(exc::TypeError) && !iterable {
            t.take_exception();
            t.raise(exc::TypeError, &format!("Value after * must be an iterable, not {}", v.class().display_name()));
        }
        return Step::Error;
    }
    r.drop_n(1);
    Step::Next
}

unsafe fn update_set(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let target = r.peek(o as usize + 1);
    attempt!(iter::for_each(t, r.peek(1), |v| set::add_value(t, target, v).map(|_| ())));
    r.drop_n(1);
    Step::Next
}

unsafe fn update_dict(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let v = r.peek(1);
    // SAFETY: the compiler has put a dict there.
    let dict = unsafe { Ref::<Dict>::from_value(r.peek(o as usize + 1)) };
    if dict.update_from_mapping(t, v).is_err() {
        if t.exception_is(exc::AttributeError) {
            t.take_exception();
            t.raise(exc::TypeError, &format!("'{}' object is not a mapping", v.class().display_name()));
        }
        return Step::Error;
    }
    r.drop_n(1);
    Step::Next
}

unsafe fn merge_keywords(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let v = r.peek(1);
    // SAFETY: the compiler has put a dict there.
    let dict = unsafe { Ref::<Dict>::from_value(r.peek(o as usize + 1)) };
    let function = r.peek(o as usize + 4);
    attempt!(interp::calls::merge_keywords(t, function, dict, v));
    r.drop_n(1);
    Step::Next
}

unsafe fn convert(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let v = r.peek(1);
    let s = attempt!(match o {
        1 => text::str_of(t, v),
        2 => text::repr(t, v),
        _ => text::ascii(t, v),
    });
    r.poke(1, s.value());
    Step::Next
}

/// `f"{x}"`
#[inline(always)]
pub fn FORMAT_PLAIN(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(1).shape() == builtin::shapes::STR { Flow::Next } else { Flow::Slow(format_plain) }
}

unsafe fn format_plain(r: &mut Regs, _: u32) -> Step {
    let v = r.peek(1);
    let s = attempt!(text::format_value(r.t(), v, Value::NULL));
    r.poke(1, s.value());
    Step::Next
}

unsafe fn format_spec(r: &mut Regs, _: u32) -> Step {
    let s = attempt!(text::format_value(r.t(), r.peek(2), r.peek(1)));
    r.drop_n(1);
    r.poke(1, s.value());
    Step::Next
}

/// A function from code.
#[inline(always)]
pub fn NEW_FUNCTION(r: &mut Regs, _o: u32) -> Flow {
    r.save();
    // SAFETY: the compiler has put code there.
    let code = unsafe { Ref::<Code>::from_value(r.peek(1)) };
    let f = r.frame().function();
    let v = Function::new(r.t(), code, f.globals(), f.builtins.get());
    r.poke(1, v.value());
    Flow::Next
}

unsafe fn set_function_field(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    // SAFETY: MAKE_FUNCTION has put a function there.
    let f = unsafe { Ref::<Function>::from_value(r.peek(1)) };
    let v = r.peek(2);
    match o {
        1 => f.defaults.set(t, f, v),
        2 => f.kwdefaults.set(t, f, v),
        4 => f.annotations.set(t, f, v),
        8 => f.closure.set(t, f, v),
        _ => f.annotate.set(t, f, v),
    }
    r.drop_n(1);
    r.poke(1, f.value());
    Step::Next
}
