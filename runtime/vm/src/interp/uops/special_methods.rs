//! Special methods written in Python, called in place of the instructions that they define: their frames are pushed as those of other calls,
//! over a shim that looks at what they give.
//!
//! Native code would find and call the same methods, but in an interpreter loop of its own, which takes longer, and which traces do not
//! follow.

use super::{Shim, attempt, call_over_shim};
use crate::interp::frame::{Frame, HEADER, OPERATOR_PLACES, Outcome, outcome_pc};
use crate::interp::regs::{Flow, Regs, Step};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{compare, number, truth};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::{Function, flag, int, type_};
use limpid_bytecode::{BinaryOperator, ComparisonArg, Opcode};
use limpid_heap::Value;

/// May a value's class have special methods written in Python?
#[inline(always)]
pub(super) fn has_python_class(v: Value) -> bool {
    v.is_cell() && v.class().has(flag::HEAP_TYPE)
}

/// A special method in place of an instruction.
struct Stand<'a> {
    /// How many operands the instruction takes.
    operands: usize,
    /// How many words it has.
    words: usize,
    f: Ref<Function>,
    args: &'a [Value],
    outcome: Outcome,
    /// What is needed afterwards.
    kept: [Value; OPERATOR_PLACES],
}

/// Pushes the frame of a method over its shim. None: there is no room, or a generator calls; nothing has happened.
fn push(r: &mut Regs, stand: &Stand<'_>) -> Option<Step> {
    if r.frame().is_generator() {
        return None;
    }
    // SAFETY: the shim needs HEADER + 3 values, the operands of the inner call 4 more, which the comparison makes sure of.
    unsafe {
        let base = r.sp.sub(stand.operands);
        if base.add(2 * HEADER + 15 + stand.f.code().frame_values()) > r.t().stack_limit.get() {
            return None;
        }
        let frame = Frame(base.add(HEADER));
        let return_pc = r.pc.add(stand.words);
        for (i, v) in stand.kept.iter().chain(&[stand.f.value()]).chain(stand.args).enumerate() {
            *frame.0.add(i) = *v;
        }
        let shim = Shim { frame, values: OPERATOR_PLACES, code: outcome_pc(stand.outcome), return_pc };
        Some(call_over_shim(r, shim, stand.f, stand.args.len(), Value::NULL))
    }
}

/// Calls the method of the operand that an operator asks first, if that is written in Python. None: nothing has happened.
pub(super) fn call_operator(r: &mut Regs, o: u32) -> Option<Step> {
    let (t, a, b) = (r.t(), r.peek(2), r.peek(1));
    let op = BinaryOperator::from_oparg(o)?;
    let (f, args, outcome) = if !has_python_class(a) {
        if a.is_cell() {
            return None;
        }
        // Numbers that are no cells decline whatever is none.
        (type_::operator(op.plain())?.reflected_method(t, b)?, [b, a], Outcome::Reflected)
    } else if number::has_in_place(op, a) {
        (type_::in_place_method(t, op, a)?, [a, b], Outcome::InPlace)
    } else {
        (type_::operator(op.plain())?.method(t, a, b)?, [a, b], Outcome::Operator)
    };
    let kept = [a, b, Value::int(o as i64)];
    push(r, &Stand { operands: 2, words: 1 + Opcode::BINARY_OP.caches(), f, args: &args, outcome, kept })
}

/// As [`call_operator`], of a comparison.
pub(super) fn call_comparison(r: &mut Regs, o: u32) -> Option<Step> {
    let (a, b) = (r.peek(2), r.peek(1));
    let f = type_::comparison_method(r.t(), a, b, Compare::from_number((o >> 5) as u8))?;
    let kept = [a, b, Value::int(o as i64)];
    push(r, &Stand { operands: 2, words: 1 + Opcode::COMPARE_OP.caches(), f, args: &[a, b], outcome: Outcome::Comparison, kept })
}

/// What is kept of operands that are not needed any more.
const NOTHING: [Value; OPERATOR_PLACES] = [Value::NULL; OPERATOR_PLACES];

/// As [`call_operator`], of the truth of an object.
pub(super) fn call_truth(r: &mut Regs) -> Option<Step> {
    let (t, v) = (r.t(), r.peek(1));
    let (f, outcome) = match v.class().slots().bool {
        Some(_) => (type_::bool_method(t, v)?, Outcome::Truth),
        None => (type_::len_method(t, v)?, Outcome::TruthOfLength),
    };
    push(r, &Stand { operands: 1, words: 1 + Opcode::TO_BOOL.caches(), f, args: &[v], outcome, kept: NOTHING })
}

/// As [`call_operator`], of `len(x)`.
pub(super) fn call_length(r: &mut Regs) -> Option<Step> {
    let v = r.peek(1);
    let f = type_::len_method(r.t(), v)?;
    push(r, &Stand { operands: 3, words: 1 + Opcode::CALL.caches(), f, args: &[v], outcome: Outcome::Length, kept: NOTHING })
}

