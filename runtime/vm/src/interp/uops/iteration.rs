//! `for` loops. The iterator and its position are two values on the stack; for exact lists, tuples and ranges that is the container and
//! an index, and no iterator object exists: such an iterator cannot be shared, by construction.

use super::special_methods::{call_next, has_python_class};
use super::{attempt, attempt_here, slow_uops};
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::iter;
use crate::thread::Thread;
use crate::types::iterators::pairs::{NextPair, next_pair};
use crate::types::{Generator, List, Range, Tuple, builtin};
use limpid_bytecode::{INSTRUMENTED, Opcode};
use limpid_heap::{ShapeRef, Value};

/// Is this an exact list, tuple or range that a loop walks by index?
#[inline(always)]
fn is_virtual(shape: ShapeRef) -> bool {
    shape == builtin::shapes::LIST || shape == builtin::shapes::TUPLE || shape == builtin::shapes::RANGE
}

/// A range whose numbers are all inline ints; its fields.
#[inline(always)]
fn is_virtual_value(v: Value) -> bool {
    let shape = v.shape();
    // SAFETY: the shape is a range's.
    is_virtual(shape) && (shape != builtin::shapes::RANGE || unsafe { Ref::<Range>::from_value(v) }.is_small())
}

/// Is this a range that can be walked by index?
pub fn is_small_range(v: Value) -> bool {
    v.shape() == builtin::shapes::RANGE && is_virtual_value(v)
}

slow_uops! {
    /// Starts a loop over anything.
    GET_ITER_GENERIC = get_iter;
    /// The next item of anything.
    FOR_ITER_GENERIC = for_iter;
}

unsafe fn get_iter(r: &mut Regs, o: u32) -> Step {
    specialize::get_iter(r);
    let v = r.peek(1);
    if is_virtual_value(v) {
        if o != 1 {
            r.push(Value::int(0));
        }
        return Step::Next;
    }
    // What a generator expression was called with is an iterator already.
    if o != 2 {
        let it = attempt!(iter::get_iter(r.t(), v));
        r.poke(1, it);
    }
    if o != 1 {
        r.push(Value::NULL);
    }
    Step::Next
}

/// A list, tuple or range: no iterator object.
#[inline(always)]
pub fn MAKE_VIRTUAL_ITERATOR(r: &mut Regs, o: u32) -> Flow {
    if !is_virtual_value(r.peek(1)) {
        return Flow::Deopt;
    }
    if o != 1 {
        r.push(Value::int(0));
    }
    Flow::Next
}

/// A generator: its own iterator.
#[inline(always)]
pub fn ITERATOR_IS_ITSELF(r: &mut Regs, o: u32) -> Flow {
    if r.peek(1).shape() != builtin::shapes::GENERATOR {
        return Flow::Deopt;
    }
    if o != 1 {
        r.push(Value::NULL);
    }
    Flow::Next
}

/// The next item of a virtual iterator, None when it is exhausted.
pub fn next_virtual(t: &Thread, container: Value, index: i64) -> R<Option<Value>> {
    let shape = container.shape();
    // SAFETY: virtual iterators are made of these three only, told apart by shape.
    unsafe {
        if shape == builtin::shapes::LIST {
            return Ok(Ref::<List>::from_value(container).get(index as usize));
        }
        if shape == builtin::shapes::TUPLE {
            let tuple = Ref::<Tuple>::from_value(container);
            return Ok(tuple.as_slice().get(index as usize).copied());
        }
        let range = Ref::<Range>::from_value(container);
        debug_assert!(shape == builtin::shapes::RANGE);
        let _ = t;
        Ok((index < range.small_len()).then(|| range.small_item(index)))
    }
}

unsafe fn for_iter(r: &mut Regs, o: u32) -> Step {
    specialize::for_iter(r);
    if r.peek(1).is_null()
        && has_python_class(r.peek(2))
        && let Some(step) = call_next(r, o)
    {
        return step;
    }
    match attempt!(next_of_loop(r)) {
        Some(v) => {
            r.push(v);
            Step::Next
        }
        None => {
            r.skip(1 + Opcode::FOR_ITER.caches() as isize + o as isize);
            Step::Jump
        }
    }
}

/// The next item of the loop whose iterator and position are on top of the stack; None at its end.
pub fn next_of_loop(r: &mut Regs) -> R<Option<Value>> {
    let (it, position) = (r.peek(2), r.peek(1));
    if position.is_null() {
        return Ok(iter::next(r.t(), it)?.non_null());
    }
    let next = next_virtual(r.t(), it, position.as_int())?;
    // A list that has ended stays ended, also when it grows later: the position goes out of reach.
    r.poke(1, Value::int(if next.is_some() { position.as_int() + 1 } else { Value::INT_MAX }));
    Ok(next)
}

