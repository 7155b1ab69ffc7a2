//! Locals, constants, the value stack.

use super::{attempt, slow_uops};
use crate::interp::regs::{Flow, Regs, Step};
use crate::object::Ref;
use crate::types::{Str, builtin};
use limpid_bytecode::CommonConstant;
use limpid_heap::Value;

/// Nothing.
#[inline(always)]
pub fn NOTHING(_r: &mut Regs, _o: u32) -> Flow {
    Flow::Next
}

slow_uops! {
    /// A word that is no instruction was reached.
    UNREACHABLE = unreachable_instruction;
}

unsafe fn unreachable_instruction(r: &mut Regs, _: u32) -> Step {
    r.t().raise(crate::exc::SystemError, "unknown opcode");
    Step::Error
}

/// Gives the next instruction more bits of oparg.
#[inline(always)]
pub fn EXTEND_ARG(r: &mut Regs, _o: u32) -> Flow {
    r.skip(1);
    Flow::Extend
}

/// Pushes a local variable that is known to be bound.
#[inline(always)]
pub fn LOAD_LOCAL(r: &mut Regs, o: u32) -> Flow {
    let v = r.local(o);
    r.push(v);
    Flow::Next
}

/// Pushes a local variable, or raises UnboundLocalError.
#[inline(always)]
pub fn LOAD_LOCAL_CHECK(r: &mut Regs, o: u32) -> Flow {
    let v = r.local(o);
    if v.is_null() {
        return Flow::Slow(unbound_local);
    }
    r.push(v);
    Flow::Next
}

unsafe fn unbound_local(r: &mut Regs, o: u32) -> Step {
    let name = r.frame().code().local_name(o as usize);
    // SAFETY: names are strings.
    let text = unsafe { Ref::<Str>::from_value(name) };
    let message = format!("cannot access local variable '{}' where it is not associated with a value", text.to_string_lossy());
    crate::exc::raise_name_error(r.t(), crate::exc::UnboundLocalError, &message, name);
    Step::Error
}

/// Pushes a local variable (or NULL) and unbinds it.
#[inline(always)]
pub fn LOAD_LOCAL_AND_CLEAR(r: &mut Regs, o: u32) -> Flow {
    let v = r.local(o);
    r.push(v);
    r.set_local(o, Value::NULL);
    Flow::Next
}

/// Pushes two local variables.
#[inline(always)]
pub fn LOAD_TWO_LOCALS(r: &mut Regs, o: u32) -> Flow {
    let (a, b) = (r.local(o >> 4), r.local(o & 15));
    r.push(a);
    r.push(b);
    Flow::Next
}

/// Pops into a local variable.
#[inline(always)]
pub fn STORE_LOCAL(r: &mut Regs, o: u32) -> Flow {
    let v = r.pop();
    r.set_local(o, v);
    Flow::Next
}

/// Pops into one local variable and pushes another.
#[inline(always)]
pub fn STORE_LOAD_LOCAL(r: &mut Regs, o: u32) -> Flow {
    let v = r.pop();
    r.set_local(o >> 4, v);
    let v = r.local(o & 15);
    r.push(v);
    Flow::Next
}

/// Pops into two local variables, the first from the top.
#[inline(always)]
pub fn STORE_TWO_LOCALS(r: &mut Regs, o: u32) -> Flow {
    let (a, b) = (r.pop(), r.pop());
    r.set_local(o >> 4, a);
    r.set_local(o & 15, b);
    Flow::Next
}

/// Unbinds a local variable.
#[inline(always)]
pub fn DELETE_LOCAL(r: &mut Regs, o: u32) -> Flow {
    if r.local(o).is_null() {
        return Flow::Slow(unbound_local);
    }
    r.set_local(o, Value::NULL);
    Flow::Next
}

/// Pushes the constant in the cache.
#[inline(always)]
pub fn LOAD_CONSTANT(r: &mut Regs, _o: u32) -> Flow {
    let v = Value::from_bits(r.cache64(1));
    r.push(v);
    Flow::Next
}

/// Pushes the oparg as an int.
#[inline(always)]
pub fn LOAD_SMALL(r: &mut Regs, o: u32) -> Flow {
    r.push(Value::int(o as i64));
    Flow::Next
}

slow_uops! {
    /// Pushes one of the constants that every program uses.
    LOAD_COMMON = load_common;
}

unsafe fn load_common(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let constant = CommonConstant::from_oparg(o).unwrap_or(CommonConstant::AssertionError);
    let v = match constant {
        CommonConstant::AssertionError => crate::exc::AssertionError.value(),
        CommonConstant::NotImplementedError => crate::exc::NotImplementedError.value(),
        CommonConstant::Tuple => builtin::TUPLE.value(),
        CommonConstant::List => builtin::LIST.value(),
        CommonConstant::Set => builtin::SET.value(),
        CommonConstant::All
        | CommonConstant::Any
        | CommonConstant::Max
        | CommonConstant::Min
        | CommonConstant::Sorted
        | CommonConstant::Sum => attempt!(crate::modules::builtin_named(t, constant.name())),
    };
    r.push(v);
    Step::Next
}

/// Drops the top value.
#[inline(always)]
pub fn POP(r: &mut Regs, _o: u32) -> Flow {
    r.drop_n(1);
    Flow::Next
}

/// Drops iterator and position.
#[inline(always)]
pub fn POP_PAIR(r: &mut Regs, _o: u32) -> Flow {
    r.drop_n(2);
    Flow::Next
}

/// Pushes NULL.
#[inline(always)]
pub fn PUSH_NOTHING(r: &mut Regs, _o: u32) -> Flow {
    r.push(Value::NULL);
    Flow::Next
}

/// Pushes the value `o` places from the top.
#[inline(always)]
pub fn COPY_NTH(r: &mut Regs, o: u32) -> Flow {
    let v = r.peek(o as usize);
    r.push(v);
    Flow::Next
}

/// Exchanges the top with the value `o` places from the top.
#[inline(always)]
pub fn SWAP_NTH(r: &mut Regs, o: u32) -> Flow {
    let (top, other) = (r.peek(1), r.peek(o as usize));
    r.poke(1, other);
    r.poke(o as usize, top);
    Flow::Next
}
