//! `x[i]`, `x[i] = v`, slices.

use super::operators::replace_two;
use super::special_methods::{call_deletion, call_store, has_python_class};
use super::{attempt, attempt_here, slow_uops};
use crate::interp::calls;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::sequence;
use crate::thread::Thread;
use crate::types::{Dict, Function, List, Str, Tuple, builtin};
use limpid_bytecode::Opcode;
use limpid_heap::Value;

slow_uops! {
    /// `del x[i]`
    DELETE_SUBSCR_GENERIC = delete_subscr;
    /// `x[i]` of an object whose class defines `__getitem__` in Python.
    CALL_GETITEM = call_getitem;
}

/// `x[a:b]`
#[inline(always)]
pub fn LOAD_SLICE(r: &mut Regs, _o: u32) -> Flow {
    r.save();
    let v = attempt_here!(sequence::get_slice(r.t(), r.peek(3), r.peek(2), r.peek(1)));
    r.drop_n(2);
    r.poke(1, v);
    Flow::Next
}

/// `x[a:b] = v`
#[inline(always)]
pub fn STORE_SLICE_GENERIC(r: &mut Regs, _o: u32) -> Flow {
    r.save();
    attempt_here!(sequence::set_slice(r.t(), r.peek(3), r.peek(2), r.peek(1), r.peek(4)));
    r.drop_n(4);
    Flow::Next
}

/// `x[i] = v`
#[inline(always)]
pub fn STORE_SUBSCR_GENERIC(r: &mut Regs, _o: u32) -> Flow {
    if !specialize::too_early(r, Opcode::STORE_SUBSCR) {
        return Flow::Slow(store_subscr);
    }
    if has_python_class(r.peek(2)) {
        return Flow::Slow(store_subscr_plain);
    }
    r.save();
    attempt_here!(set_item(r.t(), r.peek(2), r.peek(1), r.peek(3)));
    r.drop_n(3);
    Flow::Next
}

/// As `set_dict_item`.
#[inline(never)]
fn set_item(t: &Thread, object: Value, key: Value, v: Value) -> R<()> {
    sequence::set_item(t, object, key, v)
}

unsafe fn store_subscr(r: &mut Regs, _: u32) -> Step {
    specialize::store_subscr(r);
    // SAFETY: the same instruction.
    unsafe { store_subscr_plain(r, 0) }
}

unsafe fn store_subscr_plain(r: &mut Regs, _: u32) -> Step {
    if has_python_class(r.peek(2))
        && let Some(step) = call_store(r)
    {
        return step;
    }
    attempt!(sequence::set_item(r.t(), r.peek(2), r.peek(1), r.peek(3)));
    r.drop_n(3);
    Step::Next
}

unsafe fn delete_subscr(r: &mut Regs, _: u32) -> Step {
    if has_python_class(r.peek(2))
        && let Some(step) = call_deletion(r)
    {
        return step;
    }
    attempt!(sequence::del_item(r.t(), r.peek(2), r.peek(1)));
    r.drop_n(2);
    Step::Next
}

/// `x[i]` of a list. Takes no lock.
#[inline(always)]
pub fn LOAD_LIST_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let (list, i) = (r.peek(2), r.peek(1));
    if !i.is_int() || list.shape() != builtin::shapes::LIST {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a list's.
    let list = unsafe { Ref::<List>::from_value(list) };
    let mut i = i.as_int();
    if i < 0 {
        i += list.len() as i64;
    }
    match list.get(i as usize) {
        Some(v) => replace_two(r, v),
        None => Flow::Deopt,
    }
}

/// `x[i]` of a tuple.
#[inline(always)]
pub fn LOAD_TUPLE_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let (tuple, i) = (r.peek(2), r.peek(1));
    if !i.is_int() || tuple.shape() != builtin::shapes::TUPLE {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a tuple's.
    let tuple = unsafe { Ref::<Tuple>::from_value(tuple) };
    let mut i = i.as_int();
    if i < 0 {
        i += tuple.len() as i64;
    }
    if i as usize >= tuple.len() {
        return Flow::Deopt;
    }
    // SAFETY: in range.
    let v = unsafe { *tuple.as_slice().as_ptr().add(i as usize) };
    replace_two(r, v)
}

/// `x[i]` of a str, for characters below 256.
#[inline(always)]
pub fn LOAD_STR_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let (s, i) = (r.peek(2), r.peek(1));
    if !i.is_int() || s.shape() != builtin::shapes::STR {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a str's.
    let s = unsafe { Ref::<Str>::from_value(s) };
    let mut i = i.as_int();
    if i < 0 {
        i += s.len() as i64;
    }
    if i as usize >= s.len() || s.width() > crate::types::str::Width::Latin1 {
        return Flow::Deopt;
    }
    // SAFETY: in range, one byte a character.
    let c = unsafe { *s.data_ptr().add(i as usize) };
    let v = r.t().runtime().latin1_char(c).value();
    replace_two(r, v)
}