#[inline(always)]
fn exhausted(r: &mut Regs, o: u32) -> Flow {
    r.skip(2 + o as isize);
    Flow::Jump
}

/// The next number of a range.
#[inline(always)]
pub fn NEXT_OF_RANGE(r: &mut Regs, o: u32) -> Flow {
    let (it, position) = (r.peek(2), r.peek(1));
    if it.shape() != builtin::shapes::RANGE {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a range's. It was made a virtual iterator, so its numbers are small.
    let range = unsafe { Ref::<Range>::from_value(it) };
    if range.is_behind(position) {
        return exhausted(r, o);
    }
    let i = position.as_int();
    let v = range.small_item(i);
    r.poke(1, Value::int(i + 1));
    r.push(v);
    Flow::Next
}

/// The next item of a list.
#[inline(always)]
pub fn NEXT_OF_LIST(r: &mut Regs, o: u32) -> Flow {
    let (it, position) = (r.peek(2), r.peek(1));
    if it.shape() != builtin::shapes::LIST || position.is_null() {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a list's.
    let list = unsafe { Ref::<List>::from_value(it) };
    let i = position.as_int();
    match list.get(i as usize) {
        Some(v) => {
            r.poke(1, Value::int(i + 1));
            r.push(v);
            Flow::Next
        }
        None => {
            r.poke(1, Value::int(Value::INT_MAX));
            exhausted(r, o)
        }
    }
}

/// The next item of a tuple.
#[inline(always)]
pub fn NEXT_OF_TUPLE(r: &mut Regs, o: u32) -> Flow {
    let (it, position) = (r.peek(2), r.peek(1));
    if it.shape() != builtin::shapes::TUPLE || position.is_null() {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a tuple's.
    let tuple = unsafe { Ref::<Tuple>::from_value(it) };
    let i = position.as_int();
    if i as usize >= tuple.len() {
        return exhausted(r, o);
    }
    // SAFETY: in range.
    let v = unsafe { *tuple.as_slice().as_ptr().add(i as usize) };
    r.poke(1, Value::int(i + 1));
    r.push(v);
    Flow::Next
}

/// Resumes a generator's frame in front of this one; it yields to the next instruction and returns to the end of the loop.
#[inline(always)]
pub fn RESUME_FOR_GENERATOR(r: &mut Regs, o: u32) -> Flow {
    let it = r.peek(2);
    if it.shape() != builtin::shapes::GENERATOR {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a generator's.
    let g = unsafe { Ref::<Generator>::from_value(it) };
    let t = r.t();
    if t.depth.get() >= t.depth_limit.get() {
        return Flow::Deopt;
    }
    let Ok(before) = g.claim() else { return Flow::Deopt };
    if !g.is_runner(t) {
        g.release(before);
        return Flow::Deopt;
    }
    t.depth.set(t.depth.get() + 1);
    // SAFETY: inside the caller's code.
    let (next, end) = unsafe { (r.pc.add(2), r.pc.add(2 + o as usize)) };
    g.link(t, r.frame(), r.sp, next, end, false);
    r.fp = g.frame().0;
    r.sp = g.sp.get();
    r.pc = g.pc.get();
    r.push(Value::NONE);
    Flow::Jump
}

/// The next pair of an iterator object, taken apart: with the instruction that follows.
#[inline(always)]
pub fn NEXT_PAIR(r: &mut Regs, o: u32) -> Flow {
    const UNPACK: usize = 1 + Opcode::FOR_ITER.caches();
    // SAFETY: the specializer has seen an instruction there.
    if unsafe { r.pc.add(UNPACK).read_volatile() } as u8 == INSTRUMENTED || !r.peek(2).is_cell() {
        return Flow::Deopt;
    }
    r.save();
    // SAFETY: the loop's item takes one place, and its parts the two from there.
    match unsafe { next_pair(r.t(), r.peek(2), r.sp) } {
        NextPair::Pair => {
            // SAFETY: they have been written.
            r.sp = unsafe { r.sp.add(2) };
            r.skip((UNPACK + 1 + Opcode::UNPACK_SEQUENCE.caches()) as isize);
            Flow::Jump
        }
        NextPair::Exhausted => exhausted(r, o),
        NextPair::Raised => Flow::Slow(super::raised),
        NextPair::Unknown => Flow::Deopt,
    }
}

/// The next item of an iterator object with a native `__next__`.
#[inline(always)]
pub fn NEXT_OF_NATIVE(r: &mut Regs, o: u32) -> Flow {
    let it = r.peek(2);
    if !r.peek(1).is_null() || !it.is_cell() {
        return Flow::Deopt;
    }
    let Some(next) = it.class().slots().next else { return Flow::Deopt };
    r.save();
    let v = attempt_here!(next(r.t(), it));
    if v.is_null() {
        return exhausted(r, o);
    }
    r.push(v);
    Flow::Next
}