/// As [`call_operator`], of `in`.
pub(super) fn call_containment(r: &mut Regs, o: u32) -> Option<Step> {
    let (v, container) = (r.peek(2), r.peek(1));
    let f = type_::contains_method(r.t(), container)?;
    let outcome = if o == 0 { Outcome::Found } else { Outcome::NotFound };
    push(r, &Stand { operands: 2, words: 1 + Opcode::CONTAINS_OP.caches(), f, args: &[container, v], outcome, kept: NOTHING })
}

/// As [`call_operator`], of `x[i] = v`.
pub(super) fn call_store(r: &mut Regs) -> Option<Step> {
    let (v, container, key) = (r.peek(3), r.peek(2), r.peek(1));
    let f = type_::store_method(r.t(), container)?;
    let args = &[container, key, v];
    push(r, &Stand { operands: 3, words: 1 + Opcode::STORE_SUBSCR.caches(), f, args, outcome: Outcome::Nothing, kept: NOTHING })
}

/// As [`call_operator`], of `del x[i]`.
pub(super) fn call_deletion(r: &mut Regs) -> Option<Step> {
    let (container, key) = (r.peek(2), r.peek(1));
    let f = type_::deletion_method(r.t(), container)?;
    let args = &[container, key];
    push(r, &Stand { operands: 2, words: 1 + Opcode::DELETE_SUBSCR.caches(), f, args, outcome: Outcome::Nothing, kept: NOTHING })
}

/// As [`call_operator`], of the next item of a loop. The loop ends where unwinding finds the shim.
pub(super) fn call_next(r: &mut Regs, o: u32) -> Option<Step> {
    let it = r.peek(2);
    let f = type_::next_method(r.t(), it)?;
    let kept = [Value::NULL, Value::NULL, Value::int(o as i64)];
    push(r, &Stand { operands: 0, words: 1 + Opcode::FOR_ITER.caches(), f, args: &[it], outcome: Outcome::Item, kept })
}

/// The end of a special method that was called in place of an instruction: makes of what it gives what the instruction would give.
#[inline(always)]
pub fn CHECK_OPERATOR_RESULT(r: &mut Regs, o: u32) -> Flow {
    const OPERATOR: u32 = Outcome::Operator as u32;
    const ITEM: u32 = Outcome::Item as u32;
    const COMPARISON: u32 = Outcome::Comparison as u32;
    const TRUTH: u32 = Outcome::Truth as u32;
    const FOUND: u32 = Outcome::Found as u32;
    let v = r.peek(1);
    let is_plain = match o {
        OPERATOR => v != Value::NOT_IMPLEMENTED,
        COMPARISON | TRUTH | FOUND => v.is_bool(),
        ITEM => true,
        _ => false,
    };
    if !is_plain {
        return Flow::Slow(check_result);
    }
    r.drop_n(OPERATOR_PLACES);
    r.poke(1, v);
    Flow::Next
}

unsafe fn check_result(r: &mut Regs, o: u32) -> Step {
    let outcome = Outcome::from_oparg(o);
    if outcome == Outcome::Nothing {
        // Back to the caller, whose stack gets no value.
        let shim = r.frame();
        r.t().depth.set(r.t().depth.get() - 1);
        // SAFETY: the header lies on the stack below the frame.
        r.sp = unsafe { shim.0.sub(HEADER) };
        r.fp = shim.previous().0;
        r.pc = shim.return_pc();
        return Step::Jump;
    }
    let (kept, v) = ([r.peek(4), r.peek(3), r.peek(2)], r.peek(1));
    let v = attempt!(result(r.t(), outcome, kept, v));
    r.drop_n(OPERATOR_PLACES);
    r.poke(1, v);
    Step::Next
}

fn result(t: &Thread, outcome: Outcome, [a, b, o]: [Value; OPERATOR_PLACES], v: Value) -> R {
    let operator = || BinaryOperator::from_oparg(o.as_int() as u32).unwrap_or(BinaryOperator::Add);
    let has_declined = v == Value::NOT_IMPLEMENTED;
    match outcome {
        Outcome::Operator if has_declined => number::after_left(t, operator(), a, b),
        Outcome::Reflected if has_declined => number::after_both(t, operator(), a, b),
        Outcome::InPlace if has_declined => number::after_in_place(t, operator(), a, b),
        Outcome::Operator | Outcome::Reflected | Outcome::InPlace | Outcome::Item | Outcome::Nothing => Ok(v),
        Outcome::Comparison => {
            let o = o.as_int() as u32;
            let v = if has_declined { compare::after_left(t, a, b, Compare::from_number((o >> 5) as u8))? } else { v };
            if ComparisonArg(o as u8).to_bool() { Ok(Value::bool(truth::truth(t, v)?)) } else { Ok(v) }
        }
        Outcome::Truth => type_::checked_bool(t, v).map(Value::bool),
        Outcome::TruthOfLength => Ok(Value::bool(type_::checked_len(t, v)? != 0)),
        Outcome::Length => Ok(int::from_usize(t, type_::checked_len(t, v)?)),
        Outcome::Found => Ok(Value::bool(truth::truth(t, v)?)),
        Outcome::NotFound => Ok(Value::bool(!truth::truth(t, v)?)),
    }
}