/// An item of a dict.
#[inline(always)]
pub fn LOAD_DICT_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let (dict, key) = (r.peek(2), r.peek(1));
    if dict.shape() != builtin::shapes::DICT {
        return Flow::Deopt;
    }
    r.save();
    // SAFETY: the shape is a dict's.
    let v = attempt_here!(dict_item(r.t(), unsafe { Ref::from_value(dict) }, key));
    replace_two(r, v)
}

/// Out of line, so that its result comes in registers.
#[inline(never)]
fn dict_item(t: &Thread, dict: Ref<Dict>, key: Value) -> R {
    match dict.get(t, key)? {
        Some(v) => Ok(v),
        None => Err(crate::exc::raise_key_error(t, key)),
    }
}

/// `x[i] = v` of a list that has item `i`. Takes the list's lock.
#[inline(always)]
pub fn STORE_LIST_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let (v, list, i) = (r.peek(3), r.peek(2), r.peek(1));
    if !i.is_int() || i.as_int() < 0 || list.shape() != builtin::shapes::LIST {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a list's.
    let list = unsafe { Ref::<List>::from_value(list) };
    // What is rare is out of line: a handler that calls something saves six registers first.
    let Some(guard) = limpid_heap::try_lock(list.header()) else { return Flow::Slow(store_list_item) };
    let stored = list.set_locked(i.as_int() as usize, v);
    match (guard.try_unlock(), stored) {
        (false, _) => Flow::Slow(unlock_and_store_list_item),
        (true, None) => Flow::Deopt,
        (true, Some(true)) => Flow::Slow(log_list_item),
        (true, Some(false)) => {
            r.drop_n(3);
            Flow::Next
        }
    }
}

unsafe fn store_list_item(r: &mut Regs, _o: u32) -> Step {
    let (v, list, i) = (r.peek(3), r.peek(2), r.peek(1));
    // SAFETY: the handler has looked at the shape.
    if !unsafe { Ref::<List>::from_value(list) }.set(r.t(), i.as_int() as usize, v) {
        // SAFETY: the general form of the same instruction.
        return unsafe { store_subscr(r, 0) };
    }
    r.drop_n(3);
    Step::Next
}

/// Storing once more does no harm.
unsafe fn unlock_and_store_list_item(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the handler holds the lock of its list.
    unsafe {
        limpid_heap::lock::unlock_contended(limpid_heap::cell::header(r.peek(2)));
        store_list_item(r, o)
    }
}

unsafe fn log_list_item(r: &mut Regs, _o: u32) -> Step {
    // SAFETY: the handler has looked at the shape.
    unsafe { Ref::<List>::from_value(r.peek(2)) }.log(r.t(), r.peek(1).as_int() as usize);
    r.drop_n(3);
    Step::Next
}

/// `x[i]` of anything whose type has a slot for it.
#[inline(always)]
pub fn LOAD_NATIVE_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let object = r.peek(2);
    if !object.is_cell() {
        return Flow::Deopt;
    }
    let Some(getitem) = object.class().slots().getitem else { return Flow::Deopt };
    r.save();
    let v = attempt_here!(getitem(r.t(), object, r.peek(1)));
    replace_two(r, v)
}

/// `x[i] = v` of anything whose type has a slot for it.
#[inline(always)]
pub fn STORE_NATIVE_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let object = r.peek(2);
    if !object.is_cell() {
        return Flow::Deopt;
    }
    let Some(setitem) = object.class().slots().setitem else { return Flow::Deopt };
    r.save();
    attempt_here!(setitem(r.t(), object, r.peek(1), r.peek(3)));
    r.drop_n(3);
    Flow::Next
}

/// Stores an item of a dict.
#[inline(always)]
pub fn STORE_DICT_ITEM(r: &mut Regs, _o: u32) -> Flow {
    let dict = r.peek(2);
    if dict.shape() != builtin::shapes::DICT {
        return Flow::Deopt;
    }
    r.save();
    // SAFETY: the shape is a dict's.
    attempt_here!(set_dict_item(r.t(), unsafe { Ref::from_value(dict) }, r.peek(1), r.peek(3)));
    r.drop_n(3);
    Flow::Next
}

/// Out of line: a handler that inlined it would have locals of its own.
#[inline(never)]
fn set_dict_item(t: &Thread, dict: Ref<Dict>, key: Value, v: Value) -> R<()> {
    dict.set_item(t, key, v)
}

unsafe fn call_getitem(r: &mut Regs, o: u32) -> Step {
    let (object, key) = (r.peek(2), r.peek(1));
    let version = r.cache32(4);
    if !object.is_cell() || object.class().version() != version {
        return super::binary_op_missed(r, o);
    }
    // SAFETY: the specializer has put the function there, for this version of the class or a later one.
    let f = unsafe { Ref::<Function>::from_value(object.class().known_getitem.get()) };
    calls::push_call(r, f, &[object, key], Value::NULL, 2, 1 + 5)
}
